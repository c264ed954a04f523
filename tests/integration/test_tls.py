"""TLS to the outside through nginx, as docs/nginx.conf has it, and TLS with client certificates to
PostgreSQL: real certificates of an authority that only these tests trust.
"""
import datetime
import hashlib
import ipaddress
import os
import pathlib
import re
import subprocess
import urllib.parse

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

import harness
import nginx

LARGE_BYTES = 64 << 20
SYSTEM_AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"


class Authority:
    """Signs certificates, and is what a machine may trust."""

    def __init__(self, folder, name):
        self.folder = pathlib.Path(folder)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self.path = self.folder / f"{name}.pem"
        self.path.write_bytes(self.sign(self.name, self.key, x509.BasicConstraints(True, None)))

    def sign(self, subject, key, constraints, hosts=()):
        now = datetime.datetime.utcnow()
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(self.name).public_key(
            key.public_key()).serial_number(x509.random_serial_number()).not_valid_before(
            now - datetime.timedelta(minutes=5)).not_valid_after(
            now + datetime.timedelta(days=1)).add_extension(constraints, critical=True)
        if hosts:
            builder = builder.add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    def issue(self, name, owner=None):
        """Writes NAME.crt and NAME.key; the certificate is good for 127.0.0.1 too."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        hosts = [x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        certificate = self.folder / f"{name}.crt"
        certificate.write_bytes(self.sign(subject, key, x509.BasicConstraints(False, None), hosts))
        secret = self.folder / f"{name}.key"
        secret.touch(mode=0o600)
        secret.write_bytes(key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        if owner is not None and os.geteuid() == 0:
            os.chown(secret, owner.pw_uid, owner.pw_gid)
        return certificate, secret


@pytest.fixture
def authority(folder):
    return Authority(folder, "authority")


# The API and the object store behind nginx.

class Proxy:
    """nginx with the file that the documents give, on a port of its own."""

    def __init__(self, platform, authority):
        self.folder = platform.folder / "nginx"
        self.folder.mkdir(mode=0o700)
        certificate, key = authority.issue("localhost")
        self.port = harness.free_port()
        self.child = nginx.start(self.folder, nginx.documented("nginx.conf", {
            "127.0.0.1:8080": f"127.0.0.1:{platform.port}",
            "127.0.0.1:8081": f"127.0.0.1:{platform.object_port}",
            "listen 443": f"listen 127.0.0.1:{self.port}",
            "slideway.example.org": "localhost",
            "/etc/nginx/slideway.crt": certificate,
            "/etc/nginx/slideway.key": key,
            "/var/log/nginx": self.folder}))
        self.url = f"https://localhost:{self.port}"
        self.authority = authority

    def serves(self):
        assert self.child.running(), self.child.output()
        try:
            answer = requests.get(f"{self.url}/health", verify=str(self.authority.path), timeout=30)
        except (requests.ConnectionError, requests.Timeout):
            return False
        return answer.status_code == 200

    def logs(self):
        return {name: (self.folder / name).read_text() for name in ("slideway.log", "slideway-errors.log")}


@pytest.fixture
def proxied(cluster, folder, authority):
    """A platform with a worker behind nginx, and a client that trusts the authority."""
    platform = harness.Platform(cluster, folder)
    proxy = None
    try:
        proxy = Proxy(platform, authority)
        platform.start_server(SLIDEWAY_OBJECT_URL=proxy.url)
        platform.start_worker(SLIDEWAY_OBJECT_URL=proxy.url)
        harness.wait_for("the platform behind nginx", proxy.serves)
        yield platform, proxy
    finally:
        platform.stop()
        if proxy is not None:
            proxy.child.stop()


def client_of(platform, proxy):
    client = platform.client()
    client.api_url = proxy.url
    client.session.verify = str(proxy.authority.path)
    return client


def trusting(authorities, *command):
    """A command on a machine whose own list of authorities is this file."""
    return ["bwrap", "--die-with-parent", "--dev-bind", "/", "/", "--ro-bind", authorities, SYSTEM_AUTHORITIES, *command]


def slideway(platform, proxy, authorities, *arguments):
    return subprocess.run(
        trusting(authorities, harness.program("slideway"), *map(str, arguments)), text=True,
        capture_output=True, check=False, timeout=180, cwd=platform.folder,
        env=harness.bare_environment(HOME=str(platform.folder), SLIDEWAY_URL=proxy.url,
                                     SLIDEWAY_TOKEN=platform.issuer.token("ada", "hospital")))


def check_no_secret_is_logged(proxy):
    for name, text in proxy.logs().items():
        assert not re.search(r"signature|expires=|share_token|\?", text), f"{name}: {text[-2000:]}"


def test_command_line_works_through_nginx(proxied, slide):
    platform, proxy = proxied
    done = slideway(platform, proxy, proxy.authority.path, "run", "submit", "test-app", slide, "--wait")
    assert done.returncode == 0, done.stdout + done.stderr
    [run] = client_of(platform, proxy).get("/runs").json()
    assert (run["state"], run["output"]) == ("TERMINATED", "FULL")
    done = slideway(platform, proxy, proxy.authority.path, "run", "download", run["run_id"],
                    "--output", "results")
    assert done.returncode == 0, done.stdout + done.stderr
    assert len([path for path in (platform.folder / "results").rglob("*") if path.is_file()]) == 6
    assert "/objects/" in proxy.logs()["slideway.log"], "slides and results went this way"
    check_no_secret_is_logged(proxy)


def test_certificate_of_a_strange_authority_is_refused(proxied, folder, slide):
    platform, proxy = proxied
    stranger = Authority(folder, "stranger")
    done = slideway(platform, proxy, stranger.path, "run", "submit", "test-app", slide)
    assert done.returncode == 1
    assert "certificate" in done.stderr.lower() and "Bearer" not in done.stderr, done.stderr
    assert client_of(platform, proxy).get("/runs").json() == []


@pytest.mark.parametrize("external_id", [
    "/data/a slide.svs", "//two", "a/../b", "100%", "%2F", "é/ü?x=1&y#z", "objects/x"])
def test_external_id_passes_as_it_was_sent(proxied, external_id):
    platform, proxy = proxied
    client = client_of(platform, proxy)
    link = f"{proxy.url}/none"
    run_id = client.create_run("test-app", [harness.slide_item(external_id, link, b"x")])
    path = f"/runs/{run_id}/items/{urllib.parse.quote(external_id, safe='')}"
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.json()["external_id"] == external_id


def test_large_objects_pass_and_nothing_is_kept(proxied):
    platform, proxy = proxied
    client = client_of(platform, proxy)
    content = os.urandom(1 << 20) * (LARGE_BYTES >> 20)
    links = client.post("/uploads", json={"name": "large.bin", "size_bytes": len(content)}).json()
    assert links["upload_url"].startswith(proxy.url + "/objects/")
    stored = client.session.put(links["upload_url"], data=content, timeout=120)
    assert stored.status_code == 201, stored.text
    whole = client.session.get(links["download_url"], timeout=120)
    assert hashlib.sha256(whole.content).digest() == hashlib.sha256(content).digest()
    part = client.session.get(links["download_url"], headers={"Range": "bytes=1000-1999"}, timeout=60)
    assert (part.status_code, part.content) == (206, content[1000:2000])
    tampered = client.session.get(links["download_url"].replace("expires=", "expires=9"), timeout=60)
    assert tampered.status_code == 403
    assert max(harness.sizes_in(proxy.folder)) <= 65536
    check_no_secret_is_logged(proxy)


def test_signed_urls_stay_out_of_the_log_when_the_server_is_away(proxied):
    platform, proxy = proxied
    client = client_of(platform, proxy)
    links = client.post("/uploads", json={"name": "x", "size_bytes": 1}).json()
    platform.server.kill()
    assert client.session.get(links["download_url"], timeout=60).status_code == 502
    assert client.get("/runs", params={"share_token": "a-token"}).status_code == 502
    # A request is logged after its answer.
    harness.wait_for("two lines of the log", lambda: proxy.logs()["slideway.log"].count(" 502 ") == 2)
    check_no_secret_is_logged(proxy)


# PostgreSQL.

class TlsCluster(harness.Cluster):
    """Takes connections by TLS alone, from those who show a certificate of the authority."""

    def __init__(self, authority):
        self.authority = authority
        self.port = harness.free_port()
        super().__init__()

    def initialise(self):
        super().initialise()
        owner = harness.unprivileged_user()
        certificate, key = self.authority.issue("localhost", owner)
        self.settings += [part for setting in (
            "listen_addresses=127.0.0.1", f"port={self.port}", "ssl=on", f"ssl_cert_file={certificate}",
            f"ssl_key_file={key}", f"ssl_ca_file={self.authority.path}") for part in ("-c", setting)]
        (self.data / "pg_hba.conf").write_text(
            "local all all trust\nhostssl all all 127.0.0.1/32 cert\n")

    def conninfo(self, database):
        return f"{super().conninfo(database)} port={self.port}"

    def conninfo_of(self, conninfo, **more):
        """The same database over TLS."""
        database = conninfo.split("dbname=")[1].split()[0]
        values = {"host": "localhost", "hostaddr": "127.0.0.1", "port": self.port, "user": "slideway",
                  "dbname": database, "sslmode": "verify-full", "sslrootcert": self.authority.path, **more}
        return " ".join(f"{key}={value}" for key, value in values.items() if value is not None)


@pytest.fixture
def tls_cluster(authority):
    value = TlsCluster(authority)
    yield value
    value.remove()


def test_platform_over_tls_with_client_certificates(tls_cluster, authority, folder, slide):
    platform = harness.Platform(tls_cluster, folder)
    certificate, key = authority.issue("slideway")
    platform.database = tls_cluster.conninfo_of(platform.database, sslcert=certificate, sslkey=key)
    try:
        platform.start_server()
        platform.start_worker()
        client = platform.client()
        run_id = client.create_run("test-app", [
            harness.slide_item("slide", client.upload(slide), slide.read_bytes())])
        run = client.wait_for_run(run_id)
        assert (run["output"], run["statistics"]["item_succeeded_count"]) == ("FULL", 1)
        with platform.sql() as cursor:
            cursor.execute("SELECT count(*), bool_and(s.ssl), bool_and(s.client_dn = '/CN=slideway')"
                           " FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid)"
                           " WHERE a.backend_type = 'client backend' AND a.client_addr IS NOT NULL")
            count, all_ssl, all_known = cursor.fetchone()
        assert count >= 4 and all_ssl and all_known
    finally:
        platform.stop()


@pytest.mark.parametrize("case, reason", [
    ("no-certificate", "requires a valid client certificate"), ("strange-certificate", "unknown ca"),
    ("strange-server", "certificate verify failed"), ("wrong-name", "does not match host name")])
def test_database_connection_that_proves_nothing_is_refused(tls_cluster, authority, folder, case, reason):
    platform = harness.Platform(tls_cluster, folder)
    stranger = Authority(folder, "stranger")
    certificate, key = (stranger if case == "strange-certificate" else authority).issue("slideway")
    more = {"sslcert": certificate, "sslkey": key}
    if case == "no-certificate":
        more = {"sslcert": folder / "none.crt", "sslkey": folder / "none.key"}
    elif case == "strange-server":
        more["sslrootcert"] = stranger.path
    elif case == "wrong-name":
        more["host"] = "database.example.org"
    done = platform.slideway("migrate", check=False,
                             SLIDEWAY_DATABASE=tls_cluster.conninfo_of(platform.database, **more))
    assert done.returncode != 0
    assert reason in done.stderr, done.stderr
    assert str(key) not in done.stderr
