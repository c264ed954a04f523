"""What /metrics of a server and of a worker says, against what was done.

Method: real programs do a known piece of work; the numbers come from the work, from the answers'
own bytes and from the database. The text is read by a strict reader and by another project's.
"""
import json
import math
import os
import pathlib
import signal
import subprocess
import time

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

import harness
import prometheus_text
import sample_application

GONE = "01900000-0000-7000-8000-000000000000"
FRESH_SECONDS = 1.0
NAPPING = "#!/bin/sh\nsleep 60\n"


class Watched:
    """A platform whose programs have metrics; `server` and `worker` are their addresses."""

    def __init__(self, cluster, folder):
        self.platform = harness.Platform(cluster, folder)
        self.server = f"http://127.0.0.1:{harness.free_port()}"
        self.worker = f"http://127.0.0.1:{harness.free_port()}"
        self.platform.start_server(SLIDEWAY_METRICS_LISTEN=self.server[len("http://"):])

    def start_worker(self, name="worker", **environment):
        child = self.platform.start_worker(
            name, SLIDEWAY_METRICS_LISTEN=self.worker[len("http://"):], **environment)
        harness.wait_for("the worker's lease", lambda: health(self.worker) == 200)
        return child


def health(address):
    try:
        return requests.get(f"{address}/health", timeout=30).status_code
    except requests.ConnectionError:
        return None


def scrape(address):
    answer = requests.get(f"{address}/metrics", timeout=30)
    assert answer.status_code == 200
    return answer.text


def value(families, name, suffix="", **labels):
    return families[name].samples.get((suffix, tuple(sorted(labels.items()))), 0)


class Since:
    """How much counters grew since this was made."""

    def __init__(self, address):
        self.address = address
        self.before = prometheus_text.parse(scrape(address))

    def now(self):
        self.after = prometheus_text.parse(scrape(self.address))
        return self

    def __call__(self, name, suffix="", **labels):
        return value(self.after, name, suffix, **labels) - value(self.before, name, suffix, **labels)


def fresh(address):
    """Families that the database was asked for after this call began; a busy one may answer too late."""
    def answered():
        time.sleep(FRESH_SECONDS + 0.1)
        families = prometheus_text.parse(scrape(address))
        return families if value(families, "slideway_database_up") == 1 else None
    return harness.wait_for("the database's answer", answered)


@pytest.fixture
def watched(cluster, folder):
    value_ = Watched(cluster, folder)
    yield value_
    value_.platform.stop()


@pytest.fixture(scope="module")
def busy(cluster, module_folder):
    """A platform with a worker that all the tests of counters use."""
    value_ = Watched(cluster, module_folder)
    value_.start_worker()
    yield value_
    value_.platform.stop()


@pytest.fixture(scope="module")
def stored_slide(busy, slide):
    return busy.platform.client().upload(slide), slide.read_bytes()


