/* SPDX-License-Identifier: Apache-2.0 */
/* See zip_archive.h. Section numbers are those of APPNOTE.TXT. */
#include "slides/zip_archive.h"

#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "slides/little_endian.h"

enum {
    END_SIGNATURE = 0x06054b50, /* 4.3.16 */
    END_BYTES = 22,
    COMMENT_BYTES_MAX = 65535,
    END64_LOCATOR_SIGNATURE = 0x07064b50, /* 4.3.15 */
    END64_LOCATOR_BYTES = 20,
    END64_SIGNATURE = 0x06064b50, /* 4.3.14 */
    END64_BYTES = 56,
    CENTRAL_SIGNATURE = 0x02014b50, /* 4.3.12 */
    CENTRAL_BYTES = 46,
    LOCAL_SIGNATURE = 0x04034b50, /* 4.3.7 */
    LOCAL_BYTES = 30,
    EXTRA_ZIP64 = 0x0001, /* 4.5.3 */
    FLAG_ENCRYPTED = 0x0001,
    FLAG_STRONGLY_ENCRYPTED = 0x0040,
    FLAG_CENTRAL_ENCRYPTED = 0x2000,
    METHOD_STORED = 0,
    METHOD_DEFLATED = 8,
};

/* "See 4.4.1.4": a field of all ones stands for the one in the zip64 record. */
static const uint32_t IN_ZIP64_32 = UINT32_MAX;
static const uint16_t IN_ZIP64_16 = UINT16_MAX;

/* Where the central directory lies. */
typedef struct Directory {
    uint64_t offset;
    uint64_t bytes;
    uint64_t count;
} Directory;

static bool broken(Error *error)
{
    return error_set(error, ERROR_INVALID, "The zip archive is broken or was cut off");
}

/* The offset of the record at the archive's end. Its comment may hold the signature too: only a
 * record whose comment reaches exactly to the end of the file counts. */
static bool find_end(ByteSource *file, uint64_t *offset_out, uint8_t end_out[END_BYTES])
{
    Error ignored = {.code = ERROR_NONE};
    uint64_t length = byte_source_length(file);
    if (length < END_BYTES) {
        return false;
    }
    size_t tail =
        length < END_BYTES + COMMENT_BYTES_MAX ? (size_t)length : END_BYTES + COMMENT_BYTES_MAX;
    AUTO_FREE uint8_t *bytes = alloc_array(tail, 1);
    if (!byte_source_read(file, length - tail, bytes, tail, &ignored)) {
        return false;
    }
    for (size_t at = tail - END_BYTES + 1; at-- > 0;) {
        if (little_u32(bytes + at) == END_SIGNATURE &&
            little_u16(bytes + at + 20) == tail - at - END_BYTES) {
            memcpy(end_out, bytes + at, END_BYTES);
            *offset_out = length - tail + at;
            return true;
        }
    }
    return false;
}

/* 4.3.14 and 4.3.15: larger numbers, where there is a record of them. */
static bool read_end64(ByteSource *file, uint64_t end_offset, Directory *directory, Error *error)
{
    uint8_t locator[END64_LOCATOR_BYTES];
    uint8_t end[END64_BYTES];
    if (end_offset < END64_LOCATOR_BYTES ||
        !byte_source_read(file, end_offset - END64_LOCATOR_BYTES, locator, sizeof locator, error) ||
        little_u32(locator) != END64_LOCATOR_SIGNATURE) {
        return broken(error);
    }
    if (!byte_source_read(file, little_u64(locator + 8), end, sizeof end, error) ||
        little_u32(end) != END64_SIGNATURE) {
        return broken(error);
    }
    if (little_u32(end + 16) != 0 || little_u32(end + 20) != 0) {
        return error_set(error, ERROR_INVALID, "The zip archive is split into several parts");
    }
    *directory = (Directory){little_u64(end + 48), little_u64(end + 40), little_u64(end + 32)};
    return true;
}

static bool find_directory(ByteSource *file, Directory *directory_out, Error *error)
{
    uint8_t end[END_BYTES];
    uint64_t end_offset = 0;
    if (!find_end(file, &end_offset, end)) {
        return broken(error);
    }
    Directory directory = {little_u32(end + 16), little_u32(end + 12), little_u16(end + 10)};
    bool in_zip64 = directory.offset == IN_ZIP64_32 || directory.bytes == IN_ZIP64_32 ||
                    directory.count == IN_ZIP64_16;
    if (in_zip64) {
        if (!read_end64(file, end_offset, &directory, error)) {
            return false;
        }
    } else if (little_u16(end + 4) != 0 || little_u16(end + 6) != 0) {
        return error_set(error, ERROR_INVALID, "The zip archive is split into several parts");
    }
    if (directory.count > ZIP_ENTRIES_MAX) {
        return error_set(error, ERROR_INVALID,
                         "The zip archive has %llu entries, but at most %d are read",
                         (unsigned long long)directory.count, ZIP_ENTRIES_MAX);
    }
    if (directory.offset > end_offset || directory.bytes > end_offset - directory.offset ||
        directory.bytes > ZIP_DIRECTORY_BYTES_MAX) {
        return broken(error);
    }
    *directory_out = directory;
    return true;
}

