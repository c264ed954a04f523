/* SPDX-License-Identifier: Apache-2.0 */
/* The routes of the API: the tables of endpoints that the features export. */
#pragma once
#include "http/router.h"

/* The API's, what is served besides, and what the embedded issuer serves. */
enum {
    API_TABLE_COUNT = 12,
    OPEN_TABLE_COUNT = API_TABLE_COUNT + 1,
    ROUTE_TABLE_COUNT = OPEN_TABLE_COUNT + 5
};

void routes_list(EndpointTable tables_out[ROUTE_TABLE_COUNT]);
