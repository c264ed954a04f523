/* SPDX-License-Identifier: Apache-2.0 */
/* Threads beside the loops; see work_pool.h. */
#include "http/work_pool.h"

#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/alloc.h"

typedef struct WorkList {
    Work *first;
    Work *last;
    size_t count;
} WorkList;

struct WorkPool {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct {
        WorkList queue;
        bool stopping;
    } locked;
    size_t queue_max;
    size_t thread_count;
    pthread_t threads[];
};

struct Inbox {
    pthread_mutex_t mutex;
    struct {
        WorkList arrived;
    } locked;
    int event_fd;
};

static void append(WorkList *list, Work *work)
{
    work->next = NULL;
    if (list->last == NULL) {
        list->first = work;
    } else {
        list->last->next = work;
    }
    list->last = work;
    list->count++;
}

static Work *take_first(WorkList *list)
{
    Work *work = list->first;
    list->first = work->next;
    if (list->first == NULL) {
        list->last = NULL;
    }
    list->count--;
    work->next = NULL;
    return work;
}

static Work *wait_for_work(WorkPool *pool)
{
    Work *work = NULL;
    pthread_mutex_lock(&pool->mutex);
    while (pool->locked.queue.first == NULL && !pool->locked.stopping) {
        pthread_cond_wait(&pool->changed, &pool->mutex);
    }
    if (pool->locked.queue.first != NULL) {
        work = take_first(&pool->locked.queue);
    }
    pthread_mutex_unlock(&pool->mutex);
    return work;
}

static void *work_on(void *argument)
{
    WorkPool *pool = argument;
    for (Work *work = wait_for_work(pool); work != NULL; work = wait_for_work(pool)) {
        work->run(work);
    }
    return NULL;
}

bool work_pool_create(size_t thread_count, size_t queue_max, WorkPool **pool_out, Error *error)
{
    WorkPool *pool = alloc_zeroed(1, sizeof *pool + thread_count * sizeof(pthread_t));
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->changed, NULL);
    pool->queue_max = queue_max;
    for (size_t i = 0; i < thread_count; i++) {
        int failed = pthread_create(&pool->threads[i], NULL, work_on, pool);
        if (failed != 0) {
            work_pool_destroy(pool);
            return error_set(error, ERROR_INTERNAL, "cannot start a thread: %s", strerror(failed));
        }
        pool->thread_count++;
    }
    *pool_out = pool;
    return true;
}

void work_pool_destroy(WorkPool *pool)
{
    if (pool == NULL) {
        return;
    }
    pthread_mutex_lock(&pool->mutex);
    pool->locked.stopping = true;
    pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->mutex);
    for (size_t i = 0; i < pool->thread_count; i++) {
        pthread_join(pool->threads[i], NULL);
    }
    pthread_cond_destroy(&pool->changed);
    pthread_mutex_destroy(&pool->mutex);
    alloc_free(pool);
}

bool work_pool_submit(WorkPool *pool, Work *work)
{
    pthread_mutex_lock(&pool->mutex);
    bool room = pool->locked.queue.count < pool->queue_max && !pool->locked.stopping;
    if (room) {
        append(&pool->locked.queue, work);
        pthread_cond_signal(&pool->changed);
    }
    pthread_mutex_unlock(&pool->mutex);
    return room;
}

bool inbox_create(Inbox **inbox_out, Error *error)
{
    int event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (event_fd < 0) {
        return error_set(error, ERROR_INTERNAL, "cannot make an event descriptor: %m");
    }
    Inbox *inbox = ALLOC_NEW(Inbox);
    pthread_mutex_init(&inbox->mutex, NULL);
    inbox->event_fd = event_fd;
    *inbox_out = inbox;
    return true;
}

void inbox_destroy(Inbox *inbox)
{
    if (inbox != NULL) {
        cleanup_fd(&inbox->event_fd);
        pthread_mutex_destroy(&inbox->mutex);
        alloc_free(inbox);
    }
}

int inbox_fd(const Inbox *inbox)
{
    return inbox->event_fd;
}

void inbox_put(Inbox *inbox, Work *work)
{
    if (work != NULL) {
        pthread_mutex_lock(&inbox->mutex);
        append(&inbox->locked.arrived, work);
        pthread_mutex_unlock(&inbox->mutex);
    }
    /* It can only fail when the counter is full, and then the loop is awake already. */
    (void)eventfd_write(inbox->event_fd, 1);
}

Work *inbox_take(Inbox *inbox)
{
    eventfd_t wakes = 0;
    (void)eventfd_read(inbox->event_fd, &wakes);
    pthread_mutex_lock(&inbox->mutex);
    Work *first = inbox->locked.arrived.first;
    inbox->locked.arrived = (WorkList){0};
    pthread_mutex_unlock(&inbox->mutex);
    return first;
}
