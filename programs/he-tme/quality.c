/* SPDX-License-Identifier: Apache-2.0 */
/* The command quality. */
#include <string.h>

#include "analysis/overview.h"
#include "analysis/report_parts.h"
#include "commands.h"
#include "overlay.h"

static bool write_picture(const char *slide_path,
                          const CommandOptions *options,
                          const AnalysisResult *result,
                          Error *error)
{
    AUTO_SLIDE *slide = NULL;
    OverlayRegion region;
    return slide_open(slide_path, &slide, error) &&
           command_overlay_region(options, &slide_info(slide)->levels[0], &region, error) &&
           overlay_write(slide, result, &region, options->output, error);
}

static bool write_map(const CommandOptions *options, const AnalysisResult *result, Error *error)
{
    ReportMap map = {&result->quality, QUALITY_CLASSES, QUALITY_CLASS_COUNT, result};
    bool absolute = options->output[0] == '/';
    return report_map_image(&map, absolute ? "" : ".", options->output, error);
}

static bool quality(const char *slide_path, const CommandOptions *options, Error *error)
{
    AUTO_ANALYSIS_RESULT result = {.width_px = 0};
    if (!analysis_overview(slide_path, options->mpp, &result, error)) {
        return false;
    }
    size_t length = strlen(options->output);
    bool picture = length >= 4 && strcmp(options->output + length - 4, ".png") == 0;
    return picture ? write_picture(slide_path, options, &result, error)
                   : write_map(options, &result, error);
}

int quality_main(char *const *arguments)
{
    return command_run(arguments, &COMMAND_REGION_OPTION, 1, quality);
}
