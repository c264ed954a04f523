/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole analyses of small slides that are made here: a synthetic one whose nuclei are known, empty
 * glass, drawn nuclei on the border of two tiles, a slide that is blurred on one side.
 */
#include "unit_test.h"

#include <math.h>
#include <png.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analysis/stages.h"
#include "base/alloc.h"
#include "base/file.h"
#include "network_maker.h"
#include "slides/synthetic.h"

/* Two tiles of 1024 work pixels in each direction. */
enum { SYNTHETIC_SIDE = 1152, TRUTH_MAX = 4000 };

typedef struct Fixture {
    char folder[64];
    char *slide; /* the synthetic one */
    char *image; /* where a test writes its own */
    CellPoint truth[TRUTH_MAX];
    uint32_t truth_count;
} Fixture;

static void read_truth(Fixture *fixture, const char *path)
{
    Error error = {0};
    AUTO_FREE char *text = NULL;
    assert_true(file_read(path, 1024 * 1024, &text, NULL, &error));
    for (char *line = strchr(text, '\n'); line != NULL && line[1] != 0;
         line = strchr(line + 1, '\n')) {
        CellPoint *point = &fixture->truth[fixture->truth_count++];
        assert_int_equal(sscanf(line, "\n%*d,%f,%f", &point->x_px, &point->y_px), 2);
    }
}

static int set_up(void **state)
{
    Error error = {0};
    Fixture *fixture = ALLOC_NEW(Fixture);
    snprintf(fixture->folder, sizeof fixture->folder, "/tmp/slideway-analysis-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    fixture->slide = alloc_format("%s/slide.tiff", fixture->folder);
    fixture->image = alloc_format("%s/image.png", fixture->folder);
    AUTO_FREE char *truth = alloc_format("%s/truth.csv", fixture->folder);
    SyntheticOptions options = SYNTHETIC_DEFAULTS;
    options.width_px = SYNTHETIC_SIDE;
    options.height_px = SYNTHETIC_SIDE;
    options.seed = 5;
    SyntheticTruth files = {.cells_path = truth};
    assert_true(slide_synthesize(&options, fixture->slide, &files, &error));
    read_truth(fixture, truth);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    Error error = {0};
    Fixture *fixture = *state;
    assert_true(folder_remove(fixture->folder, &error));
    alloc_free(fixture->slide);
    alloc_free(fixture->image);
    alloc_free(fixture);
    return 0;
}

static AnalysisResult analyze_so(const char *path, const AnalysisOptions *options)
{
    Error error = {0};
    AnalysisResult result = {.width_px = 0};
    assert_true(analysis_run(path, options, &result, &error));
    return result;
}

static AnalysisResult analyze(const char *path, double mpp, unsigned thread_count)
{
    AnalysisOptions options = {.mpp = mpp, .thread_count = thread_count};
    return analyze_so(path, &options);
}

/* Finds drawn discs, whatever the one that is built in would say of them. */
static Network *detector(void)
{
    static uint8_t file[MADE_BYTES_MAX];
    Error error = {0};
    Network *network = NULL;
    MadeNetwork made;
    made_detector(&made);
    assert_true(network_read(file, made_write(&made, file), &network, &error));
    made_clear(&made);
    return network;
}

static void write_image(const Fixture *fixture, const uint8_t *rgb, int32_t width, int32_t height)
{
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = (png_uint_32)width,
                       .height = (png_uint_32)height,
                       .format = PNG_FORMAT_RGB};
    assert_true(png_image_write_to_file(&image, fixture->image, 0, rgb, 0, NULL));
}

/* The fine texture that all sharp pictures have, and that tells them from blurred ones. */
static void add_grain(uint8_t *rgb, size_t bytes)
{
    uint32_t state = 1;
    for (size_t i = 0; i < bytes; i++) {
        state = state * 1664525U + 1013904223U;
        int value = rgb[i] + (int)(state >> 24) % 13 - 6;
        rgb[i] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
    }
}

static size_t count_class(const ClassMap *map, uint8_t class, int32_t left, int32_t right)
{
    size_t count = 0;
    for (int32_t y = 0; y < map->height_px; y++) {
        for (int32_t x = left; x < right; x++) {
            count += map->classes[y * map->width_px + x] == class ? 1 : 0;
        }
    }
    return count;
}

