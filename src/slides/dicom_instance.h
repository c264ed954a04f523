/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One DICOM instance of a VL Whole Slide Microscopy series (PS3.3 A.32.8): a level of the pyramid,
 * or one of the slide's other images. Attributes are read into fixed fields; nothing that names a
 * patient is among them.
 */
#pragma once
#include "slides/byte_source.h"
#include "slides/slide.h"

/* PS3.5 table 6.2-1: UI has 64 bytes at most, the other texts that are read here too. */
enum { DICOM_TEXT_BYTES = 65 };

typedef enum DicomFlavor { /* PS3.3 C.8.12.4.1.1, value 3 of the image type */
                           DICOM_VOLUME,
                           DICOM_THUMBNAIL,
                           DICOM_LABEL,
                           DICOM_OVERVIEW,
                           DICOM_OTHER_FLAVOR,
} DicomFlavor;

typedef enum DicomEncoding { DICOM_NATIVE, DICOM_JPEG, DICOM_JPEG2000 } DicomEncoding;

typedef enum DicomColours { /* PS3.3 C.7.6.3.1.2 */
                            DICOM_RGB,
                            DICOM_YBR_FULL,
                            DICOM_YBR_FULL_422,
                            DICOM_YBR_ICT,
                            DICOM_YBR_RCT,
} DicomColours;

/* The attributes as they stand in the file; a number that is missing is 0, a text empty. */
typedef struct DicomAttributes {
    char transfer_syntax[DICOM_TEXT_BYTES];
    char sop_class[DICOM_TEXT_BYTES];
    char series_uid[DICOM_TEXT_BYTES];
    char concatenation_uid[DICOM_TEXT_BYTES];
    char image_type[DICOM_TEXT_BYTES];
    char organization[DICOM_TEXT_BYTES];
    char photometric[DICOM_TEXT_BYTES];
    char manufacturer[DICOM_TEXT_BYTES];
    char frame_count[DICOM_TEXT_BYTES];
    char pixel_spacing[DICOM_TEXT_BYTES];
    char objective_power[DICOM_TEXT_BYTES];
    char optical_path[DICOM_TEXT_BYTES]; /* the first one's identifier */
    uint32_t samples;
    uint32_t planar;
    uint32_t rows;
    uint32_t columns;
    uint32_t bits_allocated;
    uint32_t bits_stored;
    uint32_t matrix_columns;
    uint32_t matrix_rows;
    uint32_t optical_paths;
    uint32_t focal_planes;
} DicomAttributes;

/* Where a frame lies in the total pixel matrix, from 1 (PS3.3 C.8.12.6.1). */
typedef struct DicomPlace {
    int32_t column; /* 0: not said */
    int32_t row;
    bool of_another_path;
} DicomPlace;

typedef struct DicomInstance {
    ByteSource *source; /* owned */
    DicomAttributes attributes;
    DicomFlavor flavor;
    DicomEncoding encoding;
    DicomColours colours;
    SlideStaining staining;
    SlideLevel level; /* sizes of the whole image and of a frame */
    SlidePixel pixel;
    uint32_t frame_count;
    DicomPlace *places; /* frame_count of them, or NULL */
    /* Pixel data: its value, and where the tables before it lie (length 0: none). */
    uint64_t pixels_offset;
    uint32_t pixels_length; /* DICOM_UNDEFINED_LENGTH: encapsulated */
    uint64_t offsets_offset;
    uint64_t offsets_length;
} DicomInstance;

/* Takes over `source` when it succeeds. ERROR_NOT_FOUND: a DICOM file of another kind. */
MUST_CHECK bool dicom_instance_read(ByteSource *source, DicomInstance **instance_out, Error *error);
/* NULL is allowed. */
void dicom_instance_destroy(DicomInstance *instance);
