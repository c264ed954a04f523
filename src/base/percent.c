/* SPDX-License-Identifier: Apache-2.0 */
/* Percent-encoding; see percent.h. */
#include "base/percent.h"

static bool is_unreserved(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

static void encode(Buffer *out, Text text, bool keep_slash)
{
    static const char DIGITS[] = "0123456789ABCDEF";
    size_t plain = 0; /* where those begin that stand for themselves: they are written together */
    for (size_t i = 0; i < text.length; i++) {
        char c = text.bytes[i];
        if (is_unreserved(c) || (keep_slash && c == '/')) {
            continue;
        }
        unsigned char byte = (unsigned char)c;
        const char code[3] = {'%', DIGITS[byte >> 4], DIGITS[byte & 0xF]};
        buffer_append(out, text.bytes + plain, i - plain);
        buffer_append(out, code, sizeof code);
        plain = i + 1;
    }
    buffer_append(out, text.bytes + plain, text.length - plain);
}

void percent_encode(Buffer *out, Text text)
{
    encode(out, text, false);
}

void percent_encode_path(Buffer *out, Text path)
{
    encode(out, path, true);
}

static int digit_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

size_t percent_decode(Text text, bool plus_is_space, char *out)
{
    size_t length = 0;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.bytes[i];
        if (c == '%' && text.length - i > 2) {
            int high = digit_value(text.bytes[i + 1]);
            int low = digit_value(text.bytes[i + 2]);
            if (high >= 0 && low >= 0) {
                out[length++] = (char)(high * 16 + low);
                i += 2;
                continue;
            }
        }
        out[length++] = c == '+' && plus_is_space ? ' ' : c;
    }
    return length;
}
