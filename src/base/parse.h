/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers from text: the whole text must be the number, within the bounds. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

bool parse_int64(Text text, int64_t minimum, int64_t maximum, int64_t *value_out);
/* Finite decimal numbers only. */
bool parse_double(Text text, double *value_out);
/* RFC 3339 date-time with an offset, to microseconds since 1970 UTC. */
bool parse_timestamp(Text text, int64_t *at_us_out);
