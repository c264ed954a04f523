/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Networks for tests: described in plain arrays, written as a file byte by byte, and run pixel by
 * pixel by the definition in analysis/network/network.h, with nothing of the code under test.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

enum { MADE_LAYERS_MAX = 48, MADE_BYTES_MAX = 1024 * 1024 };

typedef struct MadeLayer {
    int kind; /* as in the file */
    int kernel;
    int stride;
    int input_count;
    int inputs[2];
    int in_channels;
    int out_channels;
    int rectified;
    int8_t *weights;
    int32_t *bias;
    int32_t *multiplier;
    int8_t *shift;
} MadeLayer;

typedef struct MadeNetwork {
    int layer_count;
    MadeLayer layers[MADE_LAYERS_MAX];
    uint64_t random; /* state */
} MadeNetwork;

uint32_t made_random(MadeNetwork *made, uint32_t below);
/* Adds a layer with random numbers behind tensor `input` (and `second`, or -1); its index as a
 * tensor. `out_channels` counts for conv and pointwise. */
int made_add(MadeNetwork *made, int kind, int kernel, int stride, int input, int second, int out);
/* A U-Net like the one that is shipped, narrower: strides of 2 to 16 and all kinds of layers. */
void made_unet(MadeNetwork *made, uint64_t seed);
/* Finds dark red-absorbing discs of some 8 pixels' radius: the red channel in half resolution, and
 * as the height of centres what two boxes of 5 x 5 make of it. What is darker than 140 is within a
 * nucleus. The logits of the three kinds are 0, 256 and -512 everywhere. */
void made_detector(MadeNetwork *made);
void made_clear(MadeNetwork *made);
/* The file; the count of its bytes. `bytes` has MADE_BYTES_MAX. */
size_t made_write(const MadeNetwork *made, uint8_t *bytes);
/* Puts the right checksum at the end. */
void made_seal(uint8_t *bytes, size_t count);

/* The values of all logits of an image, rows of pixels of channels; AUTO_FREE. */
int16_t *made_run(const MadeNetwork *made, const uint8_t *rgb, int width, int height);
/* Image pixels for one of a tensor. */
int made_downsample(const MadeNetwork *made, int tensor);
