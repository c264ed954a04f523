/* SPDX-License-Identifier: Apache-2.0 */
/* Types, numbers, strings, sizes, enum and const; see schema_checker.h. */
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "json/equal.h"
#include "json/reader.h"
#include "json/schema_checker.h"

static unsigned types_of_value(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return TYPE_OBJECT;
    case JSON_ARRAY:
        return TYPE_ARRAY;
    case JSON_STRING:
        return TYPE_STRING;
    case JSON_INTEGER:
        return (unsigned)TYPE_INTEGER | (unsigned)TYPE_NUMBER;
    case JSON_REAL:
        return number_is_integer(value) ? (unsigned)TYPE_INTEGER | (unsigned)TYPE_NUMBER
                                        : (unsigned)TYPE_NUMBER;
    case JSON_TRUE:
    case JSON_FALSE:
        return TYPE_BOOLEAN;
    case JSON_NULL:
        break;
    }
    return TYPE_NULL;
}

/* For a text that is only needed when it is kept. */
#define KEPT_TEXT(findings, expression) (findings_are_kept(findings) ? (expression) : "")

void report_choices(Findings *findings, const Spot *spot, const char *type, const json_t *choices)
{
    const char *expected = KEPT_TEXT(findings, choices_text(choices, findings->out->arena));
    Finding finding = {.type = type, .rule = "expected", .rule_text = expected};
    findings_add(findings, spot, &finding, "Input should be %s", expected);
}

static void
check_choices(Checker *checker, const SchemaNode *node, const Spot *spot, Findings *findings)
{
    size_t count = json_array_size(node->choices);
    if (!checker_take(checker, (long)count)) {
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (value_equal(spot->value, json_array_get(node->choices, i))) {
            return;
        }
    }
    report_choices(findings, spot, "enum", node->choices);
}

static bool check_constant(const SchemaNode *node, const Spot *spot, Findings *findings)
{
    if (value_equal(spot->value, node->constant)) {
        return true;
    }
    AUTO_JSON *only = json_array();
    json_array_append(only, (json_t *)node->constant);
    report_choices(findings, spot, "literal_error", only);
    return false;
}

/* Numbers. */

/* 0.0075 is a multiple of 0.0001 although neither is exact: both may be off by half a unit of
 * their last place. */
static bool is_multiple(const json_t *value, const json_t *divisor)
{
    if (json_is_integer(value) && json_is_integer(divisor)) {
        return json_integer_value(value) % json_integer_value(divisor) == 0;
    }
    long double number = fabsl((long double)json_number_value(value));
    long double step = (long double)json_number_value(divisor);
    long double rest = fmodl(number, step);
    long double tolerance = fminl(2 * number * DBL_EPSILON, step * 1e-6L);
    return rest <= tolerance || step - rest <= tolerance;
}

static void
report_number(Findings *findings, const Spot *spot, Finding finding, const char *relation)
{
    const char *limit = KEPT_TEXT(findings, number_text(finding.rule_value, findings->out->arena));
    findings_add(findings, spot, &finding, "Input should be %s %s", relation, limit);
}

static void check_number(const SchemaNode *node, const Spot *spot, Findings *findings)
{
    const json_t *value = spot->value;
    if (node->minimum != NULL && number_compare(value, node->minimum) < 0) {
        report_number(findings, spot, (Finding){"greater_than_equal", "ge", node->minimum, NULL},
                      "greater than or equal to");
    }
    if (node->maximum != NULL && number_compare(value, node->maximum) > 0) {
        report_number(findings, spot, (Finding){"less_than_equal", "le", node->maximum, NULL},
                      "less than or equal to");
    }
    if (node->exclusive_minimum != NULL && number_compare(value, node->exclusive_minimum) <= 0) {
        report_number(findings, spot,
                      (Finding){"greater_than", "gt", node->exclusive_minimum, NULL},
                      "greater than");
    }
    if (node->exclusive_maximum != NULL && number_compare(value, node->exclusive_maximum) >= 0) {
        report_number(findings, spot, (Finding){"less_than", "lt", node->exclusive_maximum, NULL},
                      "less than");
    }
    if (node->multiple_of != NULL && !is_multiple(value, node->multiple_of)) {
        report_number(findings, spot,
                      (Finding){"multiple_of", "multiple_of", node->multiple_of, NULL},
                      "a multiple of");
    }
}

/* Sizes. */

/* What a size is of, in the words of its problems. */
typedef struct Sized {
    const char *subject; /* "String", … */
    const char *unit;
    const char *too_few;
    const char *too_many;
} Sized;

