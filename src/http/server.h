/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every handler may use besides its request: Request.context points to a ServerContext, the
 * same read-only one for all shards.
 */
#pragma once
#include <stdbool.h>

#include "base/clock.h"
#include "http/description.h"
#include "http/login_hint.h"
#include "http/request.h"
#include "objectstore/sign.h"

struct RulesCache;
struct LocalIssuer;
struct BucketSeal;

typedef struct ServerContext {
    const Clock *clock;
    const UrlSigner *signer;
    const Explorer *explorer;         /* NULL: not installed */
    struct RulesCache *rules;         /* of application versions; has a lock, see applications/ */
    const char *error_threshold;      /* of applications that have none of their own; NULL: none */
    const struct LocalIssuer *issuer; /* NULL: tokens come from elsewhere; see identity/ */
    LoginHint login;
    const struct BucketSeal *bucket_seal; /* of the secrets of buckets; see buckets/ */
    bool gives_buckets;                   /* to organisations that the operator gave none */
} ServerContext;

/* A URL that downloads an object for the next `seconds` or up to half an hour longer (it changes
 * only twice an hour, see etag.h), in the request's arena. `file_name` is
 * what the client is asked to call the file (Content-Disposition); NULL: nothing is said. */
const char *server_sign_download(const Request *request,
                                 const char *object_key,
                                 const char *file_name,
                                 int64_t seconds);
/* What a download offers besides the bytes. */
typedef struct ServedObject {
    const char *object_key;
    const char *file_name;  /* as above */
    const char *media_type; /* NULL: it is not told */
} ServedObject;

/* As server_sign_download, with the media type. */
const char *server_sign_object(const Request *request, const ServedObject *object, int64_t seconds);
/* A URL that takes one object by PUT for the next `seconds`, in the request's arena. */
const char *server_sign_upload(const Request *request, const char *object_key, int64_t seconds);
