/* SPDX-License-Identifier: Apache-2.0 */
/* A document that is read one element at a time is taken and refused as when it is read whole. */
#include "unit_test.h"

#include <string.h>

#include "base/alloc.h"
#include "base/limits.h"
#include "json/long_list.h"

/* Reads all elements; gives their texts, or false and the error. */
static bool read_all(Text document, Buffer *elements, json_t **root_out, Error *error)
{
    LongList list;
    if (!long_list_open(document, "items", &list, error)) {
        return false;
    }
    LongListStep step = LONG_LIST_ELEMENT;
    while (step == LONG_LIST_ELEMENT) {
        AUTO_JSON *element = NULL;
        Text text;
        step = long_list_next(&list, &element, &text, error);
        if (step == LONG_LIST_ELEMENT) {
            AUTO_FREE char *again = document_to_string(element);
            buffer_format(elements, "%.*s=%s;", TEXT_ARGUMENTS(text), again);
        }
    }
    *root_out = json_incref(list.root);
    long_list_close(&list);
    return step == LONG_LIST_END;
}

static void assert_read(const char *document, const char *root_expected, const char *expected)
{
    AUTO_BUFFER elements;
    buffer_init(&elements, 4096);
    AUTO_JSON *root = NULL;
    Error error = {0};
    assert_true(read_all(text_of(document), &elements, &root, &error));
    AUTO_FREE char *outline = document_to_string(root);
    assert_string_equal(outline, root_expected);
    assert_string_equal(buffer_to_string(&elements), expected);
}

static void elements_come_one_by_one(void **state)
{
    (void)state;
    assert_read("{\"a\":[1],\"items\":[ {\"b\" :1.0}, [2 ] ,\"x\\u0041,]\",7 ],\"c\":null}",
                "{\"a\":[1],\"items\":[null,null,null,null],\"c\":null}",
                "{\"b\" :1.0}={\"b\":1.0};[2 ]=[2];\"x\\u0041,]\"=\"xA,]\";7=7;");
    assert_read("{\"items\":[]}", "{\"items\":[]}", "");
}

/* Only a list of the root object under this name is one. */
static void other_documents_are_read_whole(void **state)
{
    (void)state;
    assert_read("{\"items\":{\"0\":1}}", "{\"items\":{\"0\":1}}", "");
    assert_read("{\"a\":{\"items\":[1]}}", "{\"a\":{\"items\":[1]}}", "");
    assert_read("[\"items\",[1]]", "[\"items\",[1]]", "");
    assert_read("{\"it\\u0065ms\":[{\"b\" :1}]}", "{\"items\":[{\"b\":1}]}",
                "{\"b\":1}={\"b\":1};");
}

/* By hand: where jansson's grammar says that it breaks. */
static void the_first_error_is_told_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *document;
        const char *message;
    } CASES[] = {
        {"{\"items\":[{\"\xC3\xA9\":1},\n{\"b\":1x}]}", "line 2, column 7: '}' expected near 'x'"},
        {"{\"items\":[{\"\xC3\xA9\":1}, {\"b\" 1}], oops",
         "line 1, column 25: ':' expected near '1'"},
        {"{\"items\":[{\"\xC3\xA9\":1}] oops}", "line 1, column 23: '}' expected near 'oops'"},
        {"{\"items\":[1],\"items\":[2]}",
         "line 1, column 20: duplicate object key near '\"items\"'"},
        {"{\"items\":[{\"k\":1,\"k\":2}]}", "line 1, column 20: duplicate object key near '\"k\"'"},
    };
    for (size_t i = 0; i < ARRAY_COUNT(CASES); i++) {
        AUTO_BUFFER elements;
        buffer_init(&elements, 4096);
        AUTO_JSON *root = NULL;
        Error error = {0};
        assert_false(read_all(text_of(CASES[i].document), &elements, &root, &error));
        assert_string_equal(error.message, CASES[i].message);
    }
}

