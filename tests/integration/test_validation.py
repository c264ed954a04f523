"""The rules of an application version: what a run's inputs must be like, and how a refusal names each
place. Cases are data: what is sent, and the (place, type) of every problem of the 400.
"""
import concurrent.futures
import json
import statistics
import threading
import time

import pytest

import harness
import sample_application

URL = "https://slides.example/a.svs"
VERSION_NOT_FOUND = "application version not found"

DISEASES = {"LUNG_CANCER": ["LUNG", "LIVER"], "BREAST_CANCER": ["BREAST", "BONE"]}
SLIDE_SCHEMA = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "type": "object", "additionalProperties": False,
    "required": ["checksum_base64_crc32c", "specimen"],
    "properties": {
        "checksum_base64_crc32c": {"type": "string", "pattern": "^[A-Za-z0-9+/]{6}==$"},
        "width_px": {"type": "integer", "minimum": 1},
        "resolution_mpp": {"anyOf": [{"type": "number", "minimum": 0.08, "maximum": 0.55},
                                     {"type": "null"}]},
        "media_type": {"enum": ["image/tiff", "application/dicom", None]},
        "tags": {"type": "array", "items": {"type": "string", "maxLength": 5}},
        "specimen": {"anyOf": [{"$ref": f"#/$defs/{name}"} for name in DISEASES]},
    },
    "$defs": {name: {"type": "object", "additionalProperties": False,
                     "required": ["disease", "tissue"],
                     "properties": {"disease": {"const": name}, "tissue": {"enum": tissues}}}
              for name, tissues in DISEASES.items()},
}
SLIDE = {"name": "whole_slide_image", "aliases": ["input_slide"], "mime_type": "image/tiff",
         "metadata_schema": SLIDE_SCHEMA}
MASK = {"name": "mask", "mime_type": "image/png", "metadata_schema": {"required": ["media-type"], "properties": {
    "media-type": {"const": "image/png"}}}}
GOOD = {"checksum_base64_crc32c": "64RKKA==",
        "specimen": {"disease": "LUNG_CANCER", "tissue": "LIVER"}}
SPECIMEN = "specimen"


@pytest.fixture(scope="module")
def served(cluster, module_folder):
    """strict-app wants one slide, pair-app a slide and a mask; secret-app is another hospital's."""
    applications = module_folder / "applications"
    value = harness.Platform(cluster, module_folder)
    value.add_organization("other-hospital")
    value.register(sample_application.write(applications, "strict-app", input_artifacts=[SLIDE]))
    value.register(sample_application.write(applications, "pair-app", input_artifacts=[SLIDE, MASK]))
    value.register(sample_application.write(applications, "secret-app", input_artifacts=[SLIDE]),
                   "--org", "other-hospital")
    yield from value.serve()


@pytest.fixture
def user(served, request):
    return served.client(f"user of {request.node.name}"[:200])


def artifact(metadata, name="whole_slide_image", key="metadata"):
    return {"name": name, "download_url": URL, key: metadata}


def item(*artifacts, external_id="a"):
    return {"external_id": external_id, "input_artifacts": list(artifacts)}


def slide(**changes):
    """One item with the metadata GOOD changed so; ... takes a member away."""
    metadata = {key: value for key, value in {**GOOD, **changes}.items() if value is not ...}
    return [item(artifact(metadata))]


def problems(answer):
    """[(place, type)] of a refusal."""
    assert answer.status_code == 400, answer.text
    return [(tuple(one["loc"]), one["type"]) for one in answer.json()["detail"]]


def place(*path, index=0, which=0, key="metadata"):
    return ("body", "items", index, "input_artifacts", which, key, *path)


