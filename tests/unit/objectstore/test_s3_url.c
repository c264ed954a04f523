/* SPDX-License-Identifier: Apache-2.0 */
/* Presigned URLs of a bucket: as S3's documentation has them, and granted only as they were made.
 */
#include "unit_test.h"

#include "base/alloc.h"
#include "base/clock.h"
#include "objectstore/s3_bucket.h"

#define SIGNED_AT 1369353600 /* 20130524T000000Z */
#define NOW_US (SIGNED_AT * MICROSECONDS_PER_SECOND)

/* The key of the documentation's examples. */
#define EXAMPLE_KEY                                                                                \
    .region = "us-east-1", .bucket = "examplebucket", .access_key_id = "AKIAIOSFODNN7EXAMPLE",     \
    .secret_access_key = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"

/* https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html, "Example". */
#define EXAMPLE_URL                                                                                \
    "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"             \
    "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"            \
    "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"                    \
    "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"

static void cleanup_bucket(S3Bucket **bucket)
{
    s3_bucket_close(*bucket);
}
#define AUTO_BUCKET CLEANUP(cleanup_bucket) S3Bucket

static S3Bucket *open_bucket(const S3Options *options)
{
    S3Bucket *bucket = NULL;
    Error error = {0};
    assert_true(s3_bucket_open(options, &bucket, &error));
    return bucket;
}

static const S3Options EXAMPLE = {
    .endpoint = "https://s3.amazonaws.com", .virtual_host = true, EXAMPLE_KEY};
static const S3Options WITH_PREFIX = {
    .endpoint = "http://S3.Example.org:9000", .prefix = "a/b", EXAMPLE_KEY};

static char *sign(const S3Options *options, const UrlGrant *grant)
{
    AUTO_BUCKET *bucket = open_bucket(options);
    Buffer url;
    buffer_init(&url, SIGNED_URL_BYTES_MAX);
    s3_url_sign(bucket, grant, &url);
    return buffer_take(&url, NULL);
}

/* The key that the URL grants; NULL: it grants nothing. */
static char *granted_by(const S3Options *options, const char *url, UrlMethod method, int64_t now_us)
{
    AUTO_BUCKET *bucket = open_bucket(options);
    AUTO_URL_GRANTED granted = {0};
    Error error = {0};
    bool verified = s3_url_verify(bucket, text_of(url), method, now_us, &granted, &error);
    assert_int_equal(error.code, verified ? ERROR_NONE : ERROR_FORBIDDEN);
    return TAKE(granted.object_key);
}

static bool grants(const char *url, UrlMethod method, int64_t now_us)
{
    AUTO_FREE char *key = granted_by(&EXAMPLE, url, method, now_us);
    return key != NULL;
}

static void the_documented_url_is_made_and_granted(void **state)
{
    (void)state;
    const UrlGrant grant = {.method = URL_GET,
                            .object_key = "test.txt",
                            .expires_at_seconds = SIGNED_AT + 86400,
                            .signed_at_seconds = SIGNED_AT};
    AUTO_FREE char *url = sign(&EXAMPLE, &grant);
    assert_string_equal(url, EXAMPLE_URL);
    AUTO_FREE char *key = granted_by(&EXAMPLE, EXAMPLE_URL, URL_GET, NOW_US);
    assert_string_equal(key, "test.txt");
}

static void a_url_expires_to_the_second(void **state)
{
    (void)state;
    assert_true(grants(EXAMPLE_URL, URL_GET, NOW_US + 86400 * MICROSECONDS_PER_SECOND - 1));
    assert_false(grants(EXAMPLE_URL, URL_GET, NOW_US + 86400 * MICROSECONDS_PER_SECOND));
    /* S3 takes what a clock a quarter of an hour before its own has signed, and no more. */
    assert_true(grants(EXAMPLE_URL, URL_GET, NOW_US - 900 * MICROSECONDS_PER_SECOND));
    assert_false(grants(EXAMPLE_URL, URL_GET, NOW_US - 901 * MICROSECONDS_PER_SECOND));
}

