/* SPDX-License-Identifier: Apache-2.0 */
/* Row groups, pages and the footer; see parquet.h. Numbers without a name here are ids of fields in
 * parquet.thrift. */
#include "analysis/parquet.h"

#include <assert.h>
#include <string.h>
#include <zlib.h>

#include "analysis/thrift.h"
#include "base/alloc.h"

/* As parquet.thrift numbers them. */
enum { PLAIN = 0, RLE = 3, RLE_DICTIONARY = 8 };
enum { DATA_PAGE = 0, DICTIONARY_PAGE = 2 };
enum { UNCOMPRESSED = 0, GZIP = 2 };
enum { REQUIRED = 0, UTF8 = 0, FORMAT_VERSION = 2 };

static const char MAGIC[] = "PAR1";
enum { MAGIC_BYTES = 4 };

/* What a page is collected in before it is compressed, and what is written at once. */
enum { STAGED_BYTES = 16 * 1024, DEFLATED_BYTES = 16 * 1024, WRITE_BYTES = 256 * 1024 };
#define PAGE_BYTES_MAX ((size_t)(PARQUET_GROUP_BYTES_MAX + PARQUET_VALUE_BYTES_MAX) * 2)
/* Some 2 KiB for each row group: 500 groups of 16,384 cells are CELLS_MAX. */
#define GROUPS_BYTES_MAX ((size_t)128 * 1024 * 1024)
#define FOOTER_BYTES_MAX (GROUPS_BYTES_MAX + (size_t)1024 * 1024)
enum { HEADER_BYTES_MAX = 256 };

/* zlib(3): a gzip wrapper is 16 more than the bits of the window. The fastest level: on outlines of
 * cells level 6 takes four times as long and saves a tenth. */
enum { GZIP_WINDOW_BITS = 15 + 16, MEMORY_LEVEL = 8 };

/* One column of the row group that is being collected. */
struct ParquetChunk {
    const ParquetColumn *column;
    const char *group; /* the name of the group around it, NULL: there is none */
    Buffer staged;     /* not compressed yet */
    Buffer page;
    z_stream deflater;
    int64_t raw_bytes;
    int64_t due_bytes; /* of the value that is being given */
    int32_t value_count;
    double minimum; /* of numbers */
    double maximum;
    uint8_t *numbers; /* of words, PARQUET_ROWS_MAX */
};

/* Where a chunk's pages stand and what they take, as its metadata say it. */
typedef struct ChunkPlace {
    int64_t dictionary_offset; /* -1: there is none */
    int64_t data_offset;
    int64_t raw_bytes; /* with the headers */
    int64_t stored_bytes;
} ChunkPlace;

static void put(ParquetWriter *writer, const void *bytes, size_t length)
{
    const char *from = bytes;
    for (size_t done = 0; done < length;) {
        size_t part = length - done < WRITE_BYTES ? length - done : WRITE_BYTES;
        buffer_append(&writer->file->buffer, from + done, part);
        report_file_flush(writer->file);
        done += part;
    }
    writer->offset += (int64_t)length;
}

static void start_words(ParquetChunk *chunk)
{
    const ParquetColumn *column = chunk->column;
    assert(column->word_count > 0 && column->word_count <= PARQUET_WORDS_MAX);
    assert(column->type == PARQUET_BYTES && !column->compressed);
    chunk->numbers = alloc_array(PARQUET_ROWS_MAX, 1);
}

static void start_deflater(z_stream *deflater)
{
    int status = deflateInit2(deflater, Z_BEST_SPEED, Z_DEFLATED, GZIP_WINDOW_BITS, MEMORY_LEVEL,
                              Z_DEFAULT_STRATEGY);
    assert(status == Z_OK); /* only memory or a wrong version could be missing */
}

