"""What survives when programs die, hang or are told to leave in the middle of the work.

Method: an application that sleeps (recovery.py) writes the id of its attempt, so that the winner can be
told from the others.
"""
import concurrent.futures
import contextlib
import errno
import os
import signal
import threading
import time

import psycopg2
import pytest
import requests

import consistency
import database_proxy
import harness
from chaos_shim import faults
from recovery import (
    NAPPING, SECONDS, WAKING, Napping, check_only_winners_are_stored, check_succeeded_once, items, outcomes, rows,
    scratch, stored)

# A body of which the host sends 64 KiB a second lasts longer than all waits but those for the end of a run.
LONG_BYTES = 240 << 16
LARGE_OUTPUT = NAPPING.replace('echo "$attempt" >', 'head -c 300000000 /dev/zero | tr "\\0" x >')


@pytest.fixture
def client(platform):
    yield platform.client()
    consistency.check(platform)


@pytest.fixture
def first(platform):
    """A worker that the test may stop by a signal: it does not outlive the test, whatever happens."""
    worker = platform.start_worker("first", SLIDEWAY_LEASE_SECONDS="15", SLIDEWAY_SLOTS="1")
    yield worker
    worker.kill()


def age_attempts(platform):
    """As if the attempts that were taken away had ended long ago: then their objects are swept."""
    with platform.sql() as cursor:
        cursor.execute("UPDATE attempts SET ended_at = ended_at - interval '1 hour' "
                       "WHERE outcome IN ('LOST', 'CANCELLED')")


# A worker that is killed.

def test_killed_worker_comes_back_while_the_application_runs(platform, client):
    application = Napping(platform, 60)
    platform.start_worker(SLIDEWAY_LEASE_SECONDS="60")
    run_id = client.create_run(application.application_id, items(client, platform.folder))
    application.wait_for_start()
    platform.worker.kill()
    application.wait_for_end()
    application.hurry()
    assert client.run(run_id)["state"] == "PROCESSING", "nobody has noticed yet"
    # A worker of the same name is the same worker: it need not wait for its own old lease.
    platform.start_worker(SLIDEWAY_LEASE_SECONDS="60")
    check_only_winners_are_stored(platform, check_succeeded_once(platform, client, run_id))
    assert outcomes(platform, run_id) == ["LOST", "SUCCEEDED"]
    assert scratch(platform) == []


def test_killed_worker_comes_back_while_a_slide_is_downloaded(platform, client, slide_host):
    (slide_host.folder / "a.bin").write_bytes(b"x" * 640_000)
    slide_host.faults["/a.bin"] = [harness.Fault(pause=2.0)]
    application = Napping(platform, 0)
    platform.start_worker(SLIDEWAY_LEASE_SECONDS="60")
    run_id = client.create_run(application.application_id, [
        harness.slide_item("a", f"{slide_host.url}/a.bin", b"x" * 640_000)])
    harness.wait_for("the download's start", lambda: scratch(platform), SECONDS)
    platform.worker.kill()
    assert scratch(platform), "what was downloaded lies there"
    platform.start_worker(SLIDEWAY_LEASE_SECONDS="60")
    check_succeeded_once(platform, client, run_id)
    assert outcomes(platform, run_id) == ["LOST", "SUCCEEDED"]
    assert scratch(platform) == []


def test_worker_killed_while_it_stores_leaves_nothing(platform, client):
    application = Napping(platform, 0, LARGE_OUTPUT, output_bytes=400 << 20)
    # Each call lasts: there is time to hit the middle.
    platform.start_worker(**faults(platform.folder, delay_seconds=0.2))
    run_id = client.create_run(application.application_id, items(client, platform.folder))
    incoming = platform.folder / "objects" / ".incoming"
    harness.wait_for("an object that grows", lambda: any(harness.sizes_in(incoming)), SECONDS)
    platform.worker.kill()
    platform.start_worker()
    run = client.wait_for_run(run_id, SECONDS)
    assert (run["termination_reason"], run["output"]) == ("ALL_ITEMS_PROCESSED", "FULL")
    assert outcomes(platform, run_id) == ["LOST", "SUCCEEDED"]
    assert len(stored(platform)) == 1
    assert scratch(platform) == []
    [left] = incoming.iterdir()
    os.utime(left, (time.time() - 2 * 86400,) * 2)
    young = incoming / "young"
    young.write_text("still written to")
    harness.wait_for("the sweep", lambda: not left.exists(), SECONDS)
    assert young.exists()


