/* SPDX-License-Identifier: Apache-2.0 */
/* Writing errors; see oauth_error.h. */
#include "identity/oauth_error.h"

void oauth_error(Response *response, const char *code, const char *description)
{
    JsonWriter writer;
    response_begin(response, 400, &writer);
    response->no_store = true;
    writer_begin_object(&writer);
    writer_key_string(&writer, "error", code);
    writer_key_string(&writer, "error_description", description);
    writer_end_object(&writer);
}
