/* SPDX-License-Identifier: Apache-2.0 */
/* The endpoints of a run's items: list, read, change metadata. */
#pragma once
#include "http/endpoint.h"

extern const Endpoint ITEM_ENDPOINTS[];
extern const size_t ITEM_ENDPOINT_COUNT;
