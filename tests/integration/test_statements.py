"""Every embedded statement, on a freshly migrated database with 100 k runs and 1 M items.

Goal: it prepares; its parameters and columns have the types that its header comment declares; and
it, and everything that the functions it calls do, reads the large tables by indexes only.
Method: libpq's PQdescribePrepared for the types; auto_explain with nested statements for the plans,
executed in a transaction that is rolled back, with the plans that it gets in service: the generic
one for a read of the server, a new one each time for a search, else what PostgreSQL chooses (from
the sixth time on, maybe generic).
"""
import ctypes
import ctypes.util
import hashlib
import re
import subprocess

import harness
import psycopg2
import pytest

RUNS = 100_000
# src/db/sql holds the scripts of the migrations' own table; those that are statements have a header.
MIGRATION_STATEMENTS = [path for path in sorted(harness.ROOT.glob("src/db/sql/*.sql"))
                        if re.match(r"-- (\$1|→) ", path.read_text(encoding="utf-8"))]
# A utility command cannot be prepared and has no plan; its file says so.
STATEMENTS = [path for path in sorted(harness.ROOT.glob("src/*/sql/*.sql"))
              if path.parent.parent.name != "db"
              and not path.read_text(encoding="utf-8").startswith("-- A utility command")]
SOURCES = " ".join(path.read_text(encoding="utf-8") for path in harness.ROOT.glob("src/*/*.c"))
READS = set(re.findall(r"(SQL_\w+),\s*STATEMENT_READ", SOURCES))
SEARCHES = set(re.findall(r"(SQL_\w+),\s*STATEMENT_(?:FILTER|SEARCH)", SOURCES))
LARGE_TABLES = {"runs", "run_progress", "items", "input_artifacts", "output_artifacts", "attempts",
                "requeued_items", "waiting_runs", "stranded_runs", "arrivals", "organization_turns", "audit", "grants",
                "share_tokens", "run_deadlines", "retained_runs", "deleted_runs", "bucket_objects", "bucket_uploads",
                "bucket_parts", "bucket_strays", "refused_objects"}
# What reads all that waits on purpose, once a second: the rows of the queue, but nothing else.
WHOLE_QUEUE = {"list_waiting_runs": {"waiting_runs", "stranded_runs", "requeued_items"},
               # Counted when a person asks; mostly there is none.
               "get_refused_objects": {"refused_objects"}}
EXECUTIONS = 7

ENDED_RUN = "01900000-0000-7000-8000-000001054321"
WAITING_RUN = "01900000-0000-7000-8000-000001050021"
WORKER = "01900000-0000-7000-8000-0000000000bb"
GRANT = "01900000-0007-7000-8000-000010054321"
SHARE_TOKEN = "01900000-0005-7000-8000-000010054321"
# Of the share token that number 54321 of the load has.
TOKEN_HASH = hashlib.sha256(b"54321").hexdigest()

