"""Apps: their keys, scopes and agreements, and the users that they may see."""

import time

import pytest

import signing


def make(daemon, status=201, **body):
    answer = daemon.post("/v1/apps", json={"slug": "acme", "require_agreement": False,
                                           "scopes": ["webhook"], **body}, auth="admin")
    assert answer.status_code == status, answer.text
    return answer.json()


def post(daemon, app):
    return daemon.post("/v1/webhooks", headers=app.link(), json={"id": 1}).status_code


@pytest.mark.parametrize("algorithm", ["HMAC_SHA256", "HMAC_SHA512"])
def test_a_made_secret_signs_and_is_shown_once(daemon, algorithm):
    made = make(daemon, algorithm=algorithm)
    assert len(made["secret"]) == 128 and bytes.fromhex(made["secret"])
    assert post(daemon, signing.App("acme", made["secret"], algorithm)) == 204
    shown = daemon.get("/v1/apps/acme", auth="admin")
    assert "secret" not in shown.json() and made["secret"] not in shown.text
    assert shown.json()["algorithm"] == algorithm and shown.json()["scopes"] == ["webhook"]


def test_defaults_are_linked_services(daemon):
    answer = daemon.post("/v1/apps", json={"slug": "plain"}, auth="admin").json()
    assert answer["algorithm"] == "HMAC_SHA512" and answer["strategy"] == "JWT"
    assert answer["require_agreement"] is True and answer["scopes"] == []


def test_a_standard_webhooks_secret_is_made_in_its_form(daemon):
    made = make(daemon, strategy="STANDARD")
    assert made["secret"].startswith("whsec_")
    app = signing.App("acme", made["secret"], strategy="STANDARD")
    body = b'{"id":1}'
    assert daemon.post("/app/webhook/acme", data=body,
                       headers=app.standard(body)).status_code == 204


def test_an_existing_key_is_brought(daemon):
    key, shown = signing.new_key("ED25519", "JWT")
    made = make(daemon, algorithm="ED25519", key=shown)
    assert made["secret"] is None
    assert post(daemon, signing.App("acme", key, "ED25519")) == 204


@pytest.mark.parametrize("body", [
    {"slug": ""}, {"slug": "a b"}, {"slug": "x" * 51}, {"algorithm": "none"},
    {"algorithm": "hmac_sha256"}, {"strategy": "BASIC"}, {"scopes": ["Big"]},
    {"scopes": ["a:b:c"]}, {"scopes": ["a__b"]}, {"scopes": ["x" * 16]}, {"scopes": [""]},
    {"scopes": "webhook"}, {"scopes": [1]}, {"key": "zz"}, {"key": ""}, {"key": "whsec_!"},
    {"require_agreement": "no"}, {"secret": "x"}, {"slug": "chatelaine"},
])
def test_a_bad_app_is_refused(daemon, body):
    make(daemon, 400, **body)


def test_no_app_has_the_servers_own_name(make_daemon):
    daemon = make_daemon({"app_name": "receiver"})
    assert make(daemon, 400, slug="receiver")["slug"] == "invalid-slug"
    daemon.cli("app", "create", "--slug", "receiver", status=1)
    make(daemon, slug="chatelaine")


def test_a_slug_is_taken_once_and_free_again(daemon):
    make(daemon)
    assert make(daemon, 409)["slug"] == "app-exists"
    assert daemon.delete("/v1/apps/acme", auth="admin").status_code == 204
    assert daemon.get("/v1/apps/acme", auth="admin").status_code == 404
    assert daemon.delete("/v1/apps/acme", auth="admin").status_code == 404
    make(daemon)


def test_a_deleted_app_is_refused_at_once_and_its_rows_stay(daemon):
    app = daemon.create_app("acme")
    assert post(daemon, app) == 204
    daemon.delete("/v1/apps/acme", auth="admin")
    assert post(daemon, app) == 401
    assert len(daemon.get("/v1/webhooks", auth="admin").json()["items"]) == 1


@pytest.mark.parametrize("strategy", ["JWT", "SIGNATURE"])
def test_rotation_takes_both_keys_until_the_grace_ends(daemon, strategy):
    old = daemon.create_app("acme", strategy=strategy)
    answer = daemon.post("/v1/apps/acme/rotate", json={"grace": "2s"}, auth="admin")
    assert answer.status_code == 200 and answer.json()["grace_ends_at"]
    new = signing.App("acme", answer.json()["secret"], old.algorithm, strategy)

    def status(app):
        headers = app.link() if strategy == "JWT" else app.signature(body={"id": 1})
        return daemon.post("/v1/webhooks", headers=headers, json={"id": 1}).status_code

    assert (status(old), status(new)) == (204, 204)
    time.sleep(2.1)
    assert (status(old), status(new)) == (401, 204)


def test_a_second_rotation_replaces_the_older_key(daemon):
    first = daemon.create_app("acme")
    second, third = (signing.App("acme", daemon.post(
        "/v1/apps/acme/rotate", json={"grace": "1h"}, auth="admin").json()["secret"])
        for _ in range(2))
    assert [post(daemon, app) for app in (first, second, third)] == [401, 204, 204]


def test_a_grace_is_at_most_seven_days_and_may_be_none(daemon):
    app = daemon.create_app("acme")
    assert daemon.post("/v1/apps/acme/rotate", json={"grace": "8d"}, auth="admin").status_code == 400
    assert post(daemon, app) == 204
    assert daemon.post("/v1/apps/acme/rotate", json={"grace": 0}, auth="admin").status_code == 200
    assert post(daemon, app) == 401


