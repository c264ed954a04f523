"""The database: migrations, and the rules that PostgreSQL itself keeps, whoever writes the SQL."""
import datetime
import hashlib
import json
import subprocess
import sys
import uuid

import psycopg2
import pytest

import harness
import sample_application
from life import execute, rows

sys.path.insert(0, str(harness.ROOT / "tests/chaos"))
import bugs  # noqa: E402

MIGRATIONS = sorted((harness.ROOT / "src/db/migrations").glob("*.sql"))
NEWEST = len(MIGRATIONS)
MANY = 4

STATES = ("PENDING", "PROCESSING", "TERMINATED")
ITEM_REASONS = ("SUCCEEDED", "USER_ERROR", "SYSTEM_ERROR", "SKIPPED")
RUN_REASONS = ("ALL_ITEMS_PROCESSED", "CANCELED_BY_SYSTEM", "CANCELED_BY_USER")


@pytest.fixture
def empty(cluster, folder):
    """A database that was never migrated, and the programs' environment for it."""
    return harness.Platform(cluster, folder, applications=(), migrated=False)


@pytest.fixture
def migrated(empty):
    empty.slideway("migrate")
    return empty


def applied(platform):
    return rows(platform, "SELECT number, name, checksum, applied_at FROM schema_migrations "
                          "ORDER BY number")


def refusal(platform):
    """Starts a server and a worker, which must refuse; returns the one sentence that both say."""
    sentences = set()
    for name in ("slideway-server", "slideway-worker"):
        done = subprocess.run([harness.program(name)], text=True, capture_output=True, check=False,
                              env=platform.environment(), timeout=harness.START_SECONDS)
        assert done.returncode == 1, done.stderr
        [line] = done.stderr.strip().splitlines()
        assert line.startswith(f"{name}: "), line
        sentences.add(line.partition(": ")[2])
    [sentence] = sentences
    return sentence


# Migrations.

def test_migrations_are_applied_in_order_with_their_checksums(migrated):
    want = [(index + 1, path.name, hashlib.sha256(path.read_bytes()).hexdigest())
            for index, path in enumerate(MIGRATIONS)]
    assert [row[:3] for row in applied(migrated)] == want


def test_second_run_changes_nothing(migrated):
    before = applied(migrated)
    done = migrated.slideway("migrate", "--json")
    assert json.loads(done.stdout) == {"applied": 0, "newest": NEWEST}
    assert applied(migrated) == before


def test_many_programs_that_migrate_at_once_apply_each_file_once(empty):
    running = [subprocess.Popen([harness.program("slideway"), "migrate", "--json"], text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                env=empty.environment()) for _ in range(MANY)]
    answers = [(process.communicate(timeout=120), process.returncode) for process in running]
    assert [code for _, code in answers] == [0] * MANY, answers
    counts = sorted(json.loads(out)["applied"] for (out, _), _ in answers)
    assert counts == [0] * (MANY - 1) + [NEWEST]
    assert len(applied(empty)) == NEWEST


def test_migration_that_fails_leaves_nothing_of_itself(empty):
    execute(empty, "CREATE TABLE attempts (in_the_way integer)")
    done = empty.slideway("migrate", check=False)
    assert done.returncode == 1
    assert "migration 0001_tables.sql" in done.stderr
    assert applied(empty) == []
    assert rows(empty, "SELECT to_regclass('runs'), to_regclass('organizations')") == [(None, None)]
    # And when the obstacle is gone, the next run does all of it.
    execute(empty, "DROP TABLE attempts")
    empty.slideway("migrate")
    assert len(applied(empty)) == NEWEST


# What is done to the table of migrations → what both programs say about it.
REFUSED_SCHEMAS = {
    "changed_file": ("UPDATE schema_migrations SET checksum = repeat('0', 64) WHERE number = 2",
                     "migration 0002_guards.sql differs from the one the database was made with"),
    "newer": (f"INSERT INTO schema_migrations (number, name, checksum) VALUES ({NEWEST + 1}, 'x', 'x')",
              f"the database has migration {NEWEST + 1}, which this program does not know: "
              "it was made by a newer one"),
    "gap": ("DELETE FROM schema_migrations WHERE number = 1",
            "migration 0001_tables.sql differs from the one the database was made with"),
}


