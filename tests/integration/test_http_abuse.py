"""Clients that do not behave, against the real daemon. The unit tests of http have many more."""

import contextlib
import re
import socket
import time

import pytest

HOST = b"Host: x\r\n"


class Raw:
    """A connection that sends what it is told and reads answers one by one."""

    def __init__(self, daemon):
        self.socket = socket.create_connection(("127.0.0.1", daemon.ports["public"]), timeout=60)
        self.pending = b""

    def send(self, *pieces):
        self.socket.sendall(b"".join(pieces))
        return self

    def answer(self, has_body=True):
        """(status, headers, body) of the next answer; None when the connection is at its end."""
        while b"\r\n\r\n" not in self.pending:
            if not self._more():
                return None
        head, self.pending = self.pending.split(b"\r\n\r\n", 1)
        lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines[1:])}
        length = int(headers.get("content-length", 0)) if has_body else 0
        while len(self.pending) < length:
            assert self._more(), "the body is cut short"
        body, self.pending = self.pending[:length], self.pending[length:]
        return int(lines[0].split()[1]), headers, body

    def _more(self):
        try:
            got = self.socket.recv(65536)
        except ConnectionResetError:
            got = b""
        self.pending += got
        return got

    def is_at_end(self):
        return self.answer() is None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


def head(method, path, *lines, host=True):
    text = f"{method} {path} HTTP/1.1\r\n" + ("Host: x\r\n" if host else "")
    return (text + "".join(f"{line}\r\n" for line in lines) + "\r\n").encode()


def ask(daemon, *pieces):
    """Sends it all; the first answer, and whether the connection ended behind it."""
    with Raw(daemon) as raw:
        with contextlib.suppress(ConnectionError):
            raw.send(*pieces)
        answer = raw.answer()
        assert answer, "no answer"
        return answer


# ---- time ----

@pytest.fixture
def hasty(make_daemon):
    return make_daemon({"limits": {"request_timeout": "1s"}})


def test_a_slow_sender_is_told_408(hasty):
    for begun in (b"POST /v1/webhooks HTTP/1.1\r\nHost:",
                  head("POST", "/v1/webhooks", "Content-Length: 100") + b"[{"):
        with Raw(hasty) as raw:
            raw.send(begun)
            began = time.monotonic()
            status, headers, body = raw.answer()
            assert status == 408 and b"request_id" in body
            assert 0.5 < time.monotonic() - began < 20
            assert raw.is_at_end()


def test_trickling_does_not_prolong_the_deadline(hasty):
    with Raw(hasty) as raw:
        raw.send(head("POST", "/v1/webhooks", "Content-Length: 1000"))
        began = time.monotonic()
        raw.socket.settimeout(0.1)
        answer = None
        while answer is None and time.monotonic() - began < 30:
            with contextlib.suppress(ConnectionError):
                raw.send(b" ")
            with contextlib.suppress(TimeoutError):
                answer = raw.answer()
        assert answer and answer[0] == 408
        assert time.monotonic() - began < 10


def test_an_idle_connection_may_wait_between_requests(hasty):
    with Raw(hasty) as raw:
        assert raw.send(head("GET", "/healthz")).answer()[0] == 200
        time.sleep(1.5)
        assert raw.send(head("GET", "/healthz")).answer()[0] == 200


# ---- going away ----

def test_a_client_that_hangs_up_before_its_reply(daemon):
    app = daemon.create_app("acme")
    authorization = f"Authorization: {app.link()['Authorization']}"
    for n in range(50):
        body = f'[{{"id": {n}, "data": {{}}}}]'.encode()
        with Raw(daemon) as raw:
            raw.send(head("POST", "/v1/webhooks", authorization, f"Content-Length: {len(body)}"), body)
            if n % 2:
                raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    # A connection behind them, so that all have been read.
    assert daemon.get("/healthz").status_code == 200
    deadline = time.monotonic() + 30
    while (stored := daemon.rows("SELECT count(*) FROM first_party_webhook_log")[0][0]) < 25:
        assert time.monotonic() < deadline, f"{stored} rows"
        time.sleep(0.05)
    assert daemon.ask("GET", "/v1/admin/audit/verify")["rows"]


def test_a_half_closed_client_still_gets_its_reply(daemon):
    app = daemon.create_app("acme")
    body = b'[{"id": 1, "data": {}}]'
    with Raw(daemon) as raw:
        raw.send(head("POST", "/v1/webhooks", f"Authorization: {app.link()['Authorization']}",
                      f"Content-Length: {len(body)}"), body)
        raw.socket.shutdown(socket.SHUT_WR)
        assert raw.answer()[0] == 204


# ---- one behind the other ----

