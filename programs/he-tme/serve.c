/* SPDX-License-Identifier: Apache-2.0 */
/* One request of the worker. */
#include <string.h>

#include "analysis/report.h"
#include "base/alloc.h"
#include "base/file.h"
#include "commands.h"

enum { SIDE_PX_MIN = 64, DESCRIPTION_BYTES_MAX = 64 * 1024, DESCRIPTION_MODE = 0644 };

/* What the schema of the input allows for resolution_mpp (application.json). */
static const double MPP_MIN = 0.08;
static const double MPP_MAX = 0.55;

/* The analysis has most of the work; writing the files has the rest. */
static const double ANALYSIS_SHARE = 0.95;

static bool check_slide(const Input *input, const SlideInfo *info, double *mpp_out, Error *error)
{
    const SlideLevel *level = &info->levels[0];
    if (level->width_px < SIDE_PX_MIN || level->height_px < SIDE_PX_MIN) {
        return error_set(
            error, ERROR_INVALID, "The slide has %lld x %lld px; at least %d x %d px are needed.",
            (long long)level->width_px, (long long)level->height_px, SIDE_PX_MIN, SIDE_PX_MIN);
    }
    double mpp = input_resolution_mpp(input, info);
    if (!(mpp > 0)) {
        return error_set(error, ERROR_INVALID,
                         "The slide does not tell its resolution; give it in the metadata "
                         "(resolution_mpp).");
    }
    if (mpp < MPP_MIN || mpp > MPP_MAX) {
        return error_set(error, ERROR_INVALID,
                         "The slide has %.4g microns per pixel; slides with %g to %g can be "
                         "processed.",
                         mpp, MPP_MIN, MPP_MAX);
    }
    *mpp_out = mpp;
    return true;
}

static bool check_input(const Input *input, double *mpp_out, Error *error)
{
    const char *staining = document_string(input->metadata, "staining_method");
    if (staining != NULL && strcmp(staining, "H&E") != 0) {
        return error_set(error, ERROR_INVALID,
                         "The staining method in the metadata (staining_method) is '%.40s'; only "
                         "slides stained with H&E can be processed.",
                         staining);
    }
    AUTO_SLIDE *slide = NULL;
    return input_open_slide(input, &slide, error) &&
           check_slide(input, slide_info(slide), mpp_out, error);
}

static void on_progress(void *context, double fraction, const char *stage)
{
    (void)context;
    application_progress(ANALYSIS_SHARE * fraction, stage);
}

static bool analyze(const Input *input, double mpp, AnalysisResult *result_out, Error *error)
{
    AnalysisOptions options = {.mpp = mpp, .progress = on_progress};
    if (!analysis_run(input->slide_path, &options, result_out, error)) {
        /* More cells than there can be: the slide is not what this is for. */
        error->code = error->code == ERROR_LIMIT ? ERROR_INVALID : error->code;
        return false;
    }
    return true;
}

/* Last of all: its presence says that the files are complete. */
static bool write_description(const AnalysisResult *result, const char *folder, Error *error)
{
    AUTO_BUFFER buffer;
    buffer_init(&buffer, DESCRIPTION_BYTES_MAX);
    JsonWriter writer;
    writer_init(&writer, &buffer);
    writer_begin_object(&writer);
    writer_key(&writer, "artifacts");
    report_describe(result, &writer);
    writer_end_object(&writer);
    AUTO_FREE char *path = alloc_format("%s/output.json", folder);
    return file_write(path, buffer_view(&buffer), DESCRIPTION_MODE, error);
}

bool serve_process(const Input *input, const char *output_folder, Error *error)
{
    double mpp = 0;
    AUTO_ANALYSIS_RESULT result = {.width_px = 0};
    if (!check_input(input, &mpp, error) || !analyze(input, mpp, &result, error)) {
        return false;
    }
    application_progress(ANALYSIS_SHARE, "writing results");
    ReportOptions options = {
        .folder = output_folder, .slide_name = input->external_id, .slide_id = input->item_id};
    return report_write(&result, &options, error) &&
           write_description(&result, output_folder, error);
}
