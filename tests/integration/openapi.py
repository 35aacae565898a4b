"""schemas/http/openapi.yaml as a judge: every answer that a test gets is held against it."""

import json
import pathlib
import re

import jsonschema
import yaml

FILE = pathlib.Path(__file__).resolve().parents[2] / "schemas" / "http" / "openapi.yaml"
METHODS = ("get", "put", "post", "delete", "patch")
PROBLEM = {"$ref": "#/components/responses/Problem"}
CF_ERROR = {"$ref": "#/components/responses/CfError"}
AU_ERROR = {"$ref": "#/components/responses/AuError"}
AUTHRESS = tuple(f"/v1/{noun}" for noun in (
    "accounts", "applications", "claims", "clients", "connections", "extensions", "groups",
    "identities", "invites", "records", "requests", "resources", "roles", "tenants",
    "users")) + ("/api/authentication",)


def refusal(path):
    """The shape of what is refused without being a route's."""
    if path.startswith(AUTHRESS):
        return AU_ERROR
    return CF_ERROR if path.split("/")[1] in ("admin", "api", "auth") else PROBLEM


def normal(path):
    """A template whose parameters have no names: /v1/keys/{}."""
    return re.sub(r"\{[^}]*\}", "{}", path)


class Contract:
    def __init__(self, document):
        self.document = document
        self.resolver = jsonschema.RefResolver.from_schema(document)
        self.paths = sorted(document["paths"], key=lambda p: (p.count("{"), p))
        self.patterns = [(re.compile(re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(p)) + "$"), p)
                         for p in self.paths]

    def operations(self):
        """(METHOD, template, operation) of everything in the file."""
        return [(method.upper(), path, self.resolve(item)[method])
                for path, item in self.document["paths"].items()
                for method in METHODS if method in self.resolve(item)]

    def resolve(self, node):
        while "$ref" in node:
            _, node = self.resolver.resolve(node["$ref"])
        return node

    def validate(self, value, schema):
        jsonschema.Draft202012Validator(schema, resolver=self.resolver).validate(value)

    def find(self, path):
        """The path item that serves a path, literal segments first; None for unknown paths."""
        return next((self.resolve(self.document["paths"][p]) for pattern, p in self.patterns
                     if pattern.match(path)), None)

    def response_of(self, method, path, status):
        """What may be answered there. What HTTP itself refuses is a problem everywhere."""
        item = self.find(path)
        operation = item.get(method.lower()) if item else None
        if operation is None:
            assert status >= 400, f"{method} {path[:200]} is not described, but served: {status}"
            return self.resolve(refusal(path))
        responses = operation["responses"]
        found = responses.get(str(status), responses.get("default"))
        if found is None and status >= 400:
            found = refusal(path)
        assert found is not None, f"{method} {path} may not answer {status}"
        return self.resolve(found)

    def check(self, method, path, status, content_type, body):
        response = self.response_of(method, path, status)
        place = f"{method} {path[:200]} answered {status}"
        if "content" not in response:
            assert body == b"", f"{place} with a body: {body[:200]}"
            return
        media = content_type.split(";")[0].strip()
        assert media in response["content"], f"{place} as {media!r}"
        if media.endswith("json"):
            try:
                self.validate(json.loads(body), response["content"][media]["schema"])
            except jsonschema.ValidationError as error:
                where = "/".join(map(str, error.absolute_path))
                raise AssertionError(f"{place}: /{where}: {error.message[:500]}\n"
                                     f"{body[:2000].decode(errors='replace')}") from None


CONTRACT = Contract(yaml.safe_load(FILE.read_text()))


def check_response(method, path, response):
    """A requests.Response to `path` (with or without a query)."""
    media = response.headers.get("Content-Type", "")
    if method != "HEAD" and not media.startswith("text/event-stream"):
        CONTRACT.check(method, path.split("?")[0], response.status_code, media, response.content)
