"""Bodies of uploads to a bucket: signed as a whole or in chunks, with trailers, with every checksum; and those
that are not what they say, of which nothing may stay.
"""
import base64
import datetime
import hashlib
import http.client
import random
import socket
import urllib.parse
import zlib

import pytest

import harness
from bucket_client import Bucket

BODY = random.Random(5).randbytes(200_000)
CHUNKS = [BODY[:65536], BODY[65536:131072], BODY[131072:]]
CRC32 = base64.b64encode(zlib.crc32(BODY).to_bytes(4, "big")).decode()


def crc64nvme(data):
    """By its definition, bit by bit."""
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (0x9A6C9329AC4BC9B5 if value & 1 else 0)
        table.append(value)
    crc = 0xFFFFFFFFFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return base64.b64encode((crc ^ 0xFFFFFFFFFFFFFFFF).to_bytes(8, "big")).decode()


def digest(name, data=BODY):
    return base64.b64encode(hashlib.new(name, data).digest()).decode()


CHECKSUMS = {"x-amz-checksum-crc32": CRC32, "x-amz-checksum-crc32c": harness.crc32c(BODY),
             "x-amz-checksum-crc64nvme": crc64nvme(BODY), "x-amz-checksum-sha1": digest("sha1"),
             "x-amz-checksum-sha256": digest("sha256")}


@pytest.fixture(scope="module")
def platform(cluster, module_folder):
    yield from harness.Platform(cluster, module_folder, applications=()).serve()


@pytest.fixture
def bucket(platform, request):
    return Bucket(platform, f"org of {request.node.name}"[:200])


def assert_refused(bucket, answer, code, status=400):
    assert (answer.status_code, f"<Code>{code}</Code>" in answer.text) == (status, True), answer.text
    assert bucket.keys() == [] and bucket.used_bytes() == 0 and bucket.files() == []
    # The file of the body may outlive the answer by a moment.
    harness.wait_for("its end", lambda: harness.sizes_in(bucket.platform.folder / "objects/.incoming") == [])


def path(bucket):
    return f"/{bucket.name}/a key"


def test_signed_chunks(bucket):
    answer = bucket.signer.chunked(path(bucket), CHUNKS)
    assert answer.status_code == 200, answer.text
    assert answer.headers["ETag"] == f'"{hashlib.md5(BODY).hexdigest()}"'
    assert bucket.get("a key") == BODY
    # The encoding of the chunks is none of the object's.
    assert "ContentEncoding" not in bucket.s3.head_object(Bucket=bucket.name, Key="a key")


@pytest.mark.parametrize("signed", [True, False], ids=["signed", "unsigned"])
@pytest.mark.parametrize("name", CHECKSUMS)
def test_trailers(bucket, name, signed):
    good = bucket.signer.chunked(path(bucket), CHUNKS, (name, CHECKSUMS[name]), signed)
    assert good.status_code == 200, good.text
    assert bucket.get("a key") == BODY
    bucket.s3.delete_object(Bucket=bucket.name, Key="a key")
    kept = bucket.files()
    bad = bucket.signer.chunked(path(bucket), CHUNKS[:2], (name, CHECKSUMS[name]), signed)
    assert bad.status_code == 400 and "<Code>BadDigest</Code>" in bad.text
    assert bucket.keys() == [] and bucket.files() == kept


@pytest.mark.parametrize("name", [*CHECKSUMS, "content-md5"])
def test_checksums_in_headers(bucket, name):
    value = CHECKSUMS.get(name, digest("md5"))
    answer = bucket.signer.send("PUT", path(bucket), BODY[:-1], headers={name: value})
    assert_refused(bucket, answer, "BadDigest")
    answer = bucket.signer.send("PUT", path(bucket), BODY, headers={name: "no base64"})
    assert_refused(bucket, answer, "InvalidDigest")
    assert bucket.signer.send("PUT", path(bucket), BODY, headers={name: value}).status_code == 200
    assert bucket.get("a key") == BODY


def test_signed_hash_of_the_whole_body(bucket):
    other = hashlib.sha256(b"other").hexdigest()
    answer = bucket.signer.send("PUT", path(bucket), BODY, payload_hash=other)
    assert_refused(bucket, answer, "XAmzContentSHA256Mismatch")
    for payload_hash in (None, "UNSIGNED-PAYLOAD"):
        assert bucket.signer.send("PUT", path(bucket), BODY, payload_hash=payload_hash).status_code == 200
    assert bucket.get("a key") == BODY


@pytest.mark.parametrize("payload_hash, code, status", [
    ("STREAMING-UNKNOWN", "NotImplemented", 501), ("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", "NotImplemented", 501),
    ("", "InvalidArgument", 400), ("abc", "InvalidArgument", 400), ("z" * 64, "InvalidArgument", 400)])
def test_hashes_that_are_none(bucket, payload_hash, code, status):
    headers, _ = bucket.signer.sign("PUT", path(bucket), {}, {}, payload_hash)
    assert_refused(bucket, bucket.signer.request("PUT", path(bucket), {}, headers, BODY), code, status)


