/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regions of slides that are stored in tiles: the tiles that a region touches are decoded, a few
 * are kept, and the parts that lie inside are copied. Nothing is composited, which is why this is
 * many times faster than a reader that draws each tile.
 */
#include <string.h>

#include "base/alloc.h"
#include "slides/slide_reader.h"

enum { CACHE_SLOTS_MAX = 64 };

typedef struct CachedTile {
    int level; /* -1: the slot is empty */
    uint32_t tile;
    uint8_t *rgb;
} CachedTile;

struct TileCache {
    int slot_count;
    CachedTile slots[CACHE_SLOTS_MAX];
};

static TileCache *cache_create(const SlideInfo *info)
{
    size_t largest = 1;
    for (int i = 0; i < info->level_count; i++) {
        const SlideLevel *level = &info->levels[i];
        size_t bytes = (size_t)level->tile_width_px * (size_t)level->tile_height_px * 3;
        largest = bytes > largest ? bytes : largest;
    }
    size_t slots = (size_t)SLIDE_CACHE_BYTES_MAX / largest;
    slots = slots < 1 ? 1 : slots;
    TileCache *cache = ALLOC_NEW(TileCache);
    cache->slot_count = slots > CACHE_SLOTS_MAX ? CACHE_SLOTS_MAX : (int)slots;
    for (int i = 0; i < cache->slot_count; i++) {
        cache->slots[i] = (CachedTile){-1, 0, alloc_array(largest, 1)};
    }
    return cache;
}

void tile_cache_destroy(TileCache *cache)
{
    if (cache == NULL) {
        return;
    }
    for (int i = 0; i < cache->slot_count; i++) {
        alloc_free(cache->slots[i].rgb);
    }
    alloc_free(cache);
}

/* The decoded tile, valid until the next call. */
static bool
tile_acquire(Slide *slide, int level, uint32_t tile, const uint8_t **rgb_out, Error *error)
{
    CachedTile *slot = &slide->cache->slots[tile % (uint32_t)slide->cache->slot_count];
    if (slot->level != level || slot->tile != tile) {
        slot->level = -1;
        if (!slide->reader->read_tile(slide, level, tile, slot->rgb, error)) {
            return false;
        }
        slot->level = level;
        slot->tile = tile;
    }
    *rgb_out = slot->rgb;
    return true;
}

/* Copies `part` of a tile, which is part of `region`. */
static void copy_tile(const SlideLevel *level,
                      const uint8_t *tile_rgb,
                      const SlideRegion *part,
                      const SlideRegion *region,
                      uint8_t *rgb_out)
{
    for (int32_t row = 0; row < part->height_px; row++) {
        int64_t y = part->y_px + row;
        const uint8_t *source = tile_rgb + ((y % level->tile_height_px) * level->tile_width_px +
                                            part->x_px % level->tile_width_px) *
                                               3;
        uint8_t *target =
            rgb_out + ((y - region->y_px) * region->width_px + part->x_px - region->x_px) * 3;
        memcpy(target, source, (size_t)part->width_px * 3);
    }
}

bool tiles_read_region(Slide *slide, const SlideRegion *region, uint8_t *rgb_out, Error *error)
{
    const SlideLevel *level = &slide->info.levels[region->level];
    if (slide->cache == NULL) {
        slide->cache = cache_create(&slide->info);
    }
    memset(rgb_out, 0xff, (size_t)region->width_px * (size_t)region->height_px * 3);
    SlideRegion inside;
    if (!slide_region_clip(level, region, &inside)) {
        return true;
    }
    int64_t columns = slide_tile_columns(level);
    int64_t right = inside.x_px + inside.width_px;
    int64_t bottom = inside.y_px + inside.height_px;
    for (int64_t y = inside.y_px; y < bottom;) {
        int64_t row = y / level->tile_height_px;
        int64_t y_end = (row + 1) * level->tile_height_px;
        y_end = y_end < bottom ? y_end : bottom;
        for (int64_t x = inside.x_px; x < right;) {
            int64_t column = x / level->tile_width_px;
            int64_t x_end = (column + 1) * level->tile_width_px;
            x_end = x_end < right ? x_end : right;
            const uint8_t *rgb = NULL;
            if (!tile_acquire(slide, region->level, (uint32_t)(row * columns + column), &rgb,
                              error)) {
                return false;
            }
            SlideRegion part = {region->level, x, y, (int32_t)(x_end - x), (int32_t)(y_end - y)};
            copy_tile(level, rgb, &part, region, rgb_out);
            x = x_end;
        }
        y = y_end;
    }
    return true;
}

/* Scanners fill the last tiles of a row and a column with anything. */
static void whiten_outside(const SlideLevel *level, int64_t column, int64_t row, uint8_t *rgb)
{
    int64_t inside_width = level->width_px - column * level->tile_width_px;
    int64_t inside_height = level->height_px - row * level->tile_height_px;
    size_t row_bytes = (size_t)level->tile_width_px * 3;
    for (int32_t y = 0; y < level->tile_height_px; y++) {
        if (y >= inside_height) {
            memset(rgb + (size_t)y * row_bytes, 0xff, row_bytes);
        } else if (inside_width < level->tile_width_px) {
            memset(rgb + (size_t)y * row_bytes + (size_t)inside_width * 3, 0xff,
                   row_bytes - (size_t)inside_width * 3);
        }
    }
}

bool slide_read_tile(
    Slide *slide, int level_index, int64_t column, int64_t row, uint8_t *rgb_out, Error *error)
{
    if (level_index < 0 || level_index >= slide->info.level_count) {
        return error_set(error, ERROR_INVALID, "The image has no level %d", level_index);
    }
    const SlideLevel *level = &slide->info.levels[level_index];
    int64_t columns = slide_tile_columns(level);
    if (column < 0 || column >= columns || row < 0 || row >= slide_tile_rows(level)) {
        return error_set(error, ERROR_INVALID, "Level %d of the image has no tile %lld, %lld",
                         level_index, (long long)column, (long long)row);
    }
    if (slide->reader->read_tile == NULL) {
        SlideRegion region = {level_index, column * level->tile_width_px,
                              row * level->tile_height_px, level->tile_width_px,
                              level->tile_height_px};
        return slide_read_region(slide, &region, rgb_out, error);
    }
    if (!slide->reader->read_tile(slide, level_index, (uint32_t)(row * columns + column), rgb_out,
                                  error)) {
        return false;
    }
    if (column == columns - 1 || row == slide_tile_rows(level) - 1) {
        whiten_outside(level, column, row, rgb_out);
    }
    return true;
}