static void chunk_init(ParquetChunk *chunk, const ParquetColumn *column, const char *group)
{
    *chunk = (ParquetChunk){.column = column, .group = group};
    buffer_init(&chunk->staged, (size_t)2 * STAGED_BYTES);
    buffer_init(&chunk->page, PAGE_BYTES_MAX);
    if (column->words != NULL) {
        start_words(chunk);
    }
    if (column->compressed) {
        start_deflater(&chunk->deflater);
    }
}

void parquet_init(ParquetWriter *writer,
                  ReportFile *file,
                  const ParquetColumn *columns,
                  int column_count)
{
    assert(column_count > 0 && column_count <= PARQUET_COLUMNS_MAX);
    *writer = (ParquetWriter){.file = file, .columns = columns, .column_count = column_count};
    writer->chunks = alloc_zeroed((size_t)column_count, sizeof *writer->chunks);
    const char *group = NULL;
    int group_left = 0;
    for (int i = 0; i < column_count; i++) {
        if (columns[i].type == PARQUET_GROUP) {
            group = columns[i].name;
            group_left = columns[i].child_count;
            continue;
        }
        chunk_init(&writer->chunks[writer->chunk_count++], &columns[i],
                   group_left > 0 ? group : NULL);
        group_left -= group_left > 0;
    }
    assert(group_left == 0);
    buffer_init(&writer->groups, GROUPS_BYTES_MAX);
    put(writer, MAGIC, MAGIC_BYTES);
}

void parquet_clear(ParquetWriter *writer)
{
    for (int i = 0; i < writer->chunk_count; i++) {
        ParquetChunk *chunk = &writer->chunks[i];
        buffer_clear(&chunk->staged);
        buffer_clear(&chunk->page);
        alloc_free(chunk->numbers);
        if (chunk->column->compressed) {
            deflateEnd(&chunk->deflater);
        }
    }
    alloc_free(writer->chunks);
    buffer_clear(&writer->groups);
    *writer = (ParquetWriter){.file = NULL};
}

/* Compresses what is staged behind the page so far. */
static void deflate_staged(ParquetChunk *chunk, int flush)
{
    z_stream *deflater = &chunk->deflater;
    deflater->next_in = (Bytef *)chunk->staged.bytes;
    deflater->avail_in = (uInt)chunk->staged.length;
    do {
        char *room = buffer_reserve(&chunk->page, DEFLATED_BYTES);
        assert(room != NULL); /* PAGE_BYTES_MAX is twice what a page may hold */
        deflater->next_out = (Bytef *)room;
        deflater->avail_out = DEFLATED_BYTES;
        deflate(deflater, flush);
        chunk->page.length += DEFLATED_BYTES - deflater->avail_out;
    } while (deflater->avail_out == 0);
    buffer_reset(&chunk->staged);
}

static void chunk_add(ParquetChunk *chunk, const void *bytes, size_t length)
{
    chunk->raw_bytes += (int64_t)length;
    if (!chunk->column->compressed) {
        buffer_append(&chunk->page, bytes, length);
        return;
    }
    const char *from = bytes;
    for (size_t done = 0; done < length;) {
        size_t part = length - done < STAGED_BYTES ? length - done : STAGED_BYTES;
        buffer_append(&chunk->staged, from + done, part);
        if (chunk->staged.length >= STAGED_BYTES) {
            deflate_staged(chunk, Z_NO_FLUSH);
        }
        done += part;
    }
}

/* Little-endian, as everything in Parquet. */
static void encode(uint64_t value, int size, uint8_t *bytes)
{
    for (int i = 0; i < size; i++) {
        bytes[i] = (uint8_t)(value >> (8 * i));
    }
}

static int encode_number(ParquetType type, double value, uint8_t bytes[8])
{
    uint64_t bits = 0;
    if (type == PARQUET_DOUBLE) {
        memcpy(&bits, &value, sizeof value);
        encode(bits, 8, bytes);
        return 8;
    }
    uint32_t half = 0;
    if (type == PARQUET_FLOAT) {
        float single = (float)value;
        memcpy(&half, &single, sizeof single);
    } else {
        half = (uint32_t)(int32_t)value;
    }
    encode(half, 4, bytes);
    return 4;
}

