/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the request of the worker; see input.h. */
#include "exchange/input.h"

#include <math.h>
#include <string.h>

enum { INPUT_BYTES_MAX = 1024 * 1024 };

/* Two programs may round the resolution of one file differently, but not by so much. */
static const double RESOLUTION_TOLERANCE = 0.05;

void input_clear(Input *input)
{
    json_decref(input->root);
    *input = (Input){.root = NULL};
}

bool input_read(const char *path, Input *input_out, Error *error)
{
    AUTO_INPUT input = {.root = NULL};
    if (!document_read(path, INPUT_BYTES_MAX, &input.root, error)) {
        error->code = ERROR_INTERNAL; /* the platform wrote it, not who sent the slide */
        return false;
    }
    const json_t *artifact = json_array_get(json_object_get(input.root, "input_artifacts"), 0);
    input.version_number = document_string(input.root, "version_number");
    input.attempt_id = document_string(input.root, "attempt_id");
    input.item_id = document_string(input.root, "item_id");
    input.external_id = document_string(input.root, "external_id");
    input.slide_path = document_string(artifact, "path");
    input.metadata = json_object_get(artifact, "metadata");
    if (input.attempt_id == NULL || input.slide_path == NULL || !json_is_object(input.metadata)) {
        return error_set(error, ERROR_INTERNAL, "'%s' names no attempt or no slide", path);
    }
    *input_out = input;
    input.root = NULL;
    return true;
}

static bool
side_matches(const Input *input, const char *key, const char *side, int64_t found, Error *error)
{
    const json_t *expected = json_object_get(input->metadata, key);
    if (!json_is_number(expected) || json_number_value(expected) == (double)found) {
        return true;
    }
    return error_set(error, ERROR_INVALID,
                     "The %s in the metadata (%s) is %.15g px, but the slide has %lld px.", side,
                     key, json_number_value(expected), (long long)found);
}

static bool resolution_matches(const Input *input, const SlideInfo *slide, Error *error)
{
    double expected = json_number_value(json_object_get(input->metadata, "resolution_mpp"));
    if (expected > 0 && slide->mpp > 0 &&
        fabs(expected - slide->mpp) > RESOLUTION_TOLERANCE * slide->mpp) {
        return error_set(error, ERROR_INVALID,
                         "The resolution in the metadata (resolution_mpp) is %.4g microns per "
                         "pixel, but the slide has %.4g.",
                         expected, slide->mpp);
    }
    return true;
}

/* A slide's own name for its format may be more general than the metadata's, and the other way:
 * clients know an SVS as an octet stream, as which any file may pass. */
static bool media_type_matches(const Input *input, const SlideInfo *slide, Error *error)
{
    static const char GENERAL[] = "application/octet-stream";
    const char *expected = document_string(input->metadata, "media_type");
    bool same = expected == NULL || strcmp(expected, slide->media_type) == 0;
    bool general = expected != NULL && strcmp(expected, GENERAL) == 0;
    bool tiff = expected != NULL && strcmp(expected, "image/tiff") == 0 &&
                strcmp(slide->media_type, GENERAL) == 0;
    if (same || general || tiff) {
        return true;
    }
    return error_set(error, ERROR_INVALID,
                     "The media type in the metadata (media_type) is '%.60s', but the file is %s.",
                     expected, slide->media_type);
}

bool input_open_slide(const Input *input, Slide **slide_out, Error *error)
{
    AUTO_SLIDE *slide = NULL;
    if (!slide_open(input->slide_path, &slide, error)) {
        /* A slide beyond a bound is wrong for its owner like one that cannot be read. */
        error->code = error->code == ERROR_LIMIT ? ERROR_INVALID : error->code;
        return false;
    }
    const SlideInfo *info = slide_info(slide);
    const SlideLevel *level = &info->levels[0];
    if (!side_matches(input, "width_px", "width", level->width_px, error) ||
        !side_matches(input, "height_px", "height", level->height_px, error) ||
        !resolution_matches(input, info, error) || !media_type_matches(input, info, error)) {
        return false;
    }
    *slide_out = TAKE(slide);
    return true;
}

double input_resolution_mpp(const Input *input, const SlideInfo *slide)
{
    if (slide->mpp > 0) {
        return slide->mpp;
    }
    double given = json_number_value(json_object_get(input->metadata, "resolution_mpp"));
    return given > 0 ? given : 0;
}
