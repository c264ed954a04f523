/* SPDX-License-Identifier: Apache-2.0 */
/* Files between a worker and its Slurm job; see slurm_files.h. */
#include "sandbox/slurm_files.h"

#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/file.h"
#include "sandbox/log_tail.h"
#include "json/reader.h"
#include "json/writer.h"

enum { FILE_BYTES_MAX = 256 * 1024, FRACTION_DECIMALS = 4 };

/* Slurm takes only a script with such a first line; program and folder come as its arguments, so
 * that no shell reads them. */
#define BATCH_SCRIPT "#!/bin/sh\nexec \"$1\" \"$2\"\n"

static char *path_of(const char *folder, const char *name)
{
    return alloc_format("%s/%s", folder, name);
}

static bool write_document(const char *folder, const char *name, Buffer *content, Error *error)
{
    AUTO_FREE char *path = path_of(folder, name);
    if (content->overflow) {
        return error_set(error, ERROR_LIMIT, "'%s' would be too large", path);
    }
    return file_write(path, buffer_view(content), 0600, error);
}

/* The object in a file; false with ERROR_NOT_FOUND when it cannot be read (yet). */
static bool read_document(const char *folder, const char *name, json_t **root_out, Error *error)
{
    AUTO_FREE char *path = path_of(folder, name);
    AUTO_FREE char *content = NULL;
    size_t length = 0;
    if (!file_read(path, FILE_BYTES_MAX, &content, &length, error)) {
        error->code = ERROR_NOT_FOUND;
        return false;
    }
    if (!document_parse((Text){content, length}, root_out, error)) {
        error->code = ERROR_INVALID;
        return error_context(error, "'%s'", path);
    }
    return true;
}

static bool get_number(const json_t *root, const char *key, int64_t maximum, int64_t *value_out)
{
    const json_t *value = json_object_get(root, key);
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < 0 || number > maximum) {
        return false;
    }
    *value_out = number;
    return true;
}

void slurm_task_clear(SlurmTask *task)
{
    json_decref(task->root);
    task->root = NULL;
}

static void write_task(Buffer *out, const ExecutorTask *task, int64_t silence_seconds)
{
    const SandboxOptions *sandbox = &task->sandbox;
    JsonWriter writer;
    writer_init(&writer, out);
    writer_begin_object(&writer);
    writer_key_string(&writer, "attempt_id", task->attempt_id);
    writer_key_string(&writer, "application_folder", sandbox->application_folder);
    writer_key_string(&writer, "scratch_folder", sandbox->scratch_folder);
    writer_key(&writer, "command");
    writer_begin_array(&writer);
    for (const char *const *word = sandbox->command; *word != NULL; word++) {
        writer_string(&writer, *word);
    }
    writer_end_array(&writer);
    writer_key_integer(&writer, "memory_bytes", sandbox->limits.memory_bytes);
    writer_key_integer(&writer, "time_seconds", sandbox->limits.time_seconds);
    writer_key_integer(&writer, "processes", sandbox->limits.processes);
    writer_key_integer(&writer, "output_bytes", sandbox->limits.output_bytes);
    writer_key_integer(&writer, "uid", (int64_t)sandbox->uid);
    writer_key_integer(&writer, "silence_seconds", silence_seconds);
    writer_end_object(&writer);
}

bool slurm_task_write(const ExecutorTask *task, int64_t silence_seconds, Error *error)
{
    AUTO_BUFFER out;
    buffer_init(&out, FILE_BYTES_MAX);
    write_task(&out, task, silence_seconds);
    AUTO_FREE char *script = path_of(task->folder, "job.sh");
    AUTO_FREE char *alive = path_of(task->folder, SLURM_ALIVE);
    return write_document(task->folder, "task.json", &out, error) &&
           file_write(script, TEXT(BATCH_SCRIPT), 0600, error) &&
           file_write(alive, TEXT(""), 0600, error);
}

static bool read_command(const json_t *root, SlurmTask *task)
{
    const json_t *words = json_object_get(root, "command");
    size_t count = json_array_size(words);
    if (count == 0 || count > SLURM_COMMAND_WORDS_MAX) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        task->command[i] = json_string_value(json_array_get(words, i));
        if (task->command[i] == NULL) {
            return false;
        }
    }
    return true;
}