# items → every problem of the answer. No problem: the run is made.
STRICT = {
    "good": (slide(), []),
    "all_members": (slide(width_px=3, resolution_mpp=0.25, media_type="image/tiff", tags=["x"]), []),
    "null_where_allowed": (slide(resolution_mpp=None, media_type=None), []),
    "integer_with_point": ([item(artifact({**GOOD, "width_px": 3.0}))], []),
    "alias": ([item(artifact(GOOD, name="input_slide"))], []),
    "old_key": ([item(artifact(GOOD, key="custom_metadata"))], []),
    "old_media_type": (slide(**{"media-type": "image/tiff"}), []),
    "nothing": ([item(artifact({}))],
                [(place("checksum_base64_crc32c"), "missing"), (place(SPECIMEN), "missing")]),
    "unknown_member": (slide(colour=1), [(place("colour"), "extra_forbidden")]),
    "member_with_odd_name": (slide(**{'a"b/ü\n': 1}), [(place('a"b/ü\n'), "extra_forbidden")]),
    "pattern": (slide(checksum_base64_crc32c="64RKKA"),
                [(place("checksum_base64_crc32c"), "string_pattern_mismatch")]),
    "too_small": (slide(width_px=0), [(place("width_px"), "greater_than_equal")]),
    "fraction": (slide(width_px=1.5), [(place("width_px"), "int_from_float")]),
    "text_for_number": (slide(width_px="1"), [(place("width_px"), "int_type")]),
    "truth_for_number": (slide(width_px=True), [(place("width_px"), "int_type")]),
    "too_large": (slide(resolution_mpp=0.56), [(place("resolution_mpp"), "less_than_equal")]),
    "neither_number_nor_null": (slide(resolution_mpp="0.5"), [(place("resolution_mpp"), "float_type")]),
    "enum": (slide(media_type="image/png"), [(place("media_type"), "enum")]),
    "old_media_type_wrong": (slide(**{"media-type": "image/png"}), [(place("media-type"), "enum")]),
    "both_media_types": (slide(**{"media-type": "image/tiff", "media_type": "image/tiff"}),
                         [(place("media-type"), "extra_forbidden")]),
    "element": (slide(tags=["x", "too long", 3]),
                [(place("tags", 1), "string_too_long"), (place("tags", 2), "string_type")]),
    "tissue_of_another_disease": (slide(specimen={"disease": "LUNG_CANCER", "tissue": "BONE"}),
                                  [(place(SPECIMEN, "tissue"), "enum")]),
    "unknown_disease": (slide(specimen={"disease": "FLU", "tissue": "LUNG"}),
                        [(place(SPECIMEN, "disease"), "literal_error")]),
    "no_disease": (slide(specimen={"tissue": "LUNG"}), [(place(SPECIMEN, "disease"), "missing")]),
    "no_tissue": (slide(specimen={"disease": "BREAST_CANCER", "x": 1}),
                  [(place(SPECIMEN, "x"), "extra_forbidden"), (place(SPECIMEN, "tissue"), "missing")]),
    "specimen_text": (slide(specimen="LUNG"), [(place(SPECIMEN), "dict_type")]),
    "old_key_is_named_as_sent": ([item(artifact({**GOOD, "width_px": 0}, key="custom_metadata"))],
                                 [(place("width_px", key="custom_metadata"), "greater_than_equal")]),
    "fourth_item": ([item(artifact(GOOD), external_id=str(index)) for index in range(3)] +
                    [item(artifact({**GOOD, "width_px": 0}), external_id="3")],
                    [(place("width_px", index=3), "greater_than_equal")]),
    "unknown_name": ([item(artifact(GOOD), artifact({}, name="mask"))],
                     [(("body", "items", 0, "input_artifacts", 1, "name"), "value_error")]),
    "twice_by_alias": ([item(artifact(GOOD), artifact(GOOD, name="input_slide"))],
                       [(("body", "items", 0, "input_artifacts", 1, "name"), "value_error")]),
    "all_at_once": (
        [item(artifact({**GOOD, "width_px": 0}), external_id="x"), item(artifact({}, name="mask"), external_id="x")],
        [(place("width_px"), "greater_than_equal"),
         (("body", "items", 1, "input_artifacts", 0, "name"), "value_error"),
         (("body", "items", 1, "input_artifacts"), "missing"),
         (("body", "items", 1, "external_id"), "value_error")]),
}
MASK_OF = {"media-type": "image/png"}
PAIR = {
    "both": ([item(artifact(GOOD), artifact(MASK_OF, name="mask"))], []),
    "other_order": ([item(artifact(MASK_OF, name="mask"), artifact(GOOD))], []),
    "mask_missing": ([item(artifact(GOOD))], [(("body", "items", 0, "input_artifacts"), "missing")]),
    # The mask's schema has media-type itself, so it is not renamed.
    "new_media_type": ([item(artifact(GOOD), artifact({"media_type": "image/png"}, name="mask"))],
                       [(place("media-type", which=1), "missing")]),
    "both_wrong": ([item(artifact(MASK_OF), artifact({"media-type": 1}, name="mask"))],
                   [(place("media-type"), "enum"), (place("checksum_base64_crc32c"), "missing"),
                    (place(SPECIMEN), "missing"), (place("media-type", which=1), "literal_error")]),
}
CASES = {**{name: ("strict-app", *case) for name, case in STRICT.items()},
         **{f"pair_{name}": ("pair-app", *case) for name, case in PAIR.items()}}


