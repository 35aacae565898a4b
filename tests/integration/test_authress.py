"""Authress's API as its facts have it: one row, one test, named by the row."""

import re
import types
from urllib.parse import quote

import harness
import openapi
import pytest

UNSERVED = [(method, path) for method, path, operation in openapi.CONTRACT.operations()
            if operation["summary"] == "Not served: 501" and operation["tags"] == ["authress"]]
OWNER = "Authress:Owner"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Somebody who holds something, somebody who may ask about others, and a nobody."""
    daemon = harness.Daemon(tmp_path_factory.mktemp("authress"))
    daemon.init()
    daemon.start()
    w = types.SimpleNamespace(daemon=daemon)
    w.nobody = user(w, "nobody")
    w.asker = user(w, "asker", {"permission": "read", "resource": "Authress:UserPermissions"})
    w.giver = user(w, "giver", {"role": OWNER, "resource": "shared"})
    yield w
    daemon.destroy()


def call(w, who, method, path, body=None, **arguments):
    if who:
        arguments["auth"] = "admin" if who == "admin" else (who, "pass word")
    return w.daemon.request(method, path, json=body, **arguments)


def user(w, username, *grants):
    answer = w.daemon.post("/v1/admin/users", auth="admin", json={
        "name": username, "password": "pass word", "roles": list(grants)})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def resources_path(user_id, resource, rest):
    return f"/v1/users/{quote(user_id, '')}/resources/{quote(resource, '')}/{rest}"


def permission_path(user_id, resource, action):
    return resources_path(user_id, resource, "permissions/" + quote(action, ""))


def is_refused(answer, status, code=None):
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/links+json"
    error = answer.json()
    assert error["title"] and error["errorId"] == answer.headers["X-Request-Id"]
    assert code in (None, error["errorCode"]), error
    return error


@pytest.mark.parametrize("method, path", UNSERVED, ids=[f"{m} {p}" for m, p in UNSERVED])
def test_what_is_out_of_scope_says_so(world, method, path):
    answer = call(world, None, method, re.sub(r"\{[^}]*\}", "x", path))
    error = is_refused(answer, 501, "NotImplemented")
    assert error["title"] == f"{method} {path} is not implemented here."


@pytest.mark.parametrize("who, resource, action, status", [
    ("asker", "shared/1", "READ", 200),
    ("giver", "/shared/1/2/", "write", 200),
    ("nobody", "shared/1", "READ", 403),
    (None, "shared/1", "READ", 401),
    ("asker", "shared2", "READ", 404),
    ("asker", "shared//1", "READ", 400),
    ("asker", "shared/1", "a b", 400),
    ("asker", "shared/1?x", "READ", 400),
])
def test_who_may_do_what(world, who, resource, action, status):
    answer = call(world, who, "GET", permission_path(world.giver, resource, action))
    if status == 200:
        assert answer.status_code == 200 and answer.json() == {}
    else:
        is_refused(answer, status)


def test_an_explanation_is_for_who_may_read_the_user(world):
    path = permission_path(world.giver, "shared/1", "x")
    explained = {"explain": {"roleId": OWNER, "action": "*", "resourceUri": "shared"}}
    assert call(world, "admin", "GET", path + "?explain=1").json() == explained
    assert call(world, "asker", "GET", path + "?explain=1").json() == {}
    is_refused(call(world, "admin", "GET", path + "?why=1"), 400, "InvalidRequest")


def test_permissions_roles_and_resources_of_a_user(world):
    answer = call(world, "asker", "GET", resources_path(world.giver, "shared/1", "permissions"))
    assert answer.json() == {
        "account": {"accountId": "acc-chatelaine-local"}, "userId": world.giver,
        "permissions": [{"action": "*", "allow": True, "grant": True, "delegate": True}]}
    for resource, roles in [("shared", [{"roleId": OWNER}]), ("shared/1", [])]:
        answer = call(world, "asker", "GET", resources_path(world.giver, resource, "roles"))
        assert answer.json() == {"userId": world.giver, "roles": roles}
    answer = call(world, "asker", "GET", f"/v1/users/{world.giver}/resources?limit=5")
    assert answer.json()["resources"] == [{"resourceUri": "shared"}]
    for noun in ("permissions", "roles"):
        is_refused(call(world, "nobody", "GET", resources_path(world.giver, "shared", noun)), 403)
    is_refused(call(world, "asker", "GET", f"/v1/users/{world.giver}/resources?limit=0"), 400)
