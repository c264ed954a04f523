/* SPDX-License-Identifier: Apache-2.0 */
/* Equality of JSON values; see equal.h. */
#include "json/equal.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <string.h>

/* long double holds every int64 and every double exactly. */
static_assert(LDBL_MANT_DIG >= 64, "a comparison of numbers must be exact");

static const uint64_t FNV_START = 0xCBF29CE484222325U;
static const uint64_t FNV_FACTOR = 0x100000001B3U;

static long double number_of(const json_t *value)
{
    return json_is_integer(value) ? (long double)json_integer_value(value)
                                  : (long double)json_real_value(value);
}

int number_compare(const json_t *a, const json_t *b)
{
    long double left = number_of(a);
    long double right = number_of(b);
    return (left > right) - (left < right);
}

bool number_is_integer(const json_t *value)
{
    return json_is_integer(value) ||
           (json_is_real(value) && json_real_value(value) == floor(json_real_value(value)));
}

static bool arrays_equal(const json_t *a, const json_t *b)
{
    if (json_array_size(a) != json_array_size(b)) {
        return false;
    }
    for (size_t i = 0; i < json_array_size(a); i++) {
        if (!value_equal(json_array_get(a, i), json_array_get(b, i))) {
            return false;
        }
    }
    return true;
}

static bool objects_equal(const json_t *a, const json_t *b)
{
    if (json_object_size(a) != json_object_size(b)) {
        return false;
    }
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)a, key, value)
    {
        const json_t *other = json_object_get(b, key);
        if (other == NULL || !value_equal(value, other)) {
            return false;
        }
    }
    return true;
}

bool value_equal(const json_t *a, const json_t *b)
{
    if (json_is_number(a) && json_is_number(b)) {
        return number_compare(a, b) == 0;
    }
    if (json_typeof(a) != json_typeof(b)) {
        return false;
    }
    if (json_is_array(a)) {
        return arrays_equal(a, b);
    }
    return json_is_object(a) ? objects_equal(a, b) : json_equal(a, b) != 0;
}

static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t length)
{
    const unsigned char *byte = bytes;
    for (size_t i = 0; i < length; i++) {
        hash = (hash ^ byte[i]) * FNV_FACTOR;
    }
    return hash;
}

/* The order of the members does not count. */
static uint64_t hash_object(const json_t *object)
{
    uint64_t sum = 0;
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)object, key, value)
    {
        sum += (hash_bytes(FNV_START, key, strlen(key)) ^ value_hash(value)) * FNV_FACTOR;
    }
    return sum;
}

static uint64_t hash_array(const json_t *array)
{
    uint64_t hash = FNV_START;
    for (size_t i = 0; i < json_array_size(array); i++) {
        hash = (hash ^ value_hash(json_array_get(array, i))) * FNV_FACTOR;
    }
    return hash;
}

uint64_t value_hash(const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return hash_object(value);
    case JSON_ARRAY:
        return hash_array(value);
    case JSON_STRING:
        return hash_bytes(FNV_START, json_string_value(value), json_string_length(value));
    case JSON_INTEGER:
    case JSON_REAL: {
        double number = json_number_value(value) + 0.0; /* -0.0 becomes 0.0 */
        return hash_bytes(FNV_START + 1, &number, sizeof number);
    }
    case JSON_TRUE:
    case JSON_FALSE:
    case JSON_NULL:
        break;
    }
    return FNV_START + 2 + (uint64_t)json_typeof(value);
}
