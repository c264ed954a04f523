/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Says whether a rule keeps its promises, from the world's books alone: it knows nothing of virtual
 * times, only which organisations had something eligible since when, and what started.
 */
#pragma once
#include "world.h"

typedef enum Promise {
    PROMISE_SHARES, /* weighted service of any two backlogged organisations, within one batch each
                     */
    PROMISE_JAIN,   /* Jain's index of it, over windows long enough for 0.99 */
    PROMISE_ONE_BATCH, /* a single slide waits for one batch of each other organisation */
    PROMISE_LIMIT,     /* items of a run in work */
    PROMISE_BUSY,      /* no idle slot while something is eligible */
    PROMISE_DUE,       /* runs of an organisation in their order */
    PROMISE_ORDINALS,  /* items of a run in their order */
    PROMISE_ONCE,      /* only what waits, and whose time has come, is started */
    PROMISE_ALL,       /* everything ends */
    PROMISE_COUNT
} Promise;

extern const char *const PROMISE_NAMES[PROMISE_COUNT];

typedef struct RefereeReport {
    int64_t checks[PROMISE_COUNT];
    int64_t broken[PROMISE_COUNT];
    double jain_least;
    double jain_mean;
    double room_least;  /* what the bound of shares left at the tightest moment, in items */
    int64_t ahead_most; /* items of one organisation that started before a single slide */
    int64_t *waits_us[KIND_COUNT]; /* of the first starts, sorted */
    int64_t wait_count[KIND_COUNT];
} RefereeReport;

/* Promises that a rule does not make (FIFO: most of them) are not checked. */
Referee *referee_create(const World *world, bool fair);
void referee_destroy(Referee *referee);
/* Before the pick is carried out; false: it cannot be. */
bool referee_sees_pick(Referee *referee, const Pick *pick);
void referee_sees_arrival(Referee *referee, int run);
/* After the items of the pick have started. */
void referee_sees_start(Referee *referee, const Pick *pick);
/* When nobody wants to start anything any more at this moment. */
void referee_sees_rest(Referee *referee);
/* The end; the report is valid until the referee is destroyed. */
const RefereeReport *referee_report(Referee *referee);
