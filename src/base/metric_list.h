/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The metrics of the programs and the values of their labels. Names follow
 * https://prometheus.io/docs/practices/naming/: base units, _total for what only grows. A label's
 * values are this list, the server's endpoints or a bounded number of organisations; never a text
 * that a client chose. docs/operations.md shows this list as a table, and a test compares the two.
 */
#pragma once

#define LABEL_NONE_VALUES(VALUE)
/* Of the API's endpoints: given to metrics_open. */
#define LABEL_OPERATION_VALUES(VALUE)
/* Chosen by whoever writes the samples. */
#define LABEL_ORGANIZATION_VALUES(VALUE)

#define LABEL_STATUS_VALUES(VALUE)                                                                 \
    VALUE(STATUS_200, "200")                                                                       \
    VALUE(STATUS_201, "201")                                                                       \
    VALUE(STATUS_202, "202")                                                                       \
    VALUE(STATUS_204, "204")                                                                       \
    VALUE(STATUS_206, "206")                                                                       \
    VALUE(STATUS_302, "302")                                                                       \
    VALUE(STATUS_304, "304")                                                                       \
    VALUE(STATUS_307, "307")                                                                       \
    VALUE(STATUS_400, "400")                                                                       \
    VALUE(STATUS_401, "401")                                                                       \
    VALUE(STATUS_403, "403")                                                                       \
    VALUE(STATUS_404, "404")                                                                       \
    VALUE(STATUS_405, "405")                                                                       \
    VALUE(STATUS_409, "409")                                                                       \
    VALUE(STATUS_410, "410")                                                                       \
    VALUE(STATUS_412, "412")                                                                       \
    VALUE(STATUS_413, "413")                                                                       \
    VALUE(STATUS_414, "414")                                                                       \
    VALUE(STATUS_416, "416")                                                                       \
    VALUE(STATUS_422, "422")                                                                       \
    VALUE(STATUS_429, "429")                                                                       \
    VALUE(STATUS_500, "500")                                                                       \
    VALUE(STATUS_503, "503")                                                                       \
    VALUE(STATUS_OTHER, "other")

#define LABEL_METHOD_VALUES(VALUE)                                                                 \
    VALUE(METHOD_GET, "GET")                                                                       \
    VALUE(METHOD_HEAD, "HEAD")                                                                     \
    VALUE(METHOD_PUT, "PUT")                                                                       \
    VALUE(METHOD_OTHER, "other")

#define LABEL_DIRECTION_VALUES(VALUE)                                                              \
    VALUE(DIRECTION_IN, "in")                                                                      \
    VALUE(DIRECTION_OUT, "out")

/* In the order of StatementClass. */
#define LABEL_CLASS_VALUES(VALUE)                                                                  \
    VALUE(CLASS_READ, "read")                                                                      \
    VALUE(CLASS_WRITE, "write")                                                                    \
    VALUE(CLASS_FILTER, "filter")                                                                  \
    VALUE(CLASS_SEARCH, "search")

#define LABEL_STATE_VALUES(VALUE)                                                                  \
    VALUE(STATE_ALIVE, "alive")                                                                    \
    VALUE(STATE_SILENT, "silent")

#define LABEL_RESULT_VALUES(VALUE)                                                                 \
    VALUE(RESULT_ITEMS, "items")                                                                   \
    VALUE(RESULT_NONE, "none")                                                                     \
    VALUE(RESULT_FAILED, "failed")

#define LABEL_OUTCOME_VALUES(VALUE)                                                                \
    VALUE(OUTCOME_SUCCEEDED, "SUCCEEDED")                                                          \
    VALUE(OUTCOME_USER_ERROR, "USER_ERROR")                                                        \
    VALUE(OUTCOME_SYSTEM_ERROR, "SYSTEM_ERROR")                                                    \
    VALUE(OUTCOME_RETRY, "RETRY")                                                                  \
    VALUE(OUTCOME_HANDED_BACK, "HANDED_BACK")                                                      \
    VALUE(OUTCOME_CANCELLED, "CANCELLED")                                                          \
    VALUE(OUTCOME_LEASE_LOST, "LEASE_LOST")

