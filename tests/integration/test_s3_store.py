"""The back end `s3` of the object store, against a real S3 server that checks signatures, and
through a proxy that fails: nothing is half done, what was interrupted goes on, refusals are clear.
"""
import datetime
import email.utils
import os
import re
import signal
import subprocess
import threading
import time

import pytest
import requests

import harness
import s3_server
from s3_server import Fault
from test_tls import Authority
from tls_front import TlsFront

PART_BYTES = 16 * 1024 * 1024


@pytest.fixture(scope="module")
def server(module_folder):
    value = s3_server.S3Server(module_folder).start()
    yield value
    value.stop()


@pytest.fixture
def proxy(server):
    value = s3_server.S3Proxy(server.port)
    yield value
    value.stop()


@pytest.fixture
def tool(server):
    return s3_server.Tool(s3_server.settings(server.url))


@pytest.fixture
def far(proxy):
    """The tool, through the proxy."""
    return s3_server.Tool(s3_server.settings(proxy.url))


def make_file(path, content=b"123456789"):
    path.write_bytes(content)
    return path


def sparse_file(path, size_bytes):
    """Zeros without a disk, and a word in each part by which it is told from others."""
    with path.open("wb") as file:
        file.truncate(size_bytes)
        for start in range(0, size_bytes, PART_BYTES):
            file.seek(start)
            file.write(f"part at {start}".encode()[:size_bytes - start])
    return path


KEYS = ["artifacts/r/i/a/report.json", "artifacts/r/i/a/ä b+c%2F&=#?'*.txt", "uploads/o/1/" + "x" * 200,
        "documents/he-tme/1.0.0/a b.md"]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("checksum", ["crc32c", "md5"])
def test_object_is_stored_and_read(tool, server, folder, key, checksum):
    file = make_file(folder / "file")
    name = key.replace("artifacts", checksum)
    assert tool("put", name, file, SLIDEWAY_S3_CHECKSUM=checksum) == "9 4waSgw=="
    assert f"platform/{name}" in server.objects()
    assert tool("size", name) == "9"
    assert tool("get", name, folder / "copy", 9) == "9 4waSgw=="
    assert (folder / "copy").read_bytes() == b"123456789"
    assert tool("holds", name, file, SLIDEWAY_S3_CHECKSUM=checksum) == "yes"
    assert tool("holds", name, make_file(folder / "other", b"123456780"),
                SLIDEWAY_S3_CHECKSUM=checksum) == "no"
    assert tool.fails("get", name, folder / "copy", 8).startswith("limit: ")
    tool("remove", name)
    tool("remove", name)
    assert tool.fails("size", name).startswith("not_found: ")
    assert tool.fails("get", name, folder / "copy", 9).startswith("not_found: ")


def test_empty_object(tool, folder):
    assert tool("put", "empty", make_file(folder / "file", b"")) == "0 AAAAAA=="
    assert tool("get", "empty", folder / "copy", 0) == "0 AAAAAA=="


def test_names_below_a_folder_and_their_removal(tool, server, folder):
    """More names than one page has, and beside them what is not to be removed."""
    root = server.folder / s3_server.BUCKET / "platform" / "many"
    for index in range(1005):
        (root / f"{index:04d}" / "deep").mkdir(parents=True)
        (root / f"{index:04d}" / "deep" / "object").write_bytes(b"x")
    (root / "an object").write_bytes(b"x")
    beside = root.parent / "many more"
    beside.mkdir()
    (beside / "object").write_bytes(b"x")
    assert sorted(tool("list", "many").splitlines()) == [f"{index:04d}" for index in range(1005)] + \
        ["an object"]
    assert tool("list", "many/0007") == "deep"
    assert tool("list", "absent") == ""
    tool("remove-prefix", "many")
    assert tool("list", "many") == ""
    assert tool("size", "many more/object") == "1"


def test_several_parts_in_both_checks(tool, server, folder):
    file = sparse_file(folder / "file", 2 * PART_BYTES + 5)
    for checksum in ("crc32c", "md5"):
        more = {"SLIDEWAY_S3_CHECKSUM": checksum}
        size, crc = tool("put", f"parts/{checksum}", file, **more).split()
        assert int(size) == file.stat().st_size
        assert tool("get", f"parts/{checksum}", folder / "copy", file.stat().st_size) == f"{size} {crc}"
        assert subprocess.run(["cmp", file, folder / "copy"], check=False).returncode == 0
        assert tool("holds", f"parts/{checksum}", file, **more) == "yes"
    with file.open("r+b") as changed:
        changed.seek(PART_BYTES + 9)
        changed.write(b"!")
    assert tool("holds", "parts/crc32c", file) == "no"
    assert tool("holds", "parts/md5", file, SLIDEWAY_S3_CHECKSUM="md5") == "no"
    assert server.uploads() == []


