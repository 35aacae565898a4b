"""Bad input, each with its clear answer, and a daemon that stays up."""

import base64
import gzip
import hashlib
import hmac
import json
import socket
import time

import pytest


@pytest.fixture
def acme(daemon):
    return daemon.create_app("acme")


def post(daemon, app, body, media="application/json", **headers):
    return daemon.post("/v1/webhooks", data=body,
                       headers=app.link(headers={"Content-Type": media, **headers}))


def is_up_and_empty(daemon):
    assert daemon.get("/healthz").status_code == 200
    assert daemon.get("/v1/webhooks", auth="admin").json()["items"] == []


BAD_JSON = {
    "nothing": b"", "white space": b" \n", "cut": b'[{"id":1},{"id":', "comma": b'{"id":1,}',
    "two values": b'{"id":1}{"id":2}', "single quotes": b"{'id':1}", "NaN": b'{"data":NaN}',
    "leading zero": b'{"id":01}', "plus": b'{"id":+1}', "bare word": b"hello",
    "control character": b'{"id":"a\nb"}', "NUL": b'{"id":1}\x00', "NUL inside": b'{"id":\x001}',
    "BOM": b'\xef\xbb\xbf{"id":1}', "invalid UTF-8": b'{"id":"\xff"}',
    "overlong UTF-8": b'{"id":"\xc0\xaf"}', "surrogate bytes": b'{"id":"\xed\xa0\x80"}',
    "lone surrogate": b'{"id":"\\ud800"}', "bad escape": b'{"id":"\\x41"}',
    "comment": b'{"id":1/**/}', "deep in data": b'{"data":{"a":[1,2,{"b":tru}]}}',
}


@pytest.mark.parametrize("name", BAD_JSON)
def test_malformed_json_is_400_with_place_and_offset(daemon, acme, name):
    answer = post(daemon, acme, BAD_JSON[name])
    assert answer.status_code == 400, answer.text
    problem = answer.json()
    assert problem["slug"] == "invalid-json"
    assert "pointer" in problem and 0 <= problem["offset"] <= len(BAD_JSON[name]), problem
    is_up_and_empty(daemon)


def test_the_pointer_names_the_member(daemon, acme):
    problem = post(daemon, acme, b'[{"id":1},{"data":{"a":[0,tru]}}]').json()
    assert (problem["pointer"], problem["offset"]) == ("/1/data/a/1", 26), problem


def test_administration_says_where_too(daemon):
    def keys(body):
        return daemon.post("/v1/keys", data=body, auth="admin",
                           headers={"Content-Type": "application/json"})

    broken = keys(b'{"user":"admin",')
    assert broken.status_code == 400 and broken.json()["slug"] == "invalid-json"
    assert (broken.json()["pointer"], broken.json()["offset"]) == ("", 16)
    for body, slug, pointer in [
            (b'{"user":"admin","x":1}', "unknown-field", "/x"),
            (b'{"user":7}', "invalid-field", "/user"), (b"{}", "missing-field", "/user"),
            (b'{"user":"admin","grants":[{"role":1,"resource":"*"}]}', "invalid-field",
             "/grants/0/role")]:
        problem = keys(body).json()
        assert (problem["slug"], problem["pointer"]) == (slug, pointer)
    for body in (b"[]", b"3", b"null", b'"x"', b'{"user":"a","user":"b"}', b"\xff"):
        assert keys(body).status_code == 400
    deep = keys(b'{"user":' + b"[" * 10000 + b"]" * 10000 + b"}")
    assert deep.status_code == 400 and deep.json()["slug"] == "too-deep"


@pytest.mark.parametrize("opening,closing", [("[", "]"), ('{"a":', "}")])
def test_ten_thousand_levels_are_too_deep(daemon, acme, opening, closing):
    for body in (opening * 10000 + "1" + closing * 10000, opening * 10000,
                 '{"id":1,"data":' + opening * 10000 + "1" + closing * 10000 + "}"):
        answer = post(daemon, acme, body)
        assert answer.status_code == 400 and answer.json()["slug"] == "too-deep"
    is_up_and_empty(daemon)


def test_depth_at_the_limit_is_taken(daemon, acme):
    body = '[{"id":1,"data":' + "[" * 30 + "]" * 30 + "}]"
    assert post(daemon, acme, body).status_code == 204
    deeper = '[{"id":1,"data":' + "[" * 31 + "]" * 31 + "}]"
    assert post(daemon, acme, deeper).status_code == 400


def test_the_pointer_of_a_fault_is_whole_down_to_the_depth_limit(daemon, acme):
    names = [f"name{n}" for n in range(14)]
    text = "".join(f'{{"{name}":[0,' for name in names) + "tru"
    problem = post(daemon, acme, '[{"data":' + text).json()
    assert problem["slug"] == "invalid-json"
    assert problem["pointer"] == "/0/data" + "".join(f"/{name}/1" for name in names)
    assert problem["offset"] == len('[{"data":' + text) - 3


