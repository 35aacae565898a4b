"""Batches in, rows out: verdicts, preferences, forms of a body, schemes, lists and replay."""

import gzip
import json
import time
import uuid

import pytest

VERDICTS = {"Prefer": "return=representation"}
LENIENT = {"Prefer": "handling=lenient"}


@pytest.fixture
def acme(daemon):
    return daemon.create_app("acme")


def rows(daemon, **filters):
    answer = daemon.get("/v1/webhooks", params=filters, auth="admin")
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def verdicts(answer, status=200):
    assert answer.status_code == status, answer.text
    return answer.json()["items"]


# ---- what becomes of an item ----


def test_an_item_is_created_then_unchanged_then_updated_in_the_same_row(daemon, acme):
    def post(data):
        headers = acme.link(headers=VERDICTS)
        return verdicts(daemon.post("/v1/webhooks", headers=headers,
                                    json={"id": 7, "type": "invoice", "data": data}))[0]

    first, again, changed = post({"a": 1}), post({"a": 1}), post({"a": 2})
    assert [v["outcome"] for v in (first, again, changed)] == ["created", "unchanged", "updated"]
    assert first["log_id"] == again["log_id"] == changed["log_id"]
    assert [v["version"] for v in (first, again, changed)] == [1, 1, 2]
    row = daemon.get(f"/v1/webhooks/{first['log_id']}", auth="admin").json()
    assert row["data"] == {"a": 2} and row["external_id"] == "7" and row["status"] == "DONE"
    assert row["processed"] and row["attempts"] == 2 and row["app"] == "acme"


def test_without_preferences_the_answer_is_204_and_empty(daemon, acme):
    for path in ("/v1/webhooks", "/app/webhook"):
        answer = daemon.post(path, headers=acme.link(), json=[{"id": "a"}, {"id": "b"}])
        assert answer.status_code == 204 and answer.content == b""
    assert len(rows(daemon)) == 2


def test_a_number_and_its_text_are_the_same_id_and_zero_is_an_id(daemon, acme):
    headers = acme.link(headers=VERDICTS)
    first = verdicts(daemon.post("/v1/webhooks", headers=headers,
                                 json=[{"id": 7}, {"id": 0}]))
    again = verdicts(daemon.post("/v1/webhooks", headers=headers,
                                 json=[{"id": "7"}, {"id": "0"}]))
    assert [v["log_id"] for v in first] == [v["log_id"] for v in again]
    assert [v["outcome"] for v in again] == ["unchanged", "unchanged"]


def test_an_item_without_id_is_always_a_new_row(daemon, acme):
    for _ in range(2):
        found = verdicts(daemon.post("/v1/webhooks", headers=acme.link(headers=VERDICTS),
                                     json=[{"data": {}}, {"id": None, "data": {}}]))
        assert [v["outcome"] for v in found] == ["created", "created"]
    assert len(rows(daemon)) == 4


def test_a_type_that_is_not_given_is_unknown_also_on_redelivery(daemon, acme):
    headers = acme.link(headers=VERDICTS)
    first = verdicts(daemon.post("/v1/webhooks", headers=headers, json={"id": 1, "data": {}}))
    again = verdicts(daemon.post("/v1/webhooks", headers=headers,
                                 json={"id": 1, "type": None, "data": {}}))
    assert first[0]["log_id"] == again[0]["log_id"] and again[0]["outcome"] == "unchanged"
    assert rows(daemon)[0]["type"] == "unknown"


def test_rows_of_different_users_types_and_apps_are_different(daemon, acme):
    user = daemon.post("/v1/admin/users", json={"name": "u"}, auth="admin").json()
    other = daemon.create_app("other")
    for headers in (acme.link(), acme.link(sub=user["number"]), other.link()):
        for type_ in ("a", "b"):
            assert daemon.post("/v1/webhooks", headers=headers,
                               json={"id": 1, "type": type_}).status_code == 204
    assert len(rows(daemon)) == 6
    assert len(rows(daemon, user_id=user["number"])) == 2
    assert len(rows(daemon, app="other", type="a")) == 1


