/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A libtiff handle whose warnings go nowhere and whose errors are kept for an Error: libtiff's own
 * handlers would write to stderr. Single allocations are bounded (SLIDE_BLOCK_BYTES_MAX).
 */
#pragma once
#include <tiffio.h>

#include "base/error.h"

typedef struct TiffHandle {
    TIFF *tiff;
    char message[ERROR_MESSAGE_BYTES]; /* of the last error */
} TiffHandle;

/* `mode` as TIFFOpen's. The handle must not move in memory while it is open. */
MUST_CHECK bool
tiff_handle_open(TiffHandle *handle, const char *path, const char *mode, Error *error);
void tiff_handle_close(TiffHandle *handle);
/* error_set with libtiff's last message behind `what`. */
bool tiff_handle_error(const TiffHandle *handle, const char *what, Error *error);
