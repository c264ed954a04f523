"""The tables of states in SQL: every pair of tests/unit/state_moves.csv, which the tables in C are held
against too; and that each move is made in one place.
"""
import csv
import re

import psycopg2
import pytest

import harness
import sample_application
from test_database import claim, create_run, register_worker, set_item, set_run

MOVES = list(csv.DictReader((harness.ROOT / "tests/unit/state_moves.csv").open(encoding="utf-8")))
# Which reason an end has in this test.
REASONS = {"run": "ALL_ITEMS_PROCESSED", "item": "SKIPPED"}


@pytest.fixture(scope="module")
def guarded(cluster, module_folder):
    application = sample_application.write(module_folder / "applications", "sample")
    return harness.Platform(cluster, module_folder, applications=(application,))


def put_run(cursor, run_id, state):
    set_run(cursor, run_id, state, REASONS["run"] if state == "TERMINATED" else None)


def put_item(cursor, run_id, state):
    set_item(cursor, run_id, state, REASONS["item"] if state == "TERMINATED" else None)


def put_attempt(cursor, run_id, state):
    outcome = None if state == "RUNNING" else state
    cursor.execute("UPDATE attempts SET outcome = %s, ended_at = CASE WHEN %s IS NULL THEN NULL ELSE now() END "
                   "WHERE run_id = %s", (outcome, outcome, run_id))


def put_artifact(cursor, run_id, state):
    cursor.execute("UPDATE runs SET artifact_output = %s, artifacts_deleted_at = CASE %s WHEN 'AVAILABLE' THEN NULL "
                   "ELSE now() END WHERE run_id = %s", (state, state, run_id))


PUT = {"run": put_run, "item": put_item, "attempt": put_attempt, "artifact": put_artifact}
STATE = {"run": "SELECT state FROM run_progress WHERE run_id = %s",
         "item": "SELECT state FROM items WHERE run_id = %s",
         "attempt": "SELECT coalesce(outcome, 'RUNNING') FROM attempts WHERE run_id = %s",
         "artifact": "SELECT artifact_output FROM runs WHERE run_id = %s"}


def prepare(cursor, kind):
    """A run with one item, and an attempt at it if that is the kind."""
    run_id = create_run(cursor)
    if kind == "attempt":
        claim(cursor, register_worker(cursor, harness.new_id()), run_id)
    return run_id


@pytest.mark.parametrize("move", MOVES, ids=lambda move: "-".join(move.values()))
def test_every_pair_is_decided(guarded, move):
    kind, start, target = move["kind"], move["from"], move["to"]
    with guarded.sql() as cursor:
        run_id = prepare(cursor, kind)
        PUT[kind](cursor, run_id, start)
    refused = False
    try:
        with guarded.sql() as cursor:
            PUT[kind](cursor, run_id, target)
    except psycopg2.IntegrityError as error:
        assert "never changes its state" in str(error)
        refused = True
    # To stay is no move, and no harm.
    assert refused == (move["allowed"] == "no" and start != target)
    with guarded.sql() as cursor:
        cursor.execute(STATE[kind], (run_id,))
        assert cursor.fetchone() == (start if refused else target,)


# (table, its column of states) → the functions that set it.
MOVERS = {
    ("items", "state"): {"claim_items", "requeue_item", "end_item", "succeed_attempts", "close_run"},
    ("run_progress", "state"): {"claim_items", "settle_run", "succeed_attempts", "close_run"},
    ("attempts", "outcome"): {"end_attempt", "succeed_attempts"},
    ("runs", "artifact_output"): {"delete_outputs"},
}


@pytest.mark.parametrize("table, column", MOVERS)
def test_each_move_is_made_in_one_place(guarded, table, column):
    with guarded.sql() as cursor:
        cursor.execute("SELECT proname, prosrc FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace "
                       "WHERE n.nspname = 'public'")
        functions = cursor.fetchall()
    move = re.compile(rf"UPDATE {table}\b(?:(?!;|\bWHERE\b).)*?\b{column} =", re.S)
    assert {name for name, source in functions if move.search(source)} == MOVERS[table, column]
    for path in harness.ROOT.glob("src/*/sql/*.sql"):
        assert not move.search(path.read_text(encoding="utf-8")), path
