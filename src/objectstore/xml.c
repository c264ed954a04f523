/* SPDX-License-Identifier: Apache-2.0 */
/* A walk with expat; see xml.h. */
#include "objectstore/xml.h"

#include <expat.h>
#include <limits.h>
#include <string.h>

#include "base/buffer.h"

typedef struct Walk {
    XML_Parser parser;
    XmlVisit visit;
    void *context;
    int depth;
    char path[XML_PATH_BYTES_MAX];
    size_t path_length;
    Buffer text;
    const char *refused; /* why it was stopped; NULL: it was not */
} Walk;

static void refuse(Walk *walk, const char *why)
{
    walk->refused = why;
    XML_StopParser(walk->parser, XML_FALSE);
}

static void
on_doctype(void *context, const char *name, const char *system, const char *public, int internal)
{
    (void)name;
    (void)system;
    (void)public;
    (void)internal;
    refuse(context, "it has a document type");
}

static void on_start(void *context, const char *name, const char **attributes)
{
    (void)attributes;
    Walk *walk = context;
    const char *colon = strrchr(name, ':');
    const char *local = colon == NULL ? name : colon + 1;
    size_t length = strlen(local);
    if (walk->depth == XML_DEPTH_MAX || walk->path_length + length + 2 > sizeof walk->path) {
        refuse(walk, "it is too deep");
        return;
    }
    if (walk->depth > 0) {
        walk->path[walk->path_length++] = '/';
    }
    memcpy(walk->path + walk->path_length, local, length + 1);
    walk->path_length += length;
    walk->depth++;
    buffer_reset(&walk->text);
}

static void on_text(void *context, const char *bytes, int length)
{
    Walk *walk = context;
    buffer_append(&walk->text, bytes, (size_t)length);
    if (walk->text.overflow) {
        refuse(walk, "an element is too long");
    }
}

static void on_end(void *context, const char *name)
{
    (void)name;
    Walk *walk = context;
    if (walk->refused != NULL) {
        return; /* of an empty element, whose start was refused */
    }
    Text text = walk->text.length == 0 ? TEXT("") : buffer_view(&walk->text);
    walk->visit(walk->context, walk->path, text);
    buffer_reset(&walk->text);
    const char *slash = strrchr(walk->path, '/');
    walk->path_length = slash == NULL ? 0 : (size_t)(slash - walk->path);
    walk->path[walk->path_length] = '\0';
    walk->depth--;
}

bool xml_walk(Text document, XmlVisit visit, void *context, Error *error)
{
    if (document.length > INT_MAX) {
        return error_set(error, ERROR_INVALID, "the XML is too long");
    }
    Walk walk = {.parser = XML_ParserCreate("UTF-8"), .visit = visit, .context = context};
    if (walk.parser == NULL) {
        abort();
    }
    buffer_init(&walk.text, XML_TEXT_BYTES_MAX);
    XML_SetUserData(walk.parser, &walk);
    XML_SetStartDoctypeDeclHandler(walk.parser, on_doctype);
    XML_SetElementHandler(walk.parser, on_start, on_end);
    XML_SetCharacterDataHandler(walk.parser, on_text);
    bool parsed =
        XML_Parse(walk.parser, document.bytes, (int)document.length, XML_TRUE) == XML_STATUS_OK;
    const char *reason =
        walk.refused != NULL ? walk.refused : XML_ErrorString(XML_GetErrorCode(walk.parser));
    if (!parsed) {
        error_set(error, ERROR_INVALID, "the XML cannot be read: %s", reason);
    }
    XML_ParserFree(walk.parser);
    buffer_clear(&walk.text);
    return parsed;
}
