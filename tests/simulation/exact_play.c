/* SPDX-License-Identifier: Apache-2.0 */
/* The rule, item by item; see exact_play.h. */
#include "exact_play.h"

#include <string.h>

#include "base/alloc.h"

/* How long an item takes; items in work at the begin end at multiples of the golden section of it.
 */
#define ITEM_TIME INT64_C(1048576)
#define GOLDEN_SECTION INT64_C(648056)

typedef struct ExactPlay {
    const Snapshot *snapshot;
    int64_t *slot_ends; /* -1: free */
    int *slot_runs;     /* -1: of a run in which nothing waits */
    int slot_count;
    int begun;    /* items in work at the begin */
    int *next;    /* place of each run's next item */
    int *in_work; /* of each run */
    int64_t *virtual_times;
    int *organization_started;
    int64_t virtual_time;
    int platform_started;
} ExactPlay;

static int64_t entry_time(const ExactPlay *play, int organization)
{
    int64_t own = play->virtual_times[organization];
    return own > play->virtual_time ? own : play->virtual_time;
}

static int batch_limit(const ExactPlay *play)
{
    int waiting = 0;
    for (int i = 0; i < play->snapshot->run_count; i++) {
        waiting += play->next[i] < play->snapshot->runs[i].waiting;
    }
    int limit = waiting == 0 ? play->snapshot->batch_max : play->snapshot->slots / waiting;
    limit = limit < 1 ? 1 : limit;
    return limit > play->snapshot->batch_max ? play->snapshot->batch_max : limit;
}

static bool comes_before(const ExactPlay *play, int a, int b)
{
    const SnapshotRun *left = &play->snapshot->runs[a];
    const SnapshotRun *right = &play->snapshot->runs[b];
    if (left->organization != right->organization) {
        /* Who stands before the platform, by its last turn, is the first of those that enter at its
         * time. */
        int64_t left_time = play->virtual_times[left->organization];
        int64_t right_time = play->virtual_times[right->organization];
        return left_time != right_time
                   ? left_time < right_time
                   : strcmp(play->snapshot->organizations[left->organization].organization_id,
                            play->snapshot->organizations[right->organization].organization_id) < 0;
    }
    if (left->key.due_us != right->key.due_us) {
        return left->key.due_us < right->key.due_us;
    }
    return left->key.submitted_us != right->key.submitted_us
               ? left->key.submitted_us < right->key.submitted_us
               : strcmp(left->key.run_id.text, right->key.run_id.text) < 0;
}

static int next_run(const ExactPlay *play)
{
    int limit = batch_limit(play);
    int best = -1;
    for (int i = 0; i < play->snapshot->run_count; i++) {
        bool eligible = play->next[i] < play->snapshot->runs[i].waiting && play->in_work[i] < limit;
        if (eligible && (best < 0 || comes_before(play, i, best))) {
            best = i;
        }
    }
    return best;
}

static void start(ExactPlay *play, int run, int slot, int64_t now, QueueKnot **positions)
{
    int organization = play->snapshot->runs[run].organization;
    int place = play->next[run]++;
    positions[run][place] =
        (QueueKnot){place, play->organization_started[organization]++, play->platform_started++};
    play->in_work[run]++;
    int64_t at = entry_time(play, organization);
    play->virtual_time = at;
    play->virtual_times[organization] =
        at + 1000000 / play->snapshot->organizations[organization].weight;
    int64_t part = ++play->begun * GOLDEN_SECTION % ITEM_TIME + 1;
    play->slot_ends[slot] = now == 0 ? part : now + ITEM_TIME / 2 + part;
    play->slot_runs[slot] = run;
}

static void fill(ExactPlay *play, int64_t now, int slots, QueueKnot **positions)
{
    int busy = 0;
    for (int i = 0; i < play->slot_count; i++) {
        busy += play->slot_ends[i] >= 0;
    }
    for (int i = 0; i < play->slot_count && busy < slots; i++) {
        int run = play->slot_ends[i] >= 0 ? -1 : next_run(play);
        if (run >= 0) {
            start(play, run, i, now, positions);
            busy++;
        }
    }
}

/* The next moment at which something ends; -1: nothing is in work. */
static int64_t next_end(const ExactPlay *play)
{
    int64_t next = -1;
    for (int i = 0; i < play->slot_count; i++) {
        int64_t end = play->slot_ends[i];
        next = end >= 0 && (next < 0 || end < next) ? end : next;
    }
    return next;
}

static void end(ExactPlay *play, int64_t now)
{
    for (int i = 0; i < play->slot_count; i++) {
        if (play->slot_ends[i] == now) {
            play->slot_ends[i] = -1;
            if (play->slot_runs[i] >= 0) {
                play->in_work[play->slot_runs[i]]--;
            }
        }
    }
}

static int begin_work(ExactPlay *play, int slot, int run, int count)
{
    for (int i = 0; i < count; i++, slot++) {
        play->slot_ends[slot] = ++play->begun * GOLDEN_SECTION % ITEM_TIME + 1;
        play->slot_runs[slot] = run;
    }
    return slot;
}

void play_exactly(const Snapshot *snapshot, QueueKnot **positions)
{
    int in_work = snapshot->other_in_work;
    for (int i = 0; i < snapshot->run_count; i++) {
        in_work += snapshot->runs[i].in_work;
    }
    int slots = snapshot->slots > 0 ? snapshot->slots : 1;
    ExactPlay play = {.snapshot = snapshot,
                      .virtual_time = snapshot->virtual_time,
                      .slot_count = in_work > slots ? in_work : slots};
    size_t runs = (size_t)snapshot->run_count + 1;
    size_t organizations = (size_t)snapshot->organization_count + 1;
    play.slot_ends = alloc_array((size_t)play.slot_count, sizeof *play.slot_ends);
    play.slot_runs = alloc_array((size_t)play.slot_count, sizeof *play.slot_runs);
    play.next = alloc_zeroed(runs, sizeof *play.next);
    play.in_work = alloc_zeroed(runs, sizeof *play.in_work);
    play.virtual_times = alloc_zeroed(organizations, sizeof *play.virtual_times);
    play.organization_started = alloc_zeroed(organizations, sizeof *play.organization_started);
    for (int i = 0; i < snapshot->organization_count; i++) {
        play.virtual_times[i] = snapshot->organizations[i].virtual_time;
    }
    int slot = 0;
    for (int i = 0; i < snapshot->run_count; i++) {
        play.in_work[i] = snapshot->runs[i].in_work;
        slot = begin_work(&play, slot, i, snapshot->runs[i].in_work);
    }
    slot = begin_work(&play, slot, -1, snapshot->other_in_work);
    for (; slot < play.slot_count; slot++) {
        play.slot_ends[slot] = -1;
    }
    for (int64_t now = 0; now >= 0; now = next_end(&play)) {
        end(&play, now);
        fill(&play, now, slots, positions);
    }
    alloc_free(play.slot_ends);
    alloc_free(play.slot_runs);
    alloc_free(play.next);
    alloc_free(play.in_work);
    alloc_free(play.virtual_times);
    alloc_free(play.organization_started);
}
