/* SPDX-License-Identifier: Apache-2.0 */
/* Removing the objects that the database says are to go. Each step may be done twice: what was
 * removed and not yet confirmed when a leader died is removed again. */
#pragma once
#include "jobs/lead.h"
#include "objectstore/objectstore.h"

/* Objects of attempts that did not win; a bounded round. */
MUST_CHECK bool removal_of_losers(Lead *lead, ObjectStore *store, Error *error);
/* Objects of artifacts that were deleted; a bounded round. */
MUST_CHECK bool removal_of_deleted(Lead *lead, ObjectStore *store, Error *error);
/* Files of upload buckets that are nobody's any more; a bounded round. */
MUST_CHECK bool removal_of_bucket_files(Lead *lead, ObjectStore *store, Error *error);
