"""The reference's own command line uploads a slide and runs it, unmodified, as docs/clients.md tells it:
the commands for the certificates and nginx's configuration are those of the documents. Its storage
host is written into its code, so in a mount namespace of its own a hosts entry leads here.
"""
import csv
import getpass
import os
import pathlib
import re
import socket
import subprocess

import harness
import local_issuer
import nginx
import official_client
import pytest

STORAGE_HOST = "storage.googleapis.com"
MAPPING = ".*:staining_method=H&E,tissue=BREAST,disease=BREAST_CANCER"
RUN_ID = re.compile(r"Submitted run with id '([0-9a-f-]{36})'")


def free_address():
    """An address of this machine on which port 443 is free: 127.0.0.1, if nothing else is there."""
    for last in range(1, 20):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((f"127.0.0.{last}", 443))
                return f"127.0.0.{last}"
            except PermissionError:
                pytest.skip("only root may listen on port 443, which is that of the storage host")
            except OSError:
                pass
    return pytest.fail("port 443 is taken on every address that was tried")


def make_certificates(folder):
    """By the commands of docs/clients.md."""
    page = (harness.ROOT / "docs/clients.md").read_text(encoding="utf-8")
    [commands] = re.findall(r"```sh\n(openssl req -x509.*?)```", page, re.DOTALL)
    subprocess.run(["bash", "-e", "-c", commands], cwd=folder, check=True, capture_output=True, timeout=60)
    assert not (folder / "authority.key").exists()
    return folder / "storage-authority.pem", folder / "storage-host.crt", folder / "storage-host.key"


class StorageHost:
    """nginx that plays the host, for whom the `prefix` stands before a command."""

    def __init__(self, platform, folder):
        self.folder = folder
        self.authority, certificate, key = make_certificates(folder)
        address = free_address()
        self.child = nginx.start(folder, nginx.documented("storage-host.conf", {
            "127.0.0.1:8081": f"127.0.0.1:{platform.object_port}", "listen 443": f"listen {address}:443",
            "/etc/nginx/storage-host.crt": certificate, "/etc/nginx/storage-host.key": key,
            "/var/log/nginx": folder}))
        hosts = folder / "hosts"
        hosts.write_text(f"127.0.0.1 localhost\n{address} {STORAGE_HOST}\n")
        self.prefix = ("bwrap", "--die-with-parent", "--dev-bind", "/", "/", "--ro-bind", str(hosts), "/etc/hosts")
        harness.wait_for("the storage host's port", lambda: self.listens(address))

    def listens(self, address):
        assert self.child.running(), self.child.output()
        with socket.socket() as probe:
            return probe.connect_ex((address, 443)) == 0

    def requests(self):
        """Method, path and status of each."""
        text = (self.folder / "storage-host.log").read_text()
        assert "X-Amz-" not in text and "?" not in text, "signatures stay out of the log"
        return [(method, path, int(status)) for method, path, status in
                re.findall(r' (\S+) "(.*?)" (\d+) ', text)]


@pytest.fixture(scope="module")
def platform(tmp_path_factory):
    folder = tmp_path_factory.mktemp("platform")
    for parent in (folder, folder.parent, folder.parent.parent):
        parent.chmod(0o755)  # a sandboxed application has a user of its own
    cluster = harness.Cluster()
    value = harness.Platform(cluster, folder, applications=("test-app", "he-tme"))
    try:
        local_issuer.start(value)
        local_issuer.add_user(value, "ada", local_issuer.PASSWORD, "hospital")
        value.start_worker(SLIDEWAY_EGRESS_NETWORKS="")
        yield value
    finally:
        value.stop()
        cluster.remove()


@pytest.fixture(scope="module")
def storage_host(platform, tmp_path_factory):
    value = StorageHost(platform, tmp_path_factory.mktemp("storage-host"))
    yield value
    value.child.stop()


@pytest.fixture(scope="module")
def command(platform, storage_host, tmp_path_factory):
    """Runs the command line as ada, where the storage host is ours."""
    home = tmp_path_factory.mktemp("home")
    environment = official_client.environment(platform, home)
    environment["AIGNOSTICS_REFRESH_TOKEN"] = local_issuer.Flow(platform.api_url).tokens("ada")["refresh_token"]
    trusted = {"REQUESTS_CA_BUNDLE": str(storage_host.authority), "AWS_CA_BUNDLE": str(storage_host.authority)}

    def run(*arguments, attempt=False, **more):
        act = official_client.attempt if attempt else official_client.run
        out = act({**environment, **trusted, **more}, *arguments, prefix=storage_host.prefix)
        # The first command keeps the login, and a refresh token is good once.
        environment.pop("AIGNOSTICS_REFRESH_TOKEN", None)
        return out
    return run


