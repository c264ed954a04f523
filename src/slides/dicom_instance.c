/* SPDX-License-Identifier: Apache-2.0 */
/* See dicom_instance.h. */
#include "slides/dicom_instance.h"

#include <string.h>

#include "base/alloc.h"
#include "base/parse.h"
#include "slides/dicom_attributes.h"
#include "slides/dicom_walk.h"
#include "slides/slide_reader.h"

#define WHOLE_SLIDE_MICROSCOPY "1.2.840.10008.5.1.4.1.1.77.1.6"

static const double MICRONS_PER_MILLIMETRE = 1000;

typedef struct TransferSyntax {
    const char *uid;
    const char *name;
    bool read;
    DicomEncoding encoding;
} TransferSyntax;

/* PS3.6 table A-1. Those that are not read are refused by their name. */
static const TransferSyntax SYNTAXES[] = {
    {"1.2.840.10008.1.2", "Implicit VR Little Endian", true, DICOM_NATIVE},
    {"1.2.840.10008.1.2.1", "Explicit VR Little Endian", true, DICOM_NATIVE},
    {"1.2.840.10008.1.2.4.50", "JPEG Baseline", true, DICOM_JPEG},
    {"1.2.840.10008.1.2.4.51", "JPEG Extended", true, DICOM_JPEG},
    {"1.2.840.10008.1.2.4.90", "JPEG 2000 Lossless", true, DICOM_JPEG2000},
    {"1.2.840.10008.1.2.4.91", "JPEG 2000", true, DICOM_JPEG2000},
    {"1.2.840.10008.1.2.1.99", "Deflated Explicit VR Little Endian", false, DICOM_NATIVE},
    {"1.2.840.10008.1.2.2", "Explicit VR Big Endian", false, DICOM_NATIVE},
    {"1.2.840.10008.1.2.5", "RLE Lossless", false, DICOM_NATIVE},
    {"1.2.840.10008.1.2.4.57", "JPEG Lossless", false, DICOM_NATIVE},
    {"1.2.840.10008.1.2.4.70", "JPEG Lossless, First-Order Prediction", false, DICOM_NATIVE},
    {"1.2.840.10008.1.2.4.80", "JPEG-LS Lossless", false, DICOM_NATIVE},
    {"1.2.840.10008.1.2.4.81", "JPEG-LS Near-Lossless", false, DICOM_NATIVE},
    {"1.2.840.10008.1.2.4.92", "JPEG 2000 Part 2 Lossless", false, DICOM_NATIVE},
    {"1.2.840.10008.1.2.4.93", "JPEG 2000 Part 2", false, DICOM_NATIVE},
    {"1.2.840.10008.1.2.4.110", "JPEG XL Lossless", false, DICOM_NATIVE},
    {"1.2.840.10008.1.2.4.111", "JPEG XL JPEG Recompression", false, DICOM_NATIVE},
    {"1.2.840.10008.1.2.4.112", "JPEG XL", false, DICOM_NATIVE},
    {"1.2.840.10008.1.2.4.201", "High-Throughput JPEG 2000 Lossless", false, DICOM_NATIVE},
    {"1.2.840.10008.1.2.4.202", "High-Throughput JPEG 2000 with RPCL, Lossless", false,
     DICOM_NATIVE},
    {"1.2.840.10008.1.2.4.203", "High-Throughput JPEG 2000", false, DICOM_NATIVE},
};

static bool choose_encoding(DicomInstance *instance, Error *error)
{
    const char *uid = instance->attributes.transfer_syntax;
    const char *name = uid;
    for (size_t i = 0; i < ARRAY_COUNT(SYNTAXES); i++) {
        if (strcmp(uid, SYNTAXES[i].uid) != 0) {
            continue;
        }
        instance->encoding = SYNTAXES[i].encoding;
        name = SYNTAXES[i].name;
        if (SYNTAXES[i].read) {
            return true;
        }
    }
    return error_set(error, ERROR_INVALID,
                     "The DICOM transfer syntax is %s; only JPEG, JPEG 2000 and uncompressed "
                     "little endian are read",
                     name);
}

