/* SPDX-License-Identifier: Apache-2.0 */
/* TIFF, GeoJSON and CSV of each map; see outputs.h. */
#include "outputs.h"

#include <string.h>
#include <tiffio.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/file.h"
#include "json/writer.h"

/* The most that GRID_SIDE_MAX² rectangles of 300 bytes need. */
enum { OUTPUT_BYTES_MAX = 8 * 1024 * 1024, OUTPUT_MODE = 0644 };

static const double MICRONS_PER_CM = 10000;

typedef struct Rectangle {
    int column, row, columns, rows;
} Rectangle;

static char *output_path(const OutputContext *context, const GridMap *map, const char *suffix)
{
    return alloc_format("%s/%s_%s", context->folder, map->name, suffix);
}

static void set_tags(TIFF *tiff, const Grid *grid, const GridMap *map, const OutputContext *context)
{
    uint16_t palette[3][256] = {{0}};
    for (int i = 0; i < map->class_count; i++) {
        for (int channel = 0; channel < 3; channel++) {
            palette[channel][i + 1] = (uint16_t)(map->classes[i].color[channel] * 257);
        }
    }
    AUTO_FREE char *description = alloc_format("attempt %s", context->attempt_id);
    TIFFSetField(tiff, TIFFTAG_IMAGEWIDTH, (uint32_t)grid->columns);
    TIFFSetField(tiff, TIFFTAG_IMAGELENGTH, (uint32_t)grid->rows);
    TIFFSetField(tiff, TIFFTAG_BITSPERSAMPLE, 8);
    TIFFSetField(tiff, TIFFTAG_SAMPLESPERPIXEL, 1);
    TIFFSetField(tiff, TIFFTAG_PHOTOMETRIC, PHOTOMETRIC_PALETTE);
    TIFFSetField(tiff, TIFFTAG_COLORMAP, palette[0], palette[1], palette[2]);
    TIFFSetField(tiff, TIFFTAG_COMPRESSION, COMPRESSION_ADOBE_DEFLATE);
    TIFFSetField(tiff, TIFFTAG_ROWSPERSTRIP, (uint32_t)grid->rows);
    TIFFSetField(tiff, TIFFTAG_IMAGEDESCRIPTION, description);
    if (context->resolution_mpp > 0) {
        float pixels_per_cm = (float)(MICRONS_PER_CM / (context->resolution_mpp * grid->cell_px));
        TIFFSetField(tiff, TIFFTAG_RESOLUTIONUNIT, RESUNIT_CENTIMETER);
        TIFFSetField(tiff, TIFFTAG_XRESOLUTION, (double)pixels_per_cm);
        TIFFSetField(tiff, TIFFTAG_YRESOLUTION, (double)pixels_per_cm);
    }
}

static bool
write_image(const Grid *grid, const GridMap *map, const OutputContext *context, Error *error)
{
    AUTO_FREE char *path = output_path(context, map, "segmentation_map_image.tiff");
    TIFF *tiff = TIFFOpen(path, "w");
    if (tiff == NULL) {
        return error_set(error, ERROR_INTERNAL, "cannot write '%s'", path);
    }
    set_tags(tiff, grid, map, context);
    bool written = true;
    for (int row = 0; row < grid->rows && written; row++) {
        uint8_t *cells = map->cells + (size_t)row * (size_t)grid->columns;
        written = TIFFWriteScanline(tiff, cells, (uint32_t)row, 0) == 1;
    }
    written = written && TIFFFlush(tiff) == 1;
    TIFFClose(tiff);
    return written || error_set(error, ERROR_INTERNAL, "cannot write '%s'", path);
}

static bool row_is_class(const uint8_t *cells, int count, uint8_t class)
{
    for (int i = 0; i < count; i++) {
        if (cells[i] != class) {
            return false;
        }
    }
    return true;
}

/* Takes the largest rectangle of one class that starts at a cell, to the right first, and clears
 * it in `cells`. */