static ParquetChunk *next_value(ParquetWriter *writer, int column)
{
    assert(column >= 0 && column < writer->chunk_count);
    ParquetChunk *chunk = &writer->chunks[column];
    assert(chunk->value_count == writer->group_rows && chunk->due_bytes == 0);
    chunk->value_count++;
    return chunk;
}

/* A double holds every value of the three types. */
static void add_number(ParquetWriter *writer, int column, ParquetType type, double value)
{
    ParquetChunk *chunk = next_value(writer, column);
    assert(chunk->column->type == type);
    bool first = chunk->value_count == 1;
    chunk->minimum = first || value < chunk->minimum ? value : chunk->minimum;
    chunk->maximum = first || value > chunk->maximum ? value : chunk->maximum;
    uint8_t bytes[8];
    chunk_add(chunk, bytes, (size_t)encode_number(type, value, bytes));
}

void parquet_int32(ParquetWriter *writer, int column, int32_t value)
{
    add_number(writer, column, PARQUET_INT32, value);
}

void parquet_float(ParquetWriter *writer, int column, float value)
{
    add_number(writer, column, PARQUET_FLOAT, (double)value);
}

void parquet_double(ParquetWriter *writer, int column, double value)
{
    add_number(writer, column, PARQUET_DOUBLE, value);
}

void parquet_word(ParquetWriter *writer, int column, int word)
{
    ParquetChunk *chunk = next_value(writer, column);
    assert(chunk->numbers != NULL && word >= 0 && word < chunk->column->word_count);
    chunk->numbers[writer->group_rows] = (uint8_t)word;
}

void parquet_begin_bytes(ParquetWriter *writer, int column, uint32_t length)
{
    ParquetChunk *chunk = next_value(writer, column);
    assert(chunk->column->type == PARQUET_BYTES && chunk->numbers == NULL);
    assert(length <= PARQUET_VALUE_BYTES_MAX);
    uint8_t bytes[4];
    encode(length, 4, bytes);
    chunk_add(chunk, bytes, sizeof bytes);
    chunk->due_bytes = length;
}

void parquet_add_bytes(ParquetWriter *writer, int column, const void *bytes, size_t length)
{
    ParquetChunk *chunk = &writer->chunks[column];
    assert((int64_t)length <= chunk->due_bytes);
    chunk->due_bytes -= (int64_t)length;
    chunk_add(chunk, bytes, length);
}

/* The header of a page and its body behind it. */
static void put_page(ParquetWriter *writer, Text header, Text body, ChunkPlace *place)
{
    put(writer, header.bytes, header.length);
    put(writer, body.bytes, body.length);
    place->stored_bytes += (int64_t)(header.length + body.length);
    place->raw_bytes += (int64_t)header.length;
}

/* What the headers of both kinds of page begin with. The checksum is the one of gzip, of the body
 * as it is stored. */
static void begin_header(ThriftWriter *header, int kind, int64_t raw_bytes, Text body, Buffer *out)
{
    uLong crc = crc32_z(crc32_z(0, NULL, 0), (const Bytef *)body.bytes, body.length);
    thrift_init(header, out);
    thrift_i32(header, 1, kind);
    thrift_i32(header, 2, (int32_t)raw_bytes);
    thrift_i32(header, 3, (int32_t)body.length);
    thrift_i32(header, 4, (int32_t)(uint32_t)crc);
}