BUCKET_UPLOAD = "01900000-0009-7000-8000-000000000321"
# Arguments by the parameter's name, and by (statement, name) where a statement needs another one.
ARGUMENTS = {
    "log_tails": "{NULL}",
    "run_id": ENDED_RUN, "user_id": "user-21", "organization_id": "org-1", "role": "member",
    "email": "user-21@example.org", "caller_organization_id": "org-1", "share_token_hash": TOKEN_HASH,
    "submitted_by": "user-21", "created_by": None, "grant_id": GRANT, "resource_type": "run",
    "resource_id": None, "subject_type": "user", "subject_id": "user-22", "subject_email": None,
    "document_name": "User guide.md", "documents": "[]", "relations": "{viewer}",
    "revoked": "false", "share_token_id": SHARE_TOKEN, "expires_at": None,
    "name": "whole_slide_image", "external_id": "slide-3",
    "application_id": "bench-app", "version_number": "1.0.0", "number": "1.0.0",
    "limit": "50", "offset": "100", "custom_metadata": '{"a": 1}',
    "body_digest": "00", "idempotency_key": "key", "dry_run": "f", "custom_metadata_checksum": "abc",
    "callback_context": None, "due_date": None, "deadline": None,
    "checked_version_id": "01900000-0000-7000-8000-0000000000aa", "rules_broken": "f",
    "metadata": '{"a": 1}', "checksum": "abc", "expected_checksum": None,
    "item_ids": "{01900000-0000-1700-8000-000010543210}", "external_ids": "{slide-3}", "state": "TERMINATED",
    "termination_reason": "SUCCEEDED", "sort_fields": "{submitted_at}", "sort_descending": "{t}",
    "weight": "3", "worker_id": WORKER, "count": "16", "batch_size": "4", "lease_seconds": "30", "slots": "2", "attempts_max": "3",
    "attempt_id": "01900000-0000-1700-8000-000010543210", "outcome": "SUCCEEDED",
    "error_code": None, "error_message": None, "log_tail": None, "peak_memory_bytes": "1000",
    "output_artifacts": "[]",
    "output_artifact_id": "01900000-0004-7000-8000-000010543210",
    "artifact_id": "01900000-0004-7000-8000-000010543210",
    "item_metadata": "{NULL}", "item_checksums": "{NULL}", "artifact_items": "{1}",
    "artifact_places": "{0}", "artifact_names": "{whole_slide_image}",
    "artifact_urls": "{https://x.example/}", "artifact_metadata": "{\"{}\"}",
    "description": "A test", "regulatory_classes": "{RUO}", "precedence": "1", "changelog": "First",
    "released_at": "2026-01-01T00:00:00Z", "folder": "/nowhere", "manifest": "{}",
    "run_ids": f"{{{WAITING_RUN}}}", "curves": '{"{0,1,2}"}', "organization_ids": "{org-1}",
    "organization_items": "{1}", "platform_items": "{2}",
    "input_artifacts": "[]", "input_names": "{}", "display_name": "Some", "token": "x",
    "scope": "user", "maximum": "1000", "organizations_max": "5",
    "all": "t", "cpus": "2", "memory_bytes": "1000", "gpus": "0", "draining": "f", "worker_name": "bench",
    "error_threshold": None, "error_threshold_default": "10", "deadline_seconds_min": None,
    "version_id": "01900000-0000-7000-8000-0000000000ab", "retention_days": "30",
    "after_artifact_id": "01900000-0004-7000-8000-000010500000",
    "artifact_ids": "{01900000-0004-7000-8000-000010543210}", "found": "{f}",
    "attempt_ids": "{01900000-0000-1700-8000-000010543210}",
    "address": "127.0.0.1", "password_hash": "$argon2id$x", "is_right": "t", "session_hash": "a" * 64,
    "code_hash": "b" * 64, "client_id": "slideway", "redirect_uri": "http://127.0.0.1:1/callback",
    "challenge": "c", "nonce": None, "device_hash": "d" * 64, "user_code_hash": "e" * 64,
    "refresh_hash": "f" * 64, "new_hash": "0" * 64, "family_id": "01900000-0006-7000-8000-000010543210",
    "allow": "t", "key_id": "01900000-0007-7000-8000-000010543210", "key_hash": "1" * 64,
    "key_name": "A key", "can_write": "t", "expires_in_days": "365",
    "bucket_name": "bucket-1", "access_key_id": "SLDWAAAAAAAAAAAAAAA1", "sealed_secret": "sealed",
    "protocol": "gs", "unreadable_key_id": None, "object_key": "folder-7/slide-321.tiff", "upload_id": BUCKET_UPLOAD,
    "file_id": "01900000-000c-7000-8000-000000000321", "file_ids": "{01900000-000c-7000-8000-000000000321}",
    "part_number": "2", "size_bytes": "1000", "bytes_max": "1000000000000", "etag": "0" * 32,
    "content_type": "image/tiff", "headers": "", "only_new": "f", "open_max": "1000000",
    "after_number": "0", "prefix": "folder-7/", "delimiter": "/", "after": "folder-7/slide-1",
    "after_key": "folder-7/", "after_upload": BUCKET_UPLOAD, "object_days": "30", "upload_days": "7",
    "place": "s3://slides/a", "moves": "t", "known_attempts": "{}", "object_keys": "{artifacts/a}", "run_ids": f"{{{ENDED_RUN}}}",
}
SPECIAL = {
    ("search_runs", "custom_metadata"): '$ ? (@.case == 54321)',
    ("search_items", "custom_metadata"): '$ ? (@.a == 1)',
    ("search_items", "sort_fields"): "{external_id}",
    ("list_grants", "sort_fields"): "{created_at}",
    ("list_share_tokens", "sort_fields"): "{created_at}",
    ("list_applications", "sort_fields"): "{name}",
    ("set_quota", "name"): "open_items",
    ("register_worker", "name"): "bench",
    ("cancel_run", "run_id"): WAITING_RUN,
    ("delete_bucket_objects", "object_keys"): "{folder-7/slide-321.tiff}",
    ("provide_me", "organization_id"): "org-new",
    ("provide_me", "bucket_name"): "org-new-bucket",
    ("provide_me", "access_key_id"): "SLDWNEW",
    ("register_version", "organization_id"): None,
}
# A statement that may be executed once only (the second would break a key) is given new values.
FRESH = {("create_run", "run_id"): "01900000-0000-7000-8000-00000200000{}",
         ("create_run", "item_ids"): "{01900000-0000-7000-8000-00000500000#}",
         ("create_run", "artifact_ids"): "{01900000-0000-7000-8000-00000600000#}",
         ("create_run", "idempotency_key"): "key {}",
         ("create_grant", "grant_id"): "01900000-0000-7000-8000-00000300000{}",
         ("create_share_token", "share_token_id"): "01900000-0000-7000-8000-00000400000{}",
         ("create_share_token", "share_token_hash"): "{}" * 64,
         ("create_device_code", "device_hash"): "{}" * 64,
         ("create_device_code", "user_code_hash"): "{}" * 64,
         ("create_api_key", "key_id"): "01900000-0000-7000-8000-00000800000{}",
         ("create_api_key", "key_hash"): "{}" * 64,
         ("finish_attempt", "output_artifacts"):
             '[{"output_artifact_id": "01900000-0000-7000-8000-00000700000#", "name": "a", '
             '"mime_type": "text/csv", "metadata": "null", "object_key": "k", "size_bytes": 1, '
             '"checksum_base64_crc32c": "AAAAAA=="}]',
         ("succeed_attempts", "output_artifacts"):
             '{"[{\\"output_artifact_id\\": \\"01900000-0000-7000-8000-00000710000#\\", \\"name\\": \\"a\\", '
             '\\"mime_type\\": \\"text/csv\\", \\"metadata\\": \\"null\\", \\"object_key\\": \\"k\\", '
             '\\"size_bytes\\": 1, \\"checksum_base64_crc32c\\": \\"AAAAAA==\\"}]"}',
         ("succeed_attempts", "peak_memory_bytes"): "{1000}",
         ("begin_bucket_file", "file_id"): "01900000-000d-7000-8000-00000000000#",
         ("begin_bucket_upload", "upload_id"): "01900000-000d-7000-8000-00000000000#",
         ("claim_items", "attempt_ids"): "{" + ",".join(
             f"01900000-0000-7000-8000-{number:011}#" for number in range(700, 716)) + "}",
         ("register_worker", "worker_id"): "01900000-0000-7000-8000-00000000000{}"}
