/* SPDX-License-Identifier: Apache-2.0 */
/* Signed URLs: what was signed is granted, and nothing else. */
#include "unit_test.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "objectstore/sign.h"

#define NOW_US (1700000000LL * MICROSECONDS_PER_SECOND)

/* The signature was computed with: printf 'GET\nuploads/a/b c.svs\n1700000060\n\xc3\xa4.svs' |
 * openssl dgst -sha256 -hmac 0123456789abcdef0123456789abcdef -binary | base64url */
#define KNOWN_URL                                                                                  \
    "http://h:1/objects/uploads/a/b%20c.svs?expires=1700000060&method=GET"                         \
    "&disposition=%C3%A4.svs&signature=6QIwReUUsrG35A_tj4o1rVCPkPXCMaiP6lanDj1I3oo"

static const UrlSigner SIGNER = {"http://h:1", {"0123456789abcdef0123456789abcdef", 32}};
static const UrlGrant GRANT = {URL_GET, "uploads/a/b c.svs", "\xc3\xa4.svs", 1700000060};

static char *sign(UrlGrant grant)
{
    Buffer url;
    buffer_init(&url, SIGNED_URL_BYTES_MAX);
    url_sign(&SIGNER, &grant, &url);
    return buffer_take(&url, NULL);
}

static bool verifies(const char *url, UrlMethod method, int64_t now_us)
{
    AUTO_URL_GRANTED granted = {0};
    Error error = {0};
    bool verified = url_verify(&SIGNER, text_of(url), method, now_us, &granted, &error);
    assert_int_equal(error.code, verified ? ERROR_NONE : ERROR_FORBIDDEN);
    assert_true(verified == (granted.object_key != NULL));
    return verified;
}

/* Whether the URL still counts with the first `part` of it changed. */
static bool verifies_changed(const char *url, const char *part, const char *replacement)
{
    const char *found = strstr(url, part);
    assert_non_null(found);
    AUTO_FREE char *changed =
        alloc_format("%.*s%s%s", (int)(found - url), url, replacement, found + strlen(part));
    return verifies(changed, URL_GET, NOW_US);
}

static void known_url_is_made_and_granted(void **state)
{
    (void)state;
    AUTO_FREE char *url = sign(GRANT);
    assert_string_equal(url, KNOWN_URL);
    AUTO_URL_GRANTED granted = {0};
    Error error = {0};
    assert_true(url_verify(&SIGNER, TEXT(KNOWN_URL), URL_GET, NOW_US, &granted, &error));
    assert_string_equal(granted.object_key, "uploads/a/b c.svs");
    assert_string_equal(granted.file_name, "\xc3\xa4.svs");
}

/* A thread signs with whichever key is asked for. */
static void each_key_has_its_signature(void **state)
{
    (void)state;
    const UrlSigner other = {SIGNER.object_url, TEXT("another-secret-of-at-least-32-bytes")};
    AUTO_FREE char *first = sign(GRANT);
    AUTO_BUFFER second;
    buffer_init(&second, SIGNED_URL_BYTES_MAX);
    url_sign(&other, &GRANT, &second);
    AUTO_FREE char *third = sign(GRANT);
    assert_string_equal(first, KNOWN_URL);
    assert_string_not_equal(buffer_to_string(&second), KNOWN_URL);
    assert_string_equal(third, KNOWN_URL);
}

static void expired_url_is_refused(void **state)
{
    (void)state;
    assert_true(verifies(KNOWN_URL, URL_GET, NOW_US + 59 * MICROSECONDS_PER_SECOND));
    assert_false(verifies(KNOWN_URL, URL_GET, NOW_US + 60 * MICROSECONDS_PER_SECOND));
}

static void changed_parts_are_refused(void **state)
{
    (void)state;
    assert_false(verifies_changed(KNOWN_URL, "uploads/a", "uploads/b"));
    assert_false(verifies_changed(KNOWN_URL, "1700000060", "1700000061"));
    assert_false(verifies_changed(KNOWN_URL, "1700000060", "9999999999"));
    assert_false(verifies_changed(KNOWN_URL, "%A4.svs", "%A5.svs"));
    assert_false(verifies_changed(KNOWN_URL, "&disposition=%C3%A4.svs", ""));
    assert_false(verifies_changed(KNOWN_URL, "signature=", "signature=A"));
    assert_false(verifies_changed(KNOWN_URL, "&signature=", "&signatur="));
    assert_false(verifies_changed(KNOWN_URL, "b%20c", "x/../b%20c"));
    assert_false(verifies_changed(KNOWN_URL, "http://h:1/", "http://h:2/"));
    /* The same key, encoded in another way, is the same object. */
    assert_true(verifies_changed(KNOWN_URL, "uploads", "%75ploads"));
}