static void check_range(const SchemaRange *range,
                        int64_t size,
                        const Sized *sized,
                        const Spot *spot,
                        Findings *findings)
{
    if (size >= range->minimum && size <= range->maximum) {
        return;
    }
    bool few = size < range->minimum;
    int64_t limit = few ? range->minimum : range->maximum;
    AUTO_JSON *number = json_integer(limit);
    Finding finding = {.type = few ? sized->too_few : sized->too_many,
                       .rule = few ? "min_length" : "max_length",
                       .rule_value = number};
    findings_add(findings, spot, &finding, "%s should have at %s %lld %s%s, not %lld",
                 sized->subject, few ? "least" : "most", (long long)limit, sized->unit,
                 limit == 1 ? "" : "s", (long long)size);
}

/* UTF-8 characters of a valid text. */
static int64_t character_count(Text text)
{
    int64_t count = 0;
    for (size_t i = 0; i < text.length; i++) {
        count += ((unsigned char)text.bytes[i] & 0xC0) != 0x80 ? 1 : 0;
    }
    return count;
}

static void
check_string(Checker *checker, const SchemaNode *node, const Spot *spot, Findings *findings)
{
    static const Sized STRING = {"String", "character", "string_too_short", "string_too_long"};
    Text text = {json_string_value(spot->value), json_string_length(spot->value)};
    if (node->length.minimum > 0 || node->length.maximum < INT64_MAX) {
        check_range(&node->length, character_count(text), &STRING, spot, findings);
    }
    if (node->pattern != NULL && !pattern_fits(checker, node->pattern, text) && !checker->stopped) {
        Finding finding = {
            .type = "string_pattern_mismatch", .rule = "pattern", .rule_text = node->pattern->text};
        findings_add(findings, spot, &finding, "String should match the pattern '%s'",
                     node->pattern->text);
    }
}

typedef struct HashedItem {
    uint64_t hash;
    size_t index;
} HashedItem;

static int compare_hashes(const void *a, const void *b)
{
    const HashedItem *left = a;
    const HashedItem *right = b;
    int order = (left->hash > right->hash) - (left->hash < right->hash);
    return order != 0 ? order : (left->index > right->index) - (left->index < right->index);
}

/* Whether the `at`-th equals one before it with the same hash; each comparison is a step. */
static bool finds_twin(
    Checker *checker, const HashedItem *items, size_t at, const Spot *spot, Findings *findings)
{
    const json_t *value = json_array_get(spot->value, items[at].index);
    for (size_t i = at; i > 0 && items[i - 1].hash == items[at].hash; i--) {
        if (!checker_take(checker, 1)) {
            return false;
        }
        if (value_equal(value, json_array_get(spot->value, items[i - 1].index))) {
            findings_add(findings, spot, &(Finding){.type = "unique_items"},
                         "Array should have no two equal items, but %zu and %zu are",
                         items[i - 1].index, items[at].index);
            return true;
        }
    }
    return false;
}

static void check_uniqueness(Checker *checker, const Spot *spot, Findings *findings)
{
    size_t count = json_array_size(spot->value);
    if (!checker_take(checker, (long)count)) {
        return;
    }
    AUTO_FREE HashedItem *items = alloc_array(count + 1, sizeof *items);
    for (size_t i = 0; i < count; i++) {
        items[i] = (HashedItem){value_hash(json_array_get(spot->value, i)), i};
    }
    qsort(items, count, sizeof *items, compare_hashes);
    for (size_t i = 1; i < count && !checker->stopped; i++) {
        if (finds_twin(checker, items, i, spot, findings)) {
            return;
        }
    }
}

static void
check_array_size(Checker *checker, const SchemaNode *node, const Spot *spot, Findings *findings)
{
    static const Sized ARRAY = {"Array", "item", "too_short", "too_long"};
    check_range(&node->item_count, (int64_t)json_array_size(spot->value), &ARRAY, spot, findings);
    if (node->items_differ) {
        check_uniqueness(checker, spot, findings);
    }
}

static void check_object_size(const SchemaNode *node, const Spot *spot, Findings *findings)
{
    /* pydantic says "too_short" for dictionaries too. */
    static const Sized OBJECT = {"Object", "member", "too_short", "too_long"};
    check_range(&node->property_count, (int64_t)json_object_size(spot->value), &OBJECT, spot,
                findings);
}

bool types_fit(unsigned types, const json_t *value)
{
    return types == 0 || (types_of_value(value) & types) != 0;
}

bool check_assertions(Checker *checker,
                      const SchemaNode *node,
                      const Spot *spot,
                      Findings *findings)
{
    if (!types_fit(node->types, spot->value)) {
        report_type(findings, spot, node->types);
        return false;
    }
    /* One of both is said: generated schemas repeat a constant as an enum. */
    if ((node->constant == NULL || check_constant(node, spot, findings)) && node->choices != NULL) {
        check_choices(checker, node, spot, findings);
    }
    if (json_is_number(spot->value)) {
        check_number(node, spot, findings);
    } else if (json_is_string(spot->value)) {
        check_string(checker, node, spot, findings);
    } else if (json_is_array(spot->value)) {
        check_array_size(checker, node, spot, findings);
    } else if (json_is_object(spot->value)) {
        check_object_size(node, spot, findings);
    }
    return true;
}
