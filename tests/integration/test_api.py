"""The answers of the public API: the shape of each operation, under both of its addresses, and health.
"""
import concurrent.futures
import contextlib
import os
import re
import signal
import socket
import struct
import time

import psycopg2
import pytest
import requests

import database_proxy
import harness
from public_api import OUTPUT_TEXT, URL, detail, field_problems, items

TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")


# The keys of the contract, with those that its later form adds to runs and items.
RUN_KEYS = {
    "run_id", "application_id", "version_number", "state", "output", "termination_reason",
    "error_code", "error_message", "statistics", "custom_metadata", "custom_metadata_checksum",
    "submitted_at", "submitted_by", "terminated_at",
    "organization_id", "num_preceding_items_org", "num_preceding_items_platform", "scheduling"}
STATISTICS_KEYS = {
    "item_count", "item_pending_count", "item_processing_count", "item_user_error_count",
    "item_system_error_count", "item_skipped_count", "item_succeeded_count"}
ITEM_KEYS = {
    "item_id", "external_id", "custom_metadata", "custom_metadata_checksum", "state", "output",
    "termination_reason", "error_code", "error_message", "terminated_at", "output_artifacts",
    "input_artifacts", "queue_position_org", "queue_position_platform"}
INPUT_KEYS = {"input_artifact_id", "name", "metadata", "download_url"}
OUTPUT_KEYS = {
    "output_artifact_id", "name", "metadata", "state", "termination_reason", "output", "error_code",
    "error_message", "download_url"}
APPLICATION_SHORT_KEYS = {
    "application_id", "name", "regulatory_classes", "description", "latest_version"}
APPLICATION_KEYS = {"application_id", "name", "regulatory_classes", "description", "versions"}
VERSION_KEYS = {
    "version_number", "changelog", "input_artifacts", "output_artifacts", "released_at"}
DECLARED_INPUT_KEYS = {"name", "mime_type", "metadata_schema"}
DECLARED_OUTPUT_KEYS = {"name", "mime_type", "metadata_schema", "scope", "visibility"}
ME_USER_KEYS = {
    "id", "email", "email_verified", "name", "given_name", "family_name", "nickname", "picture",
    "updated_at"}
ME_ORGANIZATION_TEXTS = {
    "id", "aignostics_bucket_hmac_access_key_id", "aignostics_bucket_hmac_secret_access_key",
    "aignostics_bucket_name", "aignostics_bucket_protocol", "aignostics_logfire_token",
    "aignostics_sentry_dsn"}


# Shapes, under both addresses.


def check_run(run, run_id):
    assert set(run) == RUN_KEYS
    assert set(run["statistics"]) == STATISTICS_KEYS
    assert TIME.match(run["submitted_at"]) and re.match(r"^[0-9a-f]{8}$", run["custom_metadata_checksum"])
    del run["submitted_at"], run["custom_metadata_checksum"]
    assert run == {
        "run_id": run_id, "application_id": "he-tme", "version_number": "1.0.0",
        "state": "PENDING", "output": "PARTIAL", "termination_reason": None, "error_code": None,
        "error_message": None, "custom_metadata": {"b": 1, "a": 2}, "submitted_by": "grace",
        "terminated_at": None, "organization_id": "hospital", "num_preceding_items_org": 0,
        "num_preceding_items_platform": 0, "scheduling": None,
        "statistics": {
            "item_count": 4, "item_pending_count": 1, "item_processing_count": 0,
            "item_user_error_count": 1, "item_system_error_count": 1, "item_skipped_count": 0,
            "item_succeeded_count": 1}}


def test_shape_of_a_run(reader, shown):
    answer = reader.get(f"/runs/{shown}")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    check_run(answer.json(), shown)
    assert list(answer.json()["custom_metadata"]) == ["b", "a"], "the order is the client's"


def test_shape_of_the_list_of_runs(reader, shown):
    answer = reader.get("/runs")
    assert answer.status_code == 200
    [run] = answer.json()
    check_run(run, shown)


# What the four items of `shown` are, in their order.
SHOWN_ITEMS = [
    {"external_id": "slide-0", "state": "TERMINATED", "output": "FULL",
     "termination_reason": "SUCCEEDED", "error_code": None, "error_message": None,
     "custom_metadata": {"case_id": "C-1", "flags": ["reviewed"]}},
    {"external_id": "slide-1", "state": "TERMINATED", "output": "NONE",
     "termination_reason": "USER_ERROR", "error_code": "WRONG_STAIN",
     "error_message": "The slide is not stained.", "custom_metadata": None},
    {"external_id": "slide-2", "state": "TERMINATED", "output": "NONE",
     "termination_reason": "SYSTEM_ERROR", "error_code": None,
     "error_message": "The application fell over.", "custom_metadata": None},
    {"external_id": "slide-3", "state": "PENDING", "output": "NONE", "termination_reason": None,
     "error_code": None, "error_message": None, "custom_metadata": None},
]


