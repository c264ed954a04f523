/* SPDX-License-Identifier: Apache-2.0 */
/* Organisations, users and quotas as an operator writes them, straight to the database. */
#pragma once
#include <jansson.h>
#include <libpq-fe.h>
#include <stdbool.h>

#include "base/attributes.h"
#include "base/error.h"

typedef struct UserRecord {
    const char *user_id;
    const char *organization_id;
    const char *email; /* NULL: not given */
    const char *name;  /* NULL: not given */
    const char *role;  /* NULL: not given; "member", "admin" or "superadmin" */
} UserRecord;

/* Makes it known, or changes its name when `name` is not NULL. */
MUST_CHECK bool organization_add(PGconn *connection,
                                 const char *organization_id,
                                 const char *name,
                                 bool *is_new_out,
                                 Error *error);
/* `weight` is a number, of SQL's organizations.weight. ERROR_NOT_FOUND without the organisation. */
MUST_CHECK bool organization_set_weight(PGconn *connection,
                                        const char *organization_id,
                                        const char *weight,
                                        Error *error);
/* Makes the user known or changes what is given. ERROR_NOT_FOUND without the organisation. */
MUST_CHECK bool
user_add(PGconn *connection, const UserRecord *user, bool *is_new_out, Error *error);

/* Gives the user a password of local logins, in place of an older one and of all that it opened. */
MUST_CHECK bool
user_set_password(PGconn *connection, const char *user_id, const char *password_hash, Error *error);

/* A user as the database has it; AUTO_USER_FOUND. */
typedef struct UserFound {
    char *organization_id;
    char *email; /* NULL when there is none */
    char *name;  /* NULL when there is none */
    char *role;
} UserFound;
void user_found_clear(UserFound *user);
#define AUTO_USER_FOUND CLEANUP(user_found_clear) UserFound

MUST_CHECK bool
user_find(PGconn *connection, const char *user_id, UserFound *user_out, Error *error);

typedef struct QuotaRecord {
    const char *scope;      /* "organization" or "user" */
    const char *subject_id; /* "*": whoever has none of their own */
    const char *name;       /* "items_per_run", "open_items" or "items_per_month" */
    const char *maximum;    /* a number, or NULL for no limit */
} QuotaRecord;

MUST_CHECK bool
quota_set(PGconn *connection, const QuotaRecord *quota, bool *is_new_out, Error *error);
/* [{"scope", "subject_id", "name", "maximum", "used"}], all texts or null; AUTO_JSON. */
MUST_CHECK bool quota_list(PGconn *connection, json_t **quotas_out, Error *error);

typedef struct ApiKeyRecord {
    const char *key_id;
    const char *key_hash;
    const char *user_id;
    const char *name;
    bool can_write;
    const char *days; /* a number: until it expires */
} ApiKeyRecord;

/* ERROR_NOT_FOUND without the user. */
MUST_CHECK bool api_key_add(PGconn *connection, const ApiKeyRecord *key, Error *error);
/* The columns of list_api_keys.sql; a user_id of NULL is all. */
MUST_CHECK bool
api_key_list(PGconn *connection, const char *user_id, PGresult **keys_out, Error *error);
/* ERROR_NOT_FOUND without the key. */
MUST_CHECK bool
api_key_revoke(PGconn *connection, const char *key_id, bool *was_active_out, Error *error);

/* The rows as a list of objects, for AUTO_JSON. */
json_t *rows_to_json(const PGresult *result);
/* The columns of list_worker_labels.sql: living workers; `all`: also those that ended in the last
 * day. */
MUST_CHECK bool worker_list(PGconn *connection, bool all, PGresult **workers_out, Error *error);
/* The columns of list_attempts.sql, in the order of the run's items. */
MUST_CHECK bool
attempt_list(PGconn *connection, const char *run_id, PGresult **attempts_out, Error *error);

/* A bucket of another store for an organisation. */
typedef struct AssignedBucket {
    const char *organization_id;
    const char *bucket_name;
    const char *protocol; /* "gs" or "s3" */
    const char *access_key_id;
    const char *sealed_secret;
} AssignedBucket;

/* In place of one that was assigned before. ERROR_NOT_FOUND without the organisation. */
MUST_CHECK bool bucket_assign(PGconn *connection, const AssignedBucket *bucket, Error *error);
/* ERROR_NOT_FOUND: none was assigned to it. */
MUST_CHECK bool bucket_unassign(PGconn *connection, const char *organization_id, Error *error);
/* The columns of list_buckets.sql. */
MUST_CHECK bool bucket_list(PGconn *connection, PGresult **buckets_out, Error *error);
/* Ends the access key. ERROR_NOT_FOUND: the organisation has no bucket. *bucket_name_out is on the
 * heap. */
MUST_CHECK bool bucket_rotate(PGconn *connection,
                              const char *organization_id,
                              char **bucket_name_out,
                              Error *error);
