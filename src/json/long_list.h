/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A document whose size is that of one list in it, read one element at a time, so that only one
 * element's tree is in memory. The same documents are accepted as by document_parse and the errors
 * have the same words: after the list was read to its end, the whole document is known to be good.
 */
#pragma once
#include "base/buffer.h"
#include "json/reader.h"

typedef struct LongList {
    json_t *root; /* the document; in place of each element of the list stands null */
    Text outline; /* its text, for slices */
    /* Its own. */
    Text document;
    const char *key;
    Text rest; /* of the list */
    bool begun;
    Buffer outline_bytes;
    Buffer rewritten; /* the list, when its key was written with escapes */
} LongList;

typedef enum LongListStep {
    LONG_LIST_ELEMENT,
    LONG_LIST_END,
    LONG_LIST_BROKEN /* the document is none */
} LongListStep;

/* `key` names the list in the root object; document and key must outlive *list_out. What is broken
 * may show here or at an element. If there is no such list, it ends at once. */
MUST_CHECK bool long_list_open(Text document, const char *key, LongList *list_out, Error *error);
/* The next element: its tree (AUTO_JSON) and the text that was sent. */
MUST_CHECK LongListStep long_list_next(LongList *list,
                                       json_t **element_out,
                                       Text *text_out,
                                       Error *error);
void long_list_close(LongList *list);
