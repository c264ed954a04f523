/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The headers that the server acts upon, read once in one pass. The texts live as long as the
 * request; bytes == NULL where a header was not sent.
 */
#pragma once
#include <microhttpd.h>

#include "http/request.h"

void headers_read(struct MHD_Connection *connection, RequestHeaders *headers_out);

/* Whether an Accept header names the media type ("application/problem+json") itself, and does not
 * refuse it by q=0; a wildcard does not name it. */
bool accept_names(Text accept, const char *media_type);