/* Whether the example's URL still counts with the first `part` of it changed. */
static bool grants_changed(const char *part, const char *replacement)
{
    const char *found = strstr(EXAMPLE_URL, part);
    assert_non_null(found);
    AUTO_FREE char *changed = alloc_format("%.*s%s%s", (int)(found - EXAMPLE_URL), EXAMPLE_URL,
                                           replacement, found + strlen(part));
    return grants(changed, URL_GET, NOW_US);
}

static void changed_urls_are_refused(void **state)
{
    (void)state;
    static const char *const CHANGES[][2] = {
        {"test.txt", "test.tx"},
        {"test.txt", "../test.txt"},
        {"test.txt", "test.txt%00"},
        {"examplebucket", "otherbucket"},
        {"https://", "http://"},
        {"Expires=86400", "Expires=86401"},
        {"Expires=86400", "Expires=604801"},
        {"Expires=86400", "Expires=-1"},
        {"Expires=86400", "Expires="},
        {"20130524T000000Z", "20130524T000001Z"},
        {"20130524T000000Z", "20130532T000000Z"},
        {"20130524T000000Z", "yesterday"},
        {"us-east-1", "us-east-2"},
        {"%2F20130524%2F", "%2F20130525%2F"},
        {"EXAMPLE%2F", "OTHER%2F"},
        {"SignedHeaders=host", "SignedHeaders=host%3Brange"},
        {"&X-Amz-SignedHeaders=host", ""},
        {"404", "405"},
        {"604d404", "604d40"},
        {"&X-Amz-Signature=", "&x=1&X-Amz-Signature="},
        {"&X-Amz-Signature=", "&X-Amz-Expires=86400&X-Amz-Signature="},
        {"&X-Amz-Signature=", "&X-Amz-Signature=x&X-Amz-Signature="},
        {"&X-Amz-Signature=", "&X-Amz-Signatur="},
    };
    for (size_t i = 0; i < ARRAY_COUNT(CHANGES); i++) {
        if (grants_changed(CHANGES[i][0], CHANGES[i][1])) {
            fail_msg("'%s' for '%s' is granted", CHANGES[i][1], CHANGES[i][0]);
        }
    }
    assert_false(grants(EXAMPLE_URL, URL_PUT, NOW_US));
    assert_false(grants(EXAMPLE_URL, URL_HEAD, NOW_US));
    /* The same key in another spelling is the same object, and the order of a query means nothing.
     */
    assert_true(grants_changed("test.txt", "%74est.txt"));
    assert_true(grants_changed("X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400",
                               "X-Amz-Expires=86400&X-Amz-Date=20130524T000000Z"));
}

static void names_and_types_are_part_of_the_signature(void **state)
{
    (void)state;
    const UrlGrant grant = {URL_GET,           "artifacts/\xc3\xa4 +%.json",
                            "\xc3\xa4 b.json", SIGNED_AT + 60,
                            "text/html",       SIGNED_AT};
    AUTO_FREE char *url = sign(&WITH_PREFIX, &grant);
    assert_true(text_starts_with(
        text_of(url),
        "http://s3.example.org:9000/examplebucket/a/b/artifacts/%C3%A4%20%2B%25.json?"));
    assert_non_null(strstr(url, "&response-content-disposition=attachment%3B%20filename%2A%3DUTF-8"
                                "%27%27%25C3%25A4%2520b.json&response-content-type=text%2Fhtml&"));
    AUTO_FREE char *key = granted_by(&WITH_PREFIX, url, URL_GET, NOW_US);
    assert_string_equal(key, "artifacts/\xc3\xa4 +%.json");
    char *type = strstr(url, "html");
    memcpy(type, "xhtm", 4);
    AUTO_FREE char *changed = granted_by(&WITH_PREFIX, url, URL_GET, NOW_US);
    assert_null(changed);
}

