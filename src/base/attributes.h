/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attributes of functions and variables: must-check results, printf-like formats, and cleanup at
 * the end of a scope. A variable with a cleanup attribute is always initialised.
 */
#pragma once
#include <stdlib.h>
#include <unistd.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(format_index, first_index)                                                     \
    __attribute__((format(printf, format_index, first_index)))
#define CLEANUP(function) __attribute__((cleanup(function)))
#define UNUSED __attribute__((unused))

/* Passes the value on and leaves an empty variable behind, so that its cleanup does nothing. */
#define TAKE(pointer)                                                                              \
    ({                                                                                             \
        __typeof__(pointer) taken_ = (pointer);                                                    \
        (pointer) = NULL;                                                                          \
        taken_;                                                                                    \
    })

#define TAKE_FD(fd)                                                                                \
    ({                                                                                             \
        int taken_fd_ = (fd);                                                                      \
        (fd) = -1;                                                                                 \
        taken_fd_;                                                                                 \
    })

#define ARRAY_COUNT(array) (sizeof(array) / sizeof((array)[0]))

static inline void cleanup_free(void *pointer_to_pointer)
{
    free(*(void **)pointer_to_pointer); /* tidy: allow this is the one place that frees a scope */
}

static inline void cleanup_fd(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
}

/* Any heap block from alloc_* that its scope owns. */
#define AUTO_FREE CLEANUP(cleanup_free)
/* A file descriptor, -1 when there is none. */
#define AUTO_FD CLEANUP(cleanup_fd) int