@pytest.mark.parametrize("case", CASES)
def test_inputs_are_checked_against_the_version(user, case):
    application, items, want = CASES[case]
    for parameters in ({"dry_run": "true"}, {}):
        answer = user.post("/runs", json={"application_id": application, "items": items}, params=parameters)
        if want:
            assert problems(answer) == want
        else:
            assert answer.status_code == (200 if parameters else 201), answer.text
    assert len(user.get("/runs").json()) == (0 if want else 1)


def test_a_problem_has_message_input_and_context(user):
    answer = user.post("/runs", json={"application_id": "strict-app", "items": slide(resolution_mpp=0.6)})
    assert answer.json() == {"detail": [{
        "loc": ["body", "items", 0, "input_artifacts", 0, "metadata", "resolution_mpp"],
        "msg": "Input should be less than or equal to 0.55", "type": "less_than_equal",
        "input": 0.6, "ctx": {"le": 0.55}}]}


def test_metadata_is_kept_as_it_was_checked(user):
    metadata = {**GOOD, "width_px": 7, "media-type": "image/tiff"}
    run_id = user.create_run("pair-app", [item(
        artifact(metadata, name="input_slide", key="custom_metadata"), artifact(MASK_OF, name="mask"))])
    [stored] = user.items(run_id)
    assert [(one["name"], one["metadata"]) for one in stored["input_artifacts"]] == [
        ("whole_slide_image", {**GOOD, "width_px": 7, "media_type": "image/tiff"}), ("mask", MASK_OF)]


def test_wrong_shape_comes_before_the_version_s_rules(user):
    items = [item(artifact({}), external_id=""), item(artifact(GOOD))]
    answer = user.post("/runs", json={"application_id": "strict-app", "items": items})
    assert answer.status_code == 422
    assert [one["loc"] for one in answer.json()["detail"]] == [["body", "items", 0, "external_id"]]


def test_rules_of_a_hidden_version_are_not_told(served, user):
    """Not even when the server knows them already from somebody who may see the version."""
    broken = {"application_id": "secret-app", "items": slide(width_px=0)}
    numbered = {**broken, "version_number": "1.0.0"}
    other = served.client("other user", "other-hospital")
    for body in (broken, numbered):
        assert problems(other.post("/runs", json=body)) == [(place("width_px"), "greater_than_equal")]
        answer = user.post("/runs", json=body)
        assert (answer.status_code, answer.json()) == (404, {"detail": VERSION_NOT_FOUND})


def test_a_new_latest_version_is_checked_at_once(served, user):
    folder = served.folder / "moving"
    served.register(sample_application.write(folder, "moving-app", "1.0.0", input_artifacts=[SLIDE]))
    wide = {"application_id": "moving-app", "items": slide(width_px=5)}
    narrow = {"application_id": "moving-app", "items": slide(width_px=500)}
    for body in (wide, narrow):
        assert user.post("/runs", json=body).status_code == 201
    schema = json.loads(json.dumps(SLIDE_SCHEMA))
    schema["properties"]["width_px"]["minimum"] = 100
    served.register(sample_application.write(folder, "moving-app", "1.1.0", input_artifacts=[
        {**SLIDE, "metadata_schema": schema}]))
    assert problems(user.post("/runs", json=wide)) == [(place("width_px"), "greater_than_equal")]
    assert user.run(user.post("/runs", json=narrow).json()["run_id"])["version_number"] == "1.1.0"
    old = user.post("/runs", json={**wide, "version_number": "1.0.0"})
    assert user.run(old.json()["run_id"])["version_number"] == "1.0.0"


