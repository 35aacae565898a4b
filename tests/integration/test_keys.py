"""Keys from mint to end, and who may do what to them."""

import datetime
import time

import pytest

RESOURCE = "inboxes/i1/documents/d1"


@pytest.fixture
def mint(daemon):
    """mint(user=..., grants=[...]): the minted key, as the administrator."""
    def mint(auth="admin", headers=None, status=201, **body):
        body = {"user": "admin", **body}
        answer = daemon.post("/v1/keys", json=body, auth=auth, headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json()
    return mint


def make_user(daemon, name, *roles, password="pass word"):
    answer = daemon.post("/v1/admin/users", auth="admin", json={
        "name": name, "password": password,
        "roles": [dict(zip(("role", "resource"), role.split("@"))) for role in roles]})
    assert answer.status_code == 201, answer.text
    return answer.json()


def bearer(key):
    return {"Authorization": f"Bearer {key['key']}"}


def verify(daemon, key, **more):
    answer = daemon.post("/v1/keys/verify", json={"key": key, **more}, auth="admin")
    assert answer.status_code == 200, answer.text
    return answer.json()


def state(daemon, key):
    return daemon.get(f"/v1/keys/{key['id']}", auth="admin").json()["state"]


def test_a_key_is_shown_once_and_works(daemon, mint):
    key = mint(name="n", grants=[{"role": "auditor", "resource": "*"}], expires_in="15m")
    shown = daemon.get(f"/v1/keys/{key['id']}", auth="admin")
    assert "key" not in shown.json() and key["key"] not in shown.text
    assert shown.json()["state"] == "active" and shown.json()["name"] == "n"
    assert daemon.get("/v1/events", headers=bearer(key)).status_code == 200
    assert daemon.get("/v1/events", headers={"X-API-Key": key["key"]}).status_code == 200


def test_what_a_key_may_and_may_not(daemon, mint):
    key = mint(grants=[{"role": "auditor", "resource": RESOURCE}])
    found = verify(daemon, key["key"], permission="keys:read", resource=RESOURCE)
    assert found["valid"] and found["allowed"] and found["id"] == key["id"]
    assert found["grants"] == [{"role": "auditor", "resource": RESOURCE}]
    assert verify(daemon, key["key"], permission="keys:read",
                  resource="documents/other")["allowed"] is False
    assert verify(daemon, key["key"], permission="keys:revoke",
                  resource=RESOURCE)["allowed"] is False
    assert "allowed" not in verify(daemon, key["key"])


def test_a_keys_rights_are_cut_to_its_users(daemon, mint):
    make_user(daemon, "small", "auditor@documents/d1")
    key = mint(user="small", grants=[{"role": "operator", "resource": "*"}])
    for permission, resource, allowed in [
            ("webhooks:read", "documents/d1", True), ("webhooks:read", "documents/d2", False),
            ("keys:revoke", "documents/d1", False)]:
        assert verify(daemon, key["key"], permission=permission,
                      resource=resource)["allowed"] is allowed, permission


def test_an_invalid_key_is_that_and_nothing_else(daemon, mint):
    suspended, revoked = mint(), mint()
    daemon.patch(f"/v1/keys/{suspended['id']}", json={"active": False}, auth="admin")
    daemon.delete(f"/v1/keys/{revoked['id']}", auth="admin")
    gone = make_user(daemon, "gone")
    users = mint(user="gone")
    daemon.patch(f"/v1/admin/users/{gone['id']}", json={"active": False}, auth="admin")
    good = mint()["key"]
    for text in (suspended["key"], revoked["key"], users["key"], "", "x", "ctl_" + "0" * 36,
                 good[:-1] + ("0" if good[-1] != "0" else "1"), good + "\u0000"):
        answer = daemon.post("/v1/keys/verify", json={"key": text}, auth="admin")
        assert answer.content == b'{"valid":false}', text


def test_expiry_is_exact_at_use(daemon, mint):
    key = mint(grants=[{"role": "auditor", "resource": "*"}], expires_in="2s")
    assert daemon.get("/v1/events", headers=bearer(key)).status_code == 200
    time.sleep(2.1)
    refused = daemon.get("/v1/events", headers=bearer(key))
    assert refused.status_code == 401
    assert verify(daemon, key["key"]) == {"valid": False}
    assert state(daemon, key) == "expired"


def test_how_long_a_key_lives(daemon, mint):
    def life(**body):
        key = mint(**body)
        return seconds(key["expires_at"]) - seconds(key["created_at"])

    def seconds(text):
        return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()

    assert life() == pytest.approx(86400, abs=2)
    assert life(expires_in=90) == pytest.approx(90, abs=2)
    assert life(expires_in="1h30m") == pytest.approx(5400, abs=2)
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 600))
    assert life(expires_at=at) == pytest.approx(600, abs=3)


