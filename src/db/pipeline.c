/* SPDX-License-Identifier: Apache-2.0 */
/* Queues of queries in front of the links; see pipeline.h. */
#include "db/pipeline.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/metrics.h"
#include "db/link.h"

/* More than two connections for reads a shard only make PostgreSQL slower. */
enum { LINK_COUNT = 8, WAIT_MS_MAX = 1000 };

/* Reads of one turn that go to one connection before the next one is looked for: what is sent
 * together costs one system call at each end, and what is spread runs at the same time. */
enum { READS_IN_ROW_MAX = 8 };

/* Two links for searches: whoever occupies one leaves the other to the rest. */
static const StatementClass CLASS_OF_LINK[LINK_COUNT] = {
    STATEMENT_READ,   STATEMENT_READ,   STATEMENT_WRITE,  STATEMENT_WRITE,
    STATEMENT_FILTER, STATEMENT_FILTER, STATEMENT_SEARCH, STATEMENT_SEARCH};

typedef struct QueryList {
    Query *first;
    Query *last;
    unsigned count;
} QueryList;

struct Pipeline {
    PipelineOptions options;
    QueryList waiting[STATEMENT_CLASS_COUNT];
    uint64_t turns[STATEMENT_CLASS_COUNT]; /* the last one that was taken */
    Link links[LINK_COUNT];
};

static_assert((int)STATEMENT_READ == CLASS_READ && (int)STATEMENT_WRITE == CLASS_WRITE &&
                  (int)STATEMENT_FILTER == CLASS_FILTER && (int)STATEMENT_SEARCH == CLASS_SEARCH &&
                  (int)STATEMENT_CLASS_COUNT == CLASS_COUNT,
              "statements are counted by their class");

static void list_append(QueryList *list, Query *query)
{
    metric_add(METRIC_STATEMENTS_WAITING, query->statement->statement_class, 1);
    query->next = NULL;
    if (list->last == NULL) {
        list->first = query;
    } else {
        list->last->next = query;
    }
    list->last = query;
    list->count++;
}

/* Takes the query behind `before`; NULL: the first one. */
static Query *list_take_behind(QueryList *list, Query *before)
{
    Query *query = before == NULL ? list->first : before->next;
    assert(query != NULL);
    metric_add(METRIC_STATEMENTS_WAITING, query->statement->statement_class, -1);
    if (before == NULL) {
        list->first = query->next;
    } else {
        before->next = query->next;
    }
    if (list->last == query) {
        list->last = before;
    }
    list->count--;
    query->next = NULL;
    return query;
}

static Query *list_take(QueryList *list)
{
    return list_take_behind(list, NULL);
}

static bool callers_take_turns(StatementClass kind)
{
    return kind == STATEMENT_FILTER || kind == STATEMENT_SEARCH;
}

static bool same_caller(const Query *a, const Query *b)
{
    return a->caller != NULL && b->caller != NULL && strcmp(a->caller, b->caller) == 0;
}

/* The caller's query that is in flight; NULL: none. */
static const Query *served_query(const Pipeline *pipeline, StatementClass kind, const Query *query)
{
    for (size_t i = 0; i < LINK_COUNT; i++) {
        const Query *served = pipeline->links[i].statement_class == kind
                                  ? link_only_query(&pipeline->links[i])
                                  : NULL;
        if (served != NULL && same_caller(served, query)) {
            return served;
        }
    }
    return NULL;
}

/* Gives the query its turn: the present one when the caller has no other, else the one behind the
 * last of them. So whoever comes with many waits between them for those who come with one. False:
 * the caller has too many waiting. */
static bool take_turn(const Pipeline *pipeline, StatementClass kind, Query *query)
{
    const Query *served = served_query(pipeline, kind, query);
    unsigned count = 0;
    query->turn = pipeline->turns[kind];
    if (served != NULL && served->turn >= query->turn) {
        query->turn = served->turn + 1;
    }
    for (const Query *one = pipeline->waiting[kind].first; one != NULL; one = one->next) {
        if (same_caller(one, query)) {
            count++;
            query->turn = one->turn >= query->turn ? one->turn + 1 : query->turn;
        }
    }
    return count < CALLER_SEARCHES_MAX;
}

Pipeline *pipeline_create(const PipelineOptions *options)
{
    Pipeline *pipeline = ALLOC_NEW(Pipeline);
    pipeline->options = *options;
    for (size_t i = 0; i < LINK_COUNT; i++) {
        link_init(&pipeline->links[i], &pipeline->options, pipeline, CLASS_OF_LINK[i]);
    }
    return pipeline;
}

void pipeline_destroy(Pipeline *pipeline)
{
    if (pipeline == NULL) {
        return;
    }
    for (size_t i = 0; i < LINK_COUNT; i++) {
        assert(pipeline->links[i].slot_count == 0);
        link_clear(&pipeline->links[i]);
    }
    alloc_free(pipeline);
}

bool pipeline_submit(Pipeline *pipeline, Query *query)
{
    StatementClass kind = query->statement->statement_class;
    QueryList *list = &pipeline->waiting[kind];
    if (list->count >= SHARD_QUEUE_MAX ||
        (callers_take_turns(kind) && !take_turn(pipeline, kind, query))) {
        metric_add(METRIC_STATEMENTS_REFUSED, kind, 1);
        return false;
    }
    query->submitted_at_us = clock_monotonic_us(pipeline->options.clock);
    query->again = false;
    list_append(list, query);
    return true;
}

