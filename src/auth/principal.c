/* SPDX-License-Identifier: Apache-2.0 */
/* Who calls; see principal.h. */
#include "auth/principal.h"

#include <assert.h>

static const char *const ROLE_NAMES[ROLE_COUNT] = {
    [ROLE_MEMBER] = "member", [ROLE_ADMIN] = "admin", [ROLE_SUPERADMIN] = "superadmin"};

const char *role_name(Role role)
{
    assert(role < ROLE_COUNT);
    return ROLE_NAMES[role];
}
