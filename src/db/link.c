/* SPDX-License-Identifier: Apache-2.0 */
/* One pipelined connection; see link.h. */
#include "db/link.h"

#include <assert.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/metrics.h"
#include "db/connection.h"

enum {
    CONNECT_SECONDS_MAX = 5,
    BACK_OFF_FIRST_MS = 50,
    BACK_OFF_DOUBLINGS_MAX = 6, /* 3.2 s */
    SQLSTATE_BYTES = 5,
    EMPTY_ANSWERS_MAX = 4
};

#define SILENCE_US_MAX (DATABASE_SILENCE_MILLISECONDS_MAX * MICROSECONDS_PER_MILLISECOND)

static void link_ready(EventSource *source, uint32_t events);

void link_init(Link *link, const PipelineOptions *options, Pipeline *owner, StatementClass kind)
{
    *link = (Link){.source = {.ready = link_ready},
                   .options = options,
                   .owner = owner,
                   .statement_class = kind,
                   .watched_fd = -1};
}

static void unwatch(Link *link)
{
    if (link->watched_fd >= 0) {
        epoll_ctl(link->options->epoll_fd, EPOLL_CTL_DEL, link->watched_fd, NULL);
        link->watched_fd = -1;
    }
}

static void watch(Link *link, uint32_t events)
{
    int fd = PQsocket(link->connection);
    if (fd == link->watched_fd && events == link->watched_events) {
        return;
    }
    struct epoll_event event = {.events = events, .data.ptr = &link->source};
    /* While connecting libpq may close a socket and open another one of the same number. */
    bool modified = fd == link->watched_fd &&
                    epoll_ctl(link->options->epoll_fd, EPOLL_CTL_MOD, fd, &event) == 0;
    if (!modified) {
        unwatch(link);
        if (epoll_ctl(link->options->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
            return;
        }
    }
    link->watched_fd = fd;
    link->watched_events = events;
}

void link_clear(Link *link)
{
    unwatch(link);
    PQfinish(link->connection);
    link->connection = NULL;
    link->outgrown = false;
    link->state = LINK_DOWN;
}

/* Slots: a ring in the order of PostgreSQL's answers. */

static Slot *slot_push(Link *link, Slot slot)
{
    assert(link->slot_count < SLOTS_MAX);
    if (link->slot_count == 0) {
        link->progress_at_us = clock_monotonic_us(link->options->clock);
    }
    Slot *place = &link->slots[(link->slot_head + link->slot_count++) % SLOTS_MAX];
    *place = slot;
    return place;
}

static Slot *slot_first(Link *link)
{
    return &link->slots[link->slot_head];
}

static void slot_pop(Link *link)
{
    assert(link->slot_count > 0);
    if (slot_first(link)->kind == SLOT_QUERY) {
        link->in_flight--;
        metric_add(METRIC_STATEMENTS_RUNNING, link->statement_class, -1);
    }
    link->slot_head = (link->slot_head + 1) % SLOTS_MAX;
    link->slot_count--;
}

/* The place of a statement in the set, or the free place where it would stand. */
static const Statement **prepared_find(Link *link, const Statement *statement)
{
    size_t at = ((uintptr_t)statement / sizeof(Statement)) % PREPARED_MAX;
    while (link->prepared[at] != NULL && link->prepared[at] != statement) {
        at = (at + 1) % PREPARED_MAX;
    }
    return &link->prepared[at];
}

static void forget_prepared(Link *link)
{
    link->prepared_count = 0;
    memset(link->prepared, 0, sizeof link->prepared);
}

static bool lost_connection(const Link *link)
{
    return link->connection == NULL || PQstatus(link->connection) == CONNECTION_BAD;
}

void link_break(Link *link)
{
    if (link->connection != NULL && lost_connection(link)) {
        connection_error(link->connection, "the database is away", &link->trouble);
    }
    if (link->state == LINK_READY || link->failures == 0) {
        log_error(LOG_WARNING, EVENT_DATABASE_AWAY, &link->trouble);
    }
    link_clear(link);
    unsigned doublings =
        link->failures < BACK_OFF_DOUBLINGS_MAX ? link->failures : BACK_OFF_DOUBLINGS_MAX;
    link->failures++;
    link->due_at_us = clock_monotonic_us(link->options->clock) +
                      ((int64_t)BACK_OFF_FIRST_MS << doublings) * MICROSECONDS_PER_MILLISECOND;
    link->needs_sync = false;
    forget_prepared(link);
    while (link->slot_count > 0) {
        Slot slot = *slot_first(link);
        slot_pop(link);
        if (slot.kind != SLOT_QUERY || slot.query == NULL) {
            continue;
        }
        if (link->statement_class == STATEMENT_READ && !slot.query->again) {
            pipeline_take_back(link->owner, slot.query);
        } else {
            pipeline_end(slot.query, QUERY_UNAVAILABLE, NULL);
        }
    }
}

static const PlanMode PLAN_MODES[STATEMENT_CLASS_COUNT] = {[STATEMENT_READ] = PLAN_GENERIC,
                                                           [STATEMENT_WRITE] = PLAN_AUTO,
                                                           [STATEMENT_FILTER] = PLAN_CUSTOM,
                                                           [STATEMENT_SEARCH] = PLAN_CUSTOM};

static void ignore_notice(void *nothing, const PGresult *notice)
{
    (void)nothing;
    (void)notice;
}

static void begin_connecting(Link *link, int64_t now_us)
{
    ConnectionProfile profile = {
        .conninfo = link->options->conninfo,
        .application_name = link->options->application_name,
        .statement_timeout_ms = link->statement_class == STATEMENT_SEARCH
                                    ? SEARCH_MILLISECONDS_MAX
                                    : STATEMENT_MILLISECONDS_MAX,
        /* Reads go by keys and have one good plan; planning a list anew costs as much as running
         * it. Searches have filters that may be null: their plan depends on the arguments. */
        .plan_mode = PLAN_MODES[link->statement_class],
    };
    if (!connection_start(&profile, &link->connection, &link->trouble)) {
        link_break(link);
        return;
    }
    PQsetNoticeReceiver(link->connection, ignore_notice, NULL);
    link->state = LINK_CONNECTING;
    link->due_at_us = now_us + CONNECT_SECONDS_MAX * MICROSECONDS_PER_SECOND;
    watch(link, EPOLLOUT);
}

/* Down, and due to connect at once. */
static void renew(Link *link, int64_t now_us)
{
    link_clear(link);
    forget_prepared(link);
    link->due_at_us = now_us;
}

static bool is_late(const Link *link, int64_t now_us)
{
    if (link->state == LINK_READY) {
        return link->slot_count > 0 && now_us - link->progress_at_us > SILENCE_US_MAX;
    }
    return now_us >= link->due_at_us;
}

void link_tend(Link *link, int64_t now_us)
{
    if (link->outgrown && link->state == LINK_READY && link->slot_count == 0) {
        renew(link, now_us);
    }
    if (!is_late(link, now_us)) {
        return;
    }
    if (link->state == LINK_DOWN) {
        begin_connecting(link, now_us);
        return;
    }
    error_set(&link->trouble, ERROR_UNAVAILABLE, "PostgreSQL does not answer");
    link_break(link);
}

static void go_on_connecting(Link *link)
{
    switch (PQconnectPoll(link->connection)) {
    case PGRES_POLLING_READING:
        watch(link, EPOLLIN);
        break;
    case PGRES_POLLING_WRITING:
        watch(link, EPOLLOUT);
        break;
    case PGRES_POLLING_OK:
        if (PQsetnonblocking(link->connection, 1) != 0 ||
            PQenterPipelineMode(link->connection) != 1) {
            link_break(link);
            break;
        }
        link->state = LINK_READY;
        link->failures = 0;
        error_clear(&link->trouble);
        watch(link, EPOLLIN);
        break;
    case PGRES_POLLING_FAILED:
    case PGRES_POLLING_ACTIVE:
        link_break(link);
        break;
    }
}

static void flush(Link *link)
{
    int owed = PQflush(link->connection);
    if (owed < 0) {
        link_break(link);
        return;
    }
    watch(link, owed > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

bool link_has_room(const Link *link)
{
    if (link->state != LINK_READY) {
        return false;
    }
    if (link->statement_class != STATEMENT_READ) {
        return link->slot_count == 0;
    }
    /* What one more query may add: PREPARE, QUERY, a sync before and one behind. */
    return link->in_flight < READS_IN_FLIGHT_MAX && link->slot_count + 5 < SLOTS_MAX;
}

const Query *link_only_query(const Link *link)
{
    for (unsigned i = 0; i < link->slot_count; i++) {
        const Slot *slot = &link->slots[(link->slot_head + i) % SLOTS_MAX];
        if (slot->kind == SLOT_QUERY && slot->query != NULL) {
            return slot->query;
        }
    }
    return NULL;
}

static bool put_sync(Link *link)
{
    if (PQpipelineSync(link->connection) != 1) {
        return false;
    }
    slot_push(link, (Slot){.kind = SLOT_SYNC});
    link->needs_sync = false;
    return true;
}

static bool put_prepare(Link *link, Query *query)
{
    const Statement **place = prepared_find(link, query->statement);
    if (*place != NULL) {
        return true;
    }
    assert(link->prepared_count < PREPARED_MAX / 2);
    const Statement *statement = query->statement;
    if (PQsendPrepare(link->connection, statement->name, statement->sql, 0, NULL) != 1) {
        return false;
    }
    *place = statement;
    link->prepared_count++;
    slot_push(link, (Slot){.kind = SLOT_PREPARE, .statement = statement, .query = query});
    return true;
}

/* libpq copies all parameters of a statement into one buffer, which never shrinks. */
static size_t parameter_bytes(const Parameters *parameters)
{
    size_t bytes = 0;
    for (int i = 0; i < parameters->count; i++) {
        bytes += parameters->values[i] == NULL ? 0 : strlen(parameters->values[i]);
    }
    return bytes;
}

static bool put_query(Link *link, Query *query)
{
    if (query->again && link->needs_sync && !put_sync(link)) {
        return false;
    }
    if (!put_prepare(link, query) ||
        PQsendQueryPrepared(link->connection, query->statement->name, query->parameters.count,
                            query->parameters.values, NULL, NULL, 0) != 1) {
        return false;
    }
    slot_push(link, (Slot){.kind = SLOT_QUERY, .statement = query->statement, .query = query});
    link->in_flight++;
    metric_add(METRIC_STATEMENTS_RUNNING, link->statement_class, 1);
    link->needs_sync = true;
    if (link->statement_class == STATEMENT_WRITE) {
        link->outgrown = parameter_bytes(&query->parameters) > (size_t)LINK_KEPT_BYTES_MAX;
    }
    bool alone = query->again || link->statement_class != STATEMENT_READ;
    return !alone || put_sync(link);
}

void link_send(Link *link, Query *query)
{
    unsigned in_flight = link->in_flight;
    if (put_query(link, query)) {
        return;
    }
    bool listed = link->in_flight > in_flight;
    link_break(link);
    if (!listed) {
        pipeline_end(query, QUERY_UNAVAILABLE, NULL);
    }
}

void link_push(Link *link)
{
    if (link->state != LINK_READY) {
        return;
    }
    if (link->needs_sync && !put_sync(link)) {
        link_break(link);
        return;
    }
    flush(link);
}

/* Answers. */

static bool has_state(const PGresult *result, const char *sqlstate)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    return state != NULL && strncmp(state, sqlstate, strlen(sqlstate)) == 0;
}

/* 57P0x: the server is going down. An error without a state is libpq's own: the connection was
 * lost. */
static bool says_goodbye(const PGresult *result)
{
    return PQresultStatus(result) == PGRES_FATAL_ERROR &&
           (has_state(result, "57P0") || PQresultErrorField(result, PG_DIAG_SQLSTATE) == NULL);
}

/* The PREPARE did not happen: forget it. The query behind it finds out by being aborted. */
static void prepare_failed(Link *link, Slot *slot, const PGresult *result)
{
    const Statement *statement = slot->statement;
    const Statement *kept[PREPARED_MAX];
    memcpy(kept, link->prepared, sizeof kept);
    forget_prepared(link);
    for (size_t i = 0; i < PREPARED_MAX; i++) {
        if (kept[i] != NULL && kept[i] != statement) {
            *prepared_find(link, kept[i]) = kept[i];
            link->prepared_count++;
        }
    }
    if (PQresultStatus(result) != PGRES_FATAL_ERROR || says_goodbye(result)) {
        return;
    }
    /* The statement itself is wrong: its query ends with this error, not with "aborted". */
    Slot *query_slot = &link->slots[(link->slot_head + 1) % SLOTS_MAX];
    assert(link->slot_count > 1 && query_slot->kind == SLOT_QUERY);
    Query *query = query_slot->query;
    query_slot->query = NULL;
    pipeline_end(query, QUERY_FAILED, result);
}

static void take_query_result(Link *link, Slot *slot, const PGresult *result)
{
    Query *query = TAKE(slot->query);
    if (query == NULL) {
        return;
    }
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) {
        pipeline_end(query, QUERY_ANSWERED, result);
        return;
    }
    /* 26000: the PREPARE it relied on was aborted. */
    bool innocent = status == PGRES_PIPELINE_ABORTED || has_state(result, "26000");
    bool going_down = says_goodbye(result);
    bool may_repeat = innocent || (going_down && link->statement_class == STATEMENT_READ);
    if (may_repeat && !query->again) {
        pipeline_take_back(link->owner, query);
    } else {
        pipeline_end(query, going_down || innocent ? QUERY_UNAVAILABLE : QUERY_FAILED, result);
    }
}

static void take_result(Link *link, const PGresult *result)
{
    Slot *slot = slot_first(link);
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_PIPELINE_SYNC) {
        assert(slot->kind == SLOT_SYNC);
        slot_pop(link);
        return;
    }
    slot->answered = true;
    if (slot->kind == SLOT_QUERY) {
        take_query_result(link, slot, result);
    } else if (slot->kind == SLOT_PREPARE && status != PGRES_COMMAND_OK) {
        prepare_failed(link, slot, result);
    }
}

