/* SPDX-License-Identifier: Apache-2.0 */
/* A shard of the service: what one loop's thread owns; see service.h. */
#pragma once
#include <stdatomic.h>

#include "auth/verifier.h"
#include "db/pipeline.h"
#include "http/rate_limit.h"
#include "http/service.h"
#include "http/trace.h"
#include "http/work_pool.h"

typedef struct Shard Shard;
typedef struct Exchange Exchange;

/* What all shards share and none changes. */
typedef struct ShardOptions {
    const ServiceOptions *service;
    const Router *router;
    WorkPool *pool;
} ShardOptions;

/* Takes over the listening socket. */
MUST_CHECK bool
shard_create(const ShardOptions *options, int listen_fd, Shard **shard_out, Error *error);
void shard_destroy(Shard *shard);
/* Runs the loop until shard_stop was called and the exchanges have ended. */
void shard_run(Shard *shard);
/* From another thread. */
void shard_stop(Shard *shard);

/* For exchanges, on the shard's thread. */
const ShardOptions *shard_options(const Shard *shard);
Pipeline *shard_pipeline(Shard *shard);
TokenVerifier *shard_verifier(Shard *shard);
RateLimiter *shard_rate_limiter(Shard *shard);
RandomStock *shard_random(Shard *shard);
/* Runs the work on the pool; exchange_bound gets it back. False: the pool's queue is full. */
MUST_CHECK bool shard_pool(Shard *shard, Work *work);
/* Waits for the keys of tokens; the waiter gives its work back by shard_return. */
MUST_CHECK KeyAwait shard_await_keys(Shard *shard, KeyWaiter *waiter);
/* Gives the work back to the loop; from another thread. */
void shard_return(Shard *shard, Work *work);
/* The exchange has what it waited for: the HTTP library goes on with its connection. */
void shard_wake(Shard *shard, Exchange *exchange);
/* The query of an abandoned exchange has ended. */
void shard_drop(Shard *shard, Exchange *exchange);
/* Counts bytes of bodies; false: the shard holds too many already. */
MUST_CHECK bool shard_reserve(Shard *shard, size_t bytes);
void shard_unreserve(Shard *shard, size_t bytes);
bool shard_stopping(const Shard *shard);
