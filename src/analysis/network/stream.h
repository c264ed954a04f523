/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a network down an image, row by row. Of each tensor only the rows that are still needed are
 * kept, so that a strip of any height takes the same memory and most of it stays in the cache.
 */
#pragma once
#include "analysis/network/kernels.h"
#include "analysis/network/schedule.h"

/* A network in the order of a set of kernels; read only, for all threads. */
typedef struct NetworkProgram {
    const Network *network;
    const KernelSet *kernels;
    KernelLayer layers[NETWORK_LAYERS_MAX]; /* empty for up and add */
    int rows_kept[NETWORK_TENSORS_MAX];
} NetworkProgram;

/* The network must live as long as the program. `kernels` NULL: the fastest. */
void network_program_init(NetworkProgram *program,
                          const Network *network,
                          const KernelSet *kernels);
void network_program_clear(NetworkProgram *program);

/* One row of logits: `width` pixels of `channels` values; valid during the call. Rows come from
 * the top down. */
typedef struct LogitRow {
    const int16_t *values;
    int y;
    int width;
    int channels;
} LogitRow;
typedef void (*LogitSink)(void *context, const LogitRow *row);

typedef struct NetworkStream NetworkStream;

/* Buffers for images of at most that size. The program must live as long. */
MUST_CHECK NetworkStream *
network_stream_create(const NetworkProgram *program, int width_max, int height_max);
void network_stream_destroy(NetworkStream *stream);

/* RGB triples whose rows are `row_bytes` apart. */
typedef struct NetworkImage {
    const uint8_t *rgb;
    size_t row_bytes;
    int width;
    int height;
} NetworkImage;

void network_stream_run(NetworkStream *stream,
                        const NetworkImage *image,
                        LogitSink sink,
                        void *context);
