"""One platform for each file: a PostgreSQL, a server and a worker of its own."""
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/integration"))

import harness  # noqa: E402


@pytest.fixture(scope="module")
def cluster_platform(tmp_path_factory):
    folder = tmp_path_factory.mktemp("platform")
    # A sandboxed application has a user of its own, who must be able to come here.
    for parent in (folder, folder.parent, folder.parent.parent):
        parent.chmod(0o755)
    cluster = harness.Cluster()
    value = harness.Platform(cluster, folder)
    try:
        value.start_server()
        value.start_worker()
        yield value
    finally:
        value.stop()
        cluster.remove()
