"""The claim in SQL picks the items that the rule in C picks.

Goal: on random states of the queue claim_items and src/jobs/fair_queue.c start the same items in the
same order, also after items have ended, came back, and runs arrived.
Method: the states are loaded many at a time; what makes one of them the queue's state is put in and
undone in a transaction of its own, whose time stands still. The program rule_replay answers for the
C rule. CLAIM_STATES says how many states (10,000 in `make nightly`), CLAIM_SEED which.
"""
import os
import random
import subprocess
import uuid

import harness
import psycopg2
import pytest
from psycopg2.extras import execute_values

STATES = int(os.environ.get("CLAIM_STATES", "1000"))
SEED = int(os.environ.get("CLAIM_SEED", "1"))
BATCH = 250
# What an item needs, by resource class: cores, bytes, GPUs. And what workers have, with the classes
# that fit into them, worked out by hand; None is anything.
NEEDS = ((1, 1000, 0), (4, 2000, 0), (1, 1000, 1), (2, 9000, 0))
WORKERS = (((None, None, None), {0, 1, 2, 3}), ((1, 1000, 0), {0}), ((8, 2000, 0), {0, 1}),
           ((3, 5000, 2), {0, 2}), ((2, 9000, 0), {0, 3}), ((64, 999, 8), set()))
VERSIONS = [f"01900000-0000-7000-8000-0000000000a{place}" for place in range(len(NEEDS))]
WORKER_IDS = [f"01900000-0000-7000-8000-0000000000b{place}" for place in range(len(WORKERS))]
EPOCH = "'2026-01-01Z'::timestamptz"


class State:
    """A random state of the queue and what is done to it. Times are microseconds, of the runs since
    EPOCH, of the items' retries since the transaction's begin."""

    def __init__(self, number, chance):
        self.chance = chance
        self.batch_limit = chance.choice([1, 1, 2, 3, 4, 4, 8])
        self.virtual_time = chance.randrange(5_000_000)
        self.organizations = []
        names = chance.sample(["a", "b", "B", "a-b", "ab", "A", "z", "é", "0", "_"], chance.randint(1, 6))
        for name in names:
            self.organizations.append({
                "id": f"{name}/{number}", "weight": chance.choice([1, 1, 2, 3, 7]),
                "virtual_time": self.virtual_time + chance.choice([0, 0, 1, 1_000_000, 4_000_000,
                                                                   chance.randrange(-3_000_000, 6_000_000)]),
                "known": chance.random() < 0.9})
        self.runs = [self.random_run() for _ in range(chance.randint(1, 14))]
        self.actions = []
        self.settle_organizations()

    def random_run(self):
        chance = self.chance
        items = chance.choice([1, 2, 3, 5, 9])
        first_untried = chance.choice([0, 0, chance.randint(0, items)])
        tried = list(range(first_untried))
        chance.shuffle(tried)
        in_work = tried[:chance.randint(0, min(len(tried), self.batch_limit + 1))]
        retries = {ordinal: chance.choice([0, -1, -5, -5, -chance.randrange(1000), 60_000_000])
                   for ordinal in tried[len(in_work):] if chance.random() < 0.6}
        return {"id": str(uuid.UUID(int=chance.getrandbits(128))),
                "organization": chance.randrange(len(self.organizations)),
                "due": chance.choice([None, None, chance.randrange(20)]),
                "class": chance.choice([0, 0, chance.randrange(len(NEEDS))]),
                "submitted": chance.randrange(20), "items": items, "first_untried": first_untried,
                "in_work": in_work, "retries": retries, "arrives": chance.random() < 0.2,
                "item_ids": [str(uuid.UUID(int=chance.getrandbits(128))) for _ in range(items)]}

    def ready(self, run):
        """Something of it could be claimed."""
        return run["first_untried"] < run["items"] or any(at <= 0 for at in run["retries"].values())

    def waiting(self, run):
        return self.ready(run) and not run["arrives"]

    def settle_organizations(self):
        """Those with something waiting have entered; one that nobody knows enters where the platform is."""
        for place, organization in enumerate(self.organizations):
            organization["active"] = any(run["organization"] == place and self.waiting(run)
                                         for run in self.runs)
            if organization["active"]:
                organization["known"] = True
            elif not organization["known"]:
                organization["virtual_time"] = self.virtual_time

    def lines(self):
        """The state for rule_replay."""
        yield f"state {self.batch_limit} {self.virtual_time}"
        for organization in self.organizations:
            yield f"organization {organization['id']} {organization['weight']} {organization['virtual_time']}"
        for run in self.runs:
            due = "-" if run["due"] is None else run["due"]
            yield (f"run {run['organization']} {due} {run['submitted']} {run['id']} "
                   f"{run['first_untried']} {run['items']} {len(run['in_work'])} {run['class']}")
        for place, run in enumerate(self.runs):
            for ordinal, at in run["retries"].items():
                yield f"retry {place} {ordinal} {at}"

    def key(self, run):
        return (float("inf") if run["due"] is None else run["due"], run["submitted"], run["id"])