@pytest.mark.parametrize("body", [
    {"expires_in": "367d"}, {"expires_in": 0}, {"expires_in": -1}, {"expires_in": "soon"},
    {"expires_in": True}, {"expires_at": "2001-01-01T00:00:00Z"}, {"expires_at": "tomorrow"},
    {"expires_in": "1h", "expires_at": "2999-01-01T00:00:00Z"}, {"user": ""}, {"user": 3},
    {"grants": [{"role": "auditor"}]}, {"grants": [{"role": "auditor", "resource": "a//b"}]},
    {"grants": [3]}, {"grants": "all"}, {"resources": ["/"]}, {"resources": [""]},
    {"resources": "documents/d"}, {"unknown": 1}, {"grants": [{"role": "auditor", "resource": "*", "x": 1}]},
])
def test_a_bad_mint_is_400_with_a_pointer(daemon, mint, body):
    problem = mint(status=400, **body)
    assert problem["slug"] in ("expiry-too-long", "expiry-in-past") or problem["pointer"]


def test_what_is_named_must_be_there(daemon, mint):
    assert mint(status=404, user="nobody")["slug"] == "user-not-found"
    problem = mint(status=404, grants=[{"role": "auditor", "resource": "*"},
                                       {"role": "no-such", "resource": "*"}])
    assert problem["slug"] == "role-not-found" and problem["pointer"] == "/grants/1/role"


def test_an_idempotent_repeat(daemon, mint):
    headers = {"Idempotency-Key": "abc"}
    first = mint(headers=headers, name="n")
    again = mint(headers=headers, name="n")
    assert again["id"] == first["id"] and again["key"] is None
    problem = mint(headers=headers, name="other", status=422)
    assert problem["slug"] == "idempotency-mismatch"
    make_user(daemon, "second", "admin")
    other = mint(headers=headers, name="n", auth=("second", "pass word"))
    assert other["id"] != first["id"], "an Idempotency-Key is its caller's own"
    keys = daemon.get("/v1/keys", auth="admin").json()["items"]
    assert len(keys) == 2


# ---- ending ----


def test_a_revoked_key_is_refused_by_the_next_request(daemon, mint):
    key = mint(grants=[{"role": "auditor", "resource": "*"}])
    assert daemon.get("/v1/events", headers=bearer(key)).status_code == 200
    assert daemon.delete(f"/v1/keys/{key['id']}", auth="admin").status_code == 204
    assert daemon.get("/v1/events", headers=bearer(key)).status_code == 401
    assert daemon.delete(f"/v1/keys/{key['id']}", auth="admin").status_code == 204
    shown = daemon.get(f"/v1/keys/{key['id']}", auth="admin").json()
    assert shown["state"] == "revoked" and shown["reason"] and shown["ended_at"]


def test_suspend_and_resume(daemon, mint):
    key = mint(grants=[{"role": "auditor", "resource": "*"}])
    path = f"/v1/keys/{key['id']}"
    assert daemon.patch(path, json={"active": False}, auth="admin").json()["state"] == "suspended"
    assert daemon.get("/v1/events", headers=bearer(key)).status_code == 401
    assert daemon.patch(path, json={"active": True}, auth="admin").json()["state"] == "active"
    assert daemon.get("/v1/events", headers=bearer(key)).status_code == 200
    daemon.delete(path, auth="admin")
    assert daemon.patch(path, json={"active": True}, auth="admin").status_code == 409


