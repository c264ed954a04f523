/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signatures of requests: the examples of S3's documentation (https://docs.aws.amazon.com/AmazonS3/
 * latest/API/sig-v4-header-based-auth.html and sigv4-query-string-auth.html), and each of them
 * changed.
 */
#include "unit_test.h"

#include <string.h>

#include "base/clock.h"
#include "buckets/s3_auth.h"

enum { EXAMPLES_AT = 1369353600 /* 20130524T000000Z */, DAY = 86400 };

#define SECRET "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
#define CREDENTIAL "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request"
#define EMPTY_HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define BODY_HASH "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"
#define HOST                                                                                       \
    {                                                                                              \
        "host", "examplebucket.s3.amazonaws.com"                                                   \
    }
#define GET_AUTHORIZATION                                                                          \
    "AWS4-HMAC-SHA256 Credential=" CREDENTIAL ",SignedHeaders=host;range;x-amz-content-sha256;"    \
    "x-amz-date,Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
#define PUT_AUTHORIZATION                                                                          \
    "AWS4-HMAC-SHA256 Credential=" CREDENTIAL                                                      \
    ", SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class, "              \
    "Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"
#define PRESIGNED                                                                                  \
    "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524"  \
    "%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400"             \
    "&X-Amz-SignedHeaders=host&X-Amz-Signature="                                                   \
    "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"

enum { HEADERS_MAX = 8 };

typedef struct Example {
    const char *method;
    const char *target;
    SigV4Field headers[HEADERS_MAX]; /* until one has no name */
} Example;

static const Example GET_EXAMPLE = {"GET",
                                    "/test.txt",
                                    {HOST,
                                     {"authorization", GET_AUTHORIZATION},
                                     {"range", "bytes=0-9"},
                                     {"x-amz-content-sha256", EMPTY_HASH},
                                     {"x-amz-date", "20130524T000000Z"}}};
static const Example PUT_EXAMPLE = {"PUT",
                                    "/test%24file.text",
                                    {HOST,
                                     {"date", "Fri, 24 May 2013 00:00:00 GMT"},
                                     {"authorization", PUT_AUTHORIZATION},
                                     {"x-amz-date", "20130524T000000Z"},
                                     {"x-amz-storage-class", "REDUCED_REDUNDANCY"},
                                     {"x-amz-content-sha256", BODY_HASH}}};
static const Example PRESIGNED_EXAMPLE = {"GET", PRESIGNED, {HOST}};

/* S3_NONE: it is signed by SECRET, so many seconds after the time of the examples. */
static S3Code judge(const Example *example, int64_t seconds)
{
    AUTO_ARENA arena;
    arena_init(&arena);
    S3Request request = {.arena = &arena,
                         .method = example->method,
                         .target = text_of(example->target),
                         .headers = example->headers};
    while (request.header_count < HEADERS_MAX &&
           example->headers[request.header_count].name != NULL) {
        request.header_count++;
    }
    S3Fault fault = {.code = S3_NONE};
    S3Claim claim;
    int64_t now_us = (EXAMPLES_AT + seconds) * MICROSECONDS_PER_SECOND;
    if (s3_request_read(&request, "s3.amazonaws.com", &fault) &&
        s3_auth_read(&request, now_us, &claim, &fault) &&
        s3_auth_verify(&request, &claim, SECRET, &fault)) {
        assert_string_equal(claim.access_key_id, "AKIAIOSFODNN7EXAMPLE");
        assert_string_equal(request.bucket, "examplebucket");
        assert_int_equal(fault.code, S3_NONE);
        return S3_NONE;
    }
    assert_int_not_equal(fault.code, S3_NONE);
    return fault.code;
}

static void published_examples_are_signed(void **state)
{
    (void)state;
    assert_int_equal(judge(&GET_EXAMPLE, 0), S3_NONE);
    assert_int_equal(judge(&PUT_EXAMPLE, 0), S3_NONE);
    assert_int_equal(judge(&PRESIGNED_EXAMPLE, 0), S3_NONE);
}

static void clocks_may_differ_by_15_minutes(void **state)
{
    (void)state;
    assert_int_equal(judge(&GET_EXAMPLE, 900), S3_NONE);
    assert_int_equal(judge(&GET_EXAMPLE, 901), S3_REQUEST_TIME_TOO_SKEWED);
    assert_int_equal(judge(&GET_EXAMPLE, -900), S3_NONE);
    assert_int_equal(judge(&GET_EXAMPLE, -901), S3_REQUEST_TIME_TOO_SKEWED);
}

