"""What a download costs the server: processor time of the object port for each GB of a file in the
page cache, over that of nginx for the same file, by the same client, one after the other.

Both sides send the whole file by sendfile over plain HTTP on 127.0.0.1; nginx as Debian's nginx.conf
has it. The time is that of all processes of a server, in user and kernel mode, so it does not depend
on how fast the client reads. What the client gets is compared with the file once before.
"""
import contextlib
import hashlib
import os
import shutil
import statistics
import subprocess
import urllib.parse

import harness
import nginx

BLOCK_BYTES = 1 << 20
GB = 1e9
# So that a tick of /proc (10 ms) is small against what one side takes in a round.
DOWNLOADS = 4
SERVED = """
sendfile on;
tcp_nopush on;
access_log {folder}/access.log;
server {{
    listen 127.0.0.1:{port};
    root {root};
}}
"""


def start_nginx(folder, root):
    """Gives out the folder `root`; the process, and its address."""
    folder.mkdir()
    port = harness.free_port()
    child = nginx.start(folder, SERVED.format(folder=folder, port=port, root=root), "worker_processes auto;")
    return child, f"http://127.0.0.1:{port}"


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
        other, other_url = start_nginx(folder / "nginx", folder / "objects")
        cleanup.callback(other.stop)
        its_url = f"{other_url}/{urllib.parse.quote(str(kept))}"
        with (folder / "objects" / kept).open("rb") as file:
            wanted = digest_of(file)
        assert digest_of_url(url) == digest_of_url(its_url) == wanted
        ours, its = [], []
        for _ in range(rounds):
            ours.append(seconds_per_gb(url, platform.server.pid, size_bytes, cpu_seconds))
            its.append(seconds_per_gb(its_url, other.pid, size_bytes, cpu_seconds))
    report("download_cpu_vs_nginx", statistics.median(map(lambda a, b: a / b, ours, its)), "ratio")
    report("download_cpu_seconds_per_gb", statistics.median(ours), "s/GB")
    report("download_nginx_cpu_seconds_per_gb", statistics.median(its), "s/GB")
