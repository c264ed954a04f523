"""What a caller changes: cancelling, deleting artifacts, custom metadata."""
import concurrent.futures
import re

import pytest
import requests

import harness
from public_api import OUTPUT_TEXT, detail, field_problems, items

TIME = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
OUTPUT_KEYS = {
    "output_artifact_id", "name", "metadata", "state", "termination_reason", "output", "error_code",
    "error_message", "download_url"}


# Cancel.

SKIPPED_TEXT = ("The item was not processed because the run was cancelled by the user before the item "
                "was processed.")


def test_cancel_ends_the_run_once(user, worker):
    run_id = user.create_run("he-tme", items(3))
    worker.succeed(run_id, {"tissue_qc:csv_class_information": OUTPUT_TEXT})
    _, processing = worker.claim(run_id)
    assert user.run(run_id)["state"] == "PROCESSING"
    answer = user.post(f"/runs/{run_id}/cancel")
    assert (answer.status_code, answer.json()) == (202, None)
    run = user.run(run_id)
    assert (run["state"], run["termination_reason"], run["output"]) == (
        "TERMINATED", "CANCELED_BY_USER", "PARTIAL")
    assert TIME.match(run["terminated_at"])
    assert run["statistics"] == {
        "item_count": 3, "item_pending_count": 0, "item_processing_count": 0,
        "item_user_error_count": 0, "item_system_error_count": 0, "item_skipped_count": 2,
        "item_succeeded_count": 1}
    done, *skipped = user.items(run_id)
    assert done["termination_reason"] == "SUCCEEDED"
    assert requests.get(done["output_artifacts"][0]["download_url"], timeout=30).content == OUTPUT_TEXT
    for item in skipped:
        assert (item["state"], item["termination_reason"], item["output"], item["error_message"]) == (
            "TERMINATED", "SKIPPED", "NONE", SKIPPED_TEXT)
    assert worker.finish(processing, "SUCCEEDED") == "LEASE_LOST"
    again = user.post(f"/runs/{run_id}/cancel")
    assert again.status_code == 409 and detail(again)
    assert user.run(run_id) == run


def test_processed_run_cannot_be_cancelled(user, worker):
    run_id = user.create_run("he-tme", items())
    worker.succeed(run_id, {"tissue_qc:csv_class_information": OUTPUT_TEXT})
    run = user.run(run_id)
    assert (run["state"], run["termination_reason"], run["output"]) == (
        "TERMINATED", "ALL_ITEMS_PROCESSED", "FULL")
    assert user.post(f"/runs/{run_id}/cancel").status_code == 409
    assert user.run(run_id) == run


def test_of_many_cancels_at_once_one_wins(api, user):
    run_id = user.create_run("he-tme", items(20))

    def cancel(_):
        client = harness.Client(api.api_url, user.session.headers["Authorization"][7:])
        return client.post(f"/runs/{run_id}/cancel").status_code
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        codes = sorted(pool.map(cancel, range(16)))
    assert codes == [202] + [409] * 15
    assert user.run(run_id)["statistics"]["item_skipped_count"] == 20


# Deletion of artifacts.

def test_artifacts_are_deleted_once_and_only_after_the_end(user, worker):
    run_id = user.create_run("he-tme", items(2))
    worker.succeed(run_id, {"tissue_qc:csv_class_information": OUTPUT_TEXT})
    early = user.delete(f"/runs/{run_id}/artifacts")
    assert early.status_code == 409 and detail(early)
    assert user.items(run_id)[0]["output_artifacts"][0]["output"] == "AVAILABLE"
    worker.fail(run_id, "USER_ERROR", None, "bad")
    before = user.run(run_id)
    answer = user.delete(f"/runs/{run_id}/artifacts")
    assert (answer.status_code, answer.json()) == (200, None)
    item = user.items(run_id)[0]
    [deleted] = item["output_artifacts"]
    assert set(deleted) == OUTPUT_KEYS
    assert (deleted["output"], deleted["download_url"]) == ("DELETED_BY_USER", None)
    assert (item["state"], item["termination_reason"]) == ("TERMINATED", "SUCCEEDED")
    assert user.run(run_id) == before
    again = user.delete(f"/runs/{run_id}/artifacts")
    assert again.status_code == 410 and detail(again)


