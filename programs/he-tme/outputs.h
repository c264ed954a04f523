/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files of a command, which are written into a hidden folder inside the folder that was asked
 * for and moved to their places when all are complete. SIGINT and SIGTERM end the program at once
 * and leave neither the hidden folder nor half of the files. A folder that was made for files that
 * never came is removed again.
 */
#pragma once
#include <stddef.h>

#include "base/attributes.h"
#include "base/error.h"

/* More files than any command makes. */
#define OUTPUT_FILES_MAX 64

typedef struct Outputs {
    char *folder;                  /* that was asked for */
    size_t made_length;            /* of the part of its path from which on it was made here */
    char *unfinished;              /* where the files are written; NULL when they are published */
    char *names[OUTPUT_FILES_MAX]; /* of the published files, sorted */
    size_t count;
} Outputs;

/* From now on the two signals end the program as above. To be called once, before any other
 * thread starts. */
MUST_CHECK bool outputs_watch_signals(Error *error);

/* Makes the folders. */
MUST_CHECK bool outputs_open(Outputs *outputs, const char *folder, Error *error);
/* The same for the folder that a file is to lie in. */
MUST_CHECK bool outputs_open_beside(Outputs *outputs, const char *file_path, Error *error);
/* Moves the files to their places; files of the same names are replaced. */
MUST_CHECK bool outputs_publish(Outputs *outputs, Error *error);
/* Removes what is unfinished, and of the folders that were made those that stayed empty. */
void outputs_close(Outputs *outputs);
#define AUTO_OUTPUTS CLEANUP(outputs_close) Outputs
