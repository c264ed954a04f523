/* SPDX-License-Identifier: Apache-2.0 */
/* Custom metadata; see metadata.h. */
#include "runs/metadata.h"

#include "objectstore/checksum.h"

const char *metadata_checksum(Text metadata, Arena *arena)
{
    return arena_format(arena, "%08x",
                        crc32c_update(CRC32C_EMPTY, metadata.bytes, metadata.length));
}
