"""What the leader does for all: retention, sweeping, leases; and who leads. What workers say of
themselves and of their attempts.
"""
import datetime
import json
import os
import pathlib
import signal
import time

import pytest
import requests

import consistency
import harness
import sample_application
from chaos_shim import faults
from hand_worker import HandWorker
from life import OBEDIENT, SECONDS, Application, execute, items, rows, stored, wait_for_statistics

# A leader that hangs is replaced when its lease is over (15 s).


@pytest.fixture
def client(platform):
    return platform.client()


@pytest.fixture(autouse=True)
def consistent(platform):
    yield
    consistency.check(platform)


@pytest.fixture
def started(platform):
    """Starts workers that are killed at the end, whatever the test did to them."""
    workers = []

    def start(name, **environment):
        workers.append(platform.start_worker(name, **environment))
        return workers[-1]
    yield start
    for worker in workers:
        if worker.running():
            worker.process.send_signal(signal.SIGCONT)
            worker.kill()


def done_run(platform, client, names=("a", "b")):
    """A run whose items all succeeded; returns (run id, its artifacts)."""
    application = Application(platform)
    run_id = client.create_run(application.application_id, items(client, platform.folder, names))
    client.wait_for_run(run_id, SECONDS)
    artifacts = [item["output_artifacts"][0] for item in client.items(run_id)]
    assert all(artifact["output"] == "AVAILABLE" for artifact in artifacts)
    return run_id, artifacts


def age_run(platform, run_id, days):
    """As if the run had ended so many days ago; the row that says so to clients may not change."""
    execute(platform, "UPDATE retained_runs SET ended_at = ended_at - %s * interval '1 day' WHERE run_id = %s",
            days, run_id)


def run_objects(platform, run_id):
    return {key for key in stored(platform) if key.split("/")[1] == run_id}


# Retention.

def check_deleted(platform, client, run_id, artifacts, output, actor):
    run_before = client.run(run_id)
    for item in client.items(run_id):
        [artifact] = item["output_artifacts"]
        assert (artifact["output"], artifact["download_url"]) == (output, None)
        assert (item["output"], item["termination_reason"]) == ("FULL", "SUCCEEDED")
    for artifact in artifacts:
        path = f"/runs/{run_id}/artifacts/{artifact['output_artifact_id']}/file"
        assert client.get(path).status_code == 410
    harness.wait_for("the end of the objects", lambda: not run_objects(platform, run_id), SECONDS)
    harness.wait_for("the word that they are gone", lambda: rows(
        platform, "SELECT count(*) FROM output_artifacts WHERE run_id = %s AND object_removed_at IS NULL",
        run_id) == [(0,)], SECONDS)
    assert rows(platform, "SELECT actor, detail FROM audit WHERE run_id = %s AND action = 'run.artifacts_deleted'",
                run_id) == [(actor, {"output": output, "item_count": len(artifacts)})]
    assert client.run(run_id) == run_before, "what the run says of itself stays"


def test_artifacts_are_deleted_when_their_time_is_over(platform, client):
    platform.start_worker(SLIDEWAY_RETENTION_DAYS="7")
    run_id, artifacts = done_run(platform, client)
    young_id, _ = done_run(platform, client)
    age_run(platform, young_id, 6.9)
    age_run(platform, run_id, 7.1)
    harness.wait_for("the deletion", lambda: client.items(run_id)[0]["output_artifacts"][0][
        "output"] == "DELETED_BY_SYSTEM", SECONDS)
    check_deleted(platform, client, run_id, artifacts, "DELETED_BY_SYSTEM", "platform")
    assert client.delete(f"/runs/{run_id}/artifacts").status_code == 410
    assert client.items(young_id)[0]["output_artifacts"][0]["output"] == "AVAILABLE"
    assert len(run_objects(platform, young_id)) == 2


def test_retention_is_thirty_days_unless_it_is_set(platform, client):
    platform.start_worker()
    run_id, artifacts = done_run(platform, client)
    young_id, _ = done_run(platform, client)
    age_run(platform, young_id, 29.9)
    age_run(platform, run_id, 30.1)
    harness.wait_for("the deletion", lambda: client.items(run_id)[0]["output_artifacts"][0][
        "output"] == "DELETED_BY_SYSTEM", SECONDS)
    check_deleted(platform, client, run_id, artifacts, "DELETED_BY_SYSTEM", "platform")
    assert client.items(young_id)[0]["output_artifacts"][0]["output"] == "AVAILABLE"


