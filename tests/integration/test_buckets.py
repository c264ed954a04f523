"""Upload buckets by boto3: objects under keys of every kind, multipart uploads, lists, presigned URLs,
what is refused, quotas.
"""
import concurrent.futures
import hashlib
import os
import random
import subprocess
import time

import pytest
import requests

import harness
from bucket_client import Bucket, refusal

MEGABYTE = 1000 * 1000
QUOTA_MEGABYTES = 60
FOREIGN = "The key has no access to this bucket."


@pytest.fixture(scope="module")
def platform(cluster, module_folder):
    yield from harness.Platform(cluster, module_folder, applications=()).serve(
        SLIDEWAY_BUCKET_MEGABYTES=str(QUOTA_MEGABYTES), SLIDEWAY_LOG_LEVEL="debug")


@pytest.fixture
def bucket(platform, request):
    """Each test has an organisation of its own."""
    return Bucket(platform, f"org of {request.node.name}"[:200])


@pytest.fixture(scope="module")
def noise():
    return random.Random(7).randbytes(3 * MEGABYTE)


# /v1/me.

def test_me_names_the_bucket(platform):
    answer = platform.client(organization="Clinic 7").get("/me")
    organization = answer.json()["organization"]
    assert organization["aignostics_bucket_name"].startswith("clinic-7-")
    assert len(organization["aignostics_bucket_hmac_access_key_id"]) == 20
    assert len(organization["aignostics_bucket_hmac_secret_access_key"]) == 43
    assert organization["aignostics_bucket_protocol"] == "gs"
    assert answer.headers["Cache-Control"] == "no-store"
    again = platform.client("another", "Clinic 7").get("/me").json()["organization"]
    assert again == organization
    other = platform.client("another", "Clinic 8").get("/me").json()["organization"]
    for name in ("name", "hmac_access_key_id", "hmac_secret_access_key"):
        assert other[f"aignostics_bucket_{name}"] != organization[f"aignostics_bucket_{name}"]


def test_many_first_calls_agree(platform):
    def ask(_number):
        return platform.client(organization="new").get("/me").json()["organization"]
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(ask, range(16)))
    assert all(answer == answers[0] and answer["aignostics_bucket_name"] for answer in answers)


@pytest.mark.parametrize("scope, shown", [("read", False), ("write", True)])
def test_key_that_may_only_read_gets_no_bucket(platform, scope, shown):
    platform.add_organization("lab")
    platform.slideway("user", "add", "robot", "--org", "lab")
    key = platform.slideway("key", "add", "--user", "robot", "--scope", scope).stdout.strip()
    organization = harness.Client(platform.api_url, key).get("/me").json()["organization"]
    values = [organization[f"aignostics_bucket_{name}"]
              for name in ("name", "hmac_access_key_id", "hmac_secret_access_key", "protocol")]
    assert all(values) if shown else values == ["", "", "", ""]


# Objects.

KEYS = ["plain.tiff", "a b.tiff", "a+b.tiff", "a%20b.tiff", "ünï/日本/🔬.svs", "a/b/c/d", "a//b", "/a", "a/",
        "..", "../../etc/passwd", "a/../b", "./a", "?x=1&y=2#z", "=&;,:@$!'()*~", "<&>\"", "A.TIFF", "a.tiff",
        "back\\slash", "tab\there", "k" * 1024, "ü" * 512, "CON", "objects/x", "buckets/x", ".incoming"]


def test_keys_of_every_kind(bucket):
    for number, key in enumerate(KEYS):
        bucket.put(key, f"{number}".encode())
    assert bucket.keys() == sorted(KEYS, key=str.encode)
    for number, key in enumerate(KEYS):
        assert bucket.get(key) == f"{number}".encode(), key
        assert bucket.s3.head_object(Bucket=bucket.name, Key=key)["ContentLength"] == len(f"{number}")
    # Their names in the store have nothing to do with the keys.
    assert len(bucket.files()) == len(KEYS)
    for key in KEYS:
        bucket.s3.delete_object(Bucket=bucket.name, Key=key)
    assert bucket.keys() == [] and bucket.used_bytes() == 0


