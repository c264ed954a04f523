/* SPDX-License-Identifier: Apache-2.0 */
/* XML of object stores: what it says, and what a hostile one is refused for. */
#include "unit_test.h"

#include "base/alloc.h"
#include "base/buffer.h"
#include "objectstore/xml.h"

static void write_element(void *context, const char *path, Text text)
{
    assert_non_null(text.bytes); /* also of an empty one */
    buffer_format(context, "%s=%.*s;", path, TEXT_ARGUMENTS(text));
}

static bool walk(const char *document, Buffer *seen, Error *error)
{
    buffer_init(seen, 1 << 20);
    return xml_walk(text_of(document), write_element, seen, error);
}

static void elements_are_shown_when_they_end(void **state)
{
    (void)state;
    AUTO_BUFFER seen;
    Error error = {0};
    assert_true(walk("<?xml version=\"1.0\" encoding=\"UTF-8\"?>"
                     "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
                     "<Contents><Key>a&amp;b&#228;</Key><Size> 5 </Size></Contents>"
                     "<s:Empty xmlns:s=\"urn:s\"/></ListBucketResult>",
                     &seen, &error));
    assert_string_equal(
        buffer_to_string(&seen),
        "ListBucketResult/Contents/Key=a&b\xc3\xa4;ListBucketResult/Contents/Size= 5 ;"
        "ListBucketResult/Contents=;ListBucketResult/Empty=;ListBucketResult=;");
}

static void a_hostile_document_is_refused(void **state)
{
    (void)state;
    static const char *const HOSTILE[] = {
        "",
        "<a>",
        "<a></b>",
        "<a/><b/>",
        "not XML",
        "<a>\xff</a>",
        "<!DOCTYPE a><a/>",
        "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>",
        "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>",
        "<!DOCTYPE a SYSTEM \"http://127.0.0.1:1/a.dtd\"><a/>",
        "<a>&unknown;</a>",
        "<a><a><a><a><a><a><a><a><a/></a></a></a></a></a></a></a></a>",
    };
    for (size_t i = 0; i < ARRAY_COUNT(HOSTILE); i++) {
        AUTO_BUFFER seen;
        Error error = {0};
        assert_false(walk(HOSTILE[i], &seen, &error));
        assert_int_equal(error.code, ERROR_INVALID);
        assert_null(strstr(buffer_to_string(&seen), "root:"));
    }
}

/* A document with `length` times a byte in `before` … `after`. */
static bool walk_long(const char *before, char byte, size_t length, const char *after)
{
    AUTO_BUFFER document;
    AUTO_BUFFER seen;
    Error error = {0};
    buffer_init(&document, 1 << 20);
    buffer_string(&document, before);
    for (size_t i = 0; i < length; i++) {
        buffer_byte(&document, byte);
    }
    buffer_string(&document, after);
    return walk(buffer_to_string(&document), &seen, &error);
}

static void texts_and_names_have_limits(void **state)
{
    (void)state;
    assert_true(walk_long("<a>", 'x', XML_TEXT_BYTES_MAX, "</a>"));
    assert_false(walk_long("<a>", 'x', XML_TEXT_BYTES_MAX + 1, "</a>"));
    assert_true(walk_long("<", 'n', XML_PATH_BYTES_MAX - 2, "/>"));
    assert_false(walk_long("<", 'n', XML_PATH_BYTES_MAX, "/>"));
    assert_true(walk_long("<a>", ' ', 100, "<b/></a>"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_are_shown_when_they_end),
        cmocka_unit_test(a_hostile_document_is_refused),
        cmocka_unit_test(texts_and_names_have_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
