/* SPDX-License-Identifier: Apache-2.0 */
/* Each clause of the rule (docs/scheduling.md) by cases made by hand. */
#include "jobs/fair_queue.h"

#include "unit_test.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

enum { EVERY_CLASS = (1 << FAIR_CLASSES_MAX) - 1 };

/* A run of never-tried items; the digit ends its id and is its context. */
static FairRunState waiting(char digit, int item_count, int64_t due_us, int64_t submitted_us)
{
    static char contexts[128][2];
    FairRunState state = {
        .key = {.due_us = due_us, .submitted_us = submitted_us},
        .item_count = item_count,
        .context = contexts[(int)digit],
    };
    contexts[(int)digit][0] = digit;
    snprintf(state.key.run_id.text, sizeof state.key.run_id.text,
             "00000000-0000-7000-8000-00000000000%c", digit);
    return state;
}

static FairRun *add(FairQueue *queue, FairOrganization *organization, char digit, int item_count)
{
    FairRunState state = waiting(digit, item_count, FAIR_NEVER_DUE, digit);
    return fair_queue_add_run(queue, organization, &state);
}

/* Takes turns of a claim of `wanted` items and compares them with what stands in `expected`: for
 * each item its run's digit and its ordinal. */
static void assert_claim(FairQueue *queue, unsigned classes, int wanted, const char *expected)
{
    char claimed[512] = "";
    size_t length = 0;
    FairTurn turn;
    while (wanted > 0 && fair_queue_turn(queue, classes, wanted, &turn)) {
        wanted -= turn.count;
        for (int i = 0; i < turn.count; i++) {
            length += (size_t)snprintf(claimed + length, sizeof claimed - length, "%s%s%d",
                                       length == 0 ? "" : " ",
                                       (const char *)fair_run_context(turn.run), turn.ordinals[i]);
        }
    }
    assert_string_equal(claimed, expected);
}

static void nothing_is_taken_from_an_empty_queue(void **state)
{
    (void)state;
    FairQueue *queue = fair_queue_create(4, 0);
    FairTurn turn;
    assert_false(fair_queue_turn(queue, EVERY_CLASS, 1, &turn));
    FairOrganization *a = fair_queue_add_organization(queue, "a", 1, 0);
    add(queue, a, '1', 0);
    assert_false(fair_queue_turn(queue, EVERY_CLASS, 1, &turn));
    fair_queue_destroy(queue);
    fair_queue_destroy(NULL);
}

static void a_run_has_at_most_the_batch_limit_in_work(void **state)
{
    (void)state;
    FairQueue *queue = fair_queue_create(4, 0);
    FairOrganization *a = fair_queue_add_organization(queue, "a", 1, 0);
    FairRun *run = add(queue, a, '1', 10);
    assert_claim(queue, EVERY_CLASS, 3, "10 11 12");
    assert_claim(queue, EVERY_CLASS, 9, "13");
    assert_claim(queue, EVERY_CLASS, 1, "");
    assert_int_equal(fair_run_waiting(run), 6);
    assert_int_equal(fair_run_in_work(run), 4);
    fair_queue_release(queue, run, 2);
    assert_claim(queue, EVERY_CLASS, 9, "14 15");
    fair_queue_destroy(queue);
}

static void a_lower_limit_takes_nothing_away_and_a_higher_one_gives_at_once(void **state)
{
    (void)state;
    FairQueue *queue = fair_queue_create(4, 0);
    FairOrganization *a = fair_queue_add_organization(queue, "a", 1, 0);
    FairRun *run = add(queue, a, '1', 20);
    assert_claim(queue, EVERY_CLASS, 4, "10 11 12 13");
    fair_queue_set_batch_limit(queue, 2);
    fair_queue_release(queue, run, 2);
    assert_claim(queue, EVERY_CLASS, 9, "");
    fair_queue_release(queue, run, 1);
    assert_claim(queue, EVERY_CLASS, 9, "14");
    fair_queue_set_batch_limit(queue, 3);
    assert_claim(queue, EVERY_CLASS, 9, "15");
    fair_queue_destroy(queue);
}

static void the_batch_limit_is_the_share_of_slots_within_its_bounds(void **state)
{
    (void)state;
    static const struct {
        int64_t slots;
        int64_t runs;
        int batch_max;
        int expected;
    } cases[] = {
        {0, 0, 4, 4}, {0, 1, 4, 1},  {1, 1, 4, 1},   {7, 2, 4, 3}, {8, 2, 4, 4},
        {9, 2, 4, 4}, {64, 2, 4, 4}, {10, 11, 4, 1}, {5, 1, 8, 5}, {1000, 300, 4, 3},
    };
    for (size_t i = 0; i < ARRAY_COUNT(cases); i++) {
        assert_int_equal(fair_batch_limit(cases[i].slots, cases[i].runs, cases[i].batch_max),
                         cases[i].expected);
    }
}

