/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of the Slurm executor; see slurm_settings.h. */
#include "slurm_settings.h"

#include <limits.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"

#define JOB_PROGRAM "slideway-slurm-job"

static bool check(const SlurmSettings *settings, Error *error)
{
    if (settings->poll_seconds == 0) {
        return error_set(error, ERROR_INVALID, "SLIDEWAY_SLURM_POLL_SECONDS must be at least 1");
    }
    if (settings->grace_seconds < SLURM_GRACE_SECONDS_MIN) {
        return error_set(error, ERROR_INVALID, "SLIDEWAY_SLURM_GRACE_SECONDS must be at least %d",
                         SLURM_GRACE_SECONDS_MIN);
    }
    if (settings->silence_seconds < SLURM_SILENCE_SECONDS_MIN) {
        return error_set(error, ERROR_INVALID, "SLIDEWAY_SLURM_SILENCE_SECONDS must be at least %d",
                         SLURM_SILENCE_SECONDS_MIN);
    }
    if (settings->job_program[0] != '\0' && settings->job_program[0] != '/') {
        return error_set(error, ERROR_INVALID,
                         "SLIDEWAY_SLURM_JOB_PROGRAM must be an absolute path");
    }
    return slurm_options_check(settings->options, error) ||
           error_context(error, "SLIDEWAY_SLURM_OPTIONS");
}

/* The program that was built and installed with this one. */
static bool find_job_program(const SlurmSettings *settings, char **path_out, Error *error)
{
    if (settings->job_program[0] != '\0') {
        *path_out = alloc_string(settings->job_program);
        return true;
    }
    char own[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", own, sizeof own - 1);
    if (length < 0) {
        return error_set(error, ERROR_INTERNAL, "cannot find this program's own folder: %m");
    }
    own[length] = '\0';
    *strrchr(own, '/') = '\0';
    *path_out = alloc_format("%s/" JOB_PROGRAM, own);
    return true;
}

bool slurm_program_start(SlurmProgram *program, const SlurmSettings *settings, Error *error)
{
    if (!check(settings, error) || !find_job_program(settings, &program->job_program, error)) {
        return false;
    }
    const SlurmOptions options = {.commands = {.clock = &SYSTEM_CLOCK,
                                               .folder = settings->folder,
                                               .configuration = settings->configuration,
                                               .partition = settings->partition,
                                               .account = settings->account,
                                               .more_options = settings->options,
                                               .job_program = program->job_program,
                                               .uid = geteuid()},
                                  .poll_seconds = settings->poll_seconds,
                                  .submit_seconds = settings->submit_seconds,
                                  .wait_seconds = settings->wait_seconds,
                                  .away_seconds = settings->away_seconds,
                                  .grace_seconds = settings->grace_seconds,
                                  .silence_seconds = settings->silence_seconds};
    return slurm_create(&options, &program->executor, error);
}

void slurm_program_end_leftovers(const SlurmProgram *program, const char *scratch_folder)
{
    Error error = {0};
    int count = 0;
    AUTO_FREE char *folder = program->executor == NULL ? NULL : realpath(scratch_folder, NULL);
    if (folder == NULL) {
        return; /* no executor, or nothing was left: the folder is still to be made */
    }
    if (!slurm_cancel_leftovers(program->executor, folder, &count, &error)) {
        log_error(LOG_WARNING, EVENT_SLURM_LEFTOVERS_REMAIN, &error);
    } else if (count > 0) {
        log_event(LOG_INFO, EVENT_SLURM_LEFTOVERS_ENDED, LOG_NUMBER("jobs", count));
    }
}

void slurm_program_stop(SlurmProgram *program)
{
    slurm_destroy(program->executor);
    alloc_free(program->job_program);
    *program = (SlurmProgram){.executor = NULL};
}
