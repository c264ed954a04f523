/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a request to a bucket is refused for: a code of S3, with the HTTP status that belongs to it
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html), and a sentence for people.
 * As with Error, a function that can fail returns bool.
 */
#pragma once
#include <stdbool.h>

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/error.h"

typedef enum S3Code {
    S3_NONE,
    S3_ACCESS_DENIED,
    S3_BAD_DIGEST,
    S3_ENTITY_TOO_LARGE,
    S3_ENTITY_TOO_SMALL,
    S3_INCOMPLETE_BODY,
    S3_INTERNAL_ERROR,
    S3_INVALID_ACCESS_KEY_ID,
    S3_INVALID_ARGUMENT,
    S3_INVALID_DIGEST,
    S3_INVALID_PART,
    S3_INVALID_PART_ORDER,
    S3_INVALID_RANGE,
    S3_INVALID_REQUEST,
    S3_INVALID_URI,
    S3_KEY_TOO_LONG,
    S3_MALFORMED_TRAILER,
    S3_MALFORMED_XML,
    S3_METADATA_TOO_LARGE,
    S3_METHOD_NOT_ALLOWED,
    S3_NO_SUCH_BUCKET,
    S3_NO_SUCH_KEY,
    S3_NO_SUCH_UPLOAD,
    S3_NOT_IMPLEMENTED,
    S3_PRECONDITION_FAILED,
    S3_QUERY_PARAMETERS_ERROR,
    S3_QUOTA_EXCEEDED,
    S3_REQUEST_TIMEOUT,
    S3_REQUEST_TIME_TOO_SKEWED,
    S3_SERVICE_UNAVAILABLE,
    S3_SHA256_MISMATCH,
    S3_SIGNATURE_DOES_NOT_MATCH,
    S3_CODE_COUNT
} S3Code;

enum { S3_MESSAGE_BYTES = 256 };

typedef struct S3Fault {
    S3Code code;
    char message[S3_MESSAGE_BYTES];
} S3Fault;

/* Always false, so that `return s3_fault(…)` reads well. */
bool s3_fault(S3Fault *fault, S3Code code, const char *format, ...) PRINTF_LIKE(3, 4);
/* A failure on our side: what a client may not see is left out. Always false. */
bool s3_fault_of_error(S3Fault *fault, const Error *error);

/* "AccessDenied" */
const char *s3_code_name(S3Code code);
/* 403 */
int s3_code_status(S3Code code);

/* Appends text for XML: markup, and characters that XML has no place for, as references. */
void s3_xml_text(Buffer *out, Text text);
/* Appends the error document. */
void s3_fault_write(const S3Fault *fault, Text resource, const char *request_id, Buffer *out);