/* How many of the points have one of the others within `distance`, none used twice. */
static uint32_t
count_matches(const CellList *cells, const CellPoint *truth, uint32_t truth_count, float distance)
{
    AUTO_FREE bool *used = alloc_zeroed((size_t)cells->count + 1, sizeof *used);
    uint32_t matches = 0;
    for (uint32_t t = 0; t < truth_count; t++) {
        uint32_t best = cells->count;
        float best_distance = distance;
        for (uint32_t i = 0; i < cells->count; i++) {
            float apart = hypotf(cells->cells[i].centroid.x_px - truth[t].x_px,
                                 cells->cells[i].centroid.y_px - truth[t].y_px);
            if (!used[i] && apart <= best_distance) {
                best = i;
                best_distance = apart;
            }
        }
        if (best < cells->count) {
            used[best] = true;
            matches++;
        }
    }
    return matches;
}

static void nuclei_of_a_synthetic_slide_are_found(void **state)
{
    const Fixture *fixture = *state;
    AUTO_ANALYSIS_RESULT result = analyze(fixture->slide, 0, 0);
    assert_int_equal(result.width_px, SYNTHETIC_SIDE);
    assert_true(fabs(result.mpp - 0.5) < 1e-3);
    assert_true(fixture->truth_count > 500);
    /* 6 px are 3 microns: less than the radius of the smallest nucleus. */
    uint32_t matches = count_matches(&result.cells, fixture->truth, fixture->truth_count, 6);
    assert_true(matches >= 0.9 * fixture->truth_count);
    assert_true(matches >= 0.9 * result.cells.count);
}

static void outlines_are_simple_rings_around_their_centroids(void **state)
{
    const Fixture *fixture = *state;
    AUTO_ANALYSIS_RESULT result = analyze(fixture->slide, 0, 0);
    for (uint32_t i = 0; i < result.cells.count; i++) {
        const Cell *cell = &result.cells.cells[i];
        const CellPoint *ring = result.cells.points + cell->first_point;
        assert_true(cell->point_count >= 3);
        assert_true(cell->first_point + cell->point_count <= result.cells.point_count);
        assert_true(outline_simple(ring, cell->point_count));
        double area_um2 = outline_area(ring, cell->point_count) * result.mpp * result.mpp;
        assert_true(fabs(area_um2 - cell->area_um2) < 0.3 * cell->area_um2);
        assert_true(cell->cell_class > CELL_NONE && cell->cell_class < CELL_CLASS_COUNT);
        assert_true(cell->roundness > 0 && cell->roundness <= 1);
        assert_true(cell->solidity > 0 && cell->solidity <= 1);
    }
}

static void assert_same(const AnalysisResult *one, const AnalysisResult *other)
{
    assert_int_equal(one->cells.count, other->cells.count);
    assert_int_equal(one->cells.point_count, other->cells.point_count);
    assert_memory_equal(one->cells.cells, other->cells.cells, one->cells.count * sizeof(Cell));
    assert_memory_equal(one->cells.points, other->cells.points,
                        one->cells.point_count * sizeof(CellPoint));
    size_t pixels = (size_t)one->quality.width_px * (size_t)one->quality.height_px;
    assert_memory_equal(one->quality.classes, other->quality.classes, pixels);
    assert_memory_equal(one->tissue.classes, other->tissue.classes, pixels);
}

static void the_result_does_not_depend_on_threads_tiles_or_kernels(void **state)
{
    const Fixture *fixture = *state;
    AUTO_ANALYSIS_RESULT usual = analyze(fixture->slide, 0, 1);
    assert_true(usual.cells.count > 500);
    /* Tiles of 512, 256 and 376 work pixels. */
    const AnalysisOptions others[] = {
        {.thread_count = 3},
        {.thread_count = 2, .tile_um = 256},
        {.thread_count = 1, .tile_um = 128},
        {.thread_count = 2, .tile_um = 188},
        {.thread_count = 1, .kernels = &KERNELS_SCALAR},
        {.thread_count = 1, .kernels = &KERNELS_AVX2},
    };
    for (size_t i = 0; i < ARRAY_COUNT(others); i++) {
        if (others[i].kernels == NULL || others[i].kernels->supported()) {
            AUTO_ANALYSIS_RESULT other = analyze_so(fixture->slide, &others[i]);
            assert_same(&usual, &other);
        }
    }
}

