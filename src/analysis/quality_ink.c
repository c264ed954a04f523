/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ink of pens: a colour that haematoxylin and eosin cannot mix. The densities of a mixture lie
 * between those of the two stains (Ruifrok and Johnston: Quantification of histochemical staining
 * by color deconvolution, 2001), and a pen is told by how far it lies outside: that pens mark
 * slides, and by colour, is the finding of Janowczyk et al. (HistoQC: an open-source quality
 * control tool for digital pathology slides, 2019). Where red ink and eosin come close, strong
 * places of ink decide on the weak ones that hang together with them, as in Canny's edge detector
 * (A computational approach to edge detection, 1986).
 *
 * The limits are percentiles of tissue, the tiles of BRCA-M2C that tools/fit/fit_quality.py names;
 * no picture of a pen was used for them.
 */
#include <math.h>

#include "analysis/quality_parts.h"
#include "analysis/stain.h"

/* In thousandths. Green and blue pens absorb more red than green: of tissue, 99.99 % has at least
 * 13 less. */
#define COLOR_RED_MIN 120
#define COLOR_RED_OVER_GREEN 30
/* Black absorbs all alike: 99.99 % of tissue has a blue below 0.80 of its green. */
#define BLACK_GREEN_MIN 300
#define BLACK_RED_SHARE 0.75
#define BLACK_BLUE_SHARE 0.85
/* Red absorbs hardly any red. Where that is so, blue is 0.77 of green in a thousandth of tissue
 * and 0.66 in one of fourteen. */
#define RED_GREEN_MIN 200
#define RED_RED_SHARE 0.35
#define RED_BLUE_SHARE_STRONG 0.77
#define RED_BLUE_SHARE_WEAK 0.66
/* So much of a red region must be strong. A pen's stroke is some 0.3 mm wide and longer than
 * that. */
#define RED_STRONG_UM2_MIN 2000.0
/* The edge of a stroke is as little to be trusted. */
#define EDGE_UM 8.0
#define INK_UM2_MIN 10000.0

typedef enum Ink { INK_NONE, INK_PLAIN, INK_RED_WEAK, INK_RED_STRONG } Ink;

static Ink ink_of(uint16_t red, uint16_t green, uint16_t blue)
{
    bool colored = red >= COLOR_RED_MIN && red >= green + COLOR_RED_OVER_GREEN;
    bool black = green >= BLACK_GREEN_MIN && red >= BLACK_RED_SHARE * green &&
                 blue >= BLACK_BLUE_SHARE * green;
    if (colored || black) {
        return INK_PLAIN;
    }
    bool reddish = green >= RED_GREEN_MIN && red <= RED_RED_SHARE * green &&
                   blue >= RED_BLUE_SHARE_WEAK * green;
    if (!reddish) {
        return INK_NONE;
    }
    return blue >= RED_BLUE_SHARE_STRONG * green ? INK_RED_STRONG : INK_RED_WEAK;
}

typedef struct InkSearch {
    const QualityWork *work;
    const DensityTables *tables;
} InkSearch;

static Ink ink_at(const InkSearch *search, size_t place)
{
    const DensityTables *tables = search->tables;
    const uint8_t *rgb = search->work->maps->rgb + place * 3;
    return ink_of(tables->channels[0][rgb[0]], tables->channels[1][rgb[1]],
                  tables->channels[2][rgb[2]]);
}

static void mark_red(void *context, const MapStrip *strip)
{
    static const uint8_t VALUES[] = {[INK_RED_WEAK] = MASK_WEAK, [INK_RED_STRONG] = MASK_STRONG};
    const InkSearch *search = context;
    uint8_t *mask = search->work->mask;
    for (size_t i = strip->offset; i < strip->offset + strip->seen; i++) {
        mask[i] = VALUES[ink_at(search, i)];
    }
}

static void add_plain(void *context, const MapStrip *strip)
{
    const InkSearch *search = context;
    uint8_t *mask = search->work->mask;
    for (size_t i = strip->offset; i < strip->offset + strip->seen; i++) {
        mask[i] = mask[i] != 0 || ink_at(search, i) == INK_PLAIN;
    }
}

void quality_find_ink(QualityWork *work, const DensityTables *tables)
{
    InkSearch search = {work, tables};
    RasterSize size = work->maps->size;
    map_strips_run(&work->strips, 0, mark_red, &search);
    raster_keep_strong(work->mask, size, quality_area_px(work->quality, RED_STRONG_UM2_MIN));
    map_strips_run(&work->strips, 0, add_plain, &search);
    uint32_t ink_px = quality_area_px(work->quality, INK_UM2_MIN);
    raster_remove_small(work->mask, size, 0, ink_px);
    raster_remove_small_anywhere(work->mask, size, 1, ink_px);
    int32_t edge_px = (int32_t)lround(EDGE_UM / work->quality->mpp);
    quality_apply(work, edge_px, QUALITY_NONE, QUALITY_MARKER);
}