static void put_data_page(ParquetWriter *writer, const ParquetChunk *chunk, ChunkPlace *place)
{
    AUTO_BUFFER out;
    buffer_init(&out, HEADER_BYTES_MAX);
    Text body = buffer_view(&chunk->page);
    ThriftWriter header;
    begin_header(&header, DATA_PAGE, chunk->raw_bytes, body, &out);
    thrift_begin_struct(&header, 5);
    thrift_i32(&header, 1, chunk->value_count);
    thrift_i32(&header, 2, chunk->column->words != NULL ? RLE_DICTIONARY : PLAIN);
    /* Nothing is optional or repeated, so there are no levels. */
    thrift_i32(&header, 3, RLE);
    thrift_i32(&header, 4, RLE);
    thrift_end(&header);
    thrift_end(&header);
    place->data_offset = writer->offset;
    place->raw_bytes += chunk->raw_bytes;
    put_page(writer, buffer_view(&out), body, place);
}

/* The chunk collects the dictionary as it collects its values afterwards. */
static void put_dictionary(ParquetWriter *writer, ParquetChunk *chunk, ChunkPlace *place)
{
    const ParquetColumn *column = chunk->column;
    for (int i = 0; i < column->word_count; i++) {
        uint8_t bytes[4];
        size_t length = strlen(column->words[i]);
        encode(length, 4, bytes);
        chunk_add(chunk, bytes, sizeof bytes);
        chunk_add(chunk, column->words[i], length);
    }
    AUTO_BUFFER out;
    buffer_init(&out, HEADER_BYTES_MAX);
    Text body = buffer_view(&chunk->page);
    ThriftWriter header;
    begin_header(&header, DICTIONARY_PAGE, chunk->raw_bytes, body, &out);
    thrift_begin_struct(&header, 7);
    thrift_i32(&header, 1, column->word_count);
    thrift_i32(&header, 2, PLAIN);
    thrift_end(&header);
    thrift_end(&header);
    place->dictionary_offset = writer->offset;
    place->raw_bytes += chunk->raw_bytes;
    put_page(writer, buffer_view(&out), body, place);
    buffer_reset(&chunk->page);
    chunk->raw_bytes = 0;
}

/* "The bit width used to encode the entry ids stored as 1 byte (max bit width = 32), followed by
 * the values encoded using RLE/Bit packed" (Encodings.md), here as one bit-packed run: "(count / 8)
 * << 1 | 1", then each value in so many bits, the lowest first. */
static void pack_numbers(ParquetChunk *chunk)
{
    int width = 1;
    while (1 << width < chunk->column->word_count) {
        width++;
    }
    uint32_t eights = ((uint32_t)chunk->value_count + 7) / 8;
    AUTO_BUFFER packed;
    buffer_init(&packed, PARQUET_ROWS_MAX);
    buffer_byte(&packed, (char)width);
    thrift_varint(&packed, (uint64_t)eights << 1 | 1);
    for (uint32_t eight = 0; eight < eights; eight++) {
        uint64_t bits = 0;
        for (uint32_t i = 0; i < 8; i++) {
            uint32_t row = eight * 8 + i;
            uint64_t number = row < (uint32_t)chunk->value_count ? chunk->numbers[row] : 0;
            bits |= number << (i * (uint32_t)width);
        }
        uint8_t bytes[8];
        encode(bits, width, bytes);
        buffer_append(&packed, bytes, (size_t)width);
    }
    chunk_add(chunk, packed.bytes, packed.length);
}

static void describe_limit(ThriftWriter *out, int id, ParquetType type, double value)
{
    uint8_t bytes[8];
    int size = encode_number(type, value, bytes);
    thrift_binary(out, id, (Text){(const char *)bytes, (size_t)size});
}

/* "If the min is +0, the row group may contain -0 values as well", so a writer puts the sign that
 * covers both (parquet.thrift, ColumnOrder). */
static void describe_numbers(ThriftWriter *out, const ParquetChunk *chunk)
{
    bool floating = chunk->column->type != PARQUET_INT32;
    double maximum = floating && chunk->maximum == 0 ? 0.0 : chunk->maximum;
    double minimum = floating && chunk->minimum == 0 ? -0.0 : chunk->minimum;
    describe_limit(out, 5, chunk->column->type, maximum);
    describe_limit(out, 6, chunk->column->type, minimum);
}

