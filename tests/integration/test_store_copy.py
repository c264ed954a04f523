"""`slideway store copy`: from a folder into a bucket, while the platform runs, through kills and failures."""
import json
import os
import re
import subprocess
import threading

import pytest
import requests

import harness
import recovery
import s3_server
from s3_server import Fault

PART_BYTES = 16 * 1024 * 1024
PLACE = f"s3://{s3_server.BUCKET}/moved"
LARGE_BYTES = int(os.environ.get("S3_LARGE_BYTES", 300_000_000))


@pytest.fixture
def server(folder):
    value = s3_server.S3Server(folder).start()
    yield value
    value.stop()


@pytest.fixture
def proxy(server):
    value = s3_server.S3Proxy(server.port)
    yield value
    value.stop()


def environment(url):
    return harness.bare_environment(**s3_server.settings(url))


def arguments(objects, *more):
    return [harness.program("slideway"), "store", "copy", str(objects), PLACE, *more]


def copy(objects, url, check=True, **more):
    """(objects, bytes, copied objects, copied bytes) that the command counts."""
    done = subprocess.run(arguments(objects, "--json"), text=True, capture_output=True, check=False,
                          env={**environment(url), **more}, timeout=900)
    if not check:
        return done
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    return tuple(answer[name] for name in ("objects", "bytes", "copied_objects", "copied_bytes"))


def make_objects(folder):
    """A folder of objects, and beside them what is none."""
    objects = folder / "objects"
    contents = {"artifacts/r/i/a/result": b"123456789", "artifacts/r/i/a/ä b%2F+.json": b"{}",
                "documents/app/1.0.0/empty": b"", "uploads/o/1/slide.tiff": bytes(PART_BYTES) + b"end"}
    for key, content in contents.items():
        (objects / key).parent.mkdir(parents=True, exist_ok=True)
        (objects / key).write_bytes(content)
    (objects / ".incoming").mkdir()
    (objects / ".incoming" / "growing").write_bytes(b"half of it")
    (objects / "artifacts" / "link").symlink_to("/etc/passwd")
    os.mkfifo(objects / "artifacts" / "pipe")
    return objects, contents


def moved(server):
    root = server.folder / s3_server.BUCKET / "moved"
    return {key.partition("/")[2]: (root / key.partition("/")[2]).read_bytes() for key in server.objects()}


def test_every_object_is_copied_once(server, folder):
    objects, contents = make_objects(folder)
    size = sum(map(len, contents.values()))
    assert copy(objects, server.url) == (4, size, 4, size)
    assert moved(server) == contents
    assert copy(f"{objects}/", server.url) == (4, size, 0, 0)
    # One that is new, one that differs, one that is gone: the bucket's own objects stay.
    (objects / "artifacts/r/i/a/new").write_bytes(b"new")
    (folder / "other").write_bytes(b"987654321")
    s3_server.Tool(s3_server.settings(server.url, "moved"))("put", "artifacts/r/i/a/result", folder / "other")
    (objects / "documents/app/1.0.0/empty").unlink()
    assert copy(objects, server.url) == (4, size + 3, 2, 12)
    assert moved(server) == {**contents, "artifacts/r/i/a/new": b"new"}
    assert (objects / ".incoming/growing").exists()
    plain = subprocess.run(arguments(objects), text=True, capture_output=True, check=True,
                           env=environment(server.url))
    assert re.match(r"4 objects \(\d+ bytes\) are in the bucket, by size and checksum\n"
                    r"0 \(0 bytes\) were copied, 4 were there\n", plain.stdout)