def test_revoke_by_selector_takes_what_matches_all(daemon, mint):
    make_user(daemon, "a")
    make_user(daemon, "b")
    keys = {
        "a-d1": mint(user="a", resources=["documents/d1"], app="web"),
        "a-d2": mint(user="a", resources=["documents/d2"]),
        "b-d1": mint(user="b", grants=[{"role": "auditor", "resource": RESOURCE}]),
        "b-i1": mint(user="b", resources=["inboxes/i1"]),
        "b-i2": mint(user="b", resources=["inboxes/i2/documents/d9"], app="web"),
    }

    def revoke(**selector):
        answer = daemon.post("/v1/keys/revoke", json=selector, auth="admin")
        assert answer.status_code == 200, answer.text
        return answer.json()["revoked"], {n for n in keys if state(daemon, keys[n]) == "revoked"}

    assert revoke(user="a", resource="documents/d1") == (1, {"a-d1"})
    assert revoke(resource="inboxes/i1") == (2, {"a-d1", "b-d1", "b-i1"})
    assert revoke(app="web") == (1, {"a-d1", "b-d1", "b-i1", "b-i2"})
    assert revoke(ids=[keys["a-d2"]["id"], keys["a-d1"]["id"], "unknown"])[0] == 1
    assert revoke(user="a") == (0, set(keys))
    assert daemon.post("/v1/keys/revoke", json={}, auth="admin").status_code == 400
    assert daemon.post("/v1/keys/revoke", json={"ids": []}, auth="admin").status_code == 400


def test_a_user_who_ends_takes_its_keys_along(daemon, mint):
    user = make_user(daemon, "u")
    key = mint(user="u", grants=[{"role": "auditor", "resource": "*"}])
    assert daemon.delete(f"/v1/admin/users/{user['id']}", auth="admin").status_code == 204
    assert daemon.get("/v1/events", headers=bearer(key)).status_code == 401
    assert state(daemon, key) == "revoked"


# ---- rotation ----


def test_rotation_and_its_grace(daemon, mint):
    old = mint(grants=[{"role": "auditor", "resource": "*"}], resources=["documents/d1"],
               expires_in="1h")
    answer = daemon.post(f"/v1/keys/{old['id']}/rotate", json={"grace": "2s"}, auth="admin")
    assert answer.status_code == 201
    new = answer.json()
    assert new["grants"] == old["grants"] and new["resources"] == old["resources"]
    assert new["key"] != old["key"] and new["expires_at"] <= old["expires_at"]
    assert daemon.get("/v1/events", headers=bearer(old)).status_code == 200
    assert daemon.get("/v1/events", headers=bearer(new)).status_code == 200
    assert state(daemon, old) == "rotating"
    again = daemon.post(f"/v1/keys/{old['id']}/rotate", auth="admin")
    assert again.status_code == 409 and again.json()["slug"] == "key-rotated"
    time.sleep(2.1)
    assert daemon.get("/v1/events", headers=bearer(old)).status_code == 401
    assert daemon.get("/v1/events", headers=bearer(new)).status_code == 200


# ---- who may ----


def test_nobody_may_and_a_small_caller_may_little(daemon, mint):
    key = mint()
    small = ("small", "pass word")
    make_user(daemon, "small", "auditor@documents/d1")
    for method, path, body in [("POST", "/v1/keys", {"user": "admin"}),
                               ("GET", "/v1/keys", None),
                               ("POST", "/v1/keys/revoke", {"user": "admin"}),
                               ("POST", "/v1/keys/verify", {"key": "x"}),
                               ("GET", f"/v1/keys/{key['id']}", None),
                               ("PATCH", f"/v1/keys/{key['id']}", {"active": False}),
                               ("DELETE", f"/v1/keys/{key['id']}", None),
                               ("POST", f"/v1/keys/{key['id']}/rotate", {})]:
        nobody = daemon.request(method, path, json=body)
        assert nobody.status_code == 401 and nobody.json()["slug"] == "no-credentials", path
        known = daemon.request(method, path, json=body, auth=small)
        expected = 404 if key["id"] in path else 200 if method == "GET" else 403
        assert known.status_code == expected, f"{method} {path}: {known.text}"
    assert daemon.get("/v1/keys", auth=small).json()["items"] == []
    assert state(daemon, key) == "active"


