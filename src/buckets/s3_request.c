/* SPDX-License-Identifier: Apache-2.0 */
/* Reading requests; see s3_request.h. */
#include "buckets/s3_request.h"

#include <string.h>
#include <strings.h>

#include "base/percent.h"

/* What stands in the query to name an operation; the others only tell more about it. */
#define NO_SUBRESOURCE ""

static const struct {
    const char *method;
    bool on_key;
    S3Operation operation;
    const char *subresource;
} OPERATIONS[] = {
    {"HEAD", false, S3_HEAD_BUCKET, NO_SUBRESOURCE},
    {"GET", false, S3_GET_BUCKET_LOCATION, "location"},
    {"GET", false, S3_LIST_OBJECTS, "list-type"},
    {"GET", false, S3_LIST_UPLOADS, "uploads"},
    {"POST", false, S3_DELETE_OBJECTS, "delete"},
    {"GET", true, S3_GET_OBJECT, NO_SUBRESOURCE},
    {"HEAD", true, S3_HEAD_OBJECT, NO_SUBRESOURCE},
    {"PUT", true, S3_PUT_OBJECT, NO_SUBRESOURCE},
    {"DELETE", true, S3_DELETE_OBJECT, NO_SUBRESOURCE},
    {"POST", true, S3_BEGIN_UPLOAD, "uploads"},
    {"PUT", true, S3_PUT_PART, "uploadId"},
    {"GET", true, S3_LIST_PARTS, "uploadId"},
    {"POST", true, S3_COMPLETE_UPLOAD, "uploadId"},
    {"DELETE", true, S3_ABORT_UPLOAD, "uploadId"},
};

static const char *const SUBRESOURCES[] = {"location", "list-type", "uploads", "delete",
                                           "uploadId"};

static const char *const PARAMETERS[] = {"x-id",
                                         "prefix",
                                         "delimiter",
                                         "max-keys",
                                         "continuation-token",
                                         "start-after",
                                         "encoding-type",
                                         "fetch-owner",
                                         "partNumber",
                                         "part-number-marker",
                                         "max-parts",
                                         "key-marker",
                                         "upload-id-marker",
                                         "max-uploads",
                                         "response-content-type",
                                         "response-content-disposition",
                                         "response-content-language",
                                         "response-content-encoding",
                                         "response-cache-control",
                                         "response-expires"};

const char *s3_header(const S3Request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++) {
        if (strcmp(request->headers[i].name, name) == 0) {
            return request->headers[i].value;
        }
    }
    return NULL;
}

const char *s3_parameter(const S3Request *request, const char *name)
{
    for (size_t i = 0; i < request->query_count; i++) {
        if (strcmp(request->query[i].name, name) == 0) {
            return request->query[i].value;
        }
    }
    return NULL;
}

/* NULL when it holds a NUL or is no UTF-8. */
static const char *decode(Arena *arena, Text text)
{
    char *decoded = arena_alloc(arena, text.length + 1);
    size_t length = percent_decode(text, false, decoded);
    decoded[length] = '\0';
    bool valid = memchr(decoded, '\0', length) == NULL && text_is_utf8((Text){decoded, length});
    return valid ? decoded : NULL;
}

/* A name that comes twice could be read in two ways: it is refused. */
static bool add_parameter(S3Request *request, Text part, S3Fault *fault)
{
    Text value = part;
    Text name = text_split(&value, '=');
    const char *decoded_name = decode(request->arena, name);
    const char *decoded_value = value.bytes == NULL ? "" : decode(request->arena, value);
    if (decoded_name == NULL || decoded_value == NULL) {
        return s3_fault(fault, S3_INVALID_URI, "The query is not valid UTF-8.");
    }
    if (request->query_count == SIGV4_FIELDS_MAX || s3_parameter(request, decoded_name) != NULL) {
        return s3_fault(fault, S3_INVALID_ARGUMENT,
                        "The query has too many parameters, or one of them twice.");
    }
    request->query[request->query_count++] = (SigV4Field){decoded_name, decoded_value};
    return true;
}

static bool read_target(S3Request *request, S3Fault *fault)
{
    Text query = request->target;
    if (query.length > S3_TARGET_BYTES_MAX) {
        return s3_fault(fault, S3_INVALID_URI, "The URI is longer than %d bytes.",
                        S3_TARGET_BYTES_MAX);
    }
    Text path = text_split(&query, '?');
    request->path = decode(request->arena, path);
    if (request->path == NULL || request->path[0] != '/') {
        return s3_fault(fault, S3_INVALID_URI, "The path of the URI is not valid.");
    }
    while (query.length > 0) {
        Text part = text_split(&query, '&');
        if (part.length > 0 && !add_parameter(request, part, fault)) {
            return false;
        }
    }
    return true;
}

