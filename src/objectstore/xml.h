/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the XML that object stores answer with, from a stranger: no document type, so no entities,
 * and limits on depth and length. The document is not kept: each element is shown when it ends.
 */
#pragma once
#include "base/attributes.h"
#include "base/error.h"
#include "base/text.h"

enum {
    XML_DEPTH_MAX = 8,        /* answers of S3 have at most 5 */
    XML_PATH_BYTES_MAX = 256, /* the names of an element and of those around it */
    XML_TEXT_BYTES_MAX = 4096 /* of one element: a key of 1,024 bytes, each encoded as three */
};

/* `path` is "ListBucketResult/Contents/Key", without the prefixes of namespaces; `text` is what
 * stands between the element's last tag and its end: all of the text of one without children. */
typedef void (*XmlVisit)(void *context, const char *path, Text text);

/* ERROR_INVALID: it is no XML, or beyond the limits. Elements may have been shown before. */
MUST_CHECK bool xml_walk(Text document, XmlVisit visit, void *context, Error *error);
