/* SPDX-License-Identifier: Apache-2.0 */
/* The two walks; see sweep.h. */
#include "jobs/sweep.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "base/parse.h"
#include "base/uuid.h"
#include "db/array.h"
#include "jobs/removal.h"
#include "jobs_sql.h"

/* Of one piece: items, and objects (of an item at once). */
enum {
    ITEMS_A_PIECE_MAX = 100,
    OBJECTS_A_PIECE_MAX = 500,
    EMPTY_LISTS_MAX = 100,
    ARRAY_BYTES_MAX = 16 * 1024 * 1024
};

#define ARTIFACTS_FOLDER "artifacts"
#define FIRST_UUID "00000000-0000-0000-0000-000000000000"

/* A folder that is gone through by name, however many names it has. */
typedef struct Level {
    char *folder; /* NULL: none is open */
    ObjectNames names;
    size_t next;
    bool begun;
} Level;

struct Sweep {
    LeaderOptions options;
    Level runs;
    Level items;
    int64_t removed_count; /* of this walk */
    int64_t objects_due_us;
    char artifact_after[UUID_TEXT_BYTES];
    int64_t missing_count; /* of this walk */
    int64_t artifacts_due_us;
};

/* Keys that are asked about in one statement. */
typedef struct Batch {
    ArrayWriter keys;
    ArrayWriter run_ids;
    ArrayWriter item_ids;
    ArrayWriter attempt_ids;
} Batch;

static void batch_init(Batch *batch)
{
    array_init(&batch->keys, ARRAY_BYTES_MAX);
    array_init(&batch->run_ids, ARRAY_BYTES_MAX);
    array_init(&batch->item_ids, ARRAY_BYTES_MAX);
    array_init(&batch->attempt_ids, ARRAY_BYTES_MAX);
}

static void batch_clear(Batch *batch)
{
    array_clear(&batch->keys);
    array_clear(&batch->run_ids);
    array_clear(&batch->item_ids);
    array_clear(&batch->attempt_ids);
}
#define AUTO_BATCH CLEANUP(batch_clear) Batch

static void level_close(Level *level)
{
    object_names_clear(&level->names);
    alloc_free(level->folder);
    *level = (Level){.folder = NULL};
}

/* Takes the folder's name. */
static void level_open(Level *level, char *folder)
{
    level_close(level);
    level->folder = folder;
}

/* The next name, borrowed until the next call; NULL at the end. */
static bool level_next(Level *level, ObjectStore *store, const char **name_out, Error *error)
{
    /* A list may be empty, and another behind it. */
    for (int lists = 0; level->next == level->names.count && lists < EMPTY_LISTS_MAX &&
                        (!level->begun || level->names.cursor != NULL);
         lists++) {
        ObjectNames names;
        if (!objectstore_list(store, level->folder, level->names.cursor, &names, error)) {
            return false;
        }
        object_names_clear(&level->names);
        level->names = names;
        level->next = 0;
        level->begun = true;
    }
    *name_out = level->next == level->names.count ? NULL : level->names.names[level->next++];
    return true;
}

Sweep *sweep_create(const LeaderOptions *options)
{
    Sweep *sweep = ALLOC_NEW(Sweep);
    *sweep = (Sweep){.options = *options, .artifact_after = FIRST_UUID};
    return sweep;
}

void sweep_destroy(Sweep *sweep)
{
    if (sweep != NULL) {
        level_close(&sweep->runs);
        level_close(&sweep->items);
        alloc_free(sweep);
    }
}

static int64_t after_pause(const Sweep *sweep)
{
    return clock_monotonic_us(sweep->options.clock) +
           (int64_t)sweep->options.sweep_seconds * MICROSECONDS_PER_SECOND;
}

static bool is_uuid(const char *name)
{
    Uuid ignored;
    return uuid_parse(text_of(name), &ignored);
}

