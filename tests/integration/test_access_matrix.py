"""Every operation by every kind of caller: each cell of access_matrix.csv is one request.

Goal: who may do what stands in one table that a person can read, and the server keeps to it.
Method: the table is data; here is only what an operation and a caller are. Each cell that changes
something gets a run, grants and share tokens of its own; the others share one set, which a refused
change must leave as it was.
"""
import csv
import subprocess

import pytest

import hand_worker
import harness
import sample_application
from public_api import OUTPUT_TEXT, UNKNOWN, items

APPLICATION = "explained-app"  # only the hospital has it
OUTPUT = "result"
DOCUMENT = "guide.md"

# Caller → (user, organisation, role), and which share token they send along.
CALLERS = {
    "owner": (("owner", "hospital", "member"), None),
    "colleague": (("colleague", "hospital", "member"), None),
    "admin": (("admin", "hospital", "admin"), None),
    "stranger": (("stranger", "laboratory", "member"), None),
    "other_admin": (("other-admin", "laboratory", "admin"), None),
    "superadmin": (("superadmin", "laboratory", "superadmin"), None),
    "viewer_user": (("viewer", "laboratory", "member"), None),
    "viewer_org": (("anybody", "institute", "member"), None),
    "share_token": (None, "good"),
    "share_beside": (("stranger", "laboratory", "member"), "good"),
    "revoked_share": (None, "revoked"),
    "expired_share": (None, "expired"),
    "expired_token": (("owner", "hospital", "member"), None),
    "no_token": (None, None),
}

VERSION_PATH = "/v1/applications/{application_id}/versions/{version}"
ITEM_PATH = "/v1/runs/{run_id}/items/{external_id}"
ARTIFACT_PATH = "/v1/runs/{run_id}/artifacts/{artifact_id}/file"
GRANTS, GRANT = "/v1/access/grants", "/v1/access/grants/{grant_id}"
SHARE_TOKENS, SHARE_TOKEN = "/v1/access/share-tokens", "/v1/access/share-tokens/{share_token_id}"
# Operation → method, path, and what differs from the plain request: query, values, body, and the
# member of a list's elements that shows what is the owner's.
OPERATIONS = {
    "list_applications": ("GET", "/v1/applications", {"key": "application_id"}),
    "get_application": ("GET", "/v1/applications/{application_id}", {}),
    "get_version": ("GET", VERSION_PATH, {}),
    "list_documents": ("GET", VERSION_PATH + "/documents", {}),
    "get_document": ("GET", VERSION_PATH + "/documents/{name}", {}),
    "get_document_file": ("GET", VERSION_PATH + "/documents/{name}/file", {}),
    "get_document_content": ("GET", VERSION_PATH + "/documents/{name}/content", {}),
    "create_run": ("POST", "/v1/runs", {"body": {"application_id": APPLICATION, "items": items()}}),
    "list_runs": ("GET", "/v1/runs", {"key": "run_id"}),
    "list_runs_sorted": ("GET", "/v1/runs", {"key": "run_id", "query": {"sort": "-submitted_at"}}),
    "list_runs_of_owner": ("GET", "/v1/runs", {"key": "run_id", "query": {"submitted_by": "owner"}}),
    "list_runs_of_organization": ("GET", "/v1/runs",
                                  {"key": "run_id", "query": {"organization_id": "hospital"}}),
    "list_runs_for_organization": ("GET", "/v1/runs",
                                   {"key": "run_id", "query": {"for_organization": "hospital"}}),
    "get_run": ("GET", "/v1/runs/{run_id}", {}),
    "get_unknown_run": ("GET", "/v1/runs/{run_id}", {"values": {"run_id": UNKNOWN}}),
    "get_run_of_no_uuid": ("GET", "/v1/runs/{run_id}", {"values": {"run_id": "42"}}),
    "list_items": ("GET", "/v1/runs/{run_id}/items", {}),
    "search_items": ("GET", "/v1/runs/{run_id}/items", {"query": {"sort": "external_id"}}),
    "get_item": ("GET", ITEM_PATH, {}),
    "get_unknown_item": ("GET", ITEM_PATH, {"values": {"external_id": "nothing"}}),
    "get_artifact_file": ("GET", ARTIFACT_PATH, {}),
    "get_unknown_artifact_file": ("GET", ARTIFACT_PATH, {"values": {"artifact_id": UNKNOWN}}),
    "cancel_run": ("POST", "/v1/runs/{run_id}/cancel", {}),
    "delete_artifacts": ("DELETE", "/v1/runs/{run_id}/artifacts", {"ended": True}),
    "put_run_metadata": ("PUT", "/v1/runs/{run_id}/custom-metadata",
                         {"body": {"custom_metadata": {"changed": True}}}),
    "put_item_metadata": ("PUT", ITEM_PATH + "/custom-metadata",
                          {"body": {"custom_metadata": {"changed": True}}}),
    "get_me": ("GET", "/v1/me", {}),
    "create_grant": ("POST", GRANTS, {"grant": {"subject_type": "user", "subject_id": "new viewer"}}),
    "create_grant_of_share": ("POST", GRANTS, {"grant": {"subject_type": "share_token"}}),
    "list_grants": ("GET", GRANTS, {"key": "grant_id", "query": {"resource_id": "{run_id}"}}),
    "get_grant": ("GET", GRANT, {}),
    "revoke_grant": ("DELETE", GRANT, {}),
    "create_share_token": ("POST", SHARE_TOKENS, {"body": {}}),
    "list_share_tokens": ("GET", SHARE_TOKENS,
                          {"key": "share_token_id", "query": {"run_id": "{run_id}"}}),
    "get_share_token": ("GET", SHARE_TOKEN, {}),
    "revoke_share_token": ("DELETE", SHARE_TOKEN, {}),
    "upload": ("POST", "/v1/uploads", {"body": {"name": "slide.tiff"}}),
    "get_quotas": ("GET", "/v1/quotas", {}),
    "health": ("GET", "/v1/health", {}),
    "healthz": ("GET", "/v1/healthz", {}),
    "openapi": ("GET", "/v1/openapi.json", {}),
}

