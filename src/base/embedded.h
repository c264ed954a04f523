/* SPDX-License-Identifier: Apache-2.0 */
/* A text file that tools/embed.py built into the program. */
#pragma once

typedef struct EmbeddedFile {
    const char *name; /* without its folder */
    const char *text;
} EmbeddedFile;