def test_other_worker_takes_over_when_the_lease_has_ended(platform, client):
    application = Napping(platform, 60)
    platform.start_worker("first", SLIDEWAY_LEASE_SECONDS="20")
    run_id = client.create_run(application.application_id, items(client, platform.folder))
    application.wait_for_start()
    platform.worker.kill()
    application.hurry()
    platform.start_worker("second", SLIDEWAY_LEASE_SECONDS="60")
    check_only_winners_are_stored(platform, check_succeeded_once(platform, client, run_id))
    assert outcomes(platform, run_id) == ["LOST", "SUCCEEDED"]
    assert rows(platform, "SELECT a.started_at > w.lease_expires_at FROM attempts a, workers w "
                          "WHERE a.run_id = %s AND a.outcome = 'SUCCEEDED' AND w.name = 'first'", run_id
                ) == [(True,)], "not before the lease had ended"


@pytest.mark.parametrize("attempts_max", [1, 2])
def test_item_that_is_lost_too_often_ends_as_a_system_error(platform, client, attempts_max):
    application = Napping(platform, 50)
    settings = {"SLIDEWAY_ATTEMPTS_MAX": str(attempts_max), "SLIDEWAY_LEASE_SECONDS": "60"}
    platform.start_worker(**settings)
    run_id = client.create_run(application.application_id, items(client, platform.folder))
    for _ in range(attempts_max):
        application.wait_for_start()
        platform.worker.kill()
        application.wait_for_end()
        platform.start_worker(**settings)
    run = client.wait_for_run(run_id, SECONDS)
    assert (run["termination_reason"], run["output"]) == ("ALL_ITEMS_PROCESSED", "NONE")
    assert run["statistics"]["item_system_error_count"] == 1
    [item] = client.items(run_id)
    assert (item["termination_reason"], item["error_message"]) == (
        "SYSTEM_ERROR", "An unknown system error occurred during the item execution")
    assert outcomes(platform, run_id) == ["LOST"] * attempts_max
    assert not application.pids() and stored(platform) == set()


@pytest.fixture
def line(platform, cluster):
    """Between the worker and PostgreSQL."""
    proxy = database_proxy.DatabaseProxy()
    proxy.add("worker", platform.folder / "line", cluster.folder)
    yield proxy
    platform.worker.kill()
    proxy.stop()


def test_item_whose_claim_was_not_answered_is_given_back(platform, cluster, client, line):
    application = Napping(platform, 0)
    through_line = platform.database.replace(f"host={cluster.folder}", f"host={platform.folder / 'line'}")
    platform.start_worker(SLIDEWAY_DATABASE=through_line, SLIDEWAY_LEASE_SECONDS="100")
    harness.wait_for("the worker", lambda: rows(platform, "SELECT FROM workers"))
    line.lose_answers_from("worker", "slide-0")
    run_id = client.create_run(application.application_id, items(client, platform.folder))
    harness.wait_for("the claim", lambda: outcomes(platform, run_id) == [None])
    line.cut("worker")
    line.go_on("worker")
    check_succeeded_once(platform, client, run_id)
    assert sorted(outcomes(platform, run_id)) == ["HANDED_BACK", "SUCCEEDED"]
    assert rows(platform, "SELECT attempt_count FROM items WHERE run_id = %s", run_id) == [(1,)]
    assert len(rows(platform, "SELECT FROM workers")) == 1, "the worker kept its lease"


