/* SPDX-License-Identifier: Apache-2.0 */
/* The command render. */
#include "base/alloc.h"
#include "base/file.h"
#include "commands.h"
#include "outputs.h"
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
    AUTO_OUTPUTS outputs = {.folder = NULL};
    AUTO_ANALYSIS_RESULT result = {.width_px = 0};
    if (!slide_open(slide_path, &slide, error) ||
        !command_overlay_region(options, &slide_info(slide)->levels[0], &region, error) ||
        !outputs_open_beside(&outputs, options->output, error) ||
        !command_analyze(slide_path, options, outputs.unfinished, &result, error)) {
        return false;
    }
    AUTO_FREE char *path = alloc_format("%s/%s", outputs.unfinished, path_name(options->output));
    return overlay_write(slide, &result, &region, path, error) && outputs_publish(&outputs, error);
}

int render_main(char *const *arguments)
{
    static const char *const endings[] = {".png", NULL};
    static const Command command = {&COMMAND_REGION_OPTION, 1, endings, render};
    return command_run(&command, arguments);
}