static void presigned_url_expires_to_the_second(void **state)
{
    (void)state;
    assert_int_equal(judge(&PRESIGNED_EXAMPLE, -900), S3_NONE);
    assert_int_equal(judge(&PRESIGNED_EXAMPLE, -901), S3_ACCESS_DENIED);
    assert_int_equal(judge(&PRESIGNED_EXAMPLE, DAY - 1), S3_NONE);
    assert_int_equal(judge(&PRESIGNED_EXAMPLE, DAY), S3_ACCESS_DENIED);
}

static void presigned_get_is_good_for_head_alone(void **state)
{
    (void)state;
    static const struct {
        const char *method;
        S3Code code;
    } CASES[] = {{"HEAD", S3_NONE},
                 {"PUT", S3_SIGNATURE_DOES_NOT_MATCH},
                 {"DELETE", S3_SIGNATURE_DOES_NOT_MATCH}};
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        Example example = PRESIGNED_EXAMPLE;
        example.method = CASES[i].method;
        assert_int_equal(judge(&example, 0), CASES[i].code);
    }
    Example head = GET_EXAMPLE;
    head.method = "HEAD";
    assert_int_equal(judge(&head, 0), S3_SIGNATURE_DOES_NOT_MATCH);
}

/* One example with one text of its target or a header replaced. */
typedef struct Change {
    const Example *example;
    const char *before;
    const char *after;
    S3Code code;
} Change;

static char *replaced(Arena *arena, const char *text, const char *before, const char *after)
{
    const char *place = strstr(text, before);
    return place == NULL ? NULL
                         : arena_format(arena, "%.*s%s%s", (int)(place - text), text, after,
                                        place + strlen(before));
}

