/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the pixels of a region of a slide to the standard output, as RGB without a header, so that
 * tests can compare them with those of another reader. With `tile` the region is a tile.
 *
 * usage: read_slide region FILE LEVEL X Y WIDTH HEIGHT
 *        read_slide tile FILE LEVEL COLUMN ROW
 */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/parse.h"
#include "slides/slide.h"

enum { NUMBERS_MAX = 5, EXIT_USAGE = 2 };

static bool
write_pixels(Slide *slide, bool region, const int64_t numbers[NUMBERS_MAX], Error *error)
{
    int level = (int)numbers[0];
    SlideRegion part = {level, numbers[1], numbers[2], (int32_t)numbers[3], (int32_t)numbers[4]};
    if (!region) {
        if (level < 0 || level >= slide_info(slide)->level_count) {
            return error_set(error, ERROR_INVALID, "there is no such level");
        }
        part.width_px = slide_info(slide)->levels[level].tile_width_px;
        part.height_px = slide_info(slide)->levels[level].tile_height_px;
    }
    size_t bytes = (size_t)part.width_px * (size_t)part.height_px * 3;
    AUTO_FREE uint8_t *rgb = alloc_array(bytes, 1);
    bool read = region ? slide_read_region(slide, &part, rgb, error)
                       : slide_read_tile(slide, level, part.x_px, part.y_px, rgb, error);
    return read && (fwrite(rgb, 1, bytes, stdout) == bytes ||
                    error_set(error, ERROR_INTERNAL, "the pixels cannot be written"));
}

int main(int argument_count, char **arguments)
{
    bool region = argument_count == 8 && strcmp(arguments[1], "region") == 0;
    bool tile = argument_count == 6 && strcmp(arguments[1], "tile") == 0;
    int64_t numbers[NUMBERS_MAX] = {0};
    for (int i = 3; i < argument_count && (region || tile); i++) {
        if (!parse_int64(text_of(arguments[i]), -1000000, 1000000, &numbers[i - 3])) {
            region = tile = false;
        }
    }
    if (!region && !tile) {
        fputs("usage: read_slide region FILE LEVEL X Y WIDTH HEIGHT | tile FILE LEVEL COLUMN ROW\n",
              stderr);
        return EXIT_USAGE;
    }
    Error error = {.code = ERROR_NONE};
    AUTO_SLIDE *slide = NULL;
    if (!slide_open(arguments[2], &slide, &error) ||
        !write_pixels(slide, region, numbers, &error)) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    return 0;
}
