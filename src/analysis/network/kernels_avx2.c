/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernels for AVX2. Its product of unsigned and signed bytes saturates at 16 bits, so values are
 * widened and multiplied as pairs of 16 bits, whose sum of two has 32.
 */
#include "analysis/network/kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET __attribute__((target("avx2")))
#define INLINE TARGET __attribute__((always_inline)) static inline

enum { LANES = 8, DEPTH = 2, PIXELS = 4, GROUPS_MAX = 2, BLOCK = 16 };

static bool supported(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx2") != 0;
}

/* 8 sums become 8 values of 32 bits; those below zero become zero. */
INLINE __m256i rescale(__m256i sums, const KernelLayer *layer, int first)
{
    __m256i multiplier =
        _mm256_loadu_si256((const __m256i *)(const void *)(layer->multiplier + first));
    __m256i shift = _mm256_loadu_si256((const __m256i *)(const void *)(layer->shift + first));
    __m256i low = _mm256_set1_epi64x(0xFFFFFFFF);
    sums = _mm256_max_epi32(sums, _mm256_setzero_si256());
    __m256i even = _mm256_mul_epu32(sums, multiplier);
    __m256i odd = _mm256_mul_epu32(_mm256_srli_epi64(sums, 32), _mm256_srli_epi64(multiplier, 32));
    even = _mm256_srlv_epi64(even, _mm256_and_si256(shift, low));
    odd = _mm256_slli_epi64(_mm256_srlv_epi64(odd, _mm256_srli_epi64(shift, 32)), 32);
    __m256i both = _mm256_blend_epi32(even, odd, 0xAA);
    return _mm256_srli_epi32(_mm256_add_epi32(both, _mm256_set1_epi32(1)), 1);
}

/* 8 values of 32 bits as bytes in the lower half. */
INLINE __m128i to_bytes(__m256i values)
{
    values = _mm256_min_epi32(values, _mm256_set1_epi32(255));
    __m128i words =
        _mm_packus_epi32(_mm256_castsi256_si128(values), _mm256_extracti128_si256(values, 1));
    return _mm_packus_epi16(words, words);
}

INLINE __m256i load_bias(const KernelLayer *layer, int first)
{
    return _mm256_loadu_si256((const __m256i *)(const void *)(layer->bias + first));
}

/* Two bytes as a pair of 16 bits in every lane. */
INLINE __m256i spread_pair(const uint8_t *values)
{
    return _mm256_set1_epi32(values[0] | values[1] << 16);
}

/* Sums of `pixels` pixels from `pixel` on for `groups` blocks of lanes from `first` on. */
INLINE void sum_pixels(const KernelRun *run,
                       int first,
                       int pixel,
                       const int pixels,
                       const int groups,
                       __m256i sums[GROUPS_MAX][PIXELS])
{
    const KernelLayer *layer = run->layer;
#pragma GCC unroll 2
    for (int group = 0; group < groups; group++) {
        __m256i bias = load_bias(layer, first + group * LANES);
#pragma GCC unroll 4
        for (int i = 0; i < pixels; i++) {
            sums[group][i] = bias;
        }
    }
    const size_t group_weights = (size_t)layer->inputs * LANES;
    const int16_t *weights =
        (const int16_t *)layer->weights + (size_t)first * (size_t)layer->inputs;
    for (int row = 0; row < 2; row++) {
        size_t channels = (size_t)run->in.channels[row];
        const uint8_t *values = run->in.rows[row] + (size_t)pixel * channels;
        for (size_t channel = 0; channel < channels; channel += DEPTH, weights += DEPTH * LANES) {
            __m256i block[GROUPS_MAX];
#pragma GCC unroll 2
            for (int group = 0; group < groups; group++) {
                block[group] = _mm256_loadu_si256(
                    (const __m256i *)(const void *)(weights + (size_t)group * group_weights));
            }
#pragma GCC unroll 4
            for (int i = 0; i < pixels; i++) {
                __m256i pair = spread_pair(values + (size_t)i * channels + channel);
#pragma GCC unroll 2
                for (int group = 0; group < groups; group++) {
                    sums[group][i] =
                        _mm256_add_epi32(sums[group][i], _mm256_madd_epi16(pair, block[group]));
                }
            }
        }
    }
}

