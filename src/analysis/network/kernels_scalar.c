/* SPDX-License-Identifier: Apache-2.0 */
/* Kernels in plain C: for every processor, and what the others are compared with. */
#include <string.h>

#include "analysis/network/kernels.h"

enum { LANES = 16, DEPTH = 1 };

static bool supported(void)
{
    return true;
}

/* Adds one value times its weights to the sums of a block. */
static void add_scaled(int32_t sums[LANES], int32_t value, const int16_t *weights)
{
    for (int lane = 0; lane < LANES; lane++) {
        sums[lane] += value * weights[lane];
    }
}

/* The sums of one block of outputs of one pixel. */
static void sum_block(const KernelRun *run, int first, int pixel, int32_t sums[LANES])
{
    const KernelLayer *layer = run->layer;
    memcpy(sums, layer->bias + first, LANES * sizeof *sums);
    const int16_t *weights =
        (const int16_t *)layer->weights + (size_t)first * (size_t)layer->inputs;
    for (int row = 0; row < 2; row++) {
        int channels = run->in.channels[row];
        for (int channel = 0; channel < channels; channel++, weights += LANES) {
            add_scaled(sums, run->in.rows[row][(size_t)pixel * (size_t)channels + (size_t)channel],
                       weights);
        }
    }
}

static void pointwise(const KernelRun *run, uint8_t *out, int pixels)
{
    const KernelLayer *layer = run->layer;
    const int out_channels = run->out_channels;
    for (int pixel = 0; pixel < pixels; pixel++, out += out_channels) {
        for (int first = 0; first < out_channels; first += LANES) {
            int32_t sums[LANES];
            sum_block(run, first, pixel, sums);
            for (int lane = 0; lane < LANES && first + lane < out_channels; lane++) {
                int at = first + lane;
                out[at] = kernel_clamp_u8(
                    kernel_rescale(sums[lane], layer->multiplier[at], layer->shift[at]));
            }
        }
    }
}

static void logits(const KernelRun *run, int16_t *out, int pixels)
{
    const KernelLayer *layer = run->layer;
    const int out_channels = run->out_channels;
    for (int pixel = 0; pixel < pixels; pixel++, out += out_channels) {
        int32_t sums[LANES];
        sum_block(run, 0, pixel, sums);
        for (int i = 0; i < out_channels; i++) {
            out[i] =
                kernel_clamp_i16(kernel_rescale(sums[i], layer->multiplier[i], layer->shift[i]));
        }
    }
}

static void
depthwise(const KernelLayer *layer, const uint8_t *const *taps, uint8_t *out, size_t count)
{
    size_t in_period = 0;
    for (size_t first = 0; first < count; first += LANES) {
        const int16_t *weights =
            (const int16_t *)layer->weights + in_period * (size_t)layer->inputs;
        int32_t sums[LANES];
        memcpy(sums, layer->bias + in_period, sizeof sums);
        for (int tap = 0; tap < layer->inputs; tap++, weights += LANES) {
            const uint8_t *values = taps[tap] + first;
            for (int lane = 0; lane < LANES; lane++) {
                sums[lane] += values[lane] * weights[lane];
            }
        }
        for (size_t lane = 0; lane < LANES; lane++) {
            size_t at = in_period + lane;
            out[first + lane] = kernel_clamp_u8(
                kernel_rescale(sums[lane], layer->multiplier[at], layer->shift[at]));
        }
        in_period += LANES;
        in_period = in_period == (size_t)layer->outputs ? 0 : in_period;
    }
}

const KernelSet KERNELS_SCALAR = {
    .name = "scalar",
    .supported = supported,
    .depth = DEPTH,
    .weight_bytes = sizeof(int16_t),
    .lanes = LANES,
    .depthwise_lanes = LANES,
    .pointwise = pointwise,
    .logits = logits,
    .depthwise = depthwise,
};
