"""Proves, from the recorded history and the database after everything was healed, that nothing was
lost, doubled or changed. Every rule yields sentences; none is good.
"""
import collections
import pathlib

import psycopg2.extras

from history import is_unknown
from world import OUTPUTS, harness

# What ends an item of that kind, besides SKIPPED (its run was cancelled) and SYSTEM_ERROR (the
# platform gave up): never the user's error for a fault of ours.
ENDS = {"good": "SUCCEEDED", "slow": "SUCCEEDED", "wrong": "USER_ERROR", "mismatch": "USER_ERROR",
        "crash": "SYSTEM_ERROR"}
CANCELLED = "CANCELED_BY_USER"
RUN_ENDS = ("run.terminated", "run.cancelled")
COUNTS = {"item_pending_count": ("PENDING", None), "item_processing_count": ("PROCESSING", None),
          "item_user_error_count": ("TERMINATED", "USER_ERROR"),
          "item_system_error_count": ("TERMINATED", "SYSTEM_ERROR"),
          "item_skipped_count": ("TERMINATED", "SKIPPED"),
          "item_succeeded_count": ("TERMINATED", "SUCCEEDED")}

TABLES = {
    "runs": """SELECT run_id::text, submitted_by, organization_id, submitted_at,
                      custom_metadata ->> 'token' AS token, artifacts_deleted_at FROM runs""",
    "progress": """SELECT run_id::text, state, termination_reason, item_count, pending_count AS item_pending_count,
                          processing_count AS item_processing_count, user_error_count AS item_user_error_count,
                          system_error_count AS item_system_error_count, skipped_count AS item_skipped_count,
                          succeeded_count AS item_succeeded_count FROM run_progress""",
    "items": """SELECT item_id::text, run_id::text, external_id, state, termination_reason,
                       attempt_id::text FROM items""",
    "attempts": "SELECT attempt_id::text, item_id::text, run_id::text, outcome, ended_at FROM attempts",
    "artifacts": """SELECT output_artifact_id::text, item_id::text, run_id::text, attempt_id::text, name,
                           object_key, size_bytes, checksum_base64_crc32c, object_removed_at
                    FROM output_artifacts""",
    "audit": """SELECT audit_id, actor, action, run_id::text, item_id::text,
                       attempt_id::text,
                       detail ->> 'termination_reason' AS termination_reason FROM audit ORDER BY audit_id""",
    "usage": """
        SELECT u.scope, u.subject_id, u.month, u.open_items - coalesce(sum(q.open_items), 0) AS open_items,
               u.month_items - coalesce(sum(q.month_items) FILTER (WHERE q.month = u.month), 0) AS month_items
        FROM quota_usage u
        LEFT JOIN quota_releases q
            ON u.subject_id = CASE u.scope WHEN 'user' THEN q.user_id ELSE q.organization_id END
        GROUP BY u.scope, u.subject_id""",
    "months": """SELECT s.scope, s.id, month_of(r.submitted_at) AS month,
                        sum(p.item_count - p.skipped_count - p.system_error_count)::integer AS items,
                        quota_maximum(s.scope, s.id, 'items_per_month') AS maximum
                 FROM runs r JOIN run_progress p USING (run_id) CROSS JOIN LATERAL
                      (VALUES ('organization', r.organization_id), ('user', r.submitted_by)) AS s (scope, id)
                 GROUP BY s.scope, s.id, 3""",
}


def read_tables(conninfo):
    """{name: rows}, of one snapshot."""
    tables = {}
    connection = psycopg2.connect(conninfo)
    connection.set_session(isolation_level="REPEATABLE READ", readonly=True)
    with connection, connection.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
        for name, statement in TABLES.items():
            cursor.execute(statement)
            tables[name] = cursor.fetchall()
    connection.close()
    return tables


