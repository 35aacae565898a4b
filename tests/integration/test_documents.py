"""Inboxes and documents, and what "done" does to the keys bound to them."""

import time

import pytest


def inbox(daemon, name="invoice"):
    answer = daemon.post("/v1/inboxes", json={"name": name}, auth="admin")
    assert answer.status_code == 201, answer.text
    return answer.json()


def document(daemon, inbox_, **body):
    answer = daemon.post("/v1/documents", auth="admin",
                         json={"inbox": inbox_, "name": "a bill", **body})
    assert answer.status_code == 201, answer.text
    return answer.json()


def mint(daemon, status=201, **body):
    answer = daemon.post("/v1/keys", json={"user": "admin", **body}, auth="admin")
    assert answer.status_code == status, answer.text
    return answer.json()


def state(daemon, key):
    return daemon.get(f"/v1/keys/{key['id']}", auth="admin").json()["state"]


def user(daemon, name, role, resource):
    answer = daemon.post("/v1/admin/users", auth="admin", json={
        "name": name, "password": "pass word", "roles": [{"role": role, "resource": resource}]})
    assert answer.status_code == 201, answer.text
    return name, "pass word"


def test_inboxes_and_documents_are_made_and_listed(daemon):
    first, second = inbox(daemon), inbox(daemon, "other")
    assert daemon.post("/v1/inboxes", json={"name": "invoice"}, auth="admin").status_code == 409
    made = document(daemon, first["id"])
    by_name = document(daemon, "other", id="d-1")
    assert made["inbox"] == first["id"] and by_name["inbox"] == second["id"]
    assert made["status"] == "open" and made["done_at"] is None
    again = daemon.post("/v1/documents", auth="admin",
                        json={"inbox": "other", "name": "x", "id": "d-1"})
    assert again.status_code == 409 and again.json()["slug"] == "document-exists"
    lost = daemon.post("/v1/documents", json={"inbox": "none", "name": "x"}, auth="admin")
    assert lost.status_code == 404 and lost.json()["slug"] == "inbox-not-found"
    listed = daemon.get("/v1/documents", auth="admin").json()["items"]
    assert {d["id"] for d in listed} == {made["id"], "d-1"}
    only = daemon.get("/v1/documents?inbox=other", auth="admin").json()["items"]
    assert [d["id"] for d in only] == ["d-1"]
    assert {i["name"] for i in daemon.get("/v1/inboxes", auth="admin").json()["items"]} == {
        "invoice", "other"}
    assert daemon.get(f"/v1/documents/{made['id']}", auth="admin").json() == made
    assert daemon.get("/v1/documents/none", auth="admin").status_code == 404


@pytest.mark.parametrize("bad", ["a/b", "a b", "", "x" * 129, "ä", "*"])
def test_a_documents_id_is_a_plain_name(daemon, bad):
    inbox(daemon)
    answer = daemon.post("/v1/documents", auth="admin",
                         json={"inbox": "invoice", "name": "x", "id": bad})
    assert answer.status_code == 400
    assert answer.json()["slug"] == "invalid-document-id"


def test_done_ends_the_keys_bound_to_it_in_any_spelling(daemon):
    place = inbox(daemon)
    made = document(daemon, place["id"], id="d1")
    bound = [mint(daemon, resources=["documents/d1"]),
             mint(daemon, resources=[f"inboxes/{place['id']}/documents/d1"]),
             mint(daemon, resources=["/documents/d1/"]),
             mint(daemon, grants=[{"role": "auditor", "resource": "documents/d1/pages/1"}])]
    free = [mint(daemon, resources=["documents/d11"]),
            mint(daemon, resources=[f"inboxes/{place['id']}"]), mint(daemon)]
    done = daemon.post(f"/v1/documents/{made['id']}/done", auth="admin")
    assert done.status_code == 200 and done.json() == {"revoked": len(bound)}
    assert {state(daemon, k) for k in bound} == {"revoked"}
    assert {state(daemon, k) for k in free} == {"active"}
    shown = daemon.get("/v1/documents/d1", auth="admin").json()
    assert shown["status"] == "done" and shown["done_at"]
    again = daemon.post("/v1/documents/d1/done", auth="admin")
    assert again.json() == {"revoked": 0}


