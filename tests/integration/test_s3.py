"""The platform over a bucket: a run from upload to download by presigned URLs, workers that die while
they store, a store that fails, and the sweep of what is left.
"""
import calendar
import os
import pathlib
import threading
import time
import urllib.parse

import pytest
import requests

import harness
import recovery
import s3_server
import sample_application
from s3_server import Fault
from test_main_job import signed

PREFIX = "platform"
LARGE_BYTES = 40_000_000  # three parts
STORING = r"""#!/bin/sh
set -e
head -c %d /dev/zero > "$SLIDEWAY_OUTPUT/result"
echo '{"artifacts":[{"name":"result","path":"result","metadata":{}}]}' > "$SLIDEWAY_OUTPUT/output.json"
"""


class S3Platform(harness.Platform):
    """Its objects are in a bucket, which it reaches through the proxy; its clients do not."""

    def __init__(self, cluster, folder, server, proxy, **more):
        self.bucket = server
        self.proxy = proxy
        super().__init__(cluster, folder, **more)

    def environment(self, **more):
        return super().environment(**{
            **s3_server.settings(self.proxy.url, PREFIX, SLIDEWAY_S3_PUBLIC_ENDPOINT=self.bucket.url),
            **more})

    def keys(self, folder="artifacts"):
        start = f"{PREFIX}/{folder}/"
        return {key[len(PREFIX) + 1:] for key in self.bucket.objects() if key.startswith(start)}

    def path(self, key):
        return self.bucket.folder / s3_server.BUCKET / PREFIX / key


@pytest.fixture
def server(folder):
    value = s3_server.S3Server(folder).start()
    yield value
    value.stop()


@pytest.fixture
def platform(cluster, folder, server):
    proxy = s3_server.S3Proxy(server.port)
    value = S3Platform(cluster, folder, server, proxy)
    try:
        value.start_server()
        yield value
    finally:
        value.stop()
        proxy.stop()


@pytest.fixture
def client(platform):
    return platform.client()


def storing(platform, output_bytes=LARGE_BYTES):
    """An application whose output has so many bytes."""
    folder = sample_application.write(
        platform.folder / "applications", "storing", script=STORING % output_bytes,
        limits={"memory_bytes": 512 << 20, "time_seconds": 100, "processes": 16, "output_bytes": 1 << 30})
    platform.register(folder)
    return "storing"


def outcomes(platform, run_id):
    return recovery.outcomes(platform, run_id)


def test_run_from_upload_to_download(platform, client, slide):
    platform.start_worker()
    url = client.upload(slide)
    assert url.startswith(f"{platform.bucket.url}/slides/{PREFIX}/uploads/")
    assert len(url) <= 2083
    assert platform.keys("uploads") == {urllib.parse.urlsplit(url).path.partition(f"/{PREFIX}/")[2]}
    run_id = client.create_run("test-app", [harness.slide_item("slide", url, slide.read_bytes())])
    run = client.wait_for_run(run_id)
    assert run["output"] == "FULL", run
    [item] = client.items(run_id)
    assert len(item["output_artifacts"]) == len(platform.keys()) == 6
    for artifact in item["output_artifacts"]:
        download = artifact["download_url"]
        assert len(download) <= 2083
        answer = requests.get(download, timeout=30)
        assert answer.status_code == 200
        assert harness.crc32c(answer.content) == artifact["metadata"]["checksum_base64_crc32c"]
        assert answer.headers["Content-Disposition"].startswith("attachment; filename*=UTF-8''")
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(download).query)
        signed_at = time.strptime(query["X-Amz-Date"][0], "%Y%m%dT%H%M%SZ")
        left = calendar.timegm(signed_at) + int(query["X-Amz-Expires"][0]) - time.time()
        assert 3500 < left <= 5400, "an hour, and up to half an hour more"
        redirect = client.get(f"/runs/{run_id}/artifacts/{artifact['output_artifact_id']}/file",
                              allow_redirects=False)
        assert redirect.status_code == 307
        assert requests.get(redirect.headers["Location"], timeout=30).content == answer.content
        assert requests.delete(download, timeout=30).status_code == 403
        assert requests.put(download, data=b"x", timeout=30).status_code == 403
    again, third = (client.items(run_id)[0]["output_artifacts"][0]["download_url"] for _ in range(2))
    # Each half hour begins others: not between three looks twice.
    assert again in (third, item["output_artifacts"][0]["download_url"]), "the same URL, so that ETags stay"
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{platform.object_url}/objects/x", timeout=30)
    # Deleted by the user, and gone from the bucket.
    assert client.delete(f"/runs/{run_id}/artifacts").status_code == 200
    harness.wait_for("the removal of the objects", lambda: not platform.keys())
    for log in platform.folder.glob("*.log"):
        text = log.read_text(errors="replace")
        assert s3_server.SECRET_ACCESS_KEY not in text and "X-Amz-Signature" not in text


