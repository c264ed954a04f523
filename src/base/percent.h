/* SPDX-License-Identifier: Apache-2.0 */
/* Percent-encoding of URLs (RFC 3986). */
#pragma once
#include <stdbool.h>

#include "base/buffer.h"
#include "base/text.h"

/* Appends the text with everything but the unreserved characters encoded. */
void percent_encode(Buffer *out, Text text);
/* As percent_encode, but '/' stays as it is: for a path of several segments. */
void percent_encode_path(Buffer *out, Text path);
/* Decodes into `out`, which holds text.length bytes, and returns the length. A '%' that no two
 * hexadecimal digits follow stands for itself. */
size_t percent_decode(Text text, bool plus_is_space, char *out);
