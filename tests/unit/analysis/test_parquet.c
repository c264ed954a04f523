/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of a small table, written down by hand from parquet.thrift, Thrift's compact protocol
 * and Encodings.md: each field begins with a byte of its distance from the field before (high
 * half) and its type (5 i32, 6 i64, 8 binary, 9 list, c struct), signed numbers are zigzag varints.
 */
#include "unit_test.h"

#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "analysis/parquet.h"
#include "analysis/thrift.h"
#include "base/alloc.h"
#include "base/file.h"

/* clang-format off */
static const uint8_t SMALL_TABLE[] = {
    /* "PAR1" */
    0x50, 0x41, 0x52, 0x31,
    /* n, data page: its kind, 8 bytes, stored as 8 */
    0x15, 0x00, 0x15, 0x10, 0x15, 0x10,
    /* CRC-32 */
    0x15, 0xec, 0xc7, 0x84, 0x9e, 0x01,
    /* 2 values, their encoding 0, levels RLE */
    0x1c, 0x15, 0x04, 0x15, 0x00, 0x15, 0x06, 0x15, 0x06, 0x00, 0x00,
    /* 7, -2 */
    0x07, 0x00, 0x00, 0x00, 0xfe, 0xff, 0xff, 0xff,
    /* w, dictionary page: its kind, 11 bytes, stored as 11 */
    0x15, 0x04, 0x15, 0x16, 0x15, 0x16,
    /* CRC-32 */
    0x15, 0xe2, 0xc6, 0x85, 0x97, 0x09,
    /* 2 words, PLAIN */
    0x3c, 0x15, 0x04, 0x15, 0x00, 0x00, 0x00,
    /* "a", "bc" */
    0x01, 0x00, 0x00, 0x00, 0x61, 0x02, 0x00, 0x00, 0x00, 0x62, 0x63,
    /* w, data page: its kind, 3 bytes, stored as 3 */
    0x15, 0x00, 0x15, 0x06, 0x15, 0x06,
    /* CRC-32 */
    0x15, 0x9f, 0xbe, 0xb1, 0xd5, 0x0b,
    /* 2 values, their encoding 8, levels RLE */
    0x1c, 0x15, 0x04, 0x15, 0x10, 0x15, 0x06, 0x15, 0x06, 0x00, 0x00,
    /* 1 bit each; one run of 8; 1, 0 */
    0x01, 0x03, 0x01,
    /* x, data page: its kind, 8 bytes, stored as 8 */
    0x15, 0x00, 0x15, 0x10, 0x15, 0x10,
    /* CRC-32 */
    0x15, 0xfc, 0xc0, 0x9f, 0xe5, 0x08,
    /* 2 values, their encoding 0, levels RLE */
    0x1c, 0x15, 0x04, 0x15, 0x00, 0x15, 0x06, 0x15, 0x06, 0x00, 0x00,
    /* 0.5, 0 */
    0x00, 0x00, 0x00, 0x3f, 0x00, 0x00, 0x00, 0x00,
    /* FileMetaData: version 2 */
    0x15, 0x04,
    /* 5 elements of the schema: */
    0x19, 0x5c,
    /* the root with 3 children */
    0x48, 0x06, 0x73, 0x63, 0x68, 0x65, 0x6d, 0x61, 0x15, 0x06, 0x00,
    /* n: INT32, REQUIRED */
    0x15, 0x02, 0x25, 0x00, 0x18, 0x01, 0x6e, 0x00,
    /* w: BYTE_ARRAY, REQUIRED, UTF8, STRING */
    0x15, 0x0c, 0x25, 0x00, 0x18, 0x01, 0x77, 0x25, 0x00, 0x4c, 0x1c, 0x00, 0x00, 0x00,
    /* b: REQUIRED, 1 child */
    0x35, 0x00, 0x18, 0x01, 0x62, 0x15, 0x02, 0x00,
    /* x: FLOAT, REQUIRED */
    0x15, 0x08, 0x25, 0x00, 0x18, 0x01, 0x78, 0x00,
    /* 2 rows */
    0x16, 0x04,
    /* 1 row group of 3 columns: */
    0x19, 0x1c, 0x19, 0x3c,
    /* n: file_offset 0, its type */
    0x26, 0x00, 0x1c, 0x15, 0x02,
    /* encodings */
    0x19, 0x15, 0x00,
    /* path n */
    0x19, 0x18, 0x01, 0x6e,
    /* UNCOMPRESSED, 2 values, 31 bytes, stored as 31 */
    0x15, 0x00, 0x16, 0x04, 0x16, 0x3e, 0x16, 0x3e,
    /* data page at 4 */
    0x26, 0x08,
    /* no nulls, maximum 7, minimum -2 */
    0x3c, 0x36, 0x00, 0x28, 0x04, 0x07, 0x00, 0x00, 0x00, 0x18, 0x04, 0xfe, 0xff, 0xff, 0xff,
    0x00, 0x00, 0x00,
    /* w: file_offset 0, its type */
    0x26, 0x00, 0x1c, 0x15, 0x0c,
    /* encodings */
    0x19, 0x25, 0x00, 0x10,
    /* path w */
    0x19, 0x18, 0x01, 0x77,
    /* UNCOMPRESSED, 2 values, 56 bytes, stored as 56 */
    0x15, 0x00, 0x16, 0x04, 0x16, 0x70, 0x16, 0x70,
    /* data page at 65, dictionary at 35 */
    0x26, 0x82, 0x01, 0x26, 0x46,
    /* no nulls, maximum "bc", minimum "a" */
    0x1c, 0x36, 0x00, 0x28, 0x02, 0x62, 0x63, 0x18, 0x01, 0x61, 0x00, 0x00, 0x00,
    /* x: file_offset 0, its type */
    0x26, 0x00, 0x1c, 0x15, 0x08,
    /* encodings */
    0x19, 0x15, 0x00,
    /* path b.x */
    0x19, 0x28, 0x01, 0x62, 0x01, 0x78,
    /* UNCOMPRESSED, 2 values, 31 bytes, stored as 31 */
    0x15, 0x00, 0x16, 0x04, 0x16, 0x3e, 0x16, 0x3e,
    /* data page at 91 */
    0x26, 0xb6, 0x01,
    /* no nulls, maximum 0.5, minimum -0 */
    0x3c, 0x36, 0x00, 0x28, 0x04, 0x00, 0x00, 0x00, 0x3f, 0x18, 0x04, 0x00, 0x00, 0x00, 0x80,
    0x00, 0x00, 0x00,
    /* the group: 118 bytes, 2 rows, from 4 on, 118 bytes */
    0x16, 0xec, 0x01, 0x16, 0x04, 0x26, 0x08, 0x16, 0xec, 0x01, 0x00,
    /* 1 note */
    0x19, 0x1c, 0x18, 0x03, 0x6b, 0x65, 0x79, 0x18, 0x05, 0x76, 0x61, 0x6c, 0x75, 0x65, 0x00,
    /* created_by */
    0x18, 0x08, 0x73, 0x6c, 0x69, 0x64, 0x65, 0x77, 0x61, 0x79,
    /* 3 orders of columns, all by their types */
    0x19, 0x3c, 0x1c, 0x00, 0x00, 0x1c, 0x00, 0x00, 0x1c, 0x00, 0x00, 0x00,
    /* 229 bytes of metadata, "PAR1" */
    0xe5, 0x00, 0x00, 0x00, 0x50, 0x41, 0x52, 0x31,
};
/* clang-format on */

