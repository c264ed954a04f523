"""`slideway status`: what a person reads, what a script reads, and the exit code.

Method: each case is a state of the database, made by SQL of its own, and the text that is to be
read of it. Foreign keys do not matter here: what is there, is told. Durations are told in minutes and
begin ten seconds into one, so that a slow machine reads the same text.
"""
import contextlib
import json
import re

import psycopg2
import pytest

import harness

WELL, TROUBLE, WRONG_USAGE = 0, 8, 2
RUN = "01900000-0000-7000-8000-0000000000{:02d}"

WORKER = ("INSERT INTO workers (worker_id, name, slots, started_at, heartbeat_at, lease_expires_at) VALUES "
          "(gen_random_uuid(), '{name}', {slots}, now() - interval '{age}', now() - interval '{silence}', "
          "now() - interval '{silence}' + interval '1 hour')")


def worker(name, slots=4, age="3 h 7 min 10 s", silence="2 min 10 s"):
    return WORKER.format(name=name, slots=slots, age=age, silence=silence)


def attempts(outcome, *seconds, ended="10 min 10 s", message="NULL", log="NULL", code="NULL", run=1):
    """Attempts that took so many seconds, of a worker that is gone."""
    return "; ".join(
        "INSERT INTO attempts (attempt_id, item_id, run_id, number, worker_id, started_at, ended_at, outcome, "
        "error_code, error_message, log_tail) VALUES (gen_random_uuid(), gen_random_uuid(), "
        f"'{RUN.format(run)}', 1, gen_random_uuid(), now() - interval '{ended}' - interval '{took} s', "
        f"now() - interval '{ended}', '{outcome}', {code}, {message}, {log})" for took in seconds)


def version(number, cpus=1, memory_bytes=1_000_000_000, gpus=0):
    """A version of test-app, 9.0.number."""
    version_id = RUN.format(90 + number)
    return ("INSERT INTO application_versions (version_id, application_id, number, precedence, changelog, released_at, "
            "folder, manifest, input_artifacts, output_artifacts, input_names, for_everyone, cpus, memory_bytes, gpus) "
            f"VALUES ('{version_id}', 'test-app', '9.0.{number}', '9.{number}', '', now(), '/', '{{}}', '[]', '[]', '{{}}', "
            f"true, {cpus}, {memory_bytes}, {gpus}); INSERT INTO resource_classes (cpus, memory_bytes, gpus) VALUES "
            f"({cpus}, {memory_bytes}, {gpus}) ON CONFLICT DO NOTHING")


def of_version(run, number):
    """The run is one of that version, and waits."""
    return (f"UPDATE runs SET version_id = '{RUN.format(90 + number)}' WHERE run_id = '{RUN.format(run)}'; "
            "INSERT INTO waiting_runs SELECT r.run_id, r.organization_id, c.resource_class, 'infinity', r.submitted_at "
            "FROM runs r JOIN application_versions v USING (version_id) "
            f"JOIN resource_classes c USING (cpus, memory_bytes, gpus) WHERE r.run_id = '{RUN.format(run)}'")


def labels(name, cpus="NULL", memory_bytes="NULL", gpus="NULL"):
    return (f"UPDATE workers SET cpus = {cpus}, memory_bytes = {memory_bytes}, gpus = {gpus} "
            f"WHERE name = '{name}'")


TOO_LARGE = ("queue: {} items of test-app 9.0.{} fit into no worker: one item needs {} cores, {} GB of memory "
             "and {} GPUs")


def open_run(number, organization, waiting, processing, age):
    return (f"INSERT INTO runs (run_id, application_id, version_id, version_number, organization_id, submitted_by, "
            f"submitted_at) VALUES ('{RUN.format(number)}', 'test-app', gen_random_uuid(), '1.0.0', "
            f"'{organization}', 'ada', now() - interval '{age}'); "
            f"INSERT INTO run_progress (run_id, state, item_count, pending_count, processing_count, next_ordinal) VALUES "
            f"('{RUN.format(number)}', '{'PROCESSING' if processing else 'PENDING'}', {waiting + processing}, "
            f"{waiting}, {processing}, {processing})")


def refused(key, since):
    return (f"INSERT INTO refused_objects (object_key, refused_since, retry_at) VALUES ('{key}', "
            f"now() - interval '{since}', now())")


