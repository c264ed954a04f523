/* SPDX-License-Identifier: Apache-2.0 */
/* Passwords and secrets by their hashes. */
#include "unit_test.h"

#include "auth/password.h"
#include "auth/secret.h"

/* Made by the command `argon2` of Debian with these parameters and the salt "somesalt12345678". */
#define KNOWN                                                                                      \
    "$argon2id$v=19$m=65536,t=3,p=1$c29tZXNhbHQxMjM0NTY3OA$YISwh0rVqlq2f+"                         \
    "DvgHRnWBu155ujenIWmS8BXMk/g9o"

static void known_hash_fits_its_password_alone(void **state)
{
    (void)state;
    assert_true(password_fits(TEXT("correct horse"), KNOWN));
    assert_false(password_fits(TEXT("correct horsf"), KNOWN));
    assert_false(password_fits(TEXT(""), KNOWN));
    assert_false(password_fits(TEXT("correct horse"), NULL));
    assert_false(password_fits(TEXT("correct horse"), "no hash"));
}

static void password_has_another_hash_each_time(void **state)
{
    (void)state;
    PasswordHash first;
    PasswordHash second;
    Error error = {0};
    assert_true(password_hash(TEXT("correct horse"), &SYSTEM_CLOCK, &first, &error));
    assert_true(password_hash(TEXT("correct horse"), &SYSTEM_CLOCK, &second, &error));
    assert_string_not_equal(first.text, second.text);
    assert_memory_equal(first.text, KNOWN, strlen("$argon2id$v=19$m=65536,t=3,p=1$"));
    assert_true(password_fits(TEXT("correct horse"), first.text));
}

static void length_of_a_password_is_bounded(void **state)
{
    (void)state;
    char text[PASSWORD_BYTES_MAX + 1];
    memset(text, 'x', sizeof text);
    PasswordHash hash;
    Error error = {0};
    assert_false(password_hash(TEXT("7 bytes"), &SYSTEM_CLOCK, &hash, &error));
    assert_int_equal(error.code, ERROR_INVALID);
    assert_false(password_hash((Text){text, sizeof text}, &SYSTEM_CLOCK, &hash, &error));
    assert_true(password_hash((Text){text, sizeof text - 1}, &SYSTEM_CLOCK, &hash, &error));
}

/* FIPS 180-4, the example "abc". */
static void secret_is_known_by_its_sha256(void **state)
{
    (void)state;
    SecretHash hash = secret_hash(TEXT("abc"));
    assert_string_equal(hash.hex,
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    Secret first = secret_create(&SYSTEM_CLOCK, "slk_");
    Secret second = secret_create(&SYSTEM_CLOCK, "slk_");
    assert_int_equal(strlen(first.text), 4 + 43);
    assert_memory_equal(first.text, "slk_", 4);
    assert_string_not_equal(first.text, second.text);
    assert_true(secret_equal(TEXT("ab"), TEXT("ab")));
    assert_false(secret_equal(TEXT("ab"), TEXT("ac")));
    assert_false(secret_equal(TEXT("ab"), TEXT("abc")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_hash_fits_its_password_alone),
        cmocka_unit_test(password_has_another_hash_each_time),
        cmocka_unit_test(length_of_a_password_is_bounded),
        cmocka_unit_test(secret_is_known_by_its_sha256),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
