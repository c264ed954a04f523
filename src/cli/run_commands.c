/* SPDX-License-Identifier: Apache-2.0 */
/* Commands on one's runs: watch, list, show, cancel, delete. */
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/percent.h"
#include "cli/api_client.h"
#include "cli/commands.h"
#include "cli/print.h"
#include "cli/run_follow.h"
#include "cli/run_reads.h"
#include "json/reader.h"

enum { LIST_COUNT_DEFAULT = 50, PARAMETERS_BYTES_MAX = 4096, TIME_SHOWN_BYTES = 19 };

typedef struct WatchOptions {
    int64_t timeout_seconds;
} WatchOptions;

static const Option WATCH_OPTIONS[] = {
    {"timeout", OPTION_INTEGER, offsetof(WatchOptions, timeout_seconds), "SECONDS",
     "give up after so long; 0: never (0)"},
};

static bool run_watch(Cli *cli, const void *options, const Operands *operands, Error *error)
{
    const WatchOptions *given = options;
    AUTO_API client = {0};
    Uuid run_id;
    FollowRequest request = {&run_id, given->timeout_seconds};
    return run_id_read(operands->values[0], &run_id, error) && api_open(cli, &client, error) &&
           run_follow(cli, &client, &request, error);
}

const Command COMMAND_RUN_WATCH = {
    .name = "run watch",
    .operands = "RUN_ID",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "show the progress of a run until it ends",
    .details = "Bars on a terminal, else a line for each change. Ends with 0 only when every item\n"
               "succeeded. Ctrl-C leaves the run alone.",
    .options = WATCH_OPTIONS,
    .option_count = ARRAY_COUNT(WATCH_OPTIONS),
    .options_bytes = sizeof(WatchOptions),
    .run = run_watch,
};

typedef struct ListOptions {
    const char *application;
    const char *external_id;
    int64_t count_max;
} ListOptions;

static const Option LIST_OPTIONS[] = {
    {"application", OPTION_STRING, offsetof(ListOptions, application), "ID",
     "only runs of this application"},
    {"external-id", OPTION_STRING, offsetof(ListOptions, external_id), "ID",
     "only runs with an item of this external id"},
    {"limit", OPTION_INTEGER, offsetof(ListOptions, count_max), "N",
     "so many at most; 0: all (50)"},
};

static const ListOptions LIST_DEFAULTS = {NULL, NULL, LIST_COUNT_DEFAULT};

static void add_filter(Buffer *parameters, const char *name, const char *value)
{
    if (value != NULL) {
        buffer_format(parameters, "&%s=", name);
        percent_encode(parameters, text_of(value));
    }
}

static void print_runs(const Cli *cli, const json_t *list)
{
    size_t count = json_array_size(list);
    AUTO_FREE TableRow *rows = alloc_zeroed(count + 1, sizeof(*rows));
    AUTO_FREE char **texts = alloc_zeroed(2 * count + 1, sizeof(*texts));
    rows[0] =
        (TableRow){{"RUN", "APPLICATION", "VERSION", "STATE", "REASON", "SUCCEEDED", "SUBMITTED"}};
    for (size_t i = 0; i < count; i++) {
        const json_t *run = json_array_get(list, i);
        texts[2 * i] =
            alloc_format("%lld/%lld", (long long)run_statistic(run, "item_succeeded_count"),
                         (long long)run_statistic(run, "item_count"));
        const char *submitted_at = member_text(run, "submitted_at");
        texts[2 * i + 1] =
            alloc_format("%.*s", TIME_SHOWN_BYTES, submitted_at == NULL ? "" : submitted_at);
        rows[i + 1] = (TableRow){{
            member_text(run, "run_id"),
            member_text(run, "application_id"),
            member_text(run, "version_number"),
            member_text(run, "state"),
            member_text(run, "termination_reason"),
            texts[2 * i],
            texts[2 * i + 1],
        }};
    }
    print_table(cli, rows, count + 1, 7);
    for (size_t i = 0; i < 2 * count; i++) {
        alloc_free(texts[i]);
    }
}

static bool run_list(Cli *cli, const void *options, const Operands *operands, Error *error)
{
    (void)operands;
    const ListOptions *given = options;
    AUTO_BUFFER parameters;
    buffer_init(&parameters, PARAMETERS_BYTES_MAX);
    add_filter(&parameters, "application_id", given->application);
    add_filter(&parameters, "external_id", given->external_id);
    if (parameters.overflow) {
        return error_set(error, ERROR_INVALID, "the filter is too long");
    }
    ListRequest request = {"/v1/runs", buffer_to_string(&parameters), given->count_max};
    AUTO_API client = {0};
    AUTO_JSON *list = NULL;
    if (!api_open(cli, &client, error) || !list_read(&client, &request, &list, error)) {
        return false;
    }
    if (cli->json) {
        print_json(cli, list);
    } else {
        print_runs(cli, list);
    }
    return true;
}

const Command COMMAND_RUN_LIST = {
    .name = "run list",
    .operands = "",
    .summary = "list one's runs, the newest first",
    .options = LIST_OPTIONS,
    .option_count = ARRAY_COUNT(LIST_OPTIONS),
    .defaults = &LIST_DEFAULTS,
    .options_bytes = sizeof(ListOptions),
    .run = run_list,
};