static Rectangle take_rectangle(const Grid *grid, uint8_t *cells, int column, int row)
{
    size_t stride = (size_t)grid->columns;
    uint8_t *first = cells + (size_t)row * stride + (size_t)column;
    uint8_t class = *first;
    Rectangle found = {column, row, 1, 1};
    while (column + found.columns < grid->columns && first[found.columns] == class) {
        found.columns++;
    }
    while (row + found.rows < grid->rows &&
           row_is_class(first + (size_t)found.rows * stride, found.columns, class)) {
        found.rows++;
    }
    for (int i = 0; i < found.rows; i++) {
        memset(first + (size_t)i * stride, 0, (size_t)found.columns);
    }
    return found;
}

static void write_point(JsonWriter *writer, const Grid *grid, int column, int row)
{
    double x = column * grid->cell_px;
    double y = row * grid->cell_px;
    writer_begin_array(writer);
    writer_number(writer, x < (double)grid->width_px ? x : (double)grid->width_px, 2);
    writer_number(writer, y < (double)grid->height_px ? y : (double)grid->height_px, 2);
    writer_end_array(writer);
}

static void write_color(JsonWriter *writer, const GridClass *class)
{
    writer_begin_array(writer);
    for (int channel = 0; channel < 3; channel++) {
        writer_integer(writer, class->color[channel]);
    }
    writer_end_array(writer);
}

static void
write_feature(JsonWriter *writer, const Grid *grid, const GridClass *class, Rectangle rectangle)
{
    int right = rectangle.column + rectangle.columns;
    int bottom = rectangle.row + rectangle.rows;
    writer_begin_object(writer);
    writer_key_string(writer, "type", "Feature");
    writer_key(writer, "geometry");
    writer_begin_object(writer);
    writer_key_string(writer, "type", "Polygon");
    writer_key(writer, "coordinates");
    writer_begin_array(writer);
    writer_begin_array(writer);
    write_point(writer, grid, rectangle.column, rectangle.row);
    write_point(writer, grid, right, rectangle.row);
    write_point(writer, grid, right, bottom);
    write_point(writer, grid, rectangle.column, bottom);
    write_point(writer, grid, rectangle.column, rectangle.row);
    writer_end_array(writer);
    writer_end_array(writer);
    writer_end_object(writer);
    writer_key(writer, "properties");
    writer_begin_object(writer);
    writer_key_string(writer, "objectType", "annotation");
    writer_key(writer, "classification");
    writer_begin_object(writer);
    writer_key_string(writer, "name", class->name);
    writer_key(writer, "color");
    write_color(writer, class);
    writer_end_object(writer);
    writer_end_object(writer);
    writer_end_object(writer);
}

static bool write_buffer(const char *path, const Buffer *buffer, Error *error)
{
    if (buffer->overflow) {
        return error_set(error, ERROR_LIMIT, "'%s' would be too large", path);
    }
    return file_write(path, buffer_view(buffer), OUTPUT_MODE, error);
}

static bool
write_polygons(const Grid *grid, const GridMap *map, const OutputContext *context, Error *error)
{
    AUTO_FREE char *path = output_path(context, map, "geojson_polygons.json");
    size_t cell_count = (size_t)grid->columns * (size_t)grid->rows;
    AUTO_FREE uint8_t *cells = alloc_array(cell_count, 1);
    memcpy(cells, map->cells, cell_count);
    AUTO_BUFFER buffer;
    buffer_init(&buffer, OUTPUT_BYTES_MAX);
    JsonWriter writer;
    writer_init(&writer, &buffer);
    writer_begin_object(&writer);
    writer_key_string(&writer, "type", "FeatureCollection");
    writer_key_string(&writer, "attempt_id", context->attempt_id);
    writer_key(&writer, "features");
    writer_begin_array(&writer);
    for (size_t i = 0; i < cell_count; i++) {
        uint8_t class = cells[i];
        if (class != 0) {
            int row = (int)(i / (size_t)grid->columns);
            int column = (int)(i % (size_t)grid->columns);
            Rectangle rectangle = take_rectangle(grid, cells, column, row);
            write_feature(&writer, grid, &map->classes[class - 1], rectangle);
        }
    }
    writer_end_array(&writer);
    writer_end_object(&writer);
    return write_buffer(path, &buffer, error);
}

