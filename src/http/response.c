/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies of answers; see response.h. */
#include "http/response.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/limits.h"

struct Problem {
    Problem *next;
    const char *type;
    const char *location;
    const char *message;
    const char *input;
    const char *context;
};

static const int STATUS_OF_CODE[ERROR_CODE_COUNT] = {
    [ERROR_NONE] = 500,      [ERROR_INVALID] = 422,   [ERROR_UNAUTHORIZED] = 401,
    [ERROR_FORBIDDEN] = 403, [ERROR_NOT_FOUND] = 404, [ERROR_CONFLICT] = 409,
    [ERROR_GONE] = 410,      [ERROR_LIMIT] = 413,     [ERROR_UNAVAILABLE] = 503,
    [ERROR_INTERNAL] = 500,
};

void response_begin(Response *response, int status, JsonWriter *writer)
{
    buffer_reset(&response->body);
    response->status = status;
    response->content_type = NULL;
    response->problem = PROBLEM_BY_STATUS;
    writer_init(writer, &response->body);
}

static void write_problem(JsonWriter *writer, const Problem *problem)
{
    writer_begin_object(writer);
    writer_key(writer, "loc");
    writer_begin_array(writer);
    writer_raw(writer, text_of(problem->location));
    writer_end_array(writer);
    writer_key_string(writer, "msg", problem->message);
    writer_key_string(writer, "type", problem->type);
    if (problem->input != NULL) {
        writer_key(writer, "input");
        writer_raw(writer, text_of(problem->input));
    }
    if (problem->context != NULL) {
        writer_key(writer, "ctx");
        writer_raw(writer, text_of(problem->context));
    }
    writer_end_object(writer);
}

static void write_detail(Response *response, int status, const Problem *first)
{
    JsonWriter writer;
    response_begin(response, status, &writer);
    writer_begin_object(&writer);
    writer_key(&writer, "detail");
    writer_begin_array(&writer);
    for (const Problem *problem = first; problem != NULL; problem = problem->next) {
        write_problem(&writer, problem);
    }
    writer_end_array(&writer);
    writer_end_object(&writer);
}

void response_error(Response *response, int status, const char *format, ...)
{
    char message[ERROR_MESSAGE_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    /* What was cut in the middle of a character is not worth an invalid document. */
    const char *shown = text_is_utf8(text_of(message)) ? message : "The request failed.";
    if (status == 422) {
        /* Clients read the detail of a 422 as a list, always. */
        Problem problem = {
            .type = "value_error", .location = "\"request\"", .message = shown, .input = NULL};
        write_detail(response, status, &problem);
        return;
    }
    JsonWriter writer;
    response_begin(response, status, &writer);
    writer_begin_object(&writer);
    writer_key_string(&writer, "detail", shown);
    writer_end_object(&writer);
}

void response_of_error(Response *response, const Error *error)
{
    int status = STATUS_OF_CODE[error->code];
    response_error(response, status, "%s",
                   status == 500 ? "Internal Server Error" : error->message);
    if (status == 503) {
        response->retry_after_seconds = RETRY_AFTER_SECONDS;
    }
}

void response_null(Response *response, int status)
{
    JsonWriter writer;
    response_begin(response, status, &writer);
    writer_null(&writer);
}

static void redirect(Response *response, int status, const char *location)
{
    buffer_reset(&response->body);
    response->status = status;
    response->location = location;
    response->no_store = true;
}

void response_redirect(Response *response, const char *location)
{
    redirect(response, 307, location);
}

void response_see_other(Response *response, const char *location)
{
    redirect(response, 303, location);
}

void problems_init(Problems *problems, Arena *arena)
{
    *problems = (Problems){.arena = arena};
}

void problems_add(Problems *problems,
                  const char *type,
                  const char *location,
                  const char *message,
                  const char *input)
{
    if (problems->count++ >= PROBLEMS_MAX) {
        return;
    }
    Problem *problem = arena_alloc(problems->arena, sizeof *problem);
    problem->type = arena_string(problems->arena, text_of(type));
    problem->location = arena_string(problems->arena, text_of(location));
    problem->message = arena_string(problems->arena, text_of(message));
    problem->input = input == NULL ? NULL : arena_string(problems->arena, text_of(input));
    if (problems->last == NULL) {
        problems->first = problem;
    } else {
        problems->last->next = problem;
    }
    problems->last = problem;
}

void problems_set_context(Problems *problems, const char *context)
{
    if (context != NULL && problems->count <= PROBLEMS_MAX) {
        problems->last->context = arena_string(problems->arena, text_of(context));
    }
}

bool problems_refuse(const Problems *problems, Response *response)
{
    if (problems->count > 0) {
        response_problems(response, 422, problems);
    }
    return problems->count > 0;
}

void response_problems(Response *response, int status, const Problems *problems)
{
    write_detail(response, status, problems->first);
}
