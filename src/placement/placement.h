/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which object store a database's rows speak of. Keys say nothing of it, so the database remembers
 * it, and who was started with another one goes no further: it would find objects missing, call
 * those deleted that still are somewhere, and store results where nobody looks for them.
 */
#pragma once
#include <libpq-fe.h>
#include <stdbool.h>

#include "base/attributes.h"
#include "base/error.h"

/* `place` is a SLIDEWAY_OBJECT_STORE. The first one is remembered, and a bucket that follows a
 * folder. Any folder is the same place, since its name may differ from machine to machine.
 * ERROR_CONFLICT: the objects are elsewhere.
 * `remedy` says how to tell that they were moved. */
MUST_CHECK bool
placement_check(PGconn *connection, const char *place, const char *remedy, Error *error);
/* The objects are in `place` from now on. */
MUST_CHECK bool placement_move(PGconn *connection, const char *place, Error *error);

#define PLACEMENT_REMEDY "`slideway store use PLACE`"