def test_commands_upload_and_download(platform, slide):
    """`run submit` sends the slide to the bucket, `run download` brings the results from there."""
    platform.start_worker()
    environment = {"SLIDEWAY_URL": platform.api_url,
                   "SLIDEWAY_TOKEN": platform.issuer.token("ada", "hospital", "member")}
    out = platform.folder / "results"
    platform.slideway("run", "submit", "test-app", slide, "--wait", **environment)
    [run] = platform.client().get("/runs").json()
    platform.slideway("run", "download", run["run_id"], "--output", out, **environment)
    assert len([path for path in out.rglob("*") if path.is_file()]) >= 6


def test_documents_of_an_application(platform, client):
    folder = sample_application.write(
        platform.folder / "applications", "explained", documents=[
            {"name": "Notes ä.md", "path": "notes.md", "mime_type": "text/markdown", "visibility": "public"}])
    (folder / "notes.md").write_bytes(b"# Notes\n")
    platform.register(folder)
    assert "documents/explained/1.0.0/Notes ä.md" in platform.keys("documents")
    redirect = client.get("/applications/explained/versions/1.0.0/documents/Notes%20%C3%A4.md/content",
                          allow_redirects=False)
    answer = requests.get(redirect.headers["Location"], timeout=30)
    assert answer.content == b"# Notes\n"
    assert answer.headers["Content-Type"] == "text/markdown"


def test_inputs_are_read_through_the_store(platform, client, slide):
    """No network that is allowed, and still our own URL is read; forged ones are the user's fault."""
    platform.start_worker(SLIDEWAY_EGRESS_NETWORKS="")
    good = client.upload(slide)
    signature = good[-64:]
    tool = s3_server.Tool(platform.environment())
    key = urllib.parse.unquote(urllib.parse.urlsplit(good).path.partition(f"/{PREFIX}/")[2])
    short = tool("sign", "GET", key, 1)
    absent = tool("sign", "GET", "uploads/nobody/x", 600)
    put = tool("sign", "PUT", key, 600)
    foreign = s3_server.Tool(platform.environment(SLIDEWAY_S3_ACCESS_KEY_ID="AKIDOFNOBODY"))(
        "sign", "GET", key, 600)
    time.sleep(2)
    cases = {"good": (good, None), "expired": (short, "expired"), "absent": (absent, "404"),
             "put": (put, "cannot be used"), "foreign": (foreign, "not public"),
             "forged": (good.replace(signature, "0" * 64), "cannot be used"),
             "longer": (good.replace("Expires=", "Expires=1"), "cannot be used")}
    content = slide.read_bytes()
    run_id = client.create_run("test-app", [harness.slide_item(name, url, content)
                                            for name, (url, _) in cases.items()])
    client.wait_for_run(run_id)
    for item in client.items(run_id):
        reason = cases[item["external_id"]][1]
        if reason is None:
            assert item["output"] == "FULL", item
        else:
            assert item["termination_reason"] == "USER_ERROR", item
            assert reason in item["error_message"], item
            assert "X-Amz" not in item["error_message"]


def test_url_of_the_local_store_stays_good(platform, client, slide):
    """A run that was created before the objects moved into the bucket."""
    key = "uploads/hospital/1/slide.tiff"
    s3_server.Tool(platform.environment())("put", key, slide)
    platform.start_worker()
    run_id = client.create_run(
        "test-app", [harness.slide_item("slide", signed(platform, key), slide.read_bytes())])
    assert client.wait_for_run(run_id)["output"] == "FULL"


