/* SPDX-License-Identifier: Apache-2.0 */
/* Becoming another program as another user; see launch.h. */
#include "up/launch.h"

#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/parse.h"

/* arguments: slideway launch UID GID SIGNAL PARENT PROGRAM argv[0] … */
enum { WORD_UID = 2, WORD_GID, WORD_SIGNAL, WORD_PARENT, WORD_PROGRAM, WORD_ARGUMENTS };
enum { EXIT_NOT_STARTED = 127 };

char **launch_arguments(const LaunchOrder *order)
{
    size_t count = 0;
    while (order->arguments[count] != NULL) {
        count++;
    }
    char **words = alloc_zeroed(WORD_ARGUMENTS + count + 1, sizeof(*words));
    words[0] = alloc_string("slideway");
    words[1] = alloc_string("launch");
    words[WORD_UID] = alloc_format("%u", (unsigned)order->uid);
    words[WORD_GID] = alloc_format("%u", (unsigned)order->gid);
    words[WORD_SIGNAL] = alloc_format("%d", order->death_signal);
    words[WORD_PARENT] = alloc_format("%d", (int)getpid());
    words[WORD_PROGRAM] = alloc_string(order->program);
    for (size_t i = 0; i < count; i++) {
        words[WORD_ARGUMENTS + i] = alloc_string(order->arguments[i]);
    }
    return words;
}

void launch_arguments_clear(char **arguments)
{
    for (char **word = arguments; *word != NULL; word++) {
        alloc_free(*word);
        *word = NULL;
    }
}

static int fail(const char *what)
{
    fprintf(stderr, "slideway launch: %s: %m\n", what);
    return EXIT_NOT_STARTED;
}

static bool number_at(char **arguments, int index, int64_t *value_out)
{
    return parse_int64(text_of(arguments[index]), 0, UINT_MAX, value_out);
}

int launch_main(int count, char **arguments)
{
    int64_t uid = 0;
    int64_t gid = 0;
    int64_t death_signal = 0;
    int64_t parent = 0;
    if (count <= WORD_ARGUMENTS || !number_at(arguments, WORD_UID, &uid) ||
        !number_at(arguments, WORD_GID, &gid) ||
        !number_at(arguments, WORD_SIGNAL, &death_signal) ||
        !number_at(arguments, WORD_PARENT, &parent)) {
        fprintf(stderr, "slideway launch: only `slideway up` uses this\n");
        return EXIT_INVALID;
    }
    /* The other user may not be allowed to stand where up was started. */
    if (chdir("/") != 0) {
        return fail("cannot enter /");
    }
    umask(022); /* a sandbox with another user reads what the worker stages */
    if (geteuid() == 0 && uid != 0 &&
        (setgroups(0, NULL) != 0 || setgid((gid_t)gid) != 0 || setuid((uid_t)uid) != 0)) {
        return fail("cannot become the other user");
    }
    /* After the change of user, which clears it. The parent may be gone before it was set. */
    if (prctl(PR_SET_PDEATHSIG, (unsigned long)death_signal) != 0) {
        return fail("prctl");
    }
    if (getppid() != (pid_t)parent) {
        return EXIT_NOT_STARTED;
    }
    execv(arguments[WORD_PROGRAM], arguments + WORD_ARGUMENTS);
    return fail(arguments[WORD_PROGRAM]);
}
