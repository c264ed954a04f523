/* SPDX-License-Identifier: Apache-2.0 */
/* The threads of a worker; see slots.h. */
#include "jobs/slots.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "base/metrics.h"
#include "jobs/outputs.h"
#include "jobs/reporter.h"

/* A finished result is worth much patience: the commit is tried again for about ten minutes. */
enum {
    FINISH_TRIES_MAX = 60,
    FINISH_REFUSALS_MAX = 3,
    FINISH_WAIT_MAX_US = 10 * 1000 * 1000,
    FINISH_WAIT_FIRST_US = 100000
};

enum { WIPE_TRIES_MAX = 20, WIPE_WAIT_US = 250 * 1000 };

/* WORKING is also reporting by itself; while it is REPORTING the loop has the result. */
typedef enum SlotState { SLOT_FREE, SLOT_WORKING, SLOT_REPORTING } SlotState;

typedef struct Slot {
    Slots *slots;
    unsigned index;
    pthread_t thread;
    char *scratch;
    atomic_bool cancel;  /* read by the attempt */
    atomic_bool drained; /* why, when cancel is set */
    bool let_go;         /* the loop has freed it with the result; only its thread looks */
    struct {
        pthread_mutex_t mutex;
        pthread_cond_t changed;
        SlotState state;
        bool leave;
        bool assigned; /* there is a job for the thread to take */
        Job job;
        Uuid attempt_id; /* what it works on, unless it is free */
        Success success; /* what it reports; points into the thread */
        bool gathered;
        bool settled;
    } locked;
} Slot;

struct Slots {
    SlotsOptions options;
    char *scratch_folder; /* absolute */
    unsigned started;
    Reporter *reporter;
    Slot slot[SLOTS_MAX];
};

static void wake_loop(const Slots *slots)
{
    const uint64_t one = 1;
    ssize_t ignored = write(slots->options.wake_fd, &one, sizeof one);
    (void)ignored;
}

/* A report that the database refuses, again and again, must not leave the item hanging. */
static void give_up_on_result(JobReport *report)
{
    buffer_reset(&report->output_artifacts);
    report->error_code[0] = '\0';
    report->log_tail[0] = '\0';
    job_report_set(report, JOB_SYSTEM_ERROR,
                   "An unknown system error occurred during the item execution");
}

static void log_finished(const Job *job, const JobReport *report, FinishResult result)
{
    log_event(LOG_INFO,
              result == FINISH_COMMITTED ? EVENT_ATTEMPT_FINISHED : EVENT_ATTEMPT_LEASE_LOST,
              LOG_STRING("attempt_id", job->attempt_id.text),
              LOG_STRING("outcome", job_outcome_name(report->outcome)));
}

/* Leaves the result to the loop; whether it was committed, and the slot is the loop's again. */
static bool finish_together(Slot *slot, const Job *job, const JobReport *report)
{
    pthread_mutex_lock(&slot->locked.mutex);
    slot->locked.success = (Success){.attempt_id = &job->attempt_id, .report = report};
    slot->locked.gathered = false;
    slot->locked.settled = false;
    slot->locked.state = SLOT_REPORTING;
    wake_loop(slot->slots);
    while (!slot->locked.settled) {
        pthread_cond_wait(&slot->locked.changed, &slot->locked.mutex);
    }
    bool committed = slot->locked.success.committed;
    pthread_mutex_unlock(&slot->locked.mutex);
    return committed;
}

/* Commits, again and again while the database is away. False: the lease was lost, which is no
 * failure: the leader sweeps what was stored. */
static bool finish(Slot *slot, const Job *job, JobReport *report)
{
    slot->let_go = report->outcome == JOB_SUCCEEDED && finish_together(slot, job, report);
    if (slot->let_go) {
        log_finished(job, report, FINISH_COMMITTED);
        return true;
    }
    int64_t wait_us = FINISH_WAIT_FIRST_US;
    int refusals = 0;
    for (int try = 0; try < FINISH_TRIES_MAX; try++) {
        Error error = {0};
        FinishResult result = FINISH_LEASE_LOST;
        if (reporter_finish(slot->slots->reporter, &job->attempt_id, report, &result, &error)) {
            log_finished(job, report, result);
            return result == FINISH_COMMITTED;
        }
        log_error(LOG_WARNING, EVENT_ATTEMPT_NOT_COMMITTED, &error);
        refusals += error.code != ERROR_UNAVAILABLE ? 1 : 0;
        if (refusals == FINISH_REFUSALS_MAX) {
            give_up_on_result(report);
        }
        clock_sleep_us(slot->slots->options.clock, wait_us);
        wait_us = wait_us * 2 < FINISH_WAIT_MAX_US ? wait_us * 2 : FINISH_WAIT_MAX_US;
    }
    /* A living worker renews the lease of an item that it cannot end: leave, and let it end. */
    log_event(LOG_ERROR, EVENT_WORKER_CANNOT_COMMIT,
              LOG_STRING("attempt_id", job->attempt_id.text));
    _exit(EXIT_FAILURE);
}

