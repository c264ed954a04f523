"""What the tests of the public API share: a server without a worker, its users, and how its refusals
look. The tests end the items themselves, so that every state stands still while it is looked at.
"""
import pytest

import hand_worker
import harness
import sample_application

UNKNOWN = "01900000-0000-7000-8000-00000000abcd"
OUTPUT_TEXT = b"area,42\n"
URL = "https://slides.example/a.tiff"


@pytest.fixture(scope="module")
def api(cluster, module_folder):
    """A server; he-tme in three versions for everyone, secret-app for the other hospital only."""
    applications = module_folder / "applications"
    folders = [sample_application.write(applications, "he-tme", version,
                                        outputs=("tissue_qc:csv_class_information",))
               for version in ("1.0.0-beta", "1.0.0", "0.9.0")]
    secret = sample_application.write(applications, "secret-app")
    value = harness.Platform(cluster, module_folder, applications=("test-app", *folders))
    value.add_organization("other-hospital")
    value.register(secret, "--org", "other-hospital")
    yield from value.serve()


@pytest.fixture
def worker(api):
    return hand_worker.HandWorker(api)


@pytest.fixture
def user(api, request):
    """A user of this test alone, of the organisation hospital."""
    return api.client(f"user of {request.node.name}"[:200])


@pytest.fixture(scope="module")
def shown(api):
    """A run that has an item in each end that items have, and one that waits."""
    client = api.client("grace")
    hand = hand_worker.HandWorker(api)
    four = items(4)
    four[0]["custom_metadata"] = {"case_id": "C-1", "flags": ["reviewed"]}
    run_id = client.create_run("he-tme", four, version_number="1.0.0", custom_metadata={"b": 1, "a": 2})
    hand.succeed(run_id, {"tissue_qc:csv_class_information": OUTPUT_TEXT})
    hand.fail(run_id, "USER_ERROR", "WRONG_STAIN", "The slide is not stained.")
    hand.fail(run_id, "SYSTEM_ERROR", None, "The application fell over.")
    return run_id


@pytest.fixture(params=["/api/v1", "/v1"])
def reader(request, api):
    """The user who submitted `shown`, at one of the two addresses."""
    return harness.Client(api.api_url, api.issuer.token("grace", "hospital"), request.param)


def items(count=1, name="whole_slide_image", **fields):
    return [{**harness.slide_item(f"slide-{index}", URL, b"", name=name), **fields}
            for index in range(count)]


def detail(answer):
    """The detail of a refusal that is no 422: one sentence."""
    body = answer.json()
    assert set(body) == {"detail"} and isinstance(body["detail"], str) and body["detail"], body
    return body["detail"]


def field_problems(answer):
    """The places that a 422 or 400 names, with the shape that clients parse."""
    body = answer.json()
    assert set(body) == {"detail"} and body["detail"], body
    for problem in body["detail"]:
        assert {"loc", "msg", "type"} <= set(problem) <= {"loc", "msg", "type", "input", "ctx"}
        assert isinstance(problem["msg"], str) and problem["msg"]
        assert isinstance(problem["type"], str) and problem["type"]
        assert all(isinstance(part, (str, int)) for part in problem["loc"])
    return [problem["loc"] for problem in body["detail"]]


def ids(answer, key="run_id"):
    assert answer.status_code == 200, answer.text
    return [one[key] for one in answer.json()]