static bool
write_classes(const Grid *grid, const GridMap *map, const OutputContext *context, Error *error)
{
    double areas_px[UINT8_MAX + 1] = {0};
    double total_px = 0;
    for (int row = 0; row < grid->rows; row++) {
        for (int column = 0; column < grid->columns; column++) {
            uint8_t class = map->cells[(size_t)row * (size_t)grid->columns + (size_t)column];
            double area_px = grid_cell_area_px(grid, column, row);
            areas_px[class] += area_px;
            total_px += class == 0 ? 0 : area_px;
        }
    }
    AUTO_BUFFER buffer;
    buffer_init(&buffer, OUTPUT_BYTES_MAX);
    buffer_format(&buffer, "# attempt %s\nCLASS,AREA_UM2,PERCENTAGE\n", context->attempt_id);
    double um2_per_px = context->resolution_mpp * context->resolution_mpp;
    for (int i = 0; i < map->class_count; i++) {
        double area_px = areas_px[i + 1];
        buffer_format(&buffer, "%s,", map->classes[i].name);
        if (context->resolution_mpp > 0) {
            buffer_format(&buffer, "%.1f,", area_px * um2_per_px);
        } else {
            buffer_string(&buffer, "N/A,");
        }
        buffer_format(&buffer, "%.3f\n", total_px > 0 ? 100 * area_px / total_px : 0);
    }
    AUTO_FREE char *path = output_path(context, map, "csv_class_information.csv");
    return write_buffer(path, &buffer, error);
}

static void
begin_artifact(JsonWriter *writer, const GridMap *map, const char *kind, const char *end)
{
    AUTO_FREE char *name = alloc_format("%s:%s", map->name, kind);
    AUTO_FREE char *path = alloc_format("%s_%s.%s", map->name, kind, end);
    writer_begin_object(writer);
    writer_key_string(writer, "name", name);
    writer_key_string(writer, "path", path);
    writer_key(writer, "metadata");
    writer_begin_object(writer);
}

static void end_artifact(JsonWriter *writer)
{
    writer_end_object(writer);
    writer_end_object(writer);
}

static void
describe_map(JsonWriter *writer, const Grid *grid, const GridMap *map, const OutputContext *context)
{
    begin_artifact(writer, map, "segmentation_map_image", "tiff");
    writer_key_integer(writer, "width_px", grid->columns);
    writer_key_integer(writer, "height_px", grid->rows);
    if (context->resolution_mpp > 0) {
        writer_key(writer, "resolution_mpp");
        writer_number(writer, context->resolution_mpp * grid->cell_px, 6);
    }
    writer_key(writer, "class_colors");
    writer_begin_object(writer);
    for (int i = 0; i < map->class_count; i++) {
        writer_key(writer, map->classes[i].name);
        write_color(writer, &map->classes[i]);
    }
    writer_end_object(writer);
    end_artifact(writer);
    begin_artifact(writer, map, "geojson_polygons", "json");
    end_artifact(writer);
    begin_artifact(writer, map, "csv_class_information", "csv");
    end_artifact(writer);
}

/* Last of all: its presence says that the files are complete. */
static bool write_description(const Grid *grid, const OutputContext *context, Error *error)
{
    AUTO_BUFFER buffer;
    buffer_init(&buffer, OUTPUT_BYTES_MAX);
    JsonWriter writer;
    writer_init(&writer, &buffer);
    writer_begin_object(&writer);
    writer_key(&writer, "artifacts");
    writer_begin_array(&writer);
    for (int i = 0; i < GRID_MAP_COUNT; i++) {
        describe_map(&writer, grid, &grid->maps[i], context);
    }
    writer_end_array(&writer);
    writer_end_object(&writer);
    AUTO_FREE char *path = alloc_format("%s/output.json", context->folder);
    return write_buffer(path, &buffer, error);
}

bool outputs_write(const Grid *grid, const OutputContext *context, Error *error)
{
    for (int i = 0; i < GRID_MAP_COUNT; i++) {
        const GridMap *map = &grid->maps[i];
        if (!write_image(grid, map, context, error) || !write_polygons(grid, map, context, error) ||
            !write_classes(grid, map, context, error)) {
            return false;
        }
    }
    return write_description(grid, context, error);
}
