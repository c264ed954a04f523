/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the frames of a DICOM instance lie (PS3.5 A.4 and section 8): one after the other in native
 * pixel data; in fragments when encapsulated, found by the extended or the basic offset table or,
 * without either, by the start of each code stream.
 */
#pragma once
#include "slides/dicom_instance.h"

typedef struct DicomFrames {
    uint64_t native_bytes; /* of one frame; 0: encapsulated */
    uint64_t *starts;      /* encapsulated: frame_count + 1 offsets of items, ascending */
} DicomFrames;

/* A frame's bytes; grows to the largest one. */
typedef struct DicomFrameBuffer {
    uint8_t *bytes;
    size_t room;
    size_t length;
} DicomFrameBuffer;

MUST_CHECK bool
dicom_frames_find(const DicomInstance *instance, DicomFrames *frames_out, Error *error);
void dicom_frames_clear(DicomFrames *frames);
/* `index` is below the instance's frame_count. */
MUST_CHECK bool dicom_frame_read(const DicomInstance *instance,
                                 const DicomFrames *frames,
                                 uint32_t index,
                                 DicomFrameBuffer *buffer,
                                 Error *error);
