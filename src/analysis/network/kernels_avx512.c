/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kernels for AVX-512 with VNNI: one instruction multiplies four unsigned by four signed bytes for
 * 16 lanes and adds the products to sums of 32 bits, without saturation.
 */
#include "analysis/network/kernels.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define TARGET __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni")))
/* Loops over blocks of registers are unrolled, or the registers would be memory. */
#define INLINE TARGET __attribute__((always_inline)) static inline

enum { LANES = 16, DEPTH = 4, PIXELS = 8, GROUPS_MAX = 2, BLOCK = 64, QUARTERS = 4 };

static bool supported(void)
{
    __builtin_cpu_init();
    return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
           __builtin_cpu_supports("avx512vl") != 0 && __builtin_cpu_supports("avx512vnni") != 0;
}

/* The numbers that turn sums of 16 lanes into values: of even and odd lanes, in 64 bits each. */
typedef struct Scale {
    __m512i multiplier;
    __m512i multiplier_odd;
    __m512i shift;
    __m512i shift_odd;
} Scale;

INLINE Scale load_scale(const KernelLayer *layer, int first)
{
    __m512i multiplier = _mm512_loadu_si512(layer->multiplier + first);
    __m512i shift = _mm512_loadu_si512(layer->shift + first);
    return (Scale){multiplier, _mm512_srli_epi64(multiplier, 32),
                   _mm512_maskz_mov_epi32(0x5555, shift), _mm512_srli_epi64(shift, 32)};
}

/* Sums below zero become zero. */
INLINE __m512i rescale(__m512i sums, const Scale *scale)
{
    sums = _mm512_max_epi32(sums, _mm512_setzero_si512());
    __m512i even = _mm512_mul_epu32(sums, scale->multiplier);
    __m512i odd = _mm512_mul_epu32(_mm512_srli_epi64(sums, 32), scale->multiplier_odd);
    even = _mm512_srlv_epi64(even, scale->shift);
    odd = _mm512_slli_epi64(_mm512_srlv_epi64(odd, scale->shift_odd), 32);
    __m512i both = _mm512_mask_mov_epi32(even, 0xAAAA, odd);
    return _mm512_srli_epi32(_mm512_add_epi32(both, _mm512_set1_epi32(1)), 1);
}

INLINE __m512i rescale_signed(__m512i sums, const Scale *scale)
{
    __m512i one = _mm512_set1_epi64(1);
    __m512i even = _mm512_mul_epi32(sums, scale->multiplier);
    __m512i odd = _mm512_mul_epi32(_mm512_srli_epi64(sums, 32), scale->multiplier_odd);
    even = _mm512_srai_epi64(_mm512_add_epi64(_mm512_srav_epi64(even, scale->shift), one), 1);
    odd = _mm512_srai_epi64(_mm512_add_epi64(_mm512_srav_epi64(odd, scale->shift_odd), one), 1);
    return _mm512_mask_mov_epi32(even, 0xAAAA, _mm512_slli_epi64(odd, 32));
}

/* Sums of `pixels` pixels from `pixel` on for `groups` blocks of lanes from `first` on. */
INLINE void sum_pixels(const KernelRun *run,
                       int first,
                       int pixel,
                       const int pixels,
                       const int groups,
                       __m512i sums[GROUPS_MAX][PIXELS])
{
    const KernelLayer *layer = run->layer;
#pragma GCC unroll 2
    for (int group = 0; group < groups; group++) {
        __m512i bias = _mm512_loadu_si512(layer->bias + first + group * LANES);
#pragma GCC unroll 8
        for (int i = 0; i < pixels; i++) {
            sums[group][i] = bias;
        }
    }
    const size_t group_bytes = (size_t)layer->inputs * LANES;
    const int8_t *weights = (const int8_t *)layer->weights + (size_t)first * (size_t)layer->inputs;
    for (int row = 0; row < 2; row++) {
        size_t channels = (size_t)run->in.channels[row];
        const uint8_t *values = run->in.rows[row] + (size_t)pixel * channels;
        for (size_t channel = 0; channel < channels; channel += DEPTH, weights += BLOCK) {
            __m512i block[GROUPS_MAX];
#pragma GCC unroll 2
            for (int group = 0; group < groups; group++) {
                block[group] = _mm512_loadu_si512(weights + (size_t)group * group_bytes);
            }
#pragma GCC unroll 8
            for (int i = 0; i < pixels; i++) {
                int32_t quad;
                __builtin_memcpy(&quad, values + (size_t)i * channels + channel, sizeof quad);
                __m512i value = _mm512_set1_epi32(quad);
#pragma GCC unroll 2
                for (int group = 0; group < groups; group++) {
                    sums[group][i] = _mm512_dpbusd_epi32(sums[group][i], value, block[group]);
                }
            }
        }
    }
}

