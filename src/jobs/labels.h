/* SPDX-License-Identifier: Apache-2.0 */
/* Labels of a worker: the most that one item may need of it. */
#pragma once
#include <stdint.h>

/* A label that bounds nothing: somebody else sees to it. */
#define LABEL_ANY (-1)

typedef struct WorkerLabels {
    int64_t cpus;
    int64_t memory_bytes;
    int64_t gpus;
} WorkerLabels;

/* What this machine has: cores that are online, memory, and NVIDIA devices in `device_folder`
 * ("/dev"). */
void labels_detect(const char *device_folder, WorkerLabels *labels_out);
