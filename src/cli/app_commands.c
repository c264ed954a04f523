/* SPDX-License-Identifier: Apache-2.0 */
/* Commands on what the caller may use: app list and app show. */
#include "base/alloc.h"
#include "base/limits.h"
#include "base/percent.h"
#include "cli/api_client.h"
#include "cli/commands.h"
#include "cli/print.h"
#include "json/reader.h"

static bool run_app_list(Cli *cli, const void *options, const Operands *operands, Error *error)
{
    (void)options;
    (void)operands;
    AUTO_API client = {0};
    AUTO_JSON *list = NULL;
    if (!api_open(cli, &client, error) ||
        !api_get(&client, "/v1/applications?page-size=100", &list, error)) {
        return false;
    }
    if (cli->json) {
        print_json(cli, list);
        return true;
    }
    size_t count = json_array_size(list);
    AUTO_FREE TableRow *rows = alloc_zeroed(count + 1, sizeof(*rows));
    rows[0] = (TableRow){{"APPLICATION", "LATEST", "NAME"}};
    for (size_t i = 0; i < count; i++) {
        const json_t *application = json_array_get(list, i);
        rows[i + 1] = (TableRow){{
            member_text(application, "application_id"),
            member_text(json_object_get(application, "latest_version"), "number"),
            member_text(application, "name"),
        }};
    }
    print_table(cli, rows, count + 1, 3);
    return true;
}

const Command COMMAND_APP_LIST = {
    .name = "app list",
    .operands = "",
    .summary = "list the applications that the caller may use",
    .run = run_app_list,
};

/* The newest first, as the API gives them. */
static void print_versions(const Cli *cli, const json_t *application)
{
    const json_t *versions = json_object_get(application, "versions");
    size_t count = json_array_size(versions);
    AUTO_FREE TableRow *rows = alloc_zeroed(count + 1, sizeof(*rows));
    rows[0] = (TableRow){{"VERSION", "RELEASED"}};
    for (size_t i = 0; i < count; i++) {
        const json_t *version = json_array_get(versions, i);
        rows[i + 1] =
            (TableRow){{member_text(version, "number"), member_text(version, "released_at")}};
    }
    print_table(cli, rows, count + 1, 2);
}

static bool run_app_show(Cli *cli, const void *options, const Operands *operands, Error *error)
{
    (void)options;
    AUTO_API client = {0};
    AUTO_JSON *application = NULL;
    AUTO_BUFFER path;
    buffer_init(&path, DOWNLOAD_URL_BYTES_MAX);
    buffer_string(&path, "/v1/applications/");
    percent_encode(&path, text_of(operands->values[0]));
    if (!api_open(cli, &client, error) ||
        !api_get(&client, buffer_to_string(&path), &application, error)) {
        return false;
    }
    if (cli->json) {
        print_json(cli, application);
    } else {
        print_versions(cli, application);
    }
    return true;
}

const Command COMMAND_APP_SHOW = {
    .name = "app show",
    .operands = "APPLICATION",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "list the versions of an application, the newest first",
    .run = run_app_show,
};
