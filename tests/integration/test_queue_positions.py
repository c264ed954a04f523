"""Queue positions in the API.

Goal: runs and items that wait have positions within 10 % or 1 of what an exact play of the queue says,
others have none; and a queue that moves on is followed though few rows are written.
Method: random queues in the database, without a worker; the program refresh_positions does what the
leader does each second, exact_positions says what is right. QUEUE_STATES says how many queues.
"""
import os
import random
import subprocess
import uuid

import harness
import pytest
from psycopg2.extras import execute_values

STATES = int(os.environ.get("QUEUE_STATES", "40"))
SEED = int(os.environ.get("QUEUE_SEED", "1"))
BATCH_SIZE = 4
LOOKED_AT = 3  # runs of a queue whose items are looked at
WORKER = "01900000-0000-7000-8000-0000000000bb"
TABLES = ("runs, run_progress, items, attempts, workers, waiting_runs, stranded_runs, requeued_items, arrivals, "
          "organization_turns, queue_positions, queue_tails")


class Queue:
    """A random queue, with the organisations and runs in the order that exact_positions wants."""

    def __init__(self, chance):
        self.chance = chance
        self.slots = chance.choice([0, 1, 2, 8, chance.randrange(60)])
        self.virtual_time = chance.randrange(10 ** 9)
        self.organizations = sorted(
            ({"id": f"org-{name:04}", "weight": chance.choice([1, 1, 2, 5]),
              "virtual_time": self.virtual_time + chance.choice([0, chance.randrange(4_000_000)])}
             for name in chance.sample(range(10_000), chance.randint(1, 12))),
            key=lambda organization: organization["id"])
        most = chance.choice([1, 5, 60])
        runs = [{"id": str(uuid.UUID(int=chance.getrandbits(128))),
                 "organization": chance.randrange(len(self.organizations)),
                 "due": chance.choice([None, None, chance.randrange(50)]),
                 "submitted": chance.randrange(50),
                 "waiting": chance.randint(1, chance.choice([most, 100])), "in_work": 0, "gone": 0}
                for _ in range(chance.choice([1, 3, chance.randint(1, 60)]))]
        self.runs = sorted(runs, key=lambda run: (run["organization"], run["id"]))
        free = self.slots if chance.random() < 0.8 else 0
        for run in self.runs:
            run["in_work"] = min(chance.randint(0, BATCH_SIZE), free)
            free -= run["in_work"]
        self.other_in_work = chance.randint(0, free)
        self.looked_at = chance.sample(self.runs, min(LOOKED_AT, len(self.runs)))
        for run in self.runs:
            run["items"] = run["waiting"] + run["in_work"]

    def lines(self):
        """For exact_positions; only of what waits."""
        yield f"state {BATCH_SIZE} {self.slots} {self.virtual_time} {self.other_in_work}"
        for organization in self.organizations:
            yield f"organization {organization['id']} {organization['weight']} {organization['virtual_time']}"
        for run in self.waiting():
            due = "-" if run["due"] is None else run["due"]
            yield f"run {run['organization']} {due} {run['submitted']} {run['id']} {run['waiting']} {run['in_work']}"
        yield "play"

    def waiting(self):
        return [run for run in self.runs if run["waiting"] > 0]

    def move_on(self):
        """Some items of the first runs end and others take their places."""
        for run in self.runs:
            ended = self.chance.choice([0, 0, 1, self.chance.randint(0, run["waiting"])])
            run["waiting"] -= ended
            run["gone"] += ended
            if run["waiting"] == 0:
                self.other_in_work += run["in_work"]


