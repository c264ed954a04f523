#!/usr/bin/python3
"""Servers, workers and PostgreSQL are killed, frozen, cut off and lied to while clients work; then
everything is healed and a checker proves that nothing was lost, doubled or changed.

usage: chaos.py [--build DIR] [--seconds N] [--seed N] [--keep]
       chaos.py --bugs [NAME...]     plants each of the bugs of bugs.py; the checker must find it

The seed decides what the clients want and what goes wrong when; what meets what is up to the
machine. Exit 1: a rule was broken (or a planted bug was not found).
"""
import argparse
import collections
import json
import os
import pathlib
import random
import shutil
import signal
import sys
import threading
import time

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
SETTLE_SECONDS = 60  # without any progress
SHOWN_MAX = 8  # sentences of one rule
DAY = 86400


def say(text):
    print(text, flush=True)


def set_quotas(world, seconds):
    """Limits that the clients meet again and again; one of a month that is used up."""
    for name, maximum, scope, subject in (
            ("items_per_run", 6, "--user", "*"), ("open_items", 22, "--user", "*"),
            ("open_items", 40, "--org", "org-a"), ("open_items", 24, "--org", "org-b"),
            ("items_per_month", int(2 * seconds) + 20, "--org", "org-c")):
        world.platform.slideway("quota", "set", name, maximum, scope, subject)


def open_items(world):
    with world.platform.sql() as cursor:
        cursor.execute("SELECT count(*) FROM items WHERE state <> 'TERMINATED'")
        return cursor.fetchone()[0]


def leftovers(world):
    """Objects to remove that are still there, by the tables; unfinished uploads and scratch files."""
    with world.platform.sql() as cursor:
        cursor.execute("SELECT (SELECT count(*) FROM output_artifacts o JOIN runs r USING (run_id) "
                       "WHERE r.artifacts_deleted_at IS NOT NULL AND o.object_removed_at IS NULL) "
                       "+ (SELECT count(*) FROM deleted_runs) + (SELECT count(*) FROM refused_objects) "
                       "+ (SELECT count(*) FROM attempts "
                       "WHERE ended_at IS NOT NULL AND outcome <> 'SUCCEEDED' AND objects_swept_at IS NULL)")
        count = cursor.fetchone()[0]
    return count + len(list((world.folder / "objects" / ".incoming").iterdir()))


def comes_down(count, seconds):
    """Waits until count() is 0; gives up, with what it is, when it has not become less for so long."""
    least, since = count(), time.monotonic()
    while least > 0 and time.monotonic() < since + seconds:
        time.sleep(0.3)
        now = count()
        if now < least:
            least, since = now, time.monotonic()
    return least


def work(world, clients, injector, watching, seconds):
    """Everything at once, for so long."""
    end = time.monotonic() + seconds
    threads = [threading.Thread(target=client.work, args=(end,), daemon=True) for client in clients]
    threads += [threading.Thread(target=injector.work, args=(end,), daemon=True),
                threading.Thread(target=watching.work, args=(end,), daemon=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(seconds + 240)
    return [thread for thread in threads if thread.is_alive()]


def settle(world, clients, board, seconds):
    """Heals everything, waits for the last item and for the sweeper; sentences about what did not
    come to its end."""
    import clients as clients_module
    problems = []
    world.heal()
    # No clock goes back from here: what was put off until a time that a jump took away comes due.
    world.shift_database_clock(world.clock_highest + 60)
    left = comes_down(lambda: open_items(world), seconds)
    if left > 0:
        problems.append(f"{left} items had no end; for {seconds} s none ended")
    unread = clients_module.read_everything(clients, board)
    if unread:
        problems.append(f"these runs could not be read any more: {unread}")
    # The waiting times of the sweeper pass at once.
    world.shift_database_clock(world.clock_highest + 3600)
    for program in world.programs.values():
        program.control.shift_clock(2 * DAY)
    left = comes_down(lambda: leftovers(world), seconds)
    if left > 0:
        problems.append(f"{left} attempts, artifacts or uploads were not swept; for {seconds} s none was")
    if comes_down(lambda: len(scratch_left(world)), seconds) > 0:
        problems.append(f"for {seconds} s the scratch was not emptied of {scratch_left(world)[:SHOWN_MAX]}")
    return problems


def scratch_left(world):
    """What lies in the scratch folders of the workers, some of which may be going just now."""
    return [os.path.join(parent, name) for disk in world.disks.values()
            for parent, folders, files in os.walk(disk.folder) for name in folders + files]


def stop_programs(world):
    """An orderly end; sentences about who did not come to it."""
    world.stopping.set()
    world.watcher.join(30)
    for program in world.programs.values():
        program.signal(signal.SIGTERM)
    for program in world.programs.values():
        try:
            code = program.child.process.wait(60)
            if code != 0:
                yield f"{program.name} ended with {code} when it was told to"
        except Exception:  # pylint: disable=broad-except
            yield f"{program.name} did not end when it was told to"


class Result:
    """What one round gave."""

    def __init__(self):
        self.found = {}
        self.summary = []

    def add(self, rule, sentences):
        if sentences:
            self.found.setdefault(rule, []).extend(sentences)


def listed(counts):
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items(), key=str))