def test_item_that_was_claimed_for_the_slot_of_a_refused_result_is_given_back(platform, cluster, client):
    """A result goes to the database with the claim for its slot. It waits for a cancel of its run there and
    is refused; so its slot is not free yet when the claim brings the next item."""
    application = Napping(platform, 90, WAKING)
    platform.start_worker(SLIDEWAY_SLOTS="1", SLIDEWAY_LEASE_SECONDS="60")
    cancelled = client.create_run(application.application_id, items(client, platform.folder))
    application.wait_for_start()
    application.hurry()
    with contextlib.closing(psycopg2.connect(platform.database)) as canceller, canceller.cursor() as cursor:
        cursor.execute("SELECT cancel_run(%s, 'ada', 'hospital', 'member')", (cancelled,))
        assert cursor.fetchone() == ("CANCELLED",)
        waiting = client.create_run(application.application_id, items(client, platform.folder))
        application.wake()
        harness.wait_for("a result that waits", lambda: rows(
            platform, "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
                      "AND query LIKE '%%succeed_attempts%%' AND datname = current_database()"), SECONDS)
        canceller.commit()
    check_succeeded_once(platform, client, waiting)
    assert outcomes(platform, cancelled) == ["CANCELLED"]
    assert sorted(outcomes(platform, waiting)) == ["HANDED_BACK", "SUCCEEDED"]


def test_workers_that_die_again_and_again_double_nothing(platform, client):
    """Two workers take turns in being killed while they work on many short items."""
    application = Napping(platform, 60)
    settings = {"SLIDEWAY_ATTEMPTS_MAX": "100", "SLIDEWAY_LEASE_SECONDS": "60", "SLIDEWAY_SLOTS": "4"}
    workers = [platform.start_worker(name, **settings) for name in ("first", "second")]
    count = 80
    run_id = client.create_run(application.application_id, items(client, platform.folder, count))
    # Both die while the first items sleep; the others are ended at any moment.
    application.wait_for_start()
    application.hurry()
    succeeded = 0
    for turn in range(8):
        wanted = min(succeeded + 8, count) if turn > 1 else 0
        harness.wait_for("more results", lambda: client.run(run_id)["statistics"][
            "item_succeeded_count"] >= wanted, SECONDS, 0.01)
        workers[turn % 2].kill()
        succeeded = client.run(run_id)["statistics"]["item_succeeded_count"]
        workers[turn % 2] = platform.start_worker(("first", "second")[turn % 2], **settings)
    check_succeeded_once(platform, client, run_id, count)
    assert set(outcomes(platform, run_id)) == {"LOST", "SUCCEEDED"}, "some were in work when both died"
    for worker in workers:
        worker.stop()


# A worker that sleeps through its lease.

