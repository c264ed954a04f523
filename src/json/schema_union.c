/* SPDX-License-Identifier: Apache-2.0 */
/*
 * anyOf and oneOf. When no branch accepts a value, telling all that is wrong with it in every
 * branch helps nobody: the branch that the value was meant for is looked for, and its problems
 * are told. A member with a different constant in each branch, a tag, says it for certain.
 */
#include <string.h>

#include "base/alloc.h"
#include "json/equal.h"
#include "json/reader.h"
#include "json/schema_checker.h"

/* A branch that refuses the value's type was hardly meant, and null least of all. */
enum { SCORE_OF_TYPE = 1000, SCORE_OF_NULL = 500 };

/* The only value that the branch's property may have; NULL when there may be several. */
static const json_t *constant_of(const SchemaNode *branch, const char *key)
{
    const SchemaNode *property = schema_node_property(schema_node_follow(branch), key);
    if (property == NULL) {
        return NULL;
    }
    property = schema_node_follow(property);
    return property->constant == NULL && json_array_size(property->choices) == 1
               ? json_array_get(property->choices, 0)
               : property->constant;
}

static bool is_tag(const SchemaList *branches, const char *key)
{
    bool differs = branches->count == 1;
    const json_t *first = constant_of(branches->nodes[0], key);
    for (size_t i = 0; i < branches->count; i++) {
        const json_t *constant = constant_of(branches->nodes[i], key);
        if (constant == NULL) {
            return false;
        }
        differs = differs || !value_equal(first, constant);
    }
    return differs;
}

static const char *find_tag(const SchemaList *branches)
{
    const SchemaNode *first = schema_node_follow(branches->nodes[0]);
    for (size_t i = 0; i < first->properties_count; i++) {
        if (is_tag(branches, first->properties[i].key)) {
            return first->properties[i].key;
        }
    }
    return NULL;
}

static bool is_required(const SchemaList *branches, const char *key)
{
    for (size_t i = 0; i < branches->count; i++) {
        const json_t *required = schema_node_follow(branches->nodes[i])->required;
        bool named = false;
        for (size_t k = 0; k < json_array_size(required) && !named; k++) {
            named = strcmp(json_string_value(json_array_get(required, k)), key) == 0;
        }
        if (!named) {
            return false;
        }
    }
    return true;
}

static size_t score(Checker *checker, const SchemaNode *branch, const Spot *spot)
{
    Findings findings = {.top = spot};
    check_node(checker, branch, spot, &findings);
    return findings.count + findings.type_count * SCORE_OF_TYPE +
           (schema_node_follow(branch)->types == TYPE_NULL ? SCORE_OF_NULL : 0);
}

static void
report_best(Checker *checker, const SchemaList *branches, const Spot *spot, Findings *findings)
{
    const SchemaNode *best = branches->nodes[0];
    size_t best_score = SIZE_MAX;
    for (size_t i = 0; i < branches->count && branches->count > 1 && !checker->stopped; i++) {
        size_t own = score(checker, branches->nodes[i], spot);
        if (own < best_score) {
            best_score = own;
            best = branches->nodes[i];
        }
    }
    check_node(checker, best, spot, findings);
}

/* The value has the tag: only the branches with its value are of interest. */
static void report_tagged(Checker *checker,
                          const SchemaList *branches,
                          const char *tag,
                          const Spot *spot,
                          Findings *findings)
{
    const json_t *value = json_object_get(spot->value, tag);
    AUTO_FREE SchemaNode **meant = alloc_array(branches->count, sizeof(SchemaNode *));
    SchemaList list = {.nodes = meant};
    AUTO_JSON *known = json_array();
    for (size_t i = 0; i < branches->count; i++) {
        const json_t *constant = constant_of(branches->nodes[i], tag);
        json_array_append(known, (json_t *)constant);
        if (value_equal(value, constant)) {
            meant[list.count++] = branches->nodes[i];
        }
    }
    if (list.count > 0) {
        report_best(checker, &list, spot, findings);
        return;
    }
    Spot place = {.parent = spot, .key = tag, .value = value};
    report_choices(findings, &place, "literal_error", known);
}

/* The types that the branches allow together, when all of them refuse the value's; else 0. */
static unsigned refused_types(const SchemaList *branches, const Spot *spot)
{
    unsigned types = 0;
    for (size_t i = 0; i < branches->count; i++) {
        const SchemaNode *branch = schema_node_follow(branches->nodes[i]);
        if (types_fit(branch->types, spot->value)) {
            return 0;
        }
        types |= branch->types;
    }
    return types;
}

/* No branch accepts the value. */
static void
report_none(Checker *checker, const SchemaList *branches, const Spot *spot, Findings *findings)
{
    if (!findings_are_kept(findings)) {
        findings->count++;
        return;
    }
    unsigned types = refused_types(branches, spot);
    if (types != 0) {
        report_type(findings, spot, types);
        return;
    }
    const char *tag = json_is_object(spot->value) ? find_tag(branches) : NULL;
    if (tag != NULL && json_object_get(spot->value, tag) != NULL) {
        report_tagged(checker, branches, tag, spot, findings);
    } else if (tag != NULL && is_required(branches, tag)) {
        Spot missing = {.parent = spot, .key = tag};
        findings_add(findings, &missing, &(Finding){.type = "missing"}, "Field required");
    } else {
        report_best(checker, branches, spot, findings);
    }
}

void check_any_of(Checker *checker, const SchemaNode *node, const Spot *spot, Findings *findings)
{
    for (size_t i = 0; i < node->any_of.count; i++) {
        if (node_accepts(checker, node->any_of.nodes[i], spot) || checker->stopped) {
            return;
        }
    }
    report_none(checker, &node->any_of, spot, findings);
}

void check_one_of(Checker *checker, const SchemaNode *node, const Spot *spot, Findings *findings)
{
    size_t accepted = 0;
    size_t which[2] = {0, 0};
    for (size_t i = 0; i < node->one_of.count && accepted < 2 && !checker->stopped; i++) {
        if (node_accepts(checker, node->one_of.nodes[i], spot)) {
            which[accepted++] = i;
        }
    }
    if (accepted == 0 && !checker->stopped) {
        report_none(checker, &node->one_of, spot, findings);
    } else if (accepted == 2) {
        findings_add(findings, spot, &(Finding){.type = "one_of"},
                     "Input should be of exactly one of the allowed forms, but is of numbers %zu "
                     "and %zu",
                     which[0] + 1, which[1] + 1);
    }
}
