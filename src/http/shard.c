/* SPDX-License-Identifier: Apache-2.0 */
/* One thread, one epoll, one HTTP daemon, one pipeline; see shard.h. */
#include "http/shard.h"

#include <errno.h>
#include <microhttpd.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/alloc.h"
#include "base/event_source.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/metrics.h"
#include "http/exchange.h"
#include "http/open_request.h"

enum {
    EVENTS_MAX = 64,
    CONNECTION_MEMORY_BYTES = 32 * 1024,
    FREE_EXCHANGES_MAX = 256,
    LAST_WAIT_MS = 50,
    /* See "Waiting" below. */
    LOOKS_MAX = 8,
    LINGER_WAIT_MS = 1
};

struct Shard {
    ShardOptions options;
    int epoll_fd;
    struct MHD_Daemon *daemon;
    Pipeline *pipeline;
    TokenVerifier *verifier;
    RateLimiter *rate_limiter;
    RandomStock random;
    Inbox *inbox;
    EventSource daemon_source;
    EventSource inbox_source;
    Exchange *free_exchanges;
    size_t free_count;
    size_t active_count;    /* exchanges between their first line and their last byte */
    size_t lingering_count; /* exchanges that wait and are not suspended */
    bool owes_turn;         /* the daemon has something to do, without an event */
    bool is_quiet;          /* no event came for LINGER_WAIT_MS */
    size_t pooled_count;    /* of these, on the pool or waiting for keys */
    size_t body_bytes;
    atomic_bool stop_asked;
    bool stopping;
    int64_t stop_at_us;
};

const ShardOptions *shard_options(const Shard *shard)
{
    return &shard->options;
}

Pipeline *shard_pipeline(Shard *shard)
{
    return shard->pipeline;
}

TokenVerifier *shard_verifier(Shard *shard)
{
    return shard->verifier;
}

RateLimiter *shard_rate_limiter(Shard *shard)
{
    return shard->rate_limiter;
}

RandomStock *shard_random(Shard *shard)
{
    return &shard->random;
}

bool shard_stopping(const Shard *shard)
{
    return shard->stopping;
}

bool shard_pool(Shard *shard, Work *work)
{
    if (!work_pool_submit(shard->options.pool, work)) {
        return false;
    }
    shard->pooled_count++;
    return true;
}

KeyAwait shard_await_keys(Shard *shard, KeyWaiter *waiter)
{
    KeyAwait answer = key_source_await(shard->options.service->key_origin.source, waiter);
    if (answer == KEYS_COMING) {
        shard->pooled_count++;
    }
    return answer;
}

void shard_return(Shard *shard, Work *work)
{
    inbox_put(shard->inbox, work);
}

bool shard_reserve(Shard *shard, size_t bytes)
{
    shard->body_bytes += bytes;
    return shard->body_bytes <= (size_t)SHARD_BODIES_BYTES_MAX;
}

void shard_unreserve(Shard *shard, size_t bytes)
{
    shard->body_bytes -= bytes;
}

static const Clock *clock_of(const Shard *shard)
{
    return shard->options.service->context->clock;
}

/* Exchanges. */

static Exchange *acquire_exchange(Shard *shard)
{
    Exchange *exchange = shard->free_exchanges;
    shard->active_count++;
    metric_add(METRIC_HTTP_OPEN, 0, 1);
    if (exchange == NULL) {
        return exchange_create(shard);
    }
    shard->free_exchanges = exchange->next_free;
    shard->free_count--;
    return exchange;
}

static void release_exchange(Shard *shard, Exchange *exchange)
{
    shard->active_count--;
    metric_add(METRIC_HTTP_OPEN, 0, -1);
    exchange_end(exchange);
    if (shard->free_count >= FREE_EXCHANGES_MAX) {
        exchange_destroy(exchange);
        return;
    }
    exchange->next_free = shard->free_exchanges;
    shard->free_exchanges = exchange;
    shard->free_count++;
}

