/* SPDX-License-Identifier: Apache-2.0 */
/* The launcher's arguments: what goes in comes out, and nothing else is taken for a plan. */
#include "unit_test.h"

#include "sandbox/plan.h"

static int count_words(char **words)
{
    int count = 0;
    while (words[count] != NULL) {
        count++;
    }
    return count;
}

static SandboxPlan plan_of(const char *const *command)
{
    return (SandboxPlan){.application_folder = "/an app/1.0.0",
                         .scratch_folder = "/scratch/slot-1",
                         .limits = {.memory_bytes = 8LL << 30,
                                    .time_seconds = 3600,
                                    .processes = 64,
                                    .output_bytes = 5LL << 30},
                         .uid = 4000000000U,
                         .parent = 1234,
                         .command = command};
}

static void plan_survives_its_arguments(void **state)
{
    (void)state;
    const char *const command[] = {"python3", "-c", "print('a b')", "", NULL};
    SandboxPlan plan = plan_of(command);
    char **words = sandbox_plan_to_arguments(&plan);
    SandboxPlan read;
    Error error = {0};
    assert_true(sandbox_is_launcher(count_words(words), words));
    assert_true(sandbox_plan_read(count_words(words), words, &read, &error));
    assert_string_equal(read.application_folder, plan.application_folder);
    assert_string_equal(read.scratch_folder, plan.scratch_folder);
    assert_memory_equal(&read.limits, &plan.limits, sizeof plan.limits);
    assert_int_equal(read.uid, plan.uid);
    assert_int_equal(read.parent, plan.parent);
    for (int i = 0; command[i] != NULL; i++) {
        assert_string_equal(read.command[i], command[i]);
    }
    assert_null(read.command[4]);
    sandbox_arguments_free(words);
}

static void program_with_a_slash_starts_at_the_application(void **state)
{
    (void)state;
    static const char *const CASES[][2] = {
        {"./test-app", "/application/test-app"},
        {"bin/run", "/application/bin/run"},
        {"/application/run", "/application/run"},
        {"/usr/bin/python3", "/usr/bin/python3"},
        {"python3", "python3"},
        {"../run", "/application/../run"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        const char *const command[] = {CASES[i][0], "./argument", NULL};
        SandboxPlan plan = plan_of(command);
        char **words = sandbox_plan_to_arguments(&plan);
        SandboxPlan read;
        Error error = {0};
        assert_true(sandbox_plan_read(count_words(words), words, &read, &error));
        assert_string_equal(read.command[0], CASES[i][1]);
        assert_string_equal(read.command[1], "./argument");
        sandbox_arguments_free(words);
    }
}

static void other_arguments_are_no_plan(void **state)
{
    (void)state;
    char *help[] = {"slideway-worker", "--help", NULL};
    assert_false(sandbox_is_launcher(2, help));
    assert_false(sandbox_is_launcher(0, help));
    const char *const command[] = {"x", NULL};
    SandboxPlan plan = plan_of(command);
    char **words = sandbox_plan_to_arguments(&plan);
    int count = count_words(words);
    assert_false(sandbox_is_launcher(count - 1, words));
    SandboxPlan read;
    Error error = {0};
    for (int i = 3; i < count - 1; i++) {
        char *word = words[i];
        words[i] = "-1";
        assert_false(sandbox_plan_read(count, words, &read, &error));
        words[i] = word;
    }
    sandbox_arguments_free(words);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plan_survives_its_arguments),
        cmocka_unit_test(program_with_a_slash_starts_at_the_application),
        cmocka_unit_test(other_arguments_are_no_plan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
