/* SPDX-License-Identifier: Apache-2.0 */
/* Plays the queue on; see foresight.h. */
#include "jobs/foresight.h"

#include <assert.h>

#include "base/alloc.h"
#include "base/heap.h"

/* How long an item takes on average, and the golden section of it. */
#define UNIT (INT64_C(1) << 20)
#define GOLDEN INT64_C(648056)
enum {
    STEP_PART = 12 /* steps ahead are at most so small a part of what was played before */
};
/* A curve keeps within 3 % of what was played, or within half an item; its last quarter within 6 %.
 */
#define CURVE_TOLERANCE 0.03
#define CURVE_TOLERANCE_LEAST 0.5
enum { CURVE_FINE_KNOTS = QUEUE_KNOTS_MAX * 3 / 4 };

/* Counts items that have started. Of a step of several items one starts after another, so what has
 * not started yet is taken off: (end - now) / UNIT items of each such step, less half an item. */
typedef struct Account {
    int64_t taken;
    int64_t steps;     /* of several items that have not ended */
    int64_t step_ends; /* the sum of their ends */
} Account;

/* Lines from the last knot on that pass all points since then within their tolerances. */
typedef struct Cone {
    double slope_least;
    double slope_most;
} Cone;

typedef struct PlayedRun {
    SnapshotRun *snapshot;
    FairRun *fair;
    Account started;
    QueueKnot last; /* the last point; a knot or not */
    Cone organization;
    Cone platform;
} PlayedRun;

typedef struct Slot {
    int64_t end;
    PlayedRun *run; /* NULL: of one in which nothing waits */
    int step;       /* items that it starts one after another */
    HeapPlace place;
} Slot;

typedef struct Play {
    Snapshot *snapshot;
    FairQueue *queue;
    PlayedRun *runs;
    Account *organizations;
    Account platform;
    Slot *slots;
    int64_t exact_items;
    int slot_count;
    int slots_in_use; /* of the array */
    Heap busy;
    int64_t now;
    int64_t begun; /* pieces of work so far */
    int runs_waiting;
} Play;

static bool slot_before(const void *a, const void *b)
{
    return ((const Slot *)a)->end < ((const Slot *)b)->end;
}

static int started(const Account *account, int64_t now)
{
    int64_t ahead =
        (account->step_ends - account->steps * now - account->steps * (UNIT / 2)) / UNIT;
    return (int)(account->taken - (ahead > 0 ? ahead : 0));
}

static void account_begin(Account *account, const Slot *slot)
{
    account->taken += slot->step;
    if (slot->step > 1) {
        account->steps++;
        account->step_ends += slot->end;
    }
}

static void account_end(Account *account, const Slot *slot)
{
    if (slot->step > 1) {
        account->steps--;
        account->step_ends -= slot->end;
    }
}

static double tolerance(const QueueCurve *curve, int value)
{
    double part = (curve->count <= CURVE_FINE_KNOTS ? 1 : 2) * CURVE_TOLERANCE * value;
    return part > CURVE_TOLERANCE_LEAST ? part : CURVE_TOLERANCE_LEAST;
}

/* Whether the line from `knot` straight to the value passes the points in between. */
static bool cone_holds(const Cone *cone, int knot, int value, int width)
{
    double slope = (double)(value - knot) / width;
    return slope >= cone->slope_least && slope <= cone->slope_most;
}

static void cone_narrow(Cone *cone, int knot, int value, double room, int width)
{
    double least = (value - room - knot) / width;
    double most = (value + room - knot) / width;
    cone->slope_least = least > cone->slope_least ? least : cone->slope_least;
    cone->slope_most = most < cone->slope_most ? most : cone->slope_most;
}

static void cone_open(PlayedRun *run)
{
    run->organization = run->platform = (Cone){.slope_least = 0, .slope_most = 1e18};
}

/* The last point becomes a knot. A full curve moves its last knot instead. */
static void fix_last(PlayedRun *run)
{
    QueueCurve *curve = &run->snapshot->curve;
    curve->count += curve->count < QUEUE_KNOTS_MAX;
    curve->knots[curve->count - 1] = run->last;
}

