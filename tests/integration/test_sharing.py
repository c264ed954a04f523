"""Grants, share tokens, whose runs a list shows, and the redirect to an artifact's file."""
import concurrent.futures
import hashlib
import time
import urllib.parse

import pytest
import requests

import harness
from public_api import OUTPUT_TEXT, UNKNOWN, detail, field_problems, ids, items

GRANT_KEYS = {"grant_id", "resource_type", "resource_id", "subject_type", "subject_id", "relation",
              "created_by", "created_at", "revoked"}
TOKEN_KEYS = {"share_token_id", "created_at", "expires_at", "revoked"}


def grant_body(run_id, subject_type="user", **fields):
    return {"resource_type": "run", "resource_id": run_id, "subject_type": subject_type,
            "relation": "viewer", **fields}


def share(client, run_id, subject_type="user", **fields):
    answer = client.post("/access/grants", json=grant_body(run_id, subject_type, **fields))
    assert answer.status_code == 201, answer.text
    return answer.json()


def new_token(client, **fields):
    answer = client.post("/access/share-tokens", json=fields)
    assert answer.status_code == 201, answer.text
    return answer.json()


def seen(client, run_id, token=None):
    """The status of a look at the run."""
    return client.get(f"/runs/{run_id}", params={"share_token": token}).status_code


@pytest.fixture
def run_id(user):
    return user.create_run("test-app", items(2))


@pytest.fixture
def nobody(api):
    """A client without a bearer token."""
    return harness.Client(api.api_url, None)


# Grants.

def test_grant_says_what_it_grants(api, user, run_id):
    grant = share(user, run_id, subject_id="viewer-1")
    assert set(grant) == GRANT_KEYS
    me = user.get("/me").json()["user"]["id"]
    assert (grant["resource_type"], grant["resource_id"], grant["subject_type"], grant["subject_id"],
            grant["relation"], grant["created_by"], grant["revoked"]) == (
                "run", run_id, "user", "viewer-1", "viewer", me, False)
    assert user.get(f"/access/grants/{grant['grant_id']}").json() == grant


# Fields of the grant → callers who see the run by it, callers who do not.
SUBJECTS = {
    "user_by_id": (("user", {"subject_id": "guest"}),
                   [("guest", "laboratory", "member")],
                   [("other", "laboratory", "member"), ("guest2", "hospital", "member")]),
    "user_by_email": (("user", {"subject_email": "Guest.New@Example.org"}),
                      [("guest.new", "laboratory", "member")], [("guest", "laboratory", "member")]),
    "whole_organization": (("organization_user", {"subject_id": "laboratory"}),
                           [("anna", "laboratory", "member"), ("boss", "laboratory", "admin")],
                           [("anna", "institute", "member"), ("boss", "institute", "admin")]),
    "admins": (("organization_admin", {"subject_id": "laboratory"}),
               [("boss", "laboratory", "admin")],
               [("anna", "laboratory", "member"), ("boss", "institute", "admin")]),
}


@pytest.mark.parametrize("case", SUBJECTS)
def test_subject_sees_the_run_until_the_grant_is_revoked(api, user, run_id, case):
    (subject_type, fields), viewers, others = SUBJECTS[case]
    grant = share(user, run_id, subject_type, **fields)
    for caller in viewers:
        client = api.client(*caller)
        assert seen(client, run_id) == 200, caller
        assert len(client.items(run_id)) == 2
        assert client.get(f"/runs/{run_id}/items/slide-1").status_code == 200
    for caller in others:
        assert seen(api.client(*caller), run_id) == 403, caller
    revoked = user.delete(f"/access/grants/{grant['grant_id']}")
    assert (revoked.status_code, revoked.json()) == (200, {**grant, "revoked": True})
    again = user.delete(f"/access/grants/{grant['grant_id']}")
    assert again.status_code == 409 and detail(again)
    for caller in viewers:
        assert seen(api.client(*caller), run_id) == 403, caller