@pytest.mark.parametrize("nap_seconds", [10, 90], ids=["ends-meanwhile", "still-runs"])
def test_worker_that_wakes_up_late_changes_nothing(platform, client, first, nap_seconds):
    application = Napping(platform, nap_seconds)
    run_id = client.create_run(application.application_id, items(client, platform.folder))
    application.wait_for_start()
    first.process.send_signal(signal.SIGSTOP)
    application.hurry()
    second = platform.start_worker("second", SLIDEWAY_LEASE_SECONDS="60")
    winners = check_succeeded_once(platform, client, run_id)
    before = client.run(run_id), client.items(run_id)[0]["output_artifacts"][0]["output_artifact_id"]
    [(loser,)] = rows(platform, "SELECT attempt_id FROM attempts WHERE run_id = %s AND outcome = 'LOST'",
                      run_id)
    if nap_seconds < 90:
        application.wait_for_end()
    first.process.send_signal(signal.SIGCONT)
    harness.wait_for("the first worker's new registration", lambda: rows(
        platform, "SELECT FROM workers WHERE name = 'first' AND ended_at IS NULL"), SECONDS)
    application.wait_for_end()
    harness.wait_for("the first worker's empty scratch", lambda: not scratch(platform, "first"), SECONDS)
    assert check_succeeded_once(platform, client, run_id) == winners
    assert (client.run(run_id),
            client.items(run_id)[0]["output_artifacts"][0]["output_artifact_id"]) == before
    assert outcomes(platform, run_id) == ["LOST", "SUCCEEDED"]
    # It works on as a new one.
    second.stop()
    check_succeeded_once(platform, client, client.create_run(
        application.application_id, items(client, platform.folder)))
    # What the loser may have stored is swept; the winner's stays.
    [(item_id,)] = rows(platform, "SELECT item_id FROM items WHERE run_id = %s", run_id)
    late = platform.folder / "objects" / "artifacts" / run_id / item_id / loser / "result"
    late.parent.mkdir(parents=True, exist_ok=True)
    late.write_text("late")
    with platform.sql() as cursor:
        cursor.execute("UPDATE attempts SET objects_swept_at = NULL WHERE attempt_id = %s", (loser,))
    age_attempts(platform)
    harness.wait_for("the sweep", lambda: not late.exists(), SECONDS)
    assert check_succeeded_once(platform, client, run_id) == winners


# A worker that is told to leave.

def test_worker_that_is_told_to_leave_hands_its_item_back(platform, client):
    application = Napping(platform, 60)
    platform.start_worker(SLIDEWAY_DRAIN_SECONDS="0")
    run_id = client.create_run(application.application_id, items(client, platform.folder))
    application.wait_for_start()
    assert platform.worker.stop() == 0
    assert not application.pids(), "the application has gone before the worker"
    run = client.run(run_id)
    assert (run["state"], run["statistics"]["item_pending_count"]) == ("PENDING", 1)
    assert outcomes(platform, run_id) == ["HANDED_BACK"]
    assert scratch(platform) == []
    application.hurry()
    platform.start_worker()
    check_only_winners_are_stored(platform, check_succeeded_once(platform, client, run_id))
    assert rows(platform, "SELECT outcome, number FROM attempts WHERE run_id = %s ORDER BY started_at",
                run_id) == [("HANDED_BACK", 1), ("SUCCEEDED", 1)]


def test_worker_that_is_told_to_leave_finishes_what_is_nearly_done(platform, client):
    application = Napping(platform, 90, WAKING)
    platform.start_worker(SLIDEWAY_DRAIN_SECONDS="90", SLIDEWAY_SLOTS="1")
    run_id = client.create_run(application.application_id, items(client, platform.folder, 2))
    application.wait_for_start()
    platform.worker.process.send_signal(signal.SIGTERM)
    harness.wait_for("the drain", lambda: rows(platform, "SELECT FROM workers WHERE draining"), SECONDS)
    application.wake()
    assert platform.worker.process.wait(SECONDS) == 0
    statistics = client.run(run_id)["statistics"]
    assert (statistics["item_succeeded_count"], statistics["item_pending_count"]) == (1, 1)
    assert outcomes(platform, run_id) == ["SUCCEEDED"], "and takes nothing new"


def test_worker_that_is_told_to_leave_does_not_wait_for_a_download(platform, client, slide_host):
    (slide_host.folder / "a.bin").write_bytes(b"x" * LONG_BYTES)
    slide_host.faults["/a.bin"] = [harness.Fault(pause=1.0)]
    application = Napping(platform, 0)
    platform.start_worker(SLIDEWAY_DRAIN_SECONDS="0")
    run_id = client.create_run(application.application_id, [
        harness.slide_item("a", f"{slide_host.url}/a.bin", b"x" * LONG_BYTES)])
    harness.wait_for("the download's start", lambda: scratch(platform), SECONDS)
    assert platform.worker.stop() == 0
    assert outcomes(platform, run_id) == ["HANDED_BACK"]
    assert scratch(platform) == []
    platform.start_worker()
    check_succeeded_once(platform, client, run_id)


