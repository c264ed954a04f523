/* SPDX-License-Identifier: Apache-2.0 */
/* S3's error codes; see s3_fault.h. */
#include "buckets/s3_fault.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/markup.h"

static const struct {
    const char *name;
    int status;
} CODES[S3_CODE_COUNT] = {
    [S3_NONE] = {"", 200},
    [S3_ACCESS_DENIED] = {"AccessDenied", 403},
    [S3_BAD_DIGEST] = {"BadDigest", 400},
    [S3_ENTITY_TOO_LARGE] = {"EntityTooLarge", 400},
    [S3_ENTITY_TOO_SMALL] = {"EntityTooSmall", 400},
    [S3_INCOMPLETE_BODY] = {"IncompleteBody", 400},
    [S3_INTERNAL_ERROR] = {"InternalError", 500},
    [S3_INVALID_ACCESS_KEY_ID] = {"InvalidAccessKeyId", 403},
    [S3_INVALID_ARGUMENT] = {"InvalidArgument", 400},
    [S3_INVALID_DIGEST] = {"InvalidDigest", 400},
    [S3_INVALID_PART] = {"InvalidPart", 400},
    [S3_INVALID_PART_ORDER] = {"InvalidPartOrder", 400},
    [S3_INVALID_RANGE] = {"InvalidRange", 416},
    [S3_INVALID_REQUEST] = {"InvalidRequest", 400},
    [S3_INVALID_URI] = {"InvalidURI", 400},
    [S3_KEY_TOO_LONG] = {"KeyTooLongError", 400},
    [S3_MALFORMED_TRAILER] = {"MalformedTrailerError", 400},
    [S3_MALFORMED_XML] = {"MalformedXML", 400},
    [S3_METADATA_TOO_LARGE] = {"MetadataTooLarge", 400},
    [S3_METHOD_NOT_ALLOWED] = {"MethodNotAllowed", 405},
    [S3_NO_SUCH_BUCKET] = {"NoSuchBucket", 404},
    [S3_NO_SUCH_KEY] = {"NoSuchKey", 404},
    [S3_NO_SUCH_UPLOAD] = {"NoSuchUpload", 404},
    [S3_NOT_IMPLEMENTED] = {"NotImplemented", 501},
    [S3_PRECONDITION_FAILED] = {"PreconditionFailed", 412},
    [S3_QUERY_PARAMETERS_ERROR] = {"AuthorizationQueryParametersError", 400},
    [S3_QUOTA_EXCEEDED] = {"QuotaExceeded", 403},
    [S3_REQUEST_TIMEOUT] = {"RequestTimeout", 400},
    [S3_REQUEST_TIME_TOO_SKEWED] = {"RequestTimeTooSkewed", 403},
    [S3_SERVICE_UNAVAILABLE] = {"ServiceUnavailable", 503},
    [S3_SHA256_MISMATCH] = {"XAmzContentSHA256Mismatch", 400},
    [S3_SIGNATURE_DOES_NOT_MATCH] = {"SignatureDoesNotMatch", 403},
};

bool s3_fault(S3Fault *fault, S3Code code, const char *format, ...)
{
    assert(code != S3_NONE);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(fault->message, sizeof fault->message, format, arguments);
    va_end(arguments);
    fault->code = code;
    return false;
}

bool s3_fault_of_error(S3Fault *fault, const Error *error)
{
    if (error->code == ERROR_LIMIT || error->code == ERROR_UNAVAILABLE) {
        return s3_fault(fault, S3_SERVICE_UNAVAILABLE, "The store cannot be used now: try again.");
    }
    return s3_fault(fault, S3_INTERNAL_ERROR, "An internal error occurred: try again.");
}

const char *s3_code_name(S3Code code)
{
    return CODES[code].name;
}

int s3_code_status(S3Code code)
{
    return CODES[code].status;
}

void s3_xml_text(Buffer *out, Text text)
{
    for (size_t i = 0; i < text.length; i++) {
        unsigned char c = (unsigned char)text.bytes[i];
        if (c < 0x20 || c == 0x7F) {
            buffer_format(out, "&#%d;", c);
        } else {
            markup_escape(out, (Text){text.bytes + i, 1});
        }
    }
}

void s3_fault_write(const S3Fault *fault, Text resource, const char *request_id, Buffer *out)
{
    buffer_format(out,
                  "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                  "<Error><Code>%s</Code><Message>",
                  s3_code_name(fault->code));
    s3_xml_text(out, text_of(fault->message));
    buffer_string(out, "</Message><Resource>");
    s3_xml_text(out, resource);
    buffer_format(out, "</Resource><RequestId>%s</RequestId></Error>\n", request_id);
}