/* 4.5.3: the fields that are all ones stand in the extra field, in this order. */
static bool read_extra64(const uint8_t *extra, size_t length, ZipEntry *entry)
{
    uint64_t *const wanted[] = {&entry->bytes, &entry->stored_bytes, &entry->header_offset};
    while (length >= 4) {
        size_t field_bytes = little_u16(extra + 2);
        if (field_bytes > length - 4) {
            return false;
        }
        if (little_u16(extra) == EXTRA_ZIP64) {
            const uint8_t *field = extra + 4;
            for (size_t i = 0; i < ARRAY_COUNT(wanted); i++) {
                if (*wanted[i] != IN_ZIP64_32) {
                    continue;
                }
                if (field_bytes < 8) {
                    return false;
                }
                *wanted[i] = little_u64(field);
                field += 8;
                field_bytes -= 8;
            }
            return true;
        }
        extra += 4 + field_bytes;
        length -= 4 + field_bytes;
    }
    return entry->bytes != IN_ZIP64_32 && entry->stored_bytes != IN_ZIP64_32 &&
           entry->header_offset != IN_ZIP64_32;
}

static bool check_entry(const ZipEntry *entry, uint16_t flags, uint16_t method, Error *error)
{
    if ((flags & (FLAG_ENCRYPTED | FLAG_STRONGLY_ENCRYPTED | FLAG_CENTRAL_ENCRYPTED)) != 0) {
        return error_set(error, ERROR_INVALID,
                         "The zip archive is encrypted; only open archives are read");
    }
    if (method != METHOD_STORED && method != METHOD_DEFLATED) {
        return error_set(error, ERROR_INVALID,
                         "The zip archive has an entry of compression method %d; only stored and "
                         "deflated ones are read",
                         method);
    }
    bool larger =
        entry->bytes > ZIP_ENTRY_BYTES_FREE && entry->bytes / ZIP_RATIO_MAX > entry->stored_bytes;
    if (larger || entry->bytes > ZIP_ENTRY_BYTES_MAX) {
        return error_set(error, ERROR_INVALID,
                         "The zip archive has an entry that would become %llu bytes from %llu; at "
                         "most %d times as many, and %lld in all, are read",
                         (unsigned long long)entry->bytes, (unsigned long long)entry->stored_bytes,
                         ZIP_RATIO_MAX, ZIP_ENTRY_BYTES_MAX);
    }
    return method == METHOD_DEFLATED || entry->bytes == entry->stored_bytes || broken(error);
}

/* One record of the central directory; *size_out is how long it is. */
static bool
read_entry(const uint8_t *record, size_t left, ZipArchive *archive, size_t *size_out, Error *error)
{
    if (left < CENTRAL_BYTES || little_u32(record) != CENTRAL_SIGNATURE) {
        return broken(error);
    }
    size_t name_bytes = little_u16(record + 28);
    size_t extra_bytes = little_u16(record + 30);
    size_t size = CENTRAL_BYTES + name_bytes + extra_bytes + little_u16(record + 32);
    ZipEntry entry = {.header_offset = little_u32(record + 42),
                      .stored_bytes = little_u32(record + 20),
                      .bytes = little_u32(record + 24),
                      .deflated = little_u16(record + 10) == METHOD_DEFLATED};
    if (size > left || name_bytes == 0 ||
        !read_extra64(record + CENTRAL_BYTES + name_bytes, extra_bytes, &entry)) {
        return broken(error);
    }
    *size_out = size;
    if (record[CENTRAL_BYTES + name_bytes - 1] == '/') {
        return true; /* a folder */
    }
    if (!check_entry(&entry, little_u16(record + 8), little_u16(record + 10), error)) {
        return false;
    }
    archive->entries[archive->count++] = entry;
    return true;
}

static bool read_directory(ZipArchive *archive, const Directory *directory, Error *error)
{
    AUTO_FREE uint8_t *bytes = alloc_array((size_t)directory->bytes + 1, 1);
    if (!byte_source_read(archive->file, directory->offset, bytes, (size_t)directory->bytes,
                          error)) {
        return false;
    }
    archive->entries = alloc_zeroed((size_t)directory->count + 1, sizeof(ZipEntry));
    size_t at = 0;
    for (uint64_t i = 0; i < directory->count; i++) {
        size_t size = 0;
        if (!read_entry(bytes + at, (size_t)directory->bytes - at, archive, &size, error)) {
            return false;
        }
        at += size;
    }
    return true;
}

bool zip_archive_open(ByteSource *file, ZipArchive *archive_out, Error *error)
{
    ZipArchive archive = {.file = file};
    Directory directory;
    if (!find_directory(file, &directory, error) || !read_directory(&archive, &directory, error)) {
        zip_archive_close(&archive);
        return false;
    }
    *archive_out = archive;
    return true;
}

void zip_archive_close(ZipArchive *archive)
{
    alloc_free(archive->entries);
    byte_source_close(archive->file);
    *archive = (ZipArchive){.file = NULL};
}

bool zip_entry_open(const ZipArchive *archive,
                    const ZipEntry *entry,
                    ByteSource **source_out,
                    Error *error)
{
    /* The local header repeats the name and may have other extra fields: only its length counts. */
    uint8_t local[LOCAL_BYTES];
    if (!byte_source_read(archive->file, entry->header_offset, local, sizeof local, error) ||
        little_u32(local) != LOCAL_SIGNATURE) {
        return broken(error);
    }
    uint64_t start =
        entry->header_offset + LOCAL_BYTES + little_u16(local + 26) + little_u16(local + 28);
    AUTO_BYTE_SOURCE *stored = NULL;
    if (!byte_source_part(archive->file, start, entry->stored_bytes, &stored, error)) {
        return broken(error);
    }
    if (entry->deflated) {
        *source_out = byte_source_inflated(TAKE(stored), entry->bytes);
    } else {
        *source_out = TAKE(stored);
    }
    return true;
}
