/* SPDX-License-Identifier: Apache-2.0 */
/* Where a monitor may not listen. What it answers is tested over real programs. */
#include "unit_test.h"

#include <string.h>

#include "http/monitor.h"

static void an_address_without_its_port_is_refused_by_the_settings_name(void **state)
{
    (void)state;
    static const char *const REFUSED[] = {
        "9464",        "127.0.0.1",       "127.0.0.1:",   ":9464",
        "127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:9x", "127.0.0.1:-9464",
        "::1:9464",    "[]:9464",         "[::1]",        "127.0.0.1:9464/metrics"};
    for (size_t i = 0; i < sizeof REFUSED / sizeof REFUSED[0]; i++) {
        const MonitorOptions options = {.listen = REFUSED[i]};
        Monitor *monitor = NULL;
        Error error = {0};
        assert_false(monitor_start(&options, &monitor, &error));
        assert_int_equal(error.code, ERROR_INVALID);
        assert_non_null(strstr(error.message, "SLIDEWAY_METRICS_LISTEN"));
        assert_non_null(strstr(error.message, REFUSED[i]));
    }
}

static void a_name_is_not_looked_up(void **state)
{
    (void)state;
    const MonitorOptions options = {.listen = "localhost:9464"};
    Monitor *monitor = NULL;
    Error error = {0};
    assert_false(monitor_start(&options, &monitor, &error));
    assert_int_equal(error.code, ERROR_INVALID);
    assert_non_null(strstr(error.message, "localhost"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_without_its_port_is_refused_by_the_settings_name),
        cmocka_unit_test(a_name_is_not_looked_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
