/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A class map as a tiled palette TIFF. Coarser pages show at each pixel the class that most of
 * its four have, so that a viewer need not read all of a large map.
 */
#include <string.h>

#include "analysis/report_file.h"
#include "analysis/report_parts.h"
#include "base/alloc.h"
#include "slides/tiff_handle.h"

enum { TILE_SIDE_PX_MAX = 256, TILE_STEP_PX = 16, SMALL_SIDE_PX = 1024, PALETTE_SIZE = 256 };

static const double MICRONS_PER_CM = 10000;

typedef struct Page {
    const uint8_t *classes;
    int32_t width_px;
    int32_t height_px;
    int32_t tile_width_px;
    int32_t tile_height_px;
    double mpp;
    bool reduced;
} Page;

/* "TileWidth must be a multiple of 16" (TIFF 6.0). Within that no larger than the image: OpenSlide
 * 3.4.1 shows what lies in memory where a tile reaches beyond the only one of its row or column. */
static int32_t tile_side(int32_t side_px)
{
    int32_t whole_px = side_px - side_px % TILE_STEP_PX;
    int32_t at_least_px = whole_px > TILE_STEP_PX ? whole_px : TILE_STEP_PX;
    return at_least_px < TILE_SIDE_PX_MAX ? at_least_px : TILE_SIDE_PX_MAX;
}

static Page page_of(const uint8_t *classes, int32_t width_px, int32_t height_px, double mpp)
{
    return (Page){.classes = classes,
                  .width_px = width_px,
                  .height_px = height_px,
                  .tile_width_px = tile_side(width_px),
                  .tile_height_px = tile_side(height_px),
                  .mpp = mpp};
}

static void cleanup_tiff(TiffHandle *handle)
{
    tiff_handle_close(handle);
}

/* White where there is no class. libtiff takes as many colours as the bits that are set by then. */
static void set_palette(TIFF *tiff, const ReportMap *map)
{
    uint16_t palette[3][PALETTE_SIZE];
    memset(palette, 0xff, sizeof palette);
    for (int class = 1; class < map->class_count; class ++) {
        for (int channel = 0; channel < 3; channel++) {
            palette[channel][class] = (uint16_t)(map->classes[class].color[channel] * 257);
        }
    }
    TIFFSetField(tiff, TIFFTAG_COLORMAP, palette[0], palette[1], palette[2]);
}

static void set_tags(TIFF *tiff, const Page *page)
{
    double pixels_per_cm = MICRONS_PER_CM / page->mpp;
    TIFFSetField(tiff, TIFFTAG_SUBFILETYPE, page->reduced ? FILETYPE_REDUCEDIMAGE : 0);
    TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, (uint32_t)page->width_px);
    TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, (uint32_t)page->height_px);
    TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, 8);
    TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, 1);
    TIFFSetField(tiff, TIFFTAG_PLANARCONFIG, PLANARCONFIG_CONTIG);
    TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_PALETTE);
    TIFFSetField(tiff, TIFFTAG_COMPRESSION, COMPRESSION_ADOBE_DEFLATE);
    TIFFSetField(tiff, TIFFTAG_TILEWIDTH, (uint32_t)page->tile_width_px);
    TIFFSetField(tiff, TIFFTAG_TILELENGTH, (uint32_t)page->tile_height_px);
    TIFFSetField(tiff, TIFFTAG_RESOLUTIONUNIT, RESUNIT_CENTIMETER);
    TIFFSetField(tiff, TIFFTAG_XRESOLUTION, pixels_per_cm);
    TIFFSetField(tiff, TIFFTAG_YRESOLUTION, pixels_per_cm);
}

static int32_t smaller(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static void cut_tile(const Page *page, int32_t x, int32_t y, uint8_t *tile)
{
    int32_t width = smaller(page->width_px - x, page->tile_width_px);
    int32_t height = smaller(page->height_px - y, page->tile_height_px);
    memset(tile, 0, (size_t)page->tile_width_px * (size_t)page->tile_height_px);
    for (int32_t row = 0; row < height; row++) {
        const uint8_t *from = page->classes + (size_t)(y + row) * (size_t)page->width_px + x;
        memcpy(tile + (size_t)row * (size_t)page->tile_width_px, from, (size_t)width);
    }
}

static bool write_page(TIFF *tiff, const ReportMap *map, const Page *page)
{
    set_tags(tiff, page);
    set_palette(tiff, map);
    uint8_t tile[TILE_SIDE_PX_MAX * TILE_SIDE_PX_MAX];
    for (int32_t y = 0; y < page->height_px; y += page->tile_height_px) {
        for (int32_t x = 0; x < page->width_px; x += page->tile_width_px) {
            cut_tile(page, x, y, tile);
            if (TIFFWriteTile(tiff, tile, (uint32_t)x, (uint32_t)y, 0, 0) < 0) {
                return false;
            }
        }
    }
    return TIFFWriteDirectory(tiff) == 1;
}

/* Of four; of equally many the one that comes first. */
static uint8_t most_frequent(const uint8_t classes[4])
{
    int best = 0;
    int best_count = 0;
    for (int i = 0; i < 4; i++) {
        int count = 0;
        for (int k = 0; k < 4; k++) {
            count += classes[k] == classes[i];
        }
        if (count > best_count) {
            best = i;
            best_count = count;
        }
    }
    return classes[best];
}

/* At odd edges the last row or column counts twice. */
static uint8_t *halve(const Page *page)
{
    int32_t width = (page->width_px + 1) / 2;
    int32_t height = (page->height_px + 1) / 2;
    uint8_t *half = alloc_array((size_t)width * (size_t)height, 1);
    for (int32_t y = 0; y < height; y++) {
        const uint8_t *above = page->classes + (size_t)(2 * y) * (size_t)page->width_px;
        const uint8_t *below = 2 * y + 1 < page->height_px ? above + page->width_px : above;
        for (int32_t x = 0; x < width; x++) {
            int32_t left = 2 * x;
            int32_t right = left + 1 < page->width_px ? left + 1 : left;
            const uint8_t four[4] = {above[left], above[right], below[left], below[right]};
            half[(size_t)y * (size_t)width + (size_t)x] = most_frequent(four);
        }
    }
    return half;
}

static bool write_pages(TIFF *tiff, const ReportMap *map)
{
    const ClassMap *full = map->map;
    Page page = page_of(full->classes, full->width_px, full->height_px, full->mpp);
    AUTO_FREE uint8_t *owned = NULL;
    for (;;) {
        if (!write_page(tiff, map, &page)) {
            return false;
        }
        if (page.width_px <= SMALL_SIDE_PX && page.height_px <= SMALL_SIDE_PX) {
            return true;
        }
        uint8_t *half = halve(&page);
        alloc_free(owned);
        owned = half;
        page = page_of(half, (page.width_px + 1) / 2, (page.height_px + 1) / 2, 2 * page.mpp);
        page.reduced = true;
    }
}

bool report_map_image(const ReportMap *map, const char *folder, const char *name, Error *error)
{
    AUTO_FREE char *path = alloc_format("%s/%s", folder, name);
    CLEANUP(cleanup_tiff) TiffHandle handle = {.tiff = NULL};
    if (!tiff_handle_open(&handle, path, "w", error)) {
        error->code = ERROR_INTERNAL;
        return error_context(error, "'%s'", path);
    }
    if (!write_pages(handle.tiff, map)) {
        tiff_handle_error(&handle, "The TIFF cannot be written", error);
        error->code = ERROR_INTERNAL;
        return error_context(error, "'%s'", path);
    }
    return true;
}
