/* SPDX-License-Identifier: Apache-2.0 */
/* Facts of a slide file; see slide_facts.h. */
#include "cli/slide_facts.h"

#include <errno.h>
#include <fcntl.h>

#include "base/alloc.h"
#include "base/file.h"

enum { READ_BYTES = 1 << 20 };

bool slide_facts_read(const char *path, SlideFacts *facts_out, Error *error)
{
    AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return error_set(error, errno == ENOENT ? ERROR_NOT_FOUND : ERROR_INVALID,
                         "cannot open '%s': %m", path);
    }
    AUTO_FREE char *bytes = alloc_array(READ_BYTES, 1);
    uint32_t crc = CRC32C_EMPTY;
    int64_t size_bytes = 0;
    for (;;) {
        ssize_t got = fd_read_all(fd, bytes, READ_BYTES);
        if (got < 0 && errno == EISDIR) {
            return error_set(error, ERROR_INVALID,
                             "'%s' is a folder: put its files into a zip archive", path);
        }
        if (got < 0) {
            return error_set(error, ERROR_INVALID, "cannot read '%s': %m", path);
        }
        if (got == 0) {
            break;
        }
        crc = crc32c_update(crc, bytes, (size_t)got);
        size_bytes += got;
    }
    facts_out->size_bytes = size_bytes;
    crc32c_to_base64(crc, facts_out->checksum);
    return true;
}

json_t *slide_metadata(const SlideInfo *info, const SlideFacts *facts)
{
    json_t *metadata =
        json_pack("{s:s, s:I, s:I, s:s}", "checksum_base64_crc32c", facts->checksum, "width_px",
                  (json_int_t)info->levels[0].width_px, "height_px",
                  (json_int_t)info->levels[0].height_px, "media_type", info->media_type);
    if (info->mpp > 0) {
        json_object_set_new(metadata, "resolution_mpp", json_real(info->mpp));
    }
    return metadata;
}