void shard_drop(Shard *shard, Exchange *exchange)
{
    release_exchange(shard, exchange);
}

/*
 * Waiting. To suspend a connection and to resume it costs three system calls: it leaves the
 * library's epoll, is read in vain and comes back. A read by a key takes PostgreSQL less, so its
 * exchange lingers: "If the request is fully received, but response hasn't been provided and
 * connection is not suspended, the callback can be called again immediately" (microhttpd.h), here
 * each time that the daemon runs. After so many looks, or when the loop had nothing else to do for
 * a while, it is suspended after all.
 */

static void suspend(Shard *shard, Exchange *exchange)
{
    shard->lingering_count -= exchange->lingers ? 1 : 0;
    exchange->lingers = false;
    MHD_suspend_connection(exchange->connection);
}

static void wait_for_answer(Shard *shard, Exchange *exchange)
{
    if (!exchange_may_linger(exchange)) {
        suspend(shard, exchange);
        return;
    }
    exchange->lingers = true;
    shard->lingering_count++;
}

static void look_again(Shard *shard, Exchange *exchange)
{
    if (++exchange->looks >= LOOKS_MAX || shard->is_quiet) {
        suspend(shard, exchange);
    }
}

void shard_wake(Shard *shard, Exchange *exchange)
{
    if (exchange->lingers) {
        exchange->lingers = false;
        shard->lingering_count--;
        shard->owes_turn = true;
    } else {
        MHD_resume_connection(exchange->connection);
    }
}

/* The pipeline still has its query, and gives it back. */
static void abandon(Shard *shard, Exchange *exchange)
{
    shard->lingering_count--;
    exchange->lingers = false;
    exchange->abandoned = true;
    exchange->connection = NULL;
}

/* What the HTTP library calls. */

static void *on_target(void *argument, const char *target, struct MHD_Connection *connection)
{
    Shard *shard = argument;
    Exchange *exchange = acquire_exchange(shard);
    exchange_begin(exchange, connection, target);
    open_request_set(connection, exchange);
    return exchange;
}

static void on_completed(void *argument,
                         struct MHD_Connection *connection,
                         void **place,
                         enum MHD_RequestTerminationCode how)
{
    (void)how;
    Exchange *exchange = *place;
    *place = NULL;
    if (exchange == NULL) {
        return;
    }
    open_request_set(connection, NULL);
    if (exchange->lingers) {
        abandon(argument, exchange);
    } else {
        release_exchange(argument, exchange);
    }
}

static void on_connection(void *argument,
                          struct MHD_Connection *connection,
                          void **place,
                          enum MHD_ConnectionNotificationCode what)
{
    (void)connection;
    Exchange *exchange = open_request_notify(place, what);
    if (exchange != NULL) {
        release_exchange(argument, exchange);
    }
}

/* The path is decoded by the router, after it was split. */
static size_t keep_encoded(void *argument, struct MHD_Connection *connection, char *text)
{
    (void)argument;
    (void)connection;
    return strlen(text);
}

static enum MHD_Result answer(Shard *shard, Exchange *exchange)
{
    shard->owes_turn = true; /* to send it */
    return exchange_answer(exchange);
}

static enum MHD_Result run_exchange(Shard *shard, Exchange *exchange)
{
    exchange_run(exchange);
    if (exchange->phase == EXCHANGE_WAITING) {
        wait_for_answer(shard, exchange);
        return MHD_YES;
    }
    return answer(shard, exchange);
}

