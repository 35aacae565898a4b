"""Keys minted elsewhere end there too, and audit events reach their sink."""

import concurrent.futures
import json
import time

import pytest

import authress_client
import eventschema
import upstreams
from harness import wait_until

TOKEN = "to/k+en=%41&?#1"


@pytest.fixture
def servers():
    """servers(class, ...): started, and stopped in the end."""
    started = []

    def start(kind=upstreams.Upstream, **arguments):
        started.append(kind(**arguments))
        return started[-1]

    yield start
    for server in started:
        server.stop()


def contract_fit(server, password, **more):
    return {"kind": "contract_fit", "url": server.url, "username": "keeper",
            "password_file": password("pass word"), **more}


def plain(server, **more):
    return {"kind": "http", "url": server.url + "/tokens/{token}", **more}


def mint(daemon, name, token, app=None, **more):
    answer = daemon.post("/v1/keys", auth="admin", json={
        "user": "admin", "app": app, "upstream": {"name": name, "token": token, **more}})
    assert answer.status_code == 201, answer.text
    return answer.json()


def revoke(daemon, key):
    assert daemon.delete(f"/v1/keys/{key['id']}", auth="admin").status_code == 204


def upstream(daemon, key):
    return daemon.get(f"/v1/keys/{key['id']}", auth="admin").json()["upstream"]


def wait_state(daemon, key, state, reason=None):
    wait_until(lambda: upstream(daemon, key)["state"] == state
               and (reason is None or upstream(daemon, key)["reason"] == reason),
               lambda: f"{state} {reason}: {upstream(daemon, key)}")
    return upstream(daemon, key)


def events(daemon, kind):
    items = daemon.get("/v1/events?topic=keys&limit=1000", auth="admin").json()["items"]
    for event in items:
        eventschema.check(event)
    return [event["data"] for event in items if event["type"] == f"chatelaine.key.{kind}.v1"]


def metric(daemon, upstream, state):
    wanted = f'chatelaine_upstream_revocations{{upstream="{upstream}",state="{state}"}} '
    for line in daemon.get("/metrics").text.splitlines():
        if line.startswith(wanted):
            return int(line[len(wanted):])
    return 0


# ---- what is asked, by kind ----

def test_contract_fit_is_asked_with_a_session_and_a_percent_encoded_key(
        make_daemon, servers, password):
    server = servers()
    daemon = make_daemon({'upstream "acme"': contract_fit(server, password)})
    key = mint(daemon, "acme", TOKEN)
    assert key["upstream"] == {"name": "acme", "state": "none", "reason": None}
    revoke(daemon, key)
    wait_state(daemon, key, "revoked")
    method, path, headers, _ = server.requests[-1]
    assert (method, path) == ("DELETE", "/admin/auth/api-key/to%2Fk%2Ben%3D%2541%26%3F%231")
    assert server.revoked == {TOKEN: 1}
    assert [event["upstream"] for event in events(daemon, "upstream_revoked")] == [
        {"name": "acme", "state": "revoked", "reason": None}]
    # The session is kept for the next, and a key that is not there is gone already.
    again = mint(daemon, "acme", TOKEN)
    revoke(daemon, again)
    wait_state(daemon, again, "already_gone")
    assert server.logins == 1
    assert metric(daemon, "acme", "revoked") == 1 and metric(daemon, "acme", "already_gone") == 1


def test_a_session_that_ended_is_renewed_once(make_daemon, servers, password):
    server = servers()
    daemon = make_daemon({'upstream "acme"': contract_fit(server, password)})
    first, second, third = (mint(daemon, "acme", f"token-{i}") for i in range(3))
    revoke(daemon, first)
    wait_state(daemon, first, "revoked")
    server.sessions.clear()
    revoke(daemon, second)
    wait_state(daemon, second, "revoked")
    assert server.logins == 2
    server.mode = 401
    revoke(daemon, third)
    wait_state(daemon, third, "stuck", "unauthorized")
    assert server.logins == 3


def test_a_refused_login_holds_the_upstream_up_and_goes_on_when_it_is_mended(
        make_daemon, servers, password):
    server = servers()
    server.password = "another"
    daemon = make_daemon({'upstream "acme"': contract_fit(server, password)})
    keys = [mint(daemon, "acme", f"token-{i}") for i in range(20)]
    for key in keys:
        revoke(daemon, key)
    wait_until(lambda: any(upstream(daemon, key)["reason"] == "login-refused" for key in keys))
    assert server.logins < 10, "each key tried the password for itself"
    server.password = "pass word"
    for key in keys:
        wait_state(daemon, key, "revoked")


