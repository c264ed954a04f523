/* SPDX-License-Identifier: Apache-2.0 */
/* Creation of runs. */
#pragma once
#include "http/endpoint.h"

extern const Endpoint RUN_CREATION_ENDPOINTS[];
extern const size_t RUN_CREATION_ENDPOINT_COUNT;
