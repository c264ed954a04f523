/* SPDX-License-Identifier: Apache-2.0 */
/* Schemas, their base URIs and names; see schema_places.h. */
#include "json/schema_places.h"

#include <stdint.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/parse.h"
#include "base/percent.h"
#include "json/reader.h"
#include "json/uri.h"

enum { FIRST_SLOTS = 64, POINTER_BYTES_MAX = 200 };

/* How the value of a keyword holds schemas. */
typedef enum Holding {
    HOLDS_NONE,
    HOLDS_SCHEMA, /* it is one, or an array of them */
    HOLDS_MAP     /* its members are */
} Holding;

static const struct {
    const char *keyword;
    Holding holding;
} HOLDINGS[] = {
    {"additionalItems", HOLDS_SCHEMA},
    {"additionalProperties", HOLDS_SCHEMA},
    {"allOf", HOLDS_SCHEMA},
    {"anyOf", HOLDS_SCHEMA},
    {"contains", HOLDS_SCHEMA},
    {"definitions", HOLDS_MAP},
    {"dependencies", HOLDS_MAP},
    {"else", HOLDS_SCHEMA},
    {"if", HOLDS_SCHEMA},
    {"items", HOLDS_SCHEMA},
    {"not", HOLDS_SCHEMA},
    {"oneOf", HOLDS_SCHEMA},
    {"patternProperties", HOLDS_MAP},
    {"properties", HOLDS_MAP},
    {"propertyNames", HOLDS_SCHEMA},
    {"then", HOLDS_SCHEMA},
};

static bool scan(Places *places, const json_t *json, const char *base, int depth, Error *error);

void places_init(Places *places, Arena *arena)
{
    *places = (Places){.arena = arena, .documents = json_array(), .names = json_object()};
    places->slot_count = FIRST_SLOTS;
    places->slots = alloc_zeroed(FIRST_SLOTS, sizeof(Place));
}

void places_clear(Places *places)
{
    json_decref(places->documents);
    json_decref(places->names);
    alloc_free(places->slots);
}

/* The table. */

static Place *slot_of(const Places *places, const json_t *json)
{
    size_t mask = places->slot_count - 1;
    uint64_t hash = ((uint64_t)(uintptr_t)json >> 4) * 0x9E3779B97F4A7C15U;
    size_t index = (size_t)(hash >> 32) & mask;
    while (places->slots[index].json != NULL && places->slots[index].json != json) {
        index = (index + 1) & mask;
    }
    return &places->slots[index];
}

Place *places_find(const Places *places, const json_t *json)
{
    Place *place = slot_of(places, json);
    return place->json == NULL ? NULL : place;
}

static void grow(Places *places)
{
    Places bigger = *places;
    bigger.slot_count = places->slot_count * 2;
    bigger.slots = alloc_zeroed(bigger.slot_count, sizeof(Place));
    for (size_t i = 0; i < places->slot_count; i++) {
        if (places->slots[i].json != NULL) {
            *slot_of(&bigger, places->slots[i].json) = places->slots[i];
        }
    }
    alloc_free(places->slots);
    *places = bigger;
}

static bool insert(Places *places, const json_t *json, const char *base, Error *error)
{
    if (places->used >= SCHEMA_NODES_MAX) {
        return error_set(error, ERROR_INVALID, "the schema has more than %d parts",
                         SCHEMA_NODES_MAX);
    }
    if (places->used * 2 >= places->slot_count) {
        grow(places);
    }
    *slot_of(places, json) = (Place){.json = json, .base = base};
    places->used++;
    return true;
}

/* Names. */

static bool name_schema(Places *places, const char *uri, const json_t *json, Error *error)
{
    const json_t *known = json_object_get(places->names, uri);
    if (known != NULL && known != json) {
        return error_set(error, ERROR_INVALID, "two schemas have the $id '%s'", uri);
    }
    json_object_set(places->names, uri, (json_t *)json);
    return true;
}

static bool
resolve_uri(const Places *places, const char *base, const char *uri, char **out, Error *error)
{
    if (strlen(uri) > URI_BYTES_MAX || strlen(base) > URI_BYTES_MAX) {
        return error_set(error, ERROR_INVALID, "a URI is longer than %d bytes", URI_BYTES_MAX);
    }
    *out = uri_resolve(text_of(base), text_of(uri), places->arena);
    return true;
}

/* The base inside of the object: its $id changes it, unless a $ref makes that meaningless. */
static bool
base_inside(Places *places, const json_t *json, const char **base, const char **name, Error *error)
{
    const char *id = document_string(json, "$id");
    if (id == NULL || document_string(json, "$ref") != NULL) {
        return true;
    }
    char *uri = NULL;
    if (!resolve_uri(places, *base, id, &uri, error)) {
        return false;
    }
    *name = uri;
    if (id[0] == '#') {
        return true; /* a name for this place; the base stays */
    }
    Text fragment;
    *base = arena_string(places->arena, uri_split(text_of(uri), &fragment));
    if (fragment.length == 0) {
        *name = *base;
    }
    return true;
}