def test_object_and_its_headers(bucket, noise):
    metadata = {"case": "17", "words": "two  words"}
    stored = bucket.put("slides/a.tiff", noise, ContentType="image/tiff", Metadata=metadata,
                        ContentDisposition='attachment; filename="a"', CacheControl="no-store")
    etag = f'"{hashlib.md5(noise).hexdigest()}"'
    assert stored["ETag"] == etag
    found = bucket.s3.get_object(Bucket=bucket.name, Key="slides/a.tiff")
    assert found["Body"].read() == noise
    for answer in (found, bucket.s3.head_object(Bucket=bucket.name, Key="slides/a.tiff")):
        assert (answer["ContentType"], answer["ETag"], answer["ContentLength"], answer["Metadata"]) == (
            "image/tiff", etag, len(noise), metadata)
        assert (answer["ContentDisposition"], answer["CacheControl"]) == ('attachment; filename="a"', "no-store")
        assert abs(answer["LastModified"].timestamp() - time.time()) < 60


def test_empty_object(bucket):
    bucket.put("empty", b"")
    assert bucket.get("empty") == b""
    assert bucket.s3.head_object(Bucket=bucket.name, Key="empty")["ContentType"] == "binary/octet-stream"


def test_new_object_replaces_the_old_one(bucket):
    bucket.put("key", b"old and long")
    bucket.put("key", b"new", ContentType="text/plain")
    assert bucket.get("key") == b"new"
    assert bucket.used_bytes() == 3
    assert refusal(bucket.s3.put_object, Bucket=bucket.name, Key="key", Body=b"no",
                   ContentMD5="AAAAAAAAAAAAAAAAAAAAAA==") == ("BadDigest", 400)
    assert bucket.get("key") == b"new"


@pytest.mark.parametrize("wanted, status, body", [
    ("bytes=0-0", 206, slice(0, 1)), ("bytes=10-19", 206, slice(10, 20)),
    ("bytes=2999999-", 206, slice(2999999, None)), ("bytes=-5", 206, slice(-5, None)),
    ("bytes=0-99999999", 206, slice(None)), ("bytes=3000000-", 416, None), ("lines=1-2", 200, slice(None))])
def test_ranges(platform, noise, wanted, status, body):
    bucket = Bucket(platform, "ranges")
    if not bucket.keys():
        bucket.put("key", noise)
    answer = requests.get(bucket.url("get_object", "key"), headers={"Range": wanted}, timeout=30)
    assert answer.status_code == status
    if body is None:
        assert "<Code>InvalidRange</Code>" in answer.text
    else:
        assert answer.content == noise[body]


@pytest.mark.parametrize("header, status", [
    ({"If-None-Match": "{etag}"}, 304), ({"If-None-Match": "*"}, 304), ({"If-None-Match": '"x", {etag}'}, 304),
    ({"If-None-Match": '"x"'}, 200), ({"If-Match": "{etag}"}, 200), ({"If-Match": '"x"'}, 412)])
def test_conditions(platform, header, status):
    bucket = Bucket(platform, "conditions")
    etag = bucket.put("key", b"body")["ETag"]
    headers = {name: value.replace("{etag}", etag) for name, value in header.items()}
    answer = requests.get(bucket.url("get_object", "key"), headers=headers, timeout=30)
    assert answer.status_code == status
    assert answer.content == b"body" or status != 200
    assert answer.headers.get("ETag") == etag or status == 412


def test_object_that_must_be_new(bucket):
    for expected in (200, 412):
        answer = bucket.signer.send("PUT", f"/{bucket.name}/key", b"body", headers={"if-none-match": "*"})
        assert answer.status_code == expected
    assert bucket.used_bytes() == 4


# Multipart uploads.

def test_large_file_goes_in_parts(bucket, module_folder):
    path = module_folder / "large"
    path.write_bytes(os.urandom(25 * MEGABYTE))
    bucket.s3.upload_file(str(path), bucket.name, "large", ExtraArgs={"ContentType": "image/tiff"})
    head = bucket.s3.head_object(Bucket=bucket.name, Key="large")
    # Of parts of 8 MiB, S3's ETag: the MD5 of their MD5s, and how many there are.
    parts = [path.read_bytes()[at:at + (8 << 20)] for at in range(0, 25 * MEGABYTE, 8 << 20)]
    etag = hashlib.md5(b"".join(hashlib.md5(part).digest() for part in parts)).hexdigest()
    assert (head["ETag"], head["ContentType"]) == (f'"{etag}-3"', "image/tiff")
    bucket.s3.download_file(bucket.name, "large", str(module_folder / "back"))
    assert (module_folder / "back").read_bytes() == path.read_bytes()
    assert bucket.used_bytes() == 25 * MEGABYTE