/* The bucket in "BUCKET.objects.example.org:8081"; NULL: it is none of that host. */
static const char *bucket_of_host(const S3Request *request, const char *virtual_host)
{
    const char *sent = s3_header(request, "host");
    if (sent == NULL || virtual_host == NULL) {
        return NULL;
    }
    Text rest = text_of(sent);
    Text host = text_split(&rest, ':');
    size_t end = strlen(virtual_host);
    if (host.length < end + 2 || host.bytes[host.length - end - 1] != '.' ||
        strncasecmp(host.bytes + host.length - end, virtual_host, end) != 0) {
        return NULL;
    }
    return arena_string(request->arena, (Text){host.bytes, host.length - end - 1});
}

static void read_place(S3Request *request, const char *virtual_host)
{
    const char *rest = request->path + 1;
    request->bucket = bucket_of_host(request, virtual_host);
    if (request->bucket == NULL) {
        const char *slash = strchr(rest, '/');
        size_t length = slash == NULL ? strlen(rest) : (size_t)(slash - rest);
        request->bucket = length == 0 ? NULL : arena_string(request->arena, (Text){rest, length});
        rest = slash == NULL ? "" : slash + 1;
    }
    request->object_key = rest[0] == '\0' ? NULL : rest;
}

static bool is_among(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool find_subresource(const S3Request *request, const char **found_out, S3Fault *fault)
{
    const char *found = NO_SUBRESOURCE;
    for (size_t i = 0; i < request->query_count; i++) {
        const char *name = request->query[i].name;
        if (is_among(name, SUBRESOURCES, ARRAY_COUNT(SUBRESOURCES))) {
            found = found[0] == '\0' ? name : "?";
        } else if (strncmp(name, "X-Amz-", strlen("X-Amz-")) != 0 &&
                   !is_among(name, PARAMETERS, ARRAY_COUNT(PARAMETERS))) {
            return s3_fault(fault, S3_NOT_IMPLEMENTED, "The parameter %.64s is not supported.",
                            name);
        }
    }
    *found_out = found;
    return true;
}

static bool find_operation(S3Request *request, S3Fault *fault)
{
    const char *subresource = NO_SUBRESOURCE;
    if (!find_subresource(request, &subresource, fault)) {
        return false;
    }
    if (request->bucket == NULL) {
        request->operation = S3_LIST_BUCKETS;
        return strcmp(request->method, "GET") == 0 ||
               s3_fault(fault, S3_METHOD_NOT_ALLOWED, "Name a bucket in the path.");
    }
    for (size_t i = 0; i < ARRAY_COUNT(OPERATIONS); i++) {
        if (strcmp(OPERATIONS[i].method, request->method) == 0 &&
            OPERATIONS[i].on_key == (request->object_key != NULL) &&
            strcmp(OPERATIONS[i].subresource, subresource) == 0) {
            request->operation = OPERATIONS[i].operation;
            return true;
        }
    }
    return s3_fault(fault, S3_NOT_IMPLEMENTED, "This operation is not supported.");
}

static bool check_details(const S3Request *request, S3Fault *fault)
{
    if (request->object_key != NULL && strlen(request->object_key) > S3_KEY_BYTES_MAX) {
        return s3_fault(fault, S3_KEY_TOO_LONG, "The key is longer than %d bytes.",
                        S3_KEY_BYTES_MAX);
    }
    if (request->operation == S3_LIST_OBJECTS &&
        strcmp(s3_parameter(request, "list-type"), "2") != 0) {
        return s3_fault(fault, S3_NOT_IMPLEMENTED, "Objects are listed by list-type=2.");
    }
    if (s3_header(request, "x-amz-copy-source") != NULL) {
        return s3_fault(fault, S3_NOT_IMPLEMENTED, "Objects cannot be copied.");
    }
    return true;
}

bool s3_request_read(S3Request *request, const char *virtual_host, S3Fault *fault)
{
    if (!read_target(request, fault)) {
        return false;
    }
    read_place(request, virtual_host);
    return find_operation(request, fault) && check_details(request, fault);
}
