/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See stages.h. The order of the stages: the map grid in mean colours, from them glass, ink and
 * folds; the stains from samples of valid tissue; then tile by tile at the work grid's resolution
 * details and nuclei; from these blur, the kinds of cells, the tissue, the classes.
 */
#include "analysis/stages.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "analysis/model.h"
#include "analysis/parallel.h"
#include "analysis/quality.h"
#include "analysis/tissue.h"
#include "base/alloc.h"
#include "base/limits.h"

/* Samples for the stains: so many patches of so many pixels a side on the work grid. */
#define SAMPLE_PATCHES_MAX 64
#define SAMPLE_SIDE_PX 64
#define SAMPLE_PX (SAMPLE_SIDE_PX * SAMPLE_SIDE_PX)
/* Shares of the whole time, measured on CMU-1-Small-Region. */
#define OVERVIEW_SHARE 0.1
#define TILES_SHARE 0.85

static void close_buffers(Analysis *analysis)
{
    for (unsigned i = 0; analysis->buffers != NULL && i < analysis->thread_count; i++) {
        block_buffers_close(&analysis->buffers[i]);
    }
    alloc_free(analysis->buffers);
    analysis->buffers = NULL;
}

void stages_clear(Analysis *analysis)
{
    close_buffers(analysis);
    network_program_clear(&analysis->program);
    network_destroy(analysis->own_network);
    cell_spool_close(&analysis->spool);
    slide_maps_close(&analysis->maps);
    tile_cells_clear(&analysis->cells);
    analysis_result_clear(&analysis->result);
}
static void report_progress(void *context, double fraction)
{
    const Analysis *analysis = context;
    if (analysis->options->progress != NULL) {
        analysis->options->progress(analysis->options->progress_context,
                                    analysis->stage_start + analysis->stage_share * fraction,
                                    analysis->stage);
    }
}

static void begin_stage(Analysis *analysis, const char *stage, double start, double share)
{
    analysis->stage = stage;
    analysis->stage_start = start;
    analysis->stage_share = share;
    report_progress(analysis, 0);
}

static bool make_plan(Analysis *analysis, Error *error)
{
    AUTO_SLIDE *slide = NULL;
    if (!slide_open(analysis->slide_path, &slide, error)) {
        return false;
    }
    if (!analysis_plan(slide_info(slide), analysis->options->mpp, &analysis->plan, error)) {
        return false;
    }
    if (analysis->options->tile_um > 0) {
        plan_set_tiles(&analysis->plan, analysis->options->tile_um);
    }
    return true;
}

static bool choose_network(Analysis *analysis, Error *error)
{
    const Network *network = analysis->options->network;
    if (network == NULL) {
        if (!model_read(&analysis->own_network, error)) {
            return false;
        }
        network = analysis->own_network;
    }
    if (!centres_check(network, error)) {
        return false;
    }
    network_program_init(&analysis->program, network, analysis->options->kernels);
    return true;
}

static unsigned choose_threads(const Analysis *analysis)
{
    unsigned count = parallel_thread_count(analysis->options->thread_count);
    uint32_t tiles = plan_tile_count(&analysis->plan);
    return count > tiles ? tiles : count;
}

static ClassMap create_map(const AnalysisPlan *plan)
{
    size_t count = (size_t)plan->map_width_px * (size_t)plan->map_height_px;
    return (ClassMap){plan->map_width_px, plan->map_height_px, plan->map.scale, plan->map.mpp,
                      alloc_zeroed(count, 1)};
}

static const char *scratch_folder(const Analysis *analysis)
{
    const char *folder = analysis->options->scratch_folder;
    return folder == NULL ? P_tmpdir : folder;
}

static bool open_buffers(Analysis *analysis, Error *error)
{
    const AnalysisPlan *plan = &analysis->plan;
    analysis->thread_count = choose_threads(analysis);
    plan_set_blocks(&analysis->plan, analysis->thread_count);
    analysis->buffers = alloc_zeroed(analysis->thread_count, sizeof *analysis->buffers);
    analysis->result = (AnalysisResult){.width_px = plan->width_px,
                                        .height_px = plan->height_px,
                                        .mpp = plan->mpp,
                                        .quality = create_map(plan),
                                        .tissue = create_map(plan),
                                        .untold = UNTOLD_CLASSES};
    const char *folder = scratch_folder(analysis);
    RasterSize map_size = {plan->map_width_px, plan->map_height_px};
    if (!slide_maps_open(&analysis->maps, map_size, folder, error) ||
        !cell_spool_open(&analysis->spool, folder, plan_tile_count(plan), error)) {
        return false;
    }
    for (unsigned i = 0; i < analysis->thread_count; i++) {
        if (!block_buffers_open(&analysis->buffers[i], plan, &analysis->program,
                                analysis->slide_path, error)) {
            return false;
        }
    }
    return true;
}

