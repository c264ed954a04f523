"""Who may call at all: good and bad tokens, and that every operation asks for one."""
import base64
import json
import time

import jwt
import pytest
import requests

import harness
from public_api import UNKNOWN, detail

OPERATIONS = [
    ("GET", "/me"), ("GET", "/applications"), ("GET", "/applications/he-tme"),
    ("GET", "/applications/he-tme/versions/1.0.0"), ("POST", "/runs"), ("GET", "/runs"),
    ("GET", f"/runs/{UNKNOWN}"), ("POST", f"/runs/{UNKNOWN}/cancel"),
    ("DELETE", f"/runs/{UNKNOWN}/artifacts"), ("PUT", f"/runs/{UNKNOWN}/custom-metadata"),
    ("GET", f"/runs/{UNKNOWN}/items"), ("GET", f"/runs/{UNKNOWN}/items/a"),
    ("PUT", f"/runs/{UNKNOWN}/items/a/custom-metadata"),
]


def part(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def good_claims(issuer):
    return jwt.decode(issuer.token("ada", "hospital"), options={"verify_signature": False})


def unsigned(issuer):
    return f"{part({'alg': 'none', 'kid': issuer.key_id})}.{part(good_claims(issuer))}."


def signed_by_the_public_key(issuer):
    """The public key used as a secret of HMAC: accepted by who believes the header's alg."""
    public = json.loads(issuer.jwks_path.read_text())["keys"][0]
    # By hand, since the library refuses to make such a token.
    head = f"{part({'alg': 'HS256', 'kid': issuer.key_id})}.{part(good_claims(issuer))}"
    algorithm = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    mac = algorithm.sign(head.encode(), public["n"].encode())
    return f"{head}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


def other_payload(issuer):
    head, _, signature = issuer.token("ada", "hospital").split(".")
    return f"{head}.{part({**good_claims(issuer), 'sub': 'grace'})}.{signature}"


def without(claim):
    def make(issuer):
        claims = good_claims(issuer)
        del claims[claim]
        return jwt.encode(claims, issuer.pem(), algorithm="RS256", headers={"kid": issuer.key_id})
    return make


def with_claims(**claims):
    return lambda issuer: issuer.token("ada", "hospital", **claims)


def with_key_id(issuer):
    return jwt.encode(good_claims(issuer), issuer.pem(), algorithm="RS256", headers={"kid": "other"})


def of_stranger(folder):
    """A token that is right in all but its key."""
    folder.mkdir(exist_ok=True)
    return lambda issuer: harness.Issuer(folder).token("ada", "hospital")


BAD_TOKENS = {
    "none_at_all": lambda issuer: None,
    "empty": lambda issuer: "Bearer ",
    "no_bearer": lambda issuer: issuer.token("ada", "hospital"),
    "basic": lambda issuer: "Basic YWRhOmFkYQ==",
    "garbage": lambda issuer: "Bearer a.b.c",
    "two_parts": lambda issuer: "Bearer " + ".".join(issuer.token("a", "b").split(".")[:2]),
    "alg_none": lambda issuer: "Bearer " + unsigned(issuer),
    "alg_hmac_of_the_public_key": lambda issuer: "Bearer " + signed_by_the_public_key(issuer),
    "another_payload": lambda issuer: "Bearer " + other_payload(issuer),
    "another_key": None,
    "unknown_key_id": lambda issuer: "Bearer " + with_key_id(issuer),
    "wrong_audience": lambda issuer: "Bearer " + with_claims(aud="another-api")(issuer),
    "no_audience": lambda issuer: "Bearer " + without("aud")(issuer),
    "wrong_issuer": lambda issuer: "Bearer " + with_claims(iss="https://evil.test/")(issuer),
    "issuer_without_its_slash": lambda issuer: "Bearer " + with_claims(iss="https://issuer.test")(issuer),
    "expired": lambda issuer: "Bearer " + with_claims(exp=int(time.time()) - 120)(issuer),
    "no_expiry": lambda issuer: "Bearer " + without("exp")(issuer),
    "not_yet_valid": lambda issuer: "Bearer " + with_claims(nbf=int(time.time()) + 600)(issuer),
    "no_user": lambda issuer: "Bearer " + without("sub")(issuer),
    "no_organization": lambda issuer: "Bearer " + without("org_id")(issuer),
    "unknown_role": lambda issuer: "Bearer " + with_claims(
        **{f"{harness.AUDIENCE}/role": "emperor"})(issuer),
}


def check_unauthorized(answer):
    assert answer.status_code == 401, answer.text
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert detail(answer)


@pytest.mark.parametrize("case", BAD_TOKENS)
def test_token_that_is_not_good_is_refused(api, folder, case):
    make = BAD_TOKENS[case]
    header = f"Bearer {of_stranger(folder)(api.issuer)}" if make is None else make(api.issuer)
    headers = {} if header is None else {"Authorization": header}
    check_unauthorized(requests.get(f"{api.api_url}/api/v1/me", headers=headers, timeout=10))


@pytest.mark.parametrize("prefix", ["/api/v1", "/v1"])
@pytest.mark.parametrize("method, path", OPERATIONS)
def test_every_operation_asks_for_a_token(api, prefix, method, path):
    anonymous = harness.Client(api.api_url, None, prefix)
    check_unauthorized(anonymous.request(method, path, json={}))
    forged = harness.Client(api.api_url, unsigned(api.issuer), prefix)
    check_unauthorized(forged.request(method, path, json={}))


@pytest.mark.parametrize("claims", [{"aud": ["x", harness.AUDIENCE]}, {"exp": int(time.time()) + 9e5},
                                    {"nbf": int(time.time()) - 10}], ids=["aud", "exp", "nbf"])
def test_good_token_is_accepted(api, claims):
    assert api.client("ada", "hospital", **claims).get("/me").status_code == 200


def test_word_bearer_may_be_written_in_any_case(api):
    token = api.issuer.token("ada", "hospital")
    answer = requests.get(f"{api.api_url}/v1/me", headers={"Authorization": f"bearer {token}"}, timeout=10)
    assert answer.status_code == 200