/* Values of `pixels` pixels for `groups` blocks of lanes. */
INLINE void pointwise_block(const KernelRun *run,
                            uint8_t *out,
                            const int first,
                            const int pixel,
                            const int pixels,
                            const int groups)
{
    const KernelLayer *layer = run->layer;
    const int out_channels = run->out_channels;
    __m512i sums[GROUPS_MAX][PIXELS];
    sum_pixels(run, first, pixel, pixels, groups, sums);
#pragma GCC unroll 2
    for (int group = 0; group < groups; group++) {
        int at = first + group * LANES;
        Scale scale = load_scale(layer, at);
        /* Channels are multiples of 8: the last block may be half. */
        __mmask16 stored = out_channels - at >= LANES ? 0xFFFF : 0x00FF;
#pragma GCC unroll 8
        for (int i = 0; i < pixels; i++) {
            __m512i values = rescale(sums[group][i], &scale);
            _mm512_mask_cvtusepi32_storeu_epi8(
                out + (size_t)(pixel + i) * (size_t)out_channels + at, stored, values);
        }
    }
}

INLINE void pointwise_pixels(const KernelRun *run, uint8_t *out, const int pixel, const int pixels)
{
    const int out_channels = run->out_channels;
    int first = 0;
    for (; out_channels - first > LANES; first += 2 * LANES) {
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

INLINE void logits_pixels(const KernelRun *run, int16_t *out, const int pixel, const int pixels)
{
    const KernelLayer *layer = run->layer;
    const int out_channels = run->out_channels;
    __m512i sums[GROUPS_MAX][PIXELS];
    sum_pixels(run, 0, pixel, pixels, 1, sums);
    Scale scale = load_scale(layer, 0);
    __mmask16 stored = (__mmask16)((1U << out_channels) - 1);
#pragma GCC unroll 8
    for (int i = 0; i < pixels; i++) {
        _mm512_mask_cvtsepi32_storeu_epi16(out + (size_t)(pixel + i) * (size_t)out_channels, stored,
                                           rescale_signed(sums[0][i], &scale));
    }
}

TARGET static void logits(const KernelRun *run, int16_t *out, int pixels)
{
    int pixel = 0;
    for (; pixel + PIXELS <= pixels; pixel += PIXELS) {
        logits_pixels(run, out, pixel, PIXELS);
    }
    for (; pixel < pixels; pixel++) {
        logits_pixels(run, out, pixel, 1);
    }
}

/* Puts the four taps of each byte side by side and adds them; quarter q of lane l (of four) has the
 * bytes from 16 l + 4 q on. */
INLINE void add_quad(const uint8_t *const *taps, size_t at, const int8_t *weights, __m512i sums[4])
{
    __m512i a = _mm512_loadu_si512(taps[0] + at);
    __m512i b = _mm512_loadu_si512(taps[1] + at);
    __m512i c = _mm512_loadu_si512(taps[2] + at);
    __m512i d = _mm512_loadu_si512(taps[3] + at);
    __m512i ab_low = _mm512_unpacklo_epi8(a, b);
    __m512i ab_high = _mm512_unpackhi_epi8(a, b);
    __m512i cd_low = _mm512_unpacklo_epi8(c, d);
    __m512i cd_high = _mm512_unpackhi_epi8(c, d);
    const __m512i *block = (const __m512i *)(const void *)weights;
    sums[0] = _mm512_dpbusd_epi32(sums[0], _mm512_unpacklo_epi16(ab_low, cd_low),
                                  _mm512_loadu_si512(block));
    sums[1] = _mm512_dpbusd_epi32(sums[1], _mm512_unpackhi_epi16(ab_low, cd_low),
                                  _mm512_loadu_si512(block + 1));
    sums[2] = _mm512_dpbusd_epi32(sums[2], _mm512_unpacklo_epi16(ab_high, cd_high),
                                  _mm512_loadu_si512(block + 2));
    sums[3] = _mm512_dpbusd_epi32(sums[3], _mm512_unpackhi_epi16(ab_high, cd_high),
                                  _mm512_loadu_si512(block + 3));
}

INLINE void depthwise_block(
    const KernelLayer *layer, const uint8_t *const *taps, uint8_t *out, size_t at, int in_period)
{
    __m512i sums[QUARTERS];
#pragma GCC unroll 4
    for (int q = 0; q < QUARTERS; q++) {
        sums[q] = _mm512_loadu_si512(layer->bias + in_period + q * LANES);
    }
    const int8_t *weights =
        (const int8_t *)layer->weights + (size_t)in_period * (size_t)layer->inputs;
    for (int tap = 0; tap < layer->inputs; tap += DEPTH, weights += DEPTH * BLOCK) {
        add_quad(taps + tap, at, weights, sums);
    }
    const __m512i most = _mm512_set1_epi32(255);
#pragma GCC unroll 4
    for (int q = 0; q < QUARTERS; q++) {
        Scale scale = load_scale(layer, in_period + q * LANES);
        sums[q] = _mm512_min_epi32(rescale(sums[q], &scale), most);
    }
    /* Packing works in the lanes that unpacking made. */
    _mm512_storeu_si512(out + at, _mm512_packus_epi16(_mm512_packus_epi32(sums[0], sums[1]),
                                                      _mm512_packus_epi32(sums[2], sums[3])));
}

TARGET static void
depthwise(const KernelLayer *layer, const uint8_t *const *taps, uint8_t *out, size_t count)
{
    int in_period = 0;
    for (size_t at = 0; at < count; at += BLOCK) {
        depthwise_block(layer, taps, out, at, in_period);
        in_period += BLOCK;
        in_period = in_period == layer->outputs ? 0 : in_period;
    }
}

/* Byte 16 l + 4 q + e of a block is entry 4 l + e of quarter q. */
#define ORDER_OF_FOUR(l, q)                                                                        \
    (q) * 16 + (l)*4, (q)*16 + (l)*4 + 1, (q)*16 + (l)*4 + 2, (q)*16 + (l)*4 + 3
#define ORDER_OF_LANE(l)                                                                           \
    ORDER_OF_FOUR(l, 0), ORDER_OF_FOUR(l, 1), ORDER_OF_FOUR(l, 2), ORDER_OF_FOUR(l, 3)
static const uint8_t DEPTHWISE_ORDER[BLOCK] = {ORDER_OF_LANE(0), ORDER_OF_LANE(1), ORDER_OF_LANE(2),
                                               ORDER_OF_LANE(3)};

const KernelSet KERNELS_AVX512 = {
    .name = "avx512",
    .supported = supported,
    .depth = DEPTH,
    .weight_bytes = sizeof(int8_t),
    .lanes = LANES,
    .depthwise_lanes = BLOCK,
    .depthwise_order = DEPTHWISE_ORDER,
    .pointwise = pointwise,
    .logits = logits,
    .depthwise = depthwise,
};

#else

static bool supported(void)
{
    return false;
}

const KernelSet KERNELS_AVX512 = {.name = "avx512", .supported = supported};
#endif