def test_one_item_too_many_is_413(daemon, acme):
    exact = [{"id": i} for i in range(1000)]
    over = post(daemon, acme, json.dumps(exact + [{"id": 1000}]))
    assert over.status_code == 413 and over.json()["slug"] == "too-many-items"
    lines = "\n".join(json.dumps(item) for item in exact + [{"id": 1000}])
    assert post(daemon, acme, lines, "application/x-ndjson").status_code == 413
    is_up_and_empty(daemon)
    assert post(daemon, acme, json.dumps(exact)).status_code == 204


def chunks(body, size=65536):
    for start in range(0, len(body), size):
        yield body[start:start + size]


def test_a_body_over_the_limit_is_413_however_it_is_sent(daemon, acme):
    large = b'{"id":1,"data":["' + b"x" * (1 << 20) + b'"]}'
    for body in (large, chunks(large)):
        answer = post(daemon, acme, body)
        assert answer.status_code == 413 and answer.json()["slug"] == "body-too-large"
    is_up_and_empty(daemon)


def test_a_gzip_bomb_is_413_and_broken_gzip_is_400(daemon, acme):
    bomb = gzip.compress(b'{"data":["' + b" " * (200 << 20) + b'"]}')
    gzipped = {"Content-Encoding": "gzip"}
    assert post(daemon, acme, bomb, **gzipped).status_code == 413
    good = gzip.compress(b'{"id":1}')
    for broken in (good[:-4], b"not gzip", good + b"rest", b""):
        assert post(daemon, acme, broken, **gzipped).status_code == 400
    assert post(daemon, acme, b"{}", **{"Content-Encoding": "br"}).status_code == 415
    is_up_and_empty(daemon)


def test_huge_numbers_are_kept_exactly(daemon, acme):
    number = "9" * 400 + "." + "1" * 400 + "e+999999"
    body = '{"id":123456789012345678901234567890,"data":{"n":' + number + "}}"
    answer = post(daemon, acme, body, Prefer="return=representation")
    row = answer.json()["items"][0]
    assert row["id"] == "123456789012345678901234567890"
    assert number in daemon.get(f"/v1/webhooks/{row['log_id']}", auth="admin").text


def test_odd_characters_in_an_id_are_its_own_and_nul_is_none(daemon, acme):
    ids = ["a", "ä/..%2f", "\U0001f600", "x" * 255, " ", "\u202e"]
    answer = post(daemon, acme, json.dumps([{"id": i} for i in ids]),
                  Prefer="return=representation")
    assert answer.status_code == 200, answer.text
    found = {v["id"]: v["log_id"] for v in answer.json()["items"]}
    assert set(found) == set(ids) and len(set(found.values())) == len(ids)
    nul = post(daemon, acme, json.dumps({"id": "a\u0000b"}))
    assert nul.json()["items"][0]["error"]["slug"] == "invalid-id"


# ---- below HTTP's surface ----


def raw(daemon, *pieces, wait=0.0, seconds=30):
    """Sends bytes as they are; all that comes back until the daemon closes."""
    with socket.create_connection(("127.0.0.1", daemon.ports["public"]), timeout=seconds) as s:
        for piece in pieces:
            s.sendall(piece)
            time.sleep(wait)
        s.shutdown(socket.SHUT_WR)
        answer = b""
        while data := s.recv(65536):
            answer += data
        return answer


HEAD = b"POST /v1/webhooks HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize("headers", [
    b"Content-Length: 2\r\nContent-Length: 2\r\n", b"Content-Length: 2\r\nContent-Length: 3\r\n",
    b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n", b"Content-Length: +2\r\n",
    b"Content-Length: 2, 2\r\n", b"Content-Length: -1\r\n", b"Content-Length: 0x2\r\n",
    b"Transfer-Encoding: gzip, chunked\r\n", b"Transfer-Encoding: chunked, chunked\r\n",
    b"Transfer-Encoding: xchunked\r\n", b"Content-Length : 2\r\n",
    b"Content-Length: 99999999999999999999\r\n"])
def test_what_says_two_lengths_or_none_is_refused_and_closed(daemon, headers):
    smuggled = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    answer = raw(daemon, HEAD + headers + b"\r\n{}" + smuggled)
    status = int(answer.split(b" ")[1])
    assert status in (400, 413), answer[:200]
    assert answer.count(b"HTTP/1.1 ") == 1, "what follows was read as a request"


