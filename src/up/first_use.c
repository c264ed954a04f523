/* SPDX-License-Identifier: Apache-2.0 */
/* Filling a new database; see first_use.h. */
#include "up/first_use.h"

#include <glob.h>
#include <libgen.h>

#include "applications/register.h"
#include "base/alloc.h"
#include "cli/admin_store.h"
#include "cli/token.h"
#include "db/connection.h"
#include "db/migrate.h"
#include "placement/placement.h"

/* The first user is left as it is once it is there: an operator may have changed it. */
static bool add_first_user(PGconn *connection, Error *error)
{
    AUTO_USER_FOUND known = {0};
    Error none = {0};
    if (user_find(connection, FIRST_USER_ID, &known, &none)) {
        return true;
    }
    UserRecord user = {
        .user_id = FIRST_USER_ID, .organization_id = FIRST_ORGANIZATION_ID, .role = "admin"};
    bool is_new = false;
    return organization_add(connection, FIRST_ORGANIZATION_ID, NULL, &is_new, error) &&
           user_add(connection, &user, &is_new, error);
}

static bool register_bundled(PGconn *connection,
                             const char *applications,
                             const StoreSettings *store,
                             Error *error)
{
    AUTO_FREE char *pattern = alloc_format("%s/*/*/application.json", applications);
    glob_t found = {0};
    bool registered = true;
    if (glob(pattern, 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc && registered; i++) {
            Registration registration;
            const RegistrationRequest request = {dirname(found.gl_pathv[i]), NULL, store};
            registered = application_register(connection, &request, &registration, error);
        }
    }
    globfree(&found);
    return registered;
}

static bool settle_place(PGconn *connection, const FirstUse *use, Error *error)
{
    const char *place = use->store->place;
    return use->store_moved
               ? placement_move(connection, place, error)
               : placement_check(connection, place, "`slideway up --store-moved`", error);
}

bool first_use(const FirstUse *use, Error *error)
{
    ConnectionProfile profile = {use->conninfo, "slideway-up", 0};
    AUTO_CONNECTION *connection = NULL;
    MigrateReport report = {0};
    return connection_open(&profile, &connection, error) &&
           migrate_run(connection, &report, error) && settle_place(connection, use, error) &&
           add_first_user(connection, error) &&
           register_bundled(connection, use->applications, use->store, error);
}
