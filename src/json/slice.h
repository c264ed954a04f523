/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slices of JSON text: walks over the members of an object or the elements of an array and gives
 * each value as the text that was sent, untouched. The text must have passed document_parse; of any
 * other one the slices mean nothing, but they are parts of it.
 */
#pragma once
#include <stdbool.h>

#include "base/text.h"

/* The value of a member of the object `json`; bytes == NULL when there is none. Keys are compared
 * as they are written, without escapes. */
Text slice_member(Text json, const char *key);
/* Walks an array: *rest starts as the array's text; false at its end. */
bool slice_next_element(Text *rest, Text *element_out);
/* Without the white space at the front. */
Text slice_skip_space(Text json);
/* Takes the value at the front of *rest and the white space behind it. */
Text slice_take(Text *rest);
/* How many values the text holds, itself and all within; an empty container counts as two. */
size_t slice_value_count(Text json);
/* Whether no number in it has more than NUMBER_DECIMALS_MAX decimals or a larger exponent than
 * NUMBER_EXPONENT_MAX. */
bool slice_numbers_fit(Text json);
