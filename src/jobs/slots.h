/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slots: the threads of a worker, each working on one item at a time as a straight line of blocking
 * calls. The main loop hands jobs out and tells slots to stop. A slot whose attempt succeeded
 * leaves the result to the loop, which commits what it gathers, and is free when that is done;
 * whatever else there is to report it reports by itself. Either way it wakes the loop.
 */
#pragma once
#include <stdbool.h>

#include "base/clock.h"
#include "base/error.h"
#include "db/connection.h"
#include "jobs/attempt.h"
#include "jobs/queue.h"

enum { SLOTS_MAX = 64 };

/* As attempt_process, which it is but for a measurement. */
typedef void SlotsProcess(const AttemptContext *context,
                          const Job *job,
                          const atomic_bool *cancel,
                          JobReport *report);

typedef struct SlotsOptions {
    const Clock *clock;
    SlotsProcess *process;
    ConnectionProfile database;
    AttemptContext attempt;     /* its scratch and uid are those of slot 0's parent, see below */
    const char *scratch_folder; /* slot N works below SCRATCH/slot-N as user sandbox_uid + N */
    unsigned count;
    unsigned attempts_max;
    int wake_fd; /* an eventfd that is written to when a slot becomes free or has a result */
} SlotsOptions;

typedef struct Slots Slots;

/* Wipes what a former life left in the scratch folder, then starts the threads. */
MUST_CHECK bool slots_create(const SlotsOptions *options, Slots **slots_out, Error *error);
/* Ends the threads; running items must have been stopped before. */
void slots_destroy(Slots *slots);

typedef struct SlotCounts {
    unsigned free;
    unsigned working;
    unsigned reporting; /* have a result for the loop */
} SlotCounts;
SlotCounts slots_count(Slots *slots);

/* Hands a job to a free slot, which clears it; false: there is none. */
MUST_CHECK bool slots_assign(Slots *slots, Job *job);

/* The results that wait, at most SLOTS_MAX, into successes[]; how many. They stay as they are until
 * slots_settle. */
int slots_gather(Slots *slots, Success **successes);
/* The slots of gathered results that were committed are free, the others report by themselves. */
void slots_settle(Slots *slots);

/* The attempts that slots work on, at most SLOTS_MAX, into attempts[]; how many. */
int slots_list_attempts(Slots *slots, Uuid *attempts);

typedef enum SlotStop {
    SLOT_CANCELLED, /* the item is no longer ours: nothing is reported */
    SLOT_DRAINED    /* the worker leaves: the item goes back to the queue */
} SlotStop;
/* Stops the slot that works on this attempt, if one does. */
void slots_stop_attempt(Slots *slots, Text attempt_id);
void slots_stop_all(Slots *slots, SlotStop stop);
