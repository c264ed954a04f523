/* SPDX-License-Identifier: Apache-2.0 */
/* Events and books of the world; see world.h. */
#include "world.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#include "referee.h"

/* How workers live: about ten days, then their lease runs out, then another takes the place. One
 * attempt in a hundred ends by the platform's fault. */
#define LIFE_US (10 * DAY_US)
#define LEASE_US (30 * SECOND_US)
#define REBIRTH_US (10 * MINUTE_US)
enum { FAULTS_IN = 100 };
/* Whatever has not ended after a year never will. */
#define WORLD_ENDS_US (365 * DAY_US)

typedef enum EventKind {
    EVENT_BIRTH,  /* of worker `subject` */
    EVENT_DEATH,  /* of worker `subject` in its life `number` */
    EVENT_LEASE,  /* of worker `subject` has run out */
    EVENT_FINISH, /* of attempt `number` at item `subject` */
    EVENT_READY,  /* an item's time has come */
    EVENT_LIMIT   /* the batch limit is worked out anew */
} EventKind;

typedef struct Event {
    int64_t at_us;
    uint64_t sequence;
    EventKind kind;
    int subject;
    int number;
    int worker;
    HeapPlace place;
} Event;

static bool event_before(const void *a, const void *b)
{
    const Event *left = a;
    const Event *right = b;
    return left->at_us != right->at_us ? left->at_us < right->at_us
                                       : left->sequence < right->sequence;
}

static void schedule(World *world, int64_t at_us, Event event)
{
    Event *copy = ALLOC_NEW(Event);
    *copy = event;
    copy->at_us = at_us;
    copy->sequence = world->sequence++;
    heap_push(&world->events, copy);
}

int world_run_waiting(const WorldRun *run)
{
    return run->retry_count + run->item_count - run->first_untried;
}

int world_run_ready(const World *world, const WorldRun *run)
{
    int ready = run->item_count - run->first_untried;
    for (int i = 0; i < run->retry_count; i++) {
        ready += run->retries[i].ready_at_us <= world->now_us;
    }
    return ready;
}

/* Keeps the counts that follow from a run's own. */
static void settle(World *world, WorldRun *run)
{
    WorldOrganization *organization = &world->organizations[run->organization];
    bool eligible = run->in_work < world->batch_limit && world_run_ready(world, run) > 0;
    if (eligible != run->eligible) {
        run->eligible = eligible;
        organization->eligible_count += eligible ? 1 : -1;
        world->eligible_count += eligible ? 1 : -1;
        if (eligible && organization->eligible_count == 1) {
            organization->eligible_since = world->started_count;
        }
    }
    bool waiting = world_run_waiting(run) > 0;
    if (waiting != run->counted_waiting) {
        run->counted_waiting = waiting;
        world->runs_waiting += waiting ? 1 : -1;
    }
}

static void set_idle(World *world, int number)
{
    WorldWorker *worker = &world->workers[number];
    bool idle = worker->alive && worker->free_slots > 0;
    if (idle == (worker->idle_place >= 0)) {
        return;
    }
    if (idle) {
        worker->idle_place = world->idle_count;
        world->idle_workers[world->idle_count++] = number;
        return;
    }
    int last = world->idle_workers[--world->idle_count];
    world->idle_workers[worker->idle_place] = last;
    world->workers[last].idle_place = worker->idle_place;
    worker->idle_place = -1;
}

/* The limit changes a moment after what it depends on, at most once a second. */
static void ask_for_limit(World *world)
{
    if (!world->limit_is_due) {
        world->limit_is_due = true;
        schedule(world, (world->now_us / SECOND_US + 1) * SECOND_US, (Event){.kind = EVENT_LIMIT});
    }
}

static void change_limit(World *world)
{
    world->limit_is_due = false;
    int64_t limit = world->runs_waiting == 0 ? BATCH_MAX : world->slots_alive / world->runs_waiting;
    limit = limit < 1 ? 1 : limit > BATCH_MAX ? BATCH_MAX : limit;
    if (limit == world->batch_limit) {
        return;
    }
    world->batch_limit = (int)limit;
    for (int i = 0; i < world->plan->organization_count; i++) {
        for (int n = 0; n < world->organizations[i].open_count; n++) {
            settle(world, &world->runs[world->organizations[i].open_runs[n]]);
        }
    }
    world->rule->limit_changed(world->rule->state);
}

