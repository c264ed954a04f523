/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table of classified polygons as a GeoParquet file: https://geoparquet.org/releases/v1.1.0/
 * (geometries as WKB: OGC 06-103r4, 8.2). Columns, all of them required:
 *
 *   ID | CELL_ID  INT32    as in the GeoJSON and the readouts
 *   CLASS, COLOR  STRING   the class's name, and its colour as "#rrggbb"
 *   AREA_UM2      DOUBLE
 *   CENTROID_X, CENTROID_Y  FLOAT  of cells alone
 *   geometry      WKB      a polygon in level 0 pixels, so `crs` is null
 *   bbox          {xmin, ymin, xmax, ymax} FLOAT   covers the geometry, rounded outwards
 *
 * A polygon is given ring by ring, so that one of millions of corners is never held.
 */
#pragma once
#include "analysis/parquet.h"
#include "analysis/result.h"

typedef struct PolygonKind {
    const ClassInfo *classes; /* entry 0 has no name */
    int class_count;
    const char *id_name;
    bool has_centroids;
} PolygonKind;

typedef struct PolygonRow {
    uint32_t id;
    uint8_t class;
    double area_um2;
    CellPoint centroid; /* where the kind has it */
    uint32_t ring_count;
    uint32_t point_count; /* of all rings, the first point of each counted twice */
    double bounds[4];     /* xmin, ymin, xmax, ymax */
} PolygonRow;

enum { POLYGON_COLOR_BYTES = 8 };

typedef struct PolygonTable {
    ReportFile file;
    ParquetWriter writer;
    PolygonKind kind;
    ParquetColumn columns[PARQUET_COLUMNS_MAX];
    const char *names[PARQUET_WORDS_MAX];
    const char *colors[PARQUET_WORDS_MAX];
    char color_texts[PARQUET_WORDS_MAX][POLYGON_COLOR_BYTES];
    int geometry; /* the column */
    uint64_t count;
    double bounds[4]; /* of all */
} PolygonTable;

/* The table stays where it is until it is closed. */
MUST_CHECK bool polygon_table_create(PolygonTable *table,
                                     const PolygonKind *kind,
                                     const char *folder,
                                     const char *name,
                                     Error *error);
/* ERROR_LIMIT: the polygon has too many points for one value. */
MUST_CHECK bool polygon_table_begin(PolygonTable *table, const PolygonRow *row, Error *error);
/* `point_count` points follow, the last of them equal to the first. */
void polygon_table_ring(PolygonTable *table, uint32_t point_count);
void polygon_table_point(PolygonTable *table, double x, double y);
void polygon_table_end_row(PolygonTable *table);
/* Writes the rest; only then is the file complete. */
MUST_CHECK bool polygon_table_finish(PolygonTable *table, Error *error);
void polygon_table_close(PolygonTable *table);
#define AUTO_POLYGON_TABLE CLEANUP(polygon_table_close) PolygonTable
