"""A corpus of hostile download URLs, all against one worker that may fetch from public addresses
alone. Each item must end as the user's error, and nothing may reach a door that stands open. A URL
without words in the corpus may be refused with the run already, or be the name of no host.
"""
import contextlib
import csv
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
        worker = harness.Child(
            ["bwrap", "--die-with-parent", "--dev-bind", "/", "/", "--ro-bind", hosts, "/etc/hosts", "--",
             harness.program("slideway-worker")], module_folder / "worker.log",
            env=platform.environment(SLIDEWAY_EGRESS_NETWORKS=""))
        client.wait_for_run(run_id, 300)
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
