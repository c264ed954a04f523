/* SPDX-License-Identifier: Apache-2.0 */
/* Resolution of URI references; see uri.h. */
#include "json/uri.h"

#include <ctype.h>

#include "base/buffer.h"

/* What is absent has bytes == NULL; the path is always there. */
typedef struct Parts {
    Text scheme;
    Text authority;
    Text path;
    Text query;
    Text fragment;
} Parts;

static Text before(Text text, size_t length)
{
    return (Text){text.bytes, length};
}

static size_t find(Text text, const char *any_of)
{
    for (size_t i = 0; i < text.length; i++) {
        if (strchr(any_of, text.bytes[i]) != NULL) {
            return i;
        }
    }
    return text.length;
}

/* Cuts what follows `mark` off *text. */
static Text take_behind(Text *text, const char *mark)
{
    size_t at = find(*text, mark);
    if (at == text->length) {
        return (Text){NULL, 0};
    }
    Text behind = text_from(*text, at + 1);
    *text = before(*text, at);
    return behind;
}

static Parts split(Text uri)
{
    Parts parts = {.scheme = {NULL, 0}};
    parts.fragment = take_behind(&uri, "#");
    parts.query = take_behind(&uri, "?");
    size_t colon = find(uri, ":/");
    if (colon > 0 && colon < uri.length && uri.bytes[colon] == ':' &&
        isalpha((unsigned char)uri.bytes[0])) {
        parts.scheme = before(uri, colon);
        uri = text_from(uri, colon + 1);
    }
    if (text_starts_with(uri, "//")) {
        uri = text_from(uri, 2);
        size_t slash = find(uri, "/");
        parts.authority = before(uri, slash);
        uri = text_from(uri, slash);
    }
    parts.path = uri;
    return parts;
}

/* Back to where the last segment began. */
static void drop_segment(Buffer *out, size_t start)
{
    while (out->length > start && out->bytes[out->length - 1] != '/') {
        out->length--;
    }
    if (out->length > start) {
        out->length--;
    }
}

/* "Remove Dot Segments", 5.2.4. */
static void append_path(Buffer *out, Text path)
{
    size_t start = out->length;
    while (path.length > 0) {
        if (text_starts_with(path, "/../") || text_is(path, "/..")) {
            drop_segment(out, start);
            path = path.length > 3 ? text_from(path, 3) : TEXT("/");
        } else if (text_starts_with(path, "/./") || text_is(path, "/.")) {
            path = path.length > 2 ? text_from(path, 2) : TEXT("/");
        } else {
            size_t end = 1 + find(text_from(path, 1), "/");
            buffer_text(out, before(path, end));
            path = text_from(path, end);
        }
    }
}

static void append_marked(Buffer *out, const char *mark, Text text)
{
    if (text.bytes != NULL) {
        buffer_string(out, mark);
        buffer_text(out, text);
    }
}

/* "Merge Paths", 5.2.3. */
static void append_merged(Buffer *out, const Parts *base, Text path)
{
    AUTO_BUFFER merged;
    buffer_init(&merged, base->path.length + path.length + 1);
    size_t keep = base->path.length;
    while (keep > 0 && base->path.bytes[keep - 1] != '/') {
        keep--;
    }
    if (keep == 0 && base->authority.bytes != NULL) {
        buffer_byte(&merged, '/');
    }
    buffer_text(&merged, before(base->path, keep));
    buffer_text(&merged, path);
    append_path(out, buffer_view(&merged));
}

static void append_target(Buffer *out, const Parts *base, const Parts *reference)
{
    if (reference->scheme.bytes != NULL || reference->authority.bytes != NULL) {
        append_marked(out, "//", reference->authority);
        append_path(out, reference->path);
        append_marked(out, "?", reference->query);
        return;
    }
    append_marked(out, "//", base->authority);
    if (reference->path.length == 0) {
        buffer_text(out, base->path);
        append_marked(out, "?", reference->query.bytes != NULL ? reference->query : base->query);
        return;
    }
    if (reference->path.bytes[0] == '/') {
        append_path(out, reference->path);
    } else {
        append_merged(out, base, reference->path);
    }
    append_marked(out, "?", reference->query);
}

char *uri_resolve(Text base_uri, Text reference_uri, Arena *arena)
{
    Parts base = split(base_uri);
    Parts reference = split(reference_uri);
    AUTO_BUFFER out;
    buffer_init(&out, base_uri.length + reference_uri.length + 8);
    Text scheme = reference.scheme.bytes != NULL ? reference.scheme : base.scheme;
    if (scheme.bytes != NULL) {
        buffer_text(&out, scheme);
        buffer_byte(&out, ':');
    }
    append_target(&out, &base, &reference);
    append_marked(&out, "#", reference.fragment);
    return arena_string(arena, buffer_view(&out));
}

Text uri_split(Text uri, Text *fragment_out)
{
    *fragment_out = take_behind(&uri, "#");
    return uri;
}
