/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies in aws-chunked: the examples of S3's documentation ("Signature calculations for the
 * authorization header: transferring a payload in multiple chunks", and "… including trailing
 * headers": https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html and
 * sigv4-streaming-trailers.html), in pieces of every kind, and framing that nobody should send.
 */
#include "unit_test.h"

#include <stdio.h>

#include "base/alloc.h"
#include "buckets/aws_chunked.h"

enum { EXAMPLES_AT = 1369353600 /* 20130524T000000Z */, FIRST = 65536, SECOND = 1024, ANY = -1 };

static const SigV4Key EXAMPLE_KEY = {"AKIAIOSFODNN7EXAMPLE",
                                     "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1", "s3"};

#define SEED "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
#define FIRST_SIGNATURE "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"
#define SECOND_SIGNATURE "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"
#define LAST_SIGNATURE "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"

#define TRAILER_SEED "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"
#define TRAILER_FIRST "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2"
#define TRAILER_SECOND "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7"
#define TRAILER_LAST "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992"
#define TRAILER_SIGNATURE "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435"
#define TRAILER_LINE "x-amz-checksum-crc32c:sOO8/Q=="

static SigV4Chain chain_of(const char *seed)
{
    SigV4Chain chain;
    sigv4_chain_begin(&EXAMPLE_KEY, EXAMPLES_AT, seed, &chain);
    return chain;
}

static void add_chunk(Buffer *body, size_t length, const char *signature)
{
    buffer_format(body, "%zx;chunk-signature=%s\r\n", length, signature);
    for (size_t i = 0; i < length; i++) {
        buffer_byte(body, 'a');
    }
    buffer_string(body, length > 0 ? "\r\n" : "");
}

/* Decodes a body in pieces of `step` bytes; the number of decoded bytes, all 'a', or -1. */
static long decode(AwsChunked *chunked, Text body, size_t step, S3Fault *fault)
{
    long decoded = 0;
    for (size_t at = 0; at < body.length; at += step) {
        size_t length = body.length - at < step ? body.length - at : step;
        Text rest = {body.bytes + at, length};
        while (rest.length > 0) {
            Text data;
            if (!aws_chunked_next(chunked, &rest, &data, fault)) {
                return -1;
            }
            for (size_t i = 0; i < data.length; i++) {
                assert_int_equal(data.bytes[i], 'a');
            }
            decoded += (long)data.length;
        }
    }
    return aws_chunked_finish(chunked, fault) ? decoded : -1;
}

static const size_t STEPS[] = {1, 7, 1000, 8192, 65536, 1 << 20};

static void published_example_is_taken_in_any_pieces(void **state)
{
    (void)state;
    AUTO_BUFFER body;
    buffer_init(&body, 1 << 20);
    add_chunk(&body, FIRST, FIRST_SIGNATURE);
    add_chunk(&body, SECOND, SECOND_SIGNATURE);
    add_chunk(&body, 0, LAST_SIGNATURE);
    buffer_string(&body, "\r\n");
    assert_int_equal(body.length, 66824); /* as the example's Content-Length says */
    const ChunkedRules rules = {.is_signed = true, .decoded_bytes = FIRST + SECOND};
    for (size_t i = 0; i < ARRAY_COUNT(STEPS); i++) {
        S3Fault fault = {.code = S3_NONE};
        AwsChunked chunked;
        SigV4Chain chain = chain_of(SEED);
        aws_chunked_init(&chunked, &rules, &chain);
        assert_int_equal(decode(&chunked, buffer_view(&body), STEPS[i], &fault), FIRST + SECOND);
        aws_chunked_clear(&chunked);
    }
}

static void write_trailer_example(Buffer *body, const char *line, const char *signature)
{
    add_chunk(body, FIRST, TRAILER_FIRST);
    add_chunk(body, SECOND, TRAILER_SECOND);
    add_chunk(body, 0, TRAILER_LAST);
    buffer_format(body, "%s\r\nx-amz-trailer-signature:%s\r\n\r\n", line, signature);
}

