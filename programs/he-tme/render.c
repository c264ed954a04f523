/* SPDX-License-Identifier: Apache-2.0 */
/* The command render. */
#include "commands.h"
#include "overlay.h"

const Option COMMAND_REGION_OPTION = {"region", OPTION_STRING, offsetof(CommandOptions, region),
                                      "X,Y,W,H", "the part to draw"};

bool command_overlay_region(const CommandOptions *options,
                            const SlideLevel *level,
                            OverlayRegion *region_out,
                            Error *error)
{
    const char *text = options->region;
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
           command_overlay_region(options, &slide_info(slide)->levels[0], &region, error) &&
           command_analyze(slide_path, options, NULL, &result, error) &&
           overlay_write(slide, &result, &region, options->output, error);
}

int render_main(char *const *arguments)
{
    return command_run(arguments, &COMMAND_REGION_OPTION, 1, render);
}
