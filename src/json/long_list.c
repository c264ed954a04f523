/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documents with one long list; see long_list.h. The outline is the document with null for each
 * slice that stands where an element should. If the outline and all slices are good JSON, so is
 * the document; if not, it is read again for the first error and its place.
 */
#include "json/long_list.h"

#include "base/limits.h"
#include "json/slice.h"

enum { OUTLINE_BYTES_MAX = 2 * REQUEST_BODY_BYTES_MAX + 1024 };

/* From behind the list's bracket to the end of the document; bytes == NULL: there is no list. */
static Text find_list(Text document, const char *key)
{
    Text root = slice_skip_space(document);
    if (root.length == 0 || root.bytes[0] != '{') {
        return (Text){NULL, 0};
    }
    Text list = slice_member(root, key);
    if (list.length < 2 || list.bytes[0] != '[') {
        return (Text){NULL, 0};
    }
    return text_from(document, (size_t)(list.bytes - document.bytes) + 1);
}

/* What stands where an element should: empty, if there is none behind a comma. False at the end of
 * the list, where *rest then begins with its bracket or with what should have been one. */
static bool next_slice(Text *rest, bool *begun, Text *slice_out)
{
    Text at = slice_skip_space(*rest);
    if (!*begun && at.length > 0 && at.bytes[0] == ']') {
        return false;
    }
    if (*begun) {
        if (at.length == 0 || at.bytes[0] != ',') {
            return false;
        }
        at = slice_skip_space(text_from(at, 1));
    }
    *begun = true;
    *slice_out = slice_take(&at);
    *rest = at;
    return true;
}

static Text text_before(Text document, Text part)
{
    return (Text){document.bytes, (size_t)(part.bytes - document.bytes)};
}

static void write_outline(LongList *list)
{
    Buffer *out = &list->outline_bytes;
    Text rest = list->rest;
    Text slice;
    buffer_text(out, text_before(list->document, rest));
    bool begun = false;
    for (const char *null = "null"; next_slice(&rest, &begun, &slice); null = ",null") {
        buffer_string(out, null);
    }
    buffer_text(out, rest);
    list->outline = buffer_view(out);
}

/* A good element as a one-digit number that leaves all behind it at its line and column: jansson
 * counts characters, which are the bytes that continue none. */
static void blank_out(Buffer *out, Text element)
{
    buffer_byte(out, '0');
    for (size_t i = 1; i < element.length; i++) {
        char c = element.bytes[i];
        bool continues = ((unsigned char)c & 0xC0) == 0x80;
        if (!continues) {
            buffer_byte(out, c == '\n' ? '\n' : ' ');
        }
    }
}

/* Whether nothing is wrong up to the list, whose bracket is the last byte of `start`. */
static bool starts_well(Text start)
{
    AUTO_BUFFER closed;
    buffer_init(&closed, OUTLINE_BYTES_MAX);
    buffer_text(&closed, start);
    buffer_string(&closed, "]}");
    AUTO_JSON *root = NULL;
    Error ignored = {0};
    return document_parse(buffer_view(&closed), &root, &ignored);
}

/* The document with the elements before the first bad one blanked out, so that no more than one
 * element is parsed at a time. False: the bad one is too large to be looked at. */
static bool blank_good_elements(const LongList *list, Buffer *out, Error *error)
{
    Text kept = list->document; /* what is still to be copied */
    Text rest = find_list(kept, list->key);
    bool known = rest.bytes != NULL && starts_well(text_before(kept, rest));
    Text slice;
    for (bool begun = false; known && next_slice(&rest, &begun, &slice);) {
        AUTO_JSON *element = NULL;
        Error ignored = {0};
        if (!document_check_values(slice, error)) {
            return false;
        }
        if (!value_parse_sent(slice, &element, &ignored)) {
            break;
        }
        buffer_text(out, text_before(kept, slice));
        blank_out(out, slice);
        kept = text_from(kept, (size_t)(slice.bytes - kept.bytes) + slice.length);
    }
    buffer_text(out, kept);
    return true;
}

/* Says what is wrong with a broken document; always false. */
static bool explain(const LongList *list, Error *error)
{
    AUTO_BUFFER blanked;
    AUTO_JSON *root = NULL;
    buffer_init(&blanked, OUTLINE_BYTES_MAX);
    return blank_good_elements(list, &blanked, error) &&
           document_parse(buffer_view(&blanked), &root, error) &&
           error_set(error, ERROR_INTERNAL, "a broken document was read without an error");
}

/* The list of a key that was written with escapes is in the tree with all its elements. */
static void rewrite_list(LongList *list)
{
    const json_t *elements = json_object_get(list->root, list->key);
    if (json_is_array(elements)) {
        AUTO_FREE char *text = document_to_string(elements);
        buffer_string(&list->rewritten, text);
        list->rest = text_from(buffer_view(&list->rewritten), 1);
    }
}

static bool open_list(LongList *list, Error *error)
{
    if (!document_check_bytes(list->document, error)) {
        return false;
    }
    list->rest = find_list(list->document, list->key);
    bool found = list->rest.bytes != NULL;
    if (found) {
        write_outline(list);
    } else {
        list->outline = list->document;
    }
    Error ignored = {0};
    if (!document_check_values(list->outline, error)) {
        return false;
    }
    if (!document_parse(list->outline, &list->root, &ignored)) {
        return explain(list, error);
    }
    if (!found) {
        rewrite_list(list);
    }
    return true;
}

bool long_list_open(Text document, const char *key, LongList *list_out, Error *error)
{
    LongList list = {.document = document, .key = key};
    buffer_init(&list.outline_bytes, OUTLINE_BYTES_MAX);
    buffer_init(&list.rewritten, OUTLINE_BYTES_MAX);
    if (!open_list(&list, error)) {
        long_list_close(&list);
        return false;
    }
    *list_out = list;
    return true;
}

LongListStep long_list_next(LongList *list, json_t **element_out, Text *text_out, Error *error)
{
    Text slice;
    Error ignored = {0};
    if (list->rest.bytes == NULL || !next_slice(&list->rest, &list->begun, &slice)) {
        return LONG_LIST_END;
    }
    if (!value_parse_sent(slice, element_out, &ignored)) {
        (void)explain(list, error);
        return LONG_LIST_BROKEN;
    }
    *text_out = slice;
    return LONG_LIST_ELEMENT;
}

void long_list_close(LongList *list)
{
    json_decref(list->root);
    list->root = NULL;
    buffer_clear(&list->outline_bytes);
    buffer_clear(&list->rewritten);
}
