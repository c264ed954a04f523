/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An exchange: one request to a bucket, from its headers to its answer, on the thread of its
 * connection, which may wait for the database and for the disk.
 */
#pragma once
#include <microhttpd.h>
#include <stdatomic.h>

#include "base/uuid.h"
#include "buckets/bucket_server.h"
#include "buckets/bucket_url.h"
#include "buckets/s3_body.h"

/* Those that an object was stored with, and what the server says besides. */
enum { S3_ANSWER_HEADERS_MAX = S3_HEADERS_MAX + 8 };

typedef struct S3Answer {
    int status;  /* 0: not decided */
    Buffer body; /* XML */
    int fd;      /* of a file that is sent instead; -1: none */
    int64_t first;
    int64_t length;
    SigV4Field headers[S3_ANSWER_HEADERS_MAX]; /* in the arena */
    size_t header_count;
} S3Answer;

typedef struct S3Exchange {
    BucketServer *server;
    struct MHD_Connection *connection;
    bool admitted; /* the headers were looked at */
    Arena arena;
    Uuid id;
    SigV4Field headers[S3_HEADERS_MAX];
    S3Request request;
    S3Claim claim;
    BucketSecret secret;
    const char *bucket_name; /* that the key is of; in the arena */
    S3Fault fault;           /* S3_NONE: nothing went wrong yet */
    S3Body body;
    int64_t ignored_bytes; /* of a body that nobody wants */
    Buffer document;       /* a body that is XML */
    ObjectUpload *upload;  /* a body that becomes a file */
    Uuid file_id;
    const char *upload_id; /* of a multipart upload; in the arena */
    int64_t part_number;
    S3Answer answer;
} S3Exchange;

struct BucketServer {
    BucketServerOptions options;
    BucketSeal seal;
    BucketDatabase *database;
    char *virtual_host;   /* NULL: none */
    atomic_bool stopping; /* what takes long ends early */
};

/* What an operation does, each false with the exchange's fault set. */
typedef enum S3BodyUse { S3_BODY_IGNORED, S3_BODY_DOCUMENT, S3_BODY_FILE } S3BodyUse;
typedef struct S3Handler {
    S3BodyUse body;
    bool (*begin)(S3Exchange *exchange);  /* before the body; NULL: nothing */
    bool (*finish)(S3Exchange *exchange); /* when the body is there; NULL: begin has answered */
} S3Handler;

extern const S3Handler S3_HANDLERS[S3_OPERATION_COUNT];

/* Runs a statement; what fails is logged and is a fault. */
MUST_CHECK bool s3_run(S3Exchange *exchange,
                       const char *sql,
                       const char *const *values,
                       int value_count,
                       PGresult **rows_out);
/* A failure of the store, logged. Always false. */
bool s3_fail(S3Exchange *exchange, const Error *error);
/* As s3_fault. Always false. */
#define s3_refuse(exchange, ...) s3_fault(&(exchange)->fault, __VA_ARGS__)

/* Sets status and headers of the answer; values live in the arena or longer. */
void s3_answer(S3Exchange *exchange, int status);
void s3_answer_header(S3Exchange *exchange, const char *name, const char *value);
/* As s3_answer with status 200, and begins an XML document with this root. */
Buffer *s3_answer_xml(S3Exchange *exchange, const char *root);
/* "<name>text</name>" */
void s3_xml_element(Buffer *out, const char *name, const char *text);
/* The number in the query; `fallback` when it is missing. */
MUST_CHECK bool s3_number(
    S3Exchange *exchange, const char *name, int64_t maximum, int64_t fallback, int64_t *number_out);
/* A number as text, in the arena. */
const char *s3_number_text(S3Exchange *exchange, int64_t number);

/* The operations, by file: s3_objects.c, s3_files.c, s3_parts.c, s3_lists.c. */
bool s3_get_object(S3Exchange *exchange);
bool s3_delete_object(S3Exchange *exchange);
bool s3_delete_objects(S3Exchange *exchange);
bool s3_begin_object(S3Exchange *exchange);
bool s3_begin_file(S3Exchange *exchange);
bool s3_store_object(S3Exchange *exchange);
bool s3_begin_part(S3Exchange *exchange);
bool s3_store_part(S3Exchange *exchange);
bool s3_begin_upload(S3Exchange *exchange);
bool s3_complete_upload(S3Exchange *exchange);
bool s3_abort_upload(S3Exchange *exchange);
bool s3_list_objects(S3Exchange *exchange);
bool s3_list_uploads(S3Exchange *exchange);
bool s3_list_parts(S3Exchange *exchange);
bool s3_list_buckets(S3Exchange *exchange);
bool s3_head_bucket(S3Exchange *exchange);
bool s3_get_location(S3Exchange *exchange);
/* The id of a multipart upload that the query names. */
MUST_CHECK bool s3_read_upload_id(S3Exchange *exchange);
/* The headers of an object that its downloads repeat: its type, and lines "name: value\n". */
MUST_CHECK bool
s3_read_metadata(S3Exchange *exchange, const char **type_out, const char **headers_out);
