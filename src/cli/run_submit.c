/* SPDX-License-Identifier: Apache-2.0 */
/* The command run submit: checks the slides, uploads what is a file, creates the run. */
#include <unistd.h>

#include "base/alloc.h"
#include "cli/api_client.h"
#include "cli/commands.h"
#include "cli/print.h"
#include "cli/run_follow.h"
#include "cli/run_slides.h"
#include "cli/transfer.h"
#include "cli/watch_view.h"
#include "json/reader.h"

typedef struct SubmitOptions {
    const char *version;
    const char *metadata;
    bool wait;
} SubmitOptions;

static const Option SUBMIT_OPTIONS[] = {
    {"version", OPTION_STRING, offsetof(SubmitOptions, version), "VERSION",
     "version of the application (the newest)"},
    {"metadata", OPTION_STRING, offsetof(SubmitOptions, metadata), "JSON|@FILE",
     "metadata of the slides: an object, or an array of one for each"},
    {"wait", OPTION_FLAG, offsetof(SubmitOptions, wait), NULL,
     "show the progress and wait for the end, as `run watch` does"},
};

enum { TRIES = 3 };

static void tell_upload(void *context, int64_t done_bytes, int64_t total_bytes)
{
    const RunSlide *slide = context;
    double fraction = total_bytes > 0 ? (double)done_bytes / (double)total_bytes : 0;
    watch_view_transfer(stderr, slide->external_id, fraction, false);
}

/* The object store gives two signed URLs: one to put the file, one for the worker to read it. */
static bool upload_once(const Cli *cli, ApiClient *client, RunSlide *slide, Error *error)
{
    AUTO_JSON *body = json_pack("{s:s}", "name", slide->external_id);
    AUTO_JSON *links = NULL;
    ApiCall call = {.method = "POST", .path = "/v1/uploads", .body = body};
    if (!api_call(client, &call, &links, error)) {
        return false;
    }
    const char *upload_url = member_text(links, "upload_url");
    const char *download_url = member_text(links, "download_url");
    if (upload_url == NULL || download_url == NULL) {
        return error_set(error, ERROR_UNAVAILABLE, "%s offers no place for uploads", client->url);
    }
    bool shows = !cli->json && isatty(STDERR_FILENO) == 1;
    TransferWatch watch = {tell_upload, slide};
    if (!transfer_upload(slide->operand, upload_url, shows ? &watch : NULL, error)) {
        return false;
    }
    if (shows) {
        watch_view_transfer(stderr, slide->external_id, 1, true);
    }
    slide->url = alloc_string(download_url);
    return true;
}

static bool upload(const Cli *cli, ApiClient *client, RunSlide *slide, Error *error)
{
    for (int attempt = 1; !slide->is_url; attempt++) {
        if (upload_once(cli, client, slide, error)) {
            return true;
        }
        if (error->code != ERROR_UNAVAILABLE || attempt == TRIES) {
            return error_context(error, "upload of %s", slide->external_id);
        }
        clock_sleep_us(cli->clock, attempt * MICROSECONDS_PER_SECOND);
    }
    return true;
}

/* Sent again with the same key when no answer came: it makes one run. */
static bool
post_run(const Cli *cli, ApiClient *client, const json_t *body, json_t **answer_out, Error *error)
{
    Uuid key = uuid_create(cli->clock);
    ApiCall call = {
        .method = "POST", .path = "/v1/runs", .body = body, .idempotency_key = key.text};
    for (int attempt = 1; !api_call(client, &call, answer_out, error); attempt++) {
        if (error->code != ERROR_UNAVAILABLE || attempt == TRIES) {
            return false;
        }
        clock_sleep_us(cli->clock, attempt * MICROSECONDS_PER_SECOND);
    }
    return true;
}

static bool
create(const Cli *cli, ApiClient *client, const json_t *body, Uuid *run_id_out, Error *error)
{
    AUTO_JSON *answer = NULL;
    if (!post_run(cli, client, body, &answer, error)) {
        return false;
    }
    const char *run_id = member_text(answer, "run_id");
    return (run_id != NULL && uuid_parse(text_of(run_id), run_id_out)) ||
           error_set(error, ERROR_UNAVAILABLE, "the answer of %s has no run_id", client->url);
}

static void tell_created(const Cli *cli, const Uuid *run_id, const RunInput *input, size_t count)
{
    if (cli->json) {
        AUTO_JSON *answer = json_pack("{s:s, s:s, s:s, s:I}", "run_id", run_id->text,
                                      "application_id", input->application_id, "version_number",
                                      input->number, "item_count", (json_int_t)count);
        print_json(cli, answer);
        return;
    }
    fprintf(cli->out, "run %s: %zu slide%s for %s %s\n", run_id->text, count, count == 1 ? "" : "s",
            input->application_id, input->number);
    fflush(cli->out);
}

static bool run_submit(Cli *cli, const void *options, const Operands *operands, Error *error)
{
    const SubmitOptions *given = options;
    AUTO_API client = {0};
    AUTO_JSON *metadata = NULL;
    AUTO_RUN_INPUT input = {0};
    AUTO_RUN_SLIDES slides = {0};
    if (!metadata_option_read(given->metadata, &metadata, error) ||
        !api_open(cli, &client, error) ||
        !run_input_find(&client, operands->values[0], given->version, &input, error) ||
        !run_slides_read(operands->values + 1, (size_t)operands->count - 1, &input, metadata,
                         &slides, error)) {
        return false;
    }
    for (size_t i = 0; i < slides.count; i++) {
        if (!upload(cli, &client, &slides.slides[i], error)) {
            return false;
        }
    }
    AUTO_JSON *body = run_slides_body(&slides, &input);
    Uuid run_id;
    if (!create(cli, &client, body, &run_id, error)) {
        return false;
    }
    /* With --wait and --json the one document is that of the end. */
    if (!given->wait || !cli->json) {
        tell_created(cli, &run_id, &input, slides.count);
    }
    FollowRequest follow = {&run_id, 0};
    return !given->wait || run_follow(cli, &client, &follow, error);
}

const Command COMMAND_RUN_SUBMIT = {
    .name = "run submit",
    .operands = "APPLICATION SLIDE...",
    .operands_min = 2,
    .operands_max = OPERANDS_ANY,
    .summary = "submit slides to an application as one run",
    .details = "A SLIDE is a file, which is uploaded, or an http(s) address that the worker can "
               "read. Size,\n"
               "resolution, checksum and media type of a file are read from it; those of an "
               "address are to\n"
               "be given with --metadata. What else the application requires (he-tme: "
               "staining_method and\n"
               "specimen) is H&E and OTHER unless --metadata tells better, for example\n"
               "'{\"specimen\": {\"tissue\": \"LUNG\", \"disease\": \"LUNG_CANCER\"}}'. The "
               "external id of an "
               "item is\nthe slide's file name.",
    .options = SUBMIT_OPTIONS,
    .option_count = ARRAY_COUNT(SUBMIT_OPTIONS),
    .options_bytes = sizeof(SubmitOptions),
    .run = run_submit,
};
