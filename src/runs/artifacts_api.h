/* SPDX-License-Identifier: Apache-2.0 */
/* The endpoint of one output artifact: a redirect to its file. */
#pragma once
#include "http/endpoint.h"

extern const Endpoint ARTIFACT_ENDPOINTS[];
extern const size_t ARTIFACT_ENDPOINT_COUNT;
