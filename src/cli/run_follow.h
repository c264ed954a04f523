/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Following a run to its end: `run watch` and `run submit --wait`. Only reads, so that leaving
 * leaves the run alone.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/error.h"
#include "base/uuid.h"
#include "cli/api_client.h"

typedef struct FollowRequest {
    const Uuid *run_id;
    int64_t timeout_seconds; /* 0: as long as it takes */
} FollowRequest;

/* Shows the progress and the end; sets the exit code: EXIT_OK only when every item succeeded,
 * EXIT_INTERRUPTED after Ctrl-C. */
MUST_CHECK bool run_follow(Cli *cli, ApiClient *client, const FollowRequest *request, Error *error);
