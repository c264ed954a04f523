/* SPDX-License-Identifier: Apache-2.0 */
/* The worker: reads the settings, opens what they name, works until SIGTERM. It is also the
 * launcher of its own sandboxes. */
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>

#include "base/limits.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/parse.h"
#include "base/settings.h"
#include "db/migrate.h"
#include "http/client.h"
#include "http/monitor.h"
#include "jobs/worker.h"
#include "objectstore/settings.h"
#include "placement/placement.h"
#include "program.h"
#include "sandbox/sandbox.h"
#include "slurm_settings.h"

/* Beyond the ids of people, packages, containers and dynamic users, below 2^31. */
#define SANDBOX_UID_DEFAULT "2000000000"

enum { LEASE_SECONDS_MIN = 2, BATCH_SIZE_MAX = CLAIM_ITEMS_MAX };

typedef struct WorkerSettings {
    char *database;
    StoreSettings store;
    char *object_url;
    char *url_signing_key;
    char *worker_name;
    char *scratch;
    unsigned slots;
    unsigned cpus;
    char *memory_bytes;
    char *gpus;
    unsigned lease_seconds;
    unsigned attempts_max;
    unsigned batch_size;
    unsigned drain_seconds;
    unsigned retention_days;
    unsigned upload_days;
    unsigned sweep_seconds;
    unsigned sandbox_uid;
    char *egress_networks;
    char *input_bytes_max;
    unsigned download_seconds_max;
    char *metrics_listen;
    char *executor;
    SlurmSettings slurm;
    char *log_level;
} WorkerSettings;

#define FIELD(name) offsetof(WorkerSettings, name)

static const Setting SETTINGS[] = {
    {"SLIDEWAY_DATABASE", SETTING_SECRET, FIELD(database), NULL, "libpq connection string"},
    STORE_SETTINGS(FIELD(store), NULL),
    {"SLIDEWAY_OBJECT_URL", SETTING_STRING, FIELD(object_url), "http://127.0.0.1:8081",
     "address under which clients reach a store that is a folder; its signed URLs begin with it"},
    {"SLIDEWAY_URL_SIGNING_KEY", SETTING_SECRET, FIELD(url_signing_key), NULL,
     "secret of signed URLs, 32 bytes or more"},
    {"SLIDEWAY_WORKER_NAME", SETTING_STRING, FIELD(worker_name), "",
     "a worker of the same name takes over what this one leaves; empty is the host's name"},
    {"SLIDEWAY_SCRATCH", SETTING_STRING, FIELD(scratch), NULL,
     "folder for running items, wiped at the start; of this worker alone"},
    {"SLIDEWAY_SLOTS", SETTING_UINT, FIELD(slots), "0",
     "items processed at the same time; 0 is one for each core"},
    {"SLIDEWAY_CPUS", SETTING_UINT, FIELD(cpus), "0",
     "cores that one item may need to come here; 0 is what the machine has"},
    {"SLIDEWAY_MEMORY_BYTES", SETTING_STRING, FIELD(memory_bytes), "",
     "memory that one item may need to come here; empty is what the machine has"},
    {"SLIDEWAY_GPUS", SETTING_STRING, FIELD(gpus), "",
     "GPUs that one item may need to come here; empty is what the machine has"},
    {"SLIDEWAY_LEASE_SECONDS", SETTING_UINT, FIELD(lease_seconds), "60",
     "how long a worker may be silent before its items are given to another"},
    {"SLIDEWAY_ATTEMPTS_MAX", SETTING_UINT, FIELD(attempts_max), "3",
     "how often an item is tried that the platform failed to process"},
    {"SLIDEWAY_BATCH_SIZE", SETTING_UINT, FIELD(batch_size), "4",
     "items of one run that are in work at once on all workers together; fewer when more runs wait "
     "than there are places"},
    {"SLIDEWAY_DRAIN_SECONDS", SETTING_UINT, FIELD(drain_seconds), "5",
     "how long running items may go on after SIGTERM before they are handed back"},
    {"SLIDEWAY_UPLOAD_DAYS", SETTING_UINT, FIELD(upload_days), "30",
     "how long objects of upload buckets are kept; 0 is for ever"},
    {"SLIDEWAY_RETENTION_DAYS", SETTING_UINT, FIELD(retention_days), "30",
     "how long artifacts are kept after the end of their run; the same for all workers"},
    {"SLIDEWAY_SWEEP_SECONDS", SETTING_UINT, FIELD(sweep_seconds), "3600",
     "pause between two searches for objects without a row and rows without an object"},
    {"SLIDEWAY_SANDBOX_UID", SETTING_UINT, FIELD(sandbox_uid), SANDBOX_UID_DEFAULT,
     "when started as root: applications run as this user id and, one for each slot, those "
     "after it; nobody else may have them"},
    {"SLIDEWAY_EGRESS_NETWORKS", SETTING_STRING, FIELD(egress_networks), "",
     "private networks that slides may be fetched from, as 10.1.0.0/16,fd00::/8"},
    {"SLIDEWAY_INPUT_BYTES_MAX", SETTING_STRING, FIELD(input_bytes_max), "68719476736",
     "largest input file"},
    {"SLIDEWAY_DOWNLOAD_SECONDS_MAX", SETTING_UINT, FIELD(download_seconds_max), "3600",
     "longest download of one input file"},
    {"SLIDEWAY_METRICS_LISTEN", SETTING_STRING, FIELD(metrics_listen), "",
     "address and port of /metrics and /health, as 127.0.0.1:9464; it asks for no token; empty: "
     "none"},
    {"SLIDEWAY_EXECUTOR", SETTING_STRING, FIELD(executor), "local",
     "where applications run: local, beside the worker, or slurm, as jobs of a Slurm cluster"},
    SLURM_SETTINGS(FIELD(slurm)),
    {"SLIDEWAY_LOG_LEVEL", SETTING_STRING, FIELD(log_level), "info",
     "debug, info, warning or error"},
};

