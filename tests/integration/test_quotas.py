"""Quotas: taken with the run, never passed by any number of requests, given back as the rule says."""
import concurrent.futures
import json

import pytest

import harness

SLIDE_URL = "https://slides.example.org/slide.svs"
USE = ("open_items", "items_per_month")


def items(count, prefix="slide"):
    return [harness.slide_item(f"{prefix}-{number}", SLIDE_URL, b"") for number in range(count)]


def post(client, count, **query):
    return client.post("/runs", json={"application_id": "test-app", "items": items(count)}, params=query)


def use(client):
    """What the caller's quotas say: {(scope, name): (maximum, used)}."""
    answer = client.get("/quotas")
    assert answer.status_code == 200, answer.text
    return {(row["scope"], row["name"]): (row["maximum"], row["used"]) for row in answer.json()}


def used(client, scope="user"):
    quotas = use(client)
    return tuple(quotas[scope, name][1] for name in USE)


def test_without_quotas_everything_is_counted_and_nothing_refused(served):
    client = served.client("free", "org-free")
    assert post(client, 3).status_code == 201
    assert use(client) == {
        (scope, name): (None, number) for scope in ("organization", "user")
        for name, number in (("items_per_run", None), ("open_items", 3), ("items_per_month", 3))}


CASES = [
    # scope, name, limit, items of the runs one after the other, their statuses
    ("organization", "items_per_run", 5, (5, 6), (201, 402)),
    ("organization", "open_items", 5, (3, 2, 1), (201, 201, 402)),
    ("organization", "items_per_month", 5, (4, 2, 1, 1), (201, 402, 201, 402)),
    ("user", "items_per_run", 2, (3, 2), (402, 201)),
    ("user", "open_items", 0, (1,), (402,)),
    ("user", "items_per_month", 1, (1, 1), (201, 402)),
]


@pytest.mark.parametrize("scope,name,limit,counts,statuses", CASES)
def test_a_limit_refuses_the_run_that_would_pass_it(served, scope, name, limit, counts, statuses):
    user, organization = f"u-{scope}-{name}", f"o-{scope}-{name}"
    served.slideway("quota", "set", name, limit,
                    *(("--user", user) if scope == "user" else ("--org", organization)))
    client = served.client(user, organization)
    taken = 0
    for count, status in zip(counts, statuses):
        answer = post(client, count)
        assert answer.status_code == status, answer.text
        if status == 402:
            assert answer.json()["quota"] == {
                "scope": scope, "name": name, "maximum": limit, "requested": count,
                "used": 0 if name == "items_per_run" else taken}
            assert name.replace("_", " ") in answer.json()["detail"]
        else:
            taken += count
    assert used(client) == (taken, taken)
    assert len(client.get("/runs").json()) == statuses.count(201)


def set_clock(platform, time):
    """The database's clock stands."""
    with platform.sql() as cursor:
        cursor.execute("CREATE OR REPLACE FUNCTION platform_now() RETURNS timestamptz LANGUAGE sql STABLE "
                       f"PARALLEL SAFE AS $$ SELECT {time} $$")


@pytest.fixture
def clock(served):
    yield lambda time: set_clock(served, f"timestamptz '{time}'")
    set_clock(served, "now()")


@pytest.mark.parametrize("scope", ["organization", "user"])
def test_month_to_which_the_clock_goes_back_is_not_counted_anew(served, clock, scope):
    january, february = "2031-01-31T23:59:50Z", "2031-02-01T00:00:10Z"
    client = served.client(f"back-{scope}", f"org-back-{scope}")
    served.slideway("quota", "set", "items_per_month", 3,
                    *(("--user", f"back-{scope}") if scope == "user" else ("--org", f"org-back-{scope}")))

    def tries(time, *counts):
        clock(time)
        return [post(client, count) for count in counts]
    assert [answer.status_code for answer in tries(january, 2)] == [201]
    [returned, paid] = tries(february, 2, 1)
    # Given back before the clock goes back, and not taken off the use before it is asked for.
    assert (returned.status_code, paid.status_code) == (201, 201)
    assert client.post(f"/runs/{returned.json()['run_id']}/cancel").status_code == 202
    clock(january)
    assert used(client, scope)[1] == 2
    [told] = [row for row in json.loads(served.slideway("quota", "list", "--json").stdout)
              if row["subject_id"] in (f"back-{scope}", f"org-back-{scope}")]
    assert told["used"] == "2"
    refused, last, more = tries(january, 2, 1, 1)
    assert (refused.status_code, last.status_code, more.status_code) == (402, 201, 402)
    assert refused.json()["quota"]["used"] == 2 and more.json()["quota"]["used"] == 3
    assert [answer.status_code for answer in tries(february, 3, 2, 1)] == [402, 201, 402]
    assert used(client, scope)[1] == 3


