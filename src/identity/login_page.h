/* SPDX-License-Identifier: Apache-2.0 */
/* What a page shows to a browser that nobody is signed in with. */
#pragma once
#include "http/endpoint.h"

/* `next` is the path, with its query, to go on to after the login; `problem` may be NULL. */
void login_page(Request *request, Response *response, int status, Text next, const char *problem);
