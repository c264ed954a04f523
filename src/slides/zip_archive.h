/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The entries of a zip archive (APPNOTE.TXT 6.3.10, sections 4.3 to 4.5), stored or deflated, with
 * zip64. Names are not even kept: nothing is extracted, and a name may be a patient's. Encrypted
 * archives, archives in several parts and other compressions are refused.
 */
#pragma once
#include "slides/byte_source.h"

typedef struct ZipEntry {
    uint64_t header_offset;
    uint64_t stored_bytes;
    uint64_t bytes;
    bool deflated;
} ZipEntry;

typedef struct ZipArchive {
    ByteSource *file;
    ZipEntry *entries; /* files only, in the order of the archive */
    size_t count;
} ZipArchive;

/* Takes over `file`, also when it fails. */
MUST_CHECK bool zip_archive_open(ByteSource *file, ZipArchive *archive_out, Error *error);
void zip_archive_close(ZipArchive *archive);
/* The content of an entry; the archive must outlive it. */
MUST_CHECK bool zip_entry_open(const ZipArchive *archive,
                               const ZipEntry *entry,
                               ByteSource **source_out,
                               Error *error);
