/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The events of the log: one name a fact, area.fact, and what it tells. docs/operations.md shows
 * this list as a table, and a test compares the two.
 */
#pragma once

/* EVENT(constant, name, meaning), in the order of the table. */
#define EVENT_LIST(EVENT)                                                                          \
    EVENT(EVENT_SERVER_STARTED, "server.started", "the API and the object port listen")            \
    EVENT(EVENT_SERVER_STOPPING, "server.stopping", "a signal came; requests in flight may end")   \
    EVENT(EVENT_SERVER_STOPPED, "server.stopped", "the server has ended")                          \
    EVENT(EVENT_REQUEST_ANSWERED, "request.answered", "a request got its answer (debug)")          \
    EVENT(EVENT_REQUEST_NO_ANSWER, "request.no_answer", "our mistake: an endpoint gave none")      \
    EVENT(EVENT_REQUEST_STATEMENT_FAILED, "request.statement_failed",                              \
          "PostgreSQL refused the statement of a request")                                         \
    EVENT(EVENT_KEYS_READ, "keys.read", "the token issuer has new keys")                           \
    EVENT(EVENT_KEYS_NOT_READ, "keys.not_read",                                                    \
          "the token issuer's keys could not be read; the last ones count, for a day at most")     \
    EVENT(EVENT_TOKEN_NOT_SIGNED, "token.not_signed", "the embedded issuer cannot sign")           \
    EVENT(EVENT_RUN_RULES_UNREADABLE, "run.rules_unreadable",                                      \
          "the rules for inputs of a version cannot be compiled")                                  \
    EVENT(EVENT_OBJECT_FAILED, "object.failed", "an upload or a download failed on our side")      \
    EVENT(EVENT_BUCKET_FAILED, "bucket.failed", "a request to a bucket failed on our side")        \
    EVENT(EVENT_BUCKET_SECRET_UNREADABLE, "bucket.secret_unreadable",                              \
          "a bucket's key was sealed with another URL signing key: a new one is made, or to be "   \
          "assigned")                                                                              \
    EVENT(EVENT_OBJECT_STORE_AWAY, "object_store.away",                                            \
          "the object store did not answer when the program started")                              \
    EVENT(EVENT_DATABASE_AWAY, "database.away",                                                    \
          "a connection to PostgreSQL was lost or could not be made")                              \
    EVENT(EVENT_METRICS_NO_QUEUES, "metrics.no_queues",                                            \
          "the queues could not be asked for; /metrics goes without them")                         \
    EVENT(EVENT_WORKER_STARTED, "worker.started", "the worker's settings are read")                \
    EVENT(EVENT_WORKER_REGISTERED, "worker.registered", "the worker has a lease under a new id")   \
    EVENT(EVENT_WORKER_LEASE_LOST, "worker.lease_lost",                                            \
          "the worker was silent for too long; it stops its items and registers anew")             \
    EVENT(EVENT_WORKER_HANDED_BACK_UNKNOWN, "worker.handed_back_unknown",                          \
          "the answer to a claim was lost; its items wait again")                                  \
    EVENT(EVENT_WORKER_CANNOT_COMMIT, "worker.cannot_commit",                                      \
          "a result could not be committed for minutes; the worker leaves")                        \
    EVENT(EVENT_WORKER_DRAINING, "worker.draining", "a signal came; items may end for a while")    \
    EVENT(EVENT_WORKER_FAILED, "worker.failed", "the worker could not start or not stop")          \
    EVENT(EVENT_WORKER_STOPPED, "worker.stopped", "the worker has ended")                          \
    EVENT(EVENT_ATTEMPT_STARTED, "attempt.started", "a slot works on an item")                     \
    EVENT(EVENT_ATTEMPT_PROGRESS, "attempt.progress",                                              \
          "the application told how far it is (debug)")                                            \
    EVENT(EVENT_ATTEMPT_FINISHED, "attempt.finished", "the attempt's report is committed")         \
    EVENT(EVENT_ATTEMPT_CANCELLED, "attempt.cancelled", "the attempt was stopped; no report")      \
    EVENT(EVENT_ATTEMPT_LEASE_LOST, "attempt.lease_lost",                                          \
          "the report came too late: the item was no longer the attempt's")                        \
    EVENT(EVENT_ATTEMPT_NOT_CONFIRMED, "attempt.not_confirmed",                                    \
          "the database did not say yet whether the application may start; it is asked again")     \
    EVENT(EVENT_ATTEMPT_NOT_COMMITTED, "attempt.not_committed",                                    \
          "the report could not be committed yet and is tried again")                              \
    EVENT(EVENT_ATTEMPT_UNREADABLE, "attempt.unreadable",                                          \
          "a claimed item cannot be read and ends as a system error")                              \
    EVENT(EVENT_ATTEMPT_NOT_ENDED, "attempt.not_ended",                                            \
          "an unreadable item could not be ended; its lease will end it")                          \
    EVENT(EVENT_ATTEMPT_NO_SCRATCH, "attempt.no_scratch",                                          \
          "the slot's scratch folder cannot be made")                                              \
    EVENT(EVENT_ATTEMPT_SCRATCH_LEFT, "attempt.scratch_left",                                      \
          "the slot's scratch folder cannot be removed")                                           \
    EVENT(EVENT_ATTEMPT_TROUBLE, "attempt.trouble",                                                \
          "Slurm refuses the attempt's job or does not answer; the worker goes on trying")         \
    EVENT(EVENT_ATTEMPT_NOT_RUN, "attempt.not_run",                                                \
          "the application was not run to an end: no sandbox, or its Slurm job is lost")           \
    EVENT(EVENT_ATTEMPT_OUTPUTS_REFUSED, "attempt.outputs_refused",                                \
          "the application's results do not fit its manifest, or cannot be stored")                \
    EVENT(EVENT_SLURM_LEFTOVERS_ENDED, "slurm.leftovers_ended",                                    \
          "a worker that came back ended the Slurm jobs of its former life")                       \
    EVENT(EVENT_SLURM_LEFTOVERS_REMAIN, "slurm.leftovers_remain",                                  \
          "it could not tell Slurm; the jobs end by themselves")                                   \
    EVENT(EVENT_ATTEMPT_SCRATCH_FULL, "attempt.scratch_full",                                      \
          "the application failed on a full scratch disk; its item is tried again")                \
    EVENT(EVENT_LEADER_BEGAN, "leader.began", "the worker leads from now on")                      \
    EVENT(EVENT_LEADER_LOST, "leader.lost", "the worker's lead is over; it does no more duties")   \
    EVENT(EVENT_RUN_OVERDUE, "run.overdue", "the leader cancelled a run at its deadline")          \
    EVENT(EVENT_ITEMS_UNRUNNABLE, "items.unrunnable",                                              \
          "items wait that need more than any living worker offers; once a minute")                \
    EVENT(EVENT_RUN_OUTDATED, "run.outdated",                                                      \
          "the leader deleted artifacts that had been kept for long enough")                       \
    EVENT(EVENT_OBJECT_NOT_REMOVED, "object.not_removed",                                          \
          "the store did not remove an object; it is tried again and again")                       \
    EVENT(EVENT_OBJECT_NOT_CHECKED, "object.not_checked",                                          \
          "the store did not say whether it has an artifact's object; the next sweep asks again")  \
    EVENT(EVENT_OBJECT_STRAY_REMOVED, "object.stray_removed",                                      \
          "an object that no row knows was removed")                                               \
    EVENT(EVENT_ARTIFACT_OBJECT_MISSING, "artifact.object_missing",                                \
          "an available artifact has no object, or one of another size: look into the store")      \
    EVENT(EVENT_BUCKET_OBJECTS_EXPIRED, "bucket.objects_expired",                                  \
          "the leader deleted uploads that had been kept for long enough")                         \
    EVENT(EVENT_SWEEP_OBJECTS_DONE, "sweep.objects_done", "a walk over all objects has ended")     \
    EVENT(EVENT_SWEEP_ARTIFACTS_DONE, "sweep.artifacts_done",                                      \
          "a walk over all available artifacts has ended")                                         \
    EVENT(EVENT_LEASE_EXPIRED, "lease.expired",                                                    \
          "the leader took the items of silent workers back")                                      \
    EVENT(EVENT_LEADER_DUTY_FAILED, "leader.duty_failed",                                          \
          "a duty of the leader failed and is tried again")

#define EVENT_CONSTANT(constant, name, meaning) constant,
typedef enum LogEvent { EVENT_LIST(EVENT_CONSTANT) EVENT_COUNT } LogEvent;
#undef EVENT_CONSTANT
