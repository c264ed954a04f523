/* SPDX-License-Identifier: Apache-2.0 */
/* From a schema's JSON to its graph of nodes; see schema.h and schema_node.h. */
#include "json/schema.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "schema_json.h"
#include "json/reader.h"
#include "json/schema_node.h"
#include "json/schema_places.h"

#define METASCHEMA_URI "http://json-schema.org/draft-07/schema"

/* Nodes are made when something points to them and filled in later, one by one, so that a long
 * chain of references needs no stack. */
typedef struct Compiler {
    Schema *schema;
    Places places;
    SchemaNode *accepting; /* `true` */
    SchemaNode *refusing;  /* `false` */
    SchemaNode **queue;
    size_t queue_capacity;
    size_t queued;
    size_t pattern_bytes;
} Compiler;

static const SchemaRange ANY_COUNT = {0, INT64_MAX};

/* Nodes. */

static SchemaNode *create_node(Compiler *compiler, const json_t *json)
{
    SchemaNode *node = arena_alloc(&compiler->schema->arena, sizeof *node);
    node->json = json;
    node->length = node->item_count = node->property_count = ANY_COUNT;
    return node;
}

/* NULL for what is no schema: an absent keyword. */
static SchemaNode *node_of(Compiler *compiler, const json_t *json)
{
    if (json_is_boolean(json)) {
        return json_is_true(json) ? compiler->accepting : compiler->refusing;
    }
    if (!json_is_object(json)) {
        return NULL;
    }
    Place *place = places_find(&compiler->places, json);
    assert(place != NULL);
    if (place->node == NULL) {
        place->node = create_node(compiler, json);
        if (compiler->queued == compiler->queue_capacity) {
            compiler->queue_capacity = compiler->queue_capacity * 2 + 64;
            compiler->queue =
                alloc_resize(compiler->queue, compiler->queue_capacity, sizeof(SchemaNode *));
        }
        compiler->queue[compiler->queued++] = place->node;
    }
    return place->node;
}

static SchemaNode *member_node(Compiler *compiler, const json_t *json, const char *keyword)
{
    return node_of(compiler, json_object_get(json, keyword));
}

static SchemaList list_of(Compiler *compiler, const json_t *array)
{
    SchemaList list = {.count = json_array_size(array)};
    list.nodes = arena_alloc(&compiler->schema->arena, list.count * sizeof(SchemaNode *));
    for (size_t i = 0; i < list.count; i++) {
        list.nodes[i] = node_of(compiler, json_array_get(array, i));
    }
    return list;
}

/* Keywords. */

static unsigned type_of_name(const char *name)
{
    static const struct {
        const char *name;
        SchemaType type;
    } TYPES[] = {
        {"null", TYPE_NULL},     {"boolean", TYPE_BOOLEAN}, {"object", TYPE_OBJECT},
        {"array", TYPE_ARRAY},   {"number", TYPE_NUMBER},   {"integer", TYPE_INTEGER},
        {"string", TYPE_STRING},
    };
    for (size_t i = 0; i < ARRAY_COUNT(TYPES); i++) {
        if (name != NULL && strcmp(TYPES[i].name, name) == 0) {
            return TYPES[i].type;
        }
    }
    return 0;
}

static unsigned types_of(const json_t *json)
{
    unsigned types = type_of_name(json_string_value(json));
    for (size_t i = 0; i < json_array_size(json); i++) {
        types |= type_of_name(json_string_value(json_array_get(json, i)));
    }
    return types;
}

/* A count may be written as 2.0. */
static int64_t count_of(const json_t *number, int64_t absent)
{
    if (json_is_real(number)) {
        double value = json_real_value(number);
        return value >= 9e18 ? INT64_MAX : (int64_t)value;
    }
    return json_is_integer(number) ? json_integer_value(number) : absent;
}

static SchemaRange range_of(const json_t *json, const char *minimum, const char *maximum)
{
    return (SchemaRange){count_of(json_object_get(json, minimum), 0),
                         count_of(json_object_get(json, maximum), INT64_MAX)};
}

static bool
compile_pattern(Compiler *compiler, const char *text, const Pattern **pattern_out, Error *error)
{
    Pattern *pattern = NULL;
    if (!pattern_compile(text, &pattern, error)) {
        return error_context(error, "'%.100s'", text);
    }
    pattern->next = compiler->schema->patterns;
    compiler->schema->patterns = pattern;
    compiler->pattern_bytes += pattern_size(pattern);
    if (compiler->pattern_bytes > (size_t)SCHEMA_PATTERNS_BYTES_MAX) {
        return error_set(error, ERROR_INVALID, "the schema's patterns are too large");
    }
    *pattern_out = pattern;
    return true;
}

static void compile_numbers(SchemaNode *node)
{
    node->minimum = json_object_get(node->json, "minimum");
    node->maximum = json_object_get(node->json, "maximum");
    node->exclusive_minimum = json_object_get(node->json, "exclusiveMinimum");
    node->exclusive_maximum = json_object_get(node->json, "exclusiveMaximum");
    node->multiple_of = json_object_get(node->json, "multipleOf");
}

