/* SPDX-License-Identifier: Apache-2.0 */
/* Who calls; see principal.h. */
#include "auth/principal.h"

#include <assert.h>
#include <string.h>

static const char *const ROLE_NAMES[ROLE_COUNT] = {
    [ROLE_MEMBER] = "member", [ROLE_ADMIN] = "admin", [ROLE_SUPERADMIN] = "superadmin"};

void principal_clear(Principal *principal)
{
    principal->user_id[0] = '\0';
    principal->organization_id[0] = '\0';
    principal->email[0] = '\0';
    principal->name[0] = '\0';
    principal->role = ROLE_MEMBER;
    principal->read_only = false;
}

static void copy_text(char *to, const char *from)
{
    memcpy(to, from, strlen(from) + 1);
}

void principal_copy(Principal *to, const Principal *from)
{
    copy_text(to->user_id, from->user_id);
    copy_text(to->organization_id, from->organization_id);
    copy_text(to->email, from->email);
    copy_text(to->name, from->name);
    to->role = from->role;
    to->read_only = from->read_only;
}

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
