"""What the server does around its operations: names of requests, problems, tags, rate limits, paths
that hold any text, and what its log does not say."""
import contextlib
import json
import os
import re
import socket
import subprocess
import time
import urllib.parse
import uuid

import pytest
import requests

import harness

ITEMS = [{"external_id": "slide-1", "input_artifacts": [{
    "name": "whole_slide_image", "download_url": "https://slides.example.org/1.svs",
    "metadata": {"media_type": "image/tiff", "checksum_base64_crc32c": "AAAAAA==",
                 "width_px": 512, "height_px": 512, "resolution_mpp": 0.5}}]}]
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"
PROBLEM = {"Accept": "application/problem+json"}
ANY_RUN = "01900000-0000-7000-8000-000000000000"


@pytest.fixture(scope="module")
def served(cluster, module_folder):
    """A server that logs every request, and no worker."""
    value = harness.Platform(cluster, module_folder)
    try:
        value.metrics = f"127.0.0.1:{harness.free_port()}"
        value.start_server(SLIDEWAY_LOG_LEVEL="debug", SLIDEWAY_METRICS_LISTEN=value.metrics)
        yield value
    finally:
        value.stop()


@pytest.fixture(scope="module")
def ada(served):
    return served.client()


@pytest.fixture(scope="module")
def run_id(ada):
    return ada.create_run("test-app", ITEMS)


def log_lines(platform, **wanted):
    lines = [json.loads(line) for line in platform.server.output().splitlines()]
    return [line for line in lines if wanted.items() <= line.items()]


def exchange(platform, *lines):
    """Sends bytes as they are and returns (status, headers, body): no library corrects them."""
    with socket.create_connection(("127.0.0.1", platform.port), timeout=60) as connection:
        connection.sendall(b"\r\n".join([*lines, b"Host: x", b"Connection: close", b"", b""]))
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *rest = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
    return int(first.split()[1]), headers, body


# Names of a request.

@pytest.mark.parametrize("sent", ["a", "Case-7_x.y~z:1+2=/@", "x" * 128, str(uuid.uuid4())])
def test_sane_request_id_comes_back_and_is_logged(served, ada, sent):
    answer = ada.get("/applications", headers={"X-Request-Id": sent})
    assert answer.headers["X-Request-Id"] == sent
    assert log_lines(served, event="request.answered", request_id=sent, status=200)


@pytest.mark.parametrize("sent", [
    b"", b" ", b"a b", b"x" * 129, b"a\tb", b'"quoted"', b"{}", b"<script>", b"\xff\xfe", b"a;b", b"a,b",
    b"a%0d%0aSet-Cookie:b"], ids=repr)
def test_other_request_id_is_replaced(served, sent):
    status, headers, _ = exchange(served, b"GET /health HTTP/1.1", b"X-Request-Id: " + sent)
    assert status == 200
    assert re.fullmatch("[0-9a-f]{32}", headers["x-request-id"])


def test_line_break_in_a_request_id_adds_no_header(served):
    for line_break in (b"\r\n", b"\n", b"\r"):
        _, headers, _ = exchange(served, b"GET /health HTTP/1.1",
                                 b"X-Request-Id: a" + line_break + b"Set-Cookie: b")
        assert "set-cookie" not in headers


def test_two_request_ids_are_none(served):
    _, headers, _ = exchange(served, b"GET /health HTTP/1.1", b"X-Request-Id: a", b"X-Request-Id: b")
    assert re.fullmatch("[0-9a-f]{32}", headers["x-request-id"])


def test_trace_goes_on_with_a_new_parent(served, ada):
    answer = ada.get("/applications", headers={"traceparent": f"00-{TRACE}-{PARENT}-01"})
    version, trace, parent, flags = answer.headers["traceparent"].split("-")
    assert (version, trace, flags) == ("00", TRACE, "01")
    assert re.fullmatch("[0-9a-f]{16}", parent) and parent != PARENT
    assert log_lines(served, event="request.answered", trace_id=TRACE,
                     request_id=answer.headers["X-Request-Id"])


