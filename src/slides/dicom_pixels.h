/* SPDX-License-Identifier: Apache-2.0 */
/* The pixels of one frame of a DICOM instance as RGB. */
#pragma once
#include "slides/dicom_frames.h"

/* Fills a whole tile. */
MUST_CHECK bool dicom_frame_decode(const DicomInstance *instance,
                                   const DicomFrameBuffer *frame,
                                   uint8_t *rgb_out,
                                   Error *error);
