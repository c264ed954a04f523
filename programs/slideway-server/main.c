/* SPDX-License-Identifier: Apache-2.0 */
/* The API and the local object store: reads the settings, opens what they name, runs until SIGTERM.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "applications/rules_cache.h"
#include "auth/fetch.h"
#include "base/alloc.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/parse.h"
#include "base/settings.h"
#include "buckets/bucket_key.h"
#include "buckets/bucket_server.h"
#include "db/connection.h"
#include "db/migrate.h"
#include "http/monitor.h"
#include "http/object_server.h"
#include "http/service.h"
#include "identity/local_issuer.h"
#include "objectstore/settings.h"
#include "placement/placement.h"
#include "program.h"
#include "routes.h"
#include "runs/queue_metrics.h"

typedef struct ServerSettings {
    char *database;
    StoreSettings store;
    char *object_url;
    char *url_signing_key;
    char *address;
    unsigned port;
    unsigned object_port;
    unsigned bucket_megabytes;
    unsigned shards;
    char *jwks_file;
    char *oidc_ca_file;
    char *oidc_certificate_file;
    char *oidc_key_file;
    char *issuer;
    char *issuer_key;
    char *audience;
    char *user_claim;
    char *email_claim;
    char *organization_claim;
    char *role_claim;
    char *login_client;
    char *login_scope;
    unsigned rate_limit;
    unsigned rate_burst;
    char *error_threshold;
    char *explorer;
    char *metrics_listen;
    char *log_level;
} ServerSettings;

#define FIELD(name) offsetof(ServerSettings, name)

static const Setting SETTINGS[] = {
    {"SLIDEWAY_DATABASE", SETTING_SECRET, FIELD(database), NULL, "libpq connection string"},
    STORE_SETTINGS(FIELD(store), NULL),
    {"SLIDEWAY_OBJECT_URL", SETTING_STRING, FIELD(object_url), "http://127.0.0.1:8081",
     "address under which clients reach a store that is a folder; its signed URLs begin with it"},
    {"SLIDEWAY_URL_SIGNING_KEY", SETTING_SECRET, FIELD(url_signing_key), NULL,
     "secret of signed URLs, 32 bytes or more"},
    {"SLIDEWAY_ADDRESS", SETTING_STRING, FIELD(address), "127.0.0.1", "address to listen on"},
    {"SLIDEWAY_PORT", SETTING_UINT, FIELD(port), "8080", "port of the API"},
    {"SLIDEWAY_OBJECT_PORT", SETTING_UINT, FIELD(object_port), "8081",
     "port of the local object store"},
    {"SLIDEWAY_BUCKET_MEGABYTES", SETTING_UINT, FIELD(bucket_megabytes), "1000000",
     "what each organization may keep in its upload bucket"},
    {"SLIDEWAY_SHARDS", SETTING_UINT, FIELD(shards), "0",
     "loops that serve the API; 0 is one for each core"},
    {"SLIDEWAY_ISSUER", SETTING_STRING, FIELD(issuer), NULL,
     "claim iss of valid tokens: the URL of an OpenID provider, whose keys are found by it"},
    {"SLIDEWAY_JWKS_FILE", SETTING_STRING, FIELD(jwks_file), "",
     "file with the public keys of the token issuer, read again when it changes; empty: the "
     "issuer is asked"},
    {"SLIDEWAY_OIDC_CA_FILE", SETTING_STRING, FIELD(oidc_ca_file), "",
     "certificates that the issuer's is trusted by; empty: the system's"},
    {"SLIDEWAY_OIDC_CERTIFICATE_FILE", SETTING_STRING, FIELD(oidc_certificate_file), "",
     "certificate that is shown to the issuer; empty: none"},
    {"SLIDEWAY_OIDC_KEY_FILE", SETTING_STRING, FIELD(oidc_key_file), "",
     "private key of that certificate"},
    {"SLIDEWAY_ISSUER_KEY", SETTING_STRING, FIELD(issuer_key), "",
     "file with the private key of SLIDEWAY_ISSUER, when the server itself is the issuer for local "
     "users; empty: it is not"},
    {"SLIDEWAY_AUDIENCE", SETTING_STRING, FIELD(audience), "slideway-api",
     "claim aud of valid tokens"},
    {"SLIDEWAY_USER_CLAIM", SETTING_STRING, FIELD(user_claim), "sub",
     "claim that names the caller; never one that people can change"},
    {"SLIDEWAY_EMAIL_CLAIM", SETTING_STRING, FIELD(email_claim), "email",
     "claim with the caller's e-mail address"},
    {"SLIDEWAY_ORGANIZATION_CLAIM", SETTING_STRING, FIELD(organization_claim), "org_id",
     "claim that names the caller's organization"},
    {"SLIDEWAY_ROLE_CLAIM", SETTING_STRING, FIELD(role_claim), "",
     "claim with the caller's role; empty is <audience>/role, then role"},
    {"SLIDEWAY_LOGIN_CLIENT", SETTING_STRING, FIELD(login_client), "slideway",
     "client id at the issuer that `slideway login` uses"},
    {"SLIDEWAY_LOGIN_SCOPE", SETTING_STRING, FIELD(login_scope), "openid offline_access",
     "scope that `slideway login` asks the issuer for"},
    {"SLIDEWAY_RATE_LIMIT", SETTING_UINT, FIELD(rate_limit), "10000",
     "requests per second that one caller may send to one loop; 0 is no limit"},
    {"SLIDEWAY_RATE_BURST", SETTING_UINT, FIELD(rate_burst), "50000",
     "requests that a caller who was quiet may send at once"},
    {"SLIDEWAY_ERROR_THRESHOLD", SETTING_STRING, FIELD(error_threshold), "",
     "items of a run that may end in error before the rest of it is cancelled, for applications "
     "that say nothing of it; empty: any number"},
    {"SLIDEWAY_EXPLORER", SETTING_STRING, FIELD(explorer), "",
     "folder of Swagger UI's files, for the page /api/v1/docs; empty: no such page"},
    {"SLIDEWAY_METRICS_LISTEN", SETTING_STRING, FIELD(metrics_listen), "",
     "address and port of /metrics, as 127.0.0.1:9464; it asks for no token; empty: none"},
    {"SLIDEWAY_LOG_LEVEL", SETTING_STRING, FIELD(log_level), "info",
     "debug (a line for each request), info, warning or error"},
};

/* What main owns, in the order it is opened. */
typedef struct Program {
    ServerSettings settings;
    UrlSigner signer;
    RulesCache *rules_cache;
    ServerContext context;
    Explorer *explorer;
    TokenRules rules;
    TlsFiles provider_tls;
    KeyOrigin key_origin;
    LocalIssuer *issuer;
    size_t table_count;
    EndpointTable tables[ROUTE_TABLE_COUNT];
    ServiceOptions service_options;
    char **operations; /* that metrics count requests by */
    size_t operation_count;
    ObjectStore *store;
    BucketSeal bucket_seal;
    BucketServer *bucket_server;
    ObjectServer *object_server;
    Service *service;
    QueueMetrics *queue_metrics;
    Monitor *monitor;
} Program;

