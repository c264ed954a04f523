/* SPDX-License-Identifier: Apache-2.0 */
/* Who calls; see principal.h. */
#include "auth/principal.h"

#include <assert.h>
#include <string.h>

static const char *const ROLE_NAMES[ROLE_COUNT] = {
    [ROLE_MEMBER] = "member", [ROLE_ADMIN] = "admin", [ROLE_SUPERADMIN] = "superadmin"};

const char *role_name(Role role)
{
    assert(role < ROLE_COUNT);
    return ROLE_NAMES[role];
}

bool role_read(const char *name, Role *role_out)
{
    for (int role = 0; name != NULL && role < ROLE_COUNT; role++) {
        if (strcmp(name, ROLE_NAMES[role]) == 0) {
            *role_out = (Role)role;
            return true;
        }
    }
    return false;
}
