/* SPDX-License-Identifier: Apache-2.0 */
/* See dicom_walk.h. */
#include "slides/dicom_walk.h"

#include <string.h>

#include "base/limits.h"
#include "slides/dicom_tags.h"
#include "slides/little_endian.h"

enum { PREAMBLE_BYTES = 128, MAGIC_BYTES = 4, META_GROUP = 0x0002 };

/* A header as it stands in the file. */
typedef struct Header {
    uint32_t tag;
    uint16_t vr; /* 0: implicit */
    uint32_t length;
} Header;

#define VR(text) ((uint16_t)((uint8_t)(text)[0] << 8 | (uint8_t)(text)[1]))

static bool broken(Error *error)
{
    return error_set(error, ERROR_INVALID, "The DICOM file is broken or was cut off");
}

/* The next bytes without moving on; the window spares a system call an element. */
static bool peek(DicomWalk *walk, size_t count, const uint8_t **bytes_out, Error *error)
{
    uint64_t length = byte_source_length(walk->source);
    if (walk->position > length || count > length - walk->position) {
        return broken(error);
    }
    uint64_t window_end = walk->window_offset + walk->window_count;
    if (walk->position < walk->window_offset || walk->position + count > window_end) {
        uint64_t left = length - walk->position;
        walk->window_offset = walk->position;
        walk->window_count = left < DICOM_WINDOW_BYTES ? (size_t)left : DICOM_WINDOW_BYTES;
        if (!byte_source_read(walk->source, walk->position, walk->window, walk->window_count,
                              error)) {
            walk->window_count = 0;
            return false;
        }
    }
    *bytes_out = walk->window + (walk->position - walk->window_offset);
    return true;
}

bool dicom_walk_start(DicomWalk *walk, ByteSource *source, Error *error)
{
    walk->source = source;
    walk->position = PREAMBLE_BYTES;
    walk->elements_left = DICOM_ELEMENTS_MAX;
    walk->implicit = false;
    walk->depth = 0;
    walk->window_offset = 0;
    walk->window_count = 0;
    const uint8_t *magic = NULL;
    if (!peek(walk, MAGIC_BYTES, &magic, error) || memcmp(magic, "DICM", MAGIC_BYTES) != 0) {
        return error_set(error, ERROR_INVALID, "The file is no DICOM file");
    }
    walk->position += MAGIC_BYTES;
    return true;
}

static DicomSequence *innermost(DicomWalk *walk)
{
    return walk->depth > 0 ? &walk->open[walk->depth - 1] : NULL;
}

uint32_t dicom_walk_sequence(const DicomWalk *walk)
{
    return walk->depth > 0 ? walk->open[walk->depth - 1].tag : 0;
}

/* PS3.5 table 7.1-1: these have two reserved bytes and a length of 32 bits. */
static bool has_long_length(uint16_t vr)
{
    static const char *const LONG[] = {"OB", "OD", "OF", "OL", "OV", "OW", "SQ",
                                       "SV", "UC", "UN", "UR", "UT", "UV"};
    for (size_t i = 0; i < ARRAY_COUNT(LONG); i++) {
        if (vr == VR(LONG[i])) {
            return true;
        }
    }
    return false;
}

/* PS3.5 7.1.2 and 7.1.3; items and delimiters never have a VR (7.5). */
static bool read_header(DicomWalk *walk, bool implicit, Header *header_out, Error *error)
{
    const uint8_t *bytes = NULL;
    if (walk->elements_left == 0) {
        return error_set(error, ERROR_INVALID, "The DICOM file has more than %ld elements",
                         DICOM_ELEMENTS_MAX);
    }
    walk->elements_left--;
    if (!peek(walk, 8, &bytes, error)) {
        return false;
    }
    Header header = {DICOM_TAG(little_u16(bytes), little_u16(bytes + 2)), 0, 0};
    uint16_t group = (uint16_t)(header.tag >> 16);
    bool delimiter = group == DICOM_GROUP_DELIMITERS;
    if (delimiter || (implicit && group != META_GROUP)) {
        header.length = little_u32(bytes + 4);
        walk->position += 8;
    } else {
        header.vr = VR((const char *)bytes + 4);
        if (!has_long_length(header.vr)) {
            header.length = little_u16(bytes + 6);
            walk->position += 8;
        } else {
            if (!peek(walk, 12, &bytes, error)) {
                return false;
            }
            header.length = little_u32(bytes + 8);
            walk->position += 12;
        }
    }
    *header_out = header;
    return true;
}

/* What the elements at this place may not reach beyond. */
static uint64_t limit_of(DicomWalk *walk)
{
    const DicomSequence *sequence = innermost(walk);
    if (sequence == NULL) {
        return byte_source_length(walk->source);
    }
    return sequence->in_item && sequence->item_end != UINT64_MAX ? sequence->item_end
                                                                 : sequence->limit;
}