class Database:
    """The tables as they are at the end, what they say of each run and item, and the folder of the
    objects."""

    def __init__(self, tables, root):
        self.runs, self.progress, self.items = tables["runs"], tables["progress"], tables["items"]
        self.attempts, self.artifacts = tables["attempts"], tables["artifacts"]
        self.audit, self.usage, self.months = tables["audit"], tables["usage"], tables["months"]
        self.root = pathlib.Path(root)
        self.run = {row["run_id"]: row for row in self.runs}
        self.run_end = {row["run_id"]: row for row in self.progress}
        self.item = {row["item_id"]: row for row in self.items}
        self.items_of = collections.defaultdict(dict)
        for row in self.items:
            self.items_of[row["run_id"]][row["external_id"]] = row
        self.events_of_item = collections.defaultdict(list)
        self.events_of_run = collections.defaultdict(list)
        for row in self.audit:
            (self.events_of_item[row["item_id"]] if row["item_id"] else
             self.events_of_run[row["run_id"]]).append(row)


# Creation.

def acknowledged_runs_are_there(history, database):
    for call in history.calls:
        if call.operation != "create" or call.status != 201:
            continue
        run = database.run.get(call.run_id)
        if run is None:
            yield f"{call.user} was answered 201 for run {call.run_id}, which is not there"
        elif run["submitted_by"] != call.user or run["token"] != call.token:
            yield f"run {call.run_id} is not the one that {call.user} asked for"
        elif set(database.items_of[call.run_id]) != set(call.external_ids):
            yield (f"run {call.run_id} has the items {sorted(database.items_of[call.run_id])}, "
                   f"asked for were {sorted(call.external_ids)}")


def requests_make_as_many_runs_as_they_say(history, database):
    made = collections.Counter(run["token"] for run in database.runs)
    by_token = collections.defaultdict(list)
    for call in history.calls:
        if call.operation == "create":
            by_token[call.token].append(call)
    for token, calls in by_token.items():
        answers = {call.run_id for call in calls if call.status == 201}
        unknown = sum(is_unknown(call.status) for call in calls)
        keyed = calls[0].key is not None
        if keyed and len(answers) > 1:
            yield f"the key {calls[0].key} of {calls[0].user} gave several runs: {sorted(answers)}"
        most = max(len(answers), min(unknown, 1)) if keyed else len(answers) + unknown
        if not len(answers) <= made[token] <= most:
            yield (f"{len(calls)} requests of {calls[0].user} with token {token} made {made[token]} runs; "
                   f"{len(answers)} were acknowledged, {unknown} answers are unknown")
    for token in made.keys() - by_token.keys():
        yield f"there is a run with the token {token}, which nobody sent"


# Ends of runs and items.

def everything_has_ended(_history, database):
    for row in database.items:
        if row["state"] != "TERMINATED":
            yield f"item {row['external_id']} of run {row['run_id']} is still {row['state']}"
    for row in database.progress:
        if row["state"] != "TERMINATED":
            yield f"run {row['run_id']} is still {row['state']}"


def items_end_as_they_are_meant_to(_history, database):
    for row in database.items:
        kind = row["external_id"].partition("-")[0]
        if row["termination_reason"] not in (ENDS[kind], "SYSTEM_ERROR", "SKIPPED", None):
            yield f"item {row['external_id']} of run {row['run_id']} ended as {row['termination_reason']}"


def statistics_equal_the_items(_history, database):
    for row in database.progress:
        items = database.items_of[row["run_id"]].values()
        real = collections.Counter((item["state"], item["termination_reason"]) for item in items)
        for name, state in COUNTS.items():
            if row[name] != real[state]:
                yield f"run {row['run_id']} says {name} = {row[name]}, its items say {real[state]}"


