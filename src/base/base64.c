/* SPDX-License-Identifier: Apache-2.0 */
/* Base64; see base64.h. */
#include "base/base64.h"

#include <stdint.h>

static const char STANDARD[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char URL_SAFE[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static void encode(const uint8_t *bytes, size_t length, const char *alphabet, bool pad, char *out)
{
    size_t i = 0;
    for (; i + 2 < length; i += 3) {
        uint32_t group = (uint32_t)bytes[i] << 16 | (uint32_t)bytes[i + 1] << 8 | bytes[i + 2];
        *out++ = alphabet[group >> 18];
        *out++ = alphabet[(group >> 12) & 63];
        *out++ = alphabet[(group >> 6) & 63];
        *out++ = alphabet[group & 63];
    }
    if (i < length) {
        bool two = i + 1 < length;
        uint32_t group = (uint32_t)bytes[i] << 16 | (two ? (uint32_t)bytes[i + 1] << 8 : 0);
        *out++ = alphabet[group >> 18];
        *out++ = alphabet[(group >> 12) & 63];
        if (two) {
            *out++ = alphabet[(group >> 6) & 63];
        } else if (pad) {
            *out++ = '=';
        }
        if (pad) {
            *out++ = '=';
        }
    }
    *out = '\0';
}

void base64_encode(const void *bytes, size_t length, char *out)
{
    encode(bytes, length, STANDARD, true, out);
}

void base64url_encode(const void *bytes, size_t length, char *out)
{
    encode(bytes, length, URL_SAFE, false, out);
}

static bool decode(Text text, const char *alphabet, Buffer *out)
{
    uint32_t bits = 0;
    int bit_count = 0;
    for (size_t i = 0; i < text.length; i++) {
        const char *place = text.bytes[i] == '\0' ? NULL : strchr(alphabet, text.bytes[i]);
        if (place == NULL) {
            return false;
        }
        bits = bits << 6 | (uint32_t)(place - alphabet);
        bit_count += 6;
        if (bit_count >= 8) {
            bit_count -= 8;
            buffer_byte(out, (char)(bits >> bit_count));
            bits &= (1U << bit_count) - 1;
        }
    }
    return bit_count < 6 && bits == 0 && !out->overflow;
}

bool base64_decode(Text text, Buffer *out)
{
    if (text.length % 4 != 0) {
        return false;
    }
    for (int i = 0; i < 2 && text.length > 0 && text.bytes[text.length - 1] == '='; i++) {
        text.length--;
    }
    return decode(text, STANDARD, out);
}

bool base64url_decode(Text text, Buffer *out)
{
    return decode(text, URL_SAFE, out);
}
