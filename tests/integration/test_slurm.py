"""Items through worker -> Slurm -> results, by a real Slurm of one machine (slurm_cluster.py): each end
that an item can have, and what dies, hangs or refuses on the way.

Every test has a worker of its own; the server and the cluster are shared.
"""
import contextlib
import os
import pathlib
import shutil
import signal
import time

import pytest

import harness
import sample_application
from recovery import SECONDS, WAKING, Napping, check_succeeded_once, items, outcomes, rows, scratch
from slurm_cluster import COMMANDS, SlurmCluster

HERE = pathlib.Path(__file__).resolve().parent
LIMITS = {"memory_bytes": 128 << 20, "time_seconds": 12, "processes": 16, "output_bytes": 8 << 20}
MARKER = "98765.1234"
STOPPED_WITHIN = 2

# probe, the item's reason, what its message says, what the operator finds in the attempt's log
ENDS = {
    "success": ({"attempt": "nothing"}, "SUCCEEDED", None, ""),
    "user error": ({"attempt": "blame", "error_code": "NO_TISSUE", "message": "The slide is white."},
                   "USER_ERROR", "The slide is white.", ""),
    "exit code": ({"attempt": "end", "code": 3, "words": "the last words"}, "SYSTEM_ERROR", "exit code 3",
                  "the last words"),
    "crash": ({"attempt": "crash", "words": "oh no"}, "SYSTEM_ERROR", "ended by signal 6", "oh no"),
    "time limit": ({"attempt": "wait", "seconds": 600, "marker": MARKER}, "SYSTEM_ERROR",
                   "longer than 12 s", ""),
    "memory": ({"attempt": "use_memory", "gigabytes": 2}, "SYSTEM_ERROR", "128 MiB of memory", ""),
    "output": ({"attempt": "fill_disk", "megabytes": 16, "files": 1}, "SYSTEM_ERROR", "more than 8 MiB", ""),
    "nothing given": ({"attempt": "end", "code": 0, "words": "done"}, "SYSTEM_ERROR", "output.json", "done"),
    "network": ({"attempt": "connect_tcp", "host": "127.0.0.1", "port": 9}, "SUCCEEDED", None, ""),
}


@pytest.fixture(scope="module")
def slurm():
    cluster = SlurmCluster()
    yield cluster
    cluster.remove()


@pytest.fixture(scope="module")
def site(cluster, slurm, module_folder):
    """A server; workers are started by the tests."""
    value = harness.Platform(cluster, module_folder)
    value.slurm = slurm
    value.start_server()
    yield value
    value.stop()


@pytest.fixture
def client(site):
    return site.client()


@pytest.fixture
def start(site):
    """Starts the worker of this test, or its successor under the same name."""
    started = []
    number = site.worker_count

    def start_worker(**settings):
        started.append(site.start_worker(f"slurm-{number}", **{
            "SLIDEWAY_EXECUTOR": "slurm", "SLIDEWAY_SLURM_CONF": str(site.slurm.configuration),
            "SLIDEWAY_SLOTS": "4", "SLIDEWAY_LEASE_SECONDS": "30", "SLIDEWAY_SLURM_POLL_SECONDS": "1",
            "SLIDEWAY_SLURM_GRACE_SECONDS": "4", "SLIDEWAY_DRAIN_SECONDS": "0", **settings}))
        return started[-1]
    start_worker.scratch = lambda: scratch(site, f"slurm-{number}")
    yield start_worker
    for worker in started:
        worker.stop()
    harness.wait_for("an empty queue of Slurm", lambda: not site.slurm.jobs(), SECONDS)


def attempts(platform, run_id):
    """(outcome, log) of the attempts of a run's items, in their order."""
    return rows(platform, "SELECT outcome, coalesce(log_tail, '') FROM attempts WHERE run_id = %s "
                          "ORDER BY started_at", run_id)


def attempt_in_work(platform, run_id):
    [(attempt_id,)] = rows(platform, "SELECT attempt_id FROM attempts WHERE run_id = %s "
                                     "AND ended_at IS NULL", run_id)
    return attempt_id


def log_says(platform, words):
    return any(words in path.read_text(errors="replace") for path in platform.folder.glob("slurm-*.log"))