def check_item(item, want):
    assert set(item) == ITEM_KEYS
    assert {key: item[key] for key in want} == want
    ended = want["state"] == "TERMINATED"
    assert (TIME.match(item["terminated_at"]) if ended else item["terminated_at"] is None)
    assert (item["custom_metadata_checksum"] is None) == (want["custom_metadata"] is None)
    place = None if ended else 0
    assert item["queue_position_org"] == place and item["queue_position_platform"] == place
    [given] = item["input_artifacts"]
    assert set(given) == INPUT_KEYS
    assert given["name"] == "whole_slide_image" and given["download_url"] == URL
    assert given["metadata"] == {"checksum_base64_crc32c": "AAAAAA==", "width_px": 512,
                                 "height_px": 512, "resolution_mpp": 0.5, "media_type": "image/tiff"}
    assert len(item["output_artifacts"]) == (1 if want["output"] == "FULL" else 0)


def check_output(artifact):
    assert set(artifact) == OUTPUT_KEYS
    url = artifact.pop("download_url")
    assert len(url) <= 2083
    downloaded = requests.get(url, timeout=60)
    assert (downloaded.status_code, downloaded.content) == (200, OUTPUT_TEXT)
    artifact.pop("output_artifact_id")
    assert artifact == {
        "name": "tissue_qc:csv_class_information", "state": "TERMINATED",
        "termination_reason": "SUCCEEDED", "output": "AVAILABLE", "error_code": None,
        "error_message": None,
        "metadata": {"media_type": "text/csv", "checksum_base64_crc32c": harness.crc32c(OUTPUT_TEXT)}}


def test_shape_of_the_list_of_items(reader, shown):
    answer = reader.get(f"/runs/{shown}/items")
    assert answer.status_code == 200
    found = answer.json()
    assert len(found) == len(SHOWN_ITEMS)
    for item, want in zip(found, SHOWN_ITEMS):
        check_item(item, want)
    check_output(found[0]["output_artifacts"][0])


@pytest.mark.parametrize("index", range(len(SHOWN_ITEMS)))
def test_shape_of_an_item(reader, shown, index):
    answer = reader.get(f"/runs/{shown}/items/slide-{index}")
    assert answer.status_code == 200
    check_item(answer.json(), SHOWN_ITEMS[index])
    if index == 0:
        check_output(answer.json()["output_artifacts"][0])


def test_shape_of_the_list_of_applications(reader):
    answer = reader.get("/applications")
    assert answer.status_code == 200
    found = {one["application_id"]: one for one in answer.json()}
    assert set(found) == {"he-tme", "test-app"}
    for one in found.values():
        assert set(one) == APPLICATION_SHORT_KEYS
        assert set(one["latest_version"]) == {"number", "released_at"}
    assert found["he-tme"] == {
        "application_id": "he-tme", "name": "The application he-tme",
        "description": "Made by a test: he-tme", "regulatory_classes": ["RUO"],
        "latest_version": {"number": "1.0.0", "released_at": "2026-01-02T03:04:05Z"}}
    assert found["test-app"]["name"] == "Test Application"


def test_shape_of_an_application(reader):
    answer = reader.get("/applications/he-tme")
    assert answer.status_code == 200
    assert set(answer.json()) == APPLICATION_KEYS
    at = "2026-01-02T03:04:05Z"
    assert answer.json()["versions"] == [  # by precedence, the newest first
        {"number": "1.0.0", "released_at": at}, {"number": "1.0.0-beta", "released_at": at},
        {"number": "0.9.0", "released_at": at}]


def test_shape_of_a_version(reader):
    answer = reader.get("/applications/test-app/versions/1.0.0")
    assert answer.status_code == 200
    version = answer.json()
    assert set(version) == VERSION_KEYS
    assert version["version_number"] == "1.0.0" and TIME.match(version["released_at"])
    [declared] = version["input_artifacts"]
    assert DECLARED_INPUT_KEYS <= set(declared)
    assert (declared["name"], declared["mime_type"]) == ("whole_slide_image", "image/tiff")
    for one in version["output_artifacts"]:
        assert set(one) == DECLARED_OUTPUT_KEYS
        assert isinstance(one["metadata_schema"], dict)
    assert [(one["name"], one["mime_type"]) for one in version["output_artifacts"]] == [
        ("tissue_qc:segmentation_map_image", "image/tiff"),
        ("tissue_qc:geojson_polygons", "application/geo+json"),
        ("tissue_qc:csv_class_information", "text/csv"),
        ("tissue_segmentation:segmentation_map_image", "image/tiff"),
        ("tissue_segmentation:geojson_polygons", "application/geo+json"),
        ("tissue_segmentation:csv_class_information", "text/csv")]
    assert {(one["scope"], one["visibility"]) for one in version["output_artifacts"]} == {
        ("ITEM", "EXTERNAL")}