def test_a_problem_document_names_the_quota(served):
    served.slideway("quota", "set", "items_per_run", 1, "--user", "problem")
    answer = served.client("problem", "org-problem").post(
        "/runs", json={"application_id": "test-app", "items": items(2)},
        headers={"Accept": "application/problem+json"})
    assert (answer.status_code, answer.json()["code"]) == (402, "quota_exceeded")
    assert answer.json()["quota"]["name"] == "items_per_run"


def test_a_quota_of_ones_own_counts_instead_of_that_for_all(served):
    served.slideway("quota", "set", "items_per_run", 2, "--user", "*")
    try:
        served.slideway("quota", "set", "items_per_run", "none", "--user", "special")
        assert post(served.client("anyone", "org-any"), 3).status_code == 402
        assert post(served.client("special", "org-any"), 3).status_code == 201
    finally:
        served.slideway("quota", "set", "items_per_run", "none", "--user", "*")


@pytest.mark.parametrize("scope", ["organization", "user"])
def test_many_requests_at_once_do_not_pass_a_limit(served, scope):
    organization = f"org-race-{scope}"
    subject = ("--org", organization) if scope == "organization" else ("--user", f"racer-{scope}")
    served.slideway("quota", "set", "open_items", 25, *subject)

    def one(number):
        # An organisation's users race, or a user with itself.
        user = f"racer-{scope}" if scope == "user" else f"racer-{number % 4}"
        return post(served.client(user, organization), 2).status_code
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        statuses = list(pool.map(one, range(64)))
    assert sorted(set(statuses)) == [201, 402]
    assert statuses.count(201) == 12
    client = served.client(f"racer-{scope}" if scope == "user" else "racer-0", organization)
    assert used(client, scope) == (24, 24)


def test_a_dry_run_takes_nothing_and_tells_of_a_quota(served):
    client = served.client("dry", "org-dry")
    served.slideway("quota", "set", "open_items", 2, "--user", "dry")
    assert post(client, 2, dry_run="true").status_code == 200
    assert post(client, 3, dry_run="true").status_code == 402
    assert (("user", "open_items") in use(client)) and used(client) == (0, 0)


def test_a_refused_run_leaves_its_idempotency_key_free(served):
    client = served.client("key", "org-key")
    served.slideway("quota", "set", "open_items", 1, "--user", "key")
    body = json.dumps({"application_id": "test-app", "items": items(2)})
    headers = {"Idempotency-Key": "k-1", "Content-Type": "application/json"}
    assert client.post("/runs", data=body, headers=headers).status_code == 402
    served.slideway("quota", "set", "open_items", 2, "--user", "key")
    first = client.post("/runs", data=body, headers=headers)
    again = client.post("/runs", data=body, headers=headers)
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json() and used(client) == (2, 2)


def test_cancelled_items_free_their_place_and_cost_nothing(served):
    client = served.client("cancel", "org-cancel")
    run_id = post(client, 4).json()["run_id"]
    assert used(client) == used(client, "organization") == (4, 4)
    assert client.post(f"/runs/{run_id}/cancel").status_code == 202
    assert used(client) == used(client, "organization") == (0, 0)