static bool choose_colours(DicomInstance *instance, Error *error)
{
    static const struct {
        const char *name;
        DicomColours colours;
        bool read[3]; /* by DicomEncoding: PS3.5 8.2.1, 8.2.4 and PS3.3 C.7.6.3.1.2 */
    } COLOURS[] = {
        {"RGB", DICOM_RGB, {true, true, true}},
        {"YBR_FULL", DICOM_YBR_FULL, {true, true, true}},
        {"YBR_FULL_422", DICOM_YBR_FULL_422, {true, true, true}},
        {"YBR_ICT", DICOM_YBR_ICT, {false, false, true}},
        {"YBR_RCT", DICOM_YBR_RCT, {false, false, true}},
    };
    const DicomAttributes *attributes = &instance->attributes;
    if (attributes->samples != 3 || attributes->bits_allocated != 8 ||
        attributes->bits_stored != 8) {
        return error_set(error, ERROR_INVALID,
                         "The image has %u samples of %u bits a pixel, but 3 of 8 bits are needed",
                         attributes->samples, attributes->bits_stored);
    }
    for (size_t i = 0; i < ARRAY_COUNT(COLOURS); i++) {
        if (strcmp(attributes->photometric, COLOURS[i].name) == 0 &&
            COLOURS[i].read[instance->encoding]) {
            instance->colours = COLOURS[i].colours;
            return true;
        }
    }
    return error_set(error, ERROR_INVALID,
                     "The image's colours are %s, which is not read in this transfer syntax",
                     attributes->photometric[0] == '\0' ? "not said" : attributes->photometric);
}

/* "DERIVED\PRIMARY\VOLUME\NONE" */
static DicomFlavor flavor_of(const char *image_type)
{
    static const struct {
        const char *name;
        DicomFlavor flavor;
    } FLAVORS[] = {{"VOLUME", DICOM_VOLUME},
                   {"THUMBNAIL", DICOM_THUMBNAIL},
                   {"LABEL", DICOM_LABEL},
                   {"OVERVIEW", DICOM_OVERVIEW},
                   {"LOCALIZER", DICOM_OVERVIEW}};
    Text rest = text_of(image_type);
    (void)text_split(&rest, '\\');
    (void)text_split(&rest, '\\');
    Text third = text_split(&rest, '\\');
    for (size_t i = 0; i < ARRAY_COUNT(FLAVORS); i++) {
        if (text_is(third, FLAVORS[i].name)) {
            return FLAVORS[i].flavor;
        }
    }
    return DICOM_OTHER_FLAVOR;
}

/* Millimetres between rows and between columns (PS3.3 10.7.1.3), as "0.0005\0.0005". */
static SlidePixel spacing_of(const char *text)
{
    Text rest = text_of(text);
    double between_rows = 0;
    double between_columns = 0;
    if (!parse_double(text_trim(text_split(&rest, '\\')), &between_rows) ||
        !parse_double(text_trim(text_split(&rest, '\\')), &between_columns)) {
        return (SlidePixel){0, 0};
    }
    return (SlidePixel){between_columns * MICRONS_PER_MILLIMETRE,
                        between_rows * MICRONS_PER_MILLIMETRE};
}

