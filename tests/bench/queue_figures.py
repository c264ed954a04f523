"""The queue's figures: claim → complete cycles with the worker's own statements, beside the smallest
queue that PostgreSQL allows and beside graphile-worker. See tools/bench, which calls measure().

Both sides run under pgbench on the same PostgreSQL as it comes, alternated, with as many clients as the
machine has cores: more of them only wait for each other. A round is a fixed number of cycles, so that
the small queue does not run dry.
"""
import contextlib
import os
import pathlib
import re
import statistics
import subprocess
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BENCH = ROOT / "tests/bench"
MANIFEST = ROOT / "applications/test-app/1.0.0/application.json"
CLIENTS = max(2, os.cpu_count())
ORGANIZATIONS = 100
# Items of a run, runs: a long queue, a short one, and a long one of a single run.
LOADS = {"many": (100, 10_000), "few": (100, 100), "one": (1_000_000, 1)}
QUEUE_TABLES = ("arrivals", "waiting_runs", "requeued_items", "organization_turns", "queue_limits",
                "quota_releases", "run_progress")
JOBS, JOB_ROUNDS = 2000, 11  # short rounds: what else the machine does changes between two of them
SLOTS = 8  # of our worker, and graphile-worker's concurrency
BLOAT_SECONDS = 300
WORKER = "('01900000-0000-7000-8000-00000000bb0' || :client_id::text)::uuid"
OUTPUT = ('(\'[{"output_artifact_id": "\' || attempt_id || \'", "name": "result", '
          '"mime_type": "text/csv", "metadata": "{}", "size_bytes": 1000, '
          '"checksum_base64_crc32c": "AAAAAA==", "object_key": "artifacts/\' || attempt_id || \'"}]\')::json')


def statement(name):
    return (ROOT / f"src/jobs/sql/{name}.sql").read_text(encoding="utf-8")


def filled(name, *values):
    """A worker's statement with its parameters, as pgbench takes it: in one line, with no end."""
    text = " ".join(line for line in statement(name).splitlines() if not line.startswith("--"))
    return re.sub(r"\$(\d+)", lambda found: values[int(found[1]) - 1], text).strip()


def cycle(batch):
    """The script of pgbench: claims so many items and ends them well, each with an output artifact."""
    claim = filled("claim_items", WORKER, str(batch),
                   f"new_ids({batch})")
    return "\n".join([
        f"WITH claimed AS ({claim}) SELECT array_agg(attempt_id)::text AS attempts FROM claimed \\gset",
        # An application starts only when its claim is on the disk.
        filled("confirm_attempt", "(:attempts::uuid[])[1]") + ";", *finish(batch), ""])


def finish(batch):
    """As a worker's reporter does for attempts that did their work at the same time."""
    return [filled("succeed_attempts", ":attempts::uuid[]", f"array_fill(NULL::text, ARRAY[{batch}])",
                   f"array_fill(100000000::bigint, ARRAY[{batch}])",
                   f"ARRAY(SELECT {OUTPUT} FROM unnest(:attempts::uuid[]) AS attempt_id)") + ";"]