def test_what_a_caller_does_not_hold_it_cannot_give(daemon, mint):
    make_user(daemon, "maker", "backend@inboxes/i1", "auditor@inboxes/i1")
    auth = ("maker", "pass word")
    mint(auth=auth, user="maker", grants=[{"role": "auditor", "resource": "inboxes/i1/documents/d"}])
    for role, resource in [("admin", "inboxes/i1"), ("operator", "inboxes/i1"), ("auditor", "*"),
                           ("auditor", "inboxes/i2"), ("auditor", "inboxes")]:
        problem = mint(auth=auth, user="maker", status=403,
                       grants=[{"role": role, "resource": resource}])
        assert problem["slug"] == "may-not-give" and problem["pointer"] == "/grants/0/role"


def test_a_rotation_does_not_raise_whoever_asks_for_it(daemon, mint):
    key = mint(grants=[{"role": "admin", "resource": "*"}], resources=["inboxes/i1"])
    make_user(daemon, "maker", "backend@inboxes/i1")
    answer = daemon.post(f"/v1/keys/{key['id']}/rotate", auth=("maker", "pass word"))
    assert answer.status_code in (403, 404)
    assert state(daemon, key) == "active"


def test_keys_of_a_resource_are_for_those_who_hold_it(daemon, mint):
    mine = mint(resources=["inboxes/i1/documents/d1"])
    other = mint(resources=["inboxes/i2/documents/d2"])
    make_user(daemon, "keeper", "operator@inboxes/i1")
    auth = ("keeper", "pass word")
    assert [k["id"] for k in daemon.get("/v1/keys", auth=auth).json()["items"]] == [mine["id"]]
    assert daemon.get(f"/v1/keys/{other['id']}", auth=auth).status_code == 404
    assert daemon.delete(f"/v1/keys/{other['id']}", auth=auth).status_code == 404
    by_ids = daemon.post("/v1/keys/revoke", auth=auth, json={"ids": [mine["id"], other["id"]]})
    assert by_ids.json() == {"revoked": 1}
    assert state(daemon, other) == "active" and state(daemon, mine) == "revoked"
    refused = daemon.post("/v1/keys/revoke", auth=auth, json={"resource": "inboxes/i2"})
    assert refused.status_code == 403


def test_two_kinds_of_credentials_are_one_too_many(daemon, mint):
    key = mint()
    answer = daemon.get("/v1/keys", auth="admin", headers={"X-API-Key": key["key"]})
    assert answer.status_code == 400 and answer.json()["slug"] == "ambiguous-credentials"


def test_lists_filter_and_page(daemon, mint):
    make_user(daemon, "a")
    keys = [mint(user="a" if i % 2 else "admin", app="web" if i < 3 else None,
                 resources=[f"documents/d{i}"], expires_in=600 + i) for i in range(6)]
    daemon.delete(f"/v1/keys/{keys[0]['id']}", auth="admin")

    def listed(**filters):
        answer = daemon.get("/v1/keys", params=filters, auth="admin")
        assert answer.status_code == 200, answer.text
        return {k["id"] for k in answer.json()["items"]}

    def ids(*indexes):
        return {keys[i]["id"] for i in indexes}

    assert listed() == ids(*range(6))
    assert listed(user="a") == ids(1, 3, 5)
    assert listed(app="web") == ids(0, 1, 2)
    assert listed(state="revoked") == ids(0)
    assert listed(resource="documents/d4") == ids(4)
    assert listed(expires_before=keys[3]["expires_at"]) >= ids(1, 2)
    seen, cursor = [], None
    while True:
        page = daemon.get("/v1/keys", auth="admin",
                          params={"limit": 4, **({"cursor": cursor} if cursor else {})}).json()
        seen += [k["id"] for k in page["items"]]
        cursor = page["next_cursor"]
        if not cursor:
            break
    assert sorted(seen) == sorted(ids(*range(6)))
    assert daemon.get("/v1/keys?state=dead", auth="admin").status_code == 400


