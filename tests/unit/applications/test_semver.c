/* SPDX-License-Identifier: Apache-2.0 */
/* Semantic versions: the specification's own lists of valid, invalid and ordered numbers. */
#include "unit_test.h"

#include <string.h>

#include "applications/semver.h"

static void valid_numbers_are_accepted(void **state)
{
    (void)state;
    static const char *const GOOD[] = {
        "0.0.4",
        "1.2.3",
        "10.20.30",
        "1.1.2-prerelease+meta",
        "1.0.0-alpha.beta",
        "1.0.0-0A.is.legal",
        "1.0.0-rc.1+build.1",
        "1.2.3----RC-SNAPSHOT.12.9.1--.12+788",
        "1.0.0+0.build.1-rc.10000aaa-kk-0.1",
        "99999999999999999999999.999999999999999999.99999999999999999",
        "1.0.0-sl+4"};
    for (size_t i = 0; i < sizeof GOOD / sizeof GOOD[0]; i++) {
        assert_true(semver_is_valid(text_of(GOOD[i])));
    }
}

static void invalid_numbers_are_refused(void **state)
{
    (void)state;
    static const char *const BAD[] = {
        "",           "1",        "1.2",       "1.2.3-0123",       "1.2.3-0123.0123",
        "1.1.2+.123", "+invalid", "alpha",     "1.0.0-alpha_beta", "1.0.0-alpha..",
        "01.1.1",     "1.01.1",   "1.1.01",    "1.2.3.DEV",        "v1.0.0",
        "1.2.3-",     "1.2.3+",   "1.0.0+a+b", "-1.0.3",           " 1.0.0"};
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
        assert_false(semver_is_valid(text_of(BAD[i])));
    }
}

static void precedence_follows_section_11(void **state)
{
    (void)state;
    static const char *const RISING[] = {"0.9.9",
                                         "1.0.0-0",
                                         "1.0.0-2",
                                         "1.0.0-11",
                                         "1.0.0-alpha",
                                         "1.0.0-alpha.1",
                                         "1.0.0-alpha.beta",
                                         "1.0.0-alpha-x",
                                         "1.0.0-beta",
                                         "1.0.0-beta.2",
                                         "1.0.0-beta.11",
                                         "1.0.0-rc.1",
                                         "1.0.0",
                                         "1.0.1",
                                         "1.2.0",
                                         "1.10.0",
                                         "2.0.0",
                                         "10.0.0"};
    char before[1024] = "";
    for (size_t i = 0; i < sizeof RISING / sizeof RISING[0]; i++) {
        AUTO_BUFFER key;
        buffer_init(&key, 1024);
        semver_precedence(text_of(RISING[i]), &key);
        assert_true(strcmp(before, buffer_to_string(&key)) < 0);
        memcpy(before, buffer_to_string(&key), key.length + 1);
    }
}

static void build_metadata_does_not_count(void **state)
{
    (void)state;
    AUTO_BUFFER one;
    AUTO_BUFFER other;
    buffer_init(&one, 1024);
    buffer_init(&other, 1024);
    semver_precedence(TEXT("1.0.0-rc.1+a"), &one);
    semver_precedence(TEXT("1.0.0-rc.1+b"), &other);
    assert_true(text_equal(buffer_view(&one), buffer_view(&other)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(valid_numbers_are_accepted),
        cmocka_unit_test(invalid_numbers_are_refused),
        cmocka_unit_test(precedence_follows_section_11),
        cmocka_unit_test(build_metadata_does_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
