"""The database knows where its objects are, and programs that were given another store do not start."""
import subprocess

import psycopg2
import pytest

import harness
import s3_server

REFUSED = 1
NOBODY_THERE = "http://127.0.0.1:9"
BUCKET = s3_server.settings(NOBODY_THERE, "elsewhere")
PLACE = BUCKET["SLIDEWAY_OBJECT_STORE"]


@pytest.fixture(scope="module")
def platform(cluster, module_folder):
    """One whose application has documents, and whose objects were moved into a bucket."""
    value = harness.Platform(cluster, module_folder)
    assert settle(value.database, PLACE) == (str(module_folder / "objects"), True)
    return value


def known_place(platform):
    with platform.sql() as cursor:
        cursor.execute("SELECT place FROM object_place")
        return cursor.fetchone()[0]


def settle(database, place, moves=False):
    with psycopg2.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT known_place, is_settled FROM settle_object_place(%s, %s)", (place, moves))
        return cursor.fetchone()


@pytest.mark.parametrize("name", ["slideway-server", "slideway-worker"])
def test_programs_with_another_store_do_not_start(platform, name):
    folder = platform.folder / "objects"
    done = subprocess.run([harness.program(name)], capture_output=True, text=True, timeout=harness.START_SECONDS,
                          check=False, env=platform.environment())
    assert done.returncode == REFUSED
    assert (f"SLIDEWAY_OBJECT_STORE is '{folder}', but the objects of this database are in '{PLACE}'"
            in done.stderr), done.stderr
    assert "`slideway store copy`" in done.stderr and "`slideway store use " in done.stderr
    assert known_place(platform) == PLACE


def test_documents_are_not_put_into_another_store(platform):
    folder = harness.application_folder("test-app")
    done = platform.slideway("app", "register", folder, check=False)
    assert done.returncode != 0 and "SLIDEWAY_OBJECT_STORE is" in done.stderr


def test_a_move_is_said_and_written_down(platform, folder):
    before, other = str(platform.folder / "objects"), f"{PLACE}-2"
    done = platform.slideway("store", "use", other, check=False, **BUCKET)
    assert done.returncode != 0 and known_place(platform) == PLACE, "a bucket that does not answer is no place"
    assert settle(platform.database, before) == (PLACE, False)
    platform.slideway("store", "use", before)
    assert known_place(platform) == before
    assert settle(platform.database, PLACE) == (before, True), "nobody names a bucket by forgetting a setting"
    with platform.sql() as cursor:
        cursor.execute("SELECT detail->>'from', detail->>'to' FROM audit WHERE action = 'object_place.changed' "
                       "ORDER BY audit_id")
        assert cursor.fetchall() == [(before, PLACE), (PLACE, before), (before, PLACE)]


@pytest.mark.parametrize("known, place, settled", [
    ("/srv/objects", "/mnt/objects", True),
    ("/srv/objects/", "/srv/objects", True),
    ("s3://slides/a", "s3://slides/a/", True),
    ("s3://slides/a", "s3://slides/b", False),
    ("s3://slides", "s3://slides/a", False),
    ("s3://slides/a", "s3://other/a", False),
    ("s3://slides/a", "/srv/objects", False),
    ("/srv/objects", "s3://slides/a", True),
])
def test_which_stores_are_the_same(platform, known, place, settled):
    with platform.sql() as cursor:
        cursor.execute("UPDATE object_place SET place = %s", (known,))
    assert settle(platform.database, place) == (known, settled)
    assert known_place(platform) == (place if settled else known)


def test_as_long_as_nothing_is_stored_the_store_may_change(cluster, folder):
    platform = harness.Platform(cluster, folder, applications=())
    for place, known in (("s3://a/b", "s3://a/b"), ("/srv/objects", "s3://a/b"), ("s3://a/c", "/srv/objects")):
        assert settle(platform.database, place) == (known, True)
        assert known_place(platform) == place
