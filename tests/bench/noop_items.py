"""Items that do nothing, through real workers: what the platform itself costs an item, and that none
is lost.

Two workers with two slots each take the items of ten runs by two organisations from a PostgreSQL as
it comes, durability on. The items wait before the workers start, so that the time is that of working;
it counts from the first claim to the end of the last item, by the database's clock.

claim_to_start is the time from the start of the transaction that claims an item to the line of the
worker's log that its attempt began; claim_to_application to the first moment of the application's own
process in its sandbox, which stands in its artifact. All run on one machine and read one clock.
"""
import collections
import contextlib
import datetime
import json
import shutil
import statistics
import time

import harness
import sample_application

WORKERS = 2
SLOTS = 2
RUNS = 10
ORGANIZATIONS = ("org-1", "org-2")
ITEM_SECONDS_MAX = 0.5  # on the mean, or the measurement is given up
APPLICATION = "noop"

# Each item with its attempts and artifacts; times in microseconds since 1970.
ITEMS = """
SELECT i.run_id::text, i.state, i.termination_reason, a.attempt_id::text, a.outcome, o.object_key,
       o.size_bytes, o.checksum_base64_crc32c, extract(epoch FROM a.started_at) * 1000000,
       extract(epoch FROM a.ended_at) * 1000000
FROM items i
LEFT JOIN attempts a USING (item_id)
LEFT JOIN output_artifacts o ON o.item_id = i.item_id AND o.attempt_id = a.attempt_id
"""
Row = collections.namedtuple(
    "Row", "run_id state reason attempt_id outcome object_key size_bytes checksum claimed_at_us ended_at_us")


class Noop:
    """A platform of its own, with nothing in it but the items that do nothing."""

    def __init__(self, folder):
        self.folder = folder
        self.workers = []
        self.cluster = harness.Cluster(settings=())
        folder.mkdir(mode=0o755)
        self.platform = harness.Platform(self.cluster, folder, applications=(), lease_seconds=20)
        application = sample_application.write(folder / "applications", APPLICATION)
        shutil.copy(harness.BUILD / "tests/bench/noop", application / "run")
        self.platform.register(application)
        self.platform.start_server()

    def create_runs(self, item_count):
        """client → ids of its runs, which have so many items together."""
        runs = collections.defaultdict(list)
        clients = [self.platform.client(f"user-{name}", name) for name in ORGANIZATIONS]
        slide = self.folder / "slide.bin"
        slide.write_bytes(b"no application of this measurement looks into it")
        url = clients[0].upload(slide)
        for number in range(RUNS):
            client = clients[number % len(clients)]
            items = [harness.slide_item(f"slide-{index}", url, slide.read_bytes())
                     for index in range(item_count // RUNS)]
            runs[client].append(client.create_run(APPLICATION, items))
        return runs

    def start_workers(self):
        for number in range(WORKERS):
            self.workers.append(self.platform.start_worker(f"worker-{number}", SLIDEWAY_SLOTS=str(SLOTS)))

    def wait_for_runs(self, item_count):
        def ended():
            assert all(worker.running() for worker in self.workers), self.workers[0].output()[-2000:]
            with self.platform.sql() as cursor:
                cursor.execute("SELECT bool_and(state = 'TERMINATED') FROM run_progress")
                return cursor.fetchone()[0]
        harness.wait_for("the end of the runs", ended, 30 + item_count * ITEM_SECONDS_MAX, 0.5)

    def rows(self):
        with self.platform.sql() as cursor:
            cursor.execute(ITEMS)
            return [Row(*row) for row in cursor.fetchall()]

    def content(self, row):
        """Of the artifact; None when it is not the one that the database tells of."""
        with contextlib.suppress(FileNotFoundError):
            content = (self.folder / "objects" / row.object_key).read_bytes()
            if (len(content), harness.crc32c(content)) == (row.size_bytes, row.checksum):
                return content
        return None

    def log_starts(self):
        """attempt → when the worker's log says that it started, in microseconds since 1970."""
        starts = {}
        for worker in self.workers:
            for line in worker.output().splitlines():
                fact = json.loads(line) if line.startswith("{") else {}
                if fact.get("event") == "attempt.started":
                    at = datetime.datetime.fromisoformat(fact["at"].replace("Z", "+00:00"))
                    starts[fact["attempt_id"]] = at.timestamp() * 1e6
        return starts

    def close(self):
        for worker in self.workers:
            if worker.running():
                worker.stop()
        self.platform.stop()
        self.cluster.remove()
        shutil.rmtree(self.folder, ignore_errors=True)


def check_runs(runs, item_count):
    """The API says the same of each run: all of its items, and nothing else."""
    expected = {"item_count": item_count // RUNS, "item_succeeded_count": item_count // RUNS}
    for client, run_ids in runs.items():
        for run_id in run_ids:
            run = client.run(run_id)
            facts = (run["state"], run["termination_reason"], run["output"])
            assert facts == ("TERMINATED", "ALL_ITEMS_PROCESSED", "FULL"), run
            counts = {name: count for name, count in run["statistics"].items() if count != 0}
            assert counts == expected, run


def good(noop, row):
    return ((row.state, row.reason, row.outcome) == ("TERMINATED", "SUCCEEDED", "SUCCEEDED")
            and row.object_key is not None and noop.content(row) is not None)


def percentile(values, part):
    return sorted(values)[int(len(values) * part)]


def report_starts(report, name, microseconds):
    report(f"{name}_median_ms", statistics.median(microseconds) / 1000, "ms")
    report(f"{name}_p99_ms", percentile(microseconds, 0.99) / 1000, "ms")


def measure(folder, item_count, report):
    """Prints the figures; an item that is lost or done twice is a failure."""
    with contextlib.closing(Noop(folder)) as noop:
        runs = noop.create_runs(item_count)
        noop.start_workers()
        noop.wait_for_runs(item_count)
        # The last commit's event may still be on its way to the log.
        time.sleep(0.5)
        rows = noop.rows()
        # One row an item: one attempt, which succeeded, with one artifact, whose object is there.
        lost = item_count - sum(good(noop, row) for row in rows)
        seconds = float(max(row.ended_at_us for row in rows) - min(row.claimed_at_us for row in rows)) / 1e6
        report("items_end_to_end_lost", lost, "items")
        assert lost == 0 and len(rows) == item_count, f"{lost} of {len(rows)} attempts are not good"
        check_runs(runs, item_count)
        report("items_end_to_end_per_second", item_count / seconds, "items/s")
        logged = noop.log_starts()
        report_starts(report, "claim_to_start",
                      [logged[row.attempt_id] - float(row.claimed_at_us) for row in rows])
        report_starts(report, "claim_to_application",
                      [int(noop.content(row)) - float(row.claimed_at_us) for row in rows])
