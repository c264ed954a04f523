/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Metrics: what the process has counted since its start, in Prometheus' text format 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/). As with the log, there is one for
 * the process: counting costs a few instructions, takes no lock, and does nothing in a program that
 * did not open its metrics. A thread counts into cells that it shares with few others; they are
 * summed when somebody asks.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/metric_list.h"

#define LABEL_CONSTANT(constant, name, values) constant,
typedef enum MetricLabel { LABEL_LIST(LABEL_CONSTANT) LABEL_COUNT } MetricLabel;
#undef LABEL_CONSTANT

#define VALUE_CONSTANT(constant, value) constant,
enum { LABEL_STATUS_VALUES(VALUE_CONSTANT) STATUS_COUNT };
enum { LABEL_METHOD_VALUES(VALUE_CONSTANT) METHOD_COUNT };
enum { LABEL_DIRECTION_VALUES(VALUE_CONSTANT) DIRECTION_COUNT };
enum { LABEL_CLASS_VALUES(VALUE_CONSTANT) CLASS_COUNT };
enum { LABEL_STATE_VALUES(VALUE_CONSTANT) STATE_COUNT };
enum { LABEL_RESULT_VALUES(VALUE_CONSTANT) RESULT_COUNT };
typedef enum AttemptOutcome { LABEL_OUTCOME_VALUES(VALUE_CONSTANT) OUTCOME_COUNT } AttemptOutcome;
enum { LABEL_PHASE_VALUES(VALUE_CONSTANT) PHASE_COUNT };
#undef VALUE_CONSTANT

#define METRIC_CONSTANT(constant, program, kind, name, first, second, help) constant,
typedef enum Metric { METRIC_LIST(METRIC_CONSTANT) METRIC_COUNT } Metric;
#undef METRIC_CONSTANT

/* TIMES and LONG_TIMES are histograms of microseconds, of calls and of minutes. */
typedef enum MetricKind {
    METRIC_COUNTER,
    METRIC_GAUGE,
    METRIC_TIMES,
    METRIC_LONG_TIMES,
    METRIC_SAMPLED
} MetricKind;

typedef enum MetricProgram { METRIC_SERVER, METRIC_WORKER } MetricProgram;

/* To be called once, before any thread counts. `operations` are the values of the label of that
 * name; they are borrowed until nothing is written any more. */
void metrics_open(MetricProgram program, const char *const *operations, size_t operation_count);

/* Adds to a counter, or changes a gauge. `series` is the value of its label, 0 without one; for two
 * labels see metric_series. */
void metric_add(Metric metric, size_t series, int64_t number);
/* Counts a duration. */
void metric_observe(Metric metric, size_t series, int64_t duration_us);
size_t metric_series(Metric metric, size_t first_value, size_t second_value);
/* The value of the label "status" for an HTTP status. */
size_t metric_status(int status);

/* Writes all metrics of the program but the SAMPLED ones. */
void metrics_write(Buffer *out);
/* The two lines of a SAMPLED metric that stand before its samples, and one sample. `label_value`
 * may be any UTF-8 text; NULL: it has no label. */
void metrics_write_head(Buffer *out, Metric metric);
void metrics_write_sample(Buffer *out, Metric metric, const char *label_value, int64_t number);
