/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clients that the embedded issuer knows. All run on the user's own machine and are public:
 * they have no secret, prove themselves by PKCE, and are redirected to the loopback interface
 * alone.
 */
#pragma once
#include <stdbool.h>

#include "base/text.h"

typedef struct OauthClient {
    const char *id;
    const char *name;   /* as people are shown it */
    const char *origin; /* of its redirects; any port follows (RFC 8252, 7.3) */
    const char *path;   /* of its redirects; empty: none, not even a slash */
} OauthClient;

/* NULL: there is none of that id. */
const OauthClient *client_find(Text id);
/* Whether the URI is one that the client registered, byte for byte but for the port. */
bool client_may_redirect(const OauthClient *client, Text redirect_uri);
/* The scope, "offline_access" when none was asked for; NULL: it names what there is not. */
const char *client_scope(Text scope);
