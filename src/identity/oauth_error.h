/* SPDX-License-Identifier: Apache-2.0 */
/* Errors as OAuth clients read them (RFC 6749, 5.2). */
#pragma once
#include "http/response.h"

/* 400 with {"error": code, "error_description": description}. */
void oauth_error(Response *response, const char *code, const char *description);
