"""What the chaos happens to: three servers and three workers over one PostgreSQL, each behind a line
of the proxy and with a preloaded library that moves its clock and makes its files fail.
"""
import collections
import concurrent.futures
import contextlib
import errno
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "integration"))
import database_proxy  # noqa: E402
import harness  # noqa: E402
import sample_application  # noqa: E402

APPLICATION = "chaos-app"
OUTPUTS = ("result", "second")
# The kind of an item, which is the beginning of its external_id, says what becomes of it.
SCRIPT = r"""#!/bin/sh
set -e
attempt=$(sed 's/.*"attempt_id":"\([^"]*\)".*/\1/' "$SLIDEWAY_INPUT")
kind=$(sed 's/.*"external_id":"\([a-z]*\)-.*/\1/' "$SLIDEWAY_INPUT")
case $kind in
slow) sleep 1.5 ;;
wrong)
    echo '{"error_code":"WRONG","message":"It was meant to be wrong."}' > "$SLIDEWAY_OUTPUT/error.json"
    exit 10 ;;
crash) kill -9 $$ ;;
*) sleep 0.15 ;;
esac
for name in $NAMES; do
    echo "$name $attempt" > "$SLIDEWAY_OUTPUT/$name"
    list="$list${list:+,}{\"name\":\"$name\",\"path\":\"$name\",\"metadata\":{}}"
done
echo "{\"artifacts\":[$list]}" > "$SLIDEWAY_OUTPUT/output.json"
"""
SERVERS = ("server-1", "server-2", "server-3")
WORKERS = ("worker-1", "worker-2", "worker-3")
SCRATCH_DISK_BYTES = 8 << 20
TOKEN_SECONDS = 90 * 86400
CONTROL = struct.Struct("<7q")
CRASHES = {signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE}


class Control:
    """The file that the preloaded library of one program reads; see shim.c."""

    def __init__(self, path):
        self.path = path
        self.values = [0] * 7
        self.path.write_bytes(CONTROL.pack(*self.values))

    def set(self, first, *values):
        self.values[first:first + len(values)] = values
        with self.path.open("r+b") as file:
            file.write(CONTROL.pack(*self.values))

    def shift_clock(self, seconds):
        self.set(0, int(seconds * 1e6))

    def break_store(self, per_mille, number, delay_seconds):
        self.set(1, per_mille, number, int(delay_seconds * 1e6))

    def break_scratch(self, per_mille, number, delay_seconds):
        self.set(4, per_mille, number, int(delay_seconds * 1e6))


class Program:
    """A server or worker that is started again whenever it is found dead."""

    def __init__(self, name, binary, log, environment, control):
        self.name = name
        self.binary = binary
        self.log = log
        self.environment = environment
        self.control = control
        self.child = None
        self.held = threading.Lock()  # by the fault that it suffers from
        self.may_start_at = 0.0
        self.killed = False

    def spawn(self):
        self.killed = False
        self.child = harness.Child([self.binary], self.log, env=self.environment)

    def signal(self, number):
        if self.child is not None and self.child.running():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.child.pid, number)

    def kill(self, away_seconds=0.0):
        """SIGKILL; it is started again after so long."""
        self.may_start_at = time.monotonic() + away_seconds
        self.killed = True
        self.signal(signal.SIGKILL)


def children_by_parent():
    found = {}
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            parent = int(path.read_text().rpartition(")")[2].split()[1])
            found.setdefault(parent, []).append(int(path.parent.name))
    return found


def descendants(pid):
    children = children_by_parent()
    found, waiting = [], [pid]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