#define LABEL_PHASE_VALUES(VALUE)                                                                  \
    VALUE(PHASE_STAGE, "stage")                                                                    \
    VALUE(PHASE_RUN, "run")                                                                        \
    VALUE(PHASE_STORE, "store")                                                                    \
    VALUE(PHASE_COMMIT, "commit")

/* LABEL(constant, name, values). */
#define LABEL_LIST(LABEL)                                                                          \
    LABEL(LABEL_NONE, "", LABEL_NONE_VALUES)                                                       \
    LABEL(LABEL_OPERATION, "operation", LABEL_OPERATION_VALUES)                                    \
    LABEL(LABEL_STATUS, "status", LABEL_STATUS_VALUES)                                             \
    LABEL(LABEL_METHOD, "method", LABEL_METHOD_VALUES)                                             \
    LABEL(LABEL_DIRECTION, "direction", LABEL_DIRECTION_VALUES)                                    \
    LABEL(LABEL_CLASS, "class", LABEL_CLASS_VALUES)                                                \
    LABEL(LABEL_STATE, "state", LABEL_STATE_VALUES)                                                \
    LABEL(LABEL_RESULT, "result", LABEL_RESULT_VALUES)                                             \
    LABEL(LABEL_OUTCOME, "outcome", LABEL_OUTCOME_VALUES)                                          \
    LABEL(LABEL_PHASE, "phase", LABEL_PHASE_VALUES)                                                \
    LABEL(LABEL_ORGANIZATION, "organization", LABEL_ORGANIZATION_VALUES)

/* METRIC(constant, program, kind, name, first label, second label, help). Kinds are those of
 * MetricKind; a SAMPLED one is a gauge that has no counter and is written by metrics_write_sample.
 * Times are counted in microseconds and written in seconds. */