/* 1.45 pixels of the slide make one of the work grid, and 0.71. */
static void the_result_does_not_depend_on_tiles_where_pixels_are_no_whole_ones(void **state)
{
    const Fixture *fixture = *state;
    const double mpps[] = {0.345, 0.7};
    for (size_t i = 0; i < ARRAY_COUNT(mpps); i++) {
        AUTO_ANALYSIS_RESULT usual = analyze(fixture->slide, mpps[i], 1);
        AnalysisOptions others = {.mpp = mpps[i], .thread_count = 2, .tile_um = 128};
        AUTO_ANALYSIS_RESULT other = analyze_so(fixture->slide, &others);
        assert_true(usual.cells.count > 200);
        assert_same(&usual, &other);
    }
}

static void empty_glass_has_no_tissue_and_no_cells(void **state)
{
    const Fixture *fixture = *state;
    static uint8_t rgb[600 * 300 * 3];
    memset(rgb, 244, sizeof rgb);
    write_image(fixture, rgb, 600, 300);
    AUTO_ANALYSIS_RESULT result = analyze(fixture->image, 0.5, 2);
    assert_int_equal(result.cells.count, 0);
    assert_int_equal(result.quality.width_px, 75);
    assert_int_equal(result.quality.height_px, 38);
    assert_int_equal(count_class(&result.quality, QUALITY_NO_TISSUE, 0, 75), 75 * 38);
    assert_int_equal(count_class(&result.tissue, TISSUE_NONE, 0, 75), 75 * 38);
}

enum { DRAWN_WIDTH = 1240, DRAWN_HEIGHT = 160, DRAWN_STEP = 30, DRAWN_RADIUS = 8 };

/* Pink tissue with purple discs: one row of them crosses the border of two tiles at x = 1024, with
 * one disc (index 34) just on it. */
static uint32_t draw_row(uint8_t *rgb, CellPoint *centers_out)
{
    const uint8_t pink[3] = {230, 160, 200};
    const uint8_t purple[3] = {90, 60, 140};
    uint32_t count = 0;
    for (int x = 4; x < DRAWN_WIDTH - 2 * DRAWN_RADIUS; x += DRAWN_STEP) {
        if (x > 2 * DRAWN_RADIUS) {
            centers_out[count++] = (CellPoint){(float)x, 80};
        }
    }
    for (int i = 0; i < DRAWN_WIDTH * DRAWN_HEIGHT; i++) {
        bool covered = false;
        for (uint32_t c = 0; c < count; c++) {
            float dx = (float)(i % DRAWN_WIDTH) + 0.5F - centers_out[c].x_px;
            float dy = (float)(i / DRAWN_WIDTH) + 0.5F - centers_out[c].y_px;
            covered = covered || hypotf(dx, dy) <= DRAWN_RADIUS;
        }
        memcpy(rgb + i * 3, covered ? purple : pink, 3);
    }
    add_grain(rgb, (size_t)DRAWN_WIDTH * DRAWN_HEIGHT * 3);
    return count;
}

static void a_nucleus_on_the_border_of_two_tiles_is_found_once(void **state)
{
    const Fixture *fixture = *state;
    static uint8_t rgb[DRAWN_WIDTH * DRAWN_HEIGHT * 3];
    CellPoint centers[64];
    uint32_t count = draw_row(rgb, centers);
    bool on_border = false;
    for (uint32_t i = 0; i < count; i++) {
        on_border = on_border || centers[i].x_px == 1024;
    }
    assert_true(on_border);
    write_image(fixture, rgb, DRAWN_WIDTH, DRAWN_HEIGHT);
    Error error = {0};
    AUTO_NETWORK *network = detector();
    AnalysisOptions options = {.mpp = 0.5, .thread_count = 2, .network = network};
    AUTO_ANALYSIS analysis = {.options = &options, .slide_path = fixture->image};
    assert_true(stages_open(&analysis, &error));
    assert_int_equal(plan_tile_count(&analysis.plan), 2);
    assert_true(stages_detect(&analysis, &error));
    assert_int_equal(analysis.cells.list.count, count);
    assert_int_equal(count_matches(&analysis.cells.list, centers, count, 1), count);
    /* pi 64 px² of 0.25 um² each. */
    const Cell *cell = &analysis.cells.list.cells[0];
    assert_true(fabs(cell->area_um2 - 50.3) < 6);
    assert_true(cell->roundness > 0.93F);
    assert_true(cell->solidity > 0.93F);
    /* Softmax of 0, 1 and -2. */
    const float *kinds = analysis.cells.kinds[0].share;
    assert_true(fabsf(kinds[KIND_INFLAMMATORY] - 0.2595F) < 0.0005F);
    assert_true(fabsf(kinds[KIND_EPITHELIAL] - 0.7054F) < 0.0005F);
    assert_true(fabsf(kinds[KIND_STROMAL] - 0.0351F) < 0.0005F);
}

