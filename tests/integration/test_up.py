"""`slideway up`: wherever the data folder lies, whatever fails, however it ends, and after it was
killed. Each failure is one sentence and an exit code of its own.
"""
import contextlib
import datetime
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import threading

import pytest
import requests

import harness

DATA_IN_USE, PORT_BUSY, NOT_WRITABLE, NO_DATABASE = 4, 5, 6, 7
NOBODY = 65534
AS_NOBODY = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups")
IS_ROOT = os.geteuid() == 0
only_root = pytest.mark.skipif(not IS_ROOT, reason="only root can do this")
ARTIFACTS = {"test-app": 6, "he-tme": 12}


@contextlib.contextmanager
def running(data, log, *arguments, **options):
    value = harness.Up(data, log, *arguments, **options)
    try:
        yield value.start()
    finally:
        if value.child is not None and value.child.running():
            value.stop()


def submit(up, slide, application="test-app", *arguments):
    return json.loads(up.slideway("run", "submit", application, slide, "--json", *arguments).stdout)


def check_succeeded(up, run_id, application="test-app"):
    """The run ended well, with every artifact once, and each can be fetched."""
    up.slideway("run", "watch", run_id)
    (item,) = up.client().items(run_id)
    artifacts = item["output_artifacts"]
    assert item["termination_reason"] == "SUCCEEDED"
    assert len({artifact["name"] for artifact in artifacts}) == len(artifacts) == ARTIFACTS[application]
    for artifact in artifacts:
        content = requests.get(artifact["download_url"], timeout=30)
        assert content.status_code == 200
        assert harness.crc32c(content.content) == artifact["metadata"]["checksum_base64_crc32c"]


def parents():
    """pid → parent's pid of every process."""
    found = {}
    for path in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            found[int(path.name)] = int((path / "stat").read_text().rpartition(")")[2].split()[1])
    return found


def descendants(pid):
    children = parents()
    found = [pid]
    for one in found:
        found.extend(child for child, parent in children.items() if parent == one)
    return found[1:]


def check_nothing_left(up, pids):
    harness.wait_for("the end of all processes", lambda: not any(map(harness.alive, pids)))
    assert up.recorded() == {}


# Where the data folder lies

def private_folder(folder):
    (folder / "private").mkdir(mode=0o700)
    return folder / "private" / "data"


def long_path(folder):
    """Too long for a socket."""
    return folder / ("d" * 120) / ("e" * 120)


