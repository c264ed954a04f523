"""Bugs that are planted to see the checker find them. A bug is made from the real text of a function
or a file by replacing a part of it, and fails loudly when that part is not there. What else would
stop the bug (a trigger, a CHECK, a UNIQUE) goes too: the checker shall find it, not the guard.
"""
import concurrent.futures
import dataclasses
import os
import pathlib
import shutil
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD_SECONDS = 300
AT_ONCE = 2  # rounds: they wait most of the time
NO_GUARDS = (
    "DROP TRIGGER item_moves_by_the_table ON items",
    "DROP TRIGGER run_moves_by_the_table ON run_progress",
    # All that the row itself is held to.
    """DO $$ DECLARE found record; BEGIN
         FOR found IN SELECT conname, conrelid::regclass AS place FROM pg_constraint
                      WHERE contype = 'c' AND conrelid IN ('items'::regclass, 'run_progress'::regclass,
                                                           'quota_usage'::regclass) LOOP
           EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', found.place, found.conname);
         END LOOP; END $$""",
)
# Items that last keep the slots busy, so that something is in work when a line stalls.
SLOW = (6, 10, 1, 0, 0)


@dataclasses.dataclass
class Bug:
    name: str
    says: str
    rules: tuple  # of which the checker must break one
    profile: dict
    functions: tuple = ()  # (name, part, what stands there instead)
    sources: tuple = ()  # the same of files
    statements: tuple = ()
    seconds: int = 14


STALLS = {"lease_seconds": 2, "rate": 2.0, "kinds": SLOW, "pause": (0.05, 0.3),
          "faults": {"stall_worker": 6, "kill_worker": 1}, "cancel": 0.5}

# What makes the result of a successful attempt count.
HOLDS = " AND i.attempt_id = n.attempt_id AND i.state = 'PROCESSING'"

BUGS = (
    Bug("no-fencing", "a late result counts also when its attempt has lost the item",
        ("items_are_held_by_one_attempt_at_a_time", "results_are_of_the_attempt_that_held_the_item"),
        STALLS,
        functions=(("lock_attempt",
                    "WHERE i.item_id = attempt.item_id AND i.attempt_id = p_attempt_id AND i.state = 'PROCESSING'",
                    "WHERE i.item_id = attempt.item_id"),
                   ("succeed_attempts", HOLDS, "")),
        statements=(*NO_GUARDS,
                    "ALTER TABLE output_artifacts DROP CONSTRAINT output_artifacts_item_id_name_key")),
    Bug("shared-key", "objects of all attempts of an item have the same key",
        ("rows_and_objects_are_the_same", "downloads_are_of_the_winner"), STALLS,
        sources=(("src/jobs/outputs.c",
                  'return alloc_format("artifacts/%s/%s/%s", run_id, item_id, attempt_id);',
                  '(void)attempt_id;\n    return alloc_format("artifacts/%s/%s", run_id, item_id);'),)),
    Bug("two-step-cancel", "cancelling ends the run at once and its items a little later",
        ("cancel_is_linearisable", "every_snapshot_is_sound"),
        {"kinds": SLOW, "cancel": 6, "rate": 0.3},
        functions=(("close_run", "        WHERE run_id = p_run_id AND state <> 'TERMINATED'\n",
                    "        WHERE false\n"),
                   # What the leader does every second.
                   ("expire_leases", "\nBEGIN\n",
                    "\nBEGIN\n    UPDATE items SET state = 'TERMINATED', termination_reason = 'SKIPPED', "
                    "terminated_at = platform_now()\n"
                    "    WHERE state <> 'TERMINATED' AND run_id IN (SELECT run_id FROM run_progress "
                    "WHERE termination_reason = 'CANCELED_BY_USER');\n")),
        statements=NO_GUARDS, seconds=8),
    Bug("read-then-write-quota", "what is in use is read, compared, and written back",
        ("quotas_are_conserved", "every_snapshot_is_sound"),
        {"create": 20, "cancel": 1, "pause": (0.0, 0.02), "rate": 0.01, "snapshot_seconds": 0.1},
        functions=(("take_quota", "PERFORM apply_releases(p_organization_id, p_user_id);", "NULL;"),
                   ("take_quota",
                    "        INSERT INTO quota_usage AS u (scope, subject_id, open_items, month, month_items)\n"
                    "        VALUES (subject.scope, subject.id, p_items, month_of(platform_now()), p_items)\n"
                    "        ON CONFLICT (scope, subject_id) DO UPDATE\n"
                    "            SET open_items = u.open_items + excluded.open_items,\n"
                    "                month_items = CASE WHEN u.month = excluded.month "
                    "THEN u.month_items + excluded.month_items\n"
                    "                                   ELSE month_use(subject.scope, subject.id, excluded.month) END,\n"
                    "                month = excluded.month\n"
                    "        RETURNING * INTO usage;\n",
                    "        INSERT INTO quota_usage VALUES (subject.scope, subject.id, 0, "
                    "month_of(platform_now()), 0) ON CONFLICT DO NOTHING;\n"
                    "        SELECT * INTO usage FROM quota_usage u "
                    "WHERE u.scope = subject.scope AND u.subject_id = subject.id;\n"
                    "        PERFORM pg_sleep(0.01);\n"
                    "        usage.open_items := usage.open_items + p_items;\n"
                    "        usage.month_items := usage.month_items + p_items;\n"
                    "        UPDATE quota_usage u SET open_items = usage.open_items, "
                    "month_items = usage.month_items\n"
                    "        WHERE u.scope = subject.scope AND u.subject_id = subject.id;\n"),),
        statements=NO_GUARDS, seconds=8),
    Bug("miscounted-statistic", "an item that ends by the user's error counts as succeeded",
        ("statistics_equal_the_items", "every_snapshot_is_sound"), {"rate": 0.3},
        functions=(("end_item", "user_error_count = user_error_count + (p_reason = 'USER_ERROR')",
                    "succeeded_count = succeeded_count + (p_reason = 'USER_ERROR')"),),
        seconds=6),
    Bug("terminal-state-left", "a result that comes after a cancel ends the item again",
        ("terminal_states_never_change", "cancel_is_linearisable"),
        {**STALLS, "lease_seconds": 8, "cancel": 6, "items": 6,
         "faults": {"stall_worker_shortly": 1}},
        functions=(("lock_attempt", " AND i.attempt_id = p_attempt_id AND i.state = 'PROCESSING'",
                    " AND i.attempt_id = p_attempt_id"),
                   ("succeed_attempts", HOLDS, " AND i.attempt_id = n.attempt_id"),
                   ("end_item", "WHERE item_id = p_item.item_id AND state = 'PROCESSING'",
                    "WHERE item_id = p_item.item_id")),
        statements=NO_GUARDS),
)
# Without a bug, under the workload that finds most of them: nothing may be found.
CONTROL = Bug("none", "no bug", (), STALLS)


