/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An application's manifest: application.json in the folder of one version. docs/applications.md
 * describes it for its authors. Everything is checked when it is read.
 */
#pragma once
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/error.h"

typedef struct ManifestLimits {
    int64_t memory_bytes; /* of the whole process tree */
    int64_t time_seconds;
    int64_t processes;
    int64_t output_bytes;
    int64_t cpus; /* cores and … */
    int64_t gpus; /* … devices that a cluster sets aside for it */
} ManifestLimits;

/* Rules for whole runs; MANIFEST_NO_RULE where the application has none. */
enum { MANIFEST_NO_RULE = -1 };
typedef struct ManifestScheduling {
    int64_t error_threshold;      /* more items of a run that end in error cancel it */
    int64_t deadline_seconds_min; /* the shortest time from submission to deadline */
} ManifestScheduling;

/* Strings are borrowed from `root`. */
typedef struct Manifest {
    json_t *root;
    const char *application_id;
    const char *name;
    const char *description;
    const char *version_number;
    const char *changelog;
    const char *released_at;
    const json_t *regulatory_classes;
    const json_t *input_artifacts;
    const json_t *output_artifacts;
    const json_t *command;   /* at least one string */
    const json_t *documents; /* see documents.h; may be NULL */
    ManifestLimits limits;
    ManifestScheduling scheduling;
} Manifest;

/* Reads FOLDER/application.json; the error names the field that is wrong. */
MUST_CHECK bool manifest_read(const char *folder, Manifest *manifest_out, Error *error);
/* Whether each metadata_schema is a schema of draft-07; manifest_read asks it too. */
MUST_CHECK bool manifest_check_schemas(const Manifest *manifest, Error *error);
/* The manifest of a registered version from its text: its schemas are known to be good. */
MUST_CHECK bool manifest_parse(const char *json_text, Manifest *manifest_out, Error *error);
/* The same once more, for another owner, maybe another thread: both only read. To be cleared too.
 */
Manifest manifest_share(const Manifest *manifest);
void manifest_clear(Manifest *manifest);
#define AUTO_MANIFEST CLEANUP(manifest_clear) Manifest

/* The shape that clients check in the media types of artifacts and documents. */
bool mime_type_is_valid(const char *mime_type);
/* The declared artifact of that name, or NULL. */
const json_t *manifest_output(const Manifest *manifest, const char *name);