static bool end_of(DicomWalk *walk, uint32_t length, uint64_t *end_out, Error *error)
{
    if (length == DICOM_UNDEFINED_LENGTH) {
        *end_out = UINT64_MAX;
        return true;
    }
    uint64_t limit = limit_of(walk);
    if (walk->position > limit || length > limit - walk->position) {
        return broken(error);
    }
    *end_out = walk->position + length;
    return true;
}

static bool open_sequence(DicomWalk *walk, const Header *header, bool implicit, Error *error)
{
    if (walk->depth == DICOM_DEPTH_MAX) {
        return error_set(error, ERROR_INVALID,
                         "The DICOM file has sequences nested more than %d times", DICOM_DEPTH_MAX);
    }
    uint64_t end = 0;
    if (!end_of(walk, header->length, &end, error)) {
        return false;
    }
    uint64_t limit = end == UINT64_MAX ? limit_of(walk) : end;
    /* PS3.5 6.2.2: a sequence of unknown VR is always in implicit VR. */
    walk->open[walk->depth++] = (DicomSequence){
        .tag = header->tag,
        .end = end,
        .limit = limit,
        .implicit = implicit || header->vr == VR("UN"),
    };
    return true;
}

/* Between items: the next one, or the end of the sequence (*opened_out false). */
static bool next_item(DicomWalk *walk, bool *opened_out, Error *error)
{
    DicomSequence *sequence = innermost(walk);
    *opened_out = false;
    if (walk->position == sequence->end) {
        walk->depth--;
        return true;
    }
    Header header;
    if (!read_header(walk, true, &header, error)) {
        return false;
    }
    if (header.tag == DICOM_SEQUENCE_END && sequence->end == UINT64_MAX) {
        walk->depth--;
        return true;
    }
    if (header.tag != DICOM_ITEM || !end_of(walk, header.length, &sequence->item_end, error)) {
        return broken(error);
    }
    sequence->in_item = true;
    *opened_out = true;
    return true;
}

/* Without a VR only the sequences that are looked into are known to be ones. */
static bool is_sequence(const Header *header)
{
    if (header->vr == 0) {
        return header->length == DICOM_UNDEFINED_LENGTH || dicom_tag_is_sequence(header->tag);
    }
    return header->vr == VR("SQ") ||
           (header->vr == VR("UN") && header->length == DICOM_UNDEFINED_LENGTH);
}

/* An element at this place; *step_out is left alone when it opened or closed something. */
static bool
next_element(DicomWalk *walk, DicomElement *element_out, DicomStep *step_out, Error *error)
{
    DicomSequence *sequence = innermost(walk);
    bool implicit = sequence == NULL ? walk->implicit : sequence->implicit;
    Header header;
    if (!read_header(walk, implicit, &header, error)) {
        return false;
    }
    if (header.tag == DICOM_ITEM_END && sequence != NULL && sequence->item_end == UINT64_MAX) {
        sequence->in_item = false;
        return true;
    }
    if (header.tag >> 16 == DICOM_GROUP_DELIMITERS) {
        return broken(error);
    }
    *element_out = (DicomElement){header.tag, header.length, walk->position};
    if (header.tag == DICOM_PIXEL_DATA && sequence == NULL) {
        *step_out = DICOM_STEP_PIXELS;
        return true;
    }
    if (is_sequence(&header)) {
        return open_sequence(walk, &header, implicit, error);
    }
    uint64_t end = 0;
    if (!end_of(walk, header.length, &end, error)) {
        return false;
    }
    if (end == UINT64_MAX) {
        return broken(error);
    }
    walk->position = end;
    *step_out = DICOM_STEP_VALUE;
    return true;
}

bool dicom_walk_next(DicomWalk *walk, DicomElement *element_out, DicomStep *step_out, Error *error)
{
    const DicomStep none = DICOM_STEP_END;
    DicomStep step = none;
    /* Every turn takes an element, of which there is a bounded number, or closes a sequence. */
    while (step == none) {
        DicomSequence *sequence = innermost(walk);
        if (sequence == NULL && walk->position == byte_source_length(walk->source)) {
            break;
        }
        if (sequence != NULL && sequence->in_item && walk->position == sequence->item_end) {
            sequence->in_item = false;
            continue;
        }
        bool opened = false;
        if (sequence != NULL && !sequence->in_item) {
            if (!next_item(walk, &opened, error)) {
                return false;
            }
            step = opened ? DICOM_STEP_ITEM : none;
        } else if (!next_element(walk, element_out, &step, error)) {
            return false;
        }
    }
    *step_out = step;
    return true;
}

bool dicom_walk_value(DicomWalk *walk,
                      const DicomElement *element,
                      uint8_t *bytes_out,
                      size_t bytes_max,
                      Error *error)
{
    size_t count = element->length < bytes_max ? element->length : bytes_max;
    uint64_t window_end = walk->window_offset + walk->window_count;
    if (element->offset >= walk->window_offset && element->offset + count <= window_end) {
        memcpy(bytes_out, walk->window + (element->offset - walk->window_offset), count);
        return true;
    }
    return byte_source_read(walk->source, element->offset, bytes_out, count, error);
}