def test_the_last_of_two_items_with_one_key_wins_and_both_get_a_verdict(daemon, acme):
    found = verdicts(daemon.post("/v1/webhooks", headers=acme.link(headers=VERDICTS),
                                 json=[{"id": 1, "data": {"n": 1}}, {"id": 2, "data": {}},
                                       {"id": "1", "data": {"n": 2}}]))
    assert [v["index"] for v in found] == [0, 1, 2]
    assert found[0]["log_id"] == found[2]["log_id"] != found[1]["log_id"]
    assert daemon.get(f"/v1/webhooks/{found[0]['log_id']}", auth="admin").json()["data"] == {"n": 2}


@pytest.mark.parametrize("text", [
    '{"z":1,"a":[1.10,1e5,123456789012345678901234567890],"a":"twice"}',
    '[1.0,-0.0,1E400]', "null", "false", "0", '"\\u00e9\\ud83d\\ude00"',
])
def test_data_is_kept_byte_for_byte(daemon, acme, text):
    if text.startswith('"'):
        text = '{"text":' + text + "}"
    body = '{"id":1,"data": ' + text + ' }'
    answer = daemon.post("/v1/webhooks", data=body,
                         headers=acme.link(headers={**VERDICTS, "Content-Type": "application/json"}))
    log_id = verdicts(answer)[0]["log_id"]
    shown = daemon.get(f"/v1/webhooks/{log_id}", auth="admin").text
    assert f'"data":{text}' in shown.replace('"data": ', '"data":')


# ---- bad items ----


BAD_ITEMS = [
    ({"id": ""}, "invalid-id"), ({"id": "x" * 256}, "invalid-id"), ({"id": 1.5}, "invalid-id"),
    ({"id": True}, "invalid-id"), ({"id": []}, "invalid-id"), ({"id": {}}, "invalid-id"),
    ({"type": "t" * 51}, "invalid-type"), ({"type": 3}, "invalid-type"),
    ({"data": "text"}, "invalid-data"), ({"data": 3}, "invalid-data"),
    ({"data": True}, "invalid-data"), (3, "invalid-item"), (None, "invalid-item"),
    ([], "invalid-item"),
]


@pytest.mark.parametrize("item,slug", BAD_ITEMS, ids=lambda value: str(value)[:20])
def test_a_bad_item_gets_its_verdict_and_nothing_is_stored(daemon, acme, item, slug):
    answer = daemon.post("/v1/webhooks", headers=acme.link(), json=[{"id": "good"}, item])
    assert answer.status_code == 400 and answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["slug"] == "invalid-items" and problem["status_code"] == 400
    assert [v["outcome"] for v in problem["items"]] == ["rejected", "rejected"]
    assert "error" not in problem["items"][0], "nothing is wrong with it"
    assert problem["items"][1]["error"]["slug"] == slug
    assert rows(daemon) == []


@pytest.mark.parametrize("text", ['{"id":1,"id":2}', '{"type":"a","type":"b"}',
                                  '{"data":{},"data":{}}', '{"id":1,"\\u0069d":2}'])
def test_a_name_twice_in_an_item_is_invalid(daemon, acme, text):
    answer = daemon.post("/v1/webhooks", data=text, headers=acme.link())
    assert answer.status_code == 400
    assert answer.json()["items"][0]["error"]["slug"] == "invalid-item"


def test_lenient_stores_the_good_ones_and_says_so(daemon, acme):
    answer = daemon.post("/v1/webhooks", headers=acme.link(headers=LENIENT),
                         json=[{"id": 1}, {"id": ""}, {"id": 2}])
    found = verdicts(answer, 207)
    assert [v["outcome"] for v in found] == ["created", "rejected", "created"]
    assert found[1]["log_id"] is None and found[1]["error"]["slug"] == "invalid-id"
    assert answer.headers["Preference-Applied"] == "handling=lenient"
    assert sorted(r["external_id"] for r in rows(daemon)) == ["1", "2"]


