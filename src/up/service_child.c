/* SPDX-License-Identifier: Apache-2.0 */
/* Settings of the services; see service_child.h. */
#include "up/service_child.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "auth/issuer.h"
#include "base/alloc.h"
#include "base/text.h"
#include "up/programs.h"

extern char **environ;

/* A worker first gives its items back; running applications end with it. */
enum { WORKER_STOP_SECONDS = 20, SERVER_STOP_SECONDS = 15, KILL_SECONDS = 5, OWN_MAX = 24 };

typedef struct Environment {
    char **entries;
    size_t count;
} Environment;

static void add(Environment *environment, const char *name, const char *value)
{
    environment->entries[environment->count++] = alloc_format("%s=%s", name, value);
}

static void add_number(Environment *environment, const char *name, unsigned value)
{
    environment->entries[environment->count++] = alloc_format("%s=%u", name, value);
}

/* The operator's own settings pass (slots, egress networks, keys of a bucket); those that up
 * decides, and libpq's variables, which would bend its connection strings, do not. */
static bool begins_with_one(const char *entry, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strncmp(entry, names[i], strlen(names[i])) == 0) {
            return true;
        }
    }
    return false;
}

static bool passes(const char *entry, bool is_issuer)
{
    static const char *const DROPPED[] = {
        "PG",
        "SLIDEWAY_DATA",
        "SLIDEWAY_TOKEN",
        "SLIDEWAY_OBJECT",
        "SLIDEWAY_URL",
        "SLIDEWAY_ADDRESS=",
        "SLIDEWAY_PORT=",
        "SLIDEWAY_JWKS",
        "SLIDEWAY_ISSUER",
        "SLIDEWAY_AUDIENCE=",
        "SLIDEWAY_SCRATCH=",
        "SLIDEWAY_EXPLORER=",
        "SLIDEWAY_WORKER_NAME=",
        "SLIDEWAY_METRICS_LISTEN=",
    };
    /* The embedded issuer has its own; those of another provider are the operator's. */
    static const char *const CLAIMS[] = {
        "SLIDEWAY_USER_CLAIM=",
        "SLIDEWAY_EMAIL_CLAIM=",
        "SLIDEWAY_ORGANIZATION_CLAIM=",
        "SLIDEWAY_ROLE_CLAIM=",
    };
    return !begins_with_one(entry, DROPPED, ARRAY_COUNT(DROPPED)) &&
           !(is_issuer && begins_with_one(entry, CLAIMS, ARRAY_COUNT(CLAIMS)));
}

static Environment inherited(bool is_issuer)
{
    size_t count = 0;
    while (environ[count] != NULL) {
        count++;
    }
    Environment environment = {alloc_zeroed(count + OWN_MAX + 1, sizeof(char *)), 0};
    for (size_t i = 0; i < count; i++) {
        if (passes(environ[i], is_issuer)) {
            environment.entries[environment.count++] = alloc_string(environ[i]);
        }
    }
    return environment;
}

static char **service_environment(const Platform *platform, ChildRole role)
{
    const Layout *layout = &platform->layout;
    Environment environment = inherited(platform->is_issuer);
    AUTO_FREE char *key_file = alloc_format("%s/url_signing_key", layout->secrets);
    AUTO_FREE char *jwks_file = alloc_format("%s/" ISSUER_JWKS_FILE, layout->secrets);
    AUTO_FREE char *issuer_key = alloc_format("%s/" ISSUER_PRIVATE_FILE, layout->secrets);
    AUTO_FREE char *metrics_listen =
        alloc_format("127.0.0.1:%u", role == CHILD_SERVER ? platform->ports.server_metrics
                                                          : platform->ports.worker_metrics);
    add(&environment, "SLIDEWAY_METRICS_LISTEN", metrics_listen);
    add(&environment, "SLIDEWAY_DATABASE", platform->endpoint.database);
    add(&environment, "SLIDEWAY_OBJECT_STORE", platform->endpoint.object_store);
    add(&environment, "SLIDEWAY_OBJECT_URL", platform->endpoint.object_url);
    add(&environment, "SLIDEWAY_URL_SIGNING_KEY_FILE", key_file);
    if (role == CHILD_SERVER) {
        add(&environment, "SLIDEWAY_ADDRESS", "127.0.0.1");
        add_number(&environment, "SLIDEWAY_PORT", platform->ports.api);
        add_number(&environment, "SLIDEWAY_OBJECT_PORT", platform->ports.object);
        if (platform->is_issuer) {
            add(&environment, "SLIDEWAY_JWKS_FILE", jwks_file);
            add(&environment, "SLIDEWAY_ISSUER_KEY", issuer_key);
        }
        add(&environment, "SLIDEWAY_ISSUER", platform->endpoint.issuer);
        add(&environment, "SLIDEWAY_AUDIENCE", platform->endpoint.audience);
        AUTO_FREE char *explorer = bundled_explorer();
        if (explorer != NULL) {
            add(&environment, "SLIDEWAY_EXPLORER", explorer);
        }
    } else {
        /* The same name in every life: the new worker takes over from the dead one at once. */
        add(&environment, "SLIDEWAY_WORKER_NAME", "local");
        add(&environment, "SLIDEWAY_SCRATCH", layout->scratch_used);
    }
    return environment.entries;
}

bool service_child(Platform *platform, ChildRole role, Error *error)
{
    bool is_server = role == CHILD_SERVER;
    const char *name = is_server ? "server" : "worker";
    const char *program_name = is_server ? "slideway-server" : "slideway-worker";
    AUTO_FREE char *program = NULL;
    if (!program_beside(program_name, &program, error)) {
        return false;
    }
    platform->children[role] = (Child){
        .name = name,
        .program = TAKE(program),
        .arguments = {alloc_string(program_name)},
        .environment = service_environment(platform, role),
        .log_path = alloc_format("%s/%s.log", platform->layout.log, name),
        .record_path = alloc_format("%s/%s.pid", platform->layout.run, name),
        .uid = geteuid(),
        .gid = getegid(),
        .steps = {{SIGTERM, is_server ? SERVER_STOP_SECONDS : WORKER_STOP_SECONDS},
                  {SIGKILL, KILL_SECONDS}},
        .step_count = 2,
    };
    return true;
}
