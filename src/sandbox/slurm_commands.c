/* SPDX-License-Identifier: Apache-2.0 */
/* Slurm's commands; see slurm_commands.h, and sbatch(1), squeue(1), scancel(1). */
#include "sandbox/slurm_commands.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

#define NAME_PREFIX "slideway-"

enum {
    WORDS_MAX = 128,
    SUBMIT_SECONDS_MAX = 30, /* what sbatch gets to wait for a busy controller */
    LIST_SECONDS_MAX = 8,
    CANCEL_SECONDS_MAX = 3,
    OUTPUT_BYTES_MAX = 4096,
    SECONDS_PER_MINUTE = 60,
    /* The sandbox keeps the limits of the application; Slurm's are behind them: for the end of a
     * run that is stopped, and for the memory of the processes around it. */
    MINUTES_MORE = 2,
    MEMORY_MIB_MORE = 256,
};

/* Arguments of one command, all owned. */
typedef struct Words {
    char *word[WORDS_MAX + 1];
    size_t count;
} Words;

static void words_clear(Words *words)
{
    for (size_t i = 0; i < words->count; i++) {
        alloc_free(words->word[i]);
    }
}
#define AUTO_WORDS CLEANUP(words_clear) Words

/* Takes the word; one too many is left out, and slurm_options_check does not let it come so far. */
static void add(Words *words, char *word)
{
    if (words->count == WORDS_MAX) {
        alloc_free(word);
        return;
    }
    words->word[words->count++] = word;
}

static void add_program(Words *words, const SlurmCommands *commands, const char *name)
{
    add(words, alloc_format("%s/%s", commands->folder, name));
}

static bool run(const SlurmCommands *commands,
                const Words *words,
                int64_t seconds_max,
                const atomic_bool *cancel,
                Buffer *output,
                Error *error)
{
    AUTO_FREE char *configuration = alloc_format("SLURM_CONF=%s", commands->configuration);
    const char *const environment[] = {"PATH=/usr/bin:/bin", "LANG=C.UTF-8",
                                       commands->configuration[0] == '\0' ? NULL : configuration,
                                       NULL};
    const Command command = {.clock = commands->clock,
                             .arguments = (const char *const *)words->word,
                             .environment = environment,
                             .seconds_max = seconds_max,
                             .cancel = cancel};
    return command_run(&command, output, error);
}

/* The next word of the options; empty at their end. */
static Text next_option(Text *rest)
{
    Text word = {NULL, 0};
    while (rest->length > 0 && word.length == 0) {
        word = text_split(rest, ' ');
    }
    return word;
}

bool slurm_options_check(const char *more_options, Error *error)
{
    enum { OPTIONS_MAX = WORDS_MAX / 2 };
    Text rest = text_of(more_options);
    int count = 0;
    for (Text word = next_option(&rest); word.length > 0; word = next_option(&rest)) {
        if (!text_starts_with(word, "--") || word.length == 2 || ++count > OPTIONS_MAX) {
            return error_set(error, ERROR_INVALID,
                             "'%.*s' is no option of the form --name or --name=value, or one of "
                             "more than %d",
                             TEXT_ARGUMENTS(word), OPTIONS_MAX);
        }
    }
    return true;
}

void slurm_job_name(const char *attempt_id, char name[SLURM_NAME_BYTES])
{
    snprintf(name, SLURM_NAME_BYTES, NAME_PREFIX "%s", attempt_id);
}

static void add_request(Words *words, const ExecutorTask *task)
{
    const SandboxLimits *limits = &task->sandbox.limits;
    int64_t minutes =
        (limits->time_seconds + SECONDS_PER_MINUTE - 1) / SECONDS_PER_MINUTE + MINUTES_MORE;
    int64_t mebibytes = (limits->memory_bytes >> 20) + MEMORY_MIB_MORE;
    add(words, alloc_string("--nodes=1"));
    add(words, alloc_string("--ntasks=1"));
    add(words, alloc_format("--cpus-per-task=%lld", (long long)task->cpus));
    add(words, alloc_format("--mem=%lldM", (long long)mebibytes));
    add(words, alloc_format("--time=%lld", (long long)minutes));
    if (task->gpus > 0) {
        add(words, alloc_format("--gres=gpu:%lld", (long long)task->gpus));
    }
}

static void add_choices(Words *words, const SlurmCommands *commands)
{
    if (commands->partition[0] != '\0') {
        add(words, alloc_format("--partition=%s", commands->partition));
    }
    if (commands->account[0] != '\0') {
        add(words, alloc_format("--account=%s", commands->account));
    }
    Text rest = text_of(commands->more_options);
    for (Text word = next_option(&rest); word.length > 0; word = next_option(&rest)) {
        add(words, text_to_string(word));
    }
}

