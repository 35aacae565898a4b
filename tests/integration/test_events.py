"""The journal by HTTP, as a stream, and as it comes out of Kafka."""

import hashlib
import json
import time

import pytest
import requests

pytestmark = pytest.mark.tsan


def events(daemon, **query):
    answer = daemon.get("/v1/events", params=query, auth="admin")
    assert answer.status_code == 200, answer.text
    return answer.json()


def make_some(daemon):
    """One webhook created and updated, a key minted and ended by it, a refusal: for every topic."""
    app = daemon.create_app("acme")
    daemon.post("/v1/webhooks", headers=app.link(), json={"id": 1, "data": {"n": 1}})
    daemon.post("/v1/webhooks", headers=app.link(), json={"id": 1, "data": {"n": 2}})
    key = daemon.post("/v1/keys", json={"user": "admin", "resources": ["documents/d1"]},
                      auth="admin").json()
    suspended = f"/v1/keys/{key['id']}"
    daemon.patch(suspended, json={"active": False}, auth="admin")
    daemon.patch(suspended, json={"active": True}, auth="admin")
    daemon.post("/v1/keys/" + key["id"] + "/rotate", auth="admin")
    daemon.post("/v1/webhooks", headers=app.link(), json={
        "id": 2, "type": "document.done", "data": {"document_id": "d1"}})
    return app, key


