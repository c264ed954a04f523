/* SPDX-License-Identifier: Apache-2.0 */
/* The seccomp filter; see policy.h. */
#include "sandbox/policy.h"

#include <errno.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

typedef struct Refusal {
    int call;
    int answer;
} Refusal;

static const Refusal REFUSALS[] = {
    /* the tree of mounts */
    {SCMP_SYS(mount), EPERM},
    {SCMP_SYS(umount), EPERM},
    {SCMP_SYS(umount2), EPERM},
    {SCMP_SYS(pivot_root), EPERM},
    {SCMP_SYS(chroot), EPERM},
    {SCMP_SYS(move_mount), EPERM},
    {SCMP_SYS(open_tree), EPERM},
    {SCMP_SYS(fsopen), EPERM},
    {SCMP_SYS(fsconfig), EPERM},
    {SCMP_SYS(fsmount), EPERM},
    {SCMP_SYS(fspick), EPERM},
    {SCMP_SYS(mount_setattr), EPERM},
    {SCMP_SYS(swapon), EPERM},
    {SCMP_SYS(swapoff), EPERM},
    {SCMP_SYS(quotactl), EPERM},
    {SCMP_SYS(quotactl_fd), EPERM},
    {SCMP_SYS(name_to_handle_at), EPERM},
    {SCMP_SYS(open_by_handle_at), EPERM},
    {SCMP_SYS(fanotify_init), EPERM},
    /* namespaces; the flags of clone are checked below, those of clone3 cannot be, and libc then
     * takes clone */
    {SCMP_SYS(unshare), EPERM},
    {SCMP_SYS(setns), EPERM},
    {SCMP_SYS(clone3), ENOSYS},
    /* other processes */
    {SCMP_SYS(ptrace), EPERM},
    {SCMP_SYS(process_vm_readv), EPERM},
    {SCMP_SYS(process_vm_writev), EPERM},
    {SCMP_SYS(process_madvise), EPERM},
    {SCMP_SYS(pidfd_getfd), EPERM},
    {SCMP_SYS(kcmp), EPERM},
    {SCMP_SYS(move_pages), EPERM},
    {SCMP_SYS(migrate_pages), EPERM},
    /* keys */
    {SCMP_SYS(add_key), EPERM},
    {SCMP_SYS(request_key), EPERM},
    {SCMP_SYS(keyctl), EPERM},
    /* the large and young parts of the kernel */
    {SCMP_SYS(bpf), EPERM},
    {SCMP_SYS(perf_event_open), EPERM},
    {SCMP_SYS(userfaultfd), EPERM},
    {SCMP_SYS(io_uring_setup), ENOSYS},
    {SCMP_SYS(io_uring_enter), ENOSYS},
    {SCMP_SYS(io_uring_register), ENOSYS},
    {SCMP_SYS(modify_ldt), EPERM},
    {SCMP_SYS(lookup_dcookie), EPERM},
    {SCMP_SYS(nfsservctl), ENOSYS},
    {SCMP_SYS(uselib), ENOSYS},
    {SCMP_SYS(vserver), ENOSYS},
    /* the machine */
    {SCMP_SYS(kexec_load), EPERM},
    {SCMP_SYS(kexec_file_load), EPERM},
    {SCMP_SYS(init_module), EPERM},
    {SCMP_SYS(finit_module), EPERM},
    {SCMP_SYS(delete_module), EPERM},
    {SCMP_SYS(create_module), ENOSYS},
    {SCMP_SYS(reboot), EPERM},
    {SCMP_SYS(syslog), EPERM},
    {SCMP_SYS(acct), EPERM},
    {SCMP_SYS(settimeofday), EPERM},
    {SCMP_SYS(clock_settime), EPERM},
    {SCMP_SYS(clock_adjtime), EPERM},
    {SCMP_SYS(adjtimex), EPERM},
    {SCMP_SYS(iopl), EPERM},
    {SCMP_SYS(ioperm), EPERM},
    {SCMP_SYS(vhangup), EPERM},
    {SCMP_SYS(sethostname), EPERM},
    {SCMP_SYS(setdomainname), EPERM},
    /* memory that belongs to no process, so that the watch over the limit would not see it */
    {SCMP_SYS(memfd_create), ENOSYS},
    {SCMP_SYS(memfd_secret), ENOSYS},
    {SCMP_SYS(shmget), ENOSYS},
    {SCMP_SYS(msgget), ENOSYS},
    {SCMP_SYS(semget), ENOSYS},
};

static const uint64_t NAMESPACE_FLAGS[] = {CLONE_NEWNS,  CLONE_NEWCGROUP, CLONE_NEWUTS,
                                           CLONE_NEWIPC, CLONE_NEWUSER,   CLONE_NEWPID,
                                           CLONE_NEWNET};

/* The kernel reads 32 bits of these arguments, whatever stands above them. */
#define ARGUMENT_BITS 0xffffffffULL

static int refuse_calls(scmp_filter_ctx filter)
{
    int failed = 0;
    for (size_t i = 0; i < ARRAY_COUNT(REFUSALS); i++) {
        failed |= seccomp_rule_add(filter, SCMP_ACT_ERRNO((uint32_t)REFUSALS[i].answer),
                                   REFUSALS[i].call, 0);
    }
    return failed;
}

static int refuse_by_argument(scmp_filter_ctx filter)
{
    int failed = 0;
    for (size_t i = 0; i < ARRAY_COUNT(NAMESPACE_FLAGS); i++) {
        failed |= seccomp_rule_add(
            filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
            SCMP_CMP(0, SCMP_CMP_MASKED_EQ, NAMESPACE_FLAGS[i], NAMESPACE_FLAGS[i]));
    }
    /* Input into a terminal, as if somebody had typed it. */
    static const uint64_t TERMINAL_REQUESTS[] = {TIOCSTI, TIOCLINUX};
    for (size_t i = 0; i < ARRAY_COUNT(TERMINAL_REQUESTS); i++) {
        failed |=
            seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1,
                             SCMP_CMP(1, SCMP_CMP_MASKED_EQ, ARGUMENT_BITS, TERMINAL_REQUESTS[i]));
    }
    /* Processes of one application may talk to each other by local sockets, and by no others. */
    failed |= seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(socket), 1,
                               SCMP_CMP(0, SCMP_CMP_GT, AF_UNIX));
    failed |= seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(socketpair), 1,
                               SCMP_CMP(0, SCMP_CMP_GT, AF_UNIX));
    return failed;
}

bool policy_write(int *fd_out, Error *error)
{
    AUTO_FD fd = memfd_create("policy", 0);
    if (fd < 0) {
        return error_set(error, ERROR_INTERNAL, "cannot make room for the system call filter: %m");
    }
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    if (filter == NULL) {
        return error_set(error, ERROR_INTERNAL, "cannot make the system call filter");
    }
    int failed = refuse_calls(filter);
    failed |= refuse_by_argument(filter);
    failed |= seccomp_export_bpf(filter, fd);
    seccomp_release(filter);
    if (failed != 0 || lseek(fd, 0, SEEK_SET) != 0) {
        return error_set(error, ERROR_INTERNAL, "cannot write the system call filter");
    }
    *fd_out = TAKE_FD(fd);
    return true;
}