static void describe_words(ThriftWriter *out, const ParquetChunk *chunk)
{
    const char *const *words = chunk->column->words;
    const char *first = words[chunk->numbers[0]];
    const char *last = first;
    for (int32_t i = 1; i < chunk->value_count; i++) {
        const char *word = words[chunk->numbers[i]];
        first = strcmp(word, first) < 0 ? word : first;
        last = strcmp(word, last) > 0 ? word : last;
    }
    thrift_binary(out, 5, text_of(last));
    thrift_binary(out, 6, text_of(first));
}

static void describe_statistics(ThriftWriter *out, const ParquetChunk *chunk)
{
    thrift_begin_struct(out, 12);
    thrift_i64(out, 3, 0); /* nulls */
    if (chunk->column->words != NULL) {
        describe_words(out, chunk);
    } else if (chunk->column->type != PARQUET_BYTES) {
        describe_numbers(out, chunk);
    }
    thrift_end(out);
}

/* A ColumnChunk. */
static void describe_chunk(ThriftWriter *out, const ParquetChunk *chunk, const ChunkPlace *place)
{
    bool words = chunk->column->words != NULL;
    thrift_element_begin_struct(out);
    thrift_i64(out, 2, 0); /* "writers should set this field to 0" */
    thrift_begin_struct(out, 3);
    thrift_i32(out, 1, chunk->column->type);
    thrift_begin_list(out, 2, THRIFT_I32, words ? 2 : 1);
    thrift_element_i32(out, PLAIN);
    if (words) {
        thrift_element_i32(out, RLE_DICTIONARY);
    }
    thrift_begin_list(out, 3, THRIFT_BINARY, chunk->group != NULL ? 2 : 1);
    if (chunk->group != NULL) {
        thrift_element_binary(out, text_of(chunk->group));
    }
    thrift_element_binary(out, text_of(chunk->column->name));
    thrift_i32(out, 4, chunk->column->compressed ? GZIP : UNCOMPRESSED);
    thrift_i64(out, 5, chunk->value_count);
    thrift_i64(out, 6, place->raw_bytes);
    thrift_i64(out, 7, place->stored_bytes);
    thrift_i64(out, 9, place->data_offset);
    if (words) {
        thrift_i64(out, 11, place->dictionary_offset);
    }
    describe_statistics(out, chunk);
    thrift_end(out);
    thrift_end(out);
}

static ChunkPlace put_chunk(ParquetWriter *writer, ParquetChunk *chunk)
{
    ChunkPlace place = {.dictionary_offset = -1};
    assert(chunk->value_count == writer->group_rows && chunk->due_bytes == 0);
    if (chunk->column->words != NULL) {
        put_dictionary(writer, chunk, &place);
        pack_numbers(chunk);
    }
    if (chunk->column->compressed) {
        deflate_staged(chunk, Z_FINISH);
        deflateReset(&chunk->deflater);
    }
    put_data_page(writer, chunk, &place);
    return place;
}

static void chunk_restart(ParquetChunk *chunk)
{
    buffer_reset(&chunk->page);
    chunk->raw_bytes = 0;
    chunk->value_count = 0;
}

static void end_group(ParquetWriter *writer)
{
    ThriftWriter out;
    int64_t begin = writer->offset;
    int64_t raw_bytes = 0;
    thrift_init(&out, &writer->groups);
    thrift_begin_list(&out, 1, THRIFT_STRUCT, (uint32_t)writer->chunk_count);
    for (int i = 0; i < writer->chunk_count; i++) {
        ParquetChunk *chunk = &writer->chunks[i];
        ChunkPlace place = put_chunk(writer, chunk);
        raw_bytes += place.raw_bytes;
        describe_chunk(&out, chunk, &place);
        chunk_restart(chunk);
    }
    thrift_i64(&out, 2, raw_bytes);
    thrift_i64(&out, 3, writer->group_rows);
    thrift_i64(&out, 5, begin);
    thrift_i64(&out, 6, writer->offset - begin);
    thrift_end(&out);
    writer->group_rows = 0;
    writer->group_count++;
}