@pytest.mark.parametrize("case", REFUSED_SCHEMAS)
def test_schema_that_does_not_fit_is_refused(migrated, case):
    change, sentence = REFUSED_SCHEMAS[case]
    execute(migrated, change)
    before = applied(migrated)
    assert refusal(migrated) == sentence
    done = migrated.slideway("migrate", check=False)
    assert done.returncode == 1 and sentence in done.stderr
    assert applied(migrated) == before


def test_older_schema_is_refused(migrated):
    execute(migrated, "DELETE FROM schema_migrations WHERE number = %s", NEWEST)
    assert refusal(migrated) == (f"the database is at migration {NEWEST - 1} of {NEWEST}: "
                                 "run 'slideway migrate' first")


def test_database_that_was_never_migrated_is_refused(empty):
    assert refusal(empty) == (f"the database is at migration 0 of {NEWEST}: "
                              "run 'slideway migrate' first")
    assert rows(empty, "SELECT to_regclass('schema_migrations')") == [(None,)]


# Guards. One run with an item in each state is made by SQL alone.

@pytest.fixture(scope="module")
def guarded(cluster, module_folder):
    application = sample_application.write(module_folder / "applications", "sample")
    return harness.Platform(cluster, module_folder, applications=(application,))


def create_run(cursor, item_count=1):
    """A new run, PENDING with all its items; returns its id."""
    run_id = harness.uuid7()
    item_ids, artifact_ids = ([harness.uuid7() for _ in range(item_count)] for _ in range(2))
    cursor.execute(
        "SELECT outcome FROM create_run(%s, 'ada', 'hospital', 'member', '', '', 'sample', NULL, "
        "NULL, NULL, NULL, NULL, NULL, %s::uuid[], %s, %s::text[], %s::text[], %s::uuid[], %s, %s, "
        "%s, %s, %s, NULL, '', false, "
        "(SELECT version_id FROM application_versions WHERE application_id = 'sample'), false, NULL)",
        (run_id, item_ids, [f"slide-{index}" for index in range(item_count)], [None] * item_count,
         [None] * item_count, artifact_ids, list(range(1, item_count + 1)), [0] * item_count,
         ["whole_slide_image"] * item_count, ["https://slides.example/a.tiff"] * item_count,
         ["{}"] * item_count))
    assert cursor.fetchone() == ("CREATED",)
    return run_id


def register_worker(cursor, name="by-hand"):
    worker_id = harness.uuid7()
    cursor.execute("SELECT register_worker(%s, %s, 4, 600, 3)", (worker_id, name))
    return worker_id


def claim(cursor, worker_id, run_id, count=1):
    """Attempt ids of claimed items of this run, which is the only one that is ready."""
    cursor.execute("SELECT admit_arrivals('-infinity')")
    cursor.execute("DELETE FROM waiting_runs WHERE run_id <> %s", (run_id,))
    cursor.execute("SELECT attempt_id FROM claim_items(%s, %s, %s::uuid[])",
                   (worker_id, count, [harness.new_id() for _ in range(count)]))
    return [row[0] for row in cursor.fetchall()]


def end_back_off(cursor):
    """As if the items that wait for another try had waited for long enough."""
    cursor.execute("UPDATE requeued_items SET ready_at = platform_now(); "
                   "UPDATE arrivals SET ready_at = platform_now()")


def finish(cursor, attempt_id, outcome):
    cursor.execute("SELECT finish_attempt(%s, %s, NULL, NULL, NULL, NULL, NULL, 3)",
                   (attempt_id, outcome))
    return cursor.fetchone()[0]