def test_oauth2_is_asked_as_rfc_7009_says(make_daemon, servers, password):
    server = servers(upstreams.OAuth2)
    daemon = make_daemon({'upstream "as"': {
        "kind": "oauth2", "url": server.url + "/oauth2/revoke", "username": "cli:ent",
        "password_file": password("s cr+t")}})
    key = mint(daemon, "as", TOKEN)
    revoke(daemon, key)
    wait_state(daemon, key, "revoked")
    assert server.revoked == {TOKEN: 1}
    assert server.requests[-1][2]["Content-Type"] == "application/x-www-form-urlencoded"


def test_http_is_asked_as_the_configuration_writes_it(make_daemon, servers, password):
    server = servers(upstreams.Plain)
    daemon = make_daemon({'upstream "x"': {
        "kind": "http", "method": "DELETE", "url": server.url + "/tokens/{token}?t={token}",
        "password_file": password("s3cret"),
        "headers": ["X-Key: {password}", "X-Token: a {token} b"]}})
    key = mint(daemon, "x", "a/b+c")
    revoke(daemon, key)
    wait_state(daemon, key, "revoked")
    _, path, headers, _ = server.requests[-1]
    assert path == "/tokens/a%2Fb%2Bc?t=a%2Fb%2Bc"
    assert headers["X-Key"] == "s3cret" and headers["X-Token"] == "a a/b+c b"


def test_airisk_says_that_nothing_can_be_revoked_there(make_daemon, servers):
    server = servers()
    daemon = make_daemon({'upstream "risk"': {"kind": "airisk", "url": server.url}})
    until = "2031-01-02T03:04:05.000Z"
    known = mint(daemon, "risk", "t1", expires_at=until)
    revoke(daemon, known)
    shown = wait_state(daemon, known, "not_revocable")
    assert shown["reason"] == f"revoked here, valid upstream until {until}"
    assert server.requests == []
    assert events(daemon, "upstream_failed")[0]["upstream"] == shown


def test_authress_access_keys_are_deleted_with_a_token_of_ours(make_daemon, servers, password):
    import base64
    import jwt
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ed25519
    private = ed25519.Ed25519PrivateKey.generate()
    der = private.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8,
                                serialization.NoEncryption())
    asked = []

    class Authress(upstreams.Upstream):
        def respond(self, request, body):
            asked.append((request.path, request.headers["Authorization"]))
            return request.answer(204)

    server = servers(Authress)
    access_key = f"sc_us.k1.acc-1.{base64.b64encode(der).decode()}"
    daemon = make_daemon({'upstream "ath"': {"kind": "authress", "url": server.url,
                                             "password_file": password(access_key)}})
    key, bad = mint(daemon, "ath", "sc_them.k7"), mint(daemon, "ath", "no-dot")
    revoke(daemon, key)
    revoke(daemon, bad)
    wait_state(daemon, key, "revoked")
    wait_state(daemon, bad, "stuck", "token-form")
    path, authorization = asked[0]
    assert path == "/v1/clients/sc_them/access-keys/k7"
    token = authorization.removeprefix("Bearer ")
    claims = jwt.decode(token, private.public_key(), ["EdDSA"],
                        audience="acc-1.accounts.authress.io")
    assert jwt.get_unverified_header(token)["kid"] == "k1"
    assert claims["iss"] == f"{server.url}/v1/clients/sc_us" and claims["sub"] == "sc_us"