BUSY = ("INSERT INTO attempts (attempt_id, item_id, run_id, number, worker_id) SELECT gen_random_uuid(), "
        f"gen_random_uuid(), '{RUN.format(1)}', 1, worker_id FROM workers WHERE name = '{{}}'")
PREFIX = "E'A system error occurred during the item execution:\\n {}'"

# name: (statements, exit code, lines that are there in this order, troubles)
CASES = {
    "a worker that waits": (
        [worker("one")], WELL,
        ["Slideway 0.1.0 is well.", "Workers: 1 alive, 0 of 4 slots busy",
         "WORKER  STATE  BUSY    HEARTBEAT  RUNS SINCE", "one     ALIVE  0 of 4  2 min ago  3 h 7 min",
         "Queue: 0 items waiting, 0 in work", "Attempts in the last hour: 0"], []),
    "no worker": (
        [], TROUBLE, ["Slideway 0.1.0 is NOT well:", "Workers: 0 alive, 0 of 0 slots busy"],
        ["workers: none is alive, so nothing is processed"]),
    "a silent worker beside a living one": (
        [worker("one", slots=2), worker("two", slots=3, silence="2 h 4 min 10 s"), BUSY.format("one"), BUSY.format("two")],
        TROUBLE,
        ["Slideway 0.1.0 is NOT well:", "  worker two: silent for 2 h 4 min, its lease is over",
         "Workers: 1 alive, 1 of 2 slots busy", "two     SILENT  1 of 3  2 h 4 min ago  3 h 7 min",
         "one     ALIVE   1 of 2  2 min ago      3 h 7 min"],
        ["worker two: silent for 2 h 4 min, its lease is over"]),
    "only a silent worker": (
        [worker("one", silence="2 d 10 s")], TROUBLE, ["one     SILENT  0 of 4  2 d 0 h ago  3 h 7 min"],
        ["worker one: silent for 2 d 0 h, its lease is over", "workers: none is alive, so nothing is processed"]),
    "a worker that has ended is not told of": (
        [worker("one"), worker("two", silence="2 d 10 s"), "UPDATE workers SET ended_at = now() WHERE name = 'two'"],
        WELL, ["Workers: 1 alive, 0 of 4 slots busy"], []),
    "more workers than a screen has": (
        [worker(f"worker-{number:02d}") for number in range(11)], WELL,
        ["Workers: 11 alive, 0 of 44 slots busy", "worker-07  ALIVE  0 of 4  2 min ago  3 h 7 min", "… and 3 more workers"],
        []),
    "queues of several organisations": (
        [worker("one"), open_run(1, "hospital", 5, 0, "2 h 5 min 10 s"), open_run(2, "hospital", 7, 2, "10 min"),
         open_run(3, "lab", 0, 3, "3 d"), open_run(4, "clinic", 12, 0, "30 min 10 s")],
        WELL,
        ["Queue: 24 items waiting, 5 in work", "ORGANISATION  WAITING  IN WORK  OLDEST WAITS",
         "clinic        12       0        30 min", "hospital      12       2        2 h 5 min",
         "lab           0        3        -"], []),
    "items that fit into no worker": (
        [worker("one"), labels("one", cpus=8, memory_bytes=16_000_000_000, gpus=0),
         worker("two"), labels("two", cpus=1, memory_bytes=1_000_000_000, gpus=1),
         worker("ended", silence="2 d"), "UPDATE workers SET ended_at = now() WHERE name = 'ended'",
         version(1), version(2, gpus=2), version(3, cpus=4, memory_bytes=16_500_000_000), version(4, cpus=2, gpus=1),
         *[open_run(run, "lab", 3, 1, "10 min") for run in range(1, 6)],
         of_version(1, 1), of_version(2, 2), of_version(3, 3), of_version(4, 4), of_version(5, 2)],
        TROUBLE, ["Queue: 15 items waiting, 5 in work"],
        [TOO_LARGE.format(6, 2, 1, "1.0", 2), TOO_LARGE.format(3, 3, 4, "16.5", 0), TOO_LARGE.format(3, 4, 2, "1.0", 1)]),
    "a worker that says nothing of itself takes everything": (
        [worker("one"), version(2, gpus=2), open_run(1, "lab", 3, 0, "10 min"), of_version(1, 2)], WELL,
        ["Slideway 0.1.0 is well."], []),
    "objects that the store does not let go of": (
        [worker("one"), refused("artifacts/a", "3 h 7 min 10 s"), refused("artifacts/b", "10 s")], TROUBLE,
        ["  object store: 2 objects that are to go were not removed, the oldest for 3 h 7 min"],
        ["object store: 2 objects that are to go were not removed, the oldest for 3 h 7 min"]),
    "a store with a bad minute": ([worker("one"), refused("artifacts/a", "10 s")], WELL, ["Slideway 0.1.0 is well."], []),
    "attempts of the last hour": (
        [worker("one"), attempts("SUCCEEDED", 1, 2, 9), attempts("CANCELLED", 3),
         attempts("SUCCEEDED", 100, ended="61 min"), attempts("HANDED_BACK", 5)],
        WELL, ["Attempts in the last hour: 5, of which 3 SUCCEEDED (median 2.00 s), 1 CANCELLED, 1 HANDED_BACK"], []),
    "long attempts": (
        [worker("one"), attempts("SUCCEEDED", 400)], WELL,
        ["Attempts in the last hour: 1, of which 1 SUCCEEDED (median 6 min)"], []),
    "failures with their reasons": (
        [worker("one"), attempts("USER_ERROR", 1, 1, ended="20 min 10 s", message="'The slide is broken'"),
         attempts("USER_ERROR", 1, ended="3 min 10 s", message="'The slide is broken'"),
         attempts("USER_ERROR", 1, ended="2 h", message="'The slide is broken'"),
         attempts("SYSTEM_ERROR", 1, 1, message=PREFIX.format("The application ended with exit code 3")),
         attempts("RETRY", 1, message=PREFIX.format("The platform could not process the item"),
                  log="'no space left'"),
         attempts("LOST", 7, ended="4 min 10 s")],
        WELL,
        ["Attempts in the last hour: 7, of which 3 USER_ERROR, 2 SYSTEM_ERROR, 1 LOST, 1 RETRY",
         "COUNT  OUTCOME       LAST        REASON",
         "3      USER_ERROR    3 min ago   The slide is broken",
         "2      SYSTEM_ERROR  10 min ago  The application ended with exit code 3",
         "1      LOST          4 min ago   the lease of its worker ended",
         "1      RETRY         10 min ago  no space left"], []),
    "a reason that steers the terminal, and a long one": (
        [worker("one"), attempts("USER_ERROR", 1, message="E'red \\x1b[31m alert'"),
         attempts("USER_ERROR", 1, 1, message=f"'{'long ' * 50}'")],
        WELL,
        [f"2      USER_ERROR  10 min ago  {'long ' * 18}", "1      USER_ERROR  10 min ago  red ?[31m alert"], []),
}


