"""What an application can do in its sandbox, tried by one that wants out (applications/probe). Each
attempt is an item of a real run, processed by a real worker whose folders only root may enter."""
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess

import pytest
import requests

import harness
import sample_application

HERE = pathlib.Path(__file__).resolve().parent
LIMITS = {"memory_bytes": 256 << 20, "time_seconds": 20, "processes": 16, "output_bytes": 8 << 20}
OUTPUT_MIB = LIMITS["output_bytes"] >> 20
NOBODY = 65534
MARKER = "98765.4321"  # sleeps so long: recognised in the lists of all processes
AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, AF_ALG, AF_VSOCK = 2, 10, 16, 17, 38, 40
CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWNET, CLONE_NEWPID = 0x10000000, 0x20000, 0x40000000, 0x20000000
SIGCHLD = 17

# name -> (number on x86-64, arguments); all of them must be refused.
SYSTEM_CALLS = {
    "ptrace a parent": (101, [16, 1, 0, 0]),
    "ptrace be traced": (101, [0, 0, 0, 0]),
    "process_vm_readv": (310, [1, "buffer", 1, "buffer", 1, 0]),
    "process_vm_writev": (311, [1, "buffer", 1, "buffer", 1, 0]),
    "pidfd_getfd": (438, [0, 0, 0]),
    "kcmp": (312, [1, 1, 0, 0, 0]),
    "mount": (165, ["buffer", "buffer", "buffer", 0, 0]),
    "umount2": (166, ["buffer", 0]),
    "pivot_root": (155, ["buffer", "buffer"]),
    "chroot": (161, ["buffer"]),
    "open_tree": (428, [-100, "buffer", 1]),
    "move_mount": (429, [0, "buffer", 0, "buffer", 0]),
    "fsopen": (430, ["buffer", 0]),
    "mount_setattr": (442, [-100, "buffer", 0, "buffer", 0]),
    "unshare users": (272, [CLONE_NEWUSER]),
    "unshare mounts": (272, [CLONE_NEWNS]),
    "unshare network": (272, [CLONE_NEWNET]),
    "setns": (308, [0, 0]),
    "clone users": (56, [CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0]),
    "clone processes": (56, [CLONE_NEWPID | SIGCHLD, 0, 0, 0, 0]),
    "clone3": (435, ["buffer", 64]),
    "add_key": (248, ["buffer", "buffer", "buffer", 1, -3]),
    "request_key": (249, ["buffer", "buffer", "buffer", -3]),
    "keyctl": (250, [0, -3, 1]),
    "bpf": (321, [0, "buffer", 64]),
    "perf_event_open": (298, ["buffer", 0, -1, -1, 0]),
    "userfaultfd": (323, [0]),
    "io_uring_setup": (425, [8, "buffer"]),
    "memfd_create": (319, ["buffer", 0]),
    "shmget": (29, [0, 4096, 0o1600]),
    "kexec_load": (246, [0, 0, "buffer", 0]),
    "init_module": (175, ["buffer", 64, "buffer"]),
    "delete_module": (176, ["buffer", 0]),
    "reboot": (169, [0xfee1dead, 672274793, 0, 0]),
    "sethostname": (170, ["buffer", 4]),
    "swapon": (167, ["buffer", 0]),
    "syslog": (103, [3, "buffer", 64]),
    "acct": (163, ["buffer"]),
    "iopl": (172, [3]),
    "settimeofday": (164, ["buffer", 0]),
    "open_by_handle_at": (304, [-100, "buffer", 0]),
    "fanotify_init": (300, [0, 0]),
    "type into a terminal": (16, [0, 0x5412, "buffer"]),
}


