/* SPDX-License-Identifier: Apache-2.0 */
/* See map_strips.h. */
#include "analysis/map_strips.h"

#include <assert.h>

#include "analysis/parallel.h"
#include "base/alloc.h"

/* Windows of the widest reach see a quarter more. */
enum { STRIP_ROWS = 128 };

typedef struct StripJobs {
    const MapStrips *strips;
    int32_t reach;
    StripJudge judge;
    void *context;
} StripJobs;

void map_strips_init(MapStrips *strips,
                     const SlideMaps *maps,
                     int32_t reach_max,
                     unsigned thread_count)
{
    RasterSize size = maps->size;
    *strips = (MapStrips){size, thread_count, reach_max, &maps->memory,
                          alloc_zeroed(thread_count, sizeof *strips->strips)};
    int32_t rows = STRIP_ROWS + 2 * reach_max;
    RasterSize largest = {size.width, rows < size.height ? rows : size.height};
    for (unsigned i = 0; i < thread_count; i++) {
        MapStrip *strip = &strips->strips[i];
        strip->thread = i;
        for (int p = 0; p < STRIP_PLANES; p++) {
            strip->planes[p] = alloc_array(raster_count(largest), sizeof *strip->planes[p]);
        }
        strip->mask = alloc_array(raster_count(largest), 1);
        raster_scratch_init(&strip->scratch, largest);
    }
}

void map_strips_clear(MapStrips *strips)
{
    for (unsigned i = 0; i < strips->thread_count; i++) {
        MapStrip *strip = &strips->strips[i];
        for (int p = 0; p < STRIP_PLANES; p++) {
            alloc_free(strip->planes[p]);
        }
        alloc_free(strip->mask);
        raster_scratch_clear(&strip->scratch);
    }
    alloc_free(strips->strips);
    *strips = (MapStrips){.strips = NULL};
}

static bool run_strip(void *context, unsigned thread, uint32_t job, Error *error)
{
    (void)error;
    const StripJobs *jobs = context;
    MapStrip strip = jobs->strips->strips[thread];
    RasterSize size = jobs->strips->size;
    strip.first = (int32_t)job * STRIP_ROWS;
    strip.end = size.height - strip.first < STRIP_ROWS ? size.height : strip.first + STRIP_ROWS;
    strip.top = strip.first > jobs->reach ? strip.first - jobs->reach : 0;
    int32_t bottom = size.height - strip.end < jobs->reach ? size.height : strip.end + jobs->reach;
    size_t width = (size_t)size.width;
    strip.size = (RasterSize){size.width, bottom - strip.top};
    strip.seen = raster_count(strip.size);
    strip.offset = (size_t)strip.top * width;
    strip.own = (size_t)(strip.first - strip.top) * width;
    strip.own_count = (size_t)(strip.end - strip.first) * width;
    jobs->judge(jobs->context, &strip);
    paged_memory_rest(jobs->strips->memory);
    return true;
}

void map_strips_run(const MapStrips *strips, int32_t reach, StripJudge judge, void *context)
{
    assert(reach <= strips->reach_max);
    StripJobs strip_jobs = {strips, reach, judge, context};
    ParallelJobs jobs = {.job_count = ((uint32_t)strips->size.height + STRIP_ROWS - 1) / STRIP_ROWS,
                         .thread_count = strips->thread_count,
                         .context = &strip_jobs,
                         .run = run_strip};
    Error error = {.code = ERROR_NONE};
    bool done = parallel_run(&jobs, &error);
    assert(done);
}

void strip_mean(const MapStrip *strip, uint16_t *plane, int32_t radius)
{
    RasterScratch scratch = strip->scratch;
    raster_box_mean(plane, plane, strip->size, radius, &scratch);
}

void strip_spread(const MapStrip *strip, uint16_t *plane, uint8_t value, int32_t radius)
{
    if (radius < 1) {
        return;
    }
    /* So large that one pixel in the window does not round to 0. */
    for (size_t i = 0; i < strip->seen; i++) {
        plane[i] = strip->mask[i] == value ? UINT16_MAX : 0;
    }
    strip_mean(strip, plane, radius);
    for (size_t i = 0; i < strip->seen; i++) {
        if (plane[i] > 0) {
            strip->mask[i] = value;
        }
    }
}
