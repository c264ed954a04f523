/* SPDX-License-Identifier: Apache-2.0 */
/* Text within HTML and XML: what is escaped, and what stays. */
#include "unit_test.h"

#include "base/markup.h"

static void assert_escaped(Text text, const char *expected)
{
    AUTO_BUFFER out;
    buffer_init(&out, 256);
    markup_escape(&out, text);
    assert_string_equal(buffer_to_string(&out), expected);
}

static void what_could_be_markup_is_escaped(void **state)
{
    (void)state;
    assert_escaped(TEXT("\"><script>alert('a & b')</script>"),
                   "&quot;&gt;&lt;script&gt;alert(&#39;a &amp; b&#39;)&lt;/script&gt;");
    assert_escaped(TEXT("&lt;"), "&amp;lt;");
}

static void other_text_stays_as_it_is(void **state)
{
    (void)state;
    assert_escaped(TEXT(""), "");
    assert_escaped(TEXT("Größe 3 µm / 50 %\n"), "Größe 3 µm / 50 %\n");
    /* Of a view only its own bytes. */
    assert_escaped((Text){"ab<", 2}, "ab");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_could_be_markup_is_escaped),
        cmocka_unit_test(other_text_stays_as_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
