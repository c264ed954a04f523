/* SPDX-License-Identifier: Apache-2.0 */
/* See centres.h. */
#include "analysis/centres.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"

/* Rows that are kept: of heat those of a peak's surroundings, of logits those from a peak down to
 * the last one that the heat of its surroundings needs. */
enum { HEAT_ROWS = 2 * PEAK_RADIUS + 1, LOGIT_ROWS = PEAK_RADIUS + HEAT_RADIUS + 1 };
static_assert(LOGIT_ROWS > 2 * HEAT_RADIUS, "a row of heat needs the rows around it");
/* Logits of the foreground are kept in 8 bits. */
#define NUCLEUS_STEP 16
/* e^-x in integers for differences of logits, so that every processor gives the same shares; from
 * the last one on they count as nothing. */
enum { EXPONENTIAL_COUNT = 12 * NETWORK_LOGIT_UNIT, EXPONENTIAL_UNIT = 1 << 20 };

struct CentreFinder {
    NetworkStream *stream;
    int channels;
    int width_max;               /* of a row of logits */
    int16_t *logits[LOGIT_ROWS]; /* the last rows; row y is in y % LOGIT_ROWS */
    int32_t *heat[HEAT_ROWS];    /* likewise */
    int32_t *columns;            /* sums of a few rows, HEAT_RADIUS zeros at both ends */
    uint32_t *exponentials;
    int heat_seen; /* rows */
    int width;
    int height;
    Centres centres;
};

bool centres_check(const Network *network, Error *error)
{
    if (network->logit_count < LOGIT_CHANNELS || network->downsample != LOGIT_DOWNSAMPLE) {
        return error_set(error, ERROR_INVALID,
                         "the network must give %d channels or more at half the resolution",
                         LOGIT_CHANNELS);
    }
    return true;
}

static int32_t half_of(int32_t size)
{
    return (size + LOGIT_DOWNSAMPLE - 1) / LOGIT_DOWNSAMPLE;
}

CentreFinder *
centre_finder_create(const NetworkProgram *program, int32_t width_max, int32_t height_max)
{
    CentreFinder *finder = ALLOC_NEW(CentreFinder);
    finder->stream = network_stream_create(program, width_max, height_max);
    finder->channels = program->network->logit_count;
    finder->width_max = half_of(width_max);
    for (int i = 0; i < LOGIT_ROWS; i++) {
        finder->logits[i] =
            alloc_array((size_t)finder->width_max * (size_t)finder->channels, sizeof(int16_t));
    }
    for (int i = 0; i < HEAT_ROWS; i++) {
        finder->heat[i] = alloc_array((size_t)finder->width_max, sizeof(int32_t));
    }
    finder->columns = alloc_zeroed((size_t)finder->width_max + 2 * HEAT_RADIUS, sizeof(int32_t));
    finder->exponentials = alloc_array(EXPONENTIAL_COUNT, sizeof *finder->exponentials);
    for (int i = 0; i < EXPONENTIAL_COUNT; i++) {
        finder->exponentials[i] =
            (uint32_t)lround(EXPONENTIAL_UNIT * exp(-(double)i / NETWORK_LOGIT_UNIT));
    }
    finder->centres.nucleus =
        alloc_array((size_t)finder->width_max * (size_t)half_of(height_max), 1);
    return finder;
}

void centre_finder_destroy(CentreFinder *finder)
{
    if (finder == NULL) {
        return;
    }
    network_stream_destroy(finder->stream);
    for (int i = 0; i < LOGIT_ROWS; i++) {
        alloc_free(finder->logits[i]);
    }
    for (int i = 0; i < HEAT_ROWS; i++) {
        alloc_free(finder->heat[i]);
    }
    alloc_free(finder->columns);
    alloc_free(finder->exponentials);
    alloc_free(finder->centres.nucleus);
    alloc_free(finder->centres.items);
    alloc_free(finder);
}

static const int16_t *logits_at(const CentreFinder *finder, int x, int y)
{
    return finder->logits[y % LOGIT_ROWS] + (size_t)x * (size_t)finder->channels;
}

/* The heat of a row: sums of LOGIT_CENTRE over the places around, those within the image. */
static void smooth_row(CentreFinder *finder, int y)
{
    int top = y < HEAT_RADIUS ? 0 : y - HEAT_RADIUS;
    int bottom = y + HEAT_RADIUS < finder->height ? y + HEAT_RADIUS : finder->height - 1;
    int32_t *columns = finder->columns + HEAT_RADIUS;
    memset(columns, 0, (size_t)(finder->width + HEAT_RADIUS) * sizeof *columns);
    for (int row = top; row <= bottom; row++) {
        const int16_t *logits = logits_at(finder, 0, row) + LOGIT_CENTRE;
        for (int x = 0; x < finder->width; x++) {
            columns[x] += logits[(size_t)x * (size_t)finder->channels];
        }
    }
    int32_t *heat = finder->heat[y % HEAT_ROWS];
    for (int x = 0; x < finder->width; x++) {
        heat[x] = 0;
        for (int at = x - HEAT_RADIUS; at <= x + HEAT_RADIUS; at++) {
            heat[x] += columns[at];
        }
    }
    finder->heat_seen = y + 1;
}

