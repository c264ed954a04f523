/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plays the rule on states that stand in the input, so that another program can compare what it
 * picks. One word and its numbers a line; the time is 0 all along:
 *   state BATCH_LIMIT VIRTUAL_TIME
 *   organization ID WEIGHT VIRTUAL_TIME
 *   run ORGANIZATION DUE|- SUBMITTED RUN_ID FIRST_ORDINAL ITEM_COUNT IN_WORK CLASS
 *   retry RUN ORDINAL READY_AT
 *   claim COUNT OFFERED   answers one line: RUN:ORDINAL for each item
 *   end RUN               an item of the run is no longer in work, if one is
 * ORGANIZATION and RUN are places in the state, from 0; OFFERED is a bit mask of classes.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobs/fair_queue.h"

enum { LINE_BYTES = 512, ORGANIZATIONS_MAX = 100, RUNS_MAX = 1000 };

typedef struct State {
    FairQueue *queue;
    FairOrganization *organizations[ORGANIZATIONS_MAX];
    FairRun *runs[RUNS_MAX];
    int places[RUNS_MAX];
    int organization_count;
    int run_count;
} State;

static bool begin(State *state, const char *line)
{
    int limit;
    int64_t virtual_time;
    if (sscanf(line, "%d %" SCNd64, &limit, &virtual_time) != 2) {
        return false;
    }
    fair_queue_destroy(state->queue);
    *state = (State){.queue = fair_queue_create(limit, virtual_time)};
    fair_queue_advance(state->queue, 0);
    return true;
}

static bool add_organization(State *state, const char *line)
{
    char id[256];
    int weight;
    int64_t virtual_time;
    if (state->organization_count == ORGANIZATIONS_MAX ||
        sscanf(line, "%255s %d %" SCNd64, id, &weight, &virtual_time) != 3) {
        return false;
    }
    state->organizations[state->organization_count++] =
        fair_queue_add_organization(state->queue, id, weight, virtual_time);
    return true;
}

static bool add_run(State *state, const char *line)
{
    FairRunState run = {.key = {.due_us = FAIR_NEVER_DUE}};
    int organization;
    char due[32];
    if (state->run_count == RUNS_MAX ||
        sscanf(line, "%d %31s %" SCNd64 " %36s %d %d %d %d", &organization, due,
               &run.key.submitted_us, run.key.run_id.text, &run.first_ordinal, &run.item_count,
               &run.in_work, &run.resource_class) != 8 ||
        organization < 0 || organization >= state->organization_count || run.resource_class < 0 ||
        run.resource_class >= FAIR_CLASSES_MAX) {
        return false;
    }
    if (strcmp(due, "-") != 0) {
        run.key.due_us = strtoll(due, NULL, 10);
    }
    state->places[state->run_count] = state->run_count;
    run.context = &state->places[state->run_count];
    state->runs[state->run_count++] =
        fair_queue_add_run(state->queue, state->organizations[organization], &run);
    return true;
}

static bool add_retry(State *state, const char *line)
{
    int run;
    int ordinal;
    int64_t ready_at_us;
    if (sscanf(line, "%d %d %" SCNd64, &run, &ordinal, &ready_at_us) != 3 || run < 0 ||
        run >= state->run_count) {
        return false;
    }
    fair_queue_retry(state->queue, state->runs[run], ordinal, ready_at_us);
    return true;
}

static bool claim(State *state, const char *line)
{
    int wanted;
    unsigned offered;
    if (sscanf(line, "%d %u", &wanted, &offered) != 2) {
        return false;
    }
    FairTurn turn;
    while (wanted > 0 && fair_queue_turn(state->queue, offered, wanted, &turn)) {
        wanted -= turn.count;
        for (int i = 0; i < turn.count; i++) {
            printf("%d:%d ", *(int *)fair_run_context(turn.run), turn.ordinals[i]);
        }
    }
    printf("\n");
    return true;
}

static bool end(State *state, const char *line)
{
    int run;
    if (sscanf(line, "%d", &run) != 1 || run < 0 || run >= state->run_count) {
        return false;
    }
    if (fair_run_in_work(state->runs[run]) > 0) {
        fair_queue_release(state->queue, state->runs[run], 1);
    }
    return true;
}

static bool obey(State *state, const char *line)
{
    static const struct {
        const char *word;
        bool (*act)(State *state, const char *line);
    } words[] = {
        {"state ", begin}, {"organization ", add_organization},
        {"run ", add_run}, {"retry ", add_retry},
        {"claim ", claim}, {"end ", end},
    };
    for (size_t i = 0; i < ARRAY_COUNT(words); i++) {
        size_t length = strlen(words[i].word);
        if (strncmp(line, words[i].word, length) == 0) {
            return (state->queue != NULL || words[i].act == begin) &&
                   words[i].act(state, line + length);
        }
    }
    return false;
}

int main(void)
{
    static State state;
    char line[LINE_BYTES];
    int status = 0;
    while (status == 0 && fgets(line, sizeof line, stdin) != NULL) {
        if (!obey(&state, line)) {
            fprintf(stderr, "not understood: %s", line);
            status = 1;
        }
    }
    fair_queue_destroy(state.queue);
    return status;
}
