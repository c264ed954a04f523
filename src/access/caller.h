/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who asks, as parameters of a statement. The statement itself says what they may see or change:
 * may_change_run and may_see_run in migrations/0006_access.sql are the only rule.
 */
#pragma once
#include "db/statement.h"
#include "http/request.h"

/* Adds user_id, organization_id and role: for what no grant allows. */
void caller_bind(Request *request, Parameters *parameters);
/* Adds these, then email and share_token_hash (null without a share token): for what a grant
 * allows, too. */
void viewer_bind(Request *request, Parameters *parameters);
