/* SPDX-License-Identifier: Apache-2.0 */
/* See maps.h. */
#include "analysis/maps.h"

enum { BYTES_A_PIXEL = 7 };

bool slide_maps_open(SlideMaps *maps, RasterSize size, const char *folder, Error *error)
{
    size_t count = raster_count(size);
    *maps = (SlideMaps){.size = size};
    if (!paged_memory_open(&maps->memory, folder, count * BYTES_A_PIXEL, error)) {
        return false;
    }
    uint8_t *bytes = maps->memory.bytes;
    maps->rgb = bytes;
    maps->fine = bytes + 3 * count;
    maps->coarse = bytes + 4 * count;
    maps->white = bytes + 5 * count;
    maps->blood = bytes + 6 * count;
    return true;
}

void slide_maps_close(SlideMaps *maps)
{
    paged_memory_close(&maps->memory);
    *maps = (SlideMaps){.rgb = NULL};
}