void parquet_end_row(ParquetWriter *writer)
{
    writer->row_count++;
    writer->group_rows++;
    int64_t raw_bytes = 0;
    for (int i = 0; i < writer->chunk_count; i++) {
        assert(writer->chunks[i].value_count == writer->group_rows);
        raw_bytes += writer->chunks[i].raw_bytes;
    }
    if (writer->group_rows == PARQUET_ROWS_MAX || raw_bytes >= PARQUET_GROUP_BYTES_MAX) {
        end_group(writer);
    }
}

/* A SchemaElement. */
static void describe_column(ThriftWriter *out, const ParquetColumn *column)
{
    thrift_element_begin_struct(out);
    if (column->type != PARQUET_GROUP) {
        thrift_i32(out, 1, column->type);
    }
    thrift_i32(out, 3, REQUIRED);
    thrift_binary(out, 4, text_of(column->name));
    if (column->type == PARQUET_GROUP) {
        thrift_i32(out, 5, column->child_count);
    }
    if (column->words != NULL) {
        thrift_i32(out, 6, UTF8);
        thrift_begin_struct(out, 10); /* LogicalType, */
        thrift_begin_struct(out, 1);  /* of which 1 is STRING */
        thrift_end(out);
        thrift_end(out);
    }
    thrift_end(out);
}

static void describe_schema(ThriftWriter *out, const ParquetWriter *writer)
{
    int children = writer->column_count;
    for (int i = 0; i < writer->column_count; i++) {
        children -= writer->columns[i].child_count;
    }
    thrift_begin_list(out, 2, THRIFT_STRUCT, (uint32_t)writer->column_count + 1);
    thrift_element_begin_struct(out);
    thrift_binary(out, 4, TEXT("schema"));
    thrift_i32(out, 5, children);
    thrift_end(out);
    for (int i = 0; i < writer->column_count; i++) {
        describe_column(out, &writer->columns[i]);
    }
}

/* A FileMetaData. */
static void describe_file(const ParquetWriter *writer, const ParquetNote *note, Buffer *footer)
{
    ThriftWriter out;
    thrift_init(&out, footer);
    thrift_i32(&out, 1, FORMAT_VERSION);
    describe_schema(&out, writer);
    thrift_i64(&out, 3, writer->row_count);
    thrift_begin_list(&out, 4, THRIFT_STRUCT, writer->group_count);
    buffer_text(footer, buffer_view(&writer->groups));
    thrift_begin_list(&out, 5, THRIFT_STRUCT, 1);
    thrift_element_begin_struct(&out);
    thrift_binary(&out, 1, text_of(note->key));
    thrift_binary(&out, 2, note->value);
    thrift_end(&out);
    thrift_binary(&out, 6, TEXT("slideway"));
    thrift_begin_list(&out, 7, THRIFT_STRUCT, (uint32_t)writer->chunk_count);
    for (int i = 0; i < writer->chunk_count; i++) {
        thrift_element_begin_struct(&out); /* ColumnOrder, */
        thrift_begin_struct(&out, 1);      /* of which 1 is the order of the type */
        thrift_end(&out);
        thrift_end(&out);
    }
    thrift_end(&out);
}

void parquet_end(ParquetWriter *writer, const ParquetNote *note)
{
    if (writer->group_rows > 0) {
        end_group(writer);
    }
    AUTO_BUFFER footer;
    buffer_init(&footer, FOOTER_BYTES_MAX);
    describe_file(writer, note, &footer);
    assert(!footer.overflow && !writer->groups.overflow);
    put(writer, footer.bytes, footer.length);
    uint8_t length[4];
    encode(footer.length, 4, length);
    put(writer, length, sizeof length);
    put(writer, MAGIC, MAGIC_BYTES);
}
