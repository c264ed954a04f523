/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Quotas as their subjects see them: GET /v1/quotas. Operators set them (slideway quota set), run
 * creation takes them (take_quota in the database).
 */
#pragma once
#include "http/endpoint.h"

extern const Endpoint QUOTA_ENDPOINTS[];
extern const size_t QUOTA_ENDPOINT_COUNT;

/* 402 with the quota that `excess` (JSON, from take_quota) names. */
void quota_exceeded_render(Request *request, const char *excess, Response *response);
