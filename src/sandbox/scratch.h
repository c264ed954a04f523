/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scratch folder of one run: made ready for the application, and measured while it writes. The
 * measure counts what costs us something: each file's size or its blocks, whichever is more, and a
 * little for each name.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/attributes.h"
#include "base/error.h"

/* Makes output/ and tmp/ and gives all of it to the user (0: it stays as it is). The application
 * must not have run in it. */
MUST_CHECK bool scratch_prepare(const char *folder, uid_t uid, Error *error);

/* Bytes below the folder, input/ and input.json left out; INT64_MAX when its depth or its number
 * of files is beyond all reason. */
int64_t scratch_measure(const char *folder);