def set_item(cursor, run_id, state, reason):
    """Moves the items of a run by plain SQL, with all that the table's own checks ask for."""
    cursor.execute(
        "UPDATE items SET state = %s, termination_reason = %s, "
        "terminated_at = CASE WHEN %s = 'TERMINATED' THEN coalesce(terminated_at, now()) END, "
        "attempt_id = CASE WHEN %s = 'PROCESSING' THEN gen_random_uuid() ELSE attempt_id END "
        "WHERE run_id = %s", (state, reason, state, state, run_id))


def set_run(cursor, run_id, state, reason):
    cursor.execute(
        "UPDATE run_progress SET state = %s, termination_reason = %s, "
        "terminated_at = CASE WHEN %s = 'TERMINATED' THEN coalesce(terminated_at, now()) END, "
        "pending_count = (%s = 'PENDING')::integer, "
        "processing_count = (%s = 'PROCESSING')::integer, "
        "skipped_count = (%s = 'TERMINATED')::integer, "
        "next_ordinal = (%s <> 'PENDING')::integer WHERE run_id = %s",
        (state, reason, state, state, state, state, state, run_id))


def ends(reasons):
    """Every state with every reason that it may have."""
    return [("PENDING", None), ("PROCESSING", None), *(("TERMINATED", reason) for reason in reasons)]


def move_cases(reasons):
    for start in ends(reasons):
        for target in ends(reasons):
            # From a terminal state only to itself; among the others everything may be.
            yield start, target, start[0] != "TERMINATED" or start == target


MOVES = [("item", set_item, *case) for case in move_cases(ITEM_REASONS)] + \
        [("run", set_run, *case) for case in move_cases(RUN_REASONS)]


def move_name(case):
    kind, _, start, target, _ = case
    return f"{kind}-{start[1] or start[0]}-{target[1] or target[0]}"


@pytest.mark.parametrize("kind, put, start, target, allowed", MOVES, ids=map(move_name, MOVES))
def test_terminal_state_never_changes(guarded, kind, put, start, target, allowed):
    table = {"item": "items", "run": "run_progress"}[kind]
    with guarded.sql() as cursor:
        run_id = create_run(cursor)
        put(cursor, run_id, *start)
    try:
        with guarded.sql() as cursor:
            put(cursor, run_id, *target)
        moved = True
    except psycopg2.IntegrityError as error:
        assert f"a terminated {kind} never changes its state" in str(error)
        moved = False
    assert moved == allowed
    want = target if allowed else start
    assert rows(guarded, f"SELECT state, termination_reason FROM {table} WHERE run_id = %s",
                run_id) == [want]


def test_time_of_the_end_never_changes(guarded):
    with guarded.sql() as cursor:
        run_id = create_run(cursor)
        set_item(cursor, run_id, "TERMINATED", "SUCCEEDED")
        set_run(cursor, run_id, "TERMINATED", "ALL_ITEMS_PROCESSED")
    for table in ("items", "run_progress"):
        with pytest.raises(psycopg2.IntegrityError, match="never changes its state"):
            execute(guarded, f"UPDATE {table} SET terminated_at = terminated_at + interval '1 s' "
                             "WHERE run_id = %s", run_id)


def test_counters_of_a_terminated_run_never_change(guarded):
    with guarded.sql() as cursor:
        run_id = create_run(cursor)
        set_run(cursor, run_id, "TERMINATED", "ALL_ITEMS_PROCESSED")
    with pytest.raises(psycopg2.IntegrityError, match="a terminated run never changes"):
        execute(guarded, "UPDATE run_progress SET skipped_count = 0, succeeded_count = 1 "
                         "WHERE run_id = %s", run_id)


def test_metadata_of_a_terminated_item_may_change(guarded):
    with guarded.sql() as cursor:
        run_id = create_run(cursor)
        set_item(cursor, run_id, "TERMINATED", "SUCCEEDED")
    with guarded.sql() as cursor:
        cursor.execute("SELECT put_item_metadata(%s, 'slide-0', 'ada', 'hospital', 'member', "
                       "'{\"a\": 1}', 'x', NULL)", (run_id,))
        assert cursor.fetchone() == ("CHANGED",)


