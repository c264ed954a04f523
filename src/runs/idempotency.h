/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Idempotency keys: a caller that repeats a request because it did not see the answer sends the
 * same Idempotency-Key and gets the same run. Kept for 24 hours, see
 * db/migrations/0007_idempotency.sql.
 */
#pragma once
#include "db/statement.h"
#include "http/request.h"
#include "http/response.h"

/* Adds the key and the digest of the body (two nulls without a key); a key that is no 1 to 255
 * visible ASCII characters becomes a problem. */
void idempotency_bind(Request *request, Parameters *parameters, Problems *problems);