PART = b"p" * (5 << 20)


def begin(bucket, key="key", parts=(PART, b"end")):
    """(the id of an upload, the list of its parts for its completion)"""
    upload = bucket.s3.create_multipart_upload(Bucket=bucket.name, Key=key)["UploadId"]
    stored = [bucket.s3.upload_part(Bucket=bucket.name, Key=key, UploadId=upload, PartNumber=number, Body=part)
              for number, part in enumerate(parts, 1)]
    return upload, [{"PartNumber": number, "ETag": part["ETag"]} for number, part in enumerate(stored, 1)]


def complete(bucket, upload, parts, key="key"):
    return bucket.s3.complete_multipart_upload(Bucket=bucket.name, Key=key, UploadId=upload,
                                               MultipartUpload={"Parts": parts})


def test_life_of_a_multipart_upload(bucket):
    upload, parts = begin(bucket)
    assert bucket.keys() == []
    assert bucket.used_bytes() == len(PART) + 3
    listed = bucket.s3.list_parts(Bucket=bucket.name, Key="key", UploadId=upload)
    assert [(part["PartNumber"], part["Size"], part["ETag"]) for part in listed["Parts"]] == [
        (1, len(PART), parts[0]["ETag"]), (2, 3, parts[1]["ETag"])]
    listed = bucket.s3.list_parts(Bucket=bucket.name, Key="key", UploadId=upload, MaxParts=1)
    assert listed["IsTruncated"] and listed["NextPartNumberMarker"] == 1 and len(listed["Parts"]) == 1
    assert [one["UploadId"] for one in bucket.s3.list_multipart_uploads(Bucket=bucket.name)["Uploads"]] == [upload]
    # A part may be sent again.
    again = bucket.s3.upload_part(Bucket=bucket.name, Key="key", UploadId=upload, PartNumber=2, Body=b"other")
    assert refusal(complete, bucket, upload, parts) == ("InvalidPart", 400)
    parts[1]["ETag"] = again["ETag"]
    etag = complete(bucket, upload, parts)["ETag"]
    assert bucket.get("key") == PART + b"other"
    assert bucket.used_bytes() == len(PART) + 5
    assert "Uploads" not in bucket.s3.list_multipart_uploads(Bucket=bucket.name)
    # Whoever did not get the answer asks again.
    assert complete(bucket, upload, parts)["ETag"] == etag
    bucket.put("key", b"newer")
    assert refusal(complete, bucket, upload, parts) == ("NoSuchUpload", 404)


def test_some_of_the_parts_are_enough(bucket):
    upload, parts = begin(bucket, parts=(PART, PART, b"end"))
    complete(bucket, upload, [parts[0], parts[2]])
    assert bucket.get("key") == PART + b"end"
    assert bucket.used_bytes() == len(PART) + 3


def test_aborted_upload_is_gone(bucket):
    upload, parts = begin(bucket)
    bucket.s3.abort_multipart_upload(Bucket=bucket.name, Key="key", UploadId=upload)
    assert bucket.used_bytes() == 0
    gone = ("NoSuchUpload", 404)
    where = {"Bucket": bucket.name, "Key": "key", "UploadId": upload}
    assert refusal(complete, bucket, upload, parts) == gone
    assert refusal(bucket.s3.abort_multipart_upload, **where) == gone
    assert refusal(bucket.s3.list_parts, **where) == gone
    assert refusal(bucket.s3.upload_part, **where, PartNumber=1, Body=b"x") == gone
    assert refusal(bucket.s3.upload_part, **{**where, "UploadId": "none"}, PartNumber=1, Body=b"x") == gone


def test_upload_belongs_to_its_key(bucket):
    upload, parts = begin(bucket)
    assert refusal(complete, bucket, upload, parts, key="other") == ("NoSuchUpload", 404)


@pytest.mark.parametrize("change, code", [
    (lambda parts: [parts[1], parts[0]], "InvalidPartOrder"),
    (lambda parts: [parts[0], parts[0]], "InvalidPartOrder"),
    (lambda parts: [*parts, {"PartNumber": 9, "ETag": parts[0]["ETag"]}], "InvalidPart"),
    (lambda parts: [{"PartNumber": 1, "ETag": parts[1]["ETag"]}], "InvalidPart"),
    (lambda parts: [{"PartNumber": 0, "ETag": parts[0]["ETag"]}], "MalformedXML"),
    (lambda parts: [{"PartNumber": 10001, "ETag": parts[0]["ETag"]}], "MalformedXML"),
    (lambda parts: [], "MalformedXML")])
