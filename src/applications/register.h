/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registration: reads the manifest of a folder and makes its version known, to one organisation or
 * to all. A registered version never changes; the same manifest again only moves its folder.
 */
#pragma once
#include <libpq-fe.h>
#include <stdbool.h>

#include "base/attributes.h"
#include "base/error.h"
#include "objectstore/settings.h"

typedef struct Registration {
    char application_id[64];
    char version_number[256];
    bool is_new; /* false: this very manifest was known already */
} Registration;

typedef struct RegistrationRequest {
    const char *folder;          /* of the version; becomes an absolute path */
    const char *organization_id; /* NULL: available to every organisation */
    const StoreSettings *store;  /* takes the documents; NULL: there may be none */
} RegistrationRequest;

MUST_CHECK bool application_register(PGconn *connection,
                                     const RegistrationRequest *request,
                                     Registration *registration_out,
                                     Error *error);
