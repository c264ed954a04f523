/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a platform needs before its first request: the tables, an organisation and a user, and the
 * bundled applications. Done at every start, so that a new version brings its own.
 */
#pragma once
#include <stdbool.h>

#include "base/attributes.h"
#include "base/error.h"
#include "objectstore/settings.h"

/* `applications` is the folder of the bundled ones; `store` takes their documents. */
MUST_CHECK bool
first_use(const char *conninfo, const char *applications, const StoreSettings *store, Error *error);
