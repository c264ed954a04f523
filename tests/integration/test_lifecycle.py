"""How runs end before their items are done: cancelled by their user, by too many errors, by a deadline."""
import concurrent.futures
import contextlib
import datetime
import re
import time

import pytest
import requests

import consistency
import harness
from chaos_shim import faults
from hand_worker import HandWorker
from life import STUBBORN, SECONDS, Application, execute, items, rows, wait_for_statistics

USER_MESSAGE = ("The item was not processed because the run was cancelled by the user before the item was "
                "processed.")
STOPPED_WITHIN = 2.0
OVERDUE_MAX = datetime.timedelta(seconds=3)
HOLE_BYTES = 8 << 30


@pytest.fixture
def client(platform):
    return platform.client()


@pytest.fixture(autouse=True)
def consistent(platform):
    yield
    consistency.check(platform)


def ended(client, run_id):
    run = client.wait_for_run(run_id, SECONDS)
    return run["termination_reason"], run["error_code"], run["error_message"], run["output"]


def messages(client, run_id):
    """external id → (reason, message) of each item."""
    return {item["external_id"]: (item["termination_reason"], item["error_message"])
            for item in client.items(run_id)}


# Cancelled by the user.

def test_nothing_of_a_cancelled_run_lives_two_seconds_later(platform, client):
    application = Application(platform, STUBBORN)
    platform.start_worker(SLIDEWAY_SLOTS="4", SLIDEWAY_LEASE_SECONDS="60")
    run_id = client.create_run(application.application_id,
                               items(client, platform.folder, [f"slide-{n}" for n in range(6)]))
    scratch = platform.folder / "scratch-worker"
    for name in ("parent", "child", "grandchild"):
        harness.wait_for(f"the {name} of four items", lambda name=name: len(
            [path for path in harness.files_below(scratch) if path.name == name]) == 4, SECONDS)
    # The memory is looked at several times in this time.
    time.sleep(1)
    assert application.pids()
    wait_for_statistics(client, run_id, "item_processing_count", 4)
    answer = client.post(f"/runs/{run_id}/cancel")
    accepted = time.monotonic()
    assert answer.status_code == 202
    harness.wait_for("the end of all of it", lambda: not application.pids(), pause=0.01)
    assert time.monotonic() - accepted < STOPPED_WITHIN, "something of it still ran"
    run = client.run(run_id)
    assert (run["state"], run["termination_reason"]) == ("TERMINATED", "CANCELED_BY_USER")
    assert run["statistics"]["item_skipped_count"] == 6
    assert set(messages(client, run_id).values()) == {("SKIPPED", USER_MESSAGE)}
    harness.wait_for("an empty scratch", lambda: not harness.files_below(scratch), SECONDS)
    # What the attempts leave for the operator: why, and the end of their log.
    harness.wait_for("the logs", lambda: rows(
        platform, "SELECT count(*) FROM attempts WHERE run_id = %s AND outcome = 'CANCELLED' "
        "AND log_tail LIKE '%%the log of a stubborn one%%' AND peak_memory_bytes > 0 "
        "AND error_message = 'The run was cancelled by the user.'", run_id) == [(4,)], SECONDS)
    assert rows(platform, "SELECT count(*) FROM attempts WHERE run_id = %s", run_id) == [(4,)]


def test_items_that_were_done_before_the_cancel_stay(platform, client):
    application = Application(platform, seconds="600.")
    platform.start_worker(SLIDEWAY_SLOTS="1")
    run_id = client.create_run(application.application_id,
                               items(client, platform.folder, ["good", "slow", "never"]))
    wait_for_statistics(client, run_id, "item_succeeded_count", 1)
    harness.wait_for("the slow one", application.pids, SECONDS)
    assert client.post(f"/runs/{run_id}/cancel").status_code == 202
    assert ended(client, run_id) == ("CANCELED_BY_USER", None, None, "PARTIAL")
    assert messages(client, run_id) == {"good": ("SUCCEEDED", None), "slow": ("SKIPPED", USER_MESSAGE),
                                        "never": ("SKIPPED", USER_MESSAGE)}
    [good] = [item for item in client.items(run_id) if item["external_id"] == "good"]
    [artifact] = good["output_artifacts"]
    assert requests.get(artifact["download_url"], timeout=20).text == "good\n"
    consistency.check_outputs(client, run_id)


