/* SPDX-License-Identifier: Apache-2.0 */
/* Counting and writing; see metrics.h. */
#include "base/metrics.h"

#include <assert.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/attributes.h"
#include "base/clock.h"

enum {
    /* Threads beyond this share their cells with another one. */
    STRIPES = 16,
    BOUNDS_MAX = 14,
    /* Series of a metric with more than so many are shown from their first event on. */
    SERIES_SHOWN_AT_ZERO_MAX = 16,
    CACHE_LINE_BYTES = 64,
    CELLS_A_LINE = CACHE_LINE_BYTES / sizeof(int64_t)
};

typedef atomic_int_fast64_t Cell;

typedef struct Description {
    MetricProgram program;
    MetricKind kind;
    const char *name;
    MetricLabel labels[2];
    const char *help;
} Description;

#define DESCRIPTION(constant, program, kind, name, first, second, help)                            \
    [constant] = {METRIC_##program, METRIC_##kind, name, {LABEL_##first, LABEL_##second}, help},
static const Description DESCRIPTIONS[METRIC_COUNT] = {METRIC_LIST(DESCRIPTION)};
#undef DESCRIPTION

#define LABEL_NAME(constant, name, values) [constant] = (name),
static const char *const LABEL_NAMES[LABEL_COUNT] = {LABEL_LIST(LABEL_NAME)};
#undef LABEL_NAME

/* A NULL stands behind the values, so that a label may have none of its own. */
#define VALUE_TEXT(constant, value) value,
#define LABEL_TEXTS(constant, name, values)                                                        \
    static const char *const constant##_TEXTS[] = {values(VALUE_TEXT) NULL};
LABEL_LIST(LABEL_TEXTS)
#undef LABEL_TEXTS
#undef VALUE_TEXT

typedef struct LabelValues {
    const char *const *texts;
    size_t count;
} LabelValues;

#define LABEL_OWN(constant, name, values)                                                          \
    [constant] = {constant##_TEXTS, ARRAY_COUNT(constant##_TEXTS) - 1},
static const LabelValues OWN_VALUES[LABEL_COUNT] = {LABEL_LIST(LABEL_OWN)};
#undef LABEL_OWN

/* Upper bounds in microseconds; one more bucket takes the rest. */
static const int64_t TIME_BOUNDS[BOUNDS_MAX] = {500,     1000,    2500,    5000,    10000,
                                                25000,   50000,   100000,  250000,  500000,
                                                1000000, 2500000, 5000000, 10000000};
static const int64_t LONG_TIME_BOUNDS[BOUNDS_MAX] = {
    10000,    50000,     250000,    1000000,   5000000,    15000000,   30000000,
    60000000, 120000000, 300000000, 600000000, 1800000000, 3600000000, 14400000000};

enum { BUCKETS = BOUNDS_MAX + 1, SUM_CELL = BUCKETS, HISTOGRAM_CELLS };

/* Where the cells of a metric are in a stripe. */
typedef struct Place {
    size_t first_cell;
    size_t cells_a_series;
    size_t series_count;       /* 0: this program does not count it */
    size_t second_value_count; /* of its second label; 1 without */
} Place;

/* What metrics_open lays out and nothing changes afterwards. */
static struct {
    LabelValues operations;
    Cell *stripes[STRIPES]; /* NULL: not open */
    Place places[METRIC_COUNT];
} registry;

static atomic_uint next_stripe;
static _Thread_local unsigned own_stripe = STRIPES; /* not chosen yet */

static LabelValues values_of(MetricLabel label)
{
    return label == LABEL_OPERATION ? registry.operations : OWN_VALUES[label];
}

/* A label that is not there has one value. */
static size_t value_count(MetricLabel label)
{
    return label == LABEL_NONE ? 1 : values_of(label).count;
}

static bool is_histogram(MetricKind kind)
{
    return kind == METRIC_TIMES || kind == METRIC_LONG_TIMES;
}

static Place place_of(const Description *description, MetricProgram program, size_t first_cell)
{
    bool counted = description->program == program && description->kind != METRIC_SAMPLED;
    size_t second_value_count = value_count(description->labels[1]);
    return (Place){.first_cell = first_cell,
                   .cells_a_series = is_histogram(description->kind) ? HISTOGRAM_CELLS : 1,
                   .series_count =
                       counted ? value_count(description->labels[0]) * second_value_count : 0,
                   .second_value_count = second_value_count};
}

void metrics_open(MetricProgram program, const char *const *operations, size_t operation_count)
{
    assert(registry.stripes[0] == NULL);
    registry.operations = (LabelValues){operations, operation_count};
    size_t count = 0;
    for (size_t i = 0; i < METRIC_COUNT; i++) {
        registry.places[i] = place_of(&DESCRIPTIONS[i], program, count);
        count += registry.places[i].series_count * registry.places[i].cells_a_series;
    }
    /* A line of its own between two stripes, so that threads do not write to a common one. */
    for (size_t i = 0; i < STRIPES; i++) {
        registry.stripes[i] = alloc_zeroed(count + CELLS_A_LINE, sizeof(Cell));
    }
}

/* The calling thread's cells of a series; NULL: the program does not count it. */
static Cell *cells_of(Metric metric, size_t series)
{
    const Place *place = &registry.places[metric];
    if (place->series_count == 0) {
        return NULL;
    }
    assert(series < place->series_count);
    if (own_stripe == STRIPES) {
        own_stripe = atomic_fetch_add_explicit(&next_stripe, 1, memory_order_relaxed) % STRIPES;
    }
    return &registry.stripes[own_stripe][place->first_cell + series * place->cells_a_series];
}

static void cell_add(Cell *cell, int64_t number)
{
    atomic_fetch_add_explicit(cell, number, memory_order_relaxed);
}

void metric_add(Metric metric, size_t series, int64_t number)
{
    Cell *cell = cells_of(metric, series);
    if (cell != NULL) {
        cell_add(cell, number);
    }
}

static const int64_t *bounds_of(MetricKind kind)
{
    return kind == METRIC_TIMES ? TIME_BOUNDS : LONG_TIME_BOUNDS;
}

void metric_observe(Metric metric, size_t series, int64_t duration_us)
{
    Cell *cells = cells_of(metric, series);
    if (cells == NULL) {
        return;
    }
    const int64_t *bounds = bounds_of(DESCRIPTIONS[metric].kind);
    size_t bucket = 0;
    while (bucket < BOUNDS_MAX && duration_us > bounds[bucket]) {
        bucket++;
    }
    cell_add(&cells[bucket], 1);
    cell_add(&cells[SUM_CELL], duration_us < 0 ? 0 : duration_us);
}

size_t metric_series(Metric metric, size_t first_value, size_t second_value)
{
    return first_value * registry.places[metric].second_value_count + second_value;
}

size_t metric_status(int status)
{
    for (size_t i = 0; i < STATUS_OTHER; i++) {
        const char *digits = LABEL_STATUS_TEXTS[i];
        if ((digits[0] - '0') * 100 + (digits[1] - '0') * 10 + (digits[2] - '0') == status) {
            return i;
        }
    }
    return STATUS_OTHER;
}

/* Writing. */

static int64_t cell_sum(Metric metric, size_t index)
{
    int64_t sum = 0;
    for (size_t i = 0; i < STRIPES; i++) {
        sum += atomic_load_explicit(
            &registry.stripes[i][registry.places[metric].first_cell + index], memory_order_relaxed);
    }
    return sum;
}

/* A backslash and a line feed are escaped, in a label's value a quotation mark too. */
static void write_escaped(Buffer *out, const char *text, bool quoted)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '\\' || (*c == '"' && quoted)) {
            buffer_byte(out, '\\');
            buffer_byte(out, *c);
        } else if (*c == '\n') {
            buffer_string(out, "\\n");
        } else {
            buffer_byte(out, *c);
        }
    }
}