@pytest.mark.parametrize("sent", [
    "", "x", f"00-{TRACE}-{PARENT}", f"ff-{TRACE}-{PARENT}-01", f"00-{TRACE.upper()}-{PARENT}-01",
    f"00-{'0' * 32}-{PARENT}-01", f"00-{TRACE}-{'0' * 16}-01", f"00-{TRACE[:-1]}g-{PARENT}-01",
    f"00-{TRACE}-{PARENT}-01-x", f"00-{TRACE}-{PARENT}-1", f"00-{TRACE}-{PARENT}-01" + "0" * 5000])
def test_broken_trace_is_replaced(ada, sent):
    answer = ada.get("/applications", headers={"traceparent": sent})
    assert answer.status_code == 200
    assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-00", answer.headers["traceparent"])
    assert TRACE not in answer.headers["traceparent"]


def test_each_request_has_a_trace_of_its_own(ada):
    answers = [ada.get("/applications") for _ in range(200)]
    assert len({answer.headers["X-Request-Id"] for answer in answers}) == 200


def test_only_who_traces_is_told_the_trace(served, ada):
    answer = ada.get("/applications")
    assert "traceparent" not in answer.headers
    [line] = log_lines(served, event="request.answered", request_id=answer.headers["X-Request-Id"])
    assert re.fullmatch("[0-9a-f]{32}", line["trace_id"])


# Problems.

PROBLEMS = [
    # method, path, options, status, code
    ("GET", f"/runs/{ANY_RUN}", {}, 404, "run_not_found"),
    ("GET", f"/runs/{ANY_RUN}/items", {}, 404, "run_not_found"),
    ("POST", f"/runs/{ANY_RUN}/cancel", {}, 404, "run_not_found"),
    ("DELETE", f"/runs/{ANY_RUN}/artifacts", {}, 404, "run_not_found"),
    ("GET", "/runs/{run}/items/none", {}, 404, "item_not_found"),
    ("GET", "/applications/none", {}, 404, "application_not_found"),
    ("GET", "/applications/none/versions/1.0.0", {}, 404, "application_version_not_found"),
    ("POST", "/runs", {"json": {"application_id": "none", "items": ITEMS}}, 404,
     "application_version_not_found"),
    ("GET", "/nothing", {}, 404, "not_found"),
    ("DELETE", "/runs", {}, 405, "method_not_allowed"),
    ("DELETE", "/runs/{run}/artifacts", {}, 409, "run_not_terminated"),
    ("PUT", "/runs/{run}/custom-metadata",
     {"json": {"custom_metadata": {}, "custom_metadata_checksum": "00000000"}}, 412, "checksum_mismatch"),
    ("GET", "/runs/x", {}, 422, "validation_failed"),
    ("GET", "/runs", {"params": {"page": "0", "page_size": "x"}}, 422, "validation_failed"),
    ("POST", "/runs", {"json": {}}, 422, "validation_failed"),
    ("POST", "/runs", {"json": {"application_id": "test-app", "items": ITEMS * 2}}, 400, "input_rejected"),
]


@pytest.mark.parametrize("method, path, options, status, code", PROBLEMS, ids=lambda value: str(value)[:40])
def test_problem_says_what_the_detail_says(ada, run_id, method, path, options, status, code):
    path = path.replace("{run}", run_id)
    plain = ada.request(method, path, **options)
    problem = ada.request(method, path, headers=PROBLEM, **options)
    assert (plain.status_code, plain.headers["Content-Type"]) == (status, "application/json")
    assert (problem.status_code, problem.headers["Content-Type"]) == (status, "application/problem+json")
    assert list(plain.json()) == ["detail"]
    body = problem.json()
    assert body["code"] == code and body["type"] == f"urn:slideway:problem:{code}"
    assert body["status"] == status and body["title"]
    assert body["instance"] == "/api/v1" + path
    assert body["request_id"] == problem.headers["X-Request-Id"]
    detail = plain.json()["detail"]
    if isinstance(detail, list):
        assert body["errors"] == detail and body["detail"] == detail[0]["msg"]
    else:
        assert body["detail"] == detail and "errors" not in body


