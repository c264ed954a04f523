/* SPDX-License-Identifier: Apache-2.0 */
/* The caller's quotas; see quotas_api.h. */
#include "quotas/quotas_api.h"

#include <string.h>

#include "http/rows.h"
#include "quotas_sql.h"
#include "json/reader.h"

static const Statement LIST_MY_QUOTAS = {"list_my_quotas", SQL_LIST_MY_QUOTAS, STATEMENT_READ, 2};

static const Statement *
bind_quotas(const Endpoint *endpoint, Request *request, Parameters *parameters, Response *response)
{
    (void)response;
    parameters_add(parameters, request->principal.organization_id);
    parameters_add(parameters, request->principal.user_id);
    return endpoint->statement;
}

static void write_quota(JsonWriter *writer, const PGresult *result, int row)
{
    enum { SCOPE, NAME, MAXIMUM, USED };
    writer_begin_object(writer);
    row_string(writer, "scope", result, row, SCOPE);
    row_string(writer, "name", result, row, NAME);
    row_raw(writer, "maximum", result, row, MAXIMUM);
    row_raw(writer, "used", result, row, USED);
    writer_end_object(writer);
}

static void render_quotas(Request *request, const PGresult *result, Response *response)
{
    (void)request;
    rows_render(result, write_quota, response);
}

/* "items_per_month" reads "items per month". */
static const char *in_words(const char *name, Arena *arena)
{
    char *words = arena_string(arena, text_of(name));
    for (char *c = words; *c != '\0'; c++) {
        *c = *c == '_' ? ' ' : *c;
    }
    return words;
}

void quota_exceeded_render(Request *request, const char *excess, Response *response)
{
    AUTO_JSON *quota = NULL;
    Error error = {0};
    if (!document_parse(text_of(excess), &quota, &error)) {
        response_of_error(response, &error);
        return;
    }
    const char *scope = document_string(quota, "scope");
    const char *sentence = arena_format(
        &request->arena,
        "A quota limit would be exceeded by this run: %s of the %s, limit %lld, used %lld, asked "
        "for %lld",
        in_words(document_string(quota, "name"), &request->arena), scope,
        json_integer_value(json_object_get(quota, "maximum")),
        json_integer_value(json_object_get(quota, "used")),
        json_integer_value(json_object_get(quota, "requested")));
    JsonWriter writer;
    response_begin(response, 402, &writer);
    writer_begin_object(&writer);
    writer_key_string(&writer, "detail", sentence);
    writer_key(&writer, "quota");
    writer_raw(&writer, text_of(excess));
    writer_end_object(&writer);
    response->problem = PROBLEM_QUOTA_EXCEEDED;
}

const Endpoint QUOTA_ENDPOINTS[] = {
    {.method = "GET",
     .path = "/v1/quotas",
     .permission = PERMISSION_USER,
     .statement = &LIST_MY_QUOTAS,
     .bind = bind_quotas,
     .render = render_quotas},
};
const size_t QUOTA_ENDPOINT_COUNT = ARRAY_COUNT(QUOTA_ENDPOINTS);