static void compile_arrays(Compiler *compiler, SchemaNode *node)
{
    const json_t *items = json_object_get(node->json, "items");
    node->item_count = range_of(node->json, "minItems", "maxItems");
    node->items_differ = json_is_true(json_object_get(node->json, "uniqueItems"));
    if (json_is_array(items)) {
        node->first_items = list_of(compiler, items);
        node->other_items = member_node(compiler, node->json, "additionalItems");
    } else {
        node->all_items = node_of(compiler, items);
    }
    node->contains = member_node(compiler, node->json, "contains");
}

static int compare_properties(const void *a, const void *b)
{
    return strcmp(((const SchemaProperty *)a)->key, ((const SchemaProperty *)b)->key);
}

static void compile_properties(Compiler *compiler, SchemaNode *node)
{
    json_t *properties = json_object_get(node->json, "properties");
    node->properties = arena_alloc(&compiler->schema->arena,
                                   json_object_size(properties) * sizeof *node->properties);
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach(properties, key, value)
    {
        node->properties[node->properties_count++] =
            (SchemaProperty){key, node_of(compiler, value)};
    }
    qsort(node->properties, node->properties_count, sizeof *node->properties, compare_properties);
}

static bool compile_pattern_properties(Compiler *compiler, SchemaNode *node, Error *error)
{
    json_t *map = json_object_get(node->json, "patternProperties");
    node->pattern_properties = arena_alloc(
        &compiler->schema->arena, json_object_size(map) * sizeof *node->pattern_properties);
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach(map, key, value)
    {
        SchemaPatternProperty *property = &node->pattern_properties[node->pattern_property_count++];
        property->node = node_of(compiler, value);
        if (!compile_pattern(compiler, key, &property->pattern, error)) {
            return error_context(error, "patternProperties");
        }
    }
    return true;
}

static void compile_dependencies(Compiler *compiler, SchemaNode *node)
{
    json_t *map = json_object_get(node->json, "dependencies");
    node->dependencies =
        arena_alloc(&compiler->schema->arena, json_object_size(map) * sizeof *node->dependencies);
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach(map, key, value)
    {
        node->dependencies[node->dependency_count++] = (SchemaDependency){
            .key = key,
            .node = node_of(compiler, value),
            .keys = json_is_array(value) ? value : NULL,
        };
    }
}

static bool compile_objects(Compiler *compiler, SchemaNode *node, Error *error)
{
    node->property_count = range_of(node->json, "minProperties", "maxProperties");
    node->required = json_object_get(node->json, "required");
    compile_properties(compiler, node);
    compile_dependencies(compiler, node);
    node->other_properties = member_node(compiler, node->json, "additionalProperties");
    node->property_names = member_node(compiler, node->json, "propertyNames");
    return compile_pattern_properties(compiler, node, error);
}

static void compile_combinations(Compiler *compiler, SchemaNode *node)
{
    node->all_of = list_of(compiler, json_object_get(node->json, "allOf"));
    node->any_of = list_of(compiler, json_object_get(node->json, "anyOf"));
    node->one_of = list_of(compiler, json_object_get(node->json, "oneOf"));
    node->negated = member_node(compiler, node->json, "not");
    node->condition = member_node(compiler, node->json, "if");
    if (node->condition != NULL) {
        node->consequence = member_node(compiler, node->json, "then");
        node->alternative = member_node(compiler, node->json, "else");
    }
}

static bool compile_reference(Compiler *compiler, SchemaNode *node, const char *ref, Error *error)
{
    const Place *place = places_find(&compiler->places, node->json);
    const json_t *target = NULL;
    if (!places_resolve(&compiler->places, place->base, ref, &target, error)) {
        return error_context(error, "$ref");
    }
    node->ref = node_of(compiler, target);
    return true;
}

static bool compile_node(Compiler *compiler, SchemaNode *node, Error *error)
{
    const char *ref = document_string(node->json, "$ref");
    if (ref != NULL) {
        return compile_reference(compiler, node, ref, error);
    }
    const char *pattern = document_string(node->json, "pattern");
    if (pattern != NULL && !compile_pattern(compiler, pattern, &node->pattern, error)) {
        return error_context(error, "pattern");
    }
    node->types = types_of(json_object_get(node->json, "type"));
    node->constant = json_object_get(node->json, "const");
    node->choices = json_object_get(node->json, "enum");
    node->length = range_of(node->json, "minLength", "maxLength");
    compile_numbers(node);
    compile_arrays(compiler, node);
    compile_combinations(compiler, node);
    return compile_objects(compiler, node, error);
}

/* A schema that asks itself about the same value never comes to an answer. */

enum { VISIT_ACTIVE = 1, VISIT_DONE = 2 };

static bool find_loop(SchemaNode *node, int depth, Error *error);

static bool find_loop_in_list(const SchemaList *list, int depth, Error *error)
{
    for (size_t i = 0; i < list->count; i++) {
        if (!find_loop(list->nodes[i], depth, error)) {
            return false;
        }
    }
    return true;
}

