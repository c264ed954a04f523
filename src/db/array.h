/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arrays as PostgreSQL reads them in a parameter: {"a","b",NULL}. Written element by element, then
 * taken as one string (PostgreSQL 15 manual, 8.15.2 "Array Value Input").
 */
#pragma once
#include "base/arena.h"
#include "base/buffer.h"

typedef struct ArrayWriter {
    Buffer text;
    int count;
} ArrayWriter;

/* Past `bytes_max` the buffer overflows; array_take then gives NULL. */
void array_init(ArrayWriter *array, size_t bytes_max);
void array_clear(ArrayWriter *array);
#define AUTO_ARRAY CLEANUP(array_clear) ArrayWriter

void array_add(ArrayWriter *array, Text element);
/* NULL becomes SQL's null. */
void array_add_string(ArrayWriter *array, const char *element);
void array_add_number(ArrayWriter *array, int64_t element);

/* Closes the array: its text, which lives as long as the writer; NULL when it became too large. */
const char *array_finish(ArrayWriter *array);
/* The array, in the arena; the writer is empty afterwards. NULL when it became too large. */
const char *array_take(ArrayWriter *array, Arena *arena);
