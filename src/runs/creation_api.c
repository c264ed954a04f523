/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Creation of runs; see creation_api.h. The inputs are checked against the rules of the version
 * that the run gets, and only the statement knows which that is (the latest one may change, not
 * everybody sees every version). So bind checks with the rules that the cache has for such a
 * request and says which they are. If the version is another one, the statement makes nothing and
 * answers with that version's rules, and the request is bound again.
 */
#include "runs/creation_api.h"

#include <stdlib.h>
#include <string.h>

#include "access/caller.h"
#include "applications/rules_cache.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/uuid.h"
#include "db/array.h"
#include "http/fields.h"
#include "http/inputs.h"
#include "http/rows.h"
#include "http/server.h"
#include "quotas/quotas_api.h"
#include "runs/duration.h"
#include "runs/idempotency.h"
#include "runs/run_access.h"
#include "runs/run_request.h"
#include "runs_sql.h"

static const Statement CREATE_RUN = {"create_run", SQL_CREATE_RUN, STATEMENT_WRITE, 29};
static const Statement FIND_KEYED_RUN = {"find_keyed_run", SQL_FIND_KEYED_RUN, STATEMENT_READ, 3};

/* The columns of create_run.sql; the first ones are those of find_keyed_run.sql too. */
enum {
    OUTCOME,
    EXCEEDED_QUOTA,
    CREATED_RUN_ID,
    CREATED_VERSION,
    UNCHECKED_VERSION_ID,
    UNCHECKED_ARTIFACTS,
    UNCHECKED_NAMES,
    DEADLINE_SECONDS_MIN,
    DEADLINE_US,
    PAST_FIELDS
};

/* What bind leaves for the answer of a creation, and learn_version for bind. */
typedef struct Creation {
    RunRequest run;
    /* The version whose rules are wanted; NULL: those of the cache. */
    const char *version_id;
    const char *input_artifacts;
    const char *input_names;
    Problems problems; /* of a request that is not valid, or is so no more */
} Creation;

static VersionChoice choice_of(const Request *request, const RunRequest *run)
{
    return (VersionChoice){run->application_id, run->version_number,
                           request->principal.organization_id};
}

/* The rules that the run's inputs are checked against, to be released; NULL: not known yet. False:
 * answered. */
static bool
find_rules(Request *request, const Creation *creation, InputRules **rules_out, Response *response)
{
    const ServerContext *context = request->context;
    VersionChoice choice = choice_of(request, &creation->run);
    if (choice.application_id == NULL) {
        return true;
    }
    if (creation->version_id == NULL) {
        *rules_out = rules_cache_find(context->rules, &choice);
        return true;
    }
    Error error = {0};
    if (!input_rules_create(creation->version_id, creation->input_artifacts, creation->input_names,
                            rules_out, &error)) {
        log_event(LOG_ERROR, EVENT_RUN_RULES_UNREADABLE, LOG_STRING("message", error.message));
        response_error(response, 500, "Internal Server Error");
        return false;
    }
    rules_cache_put(context->rules, &choice, *rules_out);
    return true;
}

/* Reads the items and adds the parameters that depend on the rules. */
static bool read_items(Request *request,
                       Creation *creation,
                       Parameters *rules_out,
                       Problems *problems,
                       Response *response)
{
    AUTO_INPUT_RULES *rules = NULL;
    if (!find_rules(request, creation, &rules, response)) {
        return false;
    }
    run_request_read_items(&creation->run, rules, problems);
    parameters_add(rules_out, rules == NULL ? NULL
                                            : arena_string(&request->arena,
                                                           text_of(input_rules_version_id(rules))));
    parameters_add(rules_out, creation->run.broken.count > 0 ? "true" : "false");
    return true;
}

/* Everything of the body; false: answered. */
static bool read_creation(Request *request,
                          Creation *creation,
                          Parameters *rules_out,
                          Problems *problems,
                          Response *response)
{
    RunRequest *run = &creation->run;
    if (!run_request_open(request->body, clock_now_us(request->clock), &request->arena, run,
                          problems)) {
        return true;
    }
    bool read = read_items(request, creation, rules_out, problems, response);
    run_request_close(run);
    return read;
}

static void bind_fields(const RunRequest *run, Parameters *parameters)
{
    parameters_add(parameters, run->application_id);
    parameters_add(parameters, run->version_number);
    parameters_add(parameters, run->custom_metadata);
    parameters_add(parameters, run->custom_metadata_checksum);
    parameters_add(parameters, run->callback_context);
    parameters_add(parameters, run->due_date);
    parameters_add(parameters, run->deadline);
}

