/* SPDX-License-Identifier: Apache-2.0 */
/*
 * See stream.h. Each tensor is a ring of rows; schedule.h says which row can be made.
 */
#include "analysis/network/stream.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"

enum { RGB = 3, GATHER_COPY_BYTES = 16 };
static_assert(GATHER_COPY_BYTES >= NETWORK_KERNEL_MAX * RGB, "a row of taps is one copy");

/* Rows of a tensor in a ring, each with zeros before and behind it. */
typedef struct Tensor {
    uint8_t *rows;
    size_t row_bytes;    /* with the zeros and the slack */
    size_t before_bytes; /* zeros before a row's first pixel */
    int capacity;        /* rows in the ring */
    int channels;
    int width; /* of this run */
} Tensor;

struct NetworkStream {
    const NetworkProgram *program;
    RowSchedule schedule; /* of this run */
    Tensor tensors[NETWORK_TENSORS_MAX];
    uint8_t *zeros;    /* a row beyond the border, of any tensor */
    uint8_t *gathered; /* a row of a conv's inputs; halves of rows for a stride of 2 */
    int16_t *logits;
    int width_max;
    int height_max;
    LogitSink sink;
    void *context;
};

static int divide_up(int value, int by)
{
    return (value + by - 1) / by;
}

void network_program_init(NetworkProgram *program, const Network *network, const KernelSet *kernels)
{
    *program =
        (NetworkProgram){.network = network, .kernels = kernels == NULL ? kernels_best() : kernels};
    for (int i = 0; i < network->layer_count; i++) {
        const NetworkLayer *layer = &network->layers[i];
        if (layer->weights != NULL) {
            kernel_layer_init(&program->layers[i], program->kernels, layer);
        }
    }
    schedule_rows_kept(network, program->rows_kept);
}

void network_program_clear(NetworkProgram *program)
{
    for (int i = 0; program->network != NULL && i < program->network->layer_count; i++) {
        kernel_layer_clear(&program->layers[i]);
    }
    program->network = NULL;
}

static void set_sizes(NetworkStream *stream, int width, int height)
{
    const Network *network = stream->program->network;
    schedule_start(&stream->schedule, network, height);
    for (int i = 0; i <= network->layer_count; i++) {
        stream->tensors[i].width = divide_up(width, network_downsample(network, i));
    }
}

static void make_buffers(NetworkStream *stream)
{
    const Network *network = stream->program->network;
    size_t longest = 0;
    for (int i = 0; i <= network->layer_count; i++) {
        Tensor *tensor = &stream->tensors[i];
        int height = stream->schedule.height[i];
        int kept = stream->program->rows_kept[i];
        tensor->capacity = kept < height ? kept : height;
        tensor->channels = network_channels(network, i);
        size_t pixels = (size_t)tensor->width + NETWORK_KERNEL_MAX;
        tensor->before_bytes = (size_t)(NETWORK_KERNEL_MAX / 2) * (size_t)tensor->channels;
        tensor->row_bytes =
            tensor->before_bytes + pixels * (size_t)tensor->channels + KERNEL_SLACK_BYTES;
        longest = tensor->row_bytes > longest ? tensor->row_bytes : longest;
        if (i < network->layer_count) {
            tensor->rows = alloc_zeroed((size_t)tensor->capacity, tensor->row_bytes);
        }
    }
    size_t gathered = (size_t)stream->width_max * KERNEL_GATHER_BYTES_MAX + KERNEL_SLACK_BYTES;
    size_t halves = (longest + 2 * (size_t)NETWORK_CHANNELS_MAX) * NETWORK_KERNEL_MAX +
                    2 * (size_t)KERNEL_SLACK_BYTES;
    stream->gathered = alloc_zeroed(gathered > halves ? gathered : halves, 1);
    stream->zeros = alloc_zeroed(longest, 1);
    stream->logits = alloc_array(
        (size_t)stream->width_max * NETWORK_LOGITS_MAX + KERNEL_SLACK_BYTES, sizeof(int16_t));
}

NetworkStream *network_stream_create(const NetworkProgram *program, int width_max, int height_max)
{
    NetworkStream *stream = ALLOC_NEW(NetworkStream);
    stream->program = program;
    stream->width_max = width_max;
    stream->height_max = height_max;
    set_sizes(stream, width_max, height_max);
    make_buffers(stream);
    return stream;
}

void network_stream_destroy(NetworkStream *stream)
{
    if (stream == NULL) {
        return;
    }
    for (int i = 0; i < stream->program->network->layer_count; i++) {
        alloc_free(stream->tensors[i].rows);
    }
    alloc_free(stream->gathered);
    alloc_free(stream->zeros);
    alloc_free(stream->logits);
    alloc_free(stream);
}

/* The first pixel of a row in the ring. */
static uint8_t *row_of(const Tensor *tensor, int y)
{
    return tensor->rows + (size_t)(y % tensor->capacity) * tensor->row_bytes + tensor->before_bytes;
}

