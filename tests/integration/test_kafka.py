"""Kafka on bad days: away, dying, stalling, losing a broker. What was answered arrives, once."""

import base64
import collections
import datetime
import hashlib
import json
import subprocess
import threading
import time

import pytest
import requests
from confluent_kafka.admin import AdminClient
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from harness import wait_until

# librdkafka waits up to 10 s between its attempts to reconnect; a test has no such patience.
IMPATIENT = {'property "reconnect.backoff.max.ms"': {"value": "1000"}}


def publishing_to(bootstrap, prefix="chatelaine.", **more):
    return {"kafka": {"brokers": bootstrap, "topic_prefix": prefix, **IMPATIENT, **more}}


def items(first, count, version=0):
    return [{"id": f"i{n}", "type": "order.paid", "data": {"version": version}}
            for n in range(first, first + count)]


def post(daemon, app, batch):
    answer = daemon.post("/v1/webhooks", json=batch, headers=app.link())
    assert answer.status_code == 204, answer.text


def head_of(daemon):
    return int(daemon.journal()[-1]["sequence"])


def by_sequence(messages):
    """The events by sequence; a repeat must be the very same event, to the byte."""
    found = {}
    for message in messages:
        before = found.setdefault(int(message.event["sequence"]), message)
        assert before.raw == message.raw, "a repeat differs from what it repeats"
    return found


def read_all(reader, head, seconds=120):
    """Every event from 1 to head, each under one id, each topic in order."""
    messages = reader.until(lambda read: len({m.event["sequence"] for m in read}) >= head,
                            seconds=seconds)
    found = by_sequence(messages)
    assert sorted(found) == list(range(1, head + 1))
    assert len({m.event["id"] for m in found.values()}) == head
    in_order(messages)
    return found


def in_order(messages):
    """In each partition an event comes first after all that went before it in the journal."""
    highest, seen = collections.defaultdict(int), set()
    for message in messages:
        name, sequence = (message.topic, message.partition), int(message.event["sequence"])
        if sequence in seen:
            continue
        assert sequence > highest[name], f"{name}: {sequence} comes after {highest[name]}"
        highest[name] = sequence
        seen.add(sequence)


class Poster(threading.Thread):
    """Posts one small batch after the other until told to stop, each row again and again."""

    def __init__(self, daemon, app):
        super().__init__(daemon=True)
        self.daemon_under_test, self.app = daemon, app
        self.version, self.failure = 0, None
        self.slowest = 0.0
        self.stopping = threading.Event()

    def run(self):
        session = requests.Session()
        session.trust_env = False
        while not self.stopping.is_set():
            self.version += 1
            began = time.monotonic()
            answer = session.post(self.daemon_under_test.url("/v1/webhooks"),
                                  json=items(0, 5, self.version), headers=self.app.link(),
                                  timeout=60)
            self.slowest = max(self.slowest, time.monotonic() - began)
            if answer.status_code != 204:
                self.failure = f"{answer.status_code} {answer.text}"
                return
            time.sleep(0.01)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.join(60)
        assert self.failure is None, self.failure

    def wait_for(self, more):
        """Until so many more batches have been answered."""
        enough = self.version + more
        wait_until(lambda: self.version >= enough or self.failure, "the sender stands still")


def row_versions(found):
    """By row: the versions its events tell, in the order of the topic."""
    versions = collections.defaultdict(list)
    for sequence in sorted(found):
        if found[sequence].topic == "webhooks":
            data = found[sequence].data
            versions[data["external_id"]].append(data["version"])
    return versions


# ---- away ----

def test_kafka_absent_at_start_then_comes(make_kafka, make_daemon, make_reader):
    cluster = make_kafka(start=False, settings={"auto.create.topics.enable": "false",
                                                "num.partitions": 3})
    daemon = make_daemon(publishing_to(cluster.bootstrap))
    app = daemon.create_app("early")
    post(daemon, app, items(0, 20))
    assert daemon.get("/readyz").status_code == 200  # a dead Kafka does not count
    head = head_of(daemon)
    assert daemon.metric("chatelaine_outbox_rows") == head

    cluster.start()
    reader = make_reader(cluster.bootstrap, "chatelaine.")
    read_all(reader, head)
    # The broker makes no topic by itself: the daemon has. The audit has one order, so one partition.
    topics = AdminClient({"bootstrap.servers": cluster.bootstrap}).list_topics(timeout=30).topics
    assert {"chatelaine.webhooks", "chatelaine.keys", "chatelaine.audit"} <= topics.keys()
    assert len(topics["chatelaine.audit"].partitions) == 1
    wait_for_empty_outbox(daemon)


