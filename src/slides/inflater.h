/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random access to a raw deflate stream (RFC 1951). The stream is inflated in order; on the way
 * the decompressor's state is copied now and then, so that a later read goes on from the last
 * copy before it. Nothing else is kept: memory does not grow with the stream, and an archive that
 * inflates to far more than it should costs nothing.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/error.h"

typedef struct ByteSource ByteSource;
typedef struct Inflater Inflater;

/* `stored` is borrowed and must outlive it. */
Inflater *inflater_create(ByteSource *stored, uint64_t inflated_length);
void inflater_destroy(Inflater *inflater);
/* The caller has checked that the bytes lie inside the length. */
MUST_CHECK bool
inflater_read(Inflater *inflater, uint64_t offset, uint8_t *bytes_out, size_t count, Error *error);