/* What main owns, in the order it is opened. */
typedef struct Program {
    WorkerSettings settings;
    char host_name[HOST_NAME_MAX + 1];
    int64_t input_bytes_max;
    WorkerLabels labels;
    UrlSigner signer;
    BucketReader buckets;
    EgressPolicy egress;
    ObjectStore *store;
    SlurmProgram slurm;
    WorkerOptions options;
    WorkerHealth health;
    Monitor *monitor;
} Program;

static const ProgramInfo INFO = {
    .name = "slideway-worker",
    .purpose = "Processes items of runs until SIGTERM.",
    .version = SLIDEWAY_VERSION,
    .settings = SETTINGS,
    .setting_count = ARRAY_COUNT(SETTINGS),
};

static bool is_slurm(const WorkerSettings *settings)
{
    return strcmp(settings->executor, "slurm") == 0;
}

static bool check_settings(const WorkerSettings *settings, Error *error)
{
    if (settings->slots > SLOTS_MAX) {
        return error_set(error, ERROR_INVALID, "SLIDEWAY_SLOTS must be at most %d", SLOTS_MAX);
    }
    if (settings->lease_seconds < LEASE_SECONDS_MIN || settings->attempts_max == 0) {
        return error_set(error, ERROR_INVALID,
                         "SLIDEWAY_LEASE_SECONDS must be at least %d, SLIDEWAY_ATTEMPTS_MAX 1",
                         LEASE_SECONDS_MIN);
    }
    if (settings->batch_size == 0 || settings->batch_size > BATCH_SIZE_MAX) {
        return error_set(error, ERROR_INVALID, "SLIDEWAY_BATCH_SIZE must be from 1 to %d",
                         BATCH_SIZE_MAX);
    }
    if (geteuid() == 0 && settings->sandbox_uid == 0) {
        return error_set(error, ERROR_INVALID,
                         "SLIDEWAY_SANDBOX_UID must not be root's when the worker runs as root");
    }
    if (strcmp(settings->executor, "local") != 0 && !is_slurm(settings)) {
        return error_set(error, ERROR_INVALID, "SLIDEWAY_EXECUTOR must be local or slurm");
    }
    return program_set_log_level(settings->log_level, error);
}

