"""The wall clock is not to be trusted: it jumps a day, and a key still ends when it should."""

import os
import time

import pytest
from freeze import frozen

pytestmark = pytest.mark.release

DAY = 86400


def cpu_seconds(daemon):
    with open(f"/proc/{daemon.process.pid}/stat") as stat:
        fields = stat.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def is_calm(daemon):
    """Left alone, the daemon neither spins nor writes."""
    time.sleep(0.5)
    rows, used = len(daemon.journal()), cpu_seconds(daemon)
    time.sleep(2)
    spent = cpu_seconds(daemon) - used
    assert spent < 0.5, f"{spent} s of CPU in 2 s of idleness"
    assert len(daemon.journal()) - rows <= 2, "it floods the journal"


def is_expired(key):
    return lambda e: e["type"] == "chatelaine.key.expired.v1" and e["data"]["id"] == key["id"]


def still_works(daemon):
    """A new key lives its second, and the scheduler notices its end."""
    key = daemon.mint(expires_in="1s")
    assert daemon.is_valid(key["key"])
    daemon.wait_journal(is_expired(key), "keys", seconds=20)
    assert not daemon.is_valid(key["key"])


def test_a_day_forward(make_daemon):
    daemon = make_daemon(faketime=True)
    hour, long = daemon.mint(expires_in="1h"), daemon.mint(expires_in="30d")
    daemon.clock.step_to(DAY)
    assert not daemon.is_valid(hour["key"])  # at once, whatever the scheduler knows
    assert daemon.is_valid(long["key"])
    daemon.wait_journal(is_expired(hour), "keys", seconds=20)
    is_calm(daemon)
    still_works(daemon)
    assert daemon.ask("GET", "/readyz")["ready"]


def test_a_day_back(make_daemon):
    daemon = make_daemon(faketime=True)
    hour = daemon.mint(expires_in="1h")
    still_works(daemon)
    daemon.clock.step_to(-DAY)
    assert daemon.is_valid(hour["key"])
    is_calm(daemon)
    still_works(daemon)  # its end is a day before what the scheduler slept for
    daemon.cli("audit", "verify")
    daemon.clock.step_to(0)
    assert daemon.is_valid(hour["key"])
    is_calm(daemon)


def test_there_and_back_again(make_daemon):
    daemon = make_daemon(faketime=True)
    hour = daemon.mint(expires_in="1h")
    daemon.clock.step_to(DAY)
    daemon.wait_journal(is_expired(hour), "keys", seconds=20)
    daemon.clock.step_to(0)
    assert not daemon.is_valid(hour["key"])  # ended is ended
    still_works(daemon)
    is_calm(daemon)
    assert daemon.ask("GET", f"/v1/keys/{hour['id']}")["state"] == "expired"


@pytest.mark.parametrize("step", [DAY, -DAY])
def test_kafka_goes_on_through_a_step(make_daemon, make_kafka, make_reader, step):
    """Also where a broker refuses messages from the future, and though librdkafka's own threads wait
    for moments of the wall clock."""
    cluster = make_kafka()
    daemon = make_daemon({"kafka": {"brokers": cluster.bootstrap}}, faketime=True)
    reader = make_reader(cluster.bootstrap, "chatelaine.")
    for offset in (0, step, 0):
        daemon.clock.step_to(offset)
        time.sleep(1)  # so that threads of all kinds begin to wait, by the clock as it is now
        key = daemon.mint(expires_in="30d")
        reader.until(lambda read: any(m.key == key["id"] for m in read), "keys", seconds=30)
    daemon.clock.step_to(step)
    began = time.monotonic()
    daemon.stop()
    assert time.monotonic() - began < 10


def test_many_due_at_once_do_not_hold_the_writer(make_daemon):
    daemon = make_daemon(faketime=True)
    app = daemon.create_app("acme")
    daemon.mint()
    keys = [daemon.ask("POST", "/v1/keys", {"user": "guest", "grants": [], "expires_in": "1h"})
            for _ in range(600)]
    daemon.clock.step_to(DAY)
    # Signed by the daemon's clock, not by this process's.
    headers = app.link(exp=time.time() + 2 * DAY)
    slowest = 0
    while daemon.rows("SELECT count(*) FROM keys WHERE state < 3") != [(0,)]:
        began = time.monotonic()
        assert daemon.post("/v1/webhooks", json={"id": 1, "data": {}}, headers=headers).status_code == 204
        slowest = max(slowest, time.monotonic() - began)
    assert slowest < 2
    expired = {e["data"]["id"] for e in daemon.journal("keys") if e["type"] == "chatelaine.key.expired.v1"}
    assert expired >= {key["id"] for key in keys}


def test_an_expired_key_is_refused_with_the_scheduler_stopped(daemon):
    key = daemon.mint(expires_in="1s")
    with frozen(daemon, "scheduler"):
        assert daemon.is_valid(key["key"])
        time.sleep(1.1)
        assert not daemon.is_valid(key["key"])
        assert daemon.get("/v1/keys", headers={"X-API-Key": key["key"]}).status_code == 401
        assert daemon.rows("SELECT state FROM keys WHERE id = ?", key["id"]) == [(0,)]
        assert not any(is_expired(key)(event) for event in daemon.journal("keys"))
    daemon.wait_journal(is_expired(key), "keys", seconds=20)


def test_a_rotated_key_s_grace_ends_with_the_scheduler_stopped(daemon):
    key = daemon.mint(expires_in="1h")
    with frozen(daemon, "scheduler"):
        successor = daemon.ask("POST", f"/v1/keys/{key['id']}/rotate", {"grace": "1s"})
        assert daemon.is_valid(key["key"]) and daemon.is_valid(successor["key"])
        time.sleep(1.1)
        assert not daemon.is_valid(key["key"]) and daemon.is_valid(successor["key"])


def test_a_revoked_key_is_refused_with_scheduler_and_publisher_stopped(daemon):
    key = daemon.mint(expires_in="1h")
    with frozen(daemon, "scheduler"), frozen(daemon, "publisher"):
        assert daemon.is_valid(key["key"])
        daemon.revoke(key["id"])
        assert not daemon.is_valid(key["key"])


def test_expiry_is_to_the_millisecond(daemon):
    """Verified without pause around its end: valid before the date, and never after it."""
    key = daemon.mint(expires_in="1s")
    ends = daemon.rows("SELECT expires_at FROM keys WHERE id = ?", key["id"])[0][0] / 1000
    last_valid = first_invalid = None
    while first_invalid is None:
        before = time.time()
        valid = daemon.is_valid(key["key"])
        after = time.time()
        if valid:
            assert before < ends, f"valid {before - ends} s after its end"
            last_valid = before
        else:
            assert after >= ends, f"refused {ends - after} s before its end"
            first_invalid = after
    assert last_valid and ends - last_valid < 0.5