# What must not be written, and the word by which PostgreSQL refuses it.
REFUSED_ROWS = {
    "unknown_item_state": ("UPDATE items SET state = 'DONE' WHERE run_id = %s", "state"),
    "unknown_run_state": ("UPDATE run_progress SET state = 'DONE' WHERE run_id = %s", "state"),
    "unknown_item_reason": ("UPDATE items SET state = 'TERMINATED', terminated_at = now(), "
                            "termination_reason = 'LOST' WHERE run_id = %s", "termination_reason"),
    "end_without_reason": ("UPDATE items SET state = 'TERMINATED', terminated_at = now() "
                           "WHERE run_id = %s", "items_check"),
    "end_without_time": ("UPDATE items SET state = 'TERMINATED', termination_reason = 'SKIPPED' "
                         "WHERE run_id = %s", "items_check"),
    "reason_without_end": ("UPDATE items SET termination_reason = 'SKIPPED' WHERE run_id = %s",
                           "items_check"),
    "processing_without_attempt": ("UPDATE items SET state = 'PROCESSING' WHERE run_id = %s",
                                   "items_check"),
    "counters_that_do_not_add_up": ("UPDATE run_progress SET succeeded_count = 1 WHERE run_id = %s",
                                    "run_progress_check"),
    "negative_counter": ("UPDATE run_progress SET processing_count = -1, item_count = 0 "
                         "WHERE run_id = %s", "processing_count"),
    "untried_items_that_do_not_wait": ("UPDATE run_progress SET pending_count = 0, "
                                       "succeeded_count = 1 WHERE run_id = %s", "run_progress_check"),
    "end_with_open_items": ("UPDATE run_progress SET state = 'TERMINATED', terminated_at = now(), "
                            "termination_reason = 'ALL_ITEMS_PROCESSED' WHERE run_id = %s",
                            "run_progress_check"),
    "doubled_external_id": ("INSERT INTO items (item_id, run_id, ordinal, external_id) "
                            "VALUES (gen_random_uuid(), %s, 7, 'slide-0')", "external_id"),
    "long_external_id": ("INSERT INTO items (item_id, run_id, ordinal, external_id) "
                         "VALUES (gen_random_uuid(), %s, 7, repeat('a', 256))", "external_id"),
    "items_of_no_run": ("INSERT INTO items (item_id, run_id, ordinal, external_id) "
                        "SELECT gen_random_uuid(), gen_random_uuid(), 7, 'x' FROM runs WHERE run_id = %s", "run_id"),
    "run_without_its_items": ("DELETE FROM runs WHERE run_id = %s", "foreign key"),
}


@pytest.mark.parametrize("case", REFUSED_ROWS)
def test_contradiction_is_refused(guarded, case):
    sql, word = REFUSED_ROWS[case]
    with guarded.sql() as cursor:
        run_id = create_run(cursor)
    with pytest.raises(psycopg2.IntegrityError, match=word):
        execute(guarded, sql, run_id)


def test_output_of_an_item_cannot_be_doubled(guarded):
    with guarded.sql() as cursor:
        run_id = create_run(cursor)
    sql = ("INSERT INTO output_artifacts (output_artifact_id, item_id, run_id, attempt_id, ordinal, name, mime_type, "
           "metadata, object_key, size_bytes, checksum_base64_crc32c) "
           "SELECT gen_random_uuid(), item_id, run_id, gen_random_uuid(), 0, 'result', 'text/csv', '{}', 'k', 1, 'AAAAAA==' "
           "FROM items WHERE run_id = %s")
    execute(guarded, sql, run_id)
    with pytest.raises(psycopg2.errors.UniqueViolation):
        execute(guarded, sql, run_id)


# The functions, on a run that has ended: each refuses, and nothing of it changes.

