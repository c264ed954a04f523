/* SPDX-License-Identifier: Apache-2.0 */
/* Shared reads; see run_reads.h. */
#include "cli/run_reads.h"

#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "cli/print.h"
#include "json/reader.h"

bool page_read(ApiClient *client, const PageRequest *request, json_t **page_out, Error *error)
{
    AUTO_FREE char *path =
        alloc_format("%s?page=%lld&page_size=%lld%s", request->path, (long long)request->page,
                     (long long)request->page_size, request->parameters);
    AUTO_JSON *page = NULL;
    if (!api_get(client, path, &page, error)) {
        return false;
    }
    if (!json_is_array(page)) {
        return error_set(error, ERROR_UNAVAILABLE, "the answer of %s is no list", client->url);
    }
    *page_out = TAKE(page);
    return true;
}

bool list_read(ApiClient *client, const ListRequest *request, json_t **list_out, Error *error)
{
    AUTO_JSON *list = json_array();
    int64_t wanted = request->count_max > 0 ? request->count_max : INT64_MAX;
    PageRequest ask = {request->path, request->parameters, 1, PAGE_SIZE_MAX};
    for (; ask.page <= PAGE_MAX && (int64_t)json_array_size(list) < wanted; ask.page++) {
        AUTO_JSON *page = NULL;
        if (!page_read(client, &ask, &page, error)) {
            return false;
        }
        json_array_extend(list, page);
        if ((int64_t)json_array_size(page) < ask.page_size) {
            break;
        }
    }
    while ((int64_t)json_array_size(list) > wanted) {
        json_array_remove(list, json_array_size(list) - 1);
    }
    *list_out = TAKE(list);
    return true;
}

bool run_id_read(const char *operand, Uuid *run_id_out, Error *error)
{
    return uuid_parse(text_of(operand), run_id_out) ||
           error_set(error, ERROR_INVALID, "'%s' is no run's id; `slideway run list` shows them",
                     operand);
}

bool run_read(ApiClient *client, const Uuid *run_id, json_t **run_out, Error *error)
{
    AUTO_FREE char *path = alloc_format("/v1/runs/%s", run_id->text);
    return api_get(client, path, run_out, error);
}

bool items_read(ApiClient *client, const Uuid *run_id, json_t **items_out, Error *error)
{
    AUTO_FREE char *path = alloc_format("/v1/runs/%s/items", run_id->text);
    ListRequest request = {path, "", 0};
    return list_read(client, &request, items_out, error);
}

static void hide_urls_of(json_t *artifacts)
{
    size_t index = 0;
    json_t *artifact = NULL;
    json_array_foreach(artifacts, index, artifact)
    {
        json_object_del(artifact, "download_url");
    }
}

void items_hide_urls(json_t *items)
{
    size_t index = 0;
    json_t *item = NULL;
    json_array_foreach(items, index, item)
    {
        hide_urls_of(json_object_get(item, "input_artifacts"));
        hide_urls_of(json_object_get(item, "output_artifacts"));
    }
}

const char *item_word(const json_t *item)
{
    const char *reason = member_text(item, "termination_reason");
    const char *state = member_text(item, "state");
    return reason != NULL ? reason : state != NULL ? state : "UNKNOWN";
}

int64_t run_statistic(const json_t *run, const char *key)
{
    return json_integer_value(json_object_get(json_object_get(run, "statistics"), key));
}

bool run_has_ended(const json_t *run)
{
    const char *state = member_text(run, "state");
    return state != NULL && strcmp(state, "TERMINATED") == 0;
}

bool run_is_success(const json_t *run)
{
    return run_has_ended(run) && run_statistic(run, "item_count") > 0 &&
           run_statistic(run, "item_succeeded_count") == run_statistic(run, "item_count");
}