def test_pages_in_order_and_by_topic(daemon):
    make_some(daemon)
    everything = events(daemon, limit=1000)
    assert everything["next_cursor"] is None
    sequences = [int(e["sequence"]) for e in everything["items"]]
    assert sequences == list(range(sequences[0], sequences[0] + len(sequences)))
    paged, cursor = [], None
    while True:
        page = events(daemon, limit=3, **({"cursor": cursor} if cursor else {}))
        paged += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert paged == everything["items"]
    for topic, prefix in (("webhooks", "chatelaine.webhook."), ("keys", "chatelaine.key."),
                          ("audit", "chatelaine.")):
        for name in (topic, "chatelaine." + topic):
            found = events(daemon, topic=name, limit=1000)["items"]
            assert found and all(e["type"].startswith(prefix) for e in found)
    middle = sequences[len(sequences) // 2]
    assert int(events(daemon, **{"from": middle})["items"][0]["sequence"]) == middle
    assert events(daemon, **{"from": sequences[-1] + 1}) == {"items": [], "next_cursor": None}


@pytest.mark.parametrize("query,status", [
    ("topic=none", 404), ("from=x", 400), ("from=-1", 400), ("limit=0", 400), ("cursor=!", 400),
    ("from=1&cursor=MQ", 400), ("nonsense=1", 400)])
def test_a_bad_query(daemon, query, status):
    assert daemon.get(f"/v1/events?{query}", auth="admin").status_code == status


def test_events_are_for_those_who_may_read_them(daemon):
    assert daemon.get("/v1/events").status_code == 401
    daemon.post("/v1/admin/users", json={"name": "small", "password": "pass word"}, auth="admin")
    assert daemon.get("/v1/events", auth=("small", "pass word")).status_code == 403


class Stream:
    """Reads server-sent events, one after the other."""

    def __init__(self, daemon, path, headers):
        self.response = requests.get(daemon.url(path), stream=True, timeout=60,
                                     headers={"Accept": "text/event-stream", **headers})
        assert self.response.status_code == 200, self.response.text
        assert self.response.headers["Content-Type"] == "text/event-stream"
        self.lines = self.response.iter_lines(chunk_size=1, decode_unicode=True)

    def next(self):
        """The next message as a dictionary; None at the end of the stream."""
        message = {}
        for line in self.lines:
            if line == "" and message:
                return message
            if line and not line.startswith(":"):
                name, value = line.split(": ", 1)
                message[name] = value
        return None

    def close(self):
        self.response.close()


@pytest.fixture
def reader(daemon):
    key = daemon.post("/v1/keys", auth="admin", json={
        "user": "admin", "grants": [{"role": "auditor", "resource": "*"}]}).json()
    return key, {"X-API-Key": key["key"]}


def test_a_stream_from_the_beginning_and_live(daemon, reader):
    _, headers = reader
    make_some(daemon)
    known = events(daemon, limit=1000)["items"]
    stream = Stream(daemon, "/v1/events?from=1", headers)
    for event in known:
        message = stream.next()
        assert message["id"] == event["sequence"] and message["event"] == event["type"]
        assert json.loads(message["data"]) == event
    daemon.post("/v1/documents/live/done", auth="admin")
    message = stream.next()
    assert int(message["id"]) == int(known[-1]["sequence"]) + 1
    stream.close()


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream;q=0, */*",
                                    "text/event-stream; q=0.000"])
def test_who_does_not_accept_a_stream_gets_none(daemon, reader, accept):
    answer = daemon.get("/v1/events?limit=1", headers={**reader[1], "Accept": accept})
    assert answer.headers["Content-Type"] == "application/json" and answer.json()["items"]


@pytest.mark.parametrize("begun", ["", "&from=1"])  # a browser comes again to the same URL
def test_a_stream_goes_on_where_the_client_was_and_keeps_to_its_topic(daemon, reader, begun):
    _, headers = reader
    make_some(daemon)
    keys = events(daemon, topic="keys", limit=1000)["items"]
    stream = Stream(daemon, "/v1/events?topic=keys" + begun,
                    {**headers, "Last-Event-ID": keys[0]["sequence"]})
    assert [stream.next()["id"] for _ in keys[1:]] == [e["sequence"] for e in keys[1:]]
    stream.close()


def test_a_stream_ends_with_its_callers_key(daemon, reader):
    key, headers = reader
    stream = Stream(daemon, "/v1/events", headers)
    daemon.delete(f"/v1/keys/{key['id']}", auth="admin")
    while (message := stream.next()) is not None:
        assert message
    stream.close()


def test_streams_do_not_hold_up_the_end(daemon, reader):
    _, headers = reader
    stream = Stream(daemon, "/v1/events", headers)
    daemon.stop()
    while stream.next() is not None:
        pass


# ---- Kafka: every message is held against its schema as it is read (events.py) ----


def test_what_kafka_has_is_what_the_journal_has(kafka_daemon, published):
    app, key = make_some(kafka_daemon)
    journal = events(kafka_daemon, limit=1000)["items"]
    wanted = {e["id"] for e in journal}
    messages = published.until(lambda ms: wanted <= {m.event["id"] for m in ms})
    by_id = {m.event["id"]: m for m in messages}
    for event in journal:
        message = by_id[event["id"]]
        assert message.event == event
        assert message.key == event["partitionkey"]
        headers = {name.lower(): value for name, value in message.headers.items()}
        assert headers["content-type"].startswith(b"application/cloudevents+json")
    kinds = {m.type for m in messages}
    assert {"chatelaine.webhook.received.v1", "chatelaine.webhook.updated.v1",
            "chatelaine.key.created.v1", "chatelaine.key.updated.v1", "chatelaine.key.rotated.v1",
            "chatelaine.key.revoked.v1", "chatelaine.audit.v1"} <= kinds
    hooks = published.of("webhooks")
    assert {m.key for m in hooks} == {"acme/1", "acme/2"}
    assert all("data" not in m.data for m in hooks), "webhook_data is off"
    assert hooks[0].data["data_sha256"] == hashlib.sha256(b'{"n": 1}').hexdigest()
    assert {m.partition for m in published.of("audit")} == {0}
    assert {m.key for m in published.of("audit")} == {"audit"}
    text = b"".join(m.raw for m in messages).decode()
    assert key["key"] not in text and app.key not in text


def test_the_audit_chain_holds(kafka_daemon, published):
    make_some(kafka_daemon)
    chain = published.until(lambda ms: len(ms) >= 8, topic="audit", type="chatelaine.audit")
    previous = "0" * 64
    for message in chain:
        data = dict(message.data)
        found = data.pop("hash")
        assert data["previous"] == previous
        canonical = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        text = "\n".join((previous, message.event["sequence"], message.event["id"],
                          message.event["time"], canonical))
        assert hashlib.sha256(text.encode()).hexdigest() == found
        previous = found
    status, verdict = kafka_daemon.admin("GET", "/v1/admin/audit/verify")
    assert status == 200 and verdict["rows"] >= len(chain)


def audit_of(daemon, is_wanted, seconds=20):
    """The first audit event's data that is wanted: a refusal is not waited for by its answer."""
    deadline = time.monotonic() + seconds
    while True:
        found = [e["data"] for e in events(daemon, topic="audit", limit=1000)["items"]
                 if e["type"] == "chatelaine.audit.v1" and is_wanted(e["data"])]
        if found:
            return found[0]
        assert time.monotonic() < deadline, "no such audit event"
        time.sleep(0.05)


def test_audit_tells_who_did_what_and_who_was_refused(daemon):
    key = daemon.post("/v1/keys", json={"user": "admin"}, auth="admin",
                      headers={"X-Request-Id": "my-request", "User-Agent": "tests"}).json()
    refused = daemon.get("/v1/events", headers={"X-API-Key": key["key"]})
    assert refused.status_code == 403
    mint = audit_of(daemon, lambda data: data["action"] == "key.mint")
    assert mint["actor"]["kind"] == "user" and mint["outcome"] == "success"
    assert mint["target"] == {"kind": "key", "id": key["id"]}
    assert mint["request"]["id"] == "my-request" and mint["request"]["route"] == "/v1/keys"
    assert mint["request"]["method"] == "POST" and mint["request"]["user_agent"] == "tests"
    denied = audit_of(daemon, lambda data: data["outcome"] == "denied")
    assert denied["actor"] == {"kind": "key", "id": key["id"]}
    assert denied["reason"] == "forbidden" and denied["request"]["route"] == "/v1/events"


def test_webhook_data_is_published_where_it_is_asked_for(make_daemon, kafka, topic_prefix, published):
    daemon = make_daemon({"kafka": {"brokers": kafka.bootstrap, "topic_prefix": topic_prefix,
                                    "webhook_data": True}})
    app = daemon.create_app("acme")
    daemon.post("/v1/webhooks", headers=app.link(), data='{"id":1,"data":{"n": 1.10}}')
    daemon.post("/v1/webhooks", headers=app.link(),
                json={"id": 2, "data": {"big": "x" * 1_000_000}})
    small, big = published.until(lambda ms: len(ms) == 2, topic="webhooks")
    assert b'"data":{"n": 1.10}' in small.raw
    assert big.data["data_omitted"] is True and "data" not in big.data


def test_the_printed_public_key_is_what_offline_verify_takes(daemon):
    key = daemon.directory / "kept.pem"
    key.write_text(daemon.cli("audit", "public-key", json=False))
    assert key.read_text().startswith("-----BEGIN PUBLIC KEY-----\n")
    daemon.cli("audit", "verify", "--offline", "--public-key", str(key), json=False)


def test_a_bad_kafka_property_is_named_with_its_line(daemon):
    path = daemon.directory / "bad.conf"
    path.write_text('kafka {\n  property "linger.ms" { value = "5" }\n'
                    '  property "no.such" { value = "1" }\n}\n')
    result = daemon.run("check-config", str(path), status=1)
    assert f"{path}:3: " in result.stdout + result.stderr, result