static void due_dates_go_before_age_and_age_before_the_id(void **state)
{
    (void)state;
    static const struct {
        char digit;
        int64_t due_us;
        int64_t submitted_us;
    } runs[] = {
        {'5', FAIR_NEVER_DUE, 10}, {'3', 200, 30}, {'4', 200, 40},
        {'7', FAIR_NEVER_DUE, 11}, {'1', 100, 99}, {'6', FAIR_NEVER_DUE, 11},
    };
    FairQueue *queue = fair_queue_create(4, 0);
    FairOrganization *a = fair_queue_add_organization(queue, "a", 1, 0);
    for (size_t i = 0; i < ARRAY_COUNT(runs); i++) {
        FairRunState run = waiting(runs[i].digit, 1, runs[i].due_us, runs[i].submitted_us);
        fair_queue_add_run(queue, a, &run);
    }
    assert_claim(queue, EVERY_CLASS, 9, "10 30 40 50 60 70");
    fair_queue_destroy(queue);
}

static void organizations_take_turns_of_a_batch(void **state)
{
    (void)state;
    FairQueue *queue = fair_queue_create(2, 0);
    FairOrganization *b = fair_queue_add_organization(queue, "b", 1, 0);
    FairOrganization *a = fair_queue_add_organization(queue, "a", 1, 0);
    for (char digit = '1'; digit <= '3'; digit++) {
        add(queue, a, digit, 9);
        add(queue, b, (char)(digit + 3), 9);
    }
    /* Tie: a. Both stand at 2 afterwards: tie again. */
    assert_claim(queue, EVERY_CLASS, 8, "10 11 40 41 20 21 50 51");
    fair_queue_destroy(queue);
}

static void the_tie_goes_by_the_bytes_of_the_id(void **state)
{
    (void)state;
    FairQueue *queue = fair_queue_create(1, 0);
    add(queue, fair_queue_add_organization(queue, "b", 1, 0), '1', 1);
    add(queue, fair_queue_add_organization(queue, "\xc3\xa4", 1, 0), '2', 1);
    add(queue, fair_queue_add_organization(queue, "B", 1, 0), '3', 1);
    add(queue, fair_queue_add_organization(queue, "ba", 1, 0), '4', 1);
    assert_claim(queue, EVERY_CLASS, 9, "30 10 40 20");
    fair_queue_destroy(queue);
}

static void a_weight_of_three_gets_three_times_as_much(void **state)
{
    (void)state;
    FairQueue *queue = fair_queue_create(1, 0);
    FairOrganization *a = fair_queue_add_organization(queue, "a", 1, 0);
    FairOrganization *b = fair_queue_add_organization(queue, "b", 3, 0);
    for (char digit = '1'; digit <= '9'; digit++) {
        add(queue, digit <= '3' ? a : b, digit, 1);
    }
    /* a: 0, 1, 2; b: 0, 333333, 666666, 999999, 1333332, 1666665. */
    assert_claim(queue, EVERY_CLASS, 9, "10 40 50 60 70 20 80 90 30");
    assert_int_equal(fair_organization_virtual_time(b), 1999998);
    assert_int_equal(fair_organization_virtual_time(a), 3000000);
    assert_int_equal(fair_queue_virtual_time(queue), 2000000);
    fair_queue_destroy(queue);
}

static void idleness_saves_no_credit_up(void **state)
{
    (void)state;
    FairQueue *queue = fair_queue_create(1, 0);
    FairOrganization *a = fair_queue_add_organization(queue, "a", 1, 0);
    FairOrganization *b = fair_queue_add_organization(queue, "b", 1, 0);
    FairRun *first = add(queue, a, '1', 100);
    for (int i = 0; i < 5; i++) {
        fair_queue_release(queue, first, fair_run_in_work(first));
        FairTurn turn;
        assert_true(fair_queue_turn(queue, EVERY_CLASS, 1, &turn));
    }
    assert_int_equal(fair_queue_virtual_time(queue), 4 * FAIR_ITEM);
    /* b enters at 4, not at 0: it gets one item ahead of a, which stands at 5, not five. */
    add(queue, b, '2', 1);
    add(queue, b, '3', 1);
    add(queue, b, '4', 1);
    add(queue, a, '5', 1);
    fair_queue_release(queue, first, 1);
    assert_claim(queue, EVERY_CLASS, 9, "20 15 30 50 40");
    fair_queue_destroy(queue);
}

