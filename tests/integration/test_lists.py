"""Lists: pages, order, filters, and the parameters that are refused."""
import pytest

from public_api import UNKNOWN, field_problems, ids, items

LISTS = ["/runs", "/applications", "/runs/{run}/items"]
INVALID_QUERIES = {
    "page_0": ("page=0", ["query", "page"], LISTS),
    "page_negative": ("page=-1", ["query", "page"], LISTS),
    "page_word": ("page=x", ["query", "page"], LISTS),
    "page_size_0": ("page_size=0", ["query", "page_size"], LISTS),
    "page_size_101": ("page_size=101", ["query", "page_size"], LISTS),
    "page_size_word": ("page_size=many", ["query", "page_size"], LISTS),
    "page_hyphen_size_101": ("page-size=101", ["query", "page-size"], LISTS),
    "sort_unknown": ("sort=shoe_size", ["query", "sort", 0], LISTS),
    "sort_second_unknown": ("sort=-{first}&sort=-shoe_size", ["query", "sort", 1], LISTS),
    "state": ("state=DONE", ["query", "state"], LISTS[2:]),
    "termination_reason": ("termination_reason=LOST", ["query", "termination_reason"], LISTS[2:]),
    "item_id": ("item_id__in=7", ["query", "item_id__in", 0], LISTS[2:]),
    "jsonpath": ("custom_metadata=%24.a%20%3F%20(", ["query", "custom_metadata"], [LISTS[0], LISTS[2]]),
    "jsonpath_long": (f"custom_metadata=%24.{'a' * 1000}", ["query", "custom_metadata"],
                      [LISTS[0], LISTS[2]]),
}
INVALID_QUERY_CASES = [(case, path) for case, (_, _, paths) in INVALID_QUERIES.items() for path in paths]
FIRST_SORT = {"/runs": "submitted_at", "/applications": "name", "/runs/{run}/items": "external_id"}


@pytest.mark.parametrize("case, path", INVALID_QUERY_CASES)
def test_invalid_parameter_of_a_list_is_422(reader, shown, case, path):
    query, place, _ = INVALID_QUERIES[case]
    query = query.replace("{first}", FIRST_SORT[path])
    answer = reader.get(f"{path.replace('{run}', shown)}?{query}")
    assert answer.status_code == 422, answer.text
    assert field_problems(answer) == [place]


@pytest.fixture(scope="module")
def lister(api):
    """A user with twelve runs: run n has n % 3 + 1 items and the metadata below."""
    client = api.client("lister")
    metadata = [{"study": "high", "confidence_score": 0.9, "tags": ["draft", "x"]},
                {"study": "low", "confidence_score": 0.75, "resources": {"gpu_count": 4, "memory_gb": 16}},
                None]
    client.runs = []
    for index in range(12):
        application = ("he-tme", "1.0.0") if index % 2 else ("test-app", "1.0.0")
        given = [{**item, "external_id": f"run-{index}-{item['external_id']}"}
                 for item in items(index % 3 + 1)]
        client.runs.append(client.create_run(
            application[0], given, version_number=application[1], custom_metadata=metadata[index % 3]))
    client.post(f"/runs/{client.runs[4]}/cancel")
    return client


def test_runs_come_newest_first_in_pages(lister):
    newest_first = lister.runs[::-1]
    assert ids(lister.get("/runs")) == newest_first
    for size in (5, 6, 100):
        for page in range(1, 4):
            want = newest_first[(page - 1) * size:page * size]
            assert ids(lister.get("/runs", params={"page": page, "page_size": size})) == want
    assert ids(lister.get("/runs", params={"page": 50})) == []


def numbers(lister, answer):
    return [lister.runs.index(run_id) for run_id in ids(answer)]


