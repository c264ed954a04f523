"""A boto3 of today against an upload bucket behind TLS: it sends its bodies in chunks with a checksum as
trailer, as every checksum that it knows, and asks for them when it reads.
"""
import hashlib
import os

import boto3
import harness
import pytest
from bucket_client import Bucket, refusal
from test_tls import Authority
from tls_front import TlsFront

LARGE_BYTES = 25_000_000


@pytest.fixture(scope="module")
def bucket(tmp_path_factory):
    folder = tmp_path_factory.mktemp("platform")
    authority = Authority(folder, "authority")
    certificate, key = authority.issue("localhost")
    cluster = harness.Cluster()
    platform = harness.Platform(cluster, folder, applications=())
    front = TlsFront(platform.object_port, certificate, key)
    try:
        platform.start_server()
        value = Bucket(platform)
        value.endpoint = f"https://localhost:{front.port}"
        value.authority = str(authority.path)
        value.s3 = value.client(value.endpoint, verify=value.authority)
        yield value
    finally:
        front.stop()
        platform.stop()
        cluster.remove()


@pytest.fixture
def sent(bucket):
    """The headers of the requests that the client sends."""
    headers = []
    bucket.s3.meta.events.register("before-send.s3", lambda request, **_: headers.append(dict(request.headers)),
                                   unique_id="sent")
    yield headers
    bucket.s3.meta.events.unregister("before-send.s3", unique_id="sent")


def test_this_boto3_is_newer():
    assert tuple(map(int, boto3.__version__.split(".")[:2])) >= (1, 36)


@pytest.mark.parametrize("algorithm", [None, "CRC32", "SHA1", "SHA256"])
@pytest.mark.parametrize("size", [0, 1, 3_000_000])
def test_body_with_a_trailer(bucket, sent, algorithm, size):
    body = os.urandom(size)
    options = {"ChecksumAlgorithm": algorithm} if algorithm else {}
    answer = bucket.s3.put_object(Bucket=bucket.name, Key="key", Body=body, **options)
    assert answer["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    [headers] = [one for one in sent if "Expect" in one]
    assert headers["X-Amz-Content-SHA256"] in ("STREAMING-UNSIGNED-PAYLOAD-TRAILER",
                                               b"STREAMING-UNSIGNED-PAYLOAD-TRAILER")
    assert bucket.s3.get_object(Bucket=bucket.name, Key="key")["Body"].read() == body
    assert bucket.used_bytes() == size


def test_large_file(bucket, tmp_path):
    path = tmp_path / "large"
    path.write_bytes(os.urandom(LARGE_BYTES))
    bucket.s3.upload_file(str(path), bucket.name, "large file")
    bucket.s3.download_file(bucket.name, "large file", str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == path.read_bytes()
    bucket.s3.delete_object(Bucket=bucket.name, Key="large file")


def test_lists_and_deletions(bucket):
    keys = [f"folder/{number} ü+&" for number in range(30)]
    for key in keys:
        bucket.put(key, b"x")
    assert sorted(bucket.keys(Prefix="folder/", PaginationConfig={"PageSize": 7})) == sorted(keys)
    bucket.s3.delete_objects(Bucket=bucket.name, Delete={"Objects": [{"Key": key} for key in keys]})
    assert bucket.keys(Prefix="folder/") == []


def test_refusals_are_understood(bucket):
    assert refusal(bucket.s3.get_object, Bucket=bucket.name, Key="none") == ("NoSuchKey", 404)
    assert refusal(bucket.s3.put_object, Bucket="anothers-bucket", Key="key", Body=b"x" * 1_000_000) == (
        "AccessDenied", 403)
