/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers for the queue in its input where every waiting item stands, by an exact play, so that
 * another program can compare. A line each, in this order:
 *   state BATCH_MAX SLOTS VIRTUAL_TIME OTHER_IN_WORK
 *   organization ID WEIGHT VIRTUAL_TIME                          in the order of the ids
 *   run ORGANIZATION DUE|- SUBMITTED RUN_ID WAITING IN_WORK      by organisation, then run id
 *   play     answers a line for each run: ORGANIZATION:PLATFORM for each of its waiting items
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

#include "exact_play.h"

enum { LINE_BYTES = 512, ORGANIZATIONS_MAX = 100, RUNS_MAX = 1000 };

static SnapshotOrganization organizations[ORGANIZATIONS_MAX];
static char ids[ORGANIZATIONS_MAX][256];
static SnapshotRun runs[RUNS_MAX];
static Snapshot snapshot;

static bool add_organization(const char *line)
{
    SnapshotOrganization organization = {0};
    int place = snapshot.organization_count;
    if (place == ORGANIZATIONS_MAX ||
        sscanf(line, "organization %255s %d %" SCNd64, ids[place], &organization.weight,
               &organization.virtual_time) != 3) {
        return false;
    }
    organization.organization_id = ids[place];
    organizations[snapshot.organization_count++] = organization;
    return true;
}

static bool add_run(const char *line)
{
    SnapshotRun run = {.key = {.due_us = FAIR_NEVER_DUE}};
    char due[32];
    if (snapshot.run_count == RUNS_MAX ||
        sscanf(line, "run %d %31s %" SCNd64 " %36s %d %d", &run.organization, due,
               &run.key.submitted_us, run.key.run_id.text, &run.waiting, &run.in_work) != 6 ||
        run.organization < 0 || run.organization >= snapshot.organization_count) {
        return false;
    }
    if (strcmp(due, "-") != 0) {
        run.key.due_us = strtoll(due, NULL, 10);
    }
    runs[snapshot.run_count++] = run;
    return true;
}

static void play(void)
{
    QueueKnot **positions = alloc_array((size_t)snapshot.run_count + 1, sizeof *positions);
    for (int i = 0; i < snapshot.run_count; i++) {
        positions[i] = alloc_array((size_t)runs[i].waiting, sizeof *positions[i]);
    }
    play_exactly(&snapshot, positions);
    for (int i = 0; i < snapshot.run_count; i++) {
        for (int place = 0; place < runs[i].waiting; place++) {
            printf("%d:%d ", positions[i][place].organization, positions[i][place].platform);
        }
        printf("\n");
        alloc_free(positions[i]);
    }
    alloc_free(positions);
}

static bool obey(const char *line)
{
    if (strncmp(line, "state ", 6) == 0) {
        snapshot = (Snapshot){.organizations = organizations, .runs = runs};
        return sscanf(line, "state %d %d %" SCNd64 " %d", &snapshot.batch_max, &snapshot.slots,
                      &snapshot.virtual_time, &snapshot.other_in_work) == 4;
    }
    if (strcmp(line, "play\n") == 0) {
        play();
        return true;
    }
    return strncmp(line, "run ", 4) == 0 ? add_run(line) : add_organization(line);
}

int main(void)
{
    char line[LINE_BYTES];
    while (fgets(line, sizeof line, stdin) != NULL) {
        if (!obey(line)) {
            fprintf(stderr, "not understood: %s", line);
            return 1;
        }
    }
    return 0;
}