def test_a_real_access_key_is_deleted_at_an_authress_that_is_this_program(make_daemon, password):
    authress = make_daemon()
    authress.write_config(issuer_aliases=[authress.url("")])
    authress.reload()
    authress.wait_event("config.reloaded")
    keeper = authress_client.request_key(authress, authress_client.create(authress))
    authress_client.grant(authress, keeper.client_id,
                          ("Authress:Owner", "Authress:ServiceClients/*"))
    reader = authress_client.create(authress)
    authress_client.grant(authress, reader, ("Authress:Owner", f"Authress:ServiceClients/{reader}"))
    twin, gone = [authress_client.request_key(authress, reader) for _ in range(2)]

    def use(key):
        return authress.get(f"/v1/clients/{reader}",
                            headers=key.signed(base=authress.url(""))).status_code

    daemon = make_daemon({'upstream "ath"': {"kind": "authress", "url": authress.url(""),
                                             "password_file": password(keeper.text)}})
    key, late = (mint(daemon, "ath", f"{reader}.{k.kid}") for k in (twin, gone))
    assert use(twin) == use(gone) == 200
    revoke(daemon, key)
    wait_state(daemon, key, "revoked")
    assert (use(twin), use(gone)) == (401, 200)
    authress.delete(f"/v1/clients/{reader}/access-keys/{gone.kid}", auth="admin")
    revoke(daemon, late)
    wait_state(daemon, late, "already_gone")
    # Another's client is not its to touch.
    authress.delete(f"/v1/clients/{keeper.client_id}", auth="admin")
    third = mint(daemon, "ath", f"{reader}.zzzzzz")
    revoke(daemon, third)
    wait_state(daemon, third, "pending", "login-refused")


def test_a_page_that_answers_everything_has_revoked_nothing(make_daemon, servers, password):
    server = servers(mode=200)
    daemon = make_daemon({'upstream "acme"': contract_fit(server, password)})
    key = mint(daemon, "acme", TOKEN)
    revoke(daemon, key)
    wait_state(daemon, key, "stuck", "http-200")


# ---- faults ----

@pytest.mark.parametrize("mode, reason", [
    (500, "http-500"), (503, "http-503"), (429, "http-429"), ("reset", "reset"),
    ("hang", "timeout")])
def test_a_passing_fault_is_tried_again(make_daemon, servers, mode, reason):
    server = servers(upstreams.Plain, mode=mode)
    daemon = make_daemon({'upstream "x"': plain(server, timeout="300ms")})
    key = mint(daemon, "x", "t")
    revoke(daemon, key)
    wait_state(daemon, key, "pending", reason)
    assert events(daemon, "upstream_failed")[0]["upstream"]["reason"] == reason
    server.mode = "ok"
    wait_state(daemon, key, "revoked")
    assert server.revoked == {"t": 1}


@pytest.mark.parametrize("mode, reason", [(400, "http-400"), ("redirect", "http-302")])
def test_a_lasting_fault_is_stuck_until_somebody_looks(make_daemon, servers, mode, reason):
    server = servers(upstreams.Plain, mode=mode)
    daemon = make_daemon({'upstream "x"': plain(server)})
    key, live = mint(daemon, "x", "t"), mint(daemon, "x", "u")
    revoke(daemon, key)
    wait_state(daemon, key, "stuck", reason)
    assert len(server.requests) == 1, "the redirect was followed"
    assert metric(daemon, "x", "stuck") == 1
    assert events(daemon, "upstream_failed")[0]["id"] == key["id"]
    listed = daemon.cli("key", "list", "--upstream-state", "stuck")
    assert key["id"] in json.dumps(listed) and live["id"] not in json.dumps(listed)
    server.mode = "ok"
    daemon.cli("key", "retry", key["id"])
    wait_state(daemon, key, "revoked")
    assert metric(daemon, "x", "stuck") == 0
    answer = daemon.post(f"/v1/keys/{key['id']}/retry", auth="admin")
    assert answer.status_code == 409 and answer.json()["slug"] == "upstream-settled"


def test_tls_is_verified(make_daemon, servers, tmp_path):
    wrong = servers(upstreams.Plain, tls=upstreams.certificate(tmp_path, "other.example.com"))
    right_files = upstreams.certificate(tmp_path, "127.0.0.1")
    right = servers(upstreams.Plain, tls=right_files)
    daemon = make_daemon({
        'upstream "unknown"': plain(right),
        'upstream "wrong"': plain(wrong, ca_file=str(tmp_path / "other.example.com.crt")),
        'upstream "right"': plain(right, ca_file=str(right_files[0]))})
    keys = {name: mint(daemon, name, name) for name in ("unknown", "wrong", "right")}
    for key in keys.values():
        revoke(daemon, key)
    wait_state(daemon, keys["right"], "revoked")
    wait_state(daemon, keys["unknown"], "pending", "tls-untrusted")
    wait_state(daemon, keys["wrong"], "pending", "tls-untrusted")
    assert right.revoked == {"right": 1} and not wrong.requests


