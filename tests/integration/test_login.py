"""What people and services do with the embedded issuer: `slideway login` and `logout`, API keys."""
import contextlib
import json
import os
import pty
import re
import stat
import subprocess
import threading
import time

import pytest

import harness
import local_issuer
from local_issuer import PASSWORD, Browser
from public_api import detail


@pytest.fixture(scope="module")
def issuer(cluster, module_folder):
    platform = harness.Platform(cluster, module_folder)
    local_issuer.start(platform)
    local_issuer.add_user(platform, "ada")
    yield platform
    platform.stop()


@pytest.fixture
def home(folder):
    return {"HOME": str(folder)}


class Login:
    """`slideway login` in the background; its output comes line by line."""

    def __init__(self, platform, *arguments, **environment):
        self.process = subprocess.Popen(
            [harness.program("slideway"), "login", "--url", platform.api_url, *arguments], text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=platform.environment(**environment))
        self.guard = threading.Timer(harness.START_SECONDS, self.process.kill)
        self.guard.start()

    def address(self):
        for line in self.process.stderr:
            if line.startswith("http"):
                return line.strip()
        raise AssertionError(self.process.stdout.read())

    def end(self):
        out, errors = self.process.communicate(timeout=harness.START_SECONDS)
        self.guard.cancel()
        return self.process.returncode, out, errors


def consent(address, user="ada", decision="allow"):
    """What a person does with the page; gives the browser on the last page of ours."""
    browser = Browser(address)
    browser.get(address)
    browser.login(user, PASSWORD)
    browser.send(decision=decision)
    return browser


def login_by_browser(platform, **environment):
    login = Login(platform, "--no-browser", **environment)
    browser = consent(login.address())
    answer = browser.get(browser.page.headers["Location"])
    assert answer.text == "You are signed in. You can close this page.\n"
    code, out, errors = login.end()
    assert code == 0, errors
    assert out == f"signed in at {platform.api_url}\n"


def whoami(platform, check=True, **environment):
    done = platform.slideway("whoami", "--json", "--url", platform.api_url, check=check, **environment)
    return json.loads(done.stdout) if check else done


def kept(folder, platform):
    path = folder / ".config" / "slideway" / "logins.json"
    return path, json.loads(path.read_text())[platform.api_url]


def test_login_by_browser_is_kept_for_its_person_alone_and_used(issuer, folder, home):
    done = whoami(issuer, check=False, **home)
    assert done.returncode == 3 and "slideway login" in done.stderr
    login_by_browser(issuer, **home)
    assert whoami(issuer, **home)["user"]["id"] == "ada"
    path, login = kept(folder, issuer)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert set(login) == {"client_id", "token_url", "revoke_url", "access_token", "expires_at", "refresh_token"}


def test_login_is_refreshed_once_when_many_commands_need_it(issuer, folder, home):
    login_by_browser(issuer, **home)
    path, login = kept(folder, issuer)
    path.write_text(json.dumps({issuer.api_url: {**login, "expires_at": 0}}))
    commands = [subprocess.Popen([harness.program("slideway"), "whoami", "--url", issuer.api_url],
                                 env=issuer.environment(**home)) for _ in range(4)]
    assert [command.wait(harness.START_SECONDS) for command in commands] == [0] * 4
    _, refreshed = kept(folder, issuer)
    assert refreshed["refresh_token"] != login["refresh_token"]
    # Who copied the old one ends the login, and is not let in either.
    path.write_text(json.dumps({issuer.api_url: {**login, "expires_at": 0}}))
    done = whoami(issuer, check=False, **home)
    assert done.returncode == 3 and "the login has ended" in done.stderr
    assert login["refresh_token"] not in done.stderr


def test_logout_forgets_the_login_and_tells_the_issuer(issuer, folder, home):
    login_by_browser(issuer, **home)
    path, login = kept(folder, issuer)
    assert "signed out" in issuer.slideway("logout", "--url", issuer.api_url, **home).stdout
    assert json.loads(path.read_text()) == {}
    assert whoami(issuer, check=False, **home).returncode == 3
    assert local_issuer.refresh(issuer.api_url, login["refresh_token"], "slideway").status_code == 400
    issuer.slideway("logout", "--url", issuer.api_url, **home)


def test_call_with_another_state_is_not_taken(issuer, home):
    login = Login(issuer, "--no-browser", **home)
    browser = consent(login.address())
    location = browser.page.headers["Location"]
    forged = re.sub("state=[^&]*", "state=forged", location)
    assert browser.get(forged).status_code == 404
    assert browser.get(location.replace("/callback", "/other")).status_code == 404
    assert browser.get(location).status_code == 200
    assert login.end()[0] == 0


def test_login_that_is_denied_fails(issuer, home):
    login = Login(issuer, "--no-browser", **home)
    browser = consent(login.address(), decision="deny")
    assert "not signed in" in browser.get(browser.page.headers["Location"]).text
    code, _, errors = login.end()
    assert code == 3 and "access_denied" in errors


@pytest.mark.parametrize("decision, code", [("allow", 0), ("deny", 3)])
def test_login_by_device(issuer, home, decision, code):
    login = Login(issuer, "--device", **home)
    consent(login.address(), decision=decision)
    assert login.end()[0] == code
    assert whoami(issuer, check=False, **home).returncode == code


def test_login_by_device_outlives_a_restart_of_the_issuer(issuer, home):
    login = Login(issuer, "--device", **home)
    address = login.address()
    issuer.server.stop()
    time.sleep(7)  # it asks after five seconds, and ten seconds later
    issuer.start_server(SLIDEWAY_ISSUER_KEY=str(issuer.folder / "issuer.pem"))
    consent(address)
    code, _, errors = login.end()
    assert code == 0, errors
    whoami(issuer, **home)