static void each_method_has_its_own_url(void **state)
{
    (void)state;
    static const UrlMethod METHODS[] = {URL_GET, URL_PUT, URL_HEAD};
    for (size_t i = 0; i < ARRAY_COUNT(METHODS); i++) {
        const UrlGrant grant = {METHODS[i], "a", NULL, SIGNED_AT + 60, NULL, SIGNED_AT};
        AUTO_FREE char *url = sign(&EXAMPLE, &grant);
        for (size_t k = 0; k < ARRAY_COUNT(METHODS); k++) {
            assert_true(grants(url, METHODS[k], NOW_US) == (i == k));
        }
    }
}

static void a_week_is_the_longest(void **state)
{
    (void)state;
    const UrlGrant grant = {URL_GET, "a", NULL, SIGNED_AT + 8 * 86400, NULL, SIGNED_AT};
    AUTO_FREE char *url = sign(&EXAMPLE, &grant);
    assert_non_null(strstr(url, "X-Amz-Expires=604800&"));
    assert_true(grants(url, URL_GET, NOW_US + 7 * 86400 * MICROSECONDS_PER_SECOND - 1));
    assert_false(grants(url, URL_GET, NOW_US + 7 * 86400 * MICROSECONDS_PER_SECOND));
}

static void the_clock_of_the_store_counts(void **state)
{
    (void)state;
    AUTO_BUCKET *bucket = open_bucket(&EXAMPLE);
    atomic_store(&bucket->skew_seconds, 86400);
    const UrlGrant grant = {URL_GET, "test.txt",       NULL, SIGNED_AT - 86400 + 86400,
                            NULL,    SIGNED_AT - 86400};
    AUTO_BUFFER url;
    buffer_init(&url, SIGNED_URL_BYTES_MAX);
    s3_url_sign(bucket, &grant, &url);
    assert_string_equal(buffer_to_string(&url), EXAMPLE_URL);
}

static void foreign_urls_are_told_apart(void **state)
{
    (void)state;
    AUTO_BUCKET *bucket = open_bucket(&EXAMPLE);
    AUTO_BUCKET *prefixed = open_bucket(&WITH_PREFIX);
    const UrlGrant grant = {URL_GET, "x", NULL, SIGNED_AT + 60, NULL, SIGNED_AT};
    AUTO_FREE char *url = sign(&WITH_PREFIX, &grant);
    assert_true(s3_url_is_own(bucket, TEXT(EXAMPLE_URL)));
    assert_true(s3_url_is_own(prefixed, text_of(url)));
    assert_false(s3_url_is_own(bucket, text_of(url)));
    assert_false(s3_url_is_own(prefixed, TEXT(EXAMPLE_URL)));
    assert_false(s3_url_is_own(bucket, TEXT("https://examplebucket.s3.amazonaws.com/test.txt")));
    assert_false(
        s3_url_is_own(bucket, TEXT("https://examplebucket.s3.amazonaws.com.example.org/test.txt"
                                   "?X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F")));
    /* Beside the prefix, or signed by somebody else: not ours to read. */
    assert_false(s3_url_is_own(prefixed, TEXT("http://s3.example.org:9000/examplebucket/a/bc/x"
                                              "?X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F")));
    assert_false(s3_url_is_own(prefixed, TEXT("http://s3.example.org:9000/examplebucket/a/b/x"
                                              "?X-Amz-Credential=AKIAIOSFODNN7OTHER%2F")));
}

