/* SPDX-License-Identifier: Apache-2.0 */
/* The endpoints of runs: list, read, cancel, delete artifacts, change metadata. */
#pragma once
#include "http/endpoint.h"

extern const Endpoint RUN_ENDPOINTS[];
extern const size_t RUN_ENDPOINT_COUNT;
