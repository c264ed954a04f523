/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small pool of threads for work that is too long for a shard's loop, and the inbox through
 * which a loop gets it back.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

#include "base/attributes.h"
#include "base/error.h"

/* One piece of work; its owner puts it into what the work is about. */
typedef struct Work Work;
struct Work {
    void (*run)(Work *work); /* on a thread of the pool */
    Work *next;
};

typedef struct WorkPool WorkPool;

MUST_CHECK bool
work_pool_create(size_t thread_count, size_t queue_max, WorkPool **pool_out, Error *error);
/* Finishes what is queued first. */
void work_pool_destroy(WorkPool *pool);
/* False when the queue is full. */
MUST_CHECK bool work_pool_submit(WorkPool *pool, Work *work);

typedef struct Inbox Inbox;

MUST_CHECK bool inbox_create(Inbox **inbox_out, Error *error);
void inbox_destroy(Inbox *inbox);
/* Readable in epoll when something was put in. */
int inbox_fd(const Inbox *inbox);
/* From any thread. `work` may be NULL: only wakes the loop. */
void inbox_put(Inbox *inbox, Work *work);
/* Takes all, oldest first, linked by `next`; on the loop's thread. */
Work *inbox_take(Inbox *inbox);