# What must have happened before, so that the statement does its work and not only its refusal. A
# query gives the values of attempt_id, one an execution.
CLAIM = (f"SELECT attempt_id FROM claim_items('{WORKER}', {EXECUTIONS}, "
         f"ARRAY(SELECT gen_random_uuid() FROM generate_series(1, {EXECUTIONS})))")
DELETION = f"SELECT delete_outputs('{ENDED_RUN}', 'DELETED_BY_USER', 'ada')"
BEFORE = {
    "create_run": "UPDATE quota_usage SET month = month - interval '1 day'",
    "finish_attempt": CLAIM,
    "succeed_attempts": CLAIM,
    "register_worker": CLAIM,
    "expire_leases": f"{CLAIM}; UPDATE workers SET lease_expires_at = now() - interval '1 hour'",
    "leave_worker": CLAIM,
    "hand_back_unknown": CLAIM,
    "close_overdue_run": f"UPDATE run_deadlines SET deadline = now() WHERE run_id = '{WAITING_RUN}'",
    "list_deleted_artifacts": DELETION,
    "mark_artifacts_removed": DELETION,
    "heartbeat_worker": f"{CLAIM}; UPDATE attempts SET ended_at = now(), outcome = 'LOST' "
                        "WHERE ended_at IS NULL",
    "list_lost_attempts": "UPDATE attempts SET objects_swept_at = NULL "
                          f"WHERE run_id = '{ENDED_RUN}'",
}