def test_the_worker_counts_attempts_phases_and_bytes(busy, stored_slide):
    url, content = stored_slide
    client = busy.platform.client()
    since, began = Since(busy.worker), time.monotonic()
    gone = url.replace("signature=", "signature=A")
    run_id = client.create_run("test-app", [
        *(harness.slide_item(f"good-{number}", url, content) for number in range(3)),
        harness.slide_item("checksum", url, b"something else"), harness.slide_item("gone", gone, content)])
    client.wait_for_run(run_id)

    def counted():
        """A slot counts after the commit, which may have been another's, and each claim in two places."""
        since.now()
        asked = sum(since("slideway_claims_total", result=result) for result in ("items", "none", "failed"))
        return (since("slideway_attempt_duration_seconds", "_count", outcome="USER_ERROR") == 2
                and since("slideway_attempt_duration_seconds", "_count", outcome="SUCCEEDED") == 3
                and since("slideway_claim_duration_seconds", "_count") == asked
                and value(since.after, "slideway_worker_slots_busy") == 0)
    harness.wait_for("the last count", counted)
    seconds = time.monotonic() - began
    outcomes = {outcome: since("slideway_attempts_total", outcome=outcome) for outcome in (
        "SUCCEEDED", "USER_ERROR", "SYSTEM_ERROR", "RETRY", "HANDED_BACK", "CANCELLED", "LEASE_LOST")}
    assert outcomes == {"SUCCEEDED": 3, "USER_ERROR": 2, "SYSTEM_ERROR": 0, "RETRY": 0, "HANDED_BACK": 0,
                        "CANCELLED": 0, "LEASE_LOST": 0}
    phases = {phase: since("slideway_attempt_phase_duration_seconds", "_count", phase=phase)
              for phase in ("stage", "run", "store", "commit")}
    assert phases == {"stage": 5, "run": 3, "store": 3, "commit": 5}
    assert since("slideway_claimed_items_total") == 5
    assert 1 <= since("slideway_claims_total", result="items") <= 5
    assert since("slideway_claims_total", result="failed") == 0
    # All but the one whose signature is wrong were staged.
    assert since("slideway_artifact_bytes_total", direction="in") == 4 * len(content)
    with busy.platform.sql() as cursor:
        cursor.execute("SELECT sum(size_bytes)::bigint FROM output_artifacts WHERE run_id = %s", (run_id,))
        assert since("slideway_artifact_bytes_total", direction="out") == cursor.fetchone()[0] > 0
    slots = value(since.after, "slideway_worker_slots")
    assert slots == min(os.cpu_count(), 64)
    assert 0 < since("slideway_attempt_duration_seconds", "_sum", outcome="SUCCEEDED") <= seconds * slots
    for name in ("slideway_worker_leases_lost_total", "slideway_leases_expired_total",
                 "slideway_worker_database_failures_total"):
        assert value(since.after, name) == 0, name


def test_the_server_counts_requests_and_bytes_by_operation_and_status(busy):
    client = busy.platform.client()
    anonymous = harness.Client(busy.platform.api_url, None)
    since = Since(busy.server)
    answers = [client.get(f"/runs/{GONE}"), client.get(f"/runs/{GONE}"), client.get("/runs"),
               client.get("/no-such-thing"), client.request("PATCH", "/runs"), anonymous.get("/runs"),
               client.post("/runs", data=b"{" + b" " * 300_000, headers={"Content-Type": "application/json"})]
    assert [answer.status_code for answer in answers] == [404, 404, 200, 404, 405, 401, 422]
    # A request is open until its last byte has gone, which its client may see first.
    harness.wait_for("the end of the last request", lambda: value(
        since.now().after, "slideway_http_requests_open") == 0)
    expected = {("GET /v1/runs/{run_id}", "404"): 2, ("GET /v1/runs", "200"): 1, ("none", "404"): 1,
                ("none", "405"): 1, ("GET /v1/runs", "401"): 1, ("POST /v1/runs", "422"): 1}
    for (operation, status), count in expected.items():
        assert since("slideway_http_requests_total", operation=operation, status=status) == count
    grown = sum(since("slideway_http_requests_total", **dict(labels))
                for _, labels in since.after["slideway_http_requests_total"].samples)
    assert grown == len(answers)
    for operation, count in {"GET /v1/runs/{run_id}": 2, "GET /v1/runs": 2, "none": 2,
                             "POST /v1/runs": 1}.items():
        assert since("slideway_http_request_duration_seconds", "_count", operation=operation) == count
    assert since("slideway_http_body_bytes_total", direction="out") == sum(
        len(answer.content) for answer in answers)
    assert since("slideway_http_body_bytes_total", direction="in") == 300_001
    assert since("slideway_pool_wait_seconds", "_count") == 1
    # Two single runs; the list without a filter is one, too.
    read = sum(since("slideway_statement_wait_seconds", "_count", **{"class": kind})
               for kind in ("read", "filter"))
    assert read == 3
    assert value(since.after, "slideway_pool_queued") == 0
    for gauge in ("slideway_statements_waiting", "slideway_statements_running"):
        assert set(since.after[gauge].samples.values()) == {0}


