"""An application that tries to get out of its sandbox. The item's external_id names the attempt, its
metadata has the arguments. What was refused, and how, is the artifact "result"."""
import ctypes
import json
import os
import pathlib
import resource
import signal
import socket
import subprocess
import sys
import time

OUTPUT = pathlib.Path(os.environ["SLIDEWAY_OUTPUT"])
LIBC = ctypes.CDLL(None, use_errno=True)
ATTEMPTS = {}


def attempt(function):
    ATTEMPTS[function.__name__] = function
    return function


def call(number, *arguments):
    """A system call by its number (x86-64); raises OSError as Python's own do."""
    result = LIBC.syscall(ctypes.c_long(number), *[ctypes.c_long(value) if isinstance(value, int) else value
                                                   for value in arguments])
    if result == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


@attempt
def nothing():
    return "done"


@attempt
def system_call(number, arguments):
    buffer = ctypes.create_string_buffer(4096)
    return call(number, *[buffer if value == "buffer" else value for value in arguments])


@attempt
def connect_tcp(host, port):
    socket.create_connection((host, port), timeout=3).close()


@attempt
def send_udp(host, port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"escaped", (host, port))


@attempt
def connect_local(path):
    with socket.socket(socket.AF_UNIX) as caller:
        caller.connect(path.replace("@", "\0", 1))


@attempt
def open_socket(family, kind):
    socket.socket(family, kind).close()


@attempt
def talk_among_ourselves():
    """No escape: this must work."""
    one, other = socket.socketpair()
    one.send(b"hello")
    return other.recv(5).decode()


@attempt
def read(path):
    path = pathlib.Path(path)
    return sorted(os.listdir(path)) if path.is_dir() else path.read_bytes().decode(errors="replace")


@attempt
def write(path):
    with open(path, "ab") as file:
        file.write(b"x")


@attempt
def remove(path):
    os.rename(path, path + ".moved")


@attempt
def change_mode(path):
    os.chmod(path, 0o777)


@attempt
def become(uid):
    os.setuid(uid)


@attempt
def device():
    os.mknod("/work/output/disk", 0o600 | 0o060000, os.makedev(254, 0))
    os.close(os.open("/work/output/disk", os.O_RDONLY))


@attempt
def signal_process(pid):
    os.kill(pid, 0)


@attempt
def raise_limit(name):
    number = getattr(resource, name)
    hard = resource.getrlimit(number)[1]
    resource.setrlimit(number, (hard + 1, hard + 1))


@attempt
def see_processes():
    """The programs of all processes that it can see."""
    seen = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        seen.append(pathlib.Path(f"/proc/{pid}/comm").read_text().strip())
    return sorted(set(seen))


@attempt
def see_environments():
    seen = b""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        for name in ("environ", "cmdline"):
            seen += pathlib.Path(f"/proc/{pid}/{name}").read_bytes() + b"\n"
    return seen.decode(errors="replace").replace("\0", "\n")


@attempt
def see_mounts():
    return pathlib.Path("/proc/self/mountinfo").read_text()


@attempt
def fork_bomb():
    """How many processes there came to be."""
    count = 0
    try:
        while count < 10000:
            if os.fork() == 0:
                signal.pause()
            count += 1
    except OSError:
        pass
    return count


@attempt
def use_memory(gigabytes):
    held = []
    for _ in range(gigabytes * 1024 // 16):
        held.append(b"\1" * (16 << 20))
        time.sleep(0.001)
    return len(held)


@attempt
def use_memory_by_many(processes, megabytes):
    for _ in range(processes):
        subprocess.Popen(["python3", "-c", f"import time; x = b'x' * ({megabytes} << 20); time.sleep(60)"])
    time.sleep(60)


@attempt
def reserve_memory(gigabytes):
    bytearray(gigabytes << 30)


@attempt
def fill_disk(megabytes, files):
    for number in range(files):
        with open(OUTPUT / f"{number}", "wb") as file:
            for _ in range(megabytes):
                file.write(b"\0" * (1 << 20))
    time.sleep(2)


@attempt
def fill_unnamed(megabytes, files):
    held = []
    for number in range(files):
        held.append(open(OUTPUT / f"{number}", "wb"))
        os.unlink(OUTPUT / f"{number}")
        held[-1].write(b"\0" * (megabytes << 20))
        held[-1].flush()
    time.sleep(5)


@attempt
def fill_shared_memory(megabytes):
    for number in range(megabytes):
        with open(f"/dev/shm/{number}", "wb") as file:
            file.write(b"\0" * (1 << 20))


@attempt
def dig_deep():
    """Leaves a tree that no path reaches."""
    os.chdir(OUTPUT)
    for _ in range(60):
        os.mkdir("d" * 200)
        os.chdir("d" * 200)
    return "dug"


@attempt
def leave_daemon(marker):
    subprocess.Popen(["sleep", marker], start_new_session=True, stdin=subprocess.DEVNULL,
                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return "left"


@attempt
def wait(seconds, marker):
    subprocess.Popen(["sleep", marker], start_new_session=True)
    print("progress 0.5 waiting", flush=True)
    time.sleep(seconds)
    return "waited"


@attempt
def crash(words):
    print(words, file=sys.stderr, flush=True)
    os.abort()


@attempt
def end(code, words):
    print(words, flush=True)
    sys.stdout.flush()
    os._exit(code)


@attempt
def blame(error_code, message):
    (OUTPUT / "error.json").write_text(json.dumps({"error_code": error_code, "message": message}))
    os._exit(10)


@attempt
def blame_without_words():
    os._exit(10)


@attempt
def give(kind, target):
    """A result that is no regular file of its own."""
    path = OUTPUT / "result"
    if kind == "link":
        path.symlink_to(target)
    elif kind == "folder link":
        (OUTPUT / "folder").symlink_to(target)
        describe("folder/" + "input.json")
        sys.exit(0)
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "path":
        describe(target)
        sys.exit(0)
    describe("result")
    sys.exit(0)


def describe(path):
    (OUTPUT / "output.json").write_text(
        json.dumps({"artifacts": [{"name": "result", "path": path, "metadata": {}}]}))


def main():
    request = json.loads(pathlib.Path(os.environ["SLIDEWAY_INPUT"]).read_text())
    arguments = request["input_artifacts"][0]["metadata"]["probe"]
    function = ATTEMPTS[arguments.pop("attempt")]
    try:
        result = {"refused": None, "value": function(**arguments)}
    except (OSError, MemoryError, ValueError) as error:
        result = {"refused": f"{type(error).__name__}: {error}", "value": None}
    (OUTPUT / "result").write_text(json.dumps(result))
    describe("result")


main()
