"""The reference's own Python client against a running platform: all it can do with an account.

Every request goes through the package `aignostics` and its generated models, which are strict about
types, enums and patterns; the assertions here are about what the answers mean.
"""
import datetime
import os
import uuid

import harness
import pytest

AIGNOSTICS = {
    "AIGNOSTICS_AUDIENCE": harness.AUDIENCE,
    "AIGNOSTICS_CLIENT_ID_INTERACTIVE": "conformance",
    "AIGNOSTICS_RUN_CACHE_TTL": "1",
    "AIGNOSTICS_SENTRY_ENABLED": "0",
    "AIGNOSTICS_LOGFIRE_ENABLED": "0",
}
WAIT_SECONDS = 60


@pytest.fixture(scope="module")
def platform(cluster_platform):
    return cluster_platform


@pytest.fixture(scope="module")
def sdk(platform, tmp_path_factory):
    """The package, pointed at the platform the way its users do it: by environment."""
    os.environ.update(AIGNOSTICS)
    os.environ.update({
        "AIGNOSTICS_API_ROOT": platform.api_url,
        "AIGNOSTICS_AUTHORIZATION_BASE_URL": f"{platform.api_url}/authorize",
        "AIGNOSTICS_TOKEN_URL": f"{platform.api_url}/oauth/token",
        "AIGNOSTICS_REDIRECT_URI": "http://localhost:8989/",
        "AIGNOSTICS_DEVICE_URL": f"{platform.api_url}/oauth/device/code",
        "AIGNOSTICS_JWS_JSON_URL": f"{platform.api_url}/.well-known/jwks.json",
        "AIGNOSTICS_CACHE_DIR": str(tmp_path_factory.mktemp("cache")),
    })
    import aignostics.platform
    return aignostics.platform


def client_of(sdk, platform, user, organization="org-a", **claims):
    token = platform.issuer.token(user, organization, **claims)
    return sdk.Client(token_provider=lambda: token)


@pytest.fixture(scope="module")
def ada(sdk, platform):
    return client_of(sdk, platform, "ada", email="ada@example.org", name="Ada")


@pytest.fixture(scope="module")
def grace(sdk, platform):
    """Someone of another organisation."""
    client = client_of(sdk, platform, "grace", "org-b")
    client.me()
    return client


@pytest.fixture(scope="module")
def slide(tmp_path_factory):
    return harness.make_slide(tmp_path_factory.mktemp("slide") / "slide.tiff")


def items(platform, slide, *external_ids, user="ada", metadata=None):
    from aignx.codegen.models import InputArtifactCreationRequest, ItemCreationRequest
    uploader = harness.Client(platform.api_url, platform.issuer.token(user, "org-a"))
    url = uploader.upload(slide)
    return [ItemCreationRequest(
        external_id=external_id, custom_metadata=dict(metadata or {}),
        input_artifacts=[InputArtifactCreationRequest(
            name="whole_slide_image", download_url=url,
            metadata={"checksum_base64_crc32c": harness.crc32c(slide.read_bytes()),
                      "width_px": 512, "height_px": 512, "resolution_mpp": 0.5,
                      "media_type": "image/tiff"})]) for external_id in external_ids]


def wait(run):
    from aignx.codegen.models import RunState
    return harness.wait_for(
        "the run's end", lambda: (details := run.details(nocache=True)).state == RunState.TERMINATED
        and details, WAIT_SECONDS, 0.2)


@pytest.fixture(scope="module")
def finished(ada, platform, slide):
    """A run of two slides that has ended, one of them with a path as its external_id (a relative
    one: the client downloads into a folder of that name)."""
    run = ada.runs.submit("test-app", items(platform, slide, "slide-1", "data/a b%/ä.svs",
                                            metadata={"block": "A1"}),
                          custom_metadata={"study": "high", "score": 0.9, "sdk": {"tags": ["first"]}})
    wait(run)
    return run


