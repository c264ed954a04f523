/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One operation on the object store of the environment's settings, so that tests can look at the
 * store alone. What it finds goes to the standard output, one value a line; a failure to standard
 * error as "CODE: message".
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/parse.h"
#include "objectstore/checksum.h"
#include "objectstore/settings.h"
#include "objectstore/sign.h"

enum { EXIT_USAGE = 2, ARGUMENTS_MAX = 5 };

static const Setting SETTINGS[] = {STORE_SETTINGS(0, NULL)};

typedef struct Tool {
    ObjectStore *store;
    UrlSigner signer;
    char *arguments[ARGUMENTS_MAX]; /* behind the operation; NULL: not given */
} Tool;

static void print_facts(const ObjectFacts *facts)
{
    char text[CRC32C_TEXT_BYTES];
    crc32c_to_base64(facts->crc32c, text);
    printf("%" PRId64 " %s\n", facts->size_bytes, text);
}

static int64_t number(const Tool *tool, int index)
{
    int64_t value = 0;
    return parse_int64(text_of(tool->arguments[index]), INT64_MIN, INT64_MAX, &value) ? value : 0;
}

static bool check(Tool *tool, Error *error)
{
    return objectstore_check(tool->store, error);
}

static bool put(Tool *tool, Error *error)
{
    AUTO_FD fd = open(tool->arguments[1], O_RDONLY | O_CLOEXEC);
    ObjectFacts facts;
    if (!objectstore_put_fd(tool->store, tool->arguments[0], fd, NULL, &facts, error)) {
        return false;
    }
    print_facts(&facts);
    return true;
}

static bool get(Tool *tool, Error *error)
{
    AUTO_FD fd = open(tool->arguments[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    const ObjectTarget target = {.fd = fd, .bytes_max = number(tool, 2)};
    ObjectFacts facts;
    if (!objectstore_fetch(tool->store, tool->arguments[0], &target, &facts, error)) {
        return false;
    }
    print_facts(&facts);
    return true;
}

static bool size(Tool *tool, Error *error)
{
    int64_t bytes = 0;
    if (!objectstore_size(tool->store, tool->arguments[0], &bytes, error)) {
        return false;
    }
    printf("%" PRId64 "\n", bytes);
    return true;
}

static bool holds(Tool *tool, Error *error)
{
    AUTO_FD fd = open(tool->arguments[1], O_RDONLY | O_CLOEXEC);
    bool answer = false;
    if (!objectstore_holds(tool->store, tool->arguments[0], fd, &answer, error)) {
        return false;
    }
    puts(answer ? "yes" : "no");
    return true;
}

static bool remove_object(Tool *tool, Error *error)
{
    return objectstore_remove(tool->store, tool->arguments[0], error);
}

static bool remove_prefix(Tool *tool, Error *error)
{
    return objectstore_remove_prefix(tool->store, tool->arguments[0], error);
}

static bool list(Tool *tool, Error *error)
{
    AUTO_FREE char *cursor = NULL;
    do {
        AUTO_OBJECT_NAMES names = {.names = NULL};
        if (!objectstore_list(tool->store, tool->arguments[0], cursor, &names, error)) {
            return false;
        }
        for (size_t i = 0; i < names.count; i++) {
            puts(names.names[i]);
        }
        alloc_free(cursor);
        cursor = TAKE(names.cursor);
    } while (cursor != NULL);
    return true;
}

static bool sweep(Tool *tool, Error *error)
{
    int64_t before_us = clock_now_us(&SYSTEM_CLOCK) - number(tool, 0) * MICROSECONDS_PER_SECOND;
    return objectstore_sweep_uploads(tool->store, before_us, error);
}

static UrlMethod method_of(const char *name)
{
    return strcmp(name, "PUT") == 0 ? URL_PUT : strcmp(name, "HEAD") == 0 ? URL_HEAD : URL_GET;
}

static bool sign(Tool *tool, Error *error)
{
    (void)error;
    int64_t now = clock_now_us(&SYSTEM_CLOCK) / MICROSECONDS_PER_SECOND;
    const UrlGrant grant = {.method = method_of(tool->arguments[0]),
                            .object_key = tool->arguments[1],
                            .expires_at_seconds = now + number(tool, 2),
                            .file_name = tool->arguments[3],
                            .media_type = tool->arguments[4],
                            .signed_at_seconds = now};
    AUTO_BUFFER url;
    buffer_init(&url, SIGNED_URL_BYTES_MAX);
    url_sign(&tool->signer, &grant, &url);
    puts(buffer_to_string(&url));
    return true;
}

static bool verify(Tool *tool, Error *error)
{
    AUTO_URL_GRANTED granted = {.object_key = NULL};
    if (!url_verify(&tool->signer, text_of(tool->arguments[1]), method_of(tool->arguments[0]),
                    clock_now_us(&SYSTEM_CLOCK), &granted, error)) {
        return false;
    }
    puts(granted.object_key);
    return true;
}

static const struct {
    const char *name;
    int arguments_min;
    bool (*run)(Tool *tool, Error *error);
} OPERATIONS[] = {
    {"check", 0, check},
    {"put", 2, put},              /* KEY FILE */
    {"get", 3, get},              /* KEY FILE BYTES_MAX */
    {"size", 1, size},            /* KEY */
    {"holds", 2, holds},          /* KEY FILE */
    {"remove", 1, remove_object}, /* KEY */
    {"remove-prefix", 1, remove_prefix},
    {"list", 1, list},     /* FOLDER */
    {"sweep", 1, sweep},   /* SECONDS: older ones */
    {"sign", 3, sign},     /* METHOD KEY SECONDS [FILE_NAME [MEDIA_TYPE]] */
    {"verify", 2, verify}, /* METHOD URL */
};

static bool run(Tool *tool, size_t operation, Error *error)
{
    StoreSettings settings = {.place = NULL};
    if (!settings_read(SETTINGS, ARRAY_COUNT(SETTINGS), &settings, error)) {
        return false;
    }
    bool done = store_open(&settings, NULL, &SYSTEM_CLOCK, &tool->store, error);
    if (done) {
        tool->signer = (UrlSigner){"http://127.0.0.1:1", TEXT("a key of the tests of thirty-two b"),
                                   objectstore_bucket(tool->store)};
        done = OPERATIONS[operation].run(tool, error);
    }
    objectstore_close(tool->store);
    settings_clear(SETTINGS, ARRAY_COUNT(SETTINGS), &settings);
    return done;
}

int main(int argument_count, char **arguments)
{
    Tool tool = {.store = NULL};
    for (int i = 2; i < argument_count && i - 2 < ARGUMENTS_MAX; i++) {
        tool.arguments[i - 2] = arguments[i];
    }
    for (size_t i = 0; argument_count > 1 && i < ARRAY_COUNT(OPERATIONS); i++) {
        if (strcmp(arguments[1], OPERATIONS[i].name) == 0 &&
            argument_count - 2 >= OPERATIONS[i].arguments_min) {
            Error error = {0};
            if (run(&tool, i, &error)) {
                return 0;
            }
            fprintf(stderr, "%s: %s (%s)\n", error_code_name(error.code), error.message,
                    error.cause);
            return 1;
        }
    }
    fputs("usage: object_store OPERATION [ARGUMENT...]; see the source\n", stderr);
    return EXIT_USAGE;
}
