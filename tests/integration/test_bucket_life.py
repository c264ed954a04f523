"""Upload buckets beside the rest of the platform: runs on what is in them, keys that end, a server that is
killed, what is swept.
"""
import os
import socket
import time
import urllib.parse

import pytest
import requests

import harness
import s3_server
from bucket_client import PREFIX, Bucket, refusal

# Where the reference's own client signs its URLs for.
STORAGE = "https://storage.googleapis.com"


@pytest.fixture
def bucket(platform):
    return Bucket(platform)


@pytest.fixture
def closed(platform):
    """The platform with a worker that may fetch from public addresses alone."""
    platform.start_worker(SLIDEWAY_EGRESS_NETWORKS="")
    return platform


def run_on(platform, urls, slide, organization="hospital"):
    """{external_id: (termination reason, message)} of a run on slides under these URLs."""
    client = platform.client(f"user of {organization}", organization)
    items = [harness.slide_item(name, url, slide.read_bytes()) for name, url in urls.items()]
    run_id = client.create_run("test-app", items)
    client.wait_for_run(run_id)
    return {item["external_id"]: (item["termination_reason"], item["error_message"])
            for item in client.items(run_id)}


def test_run_on_an_uploaded_slide(closed, bucket, slide):
    bucket.s3.upload_file(str(slide), bucket.name, "ada/1/test-app/1.0.0/a slide.tiff")
    ended = run_on(closed, {
        "as the official client signs": bucket.url("get_object", "ada/1/test-app/1.0.0/a slide.tiff",
                                                   7 * 86400, STORAGE),
        "for the own endpoint": bucket.url("get_object", "ada/1/test-app/1.0.0/a slide.tiff"),
    }, slide)
    assert set(ended.values()) == {("SUCCEEDED", None)}, ended


def test_urls_that_a_run_cannot_use(closed, bucket, slide):
    bucket.put("slide.tiff", slide.read_bytes())
    other = Bucket(closed, "laboratory")
    other.put("slide.tiff", slide.read_bytes())
    good = bucket.url("get_object", "slide.tiff")
    short = bucket.url("get_object", "slide.tiff", 1)
    time.sleep(1.1)
    ended = run_on(closed, {
        "expired": short, "changed": good.replace("slide.tiff", "other.tiff"),
        "missing": bucket.url("get_object", "missing.tiff"), "for an upload": bucket.url("put_object", "slide.tiff"),
        "another's": other.url("get_object", "slide.tiff"),
        "another's bucket": bucket.s3.generate_presigned_url(
            "get_object", Params={"Bucket": other.name, "Key": "slide.tiff"}),
        "an unknown key": good.replace(bucket.access_key_id, "SLDWAAAAAAAAAAAAAAAA"),
    }, slide)
    said = {name: message for name, (reason, message) in ended.items() if reason == "USER_ERROR"}
    assert set(said) == set(ended), ended
    for name, words in {"expired": "Request has expired", "changed": "signature", "missing": "404",
                        "for an upload": "signature", "another's bucket": "cannot be used"}.items():
        assert words in said[name], (name, said[name])
    # Of a key that is not the organisation's, nothing is known: the URL is for the network, and forbidden there.
    for name in ("another's", "an unknown key"):
        assert "not public" in said[name] or "not allowed" in said[name], said[name]


def test_rotation(platform, bucket):
    bucket.put("key", b"body")
    url = bucket.url("get_object", "key")
    done = platform.slideway("bucket", "rotate", "hospital")
    assert done.stdout == f"the key of bucket {bucket.name} has ended; /v1/me gives a new one\n"
    assert refusal(bucket.get, "key") == ("InvalidAccessKeyId", 403)
    assert requests.get(url, timeout=30).status_code == 403
    fresh = Bucket(platform)
    assert fresh.name == bucket.name
    assert fresh.access_key_id != bucket.access_key_id and fresh.secret != bucket.secret
    assert fresh.get("key") == b"body"
    assert refusal(bucket.get, "key") == ("InvalidAccessKeyId", 403)
    with platform.sql() as cursor:
        cursor.execute("SELECT action, detail->>'access_key_id' FROM audit WHERE action LIKE 'bucket.%' ORDER BY at")
        assert cursor.fetchall() == [("bucket.key_made", bucket.access_key_id),
                                     ("bucket.key_ended", bucket.access_key_id),
                                     ("bucket.key_made", fresh.access_key_id)]
    listed = platform.slideway("bucket", "list").stdout
    assert fresh.name in listed and fresh.access_key_id in listed and fresh.secret not in listed
    missing = platform.slideway("bucket", "rotate", "nobody", check=False)
    assert missing.returncode == 2 and "the organisation 'nobody' has no bucket" in missing.stderr


