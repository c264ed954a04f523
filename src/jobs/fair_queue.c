/* SPDX-License-Identifier: Apache-2.0 */
/* The scheduler's rule; see fair_queue.h. */
#include "jobs/fair_queue.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/heap.h"

#define ALL_CLASSES ((1U << FAIR_CLASSES_MAX) - 1)

/* An item that was tried before and waits again. */
typedef struct Retry {
    FairRun *run;
    int64_t ready_at_us;
    int ordinal;
    HeapPlace place; /* in FairQueue.later, then in FairRun.retries */
} Retry;

/* What an organisation has eligible of one class. It is in the class's heap while there is any. */
typedef struct Seat {
    FairOrganization *organization;
    Heap runs;
    HeapPlace place;
} Seat;

struct FairOrganization {
    char *id;
    int64_t weight;
    int64_t virtual_time;
    Seat seats[FAIR_CLASSES_MAX];
    FairOrganization *next;
};

struct FairRun {
    FairRunState state; /* first_ordinal and in_work move on */
    FairOrganization *organization;
    Heap retries; /* whose time has come */
    HeapPlace place;
    FairRun *previous;
    FairRun *next;
};

struct FairQueue {
    int batch_limit;
    int64_t virtual_time;
    int64_t now_us;
    /* The organisations of each class by the virtual times that their last turns left them at.
     * Those that the platform's has overtaken need no lifting: they stand first, and pay when they
     * are served. */
    Heap classes[FAIR_CLASSES_MAX];
    Heap later;
    FairOrganization *organizations;
    FairRun *runs;
};

/* Of those that the platform's virtual time has overtaken it is the one that waits for longest, so
 * one class that is served more often than another and moves the platform on leaves nobody behind.
 */
static bool organization_before(const FairOrganization *a, const FairOrganization *b)
{
    return a->virtual_time != b->virtual_time ? a->virtual_time < b->virtual_time
                                              : strcmp(a->id, b->id) < 0;
}

static bool seat_before(const void *a, const void *b)
{
    return organization_before(((const Seat *)a)->organization, ((const Seat *)b)->organization);
}

static bool run_before(const void *a, const void *b)
{
    const FairRunKey *left = &((const FairRun *)a)->state.key;
    const FairRunKey *right = &((const FairRun *)b)->state.key;
    if (left->due_us != right->due_us) {
        return left->due_us < right->due_us;
    }
    if (left->submitted_us != right->submitted_us) {
        return left->submitted_us < right->submitted_us;
    }
    return strcmp(left->run_id.text, right->run_id.text) < 0;
}

static bool retry_before(const void *a, const void *b)
{
    const Retry *left = a;
    const Retry *right = b;
    return left->ready_at_us != right->ready_at_us ? left->ready_at_us < right->ready_at_us
                                                   : left->ordinal < right->ordinal;
}

int fair_batch_limit(int64_t slots, int64_t run_count, int batch_max)
{
    int64_t limit = run_count == 0 ? batch_max : slots / run_count;
    return limit < 1 ? 1 : limit > batch_max ? batch_max : (int)limit;
}

FairQueue *fair_queue_create(int batch_limit, int64_t virtual_time)
{
    assert(batch_limit >= 1 && batch_limit <= FAIR_BATCH_MAX);
    FairQueue *queue = ALLOC_NEW(FairQueue);
    queue->batch_limit = batch_limit;
    queue->virtual_time = virtual_time;
    queue->now_us = INT64_MIN;
    heap_init(&queue->later, retry_before, offsetof(Retry, place));
    for (int i = 0; i < FAIR_CLASSES_MAX; i++) {
        heap_init(&queue->classes[i], seat_before, offsetof(Seat, place));
    }
    return queue;
}

void fair_queue_destroy(FairQueue *queue)
{
    if (queue == NULL) {
        return;
    }
    while (queue->runs != NULL) {
        fair_queue_remove_run(queue, queue->runs);
    }
    while (queue->organizations != NULL) {
        FairOrganization *organization = queue->organizations;
        queue->organizations = organization->next;
        for (int i = 0; i < FAIR_CLASSES_MAX; i++) {
            heap_clear(&organization->seats[i].runs);
        }
        alloc_free(organization->id);
        alloc_free(organization);
    }
    for (int i = 0; i < FAIR_CLASSES_MAX; i++) {
        heap_clear(&queue->classes[i]);
    }
    heap_clear(&queue->later);
    alloc_free(queue);
}

