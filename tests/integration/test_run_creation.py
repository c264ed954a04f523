"""POST /v1/runs more than once, and without making anything: Idempotency-Key and dry_run."""
import concurrent.futures
import datetime
import json
import os
import pathlib
import re
import time

import pytest

import harness

URL = "https://slides.example.org/1.svs"
HUGE = 100


@pytest.fixture(scope="module")
def ada(served):
    return served.client()


def body(count=1, application="test-app", **fields):
    return {"application_id": application, **fields,
            "items": [harness.slide_item(f"slide-{index}", URL, b"") for index in range(count)]}


def keyed(key):
    return {"Idempotency-Key": key}


def row_counts(platform):
    """table -> number of rows, of every table."""
    with platform.sql() as cursor:
        cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'")
        names = sorted(row[0] for row in cursor.fetchall())
        cursor.execute("SELECT " + ", ".join(f"(SELECT count(*) FROM {name})" for name in names))
        return dict(zip(names, cursor.fetchone()))


def test_same_key_and_body_make_one_run(served, ada):
    first = ada.post("/runs", json=body(3), headers=keyed("one"))
    before = row_counts(served)
    again = ada.post("/runs", json=body(3), headers=keyed("one"))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert row_counts(served) == before


def test_without_a_key_each_request_makes_a_run(ada):
    made = {ada.post("/runs", json=body()).json()["run_id"] for _ in range(3)}
    assert len(made) == 3


def test_other_body_is_refused(served, ada):
    assert ada.post("/runs", json=body(1), headers=keyed("two")).status_code == 201
    before = row_counts(served)
    other = ada.post("/runs", json=body(2), headers=keyed("two"))
    assert other.status_code == 422
    assert [problem["loc"] for problem in other.json()["detail"]] == [["header", "idempotency-key"]]
    problem = ada.post("/runs", json=body(2),
                       headers={**keyed("two"), "Accept": "application/problem+json"})
    assert problem.json()["code"] == "idempotency_key_reused"
    assert row_counts(served) == before


def test_run_is_found_when_its_dates_have_passed(served, ada):
    soon = harness.utc_now() + datetime.timedelta(seconds=10)
    request = body(scheduling={"due_date": soon.isoformat()})
    made = ada.post("/runs", json=request, headers=keyed("in-time"))
    assert made.status_code == 201
    harness.wait_for("the due date", lambda: harness.utc_now() > soon)
    before = row_counts(served)
    again = ada.post("/runs", json=request, headers=keyed("in-time"))
    assert (again.status_code, again.json()) == (201, made.json())
    for client, key in ((ada, {}), (ada, keyed("too-late")), (served.client("bob"), keyed("in-time"))):
        late = client.post("/runs", json=request, headers=key)
        assert late.status_code == 422
        assert late.json()["detail"][0]["loc"] == ["body", "scheduling", "due_date"]
    assert row_counts(served) == before


def test_key_belongs_to_its_user(served, ada):
    bob = served.client("bob")
    made = {client.post("/runs", json=body(), headers=keyed("ours")).json()["run_id"]
            for client in (ada, bob)}
    assert len(made) == 2


def test_sixty_four_at_once_make_one_run(served):
    clients = [served.client("eager") for _ in range(64)]
    before = row_counts(served)

    def post(client):
        return client.post("/runs", json=body(HUGE), headers=keyed("burst"))
    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(post, clients))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["run_id"] for answer in answers}) == 1
    after = row_counts(served)
    assert after["runs"] == before["runs"] + 1 and after["items"] == before["items"] + HUGE
    assert after["idempotency_keys"] == before["idempotency_keys"] + 1


@pytest.mark.parametrize("wrong, status", [
    (body(application="none"), 404), ({**body(), "items": []}, 422),
    ({**body(), "items": body(1)["items"] * 2}, 400)], ids=["unknown", "shape", "doubled"])
def test_refused_request_does_not_use_the_key(ada, wrong, status):
    key = keyed(f"refused-{status}")
    assert ada.post("/runs", json=wrong, headers=key).status_code == status
    assert ada.post("/runs", json=body(), headers=key).status_code == 201


def test_key_is_free_again_after_a_day(served, ada):
    def run_id():
        return ada.post("/runs", json=body(), headers=keyed("daily")).json()["run_id"]
    first = run_id()
    with served.sql() as cursor:
        cursor.execute("SELECT expires_at - now() BETWEEN interval '23 h 59 min' AND interval '24 h' "
                       "FROM idempotency_keys WHERE key = 'daily'")
        assert cursor.fetchone() == (True,)
        cursor.execute("UPDATE idempotency_keys SET expires_at = now() + interval '1 min' WHERE key = 'daily'")
    assert run_id() == first
    with served.sql() as cursor:
        cursor.execute("UPDATE idempotency_keys SET expires_at = now() WHERE key = 'daily'")
    assert run_id() != first


def test_expired_keys_are_swept_by_use(served, ada):
    with served.sql() as cursor:
        cursor.execute("INSERT INTO idempotency_keys SELECT 'old', n::text, '', gen_random_uuid(), now() - interval '1 h' "
                       "FROM generate_series(1, 25) AS n")
    for index in range(3):
        ada.post("/runs", json=body(), headers=keyed(f"sweep-{index}"))
    with served.sql() as cursor:
        cursor.execute("SELECT count(*) FROM idempotency_keys WHERE user_id = 'old'")
        assert cursor.fetchone() == (0,)


