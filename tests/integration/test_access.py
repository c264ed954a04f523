"""Who may do what to a run, and what a signed URL opens."""
import base64
import hashlib
import hmac
import socket
import time
import urllib.parse

import pytest
import requests

import hand_worker
import harness
from public_api import UNKNOWN, detail, ids, items

SECRET_WORD = "top-secret-study"
CONTENT = b"0123456789abcdef"
LARGE_BYTES = 5_000_000_000

# caller → (user, organisation, role). The runs below belong to the owner.
CALLERS = {
    "owner": ("owner", "hospital", "member"),
    "colleague": ("colleague", "hospital", "member"),
    "stranger": ("stranger", "laboratory", "member"),
    "admin": ("admin", "hospital", "admin"),
    "other_admin": ("other-admin", "laboratory", "admin"),
    "superadmin": ("superadmin", "laboratory", "superadmin"),
}

# What each caller is answered by each operation on the owner's run (its artifacts are deleted when it
# has ended, it is cancelled before). The run of another is 403, as the contract has it.
OPERATIONS = {
    # operation:     method    path                                  owner coll. stranger admin other_admin superadmin
    "get_run":      ("GET",    "/runs/{run}",                         (200, 403, 403, 200, 403, 200)),
    "list_items":   ("GET",    "/runs/{run}/items",                   (200, 403, 403, 200, 403, 200)),
    "search_items": ("GET",    "/runs/{run}/items?sort=external_id",  (200, 403, 403, 200, 403, 200)),
    "filter_items": ("GET",    "/runs/{run}/items?custom_metadata=a", (200, 403, 403, 200, 403, 200)),
    "get_item":     ("GET",    "/runs/{run}/items/slide-0",           (200, 403, 403, 200, 403, 200)),
    "put_run":      ("PUT",    "/runs/{run}/custom-metadata",         (200, 403, 403, 200, 403, 200)),
    "put_item":     ("PUT",    "/runs/{run}/items/slide-0/custom-metadata",
                                                                      (200, 403, 403, 200, 403, 200)),
    "cancel":       ("POST",   "/runs/{run}/cancel",                  (202, 403, 403, 202, 403, 202)),
    "delete":       ("DELETE", "/runs/{run}/artifacts",               (200, 403, 403, 200, 403, 200)),
    # An item that is not there must look to outsiders like one that is.
    "no_item":      ("GET",    "/runs/{run}/items/nothing",           (404, 403, 403, 404, 403, 404)),
    "put_no_item":  ("PUT",    "/runs/{run}/items/nothing/custom-metadata",
                                                                      (404, 403, 403, 404, 403, 404)),
    "no_run":       ("GET",    f"/runs/{UNKNOWN}",                    (404, 404, 404, 404, 404, 404)),
}
CASES = [(operation, caller, status) for operation, (_, _, statuses) in OPERATIONS.items()
         for caller, status in zip(CALLERS, statuses)]


@pytest.fixture(scope="module")
def hospital(cluster, module_folder):
    yield from harness.Platform(cluster, module_folder).serve()


def call_as(platform, caller):
    return platform.client(*CALLERS[caller])


@pytest.fixture
def owner(hospital):
    return call_as(hospital, "owner")


def new_run(owner):
    return owner.create_run("test-app", items(2, custom_metadata={"study": SECRET_WORD}),
                            custom_metadata={"study": SECRET_WORD})


def end(hospital, run_id, content=CONTENT):
    """Ends both items of the run, the first with an output of this content."""
    hand = hand_worker.HandWorker(hospital)
    hand.succeed(run_id, {"tissue_qc:csv_class_information": content})
    hand.fail(run_id, "USER_ERROR", None, SECRET_WORD)


