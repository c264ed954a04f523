"""Whose item is next, as docs/scheduling.md says, and that claims at the same time never disagree.

Method: runs are made and items ended by the platform's own SQL functions, without its programs. What
must be taken is worked out by hand from the rule.
"""
import concurrent.futures
import contextlib
import subprocess
import threading
import time

import psycopg2
import pytest

import harness
import sample_application

BATCH = 4
MILLION = 1_000_000


class Queue:
    """A migrated database, with one worker unless a test registers more."""

    def __init__(self, cluster, folder):
        application = sample_application.write(folder / "applications", "sample")
        self.platform = harness.Platform(cluster, folder, applications=(application,))
        self.connection = self.connect()
        self.names = {}
        self.worker_id = self.register("first", 64)

    def connect(self):
        connection = psycopg2.connect(self.platform.database)
        connection.autocommit = True
        return connection

    def sql(self, statement, *values, connection=None):
        with (connection or self.connection).cursor() as cursor:
            cursor.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    def register(self, name, slots):
        worker_id = harness.new_id()
        self.sql("SELECT register_worker(%s, %s, %s, 3600, 3)", worker_id, name, slots)
        return worker_id

    def create(self, name, organization, item_count=1, due=None, connection=None):
        """A run, which the test knows by this name."""
        run_id = harness.new_id()
        ids = [[harness.new_id() for _ in range(item_count)] for _ in range(2)]
        [(outcome,)] = self.sql(
            "SELECT outcome FROM create_run(%s, %s, %s, 'member', '', '', 'sample', NULL, NULL, NULL, "
            "NULL, %s, NULL, %s::uuid[], %s, %s::text[], %s::text[], %s::uuid[], %s, %s, %s, %s, %s, "
            "NULL, '', false, (SELECT version_id FROM application_versions), false)",
            run_id, f"user of {organization}", organization, due, ids[0],
            [f"{name}-{ordinal}" for ordinal in range(item_count)], [None] * item_count,
            [None] * item_count, ids[1], list(range(1, item_count + 1)), [0] * item_count,
            ["whole_slide_image"] * item_count, ["https://slides.example/a.tiff"] * item_count,
            ["{}"] * item_count, connection=connection)
        assert outcome == "CREATED"
        self.names[name] = run_id
        return run_id

    def claim(self, count=1, worker_id=None, connection=None):
        """[(attempt id, external id)], in the order of the answer."""
        return self.sql("SELECT attempt_id, external_id FROM claim_items(%s, %s, %s::uuid[])",
                        worker_id or self.worker_id, count,
                        [harness.new_id() for _ in range(count)], connection=connection)

    def taken(self, count=1):
        """The external ids of a claim."""
        return [external_id for _, external_id in self.claim(count)]

    def finish(self, attempt_id, outcome="SUCCEEDED", connection=None):
        [(result,)] = self.sql("SELECT finish_attempt(%s, %s, NULL, NULL, NULL, NULL, NULL, 3)",
                               attempt_id, outcome, connection=connection)
        return result

    def cancel(self, name, connection=None):
        run_id = self.names[name]
        [(result,)] = self.sql("SELECT cancel_run(%s, submitted_by, organization_id, 'member') FROM runs "
                               "WHERE run_id = %s", run_id, run_id, connection=connection)
        return result

    def tend(self, batch_size=BATCH):
        return self.sql("SELECT tend_queue(%s)", batch_size)[0][0]

    def pass_time(self, seconds):
        """What waits for its time waits so much less."""
        for table in ("requeued_items", "arrivals"):
            self.sql(f"UPDATE {table} SET ready_at = ready_at - %s * interval '1 second'", seconds)

    def turns(self, count, wanted=BATCH):
        """The organisations of so many claims, each of which is one turn; all is finished at once."""
        served = []
        for _ in range(count):
            claimed = self.claim(wanted)
            served.append({external_id.split("/")[0] for _, external_id in claimed})
            for attempt_id, _ in claimed:
                assert self.finish(attempt_id) == "COMMITTED"
        assert all(len(organizations) == 1 for organizations in served), served
        return [organizations.pop() for organizations in served]


