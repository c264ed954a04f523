/* SPDX-License-Identifier: Apache-2.0 */
/* Reading headers; see headers.h. */
#include "http/headers.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <strings.h>

#include "base/parse.h"

typedef struct KnownHeader {
    const char *name;
    size_t length;
    size_t offset;
    bool once; /* sent twice it says nothing: empty, which is never valid */
} KnownHeader;

#define HEADER(name, field) name, sizeof(name) - 1, offsetof(RequestHeaders, field)

static const KnownHeader KNOWN[] = {
    {HEADER("Authorization", authorization), false},
    {HEADER("Content-Length", content_length), true},
    {HEADER("Transfer-Encoding", transfer_encoding), false},
    {HEADER("Accept", accept), false},
    {HEADER("X-Request-Id", request_id), true},
    {HEADER("traceparent", traceparent), true},
    {HEADER("If-None-Match", if_none_match), false},
    {HEADER("Idempotency-Key", idempotency_key), true},
    {HEADER("Cookie", cookie), true},
};

/* NOLINTNEXTLINE(readability-function-size): libmicrohttpd sets the parameters. */
static enum MHD_Result take_header(void *argument,
                                   enum MHD_ValueKind kind,
                                   const char *name,
                                   size_t name_length,
                                   const char *value,
                                   size_t value_length)
{
    (void)kind;
    for (size_t i = 0; i < ARRAY_COUNT(KNOWN); i++) {
        if (name_length != KNOWN[i].length || strcasecmp(name, KNOWN[i].name) != 0) {
            continue;
        }
        Text *place = (Text *)(void *)((char *)argument + KNOWN[i].offset);
        if (place->bytes == NULL) {
            *place = value == NULL ? TEXT("") : (Text){value, value_length};
        } else if (KNOWN[i].once) {
            *place = TEXT("");
        }
        break;
    }
    return MHD_YES;
}

void headers_read(struct MHD_Connection *connection, RequestHeaders *headers_out)
{
    *headers_out = (RequestHeaders){.authorization = {NULL, 0}};
    MHD_get_connection_values_n(connection, MHD_HEADER_KIND, take_header, headers_out);
}

void headers_read_address(struct MHD_Connection *connection, char out[ADDRESS_BYTES])
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    out[0] = '\0';
    if (info != NULL && info->client_addr->sa_family == AF_INET) {
        const struct sockaddr_in *peer = (const void *)info->client_addr;
        inet_ntop(AF_INET, &peer->sin_addr, out, ADDRESS_BYTES);
    } else if (info != NULL && info->client_addr->sa_family == AF_INET6) {
        const struct sockaddr_in6 *peer = (const void *)info->client_addr;
        inet_ntop(AF_INET6, &peer->sin6_addr, out, ADDRESS_BYTES);
    }
}

/* Whether the parameters of a media type hold q=0. */
static bool is_refused(Text parameters)
{
    while (parameters.bytes != NULL) {
        Text value = text_split(&parameters, ';');
        Text name = text_trim(text_split(&value, '='));
        double quality = 1;
        if ((text_is(name, "q") || text_is(name, "Q")) &&
            parse_double(text_trim(value), &quality)) {
            return quality <= 0;
        }
    }
    return false;
}

bool accept_names(Text accept, const char *media_type)
{
    size_t length = strlen(media_type);
    while (accept.bytes != NULL) {
        Text parameters = text_split(&accept, ',');
        Text name = text_trim(text_split(&parameters, ';'));
        if (name.length == length && strncasecmp(name.bytes, media_type, length) == 0) {
            return !is_refused(parameters);
        }
    }
    return false;
}
