/* SPDX-License-Identifier: Apache-2.0 */
/* The command quality. */
#include "analysis/overview.h"
#include "analysis/report_parts.h"
#include "base/alloc.h"
#include "base/file.h"
#include "commands.h"
#include "outputs.h"
#include "overlay.h"

static const char PICTURE_ENDING[] = ".png";

static bool write_picture(const char *slide_path,
                          const CommandOptions *options,
                          const AnalysisResult *result,
                          const char *folder,
                          Error *error)
{
    AUTO_FREE char *path = alloc_format("%s/%s", folder, path_name(options->output));
    AUTO_SLIDE *slide = NULL;
    OverlayRegion region;
    return slide_open(slide_path, &slide, error) &&
           command_overlay_region(options, &slide_info(slide)->levels[0], &region, error) &&
           overlay_write(slide, result, &region, path, error);
}

static bool write_map(const CommandOptions *options,
                      const AnalysisResult *result,
                      const char *folder,
                      Error *error)
{
    ReportMap map = {&result->quality, QUALITY_CLASSES, QUALITY_CLASS_COUNT, result};
    return report_map_image(&map, folder, path_name(options->output), error);
}

static bool quality(const char *slide_path, const CommandOptions *options, Error *error)
{
    AUTO_OUTPUTS outputs = {.folder = NULL};
    AUTO_ANALYSIS_RESULT result = {.width_px = 0};
    if (!outputs_open_beside(&outputs, options->output, error) ||
        !analysis_overview(slide_path, options->mpp, &result, error)) {
        return false;
    }
    bool written = command_ends_with(options->output, PICTURE_ENDING)
                       ? write_picture(slide_path, options, &result, outputs.unfinished, error)
                       : write_map(options, &result, outputs.unfinished, error);
    return written && outputs_publish(&outputs, error);
}

int quality_main(char *const *arguments)
{
    static const char *const endings[] = {PICTURE_ENDING, ".tiff", ".tif", NULL};
    static const Command command = {&COMMAND_REGION_OPTION, 1, endings, quality};
    return command_run(&command, arguments);
}