static bool run_jobs(Analysis *analysis,
                     uint32_t job_count,
                     bool (*run)(void *context, unsigned thread, uint32_t job, Error *error),
                     Error *error)
{
    ParallelJobs jobs = {.job_count = job_count,
                         .thread_count = analysis->thread_count,
                         .context = analysis,
                         .run = run,
                         .progress = report_progress};
    return parallel_run(&jobs, error);
}

static bool read_colors(void *context, unsigned thread, uint32_t tile, Error *error)
{
    Analysis *analysis = context;
    BlockBuffers *buffers = &analysis->buffers[thread];
    GridRect rect = plan_map_rect(&analysis->plan, tile);
    if (!grid_read(&buffers->reader, &analysis->plan.map, &rect, buffers->rgb, error)) {
        return false;
    }
    size_t width = (size_t)analysis->plan.map_width_px;
    for (int32_t y = 0; y < rect.height; y++) {
        size_t at = (size_t)(rect.y + y) * width + (size_t)rect.x;
        memcpy(analysis->maps.rgb + at * 3, buffers->rgb + (size_t)y * (size_t)rect.width * 3,
               (size_t)rect.width * 3);
    }
    paged_memory_rest(&analysis->maps.memory);
    return true;
}

static size_t count_valid(const ClassMap *quality)
{
    size_t count = 0;
    size_t total = (size_t)quality->width_px * (size_t)quality->height_px;
    for (size_t i = 0; i < total; i++) {
        count += quality->classes[i] == QUALITY_VALID_TISSUE ? 1 : 0;
    }
    return count;
}

/* Places of valid tissue at even steps. */
static uint32_t choose_samples(const ClassMap *quality, size_t places_out[SAMPLE_PATCHES_MAX + 1])
{
    size_t valid = count_valid(quality);
    size_t step = valid / SAMPLE_PATCHES_MAX + 1;
    size_t seen = 0;
    uint32_t count = 0;
    for (size_t i = 0; seen < valid; i++) {
        if (quality->classes[i] == QUALITY_VALID_TISSUE && seen++ % step == step / 2) {
            places_out[count++] = i;
        }
    }
    return count;
}

/* Reads a patch of the work grid around a map pixel. */
static bool read_sample(void *context, unsigned thread, uint32_t sample, Error *error)
{
    Analysis *analysis = context;
    const AnalysisPlan *plan = &analysis->plan;
    double ratio = plan->map.scale / plan->work.scale;
    size_t column = analysis->samples.places[sample] % (size_t)plan->map_width_px;
    size_t row = analysis->samples.places[sample] / (size_t)plan->map_width_px;
    GridRect rect = {(int64_t)((double)column * ratio), (int64_t)((double)row * ratio),
                     SAMPLE_SIDE_PX, SAMPLE_SIDE_PX};
    uint8_t *rgb = analysis->samples.rgb + (size_t)sample * SAMPLE_PX * 3;
    return grid_read(&analysis->buffers[thread].reader, &plan->work, &rect, rgb, error);
}

static bool find_stains(Analysis *analysis, Error *error)
{
    size_t places[SAMPLE_PATCHES_MAX + 1];
    AUTO_FREE uint8_t *rgb = alloc_array((size_t)(SAMPLE_PATCHES_MAX + 1) * SAMPLE_PX, 3);
    analysis->samples = (StainSamples){places, rgb};
    uint32_t count = choose_samples(&analysis->result.quality, places);
    bool read = run_jobs(analysis, count, read_sample, error);
    analysis->samples = (StainSamples){NULL, NULL};
    if (!read) {
        return false;
    }
    stain_estimate(&analysis->stain, rgb, (size_t)count * SAMPLE_PX);
    stain_table_init(&analysis->table, &analysis->stain);
    analysis->tiles = (TileContext){
        .plan = &analysis->plan,
        .stain = &analysis->table,
        .quality = &analysis->result.quality,
        .maps = &analysis->maps,
        .network = analysis->program.network,
        .white_level = (uint8_t)(analysis->stain.white[1] * 0.9),
    };
    return true;
}

static bool analyze_block(void *context, unsigned thread, uint32_t block, Error *error)
{
    Analysis *analysis = context;
    return block_analyze(&analysis->tiles, &analysis->buffers[thread], block, &analysis->spool,
                         error);
}

