/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a server answers that it is up. */
#pragma once
#include <stdbool.h>

/* Asks URL/health once, for at most two seconds. */
bool health_is_up(const char *url);
