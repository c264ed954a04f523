/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 after RFC 4648: the standard alphabet with padding, and the URL alphabet without. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/text.h"

/* Room for the text of `length` bytes with its NUL. */
#define BASE64_BYTES(length) (((length) + 2) / 3 * 4 + 1)

/* Writes text and NUL to `out`, which holds BASE64_BYTES(length). */
void base64_encode(const void *bytes, size_t length, char *out);
void base64url_encode(const void *bytes, size_t length, char *out);
/* Strict: no white space, no stray bits, padding as the alphabet demands. */
bool base64_decode(Text text, Buffer *out);
bool base64url_decode(Text text, Buffer *out);