def test_a_client_that_hangs_up_before_its_reply(daemon, acme):
    body = json.dumps([{"id": i, "data": {"n": i}} for i in range(500)]).encode()
    headers = "".join(f"{k}: {v}\r\n" for k, v in acme.link().items()).encode()
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", daemon.ports["public"]), timeout=10) as s:
            s.sendall(HEAD + headers + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    assert daemon.get("/healthz").status_code == 200
    assert post(daemon, acme, b'{"id":"after"}').status_code == 204


def test_a_slow_sender_is_cut_off(make_daemon):
    daemon = make_daemon({"limits": {"request_timeout": "2s"}})
    started = time.monotonic()
    with socket.create_connection(("127.0.0.1", daemon.ports["public"]), timeout=30) as s:
        s.sendall(HEAD + b"Content-Length: 100000\r\n\r\n")
        answer = b""
        while not answer and time.monotonic() - started < 20:
            try:
                s.sendall(b" ")
            except OSError:
                break
            s.settimeout(0.3)
            try:
                answer = s.recv(65536)
                break
            except TimeoutError:
                continue
    assert time.monotonic() - started < 15
    assert answer.startswith(b"HTTP/1.1 408") or answer == b""
    assert daemon.get("/healthz").status_code == 200


def test_headers_over_the_limit_are_431(daemon):
    answer = daemon.get("/healthz", headers={"X-Large": "x" * 20000})
    assert answer.status_code == 431
    assert daemon.get("/" + "x" * 20000).status_code in (400, 404, 414, 431)


def test_unknown_paths_and_methods(daemon):
    lost = daemon.get("/v1/nothing")
    assert lost.status_code == 404 and lost.json()["slug"] == "not-found"
    for path in ("/v1/keys/", "/V1/keys", "/v1//keys", "/v1/keys/a/b"):
        assert daemon.get(path, auth="admin").status_code == 404, path
    wrong = daemon.delete("/v1/keys", auth="admin")
    assert wrong.status_code == 405
    assert {m.strip() for m in wrong.headers["Allow"].split(",")} >= {"GET", "POST"}
    assert daemon.request("PUT", "/v1/webhooks").status_code == 405
    head = daemon.request("HEAD", "/healthz")
    assert head.status_code == 200 and head.content == b""


def test_a_request_id_and_a_trace_are_taken_over_or_made(daemon):
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    answer = daemon.get("/healthz", headers={"X-Request-Id": "mine-1", "traceparent": trace})
    assert answer.headers["X-Request-Id"] == "mine-1"
    assert answer.headers["traceparent"].split("-")[1] == trace.split("-")[1]
    bad = daemon.get("/healthz", headers={"X-Request-Id": 'a"b<script>' * 50, "traceparent": "x"})
    assert bad.headers["X-Request-Id"] != 'a"b<script>' * 50
    assert len(bad.headers["traceparent"]) == 55


# ---- tokens ----


@pytest.mark.parametrize("header", [
    {"alg": "none", "typ": "JWT"}, {"alg": "HS256", "typ": "JWT"}, {"alg": "RS256", "typ": "JWT"},
    {"alg": "hs512"}, {}, {"alg": "HS512", "crit": ["exp"]}, {"alg": ["HS512"]}])
def test_an_algorithm_that_is_not_the_apps_is_refused(daemon, acme, header):
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")

    claims = {"sub": "", "app": "acme", "aud": "chatelaine", "exp": time.time() + 60}
    signed = part(header) + b"." + part(claims)
    mac = hmac.new(bytes.fromhex(acme.key), signed, hashlib.sha512).digest()
    good = base64.urlsafe_b64encode(mac).rstrip(b"=")
    for signature in (good, b""):
        token = (signed + b"." + signature).decode()
        answer = daemon.post("/v1/webhooks", json={"id": 1},
                             headers={"Authorization": f"Link App=acme,Token={token}"})
        assert answer.status_code == 401 and answer.json()["slug"] == "wrong-app-token"
    is_up_and_empty(daemon)


@pytest.mark.parametrize("credentials", [
    "Basic", "Basic !!!", "Basic YWRtaW4=", "Basic " + "QQ==" * 2000, "Bearer", "Bearer x",
    "Bearer ctl_" + "0" * 36, "bearer a b", "Link App=acme", "\x01\x02"])
def test_malformed_credentials_are_401(daemon, credentials):
    answer = daemon.get("/v1/keys", headers={"Authorization": credentials})
    assert answer.status_code in (400, 401), answer.text
    assert daemon.get("/healthz").status_code == 200


# ---- whose shape an error has ----


@pytest.mark.parametrize("method,path,status", [
    ("GET", "/admin", 404), ("GET", "/admin/", 404), ("GET", "/admin/nothing", 404),
    ("POST", "/api", 404), ("GET", "/api/nothing/at/all", 404), ("DELETE", "/api/oauth2", 405)])
def test_an_error_under_admin_and_api_is_contract_fits(daemon, method, path, status):
    answer = daemon.request(method, path)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/json"
    assert "message" in answer.json() and "slug" not in answer.json()


@pytest.mark.parametrize("path", ["/administrator", "/apis", "/v1", "/v1/nothing",
                                  "/v1/webhooks-", "/Admin/x", "/nothing", "//admin/x"])
def test_an_error_elsewhere_is_a_problem(daemon, path):
    answer = daemon.session.get(daemon.url("") + path, timeout=60)
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem["slug"] == "not-found" and problem["status"] == 404 and problem["request_id"]
    assert "status_code" not in problem
