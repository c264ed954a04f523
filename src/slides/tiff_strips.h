/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TIFF tiles without tiles inside: what ImageJ, QuPath and others export, one page of strips. The
 * whole image is kept in memory. A file of several pages without tiles is refused: the first one
 * might be the label of a slide in a format that nobody here knows.
 */
#pragma once
#include "slides/slide_reader.h"
#include "slides/tiff_handle.h"

/* The current page, which has no tiles. ERROR_UNAVAILABLE: stored in a way that is not read here.
 */
MUST_CHECK bool tiff_strips_read(TiffHandle *handle, Slide **slide_out, Error *error);
