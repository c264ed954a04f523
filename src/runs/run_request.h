/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The body of run creation and of metadata changes: JSON in, parameters of a statement out. What
 * breaks the shape becomes a problem (422) with its exact place; what breaks the rules of the
 * application version becomes one of another list (400).
 */
#pragma once
#include <stdbool.h>

#include "applications/input_rules.h"
#include "base/arena.h"
#include "base/text.h"
#include "http/response.h"
#include "json/long_list.h"

/* The columns of a run's items and of their input artifacts, as insert_run takes them. */
typedef enum RunColumn {
    COLUMN_EXTERNAL_ID,
    COLUMN_ITEM_METADATA,
    COLUMN_ITEM_CHECKSUM,
    COLUMN_ARTIFACT_ITEM,  /* the place of its item, from 1 */
    COLUMN_ARTIFACT_PLACE, /* its own place within the item, from 0 */
    COLUMN_ARTIFACT_NAME,
    COLUMN_ARTIFACT_URL,
    COLUMN_ARTIFACT_METADATA,
    RUN_COLUMN_COUNT
} RunColumn;

/* Strings live in the arena; NULL where the client sent nothing or null. */
typedef struct RunRequest {
    const char *application_id;
    const char *version_number;
    const char *custom_metadata;
    const char *custom_metadata_checksum;
    const char *callback_context;
    const char *due_date;
    const char *deadline;
    const char *columns[RUN_COLUMN_COUNT]; /* arrays; empty when no run is to be made */
    int item_count;
    int artifact_count;
    Problems broken; /* rules of the application version */
    LongList body;   /* until run_request_close */
} RunRequest;

/* Reads all but the items. `now_us` decides whether due date and deadline lie in the future. False:
 * the body is no object, which is the only problem then. */
bool run_request_open(
    Text body, int64_t now_us, Arena *arena, RunRequest *request_out, Problems *problems);
/* Reads the items, one at a time. Without rules (NULL) only their shape is looked at. If an item
 * shows that the body is no JSON, that is the only problem then. */
void run_request_read_items(RunRequest *request, const InputRules *rules, Problems *problems);
void run_request_close(RunRequest *request);

typedef struct MetadataRequest {
    const char *custom_metadata;
    const char *checksum;          /* of the new metadata */
    const char *expected_checksum; /* what the client knows; NULL: overwrite */
} MetadataRequest;

void metadata_request_read(Text body,
                           Arena *arena,
                           MetadataRequest *request_out,
                           Problems *problems);
