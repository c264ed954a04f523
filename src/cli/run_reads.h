/* SPDX-License-Identifier: Apache-2.0 */
/* Reads of runs and items that several commands share. */
#pragma once
#include <jansson.h>
#include <stdbool.h>

#include "base/attributes.h"
#include "base/error.h"
#include "base/uuid.h"
#include "cli/api_client.h"

/* A list that is read page by page until a page is short. */
typedef struct ListRequest {
    const char *path;       /* "/v1/runs" */
    const char *parameters; /* "&application_id=he-tme", encoded, or "" */
    int64_t count_max;      /* 0: all */
} ListRequest;

/* *list_out is an array; AUTO_JSON. */
MUST_CHECK bool
list_read(ApiClient *client, const ListRequest *request, json_t **list_out, Error *error);
/* One page of it; a page size of PAGE_SIZE_MAX at most. */
typedef struct PageRequest {
    const char *path;
    const char *parameters;
    int64_t page;
    int64_t page_size;
} PageRequest;
MUST_CHECK bool
page_read(ApiClient *client, const PageRequest *request, json_t **page_out, Error *error);

/* The operand as an id; only a UUID gets into a path. */
MUST_CHECK bool run_id_read(const char *operand, Uuid *run_id_out, Error *error);
MUST_CHECK bool run_read(ApiClient *client, const Uuid *run_id, json_t **run_out, Error *error);
/* All items of the run; *items_out is an array. */
MUST_CHECK bool items_read(ApiClient *client, const Uuid *run_id, json_t **items_out, Error *error);

/* Takes the signed URLs out of items that are to be printed. */
void items_hide_urls(json_t *items);

/* One word for an item: its state, or why it ended. */
const char *item_word(const json_t *item);
/* A number of the run's statistics ("item_count"). */
int64_t run_statistic(const json_t *run, const char *key);
bool run_has_ended(const json_t *run);
/* Whether the run ended and every one of its items succeeded. */
bool run_is_success(const json_t *run);
