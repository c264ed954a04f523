/* SPDX-License-Identifier: Apache-2.0 */
/* One thread that reads a provider's keys; see key_source.h. */
#include "auth/key_source.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "auth/discovery.h"
#include "base/alloc.h"
#include "base/limits.h"
#include "base/log.h"

enum {
    REFRESH_SECONDS = 300,
    STALE_SECONDS_MAX = 24 * 3600,
    BACKOFF_SECONDS_MIN = 1,
    BACKOFF_SECONDS_MAX = 60,
    DENIED_MAX = 64, /* unknown key ids that are remembered */
    DENIED_SECONDS = 60,
    JITTER_PARTS = 4 /* a pause is up to a quarter shorter */
};

typedef struct DeniedKey {
    char id[KEY_ID_BYTES];
    int64_t until_us;
} DeniedKey;

struct KeySource {
    const char *issuer;
    KeyFetch *fetch;
    const void *fetch_context;
    const Clock *clock;
    atomic_uint_fast64_t generation;
    atomic_int_fast64_t read_at_us; /* monotonic; of the last success */
    atomic_bool stopping;
    pthread_t thread;
    bool thread_runs;
    char *document; /* the JWKS as it was read; the thread's own */
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct {
        KeySet keys;
        int64_t next_at_us; /* of the next read */
        int64_t tried_at_us;
        int failures;   /* since the last success */
        uint64_t round; /* counts the reads */
        KeyWaiter *waiters;
        size_t waiter_count;
        DeniedKey denied[DENIED_MAX];
        size_t denied_next;
    } locked;
};

static int64_t now_us(const KeySource *source)
{
    return clock_monotonic_us(source->clock);
}

static bool knows(const KeySet *keys, const char *key_id)
{
    for (size_t i = 0; i < keys->count; i++) {
        if (strcmp(keys->keys[i].id, key_id) == 0) {
            return true;
        }
    }
    return false;
}

/* Reading. */

static bool read_keys(KeySource *source, KeySet *keys_out, char **document_out, Error *error)
{
    AUTO_BUFFER body;
    buffer_init(&body, JWKS_BYTES_MAX);
    AUTO_FREE char *configuration = discovery_url(source->issuer);
    AUTO_FREE char *jwks = NULL;
    if (!source->fetch(source->fetch_context, configuration, &source->stopping, &body, error) ||
        !discovery_read(buffer_view(&body), source->issuer, "jwks_uri", &jwks, error) ||
        !source->fetch(source->fetch_context, jwks, &source->stopping, &body, error) ||
        !keyset_parse(buffer_view(&body), keys_out, error)) {
        return false;
    }
    *document_out = buffer_take(&body, NULL);
    return true;
}

static int64_t backoff_us(const KeySource *source, int failures)
{
    int64_t seconds = BACKOFF_SECONDS_MIN;
    for (int i = 1; i < failures && seconds < BACKOFF_SECONDS_MAX; i++) {
        seconds *= 2;
    }
    if (seconds > BACKOFF_SECONDS_MAX) {
        seconds = BACKOFF_SECONDS_MAX;
    }
    uint32_t random = 0;
    clock_random_bytes(source->clock, &random, sizeof random);
    int64_t pause_us = seconds * MICROSECONDS_PER_SECOND;
    return pause_us - (int64_t)(random % (uint32_t)(pause_us / JITTER_PARTS));
}

static void note_failure_locked(KeySource *source, const Error *error)
{
    source->locked.failures++;
    source->locked.next_at_us = now_us(source) + backoff_us(source, source->locked.failures);
    log_error(LOG_WARNING, EVENT_KEYS_NOT_READ, error);
}

