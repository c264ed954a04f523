/* SPDX-License-Identifier: Apache-2.0 */
/* First come, first served: one queue of all items in the order in which their runs arrived. */
#include "base/alloc.h"

#include "rules.h"

typedef struct FirstCome {
    World *world;
    int head;     /* the first run with items that were never tried */
    int *retried; /* runs that may have retried items; a run may stand there twice */
    int retried_count;
    int retried_capacity;
} FirstCome;

static void ignore_run(void *state, int run)
{
    (void)state;
    (void)run;
}

static void ignore(void *state)
{
    (void)state;
}

static void item_waits(void *state, int run, int ordinal, int64_t ready_at_us)
{
    (void)ordinal;
    (void)ready_at_us;
    FirstCome *queue = state;
    if (queue->retried_count == queue->retried_capacity) {
        queue->retried_capacity = queue->retried_capacity * 2 + 16;
        queue->retried = alloc_resize(queue->retried, (size_t)queue->retried_capacity, sizeof(int));
    }
    queue->retried[queue->retried_count++] = run;
}

static bool pick_retried(FirstCome *queue, Pick *pick_out)
{
    for (int i = 0; i < queue->retried_count; i++) {
        const WorldRun *run = &queue->world->runs[queue->retried[i]];
        for (int n = 0; n < run->retry_count; n++) {
            if (run->retries[n].ready_at_us <= queue->world->now_us) {
                *pick_out = (Pick){.run = queue->retried[i], .count = 1};
                pick_out->ordinals[0] = run->retries[n].ordinal;
                queue->retried[i] = queue->retried[--queue->retried_count];
                return true;
            }
        }
    }
    return false;
}

static bool turn(void *state, int wanted, Pick *pick_out)
{
    (void)wanted;
    FirstCome *queue = state;
    World *world = queue->world;
    if (pick_retried(queue, pick_out)) {
        return true;
    }
    while (queue->head < world->arrived_count &&
           world->runs[queue->head].first_untried == world->runs[queue->head].item_count) {
        queue->head++;
    }
    if (queue->head == world->arrived_count) {
        return false;
    }
    *pick_out = (Pick){.run = queue->head, .count = 1};
    pick_out->ordinals[0] = world->runs[queue->head].first_untried;
    return true;
}

Rule rule_first_come_create(World *world)
{
    FirstCome *queue = ALLOC_NEW(FirstCome);
    queue->world = world;
    return (Rule){.state = queue,
                  .run_arrived = ignore_run,
                  .item_waits = item_waits,
                  .item_left = ignore_run,
                  .run_ended = ignore_run,
                  .time_passed = ignore,
                  .limit_changed = ignore,
                  .turn = turn};
}

void rule_first_come_destroy(Rule *rule)
{
    FirstCome *queue = rule->state;
    alloc_free(queue->retried);
    alloc_free(queue);
}
