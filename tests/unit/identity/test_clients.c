/* SPDX-License-Identifier: Apache-2.0 */
/* Which redirects and scopes a client may ask for. */
#include "unit_test.h"

#include "base/attributes.h"
#include "identity/clients.h"

static bool may_redirect(const char *id, const char *uri)
{
    const OauthClient *client = client_find(text_of(id));
    assert_non_null(client);
    return client_may_redirect(client, text_of(uri));
}

static void any_port_of_the_loopback_is_taken_and_nothing_else_differs(void **state)
{
    (void)state;
    assert_true(may_redirect("python-client", "http://localhost:8989/"));
    assert_true(may_redirect("python-client", "http://localhost:1/"));
    assert_true(may_redirect("python-client", "http://localhost:65535/"));
    assert_true(may_redirect("typescript-client", "http://localhost:49152"));
    assert_true(may_redirect("slideway", "http://127.0.0.1:49152/callback"));
    static const char *const WRONG[] = {
        "",
        "http://localhost",
        "http://localhost/",
        "http://localhost:/",
        "http://localhost:0/",
        "http://localhost:01/",
        "http://localhost:65536/",
        "http://localhost:99999999999999999999/",
        "http://localhost:-1/",
        "http://localhost:+1/",
        "http://localhost: 1/",
        "http://localhost:1",
        "http://localhost:1//",
        "http://localhost:1/x/",
        "http://localhost:1@evil.test/",
        "http://localhost:1.evil.test/",
        "http://localhost.evil.test:1/",
        "http://127.0.0.1:1/",
        "https://localhost:1/",
    };
    for (size_t i = 0; i < ARRAY_COUNT(WRONG); i++) {
        assert_false(may_redirect("python-client", WRONG[i]));
    }
    assert_false(may_redirect("typescript-client", "http://localhost:1/"));
    assert_false(may_redirect("slideway", "http://127.0.0.1:1/callback/x"));
}

static void unknown_clients_are_not_found(void **state)
{
    (void)state;
    assert_null(client_find(TEXT("")));
    assert_null(client_find((Text){NULL, 0}));
    assert_null(client_find(TEXT("Slideway")));
}

static void scopes_are_known_words(void **state)
{
    (void)state;
    assert_string_equal(client_scope((Text){NULL, 0}), "offline_access");
    assert_string_equal(client_scope(TEXT("openid email")), "openid email");
    static const char *const WRONG[] = {"admin", "openid admin", "openid  email", " openid",
                                        "openid,email"};
    for (size_t i = 0; i < ARRAY_COUNT(WRONG); i++) {
        assert_null(client_scope(text_of(WRONG[i])));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_port_of_the_loopback_is_taken_and_nothing_else_differs),
        cmocka_unit_test(unknown_clients_are_not_found),
        cmocka_unit_test(scopes_are_known_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