def declared(sql):
    """([(parameter, type)], [(column, type)]) of the header comment."""
    parameters = re.findall(r"\$\d+ (\w+) ([\w ]+(?:\[\])?)", sql.partition("\n")[0])
    arrow = re.search(r"^-- → (.*)$", sql, re.MULTILINE)
    columns = re.findall(r"(\w+) ([\w ]+(?:\[\])?)", arrow[1]) if arrow else []
    return parameters, columns


class Describer:
    """PQprepare and PQdescribePrepared, which the Python driver does not offer."""

    def __init__(self, conninfo):
        self.pq = ctypes.CDLL(ctypes.util.find_library("pq"))
        for name in ("PQconnectdb", "PQprepare", "PQdescribePrepared", "PQexec"):
            getattr(self.pq, name).restype = ctypes.c_void_p
        for name in ("PQerrorMessage", "PQfname", "PQgetvalue"):
            getattr(self.pq, name).restype = ctypes.c_char_p
        self.connection = ctypes.c_void_p(self.pq.PQconnectdb(conninfo.encode()))

    def close(self):
        self.pq.PQfinish(self.connection)

    def describe(self, sql):
        for result in (self.pq.PQprepare(self.connection, b"", sql.encode(), 0, None),
                       self.pq.PQdescribePrepared(self.connection, b"")):
            assert self.pq.PQresultStatus(ctypes.c_void_p(result)) == 1, \
                self.pq.PQerrorMessage(self.connection).decode()
        result = ctypes.c_void_p(result)
        parameters = [self.pq.PQparamtype(result, index)
                      for index in range(self.pq.PQnparams(result))]
        columns = [(self.pq.PQfname(result, index).decode(), self.pq.PQftype(result, index))
                   for index in range(self.pq.PQnfields(result))]
        return parameters, columns


@pytest.fixture(scope="module")
def database(cluster):
    conninfo = cluster.create_database()
    connection = psycopg2.connect(conninfo)
    for migration in [harness.ROOT / "src/db/sql/create_schema_migrations.sql",
                      *sorted(harness.ROOT.glob("src/db/migrations/*.sql"))]:
        with connection, connection.cursor() as cursor:
            cursor.execute(migration.read_text(encoding="utf-8"))
    connection.close()
    subprocess.run([cluster.programs / "psql", "-q", "-d", conninfo, "-v", f"runs={RUNS}",
                    "-f", harness.ROOT / "tests/bench/load.sql"], check=True, timeout=400)
    return conninfo


@pytest.fixture(scope="module")
def describer(database):
    value = Describer(database)
    yield value
    value.close()


@pytest.fixture
def cursor(database):
    connection = psycopg2.connect(database)
    with connection.cursor() as value:
        yield value
    connection.close()


def test_the_load_has_the_promised_size(cursor):
    cursor.execute("SELECT (SELECT count(*) FROM runs), (SELECT count(*) FROM items)")
    assert cursor.fetchone() == (100_000, 1_000_000)


def test_statements_are_found():
    assert len(STATEMENTS) > 15
    assert {"SQL_GET_RUN", "SQL_LIST_RUNS", "SQL_LIST_ITEMS"} <= READS
    assert {"SQL_SEARCH_RUNS", "SQL_SEARCH_ITEMS", "SQL_LIST_GRANTS"} <= SEARCHES


