/* SPDX-License-Identifier: Apache-2.0 */
/* Problem documents; see problem.h. */
#include "http/problem.h"

#include "base/limits.h"
#include "json/slice.h"

#define TYPE_PREFIX "urn:slideway:problem:"

static const ProblemKind KINDS[PROBLEM_CODE_COUNT] = {
    [PROBLEM_BY_STATUS] = {"error", 0, "Error"},
    [PROBLEM_INPUT_REJECTED] = {"input_rejected", 400, "The application refuses the input"},
    [PROBLEM_DEADLINE_TOO_SHORT] = {"SCHEDULER.DEADLINE_TOO_SHORT", 400,
                                    "The deadline is too short for the application"},
    [PROBLEM_MALFORMED_REQUEST] = {"malformed_request", 400, "The request is malformed"},
    [PROBLEM_NOT_AUTHENTICATED] = {"not_authenticated", 401, "Not authenticated"},
    [PROBLEM_QUOTA_EXCEEDED] = {"quota_exceeded", 402, "A quota would be exceeded"},
    [PROBLEM_FORBIDDEN] = {"forbidden", 403, "Not allowed"},
    [PROBLEM_NOT_FOUND] = {"not_found", 404, "Not found"},
    [PROBLEM_RUN_NOT_FOUND] = {"run_not_found", 404, "Run not found"},
    [PROBLEM_ITEM_NOT_FOUND] = {"item_not_found", 404, "Item not found"},
    [PROBLEM_APPLICATION_NOT_FOUND] = {"application_not_found", 404, "Application not found"},
    [PROBLEM_VERSION_NOT_FOUND] = {"application_version_not_found", 404,
                                   "Application version not found"},
    [PROBLEM_METHOD_NOT_ALLOWED] = {"method_not_allowed", 405, "Method not allowed"},
    [PROBLEM_CONFLICT] = {"conflict", 409, "Conflict with the present state"},
    [PROBLEM_RUN_TERMINATED] = {"run_terminated", 409, "The run has already terminated"},
    [PROBLEM_RUN_NOT_TERMINATED] = {"run_not_terminated", 409, "The run has not terminated yet"},
    [PROBLEM_GONE] = {"gone", 410, "Gone"},
    [PROBLEM_ARTIFACTS_DELETED] = {"artifacts_deleted", 410, "The artifacts have been deleted"},
    [PROBLEM_CHECKSUM_MISMATCH] = {"checksum_mismatch", 412, "The metadata has changed"},
    [PROBLEM_BODY_TOO_LARGE] = {"body_too_large", 413, "The body is too large"},
    [PROBLEM_URI_TOO_LONG] = {"uri_too_long", 414, "The URI is too long"},
    [PROBLEM_VALIDATION_FAILED] = {"validation_failed", 422, "The request is not valid"},
    [PROBLEM_IDEMPOTENCY_KEY_REUSED] = {"idempotency_key_reused", 422,
                                        "The idempotency key belongs to another request"},
    [PROBLEM_RATE_LIMITED] = {"rate_limited", 429, "Too many requests"},
    [PROBLEM_INTERNAL_ERROR] = {"internal_error", 500, "Internal error"},
    [PROBLEM_UNAVAILABLE] = {"unavailable", 503, "Not available now"},
};

const ProblemKind *problem_kind(const Response *response)
{
    const ProblemKind *kind = &KINDS[response->problem];
    for (size_t i = 1; i < PROBLEM_CODE_COUNT && kind->status != response->status; i++) {
        if (KINDS[i].status == response->status) {
            return &KINDS[i];
        }
    }
    return kind;
}

/* The sentence of a detail that is a list: the first message; NULL when there is none. */
static Text first_message(Text errors)
{
    Text first;
    return slice_next_element(&errors, &first) ? slice_member(first, "msg") : (Text){NULL, 0};
}

static void write_members(JsonWriter *writer, Text detail, Text quota)
{
    bool is_list = detail.length > 0 && detail.bytes[0] == '[';
    Text sentence = is_list ? first_message(detail) : detail;
    if (sentence.length > 0) {
        writer_key(writer, "detail");
        writer_raw(writer, sentence);
    }
    if (is_list) {
        writer_key(writer, "errors");
        writer_raw(writer, detail);
    }
    if (quota.bytes != NULL) {
        writer_key(writer, "quota");
        writer_raw(writer, quota);
    }
}

void problem_write(Response *response, Text path, const char *request_id)
{
    Text detail = slice_member(buffer_view(&response->body), "detail");
    if (detail.bytes == NULL) {
        return; /* an answer of its own form, as that of the health endpoint */
    }
    const ProblemKind *kind = problem_kind(response);
    AUTO_BUFFER problem;
    buffer_init(&problem, RESPONSE_BYTES_MAX);
    AUTO_BUFFER type;
    buffer_init(&type, sizeof TYPE_PREFIX + 64);
    buffer_format(&type, TYPE_PREFIX "%s", kind->code);
    JsonWriter writer;
    writer_init(&writer, &problem);
    writer_begin_object(&writer);
    writer_key_string(&writer, "type", buffer_to_string(&type));
    writer_key_string(&writer, "title", kind->title);
    writer_key_integer(&writer, "status", response->status);
    write_members(&writer, detail, slice_member(buffer_view(&response->body), "quota"));
    if (text_is_utf8(path)) {
        writer_key(&writer, "instance");
        writer_text(&writer, path);
    }
    writer_key_string(&writer, "code", kind->code);
    writer_key_string(&writer, "request_id", request_id);
    writer_end_object(&writer);
    buffer_reset(&response->body);
    buffer_text(&response->body, buffer_view(&problem));
    response->content_type = PROBLEM_MEDIA_TYPE;
}