void pipeline_take_back(Pipeline *pipeline, Query *query)
{
    query->again = true;
    list_append(&pipeline->waiting[query->statement->statement_class], query);
}

void pipeline_end(Query *query, QueryOutcome outcome, const PGresult *result)
{
    query->done(query, outcome, result);
}

static Link *least_loaded(Pipeline *pipeline, StatementClass kind)
{
    Link *best = NULL;
    for (size_t i = 0; i < LINK_COUNT; i++) {
        Link *link = &pipeline->links[i];
        if (link->statement_class == kind && link_has_room(link) &&
            (best == NULL || link->in_flight < best->in_flight)) {
            best = link;
        }
    }
    return best;
}

/* Takes the next query of a class whose callers take turns; NULL: each caller is being served. */
static Query *take_in_turn(Pipeline *pipeline, StatementClass kind)
{
    QueryList *list = &pipeline->waiting[kind];
    const Query *best = NULL;
    Query *before_best = NULL;
    Query *before = NULL;
    for (Query *query = list->first; query != NULL; before = query, query = query->next) {
        if ((best == NULL || query->turn < best->turn) &&
            served_query(pipeline, kind, query) == NULL) {
            best = query;
            before_best = before;
        }
    }
    if (best == NULL) {
        return NULL;
    }
    if (best->turn > pipeline->turns[kind]) {
        pipeline->turns[kind] = best->turn;
    }
    return list_take_behind(list, before_best);
}

static Query *take_next(Pipeline *pipeline, StatementClass kind)
{
    if (callers_take_turns(kind)) {
        return take_in_turn(pipeline, kind);
    }
    return pipeline->waiting[kind].first == NULL ? NULL : list_take(&pipeline->waiting[kind]);
}

static void dispatch(Pipeline *pipeline, StatementClass kind, int64_t now_us)
{
    Link *link = NULL;
    for (unsigned in_row = 0;; in_row++) {
        if (link == NULL || in_row % READS_IN_ROW_MAX == 0 || !link_has_room(link)) {
            link = least_loaded(pipeline, kind);
        }
        Query *query = link == NULL ? NULL : take_next(pipeline, kind);
        if (query == NULL) {
            return;
        }
        if (!query->again) {
            metric_observe(METRIC_STATEMENT_WAIT_SECONDS, kind, now_us - query->submitted_at_us);
        }
        link_send(link, query);
    }
}

/* Whether no connection of the kind stands and the last attempt of each has failed. */
static bool class_is_away(const Pipeline *pipeline, StatementClass kind)
{
    for (size_t i = 0; i < LINK_COUNT; i++) {
        const Link *link = &pipeline->links[i];
        if (link->statement_class == kind && (link->state == LINK_READY || link->failures == 0)) {
            return false;
        }
    }
    return true;
}

static void end_hopeless(Pipeline *pipeline, StatementClass kind, int64_t now_us)
{
    QueryList *list = &pipeline->waiting[kind];
    bool away = class_is_away(pipeline, kind);
    int64_t oldest_us = now_us - QUEUE_WAIT_SECONDS_MAX * MICROSECONDS_PER_SECOND;
    while (list->first != NULL && (away || list->first->submitted_at_us < oldest_us)) {
        pipeline_end(list_take(list), QUERY_UNAVAILABLE, NULL);
    }
}

void pipeline_turn(Pipeline *pipeline)
{
    int64_t now_us = clock_monotonic_us(pipeline->options.clock);
    for (size_t i = 0; i < LINK_COUNT; i++) {
        link_tend(&pipeline->links[i], now_us);
    }
    for (int kind = 0; kind < STATEMENT_CLASS_COUNT; kind++) {
        if (pipeline->waiting[kind].first != NULL) {
            end_hopeless(pipeline, (StatementClass)kind, now_us);
            dispatch(pipeline, (StatementClass)kind, now_us);
        }
    }
    for (size_t i = 0; i < LINK_COUNT; i++) {
        link_push(&pipeline->links[i]);
    }
}

int pipeline_wait_ms(const Pipeline *pipeline)
{
    int64_t now_us = clock_monotonic_us(pipeline->options.clock);
    int64_t wait_us = WAIT_MS_MAX * MICROSECONDS_PER_MILLISECOND;
    for (size_t i = 0; i < LINK_COUNT; i++) {
        const Link *link = &pipeline->links[i];
        if (link->state != LINK_READY && link->due_at_us - now_us < wait_us) {
            wait_us = link->due_at_us - now_us;
        }
    }
    return wait_us <= 0 ? 0 : (int)(wait_us / MICROSECONDS_PER_MILLISECOND) + 1;
}

void pipeline_fail_all(Pipeline *pipeline)
{
    for (size_t i = 0; i < LINK_COUNT; i++) {
        if (pipeline->links[i].slot_count > 0) {
            link_break(&pipeline->links[i]);
        }
    }
    for (int kind = 0; kind < STATEMENT_CLASS_COUNT; kind++) {
        while (pipeline->waiting[kind].first != NULL) {
            pipeline_end(list_take(&pipeline->waiting[kind]), QUERY_UNAVAILABLE, NULL);
        }
    }
}

const char *pipeline_trouble(const Pipeline *pipeline)
{
    const char *reason = "the database is not connected yet";
    for (size_t i = 0; i < LINK_COUNT; i++) {
        const Link *link = &pipeline->links[i];
        if (link->statement_class != STATEMENT_READ) {
            continue;
        }
        if (link->state == LINK_READY) {
            return "";
        }
        if (link->trouble.code != ERROR_NONE) {
            reason = link->trouble.message;
        }
    }
    return reason;
}