def put(cursor, queue):
    """Makes the queue the database's."""
    cursor.execute("SET LOCAL session_replication_role = replica")  # no application, no foreign keys
    cursor.execute(f"TRUNCATE {TABLES} CASCADE")
    cursor.execute("INSERT INTO workers (worker_id, name, slots, lease_expires_at) "
                   "VALUES (%s, 'w', %s, 'infinity')", (WORKER, queue.slots))
    execute_values(cursor, "INSERT INTO organizations (organization_id, weight) VALUES %s "
                   "ON CONFLICT (organization_id) DO UPDATE SET weight = excluded.weight",
                   [(o["id"], o["weight"]) for o in queue.organizations])
    execute_values(
        cursor, "INSERT INTO organization_turns (organization_id, virtual_time, own_virtual_time, "
        "platform_virtual_time, active, head_due_date, head_submitted_at, head_run_id) VALUES %s",
        [(o["id"], o["virtual_time"], o["virtual_time"], queue.virtual_time, WORKER) for o in queue.organizations],
        template="(%s, %s, %s, %s, true, '-infinity', '-infinity', %s)")
    execute_values(
        cursor, "INSERT INTO runs (run_id, application_id, version_id, version_number, organization_id, "
        "submitted_by, submitted_at, due_date) VALUES %s",
        [(run["id"], WORKER, queue.organizations[run["organization"]]["id"], run["submitted"], run["due"])
         for run in queue.runs],
        template="(%s, 'test-app', %s, '1.0.0', %s, 'ada', '2026-01-01Z'::timestamptz + %s * interval '1 s', "
                 "'2100-01-01Z'::timestamptz + %s * interval '1 s')")
    cursor.execute("INSERT INTO waiting_runs (run_id, organization_id, resource_class, due_date, submitted_at) "
                   "SELECT run_id, organization_id, 1, coalesce(due_date, 'infinity'), submitted_at FROM runs")
    execute_values(
        cursor, "INSERT INTO items (item_id, run_id, ordinal, external_id, state, attempt_id) VALUES %s",
        [(harness.new_id(), run["id"], ordinal, f"slide {ordinal}",
          "PROCESSING" if ordinal < run["in_work"] else "PENDING",
          WORKER if ordinal < run["in_work"] else None)
         for run in queue.looked_at for ordinal in range(run["items"])])
    set_progress(cursor, queue)


def set_progress(cursor, queue):
    cursor.execute("SET LOCAL session_replication_role = replica")
    cursor.execute("DELETE FROM run_progress; DELETE FROM attempts")
    execute_values(
        cursor, "INSERT INTO run_progress (run_id, state, termination_reason, terminated_at, item_count, "
        "next_ordinal, pending_count, processing_count, succeeded_count) VALUES %s",
        [progress(run) for run in queue.runs],
        template="(%s, %s, %s, %s::timestamptz, %s, %s, %s, %s, %s)")
    execute_values(cursor, "INSERT INTO attempts (attempt_id, item_id, run_id, number, worker_id) VALUES %s",
                   [(harness.new_id(), WORKER, WORKER, 1, WORKER)
                    for _ in range(queue.other_in_work + sum(run["in_work"] for run in queue.waiting()))])
    execute_values(
        cursor, "UPDATE items i SET state = 'PROCESSING', attempt_id = i.item_id "
        "FROM (VALUES %s) AS r (run_id, next_ordinal) "
        "WHERE i.run_id = r.run_id::uuid AND i.ordinal < r.next_ordinal",
        [(run["id"], run["items"] - run["waiting"]) for run in queue.looked_at])


def progress(run):
    ended = run["waiting"] + run["in_work"] == 0
    state = "TERMINATED" if ended else "PROCESSING" if run["in_work"] else "PENDING"
    return (run["id"], state, "ALL_ITEMS_PROCESSED" if ended else None, "2026-01-01Z" if ended else None,
            run["items"], run["items"] - run["waiting"], run["waiting"], run["in_work"], run["gone"])


def refresh(platform):
    subprocess.run([harness.BUILD / "tests/simulation/refresh_positions", platform.database,
                    str(BATCH_SIZE)], check=True, stdout=subprocess.DEVNULL, timeout=60)


