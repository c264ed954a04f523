/* SPDX-License-Identifier: Apache-2.0 */
/* Something that an epoll loop watches: epoll_event.data.ptr points to it. */
#pragma once
#include <stdint.h>

typedef struct EventSource EventSource;
struct EventSource {
    /* Called on the loop's thread with what epoll_wait reported. */
    void (*ready)(EventSource *source, uint32_t events);
};
