"""Service clients: made, listed, given a new secret, deleted with all that is derived from them."""

import re

import pytest


def create(daemon, **body):
    answer = daemon.post("/v1/admin/clients", json={"name": "desk", **body}, auth="admin")
    assert answer.status_code == 201, answer.text
    return answer.json()


def test_a_client_is_shown_without_its_secret_which_is_shown_once(daemon):
    made = create(daemon, redirect_uris=["https://desk.example/cb"],
                  grants=[{"permission": "keys:read", "resource": "keys/1"}, {"role": "auditor"}])
    assert re.fullmatch(r"sc_[a-z0-9]{20}", made["client_id"])
    secret = made.pop("client_secret")
    shown = daemon.get(f"/v1/admin/clients/{made['client_id']}", auth="admin").json()
    assert shown == made
    assert shown["grants"] == [{"permission": "keys:read", "resource": "keys/1"},
                               {"role": "auditor", "resource": "*"}]
    assert secret not in daemon.get("/v1/admin/clients?limit=1000", auth="admin").text
    assert made["client_id"] in daemon.get("/v1/admin/clients?limit=1000", auth="admin").text


def test_basic_with_a_clients_id_is_that_client(daemon):
    made = create(daemon, grants=[{"permission": "clients:read",
                                   "resource": "clients"}])
    me = (made["client_id"], made["client_secret"])
    found = daemon.get(f"/v1/admin/clients/{made['client_id']}", auth=me)
    assert found.status_code == 200
    assert daemon.get("/v1/admin/users", auth=me).status_code == 403
    for wrong in [(me[0], me[1][:-1] + "x"), (me[0], ""), ("sc_" + "0" * 20, me[1])]:
        assert daemon.get("/v1/admin/clients", auth=wrong).status_code == 401


def test_a_new_secret_replaces_the_old_one_and_deletion_ends_the_client(daemon):
    made = create(daemon, grants=[{"role": "admin"}])
    path = f"/v1/admin/clients/{made['client_id']}"
    renewed = daemon.post(path + "/key", auth="admin")
    assert renewed.status_code == 201
    assert renewed.headers["Cache-Control"] == "no-store"
    old, new = [(made["client_id"], m["client_secret"]) for m in (made, renewed.json())]
    assert daemon.get(path, auth=old).status_code == 401
    user = daemon.post("/v1/admin/users", json={"name": f"u-{made['client_id'][3:]}"}, auth=new)
    key = daemon.post("/v1/keys", json={"user": user.json()["id"], "grants": []}, auth=new).json()
    assert daemon.delete(path, auth="admin").status_code == 204
    assert daemon.get(path, auth="admin").status_code == 404
    assert daemon.get(path, auth=new).status_code == 401
    found = daemon.get(f"/v1/keys/{key['id']}", auth="admin").json()
    assert (found["state"], found["reason"]) == ("revoked", "client-deleted")


@pytest.mark.parametrize("body, slug, where", [
    ({"name": ""}, "invalid-field", "/name"),
    ({"redirect_uris": ["javascript:alert(1)"]}, "invalid-redirect-uri", "/redirect_uris"),
    ({"redirect_uris": ["https://a.example/#f"]}, "invalid-redirect-uri", "/redirect_uris"),
    ({"redirect_uris": ["https://a.example/,b"]}, "invalid-redirect-uri", "/redirect_uris"),
    ({"redirect_uris": ["https://"]}, "invalid-redirect-uri", "/redirect_uris"),
    ({"redirect_uris": ["https:///cb"]}, "invalid-redirect-uri", "/redirect_uris"),
    ({"redirect_uris": ["https://a.example@b.example/"]}, "invalid-redirect-uri",
     "/redirect_uris"),
    ({"redirect_uris": ["/relative"]}, "invalid-redirect-uri", "/redirect_uris"),
    ({"grants": [{"resource": "*"}]}, "missing-field", "/grants/0/role"),
    ({"grants": [{"role": "admin", "permission": "keys:read"}]}, "invalid-field",
     "/grants/0/role"),
    ({"grants": [{"permission": "Keys"}]}, "invalid-permission", "/grants/0/permission"),
])
def test_what_cannot_be_is_refused_with_its_place(daemon, body, slug, where):
    answer = daemon.post("/v1/admin/clients", json={"name": "desk", **body}, auth="admin")
    assert answer.status_code == 400, answer.text
    assert answer.json()["slug"] == slug
    assert where in answer.text


def test_nobody_gives_a_client_more_than_it_has(daemon):
    made = create(daemon, grants=[{"permission": "clients:write", "resource": "clients"},
                                  {"permission": "clients:read", "resource": "clients"}])
    me = (made["client_id"], made["client_secret"])
    refused = daemon.post("/v1/admin/clients", auth=me,
                          json={"name": "x", "grants": [{"permission": "keys:read"}]})
    assert refused.status_code == 403 and refused.json()["slug"] == "may-not-give"
    strong = create(daemon, grants=[{"role": "admin"}])
    refused = daemon.post(f"/v1/admin/clients/{strong['client_id']}/key", auth=me)
    assert refused.status_code == 403