static bool choose_sizes(DicomInstance *instance, Error *error)
{
    const DicomAttributes *attributes = &instance->attributes;
    if (attributes->columns == 0 || attributes->rows == 0 ||
        attributes->columns > SLIDE_TILE_SIDE_PX_MAX || attributes->rows > SLIDE_TILE_SIDE_PX_MAX) {
        return error_set(error, ERROR_INVALID,
                         "The image has frames of %u x %u px, but a side may have 1 to %d px",
                         attributes->columns, attributes->rows, SLIDE_TILE_SIDE_PX_MAX);
    }
    /* A label or an overview is one frame and may leave them out. */
    bool matrix = attributes->matrix_columns != 0 && attributes->matrix_rows != 0;
    instance->level = (SlideLevel){
        .width_px = matrix ? attributes->matrix_columns : attributes->columns,
        .height_px = matrix ? attributes->matrix_rows : attributes->rows,
        .tile_width_px = (int32_t)attributes->columns,
        .tile_height_px = (int32_t)attributes->rows,
    };
    instance->pixel = spacing_of(attributes->pixel_spacing);
    return slide_level_check(&instance->level, error);
}

static bool choose_frames(DicomInstance *instance, Error *error)
{
    int64_t frames = 1; /* a missing attribute says that there is one */
    const char *text = instance->attributes.frame_count;
    if (text[0] != '\0' && !parse_int64(text_of(text), 1, DICOM_FRAMES_MAX, &frames)) {
        return error_set(error, ERROR_INVALID,
                         "The DICOM file has '%s' frames, but 1 to %d can be read", text,
                         DICOM_FRAMES_MAX);
    }
    if (instance->places != NULL && instance->frame_count != frames) {
        return error_set(error, ERROR_INVALID,
                         "The DICOM file has %lld frames, but tells the places of %u",
                         (long long)frames, instance->frame_count);
    }
    instance->frame_count = (uint32_t)frames;
    return true;
}

/* Of an image that is only listed: what it says is neither checked nor needed. */
static void take_sizes(DicomInstance *instance)
{
    instance->level.width_px = instance->attributes.columns;
    instance->level.height_px = instance->attributes.rows;
}

static bool check_pixels(const DicomInstance *instance, Error *error)
{
    if (instance->attributes.concatenation_uid[0] != '\0') {
        return error_set(error, ERROR_INVALID,
                         "The DICOM image is a part of a concatenation, which is not read");
    }
    if (instance->pixels_offset == 0) {
        return error_set(error, ERROR_INVALID, "The DICOM file has no pixel data");
    }
    bool encapsulated = instance->pixels_length == DICOM_UNDEFINED_LENGTH;
    if (encapsulated != (instance->encoding != DICOM_NATIVE)) {
        return error_set(error, ERROR_INVALID,
                         "The DICOM file's pixel data does not fit its transfer syntax");
    }
    return true;
}

/* Whether it shows tissue only. The slide's other images may show its label, which names a patient:
 * of these nothing but the size is read. */
static bool may_be_shown(const DicomInstance *instance)
{
    return instance->flavor == DICOM_VOLUME || instance->flavor == DICOM_THUMBNAIL;
}

static bool interpret(DicomInstance *instance, Error *error)
{
    if (strcmp(instance->attributes.sop_class, WHOLE_SLIDE_MICROSCOPY) != 0) {
        return error_set(error, ERROR_NOT_FOUND,
                         "The DICOM file holds no whole slide microscopy image");
    }
    instance->flavor = flavor_of(instance->attributes.image_type);
    if (!may_be_shown(instance)) {
        take_sizes(instance);
        return true;
    }
    return choose_encoding(instance, error) && check_pixels(instance, error) &&
           choose_colours(instance, error) && choose_sizes(instance, error) &&
           choose_frames(instance, error);
}

bool dicom_instance_read(ByteSource *source, DicomInstance **instance_out, Error *error)
{
    DicomInstance *instance = ALLOC_NEW(DicomInstance);
    instance->source = source;
    if (!dicom_attributes_read(instance, error) || !interpret(instance, error)) {
        instance->source = NULL;
        dicom_instance_destroy(instance);
        return false;
    }
    *instance_out = instance;
    return true;
}

void dicom_instance_destroy(DicomInstance *instance)
{
    if (instance != NULL) {
        byte_source_close(instance->source);
        alloc_free(instance->places);
        alloc_free(instance);
    }
}
