/* SPDX-License-Identifier: Apache-2.0 */
/* The command up: start, tell, watch over the children, stop; see up.h. */
#include "up/up.h"

#include <poll.h>
#include <stdio.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "cli/print.h"
#include "cli/token.h"
#include "up/platform.h"
#include "up/programs.h"
#include "json/reader.h"

enum { DEFAULT_PORT = 8080 };

typedef struct UpOptions {
    int64_t port;
    const char *postgres;
    const char *issuer;
    const char *audience;
    bool store_moved;
} UpOptions;

static const Option UP_OPTIONS[] = {
    {"port", OPTION_INTEGER, offsetof(UpOptions, port), "N",
     "port of the API on 127.0.0.1; 0: any free one (8080)"},
    {"postgres", OPTION_STRING, offsetof(UpOptions, postgres), "DIR",
     "folder of PostgreSQL's programs (found by itself)"},
    {"issuer", OPTION_STRING, offsetof(UpOptions, issuer), "URL",
     "OpenID provider of the tokens (the platform itself)"},
    {"audience", OPTION_STRING, offsetof(UpOptions, audience), "NAME",
     "audience of the tokens (slideway-api)"},
    {"store-moved", OPTION_FLAG, offsetof(UpOptions, store_moved), NULL,
     "the objects were moved to where SLIDEWAY_OBJECT_STORE says (another store is refused)"},
};

static const UpOptions UP_DEFAULTS = {DEFAULT_PORT, NULL, NULL, "slideway-api", false};

static void print_summary(const Cli *cli, const Platform *platform)
{
    const PlatformEndpoint *endpoint = &platform->endpoint;
    const char *data = platform->layout.data;
    if (cli->json) {
        AUTO_JSON *answer = json_pack(
            "{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "api_url", endpoint->api_url, "object_url",
            endpoint->object_url, "object_store", endpoint->object_store, "server_metrics_url",
            endpoint->server_metrics_url, "worker_metrics_url", endpoint->worker_metrics_url,
            "data", data, "user", FIRST_USER_ID, "organization", FIRST_ORGANIZATION_ID);
        print_json(cli, answer);
        fflush(cli->out);
        return;
    }
    AUTO_FREE char *self = program_self();
    fprintf(cli->out,
            "\n"
            "Slideway is running. Ctrl-C stops it.\n\n"
            "  API      %s/api/v1\n"
            "  objects  %s\n"
            "  metrics  %s   (server)\n"
            "           %s   (worker)\n"
            "  data     %s   (logs in log/)\n"
            "  user     " FIRST_USER_ID " of the organisation " FIRST_ORGANIZATION_ID "\n\n"
            "A token:\n"
            "  %s token --data '%s'\n"
            "How it is doing:\n"
            "  %s status --data '%s'\n"
            "Ask the API:\n"
            "  curl -H \"Authorization: Bearer $(%s token --data '%s')\" %s/api/v1/applications\n"
            "Analyse a slide:\n"
            "  %s run submit he-tme SLIDE --data '%s' --wait\n",
            endpoint->api_url,
            store_place_is_bucket(endpoint->object_store) ? endpoint->object_store
                                                          : endpoint->object_url,
            endpoint->server_metrics_url, endpoint->worker_metrics_url, data, self, data, self,
            data, self, data, endpoint->api_url, self, data);
    fflush(cli->out);
}

/* Takes note of a death, tells it, and leaves the restart to restart_due. */
static void note_death(Platform *platform, Child *child)
{
    int status = 0;
    char reason[64];
    char words[256];
    if (waitpid(child->pid, &status, WNOHANG) != child->pid) {
        return;
    }
    child_last_words(child, words, sizeof(words));
    child_died(child, platform->clock, status, reason, sizeof(reason));
    int64_t pause_us = child->restart_at_us - clock_monotonic_us(platform->clock);
    long long pause_seconds = pause_us <= 0 ? 0 : (pause_us + 999999) / MICROSECONDS_PER_SECOND;
    fprintf(stderr, "slideway: %s ended (%s) and is started again in %lld s; its last words: %s\n",
            child->name, reason, pause_seconds, words);
}

static void restart_due(Platform *platform, Child *child)
{
    Error error = {0};
    if (child->pid == 0 && clock_monotonic_us(platform->clock) >= child->restart_at_us &&
        !child_start(child, platform->clock, &error)) {
        fprintf(stderr, "slideway: %s\n", error.message);
        child->failures++;
        child->restart_at_us =
            clock_monotonic_us(platform->clock) + child_pause_us(child->failures);
    }
}