def test_worker_that_dies_while_it_stores(platform, client, folder):
    """SIGKILL between two parts: another attempt stores all, and nothing of the first is left."""
    application = storing(platform)
    items = recovery.items(client, folder)
    dead = threading.Event()
    platform.proxy.faults.append(Fault("PUT", "partNumber=2", times=1, until=dead, cut=True))
    worker = platform.start_worker(SLIDEWAY_SLOTS="1")
    run_id = client.create_run(application, items)
    harness.wait_for("the first part", lambda: len(platform.bucket.parts()) == 1)
    worker.kill()
    dead.set()
    assert platform.keys() == set(), "half an object must not be seen"
    assert len(platform.bucket.uploads()) == 1
    platform.start_worker(SLIDEWAY_SLOTS="1")
    run = client.wait_for_run(run_id)
    assert run["output"] == "FULL", run
    assert outcomes(platform, run_id) == ["LOST", "SUCCEEDED"]
    # A lost attempt may still be writing: it is given ten minutes, which are over now.
    with platform.sql() as cursor:
        cursor.execute("UPDATE attempts SET ended_at = ended_at - interval '11 minutes' "
                       "WHERE run_id = %s AND outcome = 'LOST'", (run_id,))
    harness.wait_for("the end of the dead one's upload", lambda: platform.bucket.uploads() == [])
    [key] = platform.keys()
    assert platform.path(key).stat().st_size == LARGE_BYTES
    [artifact] = client.items(run_id)[0]["output_artifacts"]
    answer = requests.get(artifact["download_url"], timeout=60)
    assert answer.content == bytes(LARGE_BYTES)


@pytest.mark.parametrize("output_bytes", [9, LARGE_BYTES])
def test_store_that_fails_for_long_is_a_system_error(platform, client, folder, output_bytes):
    application = storing(platform, output_bytes)
    items = recovery.items(client, folder)
    platform.proxy.faults.append(Fault("PUT", "artifacts/", times=None, status=503, code="SlowDown"))
    platform.start_worker(SLIDEWAY_ATTEMPTS_MAX="2")
    run_id = client.create_run(application, items)
    client.wait_for_run(run_id)
    [item] = client.items(run_id)
    assert item["termination_reason"] == "SYSTEM_ERROR", item
    assert "The platform could not process the item" in item["error_message"]
    told = recovery.rows(platform, "SELECT log_tail FROM attempts WHERE run_id = %s", run_id)
    assert len(told) == 2 and all("HTTP status 503, SlowDown" in tail for tail, in told)
    assert outcomes(platform, run_id) == ["RETRY", "RETRY"]
    assert item["output_artifacts"] == [] or \
        all(artifact["download_url"] is None for artifact in item["output_artifacts"])
    assert platform.keys() == set()
    harness.wait_for("the end of what was begun", lambda: platform.bucket.uploads() == [])


def test_store_that_restarts_costs_nothing(platform, client, folder):
    application = storing(platform, 9)
    items = recovery.items(client, folder)
    platform.start_worker()
    platform.bucket.stop()
    run_id = client.create_run(application, items)
    time.sleep(2)
    platform.bucket.start()
    assert client.wait_for_run(run_id)["output"] == "FULL"