def test_completion_that_does_not_fit(platform, change, code):
    bucket = Bucket(platform, "completions")
    upload, parts = begin(bucket, parts=(PART, b"p" + PART))
    assert refusal(complete, bucket, upload, change(parts)) == (code, 400)
    complete(bucket, upload, parts)
    bucket.s3.delete_object(Bucket=bucket.name, Key="key")


def test_small_parts_are_for_the_end(bucket):
    upload, parts = begin(bucket, parts=(b"small", b"end"))
    assert refusal(complete, bucket, upload, parts) == ("EntityTooSmall", 400)


def test_completions_at_once(bucket):
    upload, parts = begin(bucket, parts=(PART, PART, b"end"))
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        calls = [pool.submit(complete, bucket, upload, parts) for _ in range(8)]
        etags = {call.result()["ETag"] for call in calls}
    assert len(etags) == 1
    assert bucket.get("key") == 2 * PART + b"end"
    assert bucket.used_bytes() == 2 * len(PART) + 3


def test_completion_and_abort_at_once(bucket):
    for _ in range(5):
        upload, parts = begin(bucket)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            ended = pool.submit(refusal, complete, bucket, upload, parts)
            aborted = pool.submit(refusal, bucket.s3.abort_multipart_upload, Bucket=bucket.name, Key="key",
                                  UploadId=upload)
        outcomes = [ended.result(), aborted.result()]
        assert sorted(outcomes, key=bool) == [None, ("NoSuchUpload", 404)], outcomes
        assert bucket.used_bytes() == (len(PART) + 3 if outcomes[0] is None else 0)
        bucket.s3.delete_object(Bucket=bucket.name, Key="key")


# Lists.

def model(keys, prefix, delimiter, after=""):
    """What S3 says of a list: keys, and prefixes for those that have the delimiter behind the prefix."""
    entries = []
    for key in sorted(keys, key=str.encode):
        if not key.startswith(prefix) or key.encode() <= after.encode():
            continue
        split = key.find(delimiter, len(prefix)) if delimiter else -1
        entry = ("prefix", key[:split + len(delimiter)]) if split >= 0 else ("key", key)
        if entry not in entries:
            entries.append(entry)
    return entries


def listed(bucket, **parameters):
    entries = []
    pages = bucket.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket.name, **parameters)
    for page in pages:
        found = [("key", one["Key"]) for one in page.get("Contents", [])]
        found += [("prefix", one["Prefix"]) for one in page.get("CommonPrefixes", [])]
        assert page["KeyCount"] == len(found)
        entries += sorted(found, key=lambda entry: entry[1].encode())
    return entries


@pytest.fixture(scope="module")
def forest(platform):
    """A bucket with many keys, and the keys."""
    bucket = Bucket(platform, "forest")
    chance = random.Random(3)
    words = ["a", "b", "ab", "ü", "z z", "é", "\U0010FFFF", "-", "a/"]
    keys = sorted({"/".join(chance.choices(words, k=chance.randint(1, 4))) for _ in range(120)})
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: bucket.put(key, b""), keys))
    return bucket, keys


@pytest.mark.parametrize("delimiter", ["", "/", "b", "//", "ü", "\U0010FFFF"])
@pytest.mark.parametrize("prefix", ["", "a", "a/", "ab/", "ü/", "none", "\U0010FFFF"])
@pytest.mark.parametrize("page", [1, 7, 1000])
def test_lists_agree_with_a_model(forest, prefix, delimiter, page):
    bucket, keys = forest
    found = listed(bucket, Prefix=prefix, PaginationConfig={"PageSize": page},
                   **({"Delimiter": delimiter} if delimiter else {}))
    assert found == model(keys, prefix, delimiter)


@pytest.mark.parametrize("after", ["a", "a/", "ab", "ü/a", "zz", "\U0010FFFF/z"])
@pytest.mark.parametrize("delimiter", ["", "/"])
def test_list_begins_behind_a_key(forest, after, delimiter):
    bucket, keys = forest
    found = listed(bucket, StartAfter=after, **({"Delimiter": delimiter} if delimiter else {}))
    assert found == model(keys, "", delimiter, after)


