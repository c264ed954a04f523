/* SPDX-License-Identifier: Apache-2.0 */
/* Statements of the operator; see admin_store.h. */
#include "cli/admin_store.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli_sql.h"
#include "db/connection.h"

/* Runs one statement; a refused value is the operator's mistake and said so. */
static bool execute(PGconn *connection,
                    const char *sql,
                    const char *const *values,
                    int count,
                    PGresult **result_out,
                    Error *error)
{
    AUTO_RESULT *result = PQexecParams(connection, sql, count, NULL, values, NULL, NULL, 0);
    if (PQresultStatus(result) == PGRES_TUPLES_OK) {
        *result_out = TAKE(result);
        return true;
    }
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    if (state != NULL && strcmp(state, "23503") == 0) {
        return error_set(error, ERROR_NOT_FOUND,
                         "there is no such organisation; add it with `slideway org add ID`");
    }
    if (state != NULL && (strncmp(state, "23", 2) == 0 || strncmp(state, "22", 2) == 0)) {
        return error_set(error, ERROR_INVALID, "refused by the database: %s", message);
    }
    return connection_error(connection, "the database did not take it", error);
}

static bool is_true(const PGresult *result)
{
    return PQntuples(result) == 1 && PQgetvalue(result, 0, 0)[0] == 't';
}

bool organization_add(PGconn *connection,
                      const char *organization_id,
                      const char *name,
                      bool *is_new_out,
                      Error *error)
{
    const char *values[] = {organization_id, name};
    AUTO_RESULT *result = NULL;
    if (!execute(connection, SQL_ADD_ORGANIZATION, values, ARRAY_COUNT(values), &result, error)) {
        return false;
    }
    *is_new_out = is_true(result);
    return true;
}

bool organization_set_weight(PGconn *connection,
                             const char *organization_id,
                             const char *weight,
                             Error *error)
{
    const char *values[] = {organization_id, weight};
    AUTO_RESULT *result = NULL;
    if (!execute(connection, SQL_SET_ORGANIZATION_WEIGHT, values, ARRAY_COUNT(values), &result,
                 error)) {
        return false;
    }
    return PQntuples(result) == 1 ||
           error_set(error, ERROR_NOT_FOUND,
                     "there is no organisation '%s'; add it with `slideway org add ID`",
                     organization_id);
}

bool user_add(PGconn *connection, const UserRecord *user, bool *is_new_out, Error *error)
{
    const char *values[] = {user->user_id, user->organization_id, user->email, user->name,
                            user->role};
    AUTO_RESULT *result = NULL;
    if (!execute(connection, SQL_ADD_USER, values, ARRAY_COUNT(values), &result, error)) {
        return false;
    }
    *is_new_out = is_true(result);
    return true;
}

static char *value_or_null(const PGresult *result, int column)
{
    return PQgetisnull(result, 0, column) ? NULL : alloc_string(PQgetvalue(result, 0, column));
}

bool user_find(PGconn *connection, const char *user_id, UserFound *user_out, Error *error)
{
    const char *values[] = {user_id};
    AUTO_RESULT *result = NULL;
    if (!execute(connection, SQL_FIND_USER, values, ARRAY_COUNT(values), &result, error)) {
        return false;
    }
    if (PQntuples(result) != 1) {
        return error_set(error, ERROR_NOT_FOUND,
                         "there is no user '%s'; add one with `slideway user add ID --org ORG`",
                         user_id);
    }
    *user_out = (UserFound){value_or_null(result, 0), value_or_null(result, 1),
                            value_or_null(result, 2), value_or_null(result, 3)};
    return true;
}

bool user_set_password(PGconn *connection,
                       const char *user_id,
                       const char *password_hash,
                       Error *error)
{
    const char *values[] = {user_id, password_hash};
    AUTO_RESULT *result = NULL;
    return execute(connection, SQL_SET_PASSWORD, values, ARRAY_COUNT(values), &result, error);
}

void user_found_clear(UserFound *user)
{
    alloc_free(user->organization_id);
    alloc_free(user->email);
    alloc_free(user->name);
    alloc_free(user->role);
    *user = (UserFound){0};
}

bool quota_set(PGconn *connection, const QuotaRecord *quota, bool *is_new_out, Error *error)
{
    const char *values[] = {quota->scope, quota->subject_id, quota->name, quota->maximum};
    AUTO_RESULT *result = NULL;
    if (!execute(connection, SQL_SET_QUOTA, values, ARRAY_COUNT(values), &result, error)) {
        return false;
    }
    *is_new_out = is_true(result);
    return true;
}

/* A value as JSON has it: numbers and booleans by the column's type, else a text. */
static json_t *value_of(const PGresult *result, int row, int column)
{
    enum { OID_BOOL = 16, OID_INT8 = 20, OID_INT4 = 23, OID_NUMERIC = 1700 };
    const char *text = PQgetvalue(result, row, column);
    if (PQgetisnull(result, row, column)) {
        return json_null();
    }
    switch (PQftype(result, column)) {
    case OID_BOOL:
        return json_boolean(*text == 't');
    case OID_INT4:
    case OID_INT8:
        return json_integer(strtoll(text, NULL, 10));
    case OID_NUMERIC:
        return json_real(strtod(text, NULL));
    default:
        return json_string(text);
    }
}