class Outside:
    """What there is to reach on the machine: listeners, files, processes."""

    def __init__(self, folder, postgres_socket, ports, pids):
        self.folder = folder
        self.postgres_socket = postgres_socket
        self.ports = ports
        self.pids = pids
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        self.abstract = socket.socket(socket.AF_UNIX)
        self.abstract_name = f"slideway-test-{self.udp.getsockname()[1]}"
        self.abstract.bind("\0" + self.abstract_name)
        self.abstract.listen()
        self.paths = [folder, *folder.iterdir(), *folder.glob("*/*")]

    def close(self):
        self.udp.close()
        self.abstract.close()

    def refusals(self):
        """name -> probe: each must be refused."""
        cases = {name: {"attempt": "system_call", "number": number, "arguments": arguments}
                 for name, (number, arguments) in SYSTEM_CALLS.items()}
        cases |= {
            "send a datagram": {
                "attempt": "send_udp", "host": "127.0.0.1", "port": self.udp.getsockname()[1]},
            "connect to PostgreSQL": {"attempt": "connect_local", "path": str(self.postgres_socket)},
            "connect to an abstract socket": {"attempt": "connect_local", "path": f"@{self.abstract_name}"},
            "become root": {"attempt": "become", "uid": 0},
            "become a neighbour": {"attempt": "become", "uid": 1000},
            "open a disk": {"attempt": "device"},
            "fill shared memory": {"attempt": "fill_shared_memory", "megabytes": LIMITS["memory_bytes"] >> 20},
            "raise the limit of files": {"attempt": "raise_limit", "name": "RLIMIT_NOFILE"},
            "raise the limit of processes": {"attempt": "raise_limit", "name": "RLIMIT_NPROC"},
            "raise the limit of a file's size": {"attempt": "raise_limit", "name": "RLIMIT_FSIZE"},
        }
        if "ASAN_OPTIONS" not in os.environ:  # sanitized programs reserve more than that by themselves
            cases["reserve 10 GB"] = {"attempt": "reserve_memory", "gigabytes": 10}
        cases |= {f"connect to the {name}": {"attempt": "connect_tcp", "host": "127.0.0.1", "port": port}
                  for name, port in self.ports.items()}
        cases |= {f"signal the {name}": {"attempt": "signal_process", "pid": pid}
                  for name, pid in self.pids.items()}
        for family in (AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, AF_ALG, AF_VSOCK):
            cases[f"socket of family {family}"] = {
                "attempt": "open_socket", "family": family, "kind": socket.SOCK_DGRAM}
        for path in ("/etc/shadow", "/etc/passwd", "/etc/hostname", "/root", "/home", "/var", "/run", "/sys",
                     "/proc/1/root/etc/shadow", "/proc/1/root/oldroot", "/proc/1/cwd/../etc/passwd", "/proc/kcore", "/dev/mem", "/dev/vda", "/dev/kmsg",
                     "/tmp/application", "/tmp/work", str(self.postgres_socket.parent),
                     *map(str, self.paths)):
            cases[f"read {path}"] = {"attempt": "read", "path": path}
        for path in ("/application/x", "/application/probe.py", "/work/input.json", "/work/input/x",
                     "/work/input/0.tiff", "/usr/bin/x", "/etc/x", "/x", "/dev/x", "/usr/lib/python3/dist-packages/x",
                     "/proc/sys/kernel/hostname", "/proc/sysrq-trigger", "/proc/sys/kernel/core_pattern"):
            cases[f"write {path}"] = {"attempt": "write", "path": path}
        for path in ("/work/input", "/work/input.json", "/work/input/0.tiff", "/application"):
            cases[f"rename {path}"] = {"attempt": "remove", "path": path}
        for path in ("/work/input/0.tiff", "/work/input.json", "/application/probe.py"):
            cases[f"change the mode of {path}"] = {"attempt": "change_mode", "path": path}
        return cases


# Allowed, or looked at below.
OBSERVATIONS = {
    "talk": {"attempt": "talk_among_ourselves"},
    "processes": {"attempt": "see_processes"},
    "environments": {"attempt": "see_environments"},
    "mounts": {"attempt": "see_mounts"},
    "root": {"attempt": "read", "path": "/"},
    "work": {"attempt": "read", "path": "/work"},
    "input": {"attempt": "read", "path": "/work/input.json"},
    "identity": {"attempt": "read", "path": "/proc/self/status"},
    "fork bomb": {"attempt": "fork_bomb"},
    "deep tree": {"attempt": "dig_deep"},
    "daemon": {"attempt": "leave_daemon", "marker": MARKER},
}

