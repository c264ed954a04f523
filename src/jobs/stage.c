/* SPDX-License-Identifier: Apache-2.0 */
/* Staging of inputs; see stage.h. */
#include "jobs/stage.h"

#include <fcntl.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/metrics.h"
#include "http/client.h"
#include "objectstore/checksum.h"
#include "json/reader.h"
#include "json/writer.h"

enum { INPUT_JSON_BYTES_MAX = 4 << 20 };

/* One input on its way. */
typedef struct Staging {
    const StageContext *context;
    const Job *job;
    const char *scratch;
    const atomic_bool *abort;
    JobReport *report;
} Staging;

static bool system_fault(JobReport *report, const Error *error)
{
    job_report_set(report, JOB_RETRY, "A system error occurred during the item execution:\n %s",
                   error->message);
    return false;
}

/* The endings that readers of slides go by. */
static const char *extension_of(const json_t *artifact)
{
    static const char *const ENDINGS[][2] = {{"image/tiff", "tiff"},
                                             {"application/dicom", "dcm"},
                                             {"application/zip", "zip"},
                                             {"application/octet-stream", "svs"}};
    const char *media_type = document_string(json_object_get(artifact, "metadata"), "media_type");
    for (size_t i = 0; media_type != NULL && i < ARRAY_COUNT(ENDINGS); i++) {
        if (strcmp(ENDINGS[i][0], media_type) == 0) {
            return ENDINGS[i][1];
        }
    }
    return "bin";
}

/* "input/0.tiff": the name below the scratch folder. */
static char *staged_name(const json_t *artifact, size_t index)
{
    return alloc_format("input/%zu.%s", index, extension_of(artifact));
}

static bool refuse_missing(JobReport *report)
{
    job_report_set(report, JOB_USER_ERROR,
                   "The download URL answered with HTTP status 404 (there is no such file)");
    return false;
}

/* Whether the URL is one of ours, and the key of what it downloads; NULL: it is for the network. */
static bool find_own(const Staging *staging, const char *url, char **object_key_out)
{
    const StageContext *context = staging->context;
    Error error = {0};
    AUTO_URL_GRANTED granted = {.object_key = NULL};
    bool found = false;
    *object_key_out = NULL;
    if (url_is_own(context->signer, text_of(url))) {
        found = url_verify(context->signer, text_of(url), URL_GET, clock_now_us(context->clock),
                           &granted, &error);
        *object_key_out = TAKE(granted.object_key);
    } else {
        found = bucket_url_resolve(context->buckets, url, staging->job->run_id.text, object_key_out,
                                   &error);
    }
    if (found) {
        return true;
    }
    if (error.code == ERROR_NOT_FOUND) {
        return refuse_missing(staging->report);
    }
    if (error.code != ERROR_FORBIDDEN) {
        return system_fault(staging->report, &error);
    }
    job_report_set(staging->report, JOB_USER_ERROR, "The download URL cannot be used: %s",
                   error.message);
    return false;
}

/* What is in our own store is read through it: no network, no exception for localhost. */
static bool
stage_own(const Staging *staging, const char *object_key, const char *path, DownloadFacts *facts)
{
    const StageContext *context = staging->context;
    Error error = {0};
    AUTO_FD to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (to < 0) {
        error_set(&error, ERROR_INTERNAL, "cannot create the staged file: %m");
        return system_fault(staging->report, &error);
    }
    const ObjectTarget target = {to, context->input_bytes_max, staging->abort};
    ObjectFacts found = {.crc32c = CRC32C_EMPTY};
    if (objectstore_fetch(context->store, object_key, &target, &found, &error)) {
        *facts = (DownloadFacts){found.size_bytes, found.crc32c};
        return true;
    }
    if (error.code == ERROR_NOT_FOUND) {
        return refuse_missing(staging->report);
    }
    if (error.code == ERROR_LIMIT) {
        job_report_set(staging->report, JOB_USER_ERROR, "%s", error.message);
        return false;
    }
    return system_fault(staging->report, &error);
}

static bool
stage_foreign(const Staging *staging, const char *url, const char *path, DownloadFacts *facts)
{
    const StageContext *context = staging->context;
    const DownloadOptions options = {.url = url,
                                     .path = path,
                                     .bytes_max = context->input_bytes_max,
                                     .seconds_max = context->download_seconds_max,
                                     .egress = context->egress,
                                     .abort = staging->abort,
                                     .clock = context->clock};
    Error error = {0};
    switch (download_file(&options, facts, &error)) {
    case DOWNLOAD_DONE:
        return true;
    case DOWNLOAD_USER_FAULT:
        job_report_set(staging->report, JOB_USER_ERROR, "%s", error.message);
        return false;
    case DOWNLOAD_ABORTED:
        staging->report->outcome = JOB_NONE;
        return false;
    case DOWNLOAD_PLATFORM_FAULT:
    default:
        return system_fault(staging->report, &error);
    }
}

