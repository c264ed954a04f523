/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The API's description of itself: the OpenAPI document, and a page to explore it with. The page's
 * program is Swagger UI, whose files an operator may install (docs/dependencies.md); without them
 * the page says so. All of it is read at start-up and served from memory.
 */
#pragma once
#include "base/error.h"
#include "http/endpoint.h"

typedef struct Explorer Explorer;

/* Reads Swagger UI's files from a folder. ERROR_NOT_FOUND names the one that is missing. */
MUST_CHECK bool explorer_open(const char *folder, Explorer **explorer_out, Error *error);
void explorer_close(Explorer *explorer);

extern const Endpoint DESCRIPTION_ENDPOINTS[];
extern const size_t DESCRIPTION_ENDPOINT_COUNT;