@pytest.fixture(scope="module")
def connection(cluster):
    conninfo = cluster.create_database()
    value = psycopg2.connect(conninfo)
    with value, value.cursor() as cursor:
        for migration in [harness.ROOT / "src/db/sql/create_schema_migrations.sql",
                          *sorted(harness.ROOT.glob("src/db/migrations/*.sql"))]:
            cursor.execute(migration.read_text(encoding="utf-8"))
        cursor.execute("INSERT INTO organizations (organization_id) VALUES ('all')")
        cursor.execute("INSERT INTO users (user_id, organization_id) VALUES ('ada', 'all')")
        cursor.execute("INSERT INTO applications (application_id, name, description, regulatory_classes) "
                       "VALUES ('app', 'A', 'B', '{RUO}')")
        for version_id, needs in zip(VERSIONS, NEEDS):
            cursor.execute("INSERT INTO application_versions (version_id, application_id, number, precedence, "
                           "changelog, released_at, folder, manifest, input_artifacts, output_artifacts, "
                           "input_names, for_everyone, cpus, memory_bytes, gpus) VALUES "
                           "(%s, 'app', %s, '1', 'c', now(), '/', '{}', '[]', '[]', '{}', true, %s, %s, %s)",
                           (version_id, version_id, *needs))
        for worker_id, (offer, _) in zip(WORKER_IDS, WORKERS):
            cursor.execute("INSERT INTO workers (worker_id, name, slots, lease_expires_at, cpus, memory_bytes, "
                           "gpus) VALUES (%s, %s, 64, 'infinity', %s, %s, %s)", (worker_id, worker_id, *offer))
    yield value
    value.close()


def load(cursor, states):
    """What does not make a run wait: rows of organisations, runs and items."""
    cursor.execute("SET LOCAL session_replication_role = replica")  # no foreign key row by row
    execute_values(cursor, "INSERT INTO organizations (organization_id, weight) VALUES %s",
                   [(o["id"], o["weight"]) for state in states for o in state.organizations])
    runs = [(state, run) for state in states for run in state.runs]
    execute_values(
        cursor, "INSERT INTO runs (run_id, application_id, version_id, version_number, organization_id, "
        "submitted_by, submitted_at, due_date) VALUES %s",
        [(run["id"], VERSIONS[run["class"]], state.organizations[run["organization"]]["id"],
          run["submitted"], run["due"]) for state, run in runs],
        template="(%s, 'app', %s, '1.0.0', %s, 'ada', "
                 f"{EPOCH} + %s * interval '1 us', {EPOCH} + %s * interval '1 us')")
    execute_values(
        cursor, "INSERT INTO run_progress (run_id, state, item_count, next_ordinal, pending_count, "
        "processing_count, succeeded_count) VALUES %s",
        [progress(run) for _, run in runs if not ended(run)])
    execute_values(
        cursor, "INSERT INTO items (item_id, run_id, ordinal, external_id, state, termination_reason, "
        "terminated_at, attempt_id) VALUES %s",
        [item(run, ordinal) for _, run in runs for ordinal in range(run["items"])],
        template="(%s, %s, %s, %s, %s, %s, %s::timestamptz, %s)")


def ended(run):
    return run["first_untried"] == run["items"] and not run["in_work"] and not run["retries"]