def test_list_without_encoding_is_xml(bucket):
    bucket.put("a<&>\"ü", b"x")
    answer = bucket.signer.send("GET", f"/{bucket.name}", query={"list-type": "2"})
    assert answer.status_code == 200 and "<Key>a&lt;&amp;&gt;&quot;ü</Key>" in answer.content.decode()


@pytest.mark.parametrize("query, status, code", [
    ({"max-keys": "0"}, 200, None), ({"max-keys": "100000"}, 200, None), ({"max-keys": "-1"}, 400, "InvalidArgument"),
    ({"max-keys": "x"}, 400, "InvalidArgument"), ({"encoding-type": "x"}, 400, "InvalidArgument"),
    ({"continuation-token": "?"}, 400, "InvalidArgument"), ({"continuation-token": ""}, 400, "InvalidArgument"),
    ({"continuation-token": "k" * 4000}, 400, "InvalidArgument"), ({"prefix": "p" * 1025}, 400, "InvalidArgument"),
    ({"prefix": "%"}, 200, None), ({"marker": "x"}, 501, "NotImplemented")])
def test_parameters_of_a_list(platform, query, status, code):
    bucket = Bucket(platform, "parameters")
    answer = bucket.signer.send("GET", f"/{bucket.name}", query={"list-type": "2", **query})
    assert answer.status_code == status
    assert code is None or f"<Code>{code}</Code>" in answer.text


def test_bucket_itself(bucket):
    assert bucket.s3.head_bucket(Bucket=bucket.name)["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert [one["Name"] for one in bucket.s3.list_buckets()["Buckets"]] == [bucket.name]
    assert bucket.s3.get_bucket_location(Bucket=bucket.name)["LocationConstraint"] is None


def test_deletion_of_many(bucket):
    keys = [f"k/{number}&<ü" for number in range(150)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: bucket.put(key, b"1"), keys))
    wanted = [{"Key": key} for key in [*keys[:100], "missing"]]
    answer = bucket.s3.delete_objects(Bucket=bucket.name, Delete={"Objects": wanted})
    assert [one["Key"] for one in answer["Deleted"]] == [one["Key"] for one in wanted]
    assert sorted(bucket.keys()) == sorted(keys[100:]) and bucket.used_bytes() == 50
    answer = bucket.s3.delete_objects(Bucket=bucket.name, Delete={"Objects": [{"Key": keys[100]}], "Quiet": True})
    assert "Deleted" not in answer
    too_many = [{"Key": str(number)} for number in range(1001)]
    assert refusal(bucket.s3.delete_objects, Bucket=bucket.name, Delete={"Objects": too_many}) == ("MalformedXML", 400)
    assert bucket.used_bytes() == 49


# Presigned URLs.

def test_presigned_upload_and_download(bucket, noise):
    def pieces():
        for at in range(0, len(noise), 65536):
            yield noise[at:at + 65536]
    url = bucket.url("put_object", "ada/1700000000000/he-tme/1.2.0/slide 1.svs", 7200)
    stored = requests.put(url, data=pieces(), headers={"Content-Type": "application/octet-stream"}, timeout=60)
    assert stored.status_code == 200, stored.text
    assert stored.headers["ETag"] == f'"{hashlib.md5(noise).hexdigest()}"'
    url = bucket.url("get_object", "ada/1700000000000/he-tme/1.2.0/slide 1.svs", 7 * 86400)
    found = requests.get(url, timeout=60)
    assert found.content == noise and found.headers["Content-Type"] == "application/octet-stream"
    head = requests.head(url, timeout=60)
    assert head.status_code == 200 and head.headers["Content-Length"] == str(len(noise))
    # Neither is good for anything else.
    for method in ("put", "delete", "post"):
        assert requests.request(method, url, timeout=30).status_code in (403, 501)
    assert bucket.used_bytes() == len(noise)