def test_known_email_becomes_the_users_id(api, user, run_id):
    api.client("known", "laboratory").create_run("test-app", items())  # the server has met them
    grant = share(user, run_id, subject_email="KNOWN@example.org")
    assert grant["subject_id"] == "known"
    assert seen(api.client("known", "laboratory", email="new@example.org"), run_id) == 200


def test_email_that_the_issuer_did_not_verify_opens_nothing(api, user, run_id):
    share(user, run_id, subject_email="victim@example.org")
    assert seen(api.client("thief", "laboratory", email="victim@example.org", email_verified=False),
                run_id) == 403
    assert seen(api.client("victim", "laboratory", email_verified=True), run_id) == 200


def test_same_grant_again_is_the_one_in_force(user, run_id):
    first = share(user, run_id, subject_id="twice")
    assert share(user, run_id, subject_id="twice") == first
    assert ids(user.get("/access/grants", params={"resource_id": run_id}), "grant_id") == [
        first["grant_id"]]
    user.delete(f"/access/grants/{first['grant_id']}")
    assert share(user, run_id, subject_id="twice")["grant_id"] != first["grant_id"]


def test_of_many_same_grants_at_once_one_is_made(api, user, run_id):
    def give(_):
        client = harness.Client(api.api_url, user.session.headers["Authorization"][7:])
        return share(client, run_id, subject_id="wanted")["grant_id"]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(give, range(16)))) == 1
    with api.sql() as cursor:
        cursor.execute("SELECT count(*) FROM audit WHERE run_id = %s AND action = 'grant.created'", (run_id,))
        assert cursor.fetchone()[0] == 1


def test_of_many_revocations_at_once_one_wins(api, user, run_id):
    grant = share(user, run_id, subject_id="unwanted")["grant_id"]
    token = new_token(user)["share_token_id"]

    def revoke(path):
        client = harness.Client(api.api_url, user.session.headers["Authorization"][7:])
        return client.delete(path).status_code
    for path in (f"/access/grants/{grant}", f"/access/share-tokens/{token}"):
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            assert sorted(pool.map(revoke, [path] * 8)) == [200] + [409] * 7


# Body of POST /access/grants, changed → places of the problems.
WRONG_GRANTS = {
    "owner": ({"relation": "owner"}, [["body", "relation"]]),
    "unknown_relation": ({"relation": "x"}, [["body", "relation"]]),
    "no_relation": ({"relation": None}, [["body", "relation"]]),
    "item": ({"resource_type": "item"}, [["body", "resource_type"]]),
    "no_uuid": ({"resource_id": "x"}, [["body", "resource_id"]]),
    "unknown_subject": ({"subject_type": "group"}, [["body", "subject_type"]]),
    "no_subject": ({"subject_id": None}, [["body", "subject_id"]]),
    "empty_subject": ({"subject_id": ""}, [["body", "subject_id"]]),
    "id_and_email": ({"subject_email": "a@b.org"}, [["body", "subject_email"]]),
    "no_email": ({"subject_id": None, "subject_email": "a.b.org"}, [["body", "subject_email"]]),
    "short_email": ({"subject_id": None, "subject_email": "@"}, [["body", "subject_email"]]),
    "number_as_email": ({"subject_id": None, "subject_email": 7}, [["body", "subject_email"]]),
    "email_of_an_organization": ({"subject_type": "organization_user", "subject_email": "a@b.org"},
                                 [["body", "subject_email"]]),
    "token_without_uuid": ({"subject_type": "share_token"}, [["body", "subject_id"]]),
    "all_at_once": ({"relation": "x", "resource_type": 1, "resource_id": 2, "subject_type": 3},
                    [["body", "resource_type"], ["body", "resource_id"], ["body", "relation"],
                     ["body", "subject_type"]]),
}


@pytest.mark.parametrize("case", WRONG_GRANTS)
def test_wrong_grant_is_refused(user, run_id, case):
    change, places = WRONG_GRANTS[case]
    answer = user.post("/access/grants", json={**grant_body(run_id, subject_id="x"), **change})
    assert answer.status_code == 422, answer.text
    assert field_problems(answer) == places
    assert ids(user.get("/access/grants", params={"resource_id": run_id}), "grant_id") == []