static void who_was_served_just_now_keeps_its_place_when_it_comes_back(void **state)
{
    (void)state;
    FairQueue *queue = fair_queue_create(4, 0);
    FairOrganization *a = fair_queue_add_organization(queue, "a", 1, 0);
    FairOrganization *b = fair_queue_add_organization(queue, "b", 1, 0);
    add(queue, a, '1', 4);
    add(queue, b, '2', 9);
    assert_claim(queue, EVERY_CLASS, 4, "10 11 12 13");
    /* a had nothing left; it stands at 4 and b at 0. */
    add(queue, a, '3', 4);
    assert_claim(queue, EVERY_CLASS, 5, "20 21 22 23 30");
    fair_queue_destroy(queue);
}

static void a_large_organization_delays_a_single_slide_by_one_batch(void **state)
{
    (void)state;
    enum { RUNS = 10, ITEMS = 10000 };
    FairQueue *queue = fair_queue_create(4, 0);
    FairOrganization *large = fair_queue_add_organization(queue, "a", 1, 0);
    FairOrganization *small = fair_queue_add_organization(queue, "b", 1, 0);
    for (char digit = '0'; digit < '0' + RUNS; digit++) {
        add(queue, large, digit, ITEMS);
    }
    FairTurn turn;
    for (int served = 0; served < 500; served++) {
        assert_true(fair_queue_turn(queue, EVERY_CLASS, 4, &turn));
        fair_queue_release(queue, turn.run, turn.count);
    }
    FairRun *single = add(queue, small, 'x', 1);
    assert_true(fair_queue_turn(queue, EVERY_CLASS, 4, &turn));
    if (turn.run != single) {
        assert_in_range(turn.count, 1, 4);
        assert_true(fair_queue_turn(queue, EVERY_CLASS, 4, &turn));
    }
    assert_ptr_equal(turn.run, single);
    fair_queue_destroy(queue);
}

static void a_retried_item_waits_for_its_time_and_then_goes_first(void **state)
{
    (void)state;
    FairQueue *queue = fair_queue_create(8, 0);
    FairOrganization *a = fair_queue_add_organization(queue, "a", 1, 0);
    FairRun *run = add(queue, a, '1', 5);
    assert_claim(queue, EVERY_CLASS, 4, "10 11 12 13");
    fair_queue_advance(queue, 1000);
    fair_queue_release(queue, run, 4);
    fair_queue_retry(queue, run, 3, 1000);
    fair_queue_retry(queue, run, 2, 1500);
    fair_queue_retry(queue, run, 0, 1500);
    fair_queue_retry(queue, run, 1, 1400);
    assert_int_equal(fair_run_waiting(run), 2);
    assert_claim(queue, EVERY_CLASS, 9, "13 14");
    fair_queue_advance(queue, 1399);
    assert_claim(queue, EVERY_CLASS, 9, "");
    fair_queue_advance(queue, 1500);
    assert_claim(queue, EVERY_CLASS, 9, "11 10 12");
    fair_queue_destroy(queue);
}

static void a_run_that_ended_waits_no_more(void **state)
{
    (void)state;
    FairQueue *queue = fair_queue_create(2, 0);
    FairOrganization *a = fair_queue_add_organization(queue, "a", 1, 0);
    FairRun *cancelled = add(queue, a, '1', 5);
    FairRun *kept = add(queue, a, '2', 5);
    fair_queue_retry(queue, cancelled, 0, 100);
    fair_queue_retry(queue, kept, 0, 100);
    fair_queue_retry(queue, cancelled, 1, 50);
    fair_queue_remove_run(queue, cancelled);
    fair_queue_advance(queue, 100);
    assert_claim(queue, EVERY_CLASS, 9, "20 20");
    fair_queue_destroy(queue);
}

static void a_worker_gets_only_what_it_can_run(void **state)
{
    (void)state;
    FairQueue *queue = fair_queue_create(2, 0);
    FairOrganization *a = fair_queue_add_organization(queue, "a", 1, 0);
    FairOrganization *b = fair_queue_add_organization(queue, "b", 1, 0);
    FairRunState graphics = waiting('1', 3, 1, 1);
    graphics.resource_class = 2;
    FairRun *run = fair_queue_add_run(queue, a, &graphics);
    add(queue, a, '2', 3);
    add(queue, b, '3', 1);
    assert_claim(queue, 1U << 1, 9, "");
    assert_claim(queue, 1U << 0, 1, "20");
    /* a stands at 1 for both classes, b at 0; within a the due date decides. */
    assert_claim(queue, 1U << 0 | 1U << 2, 4, "30 10 11 21");
    fair_queue_release(queue, run, 2);
    assert_claim(queue, 1U << 0, 9, "");
    assert_claim(queue, 1U << 2, 9, "12");
    fair_queue_destroy(queue);
}

