/* SPDX-License-Identifier: Apache-2.0 */
/* Slides of a run; see run_slides.h. */
#include "cli/run_slides.h"

#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/percent.h"
#include "base/text.h"
#include "cli/slide_facts.h"
#include "json/reader.h"

void run_slides_clear(RunSlides *slides)
{
    for (size_t i = 0; i < slides->count; i++) {
        alloc_free(slides->slides[i].external_id);
        alloc_free(slides->slides[i].url);
        json_decref(slides->slides[i].metadata);
    }
    alloc_free(slides->slides);
    *slides = (RunSlides){0};
}

bool metadata_option_read(const char *option, json_t **given_out, Error *error)
{
    AUTO_JSON *given = NULL;
    if (option == NULL) {
        given = json_object();
    } else if (option[0] == '@') {
        if (!document_read(option + 1, REQUEST_BODY_BYTES_MAX, &given, error)) {
            return error_context(error, "--metadata");
        }
    } else if (!document_parse(text_of(option), &given, error)) {
        return error_context(error, "--metadata");
    }
    if (!json_is_object(given) && !json_is_array(given)) {
        return error_set(error, ERROR_INVALID,
                         "--metadata is an object for all slides, or an array of one for each");
    }
    *given_out = TAKE(given);
    return true;
}

static bool is_url(const char *operand)
{
    Text text = text_of(operand);
    return text_starts_with(text, "http://") || text_starts_with(text, "https://");
}

/* The last part of a path, or of a URL's path. */
static char *short_name(const char *operand, bool url)
{
    Text path = text_of(operand);
    path.length = url ? strcspn(operand, "?#") : path.length;
    size_t end = path.length;
    while (end > 0 && path.bytes[end - 1] != '/') {
        end--;
    }
    Text name = text_from(path, end);
    if (!url) {
        return text_to_string(name);
    }
    AUTO_FREE char *decoded = alloc_array(name.length + 1, 1);
    size_t length = percent_decode(name, false, decoded);
    return text_to_string((Text){decoded, length});
}

static bool name_is_good(const char *name)
{
    size_t length = strlen(name);
    return length > 0 && length <= EXTERNAL_ID_CHARACTERS_MAX && text_is_utf8(text_of(name));
}

/* The file's name is the external id; where that is no valid one or another slide has it, the slide
 * is counted. */
static void name_slide(RunSlides *slides, size_t index)
{
    RunSlide *slide = &slides->slides[index];
    slide->external_id = short_name(slide->operand, slide->is_url);
    bool good = name_is_good(slide->external_id);
    for (size_t i = 0; i < index && good; i++) {
        good = strcmp(slides->slides[i].external_id, slide->external_id) != 0;
    }
    if (!good) {
        AUTO_FREE char *name = TAKE(slide->external_id);
        slide->external_id = name_is_good(name) && strlen(name) < EXTERNAL_ID_CHARACTERS_MAX - 8
                                 ? alloc_format("%zu-%s", index + 1, name)
                                 : alloc_format("slide-%zu", index + 1);
    }
}

static json_t *read_facts(const RunSlide *slide, Error *error)
{
    AUTO_SLIDE *opened = NULL;
    SlideFacts facts = {0};
    if (!slide_open(slide->operand, &opened, error)) {
        error_context(error, "%s", slide->operand);
        return NULL;
    }
    if (!slide_facts_read(slide->operand, &facts, error)) {
        return NULL;
    }
    return slide_metadata(slide_info(opened), &facts);
}

static bool read_one(RunSlide *slide, const RunInput *input, const json_t *given, Error *error)
{
    if (slide->is_url) {
        if (strlen(slide->operand) > DOWNLOAD_URL_BYTES_MAX) {
            return error_set(error, ERROR_INVALID, "a URL has at most %d bytes",
                             DOWNLOAD_URL_BYTES_MAX);
        }
        slide->url = alloc_string(slide->operand);
        slide->metadata = run_input_metadata(input, NULL, given, error);
        return slide->metadata != NULL || error_context(error, "%s", slide->external_id);
    }
    AUTO_JSON *facts = read_facts(slide, error);
    if (facts == NULL) {
        return false;
    }
    slide->metadata = run_input_metadata(input, facts, given, error);
    return slide->metadata != NULL;
}

static const json_t *given_for(const json_t *given, size_t index)
{
    return json_is_array(given) ? json_array_get(given, index) : given;
}

bool run_slides_read(char *const *operands,
                     size_t count,
                     const RunInput *input,
                     const json_t *given,
                     RunSlides *slides_out,
                     Error *error)
{
    if (count > RUN_ITEMS_MAX) {
        return error_set(error, ERROR_INVALID, "a run has at most %d slides", RUN_ITEMS_MAX);
    }
    if (json_is_array(given) && json_array_size(given) != count) {
        return error_set(error, ERROR_INVALID, "--metadata has %zu objects for %zu slides",
                         json_array_size(given), count);
    }
    AUTO_RUN_SLIDES slides = {alloc_zeroed(count, sizeof(RunSlide)), count};
    for (size_t i = 0; i < count; i++) {
        slides.slides[i].operand = operands[i];
        slides.slides[i].is_url = is_url(operands[i]);
        name_slide(&slides, i);
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *extras = given_for(given, i);
        if (!json_is_object(extras)) {
            return error_set(error, ERROR_INVALID, "--metadata: entry %zu is no object", i + 1);
        }
        if (!read_one(&slides.slides[i], input, extras, error)) {
            return false;
        }
    }
    *slides_out = slides;
    slides = (RunSlides){0};
    return true;
}

json_t *run_slides_body(const RunSlides *slides, const RunInput *input)
{
    json_t *items = json_array();
    for (size_t i = 0; i < slides->count; i++) {
        const RunSlide *slide = &slides->slides[i];
        json_array_append_new(items, json_pack("{s:s, s:[{s:s, s:s, s:O}]}", "external_id",
                                               slide->external_id, "input_artifacts", "name",
                                               input->artifact_name, "download_url", slide->url,
                                               "metadata", slide->metadata));
    }
    return json_pack("{s:s, s:s, s:o}", "application_id", input->application_id, "version_number",
                     input->number, "items", items);
}
