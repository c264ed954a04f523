/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data elements of a DICOM file in their order (PS3.5 section 7, PS3.10 section 7), explicit or
 * implicit VR, little endian. Sequences are walked into; the walk ends at the pixel data. Nothing
 * is kept in memory but the path of open sequences.
 */
#pragma once
#include "slides/byte_source.h"

/* PS3.5 7.5 nests without a limit; slides need 5. */
enum { DICOM_DEPTH_MAX = 16, DICOM_WINDOW_BYTES = 16 * 1024 };

#define DICOM_TAG(group, element) ((uint32_t)(group) << 16 | (element))
#define DICOM_UNDEFINED_LENGTH UINT32_MAX

typedef struct DicomElement {
    uint32_t tag;
    uint32_t length; /* of the value */
    uint64_t offset; /* where the value begins */
} DicomElement;

/* What the walk has come to. */
typedef enum DicomStep {
    DICOM_STEP_VALUE,  /* an element that is no sequence */
    DICOM_STEP_ITEM,   /* a new item of the innermost open sequence */
    DICOM_STEP_PIXELS, /* the pixel data: the last step */
    DICOM_STEP_END,    /* the file ends without pixel data: the last step */
} DicomStep;

typedef struct DicomSequence {
    uint32_t tag;
    uint64_t end;   /* UINT64_MAX: ends with a delimiter */
    uint64_t limit; /* what its elements may not reach beyond */
    bool in_item;
    uint64_t item_end;
    bool implicit;
} DicomSequence;

typedef struct DicomWalk {
    ByteSource *source;
    uint64_t position;
    uint64_t elements_left; /* DICOM_ELEMENTS_MAX at the start */
    bool implicit; /* the data set's; its owner sets it when it knows the transfer syntax */
    int depth;
    DicomSequence open[DICOM_DEPTH_MAX];
    uint64_t window_offset;
    size_t window_count;
    uint8_t window[DICOM_WINDOW_BYTES];
} DicomWalk;

/* Checks the preamble. `source` is borrowed. */
MUST_CHECK bool dicom_walk_start(DicomWalk *walk, ByteSource *source, Error *error);
/* `element_out` is set for a value and for the pixel data. */
MUST_CHECK bool
dicom_walk_next(DicomWalk *walk, DicomElement *element_out, DicomStep *step_out, Error *error);
/* The innermost open sequence; 0 outside all. */
uint32_t dicom_walk_sequence(const DicomWalk *walk);
/* Reads at most `bytes_max` bytes of a value. */
MUST_CHECK bool dicom_walk_value(DicomWalk *walk,
                                 const DicomElement *element,
                                 uint8_t *bytes_out,
                                 size_t bytes_max,
                                 Error *error);
