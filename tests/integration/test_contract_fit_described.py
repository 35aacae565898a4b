"""Contract.fit by its own API description, through Prism: as upstream, and as we serve it."""

import json
import re

import harness
import prism
import pytest
import requests

from test_contract_fit import NO_ROLE, PREFIXES, ROWS
from test_upstream import TOKEN, mint, revoke, wait_state


# ---- upstream: what we send ----

def test_contract_fit_takes_what_we_send_as_its_description_has_it(
        make_daemon, tmp_path, password):
    with prism.mock(tmp_path) as server:
        daemon = make_daemon({'upstream "acme"': {
            "kind": "contract_fit", "url": server.url, "username": "keeper",
            "password_file": password("pass word")}})
        keys = [mint(daemon, "acme", token) for token in (TOKEN, "5a1e" * 16)]
        for key in keys:
            revoke(daemon, key)
            wait_state(daemon, key, "revoked")
        log = server.log
        assert log.count("post /admin/auth ") >= 1 and log.count("delete /admin/auth/api-key/") >= 2
        assert "The request passed the validation rules" in log
        for word in ("did not pass", "Violation", "✖"):  # the mark of an error
            assert word not in log, log


@pytest.mark.parametrize("path, mended, state, reason", [
    ("/admin/auth", {"required": ["username", "password", "tenant"], "type": "object"}, "stuck",
     "http-422"),
    ("/admin/auth/api-key/{key}", [{"basic": []}], "stuck", "unauthorized")])
def test_a_description_that_asks_for_something_else_refuses_us(
        make_daemon, tmp_path, password, monkeypatch, path, mended, state, reason):
    """The test above can fail: a log-in of another shape, a deletion with another credential."""
    plain = prism.mended

    def changed():
        found = plain()
        if path.endswith("{key}"):
            found["paths"][path]["delete"]["security"] = mended
        else:
            found["paths"][path]["post"]["requestBody"]["content"]["application/json"][
                "schema"] = mended
        return found

    monkeypatch.setattr(prism, "mended", changed)
    with prism.mock(tmp_path) as server:
        daemon = make_daemon({'upstream "acme"': {
            "kind": "contract_fit", "url": server.url, "username": "keeper",
            "password_file": password("pass word")}})
        key = mint(daemon, "acme", TOKEN)
        revoke(daemon, key)
        wait_state(daemon, key, state, reason)


# ---- served: what we answer ----

# Where we answer otherwise than the description says, and what Prism says of it.
KNOWN = {
    # Our built-in roles go by a name, not by 24 characters.
    ("GET", "/users"): "fewer than 24 characters",
    ("GET", "/users/me"): "fewer than 24 characters",
    # Said to be an array of pages; a page is an object.
    ("GET", "/inboxes/{}/paginated"): "Response body must be array",
    # What may be patched of a key is not specified, so that no body is.
    ("PATCH", "/auth/api-key/{}"): "No supported content types",
    # Of these the description lists no answer but 403.
    ("GET", "/documents/{}"): "with those defined in the document: 403",
    ("GET", "/documents/{}/last_version"): "with those defined in the document: 403",
    ("GET", "/documents/{}/text"): "with those defined in the document: 403",
}


class Tenant:
    def __init__(self, url):
        self.url, self.headers, self.differences = url, {}, []

    def __call__(self, method, path, body=None, status=200, **arguments):
        arguments.setdefault("headers", self.headers)
        answer = requests.request(method, self.url + "/admin" + path.format(*arguments.pop("ids", ())),
                                  json=body, timeout=60, **arguments)
        assert answer.status_code == status, (method, path, answer.text)
        for found in json.loads(answer.headers.get("sl-violations", "[]")):
            if KNOWN.get((method, path), "nothing known") not in found["message"]:
                self.differences.append((method, path, found))
        return answer.json() if answer.content else None