bool slurm_task_read(const char *folder, SlurmTask *task_out, Error *error)
{
    AUTO_SLURM_TASK task = {.root = NULL};
    int64_t uid = 0;
    if (!read_document(folder, "task.json", &task.root, error)) {
        return false;
    }
    task.attempt_id = document_string(task.root, "attempt_id");
    task.application_folder = document_string(task.root, "application_folder");
    task.scratch_folder = document_string(task.root, "scratch_folder");
    if (task.attempt_id == NULL || task.application_folder == NULL || task.scratch_folder == NULL ||
        !read_command(task.root, &task) ||
        !get_number(task.root, "memory_bytes", INT64_MAX, &task.limits.memory_bytes) ||
        !get_number(task.root, "time_seconds", INT_MAX, &task.limits.time_seconds) ||
        !get_number(task.root, "processes", INT_MAX, &task.limits.processes) ||
        !get_number(task.root, "output_bytes", INT64_MAX, &task.limits.output_bytes) ||
        !get_number(task.root, "uid", UINT_MAX - 1, &uid) ||
        !get_number(task.root, "silence_seconds", INT_MAX, &task.silence_seconds)) {
        return error_set(error, ERROR_INVALID, "'%s/task.json' is no task", folder);
    }
    task.uid = (uid_t)uid;
    *task_out = task;
    task.root = NULL;
    return true;
}

bool slurm_sign_touch(const char *folder, const char *sign, Error *error)
{
    AUTO_FREE char *path = path_of(folder, sign);
    return utimensat(AT_FDCWD, path, NULL, 0) == 0 ||
           error_set(error, ERROR_UNAVAILABLE, "cannot touch '%s': %m", path);
}

bool slurm_sign_read(const char *folder, const char *sign, struct timespec *touched_out)
{
    AUTO_FREE char *path = path_of(folder, sign);
    AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0) {
        return false;
    }
    *touched_out = status.st_mtim;
    return true;
}

void slurm_alive_remove(const char *folder)
{
    AUTO_FREE char *path = path_of(folder, SLURM_ALIVE);
    unlink(path);
}

bool slurm_started_claim(const char *folder)
{
    AUTO_FREE char *path = path_of(folder, SLURM_STARTED);
    AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return fd >= 0;
}

bool slurm_progress_write(const char *folder, double fraction, Text stage, Error *error)
{
    AUTO_BUFFER out;
    buffer_init(&out, FILE_BYTES_MAX);
    JsonWriter writer;
    writer_init(&writer, &out);
    writer_begin_object(&writer);
    writer_key(&writer, "fraction");
    writer_number(&writer, fraction, FRACTION_DECIMALS);
    writer_key(&writer, "stage");
    writer_text(&writer, text_is_utf8(stage) ? stage : TEXT("?"));
    writer_end_object(&writer);
    return write_document(folder, "progress.json", &out, error);
}

bool slurm_progress_read(const char *folder, double *fraction_out, char *stage, size_t stage_bytes)
{
    AUTO_JSON *root = NULL;
    Error ignored = {0};
    if (!read_document(folder, "progress.json", &root, &ignored)) {
        return false;
    }
    const char *words = document_string(root, "stage");
    *fraction_out = json_number_value(json_object_get(root, "fraction"));
    return words != NULL && text_copy(text_of(words), stage, stage_bytes);
}

static void write_outcome(JsonWriter *writer, const SandboxOutcome *outcome)
{
    writer_key_string(writer, "kind", sandbox_end_name(outcome->kind));
    writer_key_integer(writer, "exit_code", outcome->exit_code);
    writer_key_integer(writer, "signal", outcome->signal);
    writer_key_integer(writer, "peak_memory_bytes", outcome->peak_memory_bytes);
    writer_key_integer(writer, "duration_us", outcome->duration_us);
    writer_key_string(writer, "log_tail", outcome->log_tail);
}

/* A message may have been cut inside a character. */
static void write_failure(JsonWriter *writer, const Error *failure)
{
    LogTail tail = {.length = 0};
    char message[LOG_TAIL_BYTES_MAX + 1];
    log_tail_append(&tail, text_of(failure->message));
    log_tail_read(&tail, message);
    writer_key_string(writer, "failure", message);
}