/* The walk. */

static Holding holding_of(const char *keyword)
{
    for (size_t i = 0; i < ARRAY_COUNT(HOLDINGS); i++) {
        if (strcmp(HOLDINGS[i].keyword, keyword) == 0) {
            return HOLDINGS[i].holding;
        }
    }
    return HOLDS_NONE;
}

static bool check_draft(const json_t *json, Error *error)
{
    const char *declared = document_string(json, "$schema");
    if (declared == NULL) {
        return true;
    }
    Text fragment;
    Text uri = uri_split(text_of(declared), &fragment);
    if ((text_is(uri, "http://json-schema.org/draft-07/schema") ||
         text_is(uri, "https://json-schema.org/draft-07/schema")) &&
        fragment.length == 0) {
        return true;
    }
    return error_set(error, ERROR_INVALID,
                     "$schema is '%.200s', but only draft-07 is read: "
                     "http://json-schema.org/draft-07/schema#",
                     declared);
}

static bool
scan_array(Places *places, const json_t *array, const char *base, int depth, Error *error)
{
    size_t index = 0;
    const json_t *element = NULL;
    json_array_foreach(array, index, element)
    {
        if (!scan(places, element, base, depth, error)) {
            return false;
        }
    }
    return true;
}

static bool scan_map(Places *places, const json_t *map, const char *base, int depth, Error *error)
{
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)map, key, value)
    {
        if (!scan(places, value, base, depth, error)) {
            return false;
        }
    }
    return true;
}

static bool
scan_members(Places *places, const json_t *json, const char *base, int depth, Error *error)
{
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)json, key, value)
    {
        Holding holding = holding_of(key);
        bool scanned = true;
        if (holding == HOLDS_MAP) {
            scanned = scan_map(places, value, base, depth, error);
        } else if (holding == HOLDS_SCHEMA) {
            scanned = json_is_array(value) ? scan_array(places, value, base, depth, error)
                                           : scan(places, value, base, depth, error);
        }
        if (!scanned) {
            return false;
        }
    }
    return true;
}

static bool scan(Places *places, const json_t *json, const char *base, int depth, Error *error)
{
    if (!json_is_object(json) || places_find(places, json) != NULL) {
        return true;
    }
    if (depth > SCHEMA_DEPTH_MAX) {
        return error_set(error, ERROR_INVALID, "the schema is nested deeper than %d levels",
                         SCHEMA_DEPTH_MAX);
    }
    const char *name = NULL;
    if (!check_draft(json, error) || !base_inside(places, json, &base, &name, error) ||
        !insert(places, json, base, error) ||
        (name != NULL && !name_schema(places, name, json, error))) {
        return places_error(places, json, error);
    }
    return scan_members(places, json, base, depth + 1, error);
}

static void append_segment(Buffer *pointer, const SchemaSegment *segment)
{
    if (segment->key == NULL) {
        buffer_format(pointer, "/%zu", segment->index);
    } else {
        buffer_format(pointer, "/%s", segment->key);
    }
}

/* The value of each keyword, by draft-07's own schema. */
static bool check_rules(const Places *places, const json_t *json, Error *error)
{
    if (places->rules == NULL) {
        return true;
    }
    AUTO_ARENA arena;
    arena_init(&arena);
    AUTO_FREE SchemaProblems *problems = ALLOC_NEW(SchemaProblems);
    schema_problems_init(problems, &arena, SCHEMA_STEPS_MAX);
    if (schema_check(places->rules, json, problems)) {
        return true;
    }
    const SchemaProblem *problem = &problems->items[0];
    AUTO_BUFFER pointer;
    buffer_init(&pointer, POINTER_BYTES_MAX);
    for (size_t i = 0; i < problem->path_length; i++) {
        append_segment(&pointer, &problem->path[i]);
    }
    return error_set(error, ERROR_INVALID, "%s: %.300s",
                     pointer.length == 0 ? "/" : buffer_to_string(&pointer), problem->message);
}

static bool add_part(Places *places, const json_t *json, const char *base, Error *error)
{
    if (!scan(places, json, base, 0, error)) {
        return false;
    }
    return check_rules(places, json, error) || places_error(places, json, error);
}

bool places_add(Places *places, const json_t *root, const char *uri, Error *error)
{
    json_array_append(places->documents, (json_t *)root);
    Text fragment;
    const char *base = arena_string(places->arena, uri_split(text_of(uri), &fragment));
    return name_schema(places, base, root, error) && add_part(places, root, base, error);
}

/* References. */