static bool check_checksum(const json_t *artifact, const DownloadFacts *facts, JobReport *report)
{
    const char *expected =
        document_string(json_object_get(artifact, "metadata"), "checksum_base64_crc32c");
    if (expected == NULL) {
        return true;
    }
    uint32_t crc32c = 0;
    char found[CRC32C_TEXT_BYTES];
    crc32c_to_base64(facts->crc32c, found);
    if (!crc32c_of_base64(text_of(expected), &crc32c)) {
        job_report_set(report, JOB_USER_ERROR,
                       "The metadata's checksum_base64_crc32c '%.20s' is no base64 of a CRC32C",
                       expected);
        return false;
    }
    if (crc32c != facts->crc32c) {
        job_report_set(report, JOB_USER_ERROR,
                       "The checksum of the downloaded file does not match its metadata: expected "
                       "CRC32C %s, found %s in %lld bytes",
                       expected, found, (long long)facts->size_bytes);
        return false;
    }
    return true;
}

static bool stage_one(const Staging *staging, const json_t *artifact, size_t index)
{
    const char *url = document_string(artifact, "download_url");
    AUTO_FREE char *name = staged_name(artifact, index);
    AUTO_FREE char *path = alloc_format("%s/%s", staging->scratch, name);
    DownloadFacts facts = {.size_bytes = 0};
    AUTO_FREE char *object_key = NULL;
    if (!find_own(staging, url, &object_key)) {
        return false;
    }
    bool staged = object_key != NULL ? stage_own(staging, object_key, path, &facts)
                                     : stage_foreign(staging, url, path, &facts);
    metric_add(METRIC_ARTIFACT_BYTES, DIRECTION_IN, facts.size_bytes);
    return staged && check_checksum(artifact, &facts, staging->report);
}

static void write_input(JsonWriter *writer, const Job *job, const json_t *artifact, size_t index)
{
    const char *name = document_string(artifact, "name");
    const char *mime_type = NULL;
    size_t declared_index = 0;
    const json_t *declared = NULL;
    json_array_foreach(job->manifest.input_artifacts, declared_index, declared)
    {
        if (strcmp(document_string(declared, "name"), name) == 0) {
            mime_type = document_string(declared, "mime_type");
        }
    }
    AUTO_FREE char *staged = staged_name(artifact, index);
    AUTO_FREE char *path = alloc_format("/work/%s", staged);
    AUTO_FREE char *metadata = document_to_string(json_object_get(artifact, "metadata"));
    writer_begin_object(writer);
    writer_key_string(writer, "name", name);
    writer_key_string(writer, "path", path);
    writer_key_string(writer, "mime_type", mime_type);
    writer_key(writer, "metadata");
    writer_raw(writer, text_of(metadata));
    writer_end_object(writer);
}

static bool write_input_json(const Staging *staging, Error *error)
{
    const Job *job = staging->job;
    AUTO_BUFFER out;
    buffer_init(&out, INPUT_JSON_BYTES_MAX);
    JsonWriter writer;
    writer_init(&writer, &out);
    writer_begin_object(&writer);
    writer_key_string(&writer, "application_id", job->manifest.application_id);
    writer_key_string(&writer, "version_number", job->manifest.version_number);
    writer_key_string(&writer, "run_id", job->run_id.text);
    writer_key_string(&writer, "item_id", job->item_id.text);
    writer_key_string(&writer, "attempt_id", job->attempt_id.text);
    writer_key_string(&writer, "external_id", job->external_id);
    writer_key(&writer, "input_artifacts");
    writer_begin_array(&writer);
    size_t index = 0;
    const json_t *artifact = NULL;
    json_array_foreach(job->input_artifacts, index, artifact)
    {
        write_input(&writer, job, artifact, index);
    }
    writer_end_array(&writer);
    writer_end_object(&writer);
    if (out.overflow) {
        return error_set(error, ERROR_LIMIT, "the input description is too large");
    }
    /* Not synced, as little as the inputs: after a crash nobody reads it. */
    AUTO_FREE char *path = alloc_format("%s/input.json", staging->scratch);
    AUTO_FD to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (to < 0) {
        return error_set(error, ERROR_INTERNAL, "cannot create input.json: %m");
    }
    return fd_write_all(to, out.bytes, out.length, error) ||
           error_context(error, "write input.json");
}

bool stage_inputs(const StageContext *context,
                  const Job *job,
                  const char *scratch,
                  const atomic_bool *abort,
                  JobReport *report)
{
    Staging staging = {context, job, scratch, abort, report};
    Error error = {0};
    AUTO_FREE char *input = alloc_format("%s/input", scratch);
    AUTO_FREE char *output = alloc_format("%s/output", scratch);
    if (!folder_create(input, 0755, &error) || !folder_create(output, 0755, &error)) {
        return system_fault(report, &error);
    }
    size_t index = 0;
    const json_t *artifact = NULL;
    json_array_foreach(job->input_artifacts, index, artifact)
    {
        if (!stage_one(&staging, artifact, index)) {
            return false;
        }
    }
    return write_input_json(&staging, &error) || system_fault(report, &error);
}