/* One line an endpoint of the API: method, path, and whether a token is asked for. */
static void print_routes(void)
{
    static const char *const PERMISSIONS[] = {
        [PERMISSION_PUBLIC] = "public", [PERMISSION_USER] = "user", [PERMISSION_SHARED] = "shared"};
    EndpointTable tables[ROUTE_TABLE_COUNT];
    routes_list(tables);
    for (size_t i = 0; i < API_TABLE_COUNT; i++) {
        for (size_t k = 0; k < tables[i].count; k++) {
            const Endpoint *endpoint = &tables[i].endpoints[k];
            printf("%s %s %s\n", endpoint->method, endpoint->path,
                   PERMISSIONS[endpoint->permission]);
        }
    }
}

static const ProgramInfo INFO = {
    .name = "slideway-server",
    .purpose = "Serves the API and the local object store until SIGTERM.",
    .version = SLIDEWAY_VERSION,
    .settings = SETTINGS,
    .setting_count = ARRAY_COUNT(SETTINGS),
    .extra_option = "print-routes",
    .run_extra = print_routes,
};

static bool check_database(const Program *program, Error *error)
{
    const ConnectionProfile profile = {.conninfo = program->settings.database,
                                       .application_name = "slideway-server",
                                       .statement_timeout_ms = STATEMENT_MILLISECONDS_MAX};
    AUTO_CONNECTION *connection = NULL;
    MigrateReport report;
    return connection_open(&profile, &connection, error) &&
           migrate_check(connection, &report, error) &&
           placement_check(connection, program->settings.store.place, PLACEMENT_REMEDY, error);
}