static const char *const WORDS[] = {"a", "bc"};
enum { FILE_BYTES_MAX = 64 << 20 };

typedef struct Fixture {
    char folder[64];
    ReportFile file;
    ParquetWriter writer;
} Fixture;

static int make_fixture(void **state)
{
    Fixture *fixture = ALLOC_NEW(Fixture);
    snprintf(fixture->folder, sizeof fixture->folder, "/tmp/slideway-parquet-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    Error error = {0};
    assert_true(report_file_create(&fixture->file, fixture->folder, "table", &error));
    *state = fixture;
    return 0;
}

static int remove_fixture(void **state)
{
    Fixture *fixture = *state;
    Error error = {0};
    parquet_clear(&fixture->writer);
    report_file_close(&fixture->file);
    assert_true(folder_remove(fixture->folder, &error));
    alloc_free(fixture);
    return 0;
}

/* Ends the table and reads the file. */
static uint8_t *finished(Fixture *fixture, size_t *length_out)
{
    Error error = {0};
    ParquetNote note = {"key", TEXT("value")};
    parquet_end(&fixture->writer, &note);
    assert_true(report_file_finish(&fixture->file, &error));
    char *content = NULL;
    AUTO_FREE char *path = alloc_format("%s/table", fixture->folder);
    assert_true(file_read(path, FILE_BYTES_MAX, &content, length_out, &error));
    return (uint8_t *)content;
}

static void a_small_table_has_the_bytes_of_the_specification(void **state)
{
    Fixture *fixture = *state;
    static const ParquetColumn COLUMNS[] = {
        {"n", PARQUET_INT32, 0, false, NULL, 0},
        {"w", PARQUET_BYTES, 0, false, WORDS, 2},
        {"b", PARQUET_GROUP, 1, false, NULL, 0},
        {"x", PARQUET_FLOAT, 0, false, NULL, 0},
    };
    ParquetWriter *writer = &fixture->writer;
    parquet_init(writer, &fixture->file, COLUMNS, ARRAY_COUNT(COLUMNS));
    parquet_int32(writer, 0, 7);
    parquet_word(writer, 1, 1);
    parquet_float(writer, 2, 0.5F);
    parquet_end_row(writer);
    parquet_float(writer, 2, 0);
    parquet_word(writer, 1, 0);
    parquet_int32(writer, 0, -2);
    parquet_end_row(writer);
    size_t length = 0;
    AUTO_FREE uint8_t *found = finished(fixture, &length);
    assert_int_equal(length, sizeof SMALL_TABLE);
    assert_memory_equal(found, SMALL_TABLE, length);
}

static void an_empty_table_has_no_row_group(void **state)
{
    Fixture *fixture = *state;
    static const ParquetColumn COLUMN = {"n", PARQUET_DOUBLE, 0, true, NULL, 0};
    static const uint8_t EXPECTED[] = {
        'P',  'A',  'R',  '1',  0x15, 4,    0x19, 0x2c, 0x48, 6,    's',  'c', 'h', 'e',
        'm',  'a',  0x15, 2,    0,    0x15, 10,   0x25, 0,    0x18, 1,    'n', 0,   0x16,
        0,    0x19, 0x0c, 0x19, 0x1c, 0x18, 3,    'k',  'e',  'y',  0x18, 5,   'v', 'a',
        'l',  'u',  'e',  0,    0x18, 8,    's',  'l',  'i',  'd',  'e',  'w', 'a', 'y',
        0x19, 0x1c, 0x1c, 0,    0,    0,    58,   0,    0,    0,    'P',  'A', 'R', '1'};
    parquet_init(&fixture->writer, &fixture->file, &COLUMN, 1);
    size_t length = 0;
    AUTO_FREE uint8_t *found = finished(fixture, &length);
    assert_int_equal(length, sizeof EXPECTED);
    assert_memory_equal(found, EXPECTED, length);
}

/* The first page of a file whose first column is compressed. Its header has 3 sizes of at most 5
 * bytes each, so that the gzip member (RFC 1952: 1f 8b) begins soon. */
static size_t gzip_offset(const uint8_t *bytes)
{
    for (size_t i = 4; i < 64; i++) {
        if (bytes[i] == 0x1f && bytes[i + 1] == 0x8b) {
            return i;
        }
    }
    fail_msg("there is no gzip member");
    return 0;
}

/* A value of 1 MiB is given in parts of 1000 bytes: longer than all that is staged. */
static void a_compressed_value_can_be_given_in_parts(void **state)
{
    Fixture *fixture = *state;
    enum { LENGTH = 1 << 20, PART = 1000, PREFIX = 4 };
    static const ParquetColumn COLUMN = {"v", PARQUET_BYTES, 0, true, NULL, 0};
    AUTO_FREE uint8_t *value = alloc_array(LENGTH, 1);
    uint32_t random = 1;
    for (int i = 0; i < LENGTH; i++) {
        random = random * 1103515245 + 12345;
        value[i] = (uint8_t)(random >> 28);
    }
    parquet_init(&fixture->writer, &fixture->file, &COLUMN, 1);
    parquet_begin_bytes(&fixture->writer, 0, LENGTH);
    for (size_t i = 0; i < LENGTH; i += PART) {
        parquet_add_bytes(&fixture->writer, 0, value + i, LENGTH - i < PART ? LENGTH - i : PART);
    }
    parquet_end_row(&fixture->writer);
    size_t length = 0;
    AUTO_FREE uint8_t *found = finished(fixture, &length);
    size_t offset = gzip_offset(found);
    AUTO_FREE uint8_t *page = alloc_array(LENGTH + PREFIX + 1, 1);
    z_stream inflater = {.next_in = found + offset,
                         .avail_in = (uInt)(length - offset),
                         .next_out = page,
                         .avail_out = LENGTH + PREFIX + 1};
    assert_int_equal(inflateInit2(&inflater, 15 + 16), Z_OK);
    assert_int_equal(inflate(&inflater, Z_FINISH), Z_STREAM_END);
    assert_int_equal(inflater.total_out, LENGTH + PREFIX);
    inflateEnd(&inflater);
    static const uint8_t MEBIBYTE[PREFIX] = {0, 0, 0x10, 0};
    assert_memory_equal(page, MEBIBYTE, PREFIX);
    assert_memory_equal(page + PREFIX, value, LENGTH);
}

/* Memory is bounded by this: what is collected is written when it is full. */
static void a_row_group_ends_when_it_is_full(void **state)
{
    Fixture *fixture = *state;
    static const ParquetColumn COLUMNS[] = {
        {"n", PARQUET_INT32, 0, false, NULL, 0},
        {"v", PARQUET_BYTES, 0, true, NULL, 0},
    };
    enum { HALF_BYTES = PARQUET_GROUP_BYTES_MAX / 2 };
    ParquetWriter *writer = &fixture->writer;
    AUTO_FREE uint8_t *value = alloc_zeroed(HALF_BYTES, 1);
    parquet_init(writer, &fixture->file, COLUMNS, ARRAY_COUNT(COLUMNS));
    for (int i = 0; i < PARQUET_ROWS_MAX + 1; i++) {
        parquet_int32(writer, 0, i);
        parquet_begin_bytes(writer, 1, 0);
        parquet_end_row(writer);
    }
    assert_int_equal(writer->group_count, 1);
    assert_int_equal(writer->group_rows, 1);
    for (int i = 0; i < 2; i++) {
        parquet_int32(writer, 0, 0);
        parquet_begin_bytes(writer, 1, HALF_BYTES);
        parquet_add_bytes(writer, 1, value, HALF_BYTES);
        parquet_end_row(writer);
    }
    assert_int_equal(writer->group_count, 2);
    assert_int_equal(writer->group_rows, 0);
    assert_int_equal(writer->row_count, PARQUET_ROWS_MAX + 3);
}

/* Lists of more than 14 elements have their length in a varint behind their header. */
static void long_lists_and_extreme_numbers_are_encoded(void **state)
{
    (void)state;
    AUTO_BUFFER buffer;
    buffer_init(&buffer, 256);
    ThriftWriter writer;
    thrift_init(&writer, &buffer);
    thrift_i32(&writer, 1, INT32_MIN);
    thrift_i64(&writer, 2, INT64_MAX);
    thrift_begin_list(&writer, 17, THRIFT_I32, 15);
    for (int i = 0; i < 15; i++) {
        thrift_element_i32(&writer, -i);
    }
    thrift_begin_list(&writer, 18, THRIFT_I32, 300);
    thrift_end(&writer);
    static const uint8_t EXPECTED[] = {0x15, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x16, 0xfe, 0xff, 0xff,
                                       0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0xf9, 0xf5, 15,
                                       0,    1,    3,    5,    7,    9,    11,   13,   15,   17,
                                       19,   21,   23,   25,   27,   0x19, 0xf5, 0xac, 0x02, 0};
    assert_int_equal(buffer.length, sizeof EXPECTED);
    assert_memory_equal(buffer.bytes, EXPECTED, sizeof EXPECTED);
}

#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, make_fixture, remove_fixture)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(a_small_table_has_the_bytes_of_the_specification),
        WITH_FIXTURE(an_empty_table_has_no_row_group),
        WITH_FIXTURE(a_compressed_value_can_be_given_in_parts),
        WITH_FIXTURE(a_row_group_ends_when_it_is_full),
        cmocka_unit_test(long_lists_and_extreme_numbers_are_encoded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