static void write_label(Buffer *out, const char *name, const char *value, bool is_first)
{
    buffer_format(out, "%s%s=\"", is_first ? "{" : ",", name);
    write_escaped(out, value, true);
    buffer_byte(out, '"');
}

/* Name, suffix and labels of one line; `bound` is the value of le, NULL: it has none. */
static void
write_series(Buffer *out, Metric metric, const char *suffix, size_t series, const char *bound)
{
    const Description *description = &DESCRIPTIONS[metric];
    size_t second_count = registry.places[metric].second_value_count;
    const size_t values[] = {series / second_count, series % second_count};
    bool is_first = true;
    buffer_format(out, "%s%s", description->name, suffix);
    for (size_t i = 0; i < ARRAY_COUNT(values); i++) {
        MetricLabel label = description->labels[i];
        if (label != LABEL_NONE) {
            write_label(out, LABEL_NAMES[label], values_of(label).texts[values[i]], is_first);
            is_first = false;
        }
    }
    if (bound != NULL) {
        write_label(out, "le", bound, is_first);
        is_first = false;
    }
    buffer_string(out, is_first ? " " : "} ");
}

static void write_histogram(Buffer *out, Metric metric, size_t series)
{
    const int64_t *bounds = bounds_of(DESCRIPTIONS[metric].kind);
    size_t first = series * HISTOGRAM_CELLS;
    int64_t count = 0;
    for (size_t i = 0; i < BUCKETS; i++) {
        char bound[32] = "+Inf";
        if (i < BOUNDS_MAX) {
            snprintf(bound, sizeof bound, "%.10g",
                     (double)bounds[i] / (double)MICROSECONDS_PER_SECOND);
        }
        count += cell_sum(metric, first + i);
        write_series(out, metric, "_bucket", series, bound);
        buffer_format(out, "%" PRId64 "\n", count);
    }
    long long sum_us = cell_sum(metric, first + SUM_CELL);
    write_series(out, metric, "_sum", series, NULL);
    buffer_format(out, "%lld.%06lld\n", sum_us / MICROSECONDS_PER_SECOND,
                  sum_us % MICROSECONDS_PER_SECOND);
    write_series(out, metric, "_count", series, NULL);
    buffer_format(out, "%" PRId64 "\n", count);
}

