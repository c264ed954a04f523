/* SPDX-License-Identifier: Apache-2.0 */
/* The routes of the API: the tables of endpoints that the features export. */
#pragma once
#include "http/router.h"

enum { ROUTE_TABLE_COUNT = 12 };

void routes_list(EndpointTable tables_out[ROUTE_TABLE_COUNT]);