def test_grants_are_listed_filtered_sorted_and_paged(user):
    runs = [user.create_run("test-app", items()) for _ in range(2)]
    made = [share(user, runs[0], subject_id="c"), share(user, runs[0], subject_id="a"),
            share(user, runs[1], "organization_user", subject_id="b")]
    user.delete(f"/access/grants/{made[1]['grant_id']}")
    one, two, three = (grant["grant_id"] for grant in made)

    def found(**params):
        return ids(user.get("/access/grants", params=params), "grant_id")
    assert found() == [three, two, one]
    assert found(resource_id=runs[0]) == [two, one]
    assert found(revoked="true") == [two]
    assert found(revoked="false") == [three, one]
    assert found(subject_type="organization_user") == [three]
    assert found(subject_id="a") == [two]
    assert found(relation=["viewer", "owner"]) == [three, two, one]
    assert found(relation="owner") == []
    assert found(resource_type="item") == []
    assert found(sort="subject_id") == [two, three, one]
    assert found(sort=["-revoked", "+subject_id"]) == [two, three, one]
    assert found(page_size=2) == [three, two] and found(page_size=2, page=2) == [one]
    assert found(page=3) == []
    for params in ({"sort": "secret"}, {"revoked": "maybe"}, {"resource_id": "x"}, {"relation": "x"},
                   {"subject_type": "x"}, {"resource_type": "x"}, {"page": 0}):
        assert user.get("/access/grants", params=params).status_code == 422, params


def test_grants_belong_to_who_may_change_the_run(api, user, run_id):
    grant = share(user, run_id, subject_id="guest")
    path = f"/access/grants/{grant['grant_id']}"
    for caller, status in ((("guest", "laboratory", "member"), 403), (("x", "hospital", "member"), 403),
                           (("x", "laboratory", "admin"), 403), (("x", "hospital", "admin"), 200),
                           (("x", "laboratory", "superadmin"), 200)):
        client = api.client(*caller)
        assert client.get(path).status_code == status, caller
        listed = ids(client.get("/access/grants", params={"resource_id": run_id, "subject_id": "guest"}),
                     "grant_id")
        assert listed == ([grant["grant_id"]] if status == 200 else []), caller
        assert client.post("/access/grants", json=grant_body(run_id, subject_id=f"by-{caller}")
                           ).status_code == (201 if status == 200 else 403), caller
        if status == 403:
            assert client.delete(path).status_code == 403, caller
    assert api.client("x", "hospital", "admin").delete(path).status_code == 200


def test_unknown_ids_are_404(user, run_id):
    assert user.post("/access/grants", json=grant_body(UNKNOWN, subject_id="x")).status_code == 404
    assert user.post("/access/grants", json=grant_body(run_id, "share_token", subject_id=UNKNOWN)
                     ).status_code == 404
    for path in ("/access/grants/", "/access/share-tokens/"):
        for method in ("GET", "DELETE"):
            assert user.request(method, path + UNKNOWN).status_code == 404
            assert user.request(method, path + "x").status_code == 422


# Share tokens.

def test_share_token_is_shown_once_and_stored_as_its_hash(api, user):
    token = new_token(user)
    secret = token.pop("share_token")
    assert secret.startswith("shr_") and len(secret) == 47
    assert set(token) == TOKEN_KEYS and token["expires_at"] is None and token["revoked"] is False
    assert user.get(f"/access/share-tokens/{token['share_token_id']}").json() == token
    assert token in user.get("/access/share-tokens").json()
    with api.sql() as cursor:
        cursor.execute("SELECT row_to_json(t)::text FROM share_tokens t WHERE share_token_id = %s",
                       (token["share_token_id"],))
        stored = cursor.fetchone()[0]
    assert hashlib.sha256(secret.encode()).hexdigest() in stored and secret[4:] not in stored


