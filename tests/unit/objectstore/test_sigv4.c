/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signature Version 4 against values that AWS published: the examples of S3's documentation
 * ("Authenticating Requests: Using the Authorization Header" and "Using Query Parameters",
 * https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html and
 * sigv4-query-string-auth.html), and the signing test suite (aws-c-auth,
 * tests/aws-signing-test-suite/v4, the case of each row's name). Those cases that only a service
 * other than S3 has, with normalised paths, are left out.
 */
#include "unit_test.h"

#include "base/alloc.h"
#include "objectstore/sigv4.h"

#define EMPTY_HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

enum {
    EXAMPLES_AT = 1369353600, /* 20130524T000000Z */
    SUITE_AT = 1440938160,    /* 20150830T123600Z */
    SUITE_EXPIRES_SECONDS = 3600
};

static const SigV4Key EXAMPLE_KEY = {"AKIAIOSFODNN7EXAMPLE",
                                     "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1", "s3"};
static const SigV4Key SUITE_KEY = {"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                                   "us-east-1", "service"};

/* A list of fields that ends where a name is NULL. */
static size_t count_of(const SigV4Field *fields)
{
    size_t count = 0;
    while (fields[count].name != NULL) {
        count++;
    }
    return count;
}

typedef struct Case {
    const char *name;
    const char *method;
    const char *path;
    SigV4Field query[4];
    SigV4Field headers[6];
    const char *payload_hash;
    const char *signature;
} Case;

static SigV4Request request_of(const Case *one, int64_t at_seconds)
{
    return (SigV4Request){.method = one->method,
                          .path = one->path,
                          .query = one->query,
                          .query_count = count_of(one->query),
                          .headers = one->headers,
                          .header_count = count_of(one->headers),
                          .payload_hash = one->payload_hash,
                          .at_seconds = at_seconds};
}

#define EXAMPLE_HOST                                                                               \
    {                                                                                              \
        "host", "examplebucket.s3.amazonaws.com"                                                   \
    }
#define EXAMPLE_DATE                                                                               \
    {                                                                                              \
        "x-amz-date", "20130524T000000Z"                                                           \
    }
#define EMPTY_BODY                                                                                 \
    {                                                                                              \
        "x-amz-content-sha256", EMPTY_HASH                                                         \
    }

/* The hash of "Welcome to Amazon S3." as the documentation gives it. */
#define WELCOME_HASH "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"

static const Case EXAMPLES[] = {
    {"GET Object",
     "GET",
     "/test.txt",
     {{0}},
     {EXAMPLE_HOST, {"range", "bytes=0-9"}, EMPTY_BODY, EXAMPLE_DATE},
     EMPTY_HASH,
     "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"},
    {"PUT Object",
     "PUT",
     "/test$file.text",
     {{0}},
     {{"date", "Fri, 24 May 2013 00:00:00 GMT"},
      EXAMPLE_HOST,
      {"x-amz-content-sha256", WELCOME_HASH},
      EXAMPLE_DATE,
      {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
     WELCOME_HASH,
     "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"},
    {"GET Bucket Lifecycle",
     "GET",
     "/",
     {{"lifecycle", ""}},
     {EXAMPLE_HOST, EMPTY_BODY, EXAMPLE_DATE},
     EMPTY_HASH,
     "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"},
    {"GET Bucket (List Objects)",
     "GET",
     "/",
     {{"prefix", "J"}, {"max-keys", "2"}},
     {EXAMPLE_HOST, EMPTY_BODY, EXAMPLE_DATE},
     EMPTY_HASH,
     "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"},
};

static void examples_of_the_documentation_are_met(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(EXAMPLES); i++) {
        const SigV4Request request = request_of(&EXAMPLES[i], EXAMPLES_AT);
        char signature[SIGV4_SIGNATURE_BYTES];
        sigv4_sign(&EXAMPLE_KEY, &request, signature);
        assert_string_equal(signature, EXAMPLES[i].signature);
    }
    char hash[SIGV4_SIGNATURE_BYTES];
    sigv4_hash("Welcome to Amazon S3.", 21, hash);
    assert_string_equal(hash, WELCOME_HASH);
}

static void authorization_header_is_the_documented_one(void **state)
{
    (void)state;
    const SigV4Request request = request_of(&EXAMPLES[0], EXAMPLES_AT);
    AUTO_BUFFER value;
    buffer_init(&value, SIGV4_TEXT_BYTES_MAX);
    sigv4_authorize(&EXAMPLE_KEY, &request, &value);
    assert_string_equal(
        buffer_to_string(&value),
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date,"
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

static void presigned_url_is_the_documented_one(void **state)
{
    (void)state;
    const SigV4Field host = EXAMPLE_HOST;
    const SigV4Request request = {.method = "GET",
                                  .path = "/test.txt",
                                  .headers = &host,
                                  .header_count = 1,
                                  .payload_hash = SIGV4_UNSIGNED_PAYLOAD,
                                  .at_seconds = EXAMPLES_AT};
    AUTO_BUFFER query;
    buffer_init(&query, SIGV4_TEXT_BYTES_MAX);
    sigv4_presign(&EXAMPLE_KEY, &request, 86400, &query);
    assert_string_equal(
        buffer_to_string(&query),
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2F"
        "us-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400"
        "&X-Amz-SignedHeaders=host"
        "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

#define SUITE_HOST                                                                                 \
    {                                                                                              \
        "host", "example.amazonaws.com"                                                            \
    }
#define SUITE_DATE                                                                                 \
    {                                                                                              \
        "x-amz-date", "20150830T123600Z"                                                           \
    }
#define UNRESERVED "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define ETHIOPIC_SEE "\xe1\x88\xb4"

static const Case SUITE[] = {
    {"get-vanilla-query-order-key-case",
     "GET",
     "/",
     {{"Param2", "value2"}, {"Param1", "value1"}},
     {SUITE_HOST, SUITE_DATE},
     EMPTY_HASH,
     "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
    {"get-vanilla-query-unreserved",
     "GET",
     "/",
     {{UNRESERVED, UNRESERVED}},
     {SUITE_HOST, SUITE_DATE},
     EMPTY_HASH,
     "9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197"},
    {"get-vanilla-utf8-query",
     "GET",
     "/",
     {{ETHIOPIC_SEE, "bar"}},
     {SUITE_HOST, SUITE_DATE},
     EMPTY_HASH,
     "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04"},
    {"get-unreserved",
     "GET",
     "/" UNRESERVED,
     {{0}},
     {SUITE_HOST, SUITE_DATE},
     EMPTY_HASH,
     "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f"},
    {"get-utf8",
     "GET",
     "/" ETHIOPIC_SEE,
     {{0}},
     {SUITE_HOST, SUITE_DATE},
     EMPTY_HASH,
     "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85"},
    {"get-slashes-unnormalized",
     "GET",
     "//example//",
     {{0}},
     {SUITE_HOST, SUITE_DATE},
     EMPTY_HASH,
     "87cca117541a147f6df867677d98a7d80dff226d2bfca9e4ffa899665623c7e5"},
    {"get-header-value-trim",
     "GET",
     "/",
     {{0}},
     {SUITE_DATE, {"my-header2", " \"a   b   c\""}, {"my-header1", " value1"}, SUITE_HOST},
     EMPTY_HASH,
     "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736"},
    {"get-header-key-duplicate",
     "GET",
     "/",
     {{0}},
     {SUITE_HOST,
      {"my-header1", "value2"},
      {"my-header1", "value2"},
      {"my-header1", "value1"},
      SUITE_DATE},
     EMPTY_HASH,
     "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea"},
    {"post-header-key-sort",
     "POST",
     "/",
     {{0}},
     {{"my-header1", "value1"}, SUITE_HOST, SUITE_DATE},
     EMPTY_HASH,
     "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c"},
};

static void signing_test_suite_is_met(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(SUITE); i++) {
        const SigV4Request request = request_of(&SUITE[i], SUITE_AT);
        char signature[SIGV4_SIGNATURE_BYTES];
        sigv4_sign(&SUITE_KEY, &request, signature);
        assert_string_equal(signature, SUITE[i].signature);
    }
}

/* query-signed-request.txt of the cases: their date is no header that is signed. */
static const Case PRESIGNED[] = {
    {"get-vanilla-query-order-key-case",
     "GET",
     "/",
     {{"Param2", "value2"}, {"Param1", "value1"}},
     {SUITE_HOST},
     EMPTY_HASH,
     "86012e2c9ad4d77369f5d81c11f75158aae4f895a085212cc6d3f923d300bed5"},
    {"get-utf8",
     "GET",
     "/" ETHIOPIC_SEE,
     {{0}},
     {SUITE_HOST},
     EMPTY_HASH,
     "10eae3f14a260bd3911cc6d008d3c576d143b05b62f09782a7a4b37f52178e44"},
    {"get-vanilla-utf8-query",
     "GET",
     "/",
     {{ETHIOPIC_SEE, "bar"}},
     {SUITE_HOST},
     EMPTY_HASH,
     "0bdd809b1519ac4f0c1dc3540e2cc46bd0c7f778eda408b2ebf3b913d21ff600"},
};

static void presigned_requests_of_the_suite_are_met(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(PRESIGNED); i++) {
        const SigV4Request request = request_of(&PRESIGNED[i], SUITE_AT);
        AUTO_BUFFER query;
        buffer_init(&query, SIGV4_TEXT_BYTES_MAX);
        sigv4_presign(&SUITE_KEY, &request, SUITE_EXPIRES_SECONDS, &query);
        assert_true(text_ends_with(buffer_view(&query), PRESIGNED[i].signature));
    }
}

/* The canonical request of the documentation's example "PUT Object", byte by byte. */
static void canonical_request_is_the_documented_one(void **state)
{
    (void)state;
    const SigV4Request request = request_of(&EXAMPLES[1], EXAMPLES_AT);
    AUTO_BUFFER canonical;
    buffer_init(&canonical, SIGV4_TEXT_BYTES_MAX);
    sigv4_canonical(&request, &canonical);
    assert_string_equal(
        buffer_to_string(&canonical),
        "PUT\n/test%24file.text\n\n"
        "date:Fri, 24 May 2013 00:00:00 GMT\n"
        "host:examplebucket.s3.amazonaws.com\n"
        "x-amz-content-sha256:" WELCOME_HASH "\n"
        "x-amz-date:20130524T000000Z\n"
        "x-amz-storage-class:REDUCED_REDUNDANCY\n\n"
        "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class\n" WELCOME_HASH);
}

/* "Sort the parameter names by character code point … after encoding": '%' is before every letter,
 * a name before those that it begins, and equal names go by their values. */
static void queries_are_sorted_as_they_are_encoded(void **state)
{
    (void)state;
    static const SigV4Field QUERY[] = {{"b", "2"},        {"a", "z"},  {"\xc3\xa4", "1"},
                                       {"a", "\xc3\xa4"}, {"a b", ""}, {"B", "/"},
                                       {"aa", "+"}};
    AUTO_BUFFER query;
    buffer_init(&query, SIGV4_TEXT_BYTES_MAX);
    sigv4_query(QUERY, ARRAY_COUNT(QUERY), &query);
    assert_string_equal(buffer_to_string(&query), "%C3%A4=1&B=%2F&a=%C3%A4&a=z&a%20b=&aa=%2B&b=2");
}

static void times_are_read_only_as_they_are_written(void **state)
{
    (void)state;
    int64_t at = 0;
    assert_true(sigv4_parse_time("20130524T000000Z", &at));
    assert_int_equal(at, 1369353600);
    assert_true(sigv4_parse_time("99991231T235959Z", &at));
    assert_int_equal(at, 253402300799);
    static const char *const REFUSED[] = {"",
                                          "20130524T000000",
                                          "20130524T000000Zx",
                                          "2013-05-24T00:00",
                                          "20130230T000000Z",
                                          "20130524T240000Z",
                                          "20130524T000060Z",
                                          "99991231T235960Z",
                                          "99991231T235961Z",
                                          "19691231T235959Z",
                                          "20130524 000000Z"};
    for (size_t i = 0; i < ARRAY_COUNT(REFUSED); i++) {
        assert_false(sigv4_parse_time(REFUSED[i], &at));
    }
    assert_false(sigv4_parse_time(NULL, &at));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(examples_of_the_documentation_are_met),
        cmocka_unit_test(authorization_header_is_the_documented_one),
        cmocka_unit_test(presigned_url_is_the_documented_one),
        cmocka_unit_test(signing_test_suite_is_met),
        cmocka_unit_test(presigned_requests_of_the_suite_are_met),
        cmocka_unit_test(canonical_request_is_the_documented_one),
        cmocka_unit_test(queries_are_sorted_as_they_are_encoded),
        cmocka_unit_test(times_are_read_only_as_they_are_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
