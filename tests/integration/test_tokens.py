"""Who may call at all: good and bad tokens, and that every operation asks for one."""
import base64
import json
import time

import jwt
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import rsa

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


def encoded(header, claims, key):
    """A token of any header and any text of claims, signed with the key whatever the header says."""
    signed = f"{part(header)}.{base64.urlsafe_b64encode(claims.encode()).rstrip(b'=').decode()}"
    signature = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256).sign(signed.encode(), key)
    return f"{signed}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def with_header(**more):
    """All is right but for one member of the header (RFC 8725, 3.1, 3.10, 3.11; RFC 7515, 4.1.11)."""
    def make(issuer):
        header = {"alg": "RS256", "kid": issuer.key_id, "typ": "JWT", **more}
        return encoded(header, json.dumps(good_claims(issuer)), issuer.key)
    return make


def with_own_key(**more):
    """Signed with a key of the attacker's, which the header brings along or tells where to get."""
    def make(issuer):
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key()))
        header = {"alg": "RS256", "kid": issuer.key_id,
                  **{name: public if value is None else value for name, value in more.items()}}
        return encoded(header, json.dumps(good_claims(issuer)), key)
    return make


def with_text(change):
    """Claims that no JSON library would write."""
    def make(issuer):
        text = change(json.dumps(good_claims(issuer))[:-1])
        return encoded({"alg": "RS256", "kid": issuer.key_id}, text, issuer.key)
    return make


def json_serialization(issuer):
    head, payload, signature = issuer.token("ada", "hospital").split(".")
    return json.dumps({"payload": payload, "signatures": [{"protected": head, "signature": signature}] * 2},
                      separators=(",", ":"))


HOSTILE_TOKENS = {
    "two_signatures": lambda issuer: issuer.token("a", "b") + "." + issuer.token("a", "b").split(".")[2],
    "json_serialization": json_serialization,
    "key_in_the_header": with_own_key(jwk=None),
    "address_of_keys_in_the_header": with_own_key(jku="http://127.0.0.1:1/jwks.json"),
    "address_of_a_certificate_in_the_header": with_own_key(x5u="http://127.0.0.1:1/a.pem"),
    "certificate_in_the_header": with_own_key(x5c=["MIIB"]),
    "unknown_critical_extension": with_header(crit=["exp"]),
    "empty_critical_extensions": with_header(crit=[]),
    "payload_that_is_not_encoded": with_header(b64=False),
    "key_id_with_a_path": with_header(kid="../../../../dev/null"),
    "key_id_with_sql": with_header(kid="x' UNION SELECT 'secret'--"),
    "key_id_that_is_long": with_header(kid="k" * 300),
    "key_id_that_is_no_text": with_header(kid=["test-key"]),
    "algorithm_of_another_key": with_header(alg="ES256"),
    "algorithm_in_small_letters": with_header(alg="rs256"),
    "algorithm_none_with_a_signature": with_header(alg="none"),
    "pss_instead_of_pkcs1": with_header(alg="PS256"),
    "logout_token": with_header(typ="logout+jwt"),
    "proof_of_possession": with_header(typ="dpop+jwt"),
    "type_that_is_no_text": with_header(typ=1),
    "issued_in_the_future": with_claims(iat=int(time.time()) + 600),
    "issued_at_a_text": with_claims(iat="now"),
    "expiry_as_a_text": with_claims(exp=str(int(time.time()) + 600)),
    "expiry_far_beyond_time": with_claims(exp=1e300),
    "expiry_that_is_negative": with_claims(exp=-1),
    "duplicate_claims": with_text(lambda claims: claims + ', "sub": "grace"}'),
    "number_beyond_integers": with_text(lambda claims: claims + ', "n": 99999999999999999999}'),
    "number_beyond_doubles": with_text(lambda claims: claims + ', "n": 1e999}'),
    "no_number": with_text(lambda claims: claims + ', "n": NaN}'),
    "null_character": with_text(lambda claims: claims + ', "n": "\\u0000"}'),
    "deep_claims": with_text(lambda claims: claims + ', "n": ' + "[" * 500 + "]" * 500 + "}"),
    "audience_as_an_object": with_claims(aud={harness.AUDIENCE: True}),
    "audience_that_begins_alike": with_claims(aud=harness.AUDIENCE + "-2"),
    "empty_audience": with_claims(aud=[]),
    "user_that_is_no_text": with_claims(sub=7),
    "user_that_is_empty": with_claims(sub=""),
    "nine_kilobytes": with_claims(filler="x" * 9000),
}


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
    check_unauthorized(requests.get(f"{api.api_url}/api/v1/me", headers=headers, timeout=30))


@pytest.mark.parametrize("case", HOSTILE_TOKENS)
def test_hostile_token_is_refused(api, case):
    token = HOSTILE_TOKENS[case](api.issuer)
    check_unauthorized(requests.get(f"{api.api_url}/api/v1/me", timeout=30,
                                    headers={"Authorization": f"Bearer {token}"}))


def test_token_that_only_has_more_in_its_header_is_accepted(api):
    """What stands in `with_header` beside the hostile member is good."""
    for more in ({}, {"typ": "at+jwt"}, {"jku": "http://127.0.0.1:1/jwks.json"}, {"x": [1, 2]}):
        client = harness.Client(api.api_url, with_header(**more)(api.issuer))
        assert client.get("/me").status_code == 200, more


def test_token_of_100_kilobytes_is_refused_unread(api):
    """It does not fit the memory of a connection."""
    answer = requests.get(f"{api.api_url}/api/v1/me", timeout=30,
                          headers={"Authorization": "Bearer " + with_claims(filler="x" * 100_000)(api.issuer)})
    assert answer.status_code in (413, 431)
    assert api.client().get("/me").status_code == 200


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
    answer = requests.get(f"{api.api_url}/v1/me", headers={"Authorization": f"bearer {token}"}, timeout=30)
    assert answer.status_code == 200
