"""Many at once: an answer that was given holds for whatever begins after it."""

import collections
import concurrent.futures
import http.client
import json
import threading
import time

import pytest

pytestmark = pytest.mark.tsan


class Caller:
    """One keep-alive connection with a key of an administrator's rights."""

    def __init__(self, daemon, key):
        self.connection = http.client.HTTPConnection("127.0.0.1", daemon.ports["public"], timeout=120)
        self.headers = {"X-API-Key": key, "Content-Type": "application/json"}

    def ask(self, method, path, body=None, **headers):
        self.connection.request(method, path, None if body is None else json.dumps(body),
                                {**self.headers, **headers})
        answer = self.connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text else None


@pytest.fixture
def caller(daemon):
    """caller(): a connection of its own for a thread."""
    key = daemon.mint("admin", grants=[{"role": "admin", "resource": "*"}], expires_in="1h")["key"]
    return lambda: Caller(daemon, key)


def at_once(count, work):
    """work(number) in so many threads that begin together; what each returned."""
    gate = threading.Barrier(count)

    def run(number):
        gate.wait(60)
        return work(number)

    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def verifies_while(caller, key, end):
    """16 threads verify key until well after end() has returned.

    Returns when end() answered, and for each verification when it began and whether it was valid.
    """
    over = threading.Event()
    answered = []

    def work(number):
        connection = caller()
        if number == 0:
            time.sleep(0.1)
            end(connection)
            answered.append(time.monotonic())
            time.sleep(0.2)
            over.set()
            return []
        seen = []
        while not over.is_set():
            began = time.monotonic()
            status, body = connection.ask("POST", "/v1/keys/verify", {"key": key})
            assert status == 200, body
            seen.append((began, body["valid"]))
        return seen

    seen = sum(at_once(17, work), [])
    assert any(valid for _, valid in seen), "it never was valid: the test shows nothing"
    late = [valid for began, valid in seen if began > answered[0]]
    assert late and not any(late), f"{sum(late)} of {len(late)} begun after the answer were valid"


def test_no_verification_begun_after_a_revocation_s_answer_is_valid(daemon, caller):
    for _ in range(3):
        key = daemon.mint(expires_in="1h")
        verifies_while(caller, key["key"],
                       lambda c: c.ask("DELETE", f"/v1/keys/{key['id']}"))


def test_nor_after_a_document_is_done(daemon, caller):
    for n in range(3):
        key = daemon.mint(expires_in="1h", resources=[f"documents/d{n}"])
        verifies_while(caller, key["key"], lambda c: c.ask("POST", f"/v1/documents/d{n}/done"))


def test_nor_after_a_webhook_says_so(daemon, caller):
    app = daemon.create_app("acme")
    for n in range(3):
        key = daemon.mint(expires_in="1h", resources=[f"documents/w{n}"])
        item = [{"id": n, "type": "document.done", "data": {"document_id": f"w{n}"}}]
        verifies_while(caller, key["key"],
                       lambda c: daemon.post("/v1/webhooks", json=item, headers=app.link()))


def test_nor_after_it_is_suspended(daemon, caller):
    key = daemon.mint(expires_in="1h")
    verifies_while(caller, key["key"],
                   lambda c: c.ask("PATCH", f"/v1/keys/{key['id']}", {"active": False}))


def test_many_rotations_of_one_key_make_one_successor(daemon, caller):
    key = daemon.mint(expires_in="1h")

    def rotate(_):
        return caller().ask("POST", f"/v1/keys/{key['id']}/rotate", {"grace": "1m"})

    answers = at_once(64, rotate)
    made = [body for status, body in answers if status == 201]
    assert len(made) == 1, collections.Counter(status for status, _ in answers)
    assert {status for status, _ in answers} == {201, 409}
    assert daemon.is_valid(made[0]["key"])
    assert daemon.rows("SELECT count(*) FROM keys WHERE predecessor_id = ?", key["id"]) == [(1,)]
    rotated = [e for e in daemon.journal("keys") if e["type"] == "chatelaine.key.rotated.v1"]
    assert len(rotated) == 1


def test_one_batch_from_many_threads_is_one_row_each(daemon):
    app = daemon.create_app("acme")
    batch = [{"id": n, "type": "t", "data": {"n": n}} for n in range(20)]

    def post(_):
        answer = daemon.post("/v1/webhooks", json=batch,
                             headers=app.link(headers={"Prefer": "return=representation"}))
        assert answer.status_code == 200, answer.text
        return [item["outcome"] for item in answer.json()["items"]]

    outcomes = collections.Counter(sum(at_once(32, post), []))
    assert outcomes == {"created": 20, "unchanged": 20 * 31}
    assert daemon.rows("SELECT count(*), max(version) FROM first_party_webhook_log") == [(20, 1)]


