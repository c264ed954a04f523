/* SPDX-License-Identifier: Apache-2.0 */
/* See markup.h. */
#include "base/markup.h"

void markup_escape(Buffer *out, Text text)
{
    for (size_t i = 0; i < text.length; i++) {
        switch (text.bytes[i]) {
        case '&':
            buffer_string(out, "&amp;");
            break;
        case '<':
            buffer_string(out, "&lt;");
            break;
        case '>':
            buffer_string(out, "&gt;");
            break;
        case '"':
            buffer_string(out, "&quot;");
            break;
        case '\'':
            buffer_string(out, "&#39;");
            break;
        default:
            buffer_byte(out, text.bytes[i]);
        }
    }
}
