/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The nine files that he-tme 1.0.0 makes of an analysis. Positions are level 0 pixels, areas square
 * microns of the slide: where the last row or column of a map reaches beyond the image, only
 * what is inside counts. docs/he-tme.md describes the files for those who read them.
 */
#pragma once
#include <stdbool.h>

#include "analysis/result.h"
#include "base/error.h"
#include "json/writer.h"

typedef struct ReportOptions {
    const char *folder;     /* it exists */
    const char *slide_name; /* as its owner calls it */
    const char *slide_id;   /* NULL: it has none */
    unsigned thread_count;  /* 0: one for each core; the files are the same for any number */
} ReportOptions;

typedef struct ReportArtifact {
    const char *name; /* as the manifest declares it */
    const char *file;
    const char *mime_type;
} ReportArtifact;

enum { REPORT_ARTIFACT_COUNT = 9 };
extern const ReportArtifact REPORT_ARTIFACTS[REPORT_ARTIFACT_COUNT];

/* Writes all of them. */
MUST_CHECK bool
report_write(const AnalysisResult *result, const ReportOptions *options, Error *error);
/* The list of them with their metadata: the array "artifacts" of output.json. */
void report_describe(const AnalysisResult *result, JsonWriter *writer);
