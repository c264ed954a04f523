/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The network: every set of kernels that this processor has against a plain evaluation pixel by
 * pixel, and files that are none.
 */
#include "unit_test.h"

#include <stdio.h>
#include <string.h>

#include "analysis/network/stream.h"
#include "base/alloc.h"
#include "network_maker.h"

static uint8_t file[MADE_BYTES_MAX];

static Network *read_made(const MadeNetwork *made)
{
    Error error = {0};
    Network *network = NULL;
    size_t count = made_write(made, file);
    if (!network_read(file, count, &network, &error)) {
        fail_msg("%s", error.message);
    }
    return network;
}

/* Collects the rows of logits. */
typedef struct Collected {
    int16_t *values;
    size_t count;
    int rows;
} Collected;

static void collect(void *context, const LogitRow *row)
{
    Collected *collected = context;
    assert_int_equal(row->y, collected->rows);
    size_t count = (size_t)row->width * (size_t)row->channels;
    memcpy(collected->values + collected->count, row->values, count * sizeof *row->values);
    collected->count += count;
    collected->rows++;
}

static uint8_t *make_image(MadeNetwork *made, int width, int height)
{
    size_t count = (size_t)width * (size_t)height * 3;
    uint8_t *rgb = alloc_array(count, 1);
    for (size_t i = 0; i < count; i++) {
        rgb[i] = (uint8_t)made_random(made, 256);
    }
    return rgb;
}

/* Runs each set on the image, in buffers that are larger than needed and were used before. */
static void compare(MadeNetwork *made, int width, int height)
{
    AUTO_NETWORK *network = read_made(made);
    AUTO_FREE uint8_t *rgb = make_image(made, width, height);
    AUTO_FREE int16_t *expected = made_run(made, rgb, width, height);
    int by = made_downsample(made, made->layer_count);
    size_t count = (size_t)((width + by - 1) / by) * (size_t)((height + by - 1) / by) *
                   (size_t)network->logit_count;
    AUTO_FREE int16_t *values = alloc_array(count, sizeof *values);
    NetworkImage image = {rgb, (size_t)width * 3, width, height};
    for (int i = 0; i < KERNEL_SET_COUNT; i++) {
        if (!KERNEL_SETS[i]->supported()) {
            continue;
        }
        NetworkProgram program;
        network_program_init(&program, network, KERNEL_SETS[i]);
        NetworkStream *stream = network_stream_create(&program, width + 13, height + 21);
        for (int round = 0; round < 2; round++) {
            Collected collected = {values, 0, 0};
            network_stream_run(stream, &image, collect, &collected);
            assert_int_equal(collected.count, count);
            assert_memory_equal(values, expected, count * sizeof *values);
        }
        network_stream_destroy(stream);
        network_program_clear(&program);
    }
}

static void all_kernels_agree_with_the_definition(void **state)
{
    (void)state;
    const int sizes[][2] = {{64, 48}, {96, 32}, {37, 29}, {16, 80}, {1, 1}, {130, 19}};
    for (size_t i = 0; i < ARRAY_COUNT(sizes); i++) {
        MadeNetwork made;
        made_unet(&made, 1000 + i);
        compare(&made, sizes[i][0], sizes[i][1]);
        made_clear(&made);
    }
}

/* How an image ends differs with its height: each must find all rows that it needs. */
static void images_of_every_height_agree_with_the_definition(void **state)
{
    (void)state;
    MadeNetwork made;
    made_unet(&made, 77);
    for (int height = 2; height <= 70; height++) {
        compare(&made, 9, height);
    }
    made_clear(&made);
}

/* A conv, one layer of each kind and every stride, and logits, for each width of the channels. */
static void layers_of_all_widths_agree_with_the_definition(void **state)
{
    (void)state;
    for (int channels = 8; channels <= 104; channels += 8) {
        for (int kernel = 3; kernel <= 5; kernel += 2) {
            for (int stride = 1; stride <= 2; stride++) {
                MadeNetwork made = {.random = (uint64_t)(channels * 10 + kernel + stride)};
                int last =
                    made_add(&made, LAYER_CONV, 1 + channels / 8 % 5, stride, 0, -1, channels);
                last = made_add(&made, LAYER_DEPTHWISE, kernel, stride, last, -1, 0);
                last = made_add(&made, LAYER_POINTWISE, 1, 1, last, -1, 112 - channels);
                made_add(&made, LAYER_POINTWISE, 1, 1, last, -1, 1 + channels / 8);
                made.layers[made.layer_count - 1].rectified = 0;
                compare(&made, 21, 9);
                made_clear(&made);
            }
        }
    }
}

