/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules for inputs of the versions that runs were lately made of. What is found here is a guess
 * at the version that a request means, no permission to use it: the statement that makes the run
 * finds the version by itself and says so when it is another one. May be used by several threads.
 */
#pragma once
#include "applications/input_rules.h"

typedef struct RulesCache RulesCache;

/* What a request names. */
typedef struct VersionChoice {
    const char *application_id;
    const char *number;          /* NULL: the latest one that the organization sees */
    const char *organization_id; /* only then of interest */
} VersionChoice;

RulesCache *rules_cache_create(void);
void rules_cache_destroy(RulesCache *cache);
/* A reference to release, or NULL. */
InputRules *rules_cache_find(RulesCache *cache, const VersionChoice *choice);
/* Keeps a reference of its own. */
void rules_cache_put(RulesCache *cache, const VersionChoice *choice, InputRules *rules);