class Queues:
    """A cluster of its own with the loaded databases, each loaded when it is first needed."""

    def __init__(self, harness, folder, quick):
        self.harness = harness
        self.folder = pathlib.Path(folder)
        self.rounds, self.cycles = (1, {1: 200, 50: 20}) if quick else (5, {1: 1000, 50: 300})
        self.cluster = harness.Cluster(settings=())
        self.databases = {}
        for batch in self.cycles:
            (self.folder / f"ours_{batch}.sql").write_text(cycle(batch), encoding="utf-8")

    def environment(self, database):
        return {**os.environ, "PGHOST": str(self.cluster.folder), "PGUSER": "slideway",
                "PGDATABASE": database}

    def run(self, database, program, *options):
        done = subprocess.run([self.cluster.programs / program, *map(str, options)], text=True,
                              capture_output=True, check=False, env=self.environment(database))
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    def load(self, kind):
        """The database of that queue, with the bare queue of the same length beside it."""
        if kind not in self.databases:
            items, runs = LOADS[kind]
            platform = self.harness.Platform(self.cluster, self.folder, applications=())
            name = re.search(r"dbname=(\S+)", platform.database)[1]
            self.run(name, "psql", "-q", "-v", f"runs={runs}", "-v", f"items={items}", "-v",
                     f"organizations={min(ORGANIZATIONS, runs)}", "-v",
                     "manifest=" + MANIFEST.read_text(encoding="utf-8"), "-f", BENCH / "load_queue.sql")
            self.run(name, "psql", "-q", "-v", f"items={items * runs}", "-f",
                     BENCH / "load_skip_locked.sql")
            self.databases[kind] = name
        return self.databases[kind]

    def load_anew(self, kind):
        """For the next figure: those before have worked it off."""
        self.databases.pop(kind, None)
        self.load(kind)

    def value(self, kind, query):
        return self.run(self.load(kind), "psql", "-Atc", query).strip()

    def rate(self, kind, script, batch, cycles=None, clients=CLIENTS):
        """Cycles per second of a round; one that fails is a failure."""
        count = (cycles or self.cycles[batch]) // clients
        out = self.run(self.load(kind), "pgbench", "-n", "-c", clients, "-j", 1, "-M", "prepared", "-t",
                       count, "-D", f"batch={batch}", "-f", script)
        assert "number of failed transactions: 0 " in out, out
        assert f"actually processed: {count * clients}/" in out, out
        return float(re.search(r"tps = ([\d.]+)", out)[1])

    def ours(self, kind, batch, **options):
        return self.rate(kind, self.folder / f"ours_{batch}.sql", batch, **options)

    def bare(self, kind, batch, **options):
        return self.rate(kind, BENCH / "skip_locked.sql", batch, **options)

    def alternated(self, one, other, rounds=None):
        """Medians of what both give, and of their ratio, over alternated rounds."""
        count = rounds or self.rounds
        pairs = [(one(), other()) for _ in range(count + 1)][1:]  # the first one warms up
        return (statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs),
                statistics.median(a / b for a, b in pairs))

    @contextlib.contextmanager
    def old_snapshot(self, kind):
        """A transaction that sees the database as it was at the beginning."""
        import psycopg2
        connection = psycopg2.connect(self.cluster.conninfo(self.load(kind)))
        connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
        with contextlib.closing(connection), connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM workers")
            yield

    @contextlib.contextmanager
    def leader(self, kind):
        """What the leader does for the tables of the queue, as often as it does."""
        import psycopg2
        stop = threading.Event()

        def work():
            connection = psycopg2.connect(self.cluster.conninfo(self.load(kind)))
            connection.autocommit = True
            with contextlib.closing(connection), connection.cursor() as cursor:
                while not stop.wait(5):
                    cursor.execute(statement("list_released_organizations"))
                    for (organization_id,) in cursor.fetchall():
                        cursor.execute("SELECT apply_releases(%s, NULL)", (organization_id,))
        thread = threading.Thread(target=work)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def dead_rows(self, kind):
        return int(self.value(kind, "SELECT sum(n_dead_tup) FROM pg_stat_user_tables"))

    def queue_bytes(self, kind):
        return sum(int(self.value(kind, f"SELECT pg_total_relation_size('{table}')"))
                   for table in QUEUE_TABLES)

    def close(self):
        self.cluster.remove()


def against_skip_locked(queues, report):
    for setting in ("synchronous_commit", "fsync"):
        print(f"queue_claims_{setting} {queues.value('many', f'SHOW {setting}')} setting", flush=True)
    report("queue_claims_clients", CLIENTS, "clients")
    for batch in queues.cycles:
        ours, bare, ratio = queues.alternated(lambda: queues.ours("many", batch),
                                              lambda: queues.bare("many", batch))
        report(f"queue_claims_vs_skip_locked_batch_{batch}", ratio, "ratio")
        report(f"queue_claims_batch_{batch}_per_second", ours, "cycles/s")
        report(f"queue_skip_locked_batch_{batch}_per_second", bare, "cycles/s")


def by_length(queues, report):
    """The long queue beside the short one."""
    report("queue_claims_1m_vs_10k", queues.alternated(
        lambda: queues.ours("many", 1), lambda: queues.ours("few", 1))[2], "ratio")


