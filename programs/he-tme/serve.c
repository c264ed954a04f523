/* SPDX-License-Identifier: Apache-2.0 */
/* One request of the worker. */
#include <string.h>

#include "analysis/report.h"
#include "base/alloc.h"
#include "base/file.h"
#include "commands.h"

enum { DESCRIPTION_BYTES_MAX = 64 * 1024, DESCRIPTION_MODE = 0644 };

/* A side of the slide, and what the schema of the input allows for resolution_mpp
 * (application.json). */
enum { SIDE_PX_MIN = 64, SIDE_PX_MAX = 150000 };
static const double MPP_MIN = 0.08;
static const double MPP_MAX = 0.55;

/* The analysis has most of the work; writing the files has the rest. */
static const double ANALYSIS_SHARE = 0.95;

static bool check_side(const char *side, int64_t found, Error *error)
{
    bool small = found < SIDE_PX_MIN;
    if (!small && found <= SIDE_PX_MAX) {
        return true;
    }
    return error_set(error, ERROR_INVALID, "The image %s is %lld px, but the %s %s is %d px", side,
                     (long long)found, small ? "minimum" : "maximum", side,
                     small ? SIDE_PX_MIN : SIDE_PX_MAX);
}

static bool check_resolution(const SlideInfo *info, double mpp, Error *error)
{
    if (!(mpp > 0) && !slide_check_square(info, error)) {
        return false;
    }
    if (!(mpp > 0)) {
        return error_set(error, ERROR_INVALID,
                         "The slide does not tell its resolution; give it in the metadata "
                         "(resolution_mpp).");
    }
    if (mpp < MPP_MIN || mpp > MPP_MAX) {
        return error_set(error, ERROR_INVALID,
                         "The image resolution is %.4g microns per pixel, but it must be %g to %g",
                         mpp, MPP_MIN, MPP_MAX);
    }
    return true;
}

static bool check_slide(const Input *input, const SlideInfo *info, double *mpp_out, Error *error)
{
    const SlideLevel *level = &info->levels[0];
    double mpp = input_resolution_mpp(input, info);
    if (!check_side("width", level->width_px, error) ||
        !check_side("height", level->height_px, error) || !check_resolution(info, mpp, error)) {
        return false;
    }
    if (info->staining == SLIDE_STAINING_OTHER) {
        return error_set(error, ERROR_INVALID,
                         "The file says that the slide is stained with other substances than "
                         "haematoxylin and eosin; only slides stained with H&E can be processed.");
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

static bool analyze(const Input *input,
                    double mpp,
                    const char *output_folder,
                    AnalysisResult *result_out,
                    Error *error)
{
    AnalysisOptions options = {
        .mpp = mpp, .scratch_folder = output_folder, .progress = on_progress};
    return analysis_run(input->slide_path, &options, result_out, error);
}

/* Last of all: its presence says that the files are complete. */
static bool
write_description(const AnalysisResult *result, const ReportOptions *options, Error *error)
{
    AUTO_BUFFER buffer;
    buffer_init(&buffer, DESCRIPTION_BYTES_MAX);
    JsonWriter writer;
    writer_init(&writer, &buffer);
    writer_begin_object(&writer);
    writer_key(&writer, "artifacts");
    report_describe(result, options->version, &writer);
    writer_end_object(&writer);
    AUTO_FREE char *path = alloc_format("%s/output.json", options->folder);
    return file_write(path, buffer_view(&buffer), DESCRIPTION_MODE, error);
}

static bool
process(const Input *input, const char *output_folder, ReportVersion version, Error *error)
{
    double mpp = 0;
    AUTO_ANALYSIS_RESULT result = {.width_px = 0};
    if (!check_input(input, &mpp, error) || !analyze(input, mpp, output_folder, &result, error)) {
        return false;
    }
    application_progress(ANALYSIS_SHARE, "writing results");
    ReportOptions options = {.folder = output_folder,
                             .slide_name = input->external_id,
                             .slide_id = input->item_id,
                             .version = version};
    return report_write(&result, &options, error) && write_description(&result, &options, error);
}

/* All versions are one program: the request says as which it is asked. */
bool serve_process(const Input *input, const char *output_folder, Error *error)
{
    ReportVersion version;
    if (input->version_number == NULL) {
        return error_set(error, ERROR_INTERNAL, "the request has no version_number");
    }
    if (!report_version_find(input->version_number, &version, error)) {
        return false;
    }
    if (!process(input, output_folder, version, error)) {
        /* Beyond what there can be of cells or corners: the slide is not what this is for. */
        error->code = error->code == ERROR_LIMIT ? ERROR_INVALID : error->code;
        return false;
    }
    return true;
}