# probe, error code (None: USER_ERROR's own), the item's reason, what the message says
FAILURES = {
    "ten gigabytes": ({"attempt": "use_memory", "gigabytes": 10}, "SYSTEM_ERROR", "256 MiB of memory"),
    "memory of many": ({"attempt": "use_memory_by_many", "processes": 10, "megabytes": 50},
                       "SYSTEM_ERROR", "256 MiB of memory"),
    "a large file": ({"attempt": "fill_disk", "megabytes": 2 * OUTPUT_MIB, "files": 1},
                     "SYSTEM_ERROR", "wrote more than 8 MiB"),
    "many files": ({"attempt": "fill_disk", "megabytes": 1, "files": 3 * OUTPUT_MIB},
                   "SYSTEM_ERROR", "wrote more than 8 MiB"),
    "files without a name": ({"attempt": "fill_unnamed", "megabytes": 1, "files": 3 * OUTPUT_MIB},
                             "SYSTEM_ERROR", "wrote more than 8 MiB"),
    "endless": ({"attempt": "wait", "seconds": 600, "marker": MARKER}, "SYSTEM_ERROR", "longer than 20 s"),
    "crash": ({"attempt": "crash", "words": "the last words"}, "SYSTEM_ERROR", "ended by signal 6"),
    "exit code": ({"attempt": "end", "code": 3, "words": "no"}, "SYSTEM_ERROR", "exit code 3"),
    "nothing given": ({"attempt": "end", "code": 0, "words": "no"}, "SYSTEM_ERROR", "output.json"),
    "user error": ({"attempt": "blame", "error_code": "NO_TISSUE", "message": "The slide is white."},
                   "USER_ERROR", "The slide is white."),
    "user error without words": ({"attempt": "blame_without_words"}, "USER_ERROR", "gave no reason"),
    "link to a secret": ({"attempt": "give", "kind": "link", "target": "/etc/shadow"}, "SYSTEM_ERROR", "result"),
    "link to the input": ({"attempt": "give", "kind": "link", "target": "/work/input.json"},
                          "SYSTEM_ERROR", "result"),
    "link to the root": ({"attempt": "give", "kind": "link", "target": "/proc/self/root/etc/shadow"},
                         "SYSTEM_ERROR", "result"),
    "link to a folder": ({"attempt": "give", "kind": "folder link", "target": ".."}, "SYSTEM_ERROR", "folder"),
    "pipe": ({"attempt": "give", "kind": "pipe", "target": ""}, "SYSTEM_ERROR", "no regular file"),
    "folder": ({"attempt": "give", "kind": "folder", "target": ""}, "SYSTEM_ERROR", "no regular file"),
    "path above": ({"attempt": "give", "kind": "path", "target": "../input.json"}, "SYSTEM_ERROR", "input.json"),
    "absolute path": ({"attempt": "give", "kind": "path", "target": "/etc/hostname"}, "SYSTEM_ERROR", "hostname"),
}


def write_probe(folder, **limits):
    """The probe as an application, in a folder that only its owner may enter."""
    place = sample_application.write(
        folder, "probe", script="", command=["python3", "/application/probe.py"], limits={**LIMITS, **limits})
    shutil.copy(HERE / "applications" / "probe" / "probe.py", place)
    (place / "probe.py").chmod(0o644)
    folder.chmod(0o700)
    return place


def submit(client, slide, probes):
    content = slide.read_bytes()
    url = client.upload(slide)
    return client.create_run("probe", [harness.slide_item(name, url, content, probe=dict(probe))
                                       for name, probe in probes.items()], version_number="1.0.0")


def items_of(client, run_id):
    """external_id -> item, of all pages."""
    found, page = {}, 1
    while True:
        answer = client.get(f"/runs/{run_id}/items", params={"page_size": 100, "page": page})
        assert answer.status_code == 200, answer.text
        found |= {item["external_id"]: item for item in answer.json()}
        if len(answer.json()) < 100:
            return found
        page += 1


def result_of(item):
    """What the probe wrote."""
    assert item["error_message"] is None, item["error_message"]
    (artifact,) = item["output_artifacts"]
    answer = requests.get(artifact["download_url"], timeout=30)
    assert answer.status_code == 200
    return answer.json()


