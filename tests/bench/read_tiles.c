/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads every tile of a slide's finest level once, in order, and prints the seconds that it took:
 * through our reader or through OpenSlide, on one thread or more. A thread takes every n-th row of
 * tiles with a reader of its own.
 *
 * usage: read_tiles ours|openslide THREADS FILE
 */
#include <openslide/openslide.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/parse.h"
#include "slides/slide.h"

enum { THREADS_MAX = 64 };

typedef struct Reader {
    pthread_t thread;
    const char *path;
    bool ours;
    int index;
    int count;
    bool failed;
} Reader;

static bool read_ours(Slide *slide, int64_t column, int64_t row, void *pixels)
{
    Error error = {.code = ERROR_NONE};
    return slide_read_tile(slide, 0, column, row, pixels, &error);
}

static bool read_openslide(
    openslide_t *handle, const SlideLevel *level, int64_t column, int64_t row, void *pixels)
{
    openslide_read_region(handle, pixels, column * level->tile_width_px,
                          row * level->tile_height_px, 0, level->tile_width_px,
                          level->tile_height_px);
    return openslide_get_error(handle) == NULL;
}

static void read_rows(Reader *reader, Slide *slide, openslide_t *handle)
{
    const SlideLevel *level = &slide_info(slide)->levels[0];
    size_t pixel_count = (size_t)level->tile_width_px * (size_t)level->tile_height_px;
    AUTO_FREE void *pixels = alloc_array(pixel_count, sizeof(uint32_t));
    int64_t columns = slide_tile_columns(level);
    int64_t rows = slide_tile_rows(level);
    for (int64_t row = reader->index; row < rows && !reader->failed; row += reader->count) {
        for (int64_t column = 0; column < columns && !reader->failed; column++) {
            reader->failed = reader->ours ? !read_ours(slide, column, row, pixels)
                                          : !read_openslide(handle, level, column, row, pixels);
        }
    }
}

static void *run_reader(void *argument)
{
    Reader *reader = argument;
    Error error = {.code = ERROR_NONE};
    AUTO_SLIDE *slide = NULL;
    openslide_t *handle = reader->ours ? NULL : openslide_open(reader->path);
    if (!slide_open(reader->path, &slide, &error) || (!reader->ours && handle == NULL)) {
        reader->failed = true;
    } else {
        read_rows(reader, slide, handle);
    }
    if (handle != NULL) {
        openslide_close(handle);
    }
    return NULL;
}

static double now_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(int argument_count, char **arguments)
{
    int64_t threads = 0;
    if (argument_count != 4 || !parse_int64(text_of(arguments[2]), 1, THREADS_MAX, &threads)) {
        fputs("usage: read_tiles ours|openslide THREADS FILE\n", stderr);
        return 2;
    }
    Reader readers[THREADS_MAX];
    bool ours = strcmp(arguments[1], "ours") == 0;
    double began = now_seconds();
    for (int i = 0; i < threads; i++) {
        readers[i] =
            (Reader){.path = arguments[3], .ours = ours, .index = i, .count = (int)threads};
        if (pthread_create(&readers[i].thread, NULL, run_reader, &readers[i]) != 0) {
            return 1;
        }
    }
    bool failed = false;
    for (int i = 0; i < threads; i++) {
        pthread_join(readers[i].thread, NULL);
        failed |= readers[i].failed;
    }
    printf("%.6f\n", now_seconds() - began);
    return failed ? 1 : 0;
}