# A host that is away for longer than a download is patient.

def test_item_is_tried_again_when_its_host_was_away(platform, client, slide_host):
    (slide_host.folder / "a.bin").write_bytes(b"slide")
    slide_host.faults["/a.bin"] = harness.Fault(status=503, times=6)  # one attempt asks four times
    application = Napping(platform, 0)
    platform.start_worker(SLIDEWAY_LEASE_SECONDS="60")
    run_id = client.create_run(application.application_id, [
        harness.slide_item("a", f"{slide_host.url}/a.bin", b"slide")])
    check_succeeded_once(platform, client, run_id)
    assert outcomes(platform, run_id) == ["RETRY", "SUCCEEDED"]
    assert len(slide_host.requests) == 7


# Cancelling.

def test_cancel_ends_the_processes(platform, client):
    application, quick = Napping(platform, 600, time_seconds=700), Napping(platform, 0)
    platform.start_worker(SLIDEWAY_SLOTS="2", SLIDEWAY_LEASE_SECONDS="2400")
    run_id = client.create_run(application.application_id, items(client, platform.folder, 3))
    application.wait_for_start(2)
    assert client.run(run_id)["statistics"]["item_processing_count"] == 2
    assert client.post(f"/runs/{run_id}/cancel").status_code == 202
    run = client.run(run_id)
    assert (run["state"], run["termination_reason"], run["output"]) == (
        "TERMINATED", "CANCELED_BY_USER", "NONE")
    assert run["statistics"]["item_skipped_count"] == 3
    # The lease's next heartbeat is ten minutes away; the notification is quicker.
    harness.wait_for("the end of the processes", lambda: not application.pids())
    assert outcomes(platform, run_id) == ["CANCELLED", "CANCELLED"]
    check_succeeded_once(platform, client, client.create_run(
        quick.application_id, items(client, platform.folder)))
    harness.wait_for("an empty scratch", lambda: not scratch(platform))
    assert client.run(run_id) == run
    assert {key.split("/")[1] for key in stored(platform)}.isdisjoint({run_id})


def test_cancel_ends_a_download(platform, client, slide_host):
    (slide_host.folder / "a.bin").write_bytes(b"x" * LONG_BYTES)
    slide_host.faults["/a.bin"] = harness.Fault(pause=1.0)
    quick = Napping(platform, 0)
    platform.start_worker(SLIDEWAY_SLOTS="1", SLIDEWAY_LEASE_SECONDS="60")
    run_id = client.create_run(quick.application_id, [
        harness.slide_item("a", f"{slide_host.url}/a.bin", b"")])
    harness.wait_for("the download's start", lambda: scratch(platform), SECONDS)
    assert client.post(f"/runs/{run_id}/cancel").status_code == 202
    started = time.monotonic()
    check_succeeded_once(platform, client, client.create_run(
        quick.application_id, items(client, platform.folder)))
    assert time.monotonic() - started < 200, "the only slot was free long before the download's end"
    assert client.run(run_id)["termination_reason"] == "CANCELED_BY_USER"


# The database dies.

# Seconds of the lease, of the application, without a database → what the attempts of the item are.
OUTAGES = {"short": ("60", 3, 1, ["SUCCEEDED"]),
           "longer_than_the_application": ("60", 2, 4, ["SUCCEEDED"]),
           "longer_than_the_lease": ("15", 90, 18, ["LOST", "SUCCEEDED"])}