def escapes(outside, items):
    """name -> what it got, of the attempts that were not refused."""
    results = {name: result_of(items[name]) for name in outside.refusals()}
    return {name: result["value"] for name, result in results.items() if result["refused"] is None}


def marked_processes(marker=MARKER):
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if path.read_bytes().split(b"\0")[:2] == [b"sleep", marker.encode()]:
                found.append(int(path.parent.name))
    return found


@pytest.fixture(scope="module")
def outside(cluster, module_folder):
    """A platform whose folders only its own user may enter, with the probe registered."""
    platform = harness.Platform(cluster, module_folder, applications=())
    platform.register(write_probe(module_folder / "applications"))
    (module_folder / "url_signing_key").write_text(harness.SIGNING_KEY)
    platform.start_server()
    platform.start_worker(SLIDEWAY_SLOTS="4")
    module_folder.chmod(0o700)
    value = Outside(module_folder, cluster.folder / ".s.PGSQL.5432",
                    {"server": platform.port, "object store": platform.object_port},
                    {"server": platform.server.pid, "worker": platform.worker.pid})
    value.platform = platform
    yield value
    value.close()
    platform.stop()


@pytest.fixture(scope="module")
def probed(outside, slide):
    """external_id -> item of one run that tried everything."""
    client = outside.platform.client()
    probes = outside.refusals() | OBSERVATIONS | {name: case[0] for name, case in FAILURES.items()}
    run_id = submit(client, slide, probes)
    client.wait_for_run(run_id, 600)
    return items_of(client, run_id)


@pytest.mark.parametrize("name", SYSTEM_CALLS)
def test_system_call_is_refused(probed, name):
    refused = result_of(probed[name])["refused"]
    assert refused is not None
    # By the filter or by missing rights, not because the arguments made no sense.
    assert re.match(r"(PermissionError|OSError: \[Errno 38\])", refused), refused


def test_every_way_out_is_refused(outside, probed):
    assert escapes(outside, probed) == {}


def test_no_datagram_arrived(outside, probed):
    outside.udp.setblocking(False)
    with pytest.raises(BlockingIOError):
        outside.udp.recv(100)


def test_application_sees_its_own_processes_only(probed):
    assert result_of(probed["processes"])["value"] == ["bwrap", "python3"]


def test_application_sees_no_setting_of_the_worker(outside, probed):
    seen = result_of(probed["environments"])["value"]
    assert "SLIDEWAY_OUTPUT=/work/output" in seen
    for secret in (harness.SIGNING_KEY, "SLIDEWAY_DATABASE", "SLIDEWAY_SCRATCH", str(outside.folder)):
        assert secret not in seen


def test_application_sees_these_folders_only(probed):
    roots = set(result_of(probed["root"])["value"])
    assert {"application", "work", "usr", "tmp", "dev", "proc"} <= roots
    assert roots <= {"application", "work", "usr", "tmp", "dev", "proc", "etc",
                     "bin", "sbin", "lib", "lib32", "lib64", "libx32"}
    assert result_of(probed["work"])["value"] == ["input", "input.json", "output", "tmp"]


def test_nothing_is_mounted_writable_but_scratch_and_devices(probed):
    writable = set()
    for line in result_of(probed["mounts"])["value"].splitlines():
        fields = line.split()
        if "rw" in fields[5].split(","):
            writable.add(fields[4])
        assert "nosuid" in fields[5].split(","), line
    devices = {path for path in writable if path.startswith("/dev/")}
    assert writable - devices == {"/work", "/tmp", "/proc"}


def test_application_is_a_user_of_its_own_without_rights(probed):
    facts = dict(line.split(":\t", 1) for line in result_of(probed["identity"])["value"].splitlines() if ":\t" in line)
    assert facts["CapEff"] == facts["CapPrm"] == facts["CapBnd"] == "0" * 16
    assert (facts["NoNewPrivs"], facts["Seccomp"]) == ("1", "2")
    uid = int(facts["Uid"].split()[0])
    if os.geteuid() == 0:
        assert 2_000_000_000 <= uid < 2_000_000_004
        assert facts["Gid"].split()[0] == str(uid) and facts["Groups"].strip() in ("", str(uid))


def test_processes_of_one_application_can_talk(probed):
    assert result_of(probed["talk"])["value"] == "hello"


