/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers from text; see parse.h. */
#include "base/parse.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"

enum { NUMBER_BYTES_MAX = 64 };

bool parse_int64(Text text, int64_t minimum, int64_t maximum, int64_t *value_out)
{
    char digits[NUMBER_BYTES_MAX];
    if (text.length == 0 || !text_copy(text, digits, sizeof digits)) {
        return false;
    }
    for (size_t i = 0; i < text.length; i++) {
        bool sign = i == 0 && digits[i] == '-' && text.length > 1;
        if (!sign && (digits[i] < '0' || digits[i] > '9')) {
            return false;
        }
    }
    errno = 0;
    long long value = strtoll(digits, NULL, 10);
    if (errno != 0 || value < minimum || value > maximum) {
        return false;
    }
    *value_out = value;
    return true;
}

bool parse_double(Text text, double *value_out)
{
    char digits[NUMBER_BYTES_MAX];
    if (text.length == 0 || !text_copy(text, digits, sizeof digits)) {
        return false;
    }
    if (strspn(digits, "0123456789+-.eE") != text.length) {
        return false;
    }
    char *end = NULL;
    errno = 0;
    double value = strtod(digits, &end);
    if (*end != '\0' || errno != 0 || !isfinite(value)) {
        return false;
    }
    *value_out = value;
    return true;
}

/* Reads exactly `count` digits at the front of *rest. */
static bool take_digits(Text *rest, size_t count, int64_t maximum, int64_t *value_out)
{
    if (rest->length < count || !parse_int64((Text){rest->bytes, count}, 0, maximum, value_out)) {
        return false;
    }
    *rest = text_from(*rest, count);
    return true;
}

static bool take_byte(Text *rest, const char *accepted)
{
    if (rest->length == 0 || rest->bytes[0] == '\0' || strchr(accepted, rest->bytes[0]) == NULL) {
        return false;
    }
    *rest = text_from(*rest, 1);
    return true;
}

static bool take_fraction(Text *rest, int64_t *micros_out)
{
    int64_t micros = 0;
    int64_t weight = MICROSECONDS_PER_SECOND / 10;
    size_t digits = 0;
    while (rest->length > 0 && rest->bytes[0] >= '0' && rest->bytes[0] <= '9') {
        micros += (rest->bytes[0] - '0') * weight;
        weight /= 10;
        digits++;
        *rest = text_from(*rest, 1);
    }
    *micros_out = micros;
    return digits > 0;
}

static bool take_offset(Text *rest, int64_t *seconds_out)
{
    *seconds_out = 0;
    if (take_byte(rest, "Zz")) {
        return true;
    }
    int64_t hours = 0;
    int64_t minutes = 0;
    bool west = rest->length > 0 && rest->bytes[0] == '-';
    if (!take_byte(rest, "+-") || !take_digits(rest, 2, 23, &hours) || !take_byte(rest, ":") ||
        !take_digits(rest, 2, 59, &minutes)) {
        return false;
    }
    *seconds_out = (hours * 3600 + minutes * 60) * (west ? -1 : 1);
    return true;
}

bool parse_timestamp(Text text, int64_t *at_us_out)
{
    int64_t year = 0;
    int64_t month = 0;
    int64_t day = 0;
    int64_t hour = 0;
    int64_t minute = 0;
    int64_t second = 0;
    int64_t micros = 0;
    int64_t offset_seconds = 0;
    Text rest = text;
    bool date = take_digits(&rest, 4, 9999, &year) && take_byte(&rest, "-") &&
                take_digits(&rest, 2, 12, &month) && take_byte(&rest, "-") &&
                take_digits(&rest, 2, 31, &day) && take_byte(&rest, "Tt ");
    bool time = date && take_digits(&rest, 2, 23, &hour) && take_byte(&rest, ":") &&
                take_digits(&rest, 2, 59, &minute) && take_byte(&rest, ":") &&
                take_digits(&rest, 2, 60, &second);
    if (!time || (take_byte(&rest, ".") && !take_fraction(&rest, &micros)) ||
        !take_offset(&rest, &offset_seconds) || rest.length > 0 || month == 0 || day == 0) {
        return false;
    }
    struct tm parts = {.tm_year = (int)year - 1900, .tm_mon = (int)month - 1, .tm_mday = (int)day};
    time_t midnight = timegm(&parts);
    if (parts.tm_mday != (int)day) {
        return false; /* 30 February and its like */
    }
    int64_t seconds = (int64_t)midnight + hour * 3600 + minute * 60 + second - offset_seconds;
    *at_us_out = seconds * MICROSECONDS_PER_SECOND + micros;
    return true;
}