def test_platform_that_is_away_is_told(issuer, home):
    done = issuer.slideway("login", "--url", f"http://127.0.0.1:{harness.free_port()}", check=False, **home)
    assert done.returncode == 1 and ".well-known/slideway" in done.stderr


def test_password_is_asked_on_the_terminal_and_not_shown(issuer):
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [harness.program("slideway"), "user", "add", "kim", "--org", "hospital", "--password"],
        stdin=follower, stdout=follower, stderr=follower, env=issuer.environment(),
        preexec_fn=lambda: (os.setsid(), __import__("fcntl").ioctl(0, 0x540E, 0)))
    os.close(follower)
    shown = b""
    for prompt in (b"Password: ", b"The same again: "):
        while not shown.endswith(prompt):
            shown += os.read(leader, 1024)
        os.write(leader, b"a long password\n")
    assert process.wait(harness.START_SECONDS) == 0
    # Its last words may come in pieces; then the terminal has nobody at its other end.
    with contextlib.suppress(OSError):
        while True:
            shown += os.read(leader, 1024)
    os.close(leader)
    assert b"a long password" not in shown and b"user kim added" in shown
    assert b"--password" in subprocess.run([harness.program("slideway"), "user", "add", "--help"],
                                           capture_output=True, check=True).stdout


# API keys.

def add_key(platform, *arguments):
    done = platform.slideway("key", "add", "--user", "robot", "--json", *arguments)
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def robot(issuer):
    issuer.slideway("user", "add", "robot", "--org", "hospital", "--role", "admin")
    return issuer


def client_of(platform, key):
    return harness.Client(platform.api_url, key["api_key"])


def test_api_key_acts_for_its_user(robot):
    key = add_key(robot, "--scope", "write", "--name", "scanner")
    assert re.fullmatch("slk_[A-Za-z0-9_-]{43}", key["api_key"])
    client = client_of(robot, key)
    me = client.get("/me").json()
    assert (me["user"]["id"], me["organization"]["id"]) == ("robot", "hospital")
    assert client.post("/uploads", json={"name": "a.svs"}).status_code == 201
    assert client.post("/uploads", json={"name": "a", "x": "y" * 500_000}).status_code == 201
    assert client.get("/runs", params={"for_organization": "hospital"}).status_code == 200
    with robot.sql() as cursor:
        cursor.execute("UPDATE users SET role = 'member' WHERE user_id = 'robot'")
    assert client.get("/runs", params={"for_organization": "hospital"}).status_code == 403
    with robot.sql() as cursor:
        cursor.execute("UPDATE users SET role = 'admin' WHERE user_id = 'robot'")


def test_api_key_of_the_scope_read_only_reads(robot):
    client = client_of(robot, add_key(robot))
    assert client.get("/runs").status_code == 200
    for answer in (client.post("/uploads", json={"name": "a"}), client.post("/runs", json={}),
                   client.delete("/runs/x/artifacts"), client.put("/runs/x/custom-metadata", json={})):
        assert answer.status_code == 403
        assert detail(answer) == "The API key may only read."


@pytest.mark.parametrize("change", ["revoked", "expired"])
def test_api_key_ends_at_once(robot, change):
    key = add_key(robot)
    client = client_of(robot, key)
    assert client.get("/me").status_code == 200
    if change == "revoked":
        assert "revoked" in robot.slideway("key", "revoke", key["key_id"]).stdout
        assert "already" in robot.slideway("key", "revoke", key["key_id"]).stdout
    else:
        with robot.sql() as cursor:
            cursor.execute("UPDATE api_keys SET expires_at = now() WHERE key_id = %s", (key["key_id"],))
    answer = client.get("/me")
    assert answer.status_code == 401 and answer.headers["WWW-Authenticate"] == "Bearer"
    listed = json.loads(robot.slideway("key", "list", "--user", "robot", "--json").stdout)
    assert [row["state"] for row in listed if row["key_id"] == key["key_id"]] == [change]


@pytest.mark.parametrize("token", ["slk_", "slk_" + "A" * 43, "slk_' OR 1=1--", "slk_" + "x" * 7000])
def test_api_key_that_there_is_not_is_refused(robot, token):
    assert harness.Client(robot.api_url, token).get("/me").status_code == 401


def test_api_key_is_nowhere_but_in_the_answer(robot):
    key = add_key(robot)
    listed = robot.slideway("key", "list").stdout
    assert key["key_id"] in listed and key["api_key"] not in listed
    client_of(robot, key).get("/me")
    with robot.sql() as cursor:
        cursor.execute("SELECT k::text FROM api_keys k UNION ALL SELECT a::text FROM audit a")
        assert key["api_key"] not in "\n".join(row for (row,) in cursor.fetchall())
        cursor.execute("SELECT count(*) FROM audit WHERE action = 'api_key.created' AND detail->>'key_id' = %s",
                       (key["key_id"],))
        assert cursor.fetchone() == (1,)
    assert key["api_key"] not in robot.server.output()


@pytest.mark.parametrize("arguments, why", [
    ((), "--user"), (("--user", "nobody"), "nobody"), (("--user", "robot", "--scope", "all"), "scope"),
    (("--user", "robot", "--days", "0"), "DAYS"), (("--user", "robot", "--days", "4000"), "DAYS")])
def test_api_key_that_cannot_be_made_is_told(robot, arguments, why):
    done = robot.slideway("key", "add", *arguments, check=False)
    assert done.returncode == 2 and why in done.stderr