def test_changed_signing_key(platform, bucket):
    """The secret cannot be read any more: the next who asks gets a new one, and the objects stay."""
    bucket.put("key", b"body")
    platform.server.stop()
    platform.start_server(SLIDEWAY_URL_SIGNING_KEY="another key that is long enough for this purpose")
    assert refusal(bucket.get, "key") == ("InvalidAccessKeyId", 403)
    fresh = Bucket(platform)
    assert fresh.name == bucket.name and fresh.access_key_id != bucket.access_key_id
    assert fresh.get("key") == b"body"
    assert Bucket(platform).secret == fresh.secret
    assert "bucket.secret_unreadable" in platform.server.output()
    assert bucket.secret not in platform.server.output()


def begin_body(bucket, key, length, sent):
    """A connection on which a PUT has sent the beginning of its body."""
    path = f"/{bucket.name}/{key}"
    headers, _ = bucket.signer.sign("PUT", path, {}, {}, "UNSIGNED-PAYLOAD")
    host = urllib.parse.urlsplit(bucket.signer.endpoint)
    connection = socket.create_connection((host.hostname, host.port), 60)
    lines = [f"PUT {path} HTTP/1.1", f"Content-Length: {length}",
             *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    connection.sendall("\r\n".join(lines).encode() + b"m" * sent)
    return connection


def test_server_that_is_killed_in_an_upload(platform, bucket):
    bucket.put("old", b"old")
    incoming = platform.folder / "objects/.incoming"
    with begin_body(bucket, "old", 2_000_000, 1_000_000), begin_body(bucket, "new", 2_000_000, 1_000_000):
        harness.wait_for("the files", lambda: harness.sizes_in(incoming) == [1_000_000, 1_000_000])
        platform.server.kill()
    platform.start_server()
    assert bucket.keys() == ["old"] and bucket.get("old") == b"old" and bucket.used_bytes() == 3
    # What is left is swept a day later.
    for file in incoming.iterdir():
        os.utime(file, (time.time() - 90_000, time.time() - 90_000))
    with platform.sql() as cursor:
        cursor.execute("UPDATE bucket_strays SET due_at = due_at - interval '1 day 1 second' RETURNING file_id")
        assert len(cursor.fetchall()) == 2
    platform.start_worker()
    harness.wait_for("the end of the files", lambda: harness.sizes_in(incoming) == [])
    harness.wait_for("the end of the rows", lambda: strays(platform) == 0)
    assert bucket.get("old") == b"old"


def strays(platform):
    with platform.sql() as cursor:
        cursor.execute("SELECT count(*) FROM bucket_strays")
        return cursor.fetchone()[0]


def test_what_nobody_needs_is_removed(platform, bucket):
    """Files of objects that were replaced or deleted, and of parts."""
    bucket.put("replaced", b"old")
    bucket.put("replaced", b"newer")
    bucket.put("deleted", b"deleted")
    bucket.s3.delete_object(Bucket=bucket.name, Key="deleted")
    upload = bucket.s3.create_multipart_upload(Bucket=bucket.name, Key="aborted")["UploadId"]
    bucket.s3.upload_part(Bucket=bucket.name, Key="aborted", UploadId=upload, PartNumber=1, Body=b"aborted part")
    bucket.s3.abort_multipart_upload(Bucket=bucket.name, Key="aborted", UploadId=upload)
    assert bucket.files() == [3, 5, 7, 12]
    platform.start_worker()
    harness.wait_for("the removal", lambda: bucket.files() == [5])
    harness.wait_for("the end of the rows", lambda: strays(platform) == 0)
    assert bucket.get("replaced") == b"newer"


@pytest.mark.parametrize("days, kept", [("30", ["young"]), ("0", ["old", "young"])])
def test_old_uploads_are_deleted(platform, bucket, days, kept):
    for key in ("old", "young"):
        bucket.put(key, key.encode())
    uploads = [bucket.s3.create_multipart_upload(Bucket=bucket.name, Key="key")["UploadId"] for _ in range(2)]
    bucket.s3.upload_part(Bucket=bucket.name, Key="key", UploadId=uploads[0], PartNumber=1, Body=b"part")
    with platform.sql() as cursor:
        cursor.execute("UPDATE bucket_objects SET stored_at = now() - CASE object_key WHEN 'old' "
                       "THEN interval '30 days 1 minute' ELSE interval '29 days 23 hours' END")
        cursor.execute("UPDATE bucket_uploads SET begun_at = now() - CASE upload_id WHEN %s "
                       "THEN interval '7 days 1 minute' ELSE interval '6 days 23 hours' END", (uploads[0],))
    platform.start_worker(SLIDEWAY_UPLOAD_DAYS=days)

    def open_uploads():
        return [one["UploadId"] for one in bucket.s3.list_multipart_uploads(Bucket=bucket.name)["Uploads"]]
    harness.wait_for("the end of the old upload", lambda: open_uploads() == [uploads[1]])
    harness.wait_for("the deletion", lambda: bucket.keys() == kept)
    harness.wait_for("the removal", lambda: bucket.files() == sorted(len(key) for key in kept))
    assert bucket.used_bytes() == sum(map(len, kept))


def test_database_that_is_away(platform, bucket, cluster):
    bucket.put("key", b"body")
    cluster.stop()
    try:
        answer = requests.get(bucket.url("get_object", "key"), timeout=60)
        assert answer.status_code == 503 and "<Code>ServiceUnavailable</Code>" in answer.text
        assert bucket.secret not in platform.server.output()
    finally:
        cluster.start()
    harness.wait_for("the database", platform.healthy)
    assert bucket.get("key") == b"body"


def test_server_that_stops_in_an_upload(platform, bucket):
    with begin_body(bucket, "key", 2_000_000, 1_000_000):
        assert platform.server.stop() == 0
    platform.start_server()
    assert bucket.keys() == []
    assert list((platform.folder / "objects/.incoming").iterdir()) == []


def told(platform):
    """What /v1/me says of a bucket."""
    organization = platform.client().get("/me").json()["organization"]
    return [organization[PREFIX + name] for name in ("name", "hmac_access_key_id", "hmac_secret_access_key", "protocol")]


def test_bucket_that_the_operator_gives(platform, bucket, cluster):
    """/v1/me names a bucket of another store; the platform itself has nothing to do with it."""
    bucket.put("key", b"body")
    secret = platform.folder / "secret"
    secret.write_text("an HMAC key/of+another store\n")

    def assign(*arguments, check=True, **environment):
        return platform.slideway("bucket", "assign", *arguments, check=check, **environment)

    own = [bucket.name, bucket.access_key_id, bucket.secret, "gs"]
    assert told(platform) == own
    key = ("--access-key-id", "GOOG1EXAMPLE", "--secret-file", secret)
    done = assign("hospital", "hospital.slides_eu", *key)
    assert done.stdout == "organisation hospital uploads to gs://hospital.slides_eu\n"
    assert told(platform) == ["hospital.slides_eu", "GOOG1EXAMPLE", "an HMAC key/of+another store", "gs"]
    assign("hospital", "slides", *key, "--protocol", "s3")
    assert told(platform) == ["slides", "GOOG1EXAMPLE", "an HMAC key/of+another store", "s3"]
    listed = platform.slideway("bucket", "list").stdout
    assert "GOOG1EXAMPLE" in listed and bucket.name in listed and "of+another" not in listed
    with platform.sql() as cursor:
        cursor.execute("SELECT sealed_secret FROM assigned_buckets")
        assert "another" not in cursor.fetchone()[0]
    # The server knows no such key, and what was in the own bucket stays.
    bucket.signer.access_key_id, bucket.signer.secret = "GOOG1EXAMPLE", "an HMAC key/of+another store"
    assert "<Code>InvalidAccessKeyId</Code>" in bucket.signer.send("GET", "/slides/key").text
    assert bucket.get("key") == b"body"
    # Sealed with another signing key it cannot be told.
    assign("hospital", "slides", *key, SLIDEWAY_URL_SIGNING_KEY="another key that is long enough for this")
    assert told(platform) == ["", "", "", ""]
    assert "bucket.secret_unreadable" in platform.server.output()
    platform.slideway("bucket", "unassign", "hospital")
    assert told(platform) == own
    for arguments, words in ((("nobody", "slides", *key), "there is no organisation 'nobody'"),
                             (("hospital", "slides"), "--access-key-id"),
                             (("hospital", "slides", *key, "--protocol", "ftp"), "gs or s3"),
                             (("hospital", "slides", *key[:3], platform.folder / "none"), "none")):
        refused = assign(*arguments, check=False)
        assert refused.returncode in (1, 2) and words in refused.stderr, refused.stderr
    again = platform.slideway("bucket", "unassign", "hospital", check=False)
    assert again.returncode == 2 and "no bucket was assigned" in again.stderr


def test_store_that_is_a_bucket_itself_gives_none(cluster, folder):
    """Nor does it name the one that an organisation had before, to which nobody can upload any more."""
    server = s3_server.S3Server(folder).start()
    platform = harness.Platform(cluster, folder, applications=())
    try:
        platform.start_server()
        assert all(told(platform))
        platform.server.stop()
        platform.start_server(**s3_server.settings(server.url))
        assert told(platform) == ["", "", "", ""]
        platform.add_organization("hospital")
        (folder / "secret").write_text("secret")
        platform.slideway("bucket", "assign", "hospital", "slides", "--access-key-id", "ID", "--secret-file",
                          folder / "secret")
        assert told(platform) == ["slides", "ID", "secret", "gs"]
    finally:
        platform.stop()
        server.stop()