/* The largest sums that there can be: no kernel may saturate on the way. */
static void extreme_weights_do_not_saturate(void **state)
{
    (void)state;
    MadeNetwork made = {.random = 3};
    int last = made_add(&made, LAYER_CONV, 4, 2, 0, -1, 16);
    last = made_add(&made, LAYER_DEPTHWISE, 5, 1, last, -1, 0);
    last = made_add(&made, LAYER_POINTWISE, 1, 1, last, -1, 256);
    made_add(&made, LAYER_POINTWISE, 1, 1, last, -1, 16);
    made.layers[3].rectified = 0;
    for (int i = 0; i < 4; i++) {
        MadeLayer *layer = &made.layers[i];
        for (int out = 0; out < layer->out_channels; out++) {
            /* Every other output is as low as can be, the rest reach 255 without much scaling. */
            int8_t weight = out % 2 == 0 ? 127 : -128;
            layer->bias[out] = out % 4 < 2 ? 100 : 300000;
            layer->multiplier[out] = INT32_MAX;
            layer->shift[out] = (int8_t)(i == 3 ? out % 8 : 1 + out % 20);
            int per_output = i == 1 ? 25 : layer->in_channels * layer->kernel * layer->kernel;
            for (int w = 0; w < per_output; w++) {
                layer->weights[i == 1 ? w * 16 + out : out * per_output + w] = weight;
            }
        }
    }
    compare(&made, 40, 24);
    made_clear(&made);
}

static void what_lies_further_than_the_reach_does_not_count(void **state)
{
    (void)state;
    MadeNetwork made;
    made_unet(&made, 7);
    AUTO_NETWORK *network = read_made(&made);
    enum { SIDE = 256, HALF = SIDE / 2 };
    assert_true(network->reach_px > 32 && network->reach_px < HALF);
    AUTO_FREE uint8_t *rgb = make_image(&made, SIDE, SIDE);
    NetworkProgram program;
    network_program_init(&program, network, NULL);
    NetworkStream *stream = network_stream_create(&program, SIDE, SIDE);
    const size_t count = (size_t)HALF * HALF * 8;
    AUTO_FREE int16_t *before = alloc_array(count, sizeof *before);
    AUTO_FREE int16_t *after = alloc_array(count, sizeof *after);
    Collected first = {before, 0, 0};
    NetworkImage image = {rgb, (size_t)SIDE * 3, SIDE, SIDE};
    network_stream_run(stream, &image, collect, &first);
    /* Another right half: logits change, but none that stands further left than the reach. */
    for (int y = 0; y < SIDE; y++) {
        memset(rgb + (size_t)(y * SIDE + HALF) * 3, 255, (size_t)HALF * 3);
    }
    Collected second = {after, 0, 0};
    network_stream_run(stream, &image, collect, &second);
    assert_true(memcmp(before, after, count * sizeof *before) != 0);
    int kept = (HALF - network->reach_px) / 2;
    for (int y = 0; y < HALF; y++) {
        size_t row = (size_t)y * HALF * 8;
        assert_memory_equal(before + row, after + row, (size_t)kept * 8 * sizeof *before);
    }
    network_stream_destroy(stream);
    network_program_clear(&program);
    made_clear(&made);
}

static void assert_refused(const uint8_t *bytes, size_t count, const char *message)
{
    Error error = {0};
    Network *network = NULL;
    assert_false(network_read(bytes, count, &network, &error));
    assert_null(network);
    assert_int_equal(error.code, ERROR_INVALID);
    if (strstr(error.message, message) == NULL) {
        fail_msg("'%s' instead of '%s'", error.message, message);
    }
}

static void a_file_that_ends_early_or_late_is_refused(void **state)
{
    (void)state;
    MadeNetwork made;
    made_unet(&made, 1);
    size_t count = made_write(&made, file);
    AUTO_FREE uint8_t *part = alloc_zeroed(count + 8, 1);
    for (size_t length = 0; length < count; length += length < 64 ? 1 : 61) {
        memcpy(part, file, length);
        if (length >= 16) {
            made_seal(part, length);
        }
        assert_refused(part, length, length < 16 ? "no network" : "ends too early");
    }
    memcpy(part, file, count);
    made_seal(part, count + 1);
    assert_refused(part, count + 1, "behind its last layer");
    memcpy(part, file, count);
    part[count / 2] ^= 1;
    assert_refused(part, count, "checksum");
    made_clear(&made);
}