/* As many new ids, as an array. */
static const char *new_ids(Request *request, int count)
{
    AUTO_ARRAY ids;
    array_init(&ids, (size_t)count * (UUID_TEXT_BYTES + 2) + 2);
    for (int i = 0; i < count; i++) {
        Uuid id = uuid_create(request->clock);
        array_add_string(&ids, id.text);
    }
    return array_take(&ids, &request->arena);
}

static void bind_items(Request *request, const RunRequest *run, Parameters *parameters)
{
    parameters_add(parameters, new_ids(request, run->item_count));
    for (int i = COLUMN_EXTERNAL_ID; i <= COLUMN_ITEM_CHECKSUM; i++) {
        parameters_add(parameters, run->columns[i]);
    }
    parameters_add(parameters, new_ids(request, run->artifact_count));
    for (int i = COLUMN_ARTIFACT_ITEM; i <= COLUMN_ARTIFACT_METADATA; i++) {
        parameters_add(parameters, run->columns[i]);
    }
}

/* A request that is not valid is refused, unless it was accepted before: its dates may have passed
 * since then. A key that is not well-formed is in nobody's hands. */
static const Statement *
bind_refused(Request *request, const Parameters *key, Parameters *parameters, Response *response)
{
    const Creation *creation = request->state;
    if (key->values[0] == NULL) {
        response_problems(response, 422, &creation->problems);
        return NULL;
    }
    parameters_add(parameters, request->principal.user_id);
    parameters_add(parameters, key->values[0]);
    parameters_add(parameters, key->values[1]);
    return &FIND_KEYED_RUN;
}

static const Statement *
bind_create(const Endpoint *endpoint, Request *request, Parameters *parameters, Response *response)
{
    Problems problems;
    problems_init(&problems, &request->arena);
    if (request->state == NULL) {
        request->state = arena_alloc(&request->arena, sizeof(Creation));
    }
    Creation *creation = request->state;
    Parameters rules = {.count = 0};
    Parameters key = {.count = 0};
    if (!read_creation(request, creation, &rules, &problems, response)) {
        return NULL;
    }
    idempotency_bind(request, &key, &problems);
    const char *dry_run = input_bool(request, "dry_run", &problems);
    if (problems.count > 0) {
        creation->problems = problems;
        return bind_refused(request, &key, parameters, response);
    }
    Uuid run_id = uuid_create(request->clock);
    parameters_add(parameters, arena_string(&request->arena, text_of(run_id.text)));
    caller_bind(request, parameters);
    parameters_add(parameters, request->principal.email);
    parameters_add(parameters, request->principal.name);
    bind_fields(&creation->run, parameters);
    bind_items(request, &creation->run, parameters);
    parameters_add(parameters, key.values[0]);
    parameters_add(parameters, key.values[1]);
    parameters_add(parameters, dry_run != NULL ? dry_run : "false");
    parameters_add(parameters, rules.values[0]);
    parameters_add(parameters, rules.values[1]);
    parameters_add(parameters, ((const ServerContext *)request->context)->error_threshold);
    return endpoint->statement;
}

static const char *keep_column(Request *request, const PGresult *result, int column)
{
    return arena_string(&request->arena, text_of(PQgetvalue(result, 0, column)));
}

/* The run would get a version whose rules were not looked at: now they are there. */
static bool learn_version(Request *request, const PGresult *result)
{
    if (strcmp(PQgetvalue(result, 0, OUTCOME), "VERSION_UNCHECKED") != 0) {
        return false;
    }
    Creation *creation = request->state;
    creation->version_id = keep_column(request, result, UNCHECKED_VERSION_ID);
    creation->input_artifacts = keep_column(request, result, UNCHECKED_ARTIFACTS);
    creation->input_names = keep_column(request, result, UNCHECKED_NAMES);
    return true;
}

static void render_key_reused(Request *request, Response *response)
{
    Problems problems;
    problems_init(&problems, &request->arena);
    problems_add(&problems, "value_error", "\"header\",\"idempotency-key\"",
                 "The key was used with another request body", NULL);
    response_problems(response, 422, &problems);
    response->problem = PROBLEM_IDEMPOTENCY_KEY_REUSED;
}

