/* SPDX-License-Identifier: Apache-2.0 */
/* The private PostgreSQL; see postgres.h. */
#include "up/postgres.h"

#include <fcntl.h>
#include <glob.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/parse.h"
#include "db/connection.h"
#include "up_sql.h"

/* After a crash PostgreSQL first reads its log again, which takes as long as it takes. */
enum { INITIALISE_SECONDS = 120, STOP_SECONDS = 60, ABORT_SECONDS = 10 };
enum { VERSION_BYTES_MAX = 64, LOCK_BYTES_MAX = 16384 };
enum { LAST_SESSIONS_SECONDS = 10, LAST_SESSIONS_POLL_MS = 50 };

static bool has_programs(const char *folder)
{
    AUTO_FREE char *initdb = alloc_format("%s/initdb", folder);
    AUTO_FREE char *postgres = alloc_format("%s/postgres", folder);
    return access(initdb, X_OK) == 0 && access(postgres, X_OK) == 0;
}

/* The major version that made the cluster; 0 without one. */
static int cluster_version(const Layout *layout)
{
    AUTO_FREE char *path = alloc_format("%s/PG_VERSION", layout->cluster);
    AUTO_FREE char *content = NULL;
    Error ignored = {0};
    int64_t version = 0;
    return file_read(path, VERSION_BYTES_MAX, &content, NULL, &ignored) &&
                   parse_int64(text_trim(text_of(content)), 1, INT_MAX, &version)
               ? (int)version
               : 0;
}

/* Debian's folders, one a version. */
static char *find_installed(int version)
{
    glob_t found = {0};
    int64_t best = 0;
    char *best_path = NULL;
    if (glob("/usr/lib/postgresql/*/bin", 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++) {
            Text rest = text_from(text_of(found.gl_pathv[i]), strlen("/usr/lib/postgresql/"));
            int64_t number = 0;
            if (parse_int64(text_split(&rest, '/'), 1, INT_MAX, &number) && number > best &&
                (version == 0 || number == version) && has_programs(found.gl_pathv[i])) {
                best = number;
                alloc_free(best_path);
                best_path = alloc_string(found.gl_pathv[i]);
            }
        }
    }
    globfree(&found);
    return best_path;
}

/* What pg_config says: the way on systems that are not Debian. */
static char *ask_pg_config(const char *question)
{
    AUTO_FREE char *program = NULL;
    static const char *const PLACES[] = {"/usr/bin/pg_config", "/usr/local/bin/pg_config",
                                         "/usr/local/pgsql/bin/pg_config"};
    for (size_t i = 0; i < ARRAY_COUNT(PLACES) && program == NULL; i++) {
        program = access(PLACES[i], X_OK) == 0 ? alloc_string(PLACES[i]) : NULL;
    }
    int ends[2];
    if (program == NULL || pipe2(ends, O_CLOEXEC) != 0) {
        return NULL;
    }
    AUTO_FD reading = ends[0];
    AUTO_FD writing = ends[1];
    const char *const arguments[] = {"pg_config", question, NULL};
    const char *const environment[] = {"LC_ALL=C", NULL};
    ProcessPlan plan = {program, arguments, environment, "/dev/null",
                        writing, geteuid(), getegid(),   SIGKILL};
    pid_t pid = 0;
    int status = 0;
    Error ignored = {0};
    char answer[PATH_MAX];
    if (!process_start(&plan, &pid, &ignored)) {
        return NULL;
    }
    if (!process_wait(pid, ABORT_SECONDS * MICROSECONDS_PER_SECOND, &status)) {
        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
        return NULL;
    }
    ssize_t got = status == 0 ? read(reading, answer, sizeof(answer)) : 0;
    return got <= 0 ? NULL : text_to_string(text_trim((Text){answer, (size_t)got}));
}

/* The folder that pg_config names, when its PostgreSQL can run a cluster of the version (0: any).
 */
static char *find_configured(int version)
{
    AUTO_FREE char *answer = ask_pg_config("--version");
    Text rest = text_of(answer);
    int64_t major = 0;
    text_split(&rest, ' '); /* "PostgreSQL 15.3 (…)" */
    Text number = text_split(&rest, ' ');
    bool known = parse_int64(text_split(&number, '.'), 1, INT_MAX, &major);
    return known && (version == 0 || major == version) ? ask_pg_config("--bindir") : NULL;
}