static void print_line(const Cli *cli, const char *label, const char *value)
{
    if (value != NULL) {
        AUTO_FREE char *shown = printable(value);
        fprintf(cli->out, "%-12s %s\n", label, shown);
    }
}

static void print_artifacts(const Cli *cli, const json_t *artifacts)
{
    size_t index = 0;
    const json_t *artifact = NULL;
    json_array_foreach(artifacts, index, artifact)
    {
        AUTO_FREE char *name = printable(member_text(artifact, "name"));
        AUTO_FREE char *output = printable(member_text(artifact, "output"));
        const json_t *metadata = json_object_get(artifact, "metadata");
        AUTO_FREE char *media_type = printable(member_text(metadata, "media_type"));
        fprintf(cli->out, "    %-42s %-12s %s\n", name, output, media_type);
    }
}

static void print_run(const Cli *cli, const json_t *run, const json_t *items)
{
    print_line(cli, "run", member_text(run, "run_id"));
    AUTO_FREE char *application = alloc_format("%s %s", member_text(run, "application_id"),
                                               member_text(run, "version_number"));
    print_line(cli, "application", application);
    print_line(cli, "state", member_text(run, "state"));
    print_line(cli, "reason", member_text(run, "termination_reason"));
    print_line(cli, "output", member_text(run, "output"));
    print_line(cli, "error", member_text(run, "error_message"));
    print_line(cli, "submitted", member_text(run, "submitted_at"));
    print_line(cli, "submitted by", member_text(run, "submitted_by"));
    print_line(cli, "ended", member_text(run, "terminated_at"));
    fprintf(cli->out, "%-12s %lld of %lld succeeded\n\n", "items",
            (long long)run_statistic(run, "item_succeeded_count"),
            (long long)run_statistic(run, "item_count"));
    size_t index = 0;
    const json_t *item = NULL;
    json_array_foreach(items, index, item)
    {
        AUTO_FREE char *name = printable(member_text(item, "external_id"));
        AUTO_FREE char *message = printable(member_text(item, "error_message"));
        fprintf(cli->out, "  %s  %s%s%s\n", name, item_word(item), message[0] == '\0' ? "" : ": ",
                message);
        print_artifacts(cli, json_object_get(item, "output_artifacts"));
    }
}

static bool run_show(Cli *cli, const void *options, const Operands *operands, Error *error)
{
    (void)options;
    AUTO_API client = {0};
    AUTO_JSON *run = NULL;
    AUTO_JSON *items = NULL;
    Uuid run_id;
    if (!run_id_read(operands->values[0], &run_id, error) || !api_open(cli, &client, error) ||
        !run_read(&client, &run_id, &run, error) || !items_read(&client, &run_id, &items, error)) {
        return false;
    }
    if (cli->json) {
        items_hide_urls(items);
        json_object_set(run, "items", items);
        print_json(cli, run);
    } else {
        print_run(cli, run, items);
    }
    return true;
}

const Command COMMAND_RUN_SHOW = {
    .name = "run show",
    .operands = "RUN_ID",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "show a run with its items, their messages and artifacts",
    .details = "With --json: the run as the API has it, and its items; signed URLs are left out.",
    .run = run_show,
};

/* A call on a run whose answer has no body. */
static bool
change_run(Cli *cli, const char *operand, const char *method, const char *action, Error *error)
{
    AUTO_API client = {0};
    AUTO_JSON *answer = NULL;
    Uuid run_id;
    if (!run_id_read(operand, &run_id, error) || !api_open(cli, &client, error)) {
        return false;
    }
    AUTO_FREE char *path = alloc_format("/v1/runs/%s/%s", run_id.text, action);
    ApiCall call = {.method = method, .path = path};
    return api_call(&client, &call, &answer, error);
}

static void tell_changed(const Cli *cli, const char *run_id, const char *outcome)
{
    if (cli->json) {
        AUTO_JSON *answer = json_pack("{s:s, s:s}", "run_id", run_id, "outcome", outcome);
        print_json(cli, answer);
    } else {
        fprintf(cli->out, "run %s: %s\n", run_id, outcome);
    }
}

static bool run_cancel(Cli *cli, const void *options, const Operands *operands, Error *error)
{
    (void)options;
    if (!change_run(cli, operands->values[0], "POST", "cancel", error)) {
        return false;
    }
    tell_changed(cli, operands->values[0], "cancelled");
    return true;
}

const Command COMMAND_RUN_CANCEL = {
    .name = "run cancel",
    .operands = "RUN_ID",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "cancel a run that has not ended",
    .details = "Items that succeeded before keep their artifacts.",
    .run = run_cancel,
};

static bool run_delete(Cli *cli, const void *options, const Operands *operands, Error *error)
{
    (void)options;
    if (!change_run(cli, operands->values[0], "DELETE", "artifacts", error)) {
        return false;
    }
    tell_changed(cli, operands->values[0], "artifacts deleted");
    return true;
}

const Command COMMAND_RUN_DELETE = {
    .name = "run delete",
    .operands = "RUN_ID",
    .operands_min = 1,
    .operands_max = 1,
    .summary = "delete the output artifacts of a run that has ended",
    .details =
        "The run and its items stay in the lists. What was downloaded before is not touched.",
    .run = run_delete,
};