/* Touching discs are told apart in the middle, and a lone dot that is too small for an outline
 * becomes a disc. */
static void touching_nuclei_are_parted_between_their_centres(void **state)
{
    const Fixture *fixture = *state;
    enum { SIDE = 200 };
    static uint8_t rgb[SIDE * SIDE * 3];
    const uint8_t pink[3] = {230, 160, 200};
    const uint8_t purple[3] = {90, 60, 140};
    const float discs[][3] = {{60, 60, 9}, {76, 60, 9}, {140, 140, 3.4F}};
    for (int i = 0; i < SIDE * SIDE; i++) {
        bool covered = false;
        for (size_t d = 0; d < ARRAY_COUNT(discs); d++) {
            float dx = (float)(i % SIDE) + 0.5F - discs[d][0];
            float dy = (float)(i / SIDE) + 0.5F - discs[d][1];
            covered = covered || hypotf(dx, dy) <= discs[d][2];
        }
        memcpy(rgb + i * 3, covered ? purple : pink, 3);
    }
    write_image(fixture, rgb, SIDE, SIDE);
    AUTO_NETWORK *network = detector();
    AnalysisOptions options = {.mpp = 0.5, .thread_count = 1, .network = network};
    AUTO_ANALYSIS_RESULT result = analyze_so(fixture->image, &options);
    assert_int_equal(result.cells.count, 3);
    const Cell *left = &result.cells.cells[0];
    const Cell *right = &result.cells.cells[1];
    /* Discs of 9 pixels whose centres are 16 apart meet in a chord of 8.2 pixels; each loses a
     * segment of 2.8 pixels². */
    assert_true(fabsf(left->centroid.y_px - 60) < 0.5F && fabsf(right->centroid.y_px - 60) < 0.5F);
    assert_true(fabsf(left->centroid.x_px - 60) < 1 && fabsf(right->centroid.x_px - 76) < 1);
    const double um2 = (M_PI * 81 - 2.8) * 0.25;
    assert_true(fabs(left->area_um2 - um2) < 7 && fabs(right->area_um2 - um2) < 7);
    /* Of 9 um2; a disc of 2.5 microns has 19.6. */
    const Cell *dot = &result.cells.cells[2];
    assert_true(fabsf(dot->area_um2 - 19.6F) < 2.5F && dot->roundness > 0.93F);
    assert_true(fabsf(dot->centroid.x_px - 140) < 1.5F && fabsf(dot->centroid.y_px - 140) < 1.5F);
    for (uint32_t c = 0; c < 2; c++) {
        const Cell *cell = &result.cells.cells[c];
        for (uint32_t p = 0; p < cell->point_count; p++) {
            float x = result.cells.points[cell->first_point + p].x_px;
            assert_true(c == 0 ? x <= 69.5F : x >= 66.5F);
        }
    }
}

/* A network that takes light for nuclei finds one in the white that it sees beyond the edge of a
 * slide whose side is no multiple of 16: that is no pixel of the slide. */