def test_artifacts_that_the_user_deletes_are_the_users_deletion(platform, client):
    platform.start_worker(SLIDEWAY_RETENTION_DAYS="7")
    run_id, artifacts = done_run(platform, client)
    assert client.delete(f"/runs/{run_id}/artifacts").status_code == 200
    check_deleted(platform, client, run_id, artifacts, "DELETED_BY_USER", "ada")
    assert rows(platform, "SELECT count(*) FROM retained_runs") == [(0,)]


def multiply_artifacts(platform, run_id, count):
    """So many more of each artifact of the run, without objects of their own."""
    execute(platform, "INSERT INTO output_artifacts (output_artifact_id, item_id, run_id, attempt_id, ordinal, name, "
                      "mime_type, metadata, object_key, size_bytes, checksum_base64_crc32c) "
                      "SELECT gen_random_uuid(), item_id, run_id, attempt_id, n, 'more-' || n, mime_type, metadata, "
                      "object_key || n, size_bytes, checksum_base64_crc32c "
                      "FROM output_artifacts, generate_series(1, %s) AS n WHERE run_id = %s", count, run_id)


@pytest.mark.parametrize("whose", ["user", "system"])
def test_deletion_of_a_large_run_touches_none_of_its_artifacts(platform, client, whose):
    """So it takes no longer than that of a small one; the leader goes through them piece by piece."""
    hand = HandWorker(platform)
    application = Application(platform)
    run_id = client.create_run(application.application_id, items(client, platform.folder, ["a", "b", "c"]))
    for _ in range(3):
        hand.succeed(run_id, {"result": b"x"})
    multiply_artifacts(platform, run_id, 1999)
    rows_before = rows(platform, "SELECT ctid, xmin FROM output_artifacts ORDER BY output_artifact_id")
    if whose == "user":
        assert client.delete(f"/runs/{run_id}/artifacts").status_code == 200
    else:
        age_run(platform, run_id, 31)
        assert rows(platform, "SELECT delete_outdated_run(30)::text") == [(run_id,)]
    assert rows(platform, "SELECT ctid, xmin FROM output_artifacts ORDER BY output_artifact_id") == rows_before
    assert {artifact["output"] for item in client.items(run_id) for artifact in item["output_artifacts"]} == {
        f"DELETED_BY_{whose.upper()}"}
    pieces, removed = 0, set()
    while True:
        with platform.sql() as cursor:
            cursor.execute("SELECT output_artifact_id FROM deleted_artifacts(500)")
            piece = {row[0] for row in cursor.fetchall()}
            assert len(piece) <= 500 and not piece & removed
            # All but one, which the store does not let go of: it comes again.
            gone = sorted(piece)[:-1] or sorted(piece)
            cursor.execute("UPDATE output_artifacts SET object_removed_at = now() "
                           "WHERE output_artifact_id = ANY (%s::uuid[])", (gone,))
        consistency.check(platform)
        if not piece:
            break
        pieces, removed = pieces + 1, removed | set(gone)
    assert len(removed) == 6000 and pieces <= 15
    assert rows(platform, "SELECT count(*) FROM deleted_runs") == [(0,)]


def test_run_without_artifacts_leaves_no_work_behind_its_deletion(platform, client):
    application = Application(platform)
    run_id = client.create_run(application.application_id, items(client, platform.folder, ["a"]))
    assert client.post(f"/runs/{run_id}/cancel").status_code == 202
    assert client.delete(f"/runs/{run_id}/artifacts").status_code == 200
    assert client.delete(f"/runs/{run_id}/artifacts").status_code == 410
    assert rows(platform, "SELECT count(*) FROM deleted_runs") == [(0,)]


# How far a deletion had come when everybody died → what is done to get there.
DELETION_STEPS = {
    "marked": [],
    "one_object_gone": ["object"],
    "all_objects_gone": ["object", "object", "object"],
    "one_confirmed": ["object", "confirm"],
}


