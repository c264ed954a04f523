/* SPDX-License-Identifier: Apache-2.0 */
/* GeoParquet; see polygon_table.h. */
#include "analysis/polygon_table.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "json/writer.h"

/* WKB, in bytes: the order of bytes and the type of the geometry, a count, a point. */
enum { WKB_HEAD_BYTES = 5, WKB_COUNT_BYTES = 4, WKB_POINT_BYTES = 16 };
enum { WKB_LITTLE_ENDIAN = 1, WKB_POLYGON = 3 };

/* Columns that no group are, in their order; those of cells alone stand between. */
enum { COLUMN_ID, COLUMN_CLASS, COLUMN_COLOR, COLUMN_AREA, COLUMN_CENTROID_X };
enum { X_MIN, Y_MIN, X_MAX, Y_MAX, LIMIT_COUNT };
static const char *const LIMIT_NAMES[LIMIT_COUNT] = {"xmin", "ymin", "xmax", "ymax"};

enum { NOTE_BYTES_MAX = 4096, COORDINATE_DECIMALS = 1 };

/* Words of class k are at k - 1. */
static void name_classes(PolygonTable *table)
{
    for (int class = 1; class < table->kind.class_count; class ++) {
        const ClassInfo *info = &table->kind.classes[class];
        char *color = table->color_texts[class - 1];
        snprintf(color, POLYGON_COLOR_BYTES, "#%02x%02x%02x", info->color[0], info->color[1],
                 info->color[2]);
        table->names[class - 1] = info->name;
        table->colors[class - 1] = color;
    }
}

static int name_columns(PolygonTable *table)
{
    int words = table->kind.class_count - 1;
    ParquetColumn *columns = table->columns;
    int count = 0;
    columns[count++] = (ParquetColumn){table->kind.id_name, PARQUET_INT32, 0, true, NULL, 0};
    columns[count++] = (ParquetColumn){"CLASS", PARQUET_BYTES, 0, false, table->names, words};
    columns[count++] = (ParquetColumn){"COLOR", PARQUET_BYTES, 0, false, table->colors, words};
    columns[count++] = (ParquetColumn){"AREA_UM2", PARQUET_DOUBLE, 0, true, NULL, 0};
    if (table->kind.has_centroids) {
        columns[count++] = (ParquetColumn){"CENTROID_X", PARQUET_FLOAT, 0, true, NULL, 0};
        columns[count++] = (ParquetColumn){"CENTROID_Y", PARQUET_FLOAT, 0, true, NULL, 0};
    }
    table->geometry = count;
    columns[count++] = (ParquetColumn){"geometry", PARQUET_BYTES, 0, true, NULL, 0};
    columns[count++] = (ParquetColumn){"bbox", PARQUET_GROUP, LIMIT_COUNT, false, NULL, 0};
    for (int i = 0; i < LIMIT_COUNT; i++) {
        columns[count++] = (ParquetColumn){LIMIT_NAMES[i], PARQUET_FLOAT, 0, true, NULL, 0};
    }
    return count;
}

bool polygon_table_create(PolygonTable *table,
                          const PolygonKind *kind,
                          const char *folder,
                          const char *name,
                          Error *error)
{
    *table = (PolygonTable){.kind = *kind};
    if (!report_file_create(&table->file, folder, name, error)) {
        return false;
    }
    name_classes(table);
    parquet_init(&table->writer, &table->file, table->columns, name_columns(table));
    return true;
}

void polygon_table_close(PolygonTable *table)
{
    parquet_clear(&table->writer);
    report_file_close(&table->file);
}

static void add_count(PolygonTable *table, uint32_t count)
{
    uint8_t bytes[WKB_COUNT_BYTES];
    for (int i = 0; i < WKB_COUNT_BYTES; i++) {
        bytes[i] = (uint8_t)(count >> (8 * i));
    }
    parquet_add_bytes(&table->writer, table->geometry, bytes, sizeof bytes);
}

static void begin_geometry(PolygonTable *table, const PolygonRow *row, uint64_t bytes)
{
    static const uint8_t HEAD[WKB_HEAD_BYTES] = {WKB_LITTLE_ENDIAN, WKB_POLYGON};
    parquet_begin_bytes(&table->writer, table->geometry, (uint32_t)bytes);
    parquet_add_bytes(&table->writer, table->geometry, HEAD, sizeof HEAD);
    add_count(table, row->ring_count);
}

/* A float that is not above, or not below, the number. */
static float round_outwards(double value, bool down)
{
    float rounded = (float)value;
    if (down && (double)rounded > value) {
        return nextafterf(rounded, -INFINITY);
    }
    if (!down && (double)rounded < value) {
        return nextafterf(rounded, INFINITY);
    }
    return rounded;
}