def progress(run):
    pending = run["items"] - run["first_untried"] + len(run["retries"])
    in_work = len(run["in_work"])
    return (run["id"], "PROCESSING" if in_work else "PENDING", run["items"], run["first_untried"],
            pending, in_work, run["items"] - pending - in_work)


def item(run, ordinal):
    if ordinal in run["in_work"]:
        return (run["item_ids"][ordinal], run["id"], ordinal, str(ordinal), "PROCESSING", None, None,
                str(uuid.uuid4()))
    if ordinal in run["retries"] or ordinal >= run["first_untried"]:
        return (run["item_ids"][ordinal], run["id"], ordinal, str(ordinal), "PENDING", None, None, None)
    return (run["item_ids"][ordinal], run["id"], ordinal, str(ordinal), "TERMINATED", "SUCCEEDED",
            "2026-01-01Z", None)


def put(cursor, state):
    """Makes the state the queue's."""
    cursor.execute("UPDATE queue_limits SET batch_limit = %s", (state.batch_limit,))
    retries = [(run["item_ids"][ordinal], run["id"], ordinal, at)
               for run in state.runs for ordinal, at in run["retries"].items()]
    execute_values(cursor, "INSERT INTO requeued_items (item_id, run_id, ordinal, ready_at) VALUES %s",
                   retries, template="(%s, %s, %s, platform_now() + %s * interval '1 us')")
    waiting = [run for run in state.runs if state.waiting(run)]
    execute_values(
        cursor, "INSERT INTO waiting_runs (run_id, organization_id, resource_class, due_date, submitted_at) "
        "VALUES %s",
        [(run["id"], state.organizations[run["organization"]]["id"], *NEEDS[run["class"]], run["due"],
          run["submitted"]) for run in waiting],
        template="(%s, %s, (SELECT resource_class FROM resource_classes WHERE (cpus, memory_bytes, gpus) = "
                 f"(%s, %s, %s)), coalesce({EPOCH} + %s * interval '1 us', 'infinity'), "
                 f"{EPOCH} + %s * interval '1 us')")
    execute_values(cursor, "INSERT INTO arrivals (run_id, ready_at) VALUES %s",
                   [(run["id"],) for run in state.runs if state.ready(run) and run["arrives"]],
                   template="(%s, platform_now())")
    turns = []
    for place, organization in enumerate(state.organizations):
        own = [run for run in waiting if run["organization"] == place]
        head = min(own, key=state.key) if own else {"due": None, "submitted": 0, "id": harness.new_id()}
        if organization["known"]:
            # Who waits does not stand before the platform, and keeps what its last turn left it at.
            own_time = organization["virtual_time"]
            turns.append((organization["id"],
                          max(own_time, state.virtual_time) if organization["active"] else own_time, own_time,
                          organization["active"],
                          head["due"], head["submitted"], head["id"]))
    # Somebody who has nothing waiting was served last, at the platform's virtual time.
    turns.append(("all", state.virtual_time, state.virtual_time, False, None, 0, harness.new_id()))
    execute_values(
        cursor, "INSERT INTO organization_turns (organization_id, virtual_time, own_virtual_time, platform_virtual_time, "
        "active, head_due_date, head_submitted_at, head_run_id) VALUES %s", turns,
        template=f"(%s, %s, %s, {state.virtual_time}, %s, coalesce({EPOCH} + %s * interval '1 us', 'infinity'), "
                 f"{EPOCH} + %s * interval '1 us', %s)")


