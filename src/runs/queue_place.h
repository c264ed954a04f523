/* SPDX-License-Identifier: Apache-2.0 */
/* Queue positions in answers: an integer while something waits, else null. */
#pragma once
#include "base/queue_curve.h"
#include "json/writer.h"

static inline void queue_place_write(JsonWriter *writer, const char *key, const int *position)
{
    if (position == NULL) {
        writer_key_string(writer, key, NULL);
    } else {
        writer_key_integer(writer, key, *position);
    }
}