static void take_answers(Link *link)
{
    int empty_answers = 0;
    unsigned owed = link->slot_count;
    while (link->state == LINK_READY && link->slot_count > 0 && !PQisBusy(link->connection)) {
        AUTO_RESULT *result = PQgetResult(link->connection);
        if (result != NULL) {
            take_result(link, result);
            continue;
        }
        if (slot_first(link)->answered) {
            slot_pop(link);
        } else if (++empty_answers > EMPTY_ANSWERS_MAX) {
            break;
        }
    }
    if (link->slot_count < owed) {
        link->progress_at_us = clock_monotonic_us(link->options->clock);
    }
    if (link->state == LINK_READY && lost_connection(link)) {
        link_break(link);
    }
}

static void link_ready(EventSource *source, uint32_t events)
{
    Link *link = (Link *)(void *)source;
    if (link->state == LINK_DOWN) {
        return; /* an event of the connection that has just been ended */
    }
    if (link->state == LINK_CONNECTING) {
        go_on_connecting(link);
        return;
    }
    if ((events & EPOLLOUT) != 0) {
        flush(link);
    }
    if (link->state == LINK_READY && (events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0) {
        bool read = PQconsumeInput(link->connection) == 1;
        take_answers(link);
        if (!read && link->state == LINK_READY) {
            link_break(link);
        }
    }
}