static void arrive(World *world)
{
    int number = world->arrived_count++;
    WorldRun *run = &world->runs[number];
    WorldOrganization *organization = &world->organizations[run->organization];
    referee_sees_arrival(world->referee, number);
    if (organization->open_count == organization->open_capacity) {
        organization->open_capacity = organization->open_capacity * 2 + 4;
        organization->open_runs =
            alloc_resize(organization->open_runs, (size_t)organization->open_capacity, sizeof(int));
    }
    run->open_place = organization->open_count;
    organization->open_runs[organization->open_count++] = number;
    organization->waiting_count += run->item_count;
    settle(world, run);
    world->rule->run_arrived(world->rule->state, number);
    ask_for_limit(world);
}

static void end_run(World *world, int number)
{
    WorldRun *run = &world->runs[number];
    WorldOrganization *organization = &world->organizations[run->organization];
    int last = organization->open_runs[--organization->open_count];
    organization->open_runs[run->open_place] = last;
    world->runs[last].open_place = run->open_place;
    world->rule->run_ended(world->rule->state, number);
}

static void end_item(World *world, int item, bool failed)
{
    WorldRun *run = &world->runs[world->items[item].run];
    world->items[item].state = ITEM_ENDED;
    world->ended_count++;
    world->failed_count += failed;
    if (++run->ended_count == run->item_count) {
        end_run(world, world->items[item].run);
    }
}

/* The attempt ended by the platform's fault: the item waits again, or has failed. */
static void try_again(World *world, int item, int64_t ready_at_us)
{
    int number = world->items[item].run;
    WorldRun *run = &world->runs[number];
    if (world->items[item].attempts == ATTEMPTS_MAX) {
        end_item(world, item, true);
        return;
    }
    assert(run->retry_count < WORLD_RETRIES_MAX);
    world->items[item].state = ITEM_WAITING;
    run->retries[run->retry_count++] =
        (WorldRetry){.ordinal = item - run->first_item, .ready_at_us = ready_at_us};
    world->organizations[run->organization].waiting_count++;
    settle(world, run);
    world->rule->item_waits(world->rule->state, number, item - run->first_item, ready_at_us);
    schedule(world, ready_at_us, (Event){.kind = EVENT_READY, .subject = number});
    ask_for_limit(world);
}

static void leave_work(World *world, int item)
{
    WorldRun *run = &world->runs[world->items[item].run];
    run->in_work--;
    settle(world, run);
    world->rule->item_left(world->rule->state, world->items[item].run);
}

static void free_slot(WorldWorker *worker, int item)
{
    for (int i = 0; i < worker->slots; i++) {
        if (worker->items[i] == item) {
            worker->items[i] = -1;
            worker->free_slots++;
            return;
        }
    }
    assert(false);
}

static void finish(World *world, const Event *event)
{
    WorldWorker *worker = &world->workers[event->worker];
    WorldItem *item = &world->items[event->subject];
    bool fenced = item->state != ITEM_IN_WORK || item->attempts != event->number;
    if (fenced || !worker->alive) {
        return; /* of a worker that has died in the meantime */
    }
    free_slot(worker, event->subject);
    set_idle(world, event->worker);
    leave_work(world, event->subject);
    if (chance_below(&world->chance, FAULTS_IN) == 0) {
        int64_t backoff_us = SECOND_US << item->attempts;
        try_again(world, event->subject, world->now_us + backoff_us);
    } else {
        end_item(world, event->subject, false);
    }
}

static void be_born(World *world, int number)
{
    WorldWorker *worker = &world->workers[number];
    worker->alive = true;
    worker->free_slots = worker->slots;
    for (int i = 0; i < worker->slots; i++) {
        worker->items[i] = -1;
    }
    world->slots_alive += worker->slots;
    set_idle(world, number);
    ask_for_limit(world);
    schedule(world, world->now_us + chance_exponential(chance_next(&world->chance), LIFE_US),
             (Event){.kind = EVENT_DEATH, .subject = number});
}

static void die(World *world, int number)
{
    WorldWorker *worker = &world->workers[number];
    if (world->ended_count == world->plan->item_count) {
        return; /* the world ends here */
    }
    worker->alive = false;
    world->deaths++;
    world->slots_alive -= worker->slots;
    set_idle(world, number);
    ask_for_limit(world);
    schedule(world, world->now_us + LEASE_US, (Event){.kind = EVENT_LEASE, .subject = number});
}

static void run_out(World *world, int number)
{
    WorldWorker *worker = &world->workers[number];
    for (int i = 0; i < worker->slots; i++) {
        if (worker->items[i] >= 0) {
            leave_work(world, worker->items[i]);
            try_again(world, worker->items[i], world->now_us);
        }
    }
    schedule(world, world->now_us + REBIRTH_US, (Event){.kind = EVENT_BIRTH, .subject = number});
}

