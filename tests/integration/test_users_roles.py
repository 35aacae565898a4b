"""Users, passwords and roles, and that nobody raises itself."""

import pytest


def make_user(daemon, name, auth="admin", status=201, **body):
    answer = daemon.post("/v1/admin/users", json={"name": name, **body}, auth=auth)
    assert answer.status_code == status, answer.text
    return answer.json()


def make_role(daemon, name, *permissions, auth="admin", status=201):
    answer = daemon.post("/v1/admin/roles", json={"name": name, "permissions": permissions},
                         auth=auth)
    assert answer.status_code == status, answer.text
    return answer.json()


def test_a_user_from_first_to_last(daemon):
    made = make_user(daemon, "ann", password="secret one",
                     roles=[{"role": "auditor"}, {"role": "operator", "resource": "/inboxes/i1/"}])
    assert made["roles"] == [{"role": "auditor", "resource": "*"},
                             {"role": "operator", "resource": "inboxes/i1"}]
    assert made["number"] >= 1 and made["active"] is True and "password" not in made
    for name in (made["id"], "ann"):
        assert daemon.get(f"/v1/admin/users/{name}", auth="admin").json() == made
    assert daemon.get("/v1/events", auth=("ann", "secret one")).status_code == 200
    assert "ann" in [u["name"] for u in daemon.get("/v1/admin/users", auth="admin").json()["items"]]
    assert make_user(daemon, "ann", status=409)["slug"] == "user-exists"
    path = f"/v1/admin/users/{made['id']}"
    assert daemon.delete(path, auth="admin").status_code == 204
    assert daemon.delete(path, auth="admin").status_code == 404
    assert daemon.get("/v1/events", auth=("ann", "secret one")).status_code == 401


def test_a_new_password_replaces_the_old_at_once(daemon):
    made = make_user(daemon, "ann", password="old secret", roles=[{"role": "auditor"}])
    assert daemon.get("/v1/events", auth=("ann", "old secret")).status_code == 200
    changed = daemon.patch(f"/v1/admin/users/{made['id']}", json={"password": "new secret"},
                           auth="admin")
    assert changed.status_code == 200 and "secret" not in changed.text
    assert daemon.get("/v1/events", auth=("ann", "old secret")).status_code == 401
    assert daemon.get("/v1/events", auth=("ann", "new secret")).status_code == 200


def test_an_inactive_user_is_out_and_comes_back(daemon):
    made = make_user(daemon, "ann", password="secret one", roles=[{"role": "auditor"}])
    path, auth = f"/v1/admin/users/{made['id']}", ("ann", "secret one")
    assert daemon.get("/v1/events", auth=auth).status_code == 200
    assert daemon.patch(path, json={"active": False}, auth="admin").json()["active"] is False
    assert daemon.get("/v1/events", auth=auth).status_code == 401
    assert daemon.patch(path, json={"active": True}, auth="admin").json()["active"] is True
    assert daemon.get("/v1/events", auth=auth).status_code == 200


def test_roles_are_replaced_whole(daemon):
    made = make_user(daemon, "ann", roles=[{"role": "auditor"}, {"role": "operator"}])
    changed = daemon.patch(f"/v1/admin/users/{made['id']}", auth="admin",
                           json={"roles": [{"role": "backend", "resource": "inboxes/i"}]}).json()
    assert changed["roles"] == [{"role": "backend", "resource": "inboxes/i"}]
    assert daemon.patch(f"/v1/admin/users/{made['id']}", auth="admin",
                        json={"roles": []}).json()["roles"] == []


@pytest.mark.parametrize("body", [
    {"name": ""}, {"name": 3}, {}, {"name": "x", "password": ""}, {"name": "x", "password": 3},
    {"name": "x", "password": "p" * 1025}, {"name": "x", "roles": "admin"}, {"name": "x", "id": "y"},
    {"name": "x", "roles": [{"resource": "*"}]}, {"name": "x", "roles": [{"role": "admin", "resource": "a//b"}]},
])
def test_a_bad_user_is_refused(daemon, body):
    answer = daemon.post("/v1/admin/users", json=body, auth="admin")
    assert answer.status_code == 400, answer.text


def test_a_role_that_is_not_there(daemon):
    problem = make_user(daemon, "ann", roles=[{"role": "none"}], status=404)
    assert problem["slug"] == "role-not-found" and problem["pointer"] == "/roles/0/role"


def test_roles_are_made_listed_and_given(daemon):
    made = make_role(daemon, "reviewer", "documents:read", "documents:done")
    assert sorted(made["permissions"]) == ["documents:done", "documents:read"]
    assert made["built_in"] is False
    listed = daemon.get("/v1/admin/roles", auth="admin").json()["items"]
    names = [r["name"] for r in listed]
    assert names[0] == "admin" and listed[0]["built_in"] is True and "reviewer" in names
    for name in (made["id"], "reviewer"):
        assert daemon.get(f"/v1/admin/roles/{name}", auth="admin").json() == made
    assert daemon.get("/v1/admin/roles/none", auth="admin").status_code == 404
    assert make_role(daemon, "reviewer", "documents:read", status=409)["slug"] == "role-exists"
    assert make_role(daemon, "admin", "documents:read", status=409)["slug"] == "role-exists"
    make_user(daemon, "ann", password="secret one", roles=[{"role": "reviewer"}])
    assert daemon.post("/v1/documents/d/done", auth=("ann", "secret one")).status_code == 200


@pytest.mark.parametrize("permissions", [[], [""], ["Documents:Read"], ["a b"], "documents:read",
                                         [1], ["x"] * 257])