def test_fork_bomb_is_limited(probed):
    assert 8 <= result_of(probed["fork bomb"])["value"] <= LIMITS["processes"] + 1


def test_input_is_described_under_the_names_of_the_sandbox(probed):
    request = json.loads(result_of(probed["input"])["value"])
    assert request["external_id"] == "input"
    (artifact,) = request["input_artifacts"]
    assert (artifact["name"], artifact["path"]) == ("whole_slide_image", "/work/input/0.tiff")


@pytest.mark.parametrize("name", FAILURES)
def test_failure_ends_the_item_with_its_reason(probed, name):
    _, code, words = FAILURES[name]
    item = probed[name]
    assert item["state"] == "TERMINATED" and item["output"] == "NONE"
    assert item["termination_reason"] == code
    assert words in item["error_message"]
    assert item["output_artifacts"] == []


def test_operator_finds_the_end_of_the_log(outside, probed):
    with outside.platform.sql() as cursor:
        cursor.execute("SELECT outcome, log_tail FROM attempts JOIN items USING (item_id) WHERE external_id = 'crash'")
        assert cursor.fetchall() == [("SYSTEM_ERROR", "the last words\n")]


def test_operator_finds_the_memory_that_was_needed(outside, probed):
    with outside.platform.sql() as cursor:
        cursor.execute("SELECT external_id, peak_memory_bytes FROM attempts JOIN items USING (item_id)")
        peaks = dict(cursor.fetchall())
    assert peaks["ten gigabytes"] >= LIMITS["memory_bytes"]
    assert peaks["ten gigabytes"] < 4 * LIMITS["memory_bytes"]
    assert 1 << 20 < peaks["endless"] < LIMITS["memory_bytes"]


def test_nothing_outlives_its_run(probed):
    assert result_of(probed["daemon"])["value"] == "left"
    assert marked_processes() == []


def test_scratch_is_empty_after_the_run(outside, probed):
    assert result_of(probed["deep tree"])["value"] == "dug"
    scratch = outside.folder / "scratch-worker"
    harness.wait_for("an empty scratch folder", lambda: list(scratch.iterdir()) == [])


def test_killed_worker_takes_its_applications_along(cluster, folder, slide):
    platform = harness.Platform(cluster, folder, applications=())
    marker = "87654.321"
    try:
        platform.register(write_probe(folder / "applications", time_seconds=60))
        platform.start_server()
        platform.start_worker()
        client = platform.client()
        run_id = submit(client, slide, {"waiting": {"attempt": "wait", "seconds": 15, "marker": marker}})
        harness.wait_for("the application's start", lambda: marked_processes(marker))
        scratch = folder / "scratch-worker" / "slot-0"
        (scratch / "left behind").write_text("by the dead worker")
        platform.worker.kill()
        harness.wait_for("the application's end", lambda: not marked_processes(marker))
        assert scratch.exists()
        platform.start_worker()
        harness.wait_for("the second attempt", lambda: marked_processes(marker))
        assert not (scratch / "left behind").exists()
        run = client.wait_for_run(run_id)
        assert run["statistics"]["item_succeeded_count"] == 1
        assert result_of(items_of(client, run_id)["waiting"])["value"] == "waited"
        assert marked_processes(marker) == []
        harness.wait_for("an empty scratch folder", lambda: list((folder / "scratch-worker").iterdir()) == [])
    finally:
        platform.stop()


def test_stopped_worker_hands_its_item_back(cluster, folder, slide):
    platform = harness.Platform(cluster, folder, applications=())
    marker = "76543.21"
    try:
        platform.register(write_probe(folder / "applications", time_seconds=300))
        platform.start_server()
        platform.start_worker(SLIDEWAY_DRAIN_SECONDS="0")
        client = platform.client()
        run_id = submit(client, slide, {"waiting": {"attempt": "wait", "seconds": 280, "marker": marker}})
        harness.wait_for("the application's start", lambda: marked_processes(marker))
        assert platform.worker.stop(signal.SIGTERM) == 0, "long before the application's own end"
        assert marked_processes(marker) == []
        assert list((folder / "scratch-worker").iterdir()) == []
        assert items_of(client, run_id)["waiting"]["state"] == "PENDING"
        with platform.sql() as cursor:
            cursor.execute("SELECT outcome FROM attempts")
            assert cursor.fetchall() == [("HANDED_BACK",)]
    finally:
        platform.stop()


