/* SPDX-License-Identifier: Apache-2.0 */
/* JSON values compared as JSON Schema does: numbers by what they mean, objects without an order. */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* 1 equals 1.0; true equals neither. */
bool value_equal(const json_t *a, const json_t *b);
/* Equal values have equal hashes. */
uint64_t value_hash(const json_t *value);
/* -1, 0 or 1; exact for any two numbers that jansson holds. */
int number_compare(const json_t *a, const json_t *b);
/* A number without a fraction, such as 1 or 1.0. */
bool number_is_integer(const json_t *value);
