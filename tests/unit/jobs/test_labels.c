/* SPDX-License-Identifier: Apache-2.0 */
/* Which devices count as GPUs. */
#include "unit_test.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/file.h"
#include "jobs/labels.h"

static void only_numbered_devices_are_gpus(void **state)
{
    (void)state;
    static const char *const NAMES[] = {"nvidia0", "nvidia12",  "nvidiactl", "nvidia-uvm",
                                        "nvidia",  "nvidia1-x", "null"};
    char folder[] = "/tmp/slideway-labels-XXXXXX";
    assert_non_null(mkdtemp(folder));
    Error error = {0};
    for (size_t i = 0; i < ARRAY_COUNT(NAMES); i++) {
        AUTO_FREE char *path = alloc_format("%s/%s", folder, NAMES[i]);
        assert_true(file_write(path, TEXT(""), 0600, &error));
    }
    WorkerLabels labels;
    labels_detect(folder, &labels);
    assert_int_equal(labels.gpus, 2);
    assert_true(labels.cpus >= 1);
    assert_true(labels.memory_bytes > 64L << 20);
    assert_true(folder_remove(folder, &error));
    labels_detect(folder, &labels);
    assert_int_equal(labels.gpus, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_numbered_devices_are_gpus),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
