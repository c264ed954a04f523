/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A limit on the requests of each caller: a token bucket that fills `per_second` tokens a second up
 * to `burst`. Each shard counts for itself, so that shards share nothing: a caller with one
 * connection has one bucket, one with many connections at most one for each shard.
 *
 * A bucket is kept as the time at which it will be full again. One that is full says as much as
 * none, so the table has a fixed size and old callers leave it by themselves.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef struct RateRules {
    unsigned per_second; /* 0: no limit */
    unsigned burst;
} RateRules;

typedef struct RateLimiter RateLimiter;

RateLimiter *rate_limiter_create(const RateRules *rules);
void rate_limiter_destroy(RateLimiter *limiter);
/* Takes one token of the caller: 0, or the microseconds until there is one again. */
int64_t rate_limiter_take(RateLimiter *limiter, const char *caller, int64_t now_us);