/* Adds the objects of one attempt; its place is "artifacts/<run>/<item>/<attempt>". */
static bool add_attempt(
    const Sweep *sweep, const char *item_id, const char *attempt_id, Batch *batch, Error *error)
{
    AUTO_FREE char *folder = alloc_format("%s/%s", sweep->items.folder, item_id);
    AUTO_FREE char *place = alloc_format("%s/%s", folder, attempt_id);
    AUTO_OBJECT_NAMES names = {.names = NULL};
    if (!objectstore_list(sweep->options.store, place, NULL, &names, error)) {
        return false;
    }
    const char *run_id = sweep->items.folder + strlen(ARTIFACTS_FOLDER "/");
    for (size_t i = 0; i < names.count; i++) {
        AUTO_FREE char *key = alloc_format("%s/%s", place, names.names[i]);
        array_add_string(&batch->keys, key);
        array_add_string(&batch->run_ids, run_id);
        array_add_string(&batch->item_ids, item_id);
        array_add_string(&batch->attempt_ids, attempt_id);
    }
    return true;
}

static bool add_item(const Sweep *sweep, const char *item_id, Batch *batch, Error *error)
{
    AUTO_FREE char *folder = alloc_format("%s/%s", sweep->items.folder, item_id);
    AUTO_OBJECT_NAMES attempts = {.names = NULL};
    if (!objectstore_list(sweep->options.store, folder, NULL, &attempts, error)) {
        return false;
    }
    for (size_t i = 0; i < attempts.count; i++) {
        if (is_uuid(attempts.names[i]) &&
            !add_attempt(sweep, item_id, attempts.names[i], batch, error)) {
            return false;
        }
    }
    return true;
}

/* The next item of the walk in `items`; NULL: the walk is at its end. Names that are no ids are not
 * ours. */
static bool next_item(Sweep *sweep, const char **item_id_out, Error *error)
{
    ObjectStore *store = sweep->options.store;
    for (;;) {
        const char *name = NULL;
        if (sweep->items.folder != NULL && !level_next(&sweep->items, store, &name, error)) {
            level_close(&sweep->items); /* the next walk sees the rest of this run */
            return false;
        }
        if (name != NULL && is_uuid(name)) {
            *item_id_out = name;
            return true;
        }
        if (name != NULL) {
            continue;
        }
        if (!level_next(&sweep->runs, store, &name, error)) {
            return false;
        }
        if (name == NULL) {
            *item_id_out = NULL;
            return true;
        }
        if (is_uuid(name)) {
            level_open(&sweep->items, alloc_format(ARTIFACTS_FOLDER "/%s", name));
        }
    }
}

static bool remove_strays(Sweep *sweep, Lead *lead, Batch *batch, Error *error)
{
    if (batch->keys.count == 0) {
        return true;
    }
    const char *const values[] = {array_finish(&batch->keys), array_finish(&batch->run_ids),
                                  array_finish(&batch->item_ids),
                                  array_finish(&batch->attempt_ids)};
    AUTO_RESULT *strays = NULL;
    if (values[0] == NULL) {
        return error_set(error, ERROR_LIMIT, "an item has too many objects to be swept");
    }
    if (!lead_query(lead, SQL_FIND_STRAY_OBJECTS, values, ARRAY_COUNT(values), &strays, error)) {
        return false;
    }
    AUTO_ARRAY refused;
    array_init(&refused, ARRAY_BYTES_MAX);
    for (int row = 0; row < PQntuples(strays) && refused.count < REMOVAL_FAILURES_MAX; row++) {
        const char *key = PQgetvalue(strays, row, 0);
        if (!lead_keep(lead, error)) {
            return false;
        }
        if (removal_try(sweep->options.store, key, &refused)) {
            log_event(LOG_WARNING, EVENT_OBJECT_STRAY_REMOVED, LOG_STRING("object_key", key));
            sweep->removed_count++;
        }
    }
    return removal_refuse(lead, &refused, error);
}

static void end_object_walk(Sweep *sweep)
{
    level_close(&sweep->runs);
    level_close(&sweep->items);
    log_event(LOG_INFO, EVENT_SWEEP_OBJECTS_DONE,
              LOG_NUMBER("removed", (double)sweep->removed_count));
    sweep->removed_count = 0;
    sweep->objects_due_us = after_pause(sweep);
}

bool sweep_walk_objects(Sweep *sweep, Lead *lead, Error *error)
{
    if (clock_monotonic_us(lead->clock) < sweep->objects_due_us) {
        return true;
    }
    if (sweep->runs.folder == NULL) {
        level_open(&sweep->runs, alloc_string(ARTIFACTS_FOLDER));
    }
    AUTO_BATCH batch;
    batch_init(&batch);
    const char *item_id = NULL;
    bool listed = true;
    for (int items = 0;
         listed && items < ITEMS_A_PIECE_MAX && batch.keys.count < OBJECTS_A_PIECE_MAX; items++) {
        listed = next_item(sweep, &item_id, error);
        if (item_id == NULL) {
            break;
        }
        listed = listed && add_item(sweep, item_id, &batch, error);
    }
    /* What cannot be listed does not hide what was listed before it. */
    if (!remove_strays(sweep, lead, &batch, error) || !listed) {
        return false;
    }
    if (item_id == NULL) {
        end_object_walk(sweep);
    }
    return true;
}

