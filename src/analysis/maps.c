/* SPDX-License-Identifier: Apache-2.0 */
/* See maps.h. */
#include "analysis/maps.h"

#include "base/alloc.h"

void slide_maps_init(SlideMaps *maps, RasterSize size)
{
    size_t count = raster_count(size);
    maps->size = size;
    maps->rgb = alloc_zeroed(count, 3);
    maps->fine = alloc_zeroed(count, 1);
    maps->coarse = alloc_zeroed(count, 1);
    maps->white = alloc_zeroed(count, 1);
    maps->blood = alloc_zeroed(count, 1);
}

void slide_maps_clear(SlideMaps *maps)
{
    alloc_free(maps->rgb);
    alloc_free(maps->fine);
    alloc_free(maps->coarse);
    alloc_free(maps->white);
    alloc_free(maps->blood);
    *maps = (SlideMaps){{0, 0}, NULL};
}
