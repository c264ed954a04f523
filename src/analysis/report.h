/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files that he-tme makes of an analysis: nine as version 1.0.0, and with the polygons as
 * tables twelve as version 1.2.0. Positions are level 0 pixels, areas square microns of the slide:
 * where the last row or column of a map reaches beyond the image, only what is inside counts.
 * docs/he-tme.md describes the files for those who read them.
 */
#pragma once
#include <stdbool.h>

#include "analysis/result.h"
#include "base/error.h"
#include "json/writer.h"

/* What is registered as a version never changes: each goes on writing the files of its manifest. */
typedef enum ReportVersion {
    REPORT_1_0_0,
    REPORT_1_2_0,
    REPORT_VERSION_COUNT,
    REPORT_VERSION_LATEST = REPORT_1_2_0
} ReportVersion;

/* "1.2.0" */
extern const char *const REPORT_VERSION_NUMBERS[REPORT_VERSION_COUNT];
/* ERROR_NOT_FOUND for a number that is none of them. */
MUST_CHECK bool report_version_find(const char *number, ReportVersion *version_out, Error *error);

typedef struct ReportOptions {
    const char *folder;     /* it exists */
    const char *slide_name; /* as its owner calls it */
    const char *slide_id;   /* NULL: it has none */
    ReportVersion version;
    unsigned thread_count; /* 0: one for each core; the files are the same for any number */
} ReportOptions;

/* Writes all that the version has. ERROR_LIMIT: the slide is not what this is for. */
MUST_CHECK bool
report_write(const AnalysisResult *result, const ReportOptions *options, Error *error);
/* The list of them with their metadata: the array "artifacts" of output.json. */
void report_describe(const AnalysisResult *result, ReportVersion version, JsonWriter *writer);
