/* SPDX-License-Identifier: Apache-2.0 */
/* Token buckets; see rate_limit.h. */
#include "http/rate_limit.h"

#include "base/alloc.h"
#include "base/clock.h"

/* A power of two; callers beyond it make the fullest bucket near theirs be forgotten. */
enum { BUCKETS_MAX = 4096, PROBES_MAX = 8 };

typedef struct Bucket {
    uint64_t caller; /* hash of the name */
    int64_t full_at_us;
} Bucket;

struct RateLimiter {
    int64_t token_us;   /* the time in which one token comes */
    int64_t deficit_us; /* the time in which an empty bucket fills */
    Bucket buckets[BUCKETS_MAX];
};

RateLimiter *rate_limiter_create(const RateRules *rules)
{
    RateLimiter *limiter = ALLOC_NEW(RateLimiter);
    if (rules->per_second > 0) {
        int64_t token_us = MICROSECONDS_PER_SECOND / rules->per_second;
        limiter->token_us = token_us > 0 ? token_us : 1;
        limiter->deficit_us = limiter->token_us * (rules->burst > 0 ? rules->burst : 1);
    }
    return limiter;
}

void rate_limiter_destroy(RateLimiter *limiter)
{
    alloc_free(limiter);
}

/* FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/); its last step is that of MurmurHash3, since
 * short names leave the upper bits alike. */
static uint64_t hash_of(const char *name)
{
    uint64_t hash = 0xcbf29ce484222325U;
    for (; *name != '\0'; name++) {
        hash = (hash ^ (unsigned char)*name) * 0x100000001b3U;
    }
    hash = (hash ^ hash >> 33) * 0xff51afd7ed558ccdU;
    return hash ^ hash >> 33;
}

/* The caller's bucket; a full one when it had none. */
static Bucket *find(RateLimiter *limiter, uint64_t caller, int64_t now_us)
{
    Bucket *fullest = NULL;
    for (uint64_t i = 0; i < PROBES_MAX; i++) {
        Bucket *bucket = &limiter->buckets[(caller + i) % BUCKETS_MAX];
        if (bucket->caller == caller) {
            return bucket;
        }
        if (fullest == NULL || bucket->full_at_us < fullest->full_at_us) {
            fullest = bucket;
        }
    }
    *fullest = (Bucket){.caller = caller, .full_at_us = now_us};
    return fullest;
}

int64_t rate_limiter_take(RateLimiter *limiter, const char *caller, int64_t now_us)
{
    if (limiter->token_us == 0) {
        return 0;
    }
    Bucket *bucket = find(limiter, hash_of(caller), now_us);
    int64_t full_at_us = bucket->full_at_us > now_us ? bucket->full_at_us : now_us;
    int64_t wait_us = full_at_us + limiter->token_us - limiter->deficit_us - now_us;
    if (wait_us > 0) {
        return wait_us;
    }
    bucket->full_at_us = full_at_us + limiter->token_us;
    return 0;
}