int64_t fair_queue_virtual_time(const FairQueue *queue)
{
    return queue->virtual_time;
}

FairOrganization *fair_queue_add_organization(FairQueue *queue,
                                              const char *organization_id,
                                              int weight,
                                              int64_t virtual_time)
{
    assert(weight >= 1 && weight <= FAIR_WEIGHT_MAX);
    FairOrganization *organization = ALLOC_NEW(FairOrganization);
    organization->id = alloc_string(organization_id);
    organization->weight = weight;
    organization->virtual_time = virtual_time;
    for (int i = 0; i < FAIR_CLASSES_MAX; i++) {
        organization->seats[i].organization = organization;
        heap_init(&organization->seats[i].runs, run_before, offsetof(FairRun, place));
    }
    organization->next = queue->organizations;
    queue->organizations = organization;
    return organization;
}

int64_t fair_organization_virtual_time(const FairOrganization *organization)
{
    return organization->virtual_time;
}

/* Takes the seat out of its heap and puts it where it belongs now. */
static void settle_seat(FairQueue *queue, Seat *seat)
{
    Heap *class = &queue->classes[seat - seat->organization->seats];
    if (seat->place != 0) {
        heap_remove(class, seat);
    }
    if (seat->runs.count > 0) {
        heap_push(class, seat);
    }
}

int fair_run_waiting(const FairRun *run)
{
    return (int)run->retries.count + run->state.item_count - run->state.first_ordinal;
}

int fair_run_in_work(const FairRun *run)
{
    return run->state.in_work;
}

void *fair_run_context(const FairRun *run)
{
    return run->state.context;
}

static bool is_eligible(const FairQueue *queue, const FairRun *run)
{
    return fair_run_waiting(run) > 0 && run->state.in_work < queue->batch_limit;
}

/* After any change of a run: it stands among the eligible ones or not. */
static void settle_run(FairQueue *queue, FairRun *run)
{
    Seat *seat = &run->organization->seats[run->state.resource_class];
    if (is_eligible(queue, run) == (run->place != 0)) {
        return;
    }
    if (run->place == 0) {
        heap_push(&seat->runs, run);
    } else {
        heap_remove(&seat->runs, run);
    }
    if ((seat->runs.count > 0) != (seat->place != 0)) {
        settle_seat(queue, seat);
    }
}

void fair_queue_set_batch_limit(FairQueue *queue, int batch_limit)
{
    assert(batch_limit >= 1 && batch_limit <= FAIR_BATCH_MAX);
    if (batch_limit == queue->batch_limit) {
        return;
    }
    queue->batch_limit = batch_limit;
    for (FairRun *run = queue->runs; run != NULL; run = run->next) {
        settle_run(queue, run);
    }
}

FairRun *
fair_queue_add_run(FairQueue *queue, FairOrganization *organization, const FairRunState *state)
{
    assert(state->resource_class >= 0 && state->resource_class < FAIR_CLASSES_MAX);
    assert(state->first_ordinal <= state->item_count);
    FairRun *run = ALLOC_NEW(FairRun);
    run->state = *state;
    run->organization = organization;
    heap_init(&run->retries, retry_before, offsetof(Retry, place));
    run->next = queue->runs;
    if (queue->runs != NULL) {
        queue->runs->previous = run;
    }
    queue->runs = run;
    settle_run(queue, run);
    return run;
}

static void drop_retries(FairQueue *queue, FairRun *run)
{
    Retry *retry = heap_first(&run->retries);
    for (; retry != NULL; retry = heap_first(&run->retries)) {
        heap_remove(&run->retries, retry);
        alloc_free(retry);
    }
    heap_clear(&run->retries);
    size_t kept = 0;
    while (kept < queue->later.count) {
        retry = queue->later.members[kept];
        if (retry->run != run) {
            kept++;
            continue;
        }
        heap_remove(&queue->later, retry);
        alloc_free(retry);
        /* What filled the gap may have moved to an earlier place. */
        kept = 0;
    }
}

void fair_queue_remove_run(FairQueue *queue, FairRun *run)
{
    drop_retries(queue, run);
    run->state.first_ordinal = run->state.item_count;
    settle_run(queue, run);
    if (run->next != NULL) {
        run->next->previous = run->previous;
    }
    if (run->previous != NULL) {
        run->previous->next = run->next;
    } else {
        queue->runs = run->next;
    }
    alloc_free(run);
}

