/* SPDX-License-Identifier: Apache-2.0 */
/* See kernels.h: which set there is, and weights in the order of a set. */
#include "analysis/network/kernels.h"

#include "base/alloc.h"

/* What shifts of the file have in common; see KernelLayer.shift. */
enum { COMMON_SHIFT = 30 };

const KernelSet *const KERNEL_SETS[KERNEL_SET_COUNT] = {
    &KERNELS_AVX512,
    &KERNELS_AVX2,
    &KERNELS_SCALAR,
};

const KernelSet *kernels_best(void)
{
    for (int i = 0; i < KERNEL_SET_COUNT; i++) {
        if (KERNEL_SETS[i]->supported()) {
            return KERNEL_SETS[i];
        }
    }
    return &KERNELS_SCALAR;
}

static int round_up(int value, int step)
{
    return (value + step - 1) / step * step;
}

static int least_common_multiple(int a, int b)
{
    int multiple = a;
    while (multiple % b != 0) {
        multiple += a;
    }
    return multiple;
}

static void put_weight(const KernelSet *set, void *weights, size_t at, int weight)
{
    if (set->weight_bytes == 1) {
        ((int8_t *)weights)[at] = (int8_t)weight;
    } else {
        ((int16_t *)weights)[at] = (int16_t)weight;
    }
}

/* Where weight `input` of output `place` stands. */
static size_t weight_place(const KernelLayer *layer, int depth, int lanes, int place, int input)
{
    size_t groups = (size_t)(layer->inputs / depth);
    size_t group = (size_t)(place / lanes) * groups + (size_t)(input / depth);
    return (group * (size_t)lanes + (size_t)(place % lanes)) * (size_t)depth +
           (size_t)(input % depth);
}

static void make_arrays(KernelLayer *kernel_layer, const KernelSet *set)
{
    size_t outputs = (size_t)kernel_layer->outputs;
    kernel_layer->weights =
        alloc_zeroed(outputs * (size_t)kernel_layer->inputs, (size_t)set->weight_bytes);
    kernel_layer->bias = alloc_zeroed(outputs, sizeof(int32_t));
    kernel_layer->multiplier = alloc_zeroed(outputs, sizeof(uint32_t));
    kernel_layer->shift = alloc_zeroed(outputs, sizeof(uint32_t));
}

static void put_scale(KernelLayer *kernel_layer, int place, const NetworkLayer *layer, int channel)
{
    kernel_layer->bias[place] = layer->bias[channel];
    kernel_layer->multiplier[place] = (uint32_t)layer->multiplier[channel];
    kernel_layer->shift[place] = (uint32_t)layer->shift[channel] + COMMON_SHIFT;
}

static void
init_depthwise(KernelLayer *kernel_layer, const KernelSet *set, const NetworkLayer *layer)
{
    int taps = layer->kernel * layer->kernel;
    int lanes = set->depthwise_lanes;
    kernel_layer->inputs = round_up(taps, set->depth);
    kernel_layer->outputs = least_common_multiple(layer->out_channels, lanes);
    make_arrays(kernel_layer, set);
    for (int i = 0; i < kernel_layer->outputs; i++) {
        int channel = i % layer->out_channels;
        int lane = set->depthwise_order == NULL ? i % lanes : set->depthwise_order[i % lanes];
        int place = i - i % lanes + lane;
        put_scale(kernel_layer, place, layer, channel);
        for (int tap = 0; tap < taps; tap++) {
            put_weight(set, kernel_layer->weights,
                       weight_place(kernel_layer, set->depth, lanes, place, tap),
                       layer->weights[tap * layer->out_channels + channel]);
        }
    }
}

static void
init_pointwise(KernelLayer *kernel_layer, const KernelSet *set, const NetworkLayer *layer)
{
    int inputs = (int)layer_weights_per_output(layer);
    /* Whole quads for every set, so that all find the pixels of a gathered row at one distance. */
    kernel_layer->inputs = round_up(inputs, 4);
    kernel_layer->outputs = round_up(layer->out_channels, set->lanes);
    make_arrays(kernel_layer, set);
    for (int out = 0; out < layer->out_channels; out++) {
        put_scale(kernel_layer, out, layer, out);
        for (int in = 0; in < inputs; in++) {
            put_weight(set, kernel_layer->weights,
                       weight_place(kernel_layer, set->depth, set->lanes, out, in),
                       layer->weights[(size_t)out * (size_t)inputs + (size_t)in]);
        }
    }
}

void kernel_layer_init(KernelLayer *kernel_layer, const KernelSet *set, const NetworkLayer *layer)
{
    if (layer->kind == LAYER_DEPTHWISE) {
        init_depthwise(kernel_layer, set, layer);
    } else {
        init_pointwise(kernel_layer, set, layer);
    }
}

void kernel_layer_clear(KernelLayer *kernel_layer)
{
    alloc_free(kernel_layer->weights);
    alloc_free(kernel_layer->bias);
    alloc_free(kernel_layer->multiplier);
    alloc_free(kernel_layer->shift);
    *kernel_layer = (KernelLayer){.weights = NULL};
}
