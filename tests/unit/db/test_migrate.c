/* SPDX-License-Identifier: Apache-2.0 */
/* Which migrations are missing, and which databases are refused. */
#include "unit_test.h"

#include <stdio.h>

#include "db/migrate.h"

static const EmbeddedFile FILES[] = {{"0001_a.sql", "abc"}, {"0002_b.sql", ""}};

/* SHA-256 of "abc" and of nothing, from FIPS 180-2. */
#define SHA256_ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define SHA256_EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static void checksum_is_sha256(void **state)
{
    (void)state;
    char checksum[MIGRATION_CHECKSUM_BYTES];
    migration_checksum("abc", checksum);
    assert_string_equal(checksum, SHA256_ABC);
}

static void number_stands_in_front_of_the_name(void **state)
{
    (void)state;
    assert_int_equal(migration_number("0012_tables.sql"), 12);
    static const char *const BAD[] = {"",           "12_a.sql",   "00012_a.sql",
                                      "abcd_a.sql", "0000_a.sql", "0001-a.sql"};
    for (size_t i = 0; i < ARRAY_COUNT(BAD); i++) {
        assert_int_equal(migration_number(BAD[i]), 0);
    }
}

static void missing_ones_are_found(void **state)
{
    (void)state;
    const AppliedMigration applied[] = {{1, SHA256_ABC}, {2, SHA256_EMPTY}};
    for (size_t count = 0; count <= ARRAY_COUNT(applied); count++) {
        size_t done = 99;
        Error error = {0};
        assert_true(migrate_plan(FILES, ARRAY_COUNT(FILES), applied, count, &done, &error));
        assert_int_equal(done, count);
    }
}

static void assert_conflict(const AppliedMigration *applied, size_t count)
{
    size_t done = 99;
    Error error = {0};
    assert_false(migrate_plan(FILES, ARRAY_COUNT(FILES), applied, count, &done, &error));
    assert_int_equal(error.code, ERROR_CONFLICT);
    assert_int_equal(done, 99);
}

static void changed_and_newer_ones_are_refused(void **state)
{
    (void)state;
    const AppliedMigration changed[] = {{1, SHA256_EMPTY}};
    const AppliedMigration gap[] = {{2, SHA256_EMPTY}};
    const AppliedMigration newer[] = {{1, SHA256_ABC}, {2, SHA256_EMPTY}, {3, SHA256_ABC}};
    assert_conflict(changed, ARRAY_COUNT(changed));
    assert_conflict(gap, ARRAY_COUNT(gap));
    assert_conflict(newer, ARRAY_COUNT(newer));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checksum_is_sha256),
        cmocka_unit_test(number_stands_in_front_of_the_name),
        cmocka_unit_test(missing_ones_are_found),
        cmocka_unit_test(changed_and_newer_ones_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