static void wire(Program *program)
{
    const ServerSettings *settings = &program->settings;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned shards = settings->shards > 0 ? settings->shards : cores > 0 ? (unsigned)cores : 1;
    program->signer = (UrlSigner){settings->object_url, text_of(settings->url_signing_key), NULL};
    program->context = (ServerContext){
        &SYSTEM_CLOCK,
        &program->signer,
        program->explorer,
        program->rules_cache,
        settings->error_threshold[0] == '\0' ? NULL : settings->error_threshold,
        program->issuer,
        {settings->issuer, settings->audience, settings->login_client, settings->login_scope},
        NULL,
        false};
    program->rules =
        (TokenRules){settings->issuer,     settings->audience,   settings->organization_claim,
                     settings->role_claim, settings->user_claim, settings->email_claim};
    routes_list(program->tables);
    program->table_count = program->issuer == NULL ? OPEN_TABLE_COUNT : ROUTE_TABLE_COUNT;
    program->service_options =
        (ServiceOptions){.address = settings->address,
                         .port = settings->port,
                         .shard_count = shards,
                         .tables = program->tables,
                         .table_count = program->table_count,
                         .context = &program->context,
                         .token_rules = &program->rules,
                         .rate_rules = {settings->rate_limit, settings->rate_burst},
                         .key_origin = program->key_origin,
                         .conninfo = settings->database};
}

static bool find_keys(Program *program, Error *error)
{
    const ServerSettings *settings = &program->settings;
    if (settings->jwks_file[0] != '\0') {
        program->key_origin.jwks_path = settings->jwks_file;
        return true;
    }
    fetch_global_init();
    program->provider_tls = (TlsFiles){settings->oidc_ca_file, settings->oidc_certificate_file,
                                       settings->oidc_key_file};
    if (!tls_files_check(&program->provider_tls, "SLIDEWAY_OIDC", error)) {
        return false;
    }
    return key_source_start(settings->issuer, fetch_document, &program->provider_tls, &SYSTEM_CLOCK,
                            &program->key_origin.source, error) ||
           error_context(error, "SLIDEWAY_ISSUER, without SLIDEWAY_JWKS_FILE");
}

static bool open_issuer(Program *program, Error *error)
{
    const ServerSettings *settings = &program->settings;
    if (settings->issuer_key[0] == '\0') {
        return true;
    }
    if (settings->jwks_file[0] == '\0') {
        return error_set(error, ERROR_INVALID,
                         "SLIDEWAY_ISSUER_KEY needs SLIDEWAY_JWKS_FILE, with the public key");
    }
    return local_issuer_open(settings->issuer_key, settings->issuer, settings->audience,
                             &program->issuer, error);
}

static bool start_monitor(Program *program, Error *error)
{
    const ServerSettings *settings = &program->settings;
    if (settings->metrics_listen[0] == '\0') {
        return true;
    }
    if (!queue_metrics_start(settings->database, &SYSTEM_CLOCK, &program->queue_metrics, error)) {
        return false;
    }
    const MonitorOptions options = {.listen = settings->metrics_listen,
                                    .write = queue_metrics_write,
                                    .context = program->queue_metrics};
    return monitor_start(&options, &program->monitor, error);
}

static bool check_error_threshold(const char *threshold, Error *error)
{
    int64_t number = 0;
    return threshold[0] == '\0' || parse_int64(text_of(threshold), 0, RUN_ITEMS_MAX, &number) ||
           error_set(error, ERROR_INVALID,
                     "SLIDEWAY_ERROR_THRESHOLD must be a number from 0 to %d, or empty",
                     RUN_ITEMS_MAX);
}

static bool open_store(Program *program, Error *error)
{
    if (!store_open(&program->settings.store, NULL, &SYSTEM_CLOCK, &program->store, error)) {
        return false;
    }
    program->signer.bucket = objectstore_bucket(program->store);
    bucket_seal_init(&program->bucket_seal, program->signer.key);
    program->context.bucket_seal = &program->bucket_seal;
    program->context.gives_buckets = program->signer.bucket == NULL;
    return program_check_store(program->store, error);
}

