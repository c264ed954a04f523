/* SPDX-License-Identifier: Apache-2.0 */
/* Commands of the operator for upload buckets: bucket list, rotate, assign, unassign. */
#include <string.h>

#include "base/alloc.h"
#include "buckets/bucket_key.h"
#include "cli/admin_store.h"
#include "cli/commands.h"
#include "cli/endpoint.h"
#include "cli/password_input.h"
#include "cli/print.h"
#include "db/connection.h"
#include "json/reader.h"

enum { COLUMNS = 6 };

static bool run_bucket_list(Cli *cli, const void *options, const Operands *operands, Error *error)
{
    (void)options;
    (void)operands;
    AUTO_CONNECTION *connection = NULL;
    AUTO_RESULT *result = NULL;
    if (!cli_connect(cli, ADMIN_STATEMENT_MS, &connection, error) ||
        !bucket_list(connection, &result, error)) {
        return false;
    }
    if (cli->json) {
        AUTO_JSON *buckets = rows_to_json(result);
        print_json(cli, buckets);
        return true;
    }
    size_t count = (size_t)PQntuples(result);
    AUTO_FREE TableRow *rows = alloc_zeroed(count + 1, sizeof(TableRow));
    rows[0] = (TableRow){{"ORGANIZATION", "BUCKET", "KIND", "ACCESS KEY", "BYTES", "CREATED"}};
    for (size_t i = 0; i < count; i++) {
        for (int column = 0; column < COLUMNS; column++) {
            rows[i + 1].cells[column] =
                PQgetisnull(result, (int)i, column) ? NULL : PQgetvalue(result, (int)i, column);
        }
    }
    print_table(cli, rows, count + 1, COLUMNS);
    return true;
}

const Command COMMAND_BUCKET_LIST = {
    .name = "bucket list",
    .operands = "",
    .summary = "list the upload buckets and how full they are",
    .run = run_bucket_list,
};

static bool run_bucket_rotate(Cli *cli, const void *options, const Operands *operands, Error *error)
{
    (void)options;
    const char *organization_id = operands->values[0];
    AUTO_CONNECTION *connection = NULL;
    AUTO_FREE char *bucket_name = NULL;
    if (!cli_connect(cli, ADMIN_STATEMENT_MS, &connection, error) ||
        !bucket_rotate(connection, organization_id, &bucket_name, error)) {
        return false;
    }
    if (cli->json) {
        AUTO_JSON *answer =
            json_pack("{s:s, s:s}", "organization_id", organization_id, "bucket_name", bucket_name);
        print_json(cli, answer);
    } else {
        fprintf(cli->out, "the key of bucket %s has ended; /v1/me gives a new one\n", bucket_name);
    }
    return true;
}

const Command COMMAND_BUCKET_ROTATE = {
    .name = "bucket rotate",
    .operands = "ORG",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "end the access key of an organisation's upload bucket",
    .details =
        "At once, and with it all URLs that were signed with it. The next call of /v1/me by\n"
        "somebody of the organisation makes a new key. Objects stay.",
    .run = run_bucket_rotate,
};

typedef struct AssignOptions {
    const char *access_key_id;
    const char *secret_file;
    const char *protocol;
} AssignOptions;

static const Option ASSIGN_OPTIONS[] = {
    {"access-key-id", OPTION_STRING, offsetof(AssignOptions, access_key_id), "ID",
     "of the key that clients get; needed"},
    {"secret-file", OPTION_STRING, offsetof(AssignOptions, secret_file), "FILE",
     "whose first line is the key's secret; - is standard input; needed"},
    {"protocol", OPTION_STRING, offsetof(AssignOptions, protocol), "NAME",
     "gs, as the reference's clients need it, or s3 (gs)"},
};

static const AssignOptions ASSIGN_DEFAULTS = {NULL, NULL, "gs"};

static bool check_assign(const AssignOptions *given, Error *error)
{
    if (given->access_key_id == NULL || given->secret_file == NULL) {
        return error_set(error, ERROR_INVALID,
                         "name the key with --access-key-id ID and --secret-file FILE");
    }
    return strcmp(given->protocol, "gs") == 0 || strcmp(given->protocol, "s3") == 0 ||
           error_set(error, ERROR_INVALID, "a protocol is gs or s3, not '%s'", given->protocol);
}

static void cleanup_secret(char **secret)
{
    if (*secret != NULL) {
        explicit_bzero(*secret, strlen(*secret));
    }
    alloc_free(*secret);
}

