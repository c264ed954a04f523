/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which rows of which tensors can be made when an image comes row by row, and how many rows of each
 * must be kept for that. A layer makes a row as soon as its inputs have what it needs; layers take
 * turns, so that none runs ahead of those that use it.
 */
#pragma once
#include "analysis/network/network.h"

#define NETWORK_TENSORS_MAX (NETWORK_LAYERS_MAX + 1)

/* By tensor; 0 is the image. */
typedef struct RowSchedule {
    int height[NETWORK_TENSORS_MAX];
    int made[NETWORK_TENSORS_MAX]; /* rows so far */
} RowSchedule;

void schedule_start(RowSchedule *schedule, const Network *network, int image_height);

/* The first row of an input that row `y` of a layer's output needs; it may be before the border. */
static inline int schedule_first_row(const NetworkLayer *layer, int y)
{
    return layer->kind == LAYER_UP ? y / 2 : y * layer->stride - layer_padding(layer);
}

/* Whether a layer's next row can be made. */
bool schedule_ready(const RowSchedule *schedule, const Network *network, int layer_index);

/* How many rows of each tensor are needed at once, at most, for an image of any height. */
void schedule_rows_kept(const Network *network, int rows_out[NETWORK_TENSORS_MAX]);
