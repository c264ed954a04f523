/* SPDX-License-Identifier: Apache-2.0 */
/* See inflater.h. */
#include "slides/inflater.h"

#include <zlib.h>

#include "base/alloc.h"
#include "slides/byte_source.h"

/* A copy of zlib's state has about 40 KiB. One for each mebibyte makes a jump cost 2 ms at most;
 * longer streams have them further apart. */
enum { CHECKPOINTS_MAX = 256, SPAN_BYTES_MIN = 1 << 20, INPUT_BYTES = 32 * 1024 };
enum { DISCARD_BYTES = 16 * 1024 };

typedef struct Checkpoint {
    z_stream state;
    uint64_t input_offset;  /* of the first byte that the state has not taken */
    uint64_t output_offset; /* of the next byte that it makes */
} Checkpoint;

struct Inflater {
    ByteSource *stored;
    uint64_t span_bytes;
    Checkpoint now;
    bool broken; /* `now` has no valid state */
    int checkpoint_count;
    Checkpoint checkpoints[CHECKPOINTS_MAX];
    uint8_t input[INPUT_BYTES];
};

Inflater *inflater_create(ByteSource *stored, uint64_t inflated_length)
{
    Inflater *inflater = ALLOC_NEW(Inflater);
    inflater->stored = stored;
    uint64_t span = inflated_length / CHECKPOINTS_MAX + 1;
    inflater->span_bytes = span < SPAN_BYTES_MIN ? SPAN_BYTES_MIN : span;
    inflater->broken = inflateInit2(&inflater->now.state, -MAX_WBITS) != Z_OK;
    return inflater;
}

void inflater_destroy(Inflater *inflater)
{
    if (inflater == NULL) {
        return;
    }
    (void)inflateEnd(&inflater->now.state);
    for (int i = 0; i < inflater->checkpoint_count; i++) {
        (void)inflateEnd(&inflater->checkpoints[i].state);
    }
    alloc_free(inflater);
}

static bool copy_state(Checkpoint *target, Checkpoint *source)
{
    if (inflateCopy(&target->state, &source->state) != Z_OK) {
        return false;
    }
    target->input_offset = source->input_offset;
    target->output_offset = source->output_offset;
    target->state.avail_in = 0;
    return true;
}

/* The last place before `offset` where inflating can go on. */
static bool rewind_to(Inflater *inflater, uint64_t offset)
{
    Checkpoint *best = NULL;
    for (int i = 0; i < inflater->checkpoint_count; i++) {
        if (inflater->checkpoints[i].output_offset <= offset) {
            best = &inflater->checkpoints[i];
        }
    }
    bool here = !inflater->broken && inflater->now.output_offset <= offset;
    if (here && (best == NULL || best->output_offset <= inflater->now.output_offset)) {
        return true;
    }
    (void)inflateEnd(&inflater->now.state);
    inflater->now = (Checkpoint){.input_offset = 0};
    inflater->broken = best == NULL ? inflateInit2(&inflater->now.state, -MAX_WBITS) != Z_OK
                                    : !copy_state(&inflater->now, best);
    return !inflater->broken;
}

static void keep_checkpoint(Inflater *inflater)
{
    uint64_t next = ((uint64_t)inflater->checkpoint_count + 1) * inflater->span_bytes;
    if (inflater->now.output_offset >= next && inflater->checkpoint_count < CHECKPOINTS_MAX &&
        copy_state(&inflater->checkpoints[inflater->checkpoint_count], &inflater->now)) {
        inflater->checkpoint_count++;
    }
}

static bool fill_input(Inflater *inflater, Error *error)
{
    uint64_t left = byte_source_length(inflater->stored) - inflater->now.input_offset;
    size_t count = left < INPUT_BYTES ? (size_t)left : INPUT_BYTES;
    if (!byte_source_read(inflater->stored, inflater->now.input_offset, inflater->input, count,
                          error)) {
        return false;
    }
    inflater->now.state.next_in = inflater->input;
    inflater->now.state.avail_in = (uInt)count;
    return true;
}

/* Makes the next `count` bytes. Each turn of the loop takes or makes at least one byte. */
static bool inflate_next(Inflater *inflater, uint8_t *bytes_out, size_t count, Error *error)
{
    z_stream *state = &inflater->now.state;
    state->next_out = bytes_out;
    state->avail_out = (uInt)count;
    while (state->avail_out > 0) {
        if (state->avail_in == 0 && !fill_input(inflater, error)) {
            return false;
        }
        uInt input = state->avail_in;
        uInt output = state->avail_out;
        int result = inflate(state, Z_SYNC_FLUSH);
        inflater->now.input_offset += input - state->avail_in;
        inflater->now.output_offset += output - state->avail_out;
        /* Z_BUF_ERROR: all input is taken and more is needed. */
        if ((result == Z_STREAM_END && state->avail_out > 0) ||
            (result != Z_OK && result != Z_STREAM_END)) {
            return error_set(error, ERROR_INVALID, "The compressed data is broken or too short");
        }
    }
    return true;
}

/* In pieces, so that checkpoints are kept in time and a piece fits zlib's counters. */
static bool inflate_run(Inflater *inflater, uint8_t *bytes_out, uint64_t count, Error *error)
{
    uint8_t discarded[DISCARD_BYTES];
    while (count > 0) {
        size_t limit = bytes_out == NULL ? sizeof discarded : SPAN_BYTES_MIN;
        size_t piece = count < limit ? (size_t)count : limit;
        if (!inflate_next(inflater, bytes_out == NULL ? discarded : bytes_out, piece, error)) {
            inflater->broken = true;
            return false;
        }
        keep_checkpoint(inflater);
        bytes_out = bytes_out == NULL ? NULL : bytes_out + piece;
        count -= piece;
    }
    return true;
}

bool inflater_read(
    Inflater *inflater, uint64_t offset, uint8_t *bytes_out, size_t count, Error *error)
{
    if (count == 0) {
        return true;
    }
    if (!rewind_to(inflater, offset)) {
        return error_set(error, ERROR_INTERNAL, "zlib cannot be used");
    }
    return inflate_run(inflater, NULL, offset - inflater->now.output_offset, error) &&
           inflate_run(inflater, bytes_out, count, error);
}
