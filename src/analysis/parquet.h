/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes a table as an Apache Parquet file, from front to back:
 * https://parquet.apache.org/docs/file-format/ and
 * https://github.com/apache/parquet-format (parquet.thrift, Encodings.md, Compression.md).
 *
 * Rows are collected into a row group of at most PARQUET_ROWS_MAX; of each column only the page so
 * far is kept, compressed already. Every column is required (no nulls), has one data page (version
 * 1) and its statistics in each row group; values stand as they are (PLAIN), or as numbers of words
 * in a dictionary (RLE_DICTIONARY). Equal rows give equal bytes.
 *
 * A row is: one value for each column that is no group, in any order, then parquet_end_row.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "analysis/report_file.h"
#include "base/error.h"

enum {
    PARQUET_COLUMNS_MAX = 16,
    PARQUET_WORDS_MAX = 16,
    /* The smaller, the better can readers leave out what they do not look for. */
    PARQUET_ROWS_MAX = 16384
};
/* A row group also ends here, so that a page stays far below what its header can say (2 GiB). */
#define PARQUET_GROUP_BYTES_MAX (32L * 1024 * 1024)
/* One value of PARQUET_BYTES. */
#define PARQUET_VALUE_BYTES_MAX (256L * 1024 * 1024)

/* Numbered as in parquet.thrift, all but the group. */
typedef enum ParquetType {
    PARQUET_GROUP = -1,
    PARQUET_INT32 = 1,
    PARQUET_FLOAT = 4,
    PARQUET_DOUBLE = 5,
    PARQUET_BYTES = 6 /* BYTE_ARRAY */
} ParquetType;

typedef struct ParquetColumn {
    const char *name;
    ParquetType type;
    int child_count; /* of a group: the columns that follow it */
    bool compressed; /* by GZIP (RFC 1952) */
    /* Of PARQUET_BYTES, not compressed: the values are numbers of these UTF-8 words, 1 to
     * PARQUET_WORDS_MAX. */
    const char *const *words;
    int word_count;
} ParquetColumn;

typedef struct ParquetChunk ParquetChunk;

typedef struct ParquetWriter {
    ReportFile *file; /* borrowed; nothing was written to it before */
    const ParquetColumn *columns;
    int column_count;
    ParquetChunk *chunks; /* of each column that is no group, in their order */
    int chunk_count;
    int64_t offset; /* in the file */
    int64_t row_count;
    int32_t group_rows;
    uint32_t group_count;
    Buffer groups; /* the metadata of the row groups that are written */
} ParquetWriter;

/* Columns are borrowed. A group holds columns, not groups. */
void parquet_init(ParquetWriter *writer,
                  ReportFile *file,
                  const ParquetColumn *columns,
                  int column_count);
void parquet_clear(ParquetWriter *writer);

/* `column` counts the columns that are no group. */
void parquet_int32(ParquetWriter *writer, int column, int32_t value);
/* Finite. */
void parquet_float(ParquetWriter *writer, int column, float value);
void parquet_double(ParquetWriter *writer, int column, double value);
void parquet_word(ParquetWriter *writer, int column, int word);
/* `length` bytes follow, in parts. */
void parquet_begin_bytes(ParquetWriter *writer, int column, uint32_t length);
void parquet_add_bytes(ParquetWriter *writer, int column, const void *bytes, size_t length);
void parquet_end_row(ParquetWriter *writer);

/* One entry of the file's key-value metadata. */
typedef struct ParquetNote {
    const char *key;
    Text value;
} ParquetNote;

/* The last row group and the footer; then report_file_finish says whether all was written. */
void parquet_end(ParquetWriter *writer, const ParquetNote *note);
