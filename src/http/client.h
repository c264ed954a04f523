/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Downloads of slides: streamed to a file with the CRC32C computed on the way, resumed by Range
 * after a broken transfer, bounded in size and time, http and https only, towards allowed
 * addresses only. Messages name the host, never the query of a URL: it holds signatures.
 */
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/error.h"
#include "http/egress.h"

typedef struct DownloadOptions {
    const char *url;
    const char *path; /* of the file to write */
    int64_t bytes_max;
    int64_t seconds_max;
    const EgressPolicy *egress;
    const atomic_bool *abort; /* set by another thread; may be NULL */
    const Clock *clock;
} DownloadOptions;

typedef struct DownloadFacts {
    int64_t size_bytes;
    uint32_t crc32c;
} DownloadFacts;

typedef enum DownloadResult {
    DOWNLOAD_DONE,
    DOWNLOAD_USER_FAULT,     /* the URL or what it answers is wrong: trying again will not help */
    DOWNLOAD_PLATFORM_FAULT, /* the network or the host failed: trying again may help */
    DOWNLOAD_ABORTED
} DownloadResult;

/* Once, before any thread starts. */
void download_global_init(void);
/* `error` is set for every result but DOWNLOAD_DONE. */
MUST_CHECK DownloadResult download_file(const DownloadOptions *options,
                                        DownloadFacts *facts_out,
                                        Error *error);
