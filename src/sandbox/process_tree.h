/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process tree of a sandbox, read from the /proc that belongs to its own pid namespace: nobody
 * inside can hide from it, and it lists nobody else.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/text.h"

typedef struct ProcessFacts {
    int64_t resident_bytes;
    int64_t peak_resident_bytes;
} ProcessFacts;

typedef struct TreeUsage {
    int64_t resident_bytes;      /* the sum over all processes; what they share counts for each */
    int64_t peak_resident_bytes; /* the most that one of them used at any time */
    int64_t processes;
} TreeUsage;

/* The descriptor of the /proc in which `init` is pid 1; -1: it is not mounted yet, or gone. */
int process_tree_open(pid_t init);
TreeUsage process_tree_measure(int proc_fd);
/* Memory of all processes, what they share counted once. Slow: it takes milliseconds for each GB.
 */
int64_t process_tree_exact_bytes(int proc_fd);
/* Bytes of files on `device` that processes hold open or mapped and that no folder names any more.
 */
int64_t process_tree_unnamed_bytes(int proc_fd, dev_t device);

/* The content of /proc/PID/status. */
ProcessFacts process_facts_parse(Text status);
/* A line of /proc/PID/maps: the file and how far into it the mapping reaches. False when it is no
 * file on `device`, or one that still has a name. */
bool process_mapping_parse(Text line, dev_t device, ino_t *inode_out, int64_t *end_out);
/* "Pss:" of /proc/PID/smaps_rollup in bytes; -1 when it is not there. */
int64_t process_pss_parse(Text rollup);
