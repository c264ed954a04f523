/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rules that a world can be played by: the platform's own, first come first served, and the
 * platform's once more as it reads in docs/scheduling.md, without any haste, which can also be made
 * wrong in ways that the referee must see.
 */
#pragma once
#include "world.h"

Rule rule_fair_create(World *world);
void rule_fair_destroy(Rule *rule);

Rule rule_first_come_create(World *world);
void rule_first_come_destroy(Rule *rule);

typedef enum PlainFault {
    FAULT_NONE,
    FAULT_CREDIT_SAVED_UP, /* who comes back enters at its old virtual time */
    FAULT_LIMIT_OFF_BY_ONE,
    FAULT_DUE_DATES_IGNORED,
    FAULT_WEIGHTS_IGNORED,
    FAULT_OWN_FIRST, /* the organisation that was served last goes on */
    FAULT_RETRIED_TOO_SOON,
    FAULT_NEWEST_ITEM_FIRST,
    FAULT_STARTED_TWICE,
    FAULT_RETRIES_FORGOTTEN,
    FAULT_ONE_TURN_A_MOMENT, /* slots stay idle */
    FAULT_COUNT
} PlainFault;

extern const char *const FAULT_NAMES[FAULT_COUNT];

Rule rule_plain_create(World *world, PlainFault fault);
void rule_plain_destroy(Rule *rule);
