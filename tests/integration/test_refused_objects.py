"""What the store does not remove, or does not tell of: it holds up nothing else, is told to the operator,
and goes when the store lets it go.
"""
import json
import shutil

import pytest

import consistency
import harness
from hand_worker import HandWorker
from life import SECONDS, Application, execute, items, rows

# More than a round bears before it takes the store for one that is away.
REFUSED_COUNT = 12


@pytest.fixture
def client(platform):
    yield platform.client()
    consistency.check(platform)


def block(path):
    """A folder in an object's place, deeper than the store ever makes them, so that nobody removes it."""
    path.unlink(missing_ok=True)
    path.joinpath(*["deep"] * 70).mkdir(parents=True)
    return path


def relent(platform, worker, kept):
    """The store lets them go, and all are tried again. Meanwhile nobody tries: what is half unblocked would go."""
    worker.stop()
    for path in kept:
        shutil.rmtree(path)
        path.write_bytes(b"as it was")
    execute(platform, "UPDATE refused_objects SET retry_at = now()")


def run_of(platform, client, count):
    return client.create_run(Application(platform).application_id,
                             items(client, platform.folder, [f"slide-{n}" for n in range(count)]))


def succeeded_objects(platform, client, hand, count):
    """The objects of a new run's artifacts; its items succeeded."""
    run_id = run_of(platform, client, count)
    for _ in range(count):
        hand.succeed(run_id, {"result": b"x"})
    return run_id, [platform.folder / "objects" / key for key, in rows(
        platform, "SELECT object_key FROM output_artifacts WHERE run_id = %s ORDER BY output_artifact_id", run_id)]


def losers_objects(platform, client, hand, count):
    """The objects of attempts of a new run, which failed."""
    run_id, objects = run_of(platform, client, count), []
    for _ in range(count):
        item_id, attempt_id = hand.claim(run_id)
        artifact = hand.store(run_id, item_id, attempt_id, "result", b"x")
        assert hand.finish(attempt_id, "SYSTEM_ERROR") == "COMMITTED"
        objects.append(platform.folder / "objects" / artifact["object_key"])
    return objects


def strays_of_buckets(platform, count, age):
    """Files that are nobody's, and are due."""
    objects = []
    for _ in range(count):
        file_id = harness.uuid7()
        execute(platform, "INSERT INTO bucket_strays (file_id, bucket_name, due_at) "
                          "VALUES (%s, 'a-bucket', now() - %s * interval '1 s')", file_id, age)
        objects.append(platform.folder / "objects/buckets/a-bucket" / file_id)
        objects[-1].parent.mkdir(parents=True, exist_ok=True)
        objects[-1].write_bytes(b"x")
    return objects


def refused_keys(platform):
    return {key for key, in rows(platform, "SELECT object_key FROM refused_objects")}


def events(worker, name):
    return [line for line in map(json.loads, worker.output().splitlines()) if line["event"] == name]


def troubles(platform):
    return json.loads(platform.slideway("status", "--json", check=False).stdout)["troubles"]


def check_troubles(platform):
    """No worker is there: whoever writes many rows at once may wait for another who does so, each for the other."""
    execute(platform, "UPDATE refused_objects SET refused_since = now() - interval '5 s'")
    assert not any("object store" in trouble for trouble in troubles(platform)), "it may have a bad minute"
    execute(platform, "UPDATE refused_objects SET refused_since = now() - interval '2 h 3 min'")
    count = len(refused_keys(platform))
    assert f"object store: {count} objects that are to go were not removed, the oldest for 2 h 3 min" in troubles(platform)


def test_objects_that_the_store_keeps_hold_up_no_others(platform, client):
    hand = HandWorker(platform)
    kept_run, kept = succeeded_objects(platform, client, hand, REFUSED_COUNT)
    gone_run, gone = succeeded_objects(platform, client, hand, 2)
    kept += losers_objects(platform, client, hand, REFUSED_COUNT) + strays_of_buckets(platform, REFUSED_COUNT, 60)
    gone += losers_objects(platform, client, hand, 2) + strays_of_buckets(platform, 2, 30)
    for path in kept:
        block(path)
    for run_id in (kept_run, gone_run):
        assert client.delete(f"/runs/{run_id}/artifacts").status_code == 200
    worker = platform.start_worker()
    harness.wait_for("the others", lambda: not any(path.exists() for path in gone), SECONDS)

    # Each one's own key, or that of its attempt with all that it stored.
    keys = {str(path.relative_to(platform.folder / "objects")) for path in kept}
    covered = {key if "buckets" in key or kept_run in key else key.removesuffix("result") for key in keys}
    harness.wait_for("the word of those that are kept", lambda: covered <= refused_keys(platform), SECONDS)
    assert covered <= {line["object_key"] for line in events(worker, "object.not_removed")}
    harness.wait_for("the end of the lists", lambda: rows(
        platform, "SELECT (SELECT count(*) FROM deleted_runs) + (SELECT count(*) FROM bucket_strays)") == [(0,)], SECONDS)

    relent(platform, worker, kept)
    check_troubles(platform)
    platform.start_worker()
    harness.wait_for("the end of the refusals", lambda: not refused_keys(platform), SECONDS)
    assert not any(path.exists() for path in kept)


def test_refused_object_is_tried_ever_less_often(platform):
    """After 1, 2, 4, … seconds, but each hour at least, however long it is refused."""
    text = (harness.ROOT / "src/jobs/sql/refuse_objects.sql").read_text(encoding="utf-8").replace("$1", "%s")
    statement = "".join(line for line in text.splitlines(True) if not line.startswith("--"))
    waits = []
    for _ in range(15):
        with platform.sql() as cursor:
            cursor.execute(statement, (["artifacts/a", "artifacts/a"],))
            cursor.execute("SELECT extract(epoch FROM retry_at - platform_now())::integer FROM refused_objects")
            waits += [row[0] for row in cursor.fetchall()]
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3600, 3600, 3600]


def test_strays_that_the_store_keeps_hide_no_others_from_the_sweep(platform, client):
    hand = HandWorker(platform)
    run_id, [winner] = succeeded_objects(platform, client, hand, 1)
    item = winner.parent.parent
    strays = [item / harness.uuid7() / f"stray-{n}" for n in range(2 * REFUSED_COUNT)]
    for path in strays:
        path.parent.mkdir()
        path.write_bytes(b"x")
    kept, gone = strays[:REFUSED_COUNT], strays[REFUSED_COUNT:]
    for path in kept:
        block(path)
    worker = platform.start_worker(SLIDEWAY_SWEEP_SECONDS="1")
    harness.wait_for("the others", lambda: not any(path.exists() for path in gone), SECONDS)
    harness.wait_for("all refusals", lambda: len(refused_keys(platform)) == REFUSED_COUNT, SECONDS)
    assert len(events(worker, "sweep.objects_done")) >= 1 and winner.exists()
    relent(platform, worker, kept)
    platform.start_worker(SLIDEWAY_SWEEP_SECONDS="1")
    harness.wait_for("the end of the strays", lambda: not any(path.exists() for path in kept), SECONDS)
    assert client.run(run_id)["output"] == "FULL"