static bool has_happened(Metric metric, size_t series)
{
    size_t cells = registry.places[metric].cells_a_series;
    for (size_t i = 0; i < cells; i++) {
        if (cell_sum(metric, series * cells + i) != 0) {
            return true;
        }
    }
    return false;
}

static void write_metric(Buffer *out, Metric metric)
{
    const Description *description = &DESCRIPTIONS[metric];
    size_t count = registry.places[metric].series_count;
    metrics_write_head(out, metric);
    for (size_t series = 0; series < count; series++) {
        if (count > SERIES_SHOWN_AT_ZERO_MAX && !has_happened(metric, series)) {
            continue;
        }
        if (is_histogram(description->kind)) {
            write_histogram(out, metric, series);
        } else {
            write_series(out, metric, "", series, NULL);
            buffer_format(out, "%" PRId64 "\n", cell_sum(metric, series));
        }
    }
}

void metrics_write(Buffer *out)
{
    for (size_t i = 0; i < METRIC_COUNT; i++) {
        if (registry.places[i].series_count > 0) {
            write_metric(out, (Metric)i);
        }
    }
}

void metrics_write_head(Buffer *out, Metric metric)
{
    static const char *const TYPES[] = {[METRIC_COUNTER] = "counter",
                                        [METRIC_GAUGE] = "gauge",
                                        [METRIC_TIMES] = "histogram",
                                        [METRIC_LONG_TIMES] = "histogram",
                                        [METRIC_SAMPLED] = "gauge"};
    const Description *description = &DESCRIPTIONS[metric];
    buffer_format(out, "# HELP %s ", description->name);
    write_escaped(out, description->help, false);
    buffer_format(out, "\n# TYPE %s %s\n", description->name, TYPES[description->kind]);
}

void metrics_write_sample(Buffer *out, Metric metric, const char *label_value, int64_t number)
{
    const Description *description = &DESCRIPTIONS[metric];
    buffer_string(out, description->name);
    if (label_value != NULL) {
        write_label(out, LABEL_NAMES[description->labels[0]], label_value, true);
        buffer_byte(out, '}');
    }
    buffer_format(out, " %" PRId64 "\n", number);
}