def test_changing_an_app(daemon):
    app = daemon.create_app("acme")
    changed = daemon.patch("/v1/apps/acme", auth="admin",
                           json={"name": "Acme", "require_agreement": True, "scopes": []})
    assert changed.status_code == 200 and changed.json()["name"] == "Acme"
    assert changed.json()["scopes"] == [] and changed.json()["require_agreement"] is True
    assert post(daemon, app) == 401
    assert daemon.patch("/v1/apps/acme", json={"slug": "x"}, auth="admin").status_code == 400
    assert daemon.patch("/v1/apps/none", json={}, auth="admin").status_code == 404


def test_a_sender_that_repeats_byte_for_byte(daemon):
    app = daemon.create_app("acme", strategy="SIGNATURE")
    assert daemon.patch("/v1/apps/acme", json={"replay_guard": False},
                        auth="admin").status_code == 200
    headers = app.signature(body={"id": 1})
    for _ in range(2):
        assert daemon.post("/v1/webhooks", headers=headers, json={"id": 1}).status_code == 204


def test_agreements(daemon):
    daemon.create_app("acme", agreement=True, scopes=("webhook",), optional_scopes=("read:user",))
    path = "/v1/apps/acme/agreements"
    number = daemon.post("/v1/admin/users", json={"name": "u"}, auth="admin").json()["number"]
    made = daemon.post(path, json={"user_id": number, "optional_scopes": ["read:user"]},
                       auth="admin")
    assert made.status_code == 201
    listed = daemon.get(path, auth="admin").json()["items"]
    assert [(a["user_id"], a["optional_scopes"]) for a in listed] == [(number, ["read:user"])]
    assert daemon.post(path, json={"user_id": number, "optional_scopes": ["other"]},
                       auth="admin").status_code == 400
    assert daemon.delete(path, params={"user_id": number}, auth="admin").status_code == 204
    assert daemon.get(path, auth="admin").json()["items"] == []
    daemon.post(path, json={"user_id": number}, auth="admin")
    assert daemon.delete(path, json={"user_id": number}, auth="admin").status_code == 204
    assert daemon.delete(path, auth="admin").status_code == 400


def test_rights_on_apps(daemon):
    daemon.create_app("acme")
    daemon.create_app("other")
    daemon.post("/v1/admin/roles", auth="admin",
                json={"name": "keeper", "permissions": ["apps:read", "apps:write"]})
    for name, resource in (("k1", "apps/acme"), ("k2", "webhooks/acme")):
        daemon.post("/v1/admin/users", auth="admin", json={
            "name": name, "password": "pass word", "roles": [
                {"role": "keeper", "resource": resource}]})
        auth = (name, "pass word")
        assert daemon.get("/v1/apps/acme", auth=auth).status_code == 200
        assert daemon.patch("/v1/apps/acme", json={"name": name}, auth=auth).status_code == 200
        assert daemon.get("/v1/apps/other", auth=auth).status_code == 404
        assert daemon.patch("/v1/apps/other", json={}, auth=auth).status_code == 404
        assert daemon.get("/v1/apps", auth=auth).status_code == 403
        assert daemon.post("/v1/apps", json={"slug": "new"}, auth=auth).status_code == 403
    assert daemon.get("/v1/apps").status_code == 401


# ---- GET /app/user ----


@pytest.fixture
def people(daemon):
    return {name: daemon.post("/v1/admin/users", json={"name": name}, auth="admin").json()["number"]
            for name in ("ann", "ben")}


def test_an_app_that_needs_no_agreement_sees_all_users(daemon, people):
    app = daemon.create_app("acme", scopes=("read:user",))
    seen = daemon.get("/app/user", headers=app.link()).json()
    assert {u["id"] for u in seen} >= set(people.values())
    one = daemon.get(f"/app/user/{people['ann']}", headers=app.link())
    assert one.status_code == 200 and one.json()["id"] == people["ann"]
    for number in ("999", "x"):
        lost = daemon.get(f"/app/user/{number}", headers=app.link())
        assert lost.status_code == 404 and lost.json()["slug"] == "user-not-found"
        assert lost.json()["status_code"] == 404


def test_an_app_that_needs_one_sees_those_who_agreed(daemon, people):
    app = daemon.create_app("acme", agreement=True, scopes=("read:user",))
    daemon.post("/v1/apps/acme/agreements", json={"user_id": people["ann"]}, auth="admin")
    seen = daemon.get("/app/user", headers=app.link()).json()
    assert [u["id"] for u in seen] == [people["ann"]]
    assert daemon.get(f"/app/user/{people['ben']}", headers=app.link()).status_code == 404


def test_a_users_token_sees_that_user_alone(daemon, people):
    app = daemon.create_app("acme", scopes=("read:user",))
    headers = app.link(sub=people["ann"])
    assert [u["id"] for u in daemon.get("/app/user", headers=headers).json()] == [people["ann"]]
    assert daemon.get(f"/app/user/{people['ann']}", headers=headers).status_code == 200
    other = daemon.get(f"/app/user/{people['ben']}", headers=headers)
    assert other.status_code == 403 and other.json()["slug"] == "user-with-no-access"


def test_reading_users_needs_its_scope(daemon, people):
    app = daemon.create_app("acme", agreement=True, scopes=("webhook",))
    answer = daemon.get("/app/user", headers=app.link())
    assert answer.status_code == 401 and answer.json()["slug"] == "forbidden-scope"
    signer = daemon.create_app("signer", strategy="SIGNATURE", scopes=("read:user",))
    headers = signer.signature(method="GET", params={"a": ["1"]})
    assert daemon.get("/app/user?a=1", headers=headers).status_code == 200
