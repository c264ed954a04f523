/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a provider's configuration; see discovery.h. */
#include "auth/discovery.h"

#include "base/alloc.h"
#include "json/reader.h"

#define WELL_KNOWN "/.well-known/openid-configuration"

char *discovery_url(const char *issuer)
{
    size_t length = strlen(issuer);
    while (length > 0 && issuer[length - 1] == '/') {
        length--;
    }
    return alloc_format("%.*s" WELL_KNOWN, (int)length, issuer);
}

bool discovery_check_issuer(const char *issuer, Error *error)
{
    Text text = text_of(issuer);
    bool is_url = text_starts_with(text, "https://") || text_starts_with(text, "http://");
    return (is_url && strpbrk(issuer, "?# ") == NULL) ||
           error_set(error, ERROR_INVALID,
                     "the issuer '%s' is no http or https URL without query and fragment", issuer);
}

bool discovery_read(
    Text configuration, const char *issuer, const char *member, char **url_out, Error *error)
{
    AUTO_JSON *root = NULL;
    if (!document_parse(configuration, &root, error)) {
        return error_context(error, "the configuration of %s", issuer);
    }
    const char *named = document_string(root, "issuer");
    if (named == NULL || strcmp(named, issuer) != 0) {
        return error_set(error, ERROR_INVALID,
                         "the configuration of %s is that of the issuer '%.200s'", issuer,
                         named == NULL ? "" : named);
    }
    const char *url = document_string(root, member);
    if (url == NULL) {
        return error_set(error, ERROR_INVALID, "the configuration of %s has no %s", issuer, member);
    }
    bool is_safe =
        text_starts_with(text_of(url), "https://") ||
        (text_starts_with(text_of(url), "http://") && text_starts_with(text_of(issuer), "http://"));
    if (!is_safe) {
        return error_set(error, ERROR_INVALID, "the %s of %s is no https URL", member, issuer);
    }
    *url_out = alloc_string(url);
    return true;
}