def test_me(ada):
    me = ada.me()
    assert (me.user.id, me.user.email, me.organization.id) == ("ada", "ada@example.org", "org-a")


def test_applications_and_versions(ada):
    assert "test-app" in [application.application_id for application in ada.applications.list()]
    application = ada.application("test-app")
    assert application.name == "Test Application"
    assert [version.number for version in ada.versions.list("test-app")] == ["1.0.0"]
    assert ada.versions.latest("test-app").number == "1.0.0"
    version = ada.application_version("test-app")
    assert [artifact.name for artifact in version.input_artifacts] == ["whole_slide_image"]
    assert len(version.output_artifacts) == 6


def test_documents(ada, tmp_path):
    documents = ada.versions.documents("test-app", "1.0.0")
    names = [document.name for document in documents.list()]
    assert names
    assert documents.details(names[0]).name == names[0]
    content = documents.read_content(names[0])
    assert content
    assert documents.download_to_path(names[0], tmp_path).read_bytes() == content


def test_what_is_not_there_is_not_found(ada):
    from aignx.codegen.exceptions import ApiException, NotFoundException
    with pytest.raises(NotFoundException):
        ada.application_version("test-app", "9.9.9")
    with pytest.raises(NotFoundException):
        ada.run(str(uuid.uuid4())).details(nocache=True)
    with pytest.raises(ApiException) as wrong:
        ada.run("4711").details(nocache=True)
    assert wrong.value.status == 422


def test_a_run_ends_with_all_its_results(ada, finished):
    from aignx.codegen.models import ItemTerminationReason, RunOutput, RunTerminationReason
    details = finished.details(nocache=True)
    assert details.output == RunOutput.FULL
    assert details.termination_reason == RunTerminationReason.ALL_ITEMS_PROCESSED
    assert details.statistics.item_succeeded_count == 2
    assert details.submitted_by == "ada"
    results = list(finished.results(nocache=True))
    assert [item.external_id for item in results] == ["slide-1", "data/a b%/ä.svs"]
    for item in results:
        assert item.termination_reason == ItemTerminationReason.SUCCEEDED
        assert len(item.output_artifacts) == 6 and len(item.input_artifacts) == 1


def test_results_are_filtered(finished):
    from aignx.codegen.models import ItemState, ItemTerminationReason
    all_ids = {item.external_id: item.item_id for item in finished.results(nocache=True)}
    path = "data/a b%/ä.svs"

    def found(**filters):
        return [item.external_id for item in finished.results(nocache=True, **filters)]
    assert found(external_ids=[path]) == [path]
    assert found(item_ids=[all_ids["slide-1"]]) == ["slide-1"]
    assert len(found(state=ItemState.TERMINATED)) == 2
    assert found(state=ItemState.PENDING) == []
    assert found(termination_reason=ItemTerminationReason.USER_ERROR) == []
    assert len(found(custom_metadata='$.block ? (@ == "A1")')) == 2
    assert found(custom_metadata='$.block ? (@ == "B2")') == []


def test_results_are_downloaded_and_verified(finished, tmp_path):
    from aignostics.platform import calculate_file_crc32c
    finished.download_to_folder(tmp_path, print_status=False)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == 12
    for item in finished.results(nocache=True):
        for artifact in item.output_artifacts:
            [path] = [path for path in files if path.name.startswith(artifact.name + ".")
                      and item.external_id in str(path)]
            assert calculate_file_crc32c(path) == artifact.metadata["checksum_base64_crc32c"]


@pytest.mark.parametrize("sort", [
    "run_id", "-run_id", "+application_id", "-version_number", "custom_metadata", "-submitted_at",
    "submitted_by", "-terminated_at", "termination_reason", "state", "-status", "organization_id",
    "application_version_id"])
def test_runs_are_listed_in_any_order(ada, finished, sort):
    assert finished.run_id in [run.run_id for run in ada.runs.list(sort=sort, nocache=True)]


