/* SPDX-License-Identifier: Apache-2.0 */
/* See dicom_attributes.h. */
#include "slides/dicom_attributes.h"

#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "slides/dicom_tags.h"
#include "slides/dicom_walk.h"
#include "slides/little_endian.h"

typedef enum AttributeKind { ATTRIBUTE_TEXT, ATTRIBUTE_NUMBER } AttributeKind;

typedef struct Attribute {
    uint32_t sequence; /* the innermost one around it; 0: none */
    uint32_t tag;
    AttributeKind kind;
    size_t offset; /* in DicomAttributes */
} Attribute;

#define TEXT_FIELD(field) ATTRIBUTE_TEXT, offsetof(DicomAttributes, field)
#define NUMBER_FIELD(field) ATTRIBUTE_NUMBER, offsetof(DicomAttributes, field)

static const Attribute ATTRIBUTES[] = {
    {0, DICOM_TRANSFER_SYNTAX_UID, TEXT_FIELD(transfer_syntax)},
    {0, DICOM_SOP_CLASS_UID, TEXT_FIELD(sop_class)},
    {0, DICOM_SERIES_INSTANCE_UID, TEXT_FIELD(series_uid)},
    {0, DICOM_CONCATENATION_UID, TEXT_FIELD(concatenation_uid)},
    {0, DICOM_IMAGE_TYPE, TEXT_FIELD(image_type)},
    {0, DICOM_DIMENSION_ORGANIZATION_TYPE, TEXT_FIELD(organization)},
    {0, DICOM_PHOTOMETRIC_INTERPRETATION, TEXT_FIELD(photometric)},
    {0, DICOM_MANUFACTURER, TEXT_FIELD(manufacturer)},
    {0, DICOM_NUMBER_OF_FRAMES, TEXT_FIELD(frame_count)},
    {DICOM_PIXEL_MEASURES_SEQUENCE, DICOM_PIXEL_SPACING, TEXT_FIELD(pixel_spacing)},
    {DICOM_OPTICAL_PATH_SEQUENCE, DICOM_OBJECTIVE_LENS_POWER, TEXT_FIELD(objective_power)},
    {DICOM_OPTICAL_PATH_SEQUENCE, DICOM_OPTICAL_PATH_IDENTIFIER, TEXT_FIELD(optical_path)},
    {0, DICOM_SAMPLES_PER_PIXEL, NUMBER_FIELD(samples)},
    {0, DICOM_PLANAR_CONFIGURATION, NUMBER_FIELD(planar)},
    {0, DICOM_ROWS, NUMBER_FIELD(rows)},
    {0, DICOM_COLUMNS, NUMBER_FIELD(columns)},
    {0, DICOM_BITS_ALLOCATED, NUMBER_FIELD(bits_allocated)},
    {0, DICOM_BITS_STORED, NUMBER_FIELD(bits_stored)},
    {0, DICOM_TOTAL_PIXEL_MATRIX_COLUMNS, NUMBER_FIELD(matrix_columns)},
    {0, DICOM_TOTAL_PIXEL_MATRIX_ROWS, NUMBER_FIELD(matrix_rows)},
    {0, DICOM_NUMBER_OF_OPTICAL_PATHS, NUMBER_FIELD(optical_paths)},
    {0, DICOM_FOCAL_PLANES, NUMBER_FIELD(focal_planes)},
};

/* Codes of CID 8112 and of "Using substance" (PS3.16 TID 8003), in SNOMED CT and in its older
 * form. */
static const char *const USING_SUBSTANCE[] = {"424361007", "G-C350"};
static const char *const HEMATOXYLIN[] = {"12710003", "C-22968"};
static const char *const EOSIN[] = {"36879007", "C-22919"};

typedef struct Stains {
    bool substance_follows;
    bool hematoxylin;
    bool eosin;
    bool other;
} Stains;

typedef struct AttributeReader {
    DicomInstance *instance;
    DicomWalk walk;
    Stains stains;
    bool seen[ARRAY_COUNT(ATTRIBUTES)];
    uint32_t places_room;
} AttributeReader;

