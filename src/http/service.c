/* SPDX-License-Identifier: Apache-2.0 */
/* Starting and stopping shards; see service.h. */
#include "http/service.h"

#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "http/listener.h"
#include "http/shard.h"

enum { POOL_THREADS = 4, POOL_QUEUE_MAX = 1024, SHARDS_MAX = LISTENERS_MAX };

struct Service {
    ShardOptions options;
    Router *router;
    WorkPool *pool;
    size_t shard_count;
    size_t thread_count;
    Shard *shards[SHARDS_MAX];
    pthread_t threads[SHARDS_MAX];
};

static void *run(void *argument)
{
    shard_run(argument);
    return NULL;
}

/* A shard owns its socket, also when it cannot be made; the rest are closed here. */
static bool add_shards(Service *service, const int *listen_fds, size_t count, Error *error)
{
    bool added = true;
    for (size_t i = 0; i < count; i++) {
        int listen_fd = listen_fds[i];
        if (added) {
            added = shard_create(&service->options, listen_fd, &service->shards[i], error);
            service->shard_count += added ? 1 : 0;
        } else {
            close(listen_fd);
        }
    }
    return added;
}

static bool start_threads(Service *service, Error *error)
{
    for (size_t i = 0; i < service->shard_count; i++) {
        int failed = pthread_create(&service->threads[i], NULL, run, service->shards[i]);
        if (failed != 0) {
            return error_set(error, ERROR_INTERNAL, "cannot start a thread: %s", strerror(failed));
        }
        service->thread_count++;
    }
    return true;
}

static bool start(Service *service, const ServiceOptions *options, Error *error)
{
    int listen_fds[SHARDS_MAX];
    size_t count = options->shard_count < SHARDS_MAX ? options->shard_count : SHARDS_MAX;
    if (!router_create(options->tables, options->table_count, &service->router, error) ||
        !work_pool_create(POOL_THREADS, POOL_QUEUE_MAX, &service->pool, error) ||
        !listener_open_group(options->address, options->port, count, listen_fds, error)) {
        return false;
    }
    service->options =
        (ShardOptions){.service = options, .router = service->router, .pool = service->pool};
    return add_shards(service, listen_fds, count, error) && start_threads(service, error);
}

bool service_start(const ServiceOptions *options, Service **service_out, Error *error)
{
    Service *service = ALLOC_NEW(Service);
    if (!start(service, options, error)) {
        service_stop(service);
        return false;
    }
    *service_out = service;
    return true;
}

void service_stop(Service *service)
{
    if (service == NULL) {
        return;
    }
    for (size_t i = 0; i < service->thread_count; i++) {
        shard_stop(service->shards[i]);
    }
    for (size_t i = 0; i < service->thread_count; i++) {
        pthread_join(service->threads[i], NULL);
    }
    work_pool_destroy(service->pool);
    for (size_t i = 0; i < service->shard_count; i++) {
        shard_destroy(service->shards[i]);
    }
    router_destroy(service->router);
    alloc_free(service);
}