static bool join_cells(Analysis *analysis, Error *error)
{
    const AnalysisPlan *plan = &analysis->plan;
    CellRows rows = {.columns = (uint32_t)plan->tile_columns,
                     .rows = (uint32_t)plan->tile_rows,
                     .row_px = plan->tile_map_px * plan->map.scale,
                     /* A nucleus, and as much again for what was rounded. */
                     .reach_px = 2 * NUCLEUS_RADIUS_UM_MAX / plan->mpp};
    bool joined =
        cells_join(&analysis->spool, &rows, scratch_folder(analysis), &analysis->cells, error);
    cell_spool_close(&analysis->spool);
    return joined;
}

/* What follows upon the tiles: neither needs the other, and one thread can do the first. */
enum { JOIN_CELLS, FIND_BLUR, JOINING_JOBS };

static bool join_tiles(void *context, unsigned thread, uint32_t job, Error *error)
{
    (void)thread;
    Analysis *analysis = context;
    if (job == JOIN_CELLS) {
        return join_cells(analysis, error);
    }
    close_buffers(analysis);
    quality_from_details(&analysis->maps, analysis->thread_count, &analysis->result.quality);
    return true;
}

void stages_classify(Analysis *analysis)
{
    begin_stage(analysis, "classes", OVERVIEW_SHARE + TILES_SHARE, 0);
    TileCells *cells = &analysis->cells;
    AnalysisResult *result = &analysis->result;
    TissueScene scene = {.maps = &analysis->maps,
                         .quality = &result->quality,
                         .stain = &analysis->table,
                         .cells = &cells->list,
                         .kinds = cells->kinds,
                         .thread_count = analysis->thread_count};
    tissue_classify(&scene, &result->tissue);
    tissue_finish_cells(&result->tissue, analysis->thread_count, cells);
    result->cells = cells->list; /* with the memory that the kinds are in, too */
    *cells = (TileCells){.kinds = NULL};
    begin_stage(analysis, "done", 1, 0);
}

static bool in_a_region(const AnalysisOptions *options, double x_px, double y_px)
{
    for (size_t i = 0; i < options->region_count; i++) {
        const AnalysisRegion *region = &options->regions[i];
        if (x_px >= (double)region->x_px && y_px >= (double)region->y_px &&
            x_px < (double)(region->x_px + region->width_px) &&
            y_px < (double)(region->y_px + region->height_px)) {
            return true;
        }
    }
    return false;
}

/* The last pixels of a map may lie outside the slide by more than half. */
static double middle_inside(int32_t place, double scale, int64_t side_px)
{
    return (place * scale + fmin((place + 1) * scale, (double)side_px)) / 2;
}

static void leave_out_other_regions(Analysis *analysis)
{
    ClassMap *quality = &analysis->result.quality;
    uint8_t *class = quality->classes;
    for (int32_t y = 0; y < quality->height_px && analysis->options->region_count > 0; y++) {
        for (int32_t x = 0; x < quality->width_px; x++, class ++) {
            if (!in_a_region(analysis->options,
                             middle_inside(x, quality->scale, analysis->plan.width_px),
                             middle_inside(y, quality->scale, analysis->plan.height_px))) {
                *class = QUALITY_NONE;
            }
        }
    }
}

bool stages_detect(Analysis *analysis, Error *error)
{
    begin_stage(analysis, "overview", 0, OVERVIEW_SHARE);
    uint32_t tile_count = plan_tile_count(&analysis->plan);
    if (!run_jobs(analysis, tile_count, read_colors, error)) {
        return false;
    }
    quality_white(&analysis->maps, analysis->stain.white);
    quality_from_colors(&analysis->maps, analysis->stain.white, analysis->thread_count,
                        &analysis->result.quality);
    leave_out_other_regions(analysis);
    begin_stage(analysis, "stains", OVERVIEW_SHARE, 0);
    if (!find_stains(analysis, error)) {
        return false;
    }
    begin_stage(analysis, "nuclei", OVERVIEW_SHARE, TILES_SHARE);
    if (!run_jobs(analysis, plan_block_count(&analysis->plan), analyze_block, error)) {
        return false;
    }
    ParallelJobs joining = {.job_count = JOINING_JOBS,
                            .thread_count =
                                analysis->thread_count < JOINING_JOBS ? 1 : JOINING_JOBS,
                            .context = analysis,
                            .run = join_tiles};
    return parallel_run(&joining, error);
}

bool stages_open(Analysis *analysis, Error *error)
{
    return make_plan(analysis, error) && choose_network(analysis, error) &&
           open_buffers(analysis, error);
}
