/* SPDX-License-Identifier: Apache-2.0 */
/* Request ids and traces; see trace.h. */
#include "http/trace.h"

#include <string.h>

enum { TRACE_ID_BYTES = 16, PARENT_ID_BYTES = 8, PARENT_AT = 36, FLAGS_AT = 53 };

static void take_random(const Clock *clock, RandomStock *stock, uint8_t *out, size_t length)
{
    if (stock->left < length) {
        clock_random_bytes(clock, stock->bytes, sizeof stock->bytes);
        stock->left = sizeof stock->bytes;
    }
    stock->left -= length;
    memcpy(out, stock->bytes + stock->left, length);
}

static void write_hex(char *out, const uint8_t *bytes, size_t length)
{
    static const char DIGITS[] = "0123456789abcdef";
    for (size_t i = 0; i < length; i++) {
        *out++ = DIGITS[bytes[i] >> 4];
        *out++ = DIGITS[bytes[i] & 0x0F];
    }
}

/* Lower-case digits only, as the specification wants. */
static bool is_hex(const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        bool digit = bytes[i] >= '0' && bytes[i] <= '9';
        if (!digit && (bytes[i] < 'a' || bytes[i] > 'f')) {
            return false;
        }
    }
    return true;
}

static bool is_zero(const char *digits, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (digits[i] != '0') {
            return false;
        }
    }
    return true;
}

/* "00-<32 hex>-<16 hex>-<2 hex>"; a later version may have more behind another '-'. */
static bool is_traceparent(Text text)
{
    if (text.length < TRACEPARENT_CHARACTERS) {
        return false;
    }
    const char *at = text.bytes;
    bool first_version = at[0] == '0' && at[1] == '0';
    if (text.length > TRACEPARENT_CHARACTERS &&
        (first_version || at[TRACEPARENT_CHARACTERS] != '-')) {
        return false;
    }
    return is_hex(at, 2) && !(at[0] == 'f' && at[1] == 'f') && at[2] == '-' &&
           is_hex(at + 3, TRACE_ID_CHARACTERS) && !is_zero(at + 3, TRACE_ID_CHARACTERS) &&
           at[PARENT_AT - 1] == '-' && is_hex(at + PARENT_AT, 2 * PARENT_ID_BYTES) &&
           !is_zero(at + PARENT_AT, 2 * PARENT_ID_BYTES) && at[FLAGS_AT - 1] == '-' &&
           is_hex(at + FLAGS_AT, 2);
}

/* What may stand in a header, a log line and a file name alike. */
static bool is_sane_id(Text id)
{
    if (id.length == 0 || id.length > REQUEST_ID_CHARACTERS_MAX) {
        return false;
    }
    for (size_t i = 0; i < id.length; i++) {
        char c = id.bytes[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && (c == '\0' || strchr("-_.~:+=/@", c) == NULL)) {
            return false;
        }
    }
    return true;
}

/* Of the flags only "sampled", the lowest bit, is ours to pass on. */
static char sampled_flag(char digit)
{
    int value = digit <= '9' ? digit - '0' : digit - 'a' + 10;
    return (value & 1) != 0 ? '1' : '0';
}

void trace_begin(
    Trace *trace, Text request_id, Text traceparent, const Clock *clock, RandomStock *stock)
{
    uint8_t random[TRACE_ID_BYTES + PARENT_ID_BYTES];
    take_random(clock, stock, random, sizeof random);
    random[0] |= 1; /* an id of zeros is not one */
    random[TRACE_ID_BYTES] |= 1;
    bool known = traceparent.bytes != NULL && is_traceparent(traceparent);
    if (known) {
        memcpy(trace->trace_id, traceparent.bytes + 3, TRACE_ID_CHARACTERS);
    } else {
        write_hex(trace->trace_id, random, TRACE_ID_BYTES);
    }
    trace->trace_id[TRACE_ID_CHARACTERS] = '\0';
    memcpy(trace->traceparent, "00-", 3);
    memcpy(trace->traceparent + 3, trace->trace_id, TRACE_ID_CHARACTERS);
    trace->traceparent[PARENT_AT - 1] = '-';
    write_hex(trace->traceparent + PARENT_AT, random + TRACE_ID_BYTES, PARENT_ID_BYTES);
    memcpy(trace->traceparent + FLAGS_AT - 1, "-00", sizeof "-00");
    if (known) {
        trace->traceparent[FLAGS_AT + 1] = sampled_flag(traceparent.bytes[FLAGS_AT + 1]);
    }
    bool sane = request_id.bytes != NULL && is_sane_id(request_id);
    Text id = sane ? request_id : (Text){trace->trace_id, TRACE_ID_CHARACTERS};
    memcpy(trace->request_id, id.bytes, id.length);
    trace->request_id[id.length] = '\0';
}