PLACES = {
    "below a folder that only its owner may enter": private_folder,
    "a long path below a private folder": lambda folder: long_path(private_folder(folder)),
    "a long name with spaces and a quote": lambda folder: folder / ("it's a data folder, " * 6),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_slide_is_processed_wherever_the_data_folder_lies(folder, slide, place):
    data = PLACES[place](folder)
    with running(data, folder / "up.log") as up:
        pids = [up.child.pid, *descendants(up.child.pid)]
        assert sorted(up.recorded()) == ["postgres", "server", "worker"]
        check_succeeded(up, submit(up, slide)["run_id"])
        assert up.stop() == 0
        check_nothing_left(up, pids)


@only_root
def test_an_ordinary_user_needs_no_rights(folder, slide):
    os.chown(folder, NOBODY, NOBODY)
    shutil.copy(slide, folder / "slide.tiff")
    with running(long_path(folder), folder / "up.log", prefix=AS_NOBODY,
                 env={**os.environ, "HOME": str(folder)}) as up:
        owners = {os.stat(f"/proc/{pid}").st_uid for pid in up.recorded().values()}
        assert owners == {NOBODY}
        check_succeeded(up, submit(up, folder / "slide.tiff")["run_id"])


@pytest.fixture(scope="module")
def shared_up(module_folder):
    """One that no test stops or changes."""
    with running(module_folder / "data", module_folder / "up.log") as up:
        yield up


def test_the_summary_works_as_it_stands(shared_up):
    lines = [line.strip() for line in shared_up.child.output().splitlines()]
    token = next(line for line in lines if line.endswith(f"token --data '{shared_up.data}'"))
    said = subprocess.run(["sh", "-c", token], capture_output=True, text=True, check=True)
    client = harness.Client(shared_up.endpoint()["api_url"], said.stdout.strip())
    assert client.get("/me").status_code == 200
    curl = next(line for line in lines if line.startswith("curl "))
    said = subprocess.run(["sh", "-c", f"{curl} --silent --noproxy '*'"], capture_output=True,
                          text=True, check=True)
    assert {entry["application_id"] for entry in json.loads(said.stdout)} == {"he-tme", "test-app"}


def test_the_metrics_that_it_names_are_those_of_server_and_worker(shared_up):
    told = shared_up.child.output()
    endpoint = shared_up.endpoint()
    for key, metric in (("server_metrics_url", "slideway_database_up 1"), ("worker_metrics_url", "slideway_worker_slots ")):
        url = endpoint[key]
        assert url.startswith("http://127.0.0.1:") and f" {url} " in told
        assert metric in requests.get(url, timeout=30).text
    status = next(line.strip() for line in told.splitlines() if line.endswith(f"status --data '{shared_up.data}'"))
    harness.wait_for("a platform that is well", lambda: subprocess.run(
        ["sh", "-c", status], capture_output=True, check=False).returncode == 0)


# Failures

@pytest.fixture
def busy_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def run_up(*arguments, prefix=(), seconds=harness.START_SECONDS):
    return subprocess.run([*prefix, harness.program("slideway"), "up", *map(str, arguments)],
                          capture_output=True, text=True, timeout=seconds, check=False)


def check_refused(done, code, *words):
    assert done.returncode == code, done.stdout + done.stderr
    assert done.stdout == "" and done.stderr.count("\n") == 1 and done.stderr.startswith("slideway: ")
    assert all(word in done.stderr for word in words), done.stderr


def test_a_second_up_on_a_folder_leaves_the_first_alone(shared_up, folder):
    up = shared_up
    (folder / "link").symlink_to(up.data)
    before = up.recorded()
    for path in (up.data, folder / "link"):
        check_refused(run_up("--data", path, "--port", "0"), DATA_IN_USE, str(up.data), "already runs")
    assert up.recorded() == before and all(map(harness.alive, before.values()))
    assert up.client().get("/me").status_code == 200


def test_a_busy_port_is_told_before_anything_starts(folder, busy_port):
    data = folder / "data"
    check_refused(run_up("--data", data, "--port", busy_port), PORT_BUSY, str(busy_port), "--port")
    assert list((data / "run").glob("*.pid")) == []
    assert list((data / "postgres").iterdir()) == []


def test_a_folder_that_cannot_be_written_is_told(folder):
    prefix = AS_NOBODY if IS_ROOT else ()
    closed = folder / "closed"
    closed.mkdir(mode=0o555)
    check_refused(run_up("--data", closed / "data", "--port", "0", prefix=prefix), NOT_WRITABLE,
                  str(closed))
    check_refused(run_up("--data", closed, "--port", "0", prefix=prefix), NOT_WRITABLE, str(closed))


def test_a_file_in_the_place_of_the_folder_is_told(folder):
    (folder / "data").write_text("a file")
    check_refused(run_up("--data", folder / "data", "--port", "0"), NOT_WRITABLE, str(folder / "data"))


@only_root
def test_a_full_disk_is_told(folder):
    disk = folder / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", disk], check=True)
    try:
        check_refused(run_up("--data", disk / "data", "--port", "0"), NOT_WRITABLE, str(disk), "full")
    finally:
        subprocess.run(["umount", disk], check=True)


@only_root
def test_a_missing_postgresql_is_told(folder):
    # In a mount namespace of its own, where Debian's programs are not.
    hide = ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /usr/lib/postgresql && exec "$@"', "sh")
    check_refused(run_up("--data", folder / "data", "--port", "0", prefix=hide), NO_DATABASE,
                  "PostgreSQL is not installed", "apt install postgresql")


def test_postgresql_that_is_not_where_it_is_said_to_be_is_told(folder):
    check_refused(run_up("--data", folder / "data", "--port", "0", "--postgres", folder), NO_DATABASE,
                  f"PostgreSQL's programs are not in '{folder}'")


def test_a_cluster_of_another_postgresql_is_told(folder):
    with running(folder / "data", folder / "up.log"):
        pass
    (folder / "data" / "postgres" / "PG_VERSION").write_text("99\n")
    check_refused(run_up("--data", folder / "data", "--port", "0"), NO_DATABASE,
                  "made by PostgreSQL 99", "postgresql-99")


def test_a_folder_must_be_named(folder):
    done = subprocess.run([harness.program("slideway"), "up"], capture_output=True, text=True,
                          env={"PATH": os.environ["PATH"]}, timeout=30, check=False)
    check_refused(done, 2, "--data")


# Ends in order

def log_time(text):
    """To the millisecond, as PostgreSQL writes it."""
    at = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def time_of_event(log, event):
    entries = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]
    return log_time([entry["at"] for entry in entries if entry["event"] == event][-1])


