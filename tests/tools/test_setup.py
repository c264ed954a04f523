"""Goal: tools/setup is silent when all is there and says one sentence when it cannot help.

Method: dpkg-query, apt-get, sudo and id are small scripts in a PATH of the test's own.
"""
import pathlib
import re
import subprocess

import pytest
from conftest import ROOT

SETUP = ROOT / "tools/setup"
POLICY = pathlib.Path("/usr/sbin/policy-rc.d")
LISTS = {name: set(re.findall(r"[a-z0-9][a-z0-9.+-]+", names)) for name, names in
         re.findall(r"(\w+)_packages=\(([^)]*)\)", SETUP.read_text(encoding="utf-8"))}
EXTRA = {name: LISTS.pop(name) for name in ("train", "browser")}
PACKAGES = sorted(set().union(*LISTS.values()))


class Machine:
    def __init__(self, folder):
        self.bin = folder / "bin"
        self.log = folder / "log"
        self.bin.mkdir()
        for tool in ("bash", "env", "sed", "grep", "cat"):
            (self.bin / tool).symlink_to(f"/usr/bin/{tool}")
        self.program("id", "echo 1000")

    def program(self, name, body):
        path = self.bin / name
        path.write_text(f"#!/usr/bin/bash\necho {name} \"$@\" >> {self.log}\n{body}\n", encoding="utf-8")
        path.chmod(0o755)

    def installed(self, packages):
        self.program("dpkg-query", "cat << 'END'\n" + "".join(
            f"installed {package}\n" for package in packages) + "config-files removed-one\nEND")

    def setup(self, *arguments):
        return subprocess.run([SETUP, *arguments], env={"PATH": str(self.bin)}, text=True,
                              capture_output=True, check=False, timeout=20)

    def calls(self):
        lines = self.log.read_text(encoding="utf-8").splitlines()
        return [line for line in lines if not line.startswith(("id", "dpkg-query"))]


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


def test_nothing_is_done_when_all_is_there(machine):
    machine.installed(PACKAGES)
    result = machine.setup()
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert machine.calls() == []


@pytest.mark.parametrize("name", EXTRA)
def test_what_is_extra_is_installed_only_when_asked_for(machine, name):
    machine.installed(PACKAGES)
    assert machine.setup("--check").stdout == ""
    assert set(machine.setup(name, "--check").stdout.split()) == EXTRA[name]
    machine.installed([*PACKAGES, *EXTRA[name]])
    assert machine.setup(name, "--check").returncode == 0


def test_check_names_what_is_missing(machine):
    machine.installed(set(PACKAGES) - {"wrk"})
    result = machine.setup("--check")
    assert (result.returncode, result.stdout) == (1, "wrk\n")


def test_only_the_missing_package_is_installed_without_recommends(machine):
    machine.installed(set(PACKAGES) - {"wrk"})
    machine.program("sudo", '"$@"')
    machine.program("apt-get", "exit 0")
    assert machine.setup().returncode == 0
    installs = [call for call in machine.calls() if call.startswith("apt-get")]
    assert len(installs) == 1 and installs[0].endswith("install -y --no-install-recommends wrk")


def test_old_package_lists_are_refreshed_once(machine):
    machine.installed(set(PACKAGES) - {"wrk"})
    machine.program("sudo", '"$@"')
    machine.program("apt-get", f'[ $(grep -c ^apt-get {machine.log}) -gt 1 ]')
    assert machine.setup().returncode == 0
    verbs = [re.search(r"\b(update|install)\b", call)[1] for call in machine.calls()
             if call.startswith("apt-get")]
    assert verbs == ["install", "update", "install"]


def one_sentence(result):
    lines = result.stderr.splitlines()
    assert result.returncode == 1 and len(lines) == 1, result.stderr
    return lines[0]


def test_neither_root_nor_sudo_is_said_in_one_sentence(machine):
    machine.installed(set(PACKAGES) - {"wrk", "jq"})
    assert "neither root nor sudo" in one_sentence(machine.setup())


def test_another_system_is_said_in_one_sentence(machine):
    assert "not a Debian system" in one_sentence(machine.setup())


def test_a_mirror_out_of_reach_is_said_in_one_sentence(machine):
    machine.installed(set(PACKAGES) - {"wrk"})
    machine.program("sudo", '"$@"')
    machine.program("apt-get", "exit 100")
    assert "apt cannot reach its mirror" in one_sentence(machine.setup())


def test_no_cluster_of_debian_is_made_and_no_trace_is_left(machine):
    machine.installed(set(PACKAGES) - {"postgresql-15"})
    machine.program("sudo", "exit 0")  # what it would do is in the log
    machine.program("apt-get", "exit 0")
    machine.setup()
    calls = [call for call in machine.calls() if "createcluster" in call]
    assert [call.split()[1] for call in calls] == ["mkdir", "tee", "rm"]


def test_no_service_of_slurm_is_started_and_no_trace_is_left(machine):
    machine.installed(set(PACKAGES) - {"munge", "slurmd", "wrk"})
    machine.program("sudo", '[ "$1" = update-rc.d -o "$1" = deb-systemd-helper ] && exec "$@"; exit 0')
    for program in ("apt-get", "update-rc.d"):
        machine.program(program, "exit 0")
    machine.program("deb-systemd-helper", '[ -n "$DPKG_MAINTSCRIPT_PACKAGE" ]')  # only dpkg may call it
    result = machine.setup()
    assert (result.returncode, result.stderr) == (0, "")
    calls = machine.calls()
    assert [call for call in calls if call.startswith("update-rc.d")] == [
        "update-rc.d munge disable", "update-rc.d slurmd disable"]
    # A file of that name that is the machine's own stays as it is.
    made = [] if POLICY.exists() else ["mkdir", "tee", "chmod", "rm"]
    assert [call.split()[1] for call in calls if str(POLICY.parent) in call] == made
