"""The reference's own command line `aignostics`, unmodified, as docs/clients.md has it set up."""
import os
import pathlib
import subprocess
import sys
import threading

import harness

WAIT_SECONDS = 240  # it takes seven seconds of one core to start
COMMAND = pathlib.Path(sys.executable).parent / "aignostics"


def environment(platform, home):
    """Of a person whose home folder this is, at a platform that is its own issuer."""
    url = platform.api_url
    return {
        "PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", "NO_COLOR": "1",
        "COLUMNS": "1000", "PYTHONUNBUFFERED": "1",
        "AIGNOSTICS_API_ROOT": url, "AIGNOSTICS_AUDIENCE": harness.AUDIENCE,
        "AIGNOSTICS_AUTHORIZATION_BASE_URL": f"{url}/authorize",
        "AIGNOSTICS_TOKEN_URL": f"{url}/oauth/token",
        "AIGNOSTICS_DEVICE_URL": f"{url}/oauth/device/code",
        "AIGNOSTICS_JWS_JSON_URL": f"{url}/.well-known/jwks.json",
        "AIGNOSTICS_REDIRECT_URI": f"http://localhost:{harness.free_port(hold=False)}/",
        "AIGNOSTICS_CLIENT_ID_INTERACTIVE": "python-client",
        "AIGNOSTICS_CLIENT_ID_DEVICE": "python-client",
        "OAUTHLIB_INSECURE_TRANSPORT": "1",
        "AIGNOSTICS_CACHE_DIR": str(home / "cache"),
        "AIGNOSTICS_SENTRY_ENABLED": "0", "AIGNOSTICS_LOGFIRE_ENABLED": "0",
    }


def start(environment_of_client, *arguments, prefix=()):
    return subprocess.Popen([*prefix, COMMAND, *map(str, arguments)], env=environment_of_client, text=True,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def attempt(environment_of_client, *arguments, prefix=()):
    """Its exit code, and what it printed."""
    process = start(environment_of_client, *arguments, prefix=prefix)
    guard = threading.Timer(WAIT_SECONDS, process.kill)
    guard.start()
    out, _ = process.communicate()
    guard.cancel()
    return process.returncode, out


def run(environment_of_client, *arguments, prefix=()):
    """What it printed; it must end well."""
    code, out = attempt(environment_of_client, *arguments, prefix=prefix)
    assert code == 0, out
    return out