def time_of_shutdown(log):
    """When PostgreSQL was asked to stop: "2026-11-24 12:00:00.123 UTC [1] LOG:  …"."""
    lines = [line for line in log.read_text().splitlines() if "received fast shutdown request" in line]
    day, clock = lines[-1].split()[:2]
    return log_time(f"{day}T{clock}Z")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_all_in_order(folder, number):
    with running(folder / "data", folder / "up.log") as up:
        pids = [up.child.pid, *descendants(up.child.pid)]
        logs = up.data / "log"
        harness.wait_for("the worker", lambda: "worker.registered" in (logs / "worker.log").read_text())
        assert up.child.stop(number) == 0
        check_nothing_left(up, pids)
        assert "database system is shut down" in (logs / "postgres.log").read_text().splitlines()[-1]
        order = [time_of_event(logs / "worker.log", "worker.stopped"),
                 time_of_event(logs / "server.log", "server.stopped"),
                 time_of_shutdown(logs / "postgres.log")]
        assert order == sorted(order)


def test_a_signal_during_the_start_stops_it(folder):
    up = harness.Up(folder / "data", folder / "up.log").spawn()
    harness.wait_for("PostgreSQL's record", lambda: "postgres" in up.recorded())
    pids = descendants(up.child.pid)
    assert up.child.stop(signal.SIGTERM) == 0
    check_nothing_left(up, pids)


# Lives after lives

@contextlib.contextmanager
def held_ports(endpoint):
    """Between two lives nobody else is given their ports, by sockets that do not listen."""
    with contextlib.ExitStack() as holders:
        for port in sorted(set(re.findall(r"127\.0\.0\.1:(\d+)", json.dumps(endpoint)))):
            holder = holders.enter_context(socket.socket())
            for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
                holder.setsockopt(socket.SOL_SOCKET, option, 1)
            holder.bind(("127.0.0.1", int(port)))
        yield


def test_state_survives_a_restart(folder, slide):
    data = folder / "data"
    with running(data, folder / "up.log") as up:
        run_id = submit(up, slide)["run_id"]
        check_succeeded(up, run_id)
        client = up.client()
        before = (up.endpoint(), client.run(run_id), client.items(run_id)[0]["output_artifacts"][0])
    with held_ports(before[0]), running(data, folder / "up.log") as up:
        assert up.endpoint() == before[0]
        # The token and the link of the first life are good in the second.
        assert client.run(run_id) == before[1]
        assert requests.get(before[2]["download_url"], timeout=30).status_code == 200
        check_succeeded(up, submit(up, slide)["run_id"])
        assert [run["run_id"] for run in client.get("/runs").json()][1:] == [run_id]


@pytest.mark.parametrize("name", ["worker", "server", "postgres"])
def test_a_child_that_dies_is_started_again(up, slide, name):
    client, first = up.client(), up.recorded()[name]
    os.kill(first, signal.SIGKILL)
    harness.wait_for(f"a new {name}", lambda: up.recorded().get(name, first) != first)

    def answers():
        client.session.close()  # a new connection may reach another shard
        return all(client.get(path).status_code == 200 for path in ("/me", "/runs", "/applications"))

    def works():
        # Each shard finds its way back by itself, and each of its connections.
        with contextlib.suppress(requests.ConnectionError, requests.Timeout):
            return all(answers() for _ in range(20))
        return False
    harness.wait_for("an answer", works)
    check_succeeded(up, submit(up, slide)["run_id"])
    assert f"{name} ended (signal 9)" in up.child.output()


def large_slide(folder):
    return harness.make_slide(folder / "large.tiff", 5120, 5120)


def when_processing(up, run_id):
    """Waits until an application runs; the pids of all processes of the platform."""
    def started():
        pids = descendants(up.child.pid)
        programs = [facts[2] for facts in map(harness.process_facts, pids) if facts is not None]
        return any(program.endswith("/he-tme") for program in programs) and pids
    client = up.client()
    pids = harness.wait_for("the application's start", started)
    assert client.run(run_id)["state"] == "PROCESSING"
    return pids


