/* SPDX-License-Identifier: Apache-2.0 */
/* Durations as clients of the reference platform read them in its messages. */
#pragma once
#include <stdint.h>

enum { DURATION_BYTES = 48 };

/* "1 day, 0:00:00", "2 days, 3:04:05.000006", "23:59:57.447668"; a negative one counts as none. */
void duration_format(int64_t duration_us, char out[DURATION_BYTES]);
