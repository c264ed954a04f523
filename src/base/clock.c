/* SPDX-License-Identifier: Apache-2.0 */
/* The machine's clock; see clock.h. */
#include "base/clock.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

static int64_t read_clock(clockid_t id)
{
    struct timespec at;
    if (clock_gettime(id, &at) != 0) {
        abort();
    }
    return (int64_t)at.tv_sec * MICROSECONDS_PER_SECOND + at.tv_nsec / 1000;
}

int64_t thread_cpu_us(void)
{
    return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

static int64_t system_now_us(const Clock *clock)
{
    (void)clock;
    return read_clock(CLOCK_REALTIME);
}

static int64_t system_monotonic_us(const Clock *clock)
{
    (void)clock;
    return read_clock(CLOCK_MONOTONIC);
}

static void system_sleep_us(const Clock *clock, int64_t duration_us)
{
    (void)clock;
    struct timespec wait = {.tv_sec = duration_us / MICROSECONDS_PER_SECOND,
                            .tv_nsec = duration_us % MICROSECONDS_PER_SECOND * 1000};
    while (nanosleep(&wait, &wait) != 0 && errno == EINTR) {
    }
}

static void system_random_bytes(const Clock *clock, void *bytes, size_t length)
{
    (void)clock;
    size_t done = 0;
    while (done < length) {
        ssize_t got = getrandom((char *)bytes + done, length - done, 0);
        if (got < 0 && errno != EINTR) {
            abort();
        }
        done += got > 0 ? (size_t)got : 0;
    }
}

const Clock SYSTEM_CLOCK = {
    .now_us = system_now_us,
    .monotonic_us = system_monotonic_us,
    .sleep_us = system_sleep_us,
    .random_bytes = system_random_bytes,
};

void timestamp_format(int64_t at_us, char out[TIMESTAMP_BYTES])
{
    int64_t second = at_us / MICROSECONDS_PER_SECOND;
    int64_t micros = at_us % MICROSECONDS_PER_SECOND;
    if (micros < 0) {
        micros += MICROSECONDS_PER_SECOND;
        second--;
    }
    time_t seconds = (time_t)second;
    struct tm parts;
    gmtime_r(&seconds, &parts);
    char date[21];
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(out, TIMESTAMP_BYTES, "%s.%06dZ", date, (int)micros);
}
