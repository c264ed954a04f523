/* SPDX-License-Identifier: Apache-2.0 */
/* See overview.h. */
#include "analysis/overview.h"

#include <stdio.h>

#include "analysis/parallel.h"
#include "analysis/plan.h"
#include "analysis/quality.h"
#include "base/alloc.h"

enum { STRIP_ROWS = 64 };

static bool read_colors(GridReader *reader, const AnalysisPlan *plan, SlideMaps *maps, Error *error)
{
    for (int32_t y = 0; y < plan->map_height_px; y += STRIP_ROWS) {
        int32_t left = plan->map_height_px - y;
        GridRect strip = {0, y, plan->map_width_px, left < STRIP_ROWS ? left : STRIP_ROWS};
        uint8_t *rgb = maps->rgb + (size_t)y * (size_t)plan->map_width_px * 3;
        if (!grid_read(reader, &plan->map, &strip, rgb, error)) {
            return false;
        }
        paged_memory_rest(&maps->memory);
    }
    return true;
}

bool analysis_overview(const char *slide_path, double mpp, AnalysisResult *result_out, Error *error)
{
    AnalysisPlan plan;
    CLEANUP(grid_reader_close) GridReader reader = {NULL, NULL};
    if (!grid_reader_open(&reader, slide_path, error) ||
        !analysis_plan_map(slide_info(reader.slide), mpp, &plan, error)) {
        return false;
    }
    AUTO_SLIDE_MAPS maps = {.rgb = NULL};
    RasterSize size = {plan.map_width_px, plan.map_height_px};
    if (!slide_maps_open(&maps, size, P_tmpdir, error) ||
        !read_colors(&reader, &plan, &maps, error)) {
        return false;
    }
    AnalysisResult result = {
        .width_px = plan.width_px,
        .height_px = plan.height_px,
        .mpp = plan.mpp,
        .quality = {plan.map_width_px, plan.map_height_px, plan.map.scale, plan.map.mpp,
                    alloc_zeroed(raster_count(maps.size), 1)},
    };
    double white[3];
    quality_white(&maps, white);
    quality_from_colors(&maps, white, parallel_thread_count(0), &result.quality);
    *result_out = result;
    return true;
}
