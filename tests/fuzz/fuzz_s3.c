/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fuzzes what a stranger sends to an upload bucket: lines with method, target and headers, an empty
 * one, and the body, which comes in pieces whose size its length tells. Whether or not the
 * signature matches, the body is decoded.
 */
#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "buckets/s3_body.h"

enum {
    AT = 1369353600 /* 20130524T000000Z, of the examples in S3's documentation */,
    DOCUMENT_MAX = 4096
};

#define SECRET "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
#define BODY_MAX 20000

/* libFuzzer's entry. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

static bool take(void *context, Text bytes, S3Fault *fault)
{
    (void)fault;
    int64_t *taken = context;
    *taken += (int64_t)bytes.length;
    return true;
}

static void receive(const S3Request *request, const S3Claim *claim, Text rest)
{
    S3Body body = {.bytes_max = BODY_MAX, .too_large = S3_ENTITY_TOO_LARGE};
    S3Fault fault = {.code = S3_NONE};
    char md5[MD5_HEX_BYTES] = "";
    int64_t taken = 0;
    size_t step = rest.length % 97 + 1;
    bool good = s3_body_open(&body, request, claim, SECRET, &fault);
    while (good && rest.length > 0) {
        Text piece = {rest.bytes, rest.length < step ? rest.length : step};
        rest = text_from(rest, piece.length);
        good = s3_body_take(&body, piece, take, &taken, &fault);
    }
    assert(taken <= BODY_MAX && taken == body.bytes);
    good = good && s3_body_finish(&body, md5, &fault);
    assert(good == (fault.code == S3_NONE));
    assert(!good || strlen(md5) == MD5_HEX_BYTES - 1);
    s3_body_close(&body);
}

static void write_fault(const S3Fault *fault, Text target)
{
    AUTO_BUFFER out;
    buffer_init(&out, DOCUMENT_MAX + 8 * target.length);
    s3_fault_write(fault, target, "id", &out);
    assert(!out.overflow && memchr(out.bytes, '\x01', out.length) == NULL);
    assert(s3_code_status(fault->code) >= 400);
}

static void handle(S3Request *request, Text body)
{
    S3Fault fault = {.code = S3_NONE};
    S3Claim claim;
    bool read = s3_request_read(request, "s3.amazonaws.com", &fault);
    assert(read == (fault.code == S3_NONE));
    if (!read || !s3_auth_read(request, AT * MICROSECONDS_PER_SECOND, &claim, &fault)) {
        write_fault(&fault, request->target);
        return;
    }
    assert(request->object_key == NULL || strlen(request->object_key) <= S3_KEY_BYTES_MAX);
    if (!s3_auth_verify(request, &claim, SECRET, &fault)) {
        write_fault(&fault, request->target);
    }
    receive(request, &claim, body);
}

/* The next line, without its end. */
static Text next_line(Text *rest)
{
    return rest->bytes == NULL ? TEXT("") : text_split(rest, '\n');
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    AUTO_ARENA arena;
    arena_init(&arena);
    SigV4Field headers[S3_HEADERS_MAX];
    Text rest = {(const char *)bytes, count};
    S3Request request = {.arena = &arena, .headers = headers};
    request.method = arena_string(&arena, next_line(&rest));
    request.target = text_of(arena_string(&arena, next_line(&rest)));
    for (Text value = next_line(&rest); value.length > 0; value = next_line(&rest)) {
        Text name = text_split(&value, ':');
        if (request.header_count < S3_HEADERS_MAX) {
            headers[request.header_count++] =
                (SigV4Field){arena_string(&arena, name),
                             arena_string(&arena, value.bytes == NULL ? TEXT("") : value)};
        }
    }
    handle(&request, rest.bytes == NULL ? TEXT("") : rest);
    return 0;
}
