/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The official test suite of JSON Schema, as Debian's json-schema-test-suite has it: every required
 * case of draft7, and of the optional ones all but those named in LEFT_OUT.
 */
#include "unit_test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "json/reader.h"
#include "json/schema.h"

#define SUITE "/usr/share/json-schema-test-suite"

enum {
    FILE_BYTES_MAX = 1024 * 1024,
    FILES_LEAST = 36,
    CASES_LEAST = 424 /* of version 2.0.0 */
};

static const struct {
    const char *name;
    const char *reason;
} LEFT_OUT[] = {
    {"optional/bignum.json", "the reader refuses integers beyond 64 bits"},
    {"optional/content.json", "content* is an annotation: nothing is decoded"},
    {"optional/ecmascript-regex.json", "its only case is about format, an annotation"},
    {"optional/format", "format is an annotation, as the draft lets it be"},
};

/* What refRemote.json finds at http://localhost:1234; nothing is fetched here, so it is given. */
static const char *const REMOTES[] = {"integer.json", "name.json", "subSchemas.json",
                                      "folder/folderInteger.json"};
static json_t *remotes[ARRAY_COUNT(REMOTES)];
static SchemaDocument documents[ARRAY_COUNT(REMOTES)];
static char uris[ARRAY_COUNT(REMOTES)][64];
static const SchemaDocuments KNOWN = {documents, ARRAY_COUNT(REMOTES)};

typedef struct Tally {
    int files;
    int cases;
    int failed;
} Tally;

static json_t *read_file(const char *path)
{
    json_t *root = NULL;
    Error error = {0};
    if (!document_read(path, FILE_BYTES_MAX, &root, &error)) {
        fail_msg("%s", error.message);
    }
    return root;
}

static void run_group(const char *file, const json_t *group, Tally *tally)
{
    AUTO_SCHEMA *schema = NULL;
    Error error = {0};
    const char *title = document_string(group, "description");
    const json_t *cases = json_object_get(group, "tests");
    tally->cases += (int)json_array_size(cases);
    if (!schema_compile(json_object_get(group, "schema"), &KNOWN, &schema, &error)) {
        print_error("%s: %s: not compiled: %s\n", file, title, error.message);
        tally->failed += (int)json_array_size(cases);
        return;
    }
    size_t index = 0;
    const json_t *one = NULL;
    json_array_foreach(cases, index, one)
    {
        AUTO_ARENA arena;
        arena_init(&arena);
        AUTO_FREE SchemaProblems *problems = ALLOC_NEW(SchemaProblems);
        schema_problems_init(problems, &arena, SCHEMA_STEPS_MAX);
        bool accepted = schema_check(schema, json_object_get(one, "data"), problems);
        assert_true(accepted == (problems->count == 0));
        if (accepted != json_is_true(json_object_get(one, "valid"))) {
            print_error("%s: %s: %s: %s\n", file, title, document_string(one, "description"),
                        accepted ? "accepted" : problems->items[0].message);
            tally->failed++;
        }
    }
}

static void run_file(const char *name, Tally *tally)
{
    AUTO_FREE char *path = alloc_format(SUITE "/tests/draft7/%s", name);
    AUTO_JSON *groups = read_file(path);
    size_t index = 0;
    const json_t *group = NULL;
    json_array_foreach(groups, index, group)
    {
        run_group(name, group, tally);
    }
    tally->files++;
}

static bool is_left_out(const char *name)
{
    for (size_t i = 0; i < ARRAY_COUNT(LEFT_OUT); i++) {
        if (strcmp(LEFT_OUT[i].name, name) == 0) {
            print_message("left out: %s: %s\n", name, LEFT_OUT[i].reason);
            return true;
        }
    }
    return false;
}

static void run_folder(const char *folder, Tally *tally)
{
    AUTO_FREE char *path = alloc_format(SUITE "/tests/draft7/%s", folder);
    DIR *listing = opendir(path);
    assert_non_null(listing);
    for (struct dirent *entry = readdir(listing); entry != NULL; entry = readdir(listing)) {
        AUTO_FREE char *name = alloc_format("%s%s", folder, entry->d_name);
        if (entry->d_name[0] != '.' && strcmp(name, "optional") != 0 && !is_left_out(name)) {
            run_file(name, tally);
        }
    }
    closedir(listing);
}

static void every_required_case_of_draft7_is_decided_as_the_suite_says(void **state)
{
    (void)state;
    Tally tally = {0};
    run_folder("", &tally);
    run_folder("optional/", &tally);
    print_message("%d files, %d cases, %d failed\n", tally.files, tally.cases, tally.failed);
    assert_int_equal(tally.failed, 0);
    assert_true(tally.files >= FILES_LEAST);
    assert_true(tally.cases >= CASES_LEAST);
}

static int read_remotes(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(REMOTES); i++) {
        AUTO_FREE char *path = alloc_format(SUITE "/remotes/%s", REMOTES[i]);
        remotes[i] = read_file(path);
        snprintf(uris[i], sizeof uris[i], "http://localhost:1234/%s", REMOTES[i]);
        documents[i] = (SchemaDocument){uris[i], remotes[i]};
    }
    return 0;
}

static int drop_remotes(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(REMOTES); i++) {
        json_decref(remotes[i]);
    }
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_required_case_of_draft7_is_decided_as_the_suite_says),
    };
    return cmocka_run_group_tests(tests, read_remotes, drop_remotes);
}