def ended_run(cursor, how):
    """A run of two items, one of which an attempt still believes to hold; (run, late attempt)."""
    run_id = create_run(cursor, item_count=2)
    worker_id = register_worker(cursor)
    first, second = claim(cursor, worker_id, run_id, 2)
    if how == "cancelled":
        cursor.execute("SELECT cancel_run(%s, 'ada', 'hospital', 'member')", (run_id,))
        assert cursor.fetchone() == ("CANCELLED",)
    else:
        for attempt_id in (first, second):
            assert finish(cursor, attempt_id, "SUCCEEDED") == "COMMITTED"
    return run_id, second, worker_id


LATE_CALLS = {
    "cancel": ("SELECT cancel_run(%(run)s, 'ada', 'hospital', 'member')", "ALREADY_TERMINATED"),
    "finish_well": ("SELECT finish_attempt(%(attempt)s, 'SUCCEEDED', NULL, NULL, NULL, NULL, "
                    "'[{\"name\": \"late\", \"mime_type\": \"a/b\", \"metadata\": \"{}\", "
                    "\"object_key\": \"k\", \"size_bytes\": 1, "
                    "\"checksum_base64_crc32c\": \"AAAAAA==\"}]', 3)", "LEASE_LOST"),
    "finish_badly": ("SELECT finish_attempt(%(attempt)s, 'SYSTEM_ERROR', NULL, 'late', NULL, NULL, "
                     "NULL, 3)", "LEASE_LOST"),
    "retry": ("SELECT finish_attempt(%(attempt)s, 'RETRY', NULL, NULL, NULL, NULL, NULL, 3)",
              "LEASE_LOST"),
    "hand_back": ("SELECT finish_attempt(%(attempt)s, 'HANDED_BACK', NULL, NULL, NULL, NULL, NULL, "
                  "3)", "LEASE_LOST"),
    "lose_the_worker": ("SELECT end_worker(%(worker)s, 3, 'late')", 0),
    "claim": ("SELECT count(*) FROM claim_items(%(worker)s, 1, ARRAY[gen_random_uuid()])", 0),
}


@pytest.mark.parametrize("how", ["cancelled", "processed"])
@pytest.mark.parametrize("call", LATE_CALLS)
def test_late_call_changes_nothing(guarded, how, call):
    sql, answer = LATE_CALLS[call]
    with guarded.sql() as cursor:
        run_id, attempt_id, worker_id = ended_run(cursor, how)
    facts = ("SELECT p::text, array_agg(i::text ORDER BY i.ordinal)::text, "
             "(SELECT count(*) FROM output_artifacts o WHERE o.run_id = p.run_id), "
             "(SELECT count(*) FROM requeued_items q WHERE q.run_id = p.run_id) "
             "FROM run_progress p JOIN items i ON i.run_id = p.run_id WHERE p.run_id = %s "
             "GROUP BY p.*, p.run_id")
    before = rows(guarded, facts, run_id)
    with guarded.sql() as cursor:
        cursor.execute(sql, {"run": run_id, "attempt": attempt_id, "worker": worker_id})
        assert cursor.fetchone() == (answer,)
    assert rows(guarded, facts, run_id) == before


# The fencing token: an item that another worker holds now is not ended by the one before.

@pytest.mark.parametrize("outcome", ["SUCCEEDED", "USER_ERROR", "SYSTEM_ERROR", "RETRY", "HANDED_BACK"])
def test_attempt_that_lost_its_item_cannot_end_it(guarded, outcome):
    with guarded.sql() as cursor:
        run_id = create_run(cursor)
        first = register_worker(cursor, "first")
        [late] = claim(cursor, first, run_id)
        cursor.execute("SELECT end_worker(%s, 3, 'gone')", (first,))
        assert cursor.fetchone() == (1,), "its item goes back to the queue"
        assert claim(cursor, register_worker(cursor, "early"), run_id) == [], "after a while"
        end_back_off(cursor)
        [current] = claim(cursor, register_worker(cursor, "second"), run_id)
        facts = ("SELECT i.state, i.attempt_id, i.attempt_count, p.processing_count FROM items i "
                 "JOIN run_progress p USING (run_id) WHERE i.run_id = %s")
        assert finish(cursor, late, outcome) == "LEASE_LOST"
        cursor.execute(facts, (run_id,))
        assert cursor.fetchone() == ("PROCESSING", current, 2, 1)
        assert finish(cursor, current, "SUCCEEDED") == "COMMITTED"
        assert finish(cursor, current, "SUCCEEDED") == "LEASE_LOST", "not twice"
        cursor.execute("SELECT attempt_id, outcome FROM attempts WHERE run_id = %s", (run_id,))
        assert dict(cursor.fetchall()) == {late: "LOST", current: "SUCCEEDED"}