@pytest.fixture
def queue(cluster, folder):
    return Queue(cluster, folder)


# Organisations.

def test_equal_organizations_take_turns(queue):
    for organization in "abc":
        queue.create(f"{organization}/1", organization, 40)
    assert queue.turns(9) == list("abcabcabc")


def test_weight_three_gets_three_times_as_much(queue):
    for organization in "ab":
        queue.create(f"{organization}/1", organization, 200)
    queue.platform.slideway("org", "weight", "b", 3)
    # Virtual times after each turn of four: a 4; b 1.333333, 2.666666, 3.999999, 5.333332; a 8; and so on.
    assert "".join(queue.turns(10)) == "abbbbabbba"
    served = queue.turns(50)
    assert abs(served.count("b") - 3 * served.count("a")) <= 3


def test_weight_is_a_number_of_a_known_organization(queue):
    queue.create("a/1", "a")
    for weight in ("0", "1001", "-1", "1.5", "many", ""):
        done = queue.platform.slideway("org", "weight", "a", weight, check=False)
        assert done.returncode == 2 and "WEIGHT must be a number from 1 to 1000" in done.stderr, done
    done = queue.platform.slideway("org", "weight", "nobody", 2, check=False)
    assert done.returncode != 0 and "there is no organisation 'nobody'" in done.stderr
    assert queue.sql("SELECT organization_id, weight FROM organizations") == [("a", 1)]
    queue.platform.slideway("org", "weight", "a", 1000)
    assert queue.sql("SELECT weight FROM organizations") == [(1000,)]
    assert queue.sql("SELECT actor, organization_id, detail FROM audit WHERE action LIKE 'organization%'"
                     ) == [("operator", "a", {"weight": 1000})]