def test_the_object_port_counts_requests_and_bytes(busy, slide):
    client = busy.platform.client()
    content = slide.read_bytes()
    since = Since(busy.server)
    url = client.upload(slide)
    assert requests.get(url, timeout=30).content == content
    assert requests.get(url, headers={"Range": "bytes=10-109"}, timeout=30).status_code == 206
    assert requests.head(url, timeout=30).status_code == 200
    assert requests.get(url.replace("signature=", "signature=A"), timeout=30).status_code == 403
    assert requests.post(url, timeout=30).status_code == 405
    wanted = {("PUT", "201"): 1, ("GET", "200"): 1, ("GET", "206"): 1, ("HEAD", "200"): 1,
              ("GET", "403"): 1, ("other", "405"): 1}

    wanted |= {("bytes", "in"): len(content), ("bytes", "out"): len(content) + 100}

    def counted():
        since.now()
        return {(method, status): since("slideway_object_bytes_total", direction=status) if method == "bytes" else
                since("slideway_object_requests_total", method=method, status=status) for method, status in wanted}
    # A request is counted when its last byte has gone, which its client may see first.
    harness.wait_for("the counts", lambda: counted() == wanted)


def test_the_text_is_strict_and_another_reader_agrees(busy):
    for address in (busy.server, busy.worker):
        answer = requests.get(f"{address}/metrics", timeout=30)
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        ours = prometheus_text.parse(answer.text)
        theirs = {family.name: family for family in text_string_to_metric_families(answer.text)}
        assert set(theirs) == {name.removesuffix("_total") for name in ours}
        for name, family in ours.items():
            other = theirs[name.removesuffix("_total")]
            assert other.type == family.kind and other.documentation
            assert {(sample.name.removeprefix(name), tuple(sorted(sample.labels.items()))): sample.value
                    for sample in other.samples} == family.samples


def test_long_phases_have_long_buckets(busy):
    families = prometheus_text.parse(scrape(busy.worker))
    for buckets, _, _ in families["slideway_attempt_duration_seconds"].series().values():
        assert [bound for bound, _ in buckets] == [
            0.01, 0.05, 0.25, 1, 5, 15, 30, 60, 120, 300, 600, 1800, 3600, 14400, math.inf]


BAD_TEXTS = {
    "no end of the last line": "# HELP a b\n# TYPE a gauge\na 1",
    "a sample without a type": "a 1\n",
    "a type without a help": "# TYPE a gauge\na 1\n",
    "a sample that comes twice": "# HELP a b\n# TYPE a gauge\na 1\na 1\n",
    "a metric that comes twice": "# HELP a b\n# TYPE a gauge\na 1\n# HELP a b\n# TYPE a gauge\na 1\n",
    "a quotation mark": '# HELP a b\n# TYPE a gauge\na{b="c"d"} 1\n',
    "a counter without _total": "# HELP a b\n# TYPE a counter\na 1\n",
    "a negative count": "# HELP a_total b\n# TYPE a_total counter\na_total -1\n",
    "buckets that shrink": "# HELP a_seconds b\n# TYPE a_seconds histogram\n"
                           'a_seconds_bucket{le="1"} 2\na_seconds_bucket{le="+Inf"} 1\n'
                           "a_seconds_sum 1\na_seconds_count 1\n",
    "buckets without an end": "# HELP a_seconds b\n# TYPE a_seconds histogram\n"
                              'a_seconds_bucket{le="1"} 1\na_seconds_sum 1\na_seconds_count 1\n',
    "a count that is another": "# HELP a_seconds b\n# TYPE a_seconds histogram\n"
                               'a_seconds_bucket{le="+Inf"} 1\na_seconds_sum 1\na_seconds_count 2\n',
}


@pytest.mark.parametrize("text", BAD_TEXTS.values(), ids=BAD_TEXTS)
def test_the_reader_refuses(text):
    with pytest.raises(prometheus_text.Refused):
        prometheus_text.parse(text)