static long
decode_trailer_example(const char *line, const char *signature, size_t step, S3Fault *fault)
{
    AUTO_BUFFER body;
    buffer_init(&body, 1 << 20);
    write_trailer_example(&body, line, signature);
    const ChunkedRules rules = {.is_signed = true,
                                .has_trailer = true,
                                .trailer_name = "x-amz-checksum-crc32c",
                                .decoded_bytes = FIRST + SECOND};
    AwsChunked chunked;
    SigV4Chain chain = chain_of(TRAILER_SEED);
    aws_chunked_init(&chunked, &rules, &chain);
    long decoded = decode(&chunked, buffer_view(&body), step, fault);
    if (decoded >= 0) {
        assert_string_equal(chunked.trailer_value, "sOO8/Q==");
    }
    aws_chunked_clear(&chunked);
    return decoded;
}

static void published_example_with_trailer_is_taken_in_any_pieces(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(STEPS); i++) {
        S3Fault fault = {.code = S3_NONE};
        assert_int_equal(decode_trailer_example(TRAILER_LINE, TRAILER_SIGNATURE, STEPS[i], &fault),
                         FIRST + SECOND);
    }
}

static void changed_trailer_is_refused(void **state)
{
    (void)state;
    S3Fault fault = {.code = S3_NONE};
    assert_int_equal(
        decode_trailer_example("x-amz-checksum-crc32c:sOO8/A==", TRAILER_SIGNATURE, 8192, &fault),
        -1);
    assert_int_equal(fault.code, S3_SIGNATURE_DOES_NOT_MATCH);
    assert_int_equal(decode_trailer_example(TRAILER_LINE, LAST_SIGNATURE, 8192, &fault), -1);
    assert_int_equal(fault.code, S3_SIGNATURE_DOES_NOT_MATCH);
}

static void changed_signature_of_any_chunk_is_refused(void **state)
{
    (void)state;
    for (int bad = 0; bad < 3; bad++) {
        AUTO_BUFFER body;
        buffer_init(&body, 1 << 20);
        add_chunk(&body, FIRST, bad == 0 ? SECOND_SIGNATURE : FIRST_SIGNATURE);
        add_chunk(&body, SECOND, bad == 1 ? FIRST_SIGNATURE : SECOND_SIGNATURE);
        add_chunk(&body, 0, bad == 2 ? FIRST_SIGNATURE : LAST_SIGNATURE);
        buffer_string(&body, "\r\n");
        const ChunkedRules rules = {.is_signed = true, .decoded_bytes = FIRST + SECOND};
        S3Fault fault = {.code = S3_NONE};
        AwsChunked chunked;
        SigV4Chain chain = chain_of(SEED);
        aws_chunked_init(&chunked, &rules, &chain);
        assert_int_equal(decode(&chunked, buffer_view(&body), 4096, &fault), -1);
        assert_int_equal(fault.code, S3_SIGNATURE_DOES_NOT_MATCH);
        aws_chunked_clear(&chunked);
    }
}

/* Unsigned bodies, by what becomes of them: their decoded length, or a fault. */
typedef struct Framing {
    const char *body;
    long decoded;
    S3Code code;
    const char *trailer_name;
    long announced;
} Framing;

