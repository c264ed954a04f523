/* SPDX-License-Identifier: Apache-2.0 */
/* A principal: who calls, as the verified token says. */
#pragma once
#include <stdbool.h>

/* MEMBER sees own runs; ADMIN those of the own organisation; SUPERADMIN runs the platform. */
typedef enum Role { ROLE_MEMBER, ROLE_ADMIN, ROLE_SUPERADMIN, ROLE_COUNT } Role;

enum { PRINCIPAL_ID_BYTES = 256 };

typedef struct Principal {
    char user_id[PRINCIPAL_ID_BYTES];         /* claim sub */
    char organization_id[PRINCIPAL_ID_BYTES]; /* claim org_id */
    char email[PRINCIPAL_ID_BYTES];           /* empty when the token has none that is verified */
    char name[PRINCIPAL_ID_BYTES];
    Role role;
    bool read_only; /* by an API key of that scope */
} Principal;

/* Nobody: a member with empty names. */
void principal_clear(Principal *principal);
/* The texts as far as they go: a principal is 1 KiB, of which few use more than a tenth. */
void principal_copy(Principal *to, const Principal *from);

/* "member", "admin", "superadmin". */
const char *role_name(Role role);
/* The role of that name; false: there is none. NULL is no name. */
bool role_read(const char *name, Role *role_out);