/* Organisations have buckets of ours where the store is a folder. */
static void open_buckets(Program *program)
{
    const ServerSettings *settings = &program->settings;
    const BucketServerOptions options = {
        .clock = &SYSTEM_CLOCK,
        .database = {.conninfo = settings->database,
                     .application_name = "slideway-server",
                     .statement_timeout_ms = STATEMENT_MILLISECONDS_MAX},
        .store = program->store,
        .object_url = settings->object_url,
        .url_signing_key = text_of(settings->url_signing_key),
        .bytes_max = (int64_t)settings->bucket_megabytes * 1000 * 1000};
    program->bucket_server = bucket_server_create(&options);
}

/* A store that is a bucket serves itself. */
static bool start_object_server(Program *program, Error *error)
{
    const ServerSettings *settings = &program->settings;
    if (program->signer.bucket != NULL) {
        return true;
    }
    open_buckets(program);
    const ObjectServerOptions options = {.address = settings->address,
                                         .port = settings->object_port,
                                         .clock = &SYSTEM_CLOCK,
                                         .signer = &program->signer,
                                         .store = program->store,
                                         .upload_bytes_max = OBJECT_BYTES_MAX,
                                         .other = bucket_server_protocol(program->bucket_server)};
    return object_server_start(&options, &program->object_server, error);
}

static bool start(Program *program, Error *error)
{
    const ServerSettings *settings = &program->settings;
    if (!settings_read(SETTINGS, ARRAY_COUNT(SETTINGS), &program->settings, error) ||
        !program_set_log_level(settings->log_level, error) ||
        !check_error_threshold(settings->error_threshold, error) ||
        (settings->explorer[0] != '\0' &&
         !explorer_open(settings->explorer, &program->explorer, error))) {
        return false;
    }
    program->rules_cache = rules_cache_create();
    if (!open_issuer(program, error) || !find_keys(program, error)) {
        return false;
    }
    wire(program);
    program->operations =
        router_name_operations(program->tables, program->table_count, &program->operation_count);
    metrics_open(METRIC_SERVER, (const char *const *)program->operations, program->operation_count);
    return url_signer_check(&program->signer, error) && open_store(program, error) &&
           check_database(program, error) && start_object_server(program, error) &&
           service_start(&program->service_options, &program->service, error) &&
           start_monitor(program, error);
}

static void stop(Program *program)
{
    monitor_stop(program->monitor);
    queue_metrics_stop(program->queue_metrics);
    /* First those who wait for keys, for whom the service would wait. */
    key_source_stop(program->key_origin.source);
    service_stop(program->service);
    key_source_destroy(program->key_origin.source);
    local_issuer_close(program->issuer);
    object_server_stop(program->object_server);
    bucket_server_destroy(program->bucket_server);
    bucket_seal_clear(&program->bucket_seal);
    objectstore_close(program->store);
    explorer_close(program->explorer);
    rules_cache_destroy(program->rules_cache);
    router_forget_operations(program->operations, program->operation_count);
    settings_clear(SETTINGS, ARRAY_COUNT(SETTINGS), &program->settings);
}

int main(int argument_count, char **arguments)
{
    int code = 0;
    if (program_read_arguments(&INFO, argument_count, arguments, &code)) {
        return code;
    }
    /* Every thread inherits the mask; only this one waits for the signals. */
    sigset_t signals;
    program_block_signals(&signals);
    program_raise_file_limit();
    connection_forget_environment();
    alloc_return_large_blocks();

    static Program program;
    Error error = {0};
    if (!start(&program, &error)) {
        program_print_failure(&INFO, &error);
        stop(&program);
        return 1;
    }
    log_event(LOG_INFO, EVENT_SERVER_STARTED, LOG_STRING("address", program.settings.address),
              LOG_NUMBER("port", program.settings.port),
              LOG_NUMBER("object_port", program.settings.object_port),
              LOG_NUMBER("shards", program.service_options.shard_count));
    int received = 0;
    sigwait(&signals, &received);
    log_event(LOG_INFO, EVENT_SERVER_STOPPING, LOG_NUMBER("signal", received));
    stop(&program);
    log_event(LOG_INFO, EVENT_SERVER_STOPPED, LOG_NUMBER("signal", received));
    return 0;
}
