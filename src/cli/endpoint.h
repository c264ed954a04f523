/* SPDX-License-Identifier: Apache-2.0 */
/*
 * endpoint.json in a data folder: where the platform that lives there can be reached. `slideway
 * up` writes it, the other commands read it.
 */
#pragma once
#include <libpq-fe.h>
#include <stdbool.h>

#include "base/attributes.h"
#include "base/error.h"
#include "cli/command.h"

typedef struct PlatformEndpoint {
    char *api_url;
    char *object_url;
    char *object_store; /* a folder, or "s3://bucket/prefix" */
    char *database;     /* libpq connection string */
    char *issuer;
    char *audience;
    char *server_metrics_url; /* of /metrics */
    char *worker_metrics_url; /* of /metrics */
} PlatformEndpoint;

void endpoint_clear(PlatformEndpoint *endpoint);
#define AUTO_ENDPOINT CLEANUP(endpoint_clear) PlatformEndpoint

/* ERROR_NOT_FOUND when the folder has none. */
MUST_CHECK bool
endpoint_read(const char *data_folder, PlatformEndpoint *endpoint_out, Error *error);
MUST_CHECK bool
endpoint_write(const char *data_folder, const PlatformEndpoint *endpoint, Error *error);

/* Whether the platform's tokens are its own. */
bool endpoint_is_issuer(const PlatformEndpoint *endpoint);

/* How long a statement of an operator's command may take. */
enum { ADMIN_STATEMENT_MS = 60000 };

/* A connection for an operator's command: --data's database, else SLIDEWAY_DATABASE. */
MUST_CHECK bool
cli_connect(const Cli *cli, unsigned statement_timeout_ms, PGconn **connection_out, Error *error);
/* --data, or an error that says how to name it. */
MUST_CHECK bool cli_need_data(const Cli *cli, Error *error);