@pytest.mark.parametrize("filters,matches", [
    ({"application_id": "test-app"}, True), ({"application_id": "other"}, False),
    ({"application_id": "test-app", "application_version": "1.0.0"}, True),
    ({"application_version": "2.0.0"}, False),
    ({"external_id": "data/a b%/ä.svs"}, True), ({"external_id": "nothing"}, False),
    ({"custom_metadata": '$.study ? (@ == "high")'}, True),
    ({"custom_metadata": "$.score ? (@ > 0.75)"}, True),
    ({"custom_metadata": "$.score ? (@ > 0.95)"}, False),
    ({"custom_metadata": '$.sdk.tags[*] ? (@ == "first")'}, True),
    ({"custom_metadata": '$.sdk.tags ? (@ like_regex "^FI" flag "i")'}, True),
    ({"page_size": 5}, True)])
def test_runs_are_filtered(ada, finished, filters, matches):
    found = [run.run_id for run in ada.runs.list(nocache=True, **filters)]
    assert (finished.run_id in found) == matches


def test_listing_goes_through_all_pages(ada, platform, slide):
    made = {ada.runs.submit("test-app", items(platform, slide, f"page-{number}")).run_id
            for number in range(7)}
    listed = [run.run_id for run in ada.runs.list(page_size=5, sort="-submitted_at", nocache=True)]
    assert made <= set(listed) and len(listed) == len(set(listed))


def test_organization_is_for_its_administrator(sdk, platform, ada, finished):
    from aignx.codegen.exceptions import ForbiddenException
    admin = client_of(sdk, platform, "olga", role="admin")
    assert finished.run_id in [run.run_id for run in admin.runs.list(for_organization="org-a")]
    with pytest.raises(ForbiddenException):
        list(ada.runs.list(for_organization="org-a", nocache=True))


def test_a_run_is_cancelled_once(ada, platform, slide):
    from aignx.codegen.exceptions import ApiException
    from aignx.codegen.models import RunTerminationReason
    platform.worker.stop()
    try:
        run = ada.runs.submit("test-app", items(platform, slide, "cancelled"))
        run.cancel()
        details = run.details(nocache=True)
        assert details.termination_reason == RunTerminationReason.CANCELED_BY_USER
        assert details.statistics.item_skipped_count == 1
        with pytest.raises(ApiException) as again:
            run.cancel()
        assert again.value.status == 409
    finally:
        platform.start_worker()


def test_scheduling_and_callback_context_are_taken(ada, platform, slide):
    from aignx.codegen.models import SchedulingRequest
    due = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=2)
    run = ada.runs.submit("test-app", items(platform, slide, "scheduled"),
                          scheduling=SchedulingRequest(due_date=due, deadline=due),
                          callback_context={"case": 7})
    assert abs(run.details(nocache=True).scheduling.due_date - due) < datetime.timedelta(seconds=1)


def test_metadata_is_replaced_under_its_checksum(ada, finished):
    from aignx.codegen.exceptions import ApiException
    before = finished.details(nocache=True)
    new = {**before.custom_metadata, "study": "low"}
    finished.update_custom_metadata(dict(new), custom_metadata_checksum=before.custom_metadata_checksum)
    after = finished.details(nocache=True)
    assert after.custom_metadata["study"] == "low"
    assert after.custom_metadata_checksum != before.custom_metadata_checksum
    with pytest.raises(ApiException) as conflict:
        finished.update_custom_metadata(dict(new), custom_metadata_checksum=before.custom_metadata_checksum)
    assert conflict.value.status == 412
    finished.update_custom_metadata({**new, "study": "high"})


def test_item_metadata_is_replaced_under_its_checksum(finished):
    from aignx.codegen.exceptions import ApiException
    path = "data/a b%/ä.svs"
    [before] = finished.results(nocache=True, external_ids=[path])
    finished.update_item_custom_metadata(path, {"block": "A1", "checked": True},
                                         custom_metadata_checksum=before.custom_metadata_checksum)
    [after] = finished.results(nocache=True, external_ids=[path])
    assert after.custom_metadata["checked"] is True
    with pytest.raises(ApiException) as conflict:
        finished.update_item_custom_metadata(path, {}, custom_metadata_checksum=before.custom_metadata_checksum)
    assert conflict.value.status == 412


