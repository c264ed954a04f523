/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documents of a version: files beside its manifest that explain it, under "documents" in it. When
 * the version is registered they are copied into the object store, from where they are served.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>

#include "applications/manifest.h"
#include "objectstore/settings.h"

/* Checks the list, which may be absent (NULL): names that differ, paths inside the folder. */
MUST_CHECK bool documents_check(const json_t *documents, Error *error);
/* Copies the files of `folder` into the object store. *json_out (AUTO_FREE) is what store_documents
 * in migrations/0006_access.sql takes. */
MUST_CHECK bool documents_put(const Manifest *manifest,
                              const char *folder,
                              const StoreSettings *store_settings,
                              char **json_out,
                              Error *error);
