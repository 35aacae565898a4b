"""User tokens of another issuer: whom they are believed for, and where the keys come from."""

import base64
import json
import time

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

import issuers
import upstreams
from harness import wait_until

KNOWN, UNKNOWN = 403, 401  # of one who may nothing; of nobody
PROBE = "/v1/webhooks"     # needs webhooks:read


@pytest.fixture
def make_issuer():
    """make_issuer(...): an issuers.Issuer that ends with the test."""
    made = []

    def make(**arguments):
        made.append(issuers.Issuer(**arguments))
        return made[-1]

    yield make
    for issuer in made:
        issuer.stop()


@pytest.fixture
def issuer(make_issuer):
    return make_issuer()


def trusting(issuer, name="login", **changes):
    return {f'trust "{name}"': {**issuer.config, **changes}}


def start(make_daemon, issuer, faketime=False, **changes):
    """A daemon that has the issuer's keys."""
    daemon = make_daemon(trusting(issuer, **changes), faketime=faketime)
    daemon.wait_event("trust.fetched")
    return daemon


def probe(daemon, headers):
    return daemon.get(PROBE, headers=headers).status_code


def user(daemon, role="operator"):
    return daemon.ask("POST", "/v1/admin/users",
                      {"name": "ann", "roles": [{"role": role, "resource": "*"}]})


# ---- whom they are believed for ----

@pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
def test_a_token_of_a_trusted_issuer_is_its_sub(make_daemon, make_issuer, algorithm):
    issuer = make_issuer(algorithm=algorithm)
    daemon = start(make_daemon, issuer)
    ann = user(daemon)
    assert probe(daemon, issuer.bearer(ann["id"])) == 200, "not with the rights of the user's row"
    assert probe(daemon, issuer.bearer("auth0|5f7c")) == KNOWN
    assert probe(daemon, issuer.bearer("auth0|5f7c", exp=int(time.time()) - 1)) == UNKNOWN


@pytest.mark.parametrize("where, path", [
    ("openid", ""), ("openid", "/realms/a"), ("oauth", ""), ("oauth", "/realms/a"), (None, "")])
def test_keys_are_found_through_metadata_or_named(make_daemon, make_issuer, where, path):
    issuer = make_issuer(metadata=where, path=path)
    daemon = start(make_daemon, issuer, jwks="" if where else issuer.url + "/keys")
    assert probe(daemon, issuer.bearer("ann")) == KNOWN
    asked = [path for _, path, _, _ in issuer.requests]
    assert where or asked == ["/keys"]


def test_our_issuer_is_the_audience_where_none_is_named(make_daemon, issuer):
    daemon = start(make_daemon, issuer, audience="")
    assert probe(daemon, issuer.bearer("ann", aud="http://127.0.0.1:8080")) == KNOWN
    assert probe(daemon, issuer.bearer("ann", aud=["x", "http://127.0.0.1:8080"])) == KNOWN
    assert probe(daemon, issuer.bearer("ann")) == UNKNOWN


def test_a_sub_is_an_id_and_never_a_name(make_daemon, issuer):
    daemon = start(make_daemon, issuer)
    assert probe(daemon, issuer.bearer("admin")) == KNOWN
    admin = daemon.ask("GET", "/v1/admin/users/admin")
    assert probe(daemon, issuer.bearer(admin["id"])) == 200


def test_a_row_that_is_deactivated_ends_the_token_s_use(make_daemon, issuer):
    daemon = start(make_daemon, issuer)
    ann = user(daemon)
    bearer = issuer.bearer(ann["id"])
    assert probe(daemon, bearer) == 200
    daemon.ask("PATCH", f"/v1/admin/users/{ann['id']}", {"active": False})
    assert probe(daemon, bearer) == UNKNOWN


def test_what_such_a_user_does_is_on_record(make_daemon, issuer):
    daemon = start(make_daemon, issuer)
    ann = user(daemon, role="admin")
    answer = daemon.post("/v1/admin/roles", headers=issuer.bearer(ann["id"]),
                         json={"name": "r", "permissions": ["a:b"]})
    assert answer.status_code == 201
    assert probe(daemon, issuer.bearer("auth0|5f7c")) == KNOWN
    done = daemon.wait_journal(lambda event: event["data"].get("action") == "role.create"
                               and event["data"]["outcome"] == "success", "audit")
    assert done["data"]["actor"] == {"kind": "trusted", "id": ann["id"]}
    refused = daemon.wait_journal(
        lambda event: event["data"].get("actor", {}).get("id") == "auth0|5f7c", "audit")
    assert refused["data"]["outcome"] == "denied"