INLINE void pointwise_block(
    const KernelRun *run, uint8_t *out, int first, int pixel, const int pixels, const int groups)
{
    const KernelLayer *layer = run->layer;
    const int out_channels = run->out_channels;
    __m256i sums[GROUPS_MAX][PIXELS];
    sum_pixels(run, first, pixel, pixels, groups, sums);
#pragma GCC unroll 2
    for (int group = 0; group < groups; group++) {
        int at = first + group * LANES;
#pragma GCC unroll 4
        for (int i = 0; i < pixels; i++) {
            uint8_t *target = out + (size_t)(pixel + i) * (size_t)out_channels + at;
            _mm_storel_epi64((__m128i *)(void *)target,
                             to_bytes(rescale(sums[group][i], layer, at)));
        }
    }
}

INLINE void pointwise_pixels(const KernelRun *run, uint8_t *out, int pixel, const int pixels)
{
    const int out_channels = run->out_channels;
    int first = 0;
    for (; first + 2 * LANES <= out_channels; first += 2 * LANES) {
        pointwise_block(run, out, first, pixel, pixels, 2);
    }
    if (first < out_channels) {
        pointwise_block(run, out, first, pixel, pixels, 1);
    }
}

TARGET static void pointwise(const KernelRun *run, uint8_t *out, int pixels)
{
    int pixel = 0;
    for (; pixel + PIXELS <= pixels; pixel += PIXELS) {
        pointwise_pixels(run, out, pixel, PIXELS);
    }
    for (; pixel < pixels; pixel++) {
        pointwise_pixels(run, out, pixel, 1);
    }
}

/* There is no shift of signed 64 bits here: one value after the other. */
TARGET static void logits(const KernelRun *run, int16_t *out, int pixels)
{
    const KernelLayer *layer = run->layer;
    const int out_channels = run->out_channels;
    for (int pixel = 0; pixel < pixels; pixel++, out += out_channels) {
        for (int first = 0; first < out_channels; first += LANES) {
            __m256i sums[GROUPS_MAX][PIXELS];
            sum_pixels(run, first, pixel, 1, 1, sums);
            int32_t values[LANES];
            _mm256_storeu_si256((__m256i *)(void *)values, sums[0][0]);
            for (int lane = 0; lane < LANES && first + lane < out_channels; lane++) {
                int at = first + lane;
                out[at] = kernel_clamp_i16(
                    kernel_rescale(values[lane], layer->multiplier[at], layer->shift[at]));
            }
        }
    }
}

INLINE void add_pair(const uint8_t *const *taps, size_t at, const int16_t *weights, __m256i sums[2])
{
    __m128i a = _mm_loadu_si128((const __m128i *)(const void *)(taps[0] + at));
    __m128i b = _mm_loadu_si128((const __m128i *)(const void *)(taps[1] + at));
    const __m256i *block = (const __m256i *)(const void *)weights;
    __m256i low = _mm256_cvtepu8_epi16(_mm_unpacklo_epi8(a, b));
    __m256i high = _mm256_cvtepu8_epi16(_mm_unpackhi_epi8(a, b));
    sums[0] = _mm256_add_epi32(sums[0], _mm256_madd_epi16(low, _mm256_loadu_si256(block)));
    sums[1] = _mm256_add_epi32(sums[1], _mm256_madd_epi16(high, _mm256_loadu_si256(block + 1)));
}

TARGET static void
depthwise(const KernelLayer *layer, const uint8_t *const *taps, uint8_t *out, size_t count)
{
    int in_period = 0;
    for (size_t at = 0; at < count; at += BLOCK) {
        __m256i sums[2] = {load_bias(layer, in_period), load_bias(layer, in_period + LANES)};
        const int16_t *weights =
            (const int16_t *)layer->weights + (size_t)in_period * (size_t)layer->inputs;
        for (int tap = 0; tap < layer->inputs; tap += DEPTH, weights += DEPTH * BLOCK) {
            add_pair(taps + tap, at, weights, sums);
        }
        __m128i low = to_bytes(rescale(sums[0], layer, in_period));
        __m128i high = to_bytes(rescale(sums[1], layer, in_period + LANES));
        _mm_storeu_si128((__m128i *)(void *)(out + at), _mm_unpacklo_epi64(low, high));
        in_period += BLOCK;
        in_period = in_period == layer->outputs ? 0 : in_period;
    }
}

const KernelSet KERNELS_AVX2 = {
    .name = "avx2",
    .supported = supported,
    .depth = DEPTH,
    .weight_bytes = sizeof(int16_t),
    .lanes = LANES,
    .depthwise_lanes = BLOCK,
    .pointwise = pointwise,
    .logits = logits,
    .depthwise = depthwise,
};

#else

static bool supported(void)
{
    return false;
}

const KernelSet KERNELS_AVX2 = {.name = "avx2", .supported = supported};
#endif