def test_a_repeated_key_gives_its_run_whatever_the_rules_are_now(served, user):
    folder = served.folder / "keyed"
    served.register(sample_application.write(folder, "keyed-app", "1.0.0", input_artifacts=[SLIDE]))
    body = {"application_id": "keyed-app", "items": slide(width_px=5)}
    headers = {"Idempotency-Key": "one-of-a-kind"}
    first = user.post("/runs", json=body, headers=headers)
    assert first.status_code == 201
    schema = {**SLIDE_SCHEMA, "required": [*SLIDE_SCHEMA["required"], "tags"]}
    served.register(sample_application.write(folder, "keyed-app", "2.0.0", input_artifacts=[
        {**SLIDE, "metadata_schema": schema}]))
    assert problems(user.post("/runs", json=body)) == [(place("tags"), "missing")]
    again = user.post("/runs", json=body, headers=headers)
    assert (again.status_code, again.json()) == (201, first.json())
    other = user.post("/runs", json={**body, "custom_metadata": {}}, headers=headers)
    assert other.status_code == 422


def test_a_refused_key_may_be_used_again(user):
    headers = {"Idempotency-Key": "second-try"}
    broken = {"application_id": "strict-app", "items": slide(width_px=0)}
    assert user.post("/runs", json=broken, headers=headers).status_code == 400
    fixed = {"application_id": "strict-app", "items": slide(width_px=1)}
    assert user.post("/runs", json=fixed, headers=headers).status_code == 201


def test_at_most_a_hundred_problems_are_told(user):
    items = [item(artifact({}), external_id=str(index)) for index in range(200)]
    answer = user.post("/runs", json={"application_id": "strict-app", "items": items})
    assert len(problems(answer)) == 100


def test_many_at_once_agree(served):
    """Nobody's rules are mixed up while all learn them at the same time."""
    cases = [(index, name) for index in range(8) for name in ("good", "too_small", "unknown_disease")]

    def send(case):
        client = served.client(f"user {case[0]}", f"org-{case[0]}")
        return client.post("/runs", json={"application_id": "strict-app", "items": STRICT[case[1]][0]},
                           params={"dry_run": "true"})

    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(send, cases))
    for (_, name), answer in zip(cases, answers):
        want = STRICT[name][1]
        assert answer.status_code == (400 if want else 200), answer.text
        assert not want or problems(answer) == want


def test_ten_thousand_items_hold_up_nobody(served, user):
    """While they are checked, a small request is answered many times sooner than they are."""
    count = 10_000
    items = [item(artifact({**GOOD, "width_px": 5}), external_id=str(index)) for index in range(count)]
    items[-1] = item(artifact({**GOOD, "width_px": 0}), external_id="last")
    body = json.dumps({"application_id": "strict-app", "items": items})
    done = threading.Event()
    waits = []

    def look():
        client = served.client("somebody else")
        while not done.is_set():
            started = time.monotonic()
            assert client.get("/applications").status_code == 200
            waits.append(time.monotonic() - started)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        started = time.monotonic()
        for _ in range(5):
            answer = user.post("/runs", data=body)
            assert problems(answer) == [(place("width_px", index=count - 1), "greater_than_equal")]
        took = (time.monotonic() - started) / 5
    finally:
        done.set()
        watcher.join()
    assert len(waits) > 20
    assert statistics.median(waits) < max(took / 4, 0.05)


def test_a_version_with_a_schema_of_another_draft_is_not_registered(served):
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object"}
    folder = sample_application.write(served.folder / "drafts", "modern-app", input_artifacts=[
        {**SLIDE, "metadata_schema": schema}])
    failed = served.slideway("app", "register", folder, check=False)
    assert failed.returncode != 0
    assert "input_artifacts[0].metadata_schema: $schema is" in failed.stderr
    assert "only draft-07 is read" in failed.stderr
