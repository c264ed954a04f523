/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of run creation and metadata changes; see run_request.h. */
#include "runs/run_request.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "db/array.h"
#include "http/fields.h"
#include "runs/metadata.h"
#include "json/reader.h"
#include "json/slice.h"

/* A column is a part of the body, with at most every byte escaped. */
enum { COLUMN_BYTES_MAX = REQUEST_BODY_BYTES_MAX * 2 + 1024 };

/* One JSON value in both forms: the parsed one to check, the text to keep. */
typedef struct Value {
    const json_t *json;
    Text text;
} Value;

/* A member as it was sent; one whose key was written with escapes is serialised anew. */
static Text member_text(const json_t *object, Text text, const char *key, Arena *arena)
{
    Text slice = slice_member(text, key);
    if (slice.bytes != NULL) {
        return slice;
    }
    AUTO_FREE char *json = document_to_string(json_object_get(object, key));
    return text_of(arena_string(arena, text_of(json)));
}

/* What keeps an object from being stored, in words; NULL: nothing. */
static const char *find_excess(Text object, long bytes_max, Arena *arena)
{
    if (object.length > (size_t)bytes_max) {
        return arena_format(arena, "Must not exceed %ld bytes of JSON", bytes_max);
    }
    if (slice_value_count(object) > CUSTOM_METADATA_VALUES_MAX) {
        return arena_format(arena, "Must not hold more than %d values", CUSTOM_METADATA_VALUES_MAX);
    }
    if (!slice_numbers_fit(object)) {
        return arena_format(arena, "Numbers must not have more than %d decimals",
                            NUMBER_DECIMALS_MAX);
    }
    return NULL;
}

/* The text of an optional object of at most `bytes_max`; NULL when there is none. */
static const char *keep_object(const Fields *fields, Text text, const char *key, long bytes_max)
{
    if (fields_object(fields, key, FIELD_OPTIONAL) == NULL) {
        return NULL;
    }
    Text slice = member_text(fields->object, text, key, fields->problems->arena);
    const char *excess = find_excess(slice, bytes_max, fields->problems->arena);
    if (excess != NULL) {
        fields_problem(fields, key, "value_error", excess);
        return NULL;
    }
    return arena_string(fields->problems->arena, slice);
}

static bool is_http_url(const char *url)
{
    const char *rest = NULL;
    if (strncasecmp(url, "http://", 7) == 0) {
        rest = url + 7;
    } else if (strncasecmp(url, "https://", 8) == 0) {
        rest = url + 8;
    }
    if (rest == NULL || *rest == '\0' || strchr("/?#:", *rest) != NULL) {
        return false;
    }
    for (; *rest != '\0'; rest++) {
        if ((unsigned char)*rest <= ' ' || *rest == 0x7F) {
            return false;
        }
    }
    return true;
}

/* Where the items of a request are written to and what they are checked against. */
typedef struct ItemReader {
    ArrayWriter columns[RUN_COLUMN_COUNT];
    Problems *problems;
    InputCheck *check; /* NULL: the rules are not known */
} ItemReader;

static void reader_init(ItemReader *reader, Problems *problems)
{
    *reader = (ItemReader){.problems = problems};
    for (int i = 0; i < RUN_COLUMN_COUNT; i++) {
        array_init(&reader->columns[i], COLUMN_BYTES_MAX);
    }
}

static void reader_clear(ItemReader *reader)
{
    for (int i = 0; i < RUN_COLUMN_COUNT; i++) {
        array_clear(&reader->columns[i]);
    }
}
#define AUTO_ITEM_READER CLEANUP(reader_clear) ItemReader

/* Metadata came under this name once. */
static const char *metadata_key(const json_t *artifact)
{
    return json_object_get(artifact, "metadata") == NULL &&
                   json_object_get(artifact, "custom_metadata") != NULL
               ? "custom_metadata"
               : "metadata";
}

/* As sent, unless a member must be renamed. */
static void add_metadata(ItemReader *reader, Value artifact, const SentArtifact *sent)
{
    ArrayWriter *column = &reader->columns[COLUMN_ARTIFACT_METADATA];
    AUTO_JSON *renamed = reader->check == NULL
                             ? NULL
                             : input_rules_rename(reader->check->rules, sent->name, sent->metadata);
    if (renamed == NULL) {
        array_add(column, member_text(artifact.json, artifact.text, sent->metadata_key,
                                      reader->problems->arena));
    } else {
        AUTO_FREE char *json = document_to_string(renamed);
        array_add_string(column, json);
    }
}

/* Where an artifact stands in the body. */
typedef struct ArtifactPlace {
    const char *location;
    size_t item;
    size_t place;
} ArtifactPlace;