/* Printable ASCII without the padding of PS3.5 6.2; cut to what a field holds. */
static bool read_text(DicomWalk *walk,
                      const DicomElement *element,
                      char text_out[DICOM_TEXT_BYTES],
                      Error *error)
{
    uint8_t bytes[DICOM_TEXT_BYTES - 1];
    if (!dicom_walk_value(walk, element, bytes, sizeof bytes, error)) {
        return false;
    }
    size_t length = element->length < sizeof bytes ? element->length : sizeof bytes;
    while (length > 0 && (bytes[length - 1] == ' ' || bytes[length - 1] == '\0')) {
        length--;
    }
    size_t start = 0;
    while (start < length && bytes[start] == ' ') {
        start++;
    }
    for (size_t i = start; i < length; i++) {
        bool printable = bytes[i] >= 0x20 && bytes[i] < 0x7f;
        text_out[i - start] = printable ? (char)bytes[i] : '?';
    }
    text_out[length - start] = '\0';
    return true;
}

/* US or UL, SS or SL. */
static bool
read_number(DicomWalk *walk, const DicomElement *element, uint32_t *number_out, Error *error)
{
    uint8_t bytes[4];
    if (element->length != 2 && element->length != 4) {
        return error_set(error, ERROR_INVALID,
                         "The DICOM file has a number of %u bytes at (%04X,%04X)", element->length,
                         element->tag >> 16, element->tag & 0xffff);
    }
    if (!dicom_walk_value(walk, element, bytes, element->length, error)) {
        return false;
    }
    *number_out = element->length == 2 ? little_u16(bytes) : little_u32(bytes);
    return true;
}

static bool is_one_of(const char *code, const char *const codes[2])
{
    return strcmp(code, codes[0]) == 0 || strcmp(code, codes[1]) == 0;
}

/* A name of what is said about the preparation, and then its value. */
static bool read_stain(AttributeReader *reader, const DicomElement *element, Error *error)
{
    char code[DICOM_TEXT_BYTES];
    if (!read_text(&reader->walk, element, code, error)) {
        return false;
    }
    Stains *stains = &reader->stains;
    if (dicom_walk_sequence(&reader->walk) == DICOM_CONCEPT_NAME_CODE_SEQUENCE) {
        stains->substance_follows = is_one_of(code, USING_SUBSTANCE);
    } else if (stains->substance_follows) {
        bool hematoxylin = is_one_of(code, HEMATOXYLIN);
        bool eosin = is_one_of(code, EOSIN);
        stains->hematoxylin |= hematoxylin;
        stains->eosin |= eosin;
        stains->other |= !hematoxylin && !eosin;
        stains->substance_follows = false;
    }
    return true;
}

static SlideStaining staining_of(const Stains *stains)
{
    if (!stains->hematoxylin && !stains->eosin && !stains->other) {
        return SLIDE_STAINING_UNKNOWN;
    }
    return stains->hematoxylin && stains->eosin && !stains->other ? SLIDE_STAINING_HE
                                                                  : SLIDE_STAINING_OTHER;
}

/* A new item of the per-frame functional groups: the next frame. */
static bool next_place(AttributeReader *reader, Error *error)
{
    DicomInstance *instance = reader->instance;
    if (instance->frame_count == DICOM_FRAMES_MAX) {
        return error_set(error, ERROR_INVALID, "The DICOM file has more than %d frames",
                         DICOM_FRAMES_MAX);
    }
    if (instance->frame_count == reader->places_room) {
        reader->places_room = reader->places_room == 0 ? 1024 : reader->places_room * 2;
        instance->places = alloc_resize(instance->places, reader->places_room, sizeof(DicomPlace));
    }
    instance->places[instance->frame_count++] = (DicomPlace){0, 0, false};
    return true;
}

static bool read_place(AttributeReader *reader, const DicomElement *element, Error *error)
{
    DicomInstance *instance = reader->instance;
    DicomPlace *place = &instance->places[instance->frame_count - 1];
    uint32_t sequence = dicom_walk_sequence(&reader->walk);
    if (sequence == DICOM_OPTICAL_PATH_IDENTIFICATION_SEQUENCE) {
        char path[DICOM_TEXT_BYTES];
        if (element->tag != DICOM_OPTICAL_PATH_IDENTIFIER) {
            return true;
        }
        if (!read_text(&reader->walk, element, path, error)) {
            return false;
        }
        char *first = instance->attributes.optical_path;
        if (first[0] == '\0') {
            memcpy(first, path, sizeof path);
        }
        place->of_another_path = strcmp(path, first) != 0;
        return true;
    }
    if (sequence != DICOM_PLANE_POSITION_SLIDE_SEQUENCE ||
        (element->tag != DICOM_COLUMN_POSITION && element->tag != DICOM_ROW_POSITION)) {
        return true;
    }
    uint32_t number = 0;
    if (!read_number(&reader->walk, element, &number, error)) {
        return false;
    }
    int32_t *side = element->tag == DICOM_COLUMN_POSITION ? &place->column : &place->row;
    *side = number > INT32_MAX ? 0 : (int32_t)number;
    return true;
}

