/* SPDX-License-Identifier: Apache-2.0 */
/* The endpoints of the caller: who am I, and a place to upload a slide to. */
#pragma once
#include "http/endpoint.h"

extern const Endpoint USER_ENDPOINTS[];
extern const size_t USER_ENDPOINT_COUNT;
