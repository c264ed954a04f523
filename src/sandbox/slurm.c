/* SPDX-License-Identifier: Apache-2.0 */
/* The Slurm executor; see slurm.h. */
#include "sandbox/slurm.h"

#include <glob.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "sandbox/slurm_files.h"

enum {
    TICK_US = 200 * 1000,
    SUBMIT_FIRST_US = 1000 * 1000, /* between two submissions; doubled up to … */
    SUBMIT_LAST_US = 60 * 1000 * 1000,
    TOUCHES_A_SILENCE = 4,
    RUN_SECONDS_MORE = 300, /* beyond a job's time limit: Slurm looks at it once a minute */
    CANCEL_SECONDS_MAX = 10,
    LAST_WORDS_SECONDS = 2,
    LISTING_BYTES_MAX = 16 << 20, /* of a user with 100,000 jobs */
    STAGE_BYTES = 256,
    LOG_LINE_BYTES = 300,
};

typedef struct SlurmExecutor {
    Executor executor; /* the first member: a pointer to it is one to the whole */
    SlurmOptions options;
    struct {
        pthread_mutex_t mutex;
        bool asking; /* one slot is; the others use what there is */
        int64_t due_us;
        int64_t listed_at_us; /* when the listing was asked for; 0: there is none */
        Buffer listing;
    } locked;
} SlurmExecutor;

/* A task in Slurm's hands. */
typedef struct Waiting {
    SlurmExecutor *slurm;
    const ExecutorTask *task;
    char name[SLURM_NAME_BYTES];
    int64_t submitted_us;
    int64_t touched_us;
    int64_t looked_us;
    struct timespec sign;  /* of the job, as it was last seen */
    int64_t sign_us;       /* when it was seen to move; 0: never */
    int64_t gone_since_us; /* 0: squeue knows it, or was not asked yet */
    char state[SLURM_STATE_BYTES];
    double fraction;
} Waiting;

/* How the wait stands. */
typedef enum Verdict { VERDICT_WAIT, VERDICT_DONE, VERDICT_CANCELLED, VERDICT_FAILED } Verdict;

static int64_t now_us(const SlurmExecutor *slurm)
{
    return clock_monotonic_us(slurm->options.commands.clock);
}

static int64_t seconds_us(int64_t seconds)
{
    return seconds * MICROSECONDS_PER_SECOND;
}

static bool is_cancelled(const ExecutorTask *task)
{
    return task->sandbox.cancel != NULL && atomic_load(task->sandbox.cancel);
}

static void tell_trouble(const ExecutorTask *task, const Error *error)
{
    if (task->trouble != NULL && !is_cancelled(task)) {
        task->trouble(task->sandbox.progress_context, error);
    }
}

/* True: the caller shall ask squeue, and give the answer to take_listing. */
static bool begin_listing(SlurmExecutor *slurm)
{
    pthread_mutex_lock(&slurm->locked.mutex);
    bool mine = !slurm->locked.asking && now_us(slurm) >= slurm->locked.due_us;
    slurm->locked.asking = slurm->locked.asking || mine;
    pthread_mutex_unlock(&slurm->locked.mutex);
    return mine;
}

/* `listing` NULL: there was no answer. */
static void take_listing(SlurmExecutor *slurm, const Buffer *listing, int64_t asked_at_us)
{
    pthread_mutex_lock(&slurm->locked.mutex);
    slurm->locked.asking = false;
    slurm->locked.due_us = now_us(slurm) + seconds_us(slurm->options.poll_seconds);
    if (listing != NULL) {
        buffer_reset(&slurm->locked.listing);
        buffer_text(&slurm->locked.listing, buffer_view(listing));
        slurm->locked.listed_at_us = asked_at_us;
    }
    pthread_mutex_unlock(&slurm->locked.mutex);
}

static void refresh_listing(const Waiting *waiting)
{
    SlurmExecutor *slurm = waiting->slurm;
    if (!begin_listing(slurm)) {
        return;
    }
    Error error = {0};
    AUTO_BUFFER listing;
    buffer_init(&listing, LISTING_BYTES_MAX);
    int64_t asked_at_us = now_us(slurm);
    bool listed =
        slurm_list(&slurm->options.commands, NULL, waiting->task->sandbox.cancel, &listing, &error);
    take_listing(slurm, listed ? &listing : NULL, asked_at_us);
    if (!listed) {
        tell_trouble(waiting->task, &error);
    }
}

