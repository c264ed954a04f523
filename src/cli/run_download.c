/* SPDX-License-Identifier: Apache-2.0 */
/* The command run download: every artifact of a run into a folder, checked. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/limits.h"
#include "cli/api_client.h"
#include "cli/artifact_paths.h"
#include "cli/commands.h"
#include "cli/print.h"
#include "cli/run_reads.h"
#include "cli/slide_facts.h"
#include "cli/transfer.h"
#include "json/reader.h"

/* Few items at a time, so that their URLs are used long before they expire. */
enum { ITEMS_A_PAGE = 10, DOWNLOAD_TRIES = 3 };
/* Links live for an hour; older ones than this are asked for again. */
#define LINKS_US_MAX (20 * 60 * MICROSECONDS_PER_SECOND)

typedef struct DownloadOptions {
    const char *folder;
} DownloadOptions;

static const Option DOWNLOAD_OPTIONS[] = {
    {"output", OPTION_STRING, offsetof(DownloadOptions, folder), "DIR",
     "where the files go (a folder named by the run's id)"},
};

typedef struct Download {
    Cli *cli;
    ApiClient *client;
    const Uuid *run_id;
    const char *folder;
    json_t *files; /* what was done, one entry a file */
    int64_t item_count;
    int64_t empty_count; /* items that have nothing to download */
    int64_t links_at_us;
} Download;

/* One artifact and where it goes. */
typedef struct Target {
    const char *item_name;
    const char *name;
    const char *url;
    const char *checksum;
    const char *path;
} Target;

static void note_file(Download *download, const Target *target, int64_t size_bytes, bool kept)
{
    const char *outcome = kept ? "kept" : "downloaded";
    json_array_append_new(download->files,
                          json_pack("{s:s, s:s, s:s, s:I, s:s, s:s}", "external_id",
                                    target->item_name, "name", target->name, "path", target->path,
                                    "size_bytes", (json_int_t)size_bytes, "checksum_base64_crc32c",
                                    target->checksum, "outcome", outcome));
    if (!download->cli->json) {
        fprintf(download->cli->out, "%-10s %11lld  %s\n", outcome, (long long)size_bytes,
                target->path);
        fflush(download->cli->out);
    }
}

/* Whether the file is there already with the right content. */
static bool is_there(const Target *target, int64_t *size_bytes_out)
{
    struct stat status;
    SlideFacts facts;
    Error ignored = {0};
    if (lstat(target->path, &status) != 0 || !S_ISREG(status.st_mode) ||
        !slide_facts_read(target->path, &facts, &ignored) ||
        strcmp(facts.checksum, target->checksum) != 0) {
        return false;
    }
    *size_bytes_out = facts.size_bytes;
    return true;
}

static bool not_writable(Download *download, const char *path, Error *error)
{
    download->cli->exit_code = EXIT_NOT_WRITABLE;
    return error_set(error, ERROR_LIMIT, "cannot write '%s': %m", path);
}

static bool
fetch(Download *download, const Target *target, int fd, Received *received_out, Error *error)
{
    for (int attempt = 1;; attempt++) {
        bool got = transfer_download(target->url, fd, received_out, error);
        if (got && strcmp(received_out->checksum, target->checksum) == 0) {
            return true;
        }
        if (got) {
            error_set(error, ERROR_UNAVAILABLE, "the checksum is %s, not %s",
                      received_out->checksum, target->checksum);
        }
        if (error->code == ERROR_LIMIT) {
            download->cli->exit_code = EXIT_NOT_WRITABLE;
        }
        if (error->code != ERROR_UNAVAILABLE || attempt == DOWNLOAD_TRIES) {
            return error_context(error, "%s of %s", target->name, target->item_name);
        }
        clock_sleep_us(download->cli->clock, attempt * MICROSECONDS_PER_SECOND);
    }
}