static void render_deadline_too_short(Request *request, const PGresult *result, Response *response)
{
    int64_t seconds_min = strtoll(PQgetvalue(result, 0, DEADLINE_SECONDS_MIN), NULL, 10);
    int64_t given_us = strtoll(PQgetvalue(result, 0, DEADLINE_US), NULL, 10);
    char minimum[DURATION_BYTES];
    char given[DURATION_BYTES];
    duration_format(seconds_min * MICROSECONDS_PER_SECOND, minimum);
    duration_format(given_us, given);
    Problems problems;
    problems_init(&problems, &request->arena);
    problems_add(&problems, "SCHEDULER.DEADLINE_TOO_SHORT", "\"body\",\"scheduling\",\"deadline\"",
                 arena_format(&request->arena,
                              "The deadline is too short. The minimum required duration between "
                              "submission and deadline is %s. Actual duration: %s.",
                              minimum, given),
                 NULL);
    response_problems(response, 400, &problems);
    response->problem = PROBLEM_DEADLINE_TOO_SHORT;
}

/* The server's own clock let them pass. */
static void render_not_future(Request *request, const char *past_fields, Response *response)
{
    static const char *const FIELDS[] = {"due_date", "deadline"};
    Problems problems;
    problems_init(&problems, &request->arena);
    for (size_t i = 0; i < ARRAY_COUNT(FIELDS); i++) {
        if (strstr(past_fields, FIELDS[i]) != NULL) {
            problems_add(&problems, "value_error",
                         arena_format(&request->arena, "\"body\",\"scheduling\",\"%s\"", FIELDS[i]),
                         FIELDS_NOT_FUTURE, NULL);
        }
    }
    response_problems(response, 422, &problems);
}

/* What would have been made. */
static void render_dry_run(const Creation *creation, const PGresult *result, Response *response)
{
    JsonWriter writer;
    response_begin(response, 200, &writer);
    writer_begin_object(&writer);
    writer_key(&writer, "dry_run");
    writer_bool(&writer, true);
    writer_key_string(&writer, "application_id", creation->run.application_id);
    row_string(&writer, "version_number", result, 0, CREATED_VERSION);
    writer_key_integer(&writer, "item_count", creation->run.item_count);
    writer_end_object(&writer);
}

static void render_create(Request *request, const PGresult *result, Response *response)
{
    const char *outcome = PQgetvalue(result, 0, OUTCOME);
    if (strcmp(outcome, "VERSION_NOT_FOUND") == 0) {
        response_error(response, 404, "application version not found");
        response->problem = PROBLEM_VERSION_NOT_FOUND;
        return;
    }
    const Creation *creation = request->state;
    if (strcmp(outcome, "INVALID") == 0) {
        response_problems(response, 422, &creation->problems);
        return;
    }
    if (strcmp(outcome, "RULES_BROKEN") == 0) {
        response_problems(response, 400, &creation->run.broken);
        return;
    }
    if (strcmp(outcome, "NOT_FUTURE") == 0) {
        render_not_future(request, PQgetvalue(result, 0, PAST_FIELDS), response);
        return;
    }
    if (strcmp(outcome, "DEADLINE_TOO_SHORT") == 0) {
        render_deadline_too_short(request, result, response);
        return;
    }
    if (strcmp(outcome, "VERSION_UNCHECKED") == 0) {
        response_error(response, 503, "The application gets new versions now: try again.");
        response->retry_after_seconds = RETRY_AFTER_SECONDS;
        return;
    }
    if (strcmp(outcome, "KEY_REUSED") == 0) {
        render_key_reused(request, response);
        return;
    }
    if (strcmp(outcome, "QUOTA_EXCEEDED") == 0) {
        quota_exceeded_render(request, PQgetvalue(result, 0, EXCEEDED_QUOTA), response);
        return;
    }
    if (strcmp(outcome, "VALID") == 0) {
        render_dry_run(creation, result, response);
        return;
    }
    JsonWriter writer;
    response_begin(response, 201, &writer);
    writer_begin_object(&writer);
    row_string(&writer, "run_id", result, 0, CREATED_RUN_ID);
    writer_end_object(&writer);
}

const Endpoint RUN_CREATION_ENDPOINTS[] = {
    {"POST", "/v1/runs", PERMISSION_USER, &CREATE_RUN, bind_create, render_create, .pooled = true,
     .learn = learn_version},
};
const size_t RUN_CREATION_ENDPOINT_COUNT = ARRAY_COUNT(RUN_CREATION_ENDPOINTS);
