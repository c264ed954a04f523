/* SPDX-License-Identifier: Apache-2.0 */
/* Signed URLs for handlers; see server.h. */
#include "http/server.h"

#include "base/limits.h"

/* A download expires at the end of a window: within one, everybody gets the same URL. */
enum { WINDOW_SECONDS = 1800 };

static int64_t seconds_from_now(const Request *request, int64_t seconds)
{
    const ServerContext *context = request->context;
    return clock_now_us(context->clock) / MICROSECONDS_PER_SECOND + seconds;
}

static const char *sign(const Request *request, UrlGrant grant)
{
    const ServerContext *context = request->context;
    AUTO_BUFFER url;
    buffer_init(&url, SIGNED_URL_BYTES_MAX);
    url_sign(context->signer, &grant, &url);
    /* The arena is the request's own memory; const only says that the answer is not changed. */
    Arena *arena = (Arena *)&request->arena;
    return arena_string(arena, buffer_view(&url));
}

const char *server_sign_object(const Request *request, const ServedObject *object, int64_t seconds)
{
    int64_t earliest = seconds_from_now(request, seconds);
    int64_t until = (earliest + WINDOW_SECONDS - 1) / WINDOW_SECONDS * WINDOW_SECONDS;
    UrlGrant grant = {.method = URL_GET,
                      .object_key = object->object_key,
                      .file_name = object->file_name,
                      .expires_at_seconds = until,
                      .media_type = object->media_type,
                      /* Before now, and the same for all that end together. */
                      .signed_at_seconds = until - seconds - WINDOW_SECONDS};
    return sign(request, grant);
}

const char *server_sign_download(const Request *request,
                                 const char *object_key,
                                 const char *file_name,
                                 int64_t seconds)
{
    const ServedObject object = {.object_key = object_key, .file_name = file_name};
    return server_sign_object(request, &object, seconds);
}

const char *server_sign_upload(const Request *request, const char *object_key, int64_t seconds)
{
    UrlGrant grant = {.method = URL_PUT,
                      .object_key = object_key,
                      .expires_at_seconds = seconds_from_now(request, seconds),
                      .signed_at_seconds = seconds_from_now(request, 0)};
    return sign(request, grant);
}
