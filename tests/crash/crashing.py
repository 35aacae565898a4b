"""kill -9 at random moments under load, then the account: what was answered is there, once and for all.

Senders post batches with ids of their own and remember which were answered 2xx. After the last
crash the daemon publishes what is left, and rows, Kafka and the audit chain are held against that.
"""

import random
import re
import sqlite3
import threading
import time

import requests

import events
import harness

SENDERS = 4
BATCH = 20


class Sender(threading.Thread):
    """Posts batches until told to stop; a daemon that is down is tried again."""

    def __init__(self, number, url, sign):
        super().__init__(daemon=True)
        self.number, self.url, self.sign = number, url, sign
        self.answered, self.attempted = set(), set()
        self.stopping = threading.Event()
        self.wrong = []  # answers that are neither 204 nor 503
        self.sequence = 0

    def run(self):
        session = requests.Session()
        session.trust_env = False
        while not self.stopping.is_set():
            self.sequence += 1
            ids = [f"{self.number}-{self.sequence}-{i}" for i in range(BATCH)]
            self.attempted.update(ids)
            items = [{"id": id, "type": "crash.test", "data": {"n": self.sequence}} for id in ids]
            try:
                answer = session.post(self.url(), json=items, headers=self.sign(), timeout=30)
            except (requests.RequestException, KeyError):  # it is down, or its port is not known yet
                time.sleep(0.01)
                continue
            if answer.status_code == 204:
                self.answered.update(ids)
            elif answer.status_code != 503:
                self.wrong.append(answer.text)


def rows_of(daemon):
    """external_id of every row; a row is one of the sender's items."""
    with sqlite3.connect(f"file:{daemon.state}/chatelaine.db?mode=ro", uri=True) as db:
        found = [row[0] for row in db.execute("SELECT external_id FROM first_party_webhook_log")]
        head = db.execute("SELECT max(seq) FROM journal").fetchone()[0]
    assert len(found) == len(set(found)), "an item has two rows"
    return set(found), head


def crash(directory, bootstrap, prefix, crashes, seconds_between=(0.05, 0.6), seed=None, say=lambda text: None):
    """`crashes` crashes; returns a summary, or fails with what is missing."""
    chance = random.Random(seed)
    daemon = harness.Daemon(directory, {"kafka": {"brokers": bootstrap, "topic_prefix": prefix}})
    daemon.init()
    daemon.start()
    app = daemon.create_app("crasher")
    senders = [Sender(n, lambda: daemon.url("/v1/webhooks"), app.link) for n in range(SENDERS)]
    try:
        for sender in senders:
            sender.start()
        for number in range(crashes):
            time.sleep(chance.uniform(*seconds_between))
            daemon.kill9()
            daemon.start()
            if (number + 1) % 10 == 0:
                say(f"{number + 1} crashes, {sum(len(s.answered) for s in senders)} items answered")
        time.sleep(0.5)
        for sender in senders:
            sender.stopping.set()
        for sender in senders:
            sender.join(60)
            assert not sender.is_alive(), "a sender hangs"
            assert not sender.wrong, sender.wrong[0]
        return account(daemon, senders, bootstrap, prefix, crashes)
    finally:
        for sender in senders:
            sender.stopping.set()
        daemon.destroy()


def account(daemon, senders, bootstrap, prefix, crashes):
    answered = set().union(*(s.answered for s in senders))
    attempted = set().union(*(s.attempted for s in senders))
    verdict = daemon.cli("audit", "verify")
    wait_until_published(daemon)
    daemon.stop()
    rows, head = rows_of(daemon)
    assert answered, "nothing was answered: the test shows nothing"
    assert not answered - rows, f"answered, but in no row: {sorted(answered - rows)[:5]}"
    assert not rows - attempted, f"rows that nobody sent: {sorted(rows - attempted)[:5]}"
    published = read_all(bootstrap, prefix, head)
    items = {e["data"]["external_id"] for e in published.values() if e["type"] == "chatelaine.webhook.received.v1"}
    assert not rows - items, f"in a row, but not in Kafka: {sorted(rows - items)[:5]}"
    assert not items - rows, f"in Kafka, but in no row: {sorted(items - rows)[:5]}"
    return {"crashes": crashes, "answered": len(answered), "rows": len(rows), "published": len(published),
            "audit_rows": verdict["rows"]}


def wait_until_published(daemon):
    """The outbox is empty. As long as it shrinks there is hope."""
    left, since = None, time.monotonic()
    while left != 0:
        text = daemon.get("/metrics").text
        now = int(re.search(r"^chatelaine_outbox_rows (\d+)", text, re.M).group(1))
        if now != left:
            left, since = now, time.monotonic()
        assert time.monotonic() - since < 60, f"{left} events stay in the outbox"
        time.sleep(0.1)


def read_all(bootstrap, prefix, head):
    """Every event up to `head` by sequence; a repeat must be the very same event."""
    reader = events.Events(bootstrap, prefix)
    by_sequence = {}
    try:
        for message in reader.all(quiet_seconds=10):
            sequence = int(message.event["sequence"])
            before = by_sequence.setdefault(sequence, message.event)
            assert before == message.event, f"sequence {sequence} has two events"
    finally:
        reader.close()
    missing = sorted(set(range(1, head + 1)) - by_sequence.keys())
    assert not missing, f"{len(missing)} of {head} are not in Kafka: {missing[:10]}"
    assert max(by_sequence) == head, "Kafka has what the journal has not"
    return by_sequence
