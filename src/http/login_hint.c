/* SPDX-License-Identifier: Apache-2.0 */
/* The hint for clients; see login_hint.h. */
#include "http/login_hint.h"

#include "http/server.h"

static const Statement *
bind_hint(const Endpoint *endpoint, Request *request, Parameters *parameters, Response *response)
{
    (void)endpoint;
    (void)parameters;
    const ServerContext *context = request->context;
    JsonWriter writer;
    response_begin(response, 200, &writer);
    writer_begin_object(&writer);
    writer_key_string(&writer, "issuer", context->login.issuer);
    writer_key_string(&writer, "audience", context->login.audience);
    writer_key_string(&writer, "client_id", context->login.client_id);
    writer_key_string(&writer, "scope", context->login.scope);
    writer_end_object(&writer);
    return NULL;
}

const Endpoint LOGIN_HINT_ENDPOINTS[] = {
    {"GET", "/.well-known/slideway", PERMISSION_PUBLIC, NULL, bind_hint, NULL, NULL},
};
const size_t LOGIN_HINT_ENDPOINT_COUNT = ARRAY_COUNT(LOGIN_HINT_ENDPOINTS);