@pytest.mark.parametrize("case", DELETION_STEPS)
def test_deletion_goes_on_after_a_crash_in_its_middle(platform, client, started, case):
    worker = started("worker")
    run_id, artifacts = done_run(platform, client, ("a", "b", "c"))
    worker.kill()
    assert client.delete(f"/runs/{run_id}/artifacts").status_code == 200
    left = sorted(run_objects(platform, run_id))
    for step in DELETION_STEPS[case]:
        if step == "object":
            removed = left.pop(0)
            (platform.folder / "objects" / removed).unlink()
        else:
            execute(platform, "UPDATE output_artifacts SET object_removed_at = now() WHERE object_key = %s", removed)
    started("worker")
    check_deleted(platform, client, run_id, artifacts, "DELETED_BY_USER", "ada")


def test_leader_that_is_killed_while_it_deletes_leaves_nothing(platform, client, started):
    """Many artifacts, and a leader that dies again and again among them."""
    hand = HandWorker(platform)
    application = Application(platform)
    run_id = client.create_run(application.application_id,
                               items(client, platform.folder, [f"slide-{n}" for n in range(300)]))
    with platform.sql() as cursor:
        cursor.execute("UPDATE queue_limits SET batch_limit = 300")
        cursor.execute("SELECT item_id, attempt_id FROM claim_items(%s, 300, %s::uuid[])",
                       (hand.worker_id, [harness.uuid7() for _ in range(300)]))
        for item_id, attempt_id in cursor.fetchall():
            artifact = hand.store(run_id, item_id, attempt_id, "result", b"x")
            cursor.execute("SELECT finish_attempt(%s, 'SUCCEEDED', NULL, NULL, NULL, NULL, %s, 3)",
                           (attempt_id, json.dumps([artifact])))
    assert client.run(run_id)["output"] == "FULL"
    assert client.delete(f"/runs/{run_id}/artifacts").status_code == 200
    # Each removal lasts: those that are left last long enough to hit their middle also when this process is late.
    slow = faults(platform.folder, delay_seconds=0.02)
    for left in (260, 220, 180):
        worker = started("worker", **slow)
        harness.wait_for("some removals", lambda: len(run_objects(platform, run_id)) < left, SECONDS)
        worker.kill()
        assert run_objects(platform, run_id), "it died in the middle"
    started("worker")
    harness.wait_for("the end of the objects", lambda: not run_objects(platform, run_id), SECONDS)
    harness.wait_for("the word that they are gone", lambda: rows(
        platform, "SELECT count(*) FROM output_artifacts WHERE object_removed_at IS NULL") == [(0,)], SECONDS)


def test_scratch_of_slots_that_are_no_more_is_wiped(platform):
    """A worker that died with many slots comes back with one."""
    left = platform.folder / "scratch-worker" / "slot-7" / harness.new_id() / "work" / "input" / "0.tiff"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"a slide")
    other = platform.folder / "scratch-worker" / "notes"
    other.write_text("not ours")
    platform.start_worker(SLIDEWAY_SLOTS="1")
    harness.wait_for("the wiping", lambda: not (platform.folder / "scratch-worker" / "slot-7").exists(), SECONDS)
    assert other.exists()


# The sweep.