def test_share_token_opens_its_run_alone_and_beside_a_bearer(api, user, run_id, nobody):
    token = new_token(user)
    stranger = api.client("stranger", "laboratory")
    secret = token["share_token"]
    # It opens nothing before it is granted.
    assert (seen(nobody, run_id, secret), seen(stranger, run_id, secret)) == (403, 403)
    share(user, run_id, "share_token", subject_id=token["share_token_id"])
    for client in (nobody, stranger):
        assert seen(client, run_id, secret) == 200
        assert seen(client, run_id, secret[:-1]) == 403
        assert seen(client, UNKNOWN, secret) == 404
        for path in ("/items", "/items?sort=external_id", "/items/slide-0"):
            answer = client.get(f"/runs/{run_id}{path}", params={"share_token": secret})
            assert answer.status_code == 200, answer.text
            assert secret not in answer.text
    alone = nobody.get(f"/runs/{run_id}", params={"share_token": secret})
    assert alone.headers["Cache-Control"] == "no-store", "a proxy must not outlive the revocation"
    # Only its run, and nothing but a look.
    assert seen(nobody, user.create_run("test-app", items()), secret) == 403
    assert nobody.post(f"/runs/{run_id}/cancel", params={"share_token": secret}).status_code == 401
    assert stranger.post(f"/runs/{run_id}/cancel", params={"share_token": secret}).status_code == 403


def test_bad_bearer_is_not_saved_by_a_share_token(api, user, run_id):
    token = new_token(user)
    share(user, run_id, "share_token", subject_id=token["share_token_id"])
    expired = harness.Client(api.api_url, api.issuer.token("x", "hospital", seconds=-3600))
    assert seen(expired, run_id, token["share_token"]) == 401


def test_no_token_at_all_is_401(run_id, nobody):
    assert nobody.get(f"/runs/{run_id}").status_code == 401
    assert nobody.get(f"/runs/{run_id}?share_token=").status_code == 401
    assert nobody.get("/runs?share_token=shr_x").status_code == 401


def test_revoked_share_token_opens_nothing_any_more(user, run_id, nobody):
    token = new_token(user)
    share(user, run_id, "share_token", subject_id=token["share_token_id"])
    path = f"/access/share-tokens/{token['share_token_id']}"
    assert seen(nobody, run_id, token["share_token"]) == 200
    answer = user.delete(path)
    assert answer.status_code == 200
    assert answer.json() == {**{key: token[key] for key in TOKEN_KEYS}, "revoked": True}
    assert seen(nobody, run_id, token["share_token"]) == 403
    again = user.delete(path)
    assert again.status_code == 409 and detail(again)
    refused = user.post("/access/grants",
                        json=grant_body(run_id, "share_token", subject_id=token["share_token_id"]))
    assert refused.status_code == 422 and field_problems(refused) == [["body", "subject_id"]]


def test_share_token_expires(user, run_id, nobody):
    end = time.time() + 10
    token = new_token(user, expires_at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(end)))
    assert token["expires_at"].endswith("Z")
    share(user, run_id, "share_token", subject_id=token["share_token_id"])
    assert seen(nobody, run_id, token["share_token"]) == 200
    harness.wait_for("the token's end", lambda: seen(nobody, run_id, token["share_token"]) == 403)


@pytest.mark.parametrize("sent, shown", [("2990-01-01T00:00:00+23:59", "2989-12-31T00:01:00Z"),
                                         ("2990-01-01T00:00:00.25-17:42", "2990-01-01T17:42:00.25Z")])
def test_expiry_may_have_any_offset(user, sent, shown):
    token = new_token(user, expires_at=sent)
    assert token["expires_at"] == shown


@pytest.mark.parametrize("expires_at", ["2020-01-01T00:00:00Z", "tomorrow", 5, "2030-01-01",
                                        "9999-12-31T23:59:59-12:00"])
def test_wrong_expiry_is_refused(user, expires_at):
    answer = user.post("/access/share-tokens", json={"expires_at": expires_at})
    assert answer.status_code == 422 and field_problems(answer) == [["body", "expires_at"]]


