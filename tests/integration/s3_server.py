"""A real S3 server that checks signatures (versitygw over a folder, by tools/s3_server), and a proxy
before it that fails as networks and busy stores do.
"""
import contextlib
import email.utils
import http.client
import http.server
import os
import pathlib
import socket
import subprocess
import threading
import time

import pytest

import harness

ACCESS_KEY_ID = "AKIDOFTHETESTS"
SECRET_ACCESS_KEY = "a-secret-access-key-of-the-tests"
REGION = "eu-test-1"
BUCKET = "slides"
HELD_SECONDS_MAX = 300
HIDDEN_FOLDER = ".sgwtmp"  # where the server keeps the parts of multipart uploads


def server_program():
    """Where the server is; the tests that need it are skipped without it."""
    for build in (pathlib.Path(os.environ.get("BUILD_DIR", "")), harness.ROOT / "build"):
        path = build / "s3_server" / "versitygw"
        if path.is_file():
            return path
    return pytest.skip("no S3 server: `make s3-server` could not fetch it or was not run")


class S3Server:
    """Serves the folder "s3" of `folder`, in which a bucket is a folder."""

    def __init__(self, folder, *arguments, scheme="http"):
        self.folder = pathlib.Path(folder) / "s3"
        (self.folder / BUCKET).mkdir(parents=True)
        self.log = pathlib.Path(folder) / "s3_server.log"
        self.port = harness.free_port()
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        self.arguments = arguments
        self.child = None

    def start(self):
        self.child = harness.Child(
            [server_program(), "--port", f"127.0.0.1:{self.port}", "--region", REGION, "--keep-alive",
             "--quiet", *self.arguments, "posix", self.folder],
            self.log, env={"PATH": os.environ["PATH"], "ROOT_ACCESS_KEY": ACCESS_KEY_ID,
                           "ROOT_SECRET_KEY": SECRET_ACCESS_KEY})

        def listens():
            assert self.child.running(), self.child.output()
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return True
            return False
        harness.wait_for("the S3 server's port", listens)
        return self

    def stop(self):
        if self.child is not None and self.child.running():
            self.child.kill()

    def objects(self):
        """The keys that the bucket has, by the server's own folder."""
        root = self.folder / BUCKET
        return sorted(str(path.relative_to(root)) for path in harness.files_below(root)
                      if HIDDEN_FOLDER not in path.parts)

    def parts(self):
        """The parts of multipart uploads that have not ended."""
        root = self.folder / BUCKET / HIDDEN_FOLDER
        return sorted(path for path in harness.files_below(root) if path.name.isdigit())

    def uploads(self):
        """The folders of multipart uploads that have not ended."""
        root = self.folder / BUCKET / HIDDEN_FOLDER / "multipart"
        folders = [pathlib.Path(parent, name) for parent, names, _ in os.walk(root) for name in names]
        return sorted(path for path in folders if path.parent.parent == root)


def settings(url, prefix="platform", **more):
    """The environment of a program whose objects are in the bucket."""
    return {"SLIDEWAY_OBJECT_STORE": f"s3://{BUCKET}/{prefix}" if prefix else f"s3://{BUCKET}",
            "SLIDEWAY_S3_ENDPOINT": url, "SLIDEWAY_S3_REGION": REGION,
            "SLIDEWAY_S3_ACCESS_KEY_ID": ACCESS_KEY_ID,
            "SLIDEWAY_S3_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY, **more}


class Tool:
    """tests/tools/object_store.c with that environment."""

    def __init__(self, environment):
        self.environment = harness.bare_environment(**environment)

    def program(self):
        return str(harness.BUILD / "tests" / "tools" / "object_store")

    def __call__(self, *arguments, seconds=120, **more):
        """What it prints."""
        done = self.attempt(*arguments, seconds=seconds, **more)
        assert done.returncode == 0, f"{arguments}: {done.stderr}"
        return done.stdout.strip()

    def attempt(self, *arguments, seconds=120, **more):
        return subprocess.run([self.program(), *map(str, arguments)], text=True, check=False,
                              capture_output=True, env={**self.environment, **more}, timeout=seconds)

    def fails(self, *arguments, **more):
        """What it says when it fails, which never is a secret."""
        done = self.attempt(*arguments, **more)
        assert done.returncode == 1, f"{arguments}: {done.stdout}{done.stderr}"
        assert SECRET_ACCESS_KEY not in done.stderr and "Signature=" not in done.stderr
        return done.stderr

    def start(self, folder, *arguments):
        return harness.Child([self.program(), *arguments], pathlib.Path(folder) / "tool.log",
                             env=self.environment)


class Fault:
    """What happens to the next `times` requests (None: all) of that method and with that text in
    their target. `status` with `code` or `body`: that answer instead; `cut`: the connection ends before an
    answer; `lose`: the server does it, and the answer is lost; `pause`: seconds before all; `until`: an
    event before all."""

    def __init__(self, method="", target="", times=1, status=None, code="", cut=False, lose=False,
                 pause=0.0, date=None, body=None, until=None):
        self.method = method
        self.target = target
        self.times = times
        self.status = status
        self.code = code
        self.cut = cut
        self.lose = lose
        self.pause = pause
        self.date = date
        self.body = body
        self.until = until

    def takes(self, method, target):
        if self.method not in ("", method) or self.target not in target or self.times == 0:
            return False
        self.times = None if self.times is None else self.times - 1
        return True


class ProxyRequest(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_arguments):
        return

    def answer(self):
        proxy = self.server.proxy
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with proxy.lock:
            proxy.requests.append((self.command, self.path, dict(self.headers)))
            fault = next((fault for fault in proxy.faults
                          if fault.takes(self.command, self.path)), Fault())
        time.sleep(fault.pause)
        if fault.until is not None:
            fault.until.wait(HELD_SECONDS_MAX)
        if fault.cut:
            self.cut()
        elif fault.status is not None:
            text = (fault.body or f"<Error><Code>{fault.code}</Code></Error>").encode()
            headers = [("Date", fault.date)] if fault.date else []
            self.send(fault.status, headers, text)
        else:
            self.forward(body, fault)

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = answer

    def cut(self):
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def forward(self, body, fault):
        """As it came, with its Host, which is signed."""
        far = http.client.HTTPConnection("127.0.0.1", self.server.proxy.port_behind, timeout=60)
        try:
            far.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                far.putheader(name, value)
            far.endheaders(body)
            answer = far.getresponse()
            content = answer.read()
            headers = [(name, value) for name, value in answer.getheaders()
                       if name.lower() not in ("connection", "transfer-encoding", "date")
                       and (self.command == "HEAD" or name.lower() != "content-length")]
        except OSError:
            self.cut()
            return
        finally:
            far.close()
        if fault.lose:
            self.cut()
        else:
            self.send(answer.status, headers, content)

    def send(self, status, headers, body):
        self.send_response_only(status)
        if not any(name.lower() == "date" for name, _ in headers):
            self.send_header("Date", email.utils.formatdate(usegmt=True))
        for name, value in headers:
            self.send_header(name, value)
        if not any(name.lower() == "content-length" for name, _ in headers):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            with contextlib.suppress(OSError):
                self.wfile.write(body)


class S3Proxy:
    """On a port of its own before the server's. `faults` are looked at in order."""

    def __init__(self, port_behind):
        self.port_behind = port_behind
        self.faults = []
        self.requests = []
        self.lock = threading.Lock()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), ProxyRequest)
        self.server.proxy = self
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def count(self, method, target=""):
        with self.lock:
            return sum(1 for one, path, _ in self.requests if one == method and target in path)

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
