/* SPDX-License-Identifier: Apache-2.0 */
/* Keys of a provider: who waits for one that has just been read waits no longer. */
#include "unit_test.h"

#include "auth/key_source.h"

#define ISSUER "https://issuer.example.org"
#define JWKS_URL ISSUER "/keys"
/* The public key of RFC 8037, A.2. */
#define JWKS                                                                                       \
    "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"k1\","                              \
    "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}"

enum { WAITS_MAX = 60000, WAIT_US = 1000 };

static atomic_int reads;

static bool fetch(
    const void *context, const char *url, const atomic_bool *abort, Buffer *body_out, Error *error)
{
    (void)context;
    (void)abort;
    (void)error;
    bool is_jwks = strcmp(url, JWKS_URL) == 0;
    buffer_reset(body_out);
    buffer_string(body_out,
                  is_jwks ? JWKS : "{\"issuer\":\"" ISSUER "\",\"jwks_uri\":\"" JWKS_URL "\"}");
    atomic_fetch_add(&reads, is_jwks ? 1 : 0);
    return true;
}

static atomic_int ready_count;

static void ready(KeyWaiter *waiter)
{
    assert_true(waiter->was_read);
    atomic_fetch_add(&ready_count, 1);
}

static void key_that_has_just_been_read_is_not_waited_for(void **state)
{
    (void)state;
    KeySource *source = NULL;
    Error error = {0};
    assert_true(key_source_start(ISSUER, fetch, NULL, &SYSTEM_CLOCK, &source, &error));
    for (int i = 0; key_source_generation(source) == 0; i++) {
        assert_true(i < WAITS_MAX);
        clock_sleep_us(&SYSTEM_CLOCK, WAIT_US);
    }
    KeyWaiter waiter = {.ready = ready, .key_id = "k1"};
    assert_int_equal(key_source_await(source, &waiter), KEYS_COMING);
    assert_int_equal(ready_count, 1);
    key_source_stop(source);
    assert_int_equal(ready_count, 1);
    assert_int_equal(reads, 1);
    key_source_destroy(source);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(key_that_has_just_been_read_is_not_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
