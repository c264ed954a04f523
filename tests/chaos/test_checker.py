"""The checker finds each kind of harm: a small sound record of two runs, and one change at a time."""
import copy
import datetime

import pytest

import checker
from history import Call, Download, History, ItemSeen, RunSeen
from world import harness

MONTH = datetime.datetime(2026, 3, 1, tzinfo=datetime.timezone.utc)
LATER = datetime.datetime(2026, 3, 2, tzinfo=datetime.timezone.utc)
ENDS = ("user_error", "system_error", "skipped", "succeeded")


def counts(**given):
    named = {f"item_{name}_count": given.get(name, 0) for name in ("pending", "processing", *ENDS)}
    return {**named, "item_count": sum(named.values())}


def content(name, attempt):
    return f"{name} {attempt}\n".encode()


def artifact(name, attempt="a2"):
    data = content(name, attempt)
    return {"output_artifact_id": f"o-{name}", "item_id": "i1", "run_id": "r1", "attempt_id": attempt,
            "name": name, "object_key": f"artifacts/r1/i1/{attempt}/{name}",
            "size_bytes": len(data), "checksum_base64_crc32c": harness.crc32c(data),
            "object_removed_at": None}


def audit(*events):
    keys = ("action", "run_id", "item_id", "attempt_id", "termination_reason")
    return [{"audit_id": number, "actor": "x", **dict(zip(keys, (*event, None, None, None)))}
            for number, event in enumerate(events, 1)]


def run_row(run_id):
    return {"run_id": run_id, "submitted_by": "ann", "organization_id": "org", "submitted_at": LATER,
            "token": f"t-{run_id}", "artifacts_deleted_at": None}


def item_row(item_id, run_id, external_id, reason, attempt):
    return {"item_id": item_id, "run_id": run_id, "external_id": external_id, "state": "TERMINATED",
            "termination_reason": reason, "attempt_id": attempt}


# r1: i1 was lost once and then succeeded, i2 was the user's error. r2 was cancelled.
TABLES = {
    "runs": [run_row("r1"), run_row("r2")],
    "progress": [{"run_id": "r1", "state": "TERMINATED", "termination_reason": "ALL_ITEMS_PROCESSED",
                  **counts(succeeded=1, user_error=1)},
                 {"run_id": "r2", "state": "TERMINATED", "termination_reason": "CANCELED_BY_USER",
                  **counts(skipped=1)}],
    "items": [item_row("i1", "r1", "good-1", "SUCCEEDED", "a2"), item_row("i2", "r1", "wrong-2", "USER_ERROR", "a3"),
              item_row("i3", "r2", "slow-3", "SKIPPED", "a4")],
    "attempts": [{"attempt_id": attempt, "item_id": item, "run_id": run, "outcome": outcome, "ended_at": LATER}
                 for attempt, item, run, outcome in (
                     ("a1", "i1", "r1", "LOST"), ("a2", "i1", "r1", "SUCCEEDED"),
                     ("a3", "i2", "r1", "USER_ERROR"), ("a4", "i3", "r2", "CANCELLED"))],
    "artifacts": [artifact("result"), artifact("second")],
    "audit": audit(
        ("run.created", "r1"), ("item.claimed", "r1", "i1", "a1"), ("item.requeued", "r1", "i1", "a1"),
        ("item.claimed", "r1", "i1", "a2"), ("item.terminated", "r1", "i1", "a2", "SUCCEEDED"),
        ("item.claimed", "r1", "i2", "a3"), ("item.terminated", "r1", "i2", "a3", "USER_ERROR"),
        ("run.terminated", "r1"), ("run.created", "r2"), ("item.claimed", "r2", "i3", "a4"),
        ("run.cancelled", "r2")),
    "usage": [{"scope": scope, "subject_id": subject, "open_items": 0, "month": MONTH, "month_items": 2}
              for scope, subject in (("organization", "org"), ("user", "ann"))],
    "months": [{"scope": scope, "id": subject, "month": MONTH, "items": 2, "maximum": 5}
               for scope, subject in (("organization", "org"), ("user", "ann"))],
}
DONE = ("ALL_ITEMS_PROCESSED", "PARTIAL", "t", ())
CANCELLED = ("CANCELED_BY_USER", "NONE", "t", ())


def create(run_id, external_ids, status=201, key="k"):
    return Call("create", "ann", 1.0, 2.0, status, run_id if status == 201 else None, f"t-{run_id}",
                f"{key}-{run_id}" if key else None, "org", external_ids)


