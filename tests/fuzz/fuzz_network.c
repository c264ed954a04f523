/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes the reader of networks, and runs what it accepts: the plain kernels and the fastest ones
 * must agree. The checksum is put right first, or nothing would be read.
 */
#include <assert.h>
#include <string.h>
#include <zlib.h>

#include "analysis/network/stream.h"
#include "base/alloc.h"

enum { WIDTH = 19, HEIGHT = 22, CHECKSUM_BYTES = 4 };

/* libFuzzer's entry. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

typedef struct Logits {
    int16_t values[WIDTH * HEIGHT * NETWORK_LOGITS_MAX];
    size_t count;
} Logits;

static void collect(void *context, const LogitRow *row)
{
    Logits *logits = context;
    size_t count = (size_t)row->width * (size_t)row->channels;
    assert(logits->count + count <= sizeof logits->values / sizeof logits->values[0]);
    memcpy(logits->values + logits->count, row->values, count * sizeof *row->values);
    logits->count += count;
}

static void run(const Network *network, const KernelSet *kernels, Logits *logits_out)
{
    static uint8_t rgb[WIDTH * HEIGHT * 3];
    for (size_t i = 0; i < sizeof rgb; i++) {
        rgb[i] = (uint8_t)(i * 37 + i / 50);
    }
    NetworkProgram program;
    network_program_init(&program, network, kernels);
    NetworkStream *stream = network_stream_create(&program, WIDTH, HEIGHT);
    NetworkImage image = {rgb, (size_t)WIDTH * 3, WIDTH, HEIGHT};
    logits_out->count = 0;
    network_stream_run(stream, &image, collect, logits_out);
    network_stream_destroy(stream);
    network_program_clear(&program);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    static Logits plain;
    static Logits fast;
    AUTO_FREE uint8_t *sealed = alloc_array(count, 1);
    memcpy(sealed, bytes, count);
    if (count >= CHECKSUM_BYTES) {
        size_t body = count - CHECKSUM_BYTES;
        uint32_t checksum = (uint32_t)crc32(0, sealed, (uInt)body);
        for (size_t i = 0; i < CHECKSUM_BYTES; i++) {
            sealed[body + i] = (uint8_t)(checksum >> (8 * i));
        }
    }
    Error error = {.code = ERROR_NONE};
    AUTO_NETWORK *network = NULL;
    if (!network_read(sealed, count, &network, &error)) {
        assert(error.code != ERROR_NONE && error.message[0] != 0 && network == NULL);
        return 0;
    }
    assert(error.code == ERROR_NONE);
    run(network, &KERNELS_SCALAR, &plain);
    run(network, kernels_best(), &fast);
    assert(plain.count == fast.count);
    assert(memcmp(plain.values, fast.values, plain.count * sizeof *plain.values) == 0);
    return 0;
}