@pytest.mark.parametrize("scope", ["organization", "user"])
def test_places_that_were_freed_may_be_used_at_once(served, scope):
    user, organization = f"freed-{scope}", f"org-freed-{scope}"
    served.slideway("quota", "set", "open_items", 2,
                    *(("--user", user) if scope == "user" else ("--org", organization)))
    client = served.client(user, organization)
    for _ in range(3):
        run_id = client.create_run("test-app", items(2))
        assert post(client, 1).status_code == 402
        assert client.post(f"/runs/{run_id}/cancel").status_code == 202


def test_use_is_the_same_before_and_after_the_leader_has_counted(served):
    client = served.client("counted", "org-counted")
    runs = [post(client, count).json()["run_id"] for count in (3, 4)]
    assert client.post(f"/runs/{runs[0]}/cancel").status_code == 202
    pending = "SELECT count(*) FROM quota_releases WHERE organization_id = 'org-counted'"
    for released in (1, 0):
        assert used(client) == used(client, "organization") == (4, 4)
        with served.sql() as cursor:
            cursor.execute(pending)
            assert cursor.fetchone() == (released,)
            cursor.execute("SELECT apply_releases('org-counted', NULL)")


def test_processed_items_cost_also_for_a_users_error(platform, slide):
    client = platform.client("ends", "org-ends")
    url, content = client.upload(slide), slide.read_bytes()
    run_id = client.create_run("test-app", [
        harness.slide_item("good", url, content),
        harness.slide_item("wrong", url, b"other content")])
    assert used(client) == (2, 2)
    platform.start_worker()
    harness.wait_for("the run's end", lambda: client.get(f"/runs/{run_id}").json()["state"] == "TERMINATED")
    assert used(client) == used(client, "organization") == (0, 2)

    def counted():
        with platform.sql() as cursor:
            cursor.execute("SELECT (SELECT count(*) FROM quota_releases), open_items, month_items "
                           "FROM quota_usage WHERE scope = 'organization'")
            return cursor.fetchall() == [(0, 0, 2)]
    harness.wait_for("the leader's count", counted)


def test_an_item_of_a_system_error_costs_nothing(served):
    """As the worker's own statement ends it, here without an application that crashes."""
    client = served.client("crash", "org-crash")
    post(client, 2)
    with served.sql() as cursor:
        cursor.execute("SELECT register_worker(gen_random_uuid(), 'crashing', 1, 600, 3)")
        cursor.execute("SELECT worker_id FROM workers WHERE name = 'crashing'")
        [worker_id] = cursor.fetchone()
        cursor.execute("SELECT FROM claim_items(%s, 100, ARRAY(SELECT gen_random_uuid()"
                       " FROM generate_series(1, 100)))", (worker_id,))
        cursor.execute("SELECT attempt_id FROM items JOIN runs USING (run_id)"
                       " WHERE submitted_by = 'crash' AND state = 'PROCESSING' LIMIT 1")
        [attempt_id] = cursor.fetchone()
        cursor.execute("SELECT finish_attempt(%s, 'SYSTEM_ERROR', NULL, 'It crashed', NULL, NULL, NULL, 3)",
                       (attempt_id,))
        assert cursor.fetchone() == ("COMMITTED",)
    assert used(client) == used(client, "organization") == (1, 1)


@pytest.mark.parametrize("arguments,words", [
    (("items_per_year", "5", "--org", "x"), "NAME must be"),
    (("open_items", "-1", "--org", "x"), "MAXIMUM must be"),
    (("open_items", "many", "--org", "x"), "MAXIMUM must be"),
    (("open_items", "5"), "either --org ORG or --user USER"),
    (("open_items", "5", "--org", "x", "--user", "y"), "either --org ORG or --user USER"),
])
def test_quota_set_says_what_is_wrong(served, arguments, words):
    done = served.slideway("quota", "set", *arguments, check=False)
    assert done.returncode == 2 and words in done.stderr


def test_quota_list_shows_limit_and_use(served):
    served.slideway("quota", "set", "open_items", 9, "--user", "listed")
    post(served.client("listed", "org-listed"), 4)
    listed = json.loads(served.slideway("quota", "list", "--json").stdout)
    assert {"scope": "user", "subject_id": "listed", "name": "open_items", "maximum": "9",
            "used": "4"} in listed