def test_shape_of_me(reader, shown):
    answer = reader.get("/me")
    assert answer.status_code == 200
    assert set(answer.json()) == {"user", "organization"}
    person, organization = answer.json()["user"], answer.json()["organization"]
    assert set(person) == ME_USER_KEYS
    assert (person["id"], person["email"], person["name"]) == ("grace", "grace@example.org", "grace")
    assert set(organization) == ME_ORGANIZATION_TEXTS | {"name", "display_name"}
    assert organization["id"] == "hospital"
    assert all(isinstance(organization[key], str) for key in ME_ORGANIZATION_TEXTS)


def test_shape_of_a_creation_and_of_changes(reader):
    answer = reader.post("/runs", json={"application_id": "he-tme", "items": items()})
    assert answer.status_code == 201
    assert set(answer.json()) == {"run_id"}
    run_id = answer.json()["run_id"]
    assert reader.get(f"/runs/{run_id}").json()["version_number"] == "1.0.0", "the latest version"
    for path in (f"/runs/{run_id}", f"/runs/{run_id}/items/slide-0"):
        changed = reader.put(f"{path}/custom-metadata", json={"custom_metadata": {"a": 1}})
        assert changed.status_code == 200
        assert set(changed.json()) == {"custom_metadata_checksum"}
    cancelled = reader.post(f"/runs/{run_id}/cancel")
    assert (cancelled.status_code, cancelled.json()) == (202, None)
    deleted = reader.delete(f"/runs/{run_id}/artifacts")
    assert (deleted.status_code, deleted.json()) == (200, None)
    # Nothing of this may be left for the list of `shown`'s user.
    with_runs = reader.get("/runs", params={"external_id": "slide-3"}).json()
    assert len(with_runs) == 1


# Health.

@pytest.mark.parametrize("path", ["/health", "/api/v1/health", "/api/v1/healthz", "/v1/health"])
def test_health_needs_no_token_and_minds_none(api, path):
    for headers in ({}, {"Authorization": "Bearer nonsense"}):
        answer = requests.get(api.api_url + path, headers=headers, timeout=60, allow_redirects=False)
        assert (answer.status_code, answer.json()) == (200, {"status": "UP"})


def ok_json(answer):
    return answer.json() if answer.status_code == 200 else None


def test_health_is_down_while_the_database_is_away(folder):
    cluster = harness.Cluster()
    platform = harness.Platform(cluster, folder)
    try:
        platform.start_server()
        client = platform.client()
        run_id = client.create_run("test-app", items())
        cluster.stop()
        for path in ("/health", "/api/v1/health", "/api/v1/healthz"):
            answer = requests.get(platform.api_url + path, timeout=60)
            assert answer.status_code == 503
            assert set(answer.json()) == {"status", "reason"} and answer.json()["status"] == "DOWN"
            assert answer.json()["reason"] and "slideway-pg" not in answer.json()["reason"]
            assert int(answer.headers["Retry-After"]) >= 1
        refused = client.get(f"/runs/{run_id}")
        assert refused.status_code == 503 and detail(refused)
        assert client.post("/runs", json={"application_id": "test-app", "items": items()}
                           ).status_code == 503
        cluster.start()
        harness.wait_for("health after the database's return", platform.healthy)
        harness.wait_for("the run", lambda: client.get(f"/runs/{run_id}").status_code == 200)
        runs = harness.wait_for("the runs", lambda: ok_json(client.get("/runs")))
        assert [run["run_id"] for run in runs] == [run_id], "the refused run was not created"
    finally:
        platform.stop()
        cluster.remove()


def test_health_is_down_while_the_database_hangs(folder):
    cluster = harness.Cluster()
    platform = harness.Platform(cluster, folder)
    stopped = []
    try:
        platform.start_server()
        client = platform.client()
        assert client.get("/runs").status_code == 200
        with platform.sql() as cursor:
            cursor.execute("SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' "
                           "AND pid <> pg_backend_pid()")
            stopped = [cluster.child.pid, *(row[0] for row in cursor.fetchall())]
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            runs = pool.submit(client.get, "/runs", timeout=60)
            answer = requests.get(platform.api_url + "/health", timeout=60)
            assert (answer.status_code, answer.json()["status"]) == (503, "DOWN")
            assert answer.json()["reason"]
            assert runs.result().status_code == 503
        for pid in stopped:
            os.kill(pid, signal.SIGCONT)
        harness.wait_for("health after the database's return", platform.healthy)
        harness.wait_for("the runs", lambda: client.get("/runs").status_code == 200)
    finally:
        for pid in stopped:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        platform.stop()
        cluster.remove()


