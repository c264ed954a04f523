/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON writer: commas, nesting, escapes, numbers. */
#include "unit_test.h"

#include <math.h>

#include "json/writer.h"

static void a_document_with_every_kind_of_value(void **state)
{
    (void)state;
    AUTO_BUFFER out;
    buffer_init(&out, 1000);
    JsonWriter writer;
    writer_init(&writer, &out);
    writer_begin_object(&writer);
    writer_key_string(&writer, "text", "a\"b\\c\n\x01/\xc3\xa4");
    writer_key_string(&writer, "none", NULL);
    writer_key_integer(&writer, "integer", -5);
    writer_key(&writer, "list");
    writer_begin_array(&writer);
    writer_number(&writer, 1.50, 3);
    writer_number(&writer, -0.0001, 2);
    writer_number(&writer, NAN, 2);
    writer_bool(&writer, true);
    writer_begin_object(&writer);
    writer_end_object(&writer);
    writer_raw(&writer, TEXT("[1]"));
    writer_end_array(&writer);
    writer_end_object(&writer);
    assert_string_equal(buffer_to_string(&out),
                        "{\"text\":\"a\\\"b\\\\c\\n\\u0001/\xc3\xa4\",\"none\":null,"
                        "\"integer\":-5,\"list\":[1.5,0,null,true,{},[1]]}");
}

/* Each byte that needs an escape, at each place of a word of eight and behind it. */
static void escapes_are_found_at_every_place(void **state)
{
    (void)state;
    static const char SPECIAL[] = {'"', '\\', '\n', '\x1f', '\x01'};
    static const char *const ESCAPED[] = {"\\\"", "\\\\", "\\n", "\\u001f", "\\u0001"};
    for (size_t place = 0; place < 18; place++) {
        for (size_t i = 0; i < sizeof SPECIAL; i++) {
            char text[] = /* 18 bytes */ "aaaa\xc3\xa4 !#[]~\x7f\x80zzzz";
            text[place] = SPECIAL[i];
            AUTO_BUFFER expected;
            buffer_init(&expected, 1000);
            buffer_format(&expected, "\"%.*s%s%s\"", (int)place, text, ESCAPED[i],
                          text + place + 1);
            AUTO_BUFFER out;
            buffer_init(&out, 1000);
            JsonWriter writer;
            writer_init(&writer, &out);
            writer_string(&writer, text);
            assert_string_equal(buffer_to_string(&out), buffer_to_string(&expected));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_document_with_every_kind_of_value),
        cmocka_unit_test(escapes_are_found_at_every_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