@pytest.fixture
def state(served):
    """Empties what a status tells of, then executes the statements that it is called with."""
    def become(statements):
        with served.sql() as cursor:
            cursor.execute("SET session_replication_role = replica; "
                           "TRUNCATE workers, attempts, run_progress, runs, waiting_runs, stranded_runs, refused_objects CASCADE; "
                           "DELETE FROM application_versions WHERE number LIKE '9.%'")
            for statement in statements:
                cursor.execute(statement)
    return become


def status(platform, *arguments, **environment):
    return platform.slideway("status", *arguments, check=False, **{"SLIDEWAY_URL": platform.api_url, **environment})


def check_order(text, lines):
    at = 0
    for line in lines:
        found = re.compile(rf"^{re.escape(line)}$", re.MULTILINE).search(text, at)
        assert found, f"{line!r} is not there, or not in its place:\n{text}"
        at = found.end()


@pytest.mark.parametrize("case", CASES)
def test_the_screen_tells(served, state, case):
    statements, code, lines, troubles = CASES[case]
    state(statements)
    done = status(served)
    assert done.stderr == ""
    check_order(done.stdout, lines)
    assert done.returncode == code
    assert "\x1b" not in done.stdout
    assert len(done.stdout.splitlines()) <= 40
    told = json.loads(status(served, "--json").stdout)
    assert told["troubles"] == troubles
    assert told["status"] == ("OK" if code == WELL else "TROUBLE")


