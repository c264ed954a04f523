/* SPDX-License-Identifier: Apache-2.0 */
/* The parameters of lists; see listing.h. */
#include "http/listing.h"

#include <string.h>

#include "base/parse.h"
#include "db/array.h"

enum { ARRAY_BYTES_MAX = REQUEST_URL_BYTES_MAX * 2 };

static void
number_problem(Arena *arena, const char *name, Text value, int64_t maximum, Problems *problems)
{
    const char *location = arena_format(arena, "\"query\",\"%s\"", name);
    int64_t number = 0;
    if (!parse_int64(value, INT64_MIN, INT64_MAX, &number)) {
        problems_add(problems, "int_parsing", location, "Input should be a valid integer", NULL);
    } else if (number < 1) {
        problems_add(problems, "greater_than_equal", location,
                     "Input should be greater than or equal to 1", NULL);
    } else {
        problems_add(
            problems, "less_than_equal", location,
            arena_format(arena, "Input should be less than or equal to %lld", (long long)maximum),
            NULL);
    }
}

static void read_number(
    const Request *request, const char *name, int64_t maximum, int64_t *value, Problems *problems)
{
    Text given = request_query(request, name);
    if (given.bytes != NULL && !parse_int64(given, 1, maximum, value)) {
        number_problem(problems->arena, name, given, maximum, problems);
    }
}

static bool is_digits(Text text)
{
    for (size_t i = 0; i < text.length; i++) {
        if (text.bytes[i] < '0' || text.bytes[i] > '9') {
            return false;
        }
    }
    return text.length > 0;
}

/* A page has no upper bound: those past the end are empty, however large their number is. */
static void read_page(const Request *request, int64_t *page, Problems *problems)
{
    Text given = request_query(request, "page");
    int64_t number = 0;
    bool beyond = is_digits(given) &&
                  (!parse_int64(given, 0, INT64_MAX, &number) || number > PAGE_NUMBER_MAX);
    if (beyond) {
        *page = PAGE_NUMBER_MAX;
    } else {
        read_number(request, "page", PAGE_NUMBER_MAX, page, problems);
    }
}

static const char *find_sortable(Text name, const char *const *sortable)
{
    for (; *sortable != NULL; sortable++) {
        if (text_is(name, *sortable)) {
            return *sortable;
        }
    }
    return NULL;
}

/* Named a second time a field changes no order. */
static bool is_sorted_by(const Listing *listing, const char *field)
{
    for (int i = 0; i < listing->sort_count; i++) {
        if (listing->sort_fields[i] == field) {
            return true;
        }
    }
    return false;
}

static void
read_sort(const Request *request, const char *const *sortable, Listing *listing, Problems *problems)
{
    for (size_t index = 0;; index++) {
        Text value = request_query_at(request, "sort", index);
        if (value.bytes == NULL) {
            return;
        }
        const char *location = arena_format(problems->arena, "\"query\",\"sort\",%zu", index);
        bool descending = text_starts_with(value, "-");
        bool signed_name =
            descending || text_starts_with(value, "+") || text_starts_with(value, " ");
        const char *field = find_sortable(signed_name ? text_from(value, 1) : value, sortable);
        if (field == NULL) {
            problems_add(problems, "value_error", location,
                         "The list cannot be sorted by this field", NULL);
            continue;
        }
        if (is_sorted_by(listing, field)) {
            continue;
        }
        if (listing->sort_count == SORT_FIELDS_MAX) {
            problems_add(problems, "too_long", location, "Too many fields to sort by", NULL);
            return;
        }
        listing->sort_fields[listing->sort_count] = field;
        listing->sort_descending[listing->sort_count++] = descending;
    }
}

void listing_read(const Request *request,
                  const char *const *sortable,
                  Listing *listing_out,
                  Problems *problems)
{
    Listing listing = {.page = 1, .page_size = PAGE_SIZE_DEFAULT};
    read_page(request, &listing.page, problems);
    read_number(request, "page_size", PAGE_SIZE_MAX, &listing.page_size, problems);
    read_number(request, "page-size", PAGE_SIZE_MAX, &listing.page_size, problems);
    read_sort(request, sortable, &listing, problems);
    *listing_out = listing;
}

bool listing_is_sorted_by(const Listing *listing, const char *field, bool descending)
{
    return listing->sort_count == 1 && strcmp(listing->sort_fields[0], field) == 0 &&
           listing->sort_descending[0] == descending;
}

static const char *sort_fields(const Listing *listing, Arena *arena)
{
    const char *list = "";
    for (int i = 0; i < listing->sort_count; i++) {
        list = arena_format(arena, "%s%s%s", list, i > 0 ? "," : "", listing->sort_fields[i]);
    }
    return arena_format(arena, "{%s}", list);
}

static const char *sort_descending(const Listing *listing, Arena *arena)
{
    const char *list = "";
    for (int i = 0; i < listing->sort_count; i++) {
        list = arena_format(arena, "%s%s%s", list, i > 0 ? "," : "",
                            listing->sort_descending[i] ? "t" : "f");
    }
    return arena_format(arena, "{%s}", list);
}

void listing_bind(const Listing *listing, Arena *arena, Parameters *parameters)
{
    parameters_add(parameters, sort_fields(listing, arena));
    parameters_add(parameters, sort_descending(listing, arena));
    listing_bind_page(listing, arena, parameters);
}

void listing_bind_page(const Listing *listing, Arena *arena, Parameters *parameters)
{
    long long offset = (listing->page - 1) * listing->page_size;
    parameters_add(parameters, arena_format(arena, "%lld", (long long)listing->page_size));
    parameters_add(parameters, arena_format(arena, "%lld", offset));
}

const char *listing_array(const Request *request, const char *name, Problems *problems)
{
    if (request_query(request, name).bytes == NULL) {
        return NULL;
    }
    AUTO_ARRAY list;
    array_init(&list, ARRAY_BYTES_MAX);
    for (size_t i = 0; request_query_at(request, name, i).bytes != NULL; i++) {
        array_add(&list, request_query_at(request, name, i));
    }
    const char *taken = list.count <= QUERY_VALUES_MAX ? array_take(&list, problems->arena) : NULL;
    if (taken == NULL) {
        problems_add(
            problems, "too_long", arena_format(problems->arena, "\"query\",\"%s\"", name),
            arena_format(problems->arena, "At most %d values are accepted", QUERY_VALUES_MAX),
            NULL);
    }
    return taken;
}