bool slurm_submit(const SlurmCommands *commands,
                  const ExecutorTask *task,
                  const atomic_bool *cancel,
                  Error *error)
{
    char name[SLURM_NAME_BYTES];
    slurm_job_name(task->attempt_id, name);
    AUTO_WORDS words = {.count = 0};
    add_program(&words, commands, "sbatch");
    add(&words, alloc_string("--parsable"));
    add(&words, alloc_format("--job-name=%s", name));
    add(&words, alloc_format("--chdir=%s", task->folder));
    /* Relative, since Slurm takes a '%' in a path for one of its patterns. */
    add(&words, alloc_string("--output=job.log"));
    /* A second run of the same job would find its place taken. */
    add(&words, alloc_string("--no-requeue"));
    add(&words, alloc_string("--propagate=NONE"));
    add_request(&words, task);
    add_choices(&words, commands);
    add(&words, alloc_format("%s/job.sh", task->folder));
    add(&words, alloc_string(commands->job_program));
    add(&words, alloc_string(task->folder));
    AUTO_BUFFER output;
    buffer_init(&output, OUTPUT_BYTES_MAX);
    return run(commands, &words, SUBMIT_SECONDS_MAX, cancel, &output, error);
}

bool slurm_list(const SlurmCommands *commands,
                const char *name,
                const atomic_bool *cancel,
                Buffer *listing,
                Error *error)
{
    AUTO_WORDS words = {.count = 0};
    add_program(&words, commands, "squeue");
    add(&words, alloc_string("--noheader"));
    add(&words, alloc_format("--user=%u", (unsigned)commands->uid));
    if (name != NULL) {
        add(&words, alloc_format("--name=%s", name));
    }
    /* State, name, reason, working folder: only the last two may hold a '|'. */
    add(&words, alloc_string("--format=%T|%j|%r|%Z"));
    return run(commands, &words, LIST_SECONDS_MAX, cancel, listing, error);
}

/* One line of a listing. */
typedef struct ListedJob {
    Text state;
    Text name;
    Text reason;
    Text folder;
} ListedJob;

static ListedJob split_line(Text line)
{
    ListedJob job;
    job.state = text_split(&line, '|');
    job.name = text_split(&line, '|');
    job.reason = text_split(&line, '|');
    job.folder = line;
    return job;
}

bool slurm_find(Text listing, const char *name, char state_out[SLURM_STATE_BYTES])
{
    while (listing.length > 0) {
        ListedJob job = split_line(text_split(&listing, '\n'));
        /* A job that is completing has ended: its outcome stands, or never will. */
        if (!text_is(job.name, name) || text_is(job.state, "COMPLETING")) {
            continue;
        }
        snprintf(state_out, SLURM_STATE_BYTES, "%.*s (%.*s)", TEXT_ARGUMENTS(job.state),
                 TEXT_ARGUMENTS(job.reason));
        return true;
    }
    return false;
}

static bool lies_below(Text path, const char *folder)
{
    size_t length = strlen(folder);
    return text_starts_with(path, folder) && path.length > length && path.bytes[length] == '/';
}

bool slurm_next_leftover(Text *listing, const char *folder, char name_out[SLURM_NAME_BYTES])
{
    while (listing->length > 0) {
        ListedJob job = split_line(text_split(listing, '\n'));
        if (text_starts_with(job.name, NAME_PREFIX) && lies_below(job.folder, folder) &&
            text_copy(job.name, name_out, SLURM_NAME_BYTES)) {
            return true;
        }
    }
    return false;
}

static bool cancel_by(const SlurmCommands *commands, const char *name, bool kill, Error *error)
{
    AUTO_WORDS words = {.count = 0};
    add_program(&words, commands, "scancel");
    if (kill) {
        add(&words, alloc_string("--signal=KILL"));
        add(&words, alloc_string("--full"));
    }
    add(&words, alloc_string("--quiet"));
    add(&words, alloc_format("--user=%u", (unsigned)commands->uid));
    add(&words, alloc_format("--name=%s", name));
    AUTO_BUFFER output;
    buffer_init(&output, OUTPUT_BYTES_MAX);
    return run(commands, &words, CANCEL_SECONDS_MAX, NULL, &output, error);
}

bool slurm_cancel(const SlurmCommands *commands, const char *name, Error *error)
{
    /* A plain scancel gives a running job half a minute; a signal alone leaves a waiting one, and
     * may be refused for it. */
    Error refused = {0};
    bool killed = cancel_by(commands, name, true, &refused);
    (void)killed;
    return cancel_by(commands, name, false, error);
}
