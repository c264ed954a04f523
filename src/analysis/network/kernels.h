/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inner loops of the network, one row of a tensor at a time, for the kinds of processors that
 * there are. All of them give the same bytes: sums are of 32 bits and never saturate.
 *
 * A kernel set wants the weights in an order of its own. Outputs stand in blocks of `lanes`, and in
 * a block `depth` weights of each output side by side, so that one instruction multiplies and adds
 * `depth` values for all lanes. A row of a depthwise layer is taken as a plain row of bytes, whose
 * channels come again after `period` bytes, a multiple of the channels and of the block.
 */
#pragma once
#include "analysis/network/network.h"

/* What kernels may read and write behind the end of a row. */
#define KERNEL_SLACK_BYTES 64
#define KERNEL_TAPS_MAX (NETWORK_KERNEL_MAX * NETWORK_KERNEL_MAX)
/* Bytes of one pixel of a gathered convolution: taps of three channels, in whole quads. */
#define KERNEL_GATHER_BYTES_MAX ((KERNEL_TAPS_MAX * 3 + 3) / 4 * 4)

/* A layer with its numbers in the order of one set of kernels. */
typedef struct KernelLayer {
    int inputs;  /* values that each output sums: channels in or taps, as padded to `depth` */
    int outputs; /* channels, or bytes of the period */
    void *weights;
    int32_t *bias; /* this and the next two: one for each output, in the order of the weights */
    uint32_t *multiplier;
    uint32_t *shift; /* 30 + that of the file: the last bit is taken off after rounding */
} KernelLayer;

/* One or two rows of pixels that are summed as if they stood behind each other. */
typedef struct KernelRows {
    const uint8_t *rows[2];
    int channels[2]; /* multiples of 4; 0 when there is no second row */
} KernelRows;

/* A row of a pointwise layer; its output has `out_channels` values a pixel. */
typedef struct KernelRun {
    const KernelLayer *layer;
    KernelRows in;
    int out_channels;
} KernelRun;

typedef struct KernelSet {
    const char *name; /* "scalar", "avx2", "avx512" */
    bool (*supported)(void);
    int depth;
    int weight_bytes; /* of one weight */
    int lanes;        /* of a pointwise block */
    int depthwise_lanes;
    /* Place of each output of a depthwise block among its lanes; NULL: as they stand. */
    const uint8_t *depthwise_order;
    void (*pointwise)(const KernelRun *run, uint8_t *out, int pixels);
    /* The last layer. */
    void (*logits)(const KernelRun *run, int16_t *out, int pixels);
    /* taps[t][i] is what the weight t of byte i multiplies; writes whole blocks. */
    void (*depthwise)(const KernelLayer *layer,
                      const uint8_t *const *taps,
                      uint8_t *out,
                      size_t count);
} KernelSet;

/* From the fastest to the plainest, which runs everywhere. */
#define KERNEL_SET_COUNT 3
extern const KernelSet *const KERNEL_SETS[KERNEL_SET_COUNT];
extern const KernelSet KERNELS_SCALAR;
extern const KernelSet KERNELS_AVX2;
extern const KernelSet KERNELS_AVX512;

/* The fastest set that this processor has. */
const KernelSet *kernels_best(void);

/* `layer` is a conv, depthwise or pointwise one. */
void kernel_layer_init(KernelLayer *kernel_layer, const KernelSet *set, const NetworkLayer *layer);
void kernel_layer_clear(KernelLayer *kernel_layer);

/* sum * multiplier / 2^(shift + 1), rounded; see KernelLayer.shift. */
static inline int32_t kernel_rescale(int32_t sum, uint32_t multiplier, uint32_t shift)
{
    int64_t product = (int64_t)sum * (int64_t)multiplier;
    return (int32_t)(((product >> shift) + 1) >> 1);
}

static inline uint8_t kernel_clamp_u8(int32_t value)
{
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

static inline int16_t kernel_clamp_i16(int32_t value)
{
    return (int16_t)(value < INT16_MIN ? INT16_MIN : value > INT16_MAX ? INT16_MAX : value);
}