def put_object(platform, key, content=b"stray"):
    path = platform.folder / "objects" / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_objects_that_are_nobodys_are_removed(platform, client):
    application = Application(platform, seconds="600.")
    platform.start_worker(SLIDEWAY_SWEEP_SECONDS="1", SLIDEWAY_SLOTS="2")
    run_id, artifacts = done_run(platform, client)
    item_id = client.items(run_id)[0]["item_id"]
    [(winner,)] = rows(platform, "SELECT attempt_id FROM items WHERE item_id = %s", item_id)
    kept = run_objects(platform, run_id)
    running_id = client.create_run(application.application_id, items(client, platform.folder, ["slow"]))
    harness.wait_for("the slow one", application.pids, SECONDS)
    [(running_item, running)] = rows(platform, "SELECT item_id, attempt_id FROM attempts WHERE run_id = %s",
                                     running_id)
    strays = [put_object(platform, f"artifacts/{run_id}/{item_id}/{harness.uuid7()}/result"),
              put_object(platform, f"artifacts/{run_id}/{harness.uuid7()}/{harness.uuid7()}/result"),
              put_object(platform, f"artifacts/{run_id}/{item_id}/{winner}/forgotten")]
    others = [put_object(platform, f"artifacts/{running_id}/{running_item}/{running}/growing"),
              put_object(platform, f"artifacts/{harness.uuid7()}/{harness.uuid7()}/{harness.uuid7()}/foreign"),
              put_object(platform, "artifacts/README"),
              put_object(platform, f"documents/{application.application_id}/1.0.0/Guide.md")]
    uploads = set(harness.files_below(platform.folder / "objects" / "uploads"))
    harness.wait_for("the sweep", lambda: not any(path.exists() for path in strays), SECONDS)
    time.sleep(2.5)  # another walk
    assert all(path.exists() for path in others)
    assert kept <= stored(platform)
    assert uploads and all(path.exists() for path in uploads)
    assert requests.get(client.items(run_id)[0]["output_artifacts"][0]["download_url"],
                        timeout=30).text == "a\n"
    # Its run is over: then it is a loser's object.
    assert client.post(f"/runs/{running_id}/cancel").status_code == 202
    harness.wait_for("the second sweep", lambda: not others[0].exists(), SECONDS)
    assert all(path.exists() for path in others[1:])


def test_walk_over_the_artifacts_reads_a_bounded_part_at_a_time(platform, client):
    """What was deleted in all the years before is passed over in pieces, not in one statement."""
    hand = HandWorker(platform)
    application = Application(platform)
    for name in ("old", "young"):
        run_id = client.create_run(application.application_id, items(client, platform.folder, [name]))
        hand.succeed(run_id, {"result": b"x"})
        if name == "old":
            multiply_artifacts(platform, run_id, 6000)
            assert client.delete(f"/runs/{run_id}/artifacts").status_code == 200
    # The young one's id is the last.
    execute(platform, "UPDATE output_artifacts SET output_artifact_id = 'ffffffff-ffff-7fff-bfff-ffffffffffff' "
                      "WHERE run_id = %s", run_id)
    ids = [row[0] for row in rows(platform, "SELECT output_artifact_id FROM output_artifacts "
                                            "ORDER BY output_artifact_id")]
    text = (harness.ROOT / "src/jobs/sql/list_available_artifacts.sql").read_text(encoding="utf-8")
    statement = "".join(line for line in text.splitlines(True) if not line.startswith("--")).replace("$1", "%s")
    after, walk = "00000000-0000-0000-0000-000000000000", []
    for _ in range(4):
        found = rows(platform, statement, after)
        walk.append([(row[0], row[3]) for row in found])
        after = found[-1][0] if found else after
    assert walk == [[(ids[4999], False)], [(ids[-1], True), (ids[-1], False)], [], []]


def missing(platform):
    return {key for key, in rows(platform, "SELECT object_key FROM output_artifacts "
                                           "WHERE object_missing_at IS NOT NULL")}


def test_artifact_whose_object_is_missing_is_marked_until_it_is_back(platform, client):
    worker = platform.start_worker(SLIDEWAY_SWEEP_SECONDS="1")
    run_id, _ = done_run(platform, client, ("a", "b", "c"))
    lost, cut, good = sorted(run_objects(platform, run_id))
    (platform.folder / "objects" / lost).rename(platform.folder / "aside")
    whole = (platform.folder / "objects" / cut).read_bytes()
    (platform.folder / "objects" / cut).write_bytes(whole[:-1])
    harness.wait_for("the marks", lambda: missing(platform) == {lost, cut}, SECONDS)

    def told():
        return [json.loads(line)["object_key"] for line in worker.output().splitlines()
                if "artifact.object_missing" in line]
    harness.wait_for("the word of both", lambda: sorted(told()) == sorted([lost, cut]))
    # It is nobody's deletion: clients still see it, and it may come back.
    assert {item["output_artifacts"][0]["output"] for item in client.items(run_id)} == {"AVAILABLE"}
    (platform.folder / "aside").rename(platform.folder / "objects" / lost)
    (platform.folder / "objects" / cut).write_bytes(whole)
    harness.wait_for("the end of the marks", lambda: not missing(platform), SECONDS)
    assert rows(platform, "SELECT action, count(*) FROM audit WHERE action LIKE 'artifact.%%' GROUP BY action "
                          "ORDER BY action") == [("artifact.object_found", 2), ("artifact.object_missing", 2)]
    assert (platform.folder / "objects" / good).exists()