static void add_bounds(PolygonTable *table, const double bounds[LIMIT_COUNT])
{
    for (int i = 0; i < LIMIT_COUNT; i++) {
        bool down = i < X_MAX;
        parquet_float(&table->writer, table->geometry + 1 + i, round_outwards(bounds[i], down));
        double *all = &table->bounds[i];
        *all = table->count == 0 ? bounds[i] : (down ? fmin : fmax)(*all, bounds[i]);
    }
}

bool polygon_table_begin(PolygonTable *table, const PolygonRow *row, Error *error)
{
    uint64_t bytes = WKB_HEAD_BYTES + WKB_COUNT_BYTES +
                     (uint64_t)row->ring_count * WKB_COUNT_BYTES +
                     (uint64_t)row->point_count * WKB_POINT_BYTES;
    if (bytes > (uint64_t)PARQUET_VALUE_BYTES_MAX) {
        return error_set(error, ERROR_LIMIT,
                         "A region of the slide has %u corners, which is too ragged; at most %ld "
                         "can be written.",
                         row->point_count, PARQUET_VALUE_BYTES_MAX / WKB_POINT_BYTES);
    }
    ParquetWriter *writer = &table->writer;
    parquet_int32(writer, COLUMN_ID, (int32_t)row->id);
    parquet_word(writer, COLUMN_CLASS, row->class - 1);
    parquet_word(writer, COLUMN_COLOR, row->class - 1);
    parquet_double(writer, COLUMN_AREA, row->area_um2);
    if (table->kind.has_centroids) {
        parquet_float(writer, COLUMN_CENTROID_X, row->centroid.x_px);
        parquet_float(writer, COLUMN_CENTROID_X + 1, row->centroid.y_px);
    }
    add_bounds(table, row->bounds);
    table->count++;
    begin_geometry(table, row, bytes);
    return true;
}

void polygon_table_ring(PolygonTable *table, uint32_t point_count)
{
    add_count(table, point_count);
}

void polygon_table_point(PolygonTable *table, double x, double y)
{
    const double position[2] = {x, y};
    uint8_t bytes[WKB_POINT_BYTES];
    for (int axis = 0; axis < 2; axis++) {
        uint64_t bits = 0;
        memcpy(&bits, &position[axis], sizeof bits);
        for (int i = 0; i < 8; i++) {
            bytes[8 * axis + i] = (uint8_t)(bits >> (8 * i));
        }
    }
    parquet_add_bytes(&table->writer, table->geometry, bytes, sizeof bytes);
}

void polygon_table_end_row(PolygonTable *table)
{
    parquet_end_row(&table->writer);
}

/* "covering": {"bbox": {"xmin": ["bbox", "xmin"], …}}. */
static void write_covering(JsonWriter *json)
{
    writer_key(json, "covering");
    writer_begin_object(json);
    writer_key(json, "bbox");
    writer_begin_object(json);
    for (int i = 0; i < LIMIT_COUNT; i++) {
        writer_key(json, LIMIT_NAMES[i]);
        writer_begin_array(json);
        writer_string(json, "bbox");
        writer_string(json, LIMIT_NAMES[i]);
        writer_end_array(json);
    }
    writer_end_object(json);
    writer_end_object(json);
}

/* The value of "geo". Without a crs the coordinates would be longitude and latitude; null says that
 * they have none. */
static void write_note(const PolygonTable *table, Buffer *buffer)
{
    JsonWriter json;
    writer_init(&json, buffer);
    writer_begin_object(&json);
    writer_key_string(&json, "version", "1.1.0");
    writer_key_string(&json, "primary_column", "geometry");
    writer_key(&json, "columns");
    writer_begin_object(&json);
    writer_key(&json, "geometry");
    writer_begin_object(&json);
    writer_key_string(&json, "encoding", "WKB");
    writer_key(&json, "geometry_types");
    writer_begin_array(&json);
    writer_string(&json, "Polygon");
    writer_end_array(&json);
    writer_key(&json, "crs");
    writer_null(&json);
    writer_key_string(&json, "edges", "planar");
    writer_key_string(&json, "orientation", "counterclockwise");
    if (table->count > 0) {
        writer_key(&json, "bbox");
        writer_begin_array(&json);
        for (int i = 0; i < LIMIT_COUNT; i++) {
            writer_number(&json, table->bounds[i], COORDINATE_DECIMALS);
        }
        writer_end_array(&json);
    }
    write_covering(&json);
    writer_end_object(&json);
    writer_end_object(&json);
    writer_end_object(&json);
}

bool polygon_table_finish(PolygonTable *table, Error *error)
{
    AUTO_BUFFER buffer;
    buffer_init(&buffer, NOTE_BYTES_MAX);
    write_note(table, &buffer);
    ParquetNote note = {"geo", buffer_view(&buffer)};
    parquet_end(&table->writer, &note);
    return report_file_finish(&table->file, error);
}