def test_killed_copy_goes_on_in_the_middle_of_a_large_object(server, proxy, folder):
    objects = folder / "objects"
    large = objects / "uploads/o/1/large.tiff"
    large.parent.mkdir(parents=True)
    with large.open("wb") as file:
        file.truncate(LARGE_BYTES)
        for start in range(0, LARGE_BYTES, PART_BYTES):
            file.seek(start)
            file.write(f"part at {start}".encode()[:LARGE_BYTES - start])
    (objects / "uploads/o/1/a first one").write_bytes(b"first")
    count = -(-LARGE_BYTES // PART_BYTES)
    held, dead = count // 2 + 1, threading.Event()
    proxy.faults.append(Fault("PUT", f"partNumber={held}&", times=1, until=dead, cut=True))
    child = harness.Child(arguments(objects), folder / "copy.log", env=environment(proxy.url))
    harness.wait_for("half of the parts", lambda: proxy.count("PUT", f"partNumber={held}&") == 1, 600)
    child.kill()
    dead.set()
    kept = len(server.parts())
    assert kept == held - 1
    assert server.objects() == ["moved/uploads/o/1/a first one"]
    with proxy.lock:
        proxy.requests.clear()
        proxy.faults.clear()
    assert copy(objects, proxy.url) == (2, LARGE_BYTES + 5, 1, LARGE_BYTES)
    assert proxy.count("PUT", "partNumber=") == count - kept
    assert proxy.count("PUT", "first") == 0
    assert server.uploads() == []
    same = subprocess.run(["cmp", large, server.folder / s3_server.BUCKET / "moved/uploads/o/1/large.tiff"],
                          check=False)
    assert same.returncode == 0


def test_what_arrives_otherwise_than_it_was_sent_is_noticed(server, proxy, folder):
    """A store that says yes and keeps something else."""
    objects, _ = make_objects(folder)
    proxy.faults.append(Fault("PUT", "/result", times=None, status=200, body="x"))
    done = copy(objects, proxy.url, check=False)
    assert done.returncode == 1
    assert "artifacts/r/i/a/result: what the store has is not what was sent" in done.stderr
    proxy.faults.clear()
    assert copy(objects, proxy.url)[0] == 4


def test_failures_are_named_and_leave_the_rest_to_be_done(server, proxy, folder):
    objects, contents = make_objects(folder)
    proxy.faults.append(Fault("PUT", "/empty", times=None, status=503, code="SlowDown"))
    done = copy(objects, proxy.url, check=False)
    assert done.returncode == 1 and "documents/app/1.0.0/empty: the object store fails" in done.stderr
    proxy.faults.clear()
    assert copy(objects, proxy.url)[2] == 2, "two were copied before it"
    assert moved(server) == contents


@pytest.mark.parametrize("folder_name, place, changed, code, words", [
    ("objects", PLACE, {"SLIDEWAY_S3_SECRET_ACCESS_KEY": "wrong-secret"}, 3, "does not accept the access key"),
    ("objects", "/srv/objects", {}, 2, "no bucket"),
    ("objects", "s3://x", {}, 2, "valid bucket"),
    ("objects", "s3://absent", {}, 1, "has no bucket 'absent'"),
    ("absent", PLACE, {}, 2, "cannot be opened"),
])
def test_wrong_places_are_refused(server, folder, folder_name, place, changed, code, words):
    make_objects(folder)
    done = subprocess.run([harness.program("slideway"), "store", "copy", str(folder / folder_name), place],
                          text=True, capture_output=True, check=False, timeout=60,
                          env={**environment(server.url), **changed})
    assert (done.returncode, words in done.stderr) == (code, True), done.stderr
    assert "wrong-secret" not in done.stderr


def test_only_one_copy_at_a_time(server, proxy, folder):
    objects, _ = make_objects(folder)
    second_ended = threading.Event()
    proxy.faults.append(Fault("PUT", times=1, until=second_ended))
    first = harness.Child(arguments(objects), folder / "copy.log", env=environment(proxy.url))
    harness.wait_for("its first object", lambda: proxy.count("PUT") == 1)
    second = copy(objects, proxy.url, check=False)
    assert second.returncode == 1 and "another copy" in second.stderr
    second_ended.set()
    assert first.process.wait(harness.START_SECONDS) == 0


def test_platform_moves_into_the_bucket(cluster, folder, server, slide):
    """Runs of before are readable after it; one that was created before is processed after it."""
    platform = harness.Platform(cluster, folder)
    bucket = {**s3_server.settings(server.url), "SLIDEWAY_OBJECT_STORE": PLACE}
    client = platform.client()
    try:
        platform.start_server()
        worker = platform.start_worker()
        url = client.upload(slide)
        items = [harness.slide_item("slide", url, slide.read_bytes())]
        run_id = client.create_run("test-app", items)
        assert client.wait_for_run(run_id)["output"] == "FULL"
        objects = len(harness.files_below(platform.folder / "objects"))
        assert copy(platform.folder / "objects", server.url)[0] == objects
        worker.stop()
        waiting_id = client.create_run("test-app", items)
        platform.server.stop()
        assert copy(platform.folder / "objects", server.url)[2] == 0
        (platform.folder / "objects").rename(platform.folder / "aside")
        platform.start_server(**bucket)
        platform.start_worker(**bucket)
        assert client.wait_for_run(waiting_id)["output"] == "FULL"
        for run in (run_id, waiting_id):
            [item] = client.items(run)
            for artifact in item["output_artifacts"]:
                assert artifact["download_url"].startswith(server.url)
                content = requests.get(artifact["download_url"], timeout=30).content
                assert harness.crc32c(content) == artifact["metadata"]["checksum_base64_crc32c"]
        assert not (platform.folder / "objects").exists()
    finally:
        platform.stop()
