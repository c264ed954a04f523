"""Starts what an integration test needs and stops it again by pid: a private PostgreSQL, the
server, a worker, `slideway up`, a small host of slides. The programs come from BUILD_DIR.
"""
import atexit
import base64
import contextlib
import ctypes
import datetime
import glob
import http.server
import json
import os
import pathlib
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import uuid

import jwt
import psycopg2
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

ROOT = pathlib.Path(__file__).resolve().parents[2]


def reachable_build():
    """The build folder; a copy of its programs where any user may come, when it lies in a folder
    of root's alone: some tests run them as an ordinary user."""
    build = pathlib.Path(os.environ.get("BUILD_DIR", ROOT / "build")).resolve()
    if os.geteuid() != 0 or all(folder.stat().st_mode & 0o001 for folder in (build, *build.parents)):
        return build
    copy = pathlib.Path(tempfile.mkdtemp(prefix="slideway-build-", dir="/tmp"))
    atexit.register(shutil.rmtree, copy, ignore_errors=True)
    copy.chmod(0o755)
    for name in ("programs", "applications", "tests/unit/sandbox", "tests/bench", "tests/tools",
                 "tests/simulation", "tests/chaos"):
        if (build / name).is_dir():
            shutil.copytree(build / name, copy / name, ignore=shutil.ignore_patterns("*.p"))
    return copy


BUILD = reachable_build()
AUDIENCE = "slideway-api"
SIGNING_KEY = "a signing key that is only known to these tests"
# What must happen has so long: a deadline costs nothing while it is kept, and machines are loaded.
START_SECONDS = 120
STOP_SECONDS = 120
END_SECONDS = 300
MEASURED_MAX = 3  # times that the same is measured by the clock
PR_SET_PDEATHSIG = 1


def program(name):
    """A built program, wherever the build put it."""
    for path in (BUILD / "programs" / name, BUILD / "programs" / name / name):
        if path.is_file():
            return str(path)
    raise FileNotFoundError(f"{name} is not built in {BUILD}")


def bare_environment(**more):
    """Of the environment of the tests a program gets no more than it needs to run."""
    kept = {name: os.environ[name] for name in ("PATH", "ASAN_OPTIONS", "UBSAN_OPTIONS")
            if name in os.environ}
    return {**kept, "LANG": "C.UTF-8", **more}


# The bundled applications, and their latest versions.
LATEST = {"he-tme": "1.2.0", "test-app": "1.0.0"}


def application_folder(application_id, version=None):
    return BUILD / "applications" / application_id / (version or LATEST[application_id])


def wait_for(what, condition, seconds=START_SECONDS, pause=0.05):
    """The first true value of condition(); fails with `what` after so many seconds."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"{what} did not happen within {seconds} s"
        time.sleep(pause)


def measure_below(limit, what, measure):
    """measure() gives what it took, and a value. It may take the limit or more, but not three times: a busy
    machine is late now and then. The value of the first that took less."""
    took = []
    for _ in range(MEASURED_MAX):
        measured, value = measure()
        if measured < limit:
            return value
        took.append(measured)
    raise AssertionError(f"{what}: {took}")


def files_below(folder):
    """All files; what is removed meanwhile is passed over, which pathlib's rglob does not do."""
    return [pathlib.Path(parent, name) for parent, _, names in os.walk(folder) for name in names]


def sizes_in(folder):
    """Of its files, in order; one that is removed meanwhile is passed over."""
    found = []
    for path in files_below(folder):
        with contextlib.suppress(FileNotFoundError):
            found.append(path.stat().st_size)
    return sorted(found)


def open_files(pid):
    """What the descriptors of a process lead to; one that is closed meanwhile is passed over."""
    found = []
    for descriptor in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            found.append(os.readlink(f"/proc/{pid}/fd/{descriptor}"))
    return found


held_ports = []


def free_port(hold=True):
    """A port that nobody else is given as long as this process lives, also while its program is not
    there: a socket that does not listen holds it. A program beside it must ask for SO_REUSEADDR, as
    servers do; for others there is hold=False."""
    holder = socket.socket()
    for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
        holder.setsockopt(socket.SOL_SOCKET, option, 1)
    holder.bind(("127.0.0.1", 0))
    port = holder.getsockname()[1]
    if hold:
        held_ports.append(holder)
    else:
        holder.close()
    return port


def crc32c_table():
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


CRC32C_TABLE = crc32c_table()