def one_run(queues, report):
    report("queue_claims_one_run_vs_many", queues.alternated(
        lambda: queues.ours("one", 1), lambda: queues.ours("many", 1))[2], "ratio")


def beside_old_snapshot(queues, report, dead_rows=1_000_000):
    with queues.old_snapshot("many"), queues.leader("many"):
        done = 0
        while queues.dead_rows("many") < dead_rows:
            assert done < 600_000, "the statistics do not count the dead rows"
            queues.ours("many", 50, cycles=400)
            done += 400 * 50
        report("queue_old_snapshot_dead_rows", queues.dead_rows("many"), "rows")
        queues.load_anew("few")
        report("queue_claims_old_snapshot_vs_10k", queues.alternated(
            lambda: queues.ours("many", 1), lambda: queues.ours("few", 1))[2], "ratio")


def bloat(queues, report):
    """The rest of the million is worked off (or what a few minutes allow), with autovacuum as it comes."""
    before = queues.queue_bytes("many")
    left = int(queues.value("many", "SELECT sum(pending_count) FROM run_progress"))
    done = 1_000_000 - left
    with queues.leader("many"):
        began = time.monotonic()
        while left > 5000 and time.monotonic() < began + BLOAT_SECONDS:
            queues.ours("many", 50, cycles=min(1000, left // 50 - 20))
            left = int(queues.value("many", "SELECT sum(pending_count) FROM run_progress"))
    report("queue_bloat_items_done", 1_000_000 - left - done, "items")
    report("queue_bloat_before_mib", before / 2**20, "MiB")
    report("queue_bloat_after_mib", queues.queue_bytes("many") / 2**20, "MiB")


def work_off(queues, build, kind, jobs):
    """The seconds that a worker needs for so many jobs that do nothing."""
    out = subprocess.run([pathlib.Path(build) / "tests/bench/queue_jobs",
                          queues.cluster.conninfo(queues.load(kind)), str(SLOTS), str(jobs)],
                         text=True, capture_output=True, check=True).stdout.split()
    assert int(out[0]) == jobs, out
    return float(out[1])


def against_graphile_worker(queues, build, report, note):
    """Jobs per second of one worker each with so many slots, both as they come: ours claims for all free
    slots and reports what ends at once together, graphile-worker fetches and completes each by itself."""
    folder = pathlib.Path(build).resolve() / "graphile_worker"
    installed = subprocess.run([ROOT / "tools/graphile_worker", folder], text=True, capture_output=True,
                               check=False)
    if installed.returncode == 77:
        note(f"queue_jobs_vs_graphile_worker is skipped: {installed.stdout.strip()}")
        return
    assert installed.returncode == 0, installed.stderr
    queues.load("many")
    queues.run("postgres", "createdb", "graphile")
    jobs, rounds = (JOBS, JOB_ROUNDS) if queues.rounds > 1 else (500, 1)

    def ours():
        return jobs / work_off(queues, build, "many", jobs)

    def theirs():
        out = subprocess.run(["node", BENCH / "graphile_worker.js", folder, str(SLOTS), str(jobs)],
                             env=queues.environment("graphile"), text=True, capture_output=True,
                             check=True).stdout.split()
        assert int(out[0]) == jobs, out
        return jobs / float(out[1])
    mine, other, ratio = queues.alternated(ours, theirs, rounds)
    report("queue_jobs_vs_graphile_worker", ratio, "ratio")
    report("queue_jobs_per_second", mine, "jobs/s")
    report("queue_graphile_worker_jobs_per_second", other, "jobs/s")


def measure(bench, build, report, note):
    """All of them; with --quick the short ones."""
    quick = bench.rounds == 1
    note("loading a queue of 1 M items")
    queues = Queues(bench.harness, bench.folder, quick)
    try:
        against_skip_locked(queues, report)
        by_length(queues, report)
        against_graphile_worker(queues, build, report, note)
        if not quick:
            one_run(queues, report)
            beside_old_snapshot(queues, report)
            bloat(queues, report)
    finally:
        queues.close()
