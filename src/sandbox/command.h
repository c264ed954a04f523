/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command of the system: run to its end within a time limit, its output read into a buffer. No
 * shell is involved, and the environment is only what is given.
 */
#pragma once
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/error.h"

typedef struct Command {
    const Clock *clock;
    const char *const *arguments;   /* the first is the path of the program; ends in NULL */
    const char *const *environment; /* ends in NULL */
    int64_t seconds_max;
    const atomic_bool *cancel; /* kills it; may be NULL */
} Command;

/* True: it ended with exit code 0, and *output (initialised by the caller) holds what it wrote.
 * False: the error is ERROR_UNAVAILABLE, with what it wrote to standard error. */
MUST_CHECK bool command_run(const Command *command, Buffer *output, Error *error);
