/* SPDX-License-Identifier: Apache-2.0 */
/* Idempotency keys; see idempotency.h. */
#include "runs/idempotency.h"

#include <openssl/sha.h>
#include <stdio.h>

#include "base/limits.h"

static bool is_key(Text key)
{
    for (size_t i = 0; i < key.length; i++) {
        if (key.bytes[i] <= ' ' || key.bytes[i] > '~') {
            return false;
        }
    }
    return key.length > 0 && key.length <= IDEMPOTENCY_KEY_CHARACTERS_MAX;
}

/* SHA-256 in hex. */
static const char *digest_of(Text body, Arena *arena)
{
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)body.bytes, body.length, digest);
    char *hex = arena_alloc(arena, 2 * sizeof digest + 1);
    for (size_t i = 0; i < sizeof digest; i++) {
        snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    }
    return hex;
}

void idempotency_bind(Request *request, Parameters *parameters, Problems *problems)
{
    Text key = request->headers.idempotency_key;
    if (key.bytes == NULL) {
        parameters_add(parameters, NULL);
        parameters_add(parameters, NULL);
        return;
    }
    if (!is_key(key)) {
        problems_add(problems, "string_pattern_mismatch", "\"header\",\"idempotency-key\"",
                     arena_format(&request->arena,
                                  "Input should be 1 to %d visible ASCII characters",
                                  IDEMPOTENCY_KEY_CHARACTERS_MAX),
                     NULL);
        parameters_add(parameters, NULL);
        parameters_add(parameters, NULL);
        return;
    }
    parameters_add(parameters, arena_string(&request->arena, key));
    parameters_add(parameters, digest_of(request->body, &request->arena));
}
