/* SPDX-License-Identifier: Apache-2.0 */
/* See dicom_frames.h. */
#include "slides/dicom_frames.h"

#include "base/alloc.h"
#include "base/limits.h"
#include "slides/dicom_tags.h"
#include "slides/little_endian.h"

enum {
    ITEM_HEADER_BYTES = 8,
    BASIC_OFFSET_BYTES = 4,
    EXTENDED_OFFSET_BYTES = 8,
    CODE_START_BYTES = 2,
};

/* An item of the encapsulated pixel data. */
typedef struct Fragment {
    uint64_t value_offset;
    uint32_t length;
    bool last;         /* the delimiter behind all items */
    bool starts_frame; /* begins like a JPEG or a JPEG 2000 code stream */
} Fragment;

static bool broken(Error *error)
{
    return error_set(error, ERROR_INVALID, "The DICOM pixel data is broken or was cut off");
}

static bool read_fragment(ByteSource *source, uint64_t offset, Fragment *fragment_out, Error *error)
{
    uint8_t header[ITEM_HEADER_BYTES + CODE_START_BYTES] = {0};
    uint64_t length = byte_source_length(source);
    if (offset > length || length - offset < ITEM_HEADER_BYTES) {
        return broken(error);
    }
    size_t count = length - offset < sizeof header ? ITEM_HEADER_BYTES : sizeof header;
    if (!byte_source_read(source, offset, header, count, error)) {
        return false;
    }
    uint32_t tag = (uint32_t)little_u16(header) << 16 | little_u16(header + 2);
    Fragment fragment = {.value_offset = offset + ITEM_HEADER_BYTES,
                         .length = little_u32(header + 4),
                         .last = tag == DICOM_SEQUENCE_END};
    if ((tag != DICOM_ITEM && !fragment.last) || fragment.length > length - fragment.value_offset) {
        return broken(error);
    }
    /* SOI of ISO 10918-1, SOC of ISO 15444-1: neither can stand inside coded data. */
    fragment.starts_frame =
        fragment.length >= CODE_START_BYTES && header[ITEM_HEADER_BYTES] == 0xff &&
        (header[ITEM_HEADER_BYTES + 1] == 0xd8 || header[ITEM_HEADER_BYTES + 1] == 0x4f);
    *fragment_out = fragment;
    return true;
}

static bool find_native(const DicomInstance *instance, DicomFrames *frames_out, Error *error)
{
    /* Two pixels of YBR_FULL_422 share their colours: PS3.3 C.7.6.3.1.2. */
    uint64_t bytes_a_pixel = instance->colours == DICOM_YBR_FULL_422 ? 2 : 3;
    uint64_t bytes = (uint64_t)instance->level.tile_width_px *
                     (uint64_t)instance->level.tile_height_px * bytes_a_pixel;
    uint64_t left = byte_source_length(instance->source) - instance->pixels_offset;
    uint64_t needed = bytes * instance->frame_count;
    if (instance->pixels_length < needed || left < needed) {
        return broken(error);
    }
    *frames_out = (DicomFrames){bytes, NULL};
    return true;
}

/* Offsets of `size` bytes each, from the first item behind the basic offset table. */
static bool read_table(const DicomInstance *instance,
                       uint64_t table_offset,
                       size_t size,
                       uint64_t first_item,
                       uint64_t *starts,
                       Error *error)
{
    size_t bytes = instance->frame_count * size;
    AUTO_FREE uint8_t *table = alloc_array(bytes, 1);
    if (!byte_source_read(instance->source, table_offset, table, bytes, error)) {
        return false;
    }
    uint64_t length = byte_source_length(instance->source);
    for (uint32_t i = 0; i < instance->frame_count; i++) {
        uint64_t offset = size == EXTENDED_OFFSET_BYTES ? little_u64(table + i * size)
                                                        : little_u32(table + i * size);
        if (offset >= length - first_item || (i > 0 && first_item + offset <= starts[i - 1])) {
            return error_set(error, ERROR_INVALID,
                             "The DICOM offset table does not fit the pixel data");
        }
        starts[i] = first_item + offset;
    }
    return true;
}

/* The end of the last frame: the delimiter behind its fragments. */
static bool find_end(const DicomInstance *instance, uint64_t *starts, Error *error)
{
    uint64_t offset = starts[instance->frame_count - 1];
    for (int i = 0; i <= DICOM_FRAGMENTS_MAX; i++) {
        Fragment fragment;
        if (!read_fragment(instance->source, offset, &fragment, error)) {
            return false;
        }
        if (fragment.last) {
            starts[instance->frame_count] = offset;
            return i > 0 || broken(error);
        }
        offset = fragment.value_offset + fragment.length;
    }
    return error_set(error, ERROR_INVALID, "A DICOM frame has more than %d fragments",
                     DICOM_FRAGMENTS_MAX);
}