def test_worker_without_a_living_lease_gets_no_items(guarded):
    with guarded.sql() as cursor:
        run_id = create_run(cursor)
        worker_id = register_worker(cursor)
        cursor.execute("UPDATE workers SET lease_expires_at = now() - interval '1 s' "
                       "WHERE worker_id = %s", (worker_id,))
        assert claim(cursor, worker_id, run_id) == []
        cursor.execute("SELECT state FROM items WHERE run_id = %s", (run_id,))
        assert cursor.fetchone() == ("PENDING",)


def test_shifted_clock_shifts_everything(guarded):
    with guarded.sql() as cursor:
        run_id = create_run(cursor)
        worker_id = register_worker(cursor)
        cursor.execute("CREATE OR REPLACE FUNCTION platform_now() RETURNS timestamptz LANGUAGE sql STABLE "
                       "PARALLEL SAFE AS $$ SELECT now() + interval '1 day' $$")
        assert claim(cursor, worker_id, run_id) == []
        late_worker = register_worker(cursor, "late")
        attempt_id, = claim(cursor, late_worker, run_id)
        finish(cursor, attempt_id, "SUCCEEDED")
        cursor.execute("SELECT t.terminated_at - now() FROM run_progress t WHERE run_id = %s "
                       "UNION ALL SELECT started_at - now() FROM attempts WHERE attempt_id = %s "
                       "UNION ALL SELECT max(at) - now() FROM audit WHERE run_id = %s",
                       (run_id, attempt_id, run_id))
        assert cursor.fetchall() == [(datetime.timedelta(days=1),)] * 3
        cursor.connection.rollback()


# The audit.

AUDIT_CHANGES = {
    "update": "UPDATE audit SET actor = 'nobody'",
    "update_of_no_row": "UPDATE audit SET actor = 'nobody' WHERE false",
    "delete": "DELETE FROM audit",
    "delete_of_one": "DELETE FROM audit WHERE audit_id = (SELECT max(audit_id) FROM audit)",
    "truncate": "TRUNCATE audit",
}


@pytest.mark.parametrize("case", AUDIT_CHANGES)
def test_audit_is_append_only(guarded, case):
    with guarded.sql() as cursor:
        create_run(cursor)
    before = rows(guarded, "SELECT a::text FROM audit a ORDER BY audit_id")
    assert before
    with pytest.raises(psycopg2.IntegrityError, match="the audit table is append-only"):
        execute(guarded, AUDIT_CHANGES[case])
    assert rows(guarded, "SELECT a::text FROM audit a ORDER BY audit_id") == before


def test_audit_rows_cannot_choose_their_number(guarded):
    with pytest.raises(psycopg2.Error, match="audit_id"):
        execute(guarded, "INSERT INTO audit (audit_id, actor, action) VALUES (1, 'a', 'b')")


