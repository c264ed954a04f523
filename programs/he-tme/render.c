/* SPDX-License-Identifier: Apache-2.0 */
/* The command render. */
#include "base/parse.h"
#include "commands.h"
#include "overlay.h"

/* "X,Y,W,H" inside the image. */
static bool
read_region(const char *text, const SlideLevel *level, OverlayRegion *region_out, Error *error)
{
    if (text == NULL) {
        *region_out = (OverlayRegion){0, 0, level->width_px, level->height_px};
        return true;
    }
    Text rest = text_of(text);
    OverlayRegion region;
    bool valid =
        parse_int64(text_split(&rest, ','), 0, level->width_px - 1, &region.x_px) &&
        parse_int64(text_split(&rest, ','), 0, level->height_px - 1, &region.y_px) &&
        parse_int64(text_split(&rest, ','), 1, level->width_px - region.x_px, &region.width_px) &&
        parse_int64(text_split(&rest, ','), 1, level->height_px - region.y_px, &region.height_px) &&
        rest.bytes == NULL;
    if (!valid) {
        return error_set(error, ERROR_INVALID,
                         "--region must be X,Y,WIDTH,HEIGHT inside the %lld x %lld px of the slide",
                         (long long)level->width_px, (long long)level->height_px);
    }
    *region_out = region;
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
    return command_run(arguments, true, render);
}