def test_sweep_of_the_bucket(platform, client, folder):
    """Objects that no row knows and stale uploads go; what is known, or not ours, stays; what is
    missing is marked."""
    application = storing(platform, 9)
    platform.start_worker(SLIDEWAY_SWEEP_SECONDS="1")
    run_id = client.create_run(application, recovery.items(client, folder))
    assert client.wait_for_run(run_id)["output"] == "FULL"
    [known] = platform.keys()
    _, run, item, _, _ = known.split("/")
    tool = s3_server.Tool(platform.environment())
    file = folder / "stray"
    file.write_bytes(b"stray")
    stray = f"artifacts/{run}/{item}/{harness.uuid7()}/result"
    foreign = f"artifacts/{harness.uuid7()}/{item}/{harness.uuid7()}/result"
    others = [foreign, "artifacts/README", "uploads/a/b", "documents/a/1.0.0/b"]
    for key in (stray, *others):
        tool("put", key, file)
    with file.open("r+b") as larger:
        larger.truncate(LARGE_BYTES)
    platform.proxy.faults.append(Fault("POST", "stale?uploadId=", times=1, status=403, code="AccessDenied"))
    tool.fails("put", "uploads/stale", file)
    [upload] = platform.bucket.uploads()
    old = time.time() - 2 * 86400
    os.utime(upload, (old, old))
    harness.wait_for("the sweep", lambda: stray not in platform.keys())
    harness.wait_for("the end of the stale upload", lambda: platform.bucket.uploads() == [])
    assert all(platform.path(key).exists() for key in (known, *others))

    def missing():
        return recovery.rows(platform, "SELECT count(*) FROM output_artifacts "
                                       "WHERE object_missing_at IS NOT NULL")[0][0]
    assert missing() == 0
    platform.path(known).rename(platform.folder / "aside")
    harness.wait_for("the mark", lambda: missing() == 1)
    platform.path(known).parent.mkdir(parents=True, exist_ok=True)
    (platform.folder / "aside").rename(platform.path(known))
    harness.wait_for("the end of the mark", lambda: missing() == 0)


def test_keys_that_the_bucket_denies_hold_up_no_others(platform, client, folder):
    """Neither in the walk over the artifacts nor in their removal."""
    application = storing(platform, 9)
    worker = platform.start_worker(SLIDEWAY_SWEEP_SECONDS="1")
    item = recovery.items(client, folder)[0]
    run_id = client.create_run(application, [{**item, "external_id": f"slide-{n}"} for n in range(3)])
    assert client.wait_for_run(run_id)["output"] == "FULL"
    # In the order of the walk.
    denied, lost, other = [key for key, in recovery.rows(
        platform, "SELECT object_key FROM output_artifacts ORDER BY output_artifact_id")]
    fault = Fault("", denied.rpartition("/")[0], times=None, status=403, code="AccessDenied")
    platform.proxy.faults.append(fault)
    harness.wait_for("a walk that is denied it", lambda: "object.not_checked" in worker.output())
    platform.path(lost).unlink()
    harness.wait_for("the mark of what is behind it", lambda: recovery.rows(
        platform, "SELECT object_key FROM output_artifacts WHERE object_missing_at IS NOT NULL") == [(lost,)])
    assert client.delete(f"/runs/{run_id}/artifacts").status_code == 200
    harness.wait_for("the removal", lambda: platform.keys() == {denied})
    harness.wait_for("the refusal", lambda: recovery.rows(
        platform, "SELECT object_key FROM refused_objects") == [(denied,)])
    assert other not in platform.keys()
    platform.proxy.faults.remove(fault)
    harness.wait_for("the end of the refused one", lambda: platform.keys() == set())
    harness.wait_for("the end of the refusal", lambda: recovery.rows(
        platform, "SELECT count(*) FROM refused_objects") == [(0,)])


# The platform on one machine.

def test_platform_on_one_machine_keeps_its_objects_in_a_bucket(folder, server, slide):
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "LANG": "C.UTF-8"}
    bucket = s3_server.settings(server.url, "one-machine")
    data = folder / "data"
    up = harness.Up(data, folder / "up.log", env={**environment, **bucket}).start()
    try:
        assert f"objects  {bucket['SLIDEWAY_OBJECT_STORE']}\n" in up.child.output()
        up.env = environment  # of the client commands, which know no key
        up.slideway("run", "submit", "test-app", slide, "--wait")
        [run] = up.client().get("/runs").json()
        [item] = up.client().items(run["run_id"])
        for artifact in item["output_artifacts"]:
            assert artifact["download_url"].startswith(f"{server.url}/slides/one-machine/artifacts/")
            content = requests.get(artifact["download_url"], timeout=30).content
            assert harness.crc32c(content) == artifact["metadata"]["checksum_base64_crc32c"]
        documents = [key for key in server.objects() if key.startswith("one-machine/documents/test-app/1.0.0/")]
        assert documents, "of the bundled applications"
        check_registration(up, folder, server, bucket)
    finally:
        up.stop()
    assert not [path for path in (data / "objects").rglob("*") if path.is_file()]
    text = "".join(path.read_text(errors="replace") for path in data.glob("log/*.log"))
    assert s3_server.SECRET_ACCESS_KEY not in text and "X-Amz-Signature" not in text
    check_other_store(data, folder, environment, bucket)


