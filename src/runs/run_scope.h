/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scope of a list of runs. Without a word about it a caller lists their own runs; an admin asks
 * for those of an organisation by for_organization; submitted_by and organization_id choose among
 * all that the caller may see.
 */
#pragma once
#include "db/statement.h"
#include "http/request.h"
#include "http/response.h"

typedef struct RunScope {
    const char *submitted_by;    /* NULL: anybody */
    const char *organization_id; /* NULL: any; one of the two is set */
    bool is_checked;             /* whether each run is to be checked against the caller */
} RunScope;

/* Reads for_organization, submitted_by ("me" or an id) and organization_id ("my_org" or an id).
 * False: answered, with 403 or with the empty list. */
bool run_scope_read(Request *request, RunScope *scope_out, Response *response);
/* Adds submitted_by, organization_id, and who is to be checked: four nulls for nobody. */
void run_scope_bind(const RunScope *scope, Request *request, Parameters *parameters);
