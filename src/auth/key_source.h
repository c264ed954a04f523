/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key source: the keys of an OpenID provider, found by its issuer URL, kept by one thread for
 * all others. It reads them again every few minutes, and soon when a token names a key that it does
 * not know, but at most once in KEY_REFRESH_SECONDS_MIN. A provider that is away is asked with
 * growing pauses; meanwhile the last keys count, for a day at most.
 */
#pragma once
#include <stdatomic.h>
#include <stdint.h>

#include "auth/jwks.h"
#include "base/buffer.h"
#include "base/clock.h"

enum { KEY_REFRESH_SECONDS_MIN = 2, KEY_WAITERS_MAX = 256 };

typedef struct KeySource KeySource;

/* Gets one document; fetch_document, or a test's own. */
typedef bool KeyFetch(
    const void *context, const char *url, const atomic_bool *abort, Buffer *body_out, Error *error);

/* Somebody who waits for the next read of the keys. */
typedef struct KeyWaiter KeyWaiter;
struct KeyWaiter {
    /* Called once: on the source's thread, or before key_source_await returns where the key is
     * there already. */
    void (*ready)(KeyWaiter *waiter);
    KeyWaiter *next;
    uint64_t joined_round;
    bool was_read; /* false: the provider did not answer */
    char key_id[KEY_ID_BYTES];
};

typedef enum KeyAwait {
    KEYS_COMING,  /* ready will be called, or was */
    KEYS_REFUSED, /* the provider has no such key, or too many ask */
    KEYS_AWAY     /* the provider does not answer */
} KeyAwait;

/* Starts the thread; the provider may be away. The arguments are borrowed, `context` is for
 * fetch. */
MUST_CHECK bool key_source_start(const char *issuer,
                                 KeyFetch *fetch,
                                 const void *context,
                                 const Clock *clock,
                                 KeySource **source_out,
                                 Error *error);
/* Ends the thread, whoever waits is called; what else is asked of it finds the provider away. */
void key_source_stop(KeySource *source);
void key_source_destroy(KeySource *source);

/* Changes with the keys; 0: there are none yet. */
uint64_t key_source_generation(const KeySource *source);
/* A copy, keyset_clear; false: there are none, or they are too old. */
MUST_CHECK bool key_source_copy(KeySource *source, KeySet *keys_out);
/* Whether the last keys are too old to count. */
bool key_source_outdated(const KeySource *source);
/* For the key that the waiter names; an empty name waits for any. */
MUST_CHECK KeyAwait key_source_await(KeySource *source, KeyWaiter *waiter);