def every_end_is_in_the_audit_once(_history, database):
    for run_id, end in database.run_end.items():
        events = [event["action"] for event in database.events_of_run[run_id]]
        ends = [action for action in events if action in RUN_ENDS]
        if end["state"] == "TERMINATED" and len(ends) != 1:
            yield f"run {run_id} has the ends {ends}"
        if ends and (ends[0] == "run.cancelled") != str(end["termination_reason"]).startswith("CANCELED"):
            yield f"run {run_id} is {end['termination_reason']}, its audit says {ends}"
        if events.count("run.created") != 1:
            yield f"run {run_id} was created {events.count('run.created')} times"
        if ends and events[-1] not in (*RUN_ENDS, "run.artifacts_deleted"):
            yield f"run {run_id} went on after its end: {events}"
        end_id = next((event["audit_id"] for event in database.events_of_run[run_id]
                       if event["action"] in RUN_ENDS), None)
        for item in database.items_of[run_id].values():
            late = [event["action"] for event in database.events_of_item[item["item_id"]]
                    if end_id is not None and event["audit_id"] > end_id]
            if late:
                yield f"item {item['external_id']} of run {run_id}: {late} after the run's end"


def item_problem(item, events):
    """What is wrong with the life of an item; it is claimed, comes back, is claimed again, ends."""
    holder, ended = None, None
    for event in events:
        action, attempt = event["action"], event["attempt_id"]
        if action in ("item.claimed", "item.requeued", "item.terminated") and ended:
            return f"{action} after its end"
        if action == "item.claimed":
            if holder:
                return f"claimed by {attempt} while {holder} held it"
            holder = attempt
        elif action == "item.requeued":
            if attempt != holder:
                return f"requeued from {attempt} while {holder} held it"
            holder = None
        elif action == "item.terminated":
            ended = event["termination_reason"]
            if ended != "SKIPPED" and attempt != holder:
                return f"ended by {attempt} while {holder} held it"
    reason = item["termination_reason"]
    if reason != (ended or "SKIPPED"):
        return f"is {reason}, the audit says {ended}"
    return None


def items_are_held_by_one_attempt_at_a_time(_history, database):
    for item in database.items:
        events = database.events_of_item[item["item_id"]]
        problem = item_problem(item, events) if item["state"] == "TERMINATED" else None
        if problem:
            life = [(event["audit_id"], event["action"], event["attempt_id"]) for event in events]
            yield f"item {item['external_id']} of run {item['run_id']} {problem}: {life}"


# Results.

def results_are_of_the_attempt_that_held_the_item(_history, database):
    outcomes = {row["attempt_id"]: row for row in database.attempts}
    names = collections.defaultdict(list)
    for row in database.artifacts:
        item = database.item[row["item_id"]]
        names[row["item_id"]].append(row["name"])
        winner = outcomes.get(row["attempt_id"], {"outcome": None})
        if item["termination_reason"] != "SUCCEEDED":
            yield f"item {item['external_id']} of run {row['run_id']} is {item['termination_reason']} with a result"
        elif row["attempt_id"] != item["attempt_id"] or winner["outcome"] != "SUCCEEDED":
            yield (f"{row['name']} of item {item['external_id']}, run {row['run_id']}, is of attempt "
                   f"{row['attempt_id']} ({winner['outcome']}); the item is of {item['attempt_id']}")
    for item in database.items:
        if item["termination_reason"] == "SUCCEEDED" and sorted(names[item["item_id"]]) != sorted(OUTPUTS):
            yield f"item {item['external_id']} of run {item['run_id']} has the results {names[item['item_id']]}"
    for row in database.attempts:
        item = database.item[row["item_id"]]
        if row["outcome"] is None:
            yield f"attempt {row['attempt_id']} of item {item['external_id']} has no end"
        if row["outcome"] == "SUCCEEDED" and item["attempt_id"] != row["attempt_id"]:
            yield f"attempt {row['attempt_id']} succeeded, but item {item['external_id']} is of {item['attempt_id']}"