def test_nothing_tells_of_a_person_a_slide_or_a_secret(busy, stored_slide):
    url, content = stored_slide
    client = busy.platform.client(user="grace", organization="hospital")
    run_id = client.create_run("test-app", [harness.slide_item("Jane Doe 1970", url, content)],
                               custom_metadata={"patient": "Jane"})
    client.wait_for_run(run_id)
    assert client.get("/runs", params={"external_id": "Jane Doe 1970"}).status_code == 200
    text = scrape(busy.server) + scrape(busy.worker)
    token = client.session.headers["Authorization"].split()[1]
    for secret in ("Jane", "grace", "ada", run_id, "signature", "objects/", token.split(".")[2][:12],
                   harness.SIGNING_KEY, "http:"):
        assert secret not in text, secret


def test_other_paths_and_methods_are_refused(busy):
    for address, path in ((busy.server, "/health"), (busy.server, "/"), (busy.worker, "/v1/runs")):
        assert requests.get(address + path, timeout=30).status_code == 404
    refused = requests.post(f"{busy.server}/metrics", data=b"x" * 100_000, timeout=30)
    assert (refused.status_code, refused.headers["Allow"]) == (405, "GET, HEAD")
    assert requests.head(f"{busy.server}/metrics", timeout=30).status_code == 200


def test_the_port_of_the_api_has_no_metrics(busy):
    for path in ("/metrics", "/api/metrics", "/api/v1/metrics"):
        assert requests.get(busy.platform.api_url + path, timeout=30).status_code == 404


def listening(pid):
    """The (address, port) pairs of a process, IPv4; the address as the kernel writes it."""
    inodes = {target.removeprefix("socket:[").rstrip("]")
              for target in harness.open_files(pid) if target.startswith("socket:[")}
    rows = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {(row[1].split(":")[0], int(row[1].split(":")[1], 16)) for row in rows
            if row[3] == "0A" and row[9] in inodes}


def test_metrics_are_off_unless_asked_for_and_listen_where_they_are_told(cluster, folder, busy):
    platform = harness.Platform(cluster, folder)
    loopback = "0100007F"
    try:
        server, worker = platform.start_server(), platform.start_worker()
        assert listening(server.pid) == {(loopback, platform.port), (loopback, platform.object_port)}
        assert listening(worker.pid) == set()
    finally:
        platform.stop()
    ports = {busy.platform.port, busy.platform.object_port, int(busy.server.rpartition(":")[2])}
    assert listening(busy.platform.server.pid) == {(loopback, port) for port in ports}
    assert listening(busy.platform.worker.pid) == {(loopback, int(busy.worker.rpartition(":")[2]))}


@pytest.mark.parametrize("name", ["slideway-server", "slideway-worker"])
@pytest.mark.parametrize("listen, words", [("9464", "must be an address and a port"), (None, "in use")])
def test_a_bad_or_busy_address_is_told_and_nothing_runs(busy, folder, name, listen, words):
    listen = listen or busy.server[len("http://"):]
    environment = busy.platform.environment(
        SLIDEWAY_METRICS_LISTEN=listen, SLIDEWAY_PORT=str(harness.free_port()),
        SLIDEWAY_OBJECT_PORT=str(harness.free_port()), SLIDEWAY_SCRATCH=str(folder / "scratch"),
        SLIDEWAY_WORKER_NAME="other")
    done = subprocess.run([harness.program(name)], capture_output=True, text=True, env=environment,
                          timeout=60, check=False)
    assert done.returncode == 1
    assert "SLIDEWAY_METRICS_LISTEN" in done.stderr and words in done.stderr


def item(number):
    return harness.slide_item(f"slide-{number}", "https://slides.example.org/1.tiff", b"any")


