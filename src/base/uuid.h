/* SPDX-License-Identifier: Apache-2.0 */
/* UUIDs: version 7 (RFC 9562), so that keys of one time lie together in an index. Nothing is
 * ordered by one. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/text.h"

enum { UUID_TEXT_BYTES = 37 };

/* A UUID as lower-case text "018f…-…" with its NUL. */
typedef struct Uuid {
    char text[UUID_TEXT_BYTES];
} Uuid;

Uuid uuid_create(const Clock *clock);
/* Reads the canonical form, any case, and writes it in lower case; false when it is none. */
bool uuid_parse(Text text, Uuid *uuid_out);