ASCENDING = list(range(12))
# The query of a list of runs → the numbers of the runs, in the order of the answer.
RUN_LISTS = {
    "oldest": ("sort=submitted_at", ASCENDING),
    "oldest_with_plus": ("sort=%2Bsubmitted_at", ASCENDING),
    "oldest_with_raw_plus": ("sort=+submitted_at", ASCENDING),
    "newest": ("sort=-submitted_at", ASCENDING[::-1]),
    "by_status": ("sort=-status&sort=submitted_at", [4] + [n for n in ASCENDING if n != 4]),
    "by_state": ("sort=state&sort=-submitted_at", [n for n in ASCENDING[::-1] if n != 4] + [4]),
    "by_reason": ("sort=termination_reason&sort=submitted_at", [4] + [n for n in ASCENDING if n != 4]),
    "by_application": ("sort=application_id&sort=submitted_at", ASCENDING[1::2] + ASCENDING[::2]),
    "by_version": ("sort=-application_version_id&sort=submitted_at", ASCENDING[::2] + ASCENDING[1::2]),
    "sorted_page": ("sort=submitted_at&page=2&page_size=5", [5, 6, 7, 8, 9]),
    "application": ("application_id=he-tme&sort=submitted_at", ASCENDING[1::2]),
    "unknown_application": ("application_id=nothing", []),
    "version": ("application_version=1.0.0&sort=submitted_at", ASCENDING),
    "unknown_version": ("application_version=9.9.9", []),
    "external_id": ("external_id=run-7-slide-1", [7]),
    "unknown_external_id": ("external_id=run-7", []),
    "metadata_exists": ("custom_metadata=%24.study&sort=submitted_at", [0, 1, 3, 4, 6, 7, 9, 10]),
    "metadata_equals": ("custom_metadata=%24.study%20%3F%20(%40%20%3D%3D%20%22high%22)&sort=submitted_at",
                        [0, 3, 6, 9]),
    "metadata_number": ("custom_metadata=%24.confidence_score%20%3F%20(%40%20%3E%200.75)&sort=submitted_at",
                        [0, 3, 6, 9]),
    "metadata_array": ("custom_metadata=%24.tags%5B*%5D%20%3F%20(%40%20%3D%3D%20%22draft%22)"
                       "&sort=submitted_at",
                       [0, 3, 6, 9]),
    "metadata_complex": ("custom_metadata=%24.resources%20%3F%20(%40.gpu_count%20%3E%202%20%26%26%20"
                         "%40.memory_gb%20%3E%3D%2016)&sort=submitted_at", [1, 4, 7, 10]),
    "metadata_without_prefix": ("custom_metadata=study%20%3F%20(%40%20%3D%3D%20%22low%22)&sort=submitted_at",
                                [1, 4, 7, 10]),
    "metadata_dollar": ("custom_metadata=%24&sort=submitted_at", ASCENDING),
    "two_filters": ("application_id=he-tme&custom_metadata=%24.tags&sort=submitted_at", [3, 9]),
}


@pytest.mark.parametrize("case", RUN_LISTS)
def test_list_of_runs(lister, case):
    query, want = RUN_LISTS[case]
    assert numbers(lister, lister.get(f"/runs?{query}")) == want


@pytest.mark.parametrize("page, size_name, want", [
    (1, "page_size", 7), (1, "page-size", 5), (2, "page-size", 2), (2, "page_size", 2),
    (3, "page_size", 0)])
def test_items_come_in_the_order_of_the_request_in_pages(user, page, size_name, want):
    run_id = user.create_run("he-tme", items(7))
    size = {"page": page, size_name: 5} if page > 1 or size_name == "page-size" else {}
    start = (page - 1) * 5
    assert ids(user.get(f"/runs/{run_id}/items", params=size), "external_id") == [
        f"slide-{index}" for index in range(start, start + want)]


def place(index):
    return f"slide-{index}"


# Of the run `shown`: 0 succeeded (with metadata), 1 user error, 2 system error, 3 waits.
ITEM_LISTS = {
    "descending": ("sort=-external_id", [3, 2, 1, 0]),
    "by_run_then_external_id": ("sort=run_id&sort=-external_id", [3, 2, 1, 0]),
    "by_reason": ("sort=termination_reason", [0, 2, 1, 3]),
    "by_end": ("sort=-terminated_at", [2, 1, 0, 3]),
    "by_metadata": ("sort=custom_metadata&sort=-external_id", [0, 3, 2, 1]),
    "terminated": ("state=TERMINATED", [0, 1, 2]),
    "pending": ("state=PENDING", [3]),
    "processing": ("state=PROCESSING", []),
    "succeeded": ("termination_reason=SUCCEEDED", [0]),
    "user_error": ("termination_reason=USER_ERROR", [1]),
    "skipped": ("termination_reason=SKIPPED", []),
    "external_ids": ("external_id__in=slide-2&external_id__in=slide-0&external_id__in=no", [0, 2]),
    "metadata_exists": ("custom_metadata=%24.case_id", [0]),
    "metadata_array": ("custom_metadata=%24.flags%5B*%5D%20%3F%20(%40%20%3D%3D%20%22reviewed%22)", [0]),
    "metadata_other": ("custom_metadata=%24.flags%5B*%5D%20%3F%20(%40%20%3D%3D%20%22new%22)", []),
    "both": ("state=TERMINATED&external_id__in=slide-3", []),
}