/* The claim must be on the disk before anything runs by it: what a crash of the database has undone
 * is another's to run, and would be tried for ever if its attempts were never counted. */
static bool may_start(
    void *context, const Job *job, const atomic_bool *cancel, bool *may_start_out, Error *error)
{
    const Slots *slots = context;
    int64_t wait_us = FINISH_WAIT_FIRST_US;
    *may_start_out = false;
    for (int try = 0; try < FINISH_TRIES_MAX && !atomic_load(cancel); try++) {
        error_clear(error);
        if (reporter_confirm(slots->reporter, &job->attempt_id, may_start_out, error)) {
            return true;
        }
        log_error(LOG_WARNING, EVENT_ATTEMPT_NOT_CONFIRMED, error);
        clock_sleep_us(slots->options.clock, wait_us);
        wait_us = wait_us * 2 < FINISH_WAIT_MAX_US ? wait_us * 2 : FINISH_WAIT_MAX_US;
    }
    return atomic_load(cancel);
}

static AttemptOutcome outcome_of(JobOutcome outcome)
{
    static const AttemptOutcome OUTCOMES[JOB_OUTCOME_COUNT] = {
        [JOB_NONE] = OUTCOME_CANCELLED,        [JOB_SUCCEEDED] = OUTCOME_SUCCEEDED,
        [JOB_USER_ERROR] = OUTCOME_USER_ERROR, [JOB_SYSTEM_ERROR] = OUTCOME_SYSTEM_ERROR,
        [JOB_RETRY] = OUTCOME_RETRY,           [JOB_HANDED_BACK] = OUTCOME_HANDED_BACK};
    return OUTCOMES[outcome];
}

/* Its log and memory are worth one try; its item is another's or ended. */
static void tell_of_cancelled(const Slot *slot, const Job *job, const JobReport *report)
{
    Error error = {0};
    FinishResult ignored;
    if (!reporter_finish(slot->slots->reporter, &job->attempt_id, report, &ignored, &error)) {
        log_error(LOG_WARNING, EVENT_ATTEMPT_NOT_COMMITTED, &error);
    }
}

static void work(Slot *slot, const Job *job)
{
    const Clock *clock = slot->slots->options.clock;
    int64_t started_at_us = clock_monotonic_us(clock);
    AttemptOutcome outcome = OUTCOME_CANCELLED;
    AttemptContext context = slot->slots->options.attempt;
    context.scratch = slot->scratch;
    context.sandbox_uid = context.sandbox_uid == 0 ? 0 : context.sandbox_uid + slot->index;
    log_event(LOG_INFO, EVENT_ATTEMPT_STARTED, LOG_STRING("attempt_id", job->attempt_id.text),
              LOG_STRING("item_id", job->item_id.text), LOG_STRING("run_id", job->run_id.text),
              LOG_NUMBER("attempt_number", job->attempt_number));
    JobReport report;
    job_report_init(&report);
    slot->let_go = false;
    slot->slots->options.process(&context, job, &slot->cancel, &report);
    if (report.outcome == JOB_NONE && atomic_load(&slot->drained)) {
        report.outcome = JOB_HANDED_BACK;
    }
    if (report.outcome == JOB_NONE) {
        log_event(LOG_INFO, EVENT_ATTEMPT_CANCELLED,
                  LOG_STRING("attempt_id", job->attempt_id.text));
        tell_of_cancelled(slot, job, &report);
    } else {
        int64_t ready_at_us = clock_monotonic_us(clock);
        bool committed = finish(slot, job, &report);
        outcome = committed ? outcome_of(report.outcome) : OUTCOME_LEASE_LOST;
        metric_observe(METRIC_PHASE_SECONDS, PHASE_COMMIT, clock_monotonic_us(clock) - ready_at_us);
    }
    metric_add(METRIC_ATTEMPTS, outcome, 1);
    metric_observe(METRIC_ATTEMPT_SECONDS, outcome, clock_monotonic_us(clock) - started_at_us);
    job_report_clear(&report);
}

