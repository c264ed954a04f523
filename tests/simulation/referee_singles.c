/* SPDX-License-Identifier: Apache-2.0 */
/* How long single slides wait, counted in items of others; see referee_parts.h. */
#include <string.h>

#include "base/alloc.h"

#include "referee_parts.h"

/* Of one organisation of single slides; the counts are started_count of each organisation. */
typedef struct Single {
    int64_t *at_arrival;
    int64_t *at_last_start; /* NULL: it was never served */
    int run;                /* the one that is looked at; -1: none */
} Single;

struct Singles {
    const World *world;
    RefereeReport *report;
    Single *singles; /* of all organisations */
};

Singles *singles_create(const World *world, RefereeReport *report)
{
    Singles *singles = ALLOC_NEW(Singles);
    singles->world = world;
    singles->report = report;
    singles->singles = alloc_zeroed((size_t)world->plan->organization_count, sizeof(Single));
    for (int i = 0; i < world->plan->organization_count; i++) {
        singles->singles[i].run = -1;
    }
    return singles;
}

void singles_destroy(Singles *singles)
{
    for (int i = 0; i < singles->world->plan->organization_count; i++) {
        alloc_free(singles->singles[i].at_arrival);
        alloc_free(singles->singles[i].at_last_start);
    }
    alloc_free(singles->singles);
    alloc_free(singles);
}

static void count_starts(const World *world, int64_t **counts)
{
    int organization_count = world->plan->organization_count;
    if (*counts == NULL) {
        *counts = alloc_array((size_t)organization_count, sizeof **counts);
    }
    for (int i = 0; i < organization_count; i++) {
        (*counts)[i] = world->organizations[i].started_count;
    }
}

void singles_arrive(Singles *singles, int run)
{
    int number = singles->world->runs[run].organization;
    const WorldOrganization *organization = &singles->world->organizations[number];
    if (organization->kind == SINGLE && organization->waiting_count == 0) {
        singles->singles[number].run = run;
        count_starts(singles->world, &singles->singles[number].at_arrival);
    }
}

/* Somebody's turn has passed since the organisation was served: its virtual time lies behind. A
 * turn of `g` begins at least (items - batch) / weight after that. */
static bool others_have_caught_up(const World *world, const Single *single)
{
    if (single->at_last_start == NULL) {
        return true;
    }
    for (int i = 0; i < world->plan->organization_count; i++) {
        int64_t items = single->at_arrival[i] - single->at_last_start[i];
        if (items >= BATCH_MAX + world->organizations[i].weight) {
            return true;
        }
    }
    return false;
}

static void check(Singles *singles, const Single *single, int number)
{
    const World *world = singles->world;
    bool caught_up = others_have_caught_up(world, single);
    bool kept = true;
    for (int i = 0; i < world->plan->organization_count; i++) {
        int64_t ahead = world->organizations[i].started_count - single->at_arrival[i];
        int64_t allowed = BATCH_MAX + (caught_up ? 0 : world->organizations[i].weight);
        if (i != number) {
            kept = kept && ahead <= allowed;
            singles->report->ahead_most =
                ahead > singles->report->ahead_most ? ahead : singles->report->ahead_most;
        }
    }
    promise_check(singles->report, PROMISE_ONE_BATCH, kept);
}

void singles_start(Singles *singles, int run)
{
    int number = singles->world->runs[run].organization;
    Single *single = &singles->singles[number];
    if (singles->world->organizations[number].kind != SINGLE) {
        return;
    }
    /* Another slide of the organisation may have overtaken it by its due date. */
    if (single->run == run) {
        check(singles, single, number);
    }
    single->run = -1;
    count_starts(singles->world, &single->at_last_start);
}
