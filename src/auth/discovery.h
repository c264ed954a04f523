/* SPDX-License-Identifier: Apache-2.0 */
/* The documents by which an OpenID provider tells its keys (OpenID Connect Discovery 1.0). */
#pragma once
#include <stdbool.h>

#include "base/attributes.h"
#include "base/error.h"
#include "base/text.h"

/* "https://issuer/path/.well-known/openid-configuration"; AUTO_FREE. */
char *discovery_url(const char *issuer);
/* That an issuer is an http or https URL without a query or a fragment. */
MUST_CHECK bool discovery_check_issuer(const char *issuer, Error *error);
/* A URL in a provider's configuration (`member`: "jwks_uri", …). Refuses a configuration that is
 * another issuer's (4.3: "The issuer value returned MUST be identical to the Issuer URL"), and a
 * plain http URL of an https issuer. *url_out is AUTO_FREE. */
MUST_CHECK bool discovery_read(
    Text configuration, const char *issuer, const char *member, char **url_out, Error *error);
