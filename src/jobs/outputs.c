/* SPDX-License-Identifier: Apache-2.0 */
/* Results of an application; see outputs.h. */
#include "jobs/outputs.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/metrics.h"
#include "objectstore/checksum.h"
#include "json/reader.h"
#include "json/writer.h"

/* The prefix clients know from the reference platform. */
#define USER_ERROR_PREFIX                                                                          \
    "User error raised by Application because the input data provided by the user "                \
    "cannot be processed:\n"

enum { ERROR_JSON_BYTES_MAX = 65536 };

char *outputs_prefix(const char *run_id, const char *item_id, const char *attempt_id)
{
    return alloc_format("artifacts/%s/%s/%s", run_id, item_id, attempt_id);
}

/* Opens a regular file below the output folder; the kernel refuses links and "..". */
static int open_output(const char *scratch, const char *path, Error *error)
{
    AUTO_FREE char *folder = alloc_format("%s/output", scratch);
    AUTO_FD root = open(folder, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (root < 0) {
        error_set(error, ERROR_INTERNAL, "cannot open the output folder: %m");
        return -1;
    }
    const struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW,
                                 .resolve =
                                     RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS};
    AUTO_FD fd = (int)syscall(SYS_openat2, root, path, &how, sizeof how);
    struct stat status;
    if (fd < 0) {
        error_set(error, ERROR_INVALID, "the application's output '%s' cannot be opened: %m", path);
        return -1;
    }
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        error_set(error, ERROR_INVALID, "the application's output '%s' is no regular file", path);
        return -1;
    }
    return TAKE_FD(fd);
}

/* Reads a small JSON file of the application. */
static bool
read_json(const char *scratch, const char *name, size_t bytes_max, json_t **root_out, Error *error)
{
    AUTO_FD fd = open_output(scratch, name, error);
    if (fd < 0) {
        return false;
    }
    AUTO_FREE char *bytes = alloc_array(bytes_max + 1, 1);
    ssize_t got = fd_read_all(fd, bytes, bytes_max + 1);
    if (got < 0) {
        return error_set(error, ERROR_INVALID, "the application's %s cannot be read: %m", name);
    }
    if ((size_t)got > bytes_max) {
        return error_set(error, ERROR_INVALID, "the application's %s is larger than %zu bytes",
                         name, bytes_max);
    }
    return document_parse((Text){bytes, (size_t)got}, root_out, error) ||
           error_context(error, "the application's %s", name);
}

/* "tissue_qc:geojson_polygons" lies under "tissue_qc_geojson_polygons". */
static char *object_key_of(const Job *job, const char *artifact_name)
{
    AUTO_FREE char *prefix =
        outputs_prefix(job->run_id.text, job->item_id.text, job->attempt_id.text);
    char *key = alloc_format("%s/%s", prefix, artifact_name);
    for (char *c = key + strlen(prefix) + 1; *c != '\0'; c++) {
        *c = *c == ':' ? '_' : *c;
    }
    return key;
}

/* The application's metadata, and beside it what every client needs to download the artifact. */
static char *complete_metadata(const json_t *given, const char *mime_type, const char *checksum)
{
    AUTO_JSON *metadata = json_is_object(given) ? json_deep_copy(given) : json_object();
    json_object_set_new(metadata, "media_type", json_string(mime_type));
    json_object_set_new(metadata, "checksum_base64_crc32c", json_string(checksum));
    return document_to_string(metadata);
}

/* Where one job's artifacts come from and go to. */
typedef struct Storing {
    ObjectStore *store;
    const Job *job;
    const char *scratch;
    const atomic_bool *cancel;
    JsonWriter writer; /* of the list that the report carries */
} Storing;