def exact(queue):
    """run id → (organisation's, platform's) position of each of its waiting items."""
    text = "".join(f"{line}\n" for line in queue.lines())
    out = subprocess.run([harness.BUILD / "tests/simulation/exact_positions"], input=text, text=True,
                         capture_output=True, check=True, timeout=60).stdout
    return {run["id"]: [tuple(map(int, pair.split(":"))) for pair in line.split()]
            for run, line in zip(queue.waiting(), out.splitlines())}


def is_near(found, right):
    return all(isinstance(a, int) and abs(a - b) <= max(1, b / 10) for a, b in zip(found, right))


def run_positions(run):
    return run["num_preceding_items_org"], run["num_preceding_items_platform"]


def item_positions(item):
    return item["queue_position_org"], item["queue_position_platform"]


def check_runs(client, positions):
    answer = client.get("/runs", params={"page_size": 100})
    assert answer.status_code == 200, answer.text
    seen = 0
    for run in answer.json():
        if run["statistics"]["item_pending_count"] == 0:
            assert run_positions(run) == (None, None)
            continue
        assert is_near(run_positions(run), positions[run["run_id"]][0]), (run, positions[run["run_id"]][0])
        seen += 1
    assert seen == len(positions)
    return seen


def check_items(client, queue, positions):
    seen = 0
    for run in queue.looked_at:
        items = client.items(run["id"])
        first_waiting = run["items"] - run["waiting"]
        before = (0, 0)
        for ordinal, item in enumerate(items):
            if ordinal < first_waiting:
                assert item_positions(item) == (None, None)
                continue
            right = positions[run["id"]][ordinal - first_waiting]
            assert is_near(item_positions(item), right), (run, ordinal, item_positions(item), right)
            assert item_positions(item) >= before
            before = item_positions(item)
            seen += 1
        if items:
            last = client.get(f"/runs/{run['id']}/items/{items[-1]['external_id']}").json()
            assert item_positions(last) == item_positions(items[-1])
            filtered = client.get(f"/runs/{run['id']}/items",
                                  params={"external_id__in": items[-1]["external_id"]}).json()
            assert item_positions(filtered[0]) == item_positions(last)
    return seen


def test_positions_are_near_an_exact_play(platform):
    client = platform.client()
    client.get("/me")
    chance = random.Random(SEED)
    runs = items = 0
    for _ in range(STATES):
        queue = Queue(chance)
        with platform.sql() as cursor:
            put(cursor, queue)
        for moved in range(2):
            refresh(platform)
            positions = exact(queue)
            runs += check_runs(client, positions)
            items += check_items(client, queue, positions)
            if not moved:
                queue.move_on()
                with platform.sql() as cursor:
                    set_progress(cursor, queue)
    print(f"QUEUE_SEED={SEED}: {STATES} queues twice, {runs} runs, {items} items")
    assert runs > STATES and items > STATES


def test_the_leader_keeps_positions(platform, slide_host):
    """One slot, held by an item whose slide does not come: all others stand behind it."""
    slide_host.faults["/slide.tiff"] = harness.Fault(hang=900)
    client = platform.client()

    def create(count):
        items = [harness.slide_item(f"slide {n}", f"{slide_host.url}/slide.tiff", b"") for n in range(count)]
        return client.create_run("test-app", items)

    def seen(run_id):
        run = client.run(run_id)
        return [run_positions(run), *map(item_positions, client.items(run_id))]

    def wait_until(run_id, positions):
        harness.wait_for(f"{positions}", lambda: seen(run_id) == positions or None)

    first, second = create(3), create(2)
    platform.start_worker(SLIDEWAY_SLOTS="1")
    wait_until(first, [(0, 0), (None, None), (0, 0), (1, 1)])
    wait_until(second, [(2, 2), (2, 2), (3, 3)])
    # A run that the leader has not seen stands where one more of its organisation would.
    third = create(1)
    assert seen(third) == [(4, 4), (4, 4)]
    assert client.post(f"/runs/{first}/cancel").status_code == 202
    assert seen(first) == [(None, None)] * 4
    wait_until(second, [(0, 0), (None, None), (0, 0)])
    wait_until(third, [(1, 1), (1, 1)])
