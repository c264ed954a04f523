/* SPDX-License-Identifier: Apache-2.0 */
/* The command render. */
#include "commands.h"
#include "overlay.h"

static const Option RENDER_OPTIONS[] = {
    {"region", OPTION_STRING, offsetof(CommandOptions, region), "X,Y,W,H", "the part to draw"},
};

static bool
read_region(const char *text, const SlideLevel *level, OverlayRegion *region_out, Error *error)
{
    AnalysisRegion region = {0, 0, level->width_px, level->height_px};
    if (text != NULL && !command_region("region", text, level, &region, error)) {
        return false;
    }
    *region_out = (OverlayRegion){region.x_px, region.y_px, region.width_px, region.height_px};
    return true;
}

static bool render(const char *slide_path, const CommandOptions *options, Error *error)
{
    AUTO_SLIDE *slide = NULL;
    OverlayRegion region;
    AUTO_ANALYSIS_RESULT result = {.width_px = 0};
    return slide_open(slide_path, &slide, error) &&
           read_region(options->region, &slide_info(slide)->levels[0], &region, error) &&
           command_analyze(slide_path, options, &result, error) &&
           overlay_write(slide, &result, &region, options->output, error);
}

int render_main(char *const *arguments)
{
    return command_run(arguments, RENDER_OPTIONS, ARRAY_COUNT(RENDER_OPTIONS), render);
}
