/* SPDX-License-Identifier: Apache-2.0 */
/* Share tokens: secrets that let whoever holds one see a run, shown once. */
#pragma once
#include "auth/secret.h"
#include "base/arena.h"

/* "shr_" and 43 characters of base64url. */
Secret share_token_create(const Clock *clock);
/* SHA-256 in hex; any text has one. */
const char *share_token_hash(Text token, Arena *arena);
