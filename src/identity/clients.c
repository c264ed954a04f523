/* SPDX-License-Identifier: Apache-2.0 */
/* The table of clients; see clients.h. */
#include "identity/clients.h"

#include "base/attributes.h"
#include "base/parse.h"

enum { PORT_MAX = 65535 };

static const OauthClient CLIENTS[] = {
    {"slideway", "the command slideway", "http://127.0.0.1", "/callback"},
    {"python-client", "the Python client", "http://localhost", "/"},
    {"typescript-client", "the TypeScript client", "http://localhost", ""},
};

const OauthClient *client_find(Text id)
{
    for (size_t i = 0; i < ARRAY_COUNT(CLIENTS); i++) {
        if (text_is(id, CLIENTS[i].id)) {
            return &CLIENTS[i];
        }
    }
    return NULL;
}

bool client_may_redirect(const OauthClient *client, Text redirect_uri)
{
    size_t origin_length = strlen(client->origin);
    size_t path_length = strlen(client->path);
    if (!text_starts_with(redirect_uri, client->origin) ||
        redirect_uri.length <= origin_length + path_length + 1 ||
        redirect_uri.bytes[origin_length] != ':' || !text_ends_with(redirect_uri, client->path)) {
        return false;
    }
    Text port = {redirect_uri.bytes + origin_length + 1,
                 redirect_uri.length - origin_length - 1 - path_length};
    int64_t number = 0;
    return port.bytes[0] >= '1' && port.bytes[0] <= '9' && parse_int64(port, 1, PORT_MAX, &number);
}

const char *client_scope(Text scope)
{
    static const char *const KNOWN[] = {"openid", "profile", "email", "offline_access"};
    if (scope.length == 0) {
        return "offline_access";
    }
    Text rest = scope;
    while (rest.bytes != NULL) {
        Text word = text_split(&rest, ' ');
        bool is_known = false;
        for (size_t i = 0; i < ARRAY_COUNT(KNOWN); i++) {
            is_known = is_known || text_is(word, KNOWN[i]);
        }
        if (!is_known) {
            return NULL;
        }
    }
    return scope.bytes;
}