def test_share_tokens_are_their_creators_own(api, user, run_id):
    token = new_token(user)["share_token_id"]
    for caller, status in ((("x", "hospital", "member"), 403), (("x", "hospital", "admin"), 403),
                           (("x", "laboratory", "superadmin"), 200)):
        client = api.client(*caller)
        assert client.get(f"/access/share-tokens/{token}").status_code == status, caller
        me = user.get("/me").json()["user"]["id"]
        listed = ids(client.get("/access/share-tokens", params={"created_by": me}), "share_token_id")
        assert listed == ([token] if status == 200 else []), caller
        if status == 403:
            assert client.delete(f"/access/share-tokens/{token}").status_code == 403
    # Another one's token is not given a run.
    thief = api.client("thief", "hospital")
    own = thief.create_run("test-app", items())
    assert thief.post("/access/grants", json=grant_body(own, "share_token", subject_id=token)
                      ).status_code == 403


def test_share_tokens_are_listed_filtered_sorted_and_paged(user, run_id):
    one, two, three = (new_token(user, expires_at=day)["share_token_id"]
                       for day in ("2990-01-03T00:00:00Z", None, "2990-01-01T00:00:00Z"))
    share(user, run_id, "share_token", subject_id=three)
    user.delete(f"/access/share-tokens/{two}")

    def found(**params):
        return ids(user.get("/access/share-tokens", params=params), "share_token_id")
    assert found() == [three, two, one]
    assert found(run_id=run_id) == [three] and found(run_id=UNKNOWN) == []
    assert found(revoked="true") == [two] and found(revoked="0") == [three, one]
    assert found(sort="expires_at") == [three, one, two]
    assert found(sort=" created_at", page_size=2) == [one, two]
    assert found(created_by="nobody") == []
    for params in ({"sort": "share_token"}, {"revoked": ""}, {"run_id": "x"}):
        assert user.get("/access/share-tokens", params=params).status_code == 422, params


def test_share_token_is_in_no_log(cluster, folder):
    platform = harness.Platform(cluster, folder)
    try:
        platform.start_server(SLIDEWAY_LOG_LEVEL="debug")
        client = platform.client("ada")
        run_id = client.create_run("test-app", items())
        token = new_token(client)
        share(client, run_id, "share_token", subject_id=token["share_token_id"])
        secret = token["share_token"]
        anonymous = harness.Client(platform.api_url, None)
        for path in ("", "/items", "/items?sort=item_id", "/items?custom_metadata=%24%20%3F(", "/items/x",
                     f"/artifacts/{UNKNOWN}/file", "/artifacts/x/file", "/nothing", "/items?page=x"):
            for accept in ("*/*", "application/problem+json"):
                answer = anonymous.get(f"/runs/{run_id}{path}", params={"share_token": secret},
                                       headers={"Accept": accept})
                assert secret not in answer.text and secret not in str(answer.headers)
        log = platform.server.output()
        assert "request.answered" in log
        assert secret not in log and secret[4:] not in log
        assert secret[4:] not in cluster.child.output()
    finally:
        platform.stop()


def test_holders_of_one_share_token_do_not_use_up_the_rate_of_another(cluster, folder):
    platform = harness.Platform(cluster, folder)
    try:
        platform.start_server(SLIDEWAY_RATE_LIMIT="1", SLIDEWAY_RATE_BURST="10", SLIDEWAY_SHARDS="1")
        client = platform.client("ada")
        run_id = client.create_run("test-app", items())
        tokens = [new_token(client) for _ in range(2)]
        for token in tokens:
            share(client, run_id, "share_token", subject_id=token["share_token_id"])
        anonymous = harness.Client(platform.api_url, None)
        codes = {seen(anonymous, run_id, tokens[0]["share_token"]) for _ in range(25)}
        assert codes == {200, 429}
        assert seen(anonymous, run_id, tokens[1]["share_token"]) == 200
        assert seen(anonymous, run_id, "shr_made_up") == 403
    finally:
        platform.stop()


# Whose runs a list shows.

