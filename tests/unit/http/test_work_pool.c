/* SPDX-License-Identifier: Apache-2.0 */
/* The pool and the inbox; run under the thread sanitizer as well. */
#include "unit_test.h"

#include <poll.h>
#include <semaphore.h>

#include "http/work_pool.h"

enum { WORKS = 64, WAIT_MS = 60000 };

typedef struct Task {
    Work work; /* the first member */
    int result;
} Task;

static Inbox *inbox;
static sem_t gate;

static void compute(Work *work)
{
    Task *task = (Task *)(void *)work;
    task->result += 1;
    inbox_put(inbox, work);
}

static void wait_at_gate(Work *work)
{
    while (sem_wait(&gate) != 0) {
    }
    inbox_put(inbox, work);
}

static int collect(int wanted)
{
    int got = 0;
    while (got < wanted) {
        struct pollfd wait = {.fd = inbox_fd(inbox), .events = POLLIN};
        assert_int_equal(poll(&wait, 1, WAIT_MS), 1);
        for (Work *work = inbox_take(inbox); work != NULL; work = work->next) {
            got++;
        }
    }
    return got;
}

static void all_work_comes_back_done(void **state)
{
    (void)state;
    Error error = {0};
    WorkPool *pool = NULL;
    static Task tasks[WORKS];
    assert_true(inbox_create(&inbox, &error));
    assert_true(work_pool_create(2, WORKS, &pool, &error));
    for (size_t i = 0; i < WORKS; i++) {
        tasks[i] = (Task){.work = {.run = compute}, .result = (int)i};
        assert_true(work_pool_submit(pool, &tasks[i].work));
    }
    assert_int_equal(collect(WORKS), WORKS);
    for (int i = 0; i < WORKS; i++) {
        assert_int_equal(tasks[i].result, i + 1);
    }
    work_pool_destroy(pool);
    inbox_destroy(inbox);
}

static void full_pool_refuses_and_ends_in_order(void **state)
{
    (void)state;
    Error error = {0};
    WorkPool *pool = NULL;
    static Work works[WORKS];
    sem_init(&gate, 0, 0);
    assert_true(inbox_create(&inbox, &error));
    assert_true(work_pool_create(1, 2, &pool, &error));
    size_t taken = 0;
    for (size_t i = 0; i < WORKS; i++) {
        works[i].run = wait_at_gate;
        if (!work_pool_submit(pool, &works[i])) {
            break;
        }
        taken++;
    }
    /* Two wait, and one may be at work. */
    assert_in_range(taken, 2, 3);
    for (size_t i = 0; i < taken; i++) {
        sem_post(&gate);
    }
    /* What was taken is finished before the pool ends. */
    work_pool_destroy(pool);
    assert_int_equal(collect((int)taken), taken);
    inbox_destroy(inbox);
    sem_destroy(&gate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_work_comes_back_done),
        cmocka_unit_test(full_pool_refuses_and_ends_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
