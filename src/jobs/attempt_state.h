/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The states of an attempt as the database has them. RUNNING is a null outcome there; every other
 * one is an outcome and final.
 */
#pragma once
#include <stdbool.h>

typedef enum AttemptState {
    ATTEMPT_RUNNING,
    ATTEMPT_SUCCEEDED,
    ATTEMPT_USER_ERROR,
    ATTEMPT_SYSTEM_ERROR,
    ATTEMPT_RETRY,       /* failed through the platform's fault; the item is tried again */
    ATTEMPT_HANDED_BACK, /* its worker left; the item waits again, and this was no try */
    ATTEMPT_LOST,        /* its worker was silent for too long */
    ATTEMPT_CANCELLED,   /* its run was cancelled */
    ATTEMPT_STATE_COUNT
} AttemptState;

/* "RUNNING", "SUCCEEDED", … */
const char *attempt_state_name(AttemptState state);
bool attempt_may_become(AttemptState from, AttemptState to);
