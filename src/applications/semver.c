/* SPDX-License-Identifier: Apache-2.0 */
/* Semantic versions; see semver.h. */
#include "applications/semver.h"

#include <assert.h>

enum { NUMBER_BYTES_MAX = 255, WIDTH_DIGITS = 3 };

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_identifier_byte(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
}

static bool all_digits(Text text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (!is_digit(text.bytes[i])) {
            return false;
        }
    }
    return text.length > 0;
}

/* A number without leading zeros. */
static bool is_numeric(Text text)
{
    return all_digits(text) && (text.length == 1 || text.bytes[0] != '0');
}

static bool is_identifier(Text text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (!is_identifier_byte(text.bytes[i])) {
            return false;
        }
    }
    return text.length > 0;
}

/* Identifiers between dots; numeric ones of a pre-release have no leading zeros. */
static bool are_identifiers(Text list, bool prerelease)
{
    do {
        Text one = text_split(&list, '.');
        if (!is_identifier(one) || (prerelease && all_digits(one) && !is_numeric(one))) {
            return false;
        }
    } while (list.bytes != NULL);
    return true;
}

typedef struct SemverParts {
    Text core;
    Text prerelease; /* bytes == NULL: none */
    Text build;
} SemverParts;

static SemverParts split_number(Text number)
{
    SemverParts parts = {.build = number};
    Text front = text_split(&parts.build, '+');
    parts.prerelease = front;
    parts.core = text_split(&parts.prerelease, '-');
    return parts;
}

bool semver_is_valid(Text number)
{
    if (number.length == 0 || number.length > NUMBER_BYTES_MAX) {
        return false;
    }
    SemverParts parts = split_number(number);
    for (int i = 0; i < 3; i++) {
        if (parts.core.bytes == NULL || !is_numeric(text_split(&parts.core, '.'))) {
            return false;
        }
    }
    return parts.core.bytes == NULL &&
           (parts.prerelease.bytes == NULL || are_identifiers(parts.prerelease, true)) &&
           (parts.build.bytes == NULL || are_identifiers(parts.build, false));
}

/* Numbers compare by their length first, so that no padding is needed: "002" "10". */
static void write_numeric(Text digits, Buffer *out)
{
    buffer_format(out, "%0*zu", WIDTH_DIGITS, digits.length);
    buffer_text(out, digits);
}

void semver_precedence(Text number, Buffer *out)
{
    assert(semver_is_valid(number));
    SemverParts parts = split_number(number);
    for (int i = 0; i < 3; i++) {
        write_numeric(text_split(&parts.core, '.'), out);
        buffer_byte(out, '.');
    }
    if (parts.prerelease.bytes == NULL) {
        buffer_byte(out, '~'); /* above every pre-release */
        return;
    }
    /* '!' sorts below every identifier byte, so a shorter list comes first; numeric identifiers
     * ('0') come before the others ('1'). */
    while (parts.prerelease.bytes != NULL) {
        Text identifier = text_split(&parts.prerelease, '.');
        if (all_digits(identifier)) {
            buffer_string(out, "!0");
            write_numeric(identifier, out);
        } else {
            buffer_string(out, "!1");
            buffer_text(out, identifier);
        }
    }
}
