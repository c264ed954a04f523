/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One small document by HTTP from a host that the operator has named: bounded in size and time, no
 * redirects, certificates checked against the authorities that the machine trusts, or those that
 * are given.
 */
#pragma once
#include <stdatomic.h>
#include <stdbool.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/error.h"
#include "base/tls_files.h"

/* Once, before any thread starts. */
void fetch_global_init(void);
/* A CURLOPT_WRITEFUNCTION: appends to the Buffer `body`, and ends the call when that is full. */
size_t fetch_keep_body(char *bytes, size_t size, size_t count, void *body);
/* The answer's body, at most as long as the buffer may be. Blocks. `tls` is a TlsFiles. `abort` is
 * set by another thread and may be NULL. ERROR_UNAVAILABLE unless the status is 200. */
MUST_CHECK bool fetch_document(
    const void *tls, const char *url, const atomic_bool *abort, Buffer *body_out, Error *error);