static void what_is_found_beyond_the_edge_is_no_nucleus(void **state)
{
    const Fixture *fixture = *state;
    enum { SIDE = 202 };
    static uint8_t rgb[SIDE * SIDE * 3];
    const uint8_t pink[3] = {230, 160, 200};
    for (int i = 0; i < SIDE * SIDE; i++) {
        memcpy(rgb + i * 3, pink, 3);
    }
    write_image(fixture, rgb, SIDE, SIDE);
    static uint8_t file[MADE_BYTES_MAX];
    Error error = {0};
    AUTO_NETWORK *network = NULL;
    MadeNetwork made;
    made_detector(&made);
    MadeLayer *last = &made.layers[made.layer_count - 1];
    last->weights[0] = -64;
    last->bias[0] = 64 * 100;
    assert_true(network_read(file, made_write(&made, file), &network, &error));
    made_clear(&made);
    AnalysisOptions options = {.mpp = 0.5, .thread_count = 1, .network = network};
    AUTO_ANALYSIS_RESULT result = analyze_so(fixture->image, &options);
    for (uint32_t i = 0; i < result.cells.count; i++) {
        const Cell *cell = &result.cells.cells[i];
        assert_true(cell->centroid.x_px > 0 && cell->centroid.x_px < SIDE);
        assert_true(cell->centroid.y_px > 0 && cell->centroid.y_px < SIDE);
        assert_true(cell->area_um2 > 0 && cell->point_count >= 3);
    }
}

/* The mean over a square of 13 pixels, as far out of focus as blurs by 2 microns. */
static void blur_left_half(uint8_t *rgb, int32_t side)
{
    AUTO_FREE uint8_t *sharp = alloc_array((size_t)side * (size_t)side, 3);
    memcpy(sharp, rgb, (size_t)side * (size_t)side * 3);
    for (int32_t y = 6; y < side - 6; y++) {
        for (int32_t i = 6 * 3; i < side / 2 * 3; i++) {
            uint32_t sum = 0;
            for (int32_t r = -6; r <= 6; r++) {
                for (int32_t c = -6; c <= 6; c++) {
                    sum += sharp[(y + r) * side * 3 + i + c * 3];
                }
            }
            rgb[y * side * 3 + i] = (uint8_t)(sum / 169);
        }
    }
}

static void the_blurred_half_of_a_slide_is_out_of_focus(void **state)
{
    const Fixture *fixture = *state;
    enum { SIDE = 640 };
    static uint8_t rgb[SIDE * SIDE * 3];
    Error error = {0};
    AUTO_SLIDE *slide = NULL;
    assert_true(slide_open(fixture->slide, &slide, &error));
    SlideRegion middle = {0, 256, 256, SIDE, SIDE};
    assert_true(slide_read_region(slide, &middle, rgb, &error));
    blur_left_half(rgb, SIDE);
    write_image(fixture, rgb, SIDE, SIDE);
    AUTO_ANALYSIS_RESULT result = analyze(fixture->image, 0.5, 0);
    const ClassMap *quality = &result.quality;
    /* The window of the measure blurs the border itself by 30 um, 8 pixels of the map. */
    const size_t most = 28 * 80 * 9 / 10;
    assert_true(count_class(quality, QUALITY_OUT_OF_FOCUS, 2, 30) > most);
    /* Fat is partly glass. */
    assert_true(count_class(quality, QUALITY_VALID_TISSUE, 50, 78) > most * 8 / 10);
    assert_true(count_class(quality, QUALITY_OUT_OF_FOCUS, 50, 78) < 28 * 80 / 50);
    uint32_t left = 0;
    for (uint32_t i = 0; i < result.cells.count; i++) {
        left += result.cells.cells[i].centroid.x_px < 30 * 8 ? 1 : 0;
    }
    assert_true(left * 20 < result.cells.count);
}

static void green_ink_is_a_marker(void **state)
{
    const Fixture *fixture = *state;
    static uint8_t rgb[400 * 400 * 3];
    for (int i = 0; i < 400 * 400; i++) {
        const uint8_t glass[3] = {244, 244, 244};
        const uint8_t ink[3] = {60, 170, 140};
        memcpy(rgb + i * 3, i % 400 >= 160 && i % 400 < 280 ? ink : glass, 3);
    }
    write_image(fixture, rgb, 400, 400);
    AUTO_ANALYSIS_RESULT result = analyze(fixture->image, 0.5, 1);
    /* With an edge of 8 microns. */
    assert_int_equal(count_class(&result.quality, QUALITY_MARKER, 18, 37), 19 * 50);
    assert_int_equal(count_class(&result.quality, QUALITY_MARKER, 0, 50), 19 * 50);
    assert_int_equal(result.cells.count, 0);
}

