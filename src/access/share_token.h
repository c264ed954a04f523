/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Share tokens: secrets that let whoever holds one see a run. The secret is made here, shown once,
 * and known to the database by its hash alone. It has 256 random bits, so that a plain hash is
 * enough.
 */
#pragma once
#include "base/arena.h"
#include "base/clock.h"
#include "base/text.h"

enum { SHARE_TOKEN_BYTES = 64 };

typedef struct ShareToken {
    char text[SHARE_TOKEN_BYTES]; /* "shr_" and 43 characters of base64url */
} ShareToken;

ShareToken share_token_create(const Clock *clock);
/* SHA-256 in hex; any text has one. */
const char *share_token_hash(Text token, Arena *arena);