@pytest.mark.parametrize("key, status", [
    ("k" * 255, 201), ('"8e03978e-40d5-43dd-bc93-6894a57f9324"', 201), ("!~", 201),
    ("", 422), ("k" * 256, 422), ("a b", 422), ("ä".encode(), 422), ("a\tb", 422)],
    ids=lambda value: repr(value)[:12])
def test_keys_have_limits(ada, key, status):
    answer = ada.post("/runs", json=body(), headers=keyed(key))
    assert answer.status_code == status
    if status == 422:
        assert answer.json()["detail"][0]["loc"] == ["header", "idempotency-key"]


# Dry runs.

def dry(client, request, **options):
    return client.post("/runs", params={"dry_run": "true"}, json=request, **options)


def test_dry_run_says_what_would_be_made_and_makes_nothing(served, ada):
    before = row_counts(served)
    answer = dry(ada, body(3))
    assert answer.status_code == 200
    assert answer.json() == {"dry_run": True, "application_id": "test-app", "version_number": "1.0.0",
                             "item_count": 3}
    assert row_counts(served) == before


def test_dry_run_leaves_no_trace_of_a_new_user(served):
    before = row_counts(served)
    assert dry(served.client("nobody", "nowhere"), body()).status_code == 200
    assert row_counts(served) == before


def other_artifact():
    request = body()
    request["items"][0]["input_artifacts"][0]["name"] = "other"
    return request


@pytest.mark.parametrize("request_body", [
    {}, {**body(), "items": []}, body(application="none"), body(version_number="9.9.9"),
    {**body(), "items": body(1)["items"] * 2}, other_artifact()],
    ids=["empty", "no-items", "application", "version", "doubled", "artifact"])
def test_dry_run_is_refused_as_the_run_would_be(served, ada, request_body):
    before = row_counts(served)
    tried, real = dry(ada, request_body), ada.post("/runs", json=request_body)
    assert (tried.status_code, tried.json()) == (real.status_code, real.json())
    assert tried.status_code in (400, 404, 422)
    assert row_counts(served) == before


def test_dry_run_does_not_use_the_key(ada):
    assert dry(ada, body(2), headers=keyed("dry")).status_code == 200
    made = ada.post("/runs", json=body(1), headers=keyed("dry"))
    assert made.status_code == 201
    assert dry(ada, body(1), headers=keyed("dry")).status_code == 200


@pytest.mark.parametrize("value, status", [("true", 200), ("1", 200), ("false", 201), ("0", 201), ("", 422),
                                           ("maybe", 422)])
def test_dry_run_is_a_boolean(ada, value, status):
    answer = ada.post("/runs", params={"dry_run": value}, json=body())
    assert answer.status_code == status
    if status == 422:
        assert answer.json()["detail"][0]["loc"] == ["query", "dry_run"]


def large_body(number):
    """10,000 items as a client sends them, 6 MB; no two bodies are alike."""
    items = [{"external_id": f"/slides/{number}/case-{index:05}.svs",
              "custom_metadata": {"case": f"case-{index:05}", "block": "A1", "tags": ["first", "H&E"]},
              "input_artifacts": [{
                  "name": "whole_slide_image",
                  "download_url": f"https://slides.example.org/{number}/{index}?signature={'0' * 64}",
                  "metadata": {"checksum_base64_crc32c": "AAAAAA==", "media_type": "image/tiff",
                               "width_px": 100000, "height_px": 80000, "resolution_mpp": 0.25}}]}
             for index in range(10_000)]
    return json.dumps({"application_id": "test-app", "items": items}).encode()


def peak_mib(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(re.search(r"^VmHWM:\s+(\d+)", status, re.MULTILINE)[1]) / 1024


def test_runs_of_ten_thousand_items_fit_in_64_mib_again_and_again(cluster, module_folder):
    """Two at a time, six in all: what one of them needed is given back before the next."""
    folder = module_folder / "large"
    folder.mkdir()
    platform = harness.Platform(cluster, folder)
    try:
        server = platform.start_server()

        def send(number):
            client = platform.client(f"user {number}")
            return client.post("/runs", data=large_body(number),
                               headers={"Content-Type": "application/json"})

        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            answers = list(pool.map(send, range(6)))
        assert [answer.status_code for answer in answers] == [201] * 6, answers[0].text
        with platform.sql() as cursor:
            cursor.execute("SELECT count(*), count(DISTINCT run_id) FROM items")
            assert cursor.fetchone() == (60_000, 6)
        # A sanitizer keeps freed memory and puts its own beside it.
        if "ASAN_OPTIONS" not in os.environ and "TSAN_OPTIONS" not in os.environ:
            assert peak_mib(server.pid) < 64
    finally:
        platform.stop()


def test_connection_that_sent_a_large_run_is_opened_anew(served, ada):
    """libpq's buffer would keep the size of the run."""
    def backends():
        with served.sql() as cursor:
            cursor.execute("SELECT pid FROM pg_stat_activity WHERE application_name = 'slideway-server'"
                           " AND datname = current_database()")
            return {row[0] for row in cursor.fetchall()}

    def send(content):
        answer = ada.post("/runs", data=content, headers={"Content-Type": "application/json"})
        assert answer.status_code == 201, answer.text

    send(json.dumps(body(100)))
    before = backends()
    send(json.dumps(body(100)))
    assert backends() == before
    send(large_body(0))
    harness.wait_for("a new connection", lambda: len(backends() - before) == 1)
    harness.wait_for("the end of the old one", lambda: len(before - backends()) == 1)
    send(json.dumps(body(100)))
