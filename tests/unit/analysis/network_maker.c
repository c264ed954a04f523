/* SPDX-License-Identifier: Apache-2.0 */
/* See network_maker.h. */
#include "network_maker.h"

#include <assert.h>
#include <string.h>
#include <zlib.h>

#include "base/alloc.h"

enum { CONV = 1, DEPTHWISE, POINTWISE, UP, ADD };

uint32_t made_random(MadeNetwork *made, uint32_t below)
{
    made->random = made->random * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)(made->random >> 33) % below;
}

static int channels_of(const MadeNetwork *made, int tensor)
{
    return tensor == 0 ? 3 : made->layers[tensor - 1].out_channels;
}

int made_downsample(const MadeNetwork *made, int tensor)
{
    if (tensor == 0) {
        return 1;
    }
    const MadeLayer *layer = &made->layers[tensor - 1];
    int in = made_downsample(made, layer->inputs[0]);
    return layer->kind == UP ? in / 2 : in * layer->stride;
}

static size_t weight_count(const MadeLayer *layer)
{
    size_t area = (size_t)(layer->kernel * layer->kernel);
    size_t in = layer->kind == DEPTHWISE ? 1 : (size_t)layer->in_channels;
    return layer->kind == UP || layer->kind == ADD ? 0 : area * in * (size_t)layer->out_channels;
}

/* Scales that spread the values over their range, some beyond both ends. */
static void fill_numbers(MadeNetwork *made, MadeLayer *layer)
{
    size_t weights = weight_count(layer);
    size_t outputs = (size_t)layer->out_channels;
    layer->weights = alloc_array(weights, 1);
    layer->bias = alloc_array(outputs, sizeof(int32_t));
    layer->multiplier = alloc_array(outputs, sizeof(int32_t));
    layer->shift = alloc_array(outputs, 1);
    for (size_t i = 0; i < weights; i++) {
        layer->weights[i] = (int8_t)((int)made_random(made, 256) - 128);
    }
    for (size_t i = 0; i < outputs; i++) {
        layer->bias[i] = (int32_t)made_random(made, 40000) - 10000;
        layer->multiplier[i] = (int32_t)(0x40000000U + made_random(made, 0x3FFFFFFFU));
        layer->shift[i] =
            (int8_t)(layer->rectified ? 5 + made_random(made, 4) : made_random(made, 3));
    }
}

int made_add(MadeNetwork *made, int kind, int kernel, int stride, int input, int second, int out)
{
    assert(made->layer_count < MADE_LAYERS_MAX);
    MadeLayer *layer = &made->layers[made->layer_count++];
    *layer = (MadeLayer){.kind = kind,
                         .kernel = kernel,
                         .stride = stride,
                         .input_count = second < 0 ? 1 : 2,
                         .inputs = {input, second < 0 ? 0 : second},
                         .in_channels = channels_of(made, input),
                         .rectified = 1};
    layer->in_channels += second < 0 || kind == ADD ? 0 : channels_of(made, second);
    layer->out_channels = kind == CONV || kind == POINTWISE ? out : channels_of(made, input);
    if (kind != UP && kind != ADD) {
        fill_numbers(made, layer);
    }
    return made->layer_count;
}

void made_unet(MadeNetwork *made, uint64_t seed)
{
    *made = (MadeNetwork){.random = seed};
    int half = made_add(made, CONV, 4, 2, 0, -1, 16);
    int quarter = made_add(made, DEPTHWISE, 3, 2, half, -1, 0);
    quarter = made_add(made, POINTWISE, 1, 1, quarter, -1, 24);
    int same = made_add(made, DEPTHWISE, 3, 1, quarter, -1, 0);
    same = made_add(made, POINTWISE, 1, 1, same, -1, 24);
    quarter = made_add(made, ADD, 1, 1, same, quarter, 0);
    int eighth = made_add(made, DEPTHWISE, 5, 2, quarter, -1, 0);
    eighth = made_add(made, POINTWISE, 1, 1, eighth, -1, 40);
    int deep = made_add(made, DEPTHWISE, 3, 2, eighth, -1, 0);
    deep = made_add(made, DEPTHWISE, 5, 1, deep, -1, 0);
    deep = made_add(made, POINTWISE, 1, 1, deep, -1, 48);
    int up = made_add(made, UP, 1, 1, deep, -1, 0);
    up = made_add(made, POINTWISE, 1, 1, up, eighth, 24);
    up = made_add(made, UP, 1, 1, up, -1, 0);
    up = made_add(made, ADD, 1, 1, up, quarter, 0);
    up = made_add(made, POINTWISE, 1, 1, up, -1, 16);
    up = made_add(made, UP, 1, 1, up, -1, 0);
    up = made_add(made, ADD, 1, 1, up, half, 0);
    up = made_add(made, DEPTHWISE, 3, 1, up, -1, 0);
    made_add(made, POINTWISE, 1, 1, up, -1, 8);
    made->layers[made->layer_count - 1].rectified = 0;
}

