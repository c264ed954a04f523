"""Creating runs: the payload of the contract, and every refusal with the fields that it names."""
import json
import urllib.parse

import pytest

from public_api import UNKNOWN, URL, detail, field_problems, items

# Creation: the contract's own example, made valid, in all spellings that it uses.

EXAMPLE_METADATA = {
    "specimen": {"disease": "LUNG_CANCER", "tissue": "LUNG"}, "staining_method": "H&E",
    "width_px": 136223, "height_px": 87761, "resolution_mpp": 0.2628238,
    "checksum_base64_crc32c": "64RKKA=="}


@pytest.mark.parametrize("name", ["user_slide", "input_slide", "whole_slide_image"])
@pytest.mark.parametrize("metadata_key", ["custom_metadata", "metadata"])
@pytest.mark.parametrize("media_key", ["media-type", "media_type"])
def test_payload_of_the_contract_is_accepted(user, name, metadata_key, media_key):
    run_id = user.create_run("he-tme", [{
        "external_id": "slide_1",
        "input_artifacts": [{"name": name, "download_url": "https://slides.example/s.tiff",
                             metadata_key: {**EXAMPLE_METADATA, media_key: "image/tiff"}}],
    }], version_number="1.0.0-beta")
    assert user.run(run_id)["version_number"] == "1.0.0-beta"
    [item] = user.items(run_id)
    [given] = item["input_artifacts"]
    assert given["name"] == "whole_slide_image"
    assert given["metadata"] == {**EXAMPLE_METADATA, "media_type": "image/tiff"}
    assert item["custom_metadata"] is None


def test_metadata_key_wins_over_its_alias(user):
    item = items()[0]
    item["input_artifacts"][0]["custom_metadata"] = {"not": "this"}
    [stored] = user.items(user.create_run("he-tme", [item]))
    assert stored["input_artifacts"][0]["metadata"]["width_px"] == 512


def test_times_of_any_offset_are_kept_as_utc(user):
    """PostgreSQL itself takes no offset of 16 hours or more."""
    run_id = user.create_run("he-tme", items(1), scheduling={
        "due_date": "2099-01-01T12:00:00.25-17:42", "deadline": "2099-02-01T00:00:00+23:59"})
    assert user.run(run_id)["scheduling"] == {"due_date": "2099-01-02T05:42:00.25Z",
                                              "deadline": "2099-01-31T00:01:00Z"}


def test_all_optional_fields_are_kept(user):
    run_id = user.create_run(
        "he-tme", items(2, custom_metadata={"x": [1, 2.50, "ü", None, {"y": True}]}),
        custom_metadata={"study": "high", "tags": ["draft"]}, callback_context={"ticket": 7},
        scheduling={"due_date": "2099-01-01T00:00:00Z", "deadline": "2099-02-01T00:00:00Z"})
    run = user.run(run_id)
    assert run["custom_metadata"] == {"study": "high", "tags": ["draft"]}
    assert run["scheduling"] == {"due_date": "2099-01-01T00:00:00Z", "deadline": "2099-02-01T00:00:00Z"}
    assert [item["custom_metadata"] for item in user.items(run_id)] == [
        {"x": [1, 2.5, "ü", None, {"y": True}]}] * 2


EXTERNAL_IDS = ["/data/a slide.svs", "Schnitt äöü 中文", "50%25", "a?b=c&d#e", "..", "x" * 255, "+",
                "ü" * 255]


@pytest.mark.parametrize("external_id", EXTERNAL_IDS, ids=range(len(EXTERNAL_IDS)))
def test_item_is_found_by_any_external_id(user, external_id):
    run_id = user.create_run("he-tme", items(1, external_id=external_id))
    path = f"/runs/{run_id}/items/{urllib.parse.quote(external_id, safe='').replace('.', '%2E')}"
    assert user.get(path).json()["external_id"] == external_id
    put = user.put(f"{path}/custom-metadata", json={"custom_metadata": {"a": 1}})
    assert put.status_code == 200
    assert user.get(path).json()["custom_metadata"] == {"a": 1}


def body(**changes):
    value = {"application_id": "he-tme", "items": items()}
    value.update(changes)
    return {key: one for key, one in value.items() if one is not ...}


def artifact(**changes):
    """The body of a run whose only artifact is changed so; ... takes a field away."""
    value = items()[0]["input_artifacts"][0]
    value.update(changes)
    kept = {key: one for key, one in value.items() if one is not ...}
    return body(items=items(1, input_artifacts=[kept]))


ITEM_0 = ["body", "items", 0]
ARTIFACT_0 = [*ITEM_0, "input_artifacts", 0]