def test_no_secret_is_told_to_anyone_else(make_daemon, servers, password):
    server = servers(mode=500)
    daemon = make_daemon({'upstream "acme"': contract_fit(server, password)})
    key = mint(daemon, "acme", "verysecrettoken")
    revoke(daemon, key)
    wait_state(daemon, key, "pending", "http-500")
    server.mode = 403
    wait_state(daemon, key, "stuck", "forbidden")
    journal = daemon.get("/v1/events?limit=1000", auth="admin").text
    shown = daemon.get(f"/v1/keys/{key['id']}", auth="admin").text
    for place in ("\n".join(daemon.output), journal, shown, daemon.get("/metrics").text):
        for secret in ("verysecrettoken", "pass word", "session-"):
            assert secret not in place
    assert b"verysecrettoken" not in b"".join(
        file.read_bytes() for file in daemon.state.glob("chatelaine.db*"))


@pytest.mark.parametrize("change, slug", [
    ({"name": "nobody"}, "unknown-upstream"), ({"token": "a b"}, "invalid-upstream-token"),
    ({"token": ".."}, "invalid-upstream-token"), ({"more": 1}, "unknown-field")])
def test_what_is_no_upstream_is_refused(make_daemon, servers, change, slug):
    daemon = make_daemon({'upstream "x"': plain(servers(upstreams.Plain))})
    answer = daemon.post("/v1/keys", auth="admin", json={
        "user": "admin", "upstream": {"name": "x", "token": "t", **change}})
    assert answer.status_code == 400 and answer.json()["slug"] == slug


def test_a_password_file_that_others_may_read_is_refused(make_daemon, servers, tmp_path):
    file = tmp_path / "open"
    file.write_text("x")
    file.chmod(0o644)
    daemon = make_daemon({'upstream "x"': plain(servers(upstreams.Plain))})
    daemon.config['upstream "x"']["password_file"] = str(file)
    daemon.reload()
    daemon.wait_event("config.reload_refused", lambda line: line["slug"] == "password-file-mode")
    file.chmod(0o600)
    daemon.reload()
    daemon.wait_event("config.reloaded")


def test_a_reload_takes_upstreams(make_daemon, servers):
    first, second = servers(upstreams.Plain, mode=500), servers(upstreams.Plain)
    daemon = make_daemon({'upstream "x"': plain(first)})
    key = mint(daemon, "x", "t")
    revoke(daemon, key)
    wait_state(daemon, key, "pending", "http-500")
    daemon.config['upstream "x"']["url"] = second.url + "/tokens/{token}"
    daemon.reload()
    wait_state(daemon, key, "revoked")
    assert second.revoked == {"t": 1}


@pytest.mark.parametrize("how", ["reload", "restart"])
def test_an_upstream_that_is_not_configured_any_more_is_told_and_resumed(
        make_daemon, servers, how):
    server = servers(upstreams.Plain, mode=500)
    section = plain(server)
    daemon = make_daemon({'upstream "x"': section})

    def configure(**changes):
        daemon.write_config(**{'upstream "x"': section, **changes})
        if how == "reload":
            daemon.reload()
        else:
            daemon.kill9()
            daemon.start()

    before, after, live = (mint(daemon, "x", f"t{i}") for i in range(3))
    revoke(daemon, before)
    wait_state(daemon, before, "pending", "http-500")
    configure(**{'upstream "x"': None})
    wait_state(daemon, before, "stuck", "upstream is not configured")
    revoke(daemon, after)  # ended while nobody could be asked
    wait_state(daemon, after, "stuck", "upstream is not configured")
    assert metric(daemon, "x", "stuck") == 2 and metric(daemon, "x", "pending") == 0
    told = [event["id"] for event in events(daemon, "upstream_failed")
            if event["upstream"]["reason"] == "upstream is not configured"]
    assert told == [before["id"], after["id"]]
    stuck = daemon.cli("key", "list", "--upstream-state", "stuck")["items"]
    assert {key["id"] for key in stuck} == {before["id"], after["id"]}
    # A person's retry changes nothing, and says so.
    daemon.cli("key", "retry", before["id"])
    wait_state(daemon, before, "stuck", "upstream is not configured")

    server.mode = "ok"
    configure()
    for key in (before, after):
        wait_state(daemon, key, "revoked")
    assert upstream(daemon, live)["state"] == "none" and daemon.is_valid(live["key"])
    assert server.revoked == {"t0": 1, "t1": 1}
    assert metric(daemon, "x", "stuck") == metric(daemon, "x", "pending") == 0