/* Into a temporary name beside the target, which gets its name only when it is right. */
static bool download_file(Download *download, const Target *target, Error *error)
{
    int64_t size_bytes = 0;
    if (is_there(target, &size_bytes)) {
        note_file(download, target, size_bytes, true);
        return true;
    }
    AUTO_FREE char *part = alloc_format("%s.part", target->path);
    if (unlink(part) != 0 && errno != ENOENT) {
        return not_writable(download, part, error);
    }
    AUTO_FD fd = open(part, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0) {
        return not_writable(download, part, error);
    }
    Received received = {0};
    if (!fetch(download, target, fd, &received, error)) {
        unlink(part);
        return false;
    }
    if (fsync(fd) != 0 || rename(part, target->path) != 0) {
        not_writable(download, target->path, error);
        unlink(part);
        return false;
    }
    note_file(download, target, received.size_bytes, false);
    return true;
}

static bool download_artifact(Download *download,
                              const json_t *artifact,
                              const char *item_name,
                              const char *path,
                              Error *error)
{
    const json_t *metadata = json_object_get(artifact, "metadata");
    Target target = {
        .item_name = item_name,
        .name = member_text(artifact, "name"),
        .url = member_text(artifact, "download_url"),
        .checksum = member_text(metadata, "checksum_base64_crc32c"),
        .path = path,
    };
    if (target.checksum == NULL) {
        return error_set(error, ERROR_UNAVAILABLE, "%s of %s has no checksum", target.name,
                         item_name);
    }
    return download_file(download, &target, error);
}

static bool make_folder(Download *download, const char *path, Error *error)
{
    if (folder_create(path, 0755, error)) {
        return true;
    }
    download->cli->exit_code = EXIT_NOT_WRITABLE;
    return false;
}

/* Artifacts that can be downloaded: those that are there and were not deleted. */
static size_t count_available(const json_t *artifacts)
{
    size_t count = 0;
    size_t index = 0;
    const json_t *artifact = NULL;
    json_array_foreach(artifacts, index, artifact)
    {
        count +=
            member_text(artifact, "download_url") != NULL && member_text(artifact, "name") != NULL;
    }
    return count;
}

typedef struct NameList {
    char *names[ARTIFACTS_PER_ITEM_MAX];
    size_t count;
} NameList;

static void name_list_clear(NameList *list)
{
    for (size_t i = 0; i < list->count; i++) {
        alloc_free(list->names[i]);
    }
}

static bool
download_artifacts(Download *download, const json_t *item, const char *folder, Error *error)
{
    CLEANUP(name_list_clear) NameList taken = {.count = 0};
    const char *item_name = member_text(item, "external_id");
    size_t index = 0;
    const json_t *artifact = NULL;
    json_array_foreach(json_object_get(item, "output_artifacts"), index, artifact)
    {
        if (taken.count == ARTIFACTS_PER_ITEM_MAX || member_text(artifact, "name") == NULL) {
            return error_set(error, ERROR_UNAVAILABLE, "%s has artifacts of no known form",
                             item_name);
        }
        const json_t *metadata = json_object_get(artifact, "metadata");
        char *name =
            artifact_file_name(member_text(artifact, "name"), member_text(metadata, "media_type"),
                               taken.names, taken.count);
        taken.names[taken.count++] = name;
        AUTO_FREE char *path = alloc_format("%s/%s", folder, name);
        if (member_text(artifact, "download_url") != NULL &&
            !download_artifact(download, artifact, item_name, path, error)) {
            return false;
        }
    }
    return true;
}

static bool download_item(Download *download, const json_t *item, Error *error)
{
    const char *external_id = member_text(item, "external_id");
    const char *item_id = member_text(item, "item_id");
    if (external_id == NULL || item_id == NULL) {
        return error_set(error, ERROR_UNAVAILABLE, "the answer of %s has an item without a name",
                         download->client->url);
    }
    download->item_count++;
    if (count_available(json_object_get(item, "output_artifacts")) == 0) {
        download->empty_count++;
        if (!download->cli->json) {
            AUTO_FREE char *name = printable(external_id);
            fprintf(download->cli->out, "nothing    %s is %s\n", name, item_word(item));
        }
        return true;
    }
    AUTO_FREE char *name = item_folder_name(external_id, item_id);
    AUTO_FREE char *folder = alloc_format("%s/%s", download->folder, name);
    return make_folder(download, folder, error) &&
           download_artifacts(download, item, folder, error);
}