def seconds(offset):
    return int(time.time()) + offset


@pytest.mark.parametrize("changes", [
    {"aud": "https://elsewhere.test"}, {"aud": None}, {"aud": []},
    {"iss": "https://elsewhere.test"}, {"iss": None}, {"slash": True},
    {"exp": None}, {"exp": "soon"}, {"expired": 0}, {"expired": -30},
    {"ahead": "nbf"}, {"ahead": "iat"},
    {"sub": None}, {"sub": ""}, {"sub": 7}, {"sub": "*"}, {"sub": "a" * 101}, {"sub": "a\n"},
    {"sub": "sc_aaaaaaaaaaaaaaaaaaaaaaaa"}, {"sub": "Authress:ServiceClients/sc_1"},
    {"sub": "authress:ServiceClients/sc_1"},
], ids=str)
def test_claims_that_are_not_for_us_are_refused(make_daemon, issuer, changes):
    daemon = start(make_daemon, issuer)
    changes = dict(changes)
    if changes.pop("slash", False):
        changes["iss"] = issuer.issuer + "/"
    if "expired" in changes:
        changes["exp"] = seconds(changes.pop("expired"))
    if "ahead" in changes:
        changes[changes.pop("ahead")] = seconds(120)
    claims = issuer.claims("ann")
    claims.update(changes)
    claims = {name: value for name, value in claims.items() if value is not None}
    token = jwt.encode(claims, issuer.keys["one"][0], "EdDSA", headers={"kid": "one"})
    assert probe(daemon, {"Authorization": "Bearer " + token}) == UNKNOWN


def test_clocks_may_differ_by_a_minute_but_exp_is_to_the_letter(make_daemon, issuer):
    daemon = start(make_daemon, issuer)
    assert probe(daemon, issuer.bearer("ann", iat=seconds(30), nbf=seconds(30))) == KNOWN
    assert probe(daemon, issuer.bearer("ann", exp=seconds(-2))) == UNKNOWN


@pytest.mark.parametrize("typ, expected", [
    (None, KNOWN), ("JWT", KNOWN), ("at+jwt", KNOWN), ("application/at+jwt", KNOWN),
    ("oauth-authz-req+jwt", UNKNOWN), ("logout+jwt", UNKNOWN), ("x", UNKNOWN)])
def test_a_token_made_for_something_else_is_refused(make_daemon, issuer, typ, expected):
    daemon = start(make_daemon, issuer)
    assert probe(daemon, issuer.bearer("ann", headers={"typ": typ})) == expected


def signed_by_hand(header, claims, sign):
    def part(value):
        return base64.urlsafe_b64encode(value).rstrip(b"=")
    head = part(json.dumps(header).encode()) + b"." + part(json.dumps(claims).encode())
    return {"Authorization": "Bearer " + (head + b"." + part(sign(head))).decode()}


@pytest.mark.parametrize("form", [serialization.PublicFormat.SubjectPublicKeyInfo,
                                  serialization.PublicFormat.PKCS1])
@pytest.mark.parametrize("algorithm, digest", [("HS256", "sha256"), ("HS512", "sha512")])
def test_a_public_key_is_no_shared_secret(make_daemon, make_issuer, form, algorithm, digest):
    import hmac
    issuer = make_issuer(algorithm="RS256")
    daemon = start(make_daemon, issuer)
    public = issuer.keys["one"][0].public_key()
    for encoding in (serialization.Encoding.PEM, serialization.Encoding.DER):
        secret = public.public_bytes(encoding, form)
        bearer = signed_by_hand({"alg": algorithm, "kid": "one", "typ": "JWT"},
                                issuer.claims("ann"),
                                lambda text: hmac.new(secret, text, digest).digest())
        assert probe(daemon, bearer) == UNKNOWN