def test_presigned_headers(bucket):
    bucket.put("key", b"body", ContentType="text/plain", ContentDisposition="inline")
    disposition = 'attachment; filename="ü name.txt"'
    answer = requests.get(bucket.url("get_object", "key", ResponseContentType="image/x",
                                     ResponseContentDisposition="attachment; filename=x"), timeout=30)
    assert (answer.headers["Content-Type"], answer.headers["Content-Disposition"]) == (
        "image/x", "attachment; filename=x")
    answer = requests.get(bucket.url("get_object", "key", ResponseContentDisposition=disposition), timeout=30)
    assert answer.headers["Content-Disposition"].encode("latin-1").decode() == disposition
    hostile = requests.get(bucket.url("get_object", "key", ResponseContentType="a\r\nX-Evil: 1"), timeout=30)
    assert hostile.status_code == 400 and "X-Evil" not in hostile.headers


@pytest.mark.parametrize("media_type, confined", [("text/html", True), ("image/svg+xml", True),
                                                  ("binary/octet-stream", True), ("application/pdf", False)])
def test_object_runs_nothing_in_a_browser(platform, media_type, confined):
    """Also where the URL changes its media type. A PDF's viewer would not start in a sandbox."""
    bucket = Bucket(platform, "pages")
    bucket.put("stored", b"<script>1</script>", ContentType=media_type)
    bucket.put("renamed", b"<script>1</script>")
    for key, parameters in (("stored", {}), ("renamed", {"ResponseContentType": media_type})):
        answer = requests.get(bucket.url("get_object", key, **parameters), timeout=30)
        assert answer.headers["Content-Type"] == media_type
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        policy = answer.headers.get("Content-Security-Policy", "").split("; ")
        assert ("sandbox" in policy) == confined and ("default-src 'none'" in policy) == confined


def test_presigned_url_ends(bucket):
    bucket.put("key", b"body")
    begun = time.time()
    url = bucket.url("get_object", "key", 8)
    # It counts from the whole second in which it was signed.
    assert requests.get(url, timeout=30).status_code == 200 or time.time() >= begun + 7
    time.sleep(8.1)
    late = requests.get(url, timeout=30)
    assert late.status_code == 403
    assert "<Code>AccessDenied</Code><Message>Request has expired</Message>" in late.text


@pytest.mark.parametrize("before, after", [
    ("/key?", "/kez?"), ("/key?", "//key?"), ("Expires=3600", "Expires=3601"), ("SignedHeaders=host", "SignedHeaders="),
    ("EUROPE-WEST3", "us-east-1"), ("X-Amz-Signature=", "X-Amz-Signature=0"), ("?", "?response-content-type=x&")])
def test_tampered_url_is_refused(platform, before, after):
    bucket = Bucket(platform, "tampered")
    for key in ("key", "kez", "/key"):
        bucket.put(key, b"body")
    url = bucket.url("get_object", "key")
    assert before in url
    answer = requests.get(url.replace(before, after, 1), timeout=30)
    assert answer.status_code == 403, answer.text


def test_bucket_in_the_hosts_name(platform):
    bucket = Bucket(platform, "virtual")
    host = f"{bucket.name}.{platform.object_url.removeprefix('http://')}"
    answer = bucket.signer.send("PUT", "/a/key", b"body", headers={"host": host})
    assert answer.status_code == 200, answer.text
    assert bucket.get("a/key") == b"body"


# What is refused.

def test_requests_without_a_key(platform):
    bucket = Bucket(platform, "strangers")
    assert requests.get(f"{platform.object_url}/{bucket.name}/key", timeout=30).status_code == 403
    assert requests.get(f"{platform.object_url}/", timeout=30).status_code == 403
    bucket.signer.access_key_id = "SLDWAAAAAAAAAAAAAAAA"
    answer = bucket.signer.send("GET", f"/{bucket.name}/key")
    assert answer.status_code == 403 and "<Code>InvalidAccessKeyId</Code>" in answer.text
    bucket = Bucket(platform, "strangers")
    bucket.signer.secret = bucket.secret[:-1]
    answer = bucket.signer.send("GET", f"/{bucket.name}/key")
    assert answer.status_code == 403 and "<Code>SignatureDoesNotMatch</Code>" in answer.text


