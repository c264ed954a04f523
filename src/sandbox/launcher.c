/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The launcher: the process between sandbox_run and the application. It starts the first process of
 * a pid namespace, waits for its end, and kills it on SIGTERM. The kernel lets that wait return
 * only when every process inside is dead, so the launcher's own end says the same.
 *
 * sandbox_run → launcher → init (drops the user, sets limits, becomes bwrap) → bwrap's init →
 * application
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/file.h"
#include "sandbox/bubblewrap.h"
#include "sandbox/enclosure.h"
#include "sandbox/plan.h"
#include "sandbox/policy.h"

enum {
    EXIT_NOT_STARTED = 1,
    PROCESSES_OF_BUBBLEWRAP = 3,
    FILES_MAX = 1024,
    STACK_BYTES = 8 << 20,
    /* A process may reserve more than it uses: the watch in sandbox_run counts what is used. These
     * two only stop what would be faster than the watch. */
    DATA_FACTOR = 2,
    ADDRESSES_FACTOR = 4,
};
#define DATA_BYTES_MORE (1LL << 30)
#define ADDRESSES_BYTES_MORE (16LL << 30)

/* The parent dies, we die. `life` is the read end of a pipe whose other end only the parent holds:
 * it tells whether the parent died before the signal was asked for. A change of user forgets the
 * signal, so this is done after each. */
static bool die_with_parent(int life, Error *error)
{
    struct pollfd parent = {.fd = life, .events = POLLIN};
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || poll(&parent, 1, 0) != 0) {
        return error_set(error, ERROR_UNAVAILABLE, "the launcher is gone");
    }
    return true;
}

static bool limit(int resource, int64_t value, Error *error)
{
    struct rlimit both;
    if (getrlimit((__rlimit_resource_t)resource, &both) != 0) {
        return error_set(error, ERROR_INTERNAL, "cannot read limit %d: %m", resource);
    }
    rlim_t wanted = (rlim_t)value;
    both.rlim_max = wanted < both.rlim_max ? wanted : both.rlim_max;
    both.rlim_cur = both.rlim_max;
    if (setrlimit((__rlimit_resource_t)resource, &both) != 0) {
        return error_set(error, ERROR_UNAVAILABLE, "the sandbox cannot set limit %d: %m", resource);
    }
    return true;
}

static bool set_limits(const SandboxLimits *limits, Error *error)
{
#ifndef __SANITIZE_ADDRESS__ /* which reserves a large part of all addresses */
    if (!limit(RLIMIT_DATA, limits->memory_bytes * DATA_FACTOR + DATA_BYTES_MORE, error) ||
        !limit(RLIMIT_AS, limits->memory_bytes * ADDRESSES_FACTOR + ADDRESSES_BYTES_MORE, error)) {
        return false;
    }
#endif
    return limit(RLIMIT_CORE, 0, error) && limit(RLIMIT_STACK, STACK_BYTES, error) &&
           limit(RLIMIT_NOFILE, FILES_MAX, error) && limit(RLIMIT_MEMLOCK, 0, error) &&
           limit(RLIMIT_FSIZE, limits->output_bytes, error) &&
           limit(RLIMIT_NPROC, limits->processes + PROCESSES_OF_BUBBLEWRAP, error);
}

/* When memory runs out on the machine, this goes first. Without the right to say so, it does not.
 */
static void volunteer_for_death(void)
{
    AUTO_FD fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    ssize_t ignored = fd < 0 ? 0 : write(fd, "1000", 4);
    (void)ignored;
}

/* The first process of the pid namespace; returns only with an error. */
static void enter(const SandboxPlan *plan, int life, Error *error)
{
    bool changes_user = geteuid() == 0 && plan->uid != 0;
    AUTO_FD policy_fd = -1;
    if (!die_with_parent(life, error) ||
        !enclosure_mount(plan->application_folder, plan->scratch_folder,
                         changes_user ? plan->uid : 0, error)) {
        return;
    }
    volunteer_for_death();
    if (changes_user && (!enclosure_become(plan->uid, error) || !die_with_parent(life, error) ||
                         !enclosure_own_users(error))) {
        return;
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        error_set(error, ERROR_UNAVAILABLE, "the sandbox cannot give up privileges: %m");
        return;
    }
    if (policy_write(&policy_fd, error) && set_limits(&plan->limits, error)) {
        bubblewrap_execute(plan, policy_fd, error);
    }
}