def test_pipelined_requests_are_answered_in_order(daemon):
    app = daemon.create_app("acme")
    authorization = f"Authorization: {app.link()['Authorization']}"
    requests = []
    for n in range(20):
        body = f'[{{"id": {n}, "data": {{}}}}]'.encode()
        requests.append(head("POST", "/v1/webhooks", authorization, f"X-Request-Id: post-{n}",
                             f"Content-Length: {len(body)}") + body)
        requests.append(head("GET", "/healthz", f"X-Request-Id: get-{n}"))
    with Raw(daemon) as raw:
        raw.send(*requests)
        answers = [raw.answer() for _ in requests]
    assert [a[1]["x-request-id"] for a in answers] == \
        [f"{kind}-{n}" for n in range(20) for kind in ("post", "get")]
    assert [a[0] for a in answers] == [204, 200] * 20
    assert daemon.rows("SELECT count(*) FROM first_party_webhook_log") == [(20,)]


# ---- limits ----

def test_connections_over_the_limit_get_503(make_daemon):
    daemon = make_daemon({"limits": {"connections": 8}})
    daemon.session.close()
    with contextlib.ExitStack() as stack:
        raws = [stack.enter_context(Raw(daemon)) for _ in range(8)]
        for raw in raws:
            assert raw.send(head("GET", "/healthz")).answer()[0] == 200
        with Raw(daemon) as one_more:
            one_more.send(head("GET", "/healthz"))
            status, headers, body = one_more.answer()
            assert status == 503 and b"too-many-connections" in body
            assert int(headers["retry-after"]) >= 1
            assert one_more.is_at_end()
        for raw in raws:
            assert raw.send(head("GET", "/healthz")).answer()[0] == 200
    deadline = time.monotonic() + 30
    while True:
        with Raw(daemon) as raw:
            if raw.send(head("GET", "/healthz")).answer()[0] == 200:
                break
        assert time.monotonic() < deadline, "the places are not given back"
        time.sleep(0.05)


@pytest.mark.parametrize("request_head, statuses", [
    (head("GET", "/healthz", *(f"X-{n}: {'v' * 100}" for n in range(300))), (431,)),
    (head("GET", "/healthz", "X-Long: " + "v" * 20000), (431,)),
    (head("GET", "/" + "a" * 20000), (400,)),
    (b"GET /" + b"a" * 200000, (400, 431)),  # what it would have become, nobody knows
], ids=["many headers", "one header", "a complete long line", "a line without end"])
def test_headers_over_the_limit(daemon, request_head, statuses):
    assert ask(daemon, request_head)[0] in statuses
    assert daemon.get("/healthz").status_code == 200


def test_a_body_over_the_limit_gets_413_with_and_without_a_length(make_daemon):
    daemon = make_daemon({"limits": {"body": "64KiB"}})
    app = daemon.create_app("acme")
    authorization = f"Authorization: {app.link()['Authorization']}"
    body = b'[{"data": {"x": "' + b"y" * 200_000 + b'"}}]'
    chunked = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in
                       (body[i:i + 8000] for i in range(0, len(body), 8000))) + b"0\r\n\r\n"
    for pieces in ((head("POST", "/v1/webhooks", authorization, f"Content-Length: {len(body)}"), body),
                   (head("POST", "/v1/webhooks", authorization, "Transfer-Encoding: chunked"), chunked)):
        status, headers, answer = ask(daemon, *pieces)
        assert status == 413 and b"body-too-large" in answer
    assert daemon.rows("SELECT count(*) FROM first_party_webhook_log") == [(0,)]


def test_an_endless_chunk_size_line_is_cut_off(hasty):
    with Raw(hasty) as raw:
        raw.send(head("POST", "/v1/webhooks", "Transfer-Encoding: chunked"))
        sent = 0
        with contextlib.suppress(ConnectionError):
            while sent < 64 << 20:
                raw.send(b"0" * 65536)
                sent += 65536
        assert sent < 64 << 20 or raw.answer(), "it reads for ever"
    assert hasty.get("/healthz").status_code == 200


@pytest.mark.release
def test_an_endless_answer_to_a_client_that_does_not_read_is_bounded(daemon):
    app = daemon.create_app("acme")
    large = [{"id": n, "data": {"x": "y" * 900}} for n in range(900)]
    assert daemon.post("/v1/webhooks", json=large, headers=app.link()).status_code == 204
    key = daemon.mint("admin", grants=[{"role": "admin", "resource": "*"}])["key"]
    request = head("GET", "/v1/webhooks?limit=900", f"X-API-Key: {key}")
    with contextlib.ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(Raw(daemon)).send(request * 20)
        time.sleep(2)
        assert daemon.metric("process_resident_memory_bytes") < 150 << 20
        assert daemon.get("/healthz").status_code == 200


