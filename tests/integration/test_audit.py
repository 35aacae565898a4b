"""The audit log: whose refusals have events of their own, and what those name."""

import time

import pytest

import signing
from test_events import audit_of

BAD_ITEM = {"id": 1, "type": "t", "data": "text"}


def refusal(daemon, reason):
    return audit_of(daemon, lambda data: data.get("reason") == reason)


def is_the_apps(event, outcome, slug="acme"):
    assert event["actor"] == {"kind": "app", "id": slug}
    assert event["action"] == "webhook.ingest"
    assert event["target"] == {"kind": "app", "id": slug}
    assert event["outcome"] == outcome


def test_an_app_whose_user_did_not_agree_is_on_record_as_itself(daemon):
    app = daemon.create_app("acme", agreement=True)
    answer = daemon.post("/v1/webhooks", headers=app.link(sub=1), json={"id": 1})
    assert (answer.status_code, answer.json()["slug"]) == (400, "agreement-not-accepted")
    is_the_apps(refusal(daemon, "agreement-not-accepted"), "denied")


@pytest.mark.parametrize("strategy", ["JWT", "SIGNATURE", "STANDARD"])
def test_an_app_without_the_scope_is_on_record_as_itself(daemon, strategy):
    app = daemon.create_app("acme", agreement=True, strategy=strategy, scopes=["read:user"])
    body = b'{"id": 1}'
    headers = {"JWT": app.link, "SIGNATURE": lambda: app.signature(body={"id": 1}),
               "STANDARD": lambda: app.standard(body)}[strategy]()
    path = "/app/webhook/acme" if strategy == "STANDARD" else "/app/webhook"
    answer = daemon.post(path, headers={**headers, "Content-Type": "application/json"}, data=body)
    assert (answer.status_code, answer.json()["slug"]) == (401, "forbidden-scope")
    is_the_apps(refusal(daemon, "forbidden-scope"), "denied")


def test_an_app_that_sends_too_fast_is_on_record_as_itself(make_daemon):
    daemon = make_daemon({"limits": {"app_requests_per_second": 1}})
    app = daemon.create_app("acme")
    statuses = [daemon.post("/v1/webhooks", headers=app.link(), json=[]).status_code
                for _ in range(5)]
    assert 429 in statuses
    is_the_apps(refusal(daemon, "app-rate"), "failed")


def test_a_refused_batch_is_on_record_with_its_count(daemon):
    app = daemon.create_app("acme")
    answer = daemon.post("/v1/webhooks", headers=app.link(), json=[{"id": 1}, BAD_ITEM])
    assert answer.status_code == 400
    event = refusal(daemon, "invalid-items")
    is_the_apps(event, "failed")
    assert event["count"] == 2


def test_a_batch_of_bad_items_alone_is_on_record_however_lenient(daemon):
    app = daemon.create_app("acme")
    answer = daemon.post("/v1/webhooks", json=[BAD_ITEM],
                         headers=app.link(headers={"Prefer": "handling=lenient"}))
    assert answer.status_code == 207
    is_the_apps(refusal(daemon, "invalid-items"), "failed")


@pytest.mark.parametrize("text,slug", [("[{", "invalid-json"), ("[" * 100, "too-deep")])
def test_a_batch_that_is_no_json_is_on_record(daemon, text, slug):
    app = daemon.create_app("acme")
    answer = daemon.post("/v1/webhooks", data=text,
                         headers=app.link(headers={"Content-Type": "application/json"}))
    assert (answer.status_code, answer.json()["slug"]) == (400, slug)
    is_the_apps(refusal(daemon, slug), "failed")


def test_whoever_only_names_an_app_is_not_that_app(daemon):
    app = daemon.create_app("acme", agreement=True, scopes=["read:user"])
    stranger = signing.App("acme", "00" * 64)
    for headers in (stranger.link(), app.link(exp=time.time() - 5), app.link(exp=None),
                    stranger.signature(body={"id": 1})):
        assert daemon.post("/v1/webhooks", headers=headers, json={"id": 1}).status_code == 401
    daemon.post("/v1/webhooks", headers=app.link(), json={"id": 1})
    refusal(daemon, "forbidden-scope")
    recorded = [e["data"]["reason"] for e in daemon.journal("audit")
                if e["data"].get("actor", {}).get("kind") == "app"]
    assert recorded == ["forbidden-scope"]


@pytest.mark.parametrize("path,body,slug", [
    ("/v1/keys", {"user": 1}, "invalid-field"),
    ("/v1/keys", {"user": "admin", "expires_in": "9000d"}, "expiry-too-long"),
    ("/v1/keys", {"user": "nobody-of-that-name"}, "user-not-found"),
    ("/v1/admin/users", {"name": "admin"}, "user-exists"),
    ("/v1/admin/roles", {"name": "admin", "permissions": ["keys:read"]}, "role-exists"),
    ("/v1/admin/clients", {"name": "x", "redirect_uris": ["nowhere"]}, "invalid-redirect-uri"),
    ("/v1/inboxes", {"name": ""}, "invalid-field"),
])
def test_what_was_not_made_is_on_record_without_an_id(daemon, path, body, slug):
    answer = daemon.post(path, json=body, auth="admin")
    assert 400 <= answer.status_code < 500 and answer.json()["slug"] == slug, answer.text
    event = refusal(daemon, slug)
    assert event["actor"]["kind"] == "user" and event["outcome"] == "failed"
    assert event["target"]["id"] is None


def test_a_refused_mint_is_on_record_without_an_id(daemon):
    daemon.ask("POST", "/v1/admin/users", {
        "name": "minter", "password": daemon.password,
        "roles": [{"role": "backend", "resource": "inboxes/a"}]})
    answer = daemon.post("/v1/keys", auth=("minter", daemon.password), json={
        "user": "minter", "grants": [{"role": "admin", "resource": "*"}]})
    assert (answer.status_code, answer.json()["slug"]) == (403, "may-not-give")
    assert refusal(daemon, "may-not-give")["target"] == {"kind": "key", "id": None}


def test_a_read_that_finds_nothing_is_not_on_record(daemon):
    def actions():
        return [e["data"]["action"] for e in daemon.journal("audit")
                if e["type"] == "chatelaine.audit.v1"]

    before = actions()
    assert daemon.get("/v1/keys/" + "0" * 24, auth="admin").status_code == 404
    assert daemon.get("/v1/keys?limit=0", auth="admin").status_code == 400
    daemon.ask("POST", "/v1/admin/users", {"name": "next"})
    assert actions() == before + ["user.create"]