def summary_of(world, history, database, injector, watching):
    outcomes = collections.Counter(row["outcome"] for row in database.attempts)
    ends = collections.Counter(row["termination_reason"] for row in database.items)
    runs = collections.Counter(row["termination_reason"] for row in database.progress)
    keyed = [call for call in history.calls if call.operation == "create" and call.key]
    retried = len(keyed) - len({call.key for call in keyed})
    yield "faults", listed(injector.counts)
    mounted = all(disk.mounted for disk in world.disks.values())
    yield "full scratch disks", "real ones" if mounted else "as the preloaded library says: mounting needs root"
    yield "programs that left by themselves", world.exits.total()
    for reason, count in world.exits.most_common(3):
        yield "", f"{count}: {reason}"
    yield "requests", f"{history.requests}, of these {history.unknown} with unknown outcome"
    yield "answers", listed(history.statuses)
    yield "repeated creations", retried
    yield "runs", listed(runs)
    yield "items", listed(ends)
    yield "attempts", listed(outcomes)
    yield "observations", f"{len(history.runs)} of runs, {len(history.items)} of items, " \
                          f"{len(history.downloads)} downloads, {watching.snapshots} snapshots"
    yield "objects", len([row for row in database.artifacts if row["object_removed_at"] is None])


# The modules beside this one find the programs by BUILD_DIR when they are imported.

def one_round(seed, seconds, profile=None, prepare=None, worker_binary=None, keep=False):
    """A world, chaos in it for so many seconds, and the verdict. `prepare` is given the world before
    anything runs."""
    import checker
    import clients as clients_module
    import faults
    import history as history_module
    import monitor
    import world as world_module
    profile = profile or {}
    result = Result()
    lease_seconds = profile.get("lease_seconds", 3)
    world = world_module.World(lease_seconds=lease_seconds, worker_binary=worker_binary)
    try:
        if prepare is not None:
            prepare(world)
        set_quotas(world, seconds)
        world.start()
        history, board = history_module.History(), clients_module.Board()
        clients = [clients_module.Client(world, history, board, user, seed, profile)
                   for user in clients_module.USERS]
        for client in clients:
            client.prepare()
        injector = faults.Injector(world, seed, profile.get("rate", 1.2), profile.get("faults"),
                                   lease_seconds)
        watching = monitor.Monitor(world.platform.database, profile.get("snapshot_seconds", 0.5))
        hanging = work(world, clients, injector, watching, seconds)
        assert not hanging, f"these did not come to their end: {hanging}"
        result.add("everything_comes_to_its_end", settle(world, clients, board, profile.get("settle_seconds", SETTLE_SECONDS)))
        result.add("programs_end_when_told", list(stop_programs(world)))
        result.add("no_program_crashes", world.crashes)
        result.add("answers_are_expected", history.oddities)
        result.add("every_snapshot_is_sound", watching.found())
        database = checker.Database(checker.read_tables(world.platform.database), world.folder / "objects")
        for rule, sentences in checker.check(history, database).items():
            result.add(rule, sentences)
        result.summary = list(summary_of(world, history, database, injector, watching))
        if keep or (result.found and profile.get("keep_evidence", True)):
            keep_evidence(world, history, injector, seed, result)
    except BaseException:
        say("\n".join(faults.tail_of(world.folder)))
        raise
    finally:
        world.remove()
    return result


def keep_evidence(world, history, injector, seed, result):
    """History, faults and logs, below the build folder."""
    folder = pathlib.Path(os.environ["BUILD_DIR"]) / "chaos" / f"seed-{seed}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    history.write(folder / "history.jsonl")
    (folder / "faults.txt").write_text("\n".join(injector.log) + "\n")
    (folder / "violations.json").write_text(json.dumps(result.found, indent=1))
    with world.platform.sql() as cursor, (folder / "audit.csv").open("w") as file:
        cursor.copy_expert("COPY (SELECT * FROM audit ORDER BY audit_id) TO STDOUT CSV HEADER", file)
    with world.platform.sql() as cursor, (folder / "attempts.csv").open("w") as file:
        cursor.copy_expert("COPY (SELECT * FROM attempts ORDER BY started_at) TO STDOUT CSV HEADER", file)
    for log in world.folder.glob("*.log"):
        shutil.copy(log, folder)
    say(f"history, faults and logs: {folder}")


def report(result):
    for name, value in result.summary:
        say(f"{name:34} {value}")
    for rule, sentences in result.found.items():
        say(f"BROKEN {rule}: {len(sentences)}")
        for sentence in sentences[:SHOWN_MAX]:
            say(f"    {sentence}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--build", default=os.environ.get("BUILD_DIR", ROOT / "build"))
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 31))
    parser.add_argument("--keep", action="store_true", help="keep the history of a good round too")
    parser.add_argument("--bugs", nargs="*", metavar="NAME")
    options = parser.parse_args()
    os.environ["BUILD_DIR"] = str(pathlib.Path(options.build).resolve())
    # Children and mounts go also when this is told to end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    say(f"chaos: seed {options.seed}")
    if options.bugs is not None:
        import bugs
        sys.exit(bugs.main(options.bugs, options.seed, one_round))
    result = one_round(options.seed, options.seconds, keep=options.keep)
    report(result)
    say(f"chaos: seed {options.seed}, {options.seconds:.0f} s: "
        + (f"{len(result.found)} rules are broken" if result.found else "no rule is broken"))
    sys.exit(1 if result.found else 0)


if __name__ == "__main__":
    main()