static void framing_is_strict(void **state)
{
    (void)state;
    static const char CRC[] = "x-amz-checksum-crc32";
    static const Framing CASES[] = {
        {"3\r\naaa\r\n0\r\n\r\n", 3, S3_NONE, NULL, ANY},
        {"0\r\n\r\n", 0, S3_NONE, NULL, 0},
        {"3\r\naaa\r\nA\r\naaaaaaaaaa\r\n0\r\n\r\n", 13, S3_NONE, NULL, 13},
        {"3;ignored=1\r\naaa\r\n0\r\n\r\n", 3, S3_NONE, NULL, 3},
        {"3\r\naaa\r\n0\r\nx-amz-checksum-crc32:AAAA==\r\n\r\n", 3, S3_NONE, CRC, 3},
        {"3\r\naaa\r\n0\r\nX-Amz-Checksum-CRC32 : AAAA==\r\n\r\n", 3, S3_NONE, CRC, 3},
        /* Cut off. */
        {"", -1, S3_INCOMPLETE_BODY, NULL, ANY},
        {"3\r\naa", -1, S3_INCOMPLETE_BODY, NULL, ANY},
        {"3\r\naaa\r\n", -1, S3_INCOMPLETE_BODY, NULL, ANY},
        {"3\r\naaa\r\n0\r\n", -1, S3_INCOMPLETE_BODY, NULL, ANY},
        /* Another length than was announced. */
        {"3\r\naaa\r\n0\r\n\r\n", -1, S3_INCOMPLETE_BODY, NULL, 4},
        {"3\r\naaa\r\n0\r\n\r\n", -1, S3_INCOMPLETE_BODY, NULL, 2},
        /* Lengths that are none, or huge. */
        {"\r\n", -1, S3_INCOMPLETE_BODY, NULL, ANY},
        {"g\r\na\r\n", -1, S3_INCOMPLETE_BODY, NULL, ANY},
        {"-1\r\na\r\n", -1, S3_INCOMPLETE_BODY, NULL, ANY},
        {"0x3\r\naaa\r\n0\r\n\r\n", -1, S3_INCOMPLETE_BODY, NULL, ANY},
        {" 3\r\naaa\r\n0\r\n\r\n", -1, S3_INCOMPLETE_BODY, NULL, ANY},
        {"fffffffffffffff\r\na", -1, S3_ENTITY_TOO_LARGE, NULL, ANY},
        {"ffffffffffffffff\r\na", -1, S3_INCOMPLETE_BODY, NULL, ANY},
        {"00000000000000000000000000000003\r\naaa\r\n0\r\n\r\n", -1, S3_INCOMPLETE_BODY, NULL, ANY},
        /* Line ends that are missing or in the wrong place. */
        {"3\naaa\r\n0\r\n\r\n", -1, S3_INCOMPLETE_BODY, NULL, ANY},
        {"3\r\naaa0\r\n\r\n", -1, S3_INCOMPLETE_BODY, NULL, ANY},
        {"3\r\naaaa\r\n0\r\n\r\n", -1, S3_INCOMPLETE_BODY, NULL, ANY},
        {"3\r\naaa\r\r\n0\r\n\r\n", -1, S3_INCOMPLETE_BODY, NULL, ANY},
        /* More behind the end. */
        {"0\r\n\r\nGET / HTTP/1.1\r\n", -1, S3_INCOMPLETE_BODY, NULL, ANY},
        {"0\r\n\r\n\n", -1, S3_INCOMPLETE_BODY, NULL, ANY},
        /* Trailers that are missing, not named, twice, no trailer, or not allowed. */
        {"0\r\n\r\n", -1, S3_MALFORMED_TRAILER, CRC, 0},
        {"0\r\nx-amz-checksum-sha1:AAAA\r\n\r\n", -1, S3_MALFORMED_TRAILER, CRC, 0},
        {"0\r\nx-amz-checksum-crc32:A\r\nx-amz-checksum-crc32:A\r\n\r\n", -1, S3_MALFORMED_TRAILER,
         CRC, 0},
        {"0\r\nx-amz-checksum-crc32\r\n\r\n", -1, S3_MALFORMED_TRAILER, CRC, 0},
        {"0\r\n:AAAA\r\n\r\n", -1, S3_MALFORMED_TRAILER, CRC, 0},
        {"0\r\nx-amz-checksum-crc32:AAAA==\r\n\r\n", -1, S3_MALFORMED_TRAILER, NULL, 0},
    };
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        const Framing *one = &CASES[i];
        const ChunkedRules rules = {.has_trailer = one->trailer_name != NULL,
                                    .trailer_name = one->trailer_name,
                                    .decoded_bytes = one->announced,
                                    .decoded_bytes_max = 1000};
        for (size_t step = 1; step < 6; step++) {
            S3Fault fault = {.code = S3_NONE};
            AwsChunked chunked;
            aws_chunked_init(&chunked, &rules, NULL);
            long decoded = decode(&chunked, text_of(one->body), step, &fault);
            aws_chunked_clear(&chunked);
            if (decoded != one->decoded || fault.code != one->code) {
                fail_msg("case %zu in steps of %zu: %ld, %s", i, step, decoded,
                         s3_code_name(fault.code));
            }
        }
    }
}