def test_the_token_does_not_choose_its_key_or_algorithm(make_daemon, make_issuer):
    issuer = make_issuer(algorithm="RS256")
    issuer.add("curve", "ES256")
    daemon = start(make_daemon, issuer)
    thief = make_issuer()
    key = issuers.jwk(*thief.keys["one"], "one")
    ours, curve = issuer.keys["one"][0], issuer.keys["curve"][0]
    claims = issuer.claims("ann")

    def refused(token):
        return probe(daemon, {"Authorization": "Bearer " + token}) == UNKNOWN

    def with_header(key, algorithm, **header):
        return jwt.encode(claims, key, algorithm, headers=header)

    own = thief.keys["one"][0]
    assert probe(daemon, issuer.bearer("ann", "curve")) == KNOWN
    assert refused(with_header(own, "EdDSA", kid="one"))
    assert refused(with_header(own, "EdDSA", kid="one", jwk=key))
    assert refused(with_header(own, "EdDSA", kid="one", jku=thief.url + "/keys"))
    assert refused(with_header(own, "EdDSA", kid=thief.url + "/keys"))
    assert refused(with_header(ours, "RS256", kid="curve"))
    assert refused(with_header(curve, "ES256", kid="one"))
    assert refused(with_header(ours, "RS512", kid="one"))
    assert refused(with_header(ours, "PS256", kid="one"))
    assert refused(with_header(ours, "RS256", kid="one", crit=["exp"]))
    assert refused(jwt.encode(claims, None, "none", headers={"kid": "one"}))
    good = issuer.token("ann").split(".")
    assert refused(".".join([good[0], good[1], ""]))
    assert refused(".".join([good[0], issuer.token("bob").split(".")[1], good[2]]))
    assert not thief.requests


@pytest.mark.tsan
def test_two_issuers_do_not_speak_for_each_other(make_daemon, make_issuer):
    one, two = make_issuer(), make_issuer()
    daemon = make_daemon({**trusting(one, "one"), **trusting(two, "two")})
    for name in ("one", "two"):
        daemon.wait_event("trust.fetched", lambda line, name=name: line["trust"] == name)
    assert probe(daemon, one.bearer("ann")) == KNOWN
    assert probe(daemon, two.bearer("ann")) == KNOWN
    assert probe(daemon, two.bearer("ann", iss=one.issuer)) == UNKNOWN


def test_a_key_without_a_kid_is_tried(make_daemon, issuer):
    key = issuers.jwk(*issuer.keys["one"], None)
    issuer.keys_body = json.dumps({"keys": [key]}).encode()
    daemon = start(make_daemon, issuer)
    assert probe(daemon, issuer.bearer("ann")) == KNOWN
    bare = jwt.encode(issuer.claims("ann"), issuer.keys["one"][0], "EdDSA")
    assert probe(daemon, {"Authorization": "Bearer " + bare}) == KNOWN


# ---- keys come and go ----

def test_a_rotated_key_is_fetched_when_it_is_first_seen(make_daemon, issuer):
    daemon = start(make_daemon, issuer, faketime=True)
    old, at = issuer.bearer("ann"), time.time() + 61
    issuer.rotate("two")
    daemon.clock.step_to(61)
    assert probe(daemon, issuer.bearer("ann", "two", at=at)) == UNKNOWN, "it waited for the issuer"
    wait_until(lambda: probe(daemon, issuer.bearer("ann", "two", at=at)) == KNOWN)
    assert probe(daemon, old) == KNOWN, "a token signed just before was dropped"
    assert issuer.fetches == 2


def test_a_key_that_is_listed_no_more_ends_after_its_overlap(make_daemon, issuer):
    daemon = start(make_daemon, issuer, faketime=True)
    old = issuer.bearer("ann", exp=seconds(7200))
    issuer.rotate("two")
    daemon.clock.step_to(46 * 60)  # three quarters of an hour
    wait_until(lambda: issuer.fetches == 2)
    wait_until(lambda: daemon.metric("chatelaine_trust_keys", trust="login") == 2)
    assert probe(daemon, old) == KNOWN
    daemon.clock.step_to(57 * 60)
    assert probe(daemon, old) == UNKNOWN
    wait_until(lambda: probe(daemon, issuer.bearer("ann", "two", at=time.time() + 57 * 60)) == KNOWN)


