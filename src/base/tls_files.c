/* SPDX-License-Identifier: Apache-2.0 */
/* Which files go together; see tls_files.h. */
#include "base/tls_files.h"

#include <stddef.h>

bool tls_file_given(const char *file)
{
    return file != NULL && file[0] != '\0';
}

bool tls_files_check(const TlsFiles *files, const char *settings, Error *error)
{
    return tls_file_given(files->certificate) == tls_file_given(files->key) ||
           error_set(error, ERROR_INVALID,
                     "%s_CERTIFICATE_FILE and %s_KEY_FILE are given together, or neither", settings,
                     settings);
}