@pytest.mark.parametrize("checksum", ["crc32c", "md5"])
def test_killed_upload_goes_on(far, server, proxy, folder, checksum):
    """SIGKILL in the middle: the next try sends only the parts that are missing."""
    size = int(os.environ.get("S3_LARGE_BYTES", 300_000_000)) if checksum == "crc32c" else 5 * PART_BYTES
    file = sparse_file(folder / "file", size)
    count = -(-size // PART_BYTES)
    far.environment["SLIDEWAY_S3_CHECKSUM"] = checksum
    held, dead = count // 2 + 1, threading.Event()
    proxy.faults.append(Fault("PUT", f"partNumber={held}&", times=1, until=dead, cut=True))
    child = far.start(folder, "put", "large", file)
    harness.wait_for("the part in the middle", lambda: proxy.count("PUT", f"partNumber={held}&") == 1)
    child.kill()
    dead.set()
    kept = len(server.parts())
    assert kept == held - 1
    assert "platform/large" not in server.objects(), "a half object must not be seen"
    with proxy.lock:
        proxy.requests.clear()
        proxy.faults.clear()
    size_and_crc = far("put", "large", file, seconds=900)
    assert int(size_and_crc.split()[0]) == size
    assert proxy.count("PUT", "partNumber=") == count - kept
    assert proxy.count("POST", "uploads=") == 0, "no second upload was begun"
    assert far("holds", "large", file, seconds=300) == "yes"
    assert server.uploads() == []
    far("remove", "large")


def test_interrupted_upload_of_another_file_is_not_mixed(far, server, proxy, folder):
    """The same key, but other bytes: no part of the old file comes into the new one."""
    file = sparse_file(folder / "file", 3 * PART_BYTES)
    proxy.faults.append(Fault("POST", "uploadId=", times=None, status=403, code="AccessDenied"))
    assert far.fails("put", "mixed", file).startswith("forbidden: ")
    proxy.faults.clear()
    assert len(server.parts()) == 3
    with file.open("r+b") as changed:
        changed.seek(PART_BYTES)
        changed.write(b"other bytes")
    far("put", "mixed", file)
    assert far("holds", "mixed", file) == "yes"
    assert proxy.count("PUT", "partNumber=1&") == 1
    assert proxy.count("PUT", "partNumber=2&") == 2


def test_stale_uploads_are_ended(far, server, proxy, folder):
    """By age, and all of what is below a removed prefix; the uploads of others stay."""
    file = sparse_file(folder / "file", 2 * PART_BYTES)
    other = s3_server.Tool(s3_server.settings(proxy.url, prefix="another"))
    proxy.faults.append(Fault("POST", "uploadId=", times=None, status=403, code="AccessDenied"))
    for tool, key in ((far, "stale/a"), (far, "kept/a"), (other, "stale/a")):
        tool.fails("put", key, file)
    proxy.faults.clear()
    assert len(server.uploads()) == 3
    far("sweep", 3600)
    assert len(server.uploads()) == 3
    far("remove-prefix", "stale")
    assert len(server.uploads()) == 2
    old = time.time() - 7200
    for upload in server.uploads():
        os.utime(upload, (old, old))
    far("sweep", 3600)
    assert len(server.uploads()) == 1
    other("sweep", 3600)
    assert server.uploads() == []


PASSING = {
    "503": {"status": 503, "code": "SlowDown"},
    "500": {"status": 500, "code": "InternalError"},
    "timeout": {"status": 400, "code": "RequestTimeout"},
    "digest": {"status": 400, "code": "BadDigest"},
    "no XML": {"status": 502, "code": "</Code>"},
    "cut": {"cut": True},
    "lost": {"lose": True},
}


@pytest.mark.parametrize("fault", PASSING)
def test_what_passes_is_tried_again(far, server, proxy, folder, fault):
    small = make_file(folder / "small")
    large = sparse_file(folder / "large", PART_BYTES + 5)
    for method, target in (("PUT", "small"), ("GET", "uploads"), ("POST", "uploads"),
                           ("PUT", "partNumber=2"), ("POST", "uploadId"), ("GET", "small"),
                           ("HEAD", "large"), ("DELETE", "small")):
        # The answer to a HEAD has no body and so no code.
        if method != "HEAD" or PASSING[fault].get("status") != 400:
            proxy.faults.append(Fault(method, target, times=1, **PASSING[fault]))
    assert far("put", "passing/small", small) == "9 4waSgw=="
    far("put", "passing/large", large)
    assert far("get", "passing/small", folder / "copy", 9) == "9 4waSgw=="
    assert far("holds", "passing/large", large) == "yes"
    far("remove", "passing/small")
    assert all(one.times == 0 for one in proxy.faults)
    far("remove-prefix", "passing")
    # What was begun twice, since the first answer was lost, is no object and is ended by now.
    assert server.uploads() == []


def test_download_goes_on_where_it_broke(far, proxy, folder, server):
    """The server is killed in the middle of a download, and comes back."""
    file = sparse_file(folder / "file", 3 * PART_BYTES)
    far("put", "broken", file)
    direct = s3_server.Tool(s3_server.settings(server.url))
    child = direct.start(folder, "get", "broken", folder / "copy", str(4 * PART_BYTES))
    harness.wait_for("its first bytes",
                     lambda: (folder / "copy").exists() and (folder / "copy").stat().st_size > 0, pause=0.001)
    # Its patience is of some seconds, in which a busy machine may not start the server again.
    child.process.send_signal(signal.SIGSTOP)
    server.stop()
    server.start()
    child.process.send_signal(signal.SIGCONT)
    assert child.process.wait(harness.START_SECONDS) == 0, child.output()
    assert subprocess.run(["cmp", file, folder / "copy"], check=False).returncode == 0


@pytest.mark.parametrize("size", [9, PART_BYTES + 5])
def test_store_that_stays_away_leaves_nothing_half_done(far, server, proxy, folder, size):
    file = sparse_file(folder / "file", size)
    proxy.faults.append(Fault("PUT", times=None, status=503, code="SlowDown"))
    message = far.fails("put", "away", file)
    assert message.startswith("unavailable: ") and "HTTP status 503, SlowDown" in message
    assert 2 <= proxy.count("PUT") <= 6
    assert "platform/away" not in server.objects()
    far("remove-prefix", "away")
    far("sweep", -3600)
    assert server.uploads() == []


def test_store_that_is_down_is_unavailable(tool, folder):
    port = harness.free_port()
    begun = time.monotonic()
    message = tool.fails("put", "down", make_file(folder / "file"),
                         SLIDEWAY_S3_ENDPOINT=f"http://127.0.0.1:{port}")
    assert message.startswith("unavailable: the object store cannot be reached")
    assert 2 < time.monotonic() - begun < 30, "some seconds of patience, and an end"


@pytest.mark.parametrize("changed, message", [
    ({"SLIDEWAY_S3_SECRET_ACCESS_KEY": "another-secret"}, "forbidden: .*SignatureDoesNotMatch"),
    # The server's own code for what others call InvalidAccessKeyId, with status 404.
    ({"SLIDEWAY_S3_ACCESS_KEY_ID": "AKIDOFNOBODY"}, "internal: .*XAdminUserNotFound"),
    ({"SLIDEWAY_S3_REGION": "us-east-1"}, "forbidden: .*AuthorizationHeaderMalformed"),
    ({"SLIDEWAY_OBJECT_STORE": "s3://absent/x"}, "internal: .*no bucket 'absent'"),
])
def test_wrong_settings_are_clear_at_once(far, proxy, folder, changed, message):
    for count, arguments in enumerate((("check",), ("put", "x", make_file(folder / "file"))), 1):
        assert re.match(message, far.fails(*arguments, **changed))
        assert len(proxy.requests) == count, "another try would not help"


def test_clock_of_the_store_is_learned(far, proxy, folder):
    """The store's clock is a day ahead: its Date is believed, and the request signed anew."""
    ahead = datetime.timedelta(days=1)
    date = email.utils.format_datetime(harness.utc_now() + ahead, usegmt=True)
    proxy.faults.append(Fault("PUT", times=1, status=403, code="RequestTimeTooSkewed", date=date))
    proxy.faults.append(Fault("PUT", times=1, status=200))
    far("put", "skewed", make_file(folder / "file"))
    first, second = [datetime.datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ")
                     for method, _, headers in proxy.requests if method == "PUT"]
    assert abs(second - first - ahead) < datetime.timedelta(minutes=5)


@pytest.mark.parametrize("date", ["Fri, 31 Dec 9999 23:59:59 GMT", "Fri, 31 Dec 123456 23:59:59 GMT",
                                  "Sat, 01 Jan 1583 00:00:00 GMT", "infinity"])
def test_clock_of_the_store_that_cannot_be_is_not_believed(far, proxy, folder, date):
    proxy.faults.append(Fault("PUT", times=1, status=403, code="RequestTimeTooSkewed", date=date))
    assert "RequestTimeTooSkewed" in far.fails("put", "skewed", make_file(folder / "file"))
    assert proxy.count("PUT") == 1
    far("put", "skewed", make_file(folder / "file"))


@pytest.mark.parametrize("status, code", [(403, "AccessDenied"), (403, "InvalidAccessKeyId"),
                                          (400, "EntityTooLarge"), (301, "PermanentRedirect"),
                                          (501, "NotImplemented"), (403, "Bearer x<!--")])
def test_refusal_is_final(far, proxy, folder, status, code):
    proxy.faults.append(Fault("PUT", times=None, status=status, code=code))
    message = far.fails("put", "denied", make_file(folder / "file"))
    assert (code in message) == code.isalnum() or status == 301
    assert proxy.count("PUT") == 1


def test_hostile_answers_are_refused(far, proxy):
    """Of a store that was taken over: endless lists, entities, keys that lead elsewhere."""
    for body in ("<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><ListBucketResult>&x;"
                 "</ListBucketResult>", "no XML", "<ListBucketResult>" * 20):
        proxy.faults.append(Fault("GET", times=1, status=200, body=body))
        assert far.fails("list", "a").startswith("internal: ")
    assert proxy.count("GET") == 3


# Presigned URLs.

def test_signed_url_is_for_one_method_and_object(tool, server, folder):
    tool("put", "signed/a", make_file(folder / "file"))
    tool("put", "signed/b", make_file(folder / "file"))
    got = tool("sign", "GET", "signed/a", 60)
    answer = requests.get(got, timeout=30)
    assert (answer.status_code, answer.content) == (200, b"123456789")
    part = requests.get(got, timeout=30, headers={"Range": "bytes=2-4"})
    assert (part.status_code, part.content) == (206, b"345")
    assert requests.head(tool("sign", "HEAD", "signed/a", 60), timeout=30).status_code == 200
    put = tool("sign", "PUT", "signed/new", 60)
    assert requests.put(put, data=b"new", timeout=30).status_code == 200
    assert tool("get", "signed/new", folder / "copy", 9).startswith("3 ")
    signature = got.rpartition("=")[2]
    other_digit = "0" if signature[-1] != "0" else "1"
    for method, url in (
            ("PUT", got), ("DELETE", got), ("HEAD", got), ("GET", put), ("DELETE", put),
            ("GET", got.replace("signed/a", "signed/b")),
            ("GET", got.replace("Expires=60", "Expires=600")),
            ("GET", got.replace(s3_server.ACCESS_KEY_ID, "AKIDOFNOBODY")),
            ("GET", got[:-1] + other_digit), ("GET", got.partition("&X-Amz-Signature")[0]),
            ("GET", got.partition("?")[0]), ("GET", got + "&response-content-type=text%2Fhtml"),
            ("PUT", put.replace("signed/new", "signed/a"))):
        answer = requests.request(method, url, data=b"forged", timeout=30)
        assert 400 <= answer.status_code < 500, (method, url)
    assert tool("get", "signed/a", folder / "copy", 9) == "9 4waSgw=="


def test_signed_url_tells_name_and_type(tool, folder):
    tool("put", "signed/named", make_file(folder / "file"))
    url = tool("sign", "GET", "signed/named", 60, "Bericht ä.json", "application/json")
    answer = requests.get(url, timeout=30)
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''Bericht%20%C3%A4.json"
    assert len(url) < 2083, "what the API allows a download_url to have"


def test_signed_url_ends_to_the_second(tool, folder):
    """Good until its last second, refused after it; so says the server, and so say we."""
    tool("put", "signed/short", make_file(folder / "file"))
    url = tool("sign", "GET", "signed/short", 5)
    signed_at = datetime.datetime.strptime(url.partition("X-Amz-Date=")[2][:16], "%Y%m%dT%H%M%SZ")
    ends_at = signed_at.replace(tzinfo=datetime.timezone.utc).timestamp() + 5

    def server_says():
        status = requests.get(url, timeout=30).status_code
        assert status in (200, 403)
        return status == 200

    def we_say():
        return tool.attempt("verify", "GET", url).returncode == 0
    # What was asked and answered on one side of the end must be right; the server counts whole seconds.
    refused_from = {server_says: ends_at + 1, we_say: ends_at}
    while refused_from:
        for is_good, refused_at in list(refused_from.items()):
            before = time.time()
            good = is_good()
            assert good or time.time() >= ends_at, is_good
            if before >= refused_at:
                assert not good, is_good
                del refused_from[is_good]


# Addresses.

def test_bucket_in_the_hosts_name(module_folder, folder):
    server = s3_server.S3Server(folder, "--virtual-domain", "localhost").start()
    try:
        tool = s3_server.Tool(s3_server.settings(
            f"http://localhost:{server.port}", SLIDEWAY_S3_STYLE="virtual-host"))
        assert tool("put", "hosted", make_file(folder / "file")) == "9 4waSgw=="
        assert tool("list", "absent") == ""
        assert server.objects() == ["platform/hosted"]
        url = tool("sign", "GET", "hosted", 60)
        assert url.startswith(f"http://slides.localhost:{server.port}/platform/hosted?")
        done = subprocess.run(["curl", "-sf", url], capture_output=True, check=True)
        assert done.stdout == b"123456789"
    finally:
        server.stop()


def test_certificate_of_a_private_authority(folder):
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out",
                    certificate, "-days", "2", "-subj", "/CN=slideway test", "-addext",
                    "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
    server = s3_server.S3Server(folder, "--cert", certificate, "--key", key, scheme="https").start()
    try:
        tool = s3_server.Tool(s3_server.settings(server.url))
        file = make_file(folder / "file")
        assert "certificate is not trusted" in tool.fails("put", "secure", file)
        more = {"SLIDEWAY_S3_CA_FILE": str(certificate)}
        assert tool("put", "secure", file, **more) == "9 4waSgw=="
        url = tool("sign", "GET", "secure", 60, **more)
        assert requests.get(url, verify=str(certificate), timeout=30).content == b"123456789"
        wrong = tool.fails("put", "secure", file, SLIDEWAY_S3_CA_FILE=str(folder / "absent.pem"))
        assert "SLIDEWAY_S3_CA_FILE" in wrong
    finally:
        server.stop()


def test_store_that_asks_for_a_certificate(server, folder):
    authority = Authority(folder, "authority")
    certificate, key = authority.issue("slideway-worker")
    front = TlsFront(server.port, *authority.issue("localhost"), clients=authority.path)
    try:
        tool = s3_server.Tool({**s3_server.settings(f"https://127.0.0.1:{front.port}"),
                               "SLIDEWAY_S3_CA_FILE": str(authority.path)})
        file = make_file(folder / "file")
        shown = {"SLIDEWAY_S3_CERTIFICATE_FILE": str(certificate), "SLIDEWAY_S3_KEY_FILE": str(key)}
        assert tool("put", "asked", file, **shown) == "9 4waSgw=="
        assert "cannot be reached" in tool.fails("put", "asked", file)
        lone = tool.fails("put", "asked", file, SLIDEWAY_S3_CERTIFICATE_FILE=str(certificate))
        assert "SLIDEWAY_S3_CERTIFICATE_FILE and SLIDEWAY_S3_KEY_FILE" in lone
        absent = tool.fails("put", "asked", file, **{**shown, "SLIDEWAY_S3_KEY_FILE": str(folder / "absent")})
        assert "SLIDEWAY_S3_KEY_FILE" in absent
    finally:
        front.stop()


def test_clients_may_have_another_address(tool, folder):
    url = tool("sign", "GET", "a", 60, SLIDEWAY_S3_PUBLIC_ENDPOINT="https://s3.example.org")
    assert url.startswith("https://s3.example.org/slides/platform/a?")
    assert tool("verify", "GET", url, SLIDEWAY_S3_PUBLIC_ENDPOINT="https://s3.example.org") == "a"


def test_secret_comes_from_a_file(tool, folder):
    secret = make_file(folder / "secret", s3_server.SECRET_ACCESS_KEY.encode() + b"\n")
    environment = dict(tool.environment)
    del environment["SLIDEWAY_S3_SECRET_ACCESS_KEY"]
    s3_server.Tool({**environment, "SLIDEWAY_S3_SECRET_ACCESS_KEY_FILE": str(secret)})("check")
    assert "SLIDEWAY_S3_SECRET_ACCESS_KEY" in s3_server.Tool(environment).fails("check")


def test_only_regular_files_are_stored(tool, folder):
    os.mkfifo(folder / "pipe")
    writer = subprocess.Popen(["sh", "-c", f"exec 3<>{folder / 'pipe'}; exec sleep 600"])
    try:
        assert "no regular file" in tool.fails("put", "pipe", folder / "pipe")
    finally:
        writer.send_signal(signal.SIGKILL)
        writer.wait()