static bool read_attribute(AttributeReader *reader, const DicomElement *element, Error *error)
{
    uint32_t sequence = dicom_walk_sequence(&reader->walk);
    for (size_t i = 0; i < ARRAY_COUNT(ATTRIBUTES); i++) {
        const Attribute *attribute = &ATTRIBUTES[i];
        if (attribute->tag != element->tag || attribute->sequence != sequence) {
            continue;
        }
        if (reader->seen[i]) {
            return true; /* of another optical path, or of another frame */
        }
        reader->seen[i] = true;
        uint8_t *field = (uint8_t *)&reader->instance->attributes + attribute->offset;
        return attribute->kind == ATTRIBUTE_TEXT
                   ? read_text(&reader->walk, element, (char *)field, error)
                   : read_number(&reader->walk, element, (uint32_t *)(void *)field, error);
    }
    return true;
}

/* PS3.5 A.2 and A.1: only the one transfer syntax leaves out the VR. */
static void apply_syntax(AttributeReader *reader)
{
    reader->walk.implicit =
        strcmp(reader->instance->attributes.transfer_syntax, "1.2.840.10008.1.2") == 0;
}

static bool read_value(AttributeReader *reader, const DicomElement *element, Error *error)
{
    DicomInstance *instance = reader->instance;
    uint32_t sequence = dicom_walk_sequence(&reader->walk);
    /* Files of other kinds are not walked through. */
    if (sequence == 0 && element->tag > DICOM_SOP_CLASS_UID &&
        instance->attributes.sop_class[0] == '\0') {
        return error_set(error, ERROR_NOT_FOUND, "The DICOM file does not say what it holds");
    }
    bool in_frame = reader->walk.depth > 0 &&
                    reader->walk.open[0].tag == DICOM_PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE;
    if (in_frame && !read_place(reader, element, error)) {
        return false;
    }
    if (element->tag == DICOM_CODE_VALUE &&
        (sequence == DICOM_CONCEPT_NAME_CODE_SEQUENCE || sequence == DICOM_CONCEPT_CODE_SEQUENCE)) {
        return read_stain(reader, element, error);
    }
    if (element->tag == DICOM_EXTENDED_OFFSET_TABLE && sequence == 0) {
        instance->offsets_offset = element->offset;
        instance->offsets_length = element->length;
        return true;
    }
    if (!read_attribute(reader, element, error)) {
        return false;
    }
    if (element->tag == DICOM_TRANSFER_SYNTAX_UID) {
        apply_syntax(reader);
    }
    return true;
}

/* One step; *done_out says that it was the last. */
static bool take_step(AttributeReader *reader, bool *done_out, Error *error)
{
    DicomElement element = {0};
    DicomStep step = DICOM_STEP_END;
    if (!dicom_walk_next(&reader->walk, &element, &step, error)) {
        return false;
    }
    *done_out = step == DICOM_STEP_PIXELS || step == DICOM_STEP_END;
    switch (step) {
    case DICOM_STEP_VALUE:
        return read_value(reader, &element, error);
    case DICOM_STEP_ITEM:
        return reader->walk.depth != 1 ||
               reader->walk.open[0].tag != DICOM_PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE ||
               next_place(reader, error);
    case DICOM_STEP_PIXELS:
        reader->instance->pixels_offset = element.offset;
        reader->instance->pixels_length = element.length;
        break;
    case DICOM_STEP_END:
        break;
    }
    return true;
}

bool dicom_attributes_read(DicomInstance *instance, Error *error)
{
    AUTO_FREE AttributeReader *reader = ALLOC_NEW(AttributeReader);
    reader->instance = instance;
    if (!dicom_walk_start(&reader->walk, instance->source, error)) {
        return false;
    }
    bool done = false;
    while (!done) { /* at most DICOM_ELEMENTS_MAX times */
        if (!take_step(reader, &done, error)) {
            return false;
        }
    }
    instance->staining = staining_of(&reader->stains);
    return true;
}
