/* SPDX-License-Identifier: Apache-2.0 */
/* Signed URLs of artifacts; see artifact_url.h. */
#include "runs/artifact_url.h"

#include <string.h>

#include "http/server.h"

enum { DOWNLOAD_SECONDS = 3600 };

/* "tissue_qc:geojson_polygons" is offered as "tissue_qc_geojson_polygons". */
static const char *file_name_of(Request *request, const char *artifact_name)
{
    char *name = arena_string(&request->arena, text_of(artifact_name));
    for (char *colon = strchr(name, ':'); colon != NULL; colon = strchr(colon, ':')) {
        *colon = '_';
    }
    return name;
}

const char *artifact_url(Request *request, const char *object_key, const char *artifact_name)
{
    return server_sign_download(request, object_key, file_name_of(request, artifact_name),
                                DOWNLOAD_SECONDS);
}