def test_a_bad_role_is_refused(daemon, permissions):
    answer = daemon.post("/v1/admin/roles", auth="admin",
                         json={"name": "bad", "permissions": permissions})
    assert answer.status_code == 400, answer.text


# ---- nobody raises itself ----


@pytest.fixture
def clerk(daemon):
    """Someone who may make users and roles, and read documents of one inbox."""
    make_role(daemon, "clerk", "users:read", "users:write", "roles:read", "roles:write")
    make_user(daemon, "clerk", password="pass word",
              roles=[{"role": "clerk"}, {"role": "auditor", "resource": "inboxes/i1"}])
    return "clerk", "pass word"


def test_a_clerk_gives_only_what_it_holds(daemon, clerk):
    make_user(daemon, "a", auth=clerk, roles=[{"role": "auditor", "resource": "inboxes/i1/documents/d"}])
    for role in ({"role": "admin"}, {"role": "auditor"}, {"role": "operator", "resource": "inboxes/i1"},
                 {"role": "auditor", "resource": "inboxes/i2"}):
        assert make_user(daemon, "b", auth=clerk, roles=[role], status=403)["slug"] == "may-not-give"
    me = daemon.get("/v1/admin/users/clerk", auth="admin").json()["id"]
    raised = daemon.patch(f"/v1/admin/users/{me}", json={"roles": [{"role": "admin"}]}, auth=clerk)
    assert raised.status_code == 403


def test_a_clerk_makes_no_role_with_more_than_it_holds(daemon, clerk):
    make_role(daemon, "small", "users:read", auth=clerk)
    for permission in ("*", "keys:create", "users:*", "documents:read"):
        assert make_role(daemon, "big", permission, auth=clerk, status=403)


def test_a_clerk_takes_over_nobody_who_holds_more(daemon, clerk):
    admin = daemon.get("/v1/admin/users/admin", auth="admin").json()["id"]
    taken = daemon.patch(f"/v1/admin/users/{admin}", json={"password": "mine now"}, auth=clerk)
    assert taken.status_code == 403
    assert daemon.get("/v1/admin/users", auth="admin").status_code == 200
    own = daemon.patch("/v1/admin/users/clerk", json={"password": "other word"}, auth=clerk)
    assert own.status_code == 200


def test_a_key_does_not_take_its_user_over(daemon):
    make_role(daemon, "clerk", "users:write", "users:read")
    key = daemon.post("/v1/keys", auth="admin", json={
        "user": "admin", "grants": [{"role": "clerk", "resource": "*"}]}).json()["key"]
    answer = daemon.patch("/v1/admin/users/admin", json={"password": "mine now"},
                          headers={"X-API-Key": key})
    assert answer.status_code == 403


def test_without_rights_users_and_roles_are_closed(daemon):
    make_user(daemon, "small", password="pass word", roles=[{"role": "auditor"}])
    auth = ("small", "pass word")
    for path in ("/v1/admin/users", "/v1/admin/roles"):
        assert daemon.get(path).status_code == 401
        assert daemon.get(path, auth=auth).status_code == 403
        assert daemon.post(path, json={"name": "x", "permissions": ["a:b"]},
                           auth=auth).status_code == 403
    assert daemon.get("/v1/admin/users/admin", auth=auth).status_code == 404
    assert daemon.get("/v1/admin/users/none", auth=auth).status_code == 404
    assert daemon.patch("/v1/admin/users/admin", json={"active": False}, auth=auth).status_code == 404


# ---- somebody is left who may do everything ----


def refused_as_last(answer):
    assert (answer.status_code, answer.json()["slug"]) == (409, "last-administrator"), answer.text


def test_the_last_administrator_stays(daemon):
    admin = "/v1/admin/users/admin"
    refused_as_last(daemon.delete(admin, auth="admin"))
    refused_as_last(daemon.patch(admin, json={"active": False}, auth="admin"))
    refused_as_last(daemon.patch(admin, json={"roles": [{"role": "auditor"}]}, auth="admin"))
    assert daemon.admin("DELETE", admin).status == 409  # not by the socket either
    daemon.cli("user", "delete", "admin", status=1)
    make_user(daemon, "ann", roles=[{"role": "admin", "resource": "inboxes/i"}])
    refused_as_last(daemon.delete(admin, auth="admin"))
    make_user(daemon, "bob", password="secret one", roles=[{"role": "admin"}])
    daemon.patch("/v1/admin/users/bob", json={"active": False}, auth="admin")
    refused_as_last(daemon.delete(admin, auth="admin"))
    daemon.patch("/v1/admin/users/bob", json={"active": True}, auth="admin")
    assert daemon.delete(admin, auth="admin").status_code == 204
    refused_as_last(daemon.delete("/v1/admin/users/bob", auth=("bob", "secret one")))


def test_whoever_may_do_everything_by_a_made_role_is_an_administrator(daemon):
    make_role(daemon, "everything", "*")
    make_user(daemon, "ann", password="secret one", roles=[{"role": "everything"}])
    assert daemon.delete("/v1/admin/users/admin", auth="admin").status_code == 204
    auth = ("ann", "secret one")
    refused_as_last(daemon.delete("/v1/admin/users/ann", auth=auth))
    make_user(daemon, "bob", auth=auth, roles=[{"role": "everything"}])
    assert daemon.delete("/v1/admin/users/ann", auth=auth).status_code == 204


def test_failed_passwords_are_limited(daemon):
    make_user(daemon, "ann", password="secret one", roles=[{"role": "auditor"}])
    found = set()
    for _ in range(60):
        answer = daemon.get("/v1/events", auth=("ann", "guess"))
        found.add(answer.status_code)
        if answer.status_code == 429:
            assert int(answer.headers["Retry-After"]) >= 1
            break
    assert found == {401, 429}
