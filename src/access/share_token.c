/* SPDX-License-Identifier: Apache-2.0 */
/* Making and hashing share tokens; see share_token.h. */
#include "access/share_token.h"

Secret share_token_create(const Clock *clock)
{
    return secret_create(clock, "shr_");
}

const char *share_token_hash(Text token, Arena *arena)
{
    SecretHash hash = secret_hash(token);
    return arena_string(arena, text_of(hash.hex));
}