bool postgres_find(const Layout *layout, const char *wished, char **programs_out, Error *error)
{
    int version = cluster_version(layout);
    AUTO_FREE char *programs = wished != NULL ? alloc_string(wished) : find_installed(version);
    if (programs == NULL) {
        programs = find_configured(version);
    }
    if (programs != NULL && has_programs(programs)) {
        *programs_out = TAKE(programs);
        return true;
    }
    if (wished != NULL) {
        return error_set(error, ERROR_UNAVAILABLE, "PostgreSQL's programs are not in '%s'", wished);
    }
    if (version != 0) {
        return error_set(error, ERROR_UNAVAILABLE,
                         "the database in '%s' was made by PostgreSQL %d, which is not installed "
                         "(on Debian: apt install postgresql-%d)",
                         layout->data, version, version);
    }
    return error_set(error, ERROR_UNAVAILABLE,
                     "PostgreSQL is not installed (on Debian: apt install postgresql)");
}

/* Written after a cluster is complete; one without it was left by an initdb that was cut off. */
static char *ready_mark(const Layout *layout)
{
    return alloc_format("%s/slideway_cluster", layout->cluster);
}

static bool empty_cluster(const Layout *layout, Error *error)
{
    AUTO_FREE char *pattern = alloc_format("%s/*", layout->cluster);
    glob_t found = {0};
    bool emptied = true;
    if (glob(pattern, 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc && emptied; i++) {
            struct stat status;
            emptied = lstat(found.gl_pathv[i], &status) == 0 && S_ISDIR(status.st_mode)
                          ? folder_remove(found.gl_pathv[i], error)
                          : unlink(found.gl_pathv[i]) == 0 ||
                                error_set(error, ERROR_FORBIDDEN, "cannot remove '%s': %m",
                                          found.gl_pathv[i]);
        }
    }
    globfree(&found);
    return emptied;
}

static bool run_initdb(const Layout *layout, const char *programs, Error *error)
{
    AUTO_FREE char *program = alloc_format("%s/initdb", programs);
    AUTO_FREE char *log_path = alloc_format("%s/postgres.log", layout->log);
    const char *const arguments[] = {program,
                                     "-D",
                                     layout->cluster_used,
                                     "-U",
                                     "slideway",
                                     "--auth-local=trust",
                                     "--auth-host=reject",
                                     "--encoding=UTF8",
                                     "--locale=C",
                                     NULL};
    const char *const environment[] = {"LC_ALL=C", "PATH=/usr/bin:/bin", NULL};
    ProcessPlan plan = {
        program, arguments, environment, log_path, -1, layout->database_uid, layout->database_gid,
        SIGKILL};
    pid_t pid = 0;
    int status = 0;
    if (!process_start(&plan, &pid, error)) {
        return false;
    }
    if (!process_wait(pid, INITIALISE_SECONDS * MICROSECONDS_PER_SECOND, &status)) {
        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        return true;
    }
    Child failed = {.log_path = log_path};
    char words[256];
    child_last_words(&failed, words, sizeof(words));
    return error_set(error, ERROR_UNAVAILABLE, "PostgreSQL could not make its database: %s (%s)",
                     words, log_path);
}

bool postgres_initialise(const Layout *layout, const char *programs, Error *error)
{
    AUTO_FREE char *mark = ready_mark(layout);
    if (access(mark, F_OK) == 0) {
        return true;
    }
    return empty_cluster(layout, error) && run_initdb(layout, programs, error) &&
           file_write(mark, TEXT("made by slideway up\n"), 0600, error);
}

void postgres_child(const Layout *layout, const char *programs, Child *child_out)
{
    Child child = {
        .name = "postgres",
        .program = alloc_format("%s/postgres", programs),
        .arguments =
            {
                alloc_format("%s/postgres", programs),
                alloc_string("-D"),
                alloc_string(layout->cluster_used),
                alloc_string("-c"),
                alloc_string("listen_addresses="),
                alloc_string("-c"),
                alloc_format("unix_socket_directories=%s", layout->socket),
                alloc_string("-c"),
                alloc_string("unix_socket_permissions=0700"),
                alloc_string("-c"),
                alloc_string("port=5432"),
                alloc_string("-c"),
                alloc_string("timezone=UTC"),
                alloc_string("-c"),
                alloc_string("log_timezone=UTC"),
                alloc_string("-c"),
                alloc_string("logging_collector=off"),
                alloc_string("-c"),
                alloc_string("cluster_name=slideway"),
            },
        .log_path = alloc_format("%s/postgres.log", layout->log),
        .record_path = alloc_format("%s/postgres.pid", layout->run),
        .uid = layout->database_uid,
        .gid = layout->database_gid,
        /* SIGINT: sessions are ended and all is written; SIGQUIT: the log is read again later. */
        .steps = {{SIGINT, STOP_SECONDS}, {SIGQUIT, ABORT_SECONDS}, {SIGKILL, ABORT_SECONDS}},
        .step_count = 3,
    };
    child.environment = alloc_zeroed(3, sizeof(*child.environment));
    child.environment[0] = alloc_string("LC_ALL=C");
    child.environment[1] = alloc_string("PATH=/usr/bin:/bin");
    *child_out = child;
}