def test_topics_are_made_by_a_kafka_that_answers_when_the_question_has_ended(
        make_kafka, make_daemon, make_reader):
    cluster = make_kafka(settings={"auto.create.topics.enable": "false"})
    cluster.pause()
    try:
        daemon = make_daemon(publishing_to(cluster.bootstrap))
        # The first question ends after 5 s, and for a second more Kafka is looked for.
        time.sleep(5.2)
    finally:
        cluster.resume()
    post(daemon, daemon.create_app("early"), items(0, 5))
    read_all(make_reader(cluster.bootstrap, "chatelaine."), head_of(daemon))


def wait_for_empty_outbox(daemon):
    wait_until(lambda: not daemon.metric("chatelaine_outbox_rows"), "the outbox does not empty")


def test_kafka_dies_and_comes_back(make_kafka, make_daemon, make_reader):
    cluster = make_kafka()
    daemon = make_daemon(publishing_to(cluster.bootstrap))
    app = daemon.create_app("steady")
    with Poster(daemon, app) as poster:
        poster.wait_for(20)
        cluster.kill()
        poster.wait_for(50)
        cluster.start()
        poster.wait_for(20)
    assert poster.slowest < 30, "a write has waited for Kafka"
    found = read_all(make_reader(cluster.bootstrap, "chatelaine."), head_of(daemon))
    for versions in row_versions(found).values():
        assert versions == list(range(1, poster.version + 1))


def test_kafka_stalls_with_its_connections_open(make_kafka, make_daemon, make_reader):
    cluster = make_kafka()
    impatient = {'property "socket.timeout.ms"': {"value": "2000"}}
    daemon = make_daemon(publishing_to(cluster.bootstrap, **impatient))
    app = daemon.create_app("steady")
    with Poster(daemon, app) as poster:
        poster.wait_for(10)
        cluster.pause()
        try:
            poster.wait_for(40)
            time.sleep(3)  # longer than the client waits for an answer
        finally:
            cluster.resume()
        poster.wait_for(10)
    found = read_all(make_reader(cluster.bootstrap, "chatelaine."), head_of(daemon))
    assert all(v == list(range(1, poster.version + 1)) for v in row_versions(found).values())


@pytest.mark.slow
def test_one_of_three_brokers_is_lost(make_kafka, make_daemon, make_reader):
    cluster = make_kafka(nodes=3)
    daemon = make_daemon(publishing_to(cluster.bootstrap))
    app = daemon.create_app("steady")
    reader = make_reader(cluster.bootstrap, "chatelaine.")
    with Poster(daemon, app) as poster:
        poster.wait_for(10)
        topics = AdminClient({"bootstrap.servers": cluster.bootstrap}).list_topics(timeout=30).topics
        assert len(topics["chatelaine.audit"].partitions[0].replicas) == 3
        cluster.kill(topics["chatelaine.audit"].partitions[0].leader)
        poster.wait_for(40)
    # Two of three are enough: all of it arrives while the third is still dead.
    found = read_all(reader, head_of(daemon))
    assert all(v == list(range(1, poster.version + 1)) for v in row_versions(found).values())


def test_stop_and_start_while_kafka_is_away(make_kafka, make_daemon, make_reader):
    cluster = make_kafka(start=False)
    daemon = make_daemon(publishing_to(cluster.bootstrap))
    app = daemon.create_app("early")
    post(daemon, app, items(0, 10))
    began = time.monotonic()
    daemon.stop()
    assert time.monotonic() - began < 10  # flushing has its bound
    cluster.start()
    daemon.start()
    post(daemon, app, items(10, 10))
    found = read_all(make_reader(cluster.bootstrap, "chatelaine."), head_of(daemon))
    assert len(row_versions(found)) == 20


# ---- what a message is ----

