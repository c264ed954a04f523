/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entity tags of answers (RFC 9110, 8.8.3): strong, made from every byte of the body. Signed URLs
 * in a body change only when their window does (see server.h), so the tag covers that window too.
 */
#pragma once
#include <stdbool.h>

#include "base/text.h"

/* Two quotes, 32 hex digits and the NUL. */
enum { ETAG_BYTES = 35 };

void etag_of(Text body, char out[ETAG_BYTES]);
/* Whether If-Match or If-None-Match (bytes == NULL: not sent) holds the tag or '*'. */
bool etag_is_listed(Text list, const char *etag);
