/* SPDX-License-Identifier: Apache-2.0 */
/* See network.h: the reader of the file, which trusts nothing in it. */
#include "analysis/network/network.h"

#include <string.h>
#include <zlib.h>

#include "base/alloc.h"

static const uint8_t MAGIC[4] = {'S', 'W', 'N', 'N'};
enum { VERSION = 1, HEADER_BYTES = 12, LAYER_BYTES = 13, CHECKSUM_BYTES = 4, SHIFT_MAX = 31 };
/* A sum and its bias stay below this, so that kernels may hold them in 32 bits and add to them. */
#define SUM_MAX (1LL << 30)

/* What is left to be read. */
typedef struct Bytes {
    const uint8_t *at;
    size_t count;
} Bytes;

static bool take(Bytes *bytes, size_t count, const uint8_t **taken_out)
{
    if (bytes->count < count) {
        return false;
    }
    *taken_out = bytes->at;
    bytes->at += count;
    bytes->count -= count;
    return true;
}

static uint32_t read_u32(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static int read_u16(const uint8_t *at)
{
    return at[0] | at[1] << 8;
}

static bool take_i8(Bytes *bytes, size_t count, int8_t **values_out)
{
    const uint8_t *at = NULL;
    if (!take(bytes, count, &at)) {
        return false;
    }
    *values_out = alloc_array(count, 1);
    memcpy(*values_out, at, count);
    return true;
}

static bool take_i32(Bytes *bytes, size_t count, int32_t **values_out)
{
    const uint8_t *at = NULL;
    if (!take(bytes, count * sizeof(int32_t), &at)) {
        return false;
    }
    *values_out = alloc_array(count, sizeof(int32_t));
    for (size_t i = 0; i < count; i++) {
        (*values_out)[i] = (int32_t)read_u32(at + i * sizeof(int32_t));
    }
    return true;
}

static bool truncated(Error *error)
{
    return error_set(error, ERROR_INVALID, "the network's file ends too early");
}

static bool wrong(Error *error, int layer, const char *what)
{
    return error_set(error, ERROR_INVALID, "layer %d of the network: %s", layer, what);
}

/* Kernel and stride that the kind allows. */
static bool shape_allowed(const NetworkLayer *layer)
{
    bool small_stride = layer->stride == 1 || layer->stride == 2;
    switch (layer->kind) {
    case LAYER_CONV:
        return layer->kernel >= 1 && layer->kernel <= NETWORK_KERNEL_MAX && small_stride;
    case LAYER_DEPTHWISE:
        return (layer->kernel == 3 || layer->kernel == 5) && small_stride;
    case LAYER_POINTWISE:
    case LAYER_UP:
    case LAYER_ADD:
        return layer->kernel == 1 && layer->stride == 1;
    }
    return false;
}

static bool inputs_allowed(const NetworkLayer *layer, int index)
{
    for (int i = 0; i < layer->input_count; i++) {
        bool image = layer->inputs[i] == 0;
        if (layer->inputs[i] > index || image != (layer->kind == LAYER_CONV)) {
            return false;
        }
    }
    if (layer->kind == LAYER_ADD) {
        return layer->input_count == 2;
    }
    return layer->input_count == 1 || (layer->input_count == 2 && layer->kind == LAYER_POINTWISE);
}

/* Channels in agree with the inputs', channels out with what the kind makes of them. */
static bool channels_allowed(const Network *network, const NetworkLayer *layer, bool last)
{
    int sum = 0;
    for (int i = 0; i < layer->input_count; i++) {
        sum += network_channels(network, layer->inputs[i]);
    }
    if (layer->kind == LAYER_ADD) {
        int first = network_channels(network, layer->inputs[0]);
        return sum == 2 * first && layer->in_channels == first && layer->out_channels == first;
    }
    if (layer->in_channels != sum) {
        return false;
    }
    if (layer->kind == LAYER_DEPTHWISE || layer->kind == LAYER_UP) {
        return layer->out_channels == sum;
    }
    return last ? layer->out_channels >= 1 && layer->out_channels <= NETWORK_LOGITS_MAX
                : layer->out_channels >= NETWORK_CHANNEL_STEP &&
                      layer->out_channels <= NETWORK_CHANNELS_MAX &&
                      layer->out_channels % NETWORK_CHANNEL_STEP == 0;
}

/* Sets how coarse the output is; false when the inputs differ or it leaves the bounds. */
static bool set_downsample(const Network *network, NetworkLayer *layer)
{
    int in = network_downsample(network, layer->inputs[0]);
    if (layer->input_count == 2 && network_downsample(network, layer->inputs[1]) != in) {
        return false;
    }
    if (layer->kind == LAYER_UP) {
        layer->downsample = in / 2;
        return in >= 2;
    }
    layer->downsample = in * layer->stride;
    return layer->downsample <= NETWORK_STRIDE_MAX;
}

static bool scales_allowed(const NetworkLayer *layer)
{
    for (int i = 0; i < layer->out_channels; i++) {
        if (layer->multiplier[i] < 1 || layer->shift[i] < 0 || layer->shift[i] > SHIFT_MAX) {
            return false;
        }
    }
    return true;
}

static bool sums_allowed(const NetworkLayer *layer)
{
    size_t per_output = layer_weights_per_output(layer);
    bool depthwise = layer->kind == LAYER_DEPTHWISE;
    size_t step = depthwise ? (size_t)layer->out_channels : 1;
    for (size_t out = 0; out < (size_t)layer->out_channels; out++) {
        const int8_t *weight = layer->weights + (depthwise ? out : out * per_output);
        int64_t most = layer->bias[out] < 0 ? -(int64_t)layer->bias[out] : layer->bias[out];
        for (size_t i = 0; i < per_output; i++) {
            most += 255 * (weight[i * step] < 0 ? -weight[i * step] : weight[i * step]);
        }
        if (most >= SUM_MAX) {
            return false;
        }
    }
    return true;
}

static bool read_numbers(Bytes *bytes, NetworkLayer *layer, int index, Error *error)
{
    if (layer->kind == LAYER_UP || layer->kind == LAYER_ADD) {
        return true;
    }
    size_t outputs = (size_t)layer->out_channels;
    if (!take_i8(bytes, layer_weights_per_output(layer) * outputs, &layer->weights) ||
        !take_i32(bytes, outputs, &layer->bias) || !take_i32(bytes, outputs, &layer->multiplier) ||
        !take_i8(bytes, outputs, &layer->shift)) {
        return truncated(error);
    }
    if (!scales_allowed(layer)) {
        return wrong(error, index, "a multiplier or shift is out of its range");
    }
    if (!sums_allowed(layer)) {
        return wrong(error, index, "its sums do not fit 32 bits");
    }
    return true;
}

static bool read_layer(Bytes *bytes, Network *network, int index, Error *error)
{
    const uint8_t *at = NULL;
    if (!take(bytes, LAYER_BYTES, &at)) {
        return truncated(error);
    }
    NetworkLayer *layer = &network->layers[index];
    *layer = (NetworkLayer){.kind = (NetworkLayerKind)at[0],
                            .kernel = at[1],
                            .stride = at[2],
                            .input_count = at[3],
                            .inputs = {read_u16(at + 4), read_u16(at + 6)},
                            .in_channels = read_u16(at + 8),
                            .out_channels = read_u16(at + 10),
                            .rectified = at[12] == 1};
    bool last = index + 1 == network->layer_count;
    if (at[12] > 1 || layer->rectified == last) {
        return wrong(error, index, "the last one alone must not be rectified");
    }
    if (last && layer->kind != LAYER_POINTWISE) {
        return wrong(error, index, "the last one must be pointwise");
    }
    if (!shape_allowed(layer)) {
        return wrong(error, index, "kind, kernel and stride do not go together");
    }
    if (layer->input_count < 1 || layer->input_count > 2 || !inputs_allowed(layer, index)) {
        return wrong(error, index, "its inputs are not allowed");
    }
    if (!channels_allowed(network, layer, last)) {
        return wrong(error, index, "its numbers of channels are not allowed");
    }
    if (!set_downsample(network, layer)) {
        return wrong(error, index, "its resolution is not allowed");
    }
    return read_numbers(bytes, layer, index, error);
}

/* The distance in image pixels from an output's first pixel to what it depends on, before and
 * behind, layer by layer; the larger one of the last layer. */
static int reach_of(const Network *network)
{
    int before[NETWORK_LAYERS_MAX + 1] = {0};
    int behind[NETWORK_LAYERS_MAX + 1] = {0};
    for (int i = 0; i < network->layer_count; i++) {
        const NetworkLayer *layer = &network->layers[i];
        int in = network_downsample(network, layer->inputs[0]);
        for (int k = 0; k < layer->input_count; k++) {
            int input = layer->inputs[k];
            /* An odd pixel of a doubled row begins half an input pixel behind that one. */
            int doubled = layer->kind == LAYER_UP ? layer->downsample : 0;
            int left = before[input] + layer_padding(layer) * in + doubled;
            int right = behind[input] + (layer->kernel - 1 - layer_padding(layer)) * in;
            before[i + 1] = left > before[i + 1] ? left : before[i + 1];
            behind[i + 1] = right > behind[i + 1] ? right : behind[i + 1];
        }
    }
    int last = network->layer_count;
    return before[last] > behind[last] ? before[last] : behind[last];
}

static bool read_layers(Bytes bytes, Network *network, Error *error)
{
    for (int i = 0; i < network->layer_count; i++) {
        if (!read_layer(&bytes, network, i, error)) {
            return false;
        }
    }
    if (bytes.count != 0) {
        return error_set(error, ERROR_INVALID, "the network's file goes on behind its last layer");
    }
    const NetworkLayer *last = &network->layers[network->layer_count - 1];
    network->logit_count = last->out_channels;
    network->downsample = last->downsample;
    network->reach_px = reach_of(network);
    return true;
}

bool network_read(const uint8_t *bytes, size_t count, Network **network_out, Error *error)
{
    if (count < HEADER_BYTES + CHECKSUM_BYTES || count > NETWORK_BYTES_MAX ||
        memcmp(bytes, MAGIC, sizeof MAGIC) != 0 || read_u32(bytes + 4) != VERSION) {
        return error_set(error, ERROR_INVALID, "this is no network of version %d", VERSION);
    }
    size_t body = count - CHECKSUM_BYTES;
    if (crc32(0, bytes, (uInt)body) != read_u32(bytes + body)) {
        return error_set(error, ERROR_INVALID, "the network's checksum is wrong");
    }
    uint32_t layer_count = read_u32(bytes + 8);
    if (layer_count < 1 || layer_count > NETWORK_LAYERS_MAX) {
        return error_set(error, ERROR_INVALID, "a network has 1 to %d layers", NETWORK_LAYERS_MAX);
    }
    AUTO_NETWORK *network = ALLOC_NEW(Network);
    network->layer_count = (int)layer_count;
    Bytes layers = {bytes + HEADER_BYTES, body - HEADER_BYTES};
    if (!read_layers(layers, network, error)) {
        return false;
    }
    *network_out = TAKE(network);
    return true;
}

void network_destroy(Network *network)
{
    if (network == NULL) {
        return;
    }
    for (int i = 0; i < network->layer_count; i++) {
        NetworkLayer *layer = &network->layers[i];
        alloc_free(layer->weights);
        alloc_free(layer->bias);
        alloc_free(layer->multiplier);
        alloc_free(layer->shift);
    }
    alloc_free(network);
}
