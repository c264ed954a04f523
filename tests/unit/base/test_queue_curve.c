/* SPDX-License-Identifier: Apache-2.0 */
/* Goal: a curve is read as it was written, gives what lies between its knots, and nothing else is
 * one. */
#include "base/queue_curve.h"

#include "unit_test.h"

static QueueCurve parsed(const char *text)
{
    QueueCurve curve;
    assert_true(queue_curve_parse(text, &curve));
    return curve;
}

static void assert_at(const QueueCurve *curve, int place, int organization, int platform)
{
    QueueKnot knot = queue_curve_at(curve, place);
    assert_int_equal(knot.place, place);
    assert_int_equal(knot.organization, organization);
    assert_int_equal(knot.platform, platform);
}

static void what_is_no_curve_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "{}",
        "{0,1}",
        "0,1,2",
        "{0,1,2",
        "{0,1,x}",
        "{0,1,2,}",
        "{0,1,2,3}",
        "{1,1,2}",
        "{0,-1,2}",
        "{0,NULL,2}",
        "{0,1,2,0,1,2}",
        "{0,5,5,1,4,5}",
        "{0,5,5,1,5,4}",
        "{0,1,3000000000}",
    };
    for (size_t i = 0; i < ARRAY_COUNT(texts); i++) {
        QueueCurve curve = {.count = 77};
        assert_false(queue_curve_parse(texts[i], &curve));
        assert_int_equal(curve.count, 77);
    }
}

static void a_curve_of_more_knots_than_there_may_be_is_refused(void **state)
{
    (void)state;
    AUTO_BUFFER text;
    buffer_init(&text, 4096);
    for (int i = 0; i <= QUEUE_KNOTS_MAX; i++) {
        buffer_format(&text, "%c%d,%d,%d", i == 0 ? '{' : ',', i, i, i);
    }
    buffer_byte(&text, '}');
    QueueCurve curve;
    assert_false(queue_curve_parse(buffer_to_string(&text), &curve));
}

static void one_knot_goes_on_item_by_item(void **state)
{
    (void)state;
    QueueCurve curve = parsed("{0,7,90}");
    assert_at(&curve, 0, 7, 90);
    assert_at(&curve, 1, 8, 91);
    assert_at(&curve, 9999, 10006, 10089);
}

static void between_knots_it_is_straight(void **state)
{
    (void)state;
    QueueCurve curve = parsed("{0,0,0,10,10,100,12,20,2000000000}");
    assert_at(&curve, 5, 5, 50);
    assert_at(&curve, 9, 9, 90);
    assert_at(&curve, 10, 10, 100);
    assert_at(&curve, 11, 15, 1000000050);
    assert_at(&curve, 13, 21, 2000000001);
}

static void a_curve_is_written_as_it_is_read(void **state)
{
    (void)state;
    static const char TEXT_OF_CURVE[] = "{0,3,4,7,10,100}";
    QueueCurve curve = parsed(TEXT_OF_CURVE);
    AUTO_BUFFER text;
    buffer_init(&text, QUEUE_CURVE_TEXT_BYTES_MAX);
    queue_curve_write(&curve, &text);
    assert_string_equal(buffer_to_string(&text), TEXT_OF_CURVE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_curve_is_refused),
        cmocka_unit_test(a_curve_of_more_knots_than_there_may_be_is_refused),
        cmocka_unit_test(one_knot_goes_on_item_by_item),
        cmocka_unit_test(between_knots_it_is_straight),
        cmocka_unit_test(a_curve_is_written_as_it_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