/* PS3.5 A.4: without a table every frame begins a code stream. */
static bool
scan_fragments(const DicomInstance *instance, uint64_t first_item, uint64_t *starts, Error *error)
{
    uint64_t offset = first_item;
    uint32_t found = 0;
    uint64_t fragments_max = (uint64_t)instance->frame_count * DICOM_FRAGMENTS_MAX;
    for (uint64_t i = 0; i <= fragments_max; i++) {
        Fragment fragment;
        if (!read_fragment(instance->source, offset, &fragment, error)) {
            return false;
        }
        if (fragment.last) {
            starts[found] = offset;
            break;
        }
        if (fragment.starts_frame && found == instance->frame_count) {
            found++;
            break;
        }
        if (fragment.starts_frame) {
            starts[found++] = offset;
        } else if (found == 0) {
            return broken(error);
        }
        offset = fragment.value_offset + fragment.length;
    }
    if (found != instance->frame_count) {
        return error_set(error, ERROR_INVALID,
                         "The DICOM file should have %u frames, but its pixel data has %s",
                         instance->frame_count, found > instance->frame_count ? "more" : "fewer");
    }
    return true;
}

static bool find_encapsulated(const DicomInstance *instance, uint64_t *starts, Error *error)
{
    Fragment table;
    if (!read_fragment(instance->source, instance->pixels_offset, &table, error)) {
        return false;
    }
    uint64_t first_item = table.value_offset + table.length;
    uint64_t count = instance->frame_count;
    if (table.last) {
        return broken(error);
    }
    if (instance->offsets_length == count * EXTENDED_OFFSET_BYTES) {
        return read_table(instance, instance->offsets_offset, EXTENDED_OFFSET_BYTES, first_item,
                          starts, error) &&
               find_end(instance, starts, error);
    }
    if (table.length == count * BASIC_OFFSET_BYTES) {
        return read_table(instance, table.value_offset, BASIC_OFFSET_BYTES, first_item, starts,
                          error) &&
               find_end(instance, starts, error);
    }
    if (table.length != 0 || instance->offsets_length != 0) {
        return error_set(error, ERROR_INVALID,
                         "The DICOM offset table does not fit the number of frames");
    }
    return scan_fragments(instance, first_item, starts, error);
}

bool dicom_frames_find(const DicomInstance *instance, DicomFrames *frames_out, Error *error)
{
    if (instance->encoding == DICOM_NATIVE) {
        return find_native(instance, frames_out, error);
    }
    /* A fragment has a header: a file that is shorter lies about its number of frames. */
    if (byte_source_length(instance->source) / ITEM_HEADER_BYTES < instance->frame_count) {
        return broken(error);
    }
    AUTO_FREE uint64_t *starts = alloc_array((size_t)instance->frame_count + 1, sizeof(uint64_t));
    if (!find_encapsulated(instance, starts, error)) {
        return false;
    }
    *frames_out = (DicomFrames){0, TAKE(starts)};
    return true;
}

void dicom_frames_clear(DicomFrames *frames)
{
    alloc_free(frames->starts);
    *frames = (DicomFrames){0, NULL};
}

static bool
append(DicomFrameBuffer *buffer, ByteSource *source, uint64_t offset, uint64_t length, Error *error)
{
    if (length > (uint64_t)SLIDE_BLOCK_BYTES_MAX - buffer->length) {
        return error_set(error, ERROR_INVALID, "A DICOM frame has more than %ld bytes",
                         SLIDE_BLOCK_BYTES_MAX);
    }
    if (length == 0) {
        return true; /* there may be no memory yet */
    }
    size_t needed = buffer->length + (size_t)length;
    if (needed > buffer->room) {
        buffer->bytes = alloc_resize(buffer->bytes, needed, 1);
        buffer->room = needed;
    }
    if (!byte_source_read(source, offset, buffer->bytes + buffer->length, (size_t)length, error)) {
        return false;
    }
    buffer->length = needed;
    return true;
}

bool dicom_frame_read(const DicomInstance *instance,
                      const DicomFrames *frames,
                      uint32_t index,
                      DicomFrameBuffer *buffer,
                      Error *error)
{
    buffer->length = 0;
    if (frames->native_bytes > 0) {
        return append(buffer, instance->source,
                      instance->pixels_offset + index * frames->native_bytes, frames->native_bytes,
                      error);
    }
    uint64_t offset = frames->starts[index];
    for (int i = 0; offset < frames->starts[index + 1]; i++) {
        Fragment fragment;
        if (i == DICOM_FRAGMENTS_MAX) {
            return error_set(error, ERROR_INVALID, "A DICOM frame has more than %d fragments",
                             DICOM_FRAGMENTS_MAX);
        }
        if (!read_fragment(instance->source, offset, &fragment, error)) {
            return false;
        }
        offset = fragment.value_offset + fragment.length;
        if (fragment.last || offset > frames->starts[index + 1]) {
            return error_set(error, ERROR_INVALID,
                             "The DICOM offset table does not fit the pixel data");
        }
        if (!append(buffer, instance->source, fragment.value_offset, fragment.length, error)) {
            return false;
        }
    }
    return true;
}
