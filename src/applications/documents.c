/* SPDX-License-Identifier: Apache-2.0 */
/* Documents of manifests; see documents.h. */
#include "applications/documents.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "base/uuid.h"
#include "objectstore/checksum.h"
#include "objectstore/objectstore.h"
#include "json/reader.h"

static void cleanup_store(ObjectStore **store)
{
    objectstore_close(*store);
}

/* A name is one segment of a path and of an object's key. */
static bool name_is_valid(const char *name)
{
    return name != NULL && strchr(name, '/') == NULL && object_key_valid(text_of(name));
}

static bool check_document(const json_t *document, size_t index, Error *error)
{
    const char *mime_type = document_string(document, "mime_type");
    const char *path = document_string(document, "path");
    const char *visibility = document_string(document, "visibility");
    const char *wrong = NULL;
    if (!name_is_valid(document_string(document, "name"))) {
        wrong = "name: 1–255 bytes without '/' and control characters are required";
    } else if (mime_type == NULL || !mime_type_is_valid(mime_type)) {
        wrong = "mime_type: a media type is required";
    } else if (path == NULL || !object_key_valid(text_of(path))) {
        wrong = "path: a file inside the version's folder is required";
    } else if (visibility == NULL ||
               (strcmp(visibility, "public") != 0 && strcmp(visibility, "internal") != 0)) {
        wrong = "visibility: public or internal is required";
    }
    return wrong == NULL || error_set(error, ERROR_INVALID, "documents[%zu].%s", index, wrong);
}

bool documents_check(const json_t *documents, Error *error)
{
    if (documents == NULL) {
        return true;
    }
    if (!json_is_array(documents) || json_array_size(documents) > DOCUMENTS_PER_VERSION_MAX) {
        return error_set(error, ERROR_INVALID, "documents: a list of at most %d is required",
                         DOCUMENTS_PER_VERSION_MAX);
    }
    for (size_t i = 0; i < json_array_size(documents); i++) {
        const json_t *document = json_array_get(documents, i);
        if (!check_document(document, i, error)) {
            return false;
        }
        for (size_t k = 0; k < i; k++) {
            if (strcmp(document_string(document, "name"),
                       document_string(json_array_get(documents, k), "name")) == 0) {
                return error_set(error, ERROR_INVALID, "documents[%zu].name: '%s' comes twice", i,
                                 document_string(document, "name"));
            }
        }
    }
    return true;
}

/* Opens a regular file that lies in the folder, also when links are followed. */
static bool open_inside(const char *folder, const char *path, int *fd_out, Error *error)
{
    AUTO_FREE char *joined = alloc_format("%s/%s", folder, path);
    AUTO_FREE char *inside = alloc_format("%s/", folder);
    AUTO_FREE char *resolved =
        realpath(joined, NULL); /* tidy: allow realpath allocates by itself */
    AUTO_FD fd = -1;
    struct stat status;
    if (resolved != NULL && text_starts_with(text_of(resolved), inside)) {
        fd = open(resolved, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    }
    if (fd < 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        return error_set(error, ERROR_NOT_FOUND, "there is no file '%s' in the folder", path);
    }
    if (status.st_size > DOCUMENT_BYTES_MAX) {
        return error_set(error, ERROR_LIMIT, "the file '%s' is larger than %ld bytes", path,
                         DOCUMENT_BYTES_MAX);
    }
    *fd_out = TAKE_FD(fd);
    return true;
}

typedef struct Target {
    const Manifest *manifest;
    const char *folder;
    ObjectStore *store;
} Target;

static bool put_one(const Target *target, const json_t *document, json_t *stored, Error *error)
{
    const char *name = document_string(document, "name");
    AUTO_FREE char *key = alloc_format("documents/%s/%s/%s", target->manifest->application_id,
                                       target->manifest->version_number, name);
    AUTO_FD fd = -1;
    ObjectFacts facts = {0};
    if (!open_inside(target->folder, document_string(document, "path"), &fd, error) ||
        !objectstore_put_fd(target->store, key, fd, NULL, &facts, error)) {
        return error_context(error, "document '%s'", name);
    }
    char checksum[CRC32C_TEXT_BYTES];
    crc32c_to_base64(facts.crc32c, checksum);
    Uuid document_id = uuid_create(&SYSTEM_CLOCK);
    json_array_append_new(stored, json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:s}", "document_id",
                                            document_id.text, "name", name, "mime_type",
                                            document_string(document, "mime_type"), "visibility",
                                            document_string(document, "visibility"), "object_key",
                                            key, "size_bytes", (json_int_t)facts.size_bytes,
                                            "checksum_base64_crc32c", checksum));
    return true;
}

bool documents_put(const Manifest *manifest,
                   const char *folder,
                   const StoreSettings *store_settings,
                   char **json_out,
                   Error *error)
{
    CLEANUP(cleanup_store) ObjectStore *store = NULL;
    if (!store_open(store_settings, NULL, &SYSTEM_CLOCK, &store, error)) {
        return false;
    }
    const Target target = {manifest, folder, store};
    AUTO_JSON *stored = json_array();
    size_t index = 0;
    const json_t *document = NULL;
    json_array_foreach(manifest->documents, index, document)
    {
        if (!put_one(&target, document, stored, error)) {
            return false;
        }
    }
    *json_out = document_to_string(stored);
    return true;
}