/* The output is `weight` times the input's red or first channel in every place that is summed. */
static void set_plain(MadeLayer *layer, double factor, int bias)
{
    int per_output = layer->kind == DEPTHWISE ? 1 : layer->in_channels;
    int taps = layer->kernel * layer->kernel;
    memset(layer->weights, 0, weight_count(layer));
    for (int out = 0; out < layer->out_channels; out++) {
        for (int tap = 0; tap < taps; tap++) {
            int at = layer->kind == DEPTHWISE ? tap * layer->out_channels + out
                                              : (out * taps + tap) * per_output;
            layer->weights[at] = 64;
        }
        layer->bias[out] = bias;
        layer->multiplier[out] = (int32_t)(factor / 64 * 2147483648.0);
        layer->shift[out] = 0;
    }
}

void made_detector(MadeNetwork *made)
{
    *made = (MadeNetwork){.random = 1};
    int red = made_add(made, CONV, 2, 2, 0, -1, 8);
    int smooth = made_add(made, DEPTHWISE, 5, 1, red, -1, 0);
    smooth = made_add(made, DEPTHWISE, 5, 1, smooth, -1, 0);
    made_add(made, POINTWISE, 1, 1, smooth, red, 8);
    set_plain(&made->layers[0], 1.0 / 4, 0);
    set_plain(&made->layers[1], 1.0 / 25, 0);
    set_plain(&made->layers[2], 1.0 / 25, 0);
    MadeLayer *last = &made->layers[3];
    last->rectified = 0;
    memset(last->weights, 0, weight_count(last));
    for (int out = 0; out < last->out_channels; out++) {
        /* Two weights of 64 make one. */
        last->multiplier[out] = 1 << 25;
        last->shift[out] = 0;
        last->bias[out] = 0;
    }
    last->weights[0] = 64;
    last->bias[0] = -64 * 50;
    last->bias[2] = 64 * 256;
    last->bias[3] = -64 * 512;
    last->weights[4 * last->in_channels + 8] = 64;
    last->bias[4] = -64 * (255 - 140);
}

void made_clear(MadeNetwork *made)
{
    for (int i = 0; i < made->layer_count; i++) {
        alloc_free(made->layers[i].weights);
        alloc_free(made->layers[i].bias);
        alloc_free(made->layers[i].multiplier);
        alloc_free(made->layers[i].shift);
    }
    made->layer_count = 0;
}

static uint8_t *put(uint8_t *at, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++) {
        *at++ = (uint8_t)(value >> (8 * i));
    }
    return at;
}

static uint8_t *put_layer(uint8_t *at, const MadeLayer *layer)
{
    at = put(at, (uint32_t)layer->kind, 1);
    at = put(at, (uint32_t)layer->kernel, 1);
    at = put(at, (uint32_t)layer->stride, 1);
    at = put(at, (uint32_t)layer->input_count, 1);
    at = put(at, (uint32_t)layer->inputs[0], 2);
    at = put(at, (uint32_t)layer->inputs[1], 2);
    at = put(at, (uint32_t)layer->in_channels, 2);
    at = put(at, (uint32_t)layer->out_channels, 2);
    at = put(at, (uint32_t)layer->rectified, 1);
    size_t outputs = layer->weights == NULL ? 0 : (size_t)layer->out_channels;
    for (size_t i = 0; layer->weights != NULL && i < weight_count(layer); i++) {
        at = put(at, (uint32_t)layer->weights[i], 1);
    }
    for (size_t i = 0; i < outputs; i++) {
        at = put(at, (uint32_t)layer->bias[i], 4);
    }
    for (size_t i = 0; i < outputs; i++) {
        at = put(at, (uint32_t)layer->multiplier[i], 4);
    }
    for (size_t i = 0; i < outputs; i++) {
        at = put(at, (uint32_t)layer->shift[i], 1);
    }
    return at;
}

void made_seal(uint8_t *bytes, size_t count)
{
    put(bytes + count - 4, (uint32_t)crc32(0, bytes, (uInt)(count - 4)), 4);
}

size_t made_write(const MadeNetwork *made, uint8_t *bytes)
{
    memcpy(bytes, "SWNN", 4);
    uint8_t *at = put(bytes + 4, 1, 4);
    at = put(at, (uint32_t)made->layer_count, 4);
    for (int i = 0; i < made->layer_count; i++) {
        at = put_layer(at, &made->layers[i]);
    }
    size_t count = (size_t)(at - bytes) + 4;
    assert(count <= MADE_BYTES_MAX);
    made_seal(bytes, count);
    return count;
}