# body → the places that the 422 names.
INVALID_BODIES = {
    "empty_object": ({}, [["body", "application_id"], ["body", "items"]]),
    "a_list": ([], [["body"]]),
    "application_id_number": (body(application_id=7), [["body", "application_id"]]),
    "application_id_null": (body(application_id=None), [["body", "application_id"]]),
    "version_number_list": (body(version_number=[]), [["body", "version_number"]]),
    "no_items": (body(items=[]), [["body", "items"]]),
    "items_object": (body(items={}), [["body", "items"]]),
    "item_text": (body(items=["x"]), [ITEM_0]),
    "item_empty": (body(items=[{}]), [[*ITEM_0, "external_id"], [*ITEM_0, "input_artifacts"]]),
    "external_id_empty": (body(items=items(1, external_id="")), [[*ITEM_0, "external_id"]]),
    "external_id_long": (body(items=items(1, external_id="x" * 256)), [[*ITEM_0, "external_id"]]),
    "external_id_number": (body(items=items(1, external_id=1)), [[*ITEM_0, "external_id"]]),
    "artifacts_null": (body(items=items(1, input_artifacts=None)), [[*ITEM_0, "input_artifacts"]]),
    "artifact_number": (body(items=items(1, input_artifacts=[1])), [ARTIFACT_0]),
    "artifact_without_name": (artifact(name=...), [[*ARTIFACT_0, "name"]]),
    "artifact_without_url": (artifact(download_url=...), [[*ARTIFACT_0, "download_url"]]),
    "artifact_without_metadata": (artifact(metadata=...), [[*ARTIFACT_0, "metadata"]]),
    "url_empty": (artifact(download_url=""), [[*ARTIFACT_0, "download_url"]]),
    "url_word": (artifact(download_url="slide.tiff"), [[*ARTIFACT_0, "download_url"]]),
    "url_ftp": (artifact(download_url="ftp://x.example/a"), [[*ARTIFACT_0, "download_url"]]),
    "url_file": (artifact(download_url="file:///etc/passwd"), [[*ARTIFACT_0, "download_url"]]),
    "url_without_host": (artifact(download_url="https:///a"), [[*ARTIFACT_0, "download_url"]]),
    "url_long": (artifact(download_url=f"https://x.example/{'a' * 2066}"),
                 [[*ARTIFACT_0, "download_url"]]),
    "metadata_list": (artifact(metadata=[]), [[*ARTIFACT_0, "metadata"]]),
    "metadata_alias_list": (artifact(metadata=..., custom_metadata=[]),
                            [[*ARTIFACT_0, "custom_metadata"]]),
    "custom_metadata_list": (body(custom_metadata=[]), [["body", "custom_metadata"]]),
    "item_metadata_text": (body(items=items(1, custom_metadata="x")), [[*ITEM_0, "custom_metadata"]]),
    "callback_context_long": (body(callback_context={"a": "x" * 1024}), [["body", "callback_context"]]),
    "deadline_past": (body(scheduling={"deadline": "2020-01-01T00:00:00Z"}),
                      [["body", "scheduling", "deadline"]]),
    "deadline_after_9999": (body(scheduling={"deadline": "9999-12-31T23:59:59-00:01"}),
                            [["body", "scheduling", "deadline"]]),
    "due_date_word": (body(scheduling={"due_date": "soon"}), [["body", "scheduling", "due_date"]]),
    "all_at_once": (body(application_id=1, custom_metadata=2, items=[{"external_id": ""}]),
                    [["body", "application_id"], ["body", "custom_metadata"],
                     [*ITEM_0, "external_id"], [*ITEM_0, "input_artifacts"]]),
    "second_item": (body(items=[*items(1), {}]),
                    [["body", "items", 1, "external_id"], ["body", "items", 1, "input_artifacts"]]),
}


@pytest.mark.parametrize("case", INVALID_BODIES)
def test_invalid_body_is_answered_with_its_fields(user, case):
    sent, want = INVALID_BODIES[case]
    answer = user.post("/runs", json=sent)
    assert answer.status_code == 422, answer.text
    assert field_problems(answer) == want
    assert user.get("/runs").json() == []


# A time → the type of its problem; None: it is accepted.
TIMES = {
    "9999-12-31T23:59:59.999999+00:00": None, "2040-01-01T00:00:00Z": None,
    "2040-01-01 00:00:00.5+02:00": None,
    "2040-01-01T00:00:00": "timezone_aware", "2040-01-01T00:00:00.123456": "timezone_aware",
    "2040-01-01": "datetime_parsing", "2040-01-01T00:00:00+02": "datetime_parsing",
    "2040-02-30T00:00:00": "datetime_parsing", "2020-01-01T00:00:00": "timezone_aware",
    "2020-01-01T00:00:00Z": "value_error",
}