/* NOLINTNEXTLINE(readability-function-size): libmicrohttpd sets the parameters. */
static enum MHD_Result on_request(void *argument,
                                  struct MHD_Connection *connection,
                                  const char *url,
                                  const char *method,
                                  const char *version,
                                  const char *bytes,
                                  size_t *length,
                                  void **place)
{
    (void)connection;
    (void)url;
    (void)version;
    Shard *shard = argument;
    Exchange *exchange = *place;
    switch (exchange->phase) {
    case EXCHANGE_NEW:
        exchange_open(exchange, method);
        if (exchange->phase == EXCHANGE_ADMITTING) {
            MHD_suspend_connection(connection);
            return MHD_YES;
        }
        return exchange_answers_early(exchange) ? answer(shard, exchange) : MHD_YES;
    case EXCHANGE_ADMITTED:
        /* The library calls again as it did for the first time. */
        exchange_admitted(exchange);
        return exchange_answers_early(exchange) ? answer(shard, exchange) : MHD_YES;
    case EXCHANGE_BODY:
        if (*length > 0) {
            bool taken = exchange_take_body(exchange, bytes, *length);
            *length = 0;
            shard->owes_turn = true; /* there may be more */
            return taken ? MHD_YES : MHD_NO;
        }
        return run_exchange(shard, exchange);
    case EXCHANGE_WAITING:
        look_again(shard, exchange);
        return MHD_YES;
    case EXCHANGE_DECIDED:
        return answer(shard, exchange);
    case EXCHANGE_ADMITTING:
    case EXCHANGE_ANSWERED:
        break;
    }
    return MHD_NO;
}

static struct MHD_Daemon *start_daemon(Shard *shard, int listen_fd)
{
    return MHD_start_daemon(
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_TURBO, 0, NULL, NULL, on_request, shard,
        MHD_OPTION_LISTEN_SOCKET, listen_fd, MHD_OPTION_URI_LOG_CALLBACK, on_target, shard,
        MHD_OPTION_UNESCAPE_CALLBACK, keep_encoded, NULL, MHD_OPTION_NOTIFY_COMPLETED, on_completed,
        shard, MHD_OPTION_NOTIFY_CONNECTION, on_connection, shard, MHD_OPTION_CONNECTION_LIMIT,
        (unsigned)SHARD_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned)CONNECTION_IDLE_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t)CONNECTION_MEMORY_BYTES, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
}

/* What the loop watches. */

/* MHD_run comes after every wake-up anyway. */
static void daemon_ready(EventSource *source, uint32_t events)
{
    (void)source;
    (void)events;
}

static void inbox_ready(EventSource *source, uint32_t events)
{
    (void)events;
    Shard *shard = (Shard *)(void *)((char *)source - offsetof(Shard, inbox_source));
    Work *work = inbox_take(shard->inbox);
    while (work != NULL) {
        Work *next = work->next;
        shard->pooled_count--;
        exchange_bound(work);
        work = next;
    }
}

static bool watch(Shard *shard, int fd, EventSource *source, Error *error)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = source};
    if (epoll_ctl(shard->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
        return error_set(error, ERROR_INTERNAL, "cannot watch a descriptor: %m");
    }
    return true;
}