# Who leads.

def leader(platform):
    """The worker whose session holds the lock, as the lock itself has it."""
    found = rows(platform, "SELECT s.worker_name FROM pg_locks l JOIN leadership s ON s.backend_pid = l.pid "
                           "WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 "
                           "AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())")
    return found[0][0] if found else None


def other(name):
    return {"first": "second", "second": "first"}[name]


@pytest.mark.parametrize("how", ["frozen", "killed", "told_to_leave", "connection_cut"])
def test_duties_go_on_when_the_leader_fails(platform, client, started, how):
    workers = {name: started(name, SLIDEWAY_LEASE_SECONDS="60") for name in ("first", "second")}
    run_id, _ = done_run(platform, client)
    name = harness.wait_for("a leader", lambda: leader(platform), SECONDS)
    if how == "told_to_leave":
        assert workers[name].stop() == 0
    elif how == "frozen":
        workers[name].process.send_signal(signal.SIGSTOP)
    elif how == "killed":
        workers[name].kill()
    else:
        execute(platform, "SELECT pg_terminate_backend(backend_pid) FROM leadership")
    if how != "connection_cut":
        # What the failed one asked of the database before may be answered still.
        harness.wait_for("the other leader", lambda: leader(platform) == other(name), SECONDS)
    age_run(platform, run_id, 31)
    harness.wait_for("the duty", lambda: client.items(run_id)[0]["output_artifacts"][0][
        "output"] == "DELETED_BY_SYSTEM", SECONDS)
    if how == "connection_cut":
        return
    assert leader(platform) == other(name)
    if how == "frozen":
        check_frozen_leader_is_none_any_more(platform, workers[name], name)


def check_frozen_leader_is_none_any_more(platform, worker, name):
    """It wakes up: of what it finds to do it does nothing, since its session is over."""
    [(term,)] = rows(platform, "SELECT term FROM leadership")
    lines_before = len(worker.output().splitlines())
    worker.process.send_signal(signal.SIGCONT)
    harness.wait_for("its notice", lambda: "leader.lost" in worker.output(), SECONDS)
    time.sleep(4)
    assert leader(platform) == other(name)
    assert rows(platform, "SELECT term FROM leadership") == [(term,)]
    later = {json.loads(line)["event"] for line in worker.output().splitlines()[lines_before:]}
    assert "leader.lost" in later
    assert not {"leader.began", "run.overdue", "run.outdated", "lease.expired"} & later, later


def test_leader_that_hangs_in_the_store_does_no_more_when_it_wakes_up(platform, client, started):
    """It is frozen in the middle of a removal; the other one finishes it, and what is stored since then
    under a key that the first one still holds in its list is left alone."""
    names = [f"slide-{n}" for n in range(40)]
    worker = started("first", SLIDEWAY_SLOTS="8")
    run_id, artifacts = done_run(platform, client, names)
    keys = run_objects(platform, run_id)
    assert client.delete(f"/runs/{run_id}/artifacts").status_code == 200
    worker.process.send_signal(signal.SIGSTOP)
    second = started("second")
    harness.wait_for("the removal", lambda: not run_objects(platform, run_id), SECONDS)
    harness.wait_for("the other leader", lambda: leader(platform) == "second", SECONDS)
    # It holds none of them in a list any more, nor walks over what is stored.
    harness.wait_for("the word that they are gone", lambda: rows(
        platform, "SELECT count(*) FROM output_artifacts WHERE object_removed_at IS NULL") == [(0,)], SECONDS)
    harness.wait_for("the end of its first walk", lambda: "sweep.objects_done" in second.output(), SECONDS)
    again = [put_object(platform, key) for key in sorted(keys)[1:]]
    worker.process.send_signal(signal.SIGCONT)
    harness.wait_for("its notice", lambda: "leader.lost" in worker.output(), SECONDS)
    # One that it had begun with may be removed: a deleted object is nobody's.
    assert sum(path.exists() for path in again) >= len(again) - 1
    assert len(artifacts) == len(names)


