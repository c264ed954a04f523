/* SPDX-License-Identifier: Apache-2.0 */
/* The endpoints of the embedded issuer, in files by what they are for. */
#pragma once
#include "http/endpoint.h"

extern const Endpoint DISCOVERY_ENDPOINTS[];
extern const size_t DISCOVERY_ENDPOINT_COUNT;
extern const Endpoint AUTHORIZE_ENDPOINTS[];
extern const size_t AUTHORIZE_ENDPOINT_COUNT;
extern const Endpoint LOGIN_ENDPOINTS[];
extern const size_t LOGIN_ENDPOINT_COUNT;
extern const Endpoint DEVICE_ENDPOINTS[];
extern const size_t DEVICE_ENDPOINT_COUNT;
extern const Endpoint TOKEN_ENDPOINTS[];
extern const size_t TOKEN_ENDPOINT_COUNT;