static void method_is_part_of_the_signature(void **state)
{
    (void)state;
    assert_false(verifies(KNOWN_URL, URL_PUT, NOW_US));
    assert_false(verifies_changed(KNOWN_URL, "method=GET", "method=PUT"));
    UrlGrant grant = GRANT;
    grant.method = URL_PUT;
    AUTO_FREE char *url = sign(grant);
    assert_true(verifies(url, URL_PUT, NOW_US));
    assert_false(verifies(url, URL_GET, NOW_US));
}

/* As above, of 'GET text/markdown\ndocuments/a.md\n1700000060\na.md'. */
#define TYPED_URL                                                                                  \
    "http://h:1/objects/documents/a.md?expires=1700000060&method=GET"                              \
    "&disposition=a.md&type=text%2Fmarkdown&signature=vJ4M-DYheOjQk6m5Vofg_PWyECjj6rOYiIFaFy2JBek"

static void media_type_is_part_of_the_signature(void **state)
{
    (void)state;
    const UrlGrant grant = {URL_GET, "documents/a.md", "a.md", 1700000060, "text/markdown"};
    AUTO_FREE char *url = sign(grant);
    assert_string_equal(url, TYPED_URL);
    AUTO_URL_GRANTED granted = {0};
    Error error = {0};
    assert_true(url_verify(&SIGNER, TEXT(TYPED_URL), URL_GET, NOW_US, &granted, &error));
    assert_string_equal(granted.media_type, "text/markdown");
    assert_false(verifies_changed(TYPED_URL, "markdown", "html"));
    assert_false(verifies_changed(TYPED_URL, "&type=text%2Fmarkdown", ""));
    /* What stands in one part cannot move into another. */
    const UrlGrant lines = {URL_GET, "a", "x\n1700000060\ny", 1700000060};
    AUTO_FREE char *lines_url = sign(lines);
    assert_true(verifies(lines_url, URL_GET, NOW_US));
    assert_false(verifies_changed(lines_url, "objects/a?", "objects/x?type=a&"));
    const UrlGrant typed = {URL_GET, "a", "y", 1700000060, "text/html\nx\n1700000060"};
    AUTO_FREE char *typed_url = sign(typed);
    assert_false(verifies(typed_url, URL_GET, NOW_US));
}

static void repeated_parts_are_refused(void **state)
{
    (void)state;
    assert_false(verifies(KNOWN_URL "&expires=1700000060", URL_GET, NOW_US));
    assert_false(verifies(KNOWN_URL "&method=GET", URL_GET, NOW_US));
    /* What is not ours, as a tracker's tag, does no harm. */
    assert_true(verifies(KNOWN_URL "&x=1", URL_GET, NOW_US));
}

static void keys_that_leave_the_store_are_refused_even_signed(void **state)
{
    (void)state;
    static const char *const KEYS[] = {"../x", "a/../b", "/etc/passwd", "a//b", ".incoming/x", ""};
    for (size_t i = 0; i < ARRAY_COUNT(KEYS); i++) {
        UrlGrant grant = GRANT;
        grant.object_key = KEYS[i];
        AUTO_FREE char *url = sign(grant);
        assert_false(verifies(url, URL_GET, NOW_US));
    }
}

static void newline_cannot_move_between_parts(void **state)
{
    (void)state;
    UrlGrant grant = {URL_GET, "a", "x", 1700000060};
    AUTO_FREE char *url = sign(grant);
    const char *signature = strstr(url, "signature=");
    AUTO_FREE char *moved = alloc_format(
        "http://h:1/objects/a%%0A1700000060%%0Ax?expires=1700000060&method=GET&%s", signature);
    assert_false(verifies(moved, URL_GET, NOW_US));
}

static void foreign_urls_are_told_apart(void **state)
{
    (void)state;
    assert_true(url_is_own(&SIGNER, TEXT(KNOWN_URL)));
    assert_false(url_is_own(&SIGNER, TEXT("http://h:10/objects/a")));
    assert_false(url_is_own(&SIGNER, TEXT("http://h:1/other")));
    assert_false(url_is_own(&SIGNER, TEXT("http://h:1.example.org/objects/a")));
}

static void weak_secrets_are_refused(void **state)
{
    (void)state;
    Error error = {0};
    UrlSigner signer = {"http://h:1", TEXT("short")};
    assert_true(url_signer_check(&SIGNER, &error));
    assert_false(url_signer_check(&signer, &error));
    signer = (UrlSigner){"ftp://h", SIGNER.key};
    assert_false(url_signer_check(&signer, &error));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_url_is_made_and_granted),
        cmocka_unit_test(each_key_has_its_signature),
        cmocka_unit_test(expired_url_is_refused),
        cmocka_unit_test(changed_parts_are_refused),
        cmocka_unit_test(method_is_part_of_the_signature),
        cmocka_unit_test(media_type_is_part_of_the_signature),
        cmocka_unit_test(repeated_parts_are_refused),
        cmocka_unit_test(keys_that_leave_the_store_are_refused_even_signed),
        cmocka_unit_test(newline_cannot_move_between_parts),
        cmocka_unit_test(foreign_urls_are_told_apart),
        cmocka_unit_test(weak_secrets_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
