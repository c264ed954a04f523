/* SPDX-License-Identifier: Apache-2.0 */
/* Where a client signs in for this platform: GET /.well-known/slideway, which asks for no token. */
#pragma once
#include "http/endpoint.h"

/* What it tells. */
typedef struct LoginHint {
    const char *issuer;
    const char *audience;
    const char *client_id;
    const char *scope;
} LoginHint;

extern const Endpoint LOGIN_HINT_ENDPOINTS[];
extern const size_t LOGIN_HINT_ENDPOINT_COUNT;