/* O'Rourke: An on-line algorithm for fitting straight lines between data ranges. CACM 24 (1981). */
static void add_point(PlayedRun *run, QueueKnot point)
{
    QueueCurve *curve = &run->snapshot->curve;
    if (curve->count == 0) {
        assert(point.place == 0);
        run->last = point;
        fix_last(run);
        cone_open(run);
        return;
    }
    if (point.place <= run->last.place) {
        return;
    }
    const QueueKnot *knot = &curve->knots[curve->count - 1];
    int width = point.place - knot->place;
    if (!cone_holds(&run->organization, knot->organization, point.organization, width) ||
        !cone_holds(&run->platform, knot->platform, point.platform, width)) {
        fix_last(run);
        cone_open(run);
        knot = &curve->knots[curve->count - 1];
        width = point.place - knot->place;
    }
    cone_narrow(&run->organization, knot->organization, point.organization,
                tolerance(curve, point.organization), width);
    cone_narrow(&run->platform, knot->platform, point.platform, tolerance(curve, point.platform),
                width);
    run->last = point;
}

/* Where the run's next item stands, as far as the play has come. */
static void note(Play *play, PlayedRun *run)
{
    int organization = run->snapshot->organization;
    QueueKnot point = {started(&run->started, play->now),
                       started(&play->organizations[organization], play->now),
                       started(&play->platform, play->now)};
    QueueKnot last = run->last;
    point.organization =
        point.organization > last.organization ? point.organization : last.organization;
    point.platform = point.platform > last.platform ? point.platform : last.platform;
    add_point(run, point);
}

/* Multiples of the golden section are spread evenly, also any few that follow one another: 1 …
 * UNIT. */
static int64_t spread(int64_t number)
{
    return (number + 1) * GOLDEN % UNIT + 1;
}

/* How many items one slot may take at once: few against what its organisation has started, and
 * against the time that was played; and what a run still has is for all the slots that it may fill.
 */
static int step_of(const Play *play, const PlayedRun *run, int batch_limit)
{
    int64_t served = play->organizations[run->snapshot->organization].taken / STEP_PART;
    int64_t past = play->now / UNIT / STEP_PART;
    int64_t share = fair_run_waiting(run->fair) / batch_limit;
    if (play->platform.taken < play->exact_items) {
        return 1;
    }
    int64_t step = served < past ? served : past;
    step = step < share ? step : share;
    return step < 1 ? 1 : (int)step;
}

static int batch_limit_of(const Play *play)
{
    return fair_batch_limit(play->snapshot->slots, play->runs_waiting, play->snapshot->batch_max);
}

/* Fills one free slot; false: nothing is eligible. */
static bool fill(Play *play, Slot *slot)
{
    FairTurn turn;
    if (!fair_queue_turn(play->queue, 1, 1, &turn)) {
        return false;
    }
    PlayedRun *run = fair_run_context(turn.run);
    note(play, run);
    int step =
        1 + fair_queue_extend(play->queue, turn.run, step_of(play, run, batch_limit_of(play)) - 1);
    int64_t part = spread(play->begun++);
    int64_t end = play->now + (play->now == 0 ? part : step * (UNIT / 2 + part));
    *slot = (Slot){.run = run, .step = step, .end = end};
    heap_push(&play->busy, slot);
    SnapshotOrganization *organization =
        &play->snapshot->organizations[run->snapshot->organization];
    account_begin(&run->started, slot);
    account_begin(&play->organizations[run->snapshot->organization], slot);
    account_begin(&play->platform, slot);
    organization->tail = (int)play->platform.taken;
    if (fair_run_waiting(turn.run) == 0) {
        play->runs_waiting--;
        fair_queue_set_batch_limit(play->queue, batch_limit_of(play));
    }
    return true;
}

static void leave(Play *play, Slot *slot)
{
    PlayedRun *run = slot->run;
    if (run == NULL) {
        return;
    }
    fair_queue_release(play->queue, run->fair, 1);
    account_end(&run->started, slot);
    account_end(&play->organizations[run->snapshot->organization], slot);
    account_end(&play->platform, slot);
    if (slot->step > 1) {
        note(play, run);
    }
}