/* As row_of; zeros beyond the border. */
static const uint8_t *padded_row(const NetworkStream *stream, int index, int y)
{
    const Tensor *tensor = &stream->tensors[index];
    bool outside = y < 0 || y >= stream->schedule.height[index];
    return outside ? stream->zeros + tensor->before_bytes : row_of(tensor, y);
}

/* Kernels write whole blocks: what stands behind the row's last pixel becomes zero again. */
static void clear_behind(const Tensor *tensor, uint8_t *row)
{
    size_t used = (size_t)tensor->width * (size_t)tensor->channels;
    memset(row + used, 0, tensor->row_bytes - tensor->before_bytes - used);
}

/* Puts the values that each output pixel sums side by side: kernel rows of kernel pixels. */
static void gather(const NetworkStream *stream, const NetworkLayer *layer, int y, int width)
{
    const uint8_t *rows[NETWORK_KERNEL_MAX] = {NULL};
    for (int ky = 0; ky < layer->kernel; ky++) {
        rows[ky] = padded_row(stream, 0, schedule_first_row(layer, y) + ky) -
                   (size_t)layer_padding(layer) * RGB;
    }
    size_t tap_bytes = (size_t)layer->kernel * RGB;
    size_t pixel_bytes = (tap_bytes * (size_t)layer->kernel + 3) / 4 * 4;
    for (int x = 0; x < width; x++) {
        uint8_t *to = stream->gathered + (size_t)x * pixel_bytes;
        for (int ky = 0; ky < layer->kernel; ky++) {
            /* More than needed, at a constant size: the next one overwrites the rest, and what then
             * stays behind the last one meets weights of zero. */
            memcpy(to + (size_t)ky * tap_bytes, rows[ky] + (size_t)(x * layer->stride) * RGB,
                   GATHER_COPY_BYTES);
        }
    }
}

static void run_conv(NetworkStream *stream, int index, int y)
{
    const NetworkLayer *layer = &stream->program->network->layers[index];
    const Tensor *output = &stream->tensors[index + 1];
    const KernelLayer *kernel_layer = &stream->program->layers[index];
    gather(stream, layer, y, output->width);
    KernelRun run = {.layer = kernel_layer,
                     .in = {{stream->gathered, stream->gathered}, {kernel_layer->inputs, 0}},
                     .out_channels = output->channels};
    stream->program->kernels->pointwise(&run, row_of(output, y), output->width);
}

static KernelRows pointwise_rows(const NetworkStream *stream, const NetworkLayer *layer, int y)
{
    const Tensor *first = &stream->tensors[layer->inputs[0]];
    KernelRows rows = {{row_of(first, y), row_of(first, y)}, {first->channels, 0}};
    if (layer->input_count == 2) {
        const Tensor *second = &stream->tensors[layer->inputs[1]];
        rows.rows[1] = row_of(second, y);
        rows.channels[1] = second->channels;
    }
    return rows;
}

static void run_pointwise(NetworkStream *stream, int index, int y)
{
    const NetworkLayer *layer = &stream->program->network->layers[index];
    const Tensor *output = &stream->tensors[index + 1];
    KernelRun run = {.layer = &stream->program->layers[index],
                     .in = pointwise_rows(stream, layer, y),
                     .out_channels = output->channels};
    if (layer->rectified) {
        stream->program->kernels->pointwise(&run, row_of(output, y), output->width);
        return;
    }
    stream->program->kernels->logits(&run, stream->logits, output->width);
    LogitRow row = {stream->logits, y, output->width, output->channels};
    stream->sink(stream->context, &row);
}

/* Pixels are a few steps of channels: a copy of any length would cost more than the bytes. */
static inline void copy_pixel(uint8_t *to, const uint8_t *from, size_t channels)
{
    for (size_t i = 0; i < channels; i += NETWORK_CHANNEL_STEP) {
        memcpy(to + i, from + i, NETWORK_CHANNEL_STEP);
    }
}

/* Splits a row with its zeros into its even and its odd pixels, the former first. Returns where
 * the pixel 0 of the row went; that of pixel -1 is `half_bytes` further, less one pixel. */
static const uint8_t *
split_row(const Tensor *input, const uint8_t *row, size_t half_bytes, uint8_t *halves)
{
    size_t channels = (size_t)input->channels;
    const uint8_t *from = row - input->before_bytes;
    int pairs = (input->width + NETWORK_KERNEL_MAX + 1) / 2;
    for (int pair = 0; pair < pairs; pair++) {
        copy_pixel(halves + (size_t)pair * channels, from, channels);
        copy_pixel(halves + half_bytes + (size_t)pair * channels, from + channels, channels);
        from += 2 * channels;
    }
    return halves + channels;
}

