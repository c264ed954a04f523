/* SPDX-License-Identifier: Apache-2.0 */
/* See centres.h. */
#include "analysis/centres.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"

enum { WINDOW = 2 * PEAK_RADIUS + 1 };
/* Logits of the foreground are kept in 8 bits. */
#define NUCLEUS_STEP 16
/* e^-x in integers for differences of logits, so that every processor gives the same shares; from
 * the last one on they count as nothing. */
enum { EXPONENTIAL_COUNT = 12 * NETWORK_LOGIT_UNIT, EXPONENTIAL_UNIT = 1 << 20 };

struct CentreFinder {
    NetworkStream *stream;
    int channels;
    int width_max;         /* of a row of logits */
    int16_t *rows[WINDOW]; /* the last ones; row y is in y % WINDOW */
    uint32_t *exponentials;
    int rows_seen;
    int width;
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
    for (int i = 0; i < WINDOW; i++) {
        finder->rows[i] =
            alloc_array((size_t)finder->width_max * (size_t)finder->channels, sizeof(int16_t));
    }
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
    for (int i = 0; i < WINDOW; i++) {
        alloc_free(finder->rows[i]);
    }
    alloc_free(finder->exponentials);
    alloc_free(finder->centres.nucleus);
    alloc_free(finder->centres.items);
    alloc_free(finder);
}

static const int16_t *logits_at(const CentreFinder *finder, int x, int y)
{
    return finder->rows[y % WINDOW] + (size_t)x * (size_t)finder->channels;
}

/* Of equal ones the first in reading order is the peak. */
static bool is_peak(const CentreFinder *finder, int x, int y)
{
    int16_t height = *logits_at(finder, x, y);
    int top = y < PEAK_RADIUS ? 0 : y - PEAK_RADIUS;
    int bottom = y + PEAK_RADIUS < finder->rows_seen ? y + PEAK_RADIUS : finder->rows_seen - 1;
    int left = x < PEAK_RADIUS ? 0 : x - PEAK_RADIUS;
    int right = x + PEAK_RADIUS < finder->width ? x + PEAK_RADIUS : finder->width - 1;
    for (int r = top; r <= bottom; r++) {
        for (int c = left; c <= right; c++) {
            int16_t other = *logits_at(finder, c, r);
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
        if (*logits_at(finder, x, y) > 0 && is_peak(finder, x, y)) {
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

static void take_row(void *context, const LogitRow *row)
{
    CentreFinder *finder = context;
    memcpy(finder->rows[row->y % WINDOW], row->values,
           (size_t)row->width * (size_t)row->channels * sizeof *row->values);
    keep_nucleus(finder, row);
    finder->rows_seen = row->y + 1;
    if (row->y >= PEAK_RADIUS) {
        find_in_row(finder, row->y - PEAK_RADIUS);
    }
}

const Centres *centre_finder_run(CentreFinder *finder, const GridRect *rect, const uint8_t *rgb)
{
    finder->centres.rect = *rect;
    finder->centres.count = 0;
    finder->rows_seen = 0;
    finder->width = half_of(rect->width);
    NetworkImage image = {rgb, (size_t)rect->width * 3, rect->width, rect->height};
    network_stream_run(finder->stream, &image, take_row, finder);
    int rows = half_of(rect->height);
    for (int y = rows < PEAK_RADIUS ? 0 : rows - PEAK_RADIUS; y < rows; y++) {
        find_in_row(finder, y);
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
