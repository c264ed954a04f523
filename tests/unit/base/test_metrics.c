/* SPDX-License-Identifier: Apache-2.0 */
/* What is counted, and how it is written. Metrics are of the process: the tests share them, each
 * counts into metrics of its own. */
#include "unit_test.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/metrics.h"

static const char *const OPERATIONS[] = {"none", "GET /v1/runs", "PUT /v1/\"quoted\\path\""};

/* All lines of the metric whose name begins so, comments too. */
static void assert_lines(const char *name, const char *expected)
{
    AUTO_BUFFER all;
    AUTO_BUFFER found;
    buffer_init(&all, 1 << 20);
    buffer_init(&found, 1 << 20);
    metrics_write(&all);
    assert_false(all.overflow);
    Text rest = buffer_view(&all);
    while (rest.length > 0) {
        Text line = text_split(&rest, '\n');
        Text of = line;
        if (text_starts_with(line, "# HELP ") || text_starts_with(line, "# TYPE ")) {
            of = text_from(line, strlen("# HELP "));
        }
        if (text_starts_with(of, name)) {
            buffer_text(&found, line);
            buffer_byte(&found, '\n');
        }
    }
    assert_string_equal(buffer_to_string(&found), expected);
}

static void a_program_without_metrics_counts_and_writes_nothing(void **state)
{
    (void)state;
    metric_add(METRIC_HTTP_OPEN, 0, 1);
    metric_observe(METRIC_POOL_WAIT_SECONDS, 0, 1);
    AUTO_BUFFER out;
    buffer_init(&out, 1 << 20);
    metrics_write(&out);
    assert_int_equal(out.length, 0);
    metrics_open(METRIC_SERVER, OPERATIONS, ARRAY_COUNT(OPERATIONS));
    assert_lines(
        "slideway_http_requests_open",
        "# HELP slideway_http_requests_open Requests between their first line and the last "
        "byte of their answer.\n"
        "# TYPE slideway_http_requests_open gauge\n"
        "slideway_http_requests_open 0\n");
}

static void metrics_of_another_program_are_not_written(void **state)
{
    (void)state;
    metric_add(METRIC_ATTEMPTS, OUTCOME_RETRY, 1);
    assert_lines("slideway_attempts", "");
    assert_lines("slideway_workers", "");
}

static void *count_many(void *nothing)
{
    (void)nothing;
    for (int i = 0; i < 10000; i++) {
        metric_add(METRIC_HTTP_BYTES, DIRECTION_IN, 3);
        metric_add(METRIC_STATEMENTS_RUNNING, CLASS_WRITE, 1);
        metric_observe(METRIC_STATEMENT_WAIT_SECONDS, CLASS_READ, 700);
    }
    metric_add(METRIC_STATEMENTS_RUNNING, CLASS_WRITE, -9999);
    return NULL;
}

static void threads_lose_no_count(void **state)
{
    (void)state;
    enum { THREADS = 24 };
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, count_many, NULL), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_lines("slideway_http_body_bytes_total{",
                 "slideway_http_body_bytes_total{direction=\"in\"} 720000\n"
                 "slideway_http_body_bytes_total{direction=\"out\"} 0\n");
    assert_lines("slideway_statements_running{",
                 "slideway_statements_running{class=\"read\"} 0\n"
                 "slideway_statements_running{class=\"write\"} 24\n"
                 "slideway_statements_running{class=\"filter\"} 0\n"
                 "slideway_statements_running{class=\"search\"} 0\n");
    assert_lines("slideway_statement_wait_seconds_count{class=\"read\"}",
                 "slideway_statement_wait_seconds_count{class=\"read\"} 240000\n");
    assert_lines("slideway_statement_wait_seconds_sum{class=\"read\"}",
                 "slideway_statement_wait_seconds_sum{class=\"read\"} 168.000000\n");
}