def test_items_end_as_they_do_beside_the_worker(site, client, start, slide):
    place = sample_application.write(site.folder / "applications", "probe", script="", limits=LIMITS,
                                     command=["python3", "/application/probe.py"])
    shutil.copy(HERE / "applications" / "probe" / "probe.py", place)
    site.register(place)
    start(SLIDEWAY_SLOTS="9")
    content = slide.read_bytes()
    url = client.upload(slide)
    run_id = client.create_run("probe", [harness.slide_item(name, url, content, probe=dict(case[0]))
                                         for name, case in ENDS.items()])
    client.wait_for_run(run_id, SECONDS)
    ended = {item["external_id"]: item for item in client.items(run_id)}
    logs = dict(rows(site, "SELECT i.external_id, coalesce(a.log_tail, '') FROM attempts a "
                           "JOIN items i USING (item_id) WHERE i.run_id = %s", run_id))
    assert set(ended) == set(ENDS) == set(logs)
    for name, (_, reason, message, log) in ENDS.items():
        item = ended[name]
        assert item["termination_reason"] == reason, item
        assert item["error_message"] is None if message is None else message in item["error_message"], item
        assert log in logs[name]
    [(peak,)] = rows(site, "SELECT peak_memory_bytes FROM attempts a JOIN items i USING (item_id) "
                           "WHERE i.run_id = %s AND i.external_id = 'memory'", run_id)
    assert LIMITS["memory_bytes"] < peak < 4 << 30
    assert start.scratch() == []


def test_application_of_the_platform_runs(client, start, slide):
    start()
    run_id = client.create_run("test-app", [
        harness.slide_item("a", client.upload(slide), slide.read_bytes())])
    assert client.wait_for_run(run_id, SECONDS)["statistics"]["item_succeeded_count"] == 1
    [item] = client.items(run_id)
    assert item["output_artifacts"]


def job_processes(attempt_id):
    """pids of what the job of this attempt runs outside of its sandbox."""
    name = harness.program("slideway-slurm-job")
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = path.read_bytes().decode(errors="replace").split("\0")
            if words[0] == name and words[1].endswith(attempt_id):
                found.append(int(path.parent.name))
    return found


def test_slurm_is_told_what_the_manifest_says_and_no_secret(site, client, start):
    application = Napping(site, 60, cpus=3, gpus=1, memory_bytes=512 << 20, time_seconds=90)
    start(SLIDEWAY_SLURM_PARTITION="main", SLIDEWAY_SLURM_OPTIONS="--comment=a_b  --nice=7")
    run_id = client.create_run(application.application_id, items(client, site.folder))
    application.wait_for_start()
    attempt_id = attempt_in_work(site, run_id)
    facts = site.slurm.job_facts(attempt_id)
    # 512 MiB and 256 for what is around the application; 90 s are 2 minutes, and 2 more.
    for words in ("NumCPUs=3", "MinMemoryNode=768M", "TimeLimit=00:04:00", "gres:gpu:1", "Partition=main",
                  "Comment=a_b", "Nice=7", "Requeue=0", f"JobName=slideway-{attempt_id}"):
        assert words in facts, facts
    [pid] = job_processes(attempt_id)
    environment = pathlib.Path(f"/proc/{pid}/environ").read_text()
    assert "SLIDEWAY" not in environment.replace("slideway-slurm-job", "") and "PATH=" in environment
    for secret in (harness.SIGNING_KEY, site.database):
        assert secret not in environment + facts
    client.post(f"/runs/{run_id}/cancel")
    application.wait_for_end()


# Cancelling.

@pytest.mark.parametrize("controller", ["lives", "is away"])
def test_nothing_runs_two_seconds_after_a_cancel(site, client, start, controller):
    application = Napping(site, 600, time_seconds=700)
    start()
    run_id = client.create_run(application.application_id, items(client, site.folder, 4))
    application.wait_for_start(4)
    with site.slurm.without_controller() if controller == "is away" else contextlib.nullcontext():
        assert client.post(f"/runs/{run_id}/cancel").status_code == 202
        accepted = time.monotonic()
        harness.wait_for("the end of the processes", lambda: not application.pids())
        assert time.monotonic() - accepted < STOPPED_WITHIN, "something of it still ran"
    harness.wait_for("an empty queue of Slurm", lambda: not site.slurm.jobs())
    assert outcomes(site, run_id) == ["CANCELLED"] * 4
    assert client.run(run_id)["statistics"]["item_skipped_count"] == 4
    harness.wait_for("an empty scratch", lambda: not start.scratch())
    assert not log_says(site, "attempt.scratch_left")


def test_cancelled_job_that_waits_never_starts(site, client, start):
    application = Napping(site, 0)
    start(SLIDEWAY_SLURM_OPTIONS="--hold")
    run_id = client.create_run(application.application_id, items(client, site.folder))
    harness.wait_for("the job", lambda: list(site.slurm.jobs().values()) == ["PENDING"], SECONDS)
    assert client.post(f"/runs/{run_id}/cancel").status_code == 202
    harness.wait_for("the end of the job", lambda: not site.slurm.jobs())
    assert outcomes(site, run_id) == ["CANCELLED"]


# The worker.