static void read_artifact(ItemReader *reader, Value artifact, ArtifactPlace place)
{
    Problems *problems = reader->problems;
    Fields fields = {.object = artifact.json, .location = place.location, .problems = problems};
    if (!json_is_object(artifact.json)) {
        problems_add(problems, "model_attributes_type", place.location,
                     "Input should be a valid dictionary", NULL);
        return;
    }
    int before = problems->count;
    SentArtifact sent = {.location = place.location, .metadata_key = metadata_key(artifact.json)};
    sent.name = fields_string(&fields, "name", FIELD_REQUIRED, 0, 255);
    const char *url =
        fields_string(&fields, "download_url", FIELD_REQUIRED, 1, DOWNLOAD_URL_BYTES_MAX);
    if (url != NULL && !is_http_url(url)) {
        fields_problem(&fields, "download_url", "url_parsing",
                       "Input should be a valid http or https URL");
    }
    sent.metadata = fields_object(&fields, sent.metadata_key, FIELD_REQUIRED);
    if (problems->count > before) {
        return;
    }
    if (reader->check != NULL) {
        input_check_artifact(reader->check, &sent);
    }
    array_add_number(&reader->columns[COLUMN_ARTIFACT_ITEM], (int64_t)place.item + 1);
    array_add_number(&reader->columns[COLUMN_ARTIFACT_PLACE], (int64_t)place.place);
    array_add_string(&reader->columns[COLUMN_ARTIFACT_NAME], sent.name);
    array_add_string(&reader->columns[COLUMN_ARTIFACT_URL], url);
    add_metadata(reader, artifact, &sent);
}

static void read_artifacts(ItemReader *reader, const Fields *item, Text item_text, size_t index)
{
    /* None at all has a good shape: which ones are missing is for the version's rules to say. */
    const json_t *artifacts = fields_array(item, "input_artifacts", 0, ARTIFACTS_PER_ITEM_MAX);
    const char *location = fields_location(item, "input_artifacts");
    Arena *arena = item->problems->arena;
    if (reader->check != NULL) {
        input_check_begin_item(reader->check);
    }
    Text rest = member_text(item->object, item_text, "input_artifacts", arena);
    Text text;
    for (size_t i = 0; i < json_array_size(artifacts) && slice_next_element(&rest, &text); i++) {
        const ArtifactPlace place = {arena_format(arena, "%s,%zu", location, i), index, i};
        read_artifact(reader, (Value){json_array_get(artifacts, i), text}, place);
    }
    if (reader->check != NULL) {
        input_check_end_item(reader->check, location);
    }
}

/* Adds the item to the columns and returns its external_id (the item's), or NULL. */
static const char *read_item(ItemReader *reader, Value item, size_t index)
{
    Problems *problems = reader->problems;
    const char *location = arena_format(problems->arena, "\"body\",\"items\",%zu", index);
    if (!json_is_object(item.json)) {
        problems_add(problems, "model_attributes_type", location,
                     "Input should be a valid dictionary", NULL);
        return NULL;
    }
    Fields fields = {.object = item.json, .location = location, .problems = problems};
    const char *external_id =
        fields_string(&fields, "external_id", FIELD_REQUIRED, 1, EXTERNAL_ID_CHARACTERS_MAX);
    const char *metadata =
        keep_object(&fields, item.text, "custom_metadata", CUSTOM_METADATA_BYTES_MAX);
    array_add_string(&reader->columns[COLUMN_EXTERNAL_ID], external_id);
    array_add_string(&reader->columns[COLUMN_ITEM_METADATA], metadata);
    array_add_string(&reader->columns[COLUMN_ITEM_CHECKSUM],
                     metadata == NULL ? NULL
                                      : metadata_checksum(text_of(metadata), problems->arena));
    read_artifacts(reader, &fields, item.text, index);
    return external_id;
}

typedef struct NumberedId {
    const char *id;
    size_t index;
} NumberedId;

static int compare_ids(const void *a, const void *b)
{
    const NumberedId *left = a;
    const NumberedId *right = b;
    int order = strcmp(left->id, right->id);
    return order != 0 ? order : (left->index > right->index) - (left->index < right->index);
}

static void find_doubled(NumberedId *ids, size_t count, Problems *problems)
{
    qsort(ids, count, sizeof *ids, compare_ids);
    for (size_t i = 1; i < count; i++) {
        if (strcmp(ids[i].id, ids[i - 1].id) == 0) {
            problems_add(problems, "value_error",
                         arena_format(problems->arena, "\"body\",\"items\",%zu,\"external_id\"",
                                      ids[i].index),
                         "The external_id is not unique in the run", NULL);
        }
    }
}

/* How many of them were kept, with their texts in the arena. */
static int kept_count(const Problems *problems)
{
    return problems->count < PROBLEMS_MAX ? problems->count : PROBLEMS_MAX;
}

/* As read_item, and gives back what the item took of the arena, unless a problem holds a part of
 * it. The external_id is the arena's. */
static const char *
read_item_and_forget(ItemReader *reader, const Problems *broken, Value item, size_t index)
{
    Arena *arena = reader->problems->arena;
    ArenaMark mark = arena_mark(arena);
    int kept = kept_count(reader->problems) + kept_count(broken);
    const char *id = read_item(reader, item, index);
    if (kept_count(reader->problems) + kept_count(broken) == kept) {
        arena_rewind(arena, mark);
    }
    return id == NULL ? NULL : arena_string(arena, text_of(id));
}