/* bwrap reports a line in several writes: the launcher's comes before bwrap starts, or it would
 * stand in the middle of that one now and then, and nobody would know whom to watch. */
static bool wait_for_report(int life, Error *error)
{
    char told = 0;
    return read(life, &told, 1) == 1 || error_set(error, ERROR_UNAVAILABLE, "the launcher is gone");
}

static void run_init(const SandboxPlan *plan, const sigset_t *signals, int life)
{
    Error error = {0};
    sigprocmask(SIG_SETMASK, signals, NULL);
    if (wait_for_report(life, &error)) {
        enter(plan, life, &error);
    }
    dprintf(STDERR_FILENO, "%s\n", error.message);
    _exit(EXIT_NOT_STARTED);
}

static bool make_namespaces(Error *error)
{
    if (geteuid() != 0 && !enclosure_own_users(error)) {
        return false;
    }
    if (unshare(CLONE_NEWPID) != 0) {
        return error_set(error, ERROR_UNAVAILABLE, "the sandbox cannot make a pid namespace: %m");
    }
    return true;
}

static bool
start_init(const SandboxPlan *plan, const sigset_t *signals, pid_t *pid_out, Error *error)
{
    int life[2];
    if (!make_namespaces(error)) {
        return false;
    }
    if (pipe2(life, O_CLOEXEC) != 0) {
        return error_set(error, ERROR_INTERNAL, "cannot make a pipe: %m");
    }
    pid_t pid = fork(); /* tidy: allow the launcher has one thread, and pid 1 cannot be spawned */
    if (pid == 0) {
        close(life[1]);
        run_init(plan, signals, life[0]);
    }
    close(life[0]); /* life[1] stays open as long as we live */
    if (pid < 0) {
        return error_set(error, ERROR_UNAVAILABLE, "cannot start the sandbox's init: %m");
    }
    dprintf(SANDBOX_REPORT_FD, "{\"init-pid\": %d}\n", (int)pid);
    if (!fd_write_all(life[1], "", 1, error)) {
        return false;
    }
    *pid_out = pid;
    return true;
}

/* The application's output ends with the application, not with us. */
static void let_go_of_output(void)
{
    AUTO_FD nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);
    dup2(nothing, STDOUT_FILENO);
    dup2(nothing, STDERR_FILENO);
    close(SANDBOX_REPORT_FD);
}

static void wait_for_end(pid_t init, const sigset_t *signals)
{
    while (waitpid(init, NULL, WNOHANG) == 0) {
        if (sigwaitinfo(signals, NULL) == SIGTERM) {
            kill(init, SIGKILL);
        }
    }
}

static bool launch(const SandboxPlan *plan, Error *error)
{
    sigset_t awaited;
    sigset_t before;
    sigemptyset(&awaited);
    sigaddset(&awaited, SIGTERM);
    sigaddset(&awaited, SIGCHLD);
    sigprocmask(SIG_BLOCK, &awaited, &before);
    pid_t init = 0;
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || getppid() != plan->parent) {
        return error_set(error, ERROR_UNAVAILABLE, "who asked for the sandbox is gone");
    }
    if (!start_init(plan, &before, &init, error)) {
        return false;
    }
    let_go_of_output();
    wait_for_end(init, &awaited);
    return true;
}

bool sandbox_is_launcher(int argc, char **argv)
{
    return sandbox_plan_is_in(argc, argv);
}

int sandbox_launcher_main(int argc, char **argv)
{
    Error error = {0};
    SandboxPlan plan;
    close_range(SANDBOX_REPORT_FD + 1, ~0U, 0);
    if (!sandbox_plan_read(argc, argv, &plan, &error) || !launch(&plan, &error)) {
        dprintf(STDERR_FILENO, "%s\n", error.message);
        _exit(EXIT_NOT_STARTED);
    }
    _exit(EXIT_SUCCESS);
}
