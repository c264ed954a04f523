/* SPDX-License-Identifier: Apache-2.0 */
/* Following a run; see run_follow.h. */
#include "cli/run_follow.h"

#include <signal.h>
#include <unistd.h>

#include "base/alloc.h"
#include "cli/print.h"
#include "cli/run_reads.h"
#include "cli/watch_view.h"
#include "json/reader.h"

/* A poll waits half as long again as the one before while nothing changes. */
#define POLL_US_MIN (250 * MICROSECONDS_PER_MILLISECOND)
#define POLL_US_MAX (5 * MICROSECONDS_PER_SECOND)
/* The bars move, and Ctrl-C is looked for, so often. */
#define TURN_US (200 * MICROSECONDS_PER_MILLISECOND)
/* A platform that is away for so long is given up. */
#define AWAY_US_MAX (60 * MICROSECONDS_PER_SECOND)

/* So many times Ctrl-C end the program wherever it is. */
enum { INTERRUPTS_MAX = 3 };

static volatile sig_atomic_t interrupted;

static void note_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = interrupted + 1;
    if (interrupted >= INTERRUPTS_MAX) {
        _exit(EXIT_INTERRUPTED);
    }
}

typedef struct Follow {
    Cli *cli;
    ApiClient *client;
    const FollowRequest *request;
    WatchView view;
    json_t *run;   /* NULL before the first answer */
    json_t *items; /* of the last change */
    int64_t pause_us;
    int64_t away_since_us; /* 0: it answers */
} Follow;

static void follow_clear(Follow *follow)
{
    watch_view_clear(&follow->view);
    json_decref(follow->run);
    json_decref(follow->items);
}
#define AUTO_FOLLOW CLEANUP(follow_clear) Follow

/* Asks for the run, and for its items only when something about it changed. */
static bool look(Follow *follow, Error *error)
{
    AUTO_JSON *run = NULL;
    AUTO_JSON *items = NULL;
    if (!run_read(follow->client, follow->request->run_id, &run, error)) {
        return false;
    }
    bool changed = follow->run == NULL || json_equal(run, follow->run) == 0;
    if (changed && !items_read(follow->client, follow->request->run_id, &items, error)) {
        return false;
    }
    follow->pause_us = changed ? POLL_US_MIN : follow->pause_us + follow->pause_us / 2;
    follow->pause_us = follow->pause_us > POLL_US_MAX ? POLL_US_MAX : follow->pause_us;
    if (changed) {
        json_decref(follow->run);
        json_decref(follow->items);
        follow->run = TAKE(run);
        follow->items = TAKE(items);
    }
    return true;
}

/* As look, but a platform that is away for a short while is no failure. */
static bool look_patiently(Follow *follow, Error *error)
{
    Error trouble = {0};
    if (look(follow, &trouble)) {
        follow->away_since_us = 0;
        return true;
    }
    int64_t now_us = clock_monotonic_us(follow->cli->clock);
    follow->away_since_us = follow->away_since_us == 0 ? now_us : follow->away_since_us;
    bool first = follow->run == NULL;
    if (trouble.code == ERROR_UNAVAILABLE && !first &&
        now_us - follow->away_since_us < AWAY_US_MAX) {
        follow->pause_us = POLL_US_MAX / 2;
        return true;
    }
    *error = trouble;
    return false;
}

/* Waits for the next poll in short turns; false: Ctrl-C, or the time is over. */
static bool wait_turns(Follow *follow, int64_t end_us)
{
    const Clock *clock = follow->cli->clock;
    int64_t next_us = clock_monotonic_us(clock) + follow->pause_us;
    while (clock_monotonic_us(clock) < next_us) {
        if (interrupted || clock_monotonic_us(clock) >= end_us) {
            return false;
        }
        clock_sleep_us(clock, TURN_US);
        if (follow->view.on_terminal) {
            watch_view_show(&follow->view, follow->run, follow->items);
        }
    }
    return !interrupted;
}

static void tell_end(const Follow *follow)
{
    Cli *cli = follow->cli;
    if (cli->json) {
        items_hide_urls(follow->items);
        json_object_set(follow->run, "items", follow->items);
        print_json(cli, follow->run);
        return;
    }
    const char *reason = member_text(follow->run, "termination_reason");
    AUTO_FREE char *message = printable(member_text(follow->run, "error_message"));
    fprintf(cli->out, "run %s: %s, %lld of %lld items succeeded%s%s\n",
            follow->request->run_id->text, reason == NULL ? "TERMINATED" : reason,
            (long long)run_statistic(follow->run, "item_succeeded_count"),
            (long long)run_statistic(follow->run, "item_count"), message[0] == '\0' ? "" : ": ",
            message);
}

static bool follow_to_end(Follow *follow, Error *error)
{
    int64_t timeout_us = follow->request->timeout_seconds * MICROSECONDS_PER_SECOND;
    int64_t end_us =
        timeout_us <= 0 ? INT64_MAX : clock_monotonic_us(follow->cli->clock) + timeout_us;
    for (;;) {
        if (!look_patiently(follow, error)) {
            return false;
        }
        watch_view_show(&follow->view, follow->run, follow->items);
        if (run_has_ended(follow->run)) {
            tell_end(follow);
            follow->cli->exit_code = run_is_success(follow->run) ? EXIT_OK : EXIT_FAILED;
            return true;
        }
        if (wait_turns(follow, end_us)) {
            continue;
        }
        if (interrupted) {
            follow->cli->exit_code = EXIT_INTERRUPTED;
            return error_set(error, ERROR_UNAVAILABLE,
                             "the run goes on; `slideway run watch %s` shows it again",
                             follow->request->run_id->text);
        }
        return error_set(error, ERROR_UNAVAILABLE, "run %s has not ended within %lld s",
                         follow->request->run_id->text,
                         (long long)follow->request->timeout_seconds);
    }
}

bool run_follow(Cli *cli, ApiClient *client, const FollowRequest *request, Error *error)
{
    if (request->timeout_seconds > INT32_MAX) {
        return error_set(error, ERROR_INVALID, "--timeout is at most %d", INT32_MAX);
    }
    AUTO_FOLLOW follow = {
        .cli = cli, .client = client, .request = request, .pause_us = POLL_US_MIN};
    watch_view_init(&follow.view, cli->json ? NULL : cli->out);
    struct sigaction leave = {.sa_handler = note_interrupt, .sa_flags = SA_RESTART};
    struct sigaction before;
    interrupted = 0;
    sigaction(SIGINT, &leave, &before);
    bool done = follow_to_end(&follow, error);
    sigaction(SIGINT, &before, NULL);
    return done;
}
