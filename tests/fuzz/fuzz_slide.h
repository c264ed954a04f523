/* SPDX-License-Identifier: Apache-2.0 */
/* What the fuzz targets of the slide readers share: one input as a file, opened and looked through.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "slides/slide_reader.h"

typedef bool (*SlideOpen)(const char *path, Slide **slide_out, Error *error);

/* Opens the bytes with one reader and reads some of every level. Fails by assertion when an error
 * is claimed without a reason, or set without being claimed. */
int fuzz_slide(SlideOpen open_slide, const uint8_t *bytes, size_t count);

/* libFuzzer's entry. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);
