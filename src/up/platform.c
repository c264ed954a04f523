/* SPDX-License-Identifier: Apache-2.0 */
/* Starting and stopping all of it; see platform.h. */
#include "up/platform.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>

#include "auth/issuer.h"
#include "base/alloc.h"
#include "base/base64.h"
#include "base/file.h"
#include "cli/health.h"
#include "objectstore/settings.h"
#include "up/first_use.h"
#include "up/postgres.h"
#include "up/programs.h"
#include "up/service_child.h"

/* PostgreSQL reads its log again after a crash; the servers are ready at once. */
enum { DATABASE_START_SECONDS = 300, SERVER_START_SECONDS = 60, SIGNING_KEY_BYTES = 48 };
#define POLL_US (20 * MICROSECONDS_PER_MILLISECOND)

static bool lock_data(Platform *platform, Error *error)
{
    AUTO_FREE char *path = alloc_format("%s/up.lock", platform->layout.run);
    platform->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (platform->lock_fd < 0) {
        return error_set(error, ERROR_FORBIDDEN, "cannot write '%s': %m", path);
    }
    if (flock(platform->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        return error_set(error, ERROR_CONFLICT, "another `slideway up` already runs on '%s'",
                         platform->layout.data);
    }
    return true;
}

/* What a killed life left behind is ended before anything is started again. */
static bool end_orphans(const Platform *platform, Error *error)
{
    static const struct {
        const char *name;
        EndingStep steps[3];
    } LEFT[] = {
        {"worker", {{SIGTERM, 10}, {SIGKILL, 5}, {SIGKILL, 5}}},
        {"server", {{SIGTERM, 10}, {SIGKILL, 5}, {SIGKILL, 5}}},
        {"postgres", {{SIGINT, 30}, {SIGQUIT, 10}, {SIGKILL, 5}}},
    };
    for (size_t i = 0; i < ARRAY_COUNT(LEFT); i++) {
        AUTO_FREE char *path = alloc_format("%s/%s.pid", platform->layout.run, LEFT[i].name);
        if (!process_end_recorded(path, LEFT[i].steps, ARRAY_COUNT(LEFT[i].steps))) {
            return error_set(error, ERROR_CONFLICT, "the %s of the last life (pid %d) does not end",
                             LEFT[i].name, (int)process_recorded(path));
        }
    }
    return true;
}

static bool make_secrets(const Platform *platform, Error *error)
{
    const char *folder = platform->layout.secrets;
    AUTO_FREE char *path = alloc_format("%s/url_signing_key", folder);
    if (access(path, F_OK) != 0) {
        unsigned char bytes[SIGNING_KEY_BYTES];
        char text[BASE64_BYTES(SIGNING_KEY_BYTES)];
        clock_random_bytes(platform->clock, bytes, sizeof(bytes));
        base64url_encode(bytes, sizeof(bytes), text);
        bool written = file_write(path, text_of(text), 0600, error);
        explicit_bzero(bytes, sizeof(bytes));
        explicit_bzero(text, sizeof(text));
        if (!written) {
            return false;
        }
    }
    return issuer_create(folder, error);
}

static void tell_what_moved(const PlatformEndpoint *last, const PlatformEndpoint *now)
{
    if (strcmp(last->object_url, now->object_url) != 0) {
        fprintf(stderr,
                "slideway: the port of %s is taken, so the object store moves to %s; links that "
                "were signed before do not work any more\n",
                last->object_url, now->object_url);
    }
    if (store_place_is_bucket(now->object_store) && !store_place_is_bucket(last->object_store)) {
        fprintf(stderr,
                "slideway: objects are in %s from now on; those in %s stay there: `slideway store "
                "copy` brings over what is not in the bucket yet\n",
                now->object_store, last->object_store);
    }
}

static bool choose_ports(Platform *platform, const PlatformOptions *options, Error *error)
{
    AUTO_ENDPOINT last = {0};
    Error ignored = {0};
    Ports before = {0};
    if (endpoint_read(platform->layout.data, &last, &ignored)) {
        before = (Ports){.api = port_of_url(last.api_url),
                         .object = port_of_url(last.object_url),
                         .server_metrics = port_of_url(last.server_metrics_url),
                         .worker_metrics = port_of_url(last.worker_metrics_url)};
    }
    if (!ports_choose(options->port, before, &platform->ports, &platform->port_holds, error)) {
        return false;
    }
    const char *place = options->store->place;
    platform->endpoint = (PlatformEndpoint){
        .api_url = alloc_format("http://127.0.0.1:%u", platform->ports.api),
        .object_url = alloc_format("http://127.0.0.1:%u", platform->ports.object),
        .object_store =
            alloc_string(store_place_is_bucket(place) ? place : platform->layout.objects),
        .database = postgres_conninfo(&platform->layout, "slideway"),
        .issuer = platform->is_issuer ? alloc_format("http://127.0.0.1:%u/", platform->ports.api)
                                      : alloc_string(options->issuer),
        .audience = alloc_string(options->audience),
        .server_metrics_url =
            alloc_format("http://127.0.0.1:%u/metrics", platform->ports.server_metrics),
        .worker_metrics_url =
            alloc_format("http://127.0.0.1:%u/metrics", platform->ports.worker_metrics),
    };
    if (last.object_url != NULL) {
        tell_what_moved(&last, &platform->endpoint);
    }
    return true;
}

typedef bool (*ReadyCheck)(const Platform *platform);

/* Waits until the child is ready, has died, the time is over, or a stop signal came. */
static bool
wait_ready(Platform *platform, ChildRole role, ReadyCheck ready, int seconds, Error *error)
{
    Child *child = &platform->children[role];
    int64_t end_us = clock_monotonic_us(platform->clock) + seconds * MICROSECONDS_PER_SECOND;
    const struct timespec pause = {.tv_nsec = POLL_US * 1000};
    while (!ready(platform)) {
        int status = 0;
        char words[256];
        if (process_wait(child->pid, 0, &status)) {
            child->pid = 0;
            child_last_words(child, words, sizeof(words));
            return error_set(error, ERROR_UNAVAILABLE, "%s did not start: %s (%s)", child->name,
                             words, child->log_path);
        }
        if (clock_monotonic_us(platform->clock) > end_us) {
            return error_set(error, ERROR_UNAVAILABLE, "%s was not ready within %d s (%s)",
                             child->name, seconds, child->log_path);
        }
        if (sigtimedwait(&platform->stop_signals, NULL, &pause) > 0) {
            platform->stop_asked = true;
            return true;
        }
    }
    return true;
}

static bool database_ready(const Platform *platform)
{
    AUTO_FREE char *conninfo = postgres_conninfo(&platform->layout, "postgres");
    return PQping(conninfo) == PQPING_OK;
}

static bool server_ready(const Platform *platform)
{
    return health_is_up(platform->endpoint.api_url);
}

static bool start_database(Platform *platform, Error *error)
{
    Child *child = &platform->children[CHILD_POSTGRES];
    postgres_child(&platform->layout, platform->programs, child);
    postgres_forget_stale_locks(&platform->layout, platform->programs);
    postgres_await_last_sessions(&platform->layout, platform->clock);
    return child_start(child, platform->clock, error) &&
           wait_ready(platform, CHILD_POSTGRES, database_ready, DATABASE_START_SECONDS, error);
}

static bool start_services(Platform *platform, Error *error)
{
    if (!endpoint_write(platform->layout.data, &platform->endpoint, error) ||
        !service_child(platform, CHILD_SERVER, error) ||
        !service_child(platform, CHILD_WORKER, error) ||
        !child_start(&platform->children[CHILD_SERVER], platform->clock, error) ||
        !wait_ready(platform, CHILD_SERVER, server_ready, SERVER_START_SECONDS, error)) {
        return false;
    }
    return platform->stop_asked ||
           child_start(&platform->children[CHILD_WORKER], platform->clock, error);
}

static void block_stop_signals(Platform *platform)
{
    sigemptyset(&platform->stop_signals);
    sigaddset(&platform->stop_signals, SIGINT);
    sigaddset(&platform->stop_signals, SIGTERM);
    sigaddset(&platform->stop_signals, SIGHUP);
    sigprocmask(SIG_BLOCK, &platform->stop_signals, NULL);
}

/* A folder that cannot be used has its own exit code, whatever step found it out. */
static bool not_writable(StartFailure *failure_out, const Error *error)
{
    if (error->code == ERROR_FORBIDDEN || error->code == ERROR_LIMIT) {
        *failure_out = START_NOT_WRITABLE;
    }
    return false;
}

static bool
prepare(Platform *platform, const PlatformOptions *options, StartFailure *failure_out, Error *error)
{
    *failure_out = START_NOT_WRITABLE;
    if (!layout_create(options->data, &platform->layout, error)) {
        return false;
    }
    *failure_out = START_DATA_IN_USE;
    if (!lock_data(platform, error)) {
        return not_writable(failure_out, error);
    }
    *failure_out = START_NO_DATABASE;
    if (!postgres_find(&platform->layout, options->postgres, &platform->programs, error)) {
        return false;
    }
    *failure_out = START_FAILED;
    AUTO_FREE char *applications = NULL;
    if (!end_orphans(platform, error) || !make_secrets(platform, error) ||
        !layout_open_paths(&platform->layout, error) ||
        !bundled_applications(&applications, error) ||
        !layout_reach(&platform->layout, applications, "applications", &platform->applications,
                      error)) {
        return not_writable(failure_out, error);
    }
    *failure_out = START_PORT_BUSY;
    return choose_ports(platform, options, error);
}

bool platform_start(Platform *platform,
                    const PlatformOptions *options,
                    StartFailure *failure_out,
                    Error *error)
{
    platform->lock_fd = -1;
    platform->is_issuer = options->issuer == NULL;
    block_stop_signals(platform);
    if (!prepare(platform, options, failure_out, error)) {
        return false;
    }
    *failure_out = START_NO_DATABASE;
    if (!postgres_initialise(&platform->layout, platform->programs, error) ||
        !start_database(platform, error)) {
        return not_writable(failure_out, error);
    }
    *failure_out = START_FAILED;
    if (platform->stop_asked) {
        return true;
    }
    StoreSettings store = *options->store;
    store.place = platform->endpoint.object_store;
    const FirstUse use = {platform->endpoint.database, platform->applications, &store,
                          options->store_moved};
    return postgres_create_database(&platform->layout, error) && first_use(&use, error) &&
           start_services(platform, error);
}

void platform_stop(Platform *platform)
{
    for (int role = CHILD_COUNT - 1; role >= 0; role--) {
        Child *child = &platform->children[role];
        if (child->pid != 0) {
            child_stop(child);
        }
        child_clear(child);
    }
    ports_release(&platform->port_holds);
    if (platform->layout.short_folder != NULL && platform->lock_fd >= 0) {
        layout_remove_short(&platform->layout);
    }
    endpoint_clear(&platform->endpoint);
    alloc_free(platform->programs);
    alloc_free(platform->applications);
    layout_clear(&platform->layout);
    if (platform->lock_fd >= 0) {
        close(platform->lock_fd);
    }
}