/* Whether the store has the object as it was stored. A store that does not answer is an error. */
static bool object_is_there(
    const Sweep *sweep, const char *key, const char *size, bool *there_out, Error *error)
{
    int64_t size_bytes = 0;
    int64_t wanted_bytes = 0;
    bool found = objectstore_size(sweep->options.store, key, &size_bytes, error);
    if (!found && error->code != ERROR_NOT_FOUND) {
        return false;
    }
    *there_out = found && parse_int64(text_of(size), 0, INT64_MAX, &wanted_bytes) &&
                 wanted_bytes == size_bytes;
    *error = (Error){0};
    return true;
}

static bool
mark_artifacts(Sweep *sweep, Lead *lead, ArrayWriter *ids, ArrayWriter *found, Error *error)
{
    const char *const values[] = {array_finish(ids), array_finish(found)};
    AUTO_RESULT *missing = NULL;
    if (!lead_query(lead, SQL_MARK_OBJECTS, values, ARRAY_COUNT(values), &missing, error)) {
        return false;
    }
    for (int row = 0; row < PQntuples(missing); row++) {
        log_event(LOG_ERROR, EVENT_ARTIFACT_OBJECT_MISSING,
                  LOG_STRING("output_artifact_id", PQgetvalue(missing, row, 0)),
                  LOG_STRING("object_key", PQgetvalue(missing, row, 1)));
    }
    sweep->missing_count += PQntuples(missing);
    return true;
}

static void end_artifact_walk(Sweep *sweep)
{
    log_event(LOG_INFO, EVENT_SWEEP_ARTIFACTS_DONE,
              LOG_NUMBER("missing", (double)sweep->missing_count));
    sweep->missing_count = 0;
    snprintf(sweep->artifact_after, sizeof sweep->artifact_after, "%s", FIRST_UUID);
    sweep->artifacts_due_us = after_pause(sweep);
}

bool sweep_walk_artifacts(Sweep *sweep, Lead *lead, Error *error)
{
    enum { ARTIFACT_ID, OBJECT_KEY, SIZE_BYTES, AVAILABLE };
    if (clock_monotonic_us(lead->clock) < sweep->artifacts_due_us) {
        return true;
    }
    const char *const values[] = {sweep->artifact_after};
    AUTO_RESULT *rows = NULL;
    AUTO_ARRAY ids;
    AUTO_ARRAY found;
    array_init(&ids, ARRAY_BYTES_MAX);
    array_init(&found, ARRAY_BYTES_MAX);
    if (!lead_query(lead, SQL_LIST_AVAILABLE_ARTIFACTS, values, 1, &rows, error)) {
        return false;
    }
    int count = PQntuples(rows);
    int failures = 0;
    int row = 0;
    for (; row < count && failures < REMOVAL_FAILURES_MAX; row++) {
        bool there = false;
        Error reason = {0};
        if (*PQgetvalue(rows, row, AVAILABLE) != 't') {
            continue;
        }
        if (!object_is_there(sweep, PQgetvalue(rows, row, OBJECT_KEY),
                             PQgetvalue(rows, row, SIZE_BYTES), &there, &reason)) {
            removal_log(EVENT_OBJECT_NOT_CHECKED, PQgetvalue(rows, row, OBJECT_KEY), &reason);
            failures++;
            continue;
        }
        array_add_string(&ids, PQgetvalue(rows, row, ARTIFACT_ID));
        array_add_string(&found, there ? "t" : "f");
    }
    if (ids.count > 0 && !mark_artifacts(sweep, lead, &ids, &found, error)) {
        return false;
    }
    if (count == 0) {
        end_artifact_walk(sweep);
    } else {
        snprintf(sweep->artifact_after, sizeof sweep->artifact_after, "%s",
                 PQgetvalue(rows, row - 1, ARTIFACT_ID));
    }
    return true;
}