static unsigned next_random(unsigned *seed)
{
    *seed = *seed * 1103515245U + 12345U;
    return *seed >> 16;
}

/* Broken in every place and in many ways, it ends as document_parse ends. */
static void broken_documents_end_as_when_read_whole(void **state)
{
    (void)state;
    static const char GOOD[] =
        " {\"a\" : {\"items\":[1]},\n \"items\" : [ {\"\xC3\xA9\":[1,\"]\"]} ,\n"
        "[true,-1.5e3] , \"\\\"},{\" ,null],\"z\":\"\xE2\x82\xAC\"}\n";
    static const char PUT[] = "{}[],:\"\\ \n0x\0\x80\xC3-.n";
    unsigned seed = 1;
    int refused = 0;
    enum { ROUNDS = 40000 };
    for (int round = 0; round < ROUNDS; round++) {
        char document[sizeof GOOD];
        memcpy(document, GOOD, sizeof GOOD);
        Text text = {document, sizeof GOOD - 1};
        for (unsigned changes = 1 + next_random(&seed) % 3; changes > 0; changes--) {
            document[next_random(&seed) % text.length] = PUT[next_random(&seed) % (sizeof PUT - 1)];
        }
        if (round % 5 == 0) {
            text.length = next_random(&seed) % text.length;
        }
        AUTO_BUFFER elements;
        buffer_init(&elements, 4096);
        AUTO_JSON *whole = NULL;
        AUTO_JSON *root = NULL;
        Error expected = {0};
        Error error = {0};
        bool good = document_parse(text, &whole, &expected);
        assert_int_equal(read_all(text, &elements, &root, &error), good);
        assert_string_equal(error.message, expected.message);
        refused += good ? 0 : 1;
    }
    assert_in_range(refused, ROUNDS / 2, ROUNDS - ROUNDS / 100);
}

static char *many_values(const char *before, const char *behind)
{
    AUTO_BUFFER out;
    buffer_init(&out, 8L * SENT_VALUES_MAX);
    buffer_string(&out, before);
    for (int i = 0; i < SENT_VALUES_MAX; i++) {
        buffer_string(&out, i == 0 ? "[]" : ",[]");
    }
    buffer_string(&out, behind);
    return buffer_take(&out, NULL);
}

/* In one element, in the rest of the document, and as elements. */
static void too_many_values_are_refused(void **state)
{
    (void)state;
    static const char *const AROUND[][2] = {
        {"{\"items\":[1,[", "]]}"}, {"{\"items\":[1],\"a\":[", "]}"}, {"{\"items\":[", "]}"}};
    for (size_t i = 0; i < ARRAY_COUNT(AROUND); i++) {
        AUTO_FREE char *document = many_values(AROUND[i][0], AROUND[i][1]);
        AUTO_BUFFER elements;
        buffer_init(&elements, 4096);
        AUTO_JSON *root = NULL;
        Error error = {0};
        assert_false(read_all(text_of(document), &elements, &root, &error));
        assert_string_equal(error.message, "JSON holds more than 100000 values");
    }
}

static void depth_is_that_of_the_whole(void **state)
{
    (void)state;
    AUTO_BUFFER elements;
    buffer_init(&elements, 4096);
    AUTO_JSON *root = NULL;
    Error error = {0};
    /* Two levels around and 31 in the element. */
    assert_false(read_all(TEXT("{\"items\":[1,"
                               "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]"
                               "]}"),
                          &elements, &root, &error));
    assert_string_equal(error.message, "JSON is nested deeper than 32 levels");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_come_one_by_one),
        cmocka_unit_test(other_documents_are_read_whole),
        cmocka_unit_test(the_first_error_is_told_with_its_place),
        cmocka_unit_test(broken_documents_end_as_when_read_whole),
        cmocka_unit_test(too_many_values_are_refused),
        cmocka_unit_test(depth_is_that_of_the_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
