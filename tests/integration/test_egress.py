"""A corpus of hostile download URLs, all against one worker that may fetch from public addresses
alone. Each item must end as the user's error, and nothing may reach a door that stands open. A URL
without words in the corpus may be refused with the run already, or be the name of no host.
"""
import contextlib
import csv
import http.server
import pathlib
import socket
import threading

import pytest

import harness
from life import rows

CASES = list(csv.DictReader((pathlib.Path(__file__).parent / "hostile_urls.csv").open(encoding="utf-8")))
HOSTS = "127.0.0.1 localhost innocent.example\n::1 localhost\n::1 two-faced.example\n10.0.0.1 two-faced.example\n"


class Doors:
    """One port on this machine's addresses of both families; counts who comes in."""

    def __init__(self):
        self.visitors = []
        both = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True, backlog=64)
        self.socket = both
        self.port = both.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                visitor, address = self.socket.accept()
                self.visitors.append(address)
                visitor.close()

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join(10)


@pytest.fixture(scope="module")
def doors():
    value = Doors()
    with socket.create_connection(("127.0.0.1", value.port), 5), \
            socket.create_connection(("::1", value.port), 5):
        harness.wait_for("the doors", lambda: len(value.visitors) == 2)
    value.visitors.clear()
    yield value
    value.close()


def start_worker(platform, folder, hosts, networks):
    """A worker that has the file `hosts` in the place of /etc/hosts."""
    return harness.Child(
        ["bwrap", "--die-with-parent", "--dev-bind", "/", "/", "--ro-bind", hosts, "/etc/hosts", "--",
         harness.program("slideway-worker")], folder / "worker.log",
        env=platform.environment(SLIDEWAY_EGRESS_NETWORKS=networks))


@pytest.fixture(scope="module")
def ended(cluster, module_folder, doors):
    """name of the case → how its item ended; and the worker's log."""
    platform = harness.Platform(cluster, module_folder)
    hosts = module_folder / "hosts"
    hosts.write_text(HOSTS)
    try:
        platform.start_server(SLIDEWAY_EGRESS_NETWORKS="")
        client = platform.client()
        items = [harness.slide_item(case["what"], case["url"].format(port=doors.port), b"x")
                 for case in CASES]
        accepted = [item for item in items if client.post(
            "/runs?dry_run=true", json={"application_id": "test-app", "items": [item]}).status_code < 300]
        run_id = client.create_run("test-app", accepted)
        worker = start_worker(platform, module_folder, hosts, "")
        client.wait_for_run(run_id)
        yield {external_id: (reason, message) for external_id, reason, message in rows(
            platform, "SELECT external_id, termination_reason, error_message FROM items"
            " WHERE run_id = %s", run_id)}, worker.output()
    finally:
        platform.stop()
        with contextlib.suppress(NameError):
            worker.stop()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["what"].replace(" ", "-"))
def test_hostile_url_is_the_users_error(ended, case):
    items, _log = ended
    if case["words"] == "" and case["what"] not in items:
        return
    reason, message = items[case["what"]]
    assert reason == "USER_ERROR", message
    assert case["words"] in message
    assert "secret" not in message


def test_nobody_came_in(ended, doors):
    assert not doors.visitors
    assert "secret-of-somebody" not in ended[1]


# A name that changes its address between two connections of one download.

ALLOWED, PRIVATE = "127.0.0.2", "127.0.0.1"


class Rebinder(http.server.BaseHTTPRequestHandler):
    """Leads from one name to another, which has a private address by then when it is asked to."""

    def log_message(self, *_arguments):
        return

    def do_GET(self):
        self.server.seen.append((self.server.server_address[0], self.path))
        if self.path == "/slide":
            self.send_error(404)
            return
        if self.path == "/rebound":
            self.server.hosts.write_text(f"{ALLOWED} first.example\n{PRIVATE} second.example\n")
        self.send_response(302)
        self.send_header("Location", f"http://second.example:{self.server.server_address[1]}/slide")
        self.end_headers()


@pytest.fixture
def rebinders(folder):
    """(file of names, port, what was asked for) of two servers with one port, at both addresses."""
    hosts = folder / "hosts"
    hosts.write_text(f"{ALLOWED} first.example second.example\n")
    # Held at the private address, where all others have theirs.
    port = harness.free_port()
    servers = [http.server.ThreadingHTTPServer((address, port), Rebinder) for address in (ALLOWED, PRIVATE)]
    seen = []
    for server in servers:
        server.hosts, server.seen = hosts, seen
        threading.Thread(target=server.serve_forever, daemon=True).start()
    yield hosts, port, seen
    for server in servers:
        server.shutdown()
        server.server_close()


def test_address_is_judged_when_it_is_connected_to(cluster, folder, rebinders):
    hosts, port, seen = rebinders
    platform = harness.Platform(cluster, folder)
    worker = None
    try:
        platform.start_server()
        client = platform.client()
        worker = start_worker(platform, folder, hosts, f"{ALLOWED}/32")
        messages = {}
        for path in ("kept", "rebound"):
            item = harness.slide_item(path, f"http://first.example:{port}/{path}", b"x")
            run_id = client.create_run("test-app", [item])
            client.wait_for_run(run_id)
            [[messages[path]]] = rows(platform, "SELECT error_message FROM items WHERE run_id = %s", run_id)
    finally:
        if worker is not None:
            worker.stop()
        platform.stop()
    assert "status 404" in messages["kept"]
    assert "not public" in messages["rebound"]
    assert seen == [(ALLOWED, "/kept"), (ALLOWED, "/slide"), (ALLOWED, "/rebound")]
