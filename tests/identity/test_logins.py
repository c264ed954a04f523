"""Logins as people do them, with a real browser, at a real OpenID provider and at the embedded
issuer; and a provider that changes its keys and goes away while requests go on."""
import base64
import json
import os
import pathlib
import threading
import time

import harness
import jwt
import local_issuer
import pytest
from chromium import Chromium
from cryptography.hazmat.primitives.asymmetric import rsa
from test_login import Login

HERE = pathlib.Path(__file__).resolve().parent
PACKAGES = pathlib.Path(os.environ["OIDC_PROVIDER"])
CLICKS_MAX = 8
BUTTONS = "button[value=allow], button[value=login], button[type=submit]"


@pytest.fixture(scope="module")
def cluster():
    value = harness.Cluster()
    yield value
    value.remove()


@pytest.fixture
def browser(tmp_path):
    value = Chromium(tmp_path)
    yield value
    value.close()


class Key:
    def __init__(self, key_id):
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.jwk = {**json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key)), "kid": key_id, "use": "sig",
                    "alg": "RS256"}
        self.jwk.pop("key_ops", None)


class Provider:
    def __init__(self, folder):
        self.folder = folder
        self.port = harness.free_port()
        self.issuer = f"http://127.0.0.1:{self.port}"
        self.child = None

    def start(self, *keys):
        path = self.folder / "provider-keys.json"
        path.write_text(json.dumps({"keys": [key.jwk for key in keys]}))
        log = self.folder / "provider.log"
        log.write_text("")
        self.child = harness.Child(["node", HERE / "provider.js", PACKAGES, self.port, path, harness.AUDIENCE],
                                   log)
        harness.wait_for("the provider", lambda: "listening" in log.read_text())

    def stop(self):
        if self.child is not None:
            self.child.kill()
            self.child = None


@pytest.fixture(params=["provider", "embedded"])
def issuer(request, cluster, tmp_path):
    """A platform whose tokens come from either, and the name of the field of a user's name."""
    platform = harness.Platform(cluster, tmp_path)
    provider = Provider(tmp_path)
    try:
        if request.param == "provider":
            provider.start(Key("first"))
            platform.start_server(SLIDEWAY_JWKS_FILE="", SLIDEWAY_ISSUER=provider.issuer)
        else:
            local_issuer.start(platform)
            local_issuer.add_user(platform, "ada")
        yield platform
    finally:
        platform.stop()
        provider.stop()


def sign_in(browser, is_done):
    """Does what each page asks for: user and password, then the button that goes on."""
    for _ in range(CLICKS_MAX):
        harness.wait_for("a page", lambda: is_done(browser.text()) or browser.find(BUTTONS))
        if is_done(browser.text()):
            return
        browser.fill("input[name=login], input[name=user]", "ada")
        browser.fill("input[type=password]", local_issuer.PASSWORD)
        browser.click(BUTTONS)
    raise AssertionError(browser.text())


def check_login(platform, folder):
    done = platform.slideway("whoami", "--json", "--url", platform.api_url, HOME=str(folder))
    told = json.loads(done.stdout)
    assert (told["user"]["id"], told["organization"]["id"]) == ("ada", "hospital")


def test_login_by_code_and_pkce_in_a_browser(issuer, browser, tmp_path):
    login = Login(issuer, "--no-browser", HOME=str(tmp_path))
    browser.open(login.address())
    sign_in(browser, lambda text: "You are signed in." in text)
    assert browser.address().startswith("http://127.0.0.1:")
    code, _, errors = login.end()
    assert code == 0, errors
    check_login(issuer, tmp_path)
    # What is kept is refreshed there, too.
    path = tmp_path / ".config/slideway/logins.json"
    kept = json.loads(path.read_text())
    kept[issuer.api_url]["expires_at"] = 0
    path.write_text(json.dumps(kept))
    check_login(issuer, tmp_path)
    assert json.loads(path.read_text())[issuer.api_url]["expires_at"] > time.time()
    issuer.slideway("logout", "--url", issuer.api_url, HOME=str(tmp_path))


def test_login_by_device_code_in_a_browser(issuer, browser, tmp_path):
    login = Login(issuer, "--device", HOME=str(tmp_path))
    browser.open(login.address())
    sign_in(browser, lambda text: "Connected" in text or "Sign-in Success" in text)
    code, _, errors = login.end()
    assert code == 0, errors
    check_login(issuer, tmp_path)


class Requests(threading.Thread):
    """Asks all the time with tokens that it is given, and counts the answers."""

    def __init__(self, platform, token):
        super().__init__()
        self.client = harness.Client(platform.api_url, token)
        self.statuses = {}
        self.ends = threading.Event()

    def run(self):
        while not self.ends.is_set():
            status = self.client.get("/me").status_code
            self.statuses[status] = self.statuses.get(status, 0) + 1

    def end(self):
        self.ends.set()
        self.join()
        return self.statuses


def token_of(platform, browser, folder):
    login = Login(platform, "--no-browser", HOME=str(folder))
    browser.open(login.address())
    sign_in(browser, lambda text: "You are signed in." in text)
    assert login.end()[0] == 0
    logins = json.loads((folder / ".config/slideway/logins.json").read_text())
    return logins[platform.api_url]["access_token"]


def key_of(token):
    head = token.split(".")[0]
    return json.loads(base64.urlsafe_b64decode(head + "=" * (-len(head) % 4)))["kid"]


def test_provider_changes_keys_and_goes_away_while_requests_go_on(cluster, browser, tmp_path):
    platform = harness.Platform(cluster, tmp_path)
    provider = Provider(tmp_path)
    first, second = Key("first"), Key("second")
    try:
        provider.start(first)
        platform.start_server(SLIDEWAY_JWKS_FILE="", SLIDEWAY_ISSUER=provider.issuer)
        token = token_of(platform, browser, tmp_path)
        assert key_of(token) == "first"
        requests = Requests(platform, token)
        requests.start()
        provider.stop()
        time.sleep(3)
        # The provider comes back with a new key, and still publishes the old one.
        provider.start(second, first)
        new = token_of(platform, browser, tmp_path)
        assert key_of(new) == "second"
        assert harness.Client(platform.api_url, new).get("/me").status_code == 200
        statuses = requests.end()
        assert set(statuses) == {200} and statuses[200] > 100, statuses
    finally:
        platform.stop()
        provider.stop()
