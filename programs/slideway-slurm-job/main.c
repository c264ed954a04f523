/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker's Slurm job runs on its node. It knows neither database nor network, and is the
 * launcher of its own sandbox. */
#include <signal.h>
#include <stdio.h>

#include "sandbox/sandbox.h"
#include "sandbox/slurm_job.h"

static atomic_bool told_to_end;

static void take_signal(int number)
{
    (void)number;
    atomic_store(&told_to_end, true);
}

int main(int argument_count, char **arguments)
{
    if (sandbox_is_launcher(argument_count, arguments)) {
        return sandbox_launcher_main(argument_count, arguments);
    }
    if (argument_count != 2 || arguments[1][0] != '/') {
        fputs("usage: slideway-slurm-job FOLDER\n"
              "Runs the task that slideway-worker left in FOLDER (an absolute path), as a job of "
              "Slurm.\n",
              stderr);
        return 2;
    }
    const struct sigaction action = {.sa_handler = take_signal};
    sigaction(SIGTERM, &action, NULL);
    Error error = {0};
    if (!slurm_job_run(arguments[1], &SYSTEM_CLOCK, &told_to_end, &error)) {
        fprintf(stderr, "slideway-slurm-job: %s\n", error.message);
        return 1;
    }
    return 0;
}