def test_cancel_reaches_an_item_that_is_staged_from_the_store(platform, client):
    """The object is a hole that takes long to copy."""
    application = Application(platform)
    slide = platform.folder / "slide.bin"
    slide.write_bytes(b"x")
    url = client.upload(slide)
    [stored] = harness.files_below(platform.folder / "objects" / "uploads")
    with stored.open("r+b") as hole:
        hole.truncate(HOLE_BYTES)
    # Half of it takes minutes: the cancel is in time also when this process is late.
    platform.start_worker(SLIDEWAY_SLOTS="1", SLIDEWAY_LEASE_SECONDS="60",
                          **faults(platform.folder, scratch_delay_seconds=0.02))
    run_id = client.create_run(application.application_id, [harness.slide_item("a", url, b"x")])
    scratch = platform.folder / "scratch-worker"

    def copies():
        return [path for path in harness.files_below(scratch) if path.parts[-3:-1] == ("work", "input")]

    def staged_bytes():
        with contextlib.suppress(FileNotFoundError):  # removed meanwhile
            return sum(path.stat().st_blocks for path in copies()) * 512
        return 0
    harness.wait_for("the copy's start", staged_bytes, SECONDS)
    assert client.post(f"/runs/{run_id}/cancel").status_code == 202
    copied = [staged_bytes()]

    def gone():
        copied.append(staged_bytes())
        return not copies()
    harness.wait_for("the end of the copy", gone)
    assert max(copied) < HOLE_BYTES // 2, "it went on"


def test_of_many_cancels_at_once_one_is_accepted(platform):
    clients = [platform.client() for _ in range(24)]
    application = Application(platform)
    for _ in range(3):
        run_id = clients[0].create_run(application.application_id,
                                       items(clients[0], platform.folder, ["a", "b", "c"]))
        with concurrent.futures.ThreadPoolExecutor(len(clients)) as pool:
            answers = list(pool.map(lambda one: one.post(f"/runs/{run_id}/cancel").status_code, clients))
        assert sorted(answers) == [202] + [409] * (len(clients) - 1)
        assert rows(platform, "SELECT count(*) FROM audit WHERE run_id = %s AND action = 'run.cancelled'",
                    run_id) == [(1,)]


def test_cancels_among_claims_and_ends_never_disagree(platform, client):
    """Runs are cancelled while four workers take their items and end them: whatever wins, wins once."""
    application = Application(platform)
    hands = [HandWorker(platform) for _ in range(4)]
    template = items(client, platform.folder, [f"slide-{n}" for n in range(8)])
    run_ids = [client.create_run(application.application_id, template) for _ in range(6)]

    def work(hand):
        for run_id in run_ids:
            for _ in range(3):
                claimed = hand.claim(run_id)
                if claimed is not None:
                    item_id, attempt_id = claimed
                    artifact = hand.store(run_id, item_id, attempt_id, "result", b"x")
                    hand.finish(attempt_id, "SUCCEEDED", artifacts=[artifact])

    def cancel(run_id):
        time.sleep(0.02)
        return platform.client().post(f"/runs/{run_id}/cancel").status_code
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        working = [pool.submit(work, hand) for hand in hands]
        answers = list(pool.map(cancel, run_ids))
        for each in working:
            each.result()
    for run_id, answer in zip(run_ids, answers):
        run = client.run(run_id)
        assert answer in (202, 409)
        assert (run["termination_reason"] == "CANCELED_BY_USER") == (answer == 202)
        consistency.check_outputs(client, run_id)


# Too many errors. Items that end badly, threshold of the application and of the platform → how the run ends.

def code_and_message(threshold):
    return ("SCHEDULER.ITEMS_WITH_ERROR_THRESHOLD_REACHED",
            f"Run canceled given errors on more than {threshold} items.")


THRESHOLDS = {
    "application": ({"error_threshold": 1}, "", ["bad", "broken", "a", "b"], 1),
    "first_error": ({"error_threshold": 0}, "", ["bad", "a"], 0),
    "platform": (None, "1", ["bad-1", "bad-2", "a"], 1),
    "application_before_platform": ({"error_threshold": 2}, "0", ["bad-1", "bad-2", "broken", "a"], 2),
    "not_more": ({"error_threshold": 2}, "", ["bad-1", "bad-2", "a"], None),
    "none": (None, "", ["bad-1", "bad-2", "bad-3", "a"], None),
    "last_item": ({"error_threshold": 1}, "", ["bad-1", "bad-2"], None),
}


