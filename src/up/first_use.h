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

typedef struct FirstUse {
    const char *conninfo;
    const char *applications;   /* folder of the bundled ones */
    const StoreSettings *store; /* takes their documents */
    bool store_moved;           /* the objects are there from now on */
} FirstUse;

MUST_CHECK bool first_use(const FirstUse *use, Error *error);
