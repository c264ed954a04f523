/* SPDX-License-Identifier: Apache-2.0 */
/* What requests to buckets mean: operation, bucket and key, by path and by host; and hostile ones.
 */
#include "unit_test.h"

#include <string.h>

#include "buckets/s3_request.h"

#define VIRTUAL_HOST "objects.example.org"

typedef struct Case {
    const char *method;
    const char *target;
    const char *host;
    S3Operation operation;
    const char *bucket;
    const char *object_key;
} Case;

static bool read_request(Arena *arena, const Case *one, S3Request *request, S3Fault *fault)
{
    SigV4Field *host = arena_alloc(arena, sizeof *host);
    *host = (SigV4Field){"host", one->host == NULL ? "127.0.0.1:8081" : one->host};
    *request = (S3Request){.arena = arena,
                           .method = one->method,
                           .target = text_of(one->target),
                           .headers = host,
                           .header_count = 1};
    return s3_request_read(request, VIRTUAL_HOST, fault);
}

static void assert_same(const char *found, const char *expected)
{
    if (expected == NULL) {
        assert_null(found);
    } else {
        assert_non_null(found);
        assert_string_equal(found, expected);
    }
}

static void requests_are_understood(void **state)
{
    (void)state;
    static const Case CASES[] = {
        {"GET", "/", NULL, S3_LIST_BUCKETS, NULL, NULL},
        {"GET", "/?x-id=ListBuckets", NULL, S3_LIST_BUCKETS, NULL, NULL},
        {"HEAD", "/b", NULL, S3_HEAD_BUCKET, "b", NULL},
        {"HEAD", "/b/", NULL, S3_HEAD_BUCKET, "b", NULL},
        {"GET", "/b?location", NULL, S3_GET_BUCKET_LOCATION, "b", NULL},
        {"GET", "/b?list-type=2&prefix=a%2Fb&delimiter=%2F", NULL, S3_LIST_OBJECTS, "b", NULL},
        {"GET", "/b/?list-type=2", NULL, S3_LIST_OBJECTS, "b", NULL},
        {"GET", "/b?uploads", NULL, S3_LIST_UPLOADS, "b", NULL},
        {"POST", "/b?delete=", NULL, S3_DELETE_OBJECTS, "b", NULL},
        {"GET", "/b/k", NULL, S3_GET_OBJECT, "b", "k"},
        {"HEAD", "/b/k?X-Amz-Signature=1", NULL, S3_HEAD_OBJECT, "b", "k"},
        {"PUT", "/b/a%20b/%C3%BC+c", NULL, S3_PUT_OBJECT, "b", "a b/\xC3\xBC+c"},
        {"PUT", "/b/%2e%2e/..//x/", NULL, S3_PUT_OBJECT, "b", "../..//x/"},
        {"PUT", "/b//k", NULL, S3_PUT_OBJECT, "b", "/k"},
        {"DELETE", "/b/k", NULL, S3_DELETE_OBJECT, "b", "k"},
        {"POST", "/b/k?uploads", NULL, S3_BEGIN_UPLOAD, "b", "k"},
        {"PUT", "/b/k?partNumber=1&uploadId=x", NULL, S3_PUT_PART, "b", "k"},
        {"GET", "/b/k?uploadId=x&max-parts=5", NULL, S3_LIST_PARTS, "b", "k"},
        {"POST", "/b/k?uploadId=x", NULL, S3_COMPLETE_UPLOAD, "b", "k"},
        {"DELETE", "/b/k?uploadId=x", NULL, S3_ABORT_UPLOAD, "b", "k"},
        /* Any host is fine; only those below ours name a bucket. */
        {"GET", "/b/k", "storage.googleapis.com", S3_GET_OBJECT, "b", "k"},
        {"GET", "/b/k", "objects.example.org:8081", S3_GET_OBJECT, "b", "k"},
        {"GET", "/b/k", "xobjects.example.org", S3_GET_OBJECT, "b", "k"},
        {"GET", "/b/k", "v.objects.example.org:8081", S3_GET_OBJECT, "v", "b/k"},
        {"GET", "/b/k", "v.OBJECTS.example.org", S3_GET_OBJECT, "v", "b/k"},
        {"GET", "/b/k", ".objects.example.org", S3_GET_OBJECT, "b", "k"},
        {"HEAD", "/", "v.objects.example.org", S3_HEAD_BUCKET, "v", NULL},
    };
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        AUTO_ARENA arena;
        arena_init(&arena);
        S3Request request;
        S3Fault fault = {.code = S3_NONE};
        if (!read_request(&arena, &CASES[i], &request, &fault)) {
            fail_msg("%s %s: %s", CASES[i].method, CASES[i].target, fault.message);
        }
        assert_int_equal(request.operation, CASES[i].operation);
        assert_same(request.bucket, CASES[i].bucket);
        assert_same(request.object_key, CASES[i].object_key);
    }
}

static void query_is_decoded_once(void **state)
{
    (void)state;
    static const Case CASE = {"GET", "/b?list-type=2&prefix=a%2520b+c&&delimiter", NULL, 0, NULL,
                              NULL};
    AUTO_ARENA arena;
    arena_init(&arena);
    S3Request request;
    S3Fault fault = {.code = S3_NONE};
    assert_true(read_request(&arena, &CASE, &request, &fault));
    assert_string_equal(s3_parameter(&request, "prefix"), "a%20b+c");
    assert_string_equal(s3_parameter(&request, "delimiter"), "");
    assert_null(s3_parameter(&request, "start-after"));
    assert_null(s3_parameter(&request, "Prefix"));
}