@pytest.mark.parametrize("case", OUTAGES)
def test_death_of_the_database_costs_nothing(folder, case):
    lease_seconds, nap_seconds, away_seconds, want = OUTAGES[case]
    cluster = harness.Cluster(settings=())
    platform = harness.Platform(cluster, folder)
    try:
        application = Napping(platform, nap_seconds)
        platform.start_server()
        platform.start_worker(SLIDEWAY_LEASE_SECONDS=lease_seconds)
        client = platform.client()
        run_id = client.create_run(application.application_id, items(client, folder, 1))
        application.wait_for_start()
        cluster.kill()
        application.hurry()
        time.sleep(away_seconds)
        cluster.start()
        harness.wait_for("the server's health", platform.healthy, SECONDS)
        winners = check_succeeded_once(platform, client, run_id)
        assert outcomes(platform, run_id) == want
        assert winners <= {key.split("/")[3] for key in stored(platform)}
        assert platform.worker.running() and platform.server.running()
        # And all goes on as before; a thread of the server may look for the database again after 3.2 s only.
        harness.wait_for("the server's writes", lambda: client.put(
            f"/runs/{run_id}/custom-metadata", json={"custom_metadata": {}}).status_code == 200)
        check_succeeded_once(platform, client, client.create_run(
            application.application_id, items(client, folder)))
    finally:
        platform.stop()
        cluster.remove()


# What a crash of the database makes of a claim that is not on its disk yet.
UNDO_CLAIM = """
SET LOCAL session_replication_role = replica;
UPDATE items SET state = 'PENDING', attempt_id = NULL, attempt_count = 0 WHERE run_id = %(run_id)s;
UPDATE run_progress SET state = 'PENDING', pending_count = 1, processing_count = 0, next_ordinal = 0
WHERE run_id = %(run_id)s;
DELETE FROM attempts WHERE run_id = %(run_id)s;
DELETE FROM audit WHERE run_id = %(run_id)s AND action IN ('run.processing', 'item.claimed');
INSERT INTO arrivals (run_id, ready_at) VALUES (%(run_id)s, platform_now());
"""


def test_application_does_not_start_by_a_claim_that_a_crash_has_undone(platform, client, slide_host):
    (slide_host.folder / "a.bin").write_bytes(b"x" * 640_000)
    slide_host.faults["/a.bin"] = [harness.Fault(pause=2.0)]
    application = Napping(platform, 0)
    platform.start_worker(SLIDEWAY_SLOTS="2")
    run_id = client.create_run(application.application_id, [
        harness.slide_item("a", f"{slide_host.url}/a.bin", b"x" * 640_000)])
    harness.wait_for("the download's start", lambda: scratch(platform), SECONDS)
    [(undone,)] = rows(platform, "SELECT attempt_id FROM attempts WHERE run_id = %s", run_id)
    with platform.sql() as cursor:
        cursor.execute("BEGIN;" + UNDO_CLAIM + "COMMIT", {"run_id": run_id})
    [winner] = check_succeeded_once(platform, client, run_id)
    assert winner != undone

    def told_of(attempt_id, event):
        return any(f'"{event}"' in line and attempt_id in line
                   for line in platform.worker.output().splitlines())
    harness.wait_for("the end of the undone attempt", lambda: told_of(undone, "attempt.cancelled"), SECONDS)
    assert told_of(undone, "attempt.started")
    assert {key.split("/")[3] for key in stored(platform)} == {winner}, "the undone one made nothing"
    assert outcomes(platform, run_id) == ["SUCCEEDED"]


def test_worker_leaves_its_work_when_the_database_hangs(folder):
    cluster = harness.Cluster()
    platform = harness.Platform(cluster, folder)
    stopped = []
    try:
        application = Napping(platform, 600, time_seconds=700)
        platform.start_server()
        platform.start_worker(SLIDEWAY_LEASE_SECONDS="15")
        client = platform.client()
        run_id = client.create_run(application.application_id, items(client, folder))
        application.wait_for_start()
        stopped = cluster.freeze()
        # Nobody can know any more whose the item is.
        harness.wait_for("the end of the application", lambda: not application.pids())
        application.hurry()
        harness.send_signal(stopped, signal.SIGCONT)
        check_succeeded_once(platform, client, run_id)
        assert outcomes(platform, run_id) == ["LOST", "SUCCEEDED"]
    finally:
        harness.send_signal(stopped, signal.SIGCONT)
        platform.stop()
        cluster.remove()