typedef struct Change {
    size_t at; /* of a byte */
    uint8_t value;
    const char *message;
} Change;

static void a_field_out_of_its_range_is_named(void **state)
{
    (void)state;
    MadeNetwork made = {.random = 5};
    int last = made_add(&made, LAYER_CONV, 2, 2, 0, -1, 8);
    made_add(&made, LAYER_POINTWISE, 1, 1, last, -1, 4);
    made.layers[1].rectified = 0;
    size_t count = made_write(&made, file);
    AUTO_FREE uint8_t *part = alloc_array(count, 1);
    /* Header 12 bytes; layer 0: its fields 13, weights 96, bias 32, multiplier 32, shift 8. */
    const size_t second = 12 + 13 + 96 + 32 + 32 + 8;
    const Change changes[] = {
        {0, 'X', "no network"},
        {4, 2, "no network"},
        {8, 0, "1 to 64 layers"},
        {8, 65, "1 to 64 layers"},
        {12, 0, "layer 0 of the network: kind"},
        {12, 6, "kind"},
        {13, 6, "kind"},
        {13, 0, "kind"},
        {14, 3, "kind"},
        {15, 0, "inputs"},
        {15, 3, "inputs"},
        {15, 2, "inputs"},
        {16, 1, "inputs"},
        {20, 4, "channels"},
        {22, 7, "channels"},
        {23, 2, "channels"},
        {24, 0, "rectified"},
        {24, 2, "rectified"},
        {second, LAYER_ADD, "last one must be pointwise"},
        {second + 4, 0, "inputs"},
        {second + 4, 2, "inputs"},
        {second + 10, 17, "channels"},
        {second + 10, 0, "channels"},
        /* The highest bytes of a bias and of a multiplier, and a shift. */
        {12 + 13 + 96 + 3, 0x7F, "sums"},
        {12 + 13 + 96 + 32 + 3, 0x80, "multiplier"},
        {12 + 13 + 96 + 64, 32, "shift"},
        {12 + 13 + 96 + 64, 0xFF, "shift"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(changes); i++) {
        memcpy(part, file, count);
        part[changes[i].at] = changes[i].value;
        made_seal(part, count);
        assert_refused(part, count, changes[i].message);
    }
    made_clear(&made);
}

static void resolutions_must_fit(void **state)
{
    (void)state;
    MadeNetwork made = {.random = 6};
    int half = made_add(&made, LAYER_CONV, 2, 2, 0, -1, 8);
    int quarter = made_add(&made, LAYER_DEPTHWISE, 3, 2, half, -1, 0);
    made_add(&made, LAYER_POINTWISE, 1, 1, quarter, half, 4);
    made.layers[2].rectified = 0;
    assert_refused(file, made_write(&made, file), "layer 2 of the network: its resolution");
    made_clear(&made);
    made = (MadeNetwork){.random = 6};
    int last = made_add(&made, LAYER_CONV, 2, 1, 0, -1, 8);
    last = made_add(&made, LAYER_UP, 1, 1, last, -1, 0);
    made_add(&made, LAYER_POINTWISE, 1, 1, last, -1, 4);
    made.layers[2].rectified = 0;
    assert_refused(file, made_write(&made, file), "layer 1 of the network: its resolution");
    made_clear(&made);
    made = (MadeNetwork){.random = 6};
    last = made_add(&made, LAYER_CONV, 2, 2, 0, -1, 8);
    for (int i = 0; i < 4; i++) {
        last = made_add(&made, LAYER_DEPTHWISE, 3, 2, last, -1, 0);
    }
    made_add(&made, LAYER_POINTWISE, 1, 1, last, -1, 4);
    made.layers[5].rectified = 0;
    assert_refused(file, made_write(&made, file), "layer 4 of the network: its resolution");
    made_clear(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_kernels_agree_with_the_definition),
        cmocka_unit_test(images_of_every_height_agree_with_the_definition),
        cmocka_unit_test(layers_of_all_widths_agree_with_the_definition),
        cmocka_unit_test(extreme_weights_do_not_saturate),
        cmocka_unit_test(what_lies_further_than_the_reach_does_not_count),
        cmocka_unit_test(a_file_that_ends_early_or_late_is_refused),
        cmocka_unit_test(a_field_out_of_its_range_is_named),
        cmocka_unit_test(resolutions_must_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
