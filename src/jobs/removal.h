/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removing the objects that the database says are to go. Each step may be done twice: what was
 * removed and not yet confirmed when a leader died is removed again. What the store refuses to
 * remove is written down in refused_objects, where it waits for another try and holds up nothing
 * else.
 */
#pragma once
#include "base/log.h"
#include "db/array.h"
#include "jobs/lead.h"
#include "objectstore/objectstore.h"

/* Objects of attempts that did not win; a bounded round. */
MUST_CHECK bool removal_of_losers(Lead *lead, ObjectStore *store, Error *error);
/* Objects of artifacts that were deleted; a bounded round. */
MUST_CHECK bool removal_of_deleted(Lead *lead, ObjectStore *store, Error *error);
/* Files of upload buckets that are nobody's any more; a bounded round. */
MUST_CHECK bool removal_of_bucket_files(Lead *lead, ObjectStore *store, Error *error);
/* Objects that were refused and whose time for another try has come; a bounded round. */
MUST_CHECK bool removal_of_refused(Lead *lead, ObjectStore *store, Error *error);

/* A store that refuses so many objects in one piece of work is away: the rest is for another round.
 */
enum { REMOVAL_FAILURES_MAX = 10 };

void removal_log(LogEvent event, const char *object_key, const Error *reason);
/* Removes the object, or all below a key that ends in "/". False: the store refused, which is
 * logged, and the key is added to `refused`. */
bool removal_try(ObjectStore *store, const char *object_key, ArrayWriter *refused);
/* Writes down what was refused, if anything was. */
MUST_CHECK bool removal_refuse(Lead *lead, ArrayWriter *refused, Error *error);