@pytest.fixture(scope="module")
def slides(tmp_path_factory):
    """A folder with one slide, of a scanner if there is one."""
    folder = tmp_path_factory.mktemp("slides")
    real = pathlib.Path(os.environ.get("TEST_DATA") or "/nonexistent") / "wsi/CMU-1-Small-Region.svs"
    if real.is_file():
        (folder / "case 1.svs").write_bytes(real.read_bytes())
    else:
        harness.make_slide(folder / "case 1.tiff", 1024, 1024)
    return folder


def read_table(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter=";"))


@pytest.fixture(scope="module")
def prepared(command, slides, tmp_path_factory):
    table = tmp_path_factory.mktemp("run") / "slides.csv"
    command("application", "run", "prepare", "he-tme", table, slides, "--mapping", MAPPING)
    return table


@pytest.fixture(scope="module")
def uploaded(command, prepared):
    out = command("application", "run", "upload", "he-tme", prepared, "--force")
    assert "Upload completed." in out
    return prepared


def test_upload_to_a_host_that_is_not_trusted_is_refused(command, prepared, storage_host):
    code, out = command("application", "run", "upload", "he-tme", prepared, "--force", attempt=True,
                        REQUESTS_CA_BUNDLE="/etc/ssl/certs/ca-certificates.crt")
    assert code != 0 and "CERTIFICATE_VERIFY_FAILED" in out, out
    assert storage_host.requests() == []


def test_upload_goes_into_the_organisations_bucket(uploaded, slides, platform, storage_host):
    [slide] = slides.iterdir()
    [row] = read_table(uploaded)
    assert row["external_id"] == str(slide)
    assert row["checksum_base64_crc32c"] == harness.crc32c(slide.read_bytes())
    token = platform.issuer.token("ada", "hospital")
    bucket = harness.Client(platform.api_url, token).get("/me").json()["organization"]["aignostics_bucket_name"]
    place = re.fullmatch(rf"gs://({bucket}/{getpass.getuser()}/[0-9.]+/he-tme/\d+\.\d+\.\d+/{slide.name})",
                         row["platform_bucket_url"])
    assert place, row
    # A request is logged after its answer.
    harness.wait_for("the line of the log", lambda: ("PUT", f"/{place[1]}", 200) in storage_host.requests())


def test_run_of_the_uploaded_slide(command, uploaded, slides, platform, storage_host, tmp_path):
    [slide] = slides.iterdir()
    submitted = command("application", "run", "submit", "he-tme", uploaded, "--force")
    run_id = RUN_ID.search(submitted)[1]
    command("application", "run", "result", "download", run_id, tmp_path / "results")
    client = harness.Client(platform.api_url, platform.issuer.token("ada", "hospital"))
    run = client.run(run_id)
    assert (run["state"], run["output"], run["submitted_by"]) == ("TERMINATED", "FULL", "ada")
    [item] = client.items(run_id)
    assert item["external_id"] == str(slide)
    [given] = item["input_artifacts"]
    assert given["download_url"].startswith(f"https://{STORAGE_HOST}/")
    files = [path for path in (tmp_path / "results").rglob("*") if path.is_file()]
    checksums = sorted(artifact["metadata"]["checksum_base64_crc32c"] for artifact in item["output_artifacts"])
    assert sorted(harness.crc32c(path.read_bytes()) for path in files) == checksums
    assert len(files) == 12
    # The worker, which may go nowhere, read the store.
    assert not [request for request in storage_host.requests() if request[0] == "GET"]


def test_bucket_commands(command, uploaded, slides, tmp_path):
    [slide] = slides.iterdir()
    key = read_table(uploaded)[0]["platform_bucket_url"].split("/", 3)[3]
    command("bucket", "download", key, "--what-is-key", "--destination", tmp_path)
    assert (tmp_path / slide.name).read_bytes() == slide.read_bytes()
    command("bucket", "delete", key, "--what-is-key", "--no-dry-run")
    assert key not in command("bucket", "find")
