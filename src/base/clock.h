/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time, sleep and randomness, passed in so that a test can hold them still. Wall time is UTC in
 * microseconds since 1970; monotonic time is for waits and never goes back.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define MICROSECONDS_PER_SECOND 1000000LL
#define MICROSECONDS_PER_MILLISECOND 1000LL

typedef struct Clock Clock;
struct Clock {
    int64_t (*now_us)(const Clock *clock);
    int64_t (*monotonic_us)(const Clock *clock);
    void (*sleep_us)(const Clock *clock, int64_t duration_us);
    void (*random_bytes)(const Clock *clock, void *bytes, size_t length);
};

/* The machine's own clock and random source. */
extern const Clock SYSTEM_CLOCK;

static inline int64_t clock_now_us(const Clock *clock)
{
    return clock->now_us(clock);
}

static inline int64_t clock_monotonic_us(const Clock *clock)
{
    return clock->monotonic_us(clock);
}

static inline void clock_sleep_us(const Clock *clock, int64_t duration_us)
{
    clock->sleep_us(clock, duration_us);
}

static inline void clock_random_bytes(const Clock *clock, void *bytes, size_t length)
{
    clock->random_bytes(clock, bytes, length);
}

/* CPU time that the calling thread has used. */
int64_t thread_cpu_us(void);

/* 9999-12-31T23:59:59Z in seconds since 1970: later times have no form with a year of four digits,
 * as RFC 3339 and AWS's signatures write it. */
#define YEAR_9999_LAST_SECOND 253402300799LL

/* "2026-01-31T12:00:00.123456Z" (RFC 3339) and its NUL, with room for any int64. */
enum { TIMESTAMP_BYTES = 40 };
void timestamp_format(int64_t at_us, char out[TIMESTAMP_BYTES]);