@pytest.mark.parametrize("case", THRESHOLDS)
def test_run_with_too_many_errors_is_cancelled(platform, case):
    rules, default, names, reached = THRESHOLDS[case]
    fields = {} if rules is None else {"scheduling": rules}
    application = Application(platform, **fields)
    platform.server.stop()
    platform.start_server(SLIDEWAY_ERROR_THRESHOLD=default)
    client = platform.client()
    platform.start_worker(SLIDEWAY_SLOTS="1")
    run_id = client.create_run(application.application_id, items(client, platform.folder, names))
    found = ended(client, run_id)
    if reached is None:
        assert found[:3] == ("ALL_ITEMS_PROCESSED", None, None)
        return
    assert found == ("CANCELED_BY_SYSTEM", *code_and_message(reached), "NONE")
    reasons = messages(client, run_id)
    assert reasons["a"] == ("SKIPPED", f"This item was not processed because the threshold of {reached} items "
                                       "finishing in error state (user or system error) was reached before the "
                                       "item was processed.")
    assert [reason for reason, _ in reasons.values()].count("SKIPPED") == len(names) - reached - 1
    assert rows(platform, "SELECT actor, detail ->> 'error_code' FROM audit WHERE run_id = %s "
                          "AND action = 'run.cancelled'", run_id) == [
        ("platform", "SCHEDULER.ITEMS_WITH_ERROR_THRESHOLD_REACHED")]


def test_items_in_work_are_stopped_when_the_threshold_is_reached(platform, client):
    application = Application(platform, seconds="600.", scheduling={"error_threshold": 0})
    platform.start_worker(SLIDEWAY_SLOTS="2", SLIDEWAY_LEASE_SECONDS="60")
    slow, = items(client, platform.folder, ["slow"])
    late = dict(slow, external_id="bad")
    late["input_artifacts"] = [dict(late["input_artifacts"][0])]
    run_id = client.create_run(application.application_id, [slow, late])
    assert ended(client, run_id)[0] == "CANCELED_BY_SYSTEM"
    harness.wait_for("the end of the slow one", lambda: not application.pids())
    assert {outcome for outcome, in rows(platform, "SELECT outcome FROM attempts WHERE run_id = %s", run_id)} <= {
        "USER_ERROR", "CANCELLED"}


# Deadlines.

def soon(seconds):
    return (harness.utc_now() + datetime.timedelta(seconds=seconds)).isoformat()


def pass_deadline(platform, client, application):
    """A run that was in work at its deadline: how much later it was ended, and (its id, the deadline)."""
    deadline = harness.utc_now() + datetime.timedelta(hours=1)
    run_id = client.create_run(application.application_id,
                               items(client, platform.folder, ["good", "slow", "never"]),
                               scheduling={"deadline": deadline.isoformat()})
    harness.wait_for("the slow one", application.pids, SECONDS)
    # Nobody knows how long the first two take until then: now it may come.
    assert rows(platform, "SELECT deadline FROM run_deadlines WHERE run_id = %s", run_id) == [(deadline,)]
    deadline = harness.utc_now() + datetime.timedelta(seconds=2)
    execute(platform, "UPDATE run_deadlines SET deadline = %s WHERE run_id = %s", deadline, run_id)
    terminated_at = client.wait_for_run(run_id, SECONDS)["terminated_at"]
    harness.wait_for("the end of the slow one", lambda: not application.pids())
    overdue = datetime.datetime.fromisoformat(terminated_at.replace("Z", "+00:00")) - deadline
    assert overdue >= datetime.timedelta(), "not before its deadline"
    return overdue, (run_id, deadline)


def test_run_past_its_deadline_is_cancelled_by_the_system(platform, client):
    application = Application(platform, seconds="600.")
    platform.start_worker(SLIDEWAY_SLOTS="1", SLIDEWAY_LEASE_SECONDS="60")
    run_id, deadline = harness.measure_below(
        OVERDUE_MAX, "it was ended too late", lambda: pass_deadline(platform, client, application))
    reason, code, message, output = ended(client, run_id)
    assert (reason, code, output) == ("CANCELED_BY_SYSTEM", "SCHEDULER.DEADLINE_EXCEEDED", "PARTIAL")
    assert message == ("Run canceled because it was not completed by its deadline, "
                       f"{deadline.strftime('%Y-%m-%dT%H:%M:%SZ')}.")
    skipped = ("SKIPPED", "This item was not processed because the deadline of the run passed before the item "
                          "was processed.")
    assert messages(client, run_id) == {"good": ("SUCCEEDED", None), "slow": skipped, "never": skipped}