def test_keys_survive_a_restart_and_hold_no_secret(daemon, mint):
    key = mint(grants=[{"role": "auditor", "resource": "*"}])
    ended = mint()
    daemon.delete(f"/v1/keys/{ended['id']}", auth="admin")
    daemon.restart()
    assert daemon.get("/v1/events", headers=bearer(key)).status_code == 200
    assert verify(daemon, ended["key"]) == {"valid": False}
    daemon.stop()
    stored = b"".join(path.read_bytes() for path in daemon.state.rglob("*") if path.is_file())
    assert key["key"].encode() not in stored
    assert key["key"] not in "\n".join(daemon.output)


# ---- the user and the resources on a key ----


@pytest.fixture
def backends(daemon):
    """(auth, own inbox's id, other inbox's id): a backend of one inbox; each has a document."""
    ids = [daemon.ask("POST", "/v1/inboxes", {"name": name})["id"] for name in ("own", "other")]
    for name, inbox in zip(("d-own", "d-other"), ids):
        daemon.ask("POST", "/v1/documents", {"inbox": inbox, "name": "a bill", "id": name})
    make_user(daemon, "backend", f"backend@inboxes/{ids[0]}")
    make_user(daemon, "guest")
    return ("backend", "pass word"), *ids


def test_a_backend_of_one_inbox_binds_keys_to_it_alone(mint, backends):
    auth, own, other = backends
    for resource in (f"inboxes/{own}", f"inboxes/{own}/documents/new", "documents/d-own",
                     "documents/nobody-has-named-it"):
        assert mint(auth=auth, user="guest", resources=[resource])["resources"] == [resource]
    for resource in (f"inboxes/{other}", "documents/d-other", f"inboxes/{own}/documents/d-other",
                     "webhooks/acme", "*"):
        refused = mint(auth=auth, status=403, user="guest", resources=["documents/d-own", resource])
        assert refused["slug"] == "forbidden" and refused["pointer"] == "/resources/1", resource


def test_a_backend_of_one_inbox_puts_no_administrators_name_on_a_key(daemon, mint, backends):
    auth, own, other = backends
    make_user(daemon, "clerk", f"auditor@inboxes/{other}", f"backend@inboxes/{other}")
    for user in ("guest", "backend", "clerk"):  # who administer no more than it does
        assert mint(auth=auth, user=user)["user"]
    refused = mint(auth=auth, status=403, user="admin")
    assert refused["slug"] == "may-not-name-user" and refused["pointer"] == "/user"
    link = daemon.post("/v1/links", auth=auth, json={
        "inbox": own, "document": "d-own", "user": "admin", "expires_in": "1h"})
    assert (link.status_code, link.json()["slug"]) == (403, "may-not-name-user")


def test_a_backend_of_everything_mints_for_everybody(daemon, mint):
    make_user(daemon, "backend", "backend@*")
    mint(auth=("backend", "pass word"), user="admin", resources=["anything/at/all"])


@pytest.mark.parametrize("path,body,pointer", [
    ("/v1/keys/revoke", {"resource": "a b"}, "/resource"),
    ("/v1/keys/verify", {"key": "x", "permission": "KEYS"}, "/permission"),
    ("/v1/keys/verify", {"key": "x", "permission": "keys:read", "resource": "a b"}, "/resource"),
])
def test_a_member_that_cannot_be_read_is_pointed_at(daemon, path, body, pointer):
    answer = daemon.post(path, json=body, auth="admin")
    assert answer.status_code == 400 and answer.json()["pointer"] == pointer