static bool read_page(Download *download, int64_t page, json_t **items_out, Error *error)
{
    AUTO_FREE char *path = alloc_format("/v1/runs/%s/items", download->run_id->text);
    PageRequest request = {path, "", page, ITEMS_A_PAGE};
    download->links_at_us = clock_monotonic_us(download->cli->clock);
    return page_read(download->client, &request, items_out, error);
}

/* *count_out: how many items the page has. */
static bool download_page(Download *download, int64_t page, size_t *count_out, Error *error)
{
    AUTO_JSON *items = NULL;
    if (!read_page(download, page, &items, error)) {
        return false;
    }
    for (size_t i = 0; i < json_array_size(items); i++) {
        int64_t age_us = clock_monotonic_us(download->cli->clock) - download->links_at_us;
        if (age_us > LINKS_US_MAX) {
            json_t *fresh = NULL;
            if (!read_page(download, page, &fresh, error)) {
                return false;
            }
            json_decref(items);
            items = fresh;
        }
        if (!download_item(download, json_array_get(items, i), error)) {
            return false;
        }
    }
    *count_out = json_array_size(items);
    return true;
}

static bool download_all(Download *download, Error *error)
{
    size_t count = ITEMS_A_PAGE;
    for (int64_t page = 1; page <= PAGE_MAX && count == ITEMS_A_PAGE; page++) {
        if (!download_page(download, page, &count, error)) {
            return false;
        }
    }
    if (json_array_size(download->files) == 0) {
        return error_set(error, ERROR_NOT_FOUND, "run %s has nothing to download",
                         download->run_id->text);
    }
    return true;
}

static bool run_download(Cli *cli, const void *options, const Operands *operands, Error *error)
{
    const DownloadOptions *given = options;
    AUTO_API client = {0};
    AUTO_JSON *run = NULL;
    Uuid run_id;
    if (!run_id_read(operands->values[0], &run_id, error) || !api_open(cli, &client, error) ||
        !run_read(&client, &run_id, &run, error)) {
        return false;
    }
    AUTO_JSON *files = json_array();
    Download download = {
        .cli = cli,
        .client = &client,
        .run_id = &run_id,
        .folder = given->folder != NULL ? given->folder : run_id.text,
        .files = files,
    };
    if (!make_folder(&download, download.folder, error) || !download_all(&download, error)) {
        return false;
    }
    if (cli->json) {
        AUTO_JSON *answer =
            json_pack("{s:s, s:s, s:I, s:I, s:O}", "run_id", run_id.text, "folder", download.folder,
                      "item_count", (json_int_t)download.item_count, "items_without_artifacts",
                      (json_int_t)download.empty_count, "files", files);
        print_json(cli, answer);
    } else {
        fprintf(cli->out, "%zu files in %s\n", json_array_size(files), download.folder);
    }
    return true;
}

const Command COMMAND_RUN_DOWNLOAD = {
    .name = "run download",
    .operands = "RUN_ID",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "download the artifacts of a run, each checked by its checksum",
    .details = "A folder for each item, named by its external id as far as that is a plain file "
               "name. Files\n"
               "that are there with the right checksum are kept, so a download that broke off goes "
               "on where\n"
               "it was. Ends with 0 when everything that there is was downloaded.",
    .options = DOWNLOAD_OPTIONS,
    .option_count = ARRAY_COUNT(DOWNLOAD_OPTIONS),
    .options_bytes = sizeof(DownloadOptions),
    .run = run_download,
};
