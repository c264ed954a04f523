/* SPDX-License-Identifier: Apache-2.0 */
/* The endpoints of a version's public documents: list, read, and redirects to the file. */
#pragma once
#include "http/endpoint.h"

extern const Endpoint DOCUMENT_ENDPOINTS[];
extern const size_t DOCUMENT_ENDPOINT_COUNT;