def crc32c(data):
    """Base64 of the big-endian CRC32C; written here anew, so that it checks the programs' own."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = CRC32C_TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return base64.b64encode((crc ^ 0xFFFFFFFF).to_bytes(4, "big")).decode()


class Child:
    """A started process; its output goes to a file. It dies with the test runner."""

    def __init__(self, arguments, log, env=None, cwd=None):
        self.arguments = [str(argument) for argument in arguments]
        self.log = pathlib.Path(log)
        libc = ctypes.CDLL(None)
        with open(self.log, "ab") as out:
            self.process = subprocess.Popen(
                self.arguments, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env, cwd=cwd,
                start_new_session=True,
                preexec_fn=lambda: libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM))

    @property
    def pid(self):
        return self.process.pid

    def running(self):
        return self.process.poll() is None

    def kill(self):
        self.process.kill()
        return self.process.wait(STOP_SECONDS)

    def stop(self, number=signal.SIGTERM, seconds=STOP_SECONDS):
        if self.running():
            self.process.send_signal(number)
            try:
                self.process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError(f"{self.arguments[0]} did not stop within {seconds} s") from None
        return self.process.returncode

    def output(self):
        return self.log.read_text(errors="replace")


def unprivileged_user():
    """PostgreSQL refuses to run as root: then it runs as this user."""
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise LookupError("neither the user postgres nor nobody exists")


def postgres_programs():
    folders = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[-2]))
    if folders:
        return pathlib.Path(folders[-1])
    return pathlib.Path(subprocess.check_output(["pg_config", "--bindir"], text=True).strip())


class Cluster:
    """A private PostgreSQL on a unix socket in a short folder of its own. The settings of the tests
    are for speed; a measurement gives settings=() and gets PostgreSQL as it comes."""

    def __init__(self, settings=("fsync=off", "shared_buffers=64MB")):
        self.settings = [part for setting in settings for part in ("-c", setting)]
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="slideway-pg-", dir="/tmp"))
        self.programs = postgres_programs()
        self.prefix = []
        if os.geteuid() == 0:
            user = unprivileged_user()
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            self.prefix = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}",
                           "--clear-groups", "--pdeathsig", "INT"]
        self.data = self.folder / "data"
        self.child = None
        self.database_count = 0
        self.initialise()
        self.start()

    def initialise(self):
        subprocess.run(
            [*self.prefix, self.programs / "initdb", "-D", self.data, "-U", "slideway", "-A", "trust",
             "-E", "UTF8", "--locale=C", "--no-sync"],
            check=True, stdout=subprocess.DEVNULL, cwd="/")

    def start(self):
        self.child = Child(
            [*self.prefix, self.programs / "postgres", "-D", self.data, "-k", self.folder,
             "-c", "listen_addresses=", "-c", "max_connections=100", *self.settings],
            self.folder.with_suffix(".log"), cwd="/")
        wait_for("PostgreSQL's start", self.accepts)

    def accepts(self):
        try:
            psycopg2.connect(self.conninfo("postgres")).close()
            return True
        except psycopg2.OperationalError:
            assert self.child.running(), self.child.output()
            return False

    def conninfo(self, database):
        return f"host={self.folder} user=slideway dbname={database}"

    def create_database(self):
        """A new, empty database; returns its connection string."""
        self.database_count += 1
        name = f"test_{self.database_count}"
        connection = psycopg2.connect(self.conninfo("postgres"))
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {name}")
        connection.close()
        return self.conninfo(name)

    def freeze(self):
        """SIGSTOP to all of it; their pids. Its first process comes first: then it starts no more."""
        os.kill(self.child.pid, signal.SIGSTOP)
        pids = [self.child.pid, *children_of(self.child.pid)]
        send_signal(pids, signal.SIGSTOP)
        return pids

    def kill(self):
        """SIGKILL to all of it at once, as when the power fails."""
        pids = self.freeze()
        send_signal(pids, signal.SIGKILL)
        self.child.process.wait(STOP_SECONDS)
        wait_for("the end of PostgreSQL", lambda: not any(map(alive, pids)))

    def stop(self):
        """Fast: sessions that are still open are ended."""
        self.child.stop(signal.SIGINT)

    def remove(self):
        """What it would still write at its end is not needed."""
        self.child.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.with_suffix(".log").unlink(missing_ok=True)


class Issuer:
    """Signs tokens with a key of its own and publishes the key as a JWKS file."""

    def __init__(self, folder, name="https://issuer.test/"):
        self.name = name
        self.key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.key_id = "test-key"
        self.jwks_path = pathlib.Path(folder) / "jwks.json"
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
        public.update(kid=self.key_id, alg="RS256", use="sig")
        public.pop("key_ops", None)
        self.jwks_path.write_text(json.dumps({"keys": [public]}))

    def pem(self):
        return self.key.private_bytes(serialization.Encoding.PEM,
                                      serialization.PrivateFormat.PKCS8,
                                      serialization.NoEncryption())

    def token(self, user, organization, role="member", seconds=3600, **claims):
        now = int(time.time())
        payload = {
            "iss": self.name, "aud": AUDIENCE, "sub": user, "azp": "tests",
            "org_id": organization, f"{AUDIENCE}/role": role, "role": role,
            "scope": "offline_access", "email": f"{user}@example.org", "name": user,
            "iat": now, "exp": now + seconds,
        }
        payload.update(claims)
        return jwt.encode(payload, self.key, algorithm="RS256", headers={"kid": self.key_id})


class Client:
    """A user of the API."""

    def __init__(self, api_url, token, prefix="/api/v1"):
        self.api_url = api_url
        self.prefix = prefix
        self.session = requests.Session()
        self.session.trust_env = False
        if token is not None:
            self.session.headers["Authorization"] = f"Bearer {token}"

    def request(self, method, path, **options):
        options.setdefault("timeout", 60)
        options.setdefault("allow_redirects", False)
        return self.session.request(method, f"{self.api_url}{self.prefix}{path}", **options)

    def get(self, path, **options):
        return self.request("GET", path, **options)

    def post(self, path, **options):
        return self.request("POST", path, **options)

    def put(self, path, **options):
        return self.request("PUT", path, **options)

    def delete(self, path, **options):
        return self.request("DELETE", path, **options)

    def upload(self, path):
        """Stores a file in the object store; returns its signed URL."""
        path = pathlib.Path(path)
        answer = self.post("/uploads", json={"name": path.name, "size_bytes": path.stat().st_size})
        assert answer.status_code == 201, answer.text
        links = answer.json()
        with path.open("rb") as body:
            stored = requests.put(links["upload_url"], data=body, timeout=60)
        assert stored.status_code in (200, 201, 204), stored.text
        return links["download_url"]

    def create_run(self, application_id, items, **fields):
        answer = self.post("/runs", json={"application_id": application_id, "items": items, **fields})
        assert answer.status_code == 201, answer.text
        return answer.json()["run_id"]

    def run(self, run_id):
        answer = self.get(f"/runs/{run_id}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def items(self, run_id):
        answer = self.get(f"/runs/{run_id}/items", params={"page_size": 100})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def wait_for_run(self, run_id, seconds=END_SECONDS):
        def ended():
            answer = self.get(f"/runs/{run_id}")
            if answer.status_code == 503 and "Retry-After" in answer.headers:
                return None  # not all threads of the server have found the database again
            assert answer.status_code == 200, answer.text
            run = answer.json()
            return run if run["state"] == "TERMINATED" else None
        return wait_for(f"the end of run {run_id}", ended, seconds, 0.2)


class Platform:
    """Server and worker over a database of a cluster, with folders and ports of their own."""

    def __init__(self, cluster, folder, applications=("test-app",), lease_seconds=20,
                 migrated=True):
        self.folder = pathlib.Path(folder)
        # A sandboxed application has a user of its own and must be able to reach its scratch.
        self.folder.chmod(0o711)
        self.database = cluster.create_database()
        self.issuer = Issuer(self.folder)
        self.port = free_port()
        self.object_port = free_port()
        self.api_url = f"http://127.0.0.1:{self.port}"
        self.object_url = f"http://127.0.0.1:{self.object_port}"
        self.lease_seconds = lease_seconds
        self.server = None
        self.worker = None
        self.worker_count = 0
        if migrated:
            self.slideway("migrate")
        for application in applications:
            self.register(application)

    def register(self, application, *arguments):
        """Registers an application of the build by its id, or one by its folder."""
        if isinstance(application, str):
            application = application_folder(application)
        return self.slideway("app", "register", application, *arguments)

    def environment(self, **more):
        return bare_environment(**{
            "HOME": str(self.folder),
            "SLIDEWAY_DATABASE": self.database,
            "SLIDEWAY_OBJECT_STORE": str(self.folder / "objects"),
            "SLIDEWAY_OBJECT_URL": self.object_url,
            "SLIDEWAY_URL_SIGNING_KEY": SIGNING_KEY,
            "SLIDEWAY_PORT": str(self.port),
            "SLIDEWAY_OBJECT_PORT": str(self.object_port),
            "SLIDEWAY_JWKS_FILE": str(self.issuer.jwks_path),
            "SLIDEWAY_ISSUER": self.issuer.name,
            "SLIDEWAY_SCRATCH": str(self.folder / "scratch"),
            "SLIDEWAY_LEASE_SECONDS": str(self.lease_seconds),
            "SLIDEWAY_EGRESS_NETWORKS": "127.0.0.0/8",
            **more,
        })

    def slideway(self, *arguments, check=True, **environment):
        """Runs one command of the operator to its end."""
        done = subprocess.run([program("slideway"), *map(str, arguments)], text=True,
                              capture_output=True, env=self.environment(**environment),
                              timeout=120, check=False)
        assert not check or done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done

    def start_server(self, **environment):
        self.server = Child([program("slideway-server")], self.folder / "server.log",
                            env=self.environment(**environment))
        wait_for("the server's health", self.healthy)
        return self.server

    def serve(self, **environment):
        """For a fixture to yield from: the platform with its server, stopped at the end."""
        try:
            self.start_server(**environment)
            yield self
        finally:
            self.stop()

    def healthy(self):
        assert self.server.running(), self.server.output()
        with contextlib.suppress(requests.ConnectionError, requests.Timeout):
            return requests.get(f"{self.api_url}/health", timeout=20).status_code == 200
        return False

    def start_worker(self, name="worker", **environment):
        """Starts a worker of that name with a scratch folder of its own."""
        self.worker_count += 1
        self.worker = Child(
            [program("slideway-worker")], self.folder / f"{name}.log",
            env=self.environment(SLIDEWAY_WORKER_NAME=name,
                                 SLIDEWAY_SCRATCH=str(self.folder / f"scratch-{name}"), **environment))
        return self.worker

    def client(self, user="ada", organization="hospital", role="member", **claims):
        return Client(self.api_url, self.issuer.token(user, organization, role, **claims))

    @contextlib.contextmanager
    def sql(self):
        """A cursor; what it did is committed at the end. Times are UTC."""
        connection = psycopg2.connect(self.database)
        try:
            with connection, connection.cursor() as cursor:
                yield cursor
        finally:
            connection.close()

    def add_organization(self, organization):
        self.slideway("org", "add", organization)

    def stop(self):
        for child in (self.worker, self.server):
            if child is not None and child.running():
                child.stop()


class Fault:
    """What a slide host does to the next requests of a path, instead of serving it well."""

    def __init__(self, status=None, times=None, cut_after=None, pause=0.0, location=None, hang=0.0,
                 ranges=True):
        self.status = status  # answers only this
        self.times = times  # so often, then all is well; None: always
        self.cut_after = cut_after  # breaks the connection after so many bytes of a body
        self.pause = pause  # seconds before each 64 KiB of a body
        self.location = location  # of a redirect
        self.hang = hang  # seconds before the answer
        self.ranges = ranges  # whether a Range is heeded

    def take(self):
        """Whether it happens to this request."""
        if self.times is None:
            return True
        self.times -= 1
        return self.times >= 0


class SlideRequest(http.server.BaseHTTPRequestHandler):
    """One request to a slide host, which is the attribute `host` of the server."""

    protocol_version = "HTTP/1.1"
    CHUNK = 64 * 1024

    def log_message(self, *_arguments):
        return

    def do_HEAD(self):
        self.answer(with_body=False)

    def do_GET(self):
        self.answer(with_body=True)

    def answer(self, with_body):
        host = self.server.host
        wanted = self.headers.get("Range", "")
        host.requests.append((self.command, self.path, self.headers.get("Range")))
        fault = host.fault_of(self.path)
        time.sleep(fault.hang)
        file = host.folder / self.path.partition("?")[0].lstrip("/")
        status = fault.status or (200 if file.is_file() else 404)
        body = file.read_bytes() if status == 200 else b"no"
        headers = {"Location": fault.location} if fault.location else {}
        if status == 200 and wanted.startswith("bytes=") and fault.ranges:
            first, _, last = wanted[6:].partition("-")
            start, total = int(first), len(body)
            body = body[start:int(last) + 1 if last else None]
            status = 206
            headers["Content-Range"] = f"bytes {start}-{start + len(body) - 1}/{total}"
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if with_body:
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self.send_body(body, fault)

    def send_body(self, body, fault):
        end = len(body) if fault.cut_after is None else min(fault.cut_after, len(body))
        for start in range(0, end, self.CHUNK):
            time.sleep(fault.pause)
            self.wfile.write(body[start:min(start + self.CHUNK, end)])
        if end < len(body):
            self.wfile.flush()
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)


class SlideHost:
    """Serves a folder over HTTP on a loopback port, with Range and HEAD. `faults` maps a path to
    a Fault, to the status that it answers instead, or to a list of Faults, one for each request."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.faults = {}
        self.requests = []
        self.lock = threading.Lock()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), SlideRequest)
        self.server.host = self
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def fault_of(self, path):
        fault = self.faults.get(path)
        if isinstance(fault, int):
            return Fault(status=fault)
        with self.lock:
            if isinstance(fault, list):
                return fault.pop(0) if fault else Fault()
            return fault if fault is not None and fault.take() else Fault()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def process_facts(pid):
    """(parent's pid, start time, program) of a living process, or None."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
        fields = stat.rpartition(")")[2].split()
        if fields[0] == "Z":
            return None
        return int(fields[1]), int(fields[19]), os.readlink(f"/proc/{pid}/exe")
    except (FileNotFoundError, ProcessLookupError):
        return None


def alive(pid):
    return process_facts(pid) is not None


def children_of(pid):
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            if int(path.read_text().rpartition(")")[2].split()[1]) == pid:
                found.append(int(path.parent.name))
    return found


def send_signal(pids, number):
    """To those that still live."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


