/* SPDX-License-Identifier: Apache-2.0 */
/* The login of a machine without a browser (RFC 8628). */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/login.h"
#include "cli/oauth_call.h"
#include "cli/print.h"
#include "json/reader.h"

enum { INTERVAL_SECONDS = 5, INTERVAL_SECONDS_MAX = 60, EXPIRES_SECONDS_MAX = 1800 };

static int64_t number_of(const json_t *object, const char *key, int64_t fallback, int64_t maximum)
{
    const json_t *value = json_object_get(object, key);
    int64_t number = json_is_integer(value) ? json_integer_value(value) : fallback;
    return number < 1 ? 1 : number > maximum ? maximum : number;
}

static bool show_code(const json_t *codes, Error *error)
{
    const char *page = document_string(codes, "verification_uri");
    const char *complete = document_string(codes, "verification_uri_complete");
    const char *user_code = document_string(codes, "user_code");
    if (page == NULL || user_code == NULL || document_string(codes, "device_code") == NULL) {
        return oauth_refusal(codes, error);
    }
    AUTO_FREE char *shown_page = printable(complete == NULL ? page : complete);
    AUTO_FREE char *shown_code = printable(user_code);
    fprintf(stderr, "Open this page with any browser:\n%s\nand confirm the code %s\n", shown_page,
            shown_code);
    return true;
}

/* Whether to ask again; slower from now on when we were too fast. */
static bool is_pending(const json_t *answer, int64_t *interval_seconds)
{
    const char *code = document_string(answer, "error");
    if (code == NULL) {
        return false;
    }
    if (strcmp(code, "slow_down") == 0) {
        *interval_seconds += INTERVAL_SECONDS;
        return true;
    }
    return strcmp(code, "authorization_pending") == 0;
}

/* RFC 8628, 3.5: an issuer that does not answer is asked again, less often. */
static void slow_down(int64_t *interval_seconds)
{
    *interval_seconds *= 2;
    if (*interval_seconds > INTERVAL_SECONDS_MAX) {
        *interval_seconds = INTERVAL_SECONDS_MAX;
    }
}

static bool poll_token(const Cli *cli,
                       const LoginIssuer *issuer,
                       const json_t *codes,
                       json_t **tokens_out,
                       Error *error)
{
    const FormField fields[] = {{"grant_type", "urn:ietf:params:oauth:grant-type:device_code"},
                                {"device_code", document_string(codes, "device_code")},
                                {"client_id", issuer->client_id}};
    int64_t interval = number_of(codes, "interval", INTERVAL_SECONDS, INTERVAL_SECONDS_MAX);
    int64_t end_us = clock_monotonic_us(cli->clock) +
                     number_of(codes, "expires_in", EXPIRES_SECONDS_MAX, EXPIRES_SECONDS_MAX) *
                         MICROSECONDS_PER_SECOND;
    while (clock_monotonic_us(cli->clock) < end_us) {
        clock_sleep_us(cli->clock, interval * MICROSECONDS_PER_SECOND);
        AUTO_JSON *answer = NULL;
        *error = (Error){0};
        if (!oauth_post(issuer->token_url, fields, ARRAY_COUNT(fields), &answer, error)) {
            if (error->code != ERROR_UNAVAILABLE) {
                return false;
            }
            slow_down(&interval);
        } else if (!is_pending(answer, &interval)) {
            *tokens_out = TAKE(answer);
            return true;
        }
    }
    return error->code == ERROR_NONE &&
           error_set(error, ERROR_UNAUTHORIZED, "nobody confirmed the code in time");
}

bool login_by_device(const Cli *cli, const LoginIssuer *issuer, json_t **tokens_out, Error *error)
{
    if (issuer->device_url == NULL) {
        return error_set(error, ERROR_INVALID, "%s has no login of devices", issuer->issuer);
    }
    const FormField fields[] = {
        {"client_id", issuer->client_id}, {"scope", issuer->scope}, {"audience", issuer->audience}};
    AUTO_JSON *codes = NULL;
    return oauth_post(issuer->device_url, fields, ARRAY_COUNT(fields), &codes, error) &&
           show_code(codes, error) && poll_token(cli, issuer, codes, tokens_out, error);
}