def test_killed_worker_comes_back_and_doubles_nothing(site, client, start):
    application = Napping(site, 60)
    start().kill()
    start()
    run_id = client.create_run(application.application_id, items(client, site.folder, 2))
    application.wait_for_start(2)
    lost = set(site.slurm.jobs())
    site.worker.kill()
    assert len(application.pids()) == 2, "the jobs live without their worker"
    application.hurry()
    start()
    application.wait_for_end()
    check_succeeded_once(site, client, run_id, 2)
    assert sorted(outcomes(site, run_id)) == ["LOST", "LOST", "SUCCEEDED", "SUCCEEDED"]
    assert not lost & set(site.slurm.jobs())
    assert start.scratch() == []


def test_jobs_of_a_worker_that_stays_away_end_themselves(site, client, start):
    application = Napping(site, 600, time_seconds=700)
    start(SLIDEWAY_SLURM_SILENCE_SECONDS="15")
    run_id = client.create_run(application.application_id, items(client, site.folder))
    application.wait_for_start()
    [sign] = [path for path in start.scratch() if path.name == "alive"]
    touched = sign.stat().st_mtime
    harness.wait_for("the worker's sign of life", lambda: sign.stat().st_mtime > touched)
    assert application.pids()
    site.worker.kill()
    harness.wait_for("the end of the application", lambda: not application.pids())
    client.post(f"/runs/{run_id}/cancel")


def test_worker_that_is_told_to_leave_hands_its_item_back(site, client, start):
    application = Napping(site, 60)
    worker = start()
    run_id = client.create_run(application.application_id, items(client, site.folder))
    application.wait_for_start()
    assert worker.stop() == 0
    assert not application.pids()
    assert outcomes(site, run_id) == ["HANDED_BACK"]
    application.hurry()
    start()
    check_succeeded_once(site, client, run_id)


# The controller.

@pytest.mark.parametrize("back", ["while the job runs", "after the job's end"])
def test_job_outlives_the_controller(site, client, start, back):
    application = Napping(site, 3)
    start()
    run_id = client.create_run(application.application_id, items(client, site.folder))
    application.wait_for_start()
    with site.slurm.without_controller():
        if back == "after the job's end":
            check_succeeded_once(site, client, run_id)
    check_succeeded_once(site, client, run_id)
    assert outcomes(site, run_id) == ["SUCCEEDED"]


def test_refused_job_is_submitted_again(site, client, start):
    application = Napping(site, 0)
    site.slurm.command("scontrol", "update", "PartitionName=main", "State=DRAIN")
    try:
        start()
        run_id = client.create_run(application.application_id, items(client, site.folder))
        harness.wait_for("the refusal", lambda: log_says(site, "Required partition not available"), SECONDS)
    finally:
        site.slurm.command("scontrol", "update", "PartitionName=main", "State=UP")
    check_succeeded_once(site, client, run_id)
    assert outcomes(site, run_id) == ["SUCCEEDED"], "no attempt was spent on it"


def test_job_that_is_always_refused_is_the_platforms_fault(site, client, start):
    application = Napping(site, 0)
    start(SLIDEWAY_SLURM_PARTITION="none; touch $HOME", SLIDEWAY_SLURM_SUBMIT_SECONDS="0",
          SLIDEWAY_ATTEMPTS_MAX="2")
    run_id = client.create_run(application.application_id, items(client, site.folder))
    client.wait_for_run(run_id, SECONDS)
    [item] = client.items(run_id)
    assert (item["termination_reason"], item["error_message"]) == (
        "SYSTEM_ERROR", "A system error occurred during the item execution:\n "
                        "The platform could not process the item")
    assert [outcome for outcome, _ in attempts(site, run_id)] == ["RETRY", "RETRY"]
    assert all("invalid partition specified: none; touch $HOME" in log for _, log in attempts(site, run_id))


def end_by_operator(site, attempt_id):
    site.slurm.command("scancel", f"--name=slideway-{attempt_id}")


def end_by_kernel(_site, attempt_id):
    """As when its node runs out of memory."""
    [pid] = job_processes(attempt_id)
    os.kill(pid, signal.SIGKILL)


# Who ends the job -> what the operator reads.
STRANGERS = {end_by_operator: "Slurm told the job to end",
             end_by_kernel: "ended without an outcome; it was RUNNING"}


def test_job_that_others_end_is_tried_again(site, client, start, folder):
    application = Napping(site, 60)
    answers = folder / "answers"
    answers.touch(mode=0o666)
    play(folder, "squeue", f'{COMMANDS}/squeue "$@" && echo >> {answers}')
    start(SLIDEWAY_SLURM_FOLDER=str(folder))
    runs = {end: client.create_run(application.application_id, items(client, site.folder))
            for end in STRANGERS}
    application.wait_for_start(len(runs))
    application.hurry()
    told = answers.stat().st_size
    # squeue has told of both of them, and the worker has asked again since.
    harness.wait_for("three answers of squeue", lambda: answers.stat().st_size >= told + 3)
    for end, run_id in runs.items():
        end(site, attempt_in_work(site, run_id))
    harness.wait_for("the end of the processes", lambda: not application.pids())
    for end, run_id in runs.items():
        check_succeeded_once(site, client, run_id)
        [(first, log), (second, _)] = attempts(site, run_id)
        assert (first, second) == ("RETRY", "SUCCEEDED")
        assert STRANGERS[end] in log


