/* SPDX-License-Identifier: Apache-2.0 */
/* Which files go together; see tls_files.h. */
#include "base/tls_files.h"

#include "base/text.h"

bool tls_files_check(const TlsFiles *files, const char *settings, Error *error)
{
    return string_is_given(files->certificate) == string_is_given(files->key) ||
           error_set(error, ERROR_INVALID,
                     "%s_CERTIFICATE_FILE and %s_KEY_FILE are given together, or neither", settings,
                     settings);
}