def test_a_storm_of_unknown_kids_asks_once_a_minute(make_daemon, issuer):
    daemon = start(make_daemon, issuer, faketime=True)
    stranger = issuers.GENERATE["EdDSA"]()

    def storm(at):
        for n in range(200):
            token = jwt.encode(issuer.claims("ann", at), stranger, "EdDSA",
                               headers={"kid": f"no-{n}"})
            assert probe(daemon, {"Authorization": "Bearer " + token}) == UNKNOWN

    storm(time.time())
    assert issuer.fetches == 1
    daemon.clock.step_to(61)
    wait_until(lambda: issuer.fetches == 2)
    storm(time.time() + 61)
    assert issuer.fetches == 2
    assert probe(daemon, issuer.bearer("ann", at=time.time() + 61)) == KNOWN


def test_the_last_good_keys_serve_for_a_day(make_daemon, issuer):
    daemon = start(make_daemon, issuer, faketime=True)
    issuer.mode = 500
    day = 86400

    def bearer(offset):
        return issuer.bearer("ann", at=time.time() + offset)

    daemon.clock.step_to(day - 60)
    failed = daemon.wait_event("trust.failed", lambda line: line["reason"] == "http-500")
    assert failed["keys"] == 1 and failed["retry_ms"] >= 60000, "asked more than once a minute"
    assert probe(daemon, bearer(day - 60)) == KNOWN
    daemon.clock.step_to(day + 60)
    assert probe(daemon, bearer(day + 60)) == UNKNOWN
    wait_until(lambda: daemon.metric("chatelaine_trust_keys", trust="login") == 0)
    issuer.mode = "ok"
    daemon.clock.step_to(day + 7200)
    wait_until(lambda: probe(daemon, bearer(day + 7200)) == KNOWN)


@pytest.mark.parametrize("header, next_s", [
    (None, 2700), ("max-age=2000", 1500), ("public, Max-Age=2000, must-revalidate", 1500),
    ("max-age=1", 225), ("no-store", 225), ("max-age=31536000", 32400), ("max-age=x", 2700)])
def test_keys_are_refreshed_before_they_go_stale(make_daemon, issuer, header, next_s):
    issuer.cache_control = header
    daemon = start(make_daemon, issuer, faketime=True)
    assert daemon.events("trust.fetched")[0]["next_ms"] == next_s * 1000
    daemon.clock.step_to(next_s - 30)
    assert probe(daemon, issuer.bearer("ann", at=time.time() + next_s)) == KNOWN
    assert issuer.fetches == 1
    daemon.clock.step_to(next_s + 1)
    wait_until(lambda: issuer.fetches == 2)


# ---- an issuer that fails ----

def test_an_issuer_that_hangs_holds_nobody_up(make_daemon, issuer):
    daemon = start(make_daemon, issuer, faketime=True)
    issuer.mode = "hang"
    daemon.clock.step_to(61)
    at = time.time() + 61
    unknown = jwt.encode(issuer.claims("ann", at), issuers.GENERATE["EdDSA"](), "EdDSA",
                         headers={"kid": "two"})
    before = time.monotonic()
    assert probe(daemon, {"Authorization": "Bearer " + unknown}) == UNKNOWN
    wait_until(lambda: issuer.active == 1)
    for _ in range(50):
        assert probe(daemon, {"Authorization": "Bearer " + unknown}) == UNKNOWN
        assert probe(daemon, issuer.bearer("ann", at=at)) == KNOWN
    assert issuer.active == 1 and time.monotonic() - before < 9, "they waited for the issuer"
    daemon.wait_event("trust.failed", lambda line: line["reason"] == "timeout")
    assert probe(daemon, issuer.bearer("ann", at=at)) == KNOWN


@pytest.mark.parametrize("mode, reason", [(500, "http-500"), (403, "http-403"), ("reset", "reset"),
                                          ("redirect", "http-302")])
