/* SPDX-License-Identifier: Apache-2.0 */
/* Commands on the object store itself. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/admin_store.h"
#include "cli/commands.h"
#include "cli/endpoint.h"
#include "cli/print.h"
#include "cli/store_copy.h"
#include "db/connection.h"
#include "placement/placement.h"
#include "json/reader.h"

static void cleanup_store(ObjectStore **store)
{
    objectstore_close(*store);
}

static void show_progress(const StoreCopyCounts *counts)
{
    fprintf(stderr, "%" PRId64 " objects, %" PRId64 " bytes so far\n", counts->objects,
            counts->bytes);
}

static void print_counts(const Cli *cli, const StoreCopyCounts *counts)
{
    if (cli->json) {
        AUTO_JSON *answer = json_pack(
            "{s:I, s:I, s:I, s:I}", "objects", (json_int_t)counts->objects, "bytes",
            (json_int_t)counts->bytes, "copied_objects", (json_int_t)counts->copied_objects,
            "copied_bytes", (json_int_t)counts->copied_bytes);
        print_json(cli, answer);
        return;
    }
    fprintf(cli->out,
            "%" PRId64 " objects (%" PRId64 " bytes) are in the bucket, by size and checksum\n"
            "%" PRId64 " (%" PRId64 " bytes) were copied, %" PRId64 " were there\n",
            counts->objects, counts->bytes, counts->copied_objects, counts->copied_bytes,
            counts->objects - counts->copied_objects);
}

/* "objects/" is the same folder as "objects". */
static char *without_slashes(const char *folder)
{
    char *copy = alloc_string(folder);
    for (size_t length = strlen(copy); length > 1 && copy[length - 1] == '/'; length--) {
        copy[length - 1] = '\0';
    }
    return copy;
}

static bool run_store_copy(Cli *cli, const void *options, const Operands *operands, Error *error)
{
    (void)options;
    AUTO_FREE char *folder = without_slashes(operands->values[0]);
    const char *place = operands->values[1];
    CLEANUP(cleanup_store) ObjectStore *target = NULL;
    if (!store_place_is_bucket(place)) {
        return error_set(error, ERROR_INVALID, "'%s' is no bucket: s3://BUCKET/PREFIX is required",
                         place);
    }
    if (!store_open(cli->store, place, cli->clock, &target, error) ||
        !objectstore_check(target, error)) {
        return false;
    }
    const StoreCopy copy = {folder, target, cli->clock, cli->json ? NULL : show_progress};
    StoreCopyCounts counts;
    if (!store_copy(&copy, &counts, error)) {
        return false;
    }
    print_counts(cli, &counts);
    return true;
}

const Command COMMAND_STORE_COPY = {
    .name = "store copy",
    .operands = "FOLDER s3://BUCKET[/PREFIX]",
    .operands_min = 2,
    .operands_max = 2,
    .summary = "copy every object of a folder into a bucket",
    .details =
        "FOLDER is a SLIDEWAY_OBJECT_STORE that is a folder (objects of a data folder); the "
        "bucket's\n"
        "store and its access key are those of the SLIDEWAY_S3_… settings. The platform may run "
        "on\n"
        "the folder meanwhile. Objects that are in the bucket already, by size and checksum, are\n"
        "not sent again, so that a copy that broke off, also in the middle of an object, goes on\n"
        "when the command is given again. What was sent is compared. The folder stays as it is.",
    .run = run_store_copy,
};

static bool run_store_use(Cli *cli, const void *options, const Operands *operands, Error *error)
{
    (void)options;
    const char *place = operands->values[0];
    CLEANUP(cleanup_store) ObjectStore *bucket = NULL;
    AUTO_CONNECTION *connection = NULL;
    if (store_place_is_bucket(place) &&
        (!store_open(cli->store, place, cli->clock, &bucket, error) ||
         !objectstore_check(bucket, error))) {
        return false;
    }
    if (!cli_connect(cli, ADMIN_STATEMENT_MS, &connection, error) ||
        !placement_move(connection, place, error)) {
        return false;
    }
    if (cli->json) {
        AUTO_JSON *answer = json_pack("{s:s}", "object_store", place);
        print_json(cli, answer);
    } else {
        fprintf(cli->out,
                "the objects are in %s from now on: start servers and workers with "
                "SLIDEWAY_OBJECT_STORE=%s\n",
                place, place);
    }
    return true;
}

const Command COMMAND_STORE_USE = {
    .name = "store use",
    .operands = "PLACE",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "tell the database that its objects are in another store now",
    .details =
        "PLACE is the new SLIDEWAY_OBJECT_STORE: a folder, or s3://BUCKET/PREFIX. Servers and\n"
        "workers do not start with another store than the database knows, since they would find\n"
        "objects missing. To be called while they are stopped and when the objects are there: it\n"
        "copies nothing itself. A bucket in place of a folder needs no such word. For `slideway "
        "up`\n"
        "there is its option --store-moved.",
    .run = run_store_use,
};