static bool read_input_bytes_max(Program *program, Error *error)
{
    return parse_int64(text_of(program->settings.input_bytes_max), 1, OBJECT_BYTES_MAX,
                       &program->input_bytes_max) ||
           error_set(error, ERROR_INVALID, "SLIDEWAY_INPUT_BYTES_MAX must be from 1 to %lld",
                     (long long)OBJECT_BYTES_MAX);
}

/* The label that the setting names, or the one that was detected. */
static bool
read_label(const char *setting, const char *text, int64_t minimum, int64_t *label, Error *error)
{
    return text[0] == '\0' || parse_int64(text_of(text), minimum, INT64_MAX, label) ||
           error_set(error, ERROR_INVALID, "%s must be a number from %lld, or empty", setting,
                     (long long)minimum);
}

/* What a cluster has is Slurm's to know: nothing of this machine bounds its jobs. */
static bool read_labels(Program *program, Error *error)
{
    const WorkerSettings *settings = &program->settings;
    WorkerLabels *labels = &program->labels;
    if (is_slurm(settings)) {
        *labels = (WorkerLabels){LABEL_ANY, LABEL_ANY, LABEL_ANY};
    } else {
        labels_detect("/dev", labels);
    }
    labels->cpus = settings->cpus > 0 ? settings->cpus : labels->cpus;
    return read_label("SLIDEWAY_MEMORY_BYTES", settings->memory_bytes, 1, &labels->memory_bytes,
                      error) &&
           read_label("SLIDEWAY_GPUS", settings->gpus, 0, &labels->gpus, error);
}

static unsigned slot_count(const WorkerSettings *settings)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned wanted = settings->slots > 0 ? settings->slots : cores > 0 ? (unsigned)cores : 1;
    return wanted < SLOTS_MAX ? wanted : SLOTS_MAX;
}

static const char *worker_name(Program *program)
{
    if (program->settings.worker_name[0] != '\0') {
        return program->settings.worker_name;
    }
    bool known = gethostname(program->host_name, sizeof program->host_name) == 0;
    return known && program->host_name[0] != '\0' ? program->host_name : "worker";
}

static void wire(Program *program, int stop_fd)
{
    const WorkerSettings *settings = &program->settings;
    const ConnectionProfile database = {.conninfo = settings->database,
                                        .application_name = "slideway-worker",
                                        .statement_timeout_ms = STATEMENT_MILLISECONDS_MAX};
    bucket_seal_init(&program->buckets.seal, program->signer.key);
    program->buckets.database = bucket_database_create(&database, &SYSTEM_CLOCK);
    program->buckets.object_url = settings->object_url;
    program->buckets.clock = &SYSTEM_CLOCK;
    const StageContext stage = {.clock = &SYSTEM_CLOCK,
                                .store = program->store,
                                .signer = &program->signer,
                                .buckets = &program->buckets,
                                .egress = &program->egress,
                                .input_bytes_max = program->input_bytes_max,
                                .download_seconds_max = settings->download_seconds_max};
    program->options = (WorkerOptions){
        .clock = &SYSTEM_CLOCK,
        .database = database,
        .name = worker_name(program),
        .lease_seconds = settings->lease_seconds,
        .attempts_max = settings->attempts_max,
        .batch_size = settings->batch_size,
        .drain_seconds = settings->drain_seconds,
        .slot_count = slot_count(settings),
        .labels = program->labels,
        .retention_days = settings->retention_days,
        .upload_days = settings->upload_days,
        .sweep_seconds = settings->sweep_seconds,
        .stop_fd = stop_fd,
        .attempt = {.stage = stage,
                    .executor =
                        program->slurm.executor == NULL ? &LOCAL_EXECUTOR : program->slurm.executor,
                    .sandbox_uid = geteuid() == 0 ? settings->sandbox_uid : 0},
        .scratch_folder = settings->scratch,
        .health = &program->health,
    };
}

