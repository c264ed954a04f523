/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The body of run creation and of metadata changes: JSON in, parameters of a statement out. What
 * breaks the shape becomes a problem (422) with its exact place.
 */
#pragma once
#include <stdbool.h>

#include "base/arena.h"
#include "base/text.h"
#include "http/response.h"

/* Strings live in the arena; NULL where the client sent nothing or null. */
typedef struct RunRequest {
    const char *application_id;
    const char *version_number;
    const char *custom_metadata;
    const char *custom_metadata_checksum;
    const char *callback_context;
    const char *due_date;
    const char *deadline;
    const char *items; /* the JSON that create_run takes */
    int item_count;
    Problems doubled; /* doubled external_ids: they break the application's rules (400) */
} RunRequest;

/* `now_us` decides whether due date and deadline lie in the future. */
void run_request_read(
    Text body, int64_t now_us, Arena *arena, RunRequest *request_out, Problems *problems);

typedef struct MetadataRequest {
    const char *custom_metadata;
    const char *checksum;          /* of the new metadata */
    const char *expected_checksum; /* what the client knows; NULL: overwrite */
} MetadataRequest;

void metadata_request_read(Text body,
                           Arena *arena,
                           MetadataRequest *request_out,
                           Problems *problems);
