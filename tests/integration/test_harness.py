"""The harness itself: its cluster, its tokens, its checksum."""
import json
import socket

import jwt
import psycopg2
import pytest
import requests

import harness
import sample_application


def test_cluster_gives_each_test_an_empty_database(cluster):
    first, second = cluster.create_database(), cluster.create_database()
    assert first != second
    connection = psycopg2.connect(second)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'")
        assert cursor.fetchone() == (0,)
    connection.close()


def test_issuer_signs_what_its_published_key_verifies(folder):
    issuer = harness.Issuer(folder)
    token = issuer.token("ada", "hospital", "admin")
    key = jwt.PyJWKSet.from_dict(json.loads(issuer.jwks_path.read_text())).keys[0].key
    claims = jwt.decode(token, key, algorithms=["RS256"], audience=harness.AUDIENCE)
    assert claims["sub"] == "ada" and claims["org_id"] == "hospital" and claims["role"] == "admin"


def test_crc32c_of_the_standard_check_string():
    # The check value of CRC-32C for "123456789" is E3069283.
    assert harness.crc32c(b"123456789") == "4waSgw=="


def test_port_is_held_for_the_server_that_will_listen_on_it():
    port = harness.free_port()
    with socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", port))
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port), 60)
    with socket.create_server(("127.0.0.1", port)), socket.create_connection(("127.0.0.1", port), 60):
        pass


def test_migrated_database_takes_organizations_and_users(cluster, folder):
    platform = harness.Platform(cluster, folder, applications=())
    platform.slideway("org", "add", "hospital", "--name", "A hospital")
    platform.slideway("user", "add", "ada", "--org", "hospital", "--role", "admin")
    with platform.sql() as cursor:
        cursor.execute("SELECT organization_id, role FROM users WHERE user_id = 'ada'")
        assert cursor.fetchone() == ("hospital", "admin")


def test_slide_host_serves_ranges(slide_host):
    (slide_host.folder / "a").write_bytes(b"0123456789")
    answer = requests.get(f"{slide_host.url}/a", headers={"Range": "bytes=3-5"}, timeout=60)
    assert (answer.status_code, answer.content) == (206, b"345")
    assert answer.headers["Content-Range"] == "bytes 3-5/10"
    assert slide_host.requests == [("GET", "/a", "bytes=3-5")]


def test_slide_host_breaks_as_often_as_it_is_told(slide_host):
    (slide_host.folder / "a").write_bytes(b"0123456789")
    slide_host.faults["/a"] = harness.Fault(cut_after=4, times=1)
    assert requests.get(f"{slide_host.url}/a", timeout=60).content == b"0123"
    assert requests.get(f"{slide_host.url}/a", timeout=60).content == b"0123456789"
    slide_host.faults["/a"] = 403
    assert requests.get(f"{slide_host.url}/a", timeout=60).status_code == 403


def test_written_application_can_be_registered(cluster, folder):
    application = sample_application.write(folder / "applications", "sample", "1.2.3")
    platform = harness.Platform(cluster, folder, applications=(application,))
    with platform.sql() as cursor:
        cursor.execute("SELECT application_id, number FROM application_versions")
        assert cursor.fetchall() == [("sample", "1.2.3")]
