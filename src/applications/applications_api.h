/* SPDX-License-Identifier: Apache-2.0 */
/* The endpoints of applications and their versions. */
#pragma once
#include "http/endpoint.h"

extern const Endpoint APPLICATION_ENDPOINTS[];
extern const size_t APPLICATION_ENDPOINT_COUNT;