@pytest.mark.parametrize("case", ITEM_LISTS)
def test_list_of_items(reader, shown, case):
    query, want = ITEM_LISTS[case]
    assert ids(reader.get(f"/runs/{shown}/items?{query}"), "external_id") == [place(n) for n in want]


def test_lists_in_the_order_of_ids(lister, reader, shown):
    assert ids(lister.get("/runs?sort=run_id")) == sorted(lister.runs)
    found = ids(reader.get(f"/runs/{shown}/items"), "item_id")
    assert ids(reader.get(f"/runs/{shown}/items?sort=-item_id"), "item_id") == sorted(found)[::-1]


def test_items_by_their_ids(reader, shown):
    all_ids = ids(reader.get(f"/runs/{shown}/items"), "item_id")
    query = {"item_id__in": [all_ids[3], all_ids[1], UNKNOWN]}
    assert ids(reader.get(f"/runs/{shown}/items", params=query), "item_id") == [all_ids[1], all_ids[3]]


APPLICATION_LISTS = {
    "by_id": ("sort=application_id", ["he-tme", "test-app"]),
    "by_id_descending": ("sort=-application_id", ["test-app", "he-tme"]),
    "by_name": ("sort=name", ["test-app", "he-tme"]),
    "by_classes_then_name": ("sort=regulatory_classes&sort=-name", ["he-tme", "test-app"]),
    "second_page": ("sort=name&page=2&page-size=5", []),
}


@pytest.mark.parametrize("case", APPLICATION_LISTS)
def test_list_of_applications(user, case):
    query, want = APPLICATION_LISTS[case]
    assert ids(user.get(f"/applications?{query}"), "application_id") == want


def test_assigned_application_is_seen_by_its_organisation(api):
    client = api.client("otto", "other-hospital")
    assert ids(client.get("/applications"), "application_id") == ["he-tme", "secret-app", "test-app"]
    assert client.get("/applications/secret-app").status_code == 200
    assert client.get("/applications/secret-app/versions/1.0.0").status_code == 200
    client.create_run("secret-app", items())


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("page", [100, 100001, 2**31, 2**63 - 1, 2**63, 10**40])
def test_page_past_the_end_is_empty(reader, shown, path, page):
    for query in ("", "&sort={first}", "&page_size=100"):
        query = query.replace("{first}", FIRST_SORT[path])
        answer = reader.get(f"{path.replace('{run}', shown)}?page={page}{query}")
        assert (answer.status_code, answer.json()) == (200, [])


def test_all_sort_fields_are_taken_at_once(lister, reader, shown):
    runs = ["run_id", "application_id", "version_number", "state", "custom_metadata", "submitted_by",
            "terminated_at", "termination_reason"]
    for sign in ("", "%2B", "-", "+"):
        query = "&".join(f"sort={sign}{field}" for field in runs)
        want = sorted(lister.runs, reverse=sign == "-")
        assert ids(lister.get(f"/runs?{query}")) == want
    # Named again a field changes nothing; a ninth one is too many.
    assert ids(lister.get("/runs?" + "&".join(["sort=run_id"] * 20))) == sorted(lister.runs)
    answer = lister.get("/runs?" + "&".join(f"sort={field}" for field in [*runs, "submitted_at"]))
    assert answer.status_code == 422 and field_problems(answer) == [["query", "sort", 8]]


@pytest.mark.parametrize("list_path", ["/runs", "/runs/{run}/items"])
def test_longest_filter_of_the_contract_is_taken(reader, shown, list_path):
    """1,000 characters, each of which is 12 bytes of the address."""
    path = '$.name ? (@ == "' + "\U0001F52C" * 982 + '")'
    assert len(path) == 1000
    answer = reader.get(list_path.format(run=shown), params={"custom_metadata": path})
    assert (answer.status_code, answer.json()) == (200, []), answer.text


def test_newest_first_may_be_asked_for(lister):
    assert lister.get("/runs?sort=-submitted_at").content == lister.get("/runs").content
    page = lister.get("/runs?sort=-submitted_at&page=2&page_size=5")
    assert page.content == lister.get("/runs?page=2&page_size=5").content