@pytest.mark.parametrize("time", ["99991231T235960Z", "99991231T235961Z", "00000101T000000Z", "20130230T000000Z"])
def test_stranger_with_a_time_that_cannot_be(platform, time):
    """Nothing has been verified yet when it is read. The same server answers afterwards."""
    bucket = Bucket(platform, "strangers")
    query = {"X-Amz-Algorithm": "AWS4-HMAC-SHA256", "X-Amz-Date": time, "X-Amz-Expires": "60",
             "X-Amz-Credential": f"SLDWAAAAAAAAAAAAAAAA/{time[:8]}/any/s3/aws4_request",
             "X-Amz-SignedHeaders": "host", "X-Amz-Signature": "0" * 64}
    answer = requests.get(f"{platform.object_url}/{bucket.name}/key", params=query, timeout=30)
    assert answer.status_code == 400
    assert "<Code>AuthorizationQueryParametersError</Code>" in answer.text
    bucket.put("key", b"body")
    assert bucket.get("key") == b"body"


def test_missing_object(bucket):
    assert refusal(bucket.get, "none") == ("NoSuchKey", 404)
    assert refusal(bucket.s3.head_object, Bucket=bucket.name, Key="none") == ("404", 404)


def test_others_bucket_is_refused_with_every_verb(platform):
    mine = Bucket(platform, "mine")
    other = Bucket(platform, "theirs")
    other.put("key", b"theirs")
    upload, parts = begin(other, "open")
    theirs = {"Bucket": other.name}
    there = {**theirs, "Key": "key"}
    opened = {**theirs, "Key": "open", "UploadId": upload}
    calls = [
        (mine.s3.get_object, there), (mine.s3.put_object, {**there, "Body": b"mine"}),
        (mine.s3.put_object, {**there, "Body": b"m" * 3 * MEGABYTE}),
        (mine.s3.delete_object, there), (mine.s3.list_objects_v2, theirs),
        (mine.s3.list_objects_v2, {**theirs, "Prefix": "key"}), (mine.s3.get_bucket_location, theirs),
        (mine.s3.delete_objects, {**theirs, "Delete": {"Objects": [{"Key": "key"}]}}),
        (mine.s3.create_multipart_upload, there), (mine.s3.list_multipart_uploads, theirs),
        (mine.s3.upload_part, {**opened, "PartNumber": 1, "Body": b"mine"}), (mine.s3.list_parts, opened),
        (mine.s3.abort_multipart_upload, opened),
        (mine.s3.complete_multipart_upload, {**opened, "MultipartUpload": {"Parts": parts}})]
    for call, arguments in calls:
        assert refusal(call, **arguments) == ("AccessDenied", 403), call
    for call, arguments in ((mine.s3.head_object, there), (mine.s3.head_bucket, theirs)):
        assert refusal(call, **arguments) == ("403", 403)
    for method in ("get_object", "put_object", "delete_object"):
        url = mine.s3.generate_presigned_url(method, Params=there)
        answer = requests.request(method.partition("_")[0], url, data=b"mine", timeout=30)
        assert answer.status_code == 403 and FOREIGN in answer.text
    # Nor by way of the own bucket, nor by a name that is nobody's.
    assert refusal(mine.get, f"../{other.name}/key") == ("NoSuchKey", 404)
    assert refusal(mine.s3.get_object, Bucket="nobodys-bucket", Key="key") == ("AccessDenied", 403)
    assert refusal(mine.s3.upload_part, Bucket=mine.name, Key="open", UploadId=upload, PartNumber=1,
                   Body=b"mine") == ("NoSuchUpload", 404)
    assert other.get("key") == b"theirs" and other.keys() == ["key"]
    complete(other, upload, parts, "open")


@pytest.mark.parametrize("method, path, query, code", [
    ("PUT", "/{}", {}, "NotImplemented"), ("DELETE", "/{}", {}, "NotImplemented"),
    ("GET", "/{}/key", {"acl": ""}, "NotImplemented"), ("PUT", "/{}/key", {"tagging": ""}, "NotImplemented"),
    ("POST", "/{}/key", {}, "NotImplemented"), ("PUT", "/{}/" + "k" * 1025, {}, "KeyTooLongError"),
    ("PUT", "/{}/key", {"partNumber": "0", "uploadId": "01900000-0000-7000-8000-000000000000"}, "InvalidArgument"),
    ("PUT", "/{}/key", {"partNumber": "10001", "uploadId": "01900000-0000-7000-8000-000000000000"},
     "InvalidArgument")])
def test_requests_that_cannot_be(platform, method, path, query, code):
    bucket = Bucket(platform, "impossible")
    answer = bucket.signer.send(method, path.format(bucket.name), b"body", query=query)
    assert f"<Code>{code}</Code>" in answer.text
    assert answer.headers["Content-Type"] == "application/xml"


