/* SPDX-License-Identifier: Apache-2.0 */
/* Every pair of states of runs, items, attempts and output artifacts is decided as
 * tests/unit/state_moves.csv says, which the database is held against too. */
#include "unit_test.h"

#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/text.h"
#include "jobs/attempt_state.h"
#include "runs/run.h"

enum { CSV_BYTES_MAX = 65536 };

typedef struct Kind {
    const char *name;
    int count;
    const char *(*state_name)(int state);
    bool (*may_become)(int from, int to);
} Kind;

static const char *run_name(int state)
{
    return run_state_name((RunState)state);
}

static bool run_moves(int from, int to)
{
    return run_may_become((RunState)from, (RunState)to);
}

static const char *attempt_name(int state)
{
    return attempt_state_name((AttemptState)state);
}

static bool attempt_moves(int from, int to)
{
    return attempt_may_become((AttemptState)from, (AttemptState)to);
}

static const char *artifact_name(int state)
{
    return artifact_output_name((ArtifactOutput)state);
}

static bool artifact_moves(int from, int to)
{
    return artifact_may_become((ArtifactOutput)from, (ArtifactOutput)to);
}

/* An item has the states of a run. */
static const Kind KINDS[] = {
    {"run", RUN_STATE_COUNT, run_name, run_moves},
    {"item", RUN_STATE_COUNT, run_name, run_moves},
    {"attempt", ATTEMPT_STATE_COUNT, attempt_name, attempt_moves},
    {"artifact", ARTIFACT_OUTPUT_COUNT, artifact_name, artifact_moves},
};

static int state_of(const Kind *kind, Text name)
{
    for (int state = 0; state < kind->count; state++) {
        if (text_is(name, kind->state_name(state))) {
            return state;
        }
    }
    fail_msg("%s has no state %.*s", kind->name, TEXT_ARGUMENTS(name));
    return -1;
}

static void check_line(Text line, int *pair_counts)
{
    Text rest = line;
    Text kind_name = text_split(&rest, ',');
    Text from = text_split(&rest, ',');
    Text to = text_split(&rest, ',');
    for (size_t i = 0; i < ARRAY_COUNT(KINDS); i++) {
        if (text_is(kind_name, KINDS[i].name)) {
            bool allowed = KINDS[i].may_become(state_of(&KINDS[i], from), state_of(&KINDS[i], to));
            if (allowed != text_is(rest, "yes")) {
                fail_msg("%.*s is decided otherwise", TEXT_ARGUMENTS(line));
            }
            pair_counts[i]++;
            return;
        }
    }
    fail_msg("an unknown line: %.*s", TEXT_ARGUMENTS(line));
}

static void every_pair_is_decided(void **state)
{
    (void)state;
    AUTO_FREE char *csv = NULL;
    size_t length = 0;
    Error error = {0};
    assert_true(file_read(STATE_MOVES, CSV_BYTES_MAX, &csv, &length, &error));
    Text rest = {csv, length};
    int pair_counts[ARRAY_COUNT(KINDS)] = {0};
    assert_true(text_is(text_split(&rest, '\n'), "kind,from,to,allowed"));
    while (rest.length > 0) {
        check_line(text_split(&rest, '\n'), pair_counts);
    }
    for (size_t i = 0; i < ARRAY_COUNT(KINDS); i++) {
        assert_int_equal(pair_counts[i], KINDS[i].count * KINDS[i].count);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_pair_is_decided),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
