/* SPDX-License-Identifier: Apache-2.0 */
/* URIs as names of documents: references are resolved against a base (RFC 3986, 5.2). */
#pragma once
#include "base/arena.h"
#include "base/text.h"

/* `reference` as seen from `base`, which may be empty; both may have a fragment, the base's is
 * dropped. */
char *uri_resolve(Text base, Text reference, Arena *arena);
/* Cuts at the first '#': returns what stands before it; *fragment_out is empty without one. */
Text uri_split(Text uri, Text *fragment_out);