static bool check_database(const Program *program, Error *error)
{
    AUTO_CONNECTION *connection = NULL;
    MigrateReport report;
    return connection_open(&program->options.database, &connection, error) &&
           migrate_check(connection, &report, error) &&
           placement_check(connection, program->settings.store.place, PLACEMENT_REMEDY, error);
}

static const char *trouble(void *program)
{
    const Program *of = program;
    return worker_is_well(&of->health, &SYSTEM_CLOCK) ? NULL : "the worker has no lease";
}

static bool start_monitor(Program *program, Error *error)
{
    const MonitorOptions options = {
        .listen = program->settings.metrics_listen, .trouble = trouble, .context = program};
    return options.listen[0] == '\0' || monitor_start(&options, &program->monitor, error);
}

static bool start(Program *program, int stop_fd, Error *error)
{
    const WorkerSettings *settings = &program->settings;
    if (!settings_read(SETTINGS, ARRAY_COUNT(SETTINGS), &program->settings, error) ||
        !check_settings(settings, error) || !read_input_bytes_max(program, error) ||
        !read_labels(program, error) ||
        !egress_parse(text_of(settings->egress_networks), &program->egress, error)) {
        return false;
    }
    program->signer = (UrlSigner){settings->object_url, text_of(settings->url_signing_key), NULL};
    if (!url_signer_check(&program->signer, error) ||
        !store_open(&settings->store, NULL, &SYSTEM_CLOCK, &program->store, error) ||
        !program_check_store(program->store, error)) {
        return false;
    }
    program->signer.bucket = objectstore_bucket(program->store);
    if (is_slurm(settings) && !slurm_program_start(&program->slurm, &settings->slurm, error)) {
        return false;
    }
    wire(program, stop_fd);
    metrics_open(METRIC_WORKER, NULL, 0);
    return check_database(program, error) && start_monitor(program, error);
}

static void stop(Program *program)
{
    monitor_stop(program->monitor);
    slurm_program_stop(&program->slurm);
    objectstore_close(program->store);
    bucket_database_destroy(program->buckets.database);
    bucket_seal_clear(&program->buckets.seal);
    settings_clear(SETTINGS, ARRAY_COUNT(SETTINGS), &program->settings);
}

int main(int argument_count, char **arguments)
{
    if (sandbox_is_launcher(argument_count, arguments)) {
        return sandbox_launcher_main(argument_count, arguments);
    }
    int code = 0;
    if (program_read_arguments(&INFO, argument_count, arguments, &code)) {
        return code;
    }
    /* Every thread inherits the mask; the loop reads the signals from their descriptor. */
    sigset_t signals;
    program_block_signals(&signals);
    AUTO_FD stop_fd = signalfd(-1, &signals, SFD_CLOEXEC);
    program_raise_file_limit();
    download_global_init();

    static Program program;
    Error error = {0};
    if (!start(&program, stop_fd, &error)) {
        program_print_failure(&INFO, &error);
        stop(&program);
        return 1;
    }
    log_event(LOG_INFO, EVENT_WORKER_STARTED, LOG_STRING("name", program.options.name),
              LOG_NUMBER("slots", program.options.slot_count),
              LOG_NUMBER("lease_seconds", program.options.lease_seconds));
    slurm_program_end_leftovers(&program.slurm, program.options.scratch_folder);
    bool worked = worker_run(&program.options, &error);
    if (!worked) {
        log_error(LOG_ERROR, EVENT_WORKER_FAILED, &error);
    }
    log_event(LOG_INFO, EVENT_WORKER_STOPPED, LOG_STRING("name", program.options.name));
    stop(&program);
    return worked ? 0 : 1;
}