def test_audit_tells_the_life_of_a_run(guarded):
    with guarded.sql() as cursor:
        run_id = create_run(cursor, item_count=2)
        worker_id = register_worker(cursor)
        first, second = claim(cursor, worker_id, run_id, 2)
        finish(cursor, first, "SUCCEEDED")
        finish(cursor, second, "HANDED_BACK")
        [third] = claim(cursor, worker_id, run_id)
        finish(cursor, third, "USER_ERROR")
        cursor.execute("SELECT delete_artifacts(%s, 'ada', 'hospital', 'member')", (run_id,))
        worker = f"worker {worker_id}"
        cursor.execute("SELECT actor, action FROM audit WHERE run_id = %s ORDER BY audit_id", (run_id,))
        assert cursor.fetchall() == [
            ("ada", "run.created"), ("platform", "run.processing"), (worker, "item.claimed"),
            (worker, "item.claimed"),
            (worker, "item.terminated"), (worker, "item.requeued"), ("platform", "run.pending"),
            ("platform", "run.processing"), (worker, "item.claimed"), (worker, "item.terminated"),
            ("platform", "run.terminated"),
            ("ada", "run.artifacts_deleted")]


# Keys and times.

def test_keys_are_uuid_version_7_and_sort_by_time(guarded):
    before_ms = int(harness.utc_now().timestamp() * 1000)
    with guarded.sql() as cursor:
        run_id = create_run(cursor, item_count=3)
        cursor.execute("SELECT item_id FROM items WHERE run_id = %s ORDER BY ordinal", (run_id,))
        found = [row[0] for row in cursor.fetchall()]
        cursor.execute("SELECT input_artifact_id FROM input_artifacts JOIN items USING (item_id) "
                       "WHERE run_id = %s", (run_id,))
        found += [row[0] for row in cursor.fetchall()]
        cursor.execute("SELECT version_id FROM application_versions")
        version_ids = [row[0] for row in cursor.fetchall()]
    after_ms = int(harness.utc_now().timestamp() * 1000)
    assert len(found) == 6 and len(set(found)) == 6
    for text in [run_id, *found, *version_ids]:
        key = uuid.UUID(text)
        assert (key.version, key.variant) == (7, uuid.RFC_4122), text
    for text in [run_id, *found]:
        assert before_ms <= uuid.UUID(text).int >> 80 <= after_ms, text
    assert max(version_ids) < run_id


def test_every_time_has_a_time_zone(guarded):
    assert rows(guarded, "SELECT table_name, column_name FROM information_schema.columns "
                         "WHERE table_schema = 'public' AND data_type IN "
                         "('timestamp without time zone', 'date', 'time without time zone')") == []


def test_times_are_utc_whatever_zone_the_database_and_the_server_live_in(platform):
    platform.server.stop()
    name = platform.database.rpartition("dbname=")[2]
    execute(platform, f"ALTER DATABASE {name} SET timezone = 'Asia/Tokyo'")
    execute(platform, f"ALTER DATABASE {name} SET datestyle = 'SQL, DMY'")
    platform.start_server(TZ="America/New_York", PGTZ="Asia/Kolkata")
    client = platform.client()
    item = harness.slide_item("a", "https://slides.example/a.tiff", b"")
    before = harness.utc_now()
    run_id = client.create_run("test-app", [item])
    text = client.run(run_id)["submitted_at"]
    assert text.endswith("Z"), text
    at = datetime.datetime.fromisoformat(text[:-1]).replace(tzinfo=datetime.timezone.utc)
    assert before <= at <= harness.utc_now()
    assert uuid.UUID(run_id).version == 7
    assert abs((uuid.UUID(run_id).int >> 80) - at.timestamp() * 1000) < 60_000
    # A zone that a client sends is understood, and given back as UTC.
    run_id = client.create_run("test-app", [item], scheduling={
        "due_date": "2099-01-02T03:04:05+02:00", "deadline": "2099-06-01T00:00:00Z"})
    assert client.run(run_id)["scheduling"] == {"due_date": "2099-01-02T01:04:05Z",
                                                "deadline": "2099-06-01T00:00:00Z"}


@pytest.mark.parametrize("bug", bugs.BUGS, ids=lambda bug: bug.name)
def test_bugs_that_the_chaos_plants_still_fit(migrated, bug):
    """The rounds that catch them take minutes, and are for the night."""
    bugs.plant_in_database(bug, migrated)
    for name, part, instead in bug.sources:
        bugs.substitute(name, (harness.ROOT / name).read_text(encoding="utf-8"), part, instead)