def test_missing_token_is_a_problem_too(served):
    answer = requests.get(f"{served.api_url}/v1/me", headers=PROBLEM, timeout=60)
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("accept, problem", [
    ("application/json, application/problem+json;q=0.9", True), ("*/*", False), ("application/json", False),
    ("application/problem+json;q=0", False), ("text/html", False)])
def test_only_who_names_problems_gets_them(ada, accept, problem):
    answer = ada.get("/runs/x", headers={"Accept": accept})
    assert answer.headers["Content-Type"] == ("application/problem+json" if problem else "application/json")


def test_query_does_not_stand_in_a_problem(ada):
    answer = ada.get(f"/runs/{ANY_RUN}", params={"share_token": "shr_secret"}, headers=PROBLEM)
    assert "secret" not in answer.text


# Where a body ends.

DOUBTFUL = {
    "two_lengths": [b"Content-Length: 2", b"Content-Length: 40"],
    "the_same_twice": [b"Content-Length: 2", b"Content-Length: 2"],
    "length_and_chunks": [b"Content-Length: 2", b"Transfer-Encoding: chunked"],
    "chunks_and_length": [b"Transfer-Encoding: chunked", b"Content-Length: 2"],
}


@pytest.mark.parametrize("case", DOUBTFUL)
@pytest.mark.parametrize("path", [b"/v1/runs", b"/nothing"])
def test_a_body_whose_end_is_doubtful_costs_the_connection(served, ada, path, case):
    lines = [b"POST " + path + b" HTTP/1.1", b"Host: x", b"Accept: application/problem+json",
             b"Authorization: " + ada.session.headers["Authorization"].encode(), *DOUBTFUL[case], b"", b""]
    smuggled = b"{}\r\n0\r\n\r\nGET /health HTTP/1.1\r\nHost: x\r\n\r\n"
    with socket.create_connection(("127.0.0.1", served.port), timeout=60) as connection:
        connection.sendall(b"\r\n".join(lines) + smuggled)
        answer = b""
        with contextlib.suppress(ConnectionResetError):
            while chunk := connection.recv(65536):
                answer += chunk
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert json.loads(body)["code"] == "malformed_request"


# Tags.

TAGGED = ["/runs/{run}", "/runs/{run}/items", "/runs/{run}/items/slide-1"]


@pytest.mark.parametrize("path", TAGGED)
def test_unchanged_answer_is_not_sent_again(ada, run_id, path):
    path = path.replace("{run}", run_id)
    first = ada.get(path)
    tag = first.headers["ETag"]
    assert re.fullmatch('"[0-9a-f]{32}"', tag)
    for header in (tag, f'"other", W/{tag}', "*"):
        again = ada.get(path, headers={"If-None-Match": header})
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
        # RFC 9110, 8.6: none, or that of the answer that is left out. A cache may take it over.
        assert again.headers["Content-Length"] == first.headers["Content-Length"]
        assert "Content-Type" not in again.headers
    for header in ('"other"', tag.strip('"'), ""):
        again = ada.get(path, headers={"If-None-Match": header})
        assert (again.status_code, again.json()) == (200, first.json())


def test_connection_goes_on_after_304(ada, run_id):
    tag = ada.get(f"/runs/{run_id}").headers["ETag"]
    for _ in range(5):
        assert ada.get(f"/runs/{run_id}", headers={"If-None-Match": tag}).status_code == 304
        assert ada.get(f"/runs/{run_id}").status_code == 200


@pytest.mark.parametrize("path", TAGGED)
def test_changed_answer_has_another_tag(ada, path):
    run = ada.create_run("test-app", ITEMS)
    path = path.replace("{run}", run)
    tag = ada.get(path).headers["ETag"]
    for target in (f"/runs/{run}", f"/runs/{run}/items/slide-1"):
        assert ada.put(f"{target}/custom-metadata", json={"custom_metadata": {"a": 1}}).status_code == 200
    changed = ada.get(path, headers={"If-None-Match": tag})
    assert changed.status_code == 200 and changed.headers["ETag"] != tag