#define METRIC_LIST(METRIC)                                                                        \
    METRIC(METRIC_HTTP_REQUESTS, SERVER, COUNTER, "slideway_http_requests_total", OPERATION,       \
           STATUS, "Answered requests of the API.")                                                \
    METRIC(METRIC_HTTP_SECONDS, SERVER, TIMES, "slideway_http_request_duration_seconds",           \
           OPERATION, NONE, "From a request's first line to its answer.")                          \
    METRIC(METRIC_HTTP_OPEN, SERVER, GAUGE, "slideway_http_requests_open", NONE, NONE,             \
           "Requests between their first line and the last byte of their answer.")                 \
    METRIC(METRIC_HTTP_BYTES, SERVER, COUNTER, "slideway_http_body_bytes_total", DIRECTION, NONE,  \
           "Bytes of bodies of the API.")                                                          \
    METRIC(METRIC_OBJECT_REQUESTS, SERVER, COUNTER, "slideway_object_requests_total", METHOD,      \
           STATUS, "Answered requests of the object port.")                                        \
    METRIC(METRIC_OBJECT_BYTES, SERVER, COUNTER, "slideway_object_bytes_total", DIRECTION, NONE,   \
           "Bytes that were uploaded, and those of complete downloads.")                           \
    METRIC(METRIC_STATEMENTS_WAITING, SERVER, GAUGE, "slideway_statements_waiting", CLASS, NONE,   \
           "Statements that wait for a database connection.")                                      \
    METRIC(METRIC_STATEMENTS_RUNNING, SERVER, GAUGE, "slideway_statements_running", CLASS, NONE,   \
           "Statements that PostgreSQL has got and not answered: the pipeline's depth.")           \
    METRIC(METRIC_STATEMENT_WAIT_SECONDS, SERVER, TIMES, "slideway_statement_wait_seconds", CLASS, \
           NONE, "How long statements waited for a database connection.")                          \
    METRIC(METRIC_STATEMENTS_REFUSED, SERVER, COUNTER, "slideway_statements_refused_total", CLASS, \
           NONE, "Statements that found their queue full.")                                        \
    METRIC(METRIC_POOL_QUEUED, SERVER, GAUGE, "slideway_pool_queued", NONE, NONE,                  \
           "Large bodies that wait for a thread of the pool.")                                     \
    METRIC(METRIC_POOL_WAIT_SECONDS, SERVER, TIMES, "slideway_pool_wait_seconds", NONE, NONE,      \
           "How long large bodies waited for a thread of the pool.")                               \
    METRIC(METRIC_DATABASE_UP, SERVER, SAMPLED, "slideway_database_up", NONE, NONE,                \
           "Whether PostgreSQL answered this scrape (1) or not (0).")                              \
    METRIC(METRIC_QUEUE_ITEMS, SERVER, SAMPLED, "slideway_queue_items", ORGANIZATION, NONE,        \
           "Items that wait for a worker; of the whole platform, the same from every server.")     \
    METRIC(METRIC_QUEUE_SECONDS, SERVER, SAMPLED, "slideway_queue_oldest_age_seconds",             \
           ORGANIZATION, NONE, "Age of the oldest run of which an item waits; 0: none does.")      \
    METRIC(METRIC_ITEMS_PROCESSING, SERVER, SAMPLED, "slideway_items_processing", ORGANIZATION,    \
           NONE, "Items that a worker holds.")                                                     \
    METRIC(METRIC_UNRUNNABLE_ITEMS, SERVER, SAMPLED, "slideway_unrunnable_items", NONE, NONE,      \
           "Items that wait and need more than any living worker offers.")                         \
    METRIC(METRIC_WORKERS, SERVER, SAMPLED, "slideway_workers", STATE, NONE,                       \
           "Registered workers: alive, or silent since their lease ended.")                        \
    METRIC(METRIC_SLOTS, WORKER, GAUGE, "slideway_worker_slots", NONE, NONE,                       \
           "Items that this worker can process at once.")                                          \
    METRIC(METRIC_SLOTS_BUSY, WORKER, GAUGE, "slideway_worker_slots_busy", NONE, NONE,             \
           "Slots that have an item.")                                                             \
    METRIC(METRIC_CLAIMS, WORKER, COUNTER, "slideway_claims_total", RESULT, NONE,                  \
           "Questions for work, by what came of them.")                                            \
    METRIC(METRIC_CLAIMED_ITEMS, WORKER, COUNTER, "slideway_claimed_items_total", NONE, NONE,      \
           "Items that were claimed.")                                                             \
    METRIC(METRIC_CLAIM_SECONDS, WORKER, TIMES, "slideway_claim_duration_seconds", NONE, NONE,     \
           "How long the database took for a claim and the results sent with it.")                 \
    METRIC(METRIC_ATTEMPTS, WORKER, COUNTER, "slideway_attempts_total", OUTCOME, NONE,             \
           "Ended attempts; LEASE_LOST: the result came too late.")                                \
    METRIC(METRIC_ATTEMPT_SECONDS, WORKER, LONG_TIMES, "slideway_attempt_duration_seconds",        \
           OUTCOME, NONE, "From the start of an attempt to the commit of its report.")             \
    METRIC(METRIC_PHASE_SECONDS, WORKER, LONG_TIMES, "slideway_attempt_phase_duration_seconds",    \
           PHASE, NONE, "Inputs staged, application run, outputs stored, report committed.")       \
    METRIC(METRIC_ARTIFACT_BYTES, WORKER, COUNTER, "slideway_artifact_bytes_total", DIRECTION,     \
           NONE, "Bytes of inputs that were staged and of outputs that were stored.")              \
    METRIC(METRIC_LEASES_LOST, WORKER, COUNTER, "slideway_worker_leases_lost_total", NONE, NONE,   \
           "How often this worker lost its own lease.")                                            \
    METRIC(METRIC_LEASES_EXPIRED, WORKER, COUNTER, "slideway_leases_expired_total", NONE, NONE,    \
           "Leases of other workers that this one, leading, found expired.")                       \
    METRIC(METRIC_ITEMS_RETURNED, WORKER, COUNTER, "slideway_expired_items_returned_total", NONE,  \
           NONE, "Items of expired leases that this worker, leading, put back into the queue.")    \
    METRIC(METRIC_DATABASE_FAILURES, WORKER, COUNTER, "slideway_worker_database_failures_total",   \
           NONE, NONE, "How often the worker's connection was lost or could not be made.")
