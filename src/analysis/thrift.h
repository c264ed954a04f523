/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes structs in Thrift's compact protocol, the form of all metadata in a Parquet file:
 * https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
 *
 * Fields of a struct are written in the ascending order of their ids. The outermost struct begins
 * with thrift_init; each struct ends with thrift_end.
 */
#pragma once
#include <stdint.h>

#include "base/buffer.h"

/* Of the elements of a list, as the protocol numbers them. */
typedef enum ThriftType { THRIFT_I32 = 5, THRIFT_BINARY = 8, THRIFT_STRUCT = 12 } ThriftType;

enum { THRIFT_DEPTH_MAX = 8 };

typedef struct ThriftWriter {
    Buffer *out;
    int depth;
    int last_ids[THRIFT_DEPTH_MAX]; /* the last field of each open struct */
} ThriftWriter;

void thrift_init(ThriftWriter *writer, Buffer *out);
void thrift_end(ThriftWriter *writer);

void thrift_i32(ThriftWriter *writer, int id, int32_t value);
void thrift_i64(ThriftWriter *writer, int id, int64_t value);
void thrift_binary(ThriftWriter *writer, int id, Text value);
void thrift_begin_struct(ThriftWriter *writer, int id);
/* `count` elements follow: thrift_element_…, or whole structs of their own. */
void thrift_begin_list(ThriftWriter *writer, int id, ThriftType type, uint32_t count);

void thrift_element_i32(ThriftWriter *writer, int32_t value);
void thrift_element_binary(ThriftWriter *writer, Text value);
void thrift_element_begin_struct(ThriftWriter *writer);

/* An unsigned integer of 1 to 10 bytes with seven bits each, the lowest first. */
void thrift_varint(Buffer *out, uint64_t value);