static void happen(World *world, const Event *event)
{
    switch (event->kind) {
    case EVENT_BIRTH:
        be_born(world, event->subject);
        break;
    case EVENT_DEATH:
        die(world, event->subject);
        break;
    case EVENT_LEASE:
        run_out(world, event->subject);
        break;
    case EVENT_FINISH:
        finish(world, event);
        break;
    case EVENT_READY:
        settle(world, &world->runs[event->subject]);
        break;
    case EVENT_LIMIT:
        change_limit(world);
        break;
    }
}

/* The same item and attempt takes as long under every rule. */
static int64_t duration_of(const World *world, int item, int attempt)
{
    uint64_t bits = chance_mix(world->plan->seed ^ ((uint64_t)item * 8 + (uint64_t)attempt));
    return MINUTE_US + chance_exponential(chance_mix(bits + 1), world->plan->duration_us);
}

/* The item leaves the waiting ones of its run. */
static void take(WorldRun *run, int ordinal)
{
    if (ordinal == run->first_untried) {
        run->first_untried++;
        return;
    }
    for (int i = 0; i < run->retry_count; i++) {
        if (run->retries[i].ordinal == ordinal) {
            memmove(&run->retries[i], &run->retries[i + 1],
                    (size_t)(run->retry_count - i - 1) * sizeof run->retries[0]);
            run->retry_count--;
            return;
        }
    }
    assert(false);
}

static void start(World *world, int worker_number, const Pick *pick)
{
    WorldRun *run = &world->runs[pick->run];
    WorldWorker *worker = &world->workers[worker_number];
    WorldOrganization *organization = &world->organizations[run->organization];
    for (int i = 0; i < pick->count; i++) {
        int item = run->first_item + pick->ordinals[i];
        take(run, pick->ordinals[i]);
        world->items[item].state = ITEM_IN_WORK;
        world->items[item].attempts++;
        int slot = 0;
        while (worker->items[slot] >= 0) {
            slot++;
        }
        worker->items[slot] = item;
        world->trace = chance_mix(world->trace ^ (uint64_t)item);
        schedule(world, world->now_us + duration_of(world, item, world->items[item].attempts),
                 (Event){.kind = EVENT_FINISH,
                         .subject = item,
                         .number = world->items[item].attempts,
                         .worker = worker_number});
    }
    run->in_work += pick->count;
    worker->free_slots -= pick->count;
    world->started_count += pick->count;
    organization->started_count += pick->count;
    organization->waiting_count -= pick->count;
    settle(world, run);
    if (world_run_waiting(run) == 0) {
        ask_for_limit(world);
    }
}

/* One claim of a worker: turns until its slots are full. False: nothing is eligible. */
static bool claim(World *world, int number)
{
    WorldWorker *worker = &world->workers[number];
    while (worker->free_slots > 0) {
        Pick pick;
        if (!world->rule->turn(world->rule->state, worker->free_slots, &pick) ||
            !referee_sees_pick(world->referee, &pick)) {
            return false;
        }
        start(world, number, &pick);
        referee_sees_start(world->referee, &pick);
    }
    set_idle(world, number);
    return true;
}

static void dispatch(World *world)
{
    world->rule->time_passed(world->rule->state);
    while (world->idle_count > 0) {
        if (!claim(world, world->idle_workers[world->idle_count - 1])) {
            break;
        }
    }
    referee_sees_rest(world->referee);
}

void world_play(World *world, const Rule *rule, Referee *referee)
{
    world->rule = rule;
    world->referee = referee;
    heap_init(&world->events, event_before, offsetof(Event, place));
    for (int i = 0; i < world->plan->worker_count; i++) {
        schedule(world, 0, (Event){.kind = EVENT_BIRTH, .subject = i});
    }
    Event *event = heap_first(&world->events);
    while (world->now_us < WORLD_ENDS_US &&
           (event != NULL || world->arrived_count < world->run_count)) {
        int64_t arrival_us = world->arrived_count < world->run_count
                                 ? world->runs[world->arrived_count].key.submitted_us
                                 : INT64_MAX;
        if (event == NULL || arrival_us < event->at_us) {
            world->now_us = arrival_us;
            arrive(world);
        } else {
            world->now_us = event->at_us;
            heap_remove(&world->events, event);
            happen(world, event);
            alloc_free(event);
        }
        event = heap_first(&world->events);
        bool more_now = event != NULL && event->at_us == world->now_us;
        if (!more_now) {
            dispatch(world);
            event = heap_first(&world->events);
        }
    }
    for (; event != NULL; event = heap_first(&world->events)) {
        heap_remove(&world->events, event);
        alloc_free(event);
    }
    heap_clear(&world->events);
}
