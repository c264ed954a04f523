/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network that finds nuclei: a convolutional one whose weights come from a file that
 * tools/train writes. All arithmetic is in integers, so that every processor gives the same bytes.
 *
 * The file, little-endian: the magic "SWNN", u32 version (1), u32 layer count; for each layer
 *   u8 kind (NetworkLayerKind), u8 kernel, u8 stride, u8 input count (1 or 2), u16 inputs[2],
 *   u16 in_channels (of both inputs; of an addition those of one), u16 out_channels, u8 rectified
 *   conv, depthwise, pointwise: i8 weights, i32 bias[out], i32 multiplier[out], i8 shift[out]
 * and at the end the CRC-32 (that of zlib) of all bytes before it. Input 0 is the image, 255 minus
 * its 8-bit RGB, so that what lies outside is white; input i is the output of layer i - 1. Weights
 * stand as [out][y][x][in] (conv), [y][x][channel] (depthwise) and [out][in] (pointwise; two inputs
 * are one behind the other).
 *
 * Tensors hold 8-bit values, rows of pixels of channels. A sum starts with its bias and becomes
 *   (sum * multiplier + (1 << (30 + shift))) >> (31 + shift)
 * clamped to 0..255 where rectified. The last layer alone is not: it gives the logits, clamped to
 * 16 bits, in units of 1 / NETWORK_LOGIT_UNIT. Convolutions see zeros beyond the border and have
 * (kernel - 1) / 2 pixels before the one they stand on. An addition is clamped to 255. Sides that
 * are no multiples of a stride are rounded up.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/error.h"

/* A file with more than this is none of ours: 90 thousand weights have some 120 KB. */
#define NETWORK_BYTES_MAX (4L * 1024 * 1024)
#define NETWORK_LAYERS_MAX 64
#define NETWORK_CHANNELS_MAX 256
#define NETWORK_KERNEL_MAX 5
/* Rows of tensors are a whole number of these. */
#define NETWORK_CHANNEL_STEP 8
#define NETWORK_LOGITS_MAX 16
#define NETWORK_LOGIT_UNIT 256
/* The image's sides are multiples of this. */
#define NETWORK_STRIDE_MAX 16

typedef enum NetworkLayerKind {
    LAYER_CONV = 1,
    LAYER_DEPTHWISE,
    LAYER_POINTWISE,
    LAYER_UP,
    LAYER_ADD,
} NetworkLayerKind;

typedef struct NetworkLayer {
    NetworkLayerKind kind;
    int kernel;
    int stride;
    int input_count;
    int inputs[2]; /* tensors: 0 is the image, i the output of layer i - 1 */
    int in_channels;
    int out_channels;
    bool rectified;
    int downsample;      /* image pixels for one of the output, 1 to NETWORK_STRIDE_MAX */
    int8_t *weights;     /* these four are NULL for up and add */
    int32_t *bias;       /* out_channels of each */
    int32_t *multiplier; /* 1 or more */
    int8_t *shift;       /* 0 to 31 */
} NetworkLayer;

typedef struct Network {
    int layer_count;
    NetworkLayer layers[NETWORK_LAYERS_MAX];
    int logit_count; /* channels of the last layer */
    int downsample;  /* of the last layer */
    int reach_px;    /* image pixels around an output's own that it depends on, at most */
} Network;

/* ERROR_INVALID, with the layer, when the bytes are no network as above. */
MUST_CHECK bool
network_read(const uint8_t *bytes, size_t count, Network **network_out, Error *error);
void network_destroy(Network *network);

static inline void cleanup_network(Network **network)
{
    network_destroy(*network);
}
#define AUTO_NETWORK CLEANUP(cleanup_network) Network

static inline int layer_padding(const NetworkLayer *layer)
{
    return (layer->kernel - 1) / 2;
}

/* Channels of tensor `index`; 3 of the image. */
static inline int network_channels(const Network *network, int index)
{
    return index == 0 ? 3 : network->layers[index - 1].out_channels;
}

static inline int network_downsample(const Network *network, int index)
{
    return index == 0 ? 1 : network->layers[index - 1].downsample;
}

/* Weights of one output: of a conv and a pointwise all that it sums, of a depthwise kernel². */
static inline size_t layer_weights_per_output(const NetworkLayer *layer)
{
    size_t area = (size_t)layer->kernel * (size_t)layer->kernel;
    return layer->kind == LAYER_DEPTHWISE ? area : area * (size_t)layer->in_channels;
}