static bool open_shard(Shard *shard, int listen_fd, Error *error)
{
    const ServiceOptions *service = shard->options.service;
    shard->daemon = start_daemon(shard, listen_fd);
    shard->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (shard->daemon == NULL || shard->epoll_fd < 0) {
        return error_set(error, ERROR_INTERNAL, "cannot start the HTTP daemon: %m");
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(shard->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    if (info == NULL || !inbox_create(&shard->inbox, error)) {
        return error_set(error, ERROR_INTERNAL, "cannot start the HTTP daemon");
    }
    PipelineOptions pipeline = {.conninfo = service->conninfo,
                                .application_name = "slideway-server",
                                .clock = clock_of(shard),
                                .epoll_fd = shard->epoll_fd};
    shard->pipeline = pipeline_create(&pipeline);
    shard->rate_limiter = rate_limiter_create(&service->rate_rules);
    shard->daemon_source.ready = daemon_ready;
    shard->inbox_source.ready = inbox_ready;
    return watch(shard, info->epoll_fd, &shard->daemon_source, error) &&
           watch(shard, inbox_fd(shard->inbox), &shard->inbox_source, error) &&
           verifier_create(service->token_rules, &service->key_origin, clock_of(shard),
                           &shard->verifier, error);
}

bool shard_create(const ShardOptions *options, int listen_fd, Shard **shard_out, Error *error)
{
    Shard *shard = ALLOC_NEW(Shard);
    shard->options = *options;
    shard->epoll_fd = -1;
    if (!open_shard(shard, listen_fd, error)) {
        if (shard->daemon == NULL) {
            close(listen_fd);
        }
        shard_destroy(shard);
        return false;
    }
    *shard_out = shard;
    return true;
}

void shard_destroy(Shard *shard)
{
    if (shard == NULL) {
        return;
    }
    if (shard->daemon != NULL) {
        MHD_stop_daemon(shard->daemon);
    }
    pipeline_destroy(shard->pipeline);
    verifier_destroy(shard->verifier);
    rate_limiter_destroy(shard->rate_limiter);
    inbox_destroy(shard->inbox);
    while (shard->free_exchanges != NULL) {
        Exchange *exchange = shard->free_exchanges;
        shard->free_exchanges = exchange->next_free;
        exchange_destroy(exchange);
    }
    cleanup_fd(&shard->epoll_fd);
    alloc_free(shard);
}

/* The loop. */

void shard_stop(Shard *shard)
{
    atomic_store(&shard->stop_asked, true);
    inbox_put(shard->inbox, NULL);
}

static void begin_stopping(Shard *shard)
{
    shard->stopping = true;
    shard->stop_at_us =
        clock_monotonic_us(clock_of(shard)) + STOP_SECONDS_MAX * MICROSECONDS_PER_SECOND;
    MHD_socket listen_fd = MHD_quiesce_daemon(shard->daemon);
    if (listen_fd != MHD_INVALID_SOCKET) {
        close(listen_fd);
    }
}

static int wait_ms(const Shard *shard)
{
    int wait = pipeline_wait_ms(shard->pipeline);
    MHD_UNSIGNED_LONG_LONG daemon_wait = 0;
    if (shard->lingering_count > 0) {
        /* The library knows no more than that it should look again at once. What it might have to
         * do besides, to go on reading headers of many KiB, waits no longer than this. */
        int longest = shard->owes_turn ? 0 : LINGER_WAIT_MS;
        wait = wait < longest ? wait : longest;
    } else if (MHD_get_timeout(shard->daemon, &daemon_wait) == MHD_YES &&
               daemon_wait < (MHD_UNSIGNED_LONG_LONG)wait) {
        wait = (int)daemon_wait;
    }
    return shard->stopping && wait > LAST_WAIT_MS ? LAST_WAIT_MS : wait;
}

static void turn(Shard *shard, int wait)
{
    struct epoll_event events[EVENTS_MAX];
    int count = epoll_wait(shard->epoll_fd, events, EVENTS_MAX, wait);
    for (int i = 0; i < count; i++) {
        EventSource *source = events[i].data.ptr;
        source->ready(source, events[i].events);
    }
    shard->owes_turn = false;
    shard->is_quiet = count == 0 && wait > 0;
    MHD_run(shard->daemon);
    if (shard->owes_turn) { /* answers go out in the run behind the one that took them */
        shard->owes_turn = false;
        MHD_run(shard->daemon);
    }
    pipeline_turn(shard->pipeline);
}

static bool may_end(const Shard *shard)
{
    return shard->stopping &&
           (shard->active_count == 0 || clock_monotonic_us(clock_of(shard)) >= shard->stop_at_us);
}

void shard_run(Shard *shard)
{
    while (!may_end(shard)) {
        turn(shard, wait_ms(shard));
        if (!shard->stopping && atomic_load(&shard->stop_asked)) {
            begin_stopping(shard);
        }
    }
    /* Nothing may be suspended when the daemon ends: the rest is answered 503. What the pool
     * holds comes back soon, it only parses. */
    do {
        pipeline_fail_all(shard->pipeline);
        turn(shard, LAST_WAIT_MS);
        pipeline_fail_all(shard->pipeline);
    } while (shard->pooled_count > 0);
    MHD_run(shard->daemon);
}
