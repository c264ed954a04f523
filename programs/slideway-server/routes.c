/* SPDX-License-Identifier: Apache-2.0 */
/* All endpoints; see routes.h. */
#include "routes.h"

#include "access/grants_api.h"
#include "access/share_tokens_api.h"
#include "applications/applications_api.h"
#include "applications/documents_api.h"
#include "http/description.h"
#include "http/health.h"
#include "http/login_hint.h"
#include "identity/identity_api.h"
#include "quotas/quotas_api.h"
#include "runs/artifacts_api.h"
#include "runs/creation_api.h"
#include "runs/items_api.h"
#include "runs/runs_api.h"
#include "users/users_api.h"

void routes_list(EndpointTable tables_out[ROUTE_TABLE_COUNT])
{
    const EndpointTable tables[ROUTE_TABLE_COUNT] = {
        {HEALTH_ENDPOINTS, HEALTH_ENDPOINT_COUNT},
        {DESCRIPTION_ENDPOINTS, DESCRIPTION_ENDPOINT_COUNT},
        {APPLICATION_ENDPOINTS, APPLICATION_ENDPOINT_COUNT},
        {DOCUMENT_ENDPOINTS, DOCUMENT_ENDPOINT_COUNT},
        {RUN_CREATION_ENDPOINTS, RUN_CREATION_ENDPOINT_COUNT},
        {RUN_ENDPOINTS, RUN_ENDPOINT_COUNT},
        {ITEM_ENDPOINTS, ITEM_ENDPOINT_COUNT},
        {ARTIFACT_ENDPOINTS, ARTIFACT_ENDPOINT_COUNT},
        {GRANT_ENDPOINTS, GRANT_ENDPOINT_COUNT},
        {SHARE_TOKEN_ENDPOINTS, SHARE_TOKEN_ENDPOINT_COUNT},
        {USER_ENDPOINTS, USER_ENDPOINT_COUNT},
        {QUOTA_ENDPOINTS, QUOTA_ENDPOINT_COUNT},
        {LOGIN_HINT_ENDPOINTS, LOGIN_HINT_ENDPOINT_COUNT},
        {DISCOVERY_ENDPOINTS, DISCOVERY_ENDPOINT_COUNT},
        {AUTHORIZE_ENDPOINTS, AUTHORIZE_ENDPOINT_COUNT},
        {LOGIN_ENDPOINTS, LOGIN_ENDPOINT_COUNT},
        {DEVICE_ENDPOINTS, DEVICE_ENDPOINT_COUNT},
        {TOKEN_ENDPOINTS, TOKEN_ENDPOINT_COUNT},
    };
    memcpy(tables_out, tables, sizeof tables);
}