def test_chunks_that_nobody_announced(bucket):
    answer = bucket.signer.send("PUT", path(bucket), b"4\r\nbody\r\n0\r\n\r\n", payload_hash="UNSIGNED-PAYLOAD",
                                headers={"content-encoding": "aws-chunked"})
    assert_refused(bucket, answer, "InvalidRequest")


CHANGES = {
    "a changed byte": (lambda body: body.replace(CHUNKS[1], CHUNKS[1][:-1] + b"\0"), "SignatureDoesNotMatch", 403),
    "a chunk that comes twice": (lambda body: body.replace(CHUNKS[1], CHUNKS[0]), "SignatureDoesNotMatch", 403),
    "a changed signature": (lambda body: body.replace(b"signature=", b"signature=0", 1), "IncompleteBody", 400),
    "no signatures": (lambda _body: b"4\r\nbody\r\n0\r\n\r\n", "IncompleteBody", 400),
    "a missing line end": (lambda body: body.replace(CHUNKS[0] + b"\r\n", CHUNKS[0]), "IncompleteBody", 400),
    "a huge chunk": (lambda body: b"fffffffffffffff" + body[5:], "IncompleteBody", 400),
    "a negative chunk": (lambda body: b"-1" + body[5:], "IncompleteBody", 400),
    "no end": (lambda body: body[:-2], "IncompleteBody", 400),
    "nothing": (lambda _body: b"", "IncompleteBody", 400),
    "more behind the end": (lambda body: body + b"0\r\n\r\n", "IncompleteBody", 400),
    "an endless line": (lambda _body: b"1" * 100_000, "IncompleteBody", 400),
}


@pytest.mark.parametrize("what", CHANGES)
def test_changed_chunks_are_refused(bucket, what):
    change, code, status = CHANGES[what]
    answer = bucket.signer.chunked(path(bucket), CHUNKS, change=change)
    assert_refused(bucket, answer, code, status)


def test_other_length_than_announced(bucket):
    for length in (len(BODY) - 1, len(BODY) + 1):
        assert_refused(bucket, bucket.signer.chunked(path(bucket), CHUNKS, announced=length), "IncompleteBody")


def test_trailer_that_is_missing_or_other(bucket):
    trailer = ("x-amz-checksum-crc32", CRC32)
    for change in (lambda body: body.replace(b"x-amz-checksum-crc32:" + CRC32.encode() + b"\r\n", b""),
                   lambda body: body.replace(b"x-amz-checksum-crc32:", b"x-amz-checksum-sha1:")):
        answer = bucket.signer.chunked(path(bucket), CHUNKS, trailer, signed=False, change=change)
        assert_refused(bucket, answer, "MalformedTrailerError")
    answer = bucket.signer.chunked(path(bucket), CHUNKS, ("x-amz-meta-a", "b"), signed=False)
    assert_refused(bucket, answer, "InvalidRequest")


def test_clock_that_is_wrong(bucket):
    at = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=16)
    assert_refused(bucket, bucket.signer.send("PUT", path(bucket), BODY, at=at), "RequestTimeTooSkewed", 403)


def test_body_that_breaks_off(bucket):
    """The connection ends in the middle of a body: nothing stays."""
    headers, _ = bucket.signer.sign("PUT", path(bucket), {}, {}, "UNSIGNED-PAYLOAD")
    host = urllib.parse.urlsplit(bucket.signer.endpoint)
    with socket.create_connection((host.hostname, host.port), 60) as connection:
        lines = [f"PUT {urllib.parse.quote(path(bucket))} HTTP/1.1", "Content-Length: 100000",
                 *(f"{name}: {value}" for name, value in headers.items()), "", ""]
        connection.sendall("\r\n".join(lines).encode() + BODY[:50000])
        incoming = bucket.platform.folder / "objects/.incoming"
        harness.wait_for("the beginning of the file",
                         lambda: 50000 in harness.sizes_in(incoming))
    harness.wait_for("its end", lambda: harness.sizes_in(incoming) == [])
    assert bucket.keys() == [] and bucket.files() == []


def test_refusal_comes_before_the_body(bucket):
    """A client that waits for `100 Continue` learns it without sending its body."""
    host = urllib.parse.urlsplit(bucket.signer.endpoint)
    connection = http.client.HTTPConnection(host.hostname, host.port, timeout=60)
    headers, _ = bucket.signer.sign("PUT", "/other-bucket/key", {}, {}, "UNSIGNED-PAYLOAD")
    connection.putrequest("PUT", "/other-bucket/key", skip_host=True)
    for name, value in {**headers, "Content-Length": str(10 << 30), "Expect": "100-continue"}.items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == 403 and b"<Code>AccessDenied</Code>" in answer.read()
    connection.close()


def test_objects_have_a_largest_size(bucket):
    headers = {"content-length": str((128 << 30) + 1)}
    signed, _ = bucket.signer.sign("PUT", path(bucket), {}, {}, "UNSIGNED-PAYLOAD")
    host = urllib.parse.urlsplit(bucket.signer.endpoint)
    connection = http.client.HTTPConnection(host.hostname, host.port, timeout=60)
    connection.putrequest("PUT", urllib.parse.quote(path(bucket)), skip_host=True)
    for name, value in {**signed, **headers, "Expect": "100-continue"}.items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == 400 and b"<Code>EntityTooLarge</Code>" in answer.read()
    connection.close()