@pytest.mark.parametrize("dry_run", [False, True])
def test_times_that_have_passed_by_the_clock_of_the_deadlines_are_refused(platform, client, dry_run):
    """The server's clock is an hour behind that of the database."""
    application = Application(platform, scheduling={"deadline_seconds_min": 60})
    sent = {"application_id": application.application_id, "items": items(client, platform.folder, ["a"])}
    execute(platform, "CREATE OR REPLACE FUNCTION platform_now() RETURNS timestamptz LANGUAGE sql STABLE "
                      "PARALLEL SAFE AS $$ SELECT now() + interval '1 hour' $$")
    for past, future in (({"due_date", "deadline"}, set()), ({"due_date"}, {"deadline"}), ({"deadline"}, set()),
                         ({"deadline"}, {"due_date"})):
        answer = client.post("/runs", params={"dry_run": dry_run}, headers={"Idempotency-Key": "a-key"}, json={
            **sent, "scheduling": {**{name: soon(1800) for name in past}, **{name: soon(7200) for name in future}}})
        assert answer.status_code == 422, answer.text
        assert {tuple(problem["loc"]): problem["msg"] for problem in answer.json()["detail"]} == {
            ("body", "scheduling", name): "Input should be in the future" for name in past}
    assert client.get("/runs").json() == []
    answer = client.post("/runs", headers={"Idempotency-Key": "a-key"},
                         json={**sent, "scheduling": {"due_date": soon(7200), "deadline": soon(7200)}})
    assert answer.status_code == 201, answer.text


def test_deadline_of_a_run_that_has_ended_changes_nothing(platform, client):
    application = Application(platform)
    platform.start_worker()
    run_id = client.create_run(application.application_id, items(client, platform.folder, ["a"]),
                               scheduling={"deadline": soon(3600)})
    assert ended(client, run_id) == ("ALL_ITEMS_PROCESSED", None, None, "FULL")
    before = client.run(run_id)
    execute(platform, "UPDATE run_deadlines SET deadline = now() WHERE run_id = %s", run_id)
    harness.wait_for("the leader's look", lambda: not rows(
        platform, "SELECT FROM run_deadlines WHERE run_id = %s", run_id), SECONDS)
    assert {**client.run(run_id)} == before


def test_many_deadlines_pass_at_once(platform, client):
    application = Application(platform)
    template = items(client, platform.folder, ["a", "b"])
    run_ids = [client.create_run(application.application_id, template, scheduling={"deadline": soon(3600)})
               for _ in range(50)]
    execute(platform, "UPDATE run_deadlines SET deadline = now()")
    platform.start_worker(SLIDEWAY_CPUS="1", SLIDEWAY_SLOTS="1")
    for run_id in run_ids:
        assert client.wait_for_run(run_id, SECONDS)["state"] == "TERMINATED"
    harness.wait_for("the end of all deadlines", lambda: rows(
        platform, "SELECT count(*) FROM run_deadlines") == [(0,)], SECONDS)


# Seconds that the application wants, and that the deadline leaves → what the refusal says of the first.
SHORT_DEADLINES = {"a_day": (86400, 86340, "1 day, 0:00:00"), "two_hours": (7200, 60, "2:00:00")}
ON_THE_WAY_SECONDS_MAX = 50


@pytest.mark.parametrize("case", SHORT_DEADLINES)
@pytest.mark.parametrize("dry_run", [False, True], ids=["run", "dry_run"])
def test_deadline_that_is_too_short_is_refused(platform, client, case, dry_run):
    least, given, least_text = SHORT_DEADLINES[case]
    application = Application(platform, scheduling={"deadline_seconds_min": least})
    body = {"application_id": application.application_id, "items": items(client, platform.folder, ["a"]),
            "scheduling": {"deadline": soon(given)}}
    parameters = {"dry_run": "true"} if dry_run else {}
    answer = client.post("/runs", json=body, params=parameters)
    assert answer.status_code == 400
    [problem] = answer.json()["detail"]
    assert (problem["loc"], problem["type"]) == (["body", "scheduling", "deadline"],
                                                 "SCHEDULER.DEADLINE_TOO_SHORT")
    said = re.fullmatch(
        r"The deadline is too short\. The minimum required duration between submission and deadline is "
        rf"{least_text}\. Actual duration: (\d+):(\d\d):(\d\d(?:\.\d+)?)\.", problem["msg"])
    assert said, problem["msg"]
    left = int(said[1]) * 3600 + int(said[2]) * 60 + float(said[3])
    assert given - ON_THE_WAY_SECONDS_MAX < left < given
    asked = client.post("/runs", json=body, headers={"Accept": "application/problem+json"})
    assert asked.json()["code"] == "SCHEDULER.DEADLINE_TOO_SHORT"
    assert rows(platform, "SELECT count(*) FROM runs") == [(0,)]
    body["scheduling"]["deadline"] = soon(least + 60)
    assert client.post("/runs", json=body, params=parameters).status_code == (200 if dry_run else 201)


def test_due_date_behind_the_deadline_is_accepted(platform, client):
    application = Application(platform)
    run_id = client.create_run(application.application_id, items(client, platform.folder, ["a"]),
                               scheduling={"deadline": soon(3600), "due_date": soon(7200)})
    assert client.run(run_id)["scheduling"]["due_date"] > client.run(run_id)["scheduling"]["deadline"]