def test_a_worker_killed_at_work_loses_and_doubles_nothing(up, folder):
    run_id = submit(up, large_slide(folder), "he-tme")["run_id"]
    when_processing(up, run_id)
    worker = up.recorded()["worker"]
    applications = descendants(worker)
    os.kill(worker, signal.SIGKILL)
    check_succeeded(up, run_id, "he-tme")
    assert not any(map(harness.alive, applications))
    assert not [path for path in harness.files_below(up.data / "scratch") if path.suffix == ".tiff"]


class Poster:
    """Creates runs one after the other until the platform is gone."""

    def __init__(self, client, slide):
        url = client.upload(slide)
        self.item = harness.slide_item("s", url, slide.read_bytes())
        self.client = client
        self.acknowledged = []
        self.thread = threading.Thread(target=self.post)
        self.thread.start()

    def post(self):
        with contextlib.suppress(requests.RequestException):
            while True:
                answer = self.client.post("/runs", json={"application_id": "test-app",
                                                         "items": [self.item]})
                if answer.status_code != 201:
                    return
                self.acknowledged.append(answer.json()["run_id"])


def test_everything_killed_loses_nothing_that_was_acknowledged(folder, slide):
    up = harness.Up(folder / "data", folder / "up.log").start()
    run_id = submit(up, large_slide(folder), "he-tme")["run_id"]
    pids = when_processing(up, run_id)
    poster = Poster(up.client(), slide)
    harness.wait_for("some runs", lambda: len(poster.acknowledged) >= 20)
    up.kill_everything()
    poster.thread.join(60)
    assert not poster.thread.is_alive()
    harness.wait_for("the end of all processes", lambda: not any(map(harness.alive, pids)))
    try:
        up.start()
        client = up.client()
        check_succeeded(up, run_id, "he-tme")
        for acknowledged in poster.acknowledged:
            assert client.wait_for_run(acknowledged)["output"] == "FULL"
    finally:
        up.stop()


def test_sessions_that_outlive_a_killed_postgresql_are_waited_for(folder):
    up = harness.Up(folder / "data", folder / "up.log").start()
    pids = harness.children_of(up.recorded()["postgres"])
    frozen = pids[0]  # it cannot see that its parent has died
    os.kill(frozen, signal.SIGSTOP)
    try:
        up.kill_everything()
        thaw = threading.Timer(2, os.kill, (frozen, signal.SIGCONT))
        thaw.start()
        up.start()
        thaw.join()
        assert up.client().get("/me").status_code == 200
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(frozen, signal.SIGCONT)
        up.stop()


@pytest.mark.parametrize("name", ["server", "worker", "postgres"])
def test_orphan_of_a_killed_life_is_ended_by_its_record(folder, name):
    """An orphan of `up` itself would end by the signals that it gets with its parent's death: here
    it is a process that gets none and whose record says that it is the one."""
    up = harness.Up(folder / "data", folder / "up.log").start()
    path = up.data / "run" / f"{name}.pid"
    record = json.loads(path.read_text())
    up.kill_everything()
    orphan = harness.Child([shutil.which("sleep"), "600"], folder / "orphan.log")
    try:
        harness.wait_for("the orphan's exec", lambda: "sleep" in harness.process_facts(orphan.pid)[2])
        _, start_time, program = harness.process_facts(orphan.pid)
        path.write_text(json.dumps({**record, "pid": orphan.pid, "start_time": start_time,
                                    "program": program}))
        up.start()
        assert not orphan.running()
        assert up.recorded()[name] != orphan.pid
        assert up.client().get("/me").status_code == 200
    finally:
        up.stop()
        orphan.kill()


def test_a_stranger_with_a_recorded_pid_or_our_name_is_left_alone(folder):
    up = harness.Up(folder / "data", folder / "up.log").start()
    records = {path: json.loads(path.read_text()) for path in (up.data / "run").glob("*.pid")}
    up.kill_everything()
    shutil.copy(shutil.which("sleep"), folder / "slideway-server")
    stranger = harness.Child([folder / "slideway-server", "600"], folder / "stranger.log")
    try:
        # The pid was given out again.
        for path, record in records.items():
            path.write_text(json.dumps({**record, "pid": stranger.pid}))
        up.start()
        assert up.stop() == 0
        assert stranger.running()
    finally:
        stranger.kill()