static bool store_one(Storing *storing, const json_t *declared, const json_t *made, Error *error)
{
    JsonWriter *writer = &storing->writer;
    const char *name = document_string(declared, "name");
    const char *path = document_string(made, "path");
    if (path == NULL) {
        return error_set(error, ERROR_INVALID, "the application's output.json gives no path for %s",
                         name);
    }
    AUTO_FD fd = open_output(storing->scratch, path, error);
    if (fd < 0) {
        return false;
    }
    AUTO_FREE char *key = object_key_of(storing->job, name);
    ObjectFacts facts;
    if (!objectstore_put_fd(storing->store, key, fd, storing->cancel, &facts, error)) {
        return error_context(error, "store %s", name);
    }
    metric_add(METRIC_ARTIFACT_BYTES, DIRECTION_OUT, facts.size_bytes);
    const char *mime_type = document_string(declared, "mime_type");
    char checksum[CRC32C_TEXT_BYTES];
    crc32c_to_base64(facts.crc32c, checksum);
    AUTO_FREE char *metadata =
        complete_metadata(json_object_get(made, "metadata"), mime_type, checksum);
    Uuid artifact_id = uuid_create(&SYSTEM_CLOCK);
    writer_begin_object(writer);
    writer_key_string(writer, "output_artifact_id", artifact_id.text);
    writer_key_string(writer, "name", name);
    writer_key_string(writer, "mime_type", mime_type);
    writer_key_string(writer, "visibility", document_string(declared, "visibility"));
    writer_key(writer, "metadata");
    writer_raw(writer, text_of(metadata));
    writer_key_string(writer, "object_key", key);
    writer_key_integer(writer, "size_bytes", facts.size_bytes);
    writer_key_string(writer, "checksum_base64_crc32c", checksum);
    writer_end_object(writer);
    return true;
}

/* The entry of output.json with that name; NULL when there is none. */
static const json_t *find_made(const json_t *artifacts, const char *name)
{
    size_t index = 0;
    const json_t *made = NULL;
    json_array_foreach(artifacts, index, made)
    {
        const char *made_name = document_string(made, "name");
        if (made_name != NULL && strcmp(made_name, name) == 0) {
            return made;
        }
    }
    return NULL;
}

/* Undeclared and doubled names: then the application and its manifest do not fit together. */
static bool check_names(const Job *job, const json_t *artifacts, Error *error)
{
    size_t index = 0;
    const json_t *made = NULL;
    json_array_foreach(artifacts, index, made)
    {
        const char *name = document_string(made, "name");
        if (name == NULL || manifest_output(&job->manifest, name) == NULL) {
            return error_set(error, ERROR_INVALID,
                             "the application made an artifact that its manifest does not name: %s",
                             name == NULL ? "(no name)" : name);
        }
        if (find_made(artifacts, name) != made) {
            return error_set(error, ERROR_INVALID, "the application made the artifact %s twice",
                             name);
        }
    }
    return true;
}

static bool store_all(Storing *storing, Buffer *list, Error *error)
{
    const Job *job = storing->job;
    AUTO_JSON *root = NULL;
    if (!read_json(storing->scratch, "output.json", MANIFEST_BYTES_MAX, &root, error)) {
        return false;
    }
    const json_t *artifacts = json_object_get(root, "artifacts");
    if (!json_is_array(artifacts)) {
        return error_set(error, ERROR_INVALID, "the application's output.json lists no artifacts");
    }
    if (!check_names(job, artifacts, error)) {
        return false;
    }
    writer_init(&storing->writer, list);
    writer_begin_array(&storing->writer);
    size_t index = 0;
    const json_t *declared = NULL;
    json_array_foreach(job->manifest.output_artifacts, index, declared)
    {
        const char *name = document_string(declared, "name");
        const json_t *made = find_made(artifacts, name);
        if (made == NULL) {
            return error_set(error, ERROR_INVALID, "the application did not make the artifact %s",
                             name);
        }
        if (!store_one(storing, declared, made, error)) {
            return false;
        }
    }
    writer_end_array(&storing->writer);
    return !list->overflow || error_set(error, ERROR_LIMIT, "the artifacts' metadata is too large");
}

bool outputs_store(ObjectStore *store,
                   const Job *job,
                   const char *scratch,
                   const atomic_bool *cancel,
                   JobReport *report,
                   Error *error)
{
    Storing storing = {.store = store, .job = job, .scratch = scratch, .cancel = cancel};
    buffer_reset(&report->output_artifacts);
    if (!store_all(&storing, &report->output_artifacts, error)) {
        /* Half a list would make the database refuse the whole report. */
        buffer_reset(&report->output_artifacts);
        return false;
    }
    return true;
}

void outputs_read_user_error(const char *scratch, JobReport *report)
{
    Error error = {0};
    AUTO_JSON *root = NULL;
    const char *message = NULL;
    if (read_json(scratch, "error.json", ERROR_JSON_BYTES_MAX, &root, &error)) {
        message = document_string(root, "message");
        const char *code = document_string(root, "error_code");
        if (code == NULL ||
            !text_copy(text_of(code), report->error_code, sizeof report->error_code)) {
            report->error_code[0] = '\0'; /* cut in the middle it would be another code */
        }
    }
    job_report_set(report, JOB_USER_ERROR, "%s%.*s", USER_ERROR_PREFIX, ERROR_MESSAGE_SHOWN_MAX,
                   message == NULL ? "the application gave no reason" : message);
}
