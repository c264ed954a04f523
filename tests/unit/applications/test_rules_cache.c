/* SPDX-License-Identifier: Apache-2.0 */
/* Which rules are found again, and that they live as long as somebody uses them. */
#include "unit_test.h"

#include <stdio.h>

#include "applications/rules_cache.h"
#include "base/limits.h"

static InputRules *rules_of(const char *version_id)
{
    InputRules *rules = NULL;
    Error error = {0};
    assert_true(input_rules_create(version_id, "[{\"name\":\"s\",\"metadata_schema\":{}}]",
                                   "{\"s\":\"s\"}", &rules, &error));
    return rules;
}

static void put(RulesCache *cache, VersionChoice choice, const char *version_id)
{
    AUTO_INPUT_RULES *rules = rules_of(version_id);
    rules_cache_put(cache, &choice, rules);
}

static void assert_found(RulesCache *cache, VersionChoice choice, const char *version_id)
{
    AUTO_INPUT_RULES *rules = rules_cache_find(cache, &choice);
    if (version_id == NULL) {
        assert_null(rules);
    } else {
        assert_non_null(rules);
        assert_string_equal(input_rules_version_id(rules), version_id);
    }
}

static void the_organization_counts_only_for_the_latest_version(void **state)
{
    (void)state;
    RulesCache *cache = rules_cache_create();
    put(cache, (VersionChoice){"a", "1.0.0", "one"}, "v1");
    put(cache, (VersionChoice){"a", NULL, "one"}, "v2");
    assert_found(cache, (VersionChoice){"a", "1.0.0", "two"}, "v1");
    assert_found(cache, (VersionChoice){"a", NULL, "one"}, "v2");
    assert_found(cache, (VersionChoice){"a", NULL, "two"}, NULL);
    assert_found(cache, (VersionChoice){"a", "2.0.0", "one"}, NULL);
    assert_found(cache, (VersionChoice){"b", "1.0.0", "one"}, NULL);
    rules_cache_destroy(cache);
}

static void a_newer_version_replaces_the_older(void **state)
{
    (void)state;
    RulesCache *cache = rules_cache_create();
    VersionChoice latest = {"a", NULL, "one"};
    put(cache, latest, "v1");
    AUTO_INPUT_RULES *used = rules_cache_find(cache, &latest);
    put(cache, latest, "v2");
    assert_found(cache, latest, "v2");
    rules_cache_destroy(cache);
    assert_string_equal(input_rules_version_id(used), "v1");
}

static void a_full_cache_forgets_the_oldest(void **state)
{
    (void)state;
    RulesCache *cache = rules_cache_create();
    char number[16];
    for (int i = 0; i <= INPUT_RULES_CACHED_MAX; i++) {
        snprintf(number, sizeof number, "%d", i);
        put(cache, (VersionChoice){"a", number, "one"}, number);
    }
    assert_found(cache, (VersionChoice){"a", "0", "one"}, NULL);
    assert_found(cache, (VersionChoice){"a", "1", "one"}, "1");
    assert_found(cache, (VersionChoice){"a", number, "one"}, number);
    rules_cache_destroy(cache);
}

static void rules_that_cannot_be_read_are_an_error(void **state)
{
    (void)state;
    static const char *const BAD[] = {
        "[", "[{\"metadata_schema\":{}}]", "[{\"name\":\"s\"}]",
        "[{\"name\":\"s\",\"metadata_schema\":{\"type\":\"slide\"}}]"};
    for (size_t i = 0; i < ARRAY_COUNT(BAD); i++) {
        InputRules *rules = NULL;
        Error error = {0};
        assert_false(input_rules_create("v", BAD[i], "{}", &rules, &error));
        assert_null(rules);
        assert_true(error.message[0] != '\0');
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_organization_counts_only_for_the_latest_version),
        cmocka_unit_test(a_newer_version_replaces_the_older),
        cmocka_unit_test(a_full_cache_forgets_the_oldest),
        cmocka_unit_test(rules_that_cannot_be_read_are_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
