/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The headers that the server acts upon, read once in one pass. The texts live as long as the
 * request; bytes == NULL where a header was not sent.
 */
#pragma once
#include <microhttpd.h>

#include "http/request.h"

void headers_read(struct MHD_Connection *connection, RequestHeaders *headers_out);
/* The peer's address as text; empty when it has none. */
void headers_read_address(struct MHD_Connection *connection, char out[ADDRESS_BYTES]);

/* Whether an Accept header names the media type ("application/problem+json") itself, and does not
 * refuse it by q=0; a wildcard does not name it. */
bool accept_names(Text accept, const char *media_type);