/* The secret that the server seals with: of --data, else of the setting. */
static bool read_signing_key(const Cli *cli, char **key_out, Error *error)
{
    if (cli->data != NULL) {
        AUTO_FREE char *path = alloc_format("%s/secrets/url_signing_key", cli->data);
        return password_read(path, key_out, error);
    }
    if (cli->url_signing_key == NULL) {
        return error_set(error, ERROR_INVALID,
                         "name the platform with --data DIR, or set SLIDEWAY_URL_SIGNING_KEY as "
                         "the server has it");
    }
    *key_out = alloc_string(cli->url_signing_key);
    return true;
}

static bool seal_secret(const Cli *cli,
                        const AssignOptions *given,
                        char sealed_out[SEALED_SECRET_BYTES],
                        Error *error)
{
    CLEANUP(cleanup_secret) char *signing_key = NULL;
    CLEANUP(cleanup_secret) char *secret = NULL;
    if (!read_signing_key(cli, &signing_key, error) ||
        !password_read(given->secret_file, &secret, error)) {
        return false;
    }
    if (secret[0] == '\0' || strlen(secret) >= BUCKET_SECRET_BYTES) {
        return error_set(error, ERROR_INVALID, "a secret has 1 to %d bytes",
                         BUCKET_SECRET_BYTES - 1);
    }
    BucketSeal seal;
    bucket_seal_init(&seal, text_of(signing_key));
    bucket_secret_seal(&seal, cli->clock, given->access_key_id, secret, sealed_out);
    bucket_seal_clear(&seal);
    return true;
}

static bool run_bucket_assign(Cli *cli, const void *options, const Operands *operands, Error *error)
{
    const AssignOptions *given = options;
    char sealed[SEALED_SECRET_BYTES];
    const AssignedBucket bucket = {.organization_id = operands->values[0],
                                   .bucket_name = operands->values[1],
                                   .protocol = given->protocol,
                                   .access_key_id = given->access_key_id,
                                   .sealed_secret = sealed};
    AUTO_CONNECTION *connection = NULL;
    if (!check_assign(given, error) || !seal_secret(cli, given, sealed, error) ||
        !cli_connect(cli, ADMIN_STATEMENT_MS, &connection, error) ||
        !bucket_assign(connection, &bucket, error)) {
        return false;
    }
    if (cli->json) {
        AUTO_JSON *answer = json_pack("{s:s, s:s}", "organization_id", bucket.organization_id,
                                      "bucket_name", bucket.bucket_name);
        print_json(cli, answer);
    } else {
        fprintf(cli->out, "organisation %s uploads to %s://%s\n", bucket.organization_id,
                bucket.protocol, bucket.bucket_name);
    }
    return true;
}

const Command COMMAND_BUCKET_ASSIGN = {
    .name = "bucket assign",
    .operands = "ORG BUCKET",
    .operands_min = 2,
    .operands_max = 2,
    .summary = "give an organisation a bucket of another store for its uploads",
    .details =
        "From then on /v1/me names this bucket and this key, and clients go to that store by\n"
        "themselves. Everybody of the organisation learns the key: it should reach this bucket\n"
        "alone. Its secret is sealed before it is stored.",
    .options = ASSIGN_OPTIONS,
    .option_count = ARRAY_COUNT(ASSIGN_OPTIONS),
    .defaults = &ASSIGN_DEFAULTS,
    .options_bytes = sizeof(AssignOptions),
    .run = run_bucket_assign,
};

static bool
run_bucket_unassign(Cli *cli, const void *options, const Operands *operands, Error *error)
{
    (void)options;
    const char *organization_id = operands->values[0];
    AUTO_CONNECTION *connection = NULL;
    if (!cli_connect(cli, ADMIN_STATEMENT_MS, &connection, error) ||
        !bucket_unassign(connection, organization_id, error)) {
        return false;
    }
    if (cli->json) {
        AUTO_JSON *answer = json_pack("{s:s}", "organization_id", organization_id);
        print_json(cli, answer);
    } else {
        fprintf(cli->out, "organisation %s has no bucket of another store any more\n",
                organization_id);
    }
    return true;
}

const Command COMMAND_BUCKET_UNASSIGN = {
    .name = "bucket unassign",
    .operands = "ORG",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "take the bucket of another store from an organisation",
    .run = run_bucket_unassign,
};
