"""Tokens of a provider that the server knows by its issuer URL alone: its keys are found, kept,
changed, and outlive its absence."""
import concurrent.futures
import json
import ssl
import subprocess
import threading
import time

import pytest

import harness
from oidc_provider import CONFIGURATION, KEYS, Key, Provider, send
from test_tls import Authority, trusting

# How long a provider hangs, which is less than the server would wait for it.
HANG_SECONDS = 8
# After which it does not wait any more.
FETCH_SECONDS = 10


@pytest.fixture
def provider():
    value = Provider()
    yield value
    value.stop()


@pytest.fixture
def start(cluster, folder):
    """Starts a server that knows the provider's issuer URL."""
    platform = harness.Platform(cluster, folder)

    def begin(provider, **environment):
        platform.start_server(SLIDEWAY_JWKS_FILE="", SLIDEWAY_ISSUER=provider.issuer, **environment)
        return platform
    yield begin
    platform.stop()


def me(platform, token):
    return harness.Client(platform.api_url, token).get("/me")


def status_of(platform, token):
    return me(platform, token).status_code


def first_answer(platform, provider):
    """The server has read the keys."""
    harness.wait_for("the provider's keys", lambda: status_of(platform, provider.token()) == 200)


@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_token_of_each_algorithm_is_accepted(start, provider, algorithm):
    provider.keys = [Key("other", "RS256"), Key("mine", algorithm)]
    platform = start(provider)
    answer = me(platform, provider.token())
    assert answer.status_code == 200, answer.text
    assert answer.json()["user"]["id"] == "ada"
    # The same key for another algorithm: the key decides, not the header.
    other = Key("mine", "ES256" if algorithm == "RS256" else "RS256")
    assert status_of(platform, provider.token(other)) == 401


def test_claims_are_found_under_the_names_that_were_set(start, provider):
    platform = start(provider, SLIDEWAY_USER_CLAIM="oid", SLIDEWAY_EMAIL_CLAIM="upn",
                     SLIDEWAY_ORGANIZATION_CLAIM="hd", SLIDEWAY_ROLE_CLAIM="group")
    token = provider.token(oid="7", upn="ada@lab.example", hd="lab", group="admin")
    answer = me(platform, token).json()
    assert (answer["user"]["id"], answer["user"]["email"]) == ("7", "ada@lab.example")
    assert answer["organization"]["id"] == "lab"
    assert status_of(platform, provider.token()) == 401


def test_server_starts_without_its_provider_and_finds_it_later(start):
    provider = Provider(started=False)
    platform = start(provider)
    answer = me(platform, provider.token())
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "1"
    assert "issuer does not answer" in answer.json()["detail"]
    provider.start()
    first_answer(platform, provider)
    provider.stop()


def test_new_key_counts_at_once_and_is_asked_for_once(start, provider):
    platform = start(provider)
    first_answer(platform, provider)
    old = provider.token(provider.keys[0])
    provider.keys.append(Key("second"))
    reads = provider.reads()
    tokens = [provider.token(user=f"user-{i}") for i in range(40)]
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        assert set(pool.map(lambda token: status_of(platform, token), tokens)) == {200}
    assert provider.reads() == reads + 1
    assert status_of(platform, old) == 200
    # A key that the provider withdraws does not count any more, not even for a token that was seen.
    provider.keys = [Key("third")]
    assert status_of(platform, provider.token()) == 200
    assert status_of(platform, old) == 401


@pytest.mark.parametrize("size", [0, 20_000, 2_000_000])
def test_request_with_a_body_waits_for_the_keys_too(start, provider, size):
    platform = start(provider)
    first_answer(platform, provider)
    provider.keys.append(Key("second"))
    client = harness.Client(platform.api_url, provider.token())
    answer = client.post("/uploads", json={"name": "a", "filler": "x" * size})
    assert answer.status_code == 201, answer.text
    forged = harness.Client(platform.api_url, provider.token(Key("nobody's")))
    assert forged.post("/uploads", json={"name": "a", "filler": "x" * size}).status_code == 401


