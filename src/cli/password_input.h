/* SPDX-License-Identifier: Apache-2.0 */
/* Passwords that people give to a command: never as an argument, which other users can see. */
#pragma once
#include <stdbool.h>

#include "base/attributes.h"
#include "base/error.h"

/* Twice from the terminal, without showing it. *password_out is AUTO_FREE. */
MUST_CHECK bool password_ask(char **password_out, Error *error);
/* The first line of a file, "-" for standard input. */
MUST_CHECK bool password_read(const char *path, char **password_out, Error *error);
