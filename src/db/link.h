/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A link: one connection of the pipeline with the list of what PostgreSQL still owes on it. Used
 * by pipeline.c only.
 */
#pragma once
#include "base/event_source.h"
#include "db/pipeline.h"

typedef enum LinkState { LINK_DOWN, LINK_CONNECTING, LINK_READY } LinkState;

/* What one answer of PostgreSQL belongs to. */
typedef enum SlotKind { SLOT_PREPARE, SLOT_QUERY, SLOT_SYNC } SlotKind;

typedef struct Slot {
    SlotKind kind;
    bool answered;              /* its result came; the NULL behind it is still owed */
    const Statement *statement; /* of PREPARE and QUERY */
    Query *query;               /* NULL: none, or it has ended already */
} Slot;

enum {
    READS_IN_FLIGHT_MAX = 64,
    /* Each read may need a PREPARE and, when it runs alone, two syncs. */
    SLOTS_MAX = 4 * READS_IN_FLIGHT_MAX,
    PREPARED_MAX = 256
};

typedef struct Link {
    EventSource source; /* the first member: the loop's data.ptr points to it */
    const PipelineOptions *options;
    void *owner; /* the Pipeline */
    StatementClass statement_class;
    LinkState state;
    PGconn *connection;
    int watched_fd; /* -1: none in epoll */
    uint32_t watched_events;
    int64_t due_at_us;      /* DOWN: try again then; CONNECTING: give up then */
    int64_t progress_at_us; /* READY and owed answers: when the last one came */
    unsigned failures;      /* in a row */
    bool needs_sync;
    bool outgrown; /* libpq's buffer is large now: to be opened anew when nothing is in flight */
    unsigned in_flight;
    unsigned slot_head;
    unsigned slot_count;
    Slot slots[SLOTS_MAX];
    const Statement *prepared[PREPARED_MAX]; /* a hash set by address */
    unsigned prepared_count;
    Error trouble;
} Link;

/* What a link tells its pipeline. */
void pipeline_take_back(Pipeline *pipeline, Query *query);
void pipeline_end(Query *query, QueryOutcome outcome, const PGresult *result);

void link_init(Link *link, const PipelineOptions *options, Pipeline *owner, StatementClass kind);
void link_clear(Link *link);
/* Connects when it is down and due, gives up when connecting or an answer takes too long. */
void link_tend(Link *link, int64_t now_us);
/* Whether it can take one more query now. */
bool link_has_room(const Link *link);
/* The query in flight of a link that has one at a time; NULL: none. */
const Query *link_only_query(const Link *link);
void link_send(Link *link, Query *query);
/* The sync of this turn, and the flush. */
void link_push(Link *link);
/* Ends the connection; reads in flight get one more chance, the others end as unavailable. */
void link_break(Link *link);