void fair_queue_release(FairQueue *queue, FairRun *run, int count)
{
    assert(count <= run->state.in_work);
    run->state.in_work -= count;
    settle_run(queue, run);
}

void fair_queue_retry(FairQueue *queue, FairRun *run, int ordinal, int64_t ready_at_us)
{
    Retry *retry = ALLOC_NEW(Retry);
    *retry = (Retry){.run = run, .ordinal = ordinal, .ready_at_us = ready_at_us};
    if (ready_at_us > queue->now_us) {
        heap_push(&queue->later, retry);
        return;
    }
    heap_push(&run->retries, retry);
    settle_run(queue, run);
}

void fair_queue_advance(FairQueue *queue, int64_t now_us)
{
    queue->now_us = now_us;
    Retry *retry = heap_first(&queue->later);
    for (; retry != NULL && retry->ready_at_us <= now_us; retry = heap_first(&queue->later)) {
        heap_remove(&queue->later, retry);
        heap_push(&retry->run->retries, retry);
        settle_run(queue, retry->run);
    }
}

/* The virtual time at which an organisation would be served now. */
static int64_t time_of_service(const FairQueue *queue, const FairOrganization *organization)
{
    return organization->virtual_time > queue->virtual_time ? organization->virtual_time
                                                            : queue->virtual_time;
}

static FairOrganization *next_organization(const FairQueue *queue, unsigned offered_classes)
{
    FairOrganization *best = NULL;
    for (int i = 0; i < FAIR_CLASSES_MAX; i++) {
        if ((offered_classes >> i & 1U) == 0) {
            continue;
        }
        const Seat *seat = heap_first(&queue->classes[i]);
        if (seat != NULL && (best == NULL || organization_before(seat->organization, best))) {
            best = seat->organization;
        }
    }
    return best;
}

static FairRun *next_run(const FairOrganization *organization, unsigned offered_classes)
{
    FairRun *best = NULL;
    for (int i = 0; i < FAIR_CLASSES_MAX; i++) {
        FairRun *run =
            (offered_classes >> i & 1U) == 0 ? NULL : heap_first(&organization->seats[i].runs);
        if (run != NULL && (best == NULL || run_before(run, best))) {
            best = run;
        }
    }
    return best;
}

/* The organisation was served with `count` items; `at` is when, in virtual time. */
static void charge(FairQueue *queue, FairOrganization *organization, int64_t at, int count)
{
    organization->virtual_time = at + count * FAIR_ITEM / organization->weight;
    for (int i = 0; i < FAIR_CLASSES_MAX; i++) {
        settle_seat(queue, &organization->seats[i]);
    }
}

/* The ordinal of the run's next item, which waits no more. */
static int take_item(FairRun *run)
{
    Retry *retry = heap_first(&run->retries);
    if (retry == NULL) {
        return run->state.first_ordinal++;
    }
    int ordinal = retry->ordinal;
    heap_remove(&run->retries, retry);
    alloc_free(retry);
    return ordinal;
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

bool fair_queue_turn(FairQueue *queue, unsigned offered_classes, int wanted, FairTurn *turn_out)
{
    assert(wanted >= 1);
    FairOrganization *organization = next_organization(queue, offered_classes & ALL_CLASSES);
    if (organization == NULL) {
        return false;
    }
    FairRun *run = next_run(organization, offered_classes & ALL_CLASSES);
    turn_out->run = run;
    turn_out->count =
        least(least(wanted, queue->batch_limit - run->state.in_work), fair_run_waiting(run));
    for (int i = 0; i < turn_out->count; i++) {
        turn_out->ordinals[i] = take_item(run);
    }
    run->state.in_work += turn_out->count;
    int64_t at = time_of_service(queue, organization);
    settle_run(queue, run);
    charge(queue, organization, at, turn_out->count);
    queue->virtual_time = at;
    return true;
}

int fair_queue_extend(FairQueue *queue, FairRun *run, int count)
{
    int taken = least(count, fair_run_waiting(run));
    int left = taken;
    for (; left > 0 && run->retries.count > 0; left--) {
        take_item(run);
    }
    run->state.first_ordinal += left;
    settle_run(queue, run);
    charge(queue, run->organization, run->organization->virtual_time, taken);
    return taken;
}