@pytest.mark.parametrize("prefer,status", [
    ("handling=lenient", 204), ("return=minimal", 204), ("respond-async, wait=10", 204),
    ("return=representation", 200), ('return="representation"; foo=1', 200),
    ("handling=lenient, return=representation", 200), ("Return=Representation", 200),
    ("return=minimal, return=representation", 204),
])
def test_preferences_of_a_good_batch(daemon, acme, prefer, status):
    answer = daemon.post("/v1/webhooks", headers=acme.link(headers={"Prefer": prefer}),
                         json=[{"id": 1}])
    assert answer.status_code == status
    if status == 200:
        assert "return=representation" in answer.headers["Preference-Applied"]


def test_an_empty_batch_is_nothing(daemon, acme):
    assert daemon.post("/v1/webhooks", headers=acme.link(), json=[]).status_code == 204
    assert verdicts(daemon.post("/v1/webhooks", headers=acme.link(headers=VERDICTS),
                                json=[])) == []


def test_a_scope_narrower_than_webhook_decides_item_by_item(daemon):
    app = daemon.create_app("narrow", scopes=("webhook:invoice",), agreement=True)
    items = [{"id": 1, "type": "invoice.created"}, {"id": 2, "type": "invoices"},
             {"id": 3, "type": "document.done"}]
    answer = daemon.post("/v1/webhooks", headers=app.link(headers=LENIENT), json=items)
    found = verdicts(answer, 207)
    assert [v["outcome"] for v in found] == ["created", "rejected", "rejected"]
    assert {v["error"]["slug"] for v in found[1:]} == {"forbidden-scope"}


# ---- forms of a body ----


def post_as(daemon, app, media, body, **headers):
    return daemon.post("/v1/webhooks", data=body,
                       headers=app.link(headers={"Content-Type": media, **VERDICTS, **headers}))


def test_cloudevents_single_and_batch(daemon, acme):
    event = {"specversion": "1.0", "id": "e1", "source": "/s", "type": "invoice.created",
             "data": {"n": 1}}
    one = verdicts(post_as(daemon, acme, "application/cloudevents+json", json.dumps(event)))
    batch = verdicts(post_as(daemon, acme, "application/cloudevents-batch+json; charset=utf-8",
                             json.dumps([event, {**event, "id": "e2"}])))
    assert [v["outcome"] for v in one + batch] == ["created", "unchanged", "created"]
    assert {r["type"] for r in rows(daemon)} == {"invoice.created"}


def test_ndjson_with_blank_lines_and_crlf(daemon, acme):
    body = '{"id":1}\r\n\r\n{"id":2,"data":{"x":\t1}}\n'
    found = verdicts(post_as(daemon, acme, "application/x-ndjson", body))
    assert [v["id"] for v in found] == ["1", "2"]


def test_a_gzip_body_is_taken(daemon, acme):
    body = gzip.compress(json.dumps([{"id": i} for i in range(100)]).encode())
    answer = post_as(daemon, acme, "application/json", body, **{"Content-Encoding": "gzip"})
    assert len(verdicts(answer)) == 100


def test_another_media_type_is_415(daemon, acme):
    for media in ("text/plain", "application/xml", "application/x-www-form-urlencoded"):
        assert post_as(daemon, acme, media, "{}").status_code == 415


# ---- who may post ----


@pytest.mark.parametrize("algorithm", ["HMAC_SHA256", "HMAC_SHA512", "ED25519"])
def test_link_with_each_algorithm(daemon, algorithm):
    app = daemon.create_app("sender", algorithm=algorithm)
    assert daemon.post("/v1/webhooks", headers=app.link(), json={"id": 1}).status_code == 204