def sound_history():
    history = History()
    # The first answer of r1 was lost, and the request repeated.
    history.calls += [create("r1", ("good-1", "wrong-2"), None), create("r1", ("good-1", "wrong-2")),
                      create("r2", ("slow-3",)), Call("cancel", "ann", 3.0, 4.0, 202, "r2"),
                      Call("cancel", "ann", 3.0, 4.5, 409, "r2")]
    history.runs += [RunSeen("get", 2.5, 2.6, "r1", "PROCESSING", (None, "PARTIAL", None, ()),
                             counts(processing=1, succeeded=1)),
                     RunSeen("get", 5.0, 5.1, "r1", "TERMINATED", DONE, counts(succeeded=1, user_error=1)),
                     RunSeen("get", 5.0, 5.1, "r2", "TERMINATED", CANCELLED, counts(skipped=1))]
    history.items += [ItemSeen(5.0, 5.1, "r1", "good-1", "TERMINATED", ("SUCCEEDED", "t", None), 2)]
    history.downloads += [Download(5.0, "r1", "good-1", "result", "result a2\n")]
    return history


@pytest.fixture
def record(tmp_path):
    """(history, tables, folder of the objects), of which nothing is wrong."""
    folder = tmp_path / "artifacts/r1/i1/a2"
    folder.mkdir(parents=True)
    (tmp_path / ".incoming").mkdir()
    for name in ("result", "second"):
        (folder / name).write_bytes(content(name, "a2"))
    return sound_history(), copy.deepcopy(TABLES), tmp_path


def broken(record):
    history, tables, root = record
    return set(checker.check(history, checker.Database(tables, root)))


def test_a_sound_record_breaks_no_rule(record):
    assert broken(record) == set()


def lose_run(_history, tables, _root):
    tables["runs"].pop()
    tables["progress"].pop()
    tables["items"].pop()
    tables["attempts"].pop()


def change_of(table, row, **fields):
    return lambda _history, tables, _root: tables[table][row].update(fields)


def call(*arguments):
    return lambda history, _tables, _root: history.calls.append(Call(*arguments))


def again(event):
    return lambda _history, tables, _root: tables["audit"].append(dict(tables["audit"][event], audit_id=99))


def sees_run(*arguments):
    return lambda history, _tables, _root: history.runs.append(RunSeen("list", *arguments))


def sees_item(*arguments):
    return lambda history, _tables, _root: history.items.append(ItemSeen(*arguments))


def deleted(_history, tables, _root):
    tables["artifacts"][0].update(object_removed_at=LATER)
    tables["runs"][0].update(artifacts_deleted_at=LATER)


