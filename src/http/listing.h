/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists: the query parameters page, page_size (also spelt page-size) and sort that every list
 * takes. A sort field is "name", "+name" or "-name"; an unescaped '+' arrives as a space.
 */
#pragma once
#include <stdbool.h>

#include "base/arena.h"
#include "base/limits.h"
#include "db/statement.h"
#include "http/request.h"
#include "http/response.h"

typedef struct Listing {
    int64_t page;
    int64_t page_size;
    const char *sort_fields[SORT_FIELDS_MAX]; /* one of the allowed names, without its sign */
    bool sort_descending[SORT_FIELDS_MAX];
    int sort_count;
} Listing;

/* Reads the parameters; wrong ones are added to `problems`. `sortable` ends in NULL. */
void listing_read(const Request *request,
                  const char *const *sortable,
                  Listing *listing_out,
                  Problems *problems);
/* Whether the list is sorted by this one field and in this direction. */
bool listing_is_sorted_by(const Listing *listing, const char *field, bool descending);
/* Adds the parameters that every list ends with: the sort as two arrays, {name,…} and {t,…}, and
 * then those of listing_bind_page. */
void listing_bind(const Listing *listing, Arena *arena, Parameters *parameters);
/* Adds the page size and the number of rows before the page. */
void listing_bind_page(const Listing *listing, Arena *arena, Parameters *parameters);
/* The values of a repeated parameter as an array literal; NULL when it is absent. Values past
 * QUERY_VALUES_MAX become a problem. */
const char *listing_array(const Request *request, const char *name, Problems *problems);
