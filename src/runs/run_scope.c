/* SPDX-License-Identifier: Apache-2.0 */
/* Whose runs are listed; see run_scope.h. */
#include "runs/run_scope.h"

#include <string.h>

#include "access/caller.h"
#include "http/inputs.h"

/* The value of the parameter, with the caller's own in place of its short name. */
static const char *
read_name(Request *request, const char *name, const char *short_name, const char *own)
{
    const char *value = input_string(request, name);
    return value != NULL && strcmp(value, short_name) == 0 ? own : value;
}

static bool may_list_organization(const Principal *caller, const char *organization_id)
{
    return caller->role == ROLE_SUPERADMIN ||
           (caller->role == ROLE_ADMIN && strcmp(organization_id, caller->organization_id) == 0);
}

static bool answer_nothing(Response *response)
{
    JsonWriter writer;
    response_begin(response, 200, &writer);
    writer_begin_array(&writer);
    writer_end_array(&writer);
    return false;
}

bool run_scope_read(Request *request, RunScope *scope_out, Response *response)
{
    const Principal *caller = &request->principal;
    const char *whole = input_string(request, "for_organization");
    RunScope scope = {
        .submitted_by = read_name(request, "submitted_by", "me", caller->user_id),
        .organization_id = read_name(request, "organization_id", "my_org", caller->organization_id),
    };
    if (whole != NULL) {
        if (!may_list_organization(caller, whole)) {
            response_error(response, 403,
                           "You do not have permission to list the runs of this organization");
            return false;
        }
        if (scope.organization_id != NULL && strcmp(scope.organization_id, whole) != 0) {
            return answer_nothing(response);
        }
        scope.organization_id = whole;
    } else {
        if (scope.submitted_by == NULL && scope.organization_id == NULL) {
            scope.submitted_by = caller->user_id;
        }
        scope.is_checked =
            scope.submitted_by == NULL || strcmp(scope.submitted_by, caller->user_id) != 0;
    }
    *scope_out = scope;
    return true;
}

void run_scope_bind(const RunScope *scope, Request *request, Parameters *parameters)
{
    parameters_add(parameters, scope->submitted_by);
    parameters_add(parameters, scope->organization_id);
    if (scope->is_checked) {
        caller_bind(request, parameters);
        parameters_add(parameters, request->principal.email);
        return;
    }
    for (int i = 0; i < 4; i++) {
        parameters_add(parameters, NULL);
    }
}