static void an_unknown_or_unfit_resolution_is_refused(void **state)
{
    const Fixture *fixture = *state;
    static uint8_t rgb[64 * 64 * 3];
    write_image(fixture, rgb, 64, 64);
    const double refused[] = {0, 0.079, 1.11, NAN};
    for (size_t i = 0; i < ARRAY_COUNT(refused); i++) {
        Error error = {0};
        AnalysisResult result = {.width_px = 0};
        AnalysisOptions options = {.mpp = refused[i], .thread_count = 1};
        assert_false(analysis_run(fixture->image, &options, &result, &error));
        assert_int_equal(error.code, ERROR_INVALID);
        assert_non_null(strstr(error.message, "microns per pixel"));
    }
}

static void every_resolution_within_the_limits_is_analysed(void **state)
{
    /* The same picture called finer or coarser than it is has nuclei of other sizes: this tells
     * only that there are some, inside the image, and what the maps cover. */
    const Fixture *fixture = *state;
    const double resolutions[] = {0.24, 1.1};
    for (size_t i = 0; i < ARRAY_COUNT(resolutions); i++) {
        AUTO_ANALYSIS_RESULT result = analyze(fixture->slide, resolutions[i], 0);
        assert_true(result.cells.count > 50);
        assert_true(fabs(result.quality.mpp - 4) < 0.5);
        for (uint32_t c = 0; c < result.cells.count; c++) {
            CellPoint centroid = result.cells.cells[c].centroid;
            assert_true(centroid.x_px >= 0 && centroid.x_px < SYNTHETIC_SIDE);
            assert_true(centroid.y_px >= 0 && centroid.y_px < SYNTHETIC_SIDE);
        }
    }
}

typedef struct ProgressLog {
    double last;
    int calls;
} ProgressLog;

static void log_progress(void *context, double fraction, const char *stage)
{
    ProgressLog *log = context;
    assert_non_null(stage);
    assert_true(fraction >= log->last && fraction <= 1);
    log->last = fraction;
    log->calls++;
}

static void progress_grows_to_one(void **state)
{
    const Fixture *fixture = *state;
    Error error = {0};
    ProgressLog log = {0, 0};
    AnalysisOptions options = {.progress = log_progress, .progress_context = &log};
    AUTO_ANALYSIS_RESULT result = {.width_px = 0};
    assert_true(analysis_run(fixture->slide, &options, &result, &error));
    assert_true(log.last == 1);
    assert_true(log.calls >= 4);
}

static void a_missing_slide_is_not_found(void **state)
{
    const Fixture *fixture = *state;
    Error error = {0};
    AnalysisResult result = {.width_px = 0};
    AnalysisOptions options = {.mpp = 0.5};
    AUTO_FREE char *path = alloc_format("%s/none.svs", fixture->folder);
    assert_false(analysis_run(path, &options, &result, &error));
    assert_int_equal(error.code, ERROR_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nuclei_of_a_synthetic_slide_are_found),
        cmocka_unit_test(outlines_are_simple_rings_around_their_centroids),
        cmocka_unit_test(the_result_does_not_depend_on_threads_tiles_or_kernels),
        cmocka_unit_test(the_result_does_not_depend_on_tiles_where_pixels_are_no_whole_ones),
        cmocka_unit_test(empty_glass_has_no_tissue_and_no_cells),
        cmocka_unit_test(a_nucleus_on_the_border_of_two_tiles_is_found_once),
        cmocka_unit_test(touching_nuclei_are_parted_between_their_centres),
        cmocka_unit_test(what_is_found_beyond_the_edge_is_no_nucleus),
        cmocka_unit_test(the_blurred_half_of_a_slide_is_out_of_focus),
        cmocka_unit_test(green_ink_is_a_marker),
        cmocka_unit_test(an_unknown_or_unfit_resolution_is_refused),
        cmocka_unit_test(every_resolution_within_the_limits_is_analysed),
        cmocka_unit_test(progress_grows_to_one),
        cmocka_unit_test(a_missing_slide_is_not_found),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