def check_other_store(data, folder, environment, bucket):
    """A forgotten setting starts nothing; the way back is said, the way into a bucket is its name."""
    place, objects = bucket["SLIDEWAY_OBJECT_STORE"], f"{data}/objects"
    refused = harness.Up(data, folder / "up.log", env=environment).spawn().child
    assert refused.process.wait(harness.START_SECONDS) == 1
    assert (f"SLIDEWAY_OBJECT_STORE is '{objects}', but the objects of this database are in '{place}'"
            in refused.output())
    assert "`slideway up --store-moved`" in refused.output()
    moved = harness.Up(data, folder / "up.log", "--port", "0", "--store-moved", env=environment).start()
    assert moved.endpoint()["object_store"] == objects
    moved.stop()
    back = harness.Up(data, folder / "up.log", env={**environment, **bucket}).start()
    assert back.endpoint()["object_store"] == place
    back.stop()
    assert f"those in {objects} stay there: `slideway store copy`" in back.child.output()


def check_registration(up, folder, server, bucket):
    """`app register --data` puts documents where the platform has them, and needs the bucket's keys."""
    document = {"name": "notes.md", "path": "notes.md", "mime_type": "text/markdown", "visibility": "public"}
    application = sample_application.write(folder / "applications", "explained", documents=[document])
    (application / "notes.md").write_bytes(b"# Notes\n")
    refused = up.slideway("app", "register", application, check=False)
    assert refused.returncode == 2 and "SLIDEWAY_S3_ACCESS_KEY_ID" in refused.stderr, refused.stderr
    keys = {name: value for name, value in bucket.items() if name != "SLIDEWAY_OBJECT_STORE"}
    up.slideway("app", "register", application, **keys)
    assert "one-machine/documents/explained/1.0.0/notes.md" in server.objects()


# Settings.

def attempt_start(platform, name, **environment):
    """A program that ends by itself, or is stopped after a while; (it runs, its output)."""
    log = platform.folder / f"attempt-{harness.new_id()}.log"
    child = harness.Child([harness.program(name)], log, env=platform.environment(
        **{"SLIDEWAY_SCRATCH": str(platform.folder / "scratch-attempt"), "SLIDEWAY_WORKER_NAME": "attempt",
           "SLIDEWAY_PORT": str(harness.free_port()), **environment}))
    end = time.monotonic() + harness.START_SECONDS
    while child.running() and time.monotonic() < end and b"started" not in pathlib.Path(log).read_bytes():
        time.sleep(0.1)
    running = child.running()
    if running:
        child.stop()
    return running, child.output()


@pytest.mark.parametrize("name", ["slideway-server", "slideway-worker"])
def test_programs_say_what_is_wrong_with_the_store(platform, name):
    for changed, words in (
            ({"SLIDEWAY_S3_SECRET_ACCESS_KEY": "wrong-secret"}, "does not accept the access key"),
            ({"SLIDEWAY_OBJECT_STORE": "s3://absent"}, "has no bucket 'absent'"),
            ({"SLIDEWAY_OBJECT_STORE": "s3://"}, "SLIDEWAY_OBJECT_STORE"),
            ({"SLIDEWAY_S3_ENDPOINT": "s3.example.org"}, "SLIDEWAY_S3_ENDPOINT"),
            ({"SLIDEWAY_S3_STYLE": "both"}, "SLIDEWAY_S3_STYLE must be path or virtual-host"),
            ({"SLIDEWAY_S3_ACCESS_KEY_ID": ""}, "SLIDEWAY_S3_ACCESS_KEY_ID")):
        running, output = attempt_start(platform, name, **changed)
        assert not running and words in output, output
        assert "wrong-secret" not in output
    running, output = attempt_start(
        platform, name, SLIDEWAY_S3_ENDPOINT=f"http://127.0.0.1:{harness.free_port()}")
    assert running and "object_store.away" in output, "a store that is only away is not waited for"
