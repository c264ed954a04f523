/* SPDX-License-Identifier: Apache-2.0 */
/* Files of PEM by which one side of a TLS connection that we open is known to the other. */
#pragma once
#include <stdbool.h>

#include "base/attributes.h"
#include "base/error.h"

/* Empty texts and NULL count as not given. */
typedef struct TlsFiles {
    const char *authorities; /* that the server's certificate is trusted by; none: the system's */
    const char *certificate; /* our own; none: we have none to show */
    const char *key;         /* its private key */
} TlsFiles;

/* A certificate and its key come together. `settings` is what the names of their settings begin
 * with: "SLIDEWAY_S3". */
MUST_CHECK bool tls_files_check(const TlsFiles *files, const char *settings, Error *error);
