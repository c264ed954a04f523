/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker without work: its own slots and turnover with the queue, over jobs that end at once with
 * an output artifact. They start no application, so none of them waits for its claim to be on the
 * disk; the commit of a result puts both there. Prints how many items it ended and the seconds that
 * it took: JOBS SECONDS.
 *
 * usage: queue_jobs CONNINFO SLOTS JOBS     it ends when so many are done
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "jobs/turnover.h"

enum { LEASE_SECONDS = 3600, ATTEMPTS_MAX = 3, WAIT_MILLISECONDS = 1000 };

static void fail(const Error *error)
{
    fprintf(stderr, "queue_jobs: %s: %s\n", error->message, error->cause);
    exit(EXIT_FAILURE);
}

static void do_nothing(const AttemptContext *context,
                       const Job *job,
                       const atomic_bool *cancel,
                       JobReport *report)
{
    (void)context;
    (void)cancel;
    Uuid artifact_id = uuid_create(&SYSTEM_CLOCK);
    report->outcome = JOB_SUCCEEDED;
    report->peak_memory_bytes = 100000000;
    buffer_format(&report->output_artifacts,
                  "[{\"output_artifact_id\": \"%s\", \"name\": \"result\", \"mime_type\": "
                  "\"text/csv\", \"metadata\": \"{}\", \"size_bytes\": 1000, "
                  "\"checksum_base64_crc32c\": \"AAAAAA==\", \"object_key\": \"artifacts/%s\"}]",
                  artifact_id.text, job->item_id.text);
}

/* Waits until a slot has a result; an empty claim near the queue's end waits for those in work. */
static void wait_for_slots(int wake_fd)
{
    struct pollfd event = {.fd = wake_fd, .events = POLLIN};
    uint64_t count = 0;
    if (poll(&event, 1, WAIT_MILLISECONDS) != 1 || read(wake_fd, &count, sizeof count) < 0) {
        Error error = {0};
        error_set(&error, ERROR_INTERNAL, "no slot ends");
        fail(&error);
    }
}

static void work(Turnover *turnover, int wake_fd, int jobs)
{
    int claimed = 0;
    for (int committed = 0; committed < jobs;) {
        Error error = {0};
        TurnoverOutcome outcome;
        turnover->claim_max = jobs - claimed;
        if (!turnover_run(turnover, &outcome, &error)) {
            fail(&error);
        }
        claimed += outcome.claimed_count;
        committed += outcome.committed_count;
        if (committed < claimed) {
            wait_for_slots(wake_fd);
        } else if (committed < jobs) {
            error_set(&error, ERROR_INTERNAL, "the queue ran dry");
            fail(&error);
        }
    }
}

static double measure(const ConnectionProfile *database,
                      const WorkerIdentity *worker,
                      PGconn *connection,
                      int jobs)
{
    char scratch[] = "/tmp/queue-jobs-XXXXXX";
    AUTO_FD wake_fd = eventfd(0, EFD_CLOEXEC);
    if (wake_fd < 0 || mkdtemp(scratch) == NULL) {
        perror("queue_jobs");
        exit(EXIT_FAILURE);
    }
    const SlotsOptions options = {.clock = &SYSTEM_CLOCK,
                                  .process = do_nothing,
                                  .database = *database,
                                  .scratch_folder = scratch,
                                  .count = worker->slots,
                                  .attempts_max = ATTEMPTS_MAX,
                                  .wake_fd = wake_fd};
    Turnover turnover = {.clock = &SYSTEM_CLOCK, .connection = connection, .worker = worker};
    Error error = {0};
    if (!slots_create(&options, &turnover.slots, &error)) {
        fail(&error);
    }
    int64_t began_us = clock_monotonic_us(&SYSTEM_CLOCK);
    work(&turnover, wake_fd, jobs);
    double seconds = (double)(clock_monotonic_us(&SYSTEM_CLOCK) - began_us) / 1e6;
    slots_destroy(turnover.slots);
    if (!folder_remove(scratch, &error)) {
        fail(&error);
    }
    return seconds;
}

int main(int argc, char **argv)
{
    unsigned long slots = argc == 4 ? strtoul(argv[2], NULL, 10) : 0;
    long jobs = argc == 4 ? strtol(argv[3], NULL, 10) : 0;
    if (slots < 1 || slots > SLOTS_MAX || jobs < 1 || jobs > 1000000) {
        fprintf(stderr, "usage: queue_jobs CONNINFO SLOTS JOBS\n");
        return EXIT_FAILURE;
    }
    log_set_level(LOG_WARNING);
    const ConnectionProfile database = {.conninfo = argv[1], .application_name = "queue_jobs"};
    WorkerIdentity worker = {.worker_id = uuid_create(&SYSTEM_CLOCK),
                             .name = "queue_jobs",
                             .slots = (unsigned)slots,
                             .labels = {.cpus = 64, .memory_bytes = INT64_C(1) << 40},
                             .lease_seconds = LEASE_SECONDS,
                             .attempts_max = ATTEMPTS_MAX};
    AUTO_CONNECTION *connection = NULL;
    Error error = {0};
    int returned = 0;
    if (!connection_open(&database, &connection, &error) || !queue_prepare(connection, &error) ||
        !queue_register(connection, &worker, &returned, &error)) {
        fail(&error);
    }
    printf("%ld %.3f\n", jobs, measure(&database, &worker, connection, (int)jobs));
    return queue_leave(connection, &worker, &returned, &error) && returned == 0 ? EXIT_SUCCESS
                                                                                : EXIT_FAILURE;
}
