/* SPDX-License-Identifier: Apache-2.0 */
/* Custom metadata: opaque JSON of the client, kept as the text that was sent, with a checksum. */
#pragma once
#include "base/arena.h"
#include "base/text.h"

/* Eight hex digits (CRC32C of the text): an opaque value for compare-and-set, not a proof. */
const char *metadata_checksum(Text metadata, Arena *arena);