def test_every_message_is_a_cloudevent_under_its_key(kafka_daemon, published):
    app = kafka_daemon.create_app("acme")
    post(kafka_daemon, app, [{"id": 1, "type": "order.paid", "data": {}}, {"type": "ping"}])
    post(kafka_daemon, app, [{"id": 1, "type": "order.paid", "data": {"n": 2}}])
    post(kafka_daemon, app, [{"id": 2, "type": "document.done", "data": {}}])  # fails: no document
    key = kafka_daemon.mint(resources=["documents/d1"])
    kafka_daemon.ask("PATCH", f"/v1/keys/{key['id']}", {"active": False})
    kafka_daemon.ask("PATCH", f"/v1/keys/{key['id']}", {"active": True})
    kafka_daemon.ask("POST", f"/v1/keys/{key['id']}/rotate", {"grace": "1m"})
    post(kafka_daemon, app, [{"id": 3, "type": "document.done", "data": {"document_id": "d1"}}])
    short = kafka_daemon.mint(expires_in="1s")
    kafka_daemon.wait_journal(lambda e: e["type"] == "chatelaine.key.expired.v1")

    found = read_all(published, head_of(kafka_daemon))
    for message in found.values():
        assert message.headers.get("content-type") == b"application/cloudevents+json"
        event = message.event
        assert event["specversion"] == "1.0" and event["source"] == "/chatelaine/test"
        assert event["partitionkey"] == message.key
    topics = collections.defaultdict(list)
    for sequence in sorted(found):
        topics[found[sequence].topic].append(found[sequence])
    assert {m.key for m in topics["audit"]} == {"audit"}
    assert {m.partition for m in topics["audit"]} == {0}
    rows = dict(kafka_daemon.rows("SELECT coalesce(external_id, ''), id FROM first_party_webhook_log"))
    assert {m.key for m in topics["webhooks"]} == {"acme/1", "acme/2", "acme/3", str(rows[""])}
    assert all(m.key == m.data["id"] for m in topics["keys"])
    assert {short["id"], key["id"]} <= {m.key for m in topics["keys"]}
    assert {m.type for m in topics["webhooks"]} == {
        f"chatelaine.webhook.{what}.v1" for what in ("received", "updated")}
    assert {m.type for m in topics["keys"]} >= {
        f"chatelaine.key.{what}.v1" for what in ("created", "updated", "rotated", "revoked", "expired")}


def test_a_webhook_s_data_stays_out_of_kafka(kafka_daemon, published):
    app = kafka_daemon.create_app("acme")
    post(kafka_daemon, app, [{"id": 1, "type": "order.paid", "data": {"iban": "DE02-private"}}])
    found = read_all(published, head_of(kafka_daemon))
    assert not any(b"DE02-private" in m.raw for m in found.values())
    (received,) = [m for m in found.values() if m.topic == "webhooks"]
    assert received.data["data_sha256"] == hashlib.sha256(b'{"iban": "DE02-private"}').hexdigest()


def test_a_webhook_s_data_is_published_where_asked_for_and_where_it_fits(
        make_daemon, make_reader, kafka, topic_prefix):
    daemon = make_daemon({**publishing_to(kafka.bootstrap, topic_prefix, webhook_data=True),
                          "limits": {"body": "4MiB"}})
    app = daemon.create_app("acme")
    large = "x" * 1_500_000  # over message.max.bytes
    for batch in ([{"id": 1, "data": {"n": 1.10}}], [{"id": 2, "data": {"text": large}}],
                  [{"id": 3, "data": None}]):
        post(daemon, app, batch)
    found = read_all(make_reader(kafka.bootstrap, topic_prefix), head_of(daemon))
    data = {m.data["external_id"]: m.data for m in found.values() if m.topic == "webhooks"}
    assert data["1"]["data"] == {"n": 1.10} and "data_omitted" not in data["1"]
    assert data["2"]["data_omitted"] is True and "data" not in data["2"]
    assert "data_omitted" not in data["3"]


# ---- the audit chain, by an implementation of its own ----

