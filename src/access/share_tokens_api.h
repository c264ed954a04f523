/* SPDX-License-Identifier: Apache-2.0 */
/* The endpoints of share tokens: create, list, read, revoke. */
#pragma once
#include "http/endpoint.h"

extern const Endpoint SHARE_TOKEN_ENDPOINTS[];
extern const size_t SHARE_TOKEN_ENDPOINT_COUNT;