/* A whole tensor. */
typedef struct Plane {
    int width;
    int height;
    int channels;
    int32_t *values;
} Plane;

static int32_t value_at(const Plane *plane, int y, int x, int channel)
{
    if (y < 0 || x < 0 || y >= plane->height || x >= plane->width) {
        return 0;
    }
    return plane->values[(y * plane->width + x) * plane->channels + channel];
}

/* Of a pointwise layer's two inputs as if they were one. */
static int32_t joined_value(const Plane *first, const Plane *second, int y, int x, int channel)
{
    return channel < first->channels ? value_at(first, y, x, channel)
                                     : value_at(second, y, x, channel - first->channels);
}

static int32_t rounded(const MadeLayer *layer, int64_t sum, int out)
{
    int64_t half = (int64_t)1 << (30 + layer->shift[out]);
    int64_t value = (sum * layer->multiplier[out] + half) >> (31 + layer->shift[out]);
    int64_t low = layer->rectified ? 0 : INT16_MIN;
    int64_t high = layer->rectified ? 255 : INT16_MAX;
    return (int32_t)(value < low ? low : value > high ? high : value);
}

static int64_t
sum_at(const MadeLayer *layer, const Plane *first, const Plane *second, int y, int x, int out)
{
    int64_t sum = layer->bias[out];
    int kernel = layer->kernel;
    for (int t = 0; t < kernel * kernel; t++) {
        int from_y = y * layer->stride + t / kernel - (kernel - 1) / 2;
        int from_x = x * layer->stride + t % kernel - (kernel - 1) / 2;
        if (layer->kind == DEPTHWISE) {
            sum += (int64_t)value_at(first, from_y, from_x, out) *
                   layer->weights[t * layer->out_channels + out];
            continue;
        }
        for (int in = 0; in < layer->in_channels; in++) {
            int weight = layer->weights[(out * kernel * kernel + t) * layer->in_channels + in];
            sum += (int64_t)joined_value(first, second, from_y, from_x, in) * weight;
        }
    }
    return sum;
}

static int32_t
layer_value(const MadeLayer *layer, const Plane *first, const Plane *second, int y, int x, int out)
{
    if (layer->kind == UP) {
        return value_at(first, y / 2, x / 2, out);
    }
    if (layer->kind == ADD) {
        int32_t sum = value_at(first, y, x, out) + value_at(second, y, x, out);
        return sum > 255 ? 255 : sum;
    }
    return rounded(layer, sum_at(layer, first, second, y, x, out), out);
}

static void fill_plane(const MadeLayer *layer, const Plane *first, const Plane *second, Plane *out)
{
    int32_t *value = out->values;
    for (int y = 0; y < out->height; y++) {
        for (int x = 0; x < out->width; x++) {
            for (int channel = 0; channel < out->channels; channel++) {
                *value++ = layer_value(layer, first, second, y, x, channel);
            }
        }
    }
}

static Plane make_plane(const MadeNetwork *made, int tensor, int width, int height)
{
    int by = made_downsample(made, tensor);
    Plane plane = {(width + by - 1) / by, (height + by - 1) / by, channels_of(made, tensor), NULL};
    plane.values = alloc_array((size_t)plane.width * (size_t)plane.height * (size_t)plane.channels,
                               sizeof(int32_t));
    return plane;
}

int16_t *made_run(const MadeNetwork *made, const uint8_t *rgb, int width, int height)
{
    Plane planes[MADE_LAYERS_MAX + 1];
    planes[0] = make_plane(made, 0, width, height);
    for (int i = 0; i < width * height * 3; i++) {
        planes[0].values[i] = 255 - rgb[i];
    }
    for (int i = 0; i < made->layer_count; i++) {
        const MadeLayer *layer = &made->layers[i];
        planes[i + 1] = make_plane(made, i + 1, width, height);
        fill_plane(layer, &planes[layer->inputs[0]], &planes[layer->inputs[1]], &planes[i + 1]);
    }
    const Plane *last = &planes[made->layer_count];
    size_t count = (size_t)last->width * (size_t)last->height * (size_t)last->channels;
    int16_t *logits = alloc_array(count, sizeof *logits);
    for (size_t i = 0; i < count; i++) {
        logits[i] = (int16_t)last->values[i];
    }
    for (int i = 0; i <= made->layer_count; i++) {
        alloc_free(planes[i].values);
    }
    return logits;
}
