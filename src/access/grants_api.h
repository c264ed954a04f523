/* SPDX-License-Identifier: Apache-2.0 */
/* The endpoints of grants: create, list, read, revoke. */
#pragma once
#include "http/endpoint.h"

extern const Endpoint GRANT_ENDPOINTS[];
extern const size_t GRANT_ENDPOINT_COUNT;