static void every_change_is_noticed(void **state)
{
    (void)state;
    static const Change CHANGES[] = {
        {&GET_EXAMPLE, "/test.txt", "/test.tx", S3_SIGNATURE_DOES_NOT_MATCH},
        {&GET_EXAMPLE, "/test.txt", "/test.txt?x-id=1", S3_SIGNATURE_DOES_NOT_MATCH},
        {&GET_EXAMPLE, "bytes=0-9", "bytes=0-8", S3_SIGNATURE_DOES_NOT_MATCH},
        {&GET_EXAMPLE, EMPTY_HASH, "UNSIGNED-PAYLOAD", S3_SIGNATURE_DOES_NOT_MATCH},
        {&GET_EXAMPLE, "20130524T000000Z", "20130524T000001Z", S3_SIGNATURE_DOES_NOT_MATCH},
        {&GET_EXAMPLE, "us-east-1", "us-east-2", S3_SIGNATURE_DOES_NOT_MATCH},
        {&GET_EXAMPLE, "Signature=f", "Signature=e", S3_SIGNATURE_DOES_NOT_MATCH},
        {&GET_EXAMPLE, "6036bdb41", "6036bdb4", S3_SIGNATURE_DOES_NOT_MATCH},
        {&GET_EXAMPLE, "6036bdb41", "6036bdb411", S3_SIGNATURE_DOES_NOT_MATCH},
        {&GET_EXAMPLE, "=host;range", "=host", S3_SIGNATURE_DOES_NOT_MATCH},
        /* Claims that cannot be. */
        {&GET_EXAMPLE, "=host;range", "=range", S3_ACCESS_DENIED},
        {&GET_EXAMPLE, ";x-amz-date", "", S3_ACCESS_DENIED},
        {&GET_EXAMPLE, "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1", S3_INVALID_REQUEST},
        {&GET_EXAMPLE, GET_AUTHORIZATION, "AWS AKIAIOSFODNN7EXAMPLE:abc", S3_INVALID_REQUEST},
        {&GET_EXAMPLE, GET_AUTHORIZATION, "", S3_INVALID_REQUEST},
        {&GET_EXAMPLE, GET_AUTHORIZATION, "AWS4-HMAC-SHA256 ", S3_INVALID_ARGUMENT},
        {&GET_EXAMPLE, ",SignedHeaders=", ",Signed=", S3_INVALID_ARGUMENT},
        {&GET_EXAMPLE, ",Signature=", ",Signatur=", S3_INVALID_ARGUMENT},
        {&GET_EXAMPLE, "/s3/", "/iam/", S3_INVALID_ARGUMENT},
        {&GET_EXAMPLE, "/aws4_request", "/aws4", S3_INVALID_ARGUMENT},
        {&GET_EXAMPLE, "/20130524/", "/20130525/", S3_INVALID_ARGUMENT},
        {&GET_EXAMPLE, "AKIAIOSFODNN7EXAMPLE/", "/", S3_INVALID_ARGUMENT},
        {&GET_EXAMPLE, "20130524T000000Z", "2013-05-24T00:00:00Z", S3_INVALID_ARGUMENT},
        {&GET_EXAMPLE, "20130524T000000Z", "20130532T000000Z", S3_INVALID_ARGUMENT},
        {&PUT_EXAMPLE, "REDUCED_REDUNDANCY", "STANDARD", S3_SIGNATURE_DOES_NOT_MATCH},
        {&PUT_EXAMPLE, ";x-amz-storage-class", "", S3_ACCESS_DENIED},
        {&PUT_EXAMPLE, "2013 00:00:00", "2013 00:00:01", S3_SIGNATURE_DOES_NOT_MATCH},
        {&PRESIGNED_EXAMPLE, "/test.txt", "/test.txu", S3_SIGNATURE_DOES_NOT_MATCH},
        {&PRESIGNED_EXAMPLE, "Expires=86400", "Expires=86401", S3_SIGNATURE_DOES_NOT_MATCH},
        {&PRESIGNED_EXAMPLE, "Expires=86400", "Expires=604801", S3_QUERY_PARAMETERS_ERROR},
        {&PRESIGNED_EXAMPLE, "Expires=86400", "Expires=0", S3_QUERY_PARAMETERS_ERROR},
        {&PRESIGNED_EXAMPLE, "Expires=86400", "Expires=-1", S3_QUERY_PARAMETERS_ERROR},
        {&PRESIGNED_EXAMPLE, "&X-Amz-Expires=86400", "", S3_QUERY_PARAMETERS_ERROR},
        {&PRESIGNED_EXAMPLE, "=host&", "=&", S3_ACCESS_DENIED},
        {&PRESIGNED_EXAMPLE, "=host&", "=range&", S3_ACCESS_DENIED},
        {&PRESIGNED_EXAMPLE, "AWS4-HMAC-SHA256", "GOOG4-RSA-SHA256", S3_QUERY_PARAMETERS_ERROR},
        {&PRESIGNED_EXAMPLE, "AKIAIOSFODNN7EXAMPLE%2F", "", S3_QUERY_PARAMETERS_ERROR},
        {&PRESIGNED_EXAMPLE, "X-Amz-Signature", "X-Amz-Signatura", S3_ACCESS_DENIED},
        {&PRESIGNED_EXAMPLE, "&X-Amz-Expires", "&response-content-type=text%2Fhtml&X-Amz-Expires",
         S3_SIGNATURE_DOES_NOT_MATCH},
        {&PRESIGNED_EXAMPLE, "examplebucket.", "examplebucke2.", S3_SIGNATURE_DOES_NOT_MATCH},
    };
    for (size_t i = 0; i < ARRAY_COUNT(CHANGES); i++) {
        AUTO_ARENA arena;
        arena_init(&arena);
        const Change *change = &CHANGES[i];
        Example example = *change->example;
        char *target = replaced(&arena, example.target, change->before, change->after);
        int changed = target != NULL;
        example.target = target != NULL ? target : example.target;
        for (size_t k = 0; k < HEADERS_MAX && example.headers[k].name != NULL; k++) {
            char *value = replaced(&arena, example.headers[k].value, change->before, change->after);
            changed += value != NULL;
            example.headers[k].value = value != NULL ? value : example.headers[k].value;
        }
        assert_int_equal(changed, 1);
        S3Code code = judge(&example, 0);
        if (code != change->code) {
            fail_msg("'%s' for '%s': %s", change->after, change->before, s3_code_name(code));
        }
    }
}

