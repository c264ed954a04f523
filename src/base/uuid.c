/* SPDX-License-Identifier: Apache-2.0 */
/* UUID version 7; see uuid.h. */
#include "base/uuid.h"

#include <stdio.h>

Uuid uuid_create(const Clock *clock)
{
    uint8_t bytes[16];
    clock_random_bytes(clock, bytes, sizeof bytes);
    uint64_t milliseconds = (uint64_t)(clock_now_us(clock) / MICROSECONDS_PER_MILLISECOND);
    for (int i = 0; i < 6; i++) {
        bytes[i] = (uint8_t)(milliseconds >> (8 * (5 - i)));
    }
    bytes[6] = (uint8_t)(0x70 | (bytes[6] & 0x0F));
    bytes[8] = (uint8_t)(0x80 | (bytes[8] & 0x3F));
    Uuid uuid;
    char *place = uuid.text;
    for (int i = 0; i < 16; i++) {
        bool dash = i == 4 || i == 6 || i == 8 || i == 10;
        place += snprintf(place, sizeof("-00"), dash ? "-%02x" : "%02x", bytes[i]);
    }
    return uuid;
}

bool uuid_parse(Text text, Uuid *uuid_out)
{
    if (text.length != UUID_TEXT_BYTES - 1) {
        return false;
    }
    Uuid uuid = {.text = {0}};
    for (size_t i = 0; i < text.length; i++) {
        char c = text.bytes[i];
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        bool digit = c >= '0' && c <= '9';
        bool lower = c >= 'a' && c <= 'f';
        bool upper = c >= 'A' && c <= 'F';
        if (dash ? c != '-' : !(digit || lower || upper)) {
            return false;
        }
        uuid.text[i] = upper ? (char)(c - 'A' + 'a') : c;
    }
    *uuid_out = uuid;
    return true;
}