def test_tag_gives_nobody_what_they_may_not_see(served, ada, run_id):
    tag = ada.get(f"/runs/{run_id}").headers["ETag"]
    stranger = served.client("eve", "elsewhere")
    for header in (tag, "*"):
        assert stranger.get(f"/runs/{run_id}", headers={"If-None-Match": header}).status_code == 403


def test_lists_of_runs_and_errors_have_no_tag(ada):
    assert "ETag" not in ada.get("/runs").headers
    assert "ETag" not in ada.get(f"/runs/{ANY_RUN}").headers


def test_download_urls_are_the_same_within_their_window(served, ada):
    run = ada.create_run("test-app", ITEMS)
    with served.sql() as cursor:
        cursor.execute("SELECT item_id FROM items WHERE run_id = %s", (run,))
        item = cursor.fetchone()[0]
        cursor.execute(
            "INSERT INTO output_artifacts (output_artifact_id, item_id, run_id, attempt_id, ordinal, name, mime_type, metadata,"
            " object_key, size_bytes, checksum_base64_crc32c)"
            " VALUES (gen_random_uuid(), %s, %s, gen_random_uuid(), 0, 'a:b', 'text/csv', '{}', 'artifacts/x/y/z/a_b', 1, 'AAAAAA==')",
            (item, run))
    before = time.time()
    urls = {ada.get(f"/runs/{run}/items").json()[0]["output_artifacts"][0]["download_url"] for _ in range(3)}
    expiries = {int(urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)["expires"][0]) for url in urls}
    # The window may end between two of the requests.
    assert len(urls) == len(expiries) <= 2
    for expiry in expiries:
        assert expiry % 1800 == 0 and before + 3600 <= expiry <= before + 5400 + 60


# Rate limits.

@pytest.fixture
def narrow(cluster, folder):
    """A server with one loop that gives each caller a request a second after the first five."""
    value = harness.Platform(cluster, folder, applications=())
    try:
        value.start_server(SLIDEWAY_SHARDS="1", SLIDEWAY_RATE_LIMIT="1", SLIDEWAY_RATE_BURST="5")
        yield value
    finally:
        value.stop()


def refusal_of(client, **options):
    """The first answer of many that is no 200: while they come, new tokens may come too."""
    def refused():
        answer = client.get("/applications", **options)
        return [answer] if answer.status_code != 200 else None
    [answer] = harness.wait_for("a refusal", refused, pause=0)
    return answer


def test_caller_beyond_the_limit_waits_and_others_do_not(narrow):
    ada, bob = narrow.client("ada"), narrow.client("bob")
    assert [ada.get("/applications").status_code for _ in range(5)] == [200] * 5
    answer = refusal_of(ada)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")
    assert isinstance(answer.json()["detail"], str)
    assert bob.get("/applications").status_code == 200
    assert harness.wait_for("a new token", lambda: ada.get("/applications").status_code == 200, pause=0.6)
    problem = refusal_of(ada, headers=PROBLEM)
    assert (problem.status_code, problem.json()["code"]) == (429, "rate_limited")


def test_health_has_no_limit(narrow):
    for path in ("/health", "/api/v1/health"):
        for _ in range(20):
            assert requests.get(narrow.api_url + path, timeout=60).status_code == 200


def test_default_limit_lets_a_client_page_through_everything(served):
    client = served.client("pager")
    assert {client.get("/runs", params={"page": page + 1}).status_code for page in range(1000)} == {200}


# Paths hold any text.

EXTERNAL_IDS = [
    "/data/a.svs", "/", "//", "a/b/custom-metadata", "custom-metadata", "a b", " ", "a+b", "100%", "%2F", "a%2Fb",
    "ä/ö", "切片 7", "🔬", "..", "../..", "a?b#c", "a&b=c", "a;b", "a,b", '"{a}"', "\\", "tab\there", "line\nbreak",
    "x" * 255, "ü" * 255, "null", "\x7f", "\u2028"]


