"""A run from its creation to its files: what each kind of input and of application ends as.

Method: one run with an item for each kind of URL, all of them in the hands of one worker, so that
the bad ones show that they do not disturb the good ones.
"""
import base64
import hashlib
import hmac
import io
import json
import shutil
import time
import urllib.parse

import PIL.Image
import pytest
import requests

import harness
import sample_application

SIDE = 2048
INPUT_BYTES_MAX = 16 << 20
DOWNLOAD_SECONDS_MAX = 40  # of which the slow one needs five on an idle machine
SLEEPER_SECONDS_MAX = 6  # long enough for a shell to say a word on a busy machine
TEST_APP_OUTPUTS = [
    ("tissue_qc:segmentation_map_image", "image/tiff"),
    ("tissue_qc:geojson_polygons", "application/geo+json"),
    ("tissue_qc:csv_class_information", "text/csv"),
    ("tissue_segmentation:segmentation_map_image", "image/tiff"),
    ("tissue_segmentation:geojson_polygons", "application/geo+json"),
    ("tissue_segmentation:csv_class_information", "text/csv"),
]


def signed(platform, key, method="GET", seconds=3600):
    """A URL of the local store, signed as its description says."""
    expires = int(time.time()) + seconds
    mac = hmac.new(harness.SIGNING_KEY.encode(), f"{method}\n{key}\n{expires}\n".encode(),
                   hashlib.sha256).digest()
    signature = base64.urlsafe_b64encode(mac).rstrip(b"=").decode()
    return (f"{platform.object_url}/objects/{key}?expires={expires}&method={method}"
            f"&signature={signature}")


@pytest.fixture(scope="module")
def slide_file(tmp_path_factory):
    return harness.make_slide(tmp_path_factory.mktemp("slide") / "slide.tiff", SIDE, SIDE)