# Custom metadata.

@pytest.fixture(params=["", "/items/slide-0"], ids=["run", "item"])
def described(request, user):
    """Path of a run or item whose custom metadata is {"a": 1}."""
    run_id = user.create_run("he-tme", items(1, custom_metadata={"a": 1}), custom_metadata={"a": 1})
    return f"/runs/{run_id}{request.param}"


def metadata_of(user, path):
    answer = user.get(path).json()
    return answer["custom_metadata"], answer["custom_metadata_checksum"]


def put_metadata(user, path, **sent):
    return user.put(f"{path}/custom-metadata", json=sent)


def test_metadata_is_replaced_when_the_checksum_is_known(user, described):
    metadata, checksum = metadata_of(user, described)
    assert metadata == {"a": 1} and checksum
    answer = put_metadata(user, described, custom_metadata={"b": {"c": [1, 2]}},
                          custom_metadata_checksum=checksum)
    assert answer.status_code == 200
    changed = answer.json()["custom_metadata_checksum"]
    assert changed != checksum
    assert metadata_of(user, described) == ({"b": {"c": [1, 2]}}, changed), "replaced, not merged"
    stale = put_metadata(user, described, custom_metadata={"d": 1}, custom_metadata_checksum=checksum)
    assert stale.status_code == 412 and detail(stale)
    assert metadata_of(user, described) == ({"b": {"c": [1, 2]}}, changed)


def test_metadata_is_overwritten_without_a_checksum(user, described):
    for sent in ({"custom_metadata": {"x": 1}}, {"custom_metadata": {"y": 2}, "custom_metadata_checksum": None}):
        assert put_metadata(user, described, **sent).status_code == 200
        assert metadata_of(user, described)[0] == sent["custom_metadata"]


def test_metadata_can_be_taken_away_and_come_back(user, described):
    _, checksum = metadata_of(user, described)
    answer = put_metadata(user, described, custom_metadata=None, custom_metadata_checksum=checksum)
    assert (answer.status_code, answer.json()) == (200, {"custom_metadata_checksum": None})
    assert metadata_of(user, described) == (None, None)
    assert put_metadata(user, described, custom_metadata={}, custom_metadata_checksum=checksum
                        ).status_code == 412
    assert put_metadata(user, described, custom_metadata={}).status_code == 200
    assert metadata_of(user, described)[0] == {}


@pytest.mark.parametrize("sent, want", [
    ({"custom_metadata": []}, ["body", "custom_metadata"]),
    ({"custom_metadata": "x"}, ["body", "custom_metadata"]),
    ({"custom_metadata": {}, "custom_metadata_checksum": 7}, ["body", "custom_metadata_checksum"]),
    ({"custom_metadata": {"a": "x" * 65536}}, ["body", "custom_metadata"])],
    ids=["list", "text", "checksum", "large"])
def test_metadata_that_is_not_valid_is_refused(user, described, sent, want):
    answer = put_metadata(user, described, **sent)
    assert answer.status_code == 422 and field_problems(answer) == [want]
    assert metadata_of(user, described)[0] == {"a": 1}


def test_of_many_changes_with_one_checksum_one_wins(api, user, described):
    _, checksum = metadata_of(user, described)

    def change(number):
        client = harness.Client(api.api_url, user.session.headers["Authorization"][7:])
        return put_metadata(client, described, custom_metadata={"number": number},
                            custom_metadata_checksum=checksum).status_code
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        codes = list(pool.map(change, range(16)))
    assert sorted(codes) == [200] + [412] * 15
    assert metadata_of(user, described)[0] == {"number": codes.index(200)}


def test_metadata_of_an_ended_run_may_change(user, worker):
    run_id = user.create_run("he-tme", items())
    worker.succeed(run_id, {})
    for path in (f"/runs/{run_id}", f"/runs/{run_id}/items/slide-0"):
        assert put_metadata(user, path, custom_metadata={"late": True}).status_code == 200
        assert metadata_of(user, path)[0] == {"late": True}