/* What only others could run does not hold its organisation back, nor save credit up. */
static void waiting_for_another_worker_saves_no_credit_up(void **state)
{
    (void)state;
    FairQueue *queue = fair_queue_create(64, 0);
    FairOrganization *a = fair_queue_add_organization(queue, "a", 1, 0);
    FairOrganization *b = fair_queue_add_organization(queue, "b", 1, 0);
    FairRunState graphics = waiting('1', 9, FAIR_NEVER_DUE, 1);
    graphics.resource_class = 1;
    fair_queue_add_run(queue, a, &graphics);
    FairRun *other = add(queue, b, '2', 64);
    FairTurn turn;
    for (int i = 0; i < 5; i++) {
        assert_true(fair_queue_turn(queue, 1U << 0, 1, &turn));
        assert_ptr_equal(turn.run, other);
    }
    assert_int_equal(fair_queue_virtual_time(queue), 4 * FAIR_ITEM);
    assert_true(fair_queue_turn(queue, 1U << 0 | 1U << 1, 1, &turn));
    assert_string_equal(fair_run_context(turn.run), "1");
    assert_int_equal(fair_organization_virtual_time(a), 5 * FAIR_ITEM);
    fair_queue_destroy(queue);
}

/* Workers of another kind move the platform on by more than a turn costs: those that wait for this
 * kind still take turns, for whoever had none for longest is next. */
static void the_pace_of_other_workers_starves_nobody(void **state)
{
    (void)state;
    FairQueue *queue = fair_queue_create(64, 0);
    FairOrganization *a = fair_queue_add_organization(queue, "a", 1, 0);
    FairOrganization *b = fair_queue_add_organization(queue, "b", 1, 0);
    FairOrganization *busy = fair_queue_add_organization(queue, "c", 1, 0);
    FairRunState graphics = waiting('1', 50, FAIR_NEVER_DUE, 1);
    graphics.resource_class = 1;
    fair_queue_add_run(queue, a, &graphics);
    FairRunState others = waiting('2', 50, FAIR_NEVER_DUE, 1);
    others.resource_class = 1;
    fair_queue_add_run(queue, b, &others);
    FairRun *quick = add(queue, busy, '3', 1000);
    char served[16] = "";
    for (size_t i = 0; i < 8; i++) {
        FairTurn turn;
        for (int step = 0; step < 20; step++) {
            assert_true(fair_queue_turn(queue, 1U << 0, 1, &turn));
            fair_queue_release(queue, quick, 1);
        }
        assert_true(fair_queue_turn(queue, 1U << 1, 1, &turn));
        served[i] = *(const char *)fair_run_context(turn.run);
    }
    assert_string_equal(served, "12121212");
    fair_queue_destroy(queue);
}

static void a_step_ahead_takes_a_place_and_charges_for_all_of_it(void **state)
{
    (void)state;
    FairQueue *queue = fair_queue_create(4, 0);
    FairOrganization *a = fair_queue_add_organization(queue, "a", 2, 0);
    FairRun *run = add(queue, a, '1', 10);
    FairTurn turn;
    assert_true(fair_queue_turn(queue, EVERY_CLASS, 1, &turn));
    assert_int_equal(fair_queue_extend(queue, run, 6), 6);
    assert_int_equal(fair_run_in_work(run), 1);
    assert_int_equal(fair_organization_virtual_time(a), 7 * FAIR_ITEM / 2);
    assert_claim(queue, EVERY_CLASS, 1, "17");
    assert_int_equal(fair_queue_extend(queue, run, 6), 2);
    assert_claim(queue, EVERY_CLASS, 1, "");
    fair_queue_destroy(queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_taken_from_an_empty_queue),
        cmocka_unit_test(a_run_has_at_most_the_batch_limit_in_work),
        cmocka_unit_test(a_lower_limit_takes_nothing_away_and_a_higher_one_gives_at_once),
        cmocka_unit_test(the_batch_limit_is_the_share_of_slots_within_its_bounds),
        cmocka_unit_test(due_dates_go_before_age_and_age_before_the_id),
        cmocka_unit_test(organizations_take_turns_of_a_batch),
        cmocka_unit_test(the_tie_goes_by_the_bytes_of_the_id),
        cmocka_unit_test(a_weight_of_three_gets_three_times_as_much),
        cmocka_unit_test(idleness_saves_no_credit_up),
        cmocka_unit_test(who_was_served_just_now_keeps_its_place_when_it_comes_back),
        cmocka_unit_test(a_large_organization_delays_a_single_slide_by_one_batch),
        cmocka_unit_test(a_retried_item_waits_for_its_time_and_then_goes_first),
        cmocka_unit_test(a_run_that_ended_waits_no_more),
        cmocka_unit_test(a_worker_gets_only_what_it_can_run),
        cmocka_unit_test(waiting_for_another_worker_saves_no_credit_up),
        cmocka_unit_test(the_pace_of_other_workers_starves_nobody),
        cmocka_unit_test(a_step_ahead_takes_a_place_and_charges_for_all_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