def test_one_row_from_many_threads_counts_every_version(daemon):
    app = daemon.create_app("acme")

    def post(number):
        for n in range(10):
            answer = daemon.post("/v1/webhooks", json={"id": 1, "data": {"n": [number, n]}},
                                 headers=app.link())
            assert answer.status_code == 204, answer.text

    at_once(16, post)
    assert daemon.rows("SELECT version FROM first_party_webhook_log") == [(160,)]
    versions = [e["data"]["version"] for e in daemon.journal("webhooks")]
    assert versions == list(range(1, 161))


def test_one_idempotency_key_from_many_threads_is_one_key(daemon, caller):
    """One writer: whoever comes while the first is running waits, and is told what the first did."""
    daemon.mint()

    def mint(number):
        body = {"user": "guest", "grants": [], "name": "once" if number % 4 else "another"}
        return body, *caller().ask("POST", "/v1/keys", body, **{"Idempotency-Key": "same"})

    answers = at_once(32, mint)
    (body, winner), = [(body, made) for body, status, made in answers
                       if status == 201 and made["key"]]
    for asked, status, made in answers:
        assert status == (201 if asked == body else 422), made
        if asked == body:
            assert made["id"] == winner["id"] and made["key"] in (winner["key"], None)
    assert daemon.rows("SELECT count(*) FROM keys WHERE name IN ('once', 'another')") == [(1,)]
    created = [e for e in daemon.journal("keys") if e["type"] == "chatelaine.key.created.v1"
               and e["data"]["id"] == winner["id"]]
    assert len(created) == 1 and daemon.is_valid(winner["key"])


def test_minting_against_done_leaves_no_living_key(daemon, caller):
    daemon.mint()
    for n in range(5):
        resource = f"documents/race{n}"

        def work(number):
            connection = caller()
            if number == 0:
                return [connection.ask("POST", f"/v1/{resource}/done")]
            return [connection.ask("POST", "/v1/keys", {"user": "guest", "grants": [],
                                                        "resources": [resource]})
                    for _ in range(5)]

        answers = at_once(9, work)
        minted = [body for status, body in sum(answers[1:], []) if status == 201]
        assert answers[0][0][0] == 200
        assert not any(daemon.is_valid(body["key"]) for body in minted)


def test_one_standard_webhook_id_from_many_threads_counts_once(daemon):
    app = daemon.create_app("std", strategy="STANDARD")
    body = b'{"type": "t", "data": {}}'
    headers = {**app.standard(body, message_id="msg_once"), "Content-Type": "application/json"}

    def post(_):
        return daemon.post("/app/webhook/std", data=body, headers=headers).status_code

    assert set(at_once(16, post)) == {204}
    assert daemon.rows("SELECT count(*) FROM first_party_webhook_log") == [(1,)]


def test_one_signature_from_many_threads_is_stored_once(daemon):
    app = daemon.create_app("sig", strategy="SIGNATURE")
    item = {"id": 1, "data": {"a": 1}}
    headers = app.signature(body=item)

    def post(_):
        return daemon.post("/v1/webhooks", json=item, headers=headers)

    answers = at_once(16, post)
    codes = collections.Counter(a.status_code for a in answers)
    assert codes == {204: 1, 401: 15}, codes
    assert {a.json()["slug"] for a in answers if a.status_code == 401} == {"replayed-request"}


def test_readers_streams_and_writers_together(daemon, caller):
    """Everything at once, for the thread sanitizer's eyes; the chain holds in the end."""
    app = daemon.create_app("acme")
    until = time.monotonic() + 5

    def work(number):
        connection = caller()
        while time.monotonic() < until:
            if number % 4 == 0:
                answer = daemon.post("/v1/webhooks", json=[{"id": number, "data": {"t": time.time()}}],
                                     headers=app.link())
                assert answer.status_code == 204
            elif number % 4 == 1:
                status, key = connection.ask("POST", "/v1/keys", {"user": "admin", "grants": [],
                                                                  "expires_in": "1s"})
                assert status == 201
                connection.ask("DELETE", f"/v1/keys/{key['id']}")
            elif number % 4 == 2:
                assert connection.ask("GET", "/v1/events?limit=100")[0] == 200
                assert connection.ask("GET", "/v1/webhooks?limit=10")[0] == 200
                daemon.get("/metrics")
            else:
                assert connection.ask("GET", "/v1/keys?limit=10")[0] == 200
                daemon.write_config(keys={"longest_life": f"{number + 10}d"})
                daemon.reload()
                time.sleep(0.1)

    at_once(12, work)
    assert daemon.ask("GET", "/v1/admin/audit/verify")["rows"] > 0