@pytest.fixture(scope="module")
def contents(slide_file):
    """name → (bytes, checksum); the checksum is slow to compute here."""
    slide = slide_file.read_bytes()
    assert len(slide) > 300_000, "the slide must be longer than what is cut off below"
    found = {"slide": slide, "half": slide[:len(slide) // 2], "empty": b"",
             "text": b"This is no slide, but it has the right checksum.\n" * 100}
    return {name: (data, harness.crc32c(data)) for name, data in found.items()}


class Place:
    """Where the URLs of the cases lead."""

    def __init__(self, platform, host, slide_file):
        self.platform = platform
        self.host = host.url
        self.closed = f"http://127.0.0.1:{harness.free_port()}"
        self.port = host.url.rpartition(":")[2]
        self.own = platform.client("job").upload(slide_file)

    def own_object(self, method="GET", seconds=3600):
        key = urllib.parse.urlsplit(self.own).path.partition("/objects/")[2]
        return signed(self.platform, urllib.parse.unquote(key), method, seconds)


def served(place, name):
    return f"{place.host}/{name}.tiff"


class Case:
    def __init__(self, reason, words=None, url=served, fault=None, content="slide", **metadata):
        self.reason = reason
        self.words = words  # a part of the message
        self.url = url
        self.fault = fault
        self.content = content
        self.metadata = metadata


def to(location):
    return harness.Fault(status=302, location=location)


def at(url):
    return lambda place, name: url.format(place=place, name=name)


PRIVATE = "leads to an address that is not public"
CASES = {
    # The slide host's answers.
    "wrong_checksum": Case("USER_ERROR", "The checksum of the downloaded file does not match its metadata",
                           checksum_base64_crc32c="AAAAAA=="),
    # The application's schema lets it pass, but its last bits are those of no byte.
    "checksum_that_is_none": Case("USER_ERROR", "is no base64 of a CRC32C",
                                  checksum_base64_crc32c="AAAAAB=="),
    "missing": Case("USER_ERROR", "HTTP status 404 (there is no such file)", content=None),
    "gone": Case("USER_ERROR", "HTTP status 410 (there is no such file)", fault=410),
    "forbidden": Case("USER_ERROR", "HTTP status 403 (access denied; the signed URL may have expired)",
                      at("{place.host}/{name}.tiff?X-Signature=very-secret-signature"), 403),
    "unauthorized": Case("USER_ERROR", "HTTP status 401", fault=401),
    "bad_request": Case("USER_ERROR", "HTTP status 400", fault=400),
    "server_error": Case("SYSTEM_ERROR", "HTTP status 503", fault=503),
    "server_error_twice": Case("SUCCEEDED", fault=harness.Fault(status=503, times=2)),
    # What is behind the URL.
    "no_slide": Case("USER_ERROR", "the input data provided by the user cannot be processed",
                     content="text"),
    "half_a_slide": Case("USER_ERROR", "the input data provided by the user cannot be processed",
                         content="half"),
    "empty_file": Case("USER_ERROR", "the input data provided by the user cannot be processed",
                       content="empty"),
    "too_wide": Case("USER_ERROR", "(width_px) is 2049 px, but the slide has 2048 px", width_px=2049),
    "too_low": Case("USER_ERROR", "(height_px) is 2047 px, but the slide has 2048 px", height_px=2047),
    "too_coarse": Case("USER_ERROR", "(resolution_mpp) is 0.9", resolution_mpp=0.9),
    "too_large": Case("USER_ERROR", f"larger than the allowed {INPUT_BYTES_MAX} bytes",
                      content="large"),
    # Transfers that break.
    "cut_once": Case("SUCCEEDED", fault=[harness.Fault(cut_after=100_000)]),
    "cut_thrice": Case("SUCCEEDED", fault=[harness.Fault(cut_after=50_000) for _ in range(3)]),
    "cut_by_a_host_without_ranges": Case("SUCCEEDED", fault=[
        harness.Fault(cut_after=100_000), harness.Fault(ranges=False)]),
    "cut_always": Case("SYSTEM_ERROR", "The download from 127.0.0.1 failed",
                       fault=harness.Fault(cut_after=1_000)),
    "slow": Case("SUCCEEDED", fault=harness.Fault(pause=0.2)),
    "hanging": Case("SYSTEM_ERROR", "The download from 127.0.0.1 took longer than 40 s",
                    fault=harness.Fault(hang=600)),
    # Where the URL leads.
    "redirected": Case("SUCCEEDED", fault=to("/good.tiff")),
    "redirected_in_a_circle": Case("USER_ERROR", "The download URL cannot be used",
                                   fault=to("/redirected_in_a_circle.tiff")),
    "redirected_to_a_file": Case("USER_ERROR", "The download URL cannot be used",
                                 fault=to("file:///etc/passwd")),
    "redirected_to_a_private_address": Case("USER_ERROR", PRIVATE, fault=to("http://10.0.0.1/a.tiff")),
    "redirected_to_cloud_metadata": Case("USER_ERROR", PRIVATE, fault=to("http://169.254.169.254/latest")),
    "private_10": Case("USER_ERROR", PRIVATE, at("http://10.1.2.3/a.tiff")),
    "private_192": Case("USER_ERROR", PRIVATE, at("https://192.168.1.1/a.tiff")),
    "private_as_a_number": Case("USER_ERROR", PRIVATE, at("http://167772161/a.tiff")),
    "private_as_ipv6": Case("USER_ERROR", PRIVATE, at("http://[::ffff:10.0.0.1]/a.tiff")),
    "this_host_as_ipv6": Case("USER_ERROR", PRIVATE, at("http://[::1]:{place.port}/good.tiff")),
    "closed_port": Case("SYSTEM_ERROR", "The download from 127.0.0.1 failed", at("{place.closed}/a.tiff")),
    # A label of 64 bytes is no name: it is refused without asking a name server, which may be away.
    "unknown_host": Case("USER_ERROR", f"The host {'a' * 64}.example of the download URL cannot be found",
                         at("https://" + "a" * 64 + ".example/a?X-Signature=very-secret-signature")),
    # Our own store.
    "own": Case("SUCCEEDED", url=at("{place.own}")),
    "own_expired": Case("USER_ERROR", "The download URL cannot be used: The URL has expired",
                        lambda place, _: place.own_object(seconds=-1)),
    "own_forged": Case("USER_ERROR", "The URL's signature does not match",
                       lambda place, _: place.own_object().replace("method=GET", "method=PUT")),
    "own_upload": Case("USER_ERROR", "The URL's signature does not match",
                       lambda place, _: place.own_object("PUT")),
    "own_missing": Case("USER_ERROR", "HTTP status 404 (there is no such file)",
                        lambda place, _: signed(place.platform, "uploads/nothing")),
    # And one that is simply good, behind all the others.
    "good": Case("SUCCEEDED"),
}


def prepare(host, name, case, contents):
    """The checksum of the file that the host now has for the case."""
    path = host.folder / f"{name}.tiff"
    if case.content == "large":
        with path.open("wb") as file:
            file.truncate(INPUT_BYTES_MAX + 1)
        return "AAAAAA=="
    data, checksum = contents[case.content or "slide"]
    if case.content is not None:
        path.write_bytes(data)
    if case.fault is not None:
        host.faults[f"/{path.name}" + ("?X-Signature=very-secret-signature" if case.fault == 403 else "")
                    ] = case.fault
    return checksum


@pytest.fixture(scope="module")
def host(module_folder):
    slides = module_folder / "slides"
    slides.mkdir()
    value = harness.SlideHost(slides)
    yield value
    value.stop()


@pytest.fixture(scope="module")
def job_platform(cluster, module_folder):
    """A platform whose worker tries an item once, with room for all the waiting ones."""
    platform = harness.Platform(cluster, module_folder, lease_seconds=60)
    try:
        platform.start_server()
        platform.start_worker(SLIDEWAY_SLOTS="12", SLIDEWAY_ATTEMPTS_MAX="1",
                              SLIDEWAY_INPUT_BYTES_MAX=str(INPUT_BYTES_MAX),
                              SLIDEWAY_DOWNLOAD_SECONDS_MAX=str(DOWNLOAD_SECONDS_MAX))
        yield platform
    finally:
        platform.stop()


class Job:
    """The run of all cases, ended."""

    def __init__(self, platform, run, items):
        self.platform = platform
        self.run = run
        self.items = items

    def outputs(self):
        return [(name, artifact) for name, item in self.items.items()
                for artifact in item["output_artifacts"]]


@pytest.fixture(scope="module")
def job(job_platform, host, slide_file, contents):
    place = Place(job_platform, host, slide_file)
    items = []
    for name, case in CASES.items():
        checksum = prepare(host, name, case, contents)
        item = harness.slide_item(name, case.url(place, name), b"", width=SIDE, height=SIDE)
        item["input_artifacts"][0]["metadata"].update(
            {"checksum_base64_crc32c": checksum, **case.metadata})
        items.append(item)
    client = job_platform.client("job")
    run_id = client.create_run("test-app", items)
    run = client.wait_for_run(run_id)
    return Job(job_platform, run, {item["external_id"]: item for item in client.items(run_id)})


def test_every_kind_of_input_is_met():
    assert set(case.reason for case in CASES.values()) == {"SUCCEEDED", "USER_ERROR", "SYSTEM_ERROR"}
    assert len(CASES) <= 100, "the harness reads one page of items"


@pytest.mark.parametrize("name", CASES)
def test_item_ends_as_its_input_deserves(job, name):
    item, case = job.items[name], CASES[name]
    assert (item["state"], item["termination_reason"]) == ("TERMINATED", case.reason), item
    if case.reason == "SUCCEEDED":
        assert item["output"] == "FULL"
        assert (item["error_code"], item["error_message"]) == (None, None)
        assert [(one["name"], one["metadata"]["media_type"]) for one in item["output_artifacts"]
                ] == TEST_APP_OUTPUTS
        return
    assert item["output"] == "NONE" and item["output_artifacts"] == []
    assert case.words in item["error_message"]
    # It is for the slide's owner: no words of our programs, no places of our machine, no secrets.
    for word in ("curl", "errno", "NULL", "/tmp", "/work", "slot-", "very-secret-signature", "CURLE"):
        assert word not in item["error_message"]


def test_run_counts_its_items(job):
    reasons = [case.reason for case in CASES.values()]
    assert (job.run["state"], job.run["termination_reason"], job.run["output"]) == (
        "TERMINATED", "ALL_ITEMS_PROCESSED", "PARTIAL")
    assert (job.run["error_code"], job.run["error_message"]) == (None, None)
    assert job.run["statistics"] == {
        "item_count": len(reasons), "item_pending_count": 0, "item_processing_count": 0,
        "item_user_error_count": reasons.count("USER_ERROR"),
        "item_system_error_count": reasons.count("SYSTEM_ERROR"), "item_skipped_count": 0,
        "item_succeeded_count": reasons.count("SUCCEEDED")}


def ranges_asked(host, name):
    return [wanted for _, path, wanted in host.requests if path == f"/{name}.tiff"]


def test_broken_download_goes_on_where_it_broke(job, host):
    assert ranges_asked(host, "cut_once") == [None, "bytes=100000-"]
    assert ranges_asked(host, "cut_thrice") == [None, "bytes=50000-", "bytes=100000-", "bytes=150000-"]
    without = ranges_asked(host, "cut_by_a_host_without_ranges")
    assert without[:2] == [None, "bytes=100000-"] and without[2] is None, "it starts over"


def test_hosts_are_asked_by_get_alone_and_no_more_than_needed(job, host):
    assert {method for method, _, _ in host.requests} == {"GET"}
    for name, count in {"missing": 1, "gone": 1, "unauthorized": 1, "wrong_checksum": 1, "slow": 1,
                        "server_error_twice": 3}.items():
        assert len(ranges_asked(host, name)) == count, name


def test_outputs_download_with_their_checksum(job):
    assert len(job.outputs()) == len(TEST_APP_OUTPUTS) * job.run["statistics"]["item_succeeded_count"]
    for name, artifact in job.outputs():
        answer = requests.get(artifact["download_url"], timeout=30)
        assert answer.status_code == 200
        assert answer.headers["Content-Length"] == str(len(answer.content))
        assert harness.crc32c(answer.content) == artifact["metadata"]["checksum_base64_crc32c"], name


def good_outputs(job):
    return {artifact["name"]: (artifact, requests.get(artifact["download_url"], timeout=30).content)
            for name, artifact in job.outputs() if name == "good"}


def attempts_of(job, item_id):
    with job.platform.sql() as cursor:
        cursor.execute("SELECT attempt_id, outcome, number, peak_memory_bytes FROM attempts "
                       "WHERE item_id = %s ORDER BY number", (item_id,))
        return cursor.fetchall()


def test_outputs_are_what_their_media_type_says(job):
    found = good_outputs(job)
    [(attempt_id, outcome, number, peak_memory_bytes)] = attempts_of(job, job.items["good"]["item_id"])
    assert (outcome, number) == ("SUCCEEDED", 1) and peak_memory_bytes > 100_000
    for kind in ("tissue_qc", "tissue_segmentation"):
        artifact, content = found[f"{kind}:segmentation_map_image"]
        image = PIL.Image.open(io.BytesIO(content))
        assert image.size == (artifact["metadata"]["width_px"], artifact["metadata"]["height_px"])
        assert f"attempt {attempt_id}" in image.tag_v2[270]
        polygons = json.loads(found[f"{kind}:geojson_polygons"][1])
        assert polygons["type"] == "FeatureCollection" and polygons["attempt_id"] == attempt_id
        assert polygons["features"][0]["geometry"]["type"] == "Polygon"
        lines = found[f"{kind}:csv_class_information"][1].decode().splitlines()
        assert lines[0] == f"# attempt {attempt_id}"
    # The areas of the quality classes cover the slide: 2048 px at 0.5 um a side.
    areas = [float(line.split(",")[1]) for line in
             found["tissue_qc:csv_class_information"][1].decode().splitlines()[2:]]
    assert sum(areas) == pytest.approx((SIDE * 0.5) ** 2, rel=1e-4)


def test_objects_lie_under_the_attempt_and_nothing_else_is_left(job):
    folder = job.platform.folder / "objects"
    with job.platform.sql() as cursor:
        cursor.execute("SELECT object_key, size_bytes FROM output_artifacts WHERE run_id = %s",
                       (job.run["run_id"],))
        want = dict(cursor.fetchall())
        cursor.execute("SELECT attempt_id FROM attempts WHERE outcome = 'SUCCEEDED'")
        winners = {row[0] for row in cursor.fetchall()}
    found = {str(path.relative_to(folder)): path.stat().st_size
             for path in harness.files_below(folder / "artifacts")}
    assert found == want
    assert {key.split("/")[3] for key in found} == winners
    assert list((folder / ".incoming").iterdir()) == []
    assert list((job.platform.folder / "scratch-worker").rglob("*")) == []


def test_url_stops_working_when_it_expires(job):
    [key] = {urllib.parse.unquote(urllib.parse.urlsplit(artifact["download_url"]).path)[9:]
             for name, artifact in job.outputs()
             if name == "good" and artifact["name"] == "tissue_qc:csv_class_information"}
    url = signed(job.platform, key, seconds=10)
    assert requests.get(url, timeout=30).status_code == 200
    harness.wait_for("the URL's expiry", lambda: requests.get(url, timeout=30).status_code == 403, pause=0.3)
    bare, token = url.partition("?")[0], job.platform.issuer.token("job", "hospital")
    assert requests.get(bare, timeout=30).status_code == 403
    assert requests.get(bare, headers={"Authorization": f"Bearer {token}"}, timeout=30).status_code == 403


# By default nothing but public addresses, and our own signed URLs.

def test_three_items_with_the_rules_of_a_fresh_installation(platform, slide_host, slide):
    platform.start_worker(SLIDEWAY_EGRESS_NETWORKS="")
    client = platform.client()
    content = slide.read_bytes()
    shutil.copy(slide, slide_host.folder / "a.tiff")
    own = client.upload(slide)
    missing = client.post("/uploads", json={"name": "b.tiff"}).json()["download_url"]
    run_id = client.create_run("test-app", [
        harness.slide_item("good", own, content),
        harness.slide_item("changed", own, content + b"x"),
        harness.slide_item("missing", missing, content),
    ])
    run = client.wait_for_run(run_id)
    assert (run["termination_reason"], run["output"]) == ("ALL_ITEMS_PROCESSED", "PARTIAL")
    assert run["statistics"] == {
        "item_count": 3, "item_pending_count": 0, "item_processing_count": 0,
        "item_user_error_count": 2, "item_system_error_count": 0, "item_skipped_count": 0,
        "item_succeeded_count": 1}
    assert [item["termination_reason"] for item in client.items(run_id)] == [
        "SUCCEEDED", "USER_ERROR", "USER_ERROR"]
    # The slide host is at a loopback address.
    run_id = client.create_run("test-app", [
        harness.slide_item("loopback", f"{slide_host.url}/a.tiff", content)])
    client.wait_for_run(run_id)
    [item] = client.items(run_id)
    assert item["termination_reason"] == "USER_ERROR" and PRIVATE in item["error_message"]
    assert slide_host.requests == []


# The ends of an application: script → what the client reads, and what the operator finds.

def describe(*paths):
    """Shell that lists these as the paths of the artifact "result"."""
    listed = ",".join(f'{{"name":"result","path":"{path}","metadata":{{}}}}' for path in paths)
    return f"echo '{{\"artifacts\":[{listed}]}}' > $SLIDEWAY_OUTPUT/output.json\n"


SYSTEM = "A system error occurred during the item execution:\n "
USER = ("User error raised by Application because the input data provided by the user cannot be "
        "processed:\n")
ENDS = {
    "fails": ("echo the last words >&2; exit 1", "SYSTEM_ERROR", None,
              f"{SYSTEM}The application ended with exit code 1", "the last words"),
    "refuses": ("""echo '{"error_code":"GREY","message":"The slide is grey."}' > $SLIDEWAY_OUTPUT/error.json
                   exit 10""", "USER_ERROR", "GREY", f"{USER}The slide is grey.", ""),
    "refuses-at-length": ("""code=$(printf 'ä%.0s' $(seq 40))
                             echo "{\\"error_code\\":\\"$code\\",\\"message\\":\\"Too long.\\"}" \
                                 > $SLIDEWAY_OUTPUT/error.json
                             exit 10""", "USER_ERROR", None, f"{USER}Too long.", ""),
    "refuses-silently": ("exit 10", "USER_ERROR", None, f"{USER}the application gave no reason", ""),
    "crashes": ("echo before; kill -SEGV $$", "SYSTEM_ERROR", None,
                f"{SYSTEM}The application was ended by signal 11", "before"),
    "sleeps": ("echo tired; sleep 100", "SYSTEM_ERROR", None,
               f"{SYSTEM}The application took longer than {SLEEPER_SECONDS_MAX} s", "tired"),
    "says-nothing": ("exit 0", "SYSTEM_ERROR", None, "output.json", ""),
    "forgets": ("echo '{\"artifacts\":[]}' > $SLIDEWAY_OUTPUT/output.json", "SYSTEM_ERROR", None,
                "the application did not make the artifact result", ""),
    "doubles": ("echo 1 > $SLIDEWAY_OUTPUT/a\n" + describe("a", "a"), "SYSTEM_ERROR", None,
                "the application made the artifact result twice", ""),
    "climbs": (describe("../input.json"), "SYSTEM_ERROR", None, "cannot be opened", ""),
    "links": ("ln -s /work/input.json $SLIDEWAY_OUTPUT/a\n" + describe("a"), "SYSTEM_ERROR", None,
              "cannot be opened", ""),
    "invents": ("echo 1 > $SLIDEWAY_OUTPUT/a\n" + describe("a").replace("result", "surprise"),
                "SYSTEM_ERROR", None, "an artifact that its manifest does not name: surprise", ""),
    "stammers": ("echo '{' > $SLIDEWAY_OUTPUT/output.json", "SYSTEM_ERROR", None, "output.json", ""),
    "works": ("echo 1 > $SLIDEWAY_OUTPUT/a\n" + describe("a"), "SUCCEEDED", None, None, ""),
}


@pytest.fixture(scope="module")
def ends(job_platform, host, slide_file, contents):
    """application → (item, log tail that the operator has)."""
    shutil.copy(slide_file, host.folder / "any.tiff")
    item = harness.slide_item("any", f"{host.url}/any.tiff", b"", width=SIDE, height=SIDE)
    item["input_artifacts"][0]["metadata"]["checksum_base64_crc32c"] = contents["slide"][1]
    client = job_platform.client("ends")
    runs = {}
    for name, (script, *_) in ENDS.items():
        limits = {"memory_bytes": 512 << 20, "time_seconds": SLEEPER_SECONDS_MAX if name == "sleeps" else 60,
                  "processes": 16, "output_bytes": 1 << 20}
        job_platform.register(sample_application.write(
            job_platform.folder / "applications", f"app-{name}", script=f"#!/bin/sh\n{script}\n",
            limits=limits))
        runs[name] = client.create_run(f"app-{name}", [item])
    found = {}
    for name, run_id in runs.items():
        client.wait_for_run(run_id)
        with job_platform.sql() as cursor:
            cursor.execute("SELECT coalesce(log_tail, '') FROM attempts WHERE run_id = %s", (run_id,))
            found[name] = (client.items(run_id)[0], cursor.fetchone()[0])
    return found


@pytest.mark.parametrize("name", ENDS)
def test_application_ends(ends, name):
    _, reason, code, message, log_tail = ENDS[name]
    item, found_log_tail = ends[name]
    assert (item["termination_reason"], item["error_code"]) == (reason, code), item
    if message is None:
        assert item["error_message"] is None
    elif message.startswith((SYSTEM, USER)):
        assert item["error_message"] == message
    else:
        assert item["error_message"].startswith(SYSTEM) and message in item["error_message"]
    assert log_tail in found_log_tail
    assert not log_tail or log_tail not in item["error_message"], "the log is the operator's"


# What the manifest calls internal is kept for the operator and shown to nobody else.

TWO_OUTPUTS = """#!/bin/sh
for name in shown hidden; do echo $name > $SLIDEWAY_OUTPUT/$name; done
echo '{"artifacts":[{"name":"hidden","path":"hidden"},{"name":"shown","path":"shown"}]}' \\
    > $SLIDEWAY_OUTPUT/output.json
"""


def test_internal_outputs_are_not_shown(job_platform, host, slide_file, contents):
    job_platform.register(sample_application.write(
        job_platform.folder / "applications", "app-internal", script=TWO_OUTPUTS,
        output_artifacts=[sample_application.output("hidden", visibility="INTERNAL"),
                          sample_application.output("shown")]))
    shutil.copy(slide_file, host.folder / "internal.tiff")
    item = harness.slide_item("any", f"{host.url}/internal.tiff", b"", width=SIDE, height=SIDE)
    item["input_artifacts"][0]["metadata"]["checksum_base64_crc32c"] = contents["slide"][1]
    client = job_platform.client("internal")
    run_id = client.create_run("app-internal", [item])
    client.wait_for_run(run_id)
    for answer in (client.items(run_id)[0], client.get(f"/runs/{run_id}/items/any").json(),
                   client.get(f"/runs/{run_id}/items?sort=item_id").json()[0]):
        assert [artifact["name"] for artifact in answer["output_artifacts"]] == ["shown"]
        assert answer["output"] == "FULL"
    with job_platform.sql() as cursor:
        cursor.execute("SELECT name, output_artifact_id FROM output_artifacts WHERE run_id = %s", (run_id,))
        stored = dict(cursor.fetchall())
    assert set(stored) == {"shown", "hidden"}
    for name, status in {"shown": 307, "hidden": 404}.items():
        assert client.get(f"/runs/{run_id}/artifacts/{stored[name]}/file").status_code == status


# What is deleted is gone.

def test_deleted_artifacts_leave_the_store(job_platform, ends):
    client = job_platform.client("ends")
    item, _ = ends["works"]
    [artifact] = item["output_artifacts"]
    url = artifact["download_url"]
    assert requests.get(url, timeout=30).status_code == 200
    with job_platform.sql() as cursor:
        cursor.execute("SELECT run_id FROM items WHERE item_id = %s", (item["item_id"],))
        run_id = cursor.fetchone()[0]
    assert client.delete(f"/runs/{run_id}/artifacts").status_code == 200
    harness.wait_for("the object's end", lambda: requests.get(url, timeout=30).status_code == 404, pause=0.2)
    [gone] = client.items(run_id)[0]["output_artifacts"]
    assert (gone["output"], gone["download_url"]) == ("DELETED_BY_USER", None)