@pytest.mark.parametrize("operation, caller, status", CASES, ids=[f"{o}-{c}" for o, c, _ in CASES])
def test_every_operation_by_every_caller(hospital, owner, operation, caller, status):
    method, path, _ = OPERATIONS[operation]
    run_id = new_run(owner)
    if operation == "delete":
        end(hospital, run_id)
    before = owner.run(run_id), [without_urls(item) for item in owner.items(run_id)]
    answer = call_as(hospital, caller).request(
        method, path.replace("{run}", run_id), json={"custom_metadata": {"changed": True}})
    assert answer.status_code == status, answer.text
    if status >= 400:
        assert detail(answer)
        assert SECRET_WORD not in answer.text and "slide-0" not in answer.text
        assert (owner.run(run_id), [without_urls(item) for item in owner.items(run_id)]) == before
    else:
        after = owner.run(run_id), [without_urls(item) for item in owner.items(run_id)]
        assert (after == before) == (method == "GET"), "a change is a change, a look is none"


def without_urls(item):
    """Signed URLs differ from second to second."""
    for artifact in item["output_artifacts"]:
        artifact["download_url"] = artifact["download_url"] is not None
    return item


def test_refusal_tells_nothing_about_the_item(hospital, owner):
    run_id = new_run(owner)
    stranger = call_as(hospital, "stranger")
    there, missing = (stranger.get(f"/runs/{run_id}/items/{name}") for name in ("slide-0", "nothing"))
    assert (there.status_code, there.text) == (missing.status_code, missing.text)


LIST_QUERIES = ["", "sort=submitted_by", "external_id=slide-0", "application_id=test-app",
                "application_version=1.0.0", "custom_metadata=%24.study", "page_size=100&sort=run_id"]


@pytest.mark.parametrize("query", LIST_QUERIES)
@pytest.mark.parametrize("caller", CALLERS)
def test_list_of_runs_holds_only_the_callers_own(hospital, owner, caller, query):
    theirs = new_run(owner)
    client = call_as(hospital, caller)
    mine = new_run(client)
    answer = client.get(f"/runs?{query}")
    found = ids(answer)
    assert mine in found
    assert (theirs in found) == (caller == "owner")
    assert {run["submitted_by"] for run in answer.json()} == {CALLERS[caller][0]}


def test_items_of_another_run_are_not_reached_through_ones_own(hospital, owner):
    theirs = owner.create_run("test-app", items(1, external_id="foreign-slide"))
    [foreign] = owner.items(theirs)
    stranger = call_as(hospital, "stranger")
    mine = new_run(stranger)
    assert stranger.get(f"/runs/{mine}/items/foreign-slide").status_code == 404
    for query in ({"item_id__in": foreign["item_id"]}, {"external_id__in": "foreign-slide"}):
        assert ids(stranger.get(f"/runs/{mine}/items", params=query)) == []


def test_role_and_organisation_come_from_the_token_of_each_request(hospital, owner):
    run_id = new_run(owner)
    for role, status in (("admin", 200), ("member", 403), ("admin", 200)):
        assert hospital.client("turncoat", "hospital", role).get(f"/runs/{run_id}").status_code == status
    # An administrator who has moved to another organisation has lost this one's runs.
    assert hospital.client("turncoat", "laboratory", "admin").get(f"/runs/{run_id}").status_code == 403


@pytest.mark.parametrize("caller", CALLERS)
def test_me_is_the_caller(hospital, caller):
    user, organization, _ = CALLERS[caller]
    me = call_as(hospital, caller).get("/me").json()
    assert (me["user"]["id"], me["organization"]["id"]) == (user, organization)


# Signed URLs. The signature is computed here anew, from its description.

