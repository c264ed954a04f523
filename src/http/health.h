/* SPDX-License-Identifier: Apache-2.0 */
/* Health: {"status": "UP"} when the database answers, else 503 {"status": "DOWN", "reason"}. */
#pragma once
#include <stddef.h>

#include "http/endpoint.h"

extern const Endpoint HEALTH_ENDPOINTS[];
extern const size_t HEALTH_ENDPOINT_COUNT;