def test_cancelled_run_ends_its_applications(outside, probed, slide):
    client = outside.platform.client()
    marker = "65432.1"
    run_id = submit(client, slide, {"waiting": {"attempt": "wait", "seconds": 19, "marker": marker}})
    harness.wait_for("the application's start", lambda: marked_processes(marker))
    assert client.post(f"/runs/{run_id}/cancel").status_code == 202
    harness.wait_for("the application's end", lambda: not marked_processes(marker), 8)


@pytest.fixture
def as_nobody(folder):
    """The prefix of a command that an ordinary user runs, and a folder that is that user's."""
    if os.geteuid() != 0:
        return []
    os.chown(folder, NOBODY, NOBODY)
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]


def test_sandbox_holds_for_an_ordinary_user(folder, as_nobody):
    """The checks of src/sandbox, which need no server, run again without root."""
    copy = folder / "test_sandbox_run"
    shutil.copy(harness.BUILD / "tests" / "unit" / "sandbox" / "test_sandbox_run", copy)
    done = subprocess.run([*as_nobody, copy], capture_output=True, text=True, timeout=120, check=False, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr


def test_platform_of_an_ordinary_user_has_the_same_walls(folder, as_nobody, slide):
    up = harness.Up(folder / "data", folder / "up.log", prefix=as_nobody).start()
    try:
        place = write_probe(folder / "applications")
        subprocess.run(["chown", "-R", f"{folder.stat().st_uid}", folder / "applications"], check=True)
        up.slideway("app", "register", place)
        endpoint = up.endpoint()
        outside = Outside(up.data, up.data / "run" / ".s.PGSQL.5432",
                          {name: int(endpoint[name].split(":")[2].split("/")[0])
                           for name in ("api_url", "object_url")}, up.recorded())
        client = up.client()
        run_id = submit(client, slide, outside.refusals() | {"identity": OBSERVATIONS["identity"]})
        client.wait_for_run(run_id, 600)
        items = items_of(client, run_id)
        assert escapes(outside, items) == {}
        uid = re.search(r"^Uid:\t(\d+)", result_of(items["identity"])["value"], re.MULTILINE)[1]
        assert int(uid) == folder.stat().st_uid
        outside.close()
    finally:
        up.stop()


def documented(language):
    """The one block of that language in docs/applications.md."""
    text = (harness.ROOT / "docs" / "applications.md").read_text()
    (block,) = re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return block


def test_example_of_the_documentation_runs(cluster, folder, slide):
    place = folder / "tissue-share" / "1.0.0"
    place.mkdir(parents=True)
    (place / "application.json").write_text(documented("json"))
    (place / "main.py").write_text(documented("python"))
    text = folder / "text.tiff"
    text.write_text("This is no slide.")
    platform = harness.Platform(cluster, folder, applications=(place,))
    try:
        platform.start_server()
        platform.start_worker()
        client = platform.client()
        run_id = client.create_run(
            "tissue-share", [harness.slide_item(path.stem, client.upload(path), path.read_bytes())
                             for path in (slide, text)], version_number="1.0.0")
        client.wait_for_run(run_id)
        items = items_of(client, run_id)
        assert items["slide"]["error_message"] is None
        assert "The slide cannot be read" in items["text"]["error_message"]
        assert items["text"]["termination_reason"] == "USER_ERROR"
        artifacts = {artifact["name"]: artifact for artifact in items["slide"]["output_artifacts"]}
        mask = requests.get(artifacts["tissue_mask"]["download_url"], timeout=30).content
        assert mask.startswith(b"\x89PNG")
        assert artifacts["tissue_mask"]["metadata"]["media_type"] == "image/png"
        readout = requests.get(artifacts["readout"]["download_url"], timeout=30).text.splitlines()
        assert readout[0] == "EXTERNAL_ID,TISSUE_SHARE"
        name, share = readout[1].split(",")
        assert name == "slide" and 0.02 < float(share) < 1
    finally:
        platform.stop()