class Up:
    """`slideway up` on a data folder."""

    def __init__(self, data, log, *arguments, prefix=(), env=None):
        self.data = pathlib.Path(data)
        self.log = pathlib.Path(log)
        self.arguments = arguments
        self.prefix = prefix
        self.env = env
        self.child = None

    def spawn(self):
        """Starts it and does not wait."""
        self.log.write_bytes(b"")
        self.child = Child([*self.prefix, program("slideway"), "up", "--data", self.data,
                            *(self.arguments or ("--port", "0"))], self.log, env=self.env)
        return self

    def start(self, seconds=END_SECONDS):
        """Starts it and waits for its summary."""
        self.spawn()

        def ready():
            assert self.child.running(), self.child.output()
            return "Ctrl-C" in self.child.output()
        wait_for("the summary of slideway up", ready, seconds)
        return self

    def endpoint(self):
        return json.loads((self.data / "endpoint.json").read_text())

    def recorded(self):
        """name -> pid of the children, as the data folder has them; a record that is removed meanwhile is
        passed over."""
        found = {}
        for path in (self.data / "run").glob("*.pid"):
            with contextlib.suppress(FileNotFoundError):
                found[path.stem] = json.loads(path.read_text())["pid"]
        return found

    def slideway(self, *arguments, check=True, **environment):
        """Runs a client or operator command against this data folder."""
        done = subprocess.run([*self.prefix, program("slideway"), *map(str, arguments)], text=True,
                              capture_output=True, check=False, timeout=300,
                              env={**(self.env or os.environ), "SLIDEWAY_DATA": str(self.data),
                                   **environment})
        assert not check or done.returncode == 0, f"{arguments}: {done.stdout}{done.stderr}"
        return done

    def client(self, user="admin", *arguments):
        token = self.slideway("token", "--user", user, *arguments).stdout.strip()
        return Client(self.endpoint()["api_url"], token)

    def stop(self):
        return self.child.stop()

    def kill_everything(self):
        """SIGKILL to up and to every process that it recorded, at once."""
        pids = [self.child.pid, *self.recorded().values()]
        send_signal(pids, signal.SIGKILL)
        self.child.process.wait(STOP_SECONDS)
        wait_for("the end of all processes", lambda: not any(alive(pid) for pid in pids))


