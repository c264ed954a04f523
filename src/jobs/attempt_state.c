/* SPDX-License-Identifier: Apache-2.0 */
/* The table of an attempt's moves; see attempt_state.h. */
#include "jobs/attempt_state.h"

#include <assert.h>

static const char *const NAMES[ATTEMPT_STATE_COUNT] = {
    [ATTEMPT_RUNNING] = "RUNNING",
    [ATTEMPT_SUCCEEDED] = "SUCCEEDED",
    [ATTEMPT_USER_ERROR] = "USER_ERROR",
    [ATTEMPT_SYSTEM_ERROR] = "SYSTEM_ERROR",
    [ATTEMPT_RETRY] = "RETRY",
    [ATTEMPT_HANDED_BACK] = "HANDED_BACK",
    [ATTEMPT_LOST] = "LOST",
    [ATTEMPT_CANCELLED] = "CANCELLED",
};

static const bool MAY_BECOME[ATTEMPT_STATE_COUNT][ATTEMPT_STATE_COUNT] = {
    [ATTEMPT_RUNNING] = {[ATTEMPT_SUCCEEDED] = true,
                         [ATTEMPT_USER_ERROR] = true,
                         [ATTEMPT_SYSTEM_ERROR] = true,
                         [ATTEMPT_RETRY] = true,
                         [ATTEMPT_HANDED_BACK] = true,
                         [ATTEMPT_LOST] = true,
                         [ATTEMPT_CANCELLED] = true},
};

const char *attempt_state_name(AttemptState state)
{
    assert(state < ATTEMPT_STATE_COUNT);
    return NAMES[state];
}

bool attempt_may_become(AttemptState from, AttemptState to)
{
    assert(from < ATTEMPT_STATE_COUNT && to < ATTEMPT_STATE_COUNT);
    return MAY_BECOME[from][to];
}