# ---- smuggling ----

SMUGGLED = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNKED = b"0\r\n\r\n"


SMUGGLING = {
    "two lengths": head("POST", "/v1/webhooks", "Content-Length: 0", "Content-Length: 37") + SMUGGLED,
    "the same length twice": head("POST", "/v1/webhooks", "Content-Length: 2", "Content-Length: 2") + b"{}",
    "length and chunked": head("POST", "/v1/webhooks", "Content-Length: 5",
                                "Transfer-Encoding: chunked") + CHUNKED + SMUGGLED,
    "chunked by another name": head("POST", "/v1/webhooks", "Transfer-Encoding: xchunked") + SMUGGLED,
    "chunked twice": head("POST", "/v1/webhooks", "Transfer-Encoding: chunked, chunked") + CHUNKED,
    "a space before the colon": head("POST", "/v1/webhooks", "Content-Length : 37") + SMUGGLED,
    "a signed length": head("POST", "/v1/webhooks", "Content-Length: +2") + b"{}",
    "a list of lengths": head("POST", "/v1/webhooks", "Content-Length: 2, 2") + b"{}",
    "no host": head("GET", "/healthz", host=False),
    "two hosts": head("GET", "/healthz", "Host: y"),
    "a bare carriage return": b"GET /healthz HTTP/1.1\r\nHost: x\rX: y\r\n\r\n",
    "a body to HEAD": head("HEAD", "/healthz", f"Content-Length: {len(SMUGGLED)}") + SMUGGLED,
    "a chunked HTTP/1.0": b"POST /v1/webhooks HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
     + CHUNKED + SMUGGLED,
}


@pytest.mark.parametrize("name", SMUGGLING)
def test_smuggling_is_refused_and_the_connection_ends(daemon, name):
    with Raw(daemon) as raw:
        raw.send(SMUGGLING[name])
        status, headers, body = raw.answer(has_body=name != "a body to HEAD")
        assert status == 400, f"{status} {body}"
        assert headers.get("connection") == "close"
        assert raw.is_at_end(), "a smuggled request was answered"


def test_garbage_is_answered_or_closed_and_nothing_falls(daemon):
    for text in (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 200,  # a TLS hello
                 b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\r\n" * 5000, b"\0" * 5000, b"GET\r\n\r\n",
                 b"GET / HTTP/9.9\r\nHost: x\r\n\r\n", b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
                 b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", b"TRACE / HTTP/1.1\r\nHost: x\r\n\r\n",
                 b"GET /%00%ff%2e%2e/ HTTP/1.1\r\nHost: x\r\n\r\n",
                 b"GET //v1//keys HTTP/1.1\r\nHost: x\r\n\r\n",
                 b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: \xff\xfe\r\n\r\n"):
        with Raw(daemon) as raw:
            with contextlib.suppress(ConnectionError):
                raw.send(text)
            with contextlib.suppress(OSError):
                raw.socket.shutdown(socket.SHUT_WR)
            answer = raw.answer()
            assert answer is None or answer[0] in (200, 400, 404, 405, 431, 501, 505), answer
    assert daemon.get("/healthz").status_code == 200


def test_no_answer_can_be_split_through_what_is_reflected(daemon):
    status, headers, body = ask(daemon, head("GET", "/nothing%0d%0aX-Evil:%20yes",
                                             "X-Request-Id: a%0d%0aX-Evil: yes"))
    assert status == 404 and "x-evil" not in headers


def test_an_unknown_expectation_is_417_and_100_continue_is_served(daemon):
    app = daemon.create_app("acme")
    authorization = f"Authorization: {app.link()['Authorization']}"
    body = b'{"id": 1, "data": {}}'
    with Raw(daemon) as raw:
        raw.send(head("POST", "/v1/webhooks", authorization, "Expect: 100-continue",
                      f"Content-Length: {len(body)}"))
        assert raw.answer()[0] == 100
        assert raw.send(body).answer()[0] == 204
    assert ask(daemon, head("POST", "/v1/webhooks", "Expect: miracles", "Content-Length: 5"))[0] == 417


def test_request_ids_come_back_or_are_made(daemon):
    assert daemon.get("/healthz", headers={"X-Request-Id": "mine-1"}).headers["X-Request-Id"] == "mine-1"
    made = daemon.get("/healthz").headers["X-Request-Id"]
    assert re.fullmatch(r"[A-Za-z0-9._-]{8,}", made)
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    assert daemon.get("/healthz", headers={"traceparent": trace}).headers["traceparent"].split("-")[1] == \
        trace.split("-")[1]