char *postgres_conninfo(const Layout *layout, const char *database)
{
    return alloc_format("host=%s port=5432 user=slideway dbname=%s", layout->socket, database);
}

/* Whether the pid is that of a living process of PostgreSQL's program. */
static bool is_postgres(pid_t pid, const char *programs)
{
    AUTO_FREE char *link = alloc_format("/proc/%d/exe", (int)pid);
    AUTO_FREE char *program = alloc_format("%s/postgres", programs);
    struct stat running;
    struct stat ours;
    if (!process_is_alive(pid)) {
        return false;
    }
    return stat(link, &running) != 0 || stat(program, &ours) != 0 ||
           (running.st_ino == ours.st_ino && running.st_dev == ours.st_dev);
}

/* PostgreSQL takes a lock with its parent's pid for a stale one, and still checks by the shared
 * memory that no session of the last life runs (CreateLockFile in its miscinit.c). Written in place
 * and at once: the file stays its user's, and is never empty. */
static void forget_stale(const char *path, const char *programs)
{
    AUTO_FREE char *content = NULL;
    Error ignored = {0};
    int64_t pid = 0;
    if (!file_read(path, LOCK_BYTES_MAX, &content, NULL, &ignored)) {
        return;
    }
    Text rest = text_of(content);
    if (!parse_int64(text_trim(text_split(&rest, '\n')), 1, INT_MAX, &pid) ||
        is_postgres((pid_t)pid, programs)) {
        return;
    }
    AUTO_FREE char *ours =
        alloc_format("%d\n%s", (int)getpid(), rest.bytes == NULL ? "" : rest.bytes);
    AUTO_FD fd = open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 && fd_write_all(fd, ours, strlen(ours), &ignored) &&
        ftruncate(fd, (off_t)strlen(ours)) != 0) {
        unlink(path);
    }
}

void postgres_forget_stale_locks(const Layout *layout, const char *programs)
{
    AUTO_FREE char *of_cluster = alloc_format("%s/postmaster.pid", layout->cluster);
    AUTO_FREE char *of_socket = alloc_format("%s/.s.PGSQL.5432.lock", layout->socket);
    forget_stale(of_cluster, programs);
    forget_stale(of_socket, programs);
}

/* The shared memory that all processes of a cluster hold: the second number in line 7 of its lock
 * file (LOCK_FILE_LINE_SHMEM_KEY in PostgreSQL's pidfile.h). False: there is none. */
static bool shared_memory_id(const Layout *layout, int *id_out)
{
    enum { LINES_BEFORE = 6 };
    AUTO_FREE char *path = alloc_format("%s/postmaster.pid", layout->cluster);
    AUTO_FREE char *content = NULL;
    Error ignored = {0};
    int64_t id = 0;
    if (!file_read(path, LOCK_BYTES_MAX, &content, NULL, &ignored)) {
        return false;
    }
    Text rest = text_of(content);
    for (int line = 0; line < LINES_BEFORE; line++) {
        text_split(&rest, '\n');
    }
    Text words = text_trim(text_split(&rest, '\n'));
    text_split(&words, ' ');
    if (!parse_int64(text_trim(words), 0, INT_MAX, &id)) {
        return false;
    }
    *id_out = (int)id;
    return true;
}

void postgres_await_last_sessions(const Layout *layout, const Clock *clock)
{
    int id = 0;
    if (!shared_memory_id(layout, &id)) {
        return;
    }
    for (int left_ms = LAST_SESSIONS_SECONDS * 1000; left_ms > 0;
         left_ms -= LAST_SESSIONS_POLL_MS) {
        struct shmid_ds memory;
        if (shmctl(id, IPC_STAT, &memory) != 0 || memory.shm_nattch == 0) {
            return;
        }
        clock_sleep_us(clock, LAST_SESSIONS_POLL_MS * MICROSECONDS_PER_MILLISECOND);
    }
}

bool postgres_create_database(const Layout *layout, Error *error)
{
    AUTO_FREE char *conninfo = postgres_conninfo(layout, "postgres");
    ConnectionProfile profile = {conninfo, "slideway-up", 0};
    AUTO_CONNECTION *connection = NULL;
    if (!connection_open(&profile, &connection, error)) {
        return false;
    }
    AUTO_RESULT *found = PQexec(connection, SQL_FIND_DATABASE);
    if (PQresultStatus(found) != PGRES_TUPLES_OK) {
        return connection_error(connection, "the database could not be looked for", error);
    }
    if (PQgetvalue(found, 0, 0)[0] == 't') {
        return true;
    }
    AUTO_RESULT *created = PQexec(connection, SQL_CREATE_DATABASE);
    return PQresultStatus(created) == PGRES_COMMAND_OK ||
           connection_error(connection, "the database could not be made", error);
}
