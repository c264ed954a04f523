/* SPDX-License-Identifier: Apache-2.0 */
/* The compact protocol; see thrift.h. */
#include "analysis/thrift.h"

#include <assert.h>

/* Types of fields that are no elements, and what short headers hold. */
enum { TYPE_I64 = 6, TYPE_LIST = 9, FIELD_DELTA_MAX = 15, LIST_SHORT_MAX = 14 };

void thrift_varint(Buffer *out, uint64_t value)
{
    while (value >= 0x80) {
        buffer_byte(out, (char)(uint8_t)(value | 0x80));
        value >>= 7;
    }
    buffer_byte(out, (char)(uint8_t)value);
}

/* Small numbers of either sign become small unsigned ones. */
static void zigzag(Buffer *out, int64_t value)
{
    uint64_t sign = value < 0 ? UINT64_MAX : 0;
    thrift_varint(out, ((uint64_t)value << 1) ^ sign);
}

static void begin_struct(ThriftWriter *writer)
{
    assert(writer->depth < THRIFT_DEPTH_MAX);
    writer->last_ids[writer->depth++] = 0;
}

/* "The field id delta … if it is larger than 0 and smaller than or equal to 15": no struct of
 * Parquet leaves out so many. */
static void field(ThriftWriter *writer, int id, int type)
{
    int *last_id = &writer->last_ids[writer->depth - 1];
    int delta = id - *last_id;
    assert(delta > 0 && delta <= FIELD_DELTA_MAX);
    buffer_byte(writer->out, (char)(uint8_t)(delta << 4 | type));
    *last_id = id;
}

void thrift_init(ThriftWriter *writer, Buffer *out)
{
    *writer = (ThriftWriter){.out = out};
    begin_struct(writer);
}

void thrift_end(ThriftWriter *writer)
{
    assert(writer->depth > 0);
    writer->depth--;
    buffer_byte(writer->out, 0);
}

void thrift_i32(ThriftWriter *writer, int id, int32_t value)
{
    field(writer, id, THRIFT_I32);
    zigzag(writer->out, value);
}

void thrift_i64(ThriftWriter *writer, int id, int64_t value)
{
    field(writer, id, TYPE_I64);
    zigzag(writer->out, value);
}

void thrift_binary(ThriftWriter *writer, int id, Text value)
{
    field(writer, id, THRIFT_BINARY);
    thrift_element_binary(writer, value);
}

void thrift_begin_struct(ThriftWriter *writer, int id)
{
    field(writer, id, THRIFT_STRUCT);
    begin_struct(writer);
}

void thrift_begin_list(ThriftWriter *writer, int id, ThriftType type, uint32_t count)
{
    field(writer, id, TYPE_LIST);
    if (count <= LIST_SHORT_MAX) {
        buffer_byte(writer->out, (char)(uint8_t)(count << 4 | (uint32_t)type));
        return;
    }
    buffer_byte(writer->out, (char)(uint8_t)(0xf0 | (uint32_t)type));
    thrift_varint(writer->out, count);
}

void thrift_element_i32(ThriftWriter *writer, int32_t value)
{
    zigzag(writer->out, value);
}

void thrift_element_binary(ThriftWriter *writer, Text value)
{
    thrift_varint(writer->out, value.length);
    buffer_text(writer->out, value);
}

void thrift_element_begin_struct(ThriftWriter *writer)
{
    begin_struct(writer);
}
