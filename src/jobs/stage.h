/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Staging: brings the inputs of a job into SCRATCH/input, checks their checksums, and writes
 * SCRATCH/input.json for the application (docs/applications.md).
 */
#pragma once
#include <stdatomic.h>

#include "base/clock.h"
#include "buckets/bucket_url.h"
#include "http/egress.h"
#include "jobs/job.h"
#include "objectstore/objectstore.h"
#include "objectstore/sign.h"

typedef struct StageContext {
    const Clock *clock;
    ObjectStore *store;
    const UrlSigner *signer;     /* knows the store's own URLs, which are not fetched by network */
    const BucketReader *buckets; /* knows the URLs of organisations' buckets */
    const EgressPolicy *egress;
    int64_t input_bytes_max;
    int64_t download_seconds_max;
} StageContext;

/* False: report says whose fault it was; JOB_NONE when `abort` was set. */
bool stage_inputs(const StageContext *context,
                  const Job *job,
                  const char *scratch,
                  const atomic_bool *abort,
                  JobReport *report);
