/* SPDX-License-Identifier: Apache-2.0 */
/* The leader's thread; see leader.h. */
#include "jobs/leader.h"

#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "jobs/duties.h"
#include "jobs/lead.h"

enum { ROUND_MILLISECONDS = 1000, AWAY_MILLISECONDS = 3000 };

struct Leader {
    LeaderOptions options;
    pthread_t thread;
    int stop_fd; /* readable when the thread shall end */
    Lead lead;
    Duties *duties;
};

/* The database is away, or ended our session because we were silent for too long. */
static void lose(Leader *leader, const Error *error)
{
    if (leader->lead.held) {
        log_error(LOG_WARNING, EVENT_LEADER_LOST, error);
    }
    PQfinish(leader->lead.connection);
    leader->lead.connection = NULL;
    leader->lead.held = false;
}

static bool connect_when_away(Leader *leader, Error *error)
{
    ConnectionProfile profile = leader->options.database;
    profile.application_name = "slideway-leader";
    profile.statement_timeout_ms = LEAD_STATEMENT_MILLISECONDS;
    return leader->lead.connection != NULL ||
           connection_open(&profile, &leader->lead.connection, error);
}

/* False: the connection is lost. */
static bool round_of(Leader *leader, Error *error)
{
    if (!connect_when_away(leader, error) ||
        (!leader->lead.held && !lead_take(&leader->lead, error))) {
        return false;
    }
    return !leader->lead.held ||
           (lead_keep(&leader->lead, error) && duties_do(leader->duties, &leader->lead, error));
}

static bool stop_within(const Leader *leader, int milliseconds)
{
    struct pollfd stop = {.fd = leader->stop_fd, .events = POLLIN};
    return poll(&stop, 1, milliseconds) > 0;
}

static void *run(void *argument)
{
    Leader *leader = argument;
    int wait_ms = 0;
    while (!stop_within(leader, wait_ms)) {
        Error error = {0};
        wait_ms = ROUND_MILLISECONDS;
        if (!round_of(leader, &error)) {
            lose(leader, &error);
            wait_ms = AWAY_MILLISECONDS;
        }
    }
    PQfinish(leader->lead.connection);
    return NULL;
}

static void leader_free(Leader *leader)
{
    duties_destroy(leader->duties);
    cleanup_fd(&leader->stop_fd);
    alloc_free(leader);
}

bool leader_start(const LeaderOptions *options, Leader **leader_out, Error *error)
{
    Leader *leader = ALLOC_NEW(Leader);
    *leader = (Leader){.options = *options,
                       .stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
                       .lead = {.clock = options->clock, .worker_name = options->worker_name},
                       .duties = duties_create(options)};
    if (leader->stop_fd < 0 || pthread_create(&leader->thread, NULL, run, leader) != 0) {
        leader_free(leader);
        return error_set(error, ERROR_INTERNAL, "cannot start the leader's thread");
    }
    *leader_out = leader;
    return true;
}

void leader_let_go(Leader *leader)
{
    const uint64_t one = 1;
    ssize_t ignored = write(leader->stop_fd, &one, sizeof one);
    (void)ignored;
}

void leader_stop(Leader *leader)
{
    leader_let_go(leader);
    pthread_join(leader->thread, NULL);
    leader_free(leader);
}
