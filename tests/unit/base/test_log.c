/* SPDX-License-Identifier: Apache-2.0 */
/* What a log line must not say. */
#include "unit_test.h"

#include "base/log.h"

static void assert_redacted(const char *text, const char *expected)
{
    AUTO_BUFFER out;
    buffer_init(&out, 4096);
    log_redact(&out, text);
    assert_string_equal(buffer_to_string(&out), expected);
}

static void secrets_in_urls_are_hidden(void **state)
{
    (void)state;
    assert_redacted("GET /v1/runs/1?share_token=shr_abc&page=2",
                    "GET /v1/runs/1?share_token=***&page=2");
    assert_redacted("http://h/objects/a?expires=1&signature=q-_Z09",
                    "http://h/objects/a?expires=1&signature=***");
    assert_redacted("https://s3/x?X-Amz-Signature=00ff&X-Amz-Date=1",
                    "https://s3/x?X-Amz-Signature=***&X-Amz-Date=1");
    assert_redacted("'https://blob/x?sv=1&SIG=a%2Fb' failed",
                    "'https://blob/x?sv=1&SIG=***' failed");
}

static void tokens_are_hidden_wherever_they_stand(void **state)
{
    (void)state;
    assert_redacted("the token shr_abcDEF is unknown", "the token shr_*** is unknown");
    assert_redacted("Authorization: Bearer a.b.c, then", "Authorization: Bearer ***, then");
    assert_redacted("share_token=a share_token=b", "share_token=*** share_token=***");
}

static void other_text_stays(void **state)
{
    (void)state;
    assert_redacted("", "");
    assert_redacted("run 17: the signature does not match", "run 17: the signature does not match");
    assert_redacted("share_token", "share_token");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(secrets_in_urls_are_hidden),
        cmocka_unit_test(tokens_are_hidden_wherever_they_stand),
        cmocka_unit_test(other_text_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
