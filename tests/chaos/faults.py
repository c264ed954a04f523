"""What goes wrong, by a seeded dice. Each fault ends itself; World.heal ends what is left."""
import collections
import concurrent.futures
import contextlib
import errno
import os
import pathlib
import random
import signal
import time

import psycopg2

import world as world_module
from world import harness

AT_ONCE_MAX = 4
# How often each comes, in relation to the others.
WEIGHTS = {
    "kill_server": 3, "kill_worker": 4, "kill_application": 4, "freeze_application": 2, "kill_database": 2,
    "kill_backend": 1, "freeze_server": 2, "freeze_worker": 4, "freeze_database": 1,
    "cut_line": 5, "stall_line": 5, "lose_answers": 4, "refuse_line": 2, "fill_scratch": 2,
    "break_store": 3, "stall_store": 2, "break_slide_host": 4, "jump_clock": 2, "jump_program_clock": 1,
    "drain_worker": 2,
}
CLOCK_SECONDS = (-3600, -300, -20, -2, 0, 0, 2, 20, 300, 3600)


@contextlib.contextmanager
def open_pid(pid):
    descriptor = os.pidfd_open(pid)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


class Injector:
    """Throws the dice `rate` times a second. `weights` are of the faults that may come."""

    def __init__(self, world, seed, rate, weights=None, lease_seconds=3):
        self.world = world
        self.rng = random.Random(f"{seed} faults")
        self.rate = rate
        self.weights = weights or WEIGHTS
        self.lease_seconds = lease_seconds
        self.deck = []
        self.counts = collections.Counter()
        self.log = []
        self.started = time.monotonic()

    def next_name(self):
        """From a shuffled deck, so that a short time sees each kind too."""
        if not self.deck:
            self.deck = [name for name, weight in self.weights.items() for _ in range(weight)]
            self.rng.shuffle(self.deck)
        return self.deck.pop()

    def work(self, until):
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE_MAX) as pool:
            running = set()
            while time.monotonic() < until:
                time.sleep(min(self.rng.expovariate(self.rate), 5))
                running = {future for future in running if not future.done()}
                if len(running) < AT_ONCE_MAX:
                    rng = random.Random(self.rng.random())
                    running.add(pool.submit(self.inject, self.next_name(), rng))

    def inject(self, name, rng):
        begun = time.monotonic() - self.started
        try:
            what = getattr(self, name)(rng)
        except (psycopg2.Error, OSError, AssertionError) as problem:
            what = None
            self.counts["not injected"] += 1
            self.log.append(f"{begun:8.2f} {name}: {str(problem).strip()[:200]}")
        if what:
            self.counts[name] += 1
            self.log.append(f"{begun:8.2f} {name} {what}, until {time.monotonic() - self.started:.2f}")

    @contextlib.contextmanager
    def one_of(self, rng, names):
        """A program that suffers from nothing else now; None when that is not so."""
        program = self.world.programs[rng.choice(names)]
        if not program.held.acquire(blocking=False):
            yield None
            return
        try:
            yield program if program.child.running() else None
        finally:
            program.held.release()

    # Processes.

    def kill_program(self, rng, names):
        with self.one_of(rng, names) as program:
            if program is None:
                return None
            away = rng.choice((0, 0, 0.5, 2, self.lease_seconds + 1))
            program.kill(away)
            time.sleep(0.3)
            return f"{program.name}, away {away} s"

    def kill_server(self, rng):
        return self.kill_program(rng, world_module.SERVERS)

    def kill_worker(self, rng):
        return self.kill_program(rng, world_module.WORKERS)

    def drain_worker(self, rng):
        """SIGTERM: it hands back what it cannot finish."""
        with self.one_of(rng, world_module.WORKERS) as program:
            if program is None:
                return None
            program.may_start_at = time.monotonic() + rng.choice((0, 1))
            program.killed = True
            program.signal(signal.SIGTERM)
            with contextlib.suppress(Exception):
                program.child.process.wait(10)
            return program.name

    def application_of(self, rng, program):
        """A process below a worker, or None."""
        below = world_module.descendants(program.child.pid) if program else []
        return rng.choice(below) if below else None

    def kill_application(self, rng):
        with self.one_of(rng, world_module.WORKERS) as program:
            pid = self.application_of(rng, program)
            if pid is None:
                return None
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            return f"of {program.name}, process {pid}"

    def freeze_application(self, rng):
        with self.one_of(rng, world_module.WORKERS) as program:
            pid = self.application_of(rng, program)
            if pid is None:
                return None
            # By a descriptor: in the meantime its number may be another's.
            with contextlib.suppress(ProcessLookupError), open_pid(pid) as descriptor:
                signal.pidfd_send_signal(descriptor, signal.SIGSTOP)
                time.sleep(rng.choice((0.5, 2)))
                signal.pidfd_send_signal(descriptor, signal.SIGCONT)
            return f"of {program.name}, process {pid}"

    def freeze_program(self, rng, names):
        with self.one_of(rng, names) as program:
            if program is None:
                return None
            seconds = rng.choice((0.3, 1, self.lease_seconds + 0.5, self.lease_seconds + 3))
            program.signal(signal.SIGSTOP)
            time.sleep(seconds)
            program.signal(signal.SIGCONT)
            return f"{program.name} for {seconds} s"

    def freeze_server(self, rng):
        return self.freeze_program(rng, world_module.SERVERS)

    def freeze_worker(self, rng):
        return self.freeze_program(rng, world_module.WORKERS)

    # PostgreSQL.

    def kill_database(self, rng):
        if not self.world.cluster_held.acquire(blocking=False):
            return None
        try:
            away = rng.choice((0, 0.5, 2, self.lease_seconds + 1))
            self.world.kill_database()
            time.sleep(away)
            self.world.start_database()
            return f"away {away} s"
        finally:
            self.world.cluster_held.release()

    def kill_backend(self, rng):
        """SIGKILL to one session: PostgreSQL ends all others and recovers."""
        if not self.world.cluster_held.acquire(blocking=False):
            return None
        try:
            with self.world.platform.sql() as cursor:
                cursor.execute("SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'slideway%'")
                pids = [row[0] for row in cursor.fetchall()]
            if not pids:
                return None
            pid = rng.choice(pids)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            harness.wait_for("PostgreSQL's recovery", self.world.cluster.accepts)
            return f"process {pid}"
        finally:
            self.world.cluster_held.release()

    def freeze_database(self, rng):
        if not self.world.cluster_held.acquire(blocking=False):
            return None
        try:
            seconds = rng.choice((0.3, 1, self.lease_seconds + 1))
            pids = self.world.cluster.freeze()
            time.sleep(seconds)
            harness.send_signal(pids, signal.SIGCONT)
            return f"for {seconds} s"
        finally:
            self.world.cluster_held.release()

    # Connections.

    def bother_line(self, rng, begin, seconds, names=world_module.SERVERS + world_module.WORKERS):
        name = rng.choice(names)
        begin(name)
        time.sleep(seconds)
        self.world.proxy.go_on(name)
        return f"{name} for {seconds} s"

    def cut_line(self, rng):
        return self.bother_line(rng, self.world.proxy.cut, 0)

    def stall_line(self, rng):
        """What was sent arrives late: after its sender's lease, too."""
        seconds = rng.choice((0.3, 1, self.lease_seconds + 2, self.lease_seconds + 4))
        return self.bother_line(rng, self.world.proxy.stall, seconds)

    def stall_worker(self, rng):
        """Until others have its items."""
        seconds = self.lease_seconds + rng.choice((4, 6))
        return self.bother_line(rng, self.world.proxy.stall, seconds, world_module.WORKERS)

    def stall_worker_shortly(self, rng):
        """It keeps its items and hears of no cancel."""
        seconds = rng.uniform(0.5, 0.4 * self.lease_seconds)
        return self.bother_line(rng, self.world.proxy.stall, seconds, world_module.WORKERS)

    def lose_answers(self, rng):
        """Statements are carried out, nobody hears of it, and then the connection is cut."""
        name = rng.choice(world_module.SERVERS + world_module.WORKERS)
        seconds = rng.choice((0.1, 0.3, 1))
        self.world.proxy.lose_answers(name)
        time.sleep(seconds)
        self.world.proxy.cut(name)
        self.world.proxy.go_on(name)
        return f"{name} for {seconds} s"

    def refuse_line(self, rng):
        return self.bother_line(rng, self.world.proxy.refuse, rng.choice((0.5, 2, self.lease_seconds + 1)))

    # Disks and hosts.

    def fill_scratch(self, rng):
        name = rng.choice(world_module.WORKERS)
        disk = self.world.disks[name]
        disk.fill()
        time.sleep(rng.choice((0.5, 1, 2)))
        disk.empty()
        return f"of {name}" + ("" if disk.mounted else " (as the preloaded library says)")

    def some_programs(self, rng):
        """One of them, or all: the store is away for all, or one has lost it."""
        names = world_module.SERVERS + world_module.WORKERS
        return names if rng.random() < 0.4 else (rng.choice(names),)

    def with_store(self, rng, per_mille, number, delay, seconds):
        names = self.some_programs(rng)
        for name in names:
            self.world.programs[name].control.break_store(per_mille, number, delay)
        time.sleep(seconds)
        for name in names:
            self.world.programs[name].control.break_store(0, 0, 0)
        return f"of {', '.join(names)} for {seconds} s"

    def break_store(self, rng):
        number = rng.choice((errno.EIO, errno.ENOSPC, errno.EACCES))
        what = self.with_store(rng, rng.choice((100, 500, 1000)), number, 0, rng.choice((0.5, 1, 3)))
        return f"{os.strerror(number)} {what}"

    def stall_store(self, rng):
        """Each call lasts; what was begun under a lease ends after it."""
        return self.with_store(rng, 1000, 0, rng.choice((0.05, 0.5, 1)), rng.choice((1, 4)))

    def break_slide_host(self, rng):
        fault = rng.choice((
            {"status": 500}, {"status": 503}, {"status": 429}, {"hang": 2.0}, {"hang": 12.0},
            {"cut_after": 0}, {"cut_after": 1000}, {"cut_after": 20000}, {"pause": 1.0}))
        times = rng.choice((1, 3, 10))
        self.world.slide_host.faults["/slide.bin"] = harness.Fault(times=times, **fault)
        time.sleep(rng.choice((0.5, 2)))
        return f"{fault} {times} times"

    # Clocks.

    def jump_clock(self, rng):
        """Of all SQL, there or back."""
        seconds = rng.choice(CLOCK_SECONDS) * rng.random()
        self.world.shift_database_clock(seconds)
        return f"to {seconds:+.1f} s"

    def jump_program_clock(self, rng):
        """The machine's clock as one program sees it."""
        name = rng.choice(world_module.SERVERS + world_module.WORKERS)
        seconds = rng.choice(CLOCK_SECONDS)
        self.world.programs[name].control.shift_clock(seconds)
        time.sleep(rng.choice((1, 5)))
        self.world.programs[name].control.shift_clock(0)
        return f"of {name} by {seconds:+d} s"


def tail_of(folder, lines=15):
    """The ends of the logs, for a report."""
    for log in sorted(pathlib.Path(folder).glob("*.log")):
        text = log.read_text(errors="replace").splitlines()[-lines:]
        yield f"--- the end of {log.name}\n" + "\n".join(text)