def test_what_does_not_answer_is_asked_again(make_daemon, make_issuer, mode, reason):
    issuer = make_issuer(mode=mode)
    daemon = make_daemon(trusting(issuer))
    line = daemon.wait_event("trust.failed")
    assert (line["trust"], line["reason"], line["keys"]) == ("login", reason, 0)
    assert probe(daemon, issuer.bearer("ann")) == UNKNOWN
    assert not any(path == "/elsewhere" for _, path, _, _ in issuer.requests)
    issuer.mode = "ok"
    daemon.wait_event("trust.fetched")
    assert probe(daemon, issuer.bearer("ann")) == KNOWN
    assert daemon.metric("chatelaine_trust_fetches_total", trust="login", outcome="failed") >= 1
    assert daemon.metric("chatelaine_trust_fetches_total", trust="login", outcome="ok") == 1
    assert daemon.metric("chatelaine_trust_keys", trust="login") == 1


def test_doctor_says_whose_keys_are_missing(make_daemon, make_issuer):
    good, bad = make_issuer(), make_issuer(mode=500)
    daemon = make_daemon({**trusting(good, "good"), **trusting(bad, "bad")})
    daemon.wait_event("trust.fetched")
    daemon.wait_event("trust.failed")
    wait_until(lambda: daemon.metric("chatelaine_trust_keys", trust="good") == 1)
    told = {check["check"]: check for check in daemon.cli("doctor")["checks"]}
    assert told["trust good"]["verdict"] == "ok" and told["trust bad"]["verdict"] == "warning"
    assert "trust.failed" in told["trust bad"]["todo"]


SMALL_RSA = {"kty": "RSA", "kid": "one", "e": "AQAB",
             "n": base64.urlsafe_b64encode(b"\xc1" + bytes(126) + b"\x01").rstrip(b"=").decode()}


@pytest.mark.parametrize("body, reason", [
    (b"[" * 300_000, "too-large"), (b"{}", "invalid-jwks"), (b"<html>", "invalid-jwks"),
    (b'{"keys":[]}', "invalid-jwks"), (b"[" * 1000, "invalid-jwks"),
    (json.dumps({"keys": [{}] * 65}).encode(), "invalid-jwks"),
    (b'{"keys":[{"kty":"oct","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}]}', "invalid-jwks"),
    (json.dumps({"keys": [SMALL_RSA]}).encode(), "invalid-jwks"),
], ids=lambda value: value if isinstance(value, str) else str(len(value)))
def test_keys_that_are_none_are_not_taken(make_daemon, make_issuer, body, reason):
    issuer = make_issuer()
    issuer.keys_body = body
    daemon = make_daemon(trusting(issuer))
    assert daemon.wait_event("trust.failed")["reason"] == reason
    assert probe(daemon, issuer.bearer("ann")) == UNKNOWN


class Endless(issuers.Issuer):
    """Its keys never end."""

    def respond(self, request, body):
        if request.path != "/keys":
            return super().respond(request, body)
        request.send_response(200)
        request.end_headers()
        while not self.stopped.is_set():
            request.wfile.write(b" " * 65536)


def test_an_answer_without_end_is_cut_off(make_daemon):
    issuer = Endless()
    try:
        daemon = make_daemon(trusting(issuer))
        assert daemon.wait_event("trust.failed")["reason"] == "too-large"
    finally:
        issuer.stop()


@pytest.mark.parametrize("member, value, reason", [
    ("claimed_issuer", "https://elsewhere.test", "wrong-issuer"),
    ("jwks_uri", "http://login.example.com/keys", "unsafe-jwks-uri"),
    ("jwks_uri", "file:///etc/passwd", "unsafe-jwks-uri"),
    ("jwks_uri", "https://a:b@login.example.com/keys", "unsafe-jwks-uri")])
def test_metadata_that_lies_is_not_followed(make_daemon, make_issuer, member, value, reason):
    issuer = make_issuer()
    setattr(issuer, member, value)
    daemon = make_daemon(trusting(issuer))
    assert daemon.wait_event("trust.failed")["reason"] == reason
    assert not issuer.fetches


def test_an_issuer_elsewhere_does_not_send_us_to_this_machine(make_daemon, make_issuer, tmp_path):
    inside = make_issuer()
    files = upstreams.certificate(tmp_path, "127.0.0.1")
    issuer = make_issuer(tls=files)
    issuer.jwks_uri = inside.url + "/keys"
    daemon = make_daemon(trusting(issuer, ca_file=str(files[0])))
    assert daemon.wait_event("trust.failed")["reason"] == "unsafe-jwks-uri"
    assert not inside.requests