def test_lists_show_what_their_words_say(api):
    here, there = f"org-{time.time_ns()}", f"org-2-{time.time_ns()}"
    ada, bob, eve = api.client("ada", here), api.client("bob", here), api.client("eve", there)
    admin, root = api.client("boss", here, "admin"), api.client("root", there, "superadmin")
    first, second, third = (client.create_run("test-app", items()) for client in (ada, bob, eve))
    share(bob, second, subject_id="eve")

    def found(client, **params):
        return set(ids(client.get("/runs", params=params)))
    assert found(ada) >= {first} and not found(ada) & {second, third}
    assert found(admin) == set() and found(root) == set()
    for name in ("me", "ada"):
        assert first in found(ada, submitted_by=name) and second not in found(ada, submitted_by=name)
    assert found(ada, submitted_by="bob", organization_id=here) == set()
    assert found(eve, submitted_by="bob", organization_id=here) == {second}
    assert found(eve, organization_id=here) == {second}
    assert found(eve, organization_id="my_org") == {third}
    assert found(ada, organization_id="my_org") == {first}
    assert found(ada, organization_id=there) == set()
    assert found(ada, submitted_by="me", organization_id=there) == set()
    assert found(admin, organization_id="my_org") == {first, second}
    assert found(admin, submitted_by="bob", organization_id=here) == {second}
    assert found(admin, for_organization=here) == {first, second}
    assert found(admin, for_organization=here, submitted_by="ada") == {first}
    assert found(admin, for_organization=here, organization_id="my_org") == {first, second}
    assert found(admin, for_organization=here, organization_id=there) == set()
    assert found(admin, for_organization=here, sort="submitted_at") == {first, second}
    assert found(admin, for_organization=here, external_id="nothing") == set()
    assert found(root, for_organization=here) == {first, second}
    assert found(root, for_organization="none-such") == set()
    assert ids(admin.get("/runs", params={"for_organization": here})) == [second, first]
    assert ids(admin.get("/runs", params={"for_organization": here, "page": 2, "page_size": 1})) == [first]
    for client, organization in ((ada, here), (eve, here), (admin, there)):
        refused = client.get("/runs", params={"for_organization": organization})
        assert refused.status_code == 403 and detail(refused)


# The file of an artifact.

def test_artifact_leads_to_its_file_until_it_is_deleted(user, worker, run_id, nobody):
    worker.succeed(run_id, {"tissue_qc:csv_class_information": OUTPUT_TEXT})
    worker.fail(run_id, "USER_ERROR", None, "bad")
    [artifact] = user.items(run_id)[0]["output_artifacts"]
    path = f"/runs/{run_id}/artifacts/{artifact['output_artifact_id']}/file"
    answer = user.get(path)
    assert (answer.status_code, answer.content) == (307, b"")
    assert answer.headers["Cache-Control"] == "no-store"
    expires = urllib.parse.parse_qs(urllib.parse.urlsplit(answer.headers["Location"]).query)["expires"]
    assert 3500 < int(expires[0]) - time.time() <= 5400
    file = requests.get(answer.headers["Location"], timeout=30)
    assert (file.status_code, file.content) == (200, OUTPUT_TEXT)
    assert file.headers["Content-Disposition"].startswith("attachment")
    token = new_token(user)
    share(user, run_id, "share_token", subject_id=token["share_token_id"])
    assert nobody.get(path, params={"share_token": token["share_token"]}).status_code == 307
    assert user.delete(f"/runs/{run_id}/artifacts").status_code == 200
    gone = user.get(path)
    assert gone.status_code == 410 and detail(gone) and "Location" not in gone.headers


def test_artifact_belongs_to_its_run(user, worker, run_id):
    worker.succeed(run_id, {"tissue_qc:csv_class_information": OUTPUT_TEXT})
    artifact = user.items(run_id)[0]["output_artifacts"][0]["output_artifact_id"]
    other = user.create_run("test-app", items())
    for run, one, status in ((other, artifact, 404), (run_id, UNKNOWN, 404), (UNKNOWN, artifact, 404),
                             (run_id, "x", 422), ("x", artifact, 422)):
        assert user.get(f"/runs/{run}/artifacts/{one}/file").status_code == status, (run, one)
