/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and writing endpoint.json; see endpoint.h. */
#include "cli/endpoint.h"

#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "db/connection.h"
#include "json/reader.h"

enum { ENDPOINT_BYTES_MAX = 65536 };

static const struct {
    const char *key;
    size_t offset;
} FIELDS[] = {
    {"api_url", offsetof(PlatformEndpoint, api_url)},
    {"object_url", offsetof(PlatformEndpoint, object_url)},
    {"object_store", offsetof(PlatformEndpoint, object_store)},
    {"database", offsetof(PlatformEndpoint, database)},
    {"issuer", offsetof(PlatformEndpoint, issuer)},
    {"audience", offsetof(PlatformEndpoint, audience)},
    {"server_metrics_url", offsetof(PlatformEndpoint, server_metrics_url)},
    {"worker_metrics_url", offsetof(PlatformEndpoint, worker_metrics_url)},
};

static char **field_of(const PlatformEndpoint *endpoint, size_t index)
{
    return (char **)(void *)((char *)endpoint + FIELDS[index].offset);
}

void endpoint_clear(PlatformEndpoint *endpoint)
{
    for (size_t i = 0; i < ARRAY_COUNT(FIELDS); i++) {
        alloc_free(*field_of(endpoint, i));
        *field_of(endpoint, i) = NULL;
    }
}

static char *endpoint_path(const char *data_folder)
{
    return alloc_format("%s/endpoint.json", data_folder);
}

bool endpoint_read(const char *data_folder, PlatformEndpoint *endpoint_out, Error *error)
{
    AUTO_FREE char *path = endpoint_path(data_folder);
    AUTO_JSON *root = NULL;
    if (!document_read(path, ENDPOINT_BYTES_MAX, &root, error)) {
        if (error->code == ERROR_NOT_FOUND) {
            error_set(error, ERROR_NOT_FOUND,
                      "no platform lives in '%s'; start one with `slideway up --data DIR`",
                      data_folder);
        }
        return false;
    }
    for (size_t i = 0; i < ARRAY_COUNT(FIELDS); i++) {
        if (document_string(root, FIELDS[i].key) == NULL) {
            return error_set(error, ERROR_INVALID, "'%s' has no %s", path, FIELDS[i].key);
        }
    }
    for (size_t i = 0; i < ARRAY_COUNT(FIELDS); i++) {
        *field_of(endpoint_out, i) = alloc_string(document_string(root, FIELDS[i].key));
    }
    return true;
}

bool endpoint_write(const char *data_folder, const PlatformEndpoint *endpoint, Error *error)
{
    AUTO_JSON *root = json_object();
    for (size_t i = 0; i < ARRAY_COUNT(FIELDS); i++) {
        json_object_set_new(root, FIELDS[i].key, json_string(*field_of(endpoint, i)));
    }
    AUTO_FREE char *text = document_to_string(root);
    AUTO_FREE char *path = endpoint_path(data_folder);
    return file_write(path, text_of(text), 0600, error);
}

bool endpoint_is_issuer(const PlatformEndpoint *endpoint)
{
    size_t length = strlen(endpoint->api_url);
    return strncmp(endpoint->issuer, endpoint->api_url, length) == 0 &&
           strcmp(endpoint->issuer + length, "/") == 0;
}

bool cli_need_data(const Cli *cli, Error *error)
{
    if (cli->data != NULL) {
        return true;
    }
    return error_set(error, ERROR_INVALID,
                     "name the platform's data folder with --data DIR or SLIDEWAY_DATA");
}

bool cli_connect(const Cli *cli,
                 unsigned statement_timeout_ms,
                 PGconn **connection_out,
                 Error *error)
{
    AUTO_ENDPOINT endpoint = {0};
    const char *conninfo = cli->database;
    if (cli->data != NULL) {
        if (!endpoint_read(cli->data, &endpoint, error)) {
            return false;
        }
        conninfo = endpoint.database;
    }
    if (conninfo == NULL) {
        return error_set(error, ERROR_INVALID,
                         "name the platform with --data DIR, or its database with "
                         "SLIDEWAY_DATABASE");
    }
    ConnectionProfile profile = {conninfo, "slideway", statement_timeout_ms};
    return connection_open(&profile, connection_out, error);
}