# What workers say of themselves.

def workers_of(platform, *arguments):
    return json.loads(platform.slideway("worker", "list", "--json", *arguments).stdout)


def test_worker_list_shows_slots_labels_and_who_leads(platform, client, started):
    started("labelled", SLIDEWAY_SLOTS="3", SLIDEWAY_CPUS="5", SLIDEWAY_MEMORY_BYTES="123456789",
            SLIDEWAY_GPUS="2")
    harness.wait_for("the worker", lambda: workers_of(platform), SECONDS)
    started("plain")
    harness.wait_for("the other worker", lambda: len(workers_of(platform)) == 2, SECONDS)
    harness.wait_for("a leader", lambda: leader(platform), SECONDS)
    labelled, plain = workers_of(platform)
    assert {key: labelled[key] for key in ("name", "state", "slots", "busy", "cpus", "memory_bytes", "gpus")} == {
        "name": "labelled", "state": "working", "slots": 3, "busy": 0, "cpus": 5, "memory_bytes": 123456789,
        "gpus": 2}
    assert plain["cpus"] == os.cpu_count()
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert memory <= plain["memory_bytes"] < memory + (1 << 30) and plain["memory_bytes"] % (1 << 30) == 0
    assert [worker["leads"] for worker in (labelled, plain)].count(True) == 1
    text = platform.slideway("worker", "list").stdout.splitlines()
    assert text[0].split() == ["NAME", "STATE", "LEADS", "SLOTS", "BUSY", "CPUS", "MEMORY", "GPUS", "STARTED",
                               "HEARTBEAT"]
    assert text[1].split()[:8] == ["labelled", "working", "yes" if labelled["leads"] else "no", "3", "0", "5",
                                   "123456789", "2"]


def test_items_wait_for_a_worker_that_has_what_they_need(platform, client, started):
    """And the operator hears of them meanwhile, while others are done."""
    limits = {"memory_bytes": 512 << 20, "time_seconds": 60, "processes": 16, "output_bytes": 64 << 20,
              "cpus": 2, "gpus": 3}
    for name, gpus in (("large", 3), ("small", 0)):
        platform.register(sample_application.write(platform.folder / "applications", name,
                                                   limits={**limits, "gpus": gpus}))
    large, small = (client.create_run(name, items(client, platform.folder, ["a", "b"]))
                    for name in ("large", "small"))
    labels = {"SLIDEWAY_CPUS": "2", "SLIDEWAY_MEMORY_BYTES": str(512 << 20)}
    lacking = started("lacking", **labels, SLIDEWAY_GPUS="2")
    assert client.wait_for_run(small, SECONDS)["statistics"]["item_succeeded_count"] == 2
    harness.wait_for("the warning", lambda: "items.unrunnable" in lacking.output(), SECONDS)
    # It comes again each minute.
    warning, *_ = [json.loads(line) for line in lacking.output().splitlines() if "items.unrunnable" in line]
    assert {key: warning[key] for key in ("level", "application_id", "version_number", "cpus", "memory_bytes", "gpus",
                                          "waiting_items")} == {
        "level": "warning", "application_id": "large", "version_number": "1.0.0", "cpus": 2,
        "memory_bytes": 512 << 20, "gpus": 3, "waiting_items": 2}
    run = client.run(large)
    assert (run["state"], run["statistics"]["item_pending_count"]) == ("PENDING", 2)
    done = platform.slideway("status", check=False)
    assert ("queue: 2 items of large 1.0.0 fit into no worker: one item needs 2 cores, 0.5 GB of memory and 3 GPUs"
            in done.stdout)
    started("able", **labels, SLIDEWAY_GPUS="3")
    assert client.wait_for_run(large, SECONDS)["statistics"]["item_succeeded_count"] == 2
    names = rows(platform, "SELECT DISTINCT w.name FROM attempts a JOIN workers w USING (worker_id) "
                           "WHERE a.run_id = %s", large)
    assert names == [("able",)]
    assert "queue:" not in platform.slideway("status", check=False).stdout


