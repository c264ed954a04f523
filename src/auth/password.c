/* SPDX-License-Identifier: Apache-2.0 */
/* Hashing and checking passwords; see password.h. */
#include "auth/password.h"

#include <argon2.h>

enum { PASSES = 3, MEMORY_KIB = 64 * 1024, LANES = 1, SALT_BYTES = 16, TAG_BYTES = 32 };

/* Of a password that nobody knows, so that a user who does not exist takes as long as one who
 * does. */
#define NOBODY                                                                                     \
    "$argon2id$v=19$m=65536,t=3,p=1$AAAAAAAAAAAAAAAAAAAAAA$"                                       \
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

bool password_hash(Text password, const Clock *clock, PasswordHash *hash_out, Error *error)
{
    if (password.length < PASSWORD_BYTES_MIN || password.length > PASSWORD_BYTES_MAX) {
        return error_set(error, ERROR_INVALID, "a password has %d to %d bytes", PASSWORD_BYTES_MIN,
                         PASSWORD_BYTES_MAX);
    }
    unsigned char salt[SALT_BYTES];
    clock_random_bytes(clock, salt, sizeof salt);
    int failed =
        argon2id_hash_encoded(PASSES, MEMORY_KIB, LANES, password.bytes, password.length, salt,
                              sizeof salt, TAG_BYTES, hash_out->text, sizeof hash_out->text);
    return failed == ARGON2_OK || error_set(error, ERROR_INTERNAL, "cannot hash the password: %s",
                                            argon2_error_message(failed));
}

bool password_fits(Text password, const char *hash)
{
    if (password.length > PASSWORD_BYTES_MAX) {
        return false;
    }
    bool fits =
        argon2id_verify(hash == NULL ? NOBODY : hash, password.bytes, password.length) == ARGON2_OK;
    return fits && hash != NULL;
}
