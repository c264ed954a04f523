/* SPDX-License-Identifier: Apache-2.0 */
/* Rules by what requests name; see rules_cache.h. */
#include "applications/rules_cache.h"

#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"

typedef struct Entry {
    char *key; /* NULL: free */
    InputRules *rules;
} Entry;

struct RulesCache {
    pthread_mutex_t mutex;
    struct {
        Entry entries[INPUT_RULES_CACHED_MAX];
        size_t next; /* to be replaced when all are taken */
    } locked;
};

RulesCache *rules_cache_create(void)
{
    RulesCache *cache = ALLOC_NEW(RulesCache);
    pthread_mutex_init(&cache->mutex, NULL);
    return cache;
}

static void clear_entry(Entry *entry)
{
    alloc_free(entry->key);
    input_rules_release(entry->rules);
    *entry = (Entry){.key = NULL};
}

void rules_cache_destroy(RulesCache *cache)
{
    if (cache == NULL) {
        return;
    }
    for (size_t i = 0; i < INPUT_RULES_CACHED_MAX; i++) {
        clear_entry(&cache->locked.entries[i]);
    }
    pthread_mutex_destroy(&cache->mutex);
    alloc_free(cache);
}

/* Two choices with the same key would only be bad guesses for one another. */
static char *key_of(const VersionChoice *choice)
{
    return choice->number != NULL
               ? alloc_format("%s\n%s", choice->application_id, choice->number)
               : alloc_format("%s\n\n%s", choice->application_id, choice->organization_id);
}

static Entry *find_locked(RulesCache *cache, const char *key)
{
    for (size_t i = 0; i < INPUT_RULES_CACHED_MAX; i++) {
        Entry *entry = &cache->locked.entries[i];
        if (entry->key != NULL && strcmp(entry->key, key) == 0) {
            return entry;
        }
    }
    return NULL;
}

InputRules *rules_cache_find(RulesCache *cache, const VersionChoice *choice)
{
    AUTO_FREE char *key = key_of(choice);
    pthread_mutex_lock(&cache->mutex);
    Entry *entry = find_locked(cache, key);
    InputRules *rules = entry == NULL ? NULL : input_rules_acquire(entry->rules);
    pthread_mutex_unlock(&cache->mutex);
    return rules;
}

void rules_cache_put(RulesCache *cache, const VersionChoice *choice, InputRules *rules)
{
    char *key = key_of(choice);
    pthread_mutex_lock(&cache->mutex);
    Entry *entry = find_locked(cache, key);
    if (entry == NULL) {
        entry = &cache->locked.entries[cache->locked.next];
        cache->locked.next = (cache->locked.next + 1) % INPUT_RULES_CACHED_MAX;
    }
    clear_entry(entry);
    *entry = (Entry){key, input_rules_acquire(rules)};
    pthread_mutex_unlock(&cache->mutex);
}
