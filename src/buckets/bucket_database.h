/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Statements about buckets, for threads that may wait: over a few connections that they share,
 * which are opened when they are needed and kept for a minute.
 */
#pragma once
#include "base/clock.h"
#include "db/connection.h"

typedef struct BucketDatabase BucketDatabase;

/* What the profile points to is borrowed. Nothing is opened. */
BucketDatabase *bucket_database_create(const ConnectionProfile *profile, const Clock *clock);
void bucket_database_destroy(BucketDatabase *database);
/* As connection_run; from any thread. */
MUST_CHECK bool bucket_database_run(BucketDatabase *database,
                                    const char *sql,
                                    const char *const *values,
                                    int value_count,
                                    PGresult **result_out,
                                    Error *error);