class ScratchDisk:
    """A small disk for the scratch of a worker, where we may mount one. Elsewhere the preloaded
    library says that it is full."""

    def __init__(self, folder, control):
        self.folder = folder
        self.control = control
        folder.mkdir(mode=0o711)
        self.mounted = os.geteuid() == 0 and subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={SCRATCH_DISK_BYTES},mode=0711", "tmpfs", folder],
            stderr=subprocess.DEVNULL, check=False).returncode == 0

    def fill(self):
        if not self.mounted:
            self.control.break_scratch(1000, errno.ENOSPC, 0)
            return
        with open(self.folder / "filler", "wb", buffering=0) as filler, contextlib.suppress(OSError):
            for _ in range(SCRATCH_DISK_BYTES // 4096):
                filler.write(b"x" * 4096)

    def empty(self):
        self.control.break_scratch(0, 0, 0)
        (self.folder / "filler").unlink(missing_ok=True)

    def remove(self):
        if self.mounted:
            subprocess.run(["umount", "--lazy", self.folder], check=False)


class World:
    """Starts it all. `worker_binary` may be another program than that of the build."""

    def __init__(self, lease_seconds=3, attempts_max=5, worker_binary=None):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="slideway-chaos-", dir="/tmp"))
        self.folder.chmod(0o755)
        self.crashes = []
        self.exits = collections.Counter()
        self.clock_offset = 0.0
        self.clock_highest = 0.0
        self.stopping = threading.Event()
        # Children die with the thread that started them: this one lives as long as the world.
        self.starter = concurrent.futures.ThreadPoolExecutor(1)
        self.cluster = self.starter.submit(harness.Cluster).result()
        self.cluster_held = threading.Lock()
        self.proxy = database_proxy.DatabaseProxy()
        self.platform = harness.Platform(self.cluster, self.folder, applications=())
        self.object_ports = [harness.free_port() for _ in SERVERS]
        self.platform.object_url = f"http://127.0.0.1:{self.object_ports[0]}"
        self.ports = [harness.free_port() for _ in SERVERS]
        self.platform.register(sample_application.write(
            self.folder / "applications", APPLICATION, script=SCRIPT, outputs=OUTPUTS))
        slides = self.folder / "slides"
        slides.mkdir()
        (slides / "slide.bin").write_bytes(b"no application of this test looks into it" * 1000)
        self.slide_bytes = (slides / "slide.bin").read_bytes()
        self.slide_host = harness.SlideHost(slides)
        self.slide_host.server.handle_error = lambda *_: None  # workers die in the middle of a download
        self.disks = {}
        self.programs = {}
        for index, name in enumerate(SERVERS):
            self.add(name, harness.program("slideway-server"), SLIDEWAY_SHARDS="1",
                     SLIDEWAY_PORT=str(self.ports[index]),
                     SLIDEWAY_OBJECT_PORT=str(self.object_ports[index]))
        for index, name in enumerate(WORKERS):
            self.add(name, worker_binary or harness.program("slideway-worker"),
                     SLIDEWAY_WORKER_NAME=name, SLIDEWAY_SLOTS="2",
                     SLIDEWAY_LEASE_SECONDS=str(lease_seconds),
                     SLIDEWAY_ATTEMPTS_MAX=str(attempts_max), SLIDEWAY_DRAIN_SECONDS="1",
                     SLIDEWAY_DOWNLOAD_SECONDS_MAX="10",
                     SLIDEWAY_SANDBOX_UID=str(2000000000 + 16 * index))
        self.watcher = threading.Thread(target=self.watch, daemon=True)

    def add(self, name, binary, **settings):
        self.proxy.add(name, self.folder / f"line-{name}", self.cluster.folder)
        database = self.platform.database.replace(f"host={self.cluster.folder}",
                                                  f"host={self.folder / f'line-{name}'}")
        control = Control(self.folder / f"control-{name}")
        scratch = self.folder / f"scratch-{name}"
        if name in WORKERS:
            self.disks[name] = ScratchDisk(scratch, control)
        build = pathlib.Path(os.environ["BUILD_DIR"])
        environment = self.platform.environment(
            SLIDEWAY_DATABASE=f"{database} connect_timeout=3", SLIDEWAY_SCRATCH=str(scratch),
            LD_PRELOAD=str(build / "tests/chaos/chaos_shim.so"), CHAOS_CONTROL=str(control.path),
            CHAOS_STORE=str(self.folder / "objects"), CHAOS_SCRATCH=str(scratch), **settings)
        self.programs[name] = Program(name, binary, self.folder / f"{name}.log", environment, control)

    def start(self):
        for program in self.programs.values():
            self.starter.submit(program.spawn).result()
        self.watcher.start()
        for name, port in zip(SERVERS, self.ports):
            harness.wait_for(f"the health of {name}", lambda port=port: healthy(port))

    def watch(self):
        """Starts again what has died. A death that is not ours is remembered."""
        while not self.stopping.wait(0.1):
            for program in self.programs.values():
                code = program.child.process.poll()
                if code is None or time.monotonic() < program.may_start_at:
                    continue
                if -code in CRASHES:
                    self.crashes.append(f"{program.name} ended with signal {-code}")
                elif not program.killed:
                    self.exits[last_words(program.log)] += 1
                    time.sleep(0.2)
                self.starter.submit(program.spawn).result()

    # PostgreSQL.

    def kill_database(self):
        """SIGKILL to all of it at once, as when the power fails; then it is started again."""
        self.cluster.kill()

    def start_database(self):
        self.starter.submit(self.cluster.start).result()

    # Clocks.

    def shift_database_clock(self, seconds):
        """All SQL takes the time from platform_now()."""
        with self.platform.sql() as cursor:
            cursor.execute(
                "CREATE OR REPLACE FUNCTION platform_now() RETURNS timestamptz "
                "LANGUAGE sql STABLE PARALLEL SAFE "
                f"AS $$ SELECT now() + interval '{seconds:.3f} seconds' $$")
        self.clock_offset = seconds
        self.clock_highest = max(self.clock_highest, seconds)

    def token(self, user, organization, role):
        # So old that a server whose clock goes back does not take it for one of the future.
        return self.platform.issuer.token(user, organization, role, seconds=TOKEN_SECONDS,
                                          iat=int(time.time()) - TOKEN_SECONDS)

    def heal(self):
        """Ends every fault, whatever state it was in."""
        for disk in self.disks.values():
            disk.empty()
        for name, program in self.programs.items():
            program.control.set(0, *[0] * 7)
            program.may_start_at = 0.0
            program.signal(signal.SIGCONT)
            self.proxy.go_on(name)
        self.slide_host.faults.clear()
        for name, port in zip(SERVERS, self.ports):
            harness.wait_for(f"the health of {name}", lambda port=port: healthy(port))

    def remove(self, keep=False):
        self.stopping.set()
        if self.watcher.is_alive():
            self.watcher.join(30)
        for program in self.programs.values():
            program.signal(signal.SIGCONT)
            if program.child is not None and program.child.running():
                program.child.kill()
        for disk in self.disks.values():
            disk.remove()
        self.slide_host.stop()
        self.proxy.stop()
        self.starter.submit(self.cluster.remove).result()
        self.starter.shutdown()
        if not keep:
            shutil.rmtree(self.folder, ignore_errors=True)


def last_words(log):
    """The last line of a log without its numbers and names, so that equal reasons are counted."""
    lines = log.read_text(errors="replace").splitlines() or [""]
    return re.sub(r"/tmp/\S*|[0-9a-f-]{36}|\d+", "N", lines[-1])[:160]


def healthy(port):
    with contextlib.suppress(harness.requests.RequestException):
        return harness.requests.get(f"http://127.0.0.1:{port}/health", timeout=5).status_code == 200
    return False
