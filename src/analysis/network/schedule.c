/* SPDX-License-Identifier: Apache-2.0 */
/* See schedule.h. */
#include "analysis/network/schedule.h"

void schedule_start(RowSchedule *schedule, const Network *network, int image_height)
{
    for (int i = 0; i <= network->layer_count; i++) {
        int by = network_downsample(network, i);
        schedule->height[i] = (image_height + by - 1) / by;
        schedule->made[i] = 0;
    }
}

bool schedule_ready(const RowSchedule *schedule, const Network *network, int layer_index)
{
    const NetworkLayer *layer = &network->layers[layer_index];
    int y = schedule->made[layer_index + 1];
    if (y == schedule->height[layer_index + 1]) {
        return false;
    }
    int last = schedule_first_row(layer, y) + layer->kernel - 1;
    for (int i = 0; i < layer->input_count; i++) {
        int height = schedule->height[layer->inputs[i]];
        if (schedule->made[layer->inputs[i]] <= (last < height ? last : height - 1)) {
            return false;
        }
    }
    return true;
}

/* A row of a tensor was made: how many of its rows are needed now? */
static void note_made(const RowSchedule *schedule, const Network *network, int tensor, int *rows)
{
    for (int i = tensor; i < network->layer_count; i++) {
        const NetworkLayer *layer = &network->layers[i];
        bool used =
            layer->inputs[0] == tensor || (layer->input_count == 2 && layer->inputs[1] == tensor);
        int y = schedule->made[i + 1];
        if (used && y < schedule->height[i + 1]) {
            int kept = schedule->made[tensor] - schedule_first_row(layer, y);
            rows[tensor] = kept > rows[tensor] ? kept : rows[tensor];
        }
    }
}

/* Plays an image of that height through. */
static void play(const Network *network, int height, int *rows)
{
    RowSchedule schedule = {.made = {0}};
    schedule_start(&schedule, network, height);
    for (int y = 0; y < height; y++) {
        schedule.made[0]++;
        note_made(&schedule, network, 0, rows);
        for (bool any = true; any;) {
            any = false;
            for (int i = 0; i < network->layer_count; i++) {
                if (schedule_ready(&schedule, network, i)) {
                    schedule.made[i + 1]++;
                    note_made(&schedule, network, i + 1, rows);
                    any = true;
                }
            }
        }
    }
}

void schedule_rows_kept(const Network *network, int rows_out[NETWORK_TENSORS_MAX])
{
    for (int i = 0; i <= network->layer_count; i++) {
        rows_out[i] = 1;
    }
    /* What is kept comes again after a period of the coarsest tensor, once rows come out; how an
     * image ends differs with its height in that period. */
    int height = 2 * network->reach_px + 2 * NETWORK_STRIDE_MAX;
    for (int i = 0; i < NETWORK_STRIDE_MAX; i++) {
        play(network, height + i, rows_out);
    }
}
