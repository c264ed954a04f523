/* SPDX-License-Identifier: Apache-2.0 */
/* What a run's input artifact tells about its slide, read from the file. */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/error.h"
#include "objectstore/checksum.h"
#include "slides/slide.h"

typedef struct SlideFacts {
    int64_t size_bytes;
    char checksum[CRC32C_TEXT_BYTES];
} SlideFacts;

/* Reads the whole file for its checksum. */
MUST_CHECK bool slide_facts_read(const char *path, SlideFacts *facts_out, Error *error);
/* The metadata of an input artifact: checksum, width, height, media type, and the resolution when
 * the file says it. */
MUST_CHECK json_t *slide_metadata(const SlideInfo *info, const SlideFacts *facts);