def test_unknown_key_is_asked_for_once_and_many_are_not_asked_for_at_will(start, provider):
    platform = start(provider)
    first_answer(platform, provider)
    stranger = provider.token(Key("nobody's"))
    reads, began = provider.reads(), time.monotonic()
    assert status_of(platform, stranger) == 401
    assert provider.reads() == reads + 1
    assert [status_of(platform, stranger) for _ in range(20)] == [401] * 20
    assert provider.reads() - reads <= 1 + (time.monotonic() - began) / 2
    key = Key("x")

    def forge(index):
        key.key_id = f"random-{index}"
        return status_of(platform, provider.token(key))
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        assert set(pool.map(forge, range(60))) == {401}
    # At most one read in two seconds, whoever asks.
    assert provider.reads() - reads <= 1 + (time.monotonic() - began) / 2
    assert status_of(platform, provider.token()) == 200


def test_known_keys_count_while_the_provider_is_away(start, provider):
    platform = start(provider)
    first_answer(platform, provider)
    provider.stop()
    new = Key("second")
    assert status_of(platform, provider.token(new)) == 503
    for user in range(20):
        assert status_of(platform, provider.token(user=f"user-{user}")) == 200
    provider.keys.append(new)
    provider.start()
    harness.wait_for("the new key", lambda: status_of(platform, provider.token(new)) == 200)


def check_answers(platform, provider, trusted):
    """Whether the server reads the provider's keys; a provider that is not trusted sees no request."""
    if trusted:
        first_answer(platform, provider)
    else:
        time.sleep(2)
        assert status_of(platform, provider.token()) == 503
        assert provider.requests == []


@pytest.mark.parametrize("trusted", [True, False])
def test_provider_with_a_certificate_of_a_private_authority(cluster, folder, trusted):
    authority = Authority(folder, "authority")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("localhost"))
    provider = Provider(tls=context)
    platform = harness.Platform(cluster, folder)
    trust = authority if trusted else Authority(folder, "another")
    try:
        platform.server = harness.Child(
            trusting(trust.path, harness.program("slideway-server")), folder / "server.log",
            env=platform.environment(SLIDEWAY_JWKS_FILE="", SLIDEWAY_ISSUER=provider.issuer))
        harness.wait_for("the server's health", platform.healthy)
        check_answers(platform, provider, trusted)
    finally:
        platform.stop()
        provider.stop()


@pytest.mark.parametrize("shown, accepted", [("authority", True), ("another", False), (None, False)])
def test_provider_that_asks_for_a_certificate(start, folder, shown, accepted):
    """The machine trusts no private authority; the server is told of it, and of what it shows."""
    authority = Authority(folder, "authority")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*authority.issue("localhost"))
    context.load_verify_locations(authority.path)
    context.verify_mode = ssl.CERT_REQUIRED
    provider = Provider(tls=context)
    settings = {"SLIDEWAY_OIDC_CA_FILE": str(authority.path)}
    if shown is not None:
        signer = authority if shown == "authority" else Authority(folder, shown)
        files = signer.issue("slideway-server")
        settings |= dict(zip(("SLIDEWAY_OIDC_CERTIFICATE_FILE", "SLIDEWAY_OIDC_KEY_FILE"), map(str, files)))
    try:
        platform = start(provider, **settings)
        check_answers(platform, provider, accepted)
    finally:
        provider.stop()


def test_certificate_without_its_key_is_refused_at_the_start(cluster, folder, provider):
    platform = harness.Platform(cluster, folder)
    done = subprocess.run(
        [harness.program("slideway-server")], text=True, capture_output=True, timeout=60, check=False,
        env=platform.environment(SLIDEWAY_JWKS_FILE="", SLIDEWAY_ISSUER=provider.issuer,
                                 SLIDEWAY_OIDC_CERTIFICATE_FILE="/etc/slideway/server.crt"))
    assert done.returncode != 0
    assert "SLIDEWAY_OIDC_CERTIFICATE_FILE and SLIDEWAY_OIDC_KEY_FILE" in done.stderr


def hang(handler):
    time.sleep(HANG_SECONDS)
    send(handler, 200, b"{}")