@pytest.mark.parametrize("algorithm", ["HMAC_SHA256", "HMAC_SHA512"])
def test_signature_over_pythons_view_of_the_body(daemon, algorithm):
    app = daemon.create_app("signer", algorithm=algorithm, strategy="SIGNATURE")
    body = [{"id": "ä'\"", "type": None, "data": {"f": 1.5, "n": -3, "t": True, "l": [1, "x\n"]}}]
    answer = daemon.post("/app/webhook", headers=app.signature(body=body), json=body)
    assert answer.status_code == 204, answer.text


def test_a_signature_is_good_once_and_a_refused_batch_does_not_use_it_up(daemon):
    app = daemon.create_app("signer", strategy="SIGNATURE")
    bad = [{"id": ""}]
    headers = app.signature(body=bad)
    for _ in range(2):
        assert daemon.post("/app/webhook", headers=headers, json=bad).status_code == 400
    good = [{"id": 1}]
    headers = app.signature(body=good)
    assert daemon.post("/app/webhook", headers=headers, json=good).status_code == 204
    again = daemon.post("/app/webhook", headers=headers, json=good)
    assert again.status_code == 401 and again.json()["slug"] == "replayed-request"


@pytest.mark.parametrize("body", [b"", b"\n \r\n", b"[]"])
def test_nothing_to_store_is_204_and_no_row(daemon, acme, body):
    media = "application/json" if body == b"[]" else "application/x-ndjson"
    for prefer, status in ((None, 204), (LENIENT, 204), (VERDICTS, 200)):
        answer = daemon.post("/v1/webhooks", data=body,
                             headers=acme.link(headers={"Content-Type": media, **(prefer or {})}))
        assert answer.status_code == status, answer.text
        assert status == 204 or answer.json() == {"items": []}
    assert rows(daemon) == []


@pytest.mark.parametrize("prefer", [{}, LENIENT])
def test_a_broken_line_breaks_the_body_however_lenient(daemon, acme, prefer):
    answer = daemon.post("/v1/webhooks", data=b'{"id":1}\n{"id":\n{"id":3}\n', headers=acme.link(
        headers={"Content-Type": "application/x-ndjson", **prefer}))
    problem = answer.json()
    assert answer.status_code == 400 and problem["slug"] == "invalid-json"
    assert (problem["pointer"], problem["offset"]) == ("/1/id", 15)
    assert rows(daemon) == []


def test_a_repeat_says_of_no_preference_that_it_was_applied(daemon):
    app = daemon.create_app("std", strategy="STANDARD")
    body = b'{"id": 1}'
    headers = {**app.standard(body), "Content-Type": "application/json",
               "Prefer": "return=representation, handling=lenient"}
    first = daemon.post("/app/webhook/std", data=body, headers=headers)
    assert first.status_code == 200
    assert first.headers["Preference-Applied"] == "return=representation, handling=lenient"
    repeat = daemon.post("/app/webhook/std", data=body, headers=headers)
    assert repeat.status_code == 204 and "Preference-Applied" not in repeat.headers


def test_standard_webhooks_and_their_repeat(daemon):
    app = daemon.create_app("standard", strategy="STANDARD")
    body = b'[ {"id":1,"data":{"n":1.10}} ]'
    headers = app.standard(body, message_id="msg_1")

    def post(**more):
        return daemon.post("/app/webhook/standard", data=body, headers={
            **headers, "Content-Type": "application/json", **more})

    assert len(verdicts(post(**VERDICTS))) == 1
    again = post(**VERDICTS)
    assert again.status_code == 204 and again.content == b""
    assert rows(daemon)[0]["version"] == 1
    changed = daemon.post("/app/webhook/standard", data=body.replace(b"1", b"2"), headers=headers)
    assert changed.status_code == 401