def rows_and_objects_are_the_same(_history, database):
    stored = {str(path.relative_to(database.root)): path
              for path in (database.root / "artifacts").rglob("*") if path.is_file()}
    for row in database.artifacts:
        path = stored.pop(row["object_key"], None)
        if database.run[row["run_id"]]["artifacts_deleted_at"] is not None:
            if path is not None:
                yield f"object {row['object_key']} of a deleted artifact is still there"
            continue
        if path is None:
            yield f"object {row['object_key']} of artifact {row['output_artifact_id']} is not there"
            continue
        content = path.read_bytes()
        if (len(content), harness.crc32c(content)) != (row["size_bytes"], row["checksum_base64_crc32c"]):
            yield f"object {row['object_key']} is not what its row says: {content!r}"
        if content.decode(errors="replace").split() != [row["name"], row["attempt_id"]]:
            yield f"object {row['object_key']} is not of attempt {row['attempt_id']}: {content!r}"
    outcomes = {row["attempt_id"]: row["outcome"] for row in database.attempts}
    for key in stored:
        yield f"object {key} has no row; its attempt is {outcomes.get(key.split('/')[-2])}"
    incoming = [path.name for path in (database.root / ".incoming").iterdir()]
    if incoming:
        yield f"{len(incoming)} unfinished uploads were left"


def downloads_are_of_the_winner(history, database):
    for seen in history.downloads:
        item = database.items_of[seen.run_id][seen.external_id]
        if seen.text.split() != [seen.name, item["attempt_id"]]:
            yield (f"a download of {seen.name} of item {seen.external_id}, run {seen.run_id}, was "
                   f"{seen.text!r}; the item is of {item['attempt_id']}")


# Observations.

def terminal_states_never_change(history, database):
    """What was seen once is seen ever after, by whoever asks later, and stands in the database."""
    groups = collections.defaultdict(list)
    for seen in history.runs:
        groups["run", seen.run_id].append(seen)
    for seen in history.items:
        groups["item", seen.run_id, seen.external_id].append(seen)
    for group, sightings in groups.items():
        known = None
        for seen in sorted(sightings, key=lambda seen: seen.end):
            if seen.state == "TERMINATED":
                if known and seen.ending != known.ending:
                    yield f"{' '.join(group)}: seen as {known.ending}, then as {seen.ending}"
                known = known or seen
        for seen in sightings:
            if known and seen.state != "TERMINATED" and seen.start > known.end:
                yield (f"{' '.join(group)}: TERMINATED {known.ending} at {known.end:.3f}, "
                       f"but {seen.state} at {seen.start:.3f}")
        if known:
            end = (database.run_end.get(group[1]) if group[0] == "run"
                   else database.items_of[group[1]].get(group[2]))
            if end is None or (end["state"], end["termination_reason"]) != ("TERMINATED", known.ending[0]):
                yield f"{' '.join(group)}: seen as {known.ending}, in the database it is {end}"


def statistics_seen_are_sound(history, _database):
    ends = [name for name in COUNTS if name not in ("item_pending_count", "item_processing_count")]
    latest = {}
    for seen in sorted(history.runs, key=lambda seen: seen.start):
        if sum(seen.counts[name] for name in COUNTS) != seen.counts["item_count"]:
            yield f"run {seen.run_id}: the counts do not add up: {seen.counts}"
        before = latest.get(seen.run_id)
        if before is None or before.end < seen.start:
            fallen = [name for name in ends if before and seen.counts[name] < before.counts[name]]
            if fallen:
                yield f"run {seen.run_id}: {fallen} fell from {before.counts} to {seen.counts}"
            latest[seen.run_id] = seen


# Cancelling.

def cancel_is_linearisable(history, database):
    cancels = collections.defaultdict(list)
    for call in history.calls:
        if call.operation == "cancel":
            cancels[call.run_id].append(call)
    for run_id, end in database.run_end.items():
        calls = cancels[run_id]
        accepted = [call for call in calls if call.status == 202]
        unknown = [call for call in calls if is_unknown(call.status)]
        cancelled = end["termination_reason"] == CANCELLED
        if len(accepted) > 1:
            yield f"run {run_id}: {len(accepted)} cancels were answered 202"
        if accepted and not cancelled:
            yield f"run {run_id}: a cancel was answered 202, but the run is {end['termination_reason']}"
        if cancelled and not accepted and not unknown:
            yield f"run {run_id} was cancelled by nobody: {[call.status for call in calls]}"
    yield from later_reads_say_so(history, cancels)


