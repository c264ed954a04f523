/* SPDX-License-Identifier: Apache-2.0 */
/* Judging claims; see claims.h. */
#include "auth/claims.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "json/reader.h"

enum { CLAIM_NAME_BYTES = 256 };
/* Past it microseconds are no concern of ours, and a double is still exact. */
#define SECONDS_MAX ((double)YEAR_9999_LAST_SECOND)

static bool refuse(Error *error, const char *why)
{
    return error_set(error, ERROR_UNAUTHORIZED, "%s", why);
}

static bool audience_matches(const json_t *audience, const char *wanted)
{
    if (json_is_string(audience)) {
        return strcmp(json_string_value(audience), wanted) == 0;
    }
    for (size_t i = 0; i < json_array_size(audience); i++) {
        const char *one = json_string_value(json_array_get(audience, i));
        if (one != NULL && strcmp(one, wanted) == 0) {
            return true;
        }
    }
    return false;
}

/* RFC 7519: a NumericDate is a number of seconds, maybe with a fraction. */
static bool read_time(const json_t *value, int64_t *at_us_out)
{
    if (!json_is_number(value)) {
        return false;
    }
    double seconds = json_number_value(value);
    if (!isfinite(seconds) || seconds < 0 || seconds > SECONDS_MAX) {
        return false;
    }
    *at_us_out = (int64_t)(seconds * (double)MICROSECONDS_PER_SECOND);
    return true;
}

static bool
check_times(const json_t *claims, int64_t now_us, int64_t *expires_at_us_out, Error *error)
{
    const int64_t leeway_us = CLOCK_LEEWAY_SECONDS * MICROSECONDS_PER_SECOND;
    int64_t expires_at_us = 0;
    if (!read_time(json_object_get(claims, "exp"), &expires_at_us)) {
        return refuse(error, "The token does not say when it expires.");
    }
    if (now_us >= expires_at_us + leeway_us) {
        return refuse(error, "The token has expired.");
    }
    const json_t *not_before = json_object_get(claims, "nbf");
    int64_t not_before_us = 0;
    if (not_before != NULL &&
        (!read_time(not_before, &not_before_us) || now_us + leeway_us < not_before_us)) {
        return refuse(error, "The token is not valid yet.");
    }
    const json_t *issued_at = json_object_get(claims, "iat");
    int64_t issued_at_us = 0;
    if (issued_at != NULL &&
        (!read_time(issued_at, &issued_at_us) || now_us + leeway_us < issued_at_us)) {
        return refuse(error, "The token was issued in the future.");
    }
    *expires_at_us_out = expires_at_us + leeway_us;
    return true;
}

static bool copy_claim(const json_t *claims, const char *name, char out[PRINCIPAL_ID_BYTES])
{
    const char *value = document_string(claims, name);
    return string_is_given(value) && text_copy(text_of(value), out, PRINCIPAL_ID_BYTES);
}

static const json_t *find_role(const json_t *claims, const TokenRules *rules)
{
    if (rules->role_claim[0] != '\0') {
        return json_object_get(claims, rules->role_claim);
    }
    char name[CLAIM_NAME_BYTES];
    snprintf(name, sizeof name, "%s/role", rules->audience);
    const json_t *role = json_object_get(claims, name);
    return role != NULL ? role : json_object_get(claims, "role");
}

/* Without the claim it is a member; a role that is not known gives no rights at all. */
static bool read_role(const json_t *claims, const TokenRules *rules, Role *role_out)
{
    const json_t *claim = find_role(claims, rules);
    if (claim == NULL) {
        *role_out = ROLE_MEMBER;
        return true;
    }
    return role_read(json_string_value(claim), role_out);
}

bool principal_of_claims(const json_t *claims,
                         const TokenRules *rules,
                         int64_t now_us,
                         Principal *principal_out,
                         int64_t *expires_at_us_out,
                         Error *error)
{
    const char *issuer = document_string(claims, "iss");
    if (issuer == NULL || strcmp(issuer, rules->issuer) != 0) {
        return refuse(error, "The token comes from another issuer.");
    }
    if (!audience_matches(json_object_get(claims, "aud"), rules->audience)) {
        return refuse(error, "The token is for another audience.");
    }
    int64_t expires_at_us = 0;
    if (!check_times(claims, now_us, &expires_at_us, error)) {
        return false;
    }
    Principal principal = {.role = ROLE_MEMBER};
    if (!copy_claim(claims, rules->user_claim, principal.user_id)) {
        return refuse(error, "The token does not say whose it is.");
    }
    if (!copy_claim(claims, rules->organization_claim, principal.organization_id)) {
        return refuse(error, "The token names no organization.");
    }
    if (!read_role(claims, rules, &principal.role)) {
        return refuse(error, "The token's role is unknown.");
    }
    /* What does not fit is left out, and so is an address that anybody may have claimed: a grant
     * may name it. */
    if (json_is_false(json_object_get(claims, "email_verified")) ||
        !copy_claim(claims, rules->email_claim, principal.email)) {
        principal.email[0] = '\0';
    }
    if (!copy_claim(claims, "name", principal.name)) {
        principal.name[0] = '\0';
    }
    *principal_out = principal;
    *expires_at_us_out = expires_at_us;
    return true;
}