@pytest.fixture(scope="module")
def named_items(ada):
    items = [{**ITEMS[0], "external_id": external_id} for external_id in EXTERNAL_IDS]
    return ada.create_run("test-app", items)


def segment(text):
    """Each byte that is no letter is encoded, dots too."""
    return "".join(chr(byte) if chr(byte).isalnum() and byte < 128 else f"%{byte:02X}" for byte in text.encode())


@pytest.mark.parametrize("external_id", EXTERNAL_IDS, ids=range(len(EXTERNAL_IDS)))
def test_external_id_may_be_any_text_on_every_route(served, ada, named_items, external_id):
    target = f"/runs/{named_items}/items/{segment(external_id)}"
    assert ada.get(target).json()["external_id"] == external_id
    for prefix in ("/v1", "/api/v1"):
        raw = exchange(served, f"GET {prefix}{target} HTTP/1.1".encode(),
                       b"Authorization: " + ada.session.headers["Authorization"].encode())
        assert raw[0] == 200 and json.loads(raw[2])["external_id"] == external_id
    assert ada.put(f"{target}/custom-metadata", json={"custom_metadata": {"n": 1}}).status_code == 200
    found = ada.get(f"/runs/{named_items}/items", params={"external_id__in": external_id}).json()
    assert [item["external_id"] for item in found] == [external_id]
    assert found[0]["custom_metadata"] == {"n": 1}
    runs = ada.get("/runs", params={"external_id": external_id}).json()
    assert [run["run_id"] for run in runs] == [named_items]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_target_in_absolute_form_is_found(served, ada, named_items, scheme):
    """As a proxy sends it."""
    target = f"{scheme}://platform.example:8000/api/v1/runs/{named_items}?share_token=http://x/"
    status, _, body = exchange(served, f"GET {target} HTTP/1.1".encode(),
                               b"Authorization: " + ada.session.headers["Authorization"].encode())
    assert status == 200 and json.loads(body)["run_id"] == named_items
    for nothing in (f"{scheme}://platform.example", f"{scheme}://platform.example?a=/v1/me", f"{scheme}://"):
        assert exchange(served, f"GET {nothing} HTTP/1.1".encode())[0] == 404


def test_all_external_ids_can_be_asked_for_at_once(ada, named_items):
    found = ada.get(f"/runs/{named_items}/items", params={"external_id__in": EXTERNAL_IDS[:20]}).json()
    assert [item["external_id"] for item in found] == EXTERNAL_IDS[:20]


@pytest.mark.parametrize("bad", ["%00", "a%00b", "%ff", "%c0%af", "%ed%a0%80"])
@pytest.mark.parametrize("method, path, name", [
    ("GET", "/runs/{bad}", "run_id"), ("POST", "/runs/{bad}/cancel", "run_id"),
    ("DELETE", "/runs/{bad}/artifacts", "run_id"), ("PUT", "/runs/{bad}/custom-metadata", "run_id"),
    ("GET", "/runs/{bad}/items", "run_id"), ("GET", "/runs/{run}/items/{bad}", "external_id"),
    ("PUT", "/runs/{run}/items/{bad}/custom-metadata", "external_id"),
    ("GET", "/runs/{run}/artifacts/{bad}/file", "artifact_id"),
    ("GET", "/applications/{bad}", "application_id"),
    ("GET", "/applications/test-app/versions/{bad}", "version"),
    ("GET", "/applications/test-app/versions/1.0.0/documents/{bad}", "name"),
    ("GET", "/access/grants/{bad}", "grant_id"),
    ("GET", "/access/share-tokens/{bad}", "share_token_id")])
def test_what_is_no_text_in_a_path_is_422(ada, run_id, method, path, name, bad):
    answer = ada.request(method, path.replace("{bad}", bad).replace("{run}", run_id))
    assert answer.status_code == 422, answer.text
    assert [problem["loc"] for problem in answer.json()["detail"]] == [["path", name]]