def test_metadata_has_a_limit(bucket):
    bucket.put("key", b"body", Metadata={"a": "x" * 2000})
    assert refusal(bucket.put, "key", b"new", Metadata={"a": "x" * 2040}) == ("MetadataTooLarge", 400)
    assert bucket.get("key") == b"body"


def test_metadata_of_many_names_is_whole(bucket):
    metadata = {f"name-{number}": str(number) for number in range(45)}
    headers = {"CacheControl": "no-cache", "ContentDisposition": "inline", "ContentLanguage": "de",
               "ContentEncoding": "x", "Expires": "Wed, 21 Oct 2037 07:28:00 GMT"}
    bucket.put("key", b"body", Metadata=metadata, **headers)
    answer = bucket.s3.get_object(Bucket=bucket.name, Key="key", Range="bytes=0-1")
    assert answer["Metadata"] == metadata
    assert (answer["CacheControl"], answer["ContentDisposition"], answer["ContentLanguage"],
            answer["ContentEncoding"], answer["ContentRange"]) == ("no-cache", "inline", "de", "x", "bytes 0-1/4")


def test_request_with_very_many_headers(bucket):
    """It is refused before anything is done."""
    bucket.put("key", b"body")
    headers = {f"x-amz-meta-{number}": "x" for number in range(70)}
    answer = bucket.signer.send("DELETE", f"/{bucket.name}/key", headers=headers)
    assert answer.status_code == 400 and "<Code>InvalidRequest</Code>" in answer.text
    assert bucket.get("key") == b"body"


# Quotas.

def test_quota_is_kept(bucket):
    """The bucket takes 60 MB: refused before a body whose length is known, else in the middle of it."""
    part = b"m" * (20 * MEGABYTE)
    for key in ("a", "b"):
        bucket.put(key, part)
    upload, parts = begin(bucket, "parts", parts=(b"p" * (15 * MEGABYTE),))
    full = ("QuotaExceeded", 403)
    assert refusal(bucket.put, "c", b"m" * (5 * MEGABYTE + 1)) == full
    assert refusal(bucket.s3.upload_part, Bucket=bucket.name, Key="parts", UploadId=upload, PartNumber=2,
                   Body=b"m" * (5 * MEGABYTE + 1)) == full
    url = bucket.url("put_object", "c")
    chunked = requests.put(url, data=iter([b"m" * MEGABYTE] * 6), timeout=60)
    assert chunked.status_code == 403 and "<Code>QuotaExceeded</Code>" in chunked.text
    assert bucket.keys() == ["a", "b"] and bucket.used_bytes() == 55 * MEGABYTE
    assert len(bucket.files()) == 3
    # What fits still does, also in the place of something else.
    bucket.put("c", b"m" * (5 * MEGABYTE))
    bucket.put("a", part)
    assert refusal(bucket.put, "d", b"m") == full
    assert requests.put(bucket.url("put_object", "d"), data=iter([b"m"]), timeout=60).status_code == 403
    bucket.put("empty", b"")
    complete(bucket, upload, parts, "parts")
    assert bucket.used_bytes() == 60 * MEGABYTE
    bucket.s3.delete_object(Bucket=bucket.name, Key="b")
    bucket.put("d", part)
    assert bucket.used_bytes() == 60 * MEGABYTE


def test_quota_holds_for_many_at_once(bucket):
    body = b"m" * (9 * MEGABYTE)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(lambda number: refusal(bucket.put, f"{number}", body), range(8)))
    assert sorted(map(str, outcomes)) == sorted(map(str, [None] * 6 + [("QuotaExceeded", 403)] * 2))
    assert bucket.used_bytes() == 54 * MEGABYTE


# Secrets.

def test_secrets_are_nowhere_in_clear(platform, cluster):
    bucket = Bucket(platform, "secretive")
    bucket.put("key", b"body")
    url = bucket.url("get_object", "key")
    requests.get(url, timeout=30)
    refusal(bucket.get, "none")
    dump = subprocess.run([cluster.programs / "pg_dump", "-d", platform.database], check=True, text=True,
                          capture_output=True).stdout
    assert bucket.access_key_id in dump
    log = platform.server.output()
    assert "request.answered" in log
    for place in (dump, log):
        assert bucket.secret not in place
        assert url.partition("X-Amz-Signature=")[2] not in place