BAD_SETTINGS = {"SLIDEWAY_MEMORY_BYTES": "much", "SLIDEWAY_GPUS": "-1", "SLIDEWAY_CPUS": "-2"}


@pytest.mark.parametrize("name", BAD_SETTINGS)
def test_label_that_is_no_number_is_refused(platform, name):
    worker = platform.start_worker("bad", **{name: BAD_SETTINGS[name]})
    assert worker.process.wait(SECONDS) == 1
    assert name in worker.output()


def test_draining_worker_keeps_its_lease_and_hears_of_cancels(platform, client, started):
    application = Application(platform, seconds="600.")
    worker = started("worker", SLIDEWAY_SLOTS="2", SLIDEWAY_LEASE_SECONDS="20", SLIDEWAY_DRAIN_SECONDS="500")
    run_ids = [client.create_run(application.application_id, items(client, platform.folder, ["slow"]))
               for _ in range(2)]
    harness.wait_for("both", lambda: len(application.pids()) >= 2, SECONDS)
    worker.process.send_signal(signal.SIGTERM)
    harness.wait_for("the drain", lambda: workers_of(platform)[0]["state"] == "draining", SECONDS)
    waiting_id = client.create_run(application.application_id, items(client, platform.folder, ["a"]))
    time.sleep(22)  # longer than the lease
    assert workers_of(platform)[0]["busy"] == 2
    assert client.run(waiting_id)["state"] == "PENDING", "it takes nothing new"
    for run_id in run_ids:
        assert client.post(f"/runs/{run_id}/cancel").status_code == 202
    harness.wait_for("the end of both", lambda: not application.pids())
    assert worker.process.wait(SECONDS) == 0
    assert workers_of(platform) == []
    assert [each["state"] for each in workers_of(platform, "--all")] == ["ended"]


def test_item_that_is_handed_back_is_taken_by_another_worker_at_once(platform, client, started):
    application = Application(platform, seconds="600.")
    first = started("first", SLIDEWAY_SLOTS="1", SLIDEWAY_LEASE_SECONDS="1000", SLIDEWAY_DRAIN_SECONDS="0")
    run_id = client.create_run(application.application_id, items(client, platform.folder, ["slow"]))
    harness.wait_for("the first try", application.pids, SECONDS)
    (application.folder / "run").write_text(OBEDIENT.replace("sleep NAP", "true"))
    started("second", SLIDEWAY_SLOTS="1", SLIDEWAY_LEASE_SECONDS="60")
    assert first.stop() == 0
    # Long before the lease of the first one would have ended.
    assert client.wait_for_run(run_id, SECONDS)["output"] == "FULL"
    assert attempts_of(platform, run_id) == [("slow", 1, "HANDED_BACK", "first"), ("slow", 1, "SUCCEEDED", "second")]


# What is known of each attempt.

def attempts_of(platform, run_id):
    listed = json.loads(platform.slideway("run", "attempts", run_id, "--json").stdout)
    return [(each["external_id"], each["number"], each["outcome"], each["worker_name"]) for each in listed]