@pytest.mark.parametrize("time", TIMES)
def test_a_time_needs_an_offset(user, time):
    bodies = [("/runs", ["scheduling", "due_date"], body(scheduling={"due_date": time})),
              ("/access/share-tokens", ["expires_at"], {"expires_at": time})]
    for path, place, sent in bodies:
        answer = user.post(path, json=sent)
        if TIMES[time] is None:
            assert answer.status_code == 201, answer.text
        else:
            assert answer.status_code == 422, answer.text
            [problem] = answer.json()["detail"]
            assert (problem["loc"], problem["type"]) == (["body", *place], TIMES[time])


BROKEN_TEXTS = {
    "nothing": b"", "word": b"hello", "half": b'{"application_id": "he-tme"', "nan": b'{"a": NaN}',
    "doubled_key": b'{"application_id": "he-tme", "application_id": "x"}', "latin_1": b'{"a": "\xe4"}',
    "deep": b'{"a":' + b"[" * 40 + b"]" * 40 + b"}", "trailing": b"{} {}",
}


@pytest.mark.parametrize("case", BROKEN_TEXTS)
def test_broken_json_is_refused(user, case):
    for answer in (user.post("/runs", data=BROKEN_TEXTS[case]),
                   user.put(f"/runs/{UNKNOWN}/custom-metadata", data=BROKEN_TEXTS[case])):
        assert answer.status_code == 422
        assert field_problems(answer)[0][0] == "body"


# A number → whether PostgreSQL's jsonb has a place for it.
NUMBERS = {"1e-16383": True, "0e-16383": True, "1e308": True, "0e1000000000": True, "1e-16384": False,
           "0e-16384": False, "-1.5E-99999999999": False, "0." + 16384 * "0": False, "0e1000000001": False}


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: number[:20])
def test_a_number_that_cannot_be_stored_is_named(user, number):
    run_id = user.create_run("he-tme", items())
    holder = f'{{"deep": [{{"number": {number}}}]}}'
    item = json.dumps(items(1, custom_metadata="?")[0]).replace('"?"', holder)
    plain = json.dumps(items())
    cases = [("POST", "/runs", f'{{"application_id": "he-tme", "custom_metadata": {holder}, "items": {plain}}}', ["body"]),
             ("POST", "/runs", f'{{"application_id": "he-tme", "items": [{item}]}}', ITEM_0),
             ("PUT", f"/runs/{run_id}/custom-metadata", f'{{"custom_metadata": {holder}}}', ["body"]),
             ("PUT", f"/runs/{run_id}/items/slide-0/custom-metadata", f'{{"custom_metadata": {holder}}}', ["body"])]
    for method, path, sent, place in cases:
        answer = user.request(method, path, data=sent)
        if NUMBERS[number]:
            assert answer.status_code in (200, 201), answer.text
        else:
            assert answer.status_code == 422, answer.text
            assert field_problems(answer) == [[*place, "custom_metadata"]]


# body → the places that the 400 names: well-formed, but not what the version wants.
REFUSED_INPUTS = {
    "doubled_external_id": (body(items=[*items(1), *items(1)]), [["body", "items", 1, "external_id"]]),
    "unknown_artifact": (artifact(name="tumour"),
                         [[*ARTIFACT_0, "name"], [*ITEM_0, "input_artifacts"]]),
    "no_artifact": (body(items=items(1, input_artifacts=[])), [[*ITEM_0, "input_artifacts"]]),
    "artifact_with_empty_name": (artifact(name=""),
                                 [[*ARTIFACT_0, "name"], [*ITEM_0, "input_artifacts"]]),
    "doubled_artifact": (body(items=items(1, input_artifacts=[
        *items(1, "input_slide")[0]["input_artifacts"],
        *items(1, "user_slide")[0]["input_artifacts"]])), [[*ITEM_0, "input_artifacts", 1, "name"]]),
}


@pytest.mark.parametrize("case", REFUSED_INPUTS)
def test_input_that_the_version_does_not_take_is_refused(user, case):
    sent, want = REFUSED_INPUTS[case]
    answer = user.post("/runs", json=sent)
    assert answer.status_code == 400, answer.text
    assert field_problems(answer) == want
    assert user.get("/runs").json() == []


