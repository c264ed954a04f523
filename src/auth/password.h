/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Passwords of local users by Argon2id (RFC 9106, the second recommended option: 64 MiB, three
 * passes, here on one lane). Both functions take about a tenth of a second and all of that memory:
 * never on a loop.
 */
#pragma once
#include <stdbool.h>

#include "base/attributes.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/text.h"

enum { PASSWORD_BYTES_MIN = 8, PASSWORD_BYTES_MAX = 256, PASSWORD_HASH_BYTES = 128 };

typedef struct PasswordHash {
    char text[PASSWORD_HASH_BYTES]; /* "$argon2id$v=19$…", with its salt and parameters */
} PasswordHash;

/* ERROR_INVALID for a password that is too short or too long. */
MUST_CHECK bool
password_hash(Text password, const Clock *clock, PasswordHash *hash_out, Error *error);
/* NULL is the hash of nobody: it takes as long, and nothing fits. */
MUST_CHECK bool password_fits(Text password, const char *hash);
