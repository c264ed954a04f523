"""Schemathesis makes requests from our OpenAPI document and checks every answer against it.

CONFORMANCE_SECONDS is its time; the seed is fixed, so that a failure comes again.
"""
import json
import os
import pathlib
import subprocess
import sys

import requests

SEED = 20261124
SECONDS = int(os.environ.get("CONFORMANCE_SECONDS", "60"))
LEFT_OUT = {
    # A random JSONPath, an application that nobody registered or metadata that fits no version's
    # schema is valid by the document and refused all the same.
    "positive_data_acceptance",
    # By the contract DELETE of a grant or a share token revokes it, and it is still there to be read.
    "use_after_free",
}


# What may refuse a request that the document does not allow; 414 is not among those that
# Schemathesis expects.
CONFIGURATION = """
[checks]
negative_data_rejection.expected-statuses = [400, 401, 403, 404, 405, 409, 413, 414, 422, 429]
"""


def document(platform, path):
    """What the server serves, but for one thing: pages of 1 to 4 are accepted beyond its word."""
    served = requests.get(f"{platform.api_url}/api/v1/openapi.json", timeout=30).json()
    for methods in served["paths"].values():
        for operation in methods.values():
            for parameter in operation.get("parameters", []):
                if parameter["name"] in ("page_size", "page-size"):
                    parameter["schema"]["minimum"] = 1
    path.write_text(json.dumps(served), encoding="utf-8")
    return path


def test_schemathesis_finds_no_failure(cluster_platform, tmp_path):
    token = cluster_platform.issuer.token("ada", "org-a")
    (tmp_path / "schemathesis.toml").write_text(CONFIGURATION, encoding="utf-8")
    done = subprocess.run(
        [pathlib.Path(sys.executable).parent / "st", "run",
         document(cluster_platform, tmp_path / "openapi.json"),
         "--url", f"{cluster_platform.api_url}/api", "--checks", "all",
         "--exclude-checks", ",".join(sorted(LEFT_OUT)), "--seed", str(SEED),
         "--max-time", str(SECONDS), "--header", f"Authorization: Bearer {token}",
         "--request-timeout", "60", "--max-redirects", "0", "--warnings", "off",
         "--continue-on-failure"],
        cwd=tmp_path, capture_output=True, text=True, timeout=SECONDS * 3 + 300, check=False,
        env={**os.environ, "NO_COLOR": "1", "COLUMNS": "100"})
    assert done.returncode == 0, done.stdout[-20000:] + done.stderr[-2000:]
    assert cluster_platform.server.running()
