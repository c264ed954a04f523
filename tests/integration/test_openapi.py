"""The OpenAPI document: served to everyone, and true to the server's table of endpoints."""
import json
import re
import subprocess

import pytest
import requests

import harness

DOCUMENT = json.loads((harness.ROOT / "openapi/openapi.json").read_text(encoding="utf-8"))
METHODS = ("get", "put", "post", "delete")
# What the server answers besides the API that the document describes.
BESIDE = {("GET", "/health", "public"), ("GET", "/v1/openapi.json", "public"),
          ("GET", "/v1/docs", "public"), ("GET", "/v1/docs/{name}", "public")}


def documented():
    return {(method.upper(), path, "public" if operation.get("security") == [] else "user")
            for path, methods in DOCUMENT["paths"].items()
            for method, operation in methods.items() if method in METHODS}


def served():
    lines = subprocess.check_output([harness.program("slideway-server"), "--print-routes"], text=True)
    return {tuple(line.split()) for line in lines.splitlines()}


def references(value):
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for part in value.values():
            yield from references(part)
    elif isinstance(value, list):
        for part in value:
            yield from references(part)


def test_document_and_server_have_the_same_operations():
    def without_sharing(rows):
        # A share token may stand for the bearer; the server then asks for either of them.
        return {(method, path, "public" if permission == "public" else "token")
                for method, path, permission in rows}
    assert without_sharing(served()) - without_sharing(BESIDE) == without_sharing(documented())


def test_every_path_parameter_is_declared():
    for path, methods in DOCUMENT["paths"].items():
        names = set(re.findall(r"{(\w+)}", path))
        for method, operation in methods.items():
            declared = {p["name"] for p in operation.get("parameters", []) if p["in"] == "path"}
            assert declared == names, (method, path)


def test_every_reference_leads_somewhere_and_every_schema_is_used():
    used = set(references(DOCUMENT))
    known = {f"#/components/schemas/{name}" for name in DOCUMENT["components"]["schemas"]}
    assert used <= known
    # Kept for clients that were made from the reference's document.
    assert known - used <= {f"#/components/schemas/{name}" for name in ("OutputArtifactScope",)}


@pytest.mark.parametrize("path", ["/api/v1/openapi.json", "/v1/openapi.json"])
def test_the_document_is_served_to_everyone(served, path):
    answer = requests.get(served.api_url + path, timeout=30)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json() == DOCUMENT


def test_without_its_files_the_explorer_says_so(served):
    answer = requests.get(f"{served.api_url}/api/v1/docs", timeout=30)
    assert answer.status_code == 404
    assert "make explorer" in answer.json()["detail"]


SORTED_LISTS = [path for path, methods in DOCUMENT["paths"].items()
                if any(p["name"] == "sort" for p in methods.get("get", {}).get("parameters", []))]


def documented_sort_fields(path):
    sort = next(p for p in DOCUMENT["paths"][path]["get"]["parameters"] if p["name"] == "sort")
    return set(re.search(r"Fields: ([\w, ]+)\.", sort["description"])[1].split(", "))


def test_five_lists_are_sorted():
    assert len(SORTED_LISTS) == 5


@pytest.mark.parametrize("path", SORTED_LISTS)
def test_a_list_is_sorted_by_the_fields_that_the_document_names_and_no_others(served, path):
    """Of all properties in the document, and of all that any list names."""
    client = served.client()
    run_id = client.create_run("test-app", [harness.slide_item("a", "https://h.example/a", b"")])
    under_api = path.removeprefix("/v1").replace("{run_id}", run_id)
    names = {name for schema in DOCUMENT["components"]["schemas"].values()
             for name in schema.get("properties", {})}
    names |= {name for list_path in SORTED_LISTS for name in documented_sort_fields(list_path)}
    assert len(names) > 50
    taken = {name for name in names
             if client.get(under_api, params={"sort": name}).status_code == 200}
    assert taken == documented_sort_fields(path)