static void buckets_are_cumulative_and_take_their_bound(void **state)
{
    (void)state;
    const int64_t durations_us[] = {-5, 0, 500, 501, 1000, 249999, 10000000, 10000001, 86400000000};
    for (size_t i = 0; i < ARRAY_COUNT(durations_us); i++) {
        metric_observe(METRIC_POOL_WAIT_SECONDS, 0, durations_us[i]);
    }
    assert_lines("slideway_pool_wait_seconds",
                 "# HELP slideway_pool_wait_seconds How long large bodies waited for a thread of "
                 "the pool.\n"
                 "# TYPE slideway_pool_wait_seconds histogram\n"
                 "slideway_pool_wait_seconds_bucket{le=\"0.0005\"} 3\n"
                 "slideway_pool_wait_seconds_bucket{le=\"0.001\"} 5\n"
                 "slideway_pool_wait_seconds_bucket{le=\"0.0025\"} 5\n"
                 "slideway_pool_wait_seconds_bucket{le=\"0.005\"} 5\n"
                 "slideway_pool_wait_seconds_bucket{le=\"0.01\"} 5\n"
                 "slideway_pool_wait_seconds_bucket{le=\"0.025\"} 5\n"
                 "slideway_pool_wait_seconds_bucket{le=\"0.05\"} 5\n"
                 "slideway_pool_wait_seconds_bucket{le=\"0.1\"} 5\n"
                 "slideway_pool_wait_seconds_bucket{le=\"0.25\"} 6\n"
                 "slideway_pool_wait_seconds_bucket{le=\"0.5\"} 6\n"
                 "slideway_pool_wait_seconds_bucket{le=\"1\"} 6\n"
                 "slideway_pool_wait_seconds_bucket{le=\"2.5\"} 6\n"
                 "slideway_pool_wait_seconds_bucket{le=\"5\"} 6\n"
                 "slideway_pool_wait_seconds_bucket{le=\"10\"} 7\n"
                 "slideway_pool_wait_seconds_bucket{le=\"+Inf\"} 9\n"
                 "slideway_pool_wait_seconds_sum 86420.252001\n"
                 "slideway_pool_wait_seconds_count 9\n");
}

static void of_many_series_those_are_written_that_happened(void **state)
{
    (void)state;
    assert_lines("slideway_http_requests_total{", "");
    metric_add(METRIC_HTTP_REQUESTS, metric_series(METRIC_HTTP_REQUESTS, 1, metric_status(200)), 2);
    metric_add(METRIC_HTTP_REQUESTS, metric_series(METRIC_HTTP_REQUESTS, 0, metric_status(404)), 1);
    metric_add(METRIC_HTTP_REQUESTS, metric_series(METRIC_HTTP_REQUESTS, 2, metric_status(418)), 5);
    assert_lines("slideway_http_requests_total{",
                 "slideway_http_requests_total{operation=\"none\",status=\"404\"} 1\n"
                 "slideway_http_requests_total{operation=\"GET /v1/runs\",status=\"200\"} 2\n"
                 "slideway_http_requests_total{operation=\"PUT /v1/\\\"quoted\\\\path\\\"\","
                 "status=\"other\"} 5\n");
}

static void every_known_status_has_its_own_series(void **state)
{
    (void)state;
    assert_int_equal(metric_status(200), STATUS_200);
    assert_int_equal(metric_status(503), STATUS_503);
    assert_int_equal(metric_status(299), STATUS_OTHER);
    assert_int_equal(metric_status(0), STATUS_OTHER);
    assert_int_equal(metric_status(-1), STATUS_OTHER);
    assert_int_equal(metric_status(2000), STATUS_OTHER);
}

static void samples_are_escaped(void **state)
{
    (void)state;
    AUTO_BUFFER out;
    buffer_init(&out, 4096);
    metrics_write_head(&out, METRIC_QUEUE_ITEMS);
    metrics_write_sample(&out, METRIC_QUEUE_ITEMS, "a \"b\" \\ c\nd é", 12);
    metrics_write_sample(&out, METRIC_DATABASE_UP, NULL, 1);
    assert_string_equal(buffer_to_string(&out),
                        "# HELP slideway_queue_items Items that wait for a worker; of the whole "
                        "platform, the same from every server.\n"
                        "# TYPE slideway_queue_items gauge\n"
                        "slideway_queue_items{organization=\"a \\\"b\\\" \\\\ c\\nd é\"} 12\n"
                        "slideway_database_up 1\n");
}

static void too_small_a_buffer_overflows(void **state)
{
    (void)state;
    AUTO_BUFFER out;
    buffer_init(&out, 100);
    metrics_write(&out);
    assert_true(out.overflow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_program_without_metrics_counts_and_writes_nothing),
        cmocka_unit_test(metrics_of_another_program_are_not_written),
        cmocka_unit_test(threads_lose_no_count),
        cmocka_unit_test(buckets_are_cumulative_and_take_their_bound),
        cmocka_unit_test(of_many_series_those_are_written_that_happened),
        cmocka_unit_test(every_known_status_has_its_own_series),
        cmocka_unit_test(samples_are_escaped),
        cmocka_unit_test(too_small_a_buffer_overflows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