# What is done to the record → the rule that must find it.
HARM = {
    "an acknowledged run is lost": (lose_run, "acknowledged_runs_are_there"),
    "an item is another": (change_of("items", 1, external_id="wrong-9"), "acknowledged_runs_are_there"),
    "a run of somebody else": (change_of("runs", 0, submitted_by="bob"), "acknowledged_runs_are_there"),
    "one key, two runs": (lambda history, _t, _r: history.calls.append(
        Call("create", "ann", 1.0, 2.0, 201, "r2", "t-r1", "k-r1", "org", ("slow-3",))),
        "requests_make_as_many_runs_as_they_say"),
    "a repeated request made a second run": (lambda _h, tables, _r: tables["runs"].append(
        dict(run_row("r1"), run_id="r9")), "requests_make_as_many_runs_as_they_say"),
    "a refused request made a run": (lambda _h, tables, _r: tables["runs"].append(run_row("r9")),
                                     "requests_make_as_many_runs_as_they_say"),
    "an item never ends": (change_of("items", 2, state="PENDING", termination_reason=None), "everything_has_ended"),
    "a run never ends": (change_of("progress", 1, state="PENDING"), "everything_has_ended"),
    "the user is blamed": (change_of("items", 0, termination_reason="USER_ERROR"), "items_end_as_they_are_meant_to"),
    "a statistic is wrong": (change_of("progress", 0, item_succeeded_count=2), "statistics_equal_the_items"),
    "a run ends twice": (again(7), "every_end_is_in_the_audit_once"),
    "an item is claimed after its run's end": (again(9), "every_end_is_in_the_audit_once"),
    "an item ends twice": (again(4), "items_are_held_by_one_attempt_at_a_time"),
    "a lost attempt ends the item": (change_of("audit", 4, attempt_id="a1"), "items_are_held_by_one_attempt_at_a_time"),
    "two attempts hold an item": (change_of("audit", 2, item_id="i2"), "items_are_held_by_one_attempt_at_a_time"),
    "a result of a lost attempt": (change_of("artifacts", 0, attempt_id="a1"),
                                   "results_are_of_the_attempt_that_held_the_item"),
    "half a result": (lambda _h, tables, _r: tables["artifacts"].pop(),
                      "results_are_of_the_attempt_that_held_the_item"),
    "two attempts succeed": (change_of("attempts", 0, outcome="SUCCEEDED"),
                             "results_are_of_the_attempt_that_held_the_item"),
    "an attempt has no end": (change_of("attempts", 3, outcome=None), "results_are_of_the_attempt_that_held_the_item"),
    "an object is lost": (lambda _h, _t, root: (root / "artifacts/r1/i1/a2/result").unlink(),
                          "rows_and_objects_are_the_same"),
    "an object is another's": (lambda _h, _t, root: (root / "artifacts/r1/i1/a2/result").write_text("result a1\n"),
                               "rows_and_objects_are_the_same"),
    "an object has no row": (lambda _h, _t, root: (root / "artifacts/r1/i1/a2/third").write_text("x"),
                             "rows_and_objects_are_the_same"),
    "an unfinished upload": (lambda _h, _t, root: (root / ".incoming/x").write_text("x"),
                             "rows_and_objects_are_the_same"),
    "an object outlives its deletion": (deleted, "rows_and_objects_are_the_same"),
    "a download of a loser": (lambda history, _t, _r: history.downloads.append(
        Download(5.0, "r1", "good-1", "result", "result a1\n")), "downloads_are_of_the_winner"),
    "a run comes back": (sees_run(6.0, 6.1, "r1", "PROCESSING", (None, "PARTIAL", None, ()),
                                  counts(processing=1, succeeded=1)), "terminal_states_never_change"),
    "a run ends otherwise": (sees_run(6.0, 6.1, "r1", "TERMINATED", CANCELLED, counts(skipped=2)),
                             "terminal_states_never_change"),
    "an item comes back": (sees_item(6.0, 6.1, "r1", "good-1", "PENDING", (None, None, None), 0),
                           "terminal_states_never_change"),
    "a state that was seen is not kept": (sees_item(2.0, 2.1, "r2", "slow-3", "TERMINATED",
                                                    ("SUCCEEDED", "t", None), 2), "terminal_states_never_change"),
    "counts do not add up": (sees_run(2.0, 2.1, "r1", "PROCESSING", (None, "NONE", None, ()),
                                      {**counts(pending=1), "item_count": 2}), "statistics_seen_are_sound"),
    "a count falls": (sees_run(2.7, 2.8, "r1", "PROCESSING", (None, "NONE", None, ()), counts(processing=2)),
                      "statistics_seen_are_sound"),
    "two cancels are accepted": (call("cancel", "ann", 3.0, 4.0, 202, "r2"), "cancel_is_linearisable"),
    "a cancel is accepted and ignored": (call("cancel", "ann", 3.0, 4.0, 202, "r1"), "cancel_is_linearisable"),
    "nobody cancelled": (lambda history, _t, _r: history.calls.pop(3), "cancel_is_linearisable"),
    "a cancelled run is seen open": (sees_run(4.1, 4.2, "r2", "PENDING", (None, "NONE", None, ()),
                                              counts(pending=1)), "cancel_is_linearisable"),
    "a cancelled run's item is seen open": (sees_item(4.1, 4.2, "r2", "slow-3", "PROCESSING",
                                                      (None, None, None), 0), "cancel_is_linearisable"),
    "a deletion is forgotten": (call("delete", "ann", 6.0, 6.1, 200, "r1"), "deletion_is_once"),
    "a deletion is half done": (change_of("artifacts", 0, object_removed_at=LATER), "deletion_is_once"),
    "open items leak": (change_of("usage", 0, open_items=1), "quotas_are_conserved"),
    "a month's items leak": (change_of("usage", 1, month_items=3), "quotas_are_conserved"),
    "a quota is exceeded": (change_of("months", 0, maximum=1), "quotas_are_conserved"),
}


@pytest.mark.parametrize("harm", HARM)
def test_harm_is_found(record, harm):
    change, rule = HARM[harm]
    change(*record)
    assert rule in broken(record)


def test_every_rule_is_proven(record):
    assert {rule for _, rule in HARM.values()} == {rule.__name__ for rule in checker.RULES}


def test_what_nobody_knows_is_allowed(record):
    """An answer that was lost: the run may be there or not, the cancel may have happened or not."""
    history, tables, _ = record
    history.calls[2] = create("r2", ("slow-3",), 503, key=None)
    history.calls[3] = Call("cancel", "ann", 3.0, 4.0, None, "r2")
    assert broken(record) == set()
    history.calls.append(create("r9", ("good-9",), None))
    assert broken(record) == set()
    assert tables["runs"][-1]["run_id"] == "r2"
