/* SPDX-License-Identifier: Apache-2.0 */
/* The walk over a value and its schema; see schema.h. */
#include "base/limits.h"
#include "json/reader.h"
#include "json/schema_checker.h"

bool checker_take(Checker *checker, long steps)
{
    checker->steps_left -= steps;
    if (checker->steps_left < 0) {
        checker->stopped = true;
    }
    return !checker->stopped;
}

bool pattern_fits(Checker *checker, const Pattern *pattern, Text subject)
{
    PatternResult result =
        pattern_search(pattern, subject, &checker->matcher, &checker->steps_left);
    if (result == PATTERN_TOO_COSTLY) {
        checker->stopped = true;
    }
    return result == PATTERN_MATCHES;
}

bool node_accepts(Checker *checker, const SchemaNode *node, const Spot *spot)
{
    Findings findings = {.first_only = true};
    check_node(checker, node, spot, &findings);
    return findings.count == 0;
}

/* Objects. */

/* A place where nothing may be. */
static void
check_other(Checker *checker, const SchemaNode *other, const Spot *spot, Findings *findings)
{
    if (other->refuses_all) {
        findings_add(findings, spot, &(Finding){.type = "extra_forbidden"},
                     "Extra inputs are not permitted");
    } else {
        check_node(checker, other, spot, findings);
    }
}

/* The problem stands at [key, "[key]"], as pydantic has it. */
static void
check_name(Checker *checker, const SchemaNode *names, const Spot *member, Findings *findings)
{
    AUTO_JSON *name = json_string_nocheck(member->key);
    Spot spot = {.parent = member, .key = "[key]", .value = name};
    size_t before = findings->out == NULL ? 0 : findings->out->count;
    check_node(checker, names, &spot, findings);
    for (size_t i = before; findings->out != NULL && i < findings->out->count; i++) {
        findings->out->items[i].value = NULL; /* it does not outlive this function */
    }
}

static void
check_member(Checker *checker, const SchemaNode *node, const Spot *member, Findings *findings)
{
    if (node->property_names != NULL) {
        check_name(checker, node->property_names, member, findings);
    }
    const SchemaNode *property = schema_node_property(node, member->key);
    bool is_declared = property != NULL;
    if (is_declared) {
        check_node(checker, property, member, findings);
    }
    for (size_t i = 0; i < node->pattern_property_count && !checker->stopped; i++) {
        const SchemaPatternProperty *one = &node->pattern_properties[i];
        if (pattern_fits(checker, one->pattern, text_of(member->key))) {
            is_declared = true;
            check_node(checker, one->node, member, findings);
        }
    }
    if (!is_declared && node->other_properties != NULL) {
        check_other(checker, node->other_properties, member, findings);
    }
}

static void
check_members(Checker *checker, const SchemaNode *node, const Spot *spot, Findings *findings)
{
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)spot->value, key, value)
    {
        if (findings_suffice(findings) || !checker_take(checker, 1)) {
            return;
        }
        Spot member = {.parent = spot, .key = key, .value = value};
        check_member(checker, node, &member, findings);
    }
}

/* `because`: the member that asks for it, or NULL. */
static void check_required(
    Checker *checker, const json_t *keys, const char *because, const Spot *spot, Findings *findings)
{
    size_t index = 0;
    const json_t *key = NULL;
    if (!checker_take(checker, (long)json_array_size(keys))) {
        return;
    }
    json_array_foreach(keys, index, key)
    {
        Spot missing = {.parent = spot, .key = json_string_value(key)};
        if (json_object_get(spot->value, missing.key) == NULL) {
            findings_add(findings, &missing, &(Finding){.type = "missing"}, "Field required%s%s%s",
                         because == NULL ? "" : " beside '", because == NULL ? "" : because,
                         because == NULL ? "" : "'");
        }
    }
}

static void
check_object(Checker *checker, const SchemaNode *node, const Spot *spot, Findings *findings)
{
    if (node->properties_count > 0 || node->pattern_property_count > 0 ||
        node->other_properties != NULL || node->property_names != NULL) {
        check_members(checker, node, spot, findings);
    }
    check_required(checker, node->required, NULL, spot, findings);
    for (size_t i = 0; i < node->dependency_count; i++) {
        const SchemaDependency *dependency = &node->dependencies[i];
        if (json_object_get(spot->value, dependency->key) == NULL) {
            continue;
        }
        check_required(checker, dependency->keys, dependency->key, spot, findings);
        if (dependency->node != NULL) {
            check_node(checker, dependency->node, spot, findings);
        }
    }
}