def test_virtual_times_are_whole_millionths_and_divisions_round_down(queue):
    queue.create("a/1", "a", 9)
    queue.sql("UPDATE organizations SET weight = 3")
    queue.turns(2, wanted=1)
    assert queue.sql("SELECT virtual_time, platform_virtual_time FROM organization_turns") == [
        (2 * (MILLION // 3), MILLION // 3)]


def test_a_single_slide_waits_for_one_batch_of_100_000_items_at_most(queue):
    for number in range(10):
        queue.create(f"big/{number}", "big", 10_000)
    queue.turns(5)
    for name in ("small/1", "small/2"):  # the second time it has been served a moment before
        queue.create(name, "small", 1)
        assert f"{name}-0" in queue.taken(BATCH + 1)


def test_idleness_saves_no_credit_up(queue):
    queue.create("a/1", "a", 400)
    queue.create("b/1", "b", 4)
    queue.turns(20)
    queue.create("b/2", "b", 400)
    assert "".join(queue.turns(8)) == "babababa"


def need_gpu(queue, *organizations):
    """From now on the runs of these organisations are of a version that needs a GPU, which no worker has."""
    queue.platform.register(sample_application.write(queue.platform.folder / "applications", "sample", "2.0.0"))
    queue.sql("INSERT INTO resource_classes (cpus, memory_bytes, gpus) SELECT cpus, memory_bytes, 1 "
              "FROM application_versions LIMIT 1")
    queue.sql("UPDATE application_versions SET gpus = 1 WHERE number = '2.0.0'")
    queue.sql("UPDATE workers SET gpus = 0")
    queue.sql("UPDATE runs SET version_id = v.version_id, version_number = v.number FROM application_versions v "
              "WHERE runs.organization_id = ANY (%s) AND v.gpus = 1", list(organizations))


def test_pace_of_other_workers_starves_nobody(queue):
    """Two organisations wait for the one worker with a GPU, while the others' virtual time runs away."""
    for organization in "abc":
        queue.create(f"{organization}/1", organization, 100)
    need_gpu(queue, "a", "b")
    gpu = queue.register("gpu", 1)
    served = []
    for _ in range(6):
        assert queue.turns(3) == ["c"] * 3
        [(attempt_id, external_id)] = queue.claim(1, gpu)
        assert queue.finish(attempt_id) == "COMMITTED"
        served.append(external_id[0])
    assert served == list("ababab")


def stranded(queue):
    return {name for name, run_id in queue.names.items()
            if queue.sql("SELECT 1 FROM stranded_runs WHERE run_id = %s", run_id)}


def test_what_fits_into_no_worker_costs_the_others_nothing(queue):
    for number in range(70):
        queue.create(f"a{number}/1", f"a{number}", 2)
    queue.create("z/1", "z", 9)
    need_gpu(queue, *[f"a{number}" for number in range(70)])
    # 64 slots for the one run that somebody can run, not for 71.
    assert queue.tend() == BATCH
    assert stranded(queue) == set(queue.names) - {"z/1"}
    assert queue.turns(2) == ["z"] * 2
    # Who had only such runs is not looked at again.
    assert queue.sql("SELECT organization_id FROM organization_turns WHERE active") == [("z",)]
    assert queue.sql("SELECT waiting_count FROM unrunnable_versions()") == [(140,)]


def test_worker_that_comes_gets_what_waited_for_it(queue):
    for organization in "abc":
        queue.create(f"{organization}/1", organization, 2)
    need_gpu(queue, "a", "b")
    assert queue.tend() == BATCH and stranded(queue) == {"a/1", "b/1"}
    assert queue.cancel("b/1") == "CANCELLED" and stranded(queue) == {"a/1"}
    gpu = queue.register("gpu", 4)
    assert stranded(queue) == set()
    assert [external_id for _, external_id in queue.claim(2, gpu)] == ["a/1-0", "a/1-1"]
    assert queue.sql("SELECT count(*) FROM unrunnable_versions()") == [(0,)]


def test_item_that_comes_back_to_a_run_that_nobody_can_run_any_more_waits_with_it(queue):
    queue.create("a/1", "a", 4)
    need_gpu(queue, "a")
    gpu = queue.register("gpu", 4)
    [(first, _), (second, _)] = queue.claim(2, gpu)
    assert queue.finish(first, "RETRY") == "COMMITTED"
    queue.sql("UPDATE workers SET gpus = 0 WHERE worker_id = %s", gpu)
    queue.tend()
    assert stranded(queue) == {"a/1"}
    queue.pass_time(60)
    assert queue.finish(second, "HANDED_BACK") == "COMMITTED"
    queue.tend()
    assert stranded(queue) == {"a/1"} and queue.taken(9) == []
    assert queue.sql("SELECT count(*) FROM waiting_runs") == [(0,)]
    queue.sql("UPDATE workers SET gpus = 1 WHERE worker_id = %s", gpu)
    queue.tend()
    assert [external_id for _, external_id in queue.claim(9, gpu)] == ["a/1-0", "a/1-1", "a/1-2", "a/1-3"]


def test_without_any_worker_nothing_is_set_aside(queue):
    queue.create("a/1", "a", 6)
    queue.sql("UPDATE workers SET lease_expires_at = platform_now() - interval '1 second'")
    queue.tend()
    assert stranded(queue) == set() and queue.sql("SELECT count(*) FROM waiting_runs") == [(1,)]


def test_what_was_had_before_a_pause_counts_after_it(queue):
    """Whoever comes back at once goes on where it stopped, also beyond the platform's time."""
    queue.create("a/1", "a", 4)
    queue.create("b/1", "b", 100)
    assert queue.turns(1) == ["a"]  # a stands at 4, b and the platform at 0
    queue.create("a/2", "a", 100)
    assert "".join(queue.turns(4, wanted=1)) == "bbbb"
    assert queue.turns(1, wanted=1) == ["a"]


def test_an_organization_at_its_limit_comes_back_where_the_platform_is(queue):
    queue.create("a/1", "a", 100)
    queue.create("b/1", "b", 400)
    held = [attempt_id for attempt_id, _ in queue.claim(BATCH)]  # a's only run has no room now
    assert "".join(queue.turns(10)) == "b" * 10
    for attempt_id in held:
        queue.finish(attempt_id)
    # Both stand at 36 + 4 after the first one; of equals a is first.
    assert "".join(queue.turns(6)) == "aababa"


# Runs inside an organisation.

def test_due_date_then_age_then_id(queue):
    for name, due in (("old", None), ("late", "2100-03-01Z"), ("new", None), ("early", "2100-01-01Z"),
                      ("early-too", "2100-01-01Z")):
        queue.create(name, "a", 1, due)
    queue.sql("UPDATE runs SET submitted_at = '2026-01-01Z' WHERE run_id = %s", queue.names["new"])
    assert queue.taken(9) == ["early-0", "early-too-0", "late-0", "new-0", "old-0"]


def test_of_runs_of_the_same_moment_the_smaller_id_goes_first(queue):
    names = [f"run{number}" for number in range(5)]
    for name in names:
        queue.create(name, "a")
    queue.sql("UPDATE runs SET submitted_at = '2026-01-01Z'")
    assert queue.taken(9) == [f"{name}-0" for name in sorted(names, key=queue.names.get)]


def test_an_urgent_run_goes_before_those_that_already_wait(queue):
    for number in range(3):
        queue.create(f"run{number}", "a", 8)
    assert queue.taken(6) == ["run0-0", "run0-1", "run0-2", "run0-3", "run1-0", "run1-1"]
    queue.create("urgent", "a", 2, "2100-01-01Z")
    assert queue.taken(6) == ["urgent-0", "urgent-1", "run1-2", "run1-3", "run2-0", "run2-1"]


# The batch limit.

def test_four_items_of_a_run_are_in_work_at_most(queue):
    queue.create("run", "a", 10)
    first = queue.claim(9)
    assert [external_id for _, external_id in first] == ["run-0", "run-1", "run-2", "run-3"]
    assert queue.taken(9) == []
    queue.finish(first[2][0])
    queue.finish(first[0][0], "USER_ERROR")
    assert queue.taken(9) == ["run-4", "run-5"]
    assert queue.taken(9) == []


# Slots of the workers, runs that wait, SLIDEWAY_BATCH_SIZE → the limit.
LIMITS = [((8,), 1, 4, 4), ((8,), 2, 4, 4), ((8,), 3, 4, 2), ((8,), 4, 4, 2), ((8,), 5, 4, 1),
          ((8,), 8, 4, 1), ((8,), 9, 4, 1), ((8, 4), 3, 4, 4), ((8, 3), 3, 4, 3), ((8,), 0, 4, 4), ((8,), 1, 1, 1),
          ((64, 64), 2, 50, 50), ((1,), 1, 4, 1), ((), 1, 4, 1), ((), 0, 4, 1)]


@pytest.mark.parametrize("slots, runs, batch_size, limit", LIMITS)
def test_batch_limit_is_smaller_in_demand(queue, slots, runs, batch_size, limit):
    queue.sql("UPDATE workers SET ended_at = now()")
    for number, count in enumerate(slots):
        queue.worker_id = queue.register(f"worker-{number}", count)
    dead = queue.register("dead", 1000)
    queue.sql("UPDATE workers SET lease_expires_at = now() - interval '1 s' WHERE worker_id = %s", dead)
    for number in range(runs):
        queue.create(f"run{number}", "a", 100)
    assert queue.tend(batch_size) == limit
    if slots and runs:
        assert len(queue.claim(100)) == runs * limit


def test_runs_over_a_limit_that_fell_start_nothing_new(queue):
    queue.create("first", "a", 10)
    attempts = queue.claim(4)
    for number in range(64):
        queue.create(f"other{number}", "a", 1)
    assert queue.tend() == 1
    for attempt_id, _ in attempts[:3]:
        queue.finish(attempt_id)
    assert queue.taken(1) == ["other0-0"]
    queue.finish(attempts[3][0])
    assert queue.taken(1) == ["first-4"]


# Items that come back.

def test_an_item_waits_for_its_time_and_goes_first_then(queue):
    queue.create("run", "a", 6)
    (first, _), (second, _) = queue.claim(2)
    assert queue.finish(second, "RETRY") == "COMMITTED"  # for 2 s
    assert queue.finish(first, "RETRY") == "COMMITTED"
    queue.pass_time(-100)  # a busy machine may need more than the 2 s
    assert queue.taken(1) == ["run-2"]
    queue.pass_time(110)
    assert queue.taken(3) == ["run-1", "run-0", "run-3"], "the one that came back first, then the untried"


def test_a_run_whose_items_all_wait_for_their_time_blocks_nothing(queue):
    queue.create("first", "a", 2)
    queue.create("second", "a", 1)
    for attempt_id, _ in queue.claim(2):
        queue.finish(attempt_id, "RETRY")
    queue.pass_time(-100)
    assert queue.taken(9) == ["second-0"]
    assert queue.taken(9) == []
    assert queue.sql("SELECT count(*) FROM waiting_runs") == [(0,)]
    queue.pass_time(110)
    assert queue.taken(9) == ["first-0", "first-1"]


@pytest.mark.parametrize("outcome", ["HANDED_BACK", "LOST"])
def test_an_item_that_comes_back_at_once_is_next(queue, outcome):
    queue.create("run", "a", 6)
    [(attempt_id, _)] = queue.claim(1)
    if outcome == "LOST":
        queue.sql("SELECT end_worker(%s, 3, 'gone')", queue.worker_id)
        queue.worker_id = queue.register("second", 4)
        queue.pass_time(10)
    else:
        queue.finish(attempt_id, outcome)
    assert queue.taken(2) == ["run-0", "run-1"]


def test_a_cancelled_run_leaves_nothing_in_the_queue(queue):
    queue.create("cancelled", "a", 10)
    queue.create("other", "a", 2)
    queue.finish(queue.claim(2)[0][0], "RETRY")
    assert queue.cancel("cancelled") == "CANCELLED"
    queue.pass_time(10)
    assert queue.taken(9) == ["other-0", "other-1"]
    assert queue.taken(9) == []
    for table in ("arrivals", "waiting_runs", "stranded_runs", "requeued_items"):
        assert queue.sql(f"SELECT count(*) FROM {table}") == [(0,)], table


def test_a_run_that_was_committed_late_is_found_by_the_leader(queue):
    queue.create("late", "a")
    queue.sql("UPDATE arrivals SET ready_at = ready_at - interval '1 hour'")
    assert queue.taken() == []
    queue.tend()
    assert queue.taken() == ["late-0"]


# Results that come together.

def test_of_results_that_come_together_those_of_lost_items_do_not_count(queue):
    for name in ("a/1", "a/2", "b/1"):
        queue.create(name, name[0], 2)
    claimed = {external_id: attempt_id for attempt_id, external_id in queue.claim(6)}
    assert len(claimed) == 6
    assert queue.finish(claimed["a/1-1"], "HANDED_BACK") == "COMMITTED"
    assert queue.cancel("b/1") == "CANCELLED"
    reported = ["a/1-0", "b/1-0", "a/1-1", "a/2-1"]
    artifact = """[{"output_artifact_id": "%s", "name": "n", "mime_type": "text/csv", "metadata": "{}",
                    "object_key": "k", "size_bytes": 1, "checksum_base64_crc32c": "AAAAAA=="}]"""
    statement = "SELECT succeed_attempts(%s::uuid[], %s::text[], %s::bigint[], %s::json[])"
    values = ([claimed[name] for name in reported], ["log"] * 4, [7] * 4,
              [artifact % harness.new_id() for _ in reported])
    [(committed,)] = queue.sql(statement, *values)
    assert set(committed.strip("{}").split(",")) == {claimed["a/1-0"], claimed["a/2-1"]}
    assert queue.sql("SELECT external_id, state, termination_reason FROM items ORDER BY 1") == [
        ("a/1-0", "TERMINATED", "SUCCEEDED"), ("a/1-1", "PENDING", None), ("a/2-0", "PROCESSING", None),
        ("a/2-1", "TERMINATED", "SUCCEEDED"), ("b/1-0", "TERMINATED", "SKIPPED"),
        ("b/1-1", "TERMINATED", "SKIPPED")]
    assert queue.sql("SELECT i.external_id FROM output_artifacts JOIN items i USING (item_id) ORDER BY 1") == [
        ("a/1-0",), ("a/2-1",)]
    # A second time nothing of it holds an item.
    assert queue.sql(statement, *values) == [(None,)]


def end_at_once(queue, runs, jobs):
    """Sixteen slots of a worker whose items take no time, by the worker's own queue and reporter."""
    for number in range(runs):
        queue.create(f"run{number}", "a", jobs // runs)
    done = subprocess.run([harness.BUILD / "tests/bench/queue_jobs", queue.platform.database, "16", str(jobs)],
                          capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split()[0] == str(jobs)
    assert queue.sql("SELECT state, termination_reason, count(*) FROM items GROUP BY 1, 2") == [
        ("TERMINATED", "SUCCEEDED", jobs)]
    assert queue.sql("SELECT count(*), count(DISTINCT item_id) FROM output_artifacts") == [(jobs, jobs)]


def test_results_that_end_at_once_are_committed_together(queue):
    jobs = 400
    end_at_once(queue, 50, jobs)
    [(commits,)] = queue.sql("SELECT count(DISTINCT xmin::text) FROM output_artifacts")
    assert commits <= jobs / 2, "one transaction each, or nearly so"


def test_slots_that_a_run_may_not_take_wait_for_its_items_in_work(queue):
    queue.sql("UPDATE queue_limits SET batch_limit = 4")
    end_at_once(queue, 1, 40)


# At the same time.

@contextlib.contextmanager
def transaction(queue):
    """A connection whose work is committed at the end."""
    connection = psycopg2.connect(queue.platform.database)
    try:
        yield connection
        connection.commit()
    finally:
        connection.close()


def together(count, work):
    """Calls work(number) in so many threads that start at the same moment; their results."""
    barrier = threading.Barrier(count)

    def one(number):
        barrier.wait()
        return work(number)
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))


@pytest.mark.parametrize("runs, items", [(1, 64), (8, 8), (64, 1)])
def test_no_claim_comes_back_empty_while_items_wait(queue, runs, items):
    for number in range(runs):
        queue.create(f"run{number}", "a", items)
    queue.sql("UPDATE queue_limits SET batch_limit = 64")
    connections = [queue.connect() for _ in range(8)]
    rounds = [together(8, lambda number: queue.claim(2, connection=connections[number]))
              for _ in range(4)]
    answers = [answer for one in rounds for answer in one]
    assert [len(answer) for answer in answers] == [2] * 32
    assert len({external_id for answer in answers for _, external_id in answer}) == 64
    assert queue.taken() == []


def test_a_claim_waits_for_an_item_that_is_just_ending(queue):
    queue.create("run", "a", 5)
    [(attempt_id, _), *_] = queue.claim(4)
    with transaction(queue) as ending, concurrent.futures.ThreadPoolExecutor(1) as pool:
        queue.finish(attempt_id, connection=ending)
        # It is the only place there is, and not there before the commit.
        assert queue.taken() == []
        queue.sql("UPDATE queue_limits SET batch_limit = 5")
        waiting = pool.submit(queue.taken)
        time.sleep(0.3)
        assert not waiting.done()
        ending.commit()
        assert waiting.result(harness.START_SECONDS) == ["run-4"]


def test_a_claim_that_has_items_does_not_wait_for_more(queue):
    queue.create("first", "a", 4)
    queue.create("second", "a", 5)
    attempts = queue.claim(5)
    with transaction(queue) as ending:
        assert attempts[4][1] == "second-0"
        queue.finish(attempts[4][0], connection=ending)
        queue.finish(attempts[0][0])
        queue.create("urgent", "a", 2, "2100-01-01Z")
        assert queue.taken(9) == ["urgent-0", "urgent-1"], "and not second's, which another holds"
        ending.commit()
    assert queue.taken(9) == ["second-1", "second-2", "second-3", "second-4"]


def test_a_claim_passes_over_a_run_that_is_just_cancelled(queue):
    queue.create("first", "a", 5)
    queue.create("second", "a", 5)
    assert queue.taken() == ["first-0"]
    with transaction(queue) as cancelling, concurrent.futures.ThreadPoolExecutor(1) as pool:
        assert queue.cancel("first", connection=cancelling) == "CANCELLED"
        waiting = pool.submit(queue.taken)
        time.sleep(0.3)
        assert not waiting.done()
        cancelling.commit()
        assert waiting.result(harness.START_SECONDS) == ["second-0"]


def test_many_workers_do_every_item_once(queue):
    """8 connections, 5,000 items of 50 runs; some come back, runs are made and cancelled meanwhile."""
    organizations, workers, first_runs = "abcde", 8, 50
    for number in range(first_runs):
        queue.create(f"run{number}", organizations[number % 5], 100)
    ended, more = [[] for _ in range(workers)], []
    all_made, first_claims = threading.Event(), threading.Barrier(workers)

    def work(number):
        connection = queue.connect()
        worker_id, idle, claims = queue.register(f"worker{number}", 4), 0, 0
        while idle < 20 or not all_made.is_set():
            claimed = queue.claim(1 + number % 4, worker_id, connection)
            claims += 1
            if claims == 1:  # so that no late one finds that the others have done everything
                first_claims.wait(harness.START_SECONDS)
            idle = 0 if claimed else idle + 1
            time.sleep(0 if claimed else 0.02)
            for attempt_id, external_id in claimed:
                again = claims > 1 and hash((attempt_id, number)) % 50 == 0
                result = queue.finish(attempt_id, "HANDED_BACK" if again else "SUCCEEDED", connection)
                if result == "COMMITTED" and not again:
                    ended[number].append(external_id)
        connection.close()

    def disturb():
        try:
            make_and_cancel()
        finally:
            all_made.set()

    def make_and_cancel():
        connection = queue.connect()
        for number in range(30):
            name = f"more{number}"
            queue.create(name, organizations[number % 5], 20, connection=connection)
            more.append(name)
            if number % 3 == 0:
                queue.cancel(name, connection)
            queue.sql("SELECT tend_queue(4)", connection=connection)
            time.sleep(0.02)
        connection.close()
    with concurrent.futures.ThreadPoolExecutor(workers + 1) as pool:
        tasks = [pool.submit(work, number) for number in range(workers)] + [pool.submit(disturb)]
        for task in tasks:
            task.result(240)
    done = [external_id for one in ended for external_id in one]
    assert len(done) == len(set(done)), "none twice"
    assert {f"run{run}-{item}" for run in range(first_runs) for item in range(100)} <= set(done)
    assert queue.sql("SELECT state, count(*) FROM run_progress GROUP BY state") == [("TERMINATED", 80)]
    assert queue.sql(
        "SELECT count(*) FROM run_progress p WHERE p.succeeded_count <> (SELECT count(*) FROM items i "
        "WHERE i.run_id = p.run_id AND i.termination_reason = 'SUCCEEDED') OR p.skipped_count <> (SELECT "
        "count(*) FROM items i WHERE i.run_id = p.run_id AND i.termination_reason = 'SKIPPED')") == [(0,)]
    assert queue.sql("SELECT count(*) FROM items WHERE termination_reason = 'SUCCEEDED'") == [(len(done),)]
    assert all(ended), "every worker had some"
    for table in ("arrivals", "waiting_runs", "stranded_runs", "requeued_items"):
        assert queue.sql(f"SELECT count(*) FROM {table}") == [(0,)], table
    assert queue.sql("SELECT count(*), count(DISTINCT organization_id) FROM organization_turns") == [(5, 5)]
    for organization in organizations:
        queue.sql("SELECT apply_releases(%s, NULL)", organization)
    assert queue.sql("SELECT open_items FROM quota_usage WHERE open_items <> 0") == []
    assert queue.sql("SELECT count(*) FROM quota_releases") == [(0,)]