static void hostile_requests_are_refused(void **state)
{
    (void)state;
    static char long_key[S3_TARGET_BYTES_MAX + 10];
    static char long_target[S3_TARGET_BYTES_MAX + 10];
    memset(long_key, 'k', 3 + S3_KEY_BYTES_MAX + 1);
    memcpy(long_key, "/b/", 3);
    memset(long_target, 'k', sizeof long_target - 1);
    long_target[0] = '/';
    const struct {
        const char *method;
        const char *target;
        S3Code code;
    } CASES[] = {
        {"GET", "", S3_INVALID_URI},
        {"GET", "b/k", S3_INVALID_URI},
        {"GET", "*", S3_INVALID_URI},
        {"GET", "/b/%00", S3_INVALID_URI},
        {"GET", "/b/k%00.tiff", S3_INVALID_URI},
        {"GET", "/b/%FF", S3_INVALID_URI},
        {"GET", "/b/%C0%AE", S3_INVALID_URI},
        {"GET", "/b/%ED%A0%80", S3_INVALID_URI},
        {"GET", "/b?list-type=2&prefix=%00", S3_INVALID_URI},
        {"GET", "/b?list-type=2&prefix=%FF", S3_INVALID_URI},
        {"GET", long_target, S3_INVALID_URI},
        {"GET", long_key, S3_KEY_TOO_LONG},
        {"GET", "/b?list-type=2&prefix=a&prefix=b", S3_INVALID_ARGUMENT},
        {"GET", "/b?list-type=2&prefix=a&pre%66ix=b", S3_INVALID_ARGUMENT},
        {"GET",
         "/b?1&2&3&4&5&6&7&8&9&10&11&12&13&14&15&16&17&18&19&20&21&22&23&24&25&26&27&28&29&30&31&32"
         "&33&34&35&36&37&38&39&40&41&42&43&44&45&46&47&48&49&50&51&52&53&54&55&56&57&58&59&60&61&"
         "62"
         "&63&64&65",
         S3_INVALID_ARGUMENT},
        {"POST", "/", S3_METHOD_NOT_ALLOWED},
        {"PUT", "/b", S3_NOT_IMPLEMENTED},
        {"DELETE", "/b", S3_NOT_IMPLEMENTED},
        {"GET", "/b", S3_NOT_IMPLEMENTED},
        {"GET", "/b?list-type=1", S3_NOT_IMPLEMENTED},
        {"GET", "/b?list-type=", S3_NOT_IMPLEMENTED},
        {"GET", "/b/k?acl", S3_NOT_IMPLEMENTED},
        {"GET", "/b/k?versionId=1", S3_NOT_IMPLEMENTED},
        {"PUT", "/b?policy", S3_NOT_IMPLEMENTED},
        {"POST", "/b/k", S3_NOT_IMPLEMENTED},
        {"PUT", "/b/k?uploads", S3_NOT_IMPLEMENTED},
        {"PUT", "/b/k?uploads&uploadId=x", S3_NOT_IMPLEMENTED},
        {"PATCH", "/b/k", S3_NOT_IMPLEMENTED},
        {"OPTIONS", "/b/k", S3_NOT_IMPLEMENTED},
    };
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        AUTO_ARENA arena;
        arena_init(&arena);
        S3Request request;
        S3Fault fault = {.code = S3_NONE};
        const Case one = {CASES[i].method, CASES[i].target, NULL, 0, NULL, NULL};
        if (read_request(&arena, &one, &request, &fault) || fault.code != CASES[i].code) {
            fail_msg("%s %.60s: %s", one.method, one.target, s3_code_name(fault.code));
        }
    }
}

static void copy_is_refused(void **state)
{
    (void)state;
    AUTO_ARENA arena;
    arena_init(&arena);
    const SigV4Field headers[] = {{"host", "h"}, {"x-amz-copy-source", "/other/key"}};
    S3Request request = {.arena = &arena,
                         .method = "PUT",
                         .target = TEXT("/b/k"),
                         .headers = headers,
                         .header_count = 2};
    S3Fault fault = {.code = S3_NONE};
    assert_false(s3_request_read(&request, NULL, &fault));
    assert_int_equal(fault.code, S3_NOT_IMPLEMENTED);
}

static void error_document_is_escaped(void **state)
{
    (void)state;
    AUTO_BUFFER out;
    buffer_init(&out, 4096);
    S3Fault fault = {.code = S3_NONE};
    assert_false(s3_fault(&fault, S3_NO_SUCH_KEY, "no <%s> & \"more\"", "key"));
    s3_fault_write(&fault, TEXT("/b/<\x01>"), "id", &out);
    assert_string_equal(buffer_to_string(&out),
                        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                        "<Error><Code>NoSuchKey</Code><Message>no &lt;key&gt; &amp; "
                        "&quot;more&quot;</Message><Resource>/b/&lt;&#1;&gt;</Resource>"
                        "<RequestId>id</RequestId></Error>\n");
    assert_int_equal(s3_code_status(fault.code), 404);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_understood),      cmocka_unit_test(query_is_decoded_once),
        cmocka_unit_test(hostile_requests_are_refused), cmocka_unit_test(copy_is_refused),
        cmocka_unit_test(error_document_is_escaped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
