"""Our OpenAPI document against a reference's: whatever the reference promises, ours promises too.

REFERENCE_OPENAPI names the reference's file. Ours may have more of everything; texts and titles,
which are each document's own, and the way to log in are not compared.
"""
import json
import os
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
OURS = json.loads((ROOT / "openapi/openapi.json").read_text(encoding="utf-8"))
TEXTS = {"title", "description", "example", "examples", "summary"}
METHODS = {"get", "put", "post", "delete", "patch", "head", "options"}

if "REFERENCE_OPENAPI" not in os.environ:
    pytest.skip("REFERENCE_OPENAPI is not set", allow_module_level=True)
REFERENCE = json.loads(pathlib.Path(os.environ["REFERENCE_OPENAPI"]).read_text(encoding="utf-8"))


def operations(document):
    return {(path, method): operation for path, methods in document["paths"].items()
            for method, operation in methods.items() if method in METHODS}


OPERATIONS = sorted(operations(REFERENCE))
SCHEMAS = sorted(REFERENCE["components"]["schemas"])


def facts(schema):
    """A schema without its texts; `required` and `enum` are sets."""
    if isinstance(schema, list):
        return [facts(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    result = {}
    for key, value in schema.items():
        if key == "properties":
            result[key] = {name: facts(part) for name, part in value.items()}
        elif key in {"required", "enum"}:
            result[key] = set(value)
        elif key not in TEXTS:
            result[key] = facts(value)
    return result


def missing(reference, ours, place):
    """What the reference says and ours does not, one line each."""
    if isinstance(reference, dict):
        if not isinstance(ours, dict):
            return [f"{place}: {ours!r} instead of an object"]
        return [line for key, value in reference.items()
                for line in ([f"{place}.{key}: missing"] if key not in ours
                             else missing(value, ours[key], f"{place}.{key}"))]
    if isinstance(reference, list):
        if not isinstance(ours, list) or len(ours) != len(reference):
            return [f"{place}: {ours!r} instead of {reference!r}"]
        return [line for index, (one, other) in enumerate(zip(reference, ours))
                for line in missing(one, other, f"{place}[{index}]")]
    if isinstance(reference, set):
        return [f"{place}: lacks {reference - ours}"] if not reference <= ours else []
    return [] if reference == ours else [f"{place}: {ours!r} instead of {reference!r}"]


def parameters(operation):
    return {(p["in"], p["name"]): {"required": p.get("required", False), "schema": facts(p["schema"])}
            for p in operation.get("parameters", [])}


def body_schema(part):
    return facts(part.get("content", {}).get("application/json", {}).get("schema"))


def test_the_reference_is_not_empty():
    assert len(OPERATIONS) == 26
    assert len(SCHEMAS) == 45


@pytest.mark.parametrize("path,method", OPERATIONS)
def test_every_operation_is_there_with_its_parameters_bodies_and_answers(path, method):
    reference = operations(REFERENCE)[path, method]
    ours = operations(OURS)[path, method]
    found = missing(parameters(reference), parameters(ours), "parameters")
    if "requestBody" in reference:
        found += missing(body_schema(reference["requestBody"]), body_schema(ours["requestBody"]), "body")
    for status, response in reference["responses"].items():
        if status not in ours["responses"]:
            found.append(f"responses.{status}: missing")
        elif body_schema(response) is not None:
            found += missing(body_schema(response), body_schema(ours["responses"][status]),
                             f"responses.{status}")
    assert not found, "\n".join(found)


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_schema_is_there_with_its_properties_bounds_and_enums(name):
    found = missing(facts(REFERENCE["components"]["schemas"][name]),
                    facts(OURS["components"]["schemas"][name]), name)
    assert not found, "\n".join(found)


def test_ours_requires_nothing_of_a_request_that_the_reference_does_not():
    requests = [name for name in SCHEMAS if name.endswith("Request")]
    more = {name: set(OURS["components"]["schemas"][name].get("required", []))
            - set(REFERENCE["components"]["schemas"][name].get("required", [])) for name in requests}
    assert more == {name: set() for name in requests}
    for (path, method), operation in operations(REFERENCE).items():
        required = {key for key, value in parameters(operations(OURS)[path, method]).items()
                    if value["required"]}
        assert required == {key for key, value in parameters(operation).items() if value["required"]}
