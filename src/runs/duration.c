/* SPDX-License-Identifier: Apache-2.0 */
/* Texts of durations; see duration.h. */
#include "runs/duration.h"

#include <stdio.h>

#include "base/clock.h"

enum { SECONDS_PER_DAY = 86400, SECONDS_PER_HOUR = 3600, SECONDS_PER_MINUTE = 60 };

void duration_format(int64_t duration_us, char out[DURATION_BYTES])
{
    int64_t left_us = duration_us > 0 ? duration_us : 0;
    long long seconds = (long long)(left_us / MICROSECONDS_PER_SECOND);
    long long microseconds = (long long)(left_us % MICROSECONDS_PER_SECOND);
    long long days = seconds / SECONDS_PER_DAY;
    char prefix[32] = "";
    char fraction[16] = "";
    if (days > 0) {
        snprintf(prefix, sizeof prefix, "%lld %s, ", days, days == 1 ? "day" : "days");
    }
    if (microseconds > 0) {
        snprintf(fraction, sizeof fraction, ".%06lld", microseconds);
    }
    seconds %= SECONDS_PER_DAY;
    snprintf(out, DURATION_BYTES, "%s%lld:%02lld:%02lld%s", prefix, seconds / SECONDS_PER_HOUR,
             seconds / SECONDS_PER_MINUTE % 60, seconds % 60, fraction);
}
