/* SPDX-License-Identifier: Apache-2.0 */
/* See fuzz_slide.h. */
#include "fuzz_slide.h"

#include <assert.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"

/* Larger tiles are refused or decoded like smaller ones, but take a second each. */
enum { TILE_PX_MAX = 512 * 512, REGION_SIDE_PX = 100 };

static bool told(bool done, const Error *error)
{
    assert(done == (error->code == ERROR_NONE));
    assert(done || error->message[0] != '\0');
    return done;
}

static void read_level(Slide *slide, int index)
{
    const SlideLevel *level = &slide_info(slide)->levels[index];
    size_t pixels = (size_t)level->tile_width_px * (size_t)level->tile_height_px;
    if (pixels > TILE_PX_MAX) {
        return;
    }
    AUTO_FREE uint8_t *rgb = alloc_array(pixels, 3);
    int64_t column = slide_tile_columns(level) - 1;
    int64_t row = slide_tile_rows(level) - 1;
    const int64_t tiles[][2] = {{0, 0}, {column, row}, {column / 2, row / 2}};
    for (size_t i = 0; i < ARRAY_COUNT(tiles); i++) {
        Error error = {.code = ERROR_NONE};
        (void)told(slide_read_tile(slide, index, tiles[i][0], tiles[i][1], rgb, &error), &error);
    }
    AUTO_FREE uint8_t *part = alloc_array((size_t)REGION_SIDE_PX * REGION_SIDE_PX, 3);
    SlideRegion region = {index, level->tile_width_px - REGION_SIDE_PX / 2,
                          level->tile_height_px - REGION_SIDE_PX / 2, REGION_SIDE_PX,
                          REGION_SIDE_PX};
    Error error = {.code = ERROR_NONE};
    (void)told(slide_read_region(slide, &region, part, &error), &error);
}

int fuzz_slide(SlideOpen open_slide, const uint8_t *bytes, size_t count)
{
    AUTO_FD fd = memfd_create("slide", MFD_CLOEXEC);
    assert(fd >= 0);
    assert(write(fd, bytes, count) == (ssize_t)count);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    AUTO_SLIDE *slide = NULL;
    Error error = {.code = ERROR_NONE};
    if (!told(open_slide(path, &slide, &error), &error)) {
        assert(slide == NULL);
        return 0;
    }
    Error limits = {.code = ERROR_NONE};
    if (told(slide_info_check(&slide->info, &limits), &limits)) {
        for (int i = 0; i < slide_info(slide)->level_count; i++) {
            read_level(slide, i);
        }
    }
    return 0;
}
