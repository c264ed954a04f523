/* SPDX-License-Identifier: Apache-2.0 */
/* Queues of queries in front of the links; see pipeline.h. */
#include "db/pipeline.h"

#include <assert.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "db/link.h"

/* More than two connections for reads a shard only make PostgreSQL slower. */
enum { CLASS_COUNT = 3, READ_LINKS = 2, WRITE_LINKS = 2, SEARCH_LINKS = 1, WAIT_MS_MAX = 1000 };
enum { LINK_COUNT = READ_LINKS + WRITE_LINKS + SEARCH_LINKS };

static const StatementClass CLASS_OF_LINK[LINK_COUNT] = {
    STATEMENT_READ, STATEMENT_READ, STATEMENT_WRITE, STATEMENT_WRITE, STATEMENT_SEARCH};

typedef struct QueryList {
    Query *first;
    Query *last;
    unsigned count;
} QueryList;

struct Pipeline {
    PipelineOptions options;
    QueryList waiting[CLASS_COUNT];
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

static Query *list_take(QueryList *list)
{
    Query *query = list->first;
    assert(query != NULL);
    list->first = query->next;
    if (list->first == NULL) {
        list->last = NULL;
    }
    list->count--;
    query->next = NULL;
    return query;
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
    if (list->count >= SHARD_QUEUE_MAX) {
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

static void dispatch(Pipeline *pipeline, StatementClass kind)
{
    QueryList *list = &pipeline->waiting[kind];
    while (list->first != NULL) {
        Link *link = least_loaded(pipeline, kind);
        if (link == NULL) {
            return;
        }
        link_send(link, list_take(list));
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
    for (int kind = 0; kind < CLASS_COUNT; kind++) {
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
    for (int kind = 0; kind < CLASS_COUNT; kind++) {
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