def test_no_key_is_minted_on_a_document_that_is_done_until_it_is_reopened(daemon):
    assert daemon.post("/v1/documents/never-seen/done", auth="admin").json() == {"revoked": 0}
    for resource in ("documents/never-seen", "inboxes/i/documents/never-seen"):
        assert mint(daemon, 409, resources=[resource])["slug"] == "document-done"
    grant = [{"role": "auditor", "resource": "documents/never-seen"}]
    assert mint(daemon, 409, grants=grant)["slug"] == "document-done"
    assert daemon.get("/v1/documents/never-seen", auth="admin").json()["status"] == "done"
    assert daemon.post("/v1/documents/never-seen/reopen", auth="admin").json() == {"revoked": 0}
    mint(daemon, resources=["documents/never-seen"])


def test_a_webhook_that_says_done_ends_keys_in_its_own_transaction(daemon):
    app = daemon.create_app("acme")
    key = mint(daemon, resources=["documents/d1"])
    answer = daemon.post("/v1/webhooks", headers=app.link(), json={
        "id": 1, "type": "document.done", "data": {"document_id": "d1"}})
    assert answer.status_code == 204
    assert state(daemon, key) == "revoked"
    assert mint(daemon, 409, resources=["documents/d1"])["slug"] == "document-done"


def test_an_app_that_needs_an_agreement_needs_the_rules_scope(daemon):
    app = daemon.create_app("careful", agreement=True, scopes=("webhook",))
    key = mint(daemon, resources=["documents/d1"])
    done = {"type": "document.done", "data": {"document_id": "d1"}}
    daemon.post("/v1/webhooks", headers=app.link(), json={"id": 1, **done})
    assert state(daemon, key) == "active"
    changed = daemon.patch("/v1/apps/careful", auth="admin",
                           json={"scopes": ["webhook", "document:done"]})
    assert changed.status_code == 200
    assert daemon.post("/v1/webhooks", headers=app.link(), json={"id": 2, **done}).status_code == 204
    assert state(daemon, key) == "revoked"


def test_rights_reach_from_an_inbox_to_its_documents_and_no_further(daemon):
    mine, other = inbox(daemon), inbox(daemon, "other")
    document(daemon, mine["id"], id="d1")
    document(daemon, other["id"], id="d2")
    auth = user(daemon, "worker", "operator", f"inboxes/{mine['id']}")
    assert [d["id"] for d in daemon.get("/v1/documents", auth=auth).json()["items"]] == ["d1"]
    assert [i["id"] for i in daemon.get("/v1/inboxes", auth=auth).json()["items"]] == [mine["id"]]
    assert daemon.get("/v1/documents/d1", auth=auth).status_code == 200
    assert daemon.get("/v1/documents/d2", auth=auth).status_code == 404
    assert daemon.get("/v1/documents/d3", auth=auth).status_code == 404
    assert daemon.get("/v1/documents?inbox=other", auth=auth).json()["items"] == []
    assert daemon.get("/v1/documents?inbox=none", auth=auth).json()["items"] == []
    assert daemon.post("/v1/documents/d1/done", auth=auth).status_code == 200
    assert daemon.post("/v1/documents/d2/done", auth=auth).status_code == 403
    assert daemon.post("/v1/documents/d3/done", auth=auth).status_code == 403
    refused = daemon.post("/v1/documents", auth=auth, json={"inbox": "invoice", "name": "x"})
    assert refused.status_code == 403
    assert daemon.post("/v1/inboxes", json={"name": "x"}, auth=auth).status_code == 403


def test_a_documents_own_inbox_is_what_its_row_says(daemon):
    mine, other = inbox(daemon), inbox(daemon, "other")
    document(daemon, other["id"], id="d2")
    auth = user(daemon, "worker", "operator", f"inboxes/{mine['id']}")
    key = mint(daemon, resources=["documents/d2"])
    asked = daemon.post("/v1/keys/revoke", auth=auth,
                        json={"resource": f"inboxes/{mine['id']}/documents/d2"})
    assert asked.status_code in (200, 403)
    assert state(daemon, key) == "active"


def test_an_inbox_is_answered_as_it_is_listed(daemon):
    made = inbox(daemon)
    assert made in daemon.get("/v1/inboxes", auth="admin").json()["items"]


def test_done_and_reopen_change_the_document_and_a_repeat_does_not(daemon):
    document(daemon, inbox(daemon)["id"], id="d1")
    seen = [daemon.get("/v1/documents/d1", auth="admin").json()["updated_at"]]
    for action in ("done", "done", "reopen", "reopen"):
        time.sleep(0.002)  # times have milliseconds
        assert daemon.post(f"/v1/documents/d1/{action}", auth="admin").status_code == 200
        seen.append(daemon.get("/v1/documents/d1", auth="admin").json()["updated_at"])
    created, done, again, reopened, twice = seen
    assert created < done == again < reopened == twice
