/* SPDX-License-Identifier: Apache-2.0 */
/* Queues of queries in front of the links; see pipeline.h. */
#include "db/pipeline.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "db/link.h"

/* More than two connections for reads a shard only make PostgreSQL slower. */
enum { LINK_COUNT = 8, WAIT_MS_MAX = 1000 };

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
    Link links[LINK_COUNT];
};

static void list_append(QueryList *list, Query *query)
{
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

static bool caller_has_enough(const QueryList *list, const Query *query)
{
    unsigned count = 0;
    for (const Query *one = list->first; one != NULL; one = one->next) {
        count += same_caller(one, query) ? 1 : 0;
    }
    return count >= CALLER_SEARCHES_MAX;
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
    QueryList *list = &pipeline->waiting[query->statement->statement_class];
    if (list->count >= SHARD_QUEUE_MAX ||
        (callers_take_turns(query->statement->statement_class) && caller_has_enough(list, query))) {
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

static bool caller_is_served(const Pipeline *pipeline, StatementClass kind, const Query *query)
{
    for (size_t i = 0; i < LINK_COUNT; i++) {
        const Query *served = link_only_query(&pipeline->links[i]);
        if (pipeline->links[i].statement_class == kind && served != NULL &&
            same_caller(served, query)) {
            return true;
        }
    }
    return false;
}

/* The next query whose turn it is; NULL: none. */
static Query *take_next(Pipeline *pipeline, StatementClass kind)
{
    QueryList *list = &pipeline->waiting[kind];
    Query *before = NULL;
    Query *query = list->first;
    while (query != NULL && callers_take_turns(kind) && caller_is_served(pipeline, kind, query)) {
        before = query;
        query = query->next;
    }
    return query == NULL ? NULL : list_take_behind(list, before);
}

static void dispatch(Pipeline *pipeline, StatementClass kind)
{
    for (;;) {
        Link *link = least_loaded(pipeline, kind);
        Query *query = link == NULL ? NULL : take_next(pipeline, kind);
        if (query == NULL) {
            return;
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
            dispatch(pipeline, (StatementClass)kind);
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
