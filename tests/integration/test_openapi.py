"""The OpenAPI and AsyncAPI files and the event schemas: sound in themselves, and true."""

import pathlib

import jsonschema
import pytest
import yaml

import eventschema
import openapi

CONTRACT = openapi.CONTRACT
ASYNCAPI = pathlib.Path(openapi.FILE).parents[1] / "kafka" / "asyncapi.yaml"


def walk(node, place=""):
    yield place, node
    if isinstance(node, dict):
        for name, value in node.items():
            yield from walk(value, f"{place}/{name}")
    elif isinstance(node, list):
        for i, value in enumerate(node):
            yield from walk(value, f"{place}/{i}")


def test_every_route_is_described_and_every_description_is_served(daemon):
    status, answer = daemon.admin("GET", "/v1/admin/routes")
    assert status == 200
    served = {(r["method"], openapi.normal(r["path"]), r["admin_only"]) for r in answer["items"]}
    described = {(method, openapi.normal(path), operation.get("x-admin-socket", False))
                 for method, path, operation in CONTRACT.operations()}
    assert served - described == set(), "served, but not described"
    assert described - served == set(), "described, but not served"


def test_routes_of_the_admin_socket_are_not_there_on_a_listener(daemon):
    for method, path, operation in CONTRACT.operations():
        if operation.get("x-admin-socket"):
            found = daemon.request(method, path, auth="admin")
            assert found.status_code == 404, f"{method} {path}"


def test_references_resolve_and_nothing_is_empty():
    for place, node in walk(CONTRACT.document):
        assert node is not None, f"{place} is empty: a comma in a plain text?"
        if isinstance(node, dict) and "$ref" in node:
            CONTRACT.resolver.resolve(node["$ref"])


def test_operations_have_their_own_names_tags_and_parameters():
    # A path that is another's twin ($ref) has that one's operations.
    names = [operation["operationId"] for _, path, operation in CONTRACT.operations()
             if "$ref" not in CONTRACT.document["paths"][path]]
    assert len(names) == len(set(names))
    tags = {tag["name"] for tag in CONTRACT.document["tags"]}
    for method, path, operation in CONTRACT.operations():
        assert set(operation["tags"]) <= tags, path
        assert operation["summary"] and operation["responses"], path
        item = CONTRACT.resolve(CONTRACT.document["paths"][path])
        parameters = [CONTRACT.resolve(p) for p in
                      item.get("parameters", []) + operation.get("parameters", [])]
        in_path = {p["name"] for p in parameters if p["in"] == "path"}
        assert in_path == {part[1:-1] for part in path.split("/") if part.startswith("{")}, path


def test_schemas_are_json_schema_and_examples_fit_them():
    for name, schema in CONTRACT.document["components"]["schemas"].items():
        jsonschema.Draft202012Validator.check_schema(schema)
        for example in schema.get("examples", []) if isinstance(schema, dict) else []:
            CONTRACT.validate(example, schema)
    for place, node in walk(CONTRACT.document):
        if not isinstance(node, dict) or "schema" not in node:
            continue
        given = [node["example"]] if "example" in node else []
        if isinstance(node.get("examples"), dict):
            given += [example["value"] for example in node["examples"].values()]
        for example in given:
            try:
                CONTRACT.validate(example, node["schema"])
            except jsonschema.ValidationError as error:
                raise AssertionError(f"{place}: {error}") from None


@pytest.mark.parametrize("name", sorted(eventschema.SCHEMAS))
def test_an_event_schema_is_whole_and_shares_the_envelope(name):
    schema = eventschema.SCHEMAS[name]
    jsonschema.Draft202012Validator.check_schema(schema)
    properties = dict(schema["properties"])
    assert properties.pop("type") == {"const": name}
    assert properties.pop("dataschema") == {"const": properties.pop("data")["$id"]}
    first = dict(next(iter(eventschema.SCHEMAS.values()))["properties"])
    for member in ("specversion", "id", "source", "time", "datacontenttype", "sequence",
                   "traceparent"):
        assert properties[member] == first[member]


def test_the_asyncapi_names_every_event_and_each_schema_file():
    document = yaml.safe_load(ASYNCAPI.read_text())
    assert document["asyncapi"].startswith("3.")
    messages = document["components"]["messages"]
    assert {m["name"] for m in messages.values()} == set(eventschema.SCHEMAS)
    for message in messages.values():
        assert (ASYNCAPI.parent / message["payload"]["schema"]["$ref"]).is_file()
    in_channels = [name for channel in document["channels"].values()
                   for name in channel["messages"]]
    assert sorted(in_channels) == sorted(messages), "each message stands in one channel"
    for place, node in walk(document):
        if isinstance(node, dict) and node.get("$ref", "").startswith("#"):
            target = document
            for part in node["$ref"][2:].split("/"):
                target = target[part]
