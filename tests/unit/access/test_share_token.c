/* SPDX-License-Identifier: Apache-2.0 */
/* Share tokens: their form, and what the database knows of them. */
#include "unit_test.h"

#include <string.h>

#include "access/share_token.h"

static void fill_with_ones(const Clock *clock, void *bytes, size_t length)
{
    (void)clock;
    memset(bytes, 0xFF, length);
}

static void token_holds_256_random_bits(void **state)
{
    (void)state;
    const Clock ones = {.random_bytes = fill_with_ones};
    /* 32 bytes of 0xFF are 256 bits: 42 times six of them, and a last character with four. */
    assert_string_equal(share_token_create(&ones).text,
                        "shr___________________________________________8");
}

static void two_tokens_differ(void **state)
{
    (void)state;
    Secret first = share_token_create(&SYSTEM_CLOCK);
    Secret second = share_token_create(&SYSTEM_CLOCK);
    assert_string_not_equal(first.text, second.text);
}

static void hash_is_sha_256_in_hex(void **state)
{
    (void)state;
    AUTO_ARENA arena;
    arena_init(&arena);
    /* printf shr_abc | sha256sum */
    assert_string_equal(share_token_hash(TEXT("shr_abc"), &arena),
                        "86fbe4151e5d0d8dd3f3797173ca1f58967a9d12e211d18f8f85fba8f3f02491");
    /* Of the whole text, also where it holds what no token does. */
    assert_string_not_equal(share_token_hash((Text){"shr_abc\0d", 9}, &arena),
                            share_token_hash(TEXT("shr_abc"), &arena));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(token_holds_256_random_bits),
        cmocka_unit_test(two_tokens_differ),
        cmocka_unit_test(hash_is_sha_256_in_hex),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
