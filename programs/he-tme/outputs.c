/* SPDX-License-Identifier: Apache-2.0 */
/* See outputs.h. One thread waits for the signals; the others have them blocked. */
#include "outputs.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"

enum { FOLDER_MODE = 0755, SIGNAL_EXIT = 128, REMOVE_TRIES_MAX = 100 };

static const char UNFINISHED_NAME[] = ".he-tme-XXXXXX";

/* What the thread of the signals must clean up. */
static struct {
    pthread_mutex_t mutex; /* held while files are moved, which is not to be interrupted */
    const char *unfinished;
    const Outputs *outputs; /* whose folders were made; NULL: nobody's */
} locked = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static sigset_t stopping_signals(void)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    return signals;
}

/* The length of the shortest part of the path that names nothing yet, or more than all of it. */
static size_t missing_length(const char *path)
{
    AUTO_FREE char *part = alloc_string(path);
    struct stat status;
    size_t length = strspn(path, "/");
    while (path[length] != '\0') {
        length += strcspn(path + length, "/");
        part[length] = '\0';
        if (stat(part, &status) != 0 && errno == ENOENT) {
            return length;
        }
        part[length] = path[length];
        length += strspn(path + length, "/");
    }
    return length + 1;
}

static size_t without_slashes(const char *path, size_t length)
{
    while (length > 0 && path[length - 1] == '/') {
        length--;
    }
    return length;
}

/* From the innermost on, as far as they are empty; one that could not be made is passed over. */
static void remove_made_folders_locked(const Outputs *outputs)
{
    AUTO_FREE char *path = alloc_string(outputs->folder);
    size_t length = without_slashes(path, strlen(path));
    while (length >= outputs->made_length && (rmdir(path) == 0 || errno == ENOENT)) {
        while (length > 0 && path[length - 1] != '/') {
            length--;
        }
        length = without_slashes(path, length);
        path[length] = '\0';
    }
}

/* Other threads go on meanwhile, and may make a file between the last removed one and the folder.
 */
static void remove_unfinished_locked(void)
{
    Error error = {.code = ERROR_NONE};
    bool removed = locked.unfinished == NULL;
    for (int tries = 0; tries < REMOVE_TRIES_MAX && !removed; tries++) {
        removed = folder_remove(locked.unfinished, &error);
    }
    if (!removed) {
        fprintf(stderr, "\nhe-tme: %s\n", error.message);
    }
    if (locked.outputs != NULL) {
        remove_made_folders_locked(locked.outputs);
    }
}

static void *wait_for_signals(void *unused)
{
    (void)unused;
    sigset_t signals = stopping_signals();
    int number = SIGTERM;
    (void)sigwait(&signals, &number);
    pthread_mutex_lock(&locked.mutex);
    remove_unfinished_locked();
    _exit(SIGNAL_EXIT + number);
}

bool outputs_watch_signals(Error *error)
{
    sigset_t signals = stopping_signals();
    pthread_t thread;
    if (pthread_sigmask(SIG_BLOCK, &signals, NULL) != 0 ||
        pthread_create(&thread, NULL, wait_for_signals, NULL) != 0) {
        return error_set(error, ERROR_INTERNAL, "cannot wait for signals");
    }
    pthread_detach(thread);
    return true;
}

static bool make_unfinished_locked(Outputs *outputs, Error *error)
{
    AUTO_FREE char *path = alloc_format("%s/%s", outputs->folder, UNFINISHED_NAME);
    if (mkdtemp(path) == NULL) {
        return error_set(error, ERROR_INTERNAL, "cannot write into '%s': %m", outputs->folder);
    }
    outputs->unfinished = TAKE(path);
    locked.unfinished = outputs->unfinished;
    return true;
}

bool outputs_open(Outputs *outputs, const char *folder, Error *error)
{
    *outputs = (Outputs){.folder = alloc_string(folder), .made_length = missing_length(folder)};
    /* Under the lock, so that the folders are known to who removes them as soon as they are there.
     */
    pthread_mutex_lock(&locked.mutex);
    locked.outputs = outputs;
    bool opened =
        folder_create(folder, FOLDER_MODE, error) && make_unfinished_locked(outputs, error);
    pthread_mutex_unlock(&locked.mutex);
    return opened;
}

bool outputs_open_beside(Outputs *outputs, const char *file_path, Error *error)
{
    const char *slash = strrchr(file_path, '/');
    if (slash == NULL) {
        return outputs_open(outputs, ".", error);
    }
    AUTO_FREE char *folder = alloc_format("%.*s/", (int)(slash - file_path), file_path);
    return outputs_open(outputs, folder, error);
}

static int compare_names(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

static bool list_files(Outputs *outputs, Error *error)
{
    DIR *folder = opendir(outputs->unfinished);
    if (folder == NULL) {
        return error_set(error, ERROR_INTERNAL, "cannot read '%s': %m", outputs->unfinished);
    }
    bool fits = true;
    for (const struct dirent *entry = readdir(folder); entry != NULL && fits;
         entry = readdir(folder)) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        fits = outputs->count < OUTPUT_FILES_MAX;
        if (fits) {
            outputs->names[outputs->count++] = alloc_string(entry->d_name);
        }
    }
    closedir(folder);
    if (!fits) {
        return error_set(error, ERROR_INTERNAL, "there are more than %d files", OUTPUT_FILES_MAX);
    }
    qsort(outputs->names, outputs->count, sizeof outputs->names[0], compare_names);
    return true;
}

static bool move_files_locked(const Outputs *outputs, Error *error)
{
    for (size_t i = 0; i < outputs->count; i++) {
        AUTO_FREE char *from = alloc_format("%s/%s", outputs->unfinished, outputs->names[i]);
        AUTO_FREE char *to = alloc_format("%s/%s", outputs->folder, outputs->names[i]);
        if (rename(from, to) != 0) {
            return error_set(error, ERROR_INTERNAL, "cannot write '%s': %m", to);
        }
    }
    return true;
}

bool outputs_publish(Outputs *outputs, Error *error)
{
    if (!list_files(outputs, error)) {
        return false;
    }
    pthread_mutex_lock(&locked.mutex);
    bool moved = move_files_locked(outputs, error);
    pthread_mutex_unlock(&locked.mutex);
    return moved;
}

void outputs_close(Outputs *outputs)
{
    Error error = {.code = ERROR_NONE};
    if (outputs->unfinished != NULL) {
        /* What cannot be removed stays hidden; the error that led here is the one to tell. */
        (void)!folder_remove(outputs->unfinished, &error);
    }
    pthread_mutex_lock(&locked.mutex);
    locked.unfinished = NULL;
    locked.outputs = NULL;
    if (outputs->folder != NULL) {
        remove_made_folders_locked(outputs);
    }
    pthread_mutex_unlock(&locked.mutex);
    for (size_t i = 0; i < outputs->count; i++) {
        alloc_free(outputs->names[i]);
    }
    alloc_free(outputs->folder);
    alloc_free(outputs->unfinished);
    *outputs = (Outputs){.folder = NULL};
}
