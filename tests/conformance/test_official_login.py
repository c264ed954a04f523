"""The reference's own command line signs in at the embedded issuer by each of its flows, unmodified:
by browser (a stand-in for a person is the program in BROWSER), by device code, by refresh token."""
import json
import pathlib
import re
import subprocess
import sys
import threading

import harness
import local_issuer
import official_client
import pytest
from official_client import WAIT_SECONDS, run, start

PERSON = """#!{python}
import sys
sys.path.insert(0, {folder!r})
from local_issuer import PASSWORD, Browser
browser = Browser(sys.argv[1])
browser.get(sys.argv[1])
browser.login("ada", PASSWORD)
browser.send(decision="allow")
location = browser.page.headers.get("Location")
if location:
    browser.get(location)
"""


@pytest.fixture(scope="module")
def platform(tmp_path_factory):
    folder = tmp_path_factory.mktemp("platform")
    cluster = harness.Cluster()
    value = harness.Platform(cluster, folder)
    try:
        local_issuer.start(value)
        local_issuer.add_user(value, "ada", local_issuer.PASSWORD, "hospital", "--role", "admin")
        yield value
    finally:
        value.stop()
        cluster.remove()


@pytest.fixture
def person(tmp_path):
    program = tmp_path / "person"
    program.write_text(PERSON.format(python=sys.executable, folder=str(pathlib.Path(harness.__file__).parent)))
    program.chmod(0o755)
    return program


@pytest.fixture
def environment(platform, tmp_path):
    return official_client.environment(platform, tmp_path)


def check_whoami(environment):
    out = run(environment, "user", "whoami")
    told = json.loads(out[out.index("{"):out.rindex("}") + 1])
    assert told["role"] == "admin"
    assert told["token"]["org_id"] == "hospital"
    assert told["token"]["authorized_party"] == "python-client"
    assert told["token"]["expires_in"] > 300
    assert told["user"]["id"] == "ada"
    assert told["organization"]["id"] == "hospital"


def test_login_by_browser(environment, person):
    # In the background, since the client answers only when the browser has been started.
    environment["BROWSER"] = f"{person} %s &"
    run(environment, "user", "login")
    check_whoami(environment)


def test_login_by_device(environment, person):
    # Without a display and BROWSER, it finds no browser.
    process = start(environment, "user", "login")
    guard = threading.Timer(WAIT_SECONDS, process.kill)
    guard.start()
    address = None
    shown = []
    for line in process.stdout:
        shown.append(line)
        found = re.search(r"http\S+/oauth/device\?user_code=[A-Z]{4}-[A-Z]{4}", line)
        if found:
            address = found.group(0)
            break
    assert address, "".join(shown)
    subprocess.run([person, address], check=True, timeout=WAIT_SECONDS)
    out, _ = process.communicate(timeout=WAIT_SECONDS)
    guard.cancel()
    assert process.returncode == 0, "".join(shown) + out
    check_whoami(environment)


def test_login_by_refresh_token(environment, platform):
    flow = local_issuer.Flow(platform.api_url)
    environment["AIGNOSTICS_REFRESH_TOKEN"] = flow.tokens("ada")["refresh_token"]
    check_whoami(environment)