def test_what_we_answer_is_as_the_description_has_it(daemon, tmp_path):
    with prism.proxy(tmp_path, daemon.url("")) as server:
        ask = Tenant(server.url)
        token = ask("POST", "/auth", {"username": "admin", "password": daemon.password})
        ask.headers = {"Authorization": "Bearer " + token["authentication_token"]}
        role = ask("POST", "/roles", {"name": "both", "permissions": {
            "view_list": True, "review": True, "submit": True}}, 201)["id"]
        ask("GET", "/roles")
        ask("GET", "/roles/{}", ids=[role])
        ask("PATCH", "/roles/{}", {"name": "all three"}, ids=[role])
        inbox = ask("POST", "/inboxes", {"name": "invoice", "project": "a" * 24}, 201)["id"]
        ask("GET", "/inboxes")
        ask("GET", "/inboxes/{}", ids=[inbox])
        ask("PATCH", "/inboxes/{}", {"name": "invoices"}, ids=[inbox])
        user = ask("POST", "/users", {"username": "guest", "active": True, "password": "pass word",
                                      "roles": [{"role": role}]}, 201)["id"]
        ask("GET", "/users")
        ask("GET", "/users/me")
        ask("GET", "/users/{}", ids=[user])
        ask("PATCH", "/users/{}", {"username": "guests"}, ids=[user])
        ask("POST", "/auth/token", {"username": "guests"}, 201)
        ask("POST", "/users/me/change_password", {
            "old_password": "pass word", "new_password": "pass words"}, 204, headers={},
            auth=("guests", "pass word"))
        document = daemon.ask("POST", "/v1/documents", {"inbox": inbox, "name": "d"})["id"]
        keys = [ask("POST", "/auth/api-key", {"user": user, "roles": [
            {"role": role, "inbox": inbox}, {"role": role, "document_id": document}]}, 201)["token"]
            for _ in range(2)]
        ask("POST", "/auth/api-key/inbox/{}", {"user": user, "roles": [
            {"role": role, "inbox": inbox}]}, 201, ids=[inbox])
        ask("GET", "/auth/api-key")
        ask("GET", "/auth/api-key/inbox/{}", ids=[inbox])
        ask("GET", "/auth/api-key/{}", ids=keys)
        ask("PATCH", "/auth/api-key/{}", {"active": True}, ids=keys)
        ask("DELETE", "/auth/api-key/{}", status=204, ids=keys[1:])
        ask("POST", "/auth/ephemeral", status=201, headers={"X-API-Key": keys[0]})
        for path in ("/documents/{}", "/documents/{}/last_version", "/documents/{}/text"):
            ask("GET", path, ids=[document])
        for path in ("/inboxes/{}/documents", "/inboxes/{}/paginated"):
            ask("GET", path, ids=[inbox])
        ask("POST", "/documents/{}/status_data", {"lock": {"value": True}}, ids=[document])
        ask("POST", "/documents/{}/feedback", {}, ids=[document])
        ask("DELETE", "/users/{}", status=204, ids=[user])
        ask("DELETE", "/inboxes/{}", status=204, ids=[inbox])
        ask("DELETE", "/roles/{}", status=204, ids=[role])
        ask("POST", "/auth/logout", status=204)
        assert not ask.differences, "\n".join(map(str, ask.differences))


# ---- what is not served ----

def normal(path):
    return re.sub(r"\{[^}]*\}", "{}", path)


SERVED = {(method, normal(re.sub(f"{NO_ROLE}|(?<=/)(none|admin)$", "{}", path.partition("?")[0])))
          for row, _, method, path, _, status in ROWS
          if status != 501 and not row.startswith("unknown path")}
DESCRIBED = sorted((method.upper(), path) for path, item in prism.description()["paths"].items()
                   for method in item if method != "parameters")
UNSERVED = [(method, path) for method, path in DESCRIBED if (method, normal(path)) not in SERVED]


@pytest.fixture(scope="module")
def tenant(tmp_path_factory):
    daemon = harness.Daemon(tmp_path_factory.mktemp("described"))
    daemon.init()
    daemon.start()
    yield daemon
    daemon.destroy()


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("method, path", UNSERVED, ids=[f"{m} {p}" for m, p in UNSERVED])
def test_the_rest_answers_501_and_names_itself(tenant, method, path, prefix):
    answer = tenant.request(method, prefix + re.sub(r"\{[^}]*\}", "x1", path), auth="admin")
    assert answer.status_code == 501, answer.text
    message = answer.json()["message"]
    assert message.startswith(f"{method} {prefix}/") and \
        normal(message.split()[1]) == normal(prefix + path)


def test_what_is_served_and_the_rest_are_all_that_is_described():
    assert len(UNSERVED) > 80 and len(DESCRIBED) - len(UNSERVED) > 30
    assert SERVED - {(m, normal(p)) for m, p in DESCRIBED} == set()


@pytest.mark.parametrize("path", ["/admin", "/admin/", "/api", "/api/x", "/admin/auth/x/y/z",
                                  "/api/oauth2/x", "/admin/roles/", "/api/GetConversations"])
def test_an_unknown_path_answers_in_contract_fits_shape(tenant, path):
    answer = tenant.get(path, auth="admin")
    assert answer.status_code == 404 and list(answer.json()) == ["message"], answer.text
    assert answer.headers["Content-Type"] == "application/json"