def test_a_stuck_one_that_was_refused_is_not_resumed_by_a_reload(make_daemon, servers):
    server = servers(upstreams.Plain, mode=400)
    daemon = make_daemon({'upstream "x"': plain(server)})
    key = mint(daemon, "x", "t")
    revoke(daemon, key)
    wait_state(daemon, key, "stuck", "http-400")
    daemon.reload()
    daemon.wait_event("config.reloaded")
    other = mint(daemon, "x", "u")
    revoke(daemon, other)
    wait_state(daemon, other, "stuck", "http-400")
    assert len(server.requests) == 2


# ---- the real thing ----

def test_a_key_of_another_tenant_is_really_revoked_there(make_daemon, password):
    """A second daemon is the Contract.fit tenant where the key was minted."""
    tenant = make_daemon()
    session = tenant.post("/admin/auth", json={"username": "admin", "password": tenant.password})
    bearer = {"Authorization": "Bearer " + session.json()["authentication_token"]}
    role = tenant.post("/admin/roles", headers=bearer, json={
        "name": "looker", "permissions": {"view_list": True}}).json()
    tenant.post("/admin/users", headers=bearer, json={
        "username": "guest", "active": True, "password": "guest pass",
        "roles": [{"role": role["id"]}]})
    minted = tenant.post("/admin/auth/api-key", headers=bearer, json={
        "user": "guest", "roles": [{"role": role["id"]}]})
    assert minted.status_code == 201, minted.text
    token = minted.json()["token"]
    probe = {"X-API-Key": token}
    assert tenant.get("/admin/users/me", headers=probe).status_code == 200

    daemon = make_daemon({'upstream "acme"': {
        "kind": "contract_fit", "url": tenant.url(""), "username": "admin",
        "password_file": password(tenant.password)}})
    key, gone = mint(daemon, "acme", token), mint(daemon, "acme", "ctl_never-was-one")
    revoke(daemon, key)
    wait_state(daemon, key, "revoked")
    assert tenant.get("/admin/users/me", headers=probe).status_code == 401
    revoke(daemon, gone)
    wait_state(daemon, gone, "already_gone")


# ---- many ----

MANY = 1000  # at each of two upstreams


def mint_many(daemon, name, n, stem=None):
    def one(i):
        return mint(daemon, name, f"{stem or name}-{i}", app=stem or name)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        return list(pool.map(one, range(n)))


def revoke_all(daemon, app):
    answer = daemon.post("/v1/keys/revoke", auth="admin", json={"app": app})
    assert answer.status_code == 200, answer.text
    return answer.json()["revoked"]


@pytest.mark.slow
def test_one_that_hangs_does_not_slow_another(make_daemon, servers):
    good, bad = servers(upstreams.Plain), servers(upstreams.Plain, mode="hang")
    daemon = make_daemon({'upstream "good"': plain(good),
                          'upstream "bad"': plain(bad, timeout="5s", concurrency=8)})
    rounds = ("alone-1", "alone-2", "beside-1", "beside-2")
    for stem in rounds:
        mint_many(daemon, "good", MANY, stem)
    mint_many(daemon, "bad", MANY)

    def timed(stem):
        begun, before = time.monotonic(), len(good.revoked)
        assert revoke_all(daemon, stem) == MANY
        wait_until(lambda: len(good.revoked) == before + MANY, stem)
        return time.monotonic() - begun

    alone = min(timed(stem) for stem in rounds[:2])
    assert revoke_all(daemon, "bad") == MANY
    wait_until(lambda: bad.active == 8)
    beside = min(timed(stem) for stem in rounds[2:])
    assert beside < 1.5 * alone + 0.3, f"{beside:.2f} s beside one that hangs, {alone:.2f} s alone"
    assert bad.most_active == 8 and good.most_active <= 8
    wait_until(lambda: metric(daemon, "good", "revoked") == 4 * MANY)
    assert metric(daemon, "bad", "pending") == MANY
    assert set(good.revoked.values()) == {1} and not good.gone


class RefusesOne(upstreams.Plain):
    """403 for the token "x-7", as long as it is told to."""

    is_refusing = True

    def respond(self, request, body):
        if self.is_refusing and request.path.endswith("/x-7"):
            return request.answer(403)
        return super().respond(request, body)