/* False: the body is no JSON, and *error says why. */
static bool read_items(const Fields *body, ItemReader *reader, RunRequest *request, Error *error)
{
    const json_t *items = fields_array(body, "items", 1, RUN_ITEMS_MAX);
    size_t count = json_array_size(items);
    AUTO_FREE NumberedId *ids = alloc_zeroed(count, sizeof *ids);
    size_t id_count = 0;
    for (size_t i = 0;; i++) {
        AUTO_JSON *item = NULL;
        Text text;
        LongListStep step = long_list_next(&request->body, &item, &text, error);
        if (step == LONG_LIST_BROKEN) {
            return false;
        }
        if (step == LONG_LIST_END) {
            break;
        }
        /* Of too many items none is read. */
        const char *id =
            i < count ? read_item_and_forget(reader, &request->broken, (Value){item, text}, i)
                      : NULL;
        if (id != NULL) {
            ids[id_count++] = (NumberedId){id, i};
        }
    }
    find_doubled(ids, id_count, &request->broken);
    request->item_count = (int)count;
    request->artifact_count = reader->columns[COLUMN_ARTIFACT_NAME].count;
    return true;
}

void run_request_read_items(RunRequest *request, const InputRules *rules, Problems *problems)
{
    Fields fields = {.object = request->body.root, .location = "\"body\"", .problems = problems};
    AUTO_ITEM_READER reader;
    reader_init(&reader, problems);
    AUTO_FREE InputCheck *check = NULL;
    if (rules != NULL) {
        check = ALLOC_NEW(InputCheck);
        input_check_init(check, rules, &request->broken);
        reader.check = check;
    }
    Error error = {0};
    if (!read_items(&fields, &reader, request, &error)) {
        problems_init(problems, problems->arena);
        fields_not_json(&error, problems);
    }
    bool to_be_made = rules != NULL && problems->count == 0 && request->broken.count == 0;
    for (int i = 0; i < RUN_COLUMN_COUNT; i++) {
        request->columns[i] = to_be_made ? array_take(&reader.columns[i], problems->arena) : "{}";
    }
    if (!to_be_made) {
        request->item_count = 0;
        request->artifact_count = 0;
    }
}

static const char *keep_string(const char *string, Arena *arena)
{
    return string == NULL ? NULL : arena_string(arena, text_of(string));
}

static void read_schedule(const Fields *body, int64_t now_us, RunRequest *request)
{
    Fields dates = {.object = fields_object(body, "scheduling", FIELD_OPTIONAL),
                    .location = "\"body\",\"scheduling\"",
                    .problems = body->problems};
    request->due_date = fields_future(&dates, "due_date", now_us);
    request->deadline = fields_future(&dates, "deadline", now_us);
}

bool run_request_open(
    Text body, int64_t now_us, Arena *arena, RunRequest *request_out, Problems *problems)
{
    LongList list;
    Error error = {0};
    if (!long_list_open(body, "items", &list, &error)) {
        fields_not_json(&error, problems);
        return false;
    }
    if (!fields_check_body(list.root, problems)) {
        long_list_close(&list);
        return false;
    }
    *request_out = (RunRequest){.body = list};
    problems_init(&request_out->broken, arena);
    Fields fields = {.object = list.root, .location = "\"body\"", .problems = problems};
    Text outline = list.outline;
    request_out->application_id =
        keep_string(fields_string(&fields, "application_id", FIELD_REQUIRED, 1, 255), arena);
    request_out->version_number =
        keep_string(fields_string(&fields, "version_number", FIELD_OPTIONAL, 1, 255), arena);
    request_out->custom_metadata =
        keep_object(&fields, outline, "custom_metadata", CUSTOM_METADATA_BYTES_MAX);
    if (request_out->custom_metadata != NULL) {
        request_out->custom_metadata_checksum =
            metadata_checksum(text_of(request_out->custom_metadata), arena);
    }
    request_out->callback_context =
        keep_object(&fields, outline, "callback_context", CALLBACK_CONTEXT_BYTES_MAX);
    read_schedule(&fields, now_us, request_out);
    return true;
}

void run_request_close(RunRequest *request)
{
    long_list_close(&request->body);
}

void metadata_request_read(Text body,
                           Arena *arena,
                           MetadataRequest *request_out,
                           Problems *problems)
{
    *request_out = (MetadataRequest){.custom_metadata = NULL};
    AUTO_JSON *root = NULL;
    if (!fields_parse_body(body, &root, problems)) {
        return;
    }
    Fields fields = {.object = root, .location = "\"body\"", .problems = problems};
    request_out->custom_metadata =
        keep_object(&fields, body, "custom_metadata", CUSTOM_METADATA_BYTES_MAX);
    if (request_out->custom_metadata != NULL) {
        request_out->checksum = metadata_checksum(text_of(request_out->custom_metadata), arena);
    }
    request_out->expected_checksum = keep_string(
        fields_string(&fields, "custom_metadata_checksum", FIELD_OPTIONAL, 0, 64), arena);
}