def test_a_grant_lets_another_user_see_until_it_is_revoked(ada, grace, finished):
    from aignx.codegen.exceptions import ForbiddenException
    from aignx.codegen.models import GrantRelation, SubjectType
    shared = grace.run(finished.run_id)
    with pytest.raises(ForbiddenException):
        shared.details(nocache=True)
    grant = finished.grant_access(SubjectType.USER, "grace")
    assert grant.relation == GrantRelation.VIEWER and not grant.revoked
    assert shared.details(nocache=True).run_id == finished.run_id
    assert len(list(shared.results(nocache=True))) == 2
    with pytest.raises(ForbiddenException):
        shared.cancel()
    assert grant.grant_id in [one.grant_id for one in finished.list_share_grants(nocache=True)]
    grant.revoke()
    with pytest.raises(ForbiddenException):
        shared.details(nocache=True)


def test_a_share_token_lets_its_holder_see_until_it_is_revoked(sdk, ada, grace, finished):
    from aignx.codegen.exceptions import ApiException, ForbiddenException
    from aignx.codegen.models import SubjectType
    token = ada.share_tokens.create()
    assert token.share_token.startswith("shr_")
    finished.grant_access(SubjectType.SHARE_TOKEN, token.share_token_id)
    shared = sdk.Run(grace.runs._api, finished.run_id, share_token=token.share_token)
    assert shared.details(nocache=True).run_id == finished.run_id
    [item, _] = shared.results(nocache=True)
    assert shared.get_artifact_download_url(item.output_artifacts[0].output_artifact_id).startswith("http")
    assert token.share_token_id in [one.share_token_id for one in ada.share_tokens.list(nocache=True)]
    assert len(list(token.list_share_grants())) == 1
    token.revoke()
    with pytest.raises(ForbiddenException):
        shared.details(nocache=True)
    with pytest.raises(ApiException) as again:
        token.revoke()
    assert again.value.status == 409


def test_deleted_results_are_gone(ada, platform, slide):
    from aignx.codegen.exceptions import ApiException
    from aignx.codegen.models import ArtifactOutput
    platform.worker.stop()
    try:
        run = ada.runs.submit("test-app", items(platform, slide, "deleted"))
        with pytest.raises(ApiException) as early:
            run.delete()
        assert early.value.status == 409
    finally:
        platform.start_worker()
    wait(run)
    run.delete()
    [item] = run.results(nocache=True)
    assert {artifact.output for artifact in item.output_artifacts} == {ArtifactOutput.DELETED_BY_USER}
    with pytest.raises(ApiException) as gone:
        run.get_artifact_download_url(item.output_artifacts[0].output_artifact_id)
    assert gone.value.status == 410


def test_a_bad_request_is_refused_before_anything_is_made(ada, platform, slide):
    from aignx.codegen.exceptions import ApiException
    from aignx.codegen.models import RunCreationRequest
    [item] = items(platform, slide, "twice")
    with pytest.raises(ApiException) as refused:
        ada.runs._api.create_run_v1_runs_post(
            RunCreationRequest(application_id="test-app", items=[item, item]))
    assert refused.value.status == 400
    assert not list(ada.runs.list(external_id="twice", nocache=True))


def test_a_large_run_is_taken_before_the_client_gives_up(ada, platform, slide):
    from aignostics.platform import settings
    assert settings().run_submit_timeout == 30
    platform.worker.stop()
    try:
        run = ada.runs.submit("test-app", items(platform, slide, *[f"s-{n}" for n in range(2000)]))
        assert run.details(nocache=True).statistics.item_count == 2000
        run.cancel()
    finally:
        platform.start_worker()
