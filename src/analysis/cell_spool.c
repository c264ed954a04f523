/* SPDX-License-Identifier: Apache-2.0 */
/* See cell_spool.h. */
#include "analysis/cell_spool.h"

#include <assert.h>
#include <errno.h>
#include <unistd.h>

#include "base/alloc.h"

bool cell_spool_open(CellSpool *spool, const char *folder, uint32_t tile_count, Error *error)
{
    *spool = (CellSpool){.fd = -1};
    if (!scratch_file_open(folder, &spool->fd, error)) {
        return false;
    }
    spool->tile_count = tile_count;
    spool->tiles = alloc_zeroed(tile_count, sizeof *spool->tiles);
    return true;
}

void cell_spool_close(CellSpool *spool)
{
    if (spool->tiles == NULL) {
        return;
    }
    close(spool->fd);
    alloc_free(spool->tiles);
    spool->tiles = NULL;
}

/* The parts of a tile in the file, in their order. */
typedef struct Part {
    void *bytes;
    size_t size;
} Part;

enum { PART_COUNT = 3 };

static void list_parts(const TileCells *cells, const SpooledTile *tile, Part parts_out[PART_COUNT])
{
    const CellList *list = &cells->list;
    uint32_t first = list->count - tile->count;
    uint32_t first_point = list->point_count - tile->point_count;
    parts_out[0] = (Part){list->cells + first, tile->count * sizeof *list->cells};
    parts_out[1] = (Part){cells->kinds + first, tile->count * sizeof *cells->kinds};
    parts_out[2] = (Part){list->points + first_point, tile->point_count * sizeof *list->points};
}

static bool write_part(int fd, const Part *part, uint64_t offset, Error *error)
{
    size_t done = 0;
    while (done < part->size) {
        ssize_t count =
            pwrite(fd, (const char *)part->bytes + done, part->size - done, (off_t)(offset + done));
        if (count <= 0 && errno != EINTR) {
            return error_set(error, ERROR_INTERNAL, "cannot write the cells of a tile: %m");
        }
        done += count > 0 ? (size_t)count : 0;
    }
    return true;
}

static bool read_part(int fd, const Part *part, uint64_t offset, Error *error)
{
    size_t done = 0;
    while (done < part->size) {
        ssize_t count =
            pread(fd, (char *)part->bytes + done, part->size - done, (off_t)(offset + done));
        if (count == 0 || (count < 0 && errno != EINTR)) {
            return error_set(error, ERROR_INTERNAL, "cannot read the cells of a tile: %m");
        }
        done += count > 0 ? (size_t)count : 0;
    }
    return true;
}

bool cell_spool_put(CellSpool *spool, uint32_t tile, TileCells *cells, Error *error)
{
    assert(tile < spool->tile_count && spool->tiles[tile].count == 0);
    SpooledTile spooled = {.count = cells->list.count, .point_count = cells->list.point_count};
    Part parts[PART_COUNT];
    list_parts(cells, &spooled, parts);
    uint64_t size = parts[0].size + parts[1].size + parts[2].size;
    spooled.offset = atomic_fetch_add(&spool->end, size);
    uint64_t offset = spooled.offset;
    for (int i = 0; i < PART_COUNT; i++) {
        if (!write_part(spool->fd, &parts[i], offset, error)) {
            return false;
        }
        offset += parts[i].size;
    }
    spool->tiles[tile] = spooled;
    cells->list.count = 0;
    cells->list.point_count = 0;
    return true;
}

bool cell_spool_take(const CellSpool *spool, uint32_t tile, TileCells *cells, Error *error)
{
    const SpooledTile *spooled = &spool->tiles[tile];
    if (spooled->count == 0) {
        return true;
    }
    uint32_t first_point = cells->list.point_count;
    tile_cells_grow(cells, spooled->count, spooled->point_count);
    Part parts[PART_COUNT];
    list_parts(cells, spooled, parts);
    uint64_t offset = spooled->offset;
    for (int i = 0; i < PART_COUNT; i++) {
        if (!read_part(spool->fd, &parts[i], offset, error)) {
            return false;
        }
        offset += parts[i].size;
    }
    for (uint32_t i = cells->list.count - spooled->count; i < cells->list.count; i++) {
        cells->list.cells[i].first_point += first_point;
    }
    return true;
}
