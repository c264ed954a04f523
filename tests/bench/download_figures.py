"""What a download costs the server: processor time of the object port for each GB of a file in the
page cache, over that of nginx for the same file, by the same client, one after the other.

Both sides send the whole file by sendfile over plain HTTP on 127.0.0.1; nginx as Debian's nginx.conf
has it. The time is that of all processes of a server, in user and kernel mode, so it does not depend
on how fast the client reads. What the client gets is compared with the file once before.
"""
import contextlib
import hashlib
import os
import pathlib
import shutil
import statistics
import subprocess
import urllib.parse

import harness

BLOCK_BYTES = 1 << 20
GB = 1e9
# So that a tick of /proc (10 ms) is small against what one side takes in a round.
DOWNLOADS = 4
NGINX_CONF = """
daemon off; {user} worker_processes auto; pid {folder}/pid; error_log stderr crit;
events {{ worker_connections 768; }}
http {{
    sendfile on;
    tcp_nopush on;
    access_log {folder}/access.log;
    {temporary}
    server {{
        listen 127.0.0.1:{port};
        root {root};
    }}
}}
"""


class Nginx:
    """Gives out a folder."""

    def __init__(self, folder, root):
        folder.mkdir()
        self.port = harness.free_port()
        temporary = " ".join(f"{name}_temp_path {folder}/{name};"
                             for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        path = folder / "nginx.conf"
        path.write_text(NGINX_CONF.format(user="user root;" if os.geteuid() == 0 else "", folder=folder,
                                          port=self.port, root=root, temporary=temporary))
        self.child = harness.Child(["nginx", "-p", folder, "-c", path, "-e", "stderr"], folder / "output.log")


def write_file(path, size_bytes):
    block = os.urandom(BLOCK_BYTES)
    with path.open("wb") as out:
        for _ in range(size_bytes // BLOCK_BYTES):
            out.write(block)


def digest_of(stream):
    digest = hashlib.sha256()
    while block := stream.read(BLOCK_BYTES):
        digest.update(block)
    return digest.hexdigest()


def digest_of_url(url):
    with subprocess.Popen(["curl", "-sf", url], stdout=subprocess.PIPE) as curl:
        digest = digest_of(curl.stdout)
    assert curl.returncode == 0, urllib.parse.urlsplit(url).path
    return digest


def seconds_per_gb(url, pid, size_bytes, cpu_seconds):
    before = cpu_seconds(pid)
    for _ in range(DOWNLOADS):
        done = subprocess.run(["curl", "-sf", "-o", "/dev/null", "-w", "%{size_download}", url],
                              capture_output=True, text=True, check=True)
        assert int(done.stdout) == size_bytes
    return (cpu_seconds(pid) - before) / (DOWNLOADS * size_bytes / GB)


def start_platform(folder, cleanup):
    cluster = harness.Cluster()
    cleanup.callback(cluster.remove)
    platform = harness.Platform(cluster, folder, applications=())
    cleanup.callback(platform.stop)
    platform.start_server()
    return platform


def stored(platform, folder, size_bytes):
    """A signed URL of a file in the store, and where the store keeps it."""
    original = folder / "original"
    write_file(original, size_bytes)
    url = platform.client().upload(original)
    objects = folder / "objects"
    [kept] = [path for path in (objects / "uploads").rglob("*") if path.is_file()]
    assert kept.stat().st_size == size_bytes
    original.unlink()
    return url, kept.relative_to(objects)


def measure(folder, size_bytes, rounds, cpu_seconds, report):
    folder.mkdir(mode=0o755)
    with contextlib.ExitStack() as cleanup:
        cleanup.callback(shutil.rmtree, folder, ignore_errors=True)
        platform = start_platform(folder, cleanup)
        url, kept = stored(platform, folder, size_bytes)
        nginx = Nginx(folder / "nginx", folder / "objects")
        cleanup.callback(nginx.child.stop)
        its_url = f"http://127.0.0.1:{nginx.port}/{urllib.parse.quote(str(kept))}"
        with (folder / "objects" / kept).open("rb") as file:
            wanted = digest_of(file)
        assert digest_of_url(url) == digest_of_url(its_url) == wanted
        ours, its = [], []
        for _ in range(rounds):
            ours.append(seconds_per_gb(url, platform.server.pid, size_bytes, cpu_seconds))
            its.append(seconds_per_gb(its_url, nginx.child.pid, size_bytes, cpu_seconds))
    report("download_cpu_vs_nginx", statistics.median(map(lambda a, b: a / b, ours, its)), "ratio")
    report("download_cpu_seconds_per_gb", statistics.median(ours), "s/GB")
    report("download_nginx_cpu_seconds_per_gb", statistics.median(its), "s/GB")