def canonical(value):
    """RFC 8785 of what audit events hold: no fractions, and names of ASCII (whose order by UTF-16
    units is the order of their code points)."""
    def check(part):
        assert not isinstance(part, float)
        if isinstance(part, dict):
            assert all(name.isascii() for name in part)
            for one in part.values():
                check(one)
        elif isinstance(part, list):
            for one in part:
                check(one)
    check(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def link(event, previous):
    data = {name: value for name, value in event["data"].items() if name != "hash"}
    assert data["previous"] == previous
    text = "\n".join((previous, str(event["sequence"]), event["id"], event["time"],
                      canonical(data)))
    return hashlib.sha256(text.encode()).hexdigest()


def signed_text(data):
    return "\n".join(("chatelaine.checkpoint.v1", str(data["previous_sequence"]),
                      str(data["sequence"]), data["hash"], data["digest"])).encode()


def test_the_audit_chain_holds_for_whoever_reads_kafka(make_daemon, make_reader, kafka,
                                                       topic_prefix):
    daemon = make_daemon(publishing_to(kafka.bootstrap, topic_prefix))
    app = daemon.create_app("acme")
    post(daemon, app, items(0, 3))
    daemon.get("/v1/keys", auth=("admin", "wrong"))
    daemon.get("/v1/keys", headers={"User-Agent": 'tümlaut "\\\x01\u2028'.encode(), "X-API-Key": "no"})
    daemon.mint(name="Schlüssel \U0001f511 \"quoted\" \\ back")
    head = head_of(daemon)
    daemon.restart()
    daemon.wait_journal(lambda e: e["type"] == "chatelaine.checkpoint.v1" and
                        e["data"]["sequence"] >= head, "audit")
    post(daemon, app, items(3, 3))
    public_key = load_pem_public_key(
        daemon.cli("audit", "public-key")["public_key"].encode())
    verdict = daemon.cli("audit", "verify")
    assert verdict["checkpoints"] >= 1

    found = read_all(make_reader(kafka.bootstrap, topic_prefix), head_of(daemon))
    audit = [found[s].event for s in sorted(found) if found[s].topic == "audit"]
    previous, heads = "0" * 64, {0: "0" * 64}
    for event in audit:
        if event["type"] == "chatelaine.audit.v1":
            previous = link(event, previous)
            assert event["data"]["hash"] == previous, event
            heads[int(event["sequence"])] = previous
    checkpoints = [e["data"] for e in audit if e["type"] == "chatelaine.checkpoint.v1"]
    assert checkpoints
    before = 0
    for data in checkpoints:
        public_key.verify(base64.b64decode(data["signature"]), signed_text(data))
        with pytest.raises(InvalidSignature):
            public_key.verify(base64.b64decode(data["signature"]), signed_text(data) + b"0")
        assert data["previous_sequence"] == before
        before = data["sequence"]
        assert data["hash"] == heads[max(s for s in heads if s <= data["sequence"])]


def test_times_of_events_are_utc_with_milliseconds(kafka_daemon, published):
    kafka_daemon.mint()
    for message in read_all(published, head_of(kafka_daemon)).values():
        time_text = message.event["time"]
        assert time_text.endswith("Z") and len(time_text) == 24, time_text
        datetime.datetime.fromisoformat(time_text.removesuffix("Z"))


# ---- again, none, embedded ----

def test_republish_sends_the_same_events_under_the_same_ids(kafka_daemon, published):
    app = kafka_daemon.create_app("acme")
    post(kafka_daemon, app, items(0, 5))
    head = head_of(kafka_daemon)
    read_all(published, head)
    answer = kafka_daemon.cli("events", "republish", "--from", "2", "--to", str(head - 1))
    assert answer["published"] == head - 2
    counts = collections.Counter()
    messages = published.until(
        lambda read: sum(1 for m in read if 1 < int(m.event["sequence"]) < head) >= 2 * (head - 2))
    for message in messages:
        counts[int(message.event["sequence"])] += 1
    by_sequence(messages)
    assert all(counts[s] == 2 for s in range(2, head)) and counts[1] == 1


def test_without_brokers_nothing_waits(make_daemon):
    daemon = make_daemon({"kafka": {"brokers": "none"}})
    app = daemon.create_app("acme")
    post(daemon, app, items(0, 5))
    wait_for_empty_outbox(daemon)
    assert not (daemon.state / "kafka.bootstrap").exists()


def test_the_embedded_broker_is_read_by_a_plain_consumer(make_daemon):
    daemon = make_daemon({"kafka": {"brokers": "embedded", "topic_prefix": "demo."}})
    app = daemon.create_app("acme")
    post(daemon, app, items(0, 5))
    wait_for_empty_outbox(daemon)
    bootstrap = (daemon.state / "kafka.bootstrap").read_text().strip()
    assert bootstrap.startswith("127.0.0.1:")
    result = subprocess.run(["kcat", "-C", "-q", "-e", "-o", "beginning", "-b", bootstrap,
                             "-t", "demo.webhooks"], capture_output=True, text=True, timeout=60)
    events = [json.loads(line) for line in result.stdout.splitlines()]
    assert sorted(e["data"]["external_id"] for e in events) == [f"i{n}" for n in range(5)]
    assert any("embedded" in json.dumps(line) for line in daemon.log), "the log does not say so"
