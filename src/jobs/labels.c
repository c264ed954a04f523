/* SPDX-License-Identifier: Apache-2.0 */
/* What a machine has; see labels.h. */
#include "jobs/labels.h"

#include <dirent.h>
#include <string.h>
#include <unistd.h>

static const int64_t GIBIBYTE = 1LL << 30;

/* "nvidia0", "nvidia12"; the driver's other nodes have letters behind the name. */
static int is_gpu(const struct dirent *entry)
{
    static const char PREFIX[] = "nvidia";
    const char *number = entry->d_name + sizeof PREFIX - 1;
    return strncmp(entry->d_name, PREFIX, sizeof PREFIX - 1) == 0 && number[0] != '\0' &&
           strspn(number, "0123456789") == strlen(number);
}

static int64_t count_gpus(const char *device_folder)
{
    int64_t count = 0;
    DIR *folder = opendir(device_folder);
    if (folder == NULL) {
        return 0;
    }
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        count += is_gpu(entry) ? 1 : 0;
    }
    closedir(folder);
    return count;
}

/* The firmware and the kernel keep some for themselves: a machine of 4 GiB shows 3.8. */
static int64_t whole_gibibytes(int64_t bytes)
{
    return (bytes + GIBIBYTE - 1) / GIBIBYTE * GIBIBYTE;
}

void labels_detect(const char *device_folder, WorkerLabels *labels_out)
{
    int64_t cores = sysconf(_SC_NPROCESSORS_ONLN);
    int64_t pages = sysconf(_SC_PHYS_PAGES);
    *labels_out = (WorkerLabels){.cpus = cores > 0 ? cores : 1,
                                 .memory_bytes = whole_gibibytes(pages * sysconf(_SC_PAGESIZE)),
                                 .gpus = count_gpus(device_folder)};
}