# A request whose statement waits for a lock when its connection is lost → what may be answered. What
# only reads is asked once more; of a write nobody knows whether it was carried out.
LOST_IN_THE_MIDDLE = {"read": ("GET", "/runs/{run_id}", (200, 503)),
                      "write": ("POST", "/runs/{run_id}/cancel", (503,))}


@pytest.mark.parametrize("case", LOST_IN_THE_MIDDLE)
def test_connection_that_is_lost_is_no_error_of_ours(cluster, folder, case):
    method, path, statuses = LOST_IN_THE_MIDDLE[case]
    platform = harness.Platform(cluster, folder)
    proxy = database_proxy.DatabaseProxy()
    holder = psycopg2.connect(platform.database)
    try:
        proxy.add("server", folder / "line", cluster.folder)
        platform.start_server(SLIDEWAY_DATABASE=platform.database.replace(
            f"host={cluster.folder}", f"host={folder / 'line'}"))
        client = platform.client()
        path = path.format(run_id=client.create_run("test-app", items()))
        with concurrent.futures.ThreadPoolExecutor() as pool, holder.cursor() as cursor:
            cursor.execute("LOCK TABLE run_progress")
            answer = pool.submit(client.request, method, path)

            def waits():
                cursor.execute("SELECT FROM pg_locks WHERE NOT granted AND relation = 'run_progress'::regclass")
                return cursor.fetchone() is not None
            harness.wait_for("the statement", waits)
            proxy.cut("server")
            holder.rollback()
            assert answer.result().status_code in statuses, answer.result().text
            assert answer.result().status_code == 200 or int(answer.result().headers["Retry-After"]) >= 1
    finally:
        holder.close()
        platform.stop()
        proxy.stop()


RESETS = 200


def reset_while_it_waits(platform, request, seconds):
    """Sends a request and breaks its connection before the answer, so that the server sees an error."""
    with socket.create_connection(("127.0.0.1", platform.port), timeout=60) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.sendall(request)
        time.sleep(seconds)


def open_requests(metrics):
    text = requests.get(f"http://{metrics}/metrics", timeout=60).text
    return int(re.search(r"^slideway_http_requests_open (\d+)$", text, re.MULTILINE)[1])


def test_connection_that_breaks_while_its_request_waits_harms_no_other(cluster, folder):
    # The statements stay in flight while the requests that asked for them end, and new ones come.
    platform = harness.Platform(cluster, folder)
    metrics = f"127.0.0.1:{harness.free_port()}"
    holder = psycopg2.connect(platform.database)
    try:
        platform.start_server(SLIDEWAY_METRICS_LISTEN=metrics)
        client = platform.client()
        broken, *others = [client.create_run("test-app", items()) for _ in range(5)]
        request = (f"GET /api/v1/runs/{broken} HTTP/1.1\r\nHost: x\r\n"
                   f"Authorization: Bearer {platform.issuer.token('ada', 'hospital')}\r\n\r\n").encode()
        with concurrent.futures.ThreadPoolExecutor() as pool, holder.cursor() as cursor:
            # The metrics do not read it.
            cursor.execute("LOCK TABLE queue_positions")
            for number in range(RESETS):
                reset_while_it_waits(platform, request, number % 20 * 50e-6)
            answers = [pool.submit(platform.client().get, f"/runs/{run_id}") for run_id in others]
            harness.wait_for("requests that wait", lambda: open_requests(metrics) >= len(others))
            holder.rollback()
            assert [answer.result().json()["run_id"] for answer in answers] == others
        harness.wait_for("the end of all requests", lambda: open_requests(metrics) == 0)
        assert platform.server.running()
    finally:
        holder.close()
        platform.stop()


# Uploads to the local store, which stand beside the contract.

def test_upload_is_given_one_place_to_put_and_one_to_get(user):
    answer = user.post("/uploads", json={"name": "../a b.tiff", "size_bytes": 5})
    assert answer.status_code == 201
    links = answer.json()
    assert set(links) == {"object_key", "upload_url", "download_url"}
    assert requests.get(links["download_url"], timeout=60).status_code == 404
    assert requests.put(links["upload_url"], data=b"12345", timeout=60).status_code == 201
    assert requests.get(links["download_url"], timeout=60).content == b"12345"
    assert field_problems(user.post("/uploads", json={})) == [["body", "name"]]
