/* SPDX-License-Identifier: Apache-2.0 */
/* Copies every object of a folder (a store of the kind `local`) into another store. */
#pragma once
#include <stdint.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/error.h"
#include "objectstore/objectstore.h"

typedef struct StoreCopyCounts {
    int64_t objects; /* all that were looked at, and are in the other store now */
    int64_t bytes;
    int64_t copied_objects; /* those that were not there yet */
    int64_t copied_bytes;
} StoreCopyCounts;

typedef struct StoreCopy {
    const char *folder;
    ObjectStore *target;
    const Clock *clock;
    /* Called every few seconds; may be NULL. */
    void (*show)(const StoreCopyCounts *counts);
} StoreCopy;

/* What the target has already, by size and checksum, is not sent again; what is sent is compared
 * afterwards. After a failure the same call goes on. ERROR_CONFLICT: another copy runs. */
MUST_CHECK bool store_copy(const StoreCopy *copy, StoreCopyCounts *counts_out, Error *error);