def act(cursor, state):
    """Claims, ends and hands back at random; returns what was claimed, as rule_replay answers, and
    tells it what was done."""
    places = {run["id"]: place for place, run in enumerate(state.runs)}
    ordinals = {item_id: ordinal for run in state.runs for ordinal, item_id in enumerate(run["item_ids"])}
    held = []
    answers = []
    for _ in range(state.chance.randint(1, 3)):
        count = state.chance.choice([1, 1, 2, 4, 7, 16, 40])
        worker = state.chance.choice([0, 0, state.chance.randrange(len(WORKERS))])
        cursor.execute("SELECT attempt_id, run_id, item_id FROM claim_items(%s, %s, %s::uuid[])",
                       (WORKER_IDS[worker], count, [harness.new_id() for _ in range(count)]))
        claimed = cursor.fetchall()
        state.actions.append(f"claim {count} {sum(1 << fit for fit in WORKERS[worker][1])}")
        answers.append(" ".join(f"{places[run]}:{ordinals[item_id]}" for _, run, item_id in claimed))
        held += claimed
        state.chance.shuffle(held)
        ending = [held.pop() for _ in range(state.chance.randint(0, min(len(held), 5)))]
        outcomes = [state.chance.choice(["SUCCEEDED", "SUCCEEDED", "HANDED_BACK"]) for _ in ending]
        cursor.execute(
            "SELECT finish_attempt(e.attempt_id, e.outcome, NULL, NULL, NULL, NULL, '[]', 3) "
            "FROM unnest(%s::uuid[], %s::text[]) AS e (attempt_id, outcome)",
            ([attempt for attempt, _, _ in ending], outcomes))
        assert all(answer == ("COMMITTED",) for answer in cursor.fetchall())
        for (_, run, item_id), outcome in zip(ending, outcomes):
            state.actions.append(f"end {places[run]}")
            if outcome == "HANDED_BACK":
                state.actions.append(f"retry {places[run]} {ordinals[item_id]} 0")
    return answers


def replay(states, change=lambda line: line):
    """What rule_replay answers to each claim of each state."""
    program = harness.BUILD / "tests/simulation/rule_replay"
    text = "".join(f"{change(line)}\n" for state in states for line in (*state.lines(), *state.actions))
    out = subprocess.run([program], input=text, capture_output=True, text=True, check=True).stdout
    return [line.strip() for line in out.splitlines()]


def claim_all(connection, states):
    """What SQL claims in each state, one answer a claim."""
    with connection, connection.cursor() as cursor:
        load(cursor, states)
    claimed = []
    for state in states:
        with connection.cursor() as cursor:
            put(cursor, state)
            claimed.append(act(cursor, state))
        connection.rollback()
    return claimed


def test_claims_pick_what_the_rule_picks(connection):
    chance = random.Random(SEED)
    print(f"CLAIM_SEED={SEED} CLAIM_STATES={STATES}")
    claim_count = item_count = 0
    for first in range(0, STATES, BATCH):
        states = [State(number, chance) for number in range(first, min(first + BATCH, STATES))]
        claimed = claim_all(connection, states)
        answers = iter(replay(states))
        for state, own in zip(states, claimed):
            expected = [next(answers) for _ in own]
            assert own == expected, "\n".join([*state.lines(), *state.actions])
            claim_count += len(own)
            item_count += sum(len(answer.split()) for answer in own)
    print(f"{STATES} states, {claim_count} claims, {item_count} items")
    assert item_count > STATES


def without_field(word, place, value):
    """Changes a field of the lines of rule_replay that begin with the word."""
    def change(line):
        fields = line.split(" ")
        if fields[0] == word:
            fields[place] = value(fields[place])
        return " ".join(fields)
    return change


# What a rule that overlooks something would be told.
WRONG = {
    "weights": without_field("organization", 2, lambda _: "1"),
    "own virtual times": without_field("organization", 3, lambda _: "0"),
    "the platform's virtual time": without_field("state", 2, lambda _: "0"),
    "the batch limit": without_field("state", 1, lambda limit: str(int(limit) + 1)),
    "due dates": without_field("run", 2, lambda _: "-"),
    "the age of runs": without_field("run", 3, lambda _: "0"),
    "what an item needs": without_field("run", 8, lambda _: "0"),
    "what a worker has": without_field("claim", 2, lambda _: "15"),
    "back-off": without_field("retry", 3, lambda at: str(min(int(at), 0))),
    "the order of retries": without_field("retry", 3, lambda at: str(int(at) if int(at) > 0 else 0)),
}


def test_a_rule_that_overlooks_something_would_be_seen(connection):
    chance = random.Random(SEED + 1000)
    states = [State(f"wrong-{number}", chance) for number in range(100)]
    claimed = [answer for answers in claim_all(connection, states) for answer in answers]
    assert claimed == replay(states)
    for name, change in WRONG.items():
        assert claimed != replay(states, change), name
