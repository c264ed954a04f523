/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An exchange: one request on its way through a shard, from its first line to the last byte of its
 * answer. Kept by the shard and used again, with its memory.
 */
#pragma once
#include <microhttpd.h>

#include "db/pipeline.h"
#include "http/etag.h"
#include "http/router.h"
#include "http/shard.h"
#include "http/trace.h"
#include "http/work_pool.h"

typedef enum ExchangePhase {
    EXCHANGE_NEW,       /* the headers are there */
    EXCHANGE_ADMITTING, /* suspended: who calls is not known yet */
    EXCHANGE_ADMITTED,  /* it is known, or refused */
    EXCHANGE_BODY,      /* the body arrives */
    EXCHANGE_WAITING,   /* suspended or lingering: on the pool or in the pipeline */
    EXCHANGE_DECIDED,   /* the response is to be sent */
    EXCHANGE_ANSWERED,  /* it is on its way */
} ExchangePhase;

struct Exchange {
    Query query; /* the first member: the pipeline gives it back */
    Work work;
    int64_t pooled_at_us; /* when the work was given to the pool */
    Shard *shard;
    struct MHD_Connection *connection;
    ExchangePhase phase;
    bool lingers;   /* it waits and is not suspended: the library asks for its answer each turn */
    bool abandoned; /* the connection ended meanwhile; the query has not */
    unsigned looks; /* how often the library has asked */
    const Endpoint *endpoint; /* NULL: none fits */
    const Statement *bound;   /* what bind asked for; NULL: it answered by itself */
    const char *caller;       /* who is limited; NULL: nobody asked */
    KeyWaiter key_waiter;
    RouteMatch match;
    Text target; /* path and query as they came */
    Trace trace;
    char etag[ETAG_BYTES]; /* empty: none */
    Request request;
    Response response;
    Buffer body;
    size_t body_reserved; /* counted against the shard's bodies */
    int64_t started_at_us;
    int learnings; /* how often the request was bound again */
    Exchange *next_free;
};

Exchange *exchange_create(Shard *shard);
void exchange_destroy(Exchange *exchange);
/* Ready for a new request with this target; false when it is too long. */
void exchange_begin(Exchange *exchange, struct MHD_Connection *connection, const char *target);
/* Empty again; keeps a little memory. */
void exchange_end(Exchange *exchange);

/* Route, permission, and the length of the body. In the phase EXCHANGE_ADMITTING the body must
 * wait. */
void exchange_open(Exchange *exchange, const char *method);
/* The body may come, or be refused: after EXCHANGE_ADMITTED. */
void exchange_admitted(Exchange *exchange);
/* Takes a piece of the body; false: it is far too long, give the connection up. */
MUST_CHECK bool exchange_take_body(Exchange *exchange, const char *bytes, size_t length);
/* All is there: binds, and either decides the response or waits for it (the phase says which). */
void exchange_run(Exchange *exchange);
/* Whether it waits for no more than an answer of the pipeline that comes soon, and needs nothing of
 * its connection for it. */
bool exchange_may_linger(const Exchange *exchange);
/* Queues the decided response. */
enum MHD_Result exchange_answer(Exchange *exchange);
/* Whether an answer should go out before the body has come. */
bool exchange_answers_early(const Exchange *exchange);
/* Work of the pool, or a wait for keys, has come back to the loop. */
void exchange_bound(Work *work);