static void bad_options_are_named(void **state)
{
    (void)state;
    static const struct {
        S3Options options;
        const char *setting;
    } BAD[] = {
        {{.endpoint = "ftp://h", EXAMPLE_KEY}, "SLIDEWAY_S3_ENDPOINT"},
        {{.endpoint = "https://h/path", EXAMPLE_KEY}, "SLIDEWAY_S3_ENDPOINT"},
        {{.endpoint = "https://user@h", EXAMPLE_KEY}, "SLIDEWAY_S3_ENDPOINT"},
        {{.endpoint = "https://h:0", EXAMPLE_KEY}, "SLIDEWAY_S3_ENDPOINT"},
        {{.endpoint = "https://", EXAMPLE_KEY}, "SLIDEWAY_S3_ENDPOINT"},
        {{.public_endpoint = "h", EXAMPLE_KEY}, "SLIDEWAY_S3_PUBLIC_ENDPOINT"},
        {{.prefix = "../x", EXAMPLE_KEY}, "SLIDEWAY_OBJECT_STORE"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(BAD); i++) {
        S3Bucket *bucket = NULL;
        Error error = {0};
        assert_false(s3_bucket_open(&BAD[i].options, &bucket, &error));
        assert_int_equal(error.code, ERROR_INVALID);
        assert_non_null(strstr(error.message, BAD[i].setting));
    }
    static const struct {
        const char *region;
        const char *bucket;
        const char *access_key_id;
        const char *secret_access_key;
        const char *setting;
    } EMPTY[] = {
        {"", "bbb", "k", "s", "SLIDEWAY_S3_REGION"},
        {"r/x", "bbb", "k", "s", "SLIDEWAY_S3_REGION"},
        {"r", "b", "k", "s", "SLIDEWAY_OBJECT_STORE"},
        {"r", "b/b", "k", "s", "SLIDEWAY_OBJECT_STORE"},
        {"r", "bbb", "", "s", "SLIDEWAY_S3_ACCESS_KEY_ID"},
        {"r", "bbb", "k/x", "s", "SLIDEWAY_S3_ACCESS_KEY_ID"},
        {"r", "bbb", "k", "", "SLIDEWAY_S3_SECRET_ACCESS_KEY"},
        {"r", "bbb", "k", "with space", "SLIDEWAY_S3_SECRET_ACCESS_KEY"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(EMPTY); i++) {
        const S3Options options = {.region = EMPTY[i].region,
                                   .bucket = EMPTY[i].bucket,
                                   .access_key_id = EMPTY[i].access_key_id,
                                   .secret_access_key = EMPTY[i].secret_access_key};
        S3Bucket *bucket = NULL;
        Error error = {0};
        assert_false(s3_bucket_open(&options, &bucket, &error));
        assert_non_null(strstr(error.message, EMPTY[i].setting));
        assert_null(strstr(error.message, "with space"));
    }
}

static void addresses_are_as_clients_write_them(void **state)
{
    (void)state;
    static const struct {
        S3Options options;
        const char *origin;
        const char *host;
        const char *path;
    } GOOD[] = {
        {{EXAMPLE_KEY},
         "https://s3.us-east-1.amazonaws.com",
         "s3.us-east-1.amazonaws.com",
         "/examplebucket/k"},
        {{.endpoint = "https://H:443", EXAMPLE_KEY}, "https://h", "h", "/examplebucket/k"},
        {{.endpoint = "http://h:80", EXAMPLE_KEY}, "http://h", "h", "/examplebucket/k"},
        {{.endpoint = "http://h:443", EXAMPLE_KEY}, "http://h:443", "h:443", "/examplebucket/k"},
        {{.endpoint = "http://[::1]:9000", EXAMPLE_KEY},
         "http://[::1]:9000",
         "[::1]:9000",
         "/examplebucket/k"},
        {{.endpoint = "https://h", .virtual_host = true, .prefix = "p", EXAMPLE_KEY},
         "https://examplebucket.h",
         "examplebucket.h",
         "/p/k"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(GOOD); i++) {
        AUTO_BUCKET *bucket = open_bucket(&GOOD[i].options);
        AUTO_FREE char *path = s3_path(bucket, &bucket->address, "k");
        assert_string_equal(bucket->address.origin, GOOD[i].origin);
        assert_string_equal(bucket->address.host, GOOD[i].host);
        assert_string_equal(path, GOOD[i].path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_documented_url_is_made_and_granted),
        cmocka_unit_test(a_url_expires_to_the_second),
        cmocka_unit_test(changed_urls_are_refused),
        cmocka_unit_test(names_and_types_are_part_of_the_signature),
        cmocka_unit_test(each_method_has_its_own_url),
        cmocka_unit_test(a_week_is_the_longest),
        cmocka_unit_test(the_clock_of_the_store_counts),
        cmocka_unit_test(foreign_urls_are_told_apart),
        cmocka_unit_test(bad_options_are_named),
        cmocka_unit_test(addresses_are_as_clients_write_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