def refused(answer, slug, status=401):
    assert answer.status_code == status, answer.text
    problem = answer.json()
    assert problem["slug"] == slug and problem["status_code"] == status and problem["detail"]
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_the_refusals_of_link(daemon, acme):
    def post(authorization=None):
        headers = {} if authorization is None else {"Authorization": authorization}
        return daemon.post("/app/webhook", headers=headers, json={"id": 1})

    token = acme.token()
    refused(post(), "no-authorization-header")
    refused(post(f"link App=acme,Token={token}"), "unknown-auth-schema")
    refused(post("Digest abc"), "unknown-auth-schema")
    refused(post(f"Link App=acme,Token={token}=,x"), "authorization-header-malformed")
    refused(post(f"Link App=acme,Token={token},More=1"), "authorization-header-bad-schema")
    refused(post(f"Link App=nobody,Token={token}"), "app-not-found")
    refused(post("Link App=acme,Token=a.b.c"), "wrong-app-token")
    refused(post("Link App=acme,Token=" + acme.token(exp=int(time.time()) - 60)),
            "wrong-app-token")
    refused(post("Link App=acme,Token=" + acme.token(exp=None)), "expired")
    refused(post("Link App=acme,Token=" + acme.token(aud="somebody-else")), "wrong-app-token")
    refused(post("Link App=acme,Token=" + acme.token(app="other")), "wrong-app-token")
    refused(post("Link App=acme,Token=" + acme.token(sub="abc")), "wrong-app-token")
    signer = daemon.create_app("signer", strategy="SIGNATURE")
    refused(post(f"Link App=signer,Token={signer.token()}"),
            "authorization-header-forbidden-strategy")
    refused(daemon.post("/app/webhook", headers=acme.signature(body={"id": 1}), json={"id": 1}),
            "forbidden-strategy")


def test_a_signature_is_hmac_only(daemon):
    app = daemon.create_app("signer", strategy="SIGNATURE")
    daemon.post("/v1/apps", auth="admin", json={"slug": "ed", "strategy": "SIGNATURE",
                                                "algorithm": "ED25519", "require_agreement": False})
    app.slug = "ed"
    refused(daemon.post("/app/webhook", headers=app.signature(body={"id": 1}), json={"id": 1}),
            "algorithm-not-implemented")


def test_a_token_of_another_app_is_refused(daemon, acme):
    other = daemon.create_app("other")
    headers = {"Authorization": f"Link App=acme,Token={other.token(app='acme')}"}
    refused(daemon.post("/v1/webhooks", headers=headers, json={"id": 1}), "wrong-app-token")


def test_an_agreement_is_asked_for(daemon):
    app = daemon.create_app("careful", agreement=True, scopes=(), optional_scopes=("webhook",))
    user = daemon.post("/v1/admin/users", json={"name": "u"}, auth="admin").json()["number"]

    def post():
        return daemon.post("/v1/webhooks", headers=app.link(sub=user), json={"id": 1})

    refused(post(), "agreement-not-accepted", 400)
    path = "/v1/apps/careful/agreements"
    assert daemon.post(path, json={"user_id": user}, auth="admin").status_code == 201
    refused(post(), "forbidden-scope")
    agreed = daemon.post(path, json={"user_id": user, "optional_scopes": ["webhook"]},
                         auth="admin")
    assert agreed.status_code == 201
    assert post().status_code == 204


# ---- rows ----


def test_a_list_is_paged_without_gap_or_repeat(daemon, acme):
    batch = [{"id": i, "type": "odd" if i % 2 else "even"} for i in range(25)]
    daemon.post("/v1/webhooks", headers=acme.link(), json=batch)
    seen, cursor = [], None
    while True:
        page = daemon.get("/v1/webhooks", auth="admin",
                          params={"limit": 10, **({"cursor": cursor} if cursor else {})}).json()
        seen += [r["external_id"] for r in page["items"]]
        cursor = page["next_cursor"]
        if not cursor:
            break
    assert sorted(seen, key=int) == [str(i) for i in range(25)]
    assert len(rows(daemon, type="odd")) == 12
    assert [r["external_id"] for r in rows(daemon, external_id="3", app="acme")] == ["3"]
    assert rows(daemon, status="ERROR") == []
    assert rows(daemon, until="2000-01-01T00:00:00Z") == []