def test_queues_are_told_by_organization(watched):
    strange = 'Clinic "A" \\ B'
    for organization in (strange, "other"):
        watched.platform.add_organization(organization)
    hospital = watched.platform.client()
    runs = [hospital.create_run("test-app", [item(number) for number in range(count)]) for count in (3, 4)]
    watched.platform.client("bob", strange).create_run("test-app", [item(1), item(2)])
    with watched.platform.sql() as cursor:
        cursor.execute("UPDATE runs SET submitted_at = submitted_at - interval '1 hour' WHERE run_id = %s",
                       (runs[0],))
    families = fresh(watched.server)
    assert value(families, "slideway_database_up") == 1
    waiting = {dict(labels)["organization"]: count
               for (_, labels), count in families["slideway_queue_items"].samples.items()}
    assert waiting == {"hospital": 7, strange: 2, "other": 0}
    ages = families["slideway_queue_oldest_age_seconds"]
    assert 3600 <= value(families, ages.name, organization="hospital") <= 3660
    assert 0 <= value(families, ages.name, organization=strange) <= 60
    assert value(families, ages.name, organization="other") == 0
    assert value(families, "slideway_workers", state="alive") == 0
    # A cancelled run waits no more.
    assert hospital.post(f"/runs/{runs[0]}/cancel").status_code == 202
    families = fresh(watched.server)
    assert value(families, "slideway_queue_items", organization="hospital") == 4
    assert value(families, ages.name, organization="hospital") < 3600


def test_items_that_fit_into_no_living_worker_are_counted(watched):
    watched.platform.client("ada", "hospital").create_run("test-app", [item(number) for number in range(3)])
    with watched.platform.sql() as cursor:
        cursor.execute("SELECT admit_arrivals('-infinity')")
    assert value(fresh(watched.server), "slideway_unrunnable_items") == 3
    for memory_bytes, unrunnable in ((1, 3), (1 << 40, 0)):
        with watched.platform.sql() as cursor:
            cursor.execute("SELECT register_worker(%s, 'only', 1, 600, 3, 64, %s, 0)",
                           (harness.new_id(), memory_bytes))
        assert value(fresh(watched.server), "slideway_unrunnable_items") == unrunnable
    with watched.platform.sql() as cursor:
        cursor.execute("UPDATE workers SET ended_at = now()")


def test_the_number_of_organizations_is_bounded(watched):
    with watched.platform.sql() as cursor:
        cursor.execute("INSERT INTO organizations (organization_id, name) "
                       "SELECT 'clinic-' || lpad(n::text, 3, '0'), 'x' FROM generate_series(1, 150) AS n")
    for organization, count in (("clinic-149", 2), ("clinic-150", 1)):
        watched.platform.client(f"of {organization}", organization).create_run(
            "test-app", [item(number) for number in range(count)])
    samples = fresh(watched.server)["slideway_queue_items"].samples
    shown = {dict(labels)["organization"]: count for (_, labels), count in samples.items()}
    # The two that wait, the first 98 of the others by their id, and all the rest together.
    assert shown == {"clinic-149": 2, "clinic-150": 1, "other": 0,
                     **{f"clinic-{number:03d}": 0 for number in range(1, 99)}}


def test_the_database_is_asked_once_a_second_at_most(watched):
    client = watched.platform.client()
    client.get("/runs")

    def depth():
        return value(prometheus_text.parse(scrape(watched.server)), "slideway_queue_items",
                     organization="hospital")
    for expected in range(10):
        time.sleep(FRESH_SECONDS + 0.1)
        began = time.monotonic()
        before = depth()
        assert before == expected
        client.create_run("test-app", [item(1)])
        after = depth()
        if time.monotonic() - began < FRESH_SECONDS:
            assert after == before
            return
    pytest.fail("the machine was too slow to ask twice within a second")


def backends(cluster, platform, application):
    with platform.sql() as cursor:
        cursor.execute("SELECT pid FROM pg_stat_activity WHERE application_name = %s "
                       "AND datname = current_database()", (application,))
        return [row[0] for row in cursor.fetchall()]


def time_of_scrape(url):
    """The seconds that a fresh one takes, and what it says."""
    time.sleep(FRESH_SECONDS + 0.1)
    began = time.monotonic()
    families = prometheus_text.parse(scrape(url))
    return time.monotonic() - began, families