/* Where the pixels that the taps of one kernel row meet begin. */
static void find_taps(NetworkStream *stream,
                      const NetworkLayer *layer,
                      const uint8_t *row,
                      int kernel_row,
                      const uint8_t **taps_out)
{
    const Tensor *input = &stream->tensors[layer->inputs[0]];
    ptrdiff_t channels = input->channels;
    int padding = layer_padding(layer);
    if (layer->stride == 1) {
        for (int kx = 0; kx < layer->kernel; kx++) {
            taps_out[kx] = row + (kx - padding) * channels;
        }
        return;
    }
    size_t half_bytes = input->row_bytes / 2 + (size_t)channels;
    uint8_t *halves = stream->gathered + (size_t)kernel_row * 2 * half_bytes;
    const uint8_t *zero = split_row(input, row, half_bytes, halves);
    for (int kx = 0; kx < layer->kernel; kx++) {
        /* Pixels before the border make the offset positive: two of them are there. */
        int pixel = kx - padding + 2;
        ptrdiff_t half = pixel % 2 == 0 ? 0 : (ptrdiff_t)half_bytes;
        taps_out[kx] = zero + half + (pixel / 2 - 1) * channels;
    }
}

static void run_depthwise(NetworkStream *stream, int index, int y)
{
    const NetworkLayer *layer = &stream->program->network->layers[index];
    const Tensor *output = &stream->tensors[index + 1];
    const KernelLayer *kernel_layer = &stream->program->layers[index];
    const uint8_t *taps[KERNEL_TAPS_MAX + 3] = {NULL};
    int count = layer->kernel * layer->kernel;
    for (int ky = 0; ky < layer->kernel; ky++) {
        const uint8_t *row =
            padded_row(stream, layer->inputs[0], schedule_first_row(layer, y) + ky);
        find_taps(stream, layer, row, ky, taps + ky * layer->kernel);
    }
    /* Taps that only fill up a group have weights of zero. */
    for (int tap = count; tap < kernel_layer->inputs; tap++) {
        taps[tap] = taps[0];
    }
    stream->program->kernels->depthwise(kernel_layer, taps, row_of(output, y),
                                        (size_t)output->width * (size_t)output->channels);
}

static void run_up(NetworkStream *stream, int index, int y)
{
    const NetworkLayer *layer = &stream->program->network->layers[index];
    const Tensor *output = &stream->tensors[index + 1];
    const uint8_t *from = row_of(&stream->tensors[layer->inputs[0]], y / 2);
    uint8_t *to = row_of(output, y);
    size_t channels = (size_t)output->channels;
    for (int x = 0; x < output->width; x++) {
        copy_pixel(to + (size_t)x * channels, from + (size_t)(x / 2) * channels, channels);
    }
}

static void run_add(NetworkStream *stream, int index, int y)
{
    const NetworkLayer *layer = &stream->program->network->layers[index];
    const Tensor *output = &stream->tensors[index + 1];
    const uint8_t *a = row_of(&stream->tensors[layer->inputs[0]], y);
    const uint8_t *b = row_of(&stream->tensors[layer->inputs[1]], y);
    uint8_t *to = row_of(output, y);
    size_t count = (size_t)output->width * (size_t)output->channels;
    for (size_t i = 0; i < count; i++) {
        uint8_t room = (uint8_t)(255 - b[i]);
        to[i] = (uint8_t)(b[i] + (a[i] < room ? a[i] : room));
    }
}

static void make_row(NetworkStream *stream, int index)
{
    const Tensor *output = &stream->tensors[index + 1];
    int y = stream->schedule.made[index + 1];
    switch (stream->program->network->layers[index].kind) {
    case LAYER_CONV:
        run_conv(stream, index, y);
        break;
    case LAYER_DEPTHWISE:
        run_depthwise(stream, index, y);
        break;
    case LAYER_POINTWISE:
        run_pointwise(stream, index, y);
        break;
    case LAYER_UP:
        run_up(stream, index, y);
        break;
    case LAYER_ADD:
        run_add(stream, index, y);
        break;
    }
    if (output->rows != NULL) {
        clear_behind(output, row_of(output, y));
    }
    stream->schedule.made[index + 1]++;
}

/* One row of each layer that can; false when none could. */
static bool make_rows(NetworkStream *stream)
{
    const Network *network = stream->program->network;
    bool any = false;
    for (int i = 0; i < network->layer_count; i++) {
        if (schedule_ready(&stream->schedule, network, i)) {
            make_row(stream, i);
            any = true;
        }
    }
    return any;
}

static void push_row(NetworkStream *stream, const uint8_t *rgb)
{
    const Tensor *image = &stream->tensors[0];
    uint8_t *row = row_of(image, stream->schedule.made[0]);
    size_t count = (size_t)image->width * RGB;
    for (size_t i = 0; i < count; i++) {
        row[i] = (uint8_t)(255 - rgb[i]);
    }
    clear_behind(image, row);
    stream->schedule.made[0]++;
    while (make_rows(stream)) {
    }
}

void network_stream_run(NetworkStream *stream,
                        const NetworkImage *image,
                        LogitSink sink,
                        void *context)
{
    assert(image->width >= 1 && image->width <= stream->width_max);
    assert(image->height >= 1 && image->height <= stream->height_max);
    set_sizes(stream, image->width, image->height);
    stream->sink = sink;
    stream->context = context;
    for (int y = 0; y < image->height; y++) {
        push_row(stream, image->rgb + (size_t)y * image->row_bytes);
    }
}