def make_slide(path, width=512, height=512, mpp=0.5, seed=1):
    """A synthetic H&E slide."""
    subprocess.run([program("slideway"), "slide", "synthesize", str(path), "--width", str(width),
                    "--height", str(height), "--mpp", str(mpp), "--seed", str(seed)],
                   check=True, stdout=subprocess.DEVNULL, timeout=120)
    return pathlib.Path(path)


def slide_item(external_id, url, content, name="whole_slide_image", width=512, height=512, mpp=0.5,
               **metadata):
    """An item of a run as a client would send it; `content` is what the checksum is taken of."""
    return {
        "external_id": external_id,
        "input_artifacts": [{
            "name": name, "download_url": url,
            "metadata": {"checksum_base64_crc32c": crc32c(content), "width_px": width,
                         "height_px": height, "resolution_mpp": mpp, "media_type": "image/tiff",
                         **metadata},
        }],
    }


def new_id():
    return str(uuid.uuid4())


def uuid7():
    """A UUID version 7 of this moment, as the programs make them (RFC 9562, 5.7)."""
    milliseconds = time.time_ns() // 1_000_000
    value = milliseconds << 80 | 7 << 76 | secrets.randbits(12) << 64 | 2 << 62 | secrets.randbits(62)
    return str(uuid.UUID(int=value))


def utc_now():
    return datetime.datetime.now(datetime.timezone.utc)