def later_reads_say_so(history, cancels):
    """After a 202 every read says cancelled; after a 409 every read says terminated."""
    accepted, refused = {}, {}
    for run_id, calls in cancels.items():
        for call in calls:
            known = accepted if call.status == 202 else refused if call.status == 409 else {}
            known[run_id] = min(call.end, known.get(run_id, call.end))
    never = float("inf")
    for seen in history.runs:
        if seen.start > accepted.get(seen.run_id, never) and (seen.state, seen.ending[0]) != (
                "TERMINATED", CANCELLED):
            yield f"run {seen.run_id}: cancelled at {accepted[seen.run_id]:.3f}, at {seen.start:.3f} seen as {seen}"
        if seen.start > refused.get(seen.run_id, never) and seen.state != "TERMINATED":
            yield f"run {seen.run_id}: cancel refused at {refused[seen.run_id]:.3f}, but seen as {seen}"
    for seen in history.items:
        if seen.state != "TERMINATED" and seen.start > min(
                accepted.get(seen.run_id, never), refused.get(seen.run_id, never)):
            yield f"item {seen.external_id} of run {seen.run_id}: {seen.state} after the run's end"


def deletion_is_once(history, database):
    deletes = collections.defaultdict(list)
    for call in history.calls:
        if call.operation == "delete":
            deletes[call.run_id].append(call)
    for run_id, calls in deletes.items():
        accepted = [call for call in calls if call.status == 200]
        deleted = database.run[run_id]["artifacts_deleted_at"] is not None
        if len(accepted) > 1 or (accepted and not deleted):
            yield f"run {run_id}: {len(accepted)} deletions were answered 200; deleted: {deleted}"
    for row in database.artifacts:
        if (row["object_removed_at"] is not None) != (database.run[row["run_id"]]["artifacts_deleted_at"] is not None):
            yield f"artifact {row['output_artifact_id']} and run {row['run_id']} disagree about a deletion"


# Quotas.

def quotas_are_conserved(_history, database):
    opened = collections.Counter()
    for item in database.items:
        run = database.run[item["run_id"]]
        for subject in (("organization", run["organization_id"]), ("user", run["submitted_by"])):
            opened[subject] += item["state"] != "TERMINATED"
    months = {(row["scope"], row["id"], row["month"]): row for row in database.months}
    for row in database.usage:
        subject = (row["scope"], row["subject_id"])
        if row["open_items"] != opened[subject]:
            yield f"quota of {subject}: {row['open_items']} open items, in truth {opened[subject]}"
        month = months.get((*subject, row["month"]), {"items": 0})
        if row["month_items"] != month["items"]:
            yield f"quota of {subject}: {row['month_items']} items this month, in truth {month['items']}"
    for row in database.months:
        if row["maximum"] is not None and row["items"] > row["maximum"]:
            yield f"quota of {row['id']}: {row['items']} items in a month, {row['maximum']} are allowed"


RULES = (
    acknowledged_runs_are_there, requests_make_as_many_runs_as_they_say, everything_has_ended,
    items_end_as_they_are_meant_to, statistics_equal_the_items, every_end_is_in_the_audit_once,
    items_are_held_by_one_attempt_at_a_time, results_are_of_the_attempt_that_held_the_item,
    rows_and_objects_are_the_same, downloads_are_of_the_winner, terminal_states_never_change,
    statistics_seen_are_sound, cancel_is_linearisable, deletion_is_once, quotas_are_conserved,
)


def check(history, database):
    """{name of the rule: sentences}, of the rules that are broken."""
    found = {}
    for rule in RULES:
        sentences = list(rule(history, database))
        if sentences:
            found[rule.__name__] = sentences
    return found