/* Arrays. */

static void
check_contains(Checker *checker, const SchemaNode *wanted, const Spot *spot, Findings *findings)
{
    size_t index = 0;
    const json_t *value = NULL;
    json_array_foreach(spot->value, index, value)
    {
        Spot item = {.parent = spot, .index = index, .value = value};
        if (node_accepts(checker, wanted, &item) || checker->stopped) {
            return;
        }
    }
    findings_add(findings, spot, &(Finding){.type = "contains"},
                 "Array should have an item of the form that is asked for, but none is");
}

static void
check_array(Checker *checker, const SchemaNode *node, const Spot *spot, Findings *findings)
{
    const SchemaNode *others = node->first_items.count > 0 ? node->other_items : node->all_items;
    size_t index = 0;
    const json_t *value = NULL;
    size_t looked_at = others == NULL ? node->first_items.count : json_array_size(spot->value);
    json_array_foreach(spot->value, index, value)
    {
        if (index >= looked_at || findings_suffice(findings) || checker->stopped) {
            break;
        }
        Spot item = {.parent = spot, .index = index, .value = value};
        if (index < node->first_items.count) {
            check_node(checker, node->first_items.nodes[index], &item, findings);
        } else {
            check_other(checker, others, &item, findings);
        }
    }
    if (node->contains != NULL) {
        check_contains(checker, node->contains, spot, findings);
    }
}

/* Combinations. */

static void
check_combinations(Checker *checker, const SchemaNode *node, const Spot *spot, Findings *findings)
{
    for (size_t i = 0; i < node->all_of.count; i++) {
        check_node(checker, node->all_of.nodes[i], spot, findings);
    }
    if (node->any_of.count > 0) {
        check_any_of(checker, node, spot, findings);
    }
    if (node->one_of.count > 0) {
        check_one_of(checker, node, spot, findings);
    }
    if (node->negated != NULL && node_accepts(checker, node->negated, spot)) {
        findings_add(findings, spot, &(Finding){.type = "not_allowed"},
                     "Input is of a form that is not allowed");
    }
    if (node->condition != NULL) {
        const SchemaNode *next =
            node_accepts(checker, node->condition, spot) ? node->consequence : node->alternative;
        if (next != NULL) {
            check_node(checker, next, spot, findings);
        }
    }
}

static void
check_keywords(Checker *checker, const SchemaNode *node, const Spot *spot, Findings *findings)
{
    if (node->refuses_all) {
        findings_add(findings, spot, &(Finding){.type = "not_allowed"}, "No input is allowed here");
        return;
    }
    if (!check_assertions(checker, node, spot, findings) || findings_suffice(findings)) {
        return;
    }
    if (json_is_object(spot->value)) {
        check_object(checker, node, spot, findings);
    } else if (json_is_array(spot->value)) {
        check_array(checker, node, spot, findings);
    }
    if (!findings_suffice(findings)) {
        check_combinations(checker, node, spot, findings);
    }
}

void check_node(Checker *checker, const SchemaNode *node, const Spot *spot, Findings *findings)
{
    if (findings_suffice(findings) || !checker_take(checker, 1)) {
        return;
    }
    if (checker->depth >= SCHEMA_DEPTH_MAX) {
        checker->stopped = true;
        return;
    }
    checker->depth++;
    check_keywords(checker, schema_node_follow(node), spot, findings);
    checker->depth--;
}

void schema_problems_init(SchemaProblems *problems, Arena *arena, long steps)
{
    problems->arena = arena;
    problems->count = 0;
    problems->steps_left = steps;
}

bool schema_check(const Schema *schema, const json_t *value, SchemaProblems *problems)
{
    Spot top = {.value = value};
    Findings findings = {.out = problems, .top = &top};
    Checker checker = {.steps_left = problems->steps_left};
    check_node(&checker, schema->first, &top, &findings);
    if (checker.stopped) {
        findings_add(&findings, &top, &(Finding){.type = "limit_reached"},
                     "Input is too complex to be checked");
    }
    problems->steps_left = checker.steps_left;
    pattern_matcher_clear(&checker.matcher);
    return findings.count == 0;
}