# What changes nothing that the owner sees of the run, its grants and its share tokens.
BESIDE_THE_RUN = {"create_run", "create_grant_of_share", "create_share_token", "upload"}


def read_matrix():
    """[(operation, caller, expected)], as the file has them."""
    path = harness.ROOT / "tests/integration/access_matrix.csv"
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    rows = list(csv.DictReader(lines, skipinitialspace=True))
    return [(row["operation"], caller, row[caller]) for row in rows for caller in row
            if caller != "operation"]


MATRIX = read_matrix()


class Stage:
    """The owner's run, with its grants and share tokens."""

    def __init__(self, platform, ended):
        self.platform = platform
        self.owner = platform.client(*CALLERS["owner"][0])
        run_id = self.owner.create_run(APPLICATION, items(2))
        hand = hand_worker.HandWorker(platform)
        hand.succeed(run_id, {OUTPUT: OUTPUT_TEXT})
        if ended:
            hand.fail(run_id, "USER_ERROR", None, "It cannot be read.")
        tokens = {name: self.post("/access/share-tokens", {}) for name in ("good", "revoked", "expired")}
        self.secrets = {name: token["share_token"] for name, token in tokens.items()}
        self.values = {
            "run_id": run_id, "external_id": "slide-0", "application_id": APPLICATION,
            "version": "1.0.0", "name": DOCUMENT, "share_token_id": tokens["good"]["share_token_id"],
            "artifact_id": self.owner.items(run_id)[0]["output_artifacts"][0]["output_artifact_id"],
        }
        self.values["grant_id"] = self.grant("user", "viewer")["grant_id"]
        self.grant("organization_user", "institute")
        for token in tokens.values():
            self.grant("share_token", token["share_token_id"])
        self.owner.delete(f"/access/share-tokens/{tokens['revoked']['share_token_id']}")
        with platform.sql() as cursor:
            cursor.execute("UPDATE share_tokens SET expires_at = now() - interval '1 second' "
                           "WHERE share_token_id = %s", (tokens["expired"]["share_token_id"],))

    def post(self, path, body):
        answer = self.owner.post(path, json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def grant_body(self, subject_type, subject_id):
        return {"resource_type": "run", "resource_id": self.values["run_id"], "relation": "viewer",
                "subject_type": subject_type, "subject_id": subject_id}

    def grant(self, subject_type, subject_id):
        return self.post("/access/grants", self.grant_body(subject_type, subject_id))

    def looks(self):
        """What the owner sees of it."""
        run_id = self.values["run_id"]
        item = self.owner.items(run_id)[0]
        grants = self.owner.get("/access/grants", params={"resource_id": run_id})
        tokens = self.owner.get("/access/share-tokens", params={"run_id": run_id})
        return (self.owner.run(run_id), item["custom_metadata"], item["output_artifacts"][0]["output"],
                grants.json(), tokens.json())


@pytest.fixture(scope="module")
def hospital(cluster, module_folder):
    platform = harness.Platform(cluster, module_folder)
    folder = sample_application.write(
        module_folder / "applications", APPLICATION, outputs=(OUTPUT,),
        documents=[{"name": DOCUMENT, "path": DOCUMENT, "mime_type": "text/markdown",
                    "visibility": "public"}])
    (folder / DOCUMENT).write_text("# Guide\n")
    platform.add_organization("hospital")
    platform.register(folder, "--org", "hospital")
    try:
        platform.start_server()
        yield platform
    finally:
        platform.stop()


@pytest.fixture(scope="module")
def shared_stage(hospital):
    return Stage(hospital, ended=False)


def client_of(platform, caller):
    who, _ = CALLERS[caller]
    if who is None:
        return harness.Client(platform.api_url, None)
    return platform.client(*who, seconds=-3600 if caller == "expired_token" else 3600)


def ask(stage, operation, caller):
    method, path, options = OPERATIONS[operation]
    values = {**stage.values, **options.get("values", {})}
    query = {name: value.format(**values) for name, value in options.get("query", {}).items()}
    share = CALLERS[caller][1]
    if share is not None:
        query["share_token"] = stage.secrets[share]
    body = options.get("body")
    if "grant" in options:
        subject = options["grant"]
        body = stage.grant_body(subject["subject_type"],
                                subject.get("subject_id", values["share_token_id"]))
    if options.get("key"):
        query["page_size"] = 100
    return client_of(stage.platform, caller).request(
        method, path.removeprefix("/v1").format(**values), params=query, json=body)


@pytest.mark.parametrize("operation, caller, expected", MATRIX, ids=[f"{o}-{c}" for o, c, _ in MATRIX])
def test_cell(hospital, shared_stage, operation, caller, expected):
    method, _, options = OPERATIONS[operation]
    refused = int(expected[:3]) >= 400
    changes = method != "GET" and not refused
    stage = Stage(hospital, options.get("ended", False)) if changes else shared_stage
    before = stage.looks() if method != "GET" else None
    answer = ask(stage, operation, caller)
    assert answer.status_code == int(expected[:3]), answer.text
    if expected.endswith(("+", "-")):
        key = options["key"]
        shown = stage.values[key] in [one[key] for one in answer.json()]
        assert shown == (expected[-1] == "+"), answer.text
    assert not any(secret in answer.text for secret in stage.secrets.values())
    if refused:
        assert answer.json()["detail"]
    if method != "GET":
        assert (stage.looks() == before) == (refused or operation in BESIDE_THE_RUN)


def test_matrix_has_every_caller_and_every_operation_that_asks_who_calls():
    assert {caller for _, caller, _ in MATRIX} == set(CALLERS)
    assert {operation for operation, _, _ in MATRIX} == set(OPERATIONS)
    lines = subprocess.check_output([harness.program("slideway-server"), "--print-routes"], text=True)
    served = {tuple(line.split()[:2]) for line in lines.splitlines() if line.split()[2] != "public"}
    assert len(served) >= 26
    assert served <= {(method, path) for method, path, _ in OPERATIONS.values()}