bool slurm_outcome_write(const char *folder,
                         const char *attempt_id,
                         const SandboxOutcome *outcome,
                         const Error *failure,
                         Error *error)
{
    AUTO_BUFFER out;
    buffer_init(&out, FILE_BYTES_MAX);
    JsonWriter writer;
    writer_init(&writer, &out);
    writer_begin_object(&writer);
    writer_key_string(&writer, "attempt_id", attempt_id);
    if (failure != NULL) {
        write_failure(&writer, failure);
    } else {
        write_outcome(&writer, outcome);
    }
    writer_end_object(&writer);
    return write_document(folder, "outcome.json", &out, error);
}

/* A job never tells that it was cancelled: it is the worker who would know. */
static bool read_end(const json_t *root, SandboxEnd *end_out)
{
    const char *name = document_string(root, "kind");
    for (int end = 0; name != NULL && end < SANDBOX_END_COUNT; end++) {
        if (end != SANDBOX_CANCELLED && strcmp(name, sandbox_end_name((SandboxEnd)end)) == 0) {
            *end_out = (SandboxEnd)end;
            return true;
        }
    }
    return false;
}

static bool read_outcome(const json_t *root, SandboxOutcome *outcome_out)
{
    SandboxOutcome outcome = {.exit_code = 0};
    int64_t exit_code = 0;
    int64_t signal = 0;
    const char *log_tail = document_string(root, "log_tail");
    if (!read_end(root, &outcome.kind) || !get_number(root, "exit_code", UCHAR_MAX, &exit_code) ||
        !get_number(root, "signal", UCHAR_MAX, &signal) ||
        !get_number(root, "peak_memory_bytes", INT64_MAX, &outcome.peak_memory_bytes) ||
        !get_number(root, "duration_us", INT64_MAX, &outcome.duration_us) || log_tail == NULL ||
        !text_copy(text_of(log_tail), outcome.log_tail, sizeof outcome.log_tail)) {
        return false;
    }
    outcome.exit_code = (int)exit_code;
    outcome.signal = (int)signal;
    *outcome_out = outcome;
    return true;
}

SlurmOutcomeState slurm_outcome_read(const char *folder,
                                     const char *attempt_id,
                                     SandboxOutcome *outcome_out,
                                     Error *error)
{
    AUTO_JSON *root = NULL;
    Error problem = {0};
    if (!read_document(folder, "outcome.json", &root, &problem)) {
        if (problem.code == ERROR_NOT_FOUND) {
            return SLURM_OUTCOME_ABSENT;
        }
        *error = problem;
        return SLURM_OUTCOME_FAILED;
    }
    const char *written_for = document_string(root, "attempt_id");
    const char *failure = document_string(root, "failure");
    if (written_for == NULL || strcmp(written_for, attempt_id) != 0) {
        error_set(error, ERROR_INVALID, "'%s/outcome.json' is of another attempt", folder);
    } else if (failure != NULL) {
        error_set(error, ERROR_UNAVAILABLE, "%s", failure);
    } else if (read_outcome(root, outcome_out)) {
        return SLURM_OUTCOME_KNOWN;
    } else {
        error_set(error, ERROR_INVALID, "'%s/outcome.json' is no outcome", folder);
    }
    return SLURM_OUTCOME_FAILED;
}

void slurm_log_read(const char *folder, char *line, size_t line_bytes)
{
    AUTO_FREE char *path = path_of(folder, "job.log");
    AUTO_FREE char *content = alloc_zeroed(line_bytes, 1);
    AUTO_FD fd = open(path, O_RDONLY | O_CLOEXEC);
    off_t size = fd < 0 ? 0 : lseek(fd, 0, SEEK_END);
    off_t from = size > (off_t)line_bytes - 1 ? size - (off_t)line_bytes + 1 : 0;
    ssize_t got = fd < 0 ? 0 : pread(fd, content, line_bytes - 1, from);
    Text last = text_trim((Text){content, got > 0 ? (size_t)got : 0});
    for (size_t i = last.length; i > 0; i--) {
        if (last.bytes[i - 1] == '\n') {
            last = text_from(last, i);
            break;
        }
    }
    memcpy(line, last.bytes, last.length);
    line[last.length] = '\0';
    for (char *c = line; *c != '\0'; c++) {
        *c = isprint((unsigned char)*c) ? *c : '?';
    }
}