/* Slots are free, then filled, moment by moment. Ends: each turn takes an item. */
static void play_on(Play *play, int free_count)
{
    Slot **free_slots = alloc_array((size_t)play->slot_count, sizeof(Slot *));
    for (int i = 0; i < free_count; i++) {
        free_slots[i] = &play->slots[play->slots_in_use++];
    }
    int surplus = free_count < 0 ? -free_count : 0;
    free_count = free_count < 0 ? 0 : free_count;
    for (;;) {
        while (free_count > 0 && fill(play, free_slots[free_count - 1])) {
            free_count--;
        }
        Slot *first = heap_first(&play->busy);
        if (first == NULL) {
            break;
        }
        play->now = first->end;
        for (; first != NULL && first->end == play->now; first = heap_first(&play->busy)) {
            heap_remove(&play->busy, first);
            leave(play, first);
            if (surplus > 0) {
                surplus--;
            } else {
                free_slots[free_count++] = first;
            }
        }
    }
    alloc_free(free_slots);
}

/* `count` items that are in work. */
static void begin_work(Play *play, PlayedRun *run, int count)
{
    for (int i = 0; i < count; i++) {
        Slot *slot = &play->slots[play->slots_in_use++];
        *slot = (Slot){.run = run, .step = 1, .end = spread(play->begun++)};
        heap_push(&play->busy, slot);
    }
}

static void begin_run(Play *play, SnapshotRun *snapshot, FairOrganization *organization)
{
    PlayedRun *run = &play->runs[snapshot - play->snapshot->runs];
    const FairRunState state = {.key = snapshot->key,
                                .item_count = snapshot->waiting,
                                .in_work = snapshot->in_work,
                                .context = run};
    snapshot->curve.count = 0;
    *run = (PlayedRun){.snapshot = snapshot};
    run->fair = fair_queue_add_run(play->queue, organization, &state);
    begin_work(play, run, snapshot->in_work);
}

static int count_in_work(Snapshot *snapshot)
{
    int in_work = snapshot->other_in_work;
    for (int i = 0; i < snapshot->organization_count; i++) {
        snapshot->organizations[i].waiting = 0;
    }
    for (int i = 0; i < snapshot->run_count; i++) {
        in_work += snapshot->runs[i].in_work;
        snapshot->organizations[snapshot->runs[i].organization].waiting +=
            snapshot->runs[i].waiting;
    }
    return in_work;
}

void foresee(Snapshot *snapshot, int64_t exact_items)
{
    int in_work = count_in_work(snapshot);
    /* Without a worker the order is that of one. */
    int slots = snapshot->slots > 0 ? snapshot->slots : 1;
    Play play = {
        .snapshot = snapshot,
        .exact_items = exact_items,
        .runs_waiting = snapshot->run_count,
        .slot_count = in_work > slots ? in_work : slots,
    };
    play.queue = fair_queue_create(batch_limit_of(&play), snapshot->virtual_time);
    play.runs = alloc_zeroed((size_t)snapshot->run_count + 1, sizeof *play.runs);
    play.organizations =
        alloc_zeroed((size_t)snapshot->organization_count + 1, sizeof *play.organizations);
    play.slots = alloc_zeroed((size_t)play.slot_count, sizeof *play.slots);
    heap_init(&play.busy, slot_before, offsetof(Slot, place));
    FairOrganization **organizations =
        alloc_array((size_t)snapshot->organization_count + 1, sizeof(FairOrganization *));
    for (int i = 0; i < snapshot->organization_count; i++) {
        const SnapshotOrganization *organization = &snapshot->organizations[i];
        organizations[i] =
            fair_queue_add_organization(play.queue, organization->organization_id,
                                        organization->weight, organization->virtual_time);
    }
    for (int i = 0; i < snapshot->run_count; i++) {
        begin_run(&play, &snapshot->runs[i], organizations[snapshot->runs[i].organization]);
    }
    begin_work(&play, NULL, snapshot->other_in_work);
    play_on(&play, slots - in_work);
    for (int i = 0; i < snapshot->run_count; i++) {
        PlayedRun *run = &play.runs[i];
        if (run->last.place >
            snapshot->runs[i].curve.knots[snapshot->runs[i].curve.count - 1].place) {
            fix_last(run);
        }
    }
    heap_clear(&play.busy);
    alloc_free(organizations);
    alloc_free(play.slots);
    alloc_free(play.organizations);
    alloc_free(play.runs);
    fair_queue_destroy(play.queue);
}