def test_all_of_a_path_that_is_no_text_is_named(ada):
    answer = ada.get("/runs/%ff/items/%00?sort=%ff")
    assert answer.status_code == 422, answer.text
    assert [problem["loc"] for problem in answer.json()["detail"]] == [
        ["path", "run_id"], ["path", "external_id"], ["query", "sort"]]


@pytest.mark.parametrize("text", ['{"application_id":"test-app\\u0000","items":[]}', '{"application_id\\u0000":1}',
                                  '{"custom_metadata":{"a":"\\u0000"}}', '{"custom_metadata":{"\\u0000":1}}'])
def test_null_character_in_json_is_422(ada, run_id, text):
    for method, target in (("POST", "/runs"), ("PUT", f"/runs/{run_id}/custom-metadata"),
                           ("PUT", f"/runs/{run_id}/items/slide-1/custom-metadata")):
        answer = ada.request(method, target, data=text, headers={"Content-Type": "application/json"})
        assert answer.status_code == 422, answer.text
        assert answer.json()["detail"][0]["loc"][0] == "body"


# What the log does not say.

def test_no_secret_reaches_the_log(served, ada, run_id):
    made = ada.post("/access/share-tokens", json={}).json()
    ada.get(f"/runs/{run_id}", params={"share_token": made["share_token"]})
    requests.get(f"{served.api_url}/v1/runs/{run_id}", params={"share_token": made["share_token"]}, timeout=60)
    ada.get("/runs", params={"custom_metadata": "$.a ?", "share_token": made["share_token"]})
    signature = "c2lnbmF0dXJlLXRoYXQtaXMtd3Jvbmc"
    requests.get(f"{served.object_url}/objects/a?expires=1&method=GET&signature={signature}", timeout=60)
    requests.get(f"{served.api_url}/nothing?signature={signature}", timeout=60)
    log = served.server.output()
    token = ada.session.headers["Authorization"].removeprefix("Bearer ")
    assert made["share_token"].startswith("shr_")
    for secret in (made["share_token"], made["share_token"][4:], signature, token, token.rpartition(".")[2]):
        assert secret not in log


def test_a_second_server_on_its_port_is_refused(served):
    done = subprocess.run([harness.program("slideway-server")], capture_output=True, text=True, timeout=60,
                          check=False, env=served.environment(SLIDEWAY_OBJECT_PORT=str(harness.free_port())))
    assert done.returncode == 1
    assert f"port {served.port} of 127.0.0.1 is in use by another program" in done.stderr
    for _ in range(20):
        assert served.client().get("/me").status_code == 200


# Requests that the HTTP library refuses itself, since its memory does not hold their parameters.

def send_and_leave(port, path):
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(f"GET {path}?{'a=b&' * 5000} HTTP/1.1\r\nHost: x\r\n\r\n".encode())


def test_request_of_too_many_parameters_ends_with_its_connection(served):
    """The library sees at once that the client has gone, or when the connection has been idle for a minute."""
    for _ in range(4):
        send_and_leave(served.port, "/health")

    def nothing_is_open():
        for _ in range(8):  # the loops look at their connections when something comes
            requests.get(f"{served.api_url}/health", timeout=60)
        metrics = requests.get(f"http://{served.metrics}/metrics", timeout=60).text
        return "\nslideway_http_requests_open 0\n" in metrics

    harness.wait_for("the end of the requests", nothing_is_open, 180, 0.5)


def test_objects_request_of_too_many_parameters_leaves_no_memory(served):
    """Each would leave 25 KB, 80 MB in all. A connection that the library still holds, until it has been idle
    for long enough, has 128 KB. Under the address sanitizer freed memory is kept, and what is not freed is
    told at the end."""
    def kilobytes():
        with open(f"/proc/{served.server.pid}/status", encoding="ascii") as status:
            return int(re.search(r"VmRSS:\s+(\d+)", status.read())[1])

    for path in ("/objects/any", "/any"):
        send_and_leave(served.object_port, path)
        before = kilobytes()
        for _ in range(1600):
            send_and_leave(served.object_port, path)
        if "ASAN_OPTIONS" not in os.environ:
            harness.wait_for("an end of the memory", lambda: kilobytes() - before < 20_000, 180)