static void header_that_is_not_signed_is_refused(void **state)
{
    (void)state;
    Example example = GET_EXAMPLE;
    example.headers[5] = (SigV4Field){"x-amz-meta-added", "later"};
    assert_int_equal(judge(&example, 0), S3_ACCESS_DENIED);
    example = PRESIGNED_EXAMPLE;
    example.headers[1] = (SigV4Field){"x-amz-acl", "public-read"};
    assert_int_equal(judge(&example, 0), S3_ACCESS_DENIED);
    /* Of others it does not matter. */
    example.headers[1] = (SigV4Field){"content-type", "text/plain"};
    assert_int_equal(judge(&example, 0), S3_NONE);
}

static void request_without_a_signature_is_refused(void **state)
{
    (void)state;
    const Example example = {"GET", "/test.txt", {HOST}};
    assert_int_equal(judge(&example, 0), S3_ACCESS_DENIED);
}

static void very_many_signed_headers_are_refused(void **state)
{
    (void)state;
    Example example = PRESIGNED_EXAMPLE;
    example.target =
        "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE"
        "%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z"
        "&X-Amz-Expires=86400&X-Amz-Signature=0&X-Amz-SignedHeaders="
        "host;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a"
        ";a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a;a";
    assert_int_equal(judge(&example, 0), S3_INVALID_REQUEST);
}

/* The longest target that begins so; the rest of it triples when it is encoded. */
static const char *longest_target(const char *start, Arena *arena)
{
    char *target = arena_format(arena, "%s%*s", start, S3_TARGET_BYTES_MAX, "");
    for (char *c = strchr(target, ' '); *c != '\0'; c++) {
        *c = '!';
    }
    target[S3_TARGET_BYTES_MAX] = '\0';
    return target;
}

/* With a header's name that is signed twice. */
static void longest_request_has_room(void **state)
{
    (void)state;
    AUTO_ARENA arena;
    arena_init(&arena);
    const char *target = longest_target("/?list-type=2&prefix=", &arena);
    static const struct {
        int length;
        S3Code code;
    } NAMES[] = {{2900, S3_SIGNATURE_DOES_NOT_MATCH}, {5800, S3_INVALID_REQUEST}};
    for (size_t i = 0; i < ARRAY_COUNT(NAMES); i++) {
        char *name = arena_format(&arena, "%0*d", NAMES[i].length, 0);
        Example example = GET_EXAMPLE;
        example.target = target;
        example.headers[1].value = arena_format(
            &arena,
            "AWS4-HMAC-SHA256 Credential=" CREDENTIAL
            ",SignedHeaders=host;x-amz-content-sha256;x-amz-date;%s,Signature=" EMPTY_HASH,
            name);
        assert_int_equal(judge(&example, 0), NAMES[i].code);
    }
}

/* It is signed as a header, or in the query, and once more as the hash of the body. */
static void long_hash_of_the_body_is_refused(void **state)
{
    (void)state;
    AUTO_ARENA arena;
    arena_init(&arena);
    Example example = GET_EXAMPLE;
    example.target = longest_target("/?list-type=2&prefix=", &arena);
    example.headers[3].value = arena_format(&arena, "%05700d", 0);
    assert_int_equal(judge(&example, 0), S3_INVALID_ARGUMENT);
    example = PRESIGNED_EXAMPLE;
    example.headers[1] = (SigV4Field){"padding", arena_format(&arena, "%05000d", 0)};
    example.target = longest_target(
        "/?list-type=2&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE"
        "%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z"
        "&X-Amz-Expires=86400&X-Amz-SignedHeaders=host;padding&X-Amz-Signature=0"
        "&X-Amz-Content-Sha256=",
        &arena);
    assert_int_equal(judge(&example, 0), S3_INVALID_ARGUMENT);
    /* The longest that counts: it is only not what was signed. */
    example = GET_EXAMPLE;
    example.headers[3].value = BODY_HASH;
    assert_int_equal(judge(&example, 0), S3_SIGNATURE_DOES_NOT_MATCH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_examples_are_signed),
        cmocka_unit_test(clocks_may_differ_by_15_minutes),
        cmocka_unit_test(presigned_url_expires_to_the_second),
        cmocka_unit_test(presigned_get_is_good_for_head_alone),
        cmocka_unit_test(every_change_is_noticed),
        cmocka_unit_test(header_that_is_not_signed_is_refused),
        cmocka_unit_test(request_without_a_signature_is_refused),
        cmocka_unit_test(very_many_signed_headers_are_refused),
        cmocka_unit_test(longest_request_has_room),
        cmocka_unit_test(long_hash_of_the_body_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
