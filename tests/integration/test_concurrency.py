"""Many callers at once: what one answer has said holds for every request begun after it."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

pytestmark = pytest.mark.tsan
CALLERS = 8


def mint(daemon, **body):
    answer = daemon.post("/v1/keys", auth="admin", json={
        "user": "admin", "grants": [{"role": "auditor", "resource": "*"}], **body})
    assert answer.status_code == 201, answer.text
    return answer.json()


def together(function, n=CALLERS):
    """function(i) on n threads that begin at once; their results."""
    barrier = threading.Barrier(n)

    def run(i):
        barrier.wait()
        return function(i)

    with ThreadPoolExecutor(n) as pool:
        return list(pool.map(run, range(n)))


@pytest.mark.parametrize("way", ["revoke", "suspend", "document", "webhook", "user"])
def test_no_request_begun_after_the_answer_gets_in(daemon, way):
    app = daemon.create_app("acme")
    user = daemon.post("/v1/admin/users", json={"name": "u"}, auth="admin").json()
    key = mint(daemon, user="u", resources=["documents/d1"])
    ended = threading.Event()
    uses = []  # (begun, status) of every request

    def use():
        session = requests.Session()
        session.trust_env = False
        after = 0
        while after < 20:
            after += ended.is_set()
            begun = time.monotonic()
            answer = session.get(daemon.url("/v1/events?limit=1"), timeout=60,
                                 headers={"X-API-Key": key["key"]})
            uses.append((begun, answer.status_code))

    threads = [threading.Thread(target=use) for _ in range(CALLERS)]
    for thread in threads:
        thread.start()
    while len(uses) < 5 * CALLERS:
        time.sleep(0.01)
    if way == "revoke":
        answer = daemon.delete(f"/v1/keys/{key['id']}", auth="admin")
    elif way == "suspend":
        answer = daemon.patch(f"/v1/keys/{key['id']}", json={"active": False}, auth="admin")
    elif way == "document":
        answer = daemon.post("/v1/documents/d1/done", auth="admin")
    elif way == "webhook":
        answer = daemon.post("/v1/webhooks", headers=app.link(), json={
            "type": "document.done", "data": {"document_id": "d1"}})
    else:
        answer = daemon.patch(f"/v1/admin/users/{user['id']}", json={"active": False},
                              auth="admin")
    answered = time.monotonic()
    ended.set()
    assert answer.status_code in (200, 204), answer.text
    for thread in threads:
        thread.join()
    assert {status for begun, status in uses} == {200, 401}
    late = [status for begun, status in uses if begun > answered]
    assert late and set(late) == {401}


def test_one_row_comes_of_many_posts_of_one_item(daemon):
    app = daemon.create_app("acme")

    def post(i):
        answer = requests.post(daemon.url("/v1/webhooks"), timeout=60, json=[
            {"id": n, "data": {"from": i}} for n in range(20)],
            headers=app.link(headers={"Prefer": "return=representation"}))
        assert answer.status_code == 200, answer.text
        return answer.json()["items"]

    answers = together(post)
    for n in range(20):
        verdicts = [items[n] for items in answers]
        assert len({v["log_id"] for v in verdicts}) == 1
        assert sorted(v["outcome"] for v in verdicts) == ["created"] + ["updated"] * (CALLERS - 1)
        assert sorted(v["version"] for v in verdicts) == list(range(1, CALLERS + 1))


def test_a_webhook_id_has_its_effect_once(daemon):
    app = daemon.create_app("standard", strategy="STANDARD")
    body = b'{"id":1,"data":{}}'
    headers = {**app.standard(body, message_id="msg_1"), "Prefer": "return=representation"}

    def post(_):
        return requests.post(daemon.url("/app/webhook/standard"), data=body, headers=headers,
                             timeout=60).status_code

    assert sorted(together(post)) == [200] + [204] * (CALLERS - 1)


def test_a_document_that_is_done_gets_no_key_by_a_race(daemon):
    document = "documents/race"

    def act(i):
        if i == 0:
            return daemon.post("/v1/documents/race/done", auth="admin").json()
        return requests.post(daemon.url("/v1/keys"), auth=("admin", daemon.password), timeout=60,
                             json={"user": "admin", "resources": [document]})

    for _ in range(5):
        answers = together(act, 4)[1:]
        assert {a.status_code for a in answers} <= {201, 409}
        live = daemon.get("/v1/keys", params={"resource": document, "state": "active"},
                          auth="admin").json()["items"]
        assert live == []
        daemon.post("/v1/documents/race/reopen", auth="admin")