static void endless_line_is_refused(void **state)
{
    (void)state;
    const ChunkedRules rules = {.decoded_bytes = ANY, .decoded_bytes_max = 1000};
    S3Fault fault = {.code = S3_NONE};
    AwsChunked chunked;
    aws_chunked_init(&chunked, &rules, NULL);
    bool taken = true;
    int bytes = 0;
    for (; taken && bytes < 10 * CHUNK_LINE_BYTES_MAX; bytes++) {
        Text rest = TEXT("1");
        Text data;
        taken = aws_chunked_next(&chunked, &rest, &data, &fault);
    }
    aws_chunked_clear(&chunked);
    assert_false(taken);
    assert_int_equal(bytes, CHUNK_LINE_BYTES_MAX);
    assert_int_equal(fault.code, S3_INCOMPLETE_BODY);
}

static void signed_chunk_without_a_signature_is_refused(void **state)
{
    (void)state;
    static const char *const BODIES[] = {"3\r\naaa\r\n", "3;chunk-signature=\r\naaa\r\n",
                                         "3;chunk-signature=" SEED "0\r\naaa\r\n",
                                         "3;signature=" SEED "\r\naaa\r\n"};
    for (size_t i = 0; i < ARRAY_COUNT(BODIES); i++) {
        const ChunkedRules rules = {.is_signed = true, .decoded_bytes = 3};
        S3Fault fault = {.code = S3_NONE};
        AwsChunked chunked;
        SigV4Chain chain = chain_of(SEED);
        aws_chunked_init(&chunked, &rules, &chain);
        assert_int_equal(decode(&chunked, text_of(BODIES[i]), 3, &fault), -1);
        assert_true(fault.code == S3_INCOMPLETE_BODY || fault.code == S3_SIGNATURE_DOES_NOT_MATCH);
        aws_chunked_clear(&chunked);
    }
}

static void unsigned_trailer_of_a_signed_body_is_refused(void **state)
{
    (void)state;
    AUTO_BUFFER body;
    buffer_init(&body, 1 << 20);
    add_chunk(&body, FIRST, TRAILER_FIRST);
    add_chunk(&body, SECOND, TRAILER_SECOND);
    add_chunk(&body, 0, TRAILER_LAST);
    buffer_string(&body, TRAILER_LINE "\r\n\r\n");
    const ChunkedRules rules = {.is_signed = true,
                                .has_trailer = true,
                                .trailer_name = "x-amz-checksum-crc32c",
                                .decoded_bytes = FIRST + SECOND};
    S3Fault fault = {.code = S3_NONE};
    AwsChunked chunked;
    SigV4Chain chain = chain_of(TRAILER_SEED);
    aws_chunked_init(&chunked, &rules, &chain);
    assert_int_equal(decode(&chunked, buffer_view(&body), 4096, &fault), -1);
    assert_int_equal(fault.code, S3_MALFORMED_TRAILER);
    aws_chunked_clear(&chunked);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_example_is_taken_in_any_pieces),
        cmocka_unit_test(published_example_with_trailer_is_taken_in_any_pieces),
        cmocka_unit_test(changed_trailer_is_refused),
        cmocka_unit_test(changed_signature_of_any_chunk_is_refused),
        cmocka_unit_test(framing_is_strict),
        cmocka_unit_test(endless_line_is_refused),
        cmocka_unit_test(signed_chunk_without_a_signature_is_refused),
        cmocka_unit_test(unsigned_trailer_of_a_signed_body_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