/* Of equal ones the first in reading order is the peak. */
static bool is_peak(const CentreFinder *finder, int x, int y)
{
    int32_t height = finder->heat[y % HEAT_ROWS][x];
    int top = y < PEAK_RADIUS ? 0 : y - PEAK_RADIUS;
    int bottom = y + PEAK_RADIUS < finder->heat_seen ? y + PEAK_RADIUS : finder->heat_seen - 1;
    int left = x < PEAK_RADIUS ? 0 : x - PEAK_RADIUS;
    int right = x + PEAK_RADIUS < finder->width ? x + PEAK_RADIUS : finder->width - 1;
    for (int r = top; r <= bottom; r++) {
        for (int c = left; c <= right; c++) {
            int32_t other = finder->heat[r % HEAT_ROWS][c];
            bool before = r < y || (r == y && c < x);
            if (other > height || (other == height && before)) {
                return false;
            }
        }
    }
    return true;
}

/* Softmax over the three kinds. */
static CellKinds kinds_of(const CentreFinder *finder, const int16_t *logits)
{
    int highest = logits[LOGIT_INFLAMMATORY];
    for (int i = LOGIT_EPITHELIAL; i <= LOGIT_STROMAL; i++) {
        highest = logits[i] > highest ? logits[i] : highest;
    }
    uint32_t parts[KIND_COUNT] = {0};
    uint32_t sum = 0;
    for (int i = LOGIT_INFLAMMATORY; i <= LOGIT_STROMAL; i++) {
        int below = highest - logits[i];
        CellKind kind = (CellKind)(KIND_INFLAMMATORY + i - LOGIT_INFLAMMATORY);
        parts[kind] = below < EXPONENTIAL_COUNT ? finder->exponentials[below] : 0;
        sum += parts[kind];
    }
    CellKinds kinds = {{0}};
    for (int kind = KIND_INFLAMMATORY; kind < KIND_COUNT; kind++) {
        kinds.share[kind] = (float)parts[kind] / (float)sum;
    }
    return kinds;
}

static void add_centre(CentreFinder *finder, int x, int y)
{
    Centres *centres = &finder->centres;
    if (centres->count == centres->capacity) {
        centres->capacity = centres->capacity * 2 + 1024;
        centres->items = alloc_resize(centres->items, centres->capacity, sizeof *centres->items);
    }
    centres->items[centres->count++] = (Centre){centres->rect.x + LOGIT_DOWNSAMPLE * x + 1,
                                                centres->rect.y + LOGIT_DOWNSAMPLE * y + 1,
                                                kinds_of(finder, logits_at(finder, x, y))};
}

static void find_in_row(CentreFinder *finder, int y)
{
    for (int x = 0; x < finder->width; x++) {
        if (finder->heat[y % HEAT_ROWS][x] > 0 && is_peak(finder, x, y)) {
            add_centre(finder, x, y);
        }
    }
}

static void keep_nucleus(CentreFinder *finder, const LogitRow *row)
{
    int8_t *nucleus = finder->centres.nucleus + (size_t)row->y * (size_t)row->width;
    const int16_t *value = row->values + LOGIT_NUCLEUS;
    for (int x = 0; x < row->width; x++, value += row->channels) {
        /* Rounded up: what is above 0 stays so. */
        int level = (*value + NUCLEUS_STEP - 1) >> 4;
        nucleus[x] = (int8_t)(level > INT8_MAX ? INT8_MAX : level < INT8_MIN ? INT8_MIN : level);
    }
}

/* What can be done once row `y` of the logits is there, or would be if the image went on. */
static void go_on(CentreFinder *finder, int y)
{
    int smooth = y - HEAT_RADIUS;
    if (smooth >= 0 && smooth < finder->height) {
        smooth_row(finder, smooth);
    }
    int peaks = smooth - PEAK_RADIUS;
    if (peaks >= 0 && peaks < finder->height) {
        find_in_row(finder, peaks);
    }
}

static void take_row(void *context, const LogitRow *row)
{
    CentreFinder *finder = context;
    memcpy(finder->logits[row->y % LOGIT_ROWS], row->values,
           (size_t)row->width * (size_t)row->channels * sizeof *row->values);
    keep_nucleus(finder, row);
    go_on(finder, row->y);
}

const Centres *centre_finder_run(CentreFinder *finder, const GridRect *rect, const uint8_t *rgb)
{
    finder->centres.rect = *rect;
    finder->centres.count = 0;
    finder->heat_seen = 0;
    finder->width = half_of(rect->width);
    finder->height = half_of(rect->height);
    NetworkImage image = {rgb, (size_t)rect->width * 3, rect->width, rect->height};
    network_stream_run(finder->stream, &image, take_row, finder);
    for (int y = finder->height; y < finder->height + HEAT_RADIUS + PEAK_RADIUS; y++) {
        go_on(finder, y);
    }
    return &finder->centres;
}

/* The logit pixels before and behind a place between pixels, and the weight of the nearer one is 3
 * of 4: a logit pixel is two pixels wide. */
typedef struct Between {
    int32_t near;
    int32_t far;
} Between;

static Between between(int64_t pixel, int32_t count)
{
    int32_t near = (int32_t)(pixel / LOGIT_DOWNSAMPLE);
    int32_t far = pixel % LOGIT_DOWNSAMPLE == 0 ? near - 1 : near + 1;
    return (Between){near, far < 0 || far >= count ? near : far};
}

bool centres_nucleus_at(const Centres *centres, int64_t x, int64_t y)
{
    int32_t width = half_of(centres->rect.width);
    Between column = between(x - centres->rect.x, width);
    Between row = between(y - centres->rect.y, half_of(centres->rect.height));
    const int8_t *near = centres->nucleus + (size_t)row.near * (size_t)width;
    const int8_t *far = centres->nucleus + (size_t)row.far * (size_t)width;
    return 9 * near[column.near] + 3 * (near[column.far] + far[column.near]) + far[column.far] > 0;
}