def test_the_document_for_scripts(served, state):
    state([worker("one"), open_run(1, "hospital", 5, 1, "2 h"), BUSY.format("one"),
           attempts("USER_ERROR", 1, 2, message="'Broken'", code="'SLIDE.BROKEN'", run=7)])
    done = status(served, "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (WELL, "")
    database = told.pop("database")
    assert database.pop("up") is True
    assert re.fullmatch(r"15\.\d+", database.pop("version"))
    newest = max(int(path.name[:4]) for path in harness.ROOT.glob("src/db/migrations/*.sql"))
    assert database.pop("migration") == newest
    assert database.pop("server_connections") >= 8 and database.pop("worker_connections") == 0
    assert database.pop("size_bytes") > 1_000_000 and 0 <= database.pop("answered_in_ms") < 1000 * harness.START_SECONDS
    assert database == {}
    [one] = told["workers"]
    [failure] = told["failures_last_hour"]
    assert 130 <= one.pop("heartbeat_seconds") < 190 and 11230 <= one.pop("age_seconds") < 11290
    assert len(one.pop("worker_id")) == 36
    assert 7200 <= told["queues"][0].pop("oldest_seconds") < 7260
    assert 610 <= failure.pop("last_seconds") < 670
    assert told == {
        "status": "OK", "version": "0.1.0", "troubles": [], "api": {"url": served.api_url, "up": True},
        "workers": [{"name": "one", "state": "ALIVE", "slots": 4, "busy_slots": 1}],
        "queues": [{"organization_id": "hospital", "waiting_count": 5, "processing_count": 1}],
        "unrunnable": [], "refused_objects": {"count": 0, "oldest_seconds": None},
        "attempts_last_hour": [{"outcome": "USER_ERROR", "count": 2, "median_seconds": 1.5}],
        "failures_last_hour": [{"outcome": "USER_ERROR", "error_code": "SLIDE.BROKEN", "reason": "Broken",
                                "count": 2, "last_run_id": RUN.format(7)}]}


def test_an_api_that_is_away_is_told(served, state):
    state([worker("one")])
    address = f"http://127.0.0.1:{harness.free_port()}"
    done = status(served, SLIDEWAY_URL=address)
    assert done.returncode == TROUBLE
    check_order(done.stdout, [f"  API: {address}/health does not say that it is up",
                              f"API       DOWN  {address}", "Workers: 1 alive, 0 of 4 slots busy"])


def test_an_api_without_an_address_is_not_asked(served, state):
    state([worker("one")])
    done = status(served, SLIDEWAY_URL="")
    assert done.returncode == WELL and "API" not in done.stdout
    assert json.loads(status(served, "--json", SLIDEWAY_URL="").stdout)["api"] is None


def test_a_database_that_is_away_is_told_with_what_is_known(served):
    done = status(served, SLIDEWAY_DATABASE="host=/nowhere dbname=none")
    assert done.returncode == TROUBLE
    check_order(done.stdout, ["Slideway 0.1.0 is NOT well:", "database  DOWN", f"API       up    {served.api_url}"])
    assert "cannot connect to PostgreSQL" in done.stdout and "Workers" not in done.stdout
    told = json.loads(status(served, "--json", SLIDEWAY_DATABASE="host=/nowhere dbname=none").stdout)
    assert told["database"] == {"up": False} and told["api"]["up"] is True and told["status"] == "TROUBLE"


def test_no_server_is_told(cluster, folder):
    platform = harness.Platform(cluster, folder)
    done = status(platform, SLIDEWAY_URL="")
    assert done.returncode == TROUBLE
    check_order(done.stdout, ["  servers: none is connected to the database", "servers   NONE  0 database connections"])


def test_other_tables_are_told(cluster, folder):
    platform = harness.Platform(cluster, folder, applications=())
    with contextlib.closing(psycopg2.connect(platform.database)) as connection, connection, \
            connection.cursor() as cursor:
        cursor.execute("DELETE FROM schema_migrations WHERE number = (SELECT max(number) FROM schema_migrations)")
    done = status(platform, SLIDEWAY_URL="")
    assert done.returncode == TROUBLE and "slideway migrate" in done.stdout


def test_a_platform_that_nobody_named_is_wrong_usage(served, folder):
    done = status(served, SLIDEWAY_DATABASE="")
    assert (done.returncode, done.stdout) == (WRONG_USAGE, "") and "SLIDEWAY_DATABASE" in done.stderr
    done = status(served, "--data", folder)
    assert (done.returncode, done.stdout) == (WRONG_USAGE, "") and "slideway up" in done.stderr


def test_the_platform_of_up_is_well(up):
    def told():
        return json.loads(up.slideway("status", "--json", check=False).stdout)
    harness.wait_for("the worker's lease", lambda: told()["status"] == "OK")
    document = told()
    assert [one["name"] for one in document["workers"]] == ["local"]
    assert document["api"] == {"url": up.endpoint()["api_url"], "up": True}