@pytest.mark.parametrize("path", STATEMENTS + MIGRATION_STATEMENTS, ids=lambda path: path.stem)
def test_types_are_those_of_the_header_comment(path, describer, cursor):
    sql = path.read_text(encoding="utf-8")
    want_parameters, want_columns = declared(sql)

    def type_oid(name):
        cursor.execute("SELECT %s::regtype::oid", (name.strip(),))
        return cursor.fetchone()[0]

    parameters, columns = describer.describe(sql)
    assert parameters == [type_oid(kind) for _, kind in want_parameters]
    assert columns == [(name, type_oid(kind)) for name, kind in want_columns]


def literal(cursor, value):
    return "NULL" if value is None else cursor.mogrify("%s", (value,)).decode()


def arguments_of(statement, parameters, execution, attempts):
    for name, _ in parameters:
        if name == "attempt_id" and attempts:
            yield attempts[execution]
        elif (statement, name) == ("succeed_attempts", "attempt_ids"):
            yield f"{{{attempts[execution]}}}"
        elif (statement, name) in FRESH:
            yield FRESH[statement, name].replace("{}", str(execution)).replace("#", str(execution))
        elif (statement, name) in SPECIAL:
            yield SPECIAL[statement, name]
        else:
            yield ARGUMENTS[name]


def plans(cursor, path):
    """Every plan that was executed for the statement and inside the functions that it calls."""
    sql = path.read_text(encoding="utf-8")
    parameters, _ = declared(sql)
    attempts = []
    if path.stem in BEFORE:
        cursor.execute(BEFORE[path.stem])
        attempts = [row[0] for row in cursor.fetchall()] if cursor.description else []
    types = "(" + ", ".join(kind for _, kind in parameters) + ")" if parameters else ""
    cursor.execute("LOAD 'auto_explain'")
    cursor.execute(f"PREPARE this{types} AS {sql}")
    cursor.execute("SET LOCAL auto_explain.log_nested_statements = on; "
                   "SET LOCAL auto_explain.log_min_duration = 0; SET LOCAL client_min_messages = log")
    found = []
    if f"SQL_{path.stem.upper()}" in READS:
        cursor.execute("SET LOCAL plan_cache_mode = force_generic_plan")
    elif f"SQL_{path.stem.upper()}" in SEARCHES:
        cursor.execute("SET LOCAL plan_cache_mode = force_custom_plan")
    for execution in range(EXECUTIONS):
        values = [literal(cursor, value)
                  for value in arguments_of(path.stem, parameters, execution, attempts)]
        del cursor.connection.notices[:]
        cursor.execute("EXECUTE this" + (f"({', '.join(values)})" if values else ""))
        found += [notice for notice in cursor.connection.notices if "Query Text" in notice]
    return found


@pytest.mark.parametrize("path", STATEMENTS, ids=lambda path: path.stem)
def test_large_tables_are_read_by_indexes(path, cursor):
    found = plans(cursor, path)
    assert found, "no plan was reported"
    for plan in found:
        scanned = {table for table in re.findall(r"Seq Scan on (?:public\.)?(\w+)", plan)}
        assert not scanned & (LARGE_TABLES - WHOLE_QUEUE.get(path.stem, set())), plan


def test_a_sequential_scan_would_be_seen(cursor, tmp_path):
    """The negative of the test above: a statement that no index serves, alone and in a function."""
    path = tmp_path / "count_items.sql"
    path.write_text("-- $1 name text\n-- → count bigint\n"
                    "SELECT count(*) FROM items WHERE error_message = $1\n", encoding="utf-8")
    assert any("Seq Scan on items" in plan for plan in plans(cursor, path))
    cursor.connection.rollback()
    cursor.execute("CREATE FUNCTION hidden(text) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN "
                   "RETURN (SELECT count(*) FROM items WHERE error_message = $1); END $$")
    path.write_text("-- $1 name text\n-- → count bigint\nSELECT hidden($1) AS count\n",
                    encoding="utf-8")
    cursor.execute("DEALLOCATE ALL")
    assert any("Seq Scan on items" in plan for plan in plans(cursor, path))
