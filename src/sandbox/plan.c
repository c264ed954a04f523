/* SPDX-License-Identifier: Apache-2.0 */
/* The launcher's arguments; see plan.h. */
#include "sandbox/plan.h"

#include <limits.h>
#include <string.h>

#include "base/alloc.h"
#include "base/parse.h"

#define LAUNCHER_NAME "slideway-sandbox"

enum {
    WORD_NAME,
    WORD_APPLICATION,
    WORD_SCRATCH,
    WORD_UID,
    WORD_PARENT,
    WORD_MEMORY,
    WORD_TIME,
    WORD_PROCESSES,
    WORD_OUTPUT,
    WORD_COMMAND
};

static char *number(int64_t value)
{
    return alloc_format("%lld", (long long)value);
}

static char *program_of(const char *word)
{
    bool relative = word[0] != '/' && strchr(word, '/') != NULL;
    const char *from = strncmp(word, "./", 2) == 0 ? word + 2 : word;
    return relative ? alloc_format("/application/%s", from) : alloc_string(word);
}

char **sandbox_plan_to_arguments(const SandboxPlan *plan)
{
    size_t count = 0;
    while (plan->command[count] != NULL) {
        count++;
    }
    char **words = alloc_zeroed(WORD_COMMAND + count + 1, sizeof *words);
    words[WORD_NAME] = alloc_string(LAUNCHER_NAME);
    words[WORD_APPLICATION] = alloc_string(plan->application_folder);
    words[WORD_SCRATCH] = alloc_string(plan->scratch_folder);
    words[WORD_UID] = number((int64_t)plan->uid);
    words[WORD_PARENT] = number((int64_t)plan->parent);
    words[WORD_MEMORY] = number(plan->limits.memory_bytes);
    words[WORD_TIME] = number(plan->limits.time_seconds);
    words[WORD_PROCESSES] = number(plan->limits.processes);
    words[WORD_OUTPUT] = number(plan->limits.output_bytes);
    for (size_t i = 0; i < count; i++) {
        words[WORD_COMMAND + i] =
            i == 0 ? program_of(plan->command[i]) : alloc_string(plan->command[i]);
    }
    return words;
}

void sandbox_arguments_free(char **arguments)
{
    for (char **word = arguments; word != NULL && *word != NULL; word++) {
        alloc_free(*word);
    }
    alloc_free((void *)arguments);
}

bool sandbox_plan_is_in(int argc, char **argv)
{
    return argc > WORD_COMMAND && strcmp(argv[WORD_NAME], LAUNCHER_NAME) == 0;
}

static bool read_number(char **argv, int word, int64_t maximum, int64_t *value_out)
{
    return parse_int64(text_of(argv[word]), 0, maximum, value_out);
}

bool sandbox_plan_read(int argc, char **argv, SandboxPlan *plan_out, Error *error)
{
    SandboxPlan plan = {.uid = 0};
    int64_t uid = 0;
    int64_t parent = 0;
    if (!sandbox_plan_is_in(argc, argv) || !read_number(argv, WORD_UID, UINT_MAX - 1, &uid) ||
        !read_number(argv, WORD_PARENT, INT_MAX, &parent) ||
        !read_number(argv, WORD_MEMORY, INT64_MAX, &plan.limits.memory_bytes) ||
        !read_number(argv, WORD_TIME, INT64_MAX, &plan.limits.time_seconds) ||
        !read_number(argv, WORD_PROCESSES, INT_MAX, &plan.limits.processes) ||
        !read_number(argv, WORD_OUTPUT, INT64_MAX, &plan.limits.output_bytes)) {
        return error_set(error, ERROR_INVALID, "the launcher's arguments are wrong");
    }
    plan.application_folder = argv[WORD_APPLICATION];
    plan.scratch_folder = argv[WORD_SCRATCH];
    plan.uid = (uid_t)uid;
    plan.parent = (pid_t)parent;
    plan.command = (const char *const *)&argv[WORD_COMMAND];
    *plan_out = plan;
    return true;
}
