/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a download puts an artifact: a folder for each item, a file for each artifact. Names come
 * from a client's external ids and an application's manifest, so nothing in them is trusted: the
 * result is one plain file name, never a path.
 */
#pragma once
#include <stddef.h>

#include "base/attributes.h"

/* The external id itself when it is a plain name, else what is plain of it, '~' and the end of the
 * item's id: no plain name has a '~', so two items never share a folder. */
MUST_CHECK char *item_folder_name(const char *external_id, const char *item_id);

/* "tissue_qc:geojson_polygons" of application/geo+json → "tissue_qc_geojson_polygons.json"; a name
 * that an earlier artifact of the item has (`taken`) gets '~' and the artifact's place. */
MUST_CHECK char *artifact_file_name(const char *name,
                                    const char *media_type,
                                    char *const *taken,
                                    size_t taken_count);
