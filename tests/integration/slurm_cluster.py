"""A real Slurm of one machine: munged, slurmctld and slurmd with all keys, sockets, state and logs in a
folder of their own. Nothing outside of it is changed, and nothing of it outlives the tests."""
import contextlib
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile

import harness

COMMANDS = "/usr/bin"
COMMAND_TRIES = 5
CONFIGURATION = """
ClusterName=slideway
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge/socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerType=sched/builtin
SchedulerParameters=batch_sched_delay=0,sched_interval=1
SlurmdParameters=config_overrides
GresTypes=gpu
ReturnToService=2
MinJobAge=5
MessageTimeout=3
NodeName={host} NodeAddr=127.0.0.1 CPUs=16 RealMemory=65536 Gres=gpu:1 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


class SlurmCluster:
    """munged, a controller and one node with 16 pretended cores and a pretended GPU."""

    def __init__(self):
        for name in ("munged", "slurmctld", "slurmd", "sbatch"):
            assert shutil.which(name, path="/usr/sbin:/usr/bin"), f"{name} is missing: run tools/setup"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="slideway-slurm-", dir="/tmp"))
        self.folder.chmod(0o755)
        for name in ("munge", "state", "spool"):
            (self.folder / name).mkdir(mode=0o755)
        self.configuration = self.folder / "slurm.conf"
        self.configuration.write_text(CONFIGURATION.format(
            host=socket.gethostname().partition(".")[0], folder=self.folder,
            user=pwd.getpwuid(os.geteuid()).pw_name,
            controller_port=harness.free_port(), node_port=harness.free_port()))
        (self.folder / "gres.conf").write_text("Name=gpu File=/dev/null\n")
        key = self.folder / "munge" / "key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o600)
        self.munge = self.controller = self.node = None
        try:
            self.start()
        except BaseException:
            self.remove()
            raise

    def daemon(self, name, *arguments):
        return harness.Child([f"/usr/sbin/{name}", *arguments], self.folder / f"{name}.log",
                             env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "SLURM_CONF": str(self.configuration)},
                             cwd=self.folder)

    def start(self):
        place = self.folder / "munge"
        self.munge = self.daemon(
            "munged", "--foreground", "--force", f"--socket={place}/socket", f"--key-file={place}/key",
            f"--pid-file={place}/pid", f"--log-file={place}/log", f"--seed-file={place}/seed")
        harness.wait_for("munged's socket", (place / "socket").exists)
        self.start_controller()
        self.node = self.daemon("slurmd", "-D")
        harness.wait_for("an idle node", lambda: self.command("sinfo", "--noheader", "--format=%T") == "idle")

    def start_controller(self):
        self.controller = self.daemon("slurmctld", "-D")
        harness.wait_for("the controller", lambda: "UP" in self.command("scontrol", "ping", check=False))

    @contextlib.contextmanager
    def without_controller(self):
        """It leaves in peace: one that is killed forgets its last jobs and gives their numbers to others."""
        self.controller.stop()
        try:
            yield
        finally:
            self.start_controller()

    def command(self, name, *arguments, check=True):
        """What it prints. Slurm's commands give up on a controller that is slow to answer, so one that must
        end well is tried again; all that are used here may be."""
        for _ in range(COMMAND_TRIES if check else 1):
            done = self.attempt(name, *arguments)
            if done.returncode == 0:
                break
        assert not check or done.returncode == 0, f"{name} {arguments}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def attempt(self, name, *arguments):
        return subprocess.run([f"{COMMANDS}/{name}", *map(str, arguments)], text=True, capture_output=True,
                              env={"PATH": "/usr/bin:/bin", "SLURM_CONF": str(self.configuration)},
                              timeout=60, check=False)

    def jobs(self):
        """name -> state of all jobs that have not ended."""
        listing = self.command("squeue", "--noheader", "--format=%j|%T")
        return dict(line.rsplit("|", 1) for line in listing.splitlines())

    def job_facts(self, attempt_id):
        """What the controller knows of the job of this attempt."""
        [number] = self.command("squeue", "--noheader", f"--name=slideway-{attempt_id}",
                                "--format=%i").split()
        return self.command("scontrol", "--details", "show", "job", number)

    def step_processes(self):
        """slurmstepd leaves the group of slurmd: found by the folder in its environment."""
        marker = f"SLURM_CONF={self.configuration}".encode()
        for path in pathlib.Path("/proc").glob("[0-9]*/environ"):
            with contextlib.suppress(OSError):
                if marker in path.read_bytes().split(b"\0"):
                    yield int(path.parent.name)

    def remove(self):
        if self.controller is not None and self.controller.running():
            self.command("scancel", "--signal=KILL", "--full", f"--user={os.geteuid()}", check=False)
        for child in (self.node, self.controller, self.munge):
            if child is not None and child.running():
                os.killpg(child.pid, signal.SIGKILL)
                child.process.wait(harness.STOP_SECONDS)
        for pid in list(self.step_processes()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)
