/* SPDX-License-Identifier: Apache-2.0 */
/* The signed URL under which an output artifact is downloaded. */
#pragma once
#include "http/request.h"

/* Works for an hour from now, as the contract has it; in the request's arena. */
const char *artifact_url(Request *request, const char *object_key, const char *artifact_name);