@pytest.mark.slow
def test_kill_9_in_the_middle_forgets_nothing_and_revokes_nothing_twice(make_daemon, servers):
    server, bad = servers(RefusesOne, delay=0.02), servers(upstreams.Plain, mode="hang")
    daemon = make_daemon({'upstream "x"': plain(server),
                          'upstream "bad"': plain(bad, timeout="1s")})
    keys = mint_many(daemon, "x", MANY)
    mint_many(daemon, "bad", MANY)
    assert revoke_all(daemon, "x") == revoke_all(daemon, "bad") == MANY
    for n in (MANY // 5, MANY // 2):
        wait_until(lambda: len(server.revoked) >= n)
        wait_until(lambda: bad.active > 0)
        daemon.kill9()
        daemon.start()

    def is_settled(name, but=0):
        return metric(daemon, name, "revoked") + metric(daemon, name, "already_gone") == MANY - but

    # One is refused for good: to be seen in the metrics, the events and the command line.
    wait_until(lambda: is_settled("x", but=1))
    assert metric(daemon, "x", "stuck") == 1 and metric(daemon, "x", "pending") == 0
    assert [event["id"] for event in all_events(daemon, "upstream_failed")
            if event["upstream"]["state"] == "stuck"] == [keys[7]["id"]]
    stuck = daemon.cli("key", "list", "--upstream-state", "stuck")["items"]
    assert [(key["id"], key["upstream"]["reason"]) for key in stuck] == [
        (keys[7]["id"], "http-403")]
    # The other one hung all the time, and nothing of it is settled; then it comes back.
    assert metric(daemon, "bad", "pending") == MANY and not bad.revoked
    bad.mode, server.is_refusing = "ok", False
    daemon.cli("key", "retry", keys[7]["id"])
    wait_until(lambda: is_settled("x") and is_settled("bad"))

    for name, upstream_server in (("x", server), ("bad", bad)):
        assert len(upstream_server.revoked) == MANY
        assert set(upstream_server.revoked.values()) == {1}
        # What was on its way when it died is asked for again, and is told from the rest.
        assert metric(daemon, name, "already_gone") == len(upstream_server.gone) <= 2 * 8
        assert metric(daemon, name, "pending") == metric(daemon, name, "stuck") == 0
    told = [event["id"] for event in all_events(daemon, "upstream_revoked")]
    assert len(told) == len(set(told)) == 2 * MANY


def all_events(daemon, kind):
    cursor, found = "", []
    while cursor is not None:
        page = daemon.get("/v1/events", auth="admin", params={
            "topic": "keys", "limit": 1000, **({"cursor": cursor} if cursor else {})}).json()
        found += [event["data"] for event in page["items"]
                  if event["type"] == f"chatelaine.key.{kind}.v1"]
        cursor = page["next_cursor"] if page["items"] else None
    return found


# ---- audit sinks ----

def test_an_audit_sink_without_a_secret_gets_them_unsigned(make_daemon, servers):
    class Open(upstreams.Sink):
        def respond(self, request, body):
            assert "webhook-signature" not in request.headers
            self.events.append(json.loads(body))
            return request.answer(204)

    sink = servers(Open)
    daemon = make_daemon({'audit_sink "siem"': {"url": sink.url}})
    daemon.cli("inbox", "create", "--name", "i")
    wait_until(lambda: audit(daemon) and [event["id"] for event in sink.events] == audit(daemon))


def audit(daemon):
    return [event["id"] for event in daemon.get("/v1/events?topic=audit&limit=1000",
                                                auth="admin").json()["items"]]


def test_an_audit_sink_gets_every_event_in_order(make_daemon, servers, password):
    sink = servers(upstreams.Sink)
    daemon = make_daemon({'audit_sink "siem"': {
        "url": sink.url + "/events", "secret_file": password(sink.secret_text, "whsec")}})
    for i in range(10):
        daemon.cli("inbox", "create", "--name", f"i{i}")
    wait_until(lambda: [event["id"] for event in sink.events] == audit(daemon))
    assert {event["type"] for event in sink.events} <= {"chatelaine.audit.v1",
                                                        "chatelaine.checkpoint.v1"}
    # Down for a while, and we with it: it goes on where it was, and loses nothing.
    sink.mode = 500
    for i in range(10, 20):
        daemon.cli("inbox", "create", "--name", f"i{i}")
    daemon.wait_event("audit_sink.failed")
    daemon.kill9()
    sink.mode = "ok"
    daemon.start()
    wait_until(lambda: set(audit(daemon)) <= {event["id"] for event in sink.events})
    sequences = [int(event["sequence"]) for event in
                 {event["id"]: event for event in sink.events}.values()]
    assert sequences == sorted(sequences) and not sink.refused
