/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Secrets that the platform makes (codes, cookies, refresh tokens, keys): 256 random bits, known to
 * the database by their hash alone. For so many bits a plain hash is enough.
 */
#pragma once
#include <stdbool.h>

#include "base/clock.h"
#include "base/text.h"

/* What an API key begins with, so that it is told from a JWT, and found where it leaks. */
#define API_KEY_PREFIX "slk_"

enum { SECRET_BYTES = 64, SECRET_HASH_BYTES = 65 };

typedef struct Secret {
    char text[SECRET_BYTES]; /* the prefix and 43 characters of base64url */
} Secret;

typedef struct SecretHash {
    char hex[SECRET_HASH_BYTES]; /* SHA-256 */
} SecretHash;

/* `prefix` says what it is, "slk_"; at most 16 characters. */
Secret secret_create(const Clock *clock, const char *prefix);
/* Any text has one. */
SecretHash secret_hash(Text secret);
/* In a time that does not depend on where they differ. */
bool secret_equal(Text a, Text b);