/* Whether squeue knows the job; when the listing was made is told by the result. */
static int64_t look_up(Waiting *waiting, bool *found_out)
{
    SlurmExecutor *slurm = waiting->slurm;
    pthread_mutex_lock(&slurm->locked.mutex);
    *found_out = slurm_find(buffer_view(&slurm->locked.listing), waiting->name, waiting->state);
    int64_t listed_at_us = slurm->locked.listed_at_us;
    pthread_mutex_unlock(&slurm->locked.mutex);
    return listed_at_us;
}

static Verdict fail_vanished(const Waiting *waiting, Error *error)
{
    char line[LOG_LINE_BYTES];
    slurm_log_read(waiting->task->folder, line, sizeof line);
    error_set(error, ERROR_UNAVAILABLE,
              "the Slurm job %s ended without an outcome; it was %s; the last line of its log: %s",
              waiting->name, waiting->state[0] == '\0' ? "never seen" : waiting->state,
              line[0] == '\0' ? "(none)" : line);
    return VERDICT_FAILED;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* The bounds that hold whatever Slurm says. */
static bool is_overdue(const Waiting *waiting, int64_t heard_us, Error *error)
{
    const SlurmOptions *options = &waiting->slurm->options;
    int64_t longest_seconds = (int64_t)options->wait_seconds +
                              waiting->task->sandbox.limits.time_seconds + RUN_SECONDS_MORE;
    int64_t now = now_us(waiting->slurm);
    if (now - later(heard_us, waiting->sign_us) > seconds_us(options->away_seconds)) {
        error_set(error, ERROR_UNAVAILABLE, "Slurm has not told of the job %s for %u s",
                  waiting->name, options->away_seconds);
        return true;
    }
    if (now - waiting->submitted_us > seconds_us(longest_seconds)) {
        error_set(error, ERROR_UNAVAILABLE, "the Slurm job %s is %s after %lld s", waiting->name,
                  waiting->state, (long long)longest_seconds);
        return true;
    }
    return false;
}

/* Whether to go on waiting for a job that has left no outcome yet. */
static Verdict judge_queue(Waiting *waiting, Error *error)
{
    bool found = false;
    refresh_listing(waiting);
    int64_t heard_us = later(look_up(waiting, &found), waiting->submitted_us);
    if (is_overdue(waiting, heard_us, error)) {
        return VERDICT_FAILED;
    }
    if (found || heard_us == waiting->submitted_us) {
        waiting->gone_since_us = 0;
        return VERDICT_WAIT;
    }
    int64_t now = now_us(waiting->slurm);
    waiting->gone_since_us = waiting->gone_since_us == 0 ? now : waiting->gone_since_us;
    int64_t silent_us = now - later(waiting->gone_since_us, waiting->sign_us);
    return silent_us > seconds_us(waiting->slurm->options.grace_seconds)
               ? fail_vanished(waiting, error)
               : VERDICT_WAIT;
}

static void touch_when_due(Waiting *waiting)
{
    int64_t now = now_us(waiting->slurm);
    Error error = {0};
    if (now < waiting->touched_us +
                  seconds_us(waiting->slurm->options.silence_seconds) / TOUCHES_A_SILENCE) {
        return;
    }
    waiting->touched_us = now;
    if (!slurm_sign_touch(waiting->task->folder, SLURM_ALIVE, &error)) {
        tell_trouble(waiting->task, &error);
    }
}

static void tell_progress(Waiting *waiting)
{
    const SandboxOptions *sandbox = &waiting->task->sandbox;
    char stage[STAGE_BYTES];
    double fraction = 0;
    if (sandbox->progress != NULL &&
        slurm_progress_read(waiting->task->folder, &fraction, stage, sizeof stage) &&
        fraction != waiting->fraction) {
        waiting->fraction = fraction;
        sandbox->progress(sandbox->progress_context, fraction, text_of(stage));
    }
}

/* A job that gives signs lives, also when Slurm has forgotten it, as a controller that was killed
 * forgets its last jobs. */
static void look_for_signs(Waiting *waiting)
{
    struct timespec sign;
    int64_t now = now_us(waiting->slurm);
    if (now < waiting->looked_us + seconds_us(SLURM_SIGN_SECONDS)) {
        return;
    }
    waiting->looked_us = now;
    if (slurm_sign_read(waiting->task->folder, SLURM_STARTED, &sign) &&
        slurm_sign_moved(&waiting->sign, &sign)) {
        waiting->sign = sign;
        waiting->sign_us = now;
        tell_progress(waiting);
    }
}

static Verdict judge(Waiting *waiting, SandboxOutcome *outcome, Error *error)
{
    const ExecutorTask *task = waiting->task;
    if (is_cancelled(task)) {
        return VERDICT_CANCELLED;
    }
    switch (slurm_outcome_read(task->folder, task->attempt_id, outcome, error)) {
    case SLURM_OUTCOME_KNOWN:
        return VERDICT_DONE;
    case SLURM_OUTCOME_FAILED:
        return VERDICT_FAILED;
    case SLURM_OUTCOME_ABSENT:
    default:
        break;
    }
    touch_when_due(waiting);
    look_for_signs(waiting);
    return judge_queue(waiting, error);
}

/* Whether nothing of the job runs any more, or ever will. A job that started says so itself by its
 * outcome, while Slurm takes it off its list before that; only one that died does not. */
static bool has_ended(const Waiting *waiting, bool patient, Error *error)
{
    const ExecutorTask *task = waiting->task;
    SandboxOutcome outcome;
    struct timespec sign;
    Error ignored = {0};
    char state[SLURM_STATE_BYTES];
    AUTO_BUFFER listing;
    buffer_init(&listing, LISTING_BYTES_MAX);
    if (slurm_outcome_read(task->folder, task->attempt_id, &outcome, &ignored) !=
        SLURM_OUTCOME_ABSENT) {
        return true;
    }
    if (!slurm_list(&waiting->slurm->options.commands, waiting->name, NULL, &listing, error)) {
        return false;
    }
    if (slurm_find(buffer_view(&listing), waiting->name, state)) {
        return error_set(error, ERROR_UNAVAILABLE, "it is still %s", state);
    }
    return !patient || !slurm_sign_read(task->folder, SLURM_STARTED, &sign) ||
           error_set(error, ERROR_UNAVAILABLE, "it has not told of its end");
}

/* A job that sees `alive` gone ends itself, whether the controller is there or not; the controller
 * is told, too, since a waiting job sees nothing. */
static bool end_job(const Waiting *waiting, Error *error)
{
    SlurmExecutor *slurm = waiting->slurm;
    int64_t began_us = now_us(slurm);
    slurm_alive_remove(waiting->task->folder);
    bool told = slurm_cancel(&slurm->options.commands, waiting->name, error);
    while (!has_ended(waiting, now_us(slurm) - began_us < seconds_us(LAST_WORDS_SECONDS), error)) {
        if (now_us(slurm) - began_us > seconds_us(CANCEL_SECONDS_MAX)) {
            return error_context(error, "the Slurm job %s could not be ended", waiting->name);
        }
        clock_sleep_us(slurm->options.commands.clock, TICK_US);
        told = told || slurm_cancel(&slurm->options.commands, waiting->name, error);
    }
    return true;
}

static bool end_cancelled(const Waiting *waiting, SandboxOutcome *outcome_out, Error *error)
{
    *outcome_out = (SandboxOutcome){.kind = SANDBOX_CANCELLED};
    return end_job(waiting, error);
}

/* A submission may have failed for the answer alone: then squeue knows the job. */
static bool was_submitted(const Waiting *waiting)
{
    Error ignored = {0};
    char state[SLURM_STATE_BYTES];
    AUTO_BUFFER listing;
    buffer_init(&listing, LISTING_BYTES_MAX);
    return slurm_list(&waiting->slurm->options.commands, waiting->name,
                      waiting->task->sandbox.cancel, &listing, &ignored) &&
           slurm_find(buffer_view(&listing), waiting->name, state);
}

static void pause_for(Waiting *waiting, int64_t pause_us)
{
    int64_t until_us = now_us(waiting->slurm) + pause_us;
    while (now_us(waiting->slurm) < until_us && !is_cancelled(waiting->task)) {
        touch_when_due(waiting);
        clock_sleep_us(waiting->slurm->options.commands.clock, TICK_US);
    }
}

/* Submits, again and again while it is refused. Two jobs of one attempt do no harm: the first one
 * that starts does the work. */
static Verdict submit(Waiting *waiting, Error *error)
{
    SlurmExecutor *slurm = waiting->slurm;
    const SlurmOptions *options = &slurm->options;
    int64_t until_us = now_us(slurm) + seconds_us(options->submit_seconds);
    int64_t pause_us = SUBMIT_FIRST_US;
    if (!slurm_task_write(waiting->task, options->silence_seconds, error)) {
        return VERDICT_FAILED;
    }
    while (!is_cancelled(waiting->task)) {
        waiting->submitted_us = now_us(slurm);
        if (slurm_submit(&options->commands, waiting->task, waiting->task->sandbox.cancel, error)) {
            waiting->submitted_us = now_us(slurm);
            return VERDICT_WAIT;
        }
        tell_trouble(waiting->task, error);
        pause_for(waiting, pause_us);
        if (was_submitted(waiting)) {
            return VERDICT_WAIT;
        }
        if (now_us(slurm) >= until_us) {
            return VERDICT_FAILED;
        }
        pause_us = pause_us * 2 < SUBMIT_LAST_US ? pause_us * 2 : SUBMIT_LAST_US;
    }
    return VERDICT_CANCELLED;
}

static bool run_in_slurm(Executor *executor,
                         const ExecutorTask *task,
                         SandboxOutcome *outcome_out,
                         Error *error)
{
    SlurmExecutor *slurm = (SlurmExecutor *)executor;
    Waiting waiting = {.slurm = slurm, .task = task, .touched_us = now_us(slurm)};
    slurm_job_name(task->attempt_id, waiting.name);
    SandboxOutcome outcome;
    Verdict verdict = submit(&waiting, error);
    while (verdict == VERDICT_WAIT) {
        verdict = judge(&waiting, &outcome, error);
        if (verdict == VERDICT_WAIT) {
            clock_sleep_us(slurm->options.commands.clock, TICK_US);
        }
    }
    if (verdict == VERDICT_CANCELLED) {
        return end_cancelled(&waiting, outcome_out, error);
    }
    if (verdict == VERDICT_FAILED) {
        Error left = {0};
        if (!end_job(&waiting, &left)) {
            tell_trouble(task, &left);
        }
        return false;
    }
    *outcome_out = outcome;
    return true;
}

bool slurm_create(const SlurmOptions *options, Executor **executor_out, Error *error)
{
    if (!slurm_options_check(options->commands.more_options, error)) {
        return false;
    }
    SlurmExecutor *slurm = ALLOC_NEW(SlurmExecutor);
    slurm->executor.run = run_in_slurm;
    slurm->options = *options;
    pthread_mutex_init(&slurm->locked.mutex, NULL);
    buffer_init(&slurm->locked.listing, LISTING_BYTES_MAX);
    *executor_out = &slurm->executor;
    return true;
}

void slurm_destroy(Executor *executor)
{
    SlurmExecutor *slurm = (SlurmExecutor *)executor;
    if (slurm != NULL) {
        buffer_clear(&slurm->locked.listing);
        pthread_mutex_destroy(&slurm->locked.mutex);
        alloc_free(slurm);
    }
}

static void remove_signs_of_life(const char *scratch_folder)
{
    AUTO_FREE char *pattern = alloc_format("%s/slot-*/*/", scratch_folder);
    glob_t found = {.gl_pathc = 0};
    if (glob(pattern, GLOB_NOSORT, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++) {
            slurm_alive_remove(found.gl_pathv[i]);
        }
    }
    globfree(&found);
}

bool slurm_cancel_leftovers(Executor *executor,
                            const char *scratch_folder,
                            int *count_out,
                            Error *error)
{
    const SlurmCommands *commands = &((SlurmExecutor *)executor)->options.commands;
    AUTO_BUFFER listing;
    buffer_init(&listing, LISTING_BYTES_MAX);
    remove_signs_of_life(scratch_folder);
    if (!slurm_list(commands, NULL, NULL, &listing, error)) {
        return false;
    }
    Text rest = buffer_view(&listing);
    char name[SLURM_NAME_BYTES];
    int count = 0;
    while (slurm_next_leftover(&rest, scratch_folder, name)) {
        if (!slurm_cancel(commands, name, error)) {
            return false;
        }
        count++;
    }
    *count_out = count;
    return true;
}