/* Keys that did not change leave the generation, and with it what was remembered under them. */
static void publish_locked(KeySource *source, KeySet *keys, char **document)
{
    source->locked.failures = 0;
    source->locked.next_at_us = now_us(source) + REFRESH_SECONDS * MICROSECONDS_PER_SECOND;
    atomic_store(&source->read_at_us, now_us(source));
    if (source->document != NULL && strcmp(source->document, *document) == 0) {
        keyset_clear(keys);
        return;
    }
    keyset_clear(&source->locked.keys);
    source->locked.keys = *keys;
    alloc_free(source->document);
    source->document = TAKE(*document);
    atomic_fetch_add(&source->generation, 1);
    log_event(LOG_INFO, EVENT_KEYS_READ, LOG_NUMBER("keys", (int64_t)keys->count));
}

static void deny_locked(KeySource *source, const char *key_id)
{
    DeniedKey *place = &source->locked.denied[source->locked.denied_next];
    source->locked.denied_next = (source->locked.denied_next + 1) % DENIED_MAX;
    memcpy(place->id, key_id, sizeof place->id);
    place->until_us = now_us(source) + DENIED_SECONDS * MICROSECONDS_PER_SECOND;
}

/* A read that began before the waiter came may be older than its key. */
static bool is_settled_locked(const KeySource *source, const KeyWaiter *waiter, bool was_read)
{
    return !was_read || waiter->joined_round < source->locked.round || waiter->key_id[0] == '\0' ||
           knows(&source->locked.keys, waiter->key_id);
}

static void hasten_locked(KeySource *source)
{
    int64_t soon_us =
        source->locked.tried_at_us + KEY_REFRESH_SECONDS_MIN * MICROSECONDS_PER_SECOND;
    if (soon_us < source->locked.next_at_us) {
        source->locked.next_at_us = soon_us;
        pthread_cond_signal(&source->changed);
    }
}

/* Those to be called. Only a key that a good answer lacks is denied. */
static KeyWaiter *take_settled_locked(KeySource *source, bool was_read)
{
    KeyWaiter *settled = NULL;
    KeyWaiter **place = &source->locked.waiters;
    while (*place != NULL) {
        KeyWaiter *waiter = *place;
        if (!is_settled_locked(source, waiter, was_read)) {
            place = &waiter->next;
            hasten_locked(source);
            continue;
        }
        if (was_read && waiter->key_id[0] != '\0' && !knows(&source->locked.keys, waiter->key_id)) {
            deny_locked(source, waiter->key_id);
        }
        *place = waiter->next;
        source->locked.waiter_count--;
        waiter->was_read = was_read;
        waiter->next = settled;
        settled = waiter;
    }
    return settled;
}

static void call_waiters(KeyWaiter *waiter)
{
    while (waiter != NULL) {
        KeyWaiter *next = waiter->next;
        waiter->ready(waiter);
        waiter = next;
    }
}

static void refresh(KeySource *source)
{
    KeySet keys = {.count = 0};
    AUTO_FREE char *document = NULL;
    Error error = {0};
    pthread_mutex_lock(&source->mutex);
    source->locked.round++;
    pthread_mutex_unlock(&source->mutex);
    bool was_read = read_keys(source, &keys, &document, &error);
    pthread_mutex_lock(&source->mutex);
    source->locked.tried_at_us = now_us(source);
    if (was_read) {
        publish_locked(source, &keys, &document);
    } else {
        note_failure_locked(source, &error);
    }
    KeyWaiter *waiters = take_settled_locked(source, was_read);
    pthread_mutex_unlock(&source->mutex);
    call_waiters(waiters);
}

static void wait_until_due(KeySource *source)
{
    pthread_mutex_lock(&source->mutex);
    while (!atomic_load(&source->stopping) && now_us(source) < source->locked.next_at_us) {
        int64_t at_us = source->locked.next_at_us;
        const struct timespec until = {.tv_sec = at_us / MICROSECONDS_PER_SECOND,
                                       .tv_nsec = at_us % MICROSECONDS_PER_SECOND * 1000};
        pthread_cond_timedwait(&source->changed, &source->mutex, &until);
    }
    pthread_mutex_unlock(&source->mutex);
}

static void *keep_keys(void *argument)
{
    KeySource *source = argument;
    while (!atomic_load(&source->stopping)) {
        refresh(source);
        wait_until_due(source);
    }
    return NULL;
}

