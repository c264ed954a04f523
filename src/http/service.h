/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The API service: shards that share one port. A shard is one thread with one epoll loop, one HTTP
 * daemon without threads of its own and one pipeline of database connections; nothing is shared
 * between shards but what never changes.
 */
#pragma once
#include "auth/verifier.h"
#include "http/rate_limit.h"
#include "http/router.h"
#include "http/server.h"

typedef struct ServiceOptions {
    const char *address;
    unsigned port;
    unsigned shard_count;
    const EndpointTable *tables;
    size_t table_count;
    const ServerContext *context;
    const TokenRules *token_rules;
    RateRules rate_rules;
    KeyOrigin key_origin;
    const char *conninfo;
} ServiceOptions;

typedef struct Service Service;

/* The options are borrowed until service_stop. Signals are to be blocked before. */
MUST_CHECK bool service_start(const ServiceOptions *options, Service **service_out, Error *error);
/* Accepts no more, gives what is in flight STOP_SECONDS_MAX to end, and ends. */
void service_stop(Service *service);