static bool wait_for_job(Slot *slot, Job *job_out)
{
    pthread_mutex_lock(&slot->locked.mutex);
    while (!slot->locked.assigned && !slot->locked.leave) {
        pthread_cond_wait(&slot->locked.changed, &slot->locked.mutex);
    }
    bool assigned = slot->locked.assigned;
    *job_out = slot->locked.job;
    slot->locked.assigned = false;
    pthread_mutex_unlock(&slot->locked.mutex);
    return assigned;
}

static void become_free_locked(Slot *slot)
{
    slot->locked.state = SLOT_FREE;
    metric_add(METRIC_SLOTS_BUSY, 0, -1);
}

static void become_free(Slot *slot)
{
    pthread_mutex_lock(&slot->locked.mutex);
    become_free_locked(slot);
    pthread_mutex_unlock(&slot->locked.mutex);
    wake_loop(slot->slots);
}

static void *run_slot(void *argument)
{
    Slot *slot = argument;
    Job job;
    while (wait_for_job(slot, &job)) {
        work(slot, &job);
        job_clear(&job);
        if (!slot->let_go) {
            become_free(slot);
        }
    }
    return NULL;
}

static char *scratch_of(const Slots *slots, unsigned index)
{
    return alloc_format("%s/slot-%u", slots->scratch_folder, index);
}

/* What a former life left, which may have had more slots. Something of it may still run elsewhere
 * and write there: it ends when it finds its files gone. */
static bool wipe_scratch(const Slots *slots, unsigned index, Error *error)
{
    AUTO_FREE char *scratch = scratch_of(slots, index);
    for (int try = 1; !folder_remove(scratch, error); try++) {
        if (try == WIPE_TRIES_MAX) {
            return false;
        }
        clock_sleep_us(slots->options.clock, WIPE_WAIT_US);
    }
    return true;
}

static bool start_slot(Slots *slots, unsigned index, Error *error)
{
    Slot *slot = &slots->slot[index];
    slot->slots = slots;
    slot->index = index;
    slot->scratch = scratch_of(slots, index);
    pthread_mutex_init(&slot->locked.mutex, NULL);
    pthread_cond_init(&slot->locked.changed, NULL);
    if (pthread_create(&slot->thread, NULL, run_slot, slot) != 0) {
        return error_set(error, ERROR_INTERNAL, "cannot start the thread of slot %u", index);
    }
    slots->started = index + 1;
    metric_add(METRIC_SLOTS, 0, 1);
    return true;
}

bool slots_create(const SlotsOptions *options, Slots **slots_out, Error *error)
{
    assert(options->count > 0 && options->count <= SLOTS_MAX);
    if (!folder_create(options->scratch_folder, 0700, error)) {
        return false;
    }
    char *scratch_folder = realpath(options->scratch_folder, NULL);
    if (scratch_folder == NULL) {
        return error_set(error, ERROR_INTERNAL, "cannot resolve '%s': %m", options->scratch_folder);
    }
    Slots *slots = ALLOC_NEW(Slots);
    slots->options = *options;
    slots->options.attempt.may_start = may_start;
    slots->options.attempt.may_start_context = slots;
    slots->scratch_folder = scratch_folder;
    const ReporterOptions reporter = {.clock = options->clock,
                                      .database = options->database,
                                      .attempts_max = options->attempts_max};
    slots->reporter = reporter_create(&reporter);
    for (unsigned i = 0; i < SLOTS_MAX; i++) {
        if (!wipe_scratch(slots, i, error) ||
            (i < options->count && !start_slot(slots, i, error))) {
            slots_destroy(slots);
            return false;
        }
    }
    *slots_out = slots;
    return true;
}

void slots_destroy(Slots *slots)
{
    if (slots == NULL) {
        return;
    }
    for (unsigned i = 0; i < slots->started; i++) {
        Slot *slot = &slots->slot[i];
        pthread_mutex_lock(&slot->locked.mutex);
        slot->locked.leave = true;
        pthread_cond_signal(&slot->locked.changed);
        pthread_mutex_unlock(&slot->locked.mutex);
        pthread_join(slot->thread, NULL);
    }
    for (unsigned i = 0; i < slots->options.count; i++) {
        alloc_free(slots->slot[i].scratch);
    }
    reporter_destroy(slots->reporter);
    alloc_free(slots->scratch_folder);
    alloc_free(slots);
}