@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "cursor=%21", "nonsense=1",
                                   "status=done", "since=yesterday", "user_id=-1", "app=", "limit=1&limit=2"])
def test_a_bad_query_is_refused(daemon, query):
    answer = daemon.get(f"/v1/webhooks?{query}", auth="admin")
    assert answer.status_code == 400, answer.text


def test_a_row_that_is_not_there_is_404(daemon):
    for path in ("999", "0", "-1", "x", "99999999999999999999"):
        assert daemon.get(f"/v1/webhooks/{path}", auth="admin").status_code == 404
        assert daemon.post(f"/v1/webhooks/{path}/replay", auth="admin").status_code == 404


def test_rows_of_an_app_are_for_those_who_may_read_them(daemon, acme):
    other = daemon.create_app("other")
    ids = {app.slug: verdicts(daemon.post("/v1/webhooks", headers=app.link(headers=VERDICTS),
                                          json={"id": 1}))[0]["log_id"] for app in (acme, other)}
    daemon.post("/v1/admin/users", auth="admin", json={
        "name": "reader", "password": "pass word", "roles": [
            {"role": "auditor", "resource": "webhooks/acme"}]})
    reader = ("reader", "pass word")
    listed = daemon.get("/v1/webhooks", auth=reader).json()["items"]
    assert [r["app"] for r in listed] == ["acme"]
    assert daemon.get(f"/v1/webhooks/{ids['acme']}", auth=reader).status_code == 200
    assert daemon.get(f"/v1/webhooks/{ids['other']}", auth=reader).status_code == 404
    assert daemon.post(f"/v1/webhooks/{ids['acme']}/replay", auth=reader).status_code == 403
    assert daemon.post(f"/v1/webhooks/{ids['other']}/replay", auth=reader).status_code == 404


def test_replay_runs_the_rules_again_and_revokes(daemon, acme):
    document = uuid.uuid4().hex
    body = {"id": 1, "type": "document.done", "data": {"document_id": document}}
    log_id = verdicts(daemon.post("/v1/webhooks", headers=acme.link(headers=VERDICTS),
                                  json=body))[0]["log_id"]
    assert daemon.post(f"/v1/documents/{document}/reopen", auth="admin").status_code == 200
    key = daemon.post("/v1/keys", auth="admin", json={
        "user": "admin", "resources": [f"documents/{document}"]}).json()
    row = daemon.post(f"/v1/webhooks/{log_id}/replay", auth="admin").json()
    assert row["attempts"] == 2 and row["status"] == "DONE"
    assert daemon.get(f"/v1/keys/{key['id']}", auth="admin").json()["state"] == "revoked"


def test_a_rule_that_cannot_be_followed_is_an_error_of_the_row(daemon, acme):
    for bad in ({}, {"document_id": "*"}, {"document_id": "a/b"}, {"document_id": ""},
                {"document_id": 3.5}):
        found = verdicts(daemon.post("/v1/webhooks", headers=acme.link(headers=VERDICTS),
                                     json={"type": "document.done", "data": bad}))[0]
        assert (found["outcome"], found["status"]) == ("created", "ERROR")
        row = daemon.get(f"/v1/webhooks/{found['log_id']}", auth="admin").json()
        assert row["status_text"] and not row["processed"]


def test_items_are_counted_by_app_and_outcome(daemon, acme):
    daemon.post("/v1/webhooks", headers=acme.link(), json=[{"id": 1}, {"id": 2}])
    daemon.post("/v1/webhooks", headers=acme.link(), json=[{"id": 1}, {"id": ""}])
    metrics = daemon.get("/metrics").text
    assert 'chatelaine_webhook_items_total{app="acme",outcome="created"} 2' in metrics
    assert 'chatelaine_webhook_items_total{app="acme",outcome="rejected"} 2' in metrics