def test_the_issuer_s_certificate_is_verified(make_daemon, make_issuer, tmp_path):
    wrong = make_issuer(tls=upstreams.certificate(tmp_path, "other.example.com"))
    right_files = upstreams.certificate(tmp_path, "127.0.0.1")
    right, unknown = make_issuer(tls=right_files), make_issuer(tls=right_files)
    daemon = make_daemon({
        **trusting(unknown, "unknown"),
        **trusting(wrong, "wrong", ca_file=str(tmp_path / "other.example.com.crt")),
        **trusting(right, "right", ca_file=str(right_files[0]))})
    daemon.wait_event("trust.fetched", lambda line: line["trust"] == "right")
    for name in ("unknown", "wrong"):
        line = daemon.wait_event("trust.failed", lambda line, name=name: line["trust"] == name)
        assert line["reason"] == "tls-untrusted"
    assert probe(daemon, right.bearer("ann")) == KNOWN
    assert probe(daemon, unknown.bearer("ann")) == probe(daemon, wrong.bearer("ann")) == UNKNOWN
    assert not wrong.requests and not unknown.requests


# ---- the configuration ----

@pytest.mark.parametrize("options, words", [
    ({"issuer": "http://login.example.com"}, "https"),
    ({"issuer": "joe"}, "needs jwks"),
    ({"issuer": "joe", "jwks": "http://login.example.com/keys"}, "https"),
    ({"issuer": "http://127.0.0.1:8080"}, "is ours"),
    ({"issuer": "http://127.0.0.1:8080/v1/clients/sc_1"}, "is ours")])
def test_an_issuer_that_cannot_be_asked_safely_is_no_configuration(make_daemon, options, words):
    daemon = make_daemon({'trust "login"': options}, start=False)
    daemon.write_config()
    complaint = daemon.run("check-config", status=1).stderr
    assert words in complaint and "test.conf:" in complaint


@pytest.mark.tsan
def test_a_reload_adds_and_takes_away_issuers(make_daemon, make_issuer):
    one, two = make_issuer(), make_issuer()
    daemon = start(make_daemon, one)
    ann = user(daemon)
    assert probe(daemon, one.bearer(ann["id"])) == 200
    assert probe(daemon, two.bearer(ann["id"])) == UNKNOWN
    daemon.config = {**daemon.config, **trusting(two, "other")}
    daemon.reload()
    daemon.wait_event("trust.fetched", lambda line: line["trust"] == "other")
    assert probe(daemon, two.bearer(ann["id"])) == 200
    assert probe(daemon, one.bearer(ann["id"])) == 200
    assert one.fetches == 1, "an issuer that stayed was asked again"
    del daemon.config['trust "login"']
    daemon.reload()
    wait_until(lambda: len(daemon.events("config.reloaded")) == 2)
    assert probe(daemon, one.bearer(ann["id"])) == UNKNOWN, "believed after it was taken out"
    assert probe(daemon, two.bearer(ann["id"])) == 200
    daemon.config['trust "other"']["audience"] = "https://elsewhere.test"
    daemon.reload()
    wait_until(lambda: len(daemon.events("config.reloaded")) == 3)
    assert probe(daemon, two.bearer(ann["id"])) == UNKNOWN
    assert probe(daemon, two.bearer(ann["id"], aud="https://elsewhere.test")) == 200
    assert not daemon.events("config.restart_needed")


def test_no_token_is_told_to_anyone(make_daemon, issuer):
    daemon = start(make_daemon, issuer)
    tokens = [issuer.token("ann"), issuer.token("ann", exp=seconds(-5)),
              issuer.token("ann", headers={"kid": "none"})]
    for token in tokens:
        probe(daemon, {"Authorization": "Bearer " + token})
    journal = daemon.get("/v1/events?limit=1000", auth="admin").text
    for place in ("\n".join(daemon.output), journal, daemon.get("/metrics").text):
        assert not any(token.split(".")[2] in place for token in tokens)