/* Starting and stopping. */

bool key_source_start(const char *issuer,
                      KeyFetch *fetch,
                      const void *context,
                      const Clock *clock,
                      KeySource **source_out,
                      Error *error)
{
    if (!discovery_check_issuer(issuer, error)) {
        return false;
    }
    KeySource *source = ALLOC_NEW(KeySource);
    source->issuer = issuer;
    source->fetch = fetch;
    source->fetch_context = context;
    source->clock = clock;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&source->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&source->mutex, NULL);
    int failed = pthread_create(&source->thread, NULL, keep_keys, source);
    if (failed != 0) {
        key_source_destroy(source);
        return error_set(error, ERROR_INTERNAL, "cannot start a thread: %s", strerror(failed));
    }
    source->thread_runs = true;
    *source_out = source;
    return true;
}

void key_source_stop(KeySource *source)
{
    if (source == NULL || !source->thread_runs) {
        return;
    }
    pthread_mutex_lock(&source->mutex);
    atomic_store(&source->stopping, true);
    pthread_cond_broadcast(&source->changed);
    pthread_mutex_unlock(&source->mutex);
    pthread_join(source->thread, NULL);
    source->thread_runs = false;
    pthread_mutex_lock(&source->mutex);
    KeyWaiter *waiters = take_settled_locked(source, false);
    pthread_mutex_unlock(&source->mutex);
    call_waiters(waiters);
}

void key_source_destroy(KeySource *source)
{
    if (source != NULL) {
        key_source_stop(source);
        keyset_clear(&source->locked.keys);
        alloc_free(source->document);
        pthread_cond_destroy(&source->changed);
        pthread_mutex_destroy(&source->mutex);
        alloc_free(source);
    }
}

/* What other threads ask. */

uint64_t key_source_generation(const KeySource *source)
{
    return atomic_load(&source->generation);
}

bool key_source_outdated(const KeySource *source)
{
    return now_us(source) - atomic_load(&source->read_at_us) >
           STALE_SECONDS_MAX * MICROSECONDS_PER_SECOND;
}

bool key_source_copy(KeySource *source, KeySet *keys_out)
{
    if (key_source_generation(source) == 0 || key_source_outdated(source)) {
        return false;
    }
    pthread_mutex_lock(&source->mutex);
    keyset_copy(&source->locked.keys, keys_out);
    pthread_mutex_unlock(&source->mutex);
    return true;
}

static bool is_denied_locked(const KeySource *source, const char *key_id)
{
    int64_t at_us = now_us(source);
    for (size_t i = 0; key_id[0] != '\0' && i < DENIED_MAX; i++) {
        const DeniedKey *denied = &source->locked.denied[i];
        if (at_us < denied->until_us && strcmp(denied->id, key_id) == 0) {
            return true;
        }
    }
    return false;
}

static KeyAwait await_locked(KeySource *source, KeyWaiter *waiter)
{
    if (is_denied_locked(source, waiter->key_id) ||
        source->locked.waiter_count >= KEY_WAITERS_MAX) {
        return KEYS_REFUSED;
    }
    if (source->locked.failures > 0 || atomic_load(&source->stopping)) {
        return KEYS_AWAY;
    }
    hasten_locked(source);
    waiter->joined_round = source->locked.round;
    waiter->next = source->locked.waiters;
    source->locked.waiters = waiter;
    source->locked.waiter_count++;
    return KEYS_COMING;
}

KeyAwait key_source_await(KeySource *source, KeyWaiter *waiter)
{
    pthread_mutex_lock(&source->mutex);
    /* It may have been read after the waiter looked for it. */
    bool is_there = waiter->key_id[0] != '\0' && knows(&source->locked.keys, waiter->key_id);
    KeyAwait answer = is_there ? KEYS_COMING : await_locked(source, waiter);
    pthread_mutex_unlock(&source->mutex);
    if (is_there) {
        waiter->was_read = true;
        waiter->ready(waiter);
    }
    return answer;
}