# The disk of the objects fails.

@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES, errno.ENOSPC])
def test_object_port_asks_to_try_again_when_its_disk_fails(folder, cluster, number):
    platform = harness.Platform(cluster, folder)
    try:
        platform.start_server(**faults(folder))
        client = platform.client()
        links = client.post("/uploads", json={"name": "slide.bin", "size_bytes": 3}).json()
        faults(folder, store=number)
        refused = [requests.put(links["upload_url"], data=b"abc", timeout=30)]
        faults(folder)
        assert requests.put(links["upload_url"], data=b"abc", timeout=30).status_code == 201
        faults(folder, store=number)
        if number != errno.ENOSPC:  # which hinders nobody who reads
            refused.append(requests.get(links["download_url"], timeout=30))
        for answer in refused:
            assert (answer.status_code, int(answer.headers["Retry-After"]) > 0) == (503, True), answer.text
        faults(folder)
        assert requests.get(links["download_url"], timeout=30).content == b"abc"
    finally:
        platform.stop()


# The server dies.

def slot_sessions(platform):
    """pids of the database's sessions over which a slot asked last whether its application may start."""
    return [row[0] for row in rows(
        platform, "SELECT pid FROM pg_stat_activity WHERE application_name = 'slideway-worker' "
                  "AND datname = current_database() AND query LIKE '%%pg_logical_emit_message(%%'")]


def test_slots_keep_a_connection_and_replace_a_lost_one(platform, client):
    application = Napping(platform, 0)
    platform.start_worker()

    def report():
        run_id = client.create_run(application.application_id, items(client, platform.folder))
        check_succeeded_once(platform, client, run_id)
        assert outcomes(platform, run_id) == ["SUCCEEDED"]
        [session] = slot_sessions(platform)
        return session
    kept = report()
    assert report() == kept
    rows(platform, "SELECT pg_terminate_backend(%s, 10000)", kept)
    assert report() != kept
    assert "attempt.not_confirmed" not in platform.worker.output()


def test_acknowledged_runs_outlive_the_server(platform, client):
    acknowledged, stop = [], threading.Event()
    body = {"application_id": "test-app", "items": items(client, platform.folder, 3)}

    def submit(number):
        own = platform.client(f"user-{number}")
        while not stop.is_set():
            with contextlib.suppress(requests.RequestException):
                answer = own.post("/runs", json=body)
                if answer.status_code == 201:
                    acknowledged.append((f"user-{number}", answer.json()["run_id"]))
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for number in range(4):
            pool.submit(submit, number)
        try:
            for want in (20, 40, 60):
                harness.wait_for("more runs", lambda: len(acknowledged) >= want, SECONDS)
                platform.server.kill()
                platform.start_server()
        finally:
            stop.set()
    assert len(acknowledged) >= 60
    for user, run_id in acknowledged:
        run = platform.client(user).run(run_id)
        assert (run["state"], run["statistics"]["item_pending_count"]) == ("PENDING", 3)
    # None is half there, acknowledged or not.
    assert rows(platform, "SELECT count(*) FROM runs r LEFT JOIN run_progress p USING (run_id) WHERE 3 <> "
                          "(SELECT count(*) FROM items i WHERE i.run_id = r.run_id) OR p.run_id IS NULL "
                          "OR 1 <> (SELECT count(*) FROM arrivals q WHERE q.run_id = r.run_id)"
                ) == [(0,)]


def test_worker_does_not_need_the_server(platform, client):
    application = Napping(platform, 2)
    platform.start_worker()
    run_id = client.create_run(application.application_id, items(client, platform.folder))
    application.wait_for_start()
    platform.server.kill()
    harness.wait_for("the item's end", lambda: rows(
        platform, "SELECT FROM items WHERE run_id = %s AND state = 'TERMINATED'", run_id), SECONDS)
    platform.start_server()
    check_succeeded_once(platform, client, run_id)