def test_every_attempt_is_recorded(platform, client, started, slide_host):
    # Memory is looked at now and then: what lasts milliseconds may not be seen.
    application = Application(platform, seconds="600.", script=OBEDIENT.replace("case", "sleep 8\ncase", 1))
    (slide_host.folder / "away.bin").write_bytes(b"x")
    slide_host.faults["/away.bin"] = 503
    started("first", SLIDEWAY_SLOTS="5", SLIDEWAY_ATTEMPTS_MAX="1")
    template = items(client, platform.folder, ["good", "bad", "broken", "slow"])
    run_id = client.create_run(application.application_id, [
        *template, harness.slide_item("away", f"{slide_host.url}/away.bin", b"x"),
        harness.slide_item("gone", f"{slide_host.url}/gone.bin", b"x")])
    wait_for_statistics(client, run_id, "item_system_error_count", 2)
    wait_for_statistics(client, run_id, "item_user_error_count", 2)
    wait_for_statistics(client, run_id, "item_succeeded_count", 1)
    harness.wait_for("the slow one", application.pids, SECONDS)
    assert client.post(f"/runs/{run_id}/cancel").status_code == 202
    harness.wait_for("the last log", lambda: rows(
        platform, "SELECT FROM attempts WHERE run_id = %s AND outcome = 'CANCELLED' AND log_tail IS NOT NULL",
        run_id), SECONDS)
    listed = {each["external_id"]: each for each in json.loads(
        platform.slideway("run", "attempts", run_id, "--json").stdout)}
    assert {name: each["outcome"] for name, each in listed.items()} == {
        "good": "SUCCEEDED", "bad": "USER_ERROR", "broken": "SYSTEM_ERROR", "slow": "CANCELLED", "away": "RETRY",
        "gone": "USER_ERROR"}
    for name in ("good", "bad", "broken", "slow"):
        each = listed[name]
        assert each["log_tail"].strip() == f"working on {name}"
        assert each["peak_memory_bytes"] > 0 and each["duration_seconds"] > 0
        assert (each["worker_name"], each["number"]) == ("first", 1)
    assert listed["bad"]["error_code"] == "BAD"
    assert "exit code 3" in listed["broken"]["error_message"]
    assert "503" in listed["away"]["error_message"] and "404" in listed["gone"]["error_message"]
    text = platform.slideway("run", "attempts", run_id).stdout.splitlines()
    assert text[0].split() == ["ITEM", "TRY", "OUTCOME", "WORKER", "SECONDS", "PEAK", "MEMORY", "CODE", "REASON"]
    assert len(text) == 7


# The host's answer → the outcomes of the attempts, with three tries.
RETRIES = {503: ["RETRY", "RETRY", "RETRY"], 404: ["USER_ERROR"], 403: ["USER_ERROR"]}


@pytest.mark.parametrize("status", RETRIES)
def test_only_what_is_the_platforms_fault_is_tried_again(platform, client, slide_host, status):
    application = Application(platform)
    (slide_host.folder / "a.bin").write_bytes(b"x")
    slide_host.faults["/a.bin"] = status
    platform.start_worker(SLIDEWAY_ATTEMPTS_MAX="3")
    run_id = client.create_run(application.application_id,
                               [harness.slide_item("a", f"{slide_host.url}/a.bin", b"x")])
    client.wait_for_run(run_id, SECONDS)
    found = rows(platform, "SELECT outcome, started_at, ended_at FROM attempts WHERE run_id = %s ORDER BY number",
                 run_id)
    assert [outcome for outcome, _, _ in found] == RETRIES[status]
    # Each wait is twice the one before.
    waits = [later[1] - earlier[2] for earlier, later in zip(found, found[1:])]
    for number, wait in enumerate(waits, 1):
        assert wait >= datetime.timedelta(seconds=2 ** number)


def test_full_scratch_disk_is_no_fault_of_the_application(platform, client, folder):
    """The scratch folder is on a disk of 4 MiB, most of which something else has taken."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    scratch = pathlib.Path(platform.folder) / "scratch-worker"
    scratch.mkdir()
    assert os.system(f"mount -t tmpfs -o size=4m tmpfs {scratch}") == 0
    try:
        application = Application(platform, OBEDIENT.replace(
            'echo "$name" > "$SLIDEWAY_OUTPUT/result"', 'head -c 3000000 /dev/zero > "$SLIDEWAY_OUTPUT/result" || exit 4'))
        (scratch / "ballast").write_bytes(b"x" * (2 << 20))
        platform.start_worker(SLIDEWAY_SLOTS="1", SLIDEWAY_ATTEMPTS_MAX="5")
        run_id = client.create_run(application.application_id, items(client, platform.folder, ["a"]))
        harness.wait_for("a failed try", lambda: rows(
            platform, "SELECT FROM attempts WHERE run_id = %s AND outcome = 'RETRY'", run_id), SECONDS)
        (scratch / "ballast").unlink(missing_ok=True)
        assert client.wait_for_run(run_id, SECONDS)["output"] == "FULL"
    finally:
        platform.worker.stop()
        assert os.system(f"umount {scratch}") == 0