def test_a_database_that_hangs_holds_up_no_scrape(cluster, watched):
    assert value(fresh(watched.server), "slideway_database_up") == 1
    frozen = backends(cluster, watched.platform, "slideway-server")
    for pid in frozen:
        os.kill(pid, signal.SIGSTOP)
    try:
        families = harness.measure_below(8, "it waits for the database", lambda: time_of_scrape(watched.server))
        assert value(families, "slideway_database_up") == 0
        assert "slideway_queue_items" not in families
        assert "slideway_http_requests_total" in families
    finally:
        for pid in frozen:
            os.kill(pid, signal.SIGCONT)
    harness.wait_for("the database's answer", lambda: value(
        prometheus_text.parse(scrape(watched.server)), "slideway_database_up") == 1, pause=0.5)


def test_expired_leases_and_lost_ones_are_counted(watched):
    platform = watched.platform
    folder = sample_application.write(platform.folder / "applications", "napping", script=NAPPING)
    platform.register(folder)
    client = platform.client()
    slide = platform.folder / "slide.bin"
    slide.write_bytes(b"nobody looks into it")
    url = client.upload(slide)
    victim = platform.start_worker("victim", SLIDEWAY_SLOTS="1", SLIDEWAY_LEASE_SECONDS="8")
    run_id = client.create_run("napping", [harness.slide_item("a", url, slide.read_bytes())])
    harness.wait_for("the start", lambda: client.run(run_id)["state"] == "PROCESSING")
    families = fresh(watched.server)
    assert value(families, "slideway_items_processing", organization="hospital") == 1
    assert value(families, "slideway_queue_items", organization="hospital") == 0
    victim.kill()
    leader = watched.start_worker("leader", SLIDEWAY_SLOTS="1", SLIDEWAY_LEASE_SECONDS="12")
    harness.wait_for("the leader's finding", lambda: value(prometheus_text.parse(scrape(
        watched.worker)), "slideway_leases_expired_total") == 1, pause=0.5)

    def told_of_it():
        """It counts the lease, then the items, and tells of both."""
        return [json.loads(line) for line in leader.output().splitlines() if '"lease.expired"' in line]
    [told] = harness.wait_for("its word", told_of_it)
    assert value(prometheus_text.parse(scrape(watched.worker)),
                 "slideway_expired_items_returned_total") == 1
    assert (told["leases"], told["returned_items"]) == (1, 1)
    harness.wait_for("the second attempt", lambda: value(prometheus_text.parse(scrape(
        watched.worker)), "slideway_worker_slots_busy") == 1)
    # A leader that was frozen for longer than its lease finds its attempt cancelled.
    with platform.sql() as cursor:
        cursor.execute("UPDATE workers SET ended_at = now() WHERE name = 'leader'")
    harness.wait_for("the loss of its lease", lambda: value(prometheus_text.parse(scrape(
        watched.worker)), "slideway_worker_leases_lost_total") == 1)
    harness.wait_for("the end of the attempt", lambda: value(prometheus_text.parse(scrape(
        watched.worker)), "slideway_attempts_total", outcome="CANCELLED") == 1)
    leader.kill()


def test_a_worker_without_its_lease_is_not_healthy(watched):
    worker = watched.start_worker(SLIDEWAY_LEASE_SECONDS="6")
    well = requests.get(f"{watched.worker}/health", timeout=30)
    assert (well.status_code, well.json()) == (200, {"status": "UP"})
    worker_backends = backends(None, watched.platform, "slideway-worker")
    for pid in worker_backends:
        os.kill(pid, signal.SIGSTOP)
    try:
        harness.wait_for("the end of the lease", lambda: health(watched.worker) == 503)
        down = requests.get(f"{watched.worker}/health", timeout=30).json()
        assert down == {"status": "DOWN", "reason": "the worker has no lease"}
    finally:
        for pid in worker_backends:
            os.kill(pid, signal.SIGCONT)
    harness.wait_for("a new lease", lambda: health(watched.worker) == 200, pause=0.5)
    worker.kill()