SPOILT = {
    "status_500": {KEYS: lambda handler: send(handler, 500, b"")},
    "no_json": {KEYS: lambda handler: send(handler, 200, b"<html>")},
    "no_keys": {KEYS: lambda handler: send(handler, 200, b'{"keys":[]}')},
    "too_long": {KEYS: lambda handler: send(handler, 200, b" " * 100_000 + b'{"keys":[]}')},
    "redirect": {KEYS: lambda handler: send(handler, 302, b"", Location=KEYS + "2")},
    "hangs": {KEYS: hang},
    "issuer_of_another": {"/realm" + CONFIGURATION: lambda handler: send(handler, 200, json.dumps(
        {"issuer": "http://127.0.0.1/", "jwks_uri": f"http://{handler.headers['Host']}{KEYS}"}).encode())},
    "keys_in_a_file": {"/realm" + CONFIGURATION: lambda handler: send(handler, 200, json.dumps(
        {"issuer": f"http://{handler.headers['Host']}/realm/", "jwks_uri": "file:///etc/passwd"}).encode())},
}


@pytest.mark.parametrize("case", SPOILT)
def test_provider_that_answers_wrongly_gives_no_keys_and_harms_nothing(start, provider, case):
    provider.spoil = SPOILT[case]
    platform = start(provider)
    # While the first read hangs, a request waits for its end; nobody else does.
    answer = me(platform, provider.token())
    assert answer.status_code == 503, answer.text
    assert harness.requests.get(f"{platform.api_url}/health", timeout=HANG_SECONDS - 2).status_code == 200
    provider.spoil = {}
    first_answer(platform, provider)
    provider.spoil = SPOILT[case]
    assert status_of(platform, provider.token()) == 200


def stop_while_requests_wait(start, provider):
    """The seconds that it took, and nothing else."""
    released = threading.Event()
    provider.spoil = {KEYS: lambda handler: released.wait(60)}
    platform = start(provider)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(me, platform, provider.token()) for _ in range(4)]
        time.sleep(0.5)
        began = time.monotonic()
        assert platform.server.stop() == 0
        seconds = time.monotonic() - began
        released.set()
        for answer in waiting:
            assert answer.exception() is not None or answer.result().status_code == 503
    return seconds, None


def test_server_stops_while_requests_wait_for_keys(start, provider):
    harness.measure_below(FETCH_SECONDS - 4, "it waits for the keys",
                          lambda: stop_while_requests_wait(start, provider))


@pytest.mark.parametrize("issuer", ["issuer.test", "ftp://issuer.test/", "https://issuer.test/?a=1"])
def test_issuer_that_is_no_url_is_refused_at_the_start(cluster, folder, issuer):
    platform = harness.Platform(cluster, folder)
    server = harness.Child([harness.program("slideway-server")], folder / "server.log",
                           env=platform.environment(SLIDEWAY_JWKS_FILE="", SLIDEWAY_ISSUER=issuer))
    assert server.process.wait(harness.START_SECONDS) == 1
    assert "SLIDEWAY_ISSUER" in server.output()


def test_up_takes_the_tokens_of_another_provider(folder, provider):
    """Then it is no issuer itself, and has no key that counts."""
    up = harness.Up(folder / "data", folder / "up.log", "--port", "0", "--issuer", provider.issuer).start()
    try:
        url = up.endpoint()["api_url"]
        harness.wait_for("the provider's keys", lambda: harness.Client(
            url, provider.token()).get("/me").status_code == 200)
        hint = harness.requests.get(f"{url}/.well-known/slideway", timeout=30).json()
        assert (hint["issuer"], hint["audience"]) == (provider.issuer, harness.AUDIENCE)
        for path in ("/authorize", "/.well-known/jwks.json"):
            assert harness.requests.get(url + path, timeout=30).status_code == 404
        done = up.slideway("token", check=False)
        assert done.returncode == 2 and "slideway login" in done.stderr
        done = up.slideway("whoami", check=False, HOME=str(folder))
        assert done.returncode == 3 and "slideway login" in done.stderr
    finally:
        up.stop()