/* Milliseconds until the next restart; -1: none is planned. */
static int next_restart_ms(const Platform *platform)
{
    int64_t soonest_us = -1;
    for (int role = 0; role < CHILD_COUNT; role++) {
        const Child *child = &platform->children[role];
        int64_t left_us = child->restart_at_us - clock_monotonic_us(platform->clock);
        left_us = left_us < 0 ? 0 : left_us;
        if (child->pid == 0 && (soonest_us < 0 || left_us < soonest_us)) {
            soonest_us = left_us;
        }
    }
    return soonest_us < 0 ? -1 : (int)(soonest_us / MICROSECONDS_PER_MILLISECOND) + 1;
}

/* One turn: waits for a signal, a death or the time of a restart. False: it is time to stop. */
static bool supervise_once(Platform *platform, int signal_fd)
{
    struct pollfd waits[CHILD_COUNT + 1];
    for (int role = 0; role < CHILD_COUNT; role++) {
        pid_t pid = platform->children[role].pid;
        waits[role] = (struct pollfd){.fd = pid == 0 ? -1 : pidfd_open(pid, 0), .events = POLLIN};
    }
    waits[CHILD_COUNT] = (struct pollfd){.fd = signal_fd, .events = POLLIN};
    int ready = poll(waits, CHILD_COUNT + 1, next_restart_ms(platform));
    for (int role = 0; role < CHILD_COUNT; role++) {
        if (waits[role].fd >= 0) {
            close(waits[role].fd);
        }
    }
    if (ready > 0 && waits[CHILD_COUNT].revents != 0) {
        return false;
    }
    for (int role = 0; role < CHILD_COUNT; role++) {
        if (ready > 0 && waits[role].fd >= 0 && waits[role].revents != 0) {
            note_death(platform, &platform->children[role]);
        }
        restart_due(platform, &platform->children[role]);
    }
    return true;
}

static bool supervise(Platform *platform, Error *error)
{
    AUTO_FD signal_fd = signalfd(-1, &platform->stop_signals, SFD_CLOEXEC);
    if (signal_fd < 0) {
        return error_set(error, ERROR_INTERNAL, "signalfd: %m");
    }
    while (supervise_once(platform, signal_fd)) {
    }
    return true;
}

static ExitCode exit_code_of(StartFailure failure)
{
    switch (failure) {
    case START_DATA_IN_USE:
        return EXIT_DATA_IN_USE;
    case START_PORT_BUSY:
        return EXIT_PORT_BUSY;
    case START_NOT_WRITABLE:
        return EXIT_NOT_WRITABLE;
    case START_NO_DATABASE:
        return EXIT_NO_DATABASE;
    case START_FAILED:
        break;
    }
    return EXIT_FAILED;
}

static bool run_up(Cli *cli, const void *options, const Operands *operands, Error *error)
{
    (void)operands;
    const UpOptions *given = options;
    if (given->port > UINT16_MAX) {
        return error_set(error, ERROR_INVALID, "a port is at most %d", UINT16_MAX);
    }
    if (!cli_need_data(cli, error)) {
        return false;
    }
    PlatformOptions wanted = {cli->data,         given->postgres, (uint16_t)given->port,
                              given->issuer,     given->audience, cli->store,
                              given->store_moved};
    Platform platform = {.clock = cli->clock};
    StartFailure failure = START_FAILED;
    bool done = platform_start(&platform, &wanted, &failure, error);
    if (!done) {
        cli->exit_code = exit_code_of(failure);
    } else if (!platform.stop_asked) {
        print_summary(cli, &platform);
        done = supervise(&platform, error);
    }
    platform_stop(&platform);
    return done;
}

const Command COMMAND_UP = {
    .name = "up",
    .operands = "",
    .summary = "run the whole platform on this machine",
    .details =
        "Makes the data folder when it is new: a private PostgreSQL, the object store, keys, "
        "the user\n`" FIRST_USER_ID "` of the organisation `" FIRST_ORGANIZATION_ID
        "`, and the bundled applications. Everything stays there\nfor the next start; but the "
        "objects are in a bucket when SLIDEWAY_OBJECT_STORE names one\n(docs/object-stores.md).",
    .options = UP_OPTIONS,
    .option_count = ARRAY_COUNT(UP_OPTIONS),
    .defaults = &UP_DEFAULTS,
    .options_bytes = sizeof(UpOptions),
    .run = run_up,
};