def test_job_that_slurm_is_silent_about_is_given_up(site, client, start):
    application = Napping(site, 0)
    start(SLIDEWAY_SLURM_OPTIONS="--hold", SLIDEWAY_SLURM_AWAY_SECONDS="1", SLIDEWAY_ATTEMPTS_MAX="1",
          SLIDEWAY_SLURM_POLL_SECONDS="5")
    run_id = client.create_run(application.application_id, items(client, site.folder))
    client.wait_for_run(run_id, SECONDS)
    [(outcome, log)] = attempts(site, run_id)
    assert outcome == "RETRY" and "Slurm has not told of the job" in log
    assert not site.slurm.jobs(), "it is taken back"


def play(folder, name, script):
    """A folder of Slurm's commands of which one is a script."""
    for command in ("sbatch", "squeue", "scancel"):
        if command != name:
            (folder / command).symlink_to(f"{COMMANDS}/{command}")
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def test_job_that_slurm_has_forgotten_is_known_by_its_signs(site, client, start, folder):
    """As after a controller that was killed: it does not know its last jobs any more."""
    application = Napping(site, 14)
    play(folder, "squeue", "exit 0")
    start(SLIDEWAY_SLURM_FOLDER=str(folder), SLIDEWAY_SLURM_GRACE_SECONDS="10")
    run_id = client.create_run(application.application_id, items(client, site.folder))
    check_succeeded_once(site, client, run_id)
    assert outcomes(site, run_id) == ["SUCCEEDED"], "although the grace of 10 s was over before"


# sbatch's answer is lost, after this.
SUBMISSIONS = {"once": 'REAL "$@"', "twice": 'REAL "$@"; REAL "$@"'}


@pytest.mark.parametrize("times", SUBMISSIONS)
def test_lost_answer_of_sbatch_doubles_nothing(site, client, start, folder, times):
    application = Napping(site, 90, WAKING)
    script = SUBMISSIONS[times].replace("REAL", f"{COMMANDS}/sbatch")
    play(folder, "sbatch", f"{script}\necho 'the answer is lost' >&2; exit 1")
    start(SLIDEWAY_SLURM_FOLDER=str(folder))
    run_id = client.create_run(application.application_id, items(client, site.folder))
    application.wait_for_start()
    time.sleep(1)
    assert len(application.pids()) == 1
    application.wake()
    check_succeeded_once(site, client, run_id)
    assert outcomes(site, run_id) == ["SUCCEEDED"]
    assert log_says(site, "the answer is lost")


@pytest.mark.skipif(os.geteuid() != 0, reason="then all of these tests have an ordinary user's worker")
def test_worker_of_an_ordinary_user_has_jobs_of_its_own(site, client):
    user = harness.unprivileged_user()
    application = Napping(site, 60)
    slides = items(client, site.folder)
    scratch_folder = site.folder / "scratch-ordinary"
    scratch_folder.mkdir()
    objects = site.folder / "objects"
    for place in (scratch_folder, objects, *objects.rglob("*")):
        os.chown(place, user.pw_uid, user.pw_gid)
    worker = harness.Child(
        ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups",
         harness.program("slideway-worker")], site.folder / "slurm-ordinary.log",
        env=site.environment(SLIDEWAY_EXECUTOR="slurm", SLIDEWAY_SLURM_CONF=str(site.slurm.configuration),
                             SLIDEWAY_SCRATCH=str(scratch_folder), SLIDEWAY_WORKER_NAME="ordinary"))
    try:
        run_id = client.create_run(application.application_id, slides)
        application.wait_for_start()
        assert f"UserId={user.pw_name}(" in site.slurm.job_facts(attempt_in_work(site, run_id))
        [pid] = application.pids()
        assert os.stat(f"/proc/{pid}").st_uid == user.pw_uid
        client.post(f"/runs/{run_id}/cancel")
        application.wait_for_end()
        application.hurry()
        check_succeeded_once(site, client, client.create_run(application.application_id, slides))
    finally:
        worker.stop()


def test_cluster_of_these_tests_has_all_its_files_in_its_folder(slurm):
    for child in (slurm.munge, slurm.controller, slurm.node):
        for target in harness.open_files(child.pid):
            assert not target.startswith("/") or target.startswith((str(slurm.folder), "/dev/", "/proc/")), target