# Refusals of everything else: (method, path, body) → status and, where clients look, the text.
RUN_PATHS = [("GET", ""), ("POST", "/cancel"), ("DELETE", "/artifacts"), ("PUT", "/custom-metadata"),
             ("GET", "/items"), ("GET", "/items/a"), ("PUT", "/items/a/custom-metadata")]


@pytest.mark.parametrize("method, path", RUN_PATHS)
def test_unknown_run_is_404(user, method, path):
    answer = user.request(method, f"/runs/{UNKNOWN}{path}", json={"custom_metadata": {}})
    assert answer.status_code == 404
    assert "not found" in detail(answer).lower()


@pytest.mark.parametrize("method, path", RUN_PATHS)
@pytest.mark.parametrize("run_id", ["1", "not-a-uuid", UNKNOWN + "0", UNKNOWN.replace("-", "")])
def test_run_id_that_is_no_uuid_is_422(user, method, path, run_id):
    answer = user.request(method, f"/runs/{run_id}{path}", json={"custom_metadata": {}})
    assert answer.status_code == 422
    assert field_problems(answer) == [["path", "run_id"]]


RUN_ID = ["path", "run_id"]
# What is wrong in several parts of a request: its path, its query, its body.
WRONG_ALL_OVER = {
    "two_ids": ("GET", "/runs/1/artifacts/2/file", None, [RUN_ID, ["path", "artifact_id"]]),
    "id_and_query": (
        "GET", "/runs/1/items?page=0&page_size=101&sort=colour&state=NEW&item_id__in=3", None,
        [RUN_ID, ["query", "page"], ["query", "page_size"], ["query", "sort", 0],
         ["query", "item_id__in", 0], ["query", "state"]]),
    "id_and_body": ("PUT", "/runs/1/custom-metadata",
                    {"custom_metadata": [], "custom_metadata_checksum": 4},
                    [RUN_ID, ["body", "custom_metadata"], ["body", "custom_metadata_checksum"]]),
    "id_and_body_of_item": ("PUT", "/runs/1/items/a/custom-metadata", {"custom_metadata": "b"},
                            [RUN_ID, ["body", "custom_metadata"]]),
    "id_and_no_object": ("PUT", "/runs/1/custom-metadata", [], [RUN_ID, ["body"]]),
}


@pytest.mark.parametrize("case", WRONG_ALL_OVER)
def test_what_is_wrong_in_path_query_and_body_is_said_at_once(user, case):
    method, path, sent, want = WRONG_ALL_OVER[case]
    answer = user.request(method, path, json=sent)
    assert answer.status_code == 422, answer.text
    assert field_problems(answer) == want


NOT_FOUND = {
    "item": ("GET", "/runs/{run}/items/nothing", None, 404, "Item not found"),
    "item_metadata": ("PUT", "/runs/{run}/items/nothing/custom-metadata", {"custom_metadata": None},
                      404, "Item not found"),
    "application": ("GET", "/applications/nothing", None, 404, "application not found"),
    "version": ("GET", "/applications/he-tme/versions/7.0.0", None, 404,
                "Application version not found"),
    "version_of_nothing": ("GET", "/applications/nothing/versions/1.0.0", None, 404,
                           "Application version not found"),
    "run_of_unknown_application": ("POST", "/runs", body(application_id="nothing"), 404,
                                   "application version not found"),
    "run_of_unknown_version": ("POST", "/runs", body(version_number="7.0.0"), 404,
                               "application version not found"),
    "run_of_hidden_application": ("POST", "/runs", body(application_id="secret-app"), 404,
                                  "application version not found"),
    "hidden_application": ("GET", "/applications/secret-app", None, 403, None),
    "hidden_version": ("GET", "/applications/secret-app/versions/1.0.0", None, 404,
                       "Application version not found"),
    "no_such_path": ("GET", "/nothing", None, 404, None),
    "no_such_method": ("PATCH", "/runs", None, 405, None),
}


@pytest.mark.parametrize("case", NOT_FOUND)
def test_what_is_not_there_is_said_so(user, case):
    method, path, sent, status, text = NOT_FOUND[case]
    run_id = user.create_run("he-tme", items()) if "{run}" in path else None
    answer = user.request(method, path.replace("{run}", str(run_id)), json=sent)
    assert answer.status_code == status, answer.text
    assert detail(answer) == (text or detail(answer))
    if status == 405:
        assert {"GET", "POST"} == set(answer.headers["Allow"].split(", "))


def test_version_that_is_no_semantic_version_is_422(user):
    answer = user.get("/applications/he-tme/versions/v1")
    assert answer.status_code == 422 and field_problems(answer) == [["path", "version"]]
