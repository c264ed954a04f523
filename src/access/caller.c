/* SPDX-License-Identifier: Apache-2.0 */
/* Parameters about the caller; see caller.h. */
#include "access/caller.h"

#include "access/share_token.h"
#include "http/endpoint.h"

void caller_bind(Request *request, Parameters *parameters)
{
    parameters_add(parameters, request->principal.user_id);
    parameters_add(parameters, request->principal.organization_id);
    parameters_add(parameters, role_name(request->principal.role));
}

void viewer_bind(Request *request, Parameters *parameters)
{
    Text token = request_query(request, SHARE_TOKEN_PARAMETER);
    caller_bind(request, parameters);
    parameters_add(parameters, request->principal.email);
    parameters_add(parameters, token.length == 0 ? NULL : share_token_hash(token, &request->arena));
}