SlotCounts slots_count(Slots *slots)
{
    SlotCounts counts = {.free = 0};
    for (unsigned i = 0; i < slots->started; i++) {
        Slot *slot = &slots->slot[i];
        pthread_mutex_lock(&slot->locked.mutex);
        SlotState state = slot->locked.state;
        pthread_mutex_unlock(&slot->locked.mutex);
        counts.free += state == SLOT_FREE ? 1 : 0;
        counts.working += state == SLOT_WORKING ? 1 : 0;
        counts.reporting += state == SLOT_REPORTING ? 1 : 0;
    }
    return counts;
}

static void assign_locked(Slot *slot, Job *job)
{
    atomic_store(&slot->cancel, false);
    atomic_store(&slot->drained, false);
    slot->locked.attempt_id = job->attempt_id;
    slot->locked.job = *job;
    slot->locked.assigned = true;
    slot->locked.state = SLOT_WORKING;
    metric_add(METRIC_SLOTS_BUSY, 0, 1);
    pthread_cond_signal(&slot->locked.changed);
    *job = (Job){.external_id = NULL};
}

bool slots_assign(Slots *slots, Job *job)
{
    bool found = false;
    for (unsigned i = 0; i < slots->started && !found; i++) {
        Slot *slot = &slots->slot[i];
        pthread_mutex_lock(&slot->locked.mutex);
        found = slot->locked.state == SLOT_FREE;
        if (found) {
            assign_locked(slot, job);
        }
        pthread_mutex_unlock(&slot->locked.mutex);
    }
    return found;
}

int slots_gather(Slots *slots, Success **successes)
{
    int count = 0;
    for (unsigned i = 0; i < slots->started; i++) {
        Slot *slot = &slots->slot[i];
        pthread_mutex_lock(&slot->locked.mutex);
        if (slot->locked.state == SLOT_REPORTING) {
            slot->locked.gathered = true;
            successes[count++] = &slot->locked.success;
        }
        pthread_mutex_unlock(&slot->locked.mutex);
    }
    return count;
}

static void settle_locked(Slot *slot)
{
    slot->locked.settled = true;
    slot->locked.gathered = false;
    if (slot->locked.success.committed) {
        become_free_locked(slot);
    } else {
        slot->locked.state = SLOT_WORKING;
    }
    pthread_cond_signal(&slot->locked.changed);
}

void slots_settle(Slots *slots)
{
    for (unsigned i = 0; i < slots->started; i++) {
        Slot *slot = &slots->slot[i];
        pthread_mutex_lock(&slot->locked.mutex);
        if (slot->locked.state == SLOT_REPORTING && slot->locked.gathered) {
            settle_locked(slot);
        }
        pthread_mutex_unlock(&slot->locked.mutex);
    }
}

int slots_list_attempts(Slots *slots, Uuid *attempts)
{
    int count = 0;
    for (unsigned i = 0; i < slots->started; i++) {
        Slot *slot = &slots->slot[i];
        pthread_mutex_lock(&slot->locked.mutex);
        if (slot->locked.state != SLOT_FREE) {
            attempts[count++] = slot->locked.attempt_id;
        }
        pthread_mutex_unlock(&slot->locked.mutex);
    }
    return count;
}

static void stop_slot(Slot *slot, SlotStop stop)
{
    if (stop == SLOT_DRAINED) {
        atomic_store(&slot->drained, true);
    }
    atomic_store(&slot->cancel, true);
}

void slots_stop_attempt(Slots *slots, Text attempt_id)
{
    for (unsigned i = 0; i < slots->started; i++) {
        Slot *slot = &slots->slot[i];
        pthread_mutex_lock(&slot->locked.mutex);
        if (slot->locked.state != SLOT_FREE && text_is(attempt_id, slot->locked.attempt_id.text)) {
            stop_slot(slot, SLOT_CANCELLED);
        }
        pthread_mutex_unlock(&slot->locked.mutex);
    }
}

void slots_stop_all(Slots *slots, SlotStop stop)
{
    for (unsigned i = 0; i < slots->started; i++) {
        stop_slot(&slots->slot[i], stop);
    }
}