json_t *rows_to_json(const PGresult *result)
{
    json_t *rows = json_array();
    for (int row = 0; row < PQntuples(result); row++) {
        json_t *object = json_object();
        for (int column = 0; column < PQnfields(result); column++) {
            json_object_set_new(object, PQfname(result, column), value_of(result, row, column));
        }
        json_array_append_new(rows, object);
    }
    return rows;
}

bool quota_list(PGconn *connection, json_t **quotas_out, Error *error)
{
    AUTO_RESULT *result = NULL;
    if (!execute(connection, SQL_LIST_QUOTAS, NULL, 0, &result, error)) {
        return false;
    }
    json_t *quotas = json_array();
    for (int row = 0; row < PQntuples(result); row++) {
        json_t *quota = json_object();
        for (int column = 0; column < PQnfields(result); column++) {
            json_t *value = PQgetisnull(result, row, column)
                                ? json_null()
                                : json_string(PQgetvalue(result, row, column));
            json_object_set_new(quota, PQfname(result, column), value);
        }
        json_array_append_new(quotas, quota);
    }
    *quotas_out = quotas;
    return true;
}

bool worker_list(PGconn *connection, bool all, PGresult **workers_out, Error *error)
{
    const char *const values[] = {all ? "t" : "f"};
    return execute(connection, SQL_LIST_WORKER_LABELS, values, ARRAY_COUNT(values), workers_out,
                   error);
}

bool attempt_list(PGconn *connection, const char *run_id, PGresult **attempts_out, Error *error)
{
    const char *const values[] = {run_id};
    return execute(connection, SQL_LIST_ATTEMPTS, values, ARRAY_COUNT(values), attempts_out, error);
}

bool api_key_add(PGconn *connection, const ApiKeyRecord *key, Error *error)
{
    const char *const values[] = {
        key->key_id, key->key_hash, key->user_id, key->name, key->can_write ? "t" : "f", key->days};
    AUTO_RESULT *result = NULL;
    if (!execute(connection, SQL_CREATE_API_KEY, values, ARRAY_COUNT(values), &result, error)) {
        return false;
    }
    return is_true(result) ||
           error_set(error, ERROR_NOT_FOUND, "there is no user '%s'", key->user_id);
}

bool api_key_list(PGconn *connection, const char *user_id, PGresult **keys_out, Error *error)
{
    const char *const values[] = {user_id};
    return execute(connection, SQL_LIST_API_KEYS, values, ARRAY_COUNT(values), keys_out, error);
}

bool api_key_revoke(PGconn *connection, const char *key_id, bool *was_active_out, Error *error)
{
    const char *const values[] = {key_id};
    AUTO_RESULT *result = NULL;
    if (!execute(connection, SQL_REVOKE_API_KEY, values, ARRAY_COUNT(values), &result, error)) {
        return false;
    }
    const char *outcome = PQgetvalue(result, 0, 0);
    if (strcmp(outcome, "NOT_FOUND") == 0) {
        return error_set(error, ERROR_NOT_FOUND, "there is no key '%s'", key_id);
    }
    *was_active_out = strcmp(outcome, "REVOKED") == 0;
    return true;
}

bool bucket_list(PGconn *connection, PGresult **buckets_out, Error *error)
{
    return execute(connection, SQL_LIST_BUCKETS, NULL, 0, buckets_out, error);
}

bool bucket_rotate(PGconn *connection,
                   const char *organization_id,
                   char **bucket_name_out,
                   Error *error)
{
    const char *const values[] = {organization_id};
    AUTO_RESULT *result = NULL;
    if (!execute(connection, SQL_ROTATE_BUCKET, values, ARRAY_COUNT(values), &result, error)) {
        return false;
    }
    if (PQgetisnull(result, 0, 0)) {
        return error_set(error, ERROR_NOT_FOUND, "the organisation '%s' has no bucket",
                         organization_id);
    }
    *bucket_name_out = alloc_string(PQgetvalue(result, 0, 0));
    return true;
}

bool bucket_assign(PGconn *connection, const AssignedBucket *bucket, Error *error)
{
    const char *const values[] = {bucket->organization_id, bucket->bucket_name, bucket->protocol,
                                  bucket->access_key_id, bucket->sealed_secret};
    AUTO_RESULT *result = NULL;
    if (!execute(connection, SQL_ASSIGN_BUCKET, values, ARRAY_COUNT(values), &result, error)) {
        return false;
    }
    return is_true(result) || error_set(error, ERROR_NOT_FOUND, "there is no organisation '%s'",
                                        bucket->organization_id);
}

bool bucket_unassign(PGconn *connection, const char *organization_id, Error *error)
{
    const char *const values[] = {organization_id};
    AUTO_RESULT *result = NULL;
    if (!execute(connection, SQL_UNASSIGN_BUCKET, values, ARRAY_COUNT(values), &result, error)) {
        return false;
    }
    return is_true(result) ||
           error_set(error, ERROR_NOT_FOUND, "no bucket was assigned to the organisation '%s'",
                     organization_id);
}
