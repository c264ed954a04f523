/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The queue: what a worker says to the database, one statement a call (src/jobs/sql). Calls block;
 * each thread brings its own connection. ERROR_UNAVAILABLE: the database is away, try again.
 */
#pragma once
#include <libpq-fe.h>
#include <stdbool.h>

#include "base/attributes.h"
#include "base/error.h"
#include "jobs/job.h"
#include "jobs/labels.h"

typedef struct WorkerIdentity {
    Uuid worker_id;
    const char *name;
    unsigned slots;
    WorkerLabels labels;
    unsigned lease_seconds;
    unsigned attempts_max;
} WorkerIdentity;

enum { CLAIM_ITEMS_MAX = 64 };

/* New ids for the attempts of a claim; as many as items are wanted. */
typedef struct AttemptIds {
    Uuid ids[CLAIM_ITEMS_MAX];
    int count;
} AttemptIds;

/* Makes the worker known; a dead one of the same name loses its items to the queue. */
MUST_CHECK bool
queue_register(PGconn *connection, const WorkerIdentity *worker, int *returned_out, Error *error);

typedef struct Heartbeat {
    bool alive;               /* false: the lease was lost, register anew */
    char *cancelled_attempts; /* comma list of attempts that are no longer ours; owned */
} Heartbeat;
MUST_CHECK bool queue_heartbeat(PGconn *connection,
                                const WorkerIdentity *worker,
                                bool draining,
                                Heartbeat *heartbeat_out,
                                Error *error);
/* The worker leaves for good: its lease ends now, and what it still has goes back to the queue. */
MUST_CHECK bool
queue_leave(PGconn *connection, const WorkerIdentity *worker, int *returned_out, Error *error);

/* Gives back what was claimed for the worker without its knowledge; `known` are the attempts that
 * it works on. */
MUST_CHECK bool queue_hand_back_unknown(PGconn *connection,
                                        const WorkerIdentity *worker,
                                        const AttemptIds *known,
                                        int *returned_out,
                                        Error *error);

typedef enum FinishResult { FINISH_COMMITTED, FINISH_LEASE_LOST } FinishResult;
MUST_CHECK bool queue_finish(PGconn *connection,
                             const Uuid *attempt_id,
                             const JobReport *report,
                             unsigned attempts_max,
                             FinishResult *result_out,
                             Error *error);

enum { SUCCESSES_MAX = CLAIM_ITEMS_MAX };

/* The result of an attempt that succeeded. */
typedef struct Success {
    const Uuid *attempt_id;
    const JobReport *report;
    bool committed; /* set by queue_turnover: the attempt still held its item */
} Success;

/* What a worker says and hears in one round trip: results, and then a claim. */
typedef struct QueueTurnover {
    Success *const *successes;
    int success_count;             /* at most SUCCESSES_MAX; 0: none */
    const AttemptIds *attempt_ids; /* for as many items; of no id: none is claimed */
    Job *jobs;                     /* what was claimed, each to be cleared with job_clear */
    int job_count;
} QueueTurnover;

/* Prepares the statements of queue_turnover; once for a connection. */
MUST_CHECK bool queue_prepare(PGconn *connection, Error *error);
/* Commits the results in one statement, on the disk when it returns; of those that lost their items
 * nothing counts, nor is anything kept. Then claims, which is not on the disk yet: see
 * queue_confirm. A job whose manifest cannot be read is ended as SYSTEM_ERROR here and left out.
 * False: the claim failed or the connection is lost, but what is `committed` is. */
MUST_CHECK bool queue_turnover(PGconn *connection,
                               const WorkerIdentity *worker,
                               QueueTurnover *turnover,
                               Error *error);

/* Whether the attempt runs, by what is on the disk: no crash of the database undoes its claim any
 * more. To be asked before an application starts. */
MUST_CHECK bool
queue_confirm(PGconn *connection, const Uuid *attempt_id, bool *running_out, Error *error);
