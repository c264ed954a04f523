/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a network over an image and writes its logits to the standard output, 16 bits each, so that
 * a test can compare them with those of an evaluation in Python. The image is RGB without a header
 * on the standard input.
 *
 * usage: run_network MODEL KERNELS WIDTH HEIGHT     KERNELS: scalar, avx2 or avx512
 */
#include <stdio.h>
#include <string.h>

#include "analysis/network/stream.h"
#include "base/alloc.h"
#include "base/file.h"
#include "base/parse.h"

enum { SIDE_MAX = 4096, EXIT_USAGE = 2, EXIT_UNSUPPORTED = 77 };

static void write_row(void *context, const LogitRow *row)
{
    bool *written = context;
    size_t count = (size_t)row->width * (size_t)row->channels;
    *written = *written && fwrite(row->values, sizeof *row->values, count, stdout) == count;
}

static const KernelSet *find_kernels(const char *name)
{
    for (int i = 0; i < KERNEL_SET_COUNT; i++) {
        if (strcmp(KERNEL_SETS[i]->name, name) == 0) {
            return KERNEL_SETS[i];
        }
    }
    return NULL;
}

static bool run(const char *model, const KernelSet *kernels, int width, int height, Error *error)
{
    AUTO_FREE char *bytes = NULL;
    size_t length = 0;
    AUTO_NETWORK *network = NULL;
    size_t rgb_bytes = (size_t)width * (size_t)height * 3;
    AUTO_FREE uint8_t *rgb = alloc_array(rgb_bytes, 1);
    if (!file_read(model, NETWORK_BYTES_MAX, &bytes, &length, error) ||
        !network_read((const uint8_t *)bytes, length, &network, error)) {
        return false;
    }
    if (fread(rgb, 1, rgb_bytes, stdin) != rgb_bytes) {
        return error_set(error, ERROR_INVALID, "the image is too short");
    }
    NetworkProgram program;
    network_program_init(&program, network, kernels);
    NetworkStream *stream = network_stream_create(&program, width, height);
    NetworkImage image = {rgb, (size_t)width * 3, width, height};
    bool written = true;
    network_stream_run(stream, &image, write_row, &written);
    network_stream_destroy(stream);
    network_program_clear(&program);
    return written || error_set(error, ERROR_INTERNAL, "the logits cannot be written");
}

int main(int argument_count, char **arguments)
{
    int64_t width = 0;
    int64_t height = 0;
    const KernelSet *kernels = argument_count == 5 ? find_kernels(arguments[2]) : NULL;
    if (kernels == NULL || !parse_int64(text_of(arguments[3]), 1, SIDE_MAX, &width) ||
        !parse_int64(text_of(arguments[4]), 1, SIDE_MAX, &height)) {
        fputs("usage: run_network MODEL KERNELS WIDTH HEIGHT\n", stderr);
        return EXIT_USAGE;
    }
    if (!kernels->supported()) {
        return EXIT_UNSUPPORTED;
    }
    Error error = {.code = ERROR_NONE};
    if (!run(arguments[1], kernels, (int)width, (int)height, &error)) {
        fprintf(stderr, "run_network: %s\n", error.message);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
