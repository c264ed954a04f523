/* SPDX-License-Identifier: Apache-2.0 */
/* See tiff_handle.h. */
#include "slides/tiff_handle.h"

#include <stdio.h>

#include "base/limits.h"

static int on_tiff_error(
    TIFF *tiff UNUSED, void *user, const char *module UNUSED, const char *format, va_list arguments)
{
    TiffHandle *handle = user;
    vsnprintf(handle->message, sizeof handle->message, format, arguments);
    return 1; /* handled: the global handler is not called */
}

static int on_tiff_warning(TIFF *tiff UNUSED,
                           void *user UNUSED,
                           const char *module UNUSED,
                           const char *format UNUSED,
                           va_list arguments UNUSED)
{
    return 1;
}

bool tiff_handle_open(TiffHandle *handle, const char *path, const char *mode, Error *error)
{
    handle->message[0] = '\0';
    TIFFOpenOptions *options = TIFFOpenOptionsAlloc();
    TIFFOpenOptionsSetErrorHandlerExtR(options, on_tiff_error, handle);
    TIFFOpenOptionsSetWarningHandlerExtR(options, on_tiff_warning, handle);
    TIFFOpenOptionsSetMaxSingleMemAlloc(options, SLIDE_BLOCK_BYTES_MAX);
    handle->tiff = TIFFOpenExt(path, mode, options);
    TIFFOpenOptionsFree(options);
    return handle->tiff != NULL || tiff_handle_error(handle, "The TIFF cannot be opened", error);
}

void tiff_handle_close(TiffHandle *handle)
{
    if (handle->tiff != NULL) {
        TIFFClose(handle->tiff);
        handle->tiff = NULL;
    }
}

bool tiff_handle_error(const TiffHandle *handle, const char *what, Error *error)
{
    if (handle->message[0] == '\0') {
        return error_set(error, ERROR_INVALID, "%s", what);
    }
    return error_set(error, ERROR_INVALID, "%s: %s", what, handle->message);
}
