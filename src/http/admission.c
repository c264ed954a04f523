/* SPDX-License-Identifier: Apache-2.0 */
/* Tokens of callers, and their rates; see admission.h. */
#include "http/admission.h"

#include <strings.h>

#include "auth/secret.h"
#include "base/limits.h"
#include "http/query.h"
#include "http/rows.h"
#include "http_sql.h"

#define BEARER "Bearer "

static const Statement FIND_API_KEY = {"find_api_key", SQL_FIND_API_KEY, STATEMENT_READ, 1};

static Text bearer_token(const Exchange *exchange)
{
    Text value = exchange->request.headers.authorization;
    if (value.length < sizeof BEARER - 1 ||
        strncasecmp(value.bytes, BEARER, sizeof BEARER - 1) != 0) {
        return (Text){NULL, 0};
    }
    return text_trim(text_from(value, sizeof BEARER - 1));
}

/* A share token comes alone or beside a bearer token, never in place of a bad one; bytes == NULL:
 * it does not come alone. Whether it is good is known to the statement. */
static Text lone_share_token(const Exchange *exchange)
{
    Text query = exchange->target;
    (void)text_split(&query, '?');
    if (exchange->endpoint->permission != PERMISSION_SHARED ||
        exchange->request.headers.authorization.bytes != NULL) {
        return (Text){NULL, 0};
    }
    return query_raw_value(query, SHARE_TOKEN_PARAMETER);
}

static void limit_rate(Exchange *exchange)
{
    int64_t wait_us = rate_limiter_take(shard_rate_limiter(exchange->shard), exchange->caller,
                                        exchange->started_at_us);
    if (wait_us > 0) {
        response_error(&exchange->response, 429, "Too many requests: try again later.");
        exchange->response.retry_after_seconds =
            (int)((wait_us + MICROSECONDS_PER_SECOND - 1) / MICROSECONDS_PER_SECOND);
    }
}

static void keys_ready(KeyWaiter *waiter)
{
    Exchange *exchange = (Exchange *)(void *)((char *)waiter - offsetof(Exchange, key_waiter));
    shard_return(exchange->shard, &exchange->work);
}

static void refuse_unverifiable(Exchange *exchange)
{
    response_error(&exchange->response, 503,
                   "The token cannot be verified now: its issuer does not answer.");
    exchange->response.retry_after_seconds = RETRY_AFTER_SECONDS;
}

static void await_keys(Exchange *exchange, const Error *unknown_key)
{
    exchange->key_waiter.ready = keys_ready;
    exchange->phase = EXCHANGE_ADMITTING;
    switch (shard_await_keys(exchange->shard, &exchange->key_waiter)) {
    case KEYS_COMING:
        return;
    case KEYS_REFUSED:
        response_of_error(&exchange->response, unknown_key);
        break;
    case KEYS_AWAY:
        refuse_unverifiable(exchange);
        break;
    }
    exchange->phase = EXCHANGE_ADMITTED;
}

static void refuse_unavailable(Exchange *exchange)
{
    response_error(&exchange->response, 503, "The service is not available now: try again.");
    exchange->response.retry_after_seconds = RETRY_AFTER_SECONDS;
}

/* Asked for each time: a key that is revoked ends at once. */
static void ask_for_api_key(Exchange *exchange, Text key)
{
    Query *query = &exchange->query;
    SecretHash hash = secret_hash(key);
    query->statement = &FIND_API_KEY;
    query->caller = "";
    query->parameters.count = 0;
    parameters_add(&query->parameters, arena_string(&exchange->request.arena, text_of(hash.hex)));
    exchange->phase = EXCHANGE_ADMITTING;
    if (!pipeline_submit(shard_pipeline(exchange->shard), query)) {
        exchange->phase = EXCHANGE_ADMITTED;
        refuse_unavailable(exchange);
    }
}

static bool copy_column(const PGresult *result, int column, char out[PRINCIPAL_ID_BYTES])
{
    const char *value = row_value(result, 0, column);
    out[0] = '\0';
    return value != NULL && text_copy(text_of(value), out, PRINCIPAL_ID_BYTES);
}

static bool read_owner(const PGresult *result, Principal *principal)
{
    enum { USER_ID, ORGANIZATION_ID, ROLE, EMAIL, NAME };
    if (PQntuples(result) == 0 || !copy_column(result, USER_ID, principal->user_id) ||
        !copy_column(result, ORGANIZATION_ID, principal->organization_id)) {
        return false;
    }
    (void)copy_column(result, EMAIL, principal->email);
    (void)copy_column(result, NAME, principal->name);
    return role_read(row_value(result, 0, ROLE), &principal->role);
}

static void take_owner(Exchange *exchange, const PGresult *result)
{
    enum { CAN_WRITE = 5 };
    if (!read_owner(result, &exchange->request.principal)) {
        response_error(&exchange->response, 401,
                       "The API key is not known, or does not count any more.");
        return;
    }
    Principal *owner = &exchange->request.principal;
    owner->read_only = *row_value(result, 0, CAN_WRITE) != 't';
    if (owner->read_only && !text_is(exchange->request.method, "GET")) {
        response_error(&exchange->response, 403, "The API key may only read.");
    }
}

/* Keys that were read for this token and do not have its own are not read again. */
static void authenticate(Exchange *exchange, bool may_wait)
{
    Text token = bearer_token(exchange);
    if (token.bytes == NULL) {
        response_error(&exchange->response, 401, "Not authenticated");
        return;
    }
    if (text_starts_with(token, API_KEY_PREFIX)) {
        ask_for_api_key(exchange, token);
        return;
    }
    Error error = {0};
    TokenVerdict verdict =
        verifier_check(shard_verifier(exchange->shard), token, &exchange->request.principal,
                       exchange->key_waiter.key_id, &error);
    if (verdict == TOKEN_UNKNOWN_KEY && may_wait) {
        await_keys(exchange, &error);
    } else if (verdict == TOKEN_UNKNOWN_KEY && !exchange->key_waiter.was_read) {
        refuse_unverifiable(exchange);
    } else if (verdict != TOKEN_VALID) {
        response_of_error(&exchange->response, &error);
    }
    exchange->caller = exchange->request.principal.user_id;
}

static void admit_known(Exchange *exchange)
{
    if (exchange->response.status == 0 && exchange->phase == EXCHANGE_ADMITTED) {
        limit_rate(exchange);
    }
}

/* Those who come with the same share token alone are one caller; a space keeps them from users. */
void admission_begin(Exchange *exchange)
{
    exchange->phase = EXCHANGE_ADMITTED;
    Text share_token = lone_share_token(exchange);
    if (share_token.bytes == NULL) {
        authenticate(exchange, true);
    } else {
        exchange->caller =
            arena_format(&exchange->request.arena, " %.*s", TEXT_ARGUMENTS(share_token));
        /* Without an Authorization header a shared cache could keep the answer (RFC 9111, 3.5), and
         * give it out when the token is revoked. */
        exchange->response.no_store = true;
    }
    admit_known(exchange);
}

void admission_go_on(Exchange *exchange)
{
    exchange->phase = EXCHANGE_ADMITTED;
    authenticate(exchange, false);
    admit_known(exchange);
}

void admission_answered(Exchange *exchange, QueryOutcome outcome, const PGresult *result)
{
    exchange->phase = EXCHANGE_ADMITTED;
    if (outcome == QUERY_ANSWERED) {
        take_owner(exchange, result);
    } else {
        refuse_unavailable(exchange);
    }
    exchange->caller = exchange->request.principal.user_id;
    admit_known(exchange);
}