def sign(method, key, expires, file_name="", secret=harness.SIGNING_KEY):
    message = f"{method}\n{key}\n{expires}\n{file_name}"
    mac = hmac.new(secret.encode(), message.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()


def in_an_hour():
    return int(time.time()) + 3600


class Parts:
    """A signed URL taken apart; text() puts it together again, whatever was changed."""

    def __init__(self, url):
        self.base, _, rest = url.partition("/objects/")
        path, _, query = rest.partition("?")
        self.key = urllib.parse.unquote(path)
        self.query = urllib.parse.parse_qsl(query, keep_blank_values=True)

    def get(self, name):
        return dict(self.query)[name]

    def put(self, **values):
        self.query = [(name, str(values.get(name, value))) for name, value in self.query]
        return self

    def sign(self, secret=harness.SIGNING_KEY, **values):
        """Changes and then signs it well."""
        self.put(**values)
        known = dict(self.query)
        return self.put(signature=sign(known["method"], self.key, known["expires"],
                                       known.get("disposition", ""), secret))

    def text(self):
        return f"{self.base}/objects/{urllib.parse.quote(self.key)}?{urllib.parse.urlencode(self.query)}"


@pytest.fixture(scope="module")
def downloads(hospital):
    """Signed URLs of two outputs, one of each of two runs."""
    client = hospital.client("downloader")
    urls = []
    for content in (CONTENT, CONTENT[::-1]):
        run_id = new_run(client)
        end(hospital, run_id, content)
        urls.append(client.items(run_id)[0]["output_artifacts"][0]["download_url"])
    return urls


def fetch(url, method="GET", **options):
    return requests.request(method, url, timeout=60, allow_redirects=False, **options)


def test_url_opens_its_object_for_an_hour(downloads):
    answer = fetch(downloads[0])
    assert (answer.status_code, answer.content) == (200, CONTENT)
    assert answer.headers["Content-Length"] == str(len(CONTENT))
    assert "Content-Encoding" not in answer.headers
    assert "tissue_qc_csv_class_information" in answer.headers["Content-Disposition"]
    # An hour at least; the same URL is given for half an hour, so that answers can be compared.
    assert 0 <= int(Parts(downloads[0]).get("expires")) - in_an_hour() + 120 <= 1800 + 120


def test_url_is_signed_as_it_is_described(downloads):
    parts = Parts(downloads[0])
    assert parts.get("signature") == sign("GET", parts.key, parts.get("expires"),
                                          parts.get("disposition"))
    assert fetch(parts.sign().text()).status_code == 200


def take_away(name):
    def change(parts):
        parts.query = [pair for pair in parts.query if pair[0] != name]
    return change


def double(name, value):
    def change(parts):
        parts.query.insert(0, (name, str(value)))
    return change


def flip(parts):
    signature = parts.get("signature")
    parts.put(signature=("B" if signature[0] == "A" else "A") + signature[1:])


# What is done to a good URL, so that it must be refused.
TAMPERINGS = {
    "later_expiry": lambda parts: parts.put(expires=int(parts.get("expires")) + 1),
    "expired": lambda parts: parts.sign(expires=int(time.time()) - 1),
    "expires_now": lambda parts: parts.sign(expires=int(time.time())),
    "expires_in_1970": lambda parts: parts.sign(expires=0),
    "negative_expiry": lambda parts: parts.sign(expires=-1),
    "endless_expiry": lambda parts: parts.sign(expires="9" * 30),
    "expiry_with_a_fraction": lambda parts: parts.sign(expires=f"{in_an_hour()}.5"),
    "no_expiry": take_away("expires"),
    "no_signature": take_away("signature"),
    "no_method": take_away("method"),
    "no_file_name": take_away("disposition"),
    "empty_signature": lambda parts: parts.put(signature=""),
    "short_signature": lambda parts: parts.put(signature=parts.get("signature")[:-1]),
    "long_signature": lambda parts: parts.put(signature=parts.get("signature") + "A"),
    "changed_signature": flip,
    "lower_case_signature": lambda parts: parts.put(signature=parts.get("signature").lower()),
    "padded_signature": lambda parts: parts.put(signature=parts.get("signature") + "="),
    "other_secret": lambda parts: parts.sign(secret="x" * 40),
    "empty_secret": lambda parts: parts.sign(secret=""),
    "method_put": lambda parts: parts.put(method="PUT"),
    "signed_for_put": lambda parts: parts.sign(method="PUT"),
    "file_name_of_an_attacker": lambda parts: parts.put(disposition="virus.exe"),
    "doubled_expiry": double("expires", 9999999999),
    "doubled_signature": double("signature", "A"),
    "doubled_method": double("method", "GET"),
    "other_object": lambda parts: setattr(parts, "key", parts.key[:-1]),
    "folder": lambda parts: setattr(parts, "key", parts.key.rpartition("/")[0]),
}


@pytest.mark.parametrize("case", TAMPERINGS)
def test_tampered_url_is_refused(downloads, case):
    parts = Parts(downloads[0])
    TAMPERINGS[case](parts)
    for method in ("GET", "HEAD"):
        answer = fetch(parts.text(), method)
        assert answer.status_code == 403, answer.text
        assert answer.content == b"" if method == "HEAD" else detail(answer)


def test_url_of_one_object_does_not_open_another(downloads):
    first, second = (Parts(url) for url in downloads)
    first.key = second.key
    assert fetch(first.text()).status_code == 403


def test_token_opens_no_object(hospital, downloads):
    parts = Parts(downloads[0])
    parts.query = []
    token = hospital.issuer.token("downloader", "hospital", "superadmin")
    assert fetch(parts.text(), headers={"Authorization": f"Bearer {token}"}).status_code == 403
    # But one that comes along with a signed URL does no harm: clients send it to the same host.
    assert fetch(downloads[0], headers={"Authorization": f"Bearer {token}"}).status_code == 200


# Keys that are signed well (as by a bug of ours) and still must not leave the store.
EVIL_KEYS = ["../server.log", "artifacts/../../server.log", "/etc/passwd", "artifacts//x", ".incoming/x",
             "artifacts/./x", "a\nb", ""]


@pytest.mark.parametrize("key", EVIL_KEYS)
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_signature_does_not_lead_out_of_the_store(hospital, key, method):
    expires = in_an_hour()
    path = urllib.parse.quote(key, safe="").replace(".", "%2E")
    url = (f"{hospital.object_url}/objects/{path}?expires={expires}&method={method}"
           f"&signature={sign(method, key, expires)}")
    answer = fetch(url, method, data=b"x" if method == "PUT" else None)
    assert answer.status_code in (403, 404, 422), answer.text
    assert not (hospital.folder / "objects" / ".incoming" / "x").exists()


def test_good_signature_of_a_missing_object_is_404(hospital):
    expires, key = in_an_hour(), "artifacts/nothing"
    url = (f"{hospital.object_url}/objects/{key}?expires={expires}&method=GET"
           f"&signature={sign('GET', key, expires)}")
    assert fetch(url).status_code == 404


# Range → status, body, Content-Range.
RANGES = {
    "bytes=0-3": (206, b"0123", "bytes 0-3/16"),
    "bytes=4-": (206, b"456789abcdef", "bytes 4-15/16"),
    "bytes=-3": (206, b"def", "bytes 13-15/16"),
    "bytes=-99": (206, CONTENT, "bytes 0-15/16"),
    "bytes=15-99": (206, b"f", "bytes 15-15/16"),
    "bytes=16-": (416, b"", "bytes */16"),
    "bytes=-0": (416, b"", "bytes */16"),
    "bytes=3-2": (200, CONTENT, None),
    "bytes=0-1,4-5": (200, CONTENT, None),
    "lines=0-1": (200, CONTENT, None),
    "bytes=a-b": (200, CONTENT, None),
}


@pytest.mark.parametrize("wanted", RANGES)
def test_range_of_an_object(downloads, wanted):
    answer = fetch(downloads[0], headers={"Range": wanted})
    status, content, place = RANGES[wanted]
    assert (answer.status_code, answer.content) == (status, content)
    assert answer.headers.get("Content-Range") == place


def test_head_tells_what_get_would_send(downloads):
    head, get = fetch(downloads[0], "HEAD"), fetch(downloads[0])
    assert (head.status_code, head.content) == (200, b"")
    for name in ("Content-Length", "Content-Type", "ETag", "Accept-Ranges", "Content-Disposition"):
        assert head.headers[name] == get.headers[name]
    assert head.headers["Accept-Ranges"] == "bytes"


def test_download_is_resumed_only_in_the_same_object(downloads):
    etag = fetch(downloads[0]).headers["ETag"]
    same = fetch(downloads[0], headers={"Range": "bytes=4-5", "If-Range": etag})
    assert (same.status_code, same.content) == (206, b"45")
    changed = fetch(downloads[0], headers={"Range": "bytes=4-5", "If-Range": '"another"'})
    assert (changed.status_code, changed.content) == (200, CONTENT)
    known = fetch(downloads[0], headers={"If-None-Match": etag})
    assert (known.status_code, known.content) == (304, b"")


@pytest.fixture(scope="module")
def large_download(hospital):
    """A signed URL of an object larger than what 32 bits can count, with bytes on both sides of that
    border; the rest is a hole."""
    key, expires = "artifacts/large", in_an_hour()
    path = hospital.folder / "objects" / key
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.truncate(LARGE_BYTES)
        file.seek((1 << 32) - len(CONTENT) // 2)
        file.write(CONTENT)
    yield (f"{hospital.object_url}/objects/{key}?expires={expires}&method=GET"
           f"&signature={sign('GET', key, expires)}")
    path.unlink()


def test_large_object_is_sent_from_any_place(large_download):
    assert fetch(large_download, "HEAD").headers["Content-Length"] == str(LARGE_BYTES)
    border = 1 << 32
    first, last = border - (1 << 20), border + (1 << 22)
    answer = fetch(large_download, headers={"Range": f"bytes={first}-{last}"})
    assert answer.status_code == 206
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{LARGE_BYTES}"
    half = len(CONTENT) // 2
    assert answer.content == (b"\0" * ((1 << 20) - half) + CONTENT + b"\0" * ((1 << 22) + 1 - half))
    tail = fetch(large_download, headers={"Range": "bytes=-3"})
    assert (tail.status_code, tail.content) == (206, b"\0\0\0")


def test_clients_that_do_not_read_delay_no_other(hospital, large_download, downloads):
    target = large_download.removeprefix(hospital.object_url)
    idle = []
    try:
        for _ in range(50):
            idle.append(socket.create_connection(("127.0.0.1", hospital.object_port), 60))
            idle[-1].sendall(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        for connection in idle:
            assert connection.recv(12) == b"HTTP/1.1 200"
        assert fetch(downloads[0]).content == CONTENT
    finally:
        for connection in idle:
            connection.close()


@pytest.mark.parametrize("method, status", [("PUT", 403), ("POST", 405), ("DELETE", 405),
                                            ("PATCH", 405), ("OPTIONS", 405)])
def test_download_url_opens_for_nothing_else(downloads, method, status):
    answer = fetch(downloads[0], method, data=b"overwritten")
    assert answer.status_code == status
    assert fetch(downloads[0]).content == CONTENT


def test_upload_url_opens_for_nothing_else(hospital):
    links = hospital.client("uploader").post("/uploads", json={"name": "a.tiff"}).json()
    assert fetch(links["upload_url"]).status_code == 403
    assert fetch(links["download_url"], "PUT", data=b"x").status_code == 403
    assert fetch(links["upload_url"], "PUT", data=CONTENT).status_code == 201
    assert fetch(links["upload_url"]).status_code == 403
    assert fetch(links["download_url"]).content == CONTENT
    # Nor for another object, or for longer.
    other = Parts(links["upload_url"])
    other.key += "x"
    assert fetch(other.text(), "PUT", data=b"x").status_code == 403
    late = Parts(links["upload_url"]).sign(expires=int(time.time()) - 1)
    assert fetch(late.text(), "PUT", data=b"x").status_code == 403
    assert fetch(links["download_url"]).content == CONTENT


def test_two_uploads_of_one_name_do_not_meet(hospital):
    links = [hospital.client(user, organization).post("/uploads", json={"name": "a.tiff"}).json()
             for user, organization in (("a", "hospital"), ("a", "hospital"), ("b", "laboratory"))]
    assert len({one["object_key"] for one in links}) == 3