static bool find_document(Places *places, const char *uri, const json_t **root_out, Error *error)
{
    *root_out = json_object_get(places->names, uri);
    for (size_t i = 0; places->known != NULL && *root_out == NULL && i < places->known->count;
         i++) {
        const SchemaDocument *document = &places->known->items[i];
        Text fragment;
        if (text_is(uri_split(text_of(document->uri), &fragment), uri)) {
            *root_out = document->root;
            return places_add(places, document->root, uri, error);
        }
    }
    if (*root_out == NULL) {
        return error_set(error, ERROR_INVALID,
                         "'%.200s' is not in this document, and nothing is fetched", uri);
    }
    return true;
}

/* One segment of a JSON pointer without its escapes. */
static char *unescape(Text segment, Arena *arena)
{
    char *key = arena_string(arena, segment);
    char *out = key;
    for (const char *in = key; *in != '\0'; in++) {
        if (in[0] == '~' && (in[1] == '0' || in[1] == '1')) {
            *out++ = in[1] == '0' ? '~' : '/';
            in++;
        } else {
            *out++ = *in;
        }
    }
    *out = '\0';
    return key;
}

static const json_t *step_into(const json_t *json, Text segment, Arena *arena)
{
    int64_t index = 0;
    if (json_is_object(json)) {
        return json_object_get(json, unescape(segment, arena));
    }
    bool plain = segment.length == 1 || (segment.length > 1 && segment.bytes[0] != '0');
    return plain && parse_int64(segment, 0, INT32_MAX, &index) ? json_array_get(json, (size_t)index)
                                                               : NULL;
}

/* Follows the pointer from `*json`, whose own base is `base`. */
static bool
walk_pointer(Places *places, Text pointer, const char *base, const json_t **json, Error *error)
{
    bool is_top = true;
    Text rest = text_from(pointer, 1);
    while (rest.bytes != NULL && *json != NULL) {
        const char *name = NULL;
        if (!is_top && !base_inside(places, *json, &base, &name, error)) {
            return false;
        }
        *json = step_into(*json, text_split(&rest, '/'), places->arena);
        is_top = false;
    }
    if (!json_is_object(*json) && !json_is_boolean(*json)) {
        return error_set(error, ERROR_INVALID, "there is no schema at '%.*s'",
                         (int)(pointer.length < 200 ? pointer.length : 200), pointer.bytes);
    }
    return places_find(places, *json) != NULL || add_part(places, *json, base, error);
}

static const char *base_of(const Places *places, const json_t *json, const char *uri)
{
    const Place *place = places_find(places, json);
    return place == NULL ? uri : place->base;
}

bool places_resolve(Places *places,
                    const char *base,
                    const char *reference,
                    const json_t **target_out,
                    Error *error)
{
    char *full = NULL;
    if (!resolve_uri(places, base, reference, &full, error)) {
        return false;
    }
    Text encoded;
    const char *uri = arena_string(places->arena, uri_split(text_of(full), &encoded));
    char *decoded = arena_string(places->arena, encoded);
    Text fragment = {decoded, percent_decode(encoded, false, decoded)};
    const json_t *json = NULL;
    if (fragment.length > 0 && fragment.bytes[0] != '/') {
        json = json_object_get(places->names, full);
        if (json == NULL) {
            return error_set(error, ERROR_INVALID, "no schema has the $id '%.200s'", reference);
        }
    } else if (!find_document(places, uri, &json, error) ||
               (fragment.length > 0 &&
                !walk_pointer(places, fragment, base_of(places, json, uri), &json, error))) {
        return false;
    }
    *target_out = json;
    return true;
}

/* Messages. */

/* Writes the pointer back to front while it returns from where it found the object. */
static bool
find_pointer(const json_t *json, const json_t *wanted, SchemaSegment *path, size_t *depth)
{
    if (json == wanted) {
        return true;
    }
    size_t own = *depth;
    if (own >= SCHEMA_DEPTH_MAX) {
        return false;
    }
    *depth = own + 1;
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)json, key, value)
    {
        path[own] = (SchemaSegment){.key = key};
        if (find_pointer(value, wanted, path, depth)) {
            return true;
        }
    }
    size_t index = 0;
    json_array_foreach(json, index, value)
    {
        path[own] = (SchemaSegment){.index = index};
        if (find_pointer(value, wanted, path, depth)) {
            return true;
        }
    }
    *depth = own;
    return false;
}

bool places_error(const Places *places, const json_t *json, Error *error)
{
    SchemaSegment path[SCHEMA_DEPTH_MAX];
    size_t depth = 0;
    AUTO_BUFFER pointer;
    buffer_init(&pointer, POINTER_BYTES_MAX);
    if (json == json_array_get(places->documents, 0) ||
        !find_pointer(json_array_get(places->documents, 0), json, path, &depth)) {
        return false;
    }
    for (size_t i = 0; i < depth; i++) {
        append_segment(&pointer, &path[i]);
    }
    return error_context(error, "%s", buffer_to_string(&pointer));
}