def substitute(what, text, part, instead):
    if text.count(part) != 1:
        raise LookupError(f"{what} holds {text.count(part)} times what the bug replaces:\n{part}")
    return text.replace(part, instead)


def plant_in_database(bug, platform):
    with platform.sql() as cursor:
        for name, part, instead in bug.functions:
            cursor.execute("SELECT pg_get_functiondef(oid) FROM pg_proc WHERE proname = %s", (name,))
            [(text,)] = cursor.fetchall()
            cursor.execute(substitute(name, text, part, instead))
        for statement in bug.statements:
            cursor.execute(statement)


def copy_sources(folder):
    """The tree as git has it or would have it; an unchanged file keeps its time, so that little is
    compiled again."""
    names = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT,
                           check=True, capture_output=True, text=True).stdout.split("\n")
    for name in filter(None, names):
        source, target = ROOT / name, folder / name
        if source.is_file() and (not target.exists() or target.read_bytes() != source.read_bytes()):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, target)


def build_worker(bug):
    """A worker with the bug, in the build folder."""
    folder = pathlib.Path(os.environ["BUILD_DIR"]) / "chaos-bugs"
    source, build = folder / "source", folder / "build"
    copy_sources(source)
    for name, part, instead in bug.sources:
        path = source / name
        path.write_text(substitute(name, path.read_text(), part, instead))
    commands = [["ninja", "-C", build, "programs/slideway-worker"]]
    if not (build / "build.ninja").exists():
        commands.insert(0, ["meson", "setup", build, source, "--buildtype=debug"])
    for command in commands:
        done = subprocess.run(command, capture_output=True, text=True, timeout=BUILD_SECONDS, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"the worker with the bug {bug.name} does not build:\n{done.stdout[-2000:]}")
    return build / "programs" / "slideway-worker"


def try_bug(bug, seed, one_round):
    worker = build_worker(bug) if bug.sources else None
    started = time.monotonic()
    profile = {"settle_seconds": 9, "keep_evidence": not bug.rules, **bug.profile}
    result = one_round(seed, bug.seconds, profile, lambda world: plant_in_database(bug, world.platform), worker)
    caught = sorted(set(bug.rules) & set(result.found))
    good = bool(caught) if bug.rules else not result.found
    verdict = "caught" if bug.rules and good else "nothing found" if good else "NOT CAUGHT" \
        if bug.rules else "FOUND WHERE NOTHING IS"
    print(f"{bug.name:22} {verdict} in {time.monotonic() - started:.0f} s: {bug.says}", flush=True)
    for rule in caught or result.found:
        print(f"    {rule}: {len(result.found[rule])}, the first: {result.found[rule][0][:300]}", flush=True)
    return good


def main(names, seed, one_round):
    chosen = [bug for bug in (CONTROL, *BUGS) if not names or bug.name in names]
    if len(chosen) < len(names):
        raise LookupError(f"the bugs are {', '.join(bug.name for bug in (CONTROL, *BUGS))}")
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        good = list(pool.map(lambda bug: try_bug(bug, seed, one_round), chosen))
    print(f"chaos: seed {seed}, {sum(good)} of {len(good)} as they must be", flush=True)
    return 0 if all(good) else 1
