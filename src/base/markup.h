/* SPDX-License-Identifier: Apache-2.0 */
/* Text within HTML and XML. */
#pragma once
#include "base/buffer.h"

/* Appends the text with `& < > " '` escaped: it is content, or an attribute's value in quotes, and
 * nothing in it is markup. */
void markup_escape(Buffer *out, Text text);
