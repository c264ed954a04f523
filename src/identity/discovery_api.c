/* SPDX-License-Identifier: Apache-2.0 */
/* What the embedded issuer tells of itself: configuration, keys, and who a token's bearer is. */
#include "base/attributes.h"
#include "identity/identity_api.h"
#include "identity/local_issuer.h"

static void write_list(JsonWriter *writer, const char *key, const char *const *values)
{
    writer_key(writer, key);
    writer_begin_array(writer);
    for (; *values != NULL; values++) {
        writer_string(writer, *values);
    }
    writer_end_array(writer);
}

static const Statement *bind_configuration(const Endpoint *endpoint,
                                           Request *request,
                                           Parameters *parameters,
                                           Response *response)
{
    (void)endpoint;
    (void)parameters;
    static const struct {
        const char *name;
        const char *path;
    } PLACES[] = {
        {"issuer", ""},
        {"authorization_endpoint", "authorize"},
        {"token_endpoint", "oauth/token"},
        {"device_authorization_endpoint", "oauth/device/code"},
        {"revocation_endpoint", "oauth/revoke"},
        {"userinfo_endpoint", "userinfo"},
        {"end_session_endpoint", "logout"},
        {"jwks_uri", ".well-known/jwks.json"},
    };
    JsonWriter writer;
    response_begin(response, 200, &writer);
    writer_begin_object(&writer);
    for (size_t i = 0; i < ARRAY_COUNT(PLACES); i++) {
        writer_key_string(&writer, PLACES[i].name, local_issuer_url(request, PLACES[i].path));
    }
    write_list(&writer, "response_types_supported", (const char *[]){"code", NULL});
    write_list(&writer, "response_modes_supported", (const char *[]){"query", NULL});
    write_list(&writer, "grant_types_supported",
               (const char *[]){"authorization_code", "refresh_token",
                                "urn:ietf:params:oauth:grant-type:device_code", NULL});
    write_list(&writer, "code_challenge_methods_supported", (const char *[]){"S256", NULL});
    write_list(&writer, "token_endpoint_auth_methods_supported", (const char *[]){"none", NULL});
    write_list(&writer, "subject_types_supported", (const char *[]){"public", NULL});
    write_list(&writer, "id_token_signing_alg_values_supported", (const char *[]){"RS256", NULL});
    write_list(&writer, "scopes_supported",
               (const char *[]){"openid", "profile", "email", "offline_access", NULL});
    writer_end_object(&writer);
    return NULL;
}

static const Statement *
bind_keys(const Endpoint *endpoint, Request *request, Parameters *parameters, Response *response)
{
    (void)endpoint;
    (void)parameters;
    JsonWriter writer;
    response_begin(response, 200, &writer);
    writer_raw(&writer, text_of(local_issuer_of(request)->jwks));
    return NULL;
}

static void write_known(JsonWriter *writer, const char *key, const char *value)
{
    if (value[0] != '\0') {
        writer_key_string(writer, key, value);
    }
}

static const Statement *bind_userinfo(const Endpoint *endpoint,
                                      Request *request,
                                      Parameters *parameters,
                                      Response *response)
{
    (void)endpoint;
    (void)parameters;
    JsonWriter writer;
    response_begin(response, 200, &writer);
    response->no_store = true;
    writer_begin_object(&writer);
    writer_key_string(&writer, "sub", request->principal.user_id);
    writer_key_string(&writer, "org_id", request->principal.organization_id);
    write_known(&writer, "email", request->principal.email);
    write_known(&writer, "name", request->principal.name);
    writer_end_object(&writer);
    return NULL;
}

const Endpoint DISCOVERY_ENDPOINTS[] = {
    {"GET", "/.well-known/openid-configuration", PERMISSION_PUBLIC, NULL, bind_configuration, NULL,
     NULL},
    /* Where the TypeScript client looks, which knows an issuer by ".../oauth". */
    {"GET", "/oauth/.well-known/openid-configuration", PERMISSION_PUBLIC, NULL, bind_configuration,
     NULL, NULL},
    {"GET", "/.well-known/jwks.json", PERMISSION_PUBLIC, NULL, bind_keys, NULL, NULL},
    {"GET", "/userinfo", PERMISSION_USER, NULL, bind_userinfo, NULL, NULL},
};
const size_t DISCOVERY_ENDPOINT_COUNT = ARRAY_COUNT(DISCOVERY_ENDPOINTS);