static bool find_loop_below(const SchemaNode *node, int depth, Error *error)
{
    for (size_t i = 0; i < node->dependency_count; i++) {
        if (!find_loop(node->dependencies[i].node, depth, error)) {
            return false;
        }
    }
    return find_loop(node->ref, depth, error) && find_loop(node->negated, depth, error) &&
           find_loop(node->condition, depth, error) && find_loop(node->consequence, depth, error) &&
           find_loop(node->alternative, depth, error) &&
           find_loop_in_list(&node->all_of, depth, error) &&
           find_loop_in_list(&node->any_of, depth, error) &&
           find_loop_in_list(&node->one_of, depth, error);
}

static bool find_loop(SchemaNode *node, int depth, Error *error)
{
    if (node == NULL || node->visit == VISIT_DONE) {
        return true;
    }
    if (node->visit == VISIT_ACTIVE) {
        return error_set(error, ERROR_INVALID, "the schema refers to itself for the same value");
    }
    if (depth > SCHEMA_DEPTH_MAX) {
        return error_set(error, ERROR_INVALID, "more than %d schemas are inside one another",
                         SCHEMA_DEPTH_MAX);
    }
    node->visit = VISIT_ACTIVE;
    bool found_none = find_loop_below(node, depth + 1, error);
    node->visit = VISIT_DONE;
    return found_none;
}

static bool compile_all(Compiler *compiler, const json_t *root, Error *error)
{
    compiler->accepting = create_node(compiler, json_true());
    compiler->refusing = create_node(compiler, json_false());
    compiler->refusing->refuses_all = true;
    compiler->schema->first = node_of(compiler, root);
    for (size_t i = 0; i < compiler->queued; i++) {
        if (!compile_node(compiler, compiler->queue[i], error)) {
            return places_error(&compiler->places, compiler->queue[i]->json, error);
        }
    }
    for (size_t i = 0; i < compiler->queued; i++) {
        if (!find_loop(compiler->queue[i], 0, error)) {
            return places_error(&compiler->places, compiler->queue[i]->json, error);
        }
    }
    return true;
}

/* `rules` may be NULL. */
static bool compile(const json_t *root,
                    const SchemaDocuments *known,
                    const Schema *rules,
                    Schema **schema_out,
                    Error *error)
{
    AUTO_SCHEMA *schema = ALLOC_NEW(Schema);
    arena_init(&schema->arena);
    Compiler compiler = {.schema = schema};
    places_init(&compiler.places, &schema->arena);
    compiler.places.rules = rules;
    compiler.places.known = known;
    bool compiled =
        places_add(&compiler.places, root, "", error) && compile_all(&compiler, root, error);
    schema->documents = json_incref(compiler.places.documents);
    places_clear(&compiler.places);
    alloc_free(compiler.queue);
    if (!compiled) {
        return false;
    }
    *schema_out = TAKE(schema);
    return true;
}

static bool compile_with_rules(const json_t *root,
                               const SchemaDocuments *known,
                               const json_t *meta_root,
                               Schema **schema_out,
                               Error *error)
{
    AUTO_SCHEMA *rules = NULL;
    if (!compile(meta_root, NULL, NULL, &rules, error)) {
        return false;
    }
    AUTO_FREE SchemaDocument *items = alloc_array(known->count + 1, sizeof *items);
    for (size_t i = 0; i < known->count; i++) {
        items[i] = known->items[i];
    }
    items[known->count] = (SchemaDocument){METASCHEMA_URI, meta_root};
    SchemaDocuments all = {items, known->count + 1};
    return compile(root, &all, rules, schema_out, error);
}

bool schema_compile(const json_t *root,
                    const SchemaDocuments *known,
                    Schema **schema_out,
                    Error *error)
{
    static const SchemaDocuments NONE = {NULL, 0};
    AUTO_JSON *meta_root = NULL;
    if (!json_is_object(root) && !json_is_boolean(root)) {
        return error_set(error, ERROR_INVALID, "a schema is an object, true or false");
    }
    return document_parse(text_of(JSON_DRAFT07), &meta_root, error) &&
           compile_with_rules(root, known == NULL ? &NONE : known, meta_root, schema_out, error);
}

void schema_destroy(Schema *schema)
{
    if (schema == NULL) {
        return;
    }
    while (schema->patterns != NULL) {
        Pattern *next = schema->patterns->next;
        pattern_destroy(schema->patterns);
        schema->patterns = next;
    }
    json_decref(schema->documents);
    arena_clear(&schema->arena);
    alloc_free(schema);
}

const SchemaNode *schema_node_follow(const SchemaNode *node)
{
    while (node->ref != NULL) {
        node = node->ref;
    }
    return node;
}

static int compare_key(const void *key, const void *property)
{
    return strcmp(key, ((const SchemaProperty *)property)->key);
}

const SchemaNode *schema_node_property(const SchemaNode *node, const char *key)
{
    if (node->properties_count == 0) {
        return NULL;
    }
    const SchemaProperty *found = bsearch(key, node->properties, node->properties_count,
                                          sizeof *node->properties, compare_key);
    return found == NULL ? NULL : found->node;
}

bool schema_has_property(const Schema *schema, const char *key)
{
    return schema_node_property(schema_node_follow(schema->first), key) != NULL;
}
