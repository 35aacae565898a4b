"""Authress's service clients and their access keys: conformance, and what must not work."""

import base64
import datetime
import http.client
import json
import re
import threading
import time
import urllib.parse

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import authress_client
from authress_client import AccessKey, bearer, create, grant, public_text, request_key

# The public rule by which secret scanners find access keys.
SCANNER = re.compile(r"(sc|ext|scauth|authress)_[a-z0-9]{5,30}\.[a-z0-9]{4,6}\.acc[_-][a-z0-9-]{10,32}"
                     r"\.[a-z0-9+/_=-]{30,120}", re.IGNORECASE)


@pytest.fixture
def key(daemon):
    """The access key of a client that may read itself."""
    return reader(daemon)


OWNER = ("Authress:Owner", "Authress:ServiceClients/*")


def client_with(daemon, *grants):
    """A client to which the administrator gives (role, resource)...: its id."""
    made = daemon.post("/v1/admin/clients", auth="admin", json={"name": "with rights", "grants": [
        {"role": role, "resource": resource} for role, resource in grants]})
    assert made.status_code == 201, made.text
    return made.json()["client_id"]


def reader(daemon):
    made = daemon.post("/v1/admin/clients", auth="admin", json={
        "name": "reader", "grants": [{"permission": "clients:read", "resource": "clients"}]})
    return request_key(daemon, made.json()["client_id"])


def ask(daemon, key, headers):
    """The status of a request that a live client is allowed."""
    return daemon.get(f"/v1/clients/{key.client_id}", headers=headers).status_code


# ---- clients ----

def test_a_client_is_created_read_changed_and_deleted(daemon):
    answer = daemon.post("/v1/clients", auth="admin", json={
        "name": "ServiceClient for User USER_A1", "clientId": "", "verificationKeys": None,
        "createdTime": "0001-01-01T00:00:00Z", "tags": {"team": "billing"},
        "rateLimits": [{"duration": "PT1H", "quota": 1000}],
        "options": {"grantUserPermissionsAccess": True}})
    assert answer.status_code == 201
    assert answer.headers["Content-Type"].startswith("application/links+json")
    made = answer.json()
    assert made["name"] == "ServiceClient for User USER_A1"
    assert made["options"] == {"grantUserPermissionsAccess": True, "grantTokenGeneration": False}
    assert made["rateLimits"] == [{"duration": "PT1H", "quota": 1000}]
    assert made["tags"] == {"team": "billing"} and made["verificationKeys"] == []
    datetime.datetime.fromisoformat(made["createdTime"].replace("Z", "+00:00"))
    path = f"/v1/clients/{made['clientId']}"
    assert daemon.get(path, auth="admin").json() == made
    changed = daemon.request("PUT", path, auth="admin", json={"name": "other", "rateLimits": None})
    assert changed.status_code == 200
    assert changed.json() == {**made, "name": "other", "rateLimits": []}
    changed = daemon.request("PUT", path, auth="admin", json={**made, "tags": {}})
    assert changed.json() == {**made, "tags": {}}
    assert daemon.delete(path, auth="admin").status_code == 204
    for gone in (daemon.get(path, auth="admin"), daemon.delete(path, auth="admin"),
                 daemon.request("PUT", path, auth="admin", json={"name": "x"}),
                 daemon.post(path + "/access-keys", auth="admin")):
        assert gone.status_code == 404 and gone.json()["errorCode"] == "ClientNotFound"
    assert daemon.get("/v1/clients", ).status_code == 401


def test_one_client_is_authresss_and_the_native_api_s(daemon):
    made = daemon.post("/v1/admin/clients", auth="admin", json={"name": "desk"}).json()
    assert daemon.get(f"/v1/clients/{made['client_id']}", auth="admin").json()["name"] == "desk"
    ours = create(daemon, name="theirs")
    assert daemon.get(f"/v1/admin/clients/{ours}", auth="admin").json()["name"] == "theirs"
    bare = daemon.post("/v1/clients", auth="admin", json={})
    assert bare.status_code == 201 and bare.json()["name"] == ""


@pytest.mark.parametrize("body, title", [
    ({"name": 5}, "name"),
    ({"name": "x" * 129}, "name"),
    ({"name": "a\nb"}, "name"),
    ({"options": []}, "options"),
    ({"options": {"grantTokenGeneration": "yes"}}, "options/grantTokenGeneration"),
    ({"rateLimits": {}}, "rateLimits"),
    ({"rateLimits": [{"duration": "PT1S", "quota": 100}]}, "rateLimits/0/duration"),
    ({"rateLimits": [{"duration": "PT1H", "quota": 0}]}, "rateLimits/0/quota"),
    ({"rateLimits": [{"duration": "PT1H", "quota": 1000001}]}, "rateLimits/0/quota"),
    ({"rateLimits": [{"duration": "PT1H"}, {"duration": "P1D"}]}, "rateLimits"),
    ({"tags": {"a": 5}}, "tags"),
    ({"tags": {"a": "x" * 129}}, "tags"),
    ({"tags": {str(n): "x" for n in range(65)}}, "tags"),
])
def test_what_cannot_be_is_refused_with_its_member(daemon, body, title):
    for answer in (daemon.post("/v1/clients", json=body, auth="admin"),
                   daemon.request("PUT", f"/v1/clients/{create(daemon)}", json=body, auth="admin")):
        assert answer.status_code == 400, answer.text
        assert answer.json()["title"].startswith(title + ":")


def test_clients_are_listed_page_by_page(daemon):
    made = {create(daemon, name=f"client {n}") for n in range(45)}
    seen, pages, cursor = [], 0, None
    while True:
        query = "?limit=10" + (f"&cursor={cursor}" if cursor else "")
        page = daemon.get("/v1/clients" + query, auth="admin").json()
        seen += [client["clientId"] for client in page["clients"]]
        pages += 1
        assert page["links"]["self"]["href"].endswith("/v1/clients" + query)
        if "next" not in page["pagination"]:
            break
        cursor = page["pagination"]["next"]["cursor"]
    assert (len(seen), set(seen), pages) == (45, made, 5)
    assert len(daemon.get("/v1/clients", auth="admin").json()["clients"]) == 20
    for bad in ("limit=0", "limit=x", "cursor=%21", "color=red"):
        assert daemon.get(f"/v1/clients?{bad}", auth="admin").status_code == 400
    mine = reader(daemon)
    assert len(daemon.get("/v1/clients?limit=1000", headers=mine.raw()).json()["clients"]) == 46


# ---- who may ----

def test_who_may_manage_clients_as_authress_has_it(daemon):
    other = create(daemon)
    nobody = request_key(daemon, create(daemon)).signed()
    assert daemon.get(f"/v1/clients/{other}", headers=nobody).status_code == 404
    assert daemon.get("/v1/clients", headers=nobody).json()["clients"] == []
    assert daemon.post("/v1/clients", headers=nobody, json={}).status_code == 403
    assert daemon.post(f"/v1/clients/{other}/access-keys", headers=nobody).status_code == 404

    manager = request_key(daemon, client_with(daemon, OWNER))
    headers = manager.signed()
    made = create(daemon, headers=headers)
    assert daemon.request("PUT", f"/v1/clients/{made}", headers=headers,
                          json={"name": "new"}).status_code == 200
    key = request_key(daemon, made, headers=headers)
    assert daemon.delete(f"/v1/clients/{made}/access-keys/{key.kid}",
                         headers=headers).status_code == 204
    assert daemon.delete(f"/v1/clients/{made}", headers=headers).status_code == 204


def test_each_act_needs_its_own_right(daemon):
    other = create(daemon)
    path = f"/v1/clients/{other}"
    acts = {
        "read": lambda h: daemon.get(path, headers=h),
        "update": lambda h: daemon.request("PUT", path, headers=h, json={}),
        "delete": lambda h: daemon.delete(path, headers=h),
    }
    for number, (right, resource, allowed) in enumerate([
            ("read", f"Authress:ServiceClients/{other}", {"read"}),
            ("update", f"Authress:ServiceClients/{other}", {"update"}),
            ("update", f"Authress:ServiceClients/{other}/access-keys", set()),
            ("delete", f"Authress:ServiceClients/{create(daemon)}", set()),
            ("delete", f"Authress:ServiceClients/{other}", {"delete"})]):
        made = daemon.post("/v1/admin/clients", auth="admin", json={
            "name": f"c{number}", "grants": [{"permission": right, "resource": resource}]}).json()
        who = request_key(daemon, made["client_id"]).signed()
        found = {act for act, call in acts.items() if call(who).status_code < 300}
        assert found == allowed, (right, resource)


def test_nobody_gets_a_key_to_more_than_it_may_give(daemon):
    strong = client_with(daemon, ("Authress:Owner", "vault/secrets"))
    manager = request_key(daemon, client_with(daemon, OWNER))
    refused = daemon.post(f"/v1/clients/{strong}/access-keys", headers=manager.signed())
    assert (refused.status_code, refused.json()["errorCode"]) == (403, "MayNotGive")
    able = request_key(daemon, client_with(daemon, OWNER, ("Authress:Owner", "vault")))
    request_key(daemon, strong, headers=able.signed())


def test_nobody_gets_a_key_of_a_group_s_admin_without_being_able_to_give_what_the_group_has(daemon):
    admin = client_with(daemon)
    for path, body in (
            ("groups", {"groupId": "grp_vault", "name": "vault", "admins": [{"userId": admin}]}),
            ("records", {"name": "vault", "groups": [{"groupId": "grp_vault"}], "statements": [
                {"roles": ["Authress:Owner"], "resources": [{"resourceUri": "vault"}]}]})):
        made = daemon.post(f"/v1/{path}", auth="admin", json=body)
        assert made.status_code == 201, made.text
    manager = request_key(daemon, client_with(daemon, OWNER))
    refused = daemon.post(f"/v1/clients/{admin}/access-keys", headers=manager.signed())
    assert (refused.status_code, refused.json()["errorCode"]) == (403, "MayNotGive"), \
        "as the admin it could make itself a member"
    able = request_key(daemon, client_with(daemon, OWNER, ("Authress:Owner", "vault")))
    request_key(daemon, admin, headers=able.signed())


def test_options_are_given_by_those_who_have_them(daemon):
    made = daemon.post("/v1/admin/clients", auth="admin", json={"name": "w", "grants": [
        {"permission": right, "resource": "clients"} for right in ("clients:read",
                                                                   "clients:write")]}).json()
    writer = request_key(daemon, made["client_id"])
    manager = request_key(daemon, client_with(daemon, OWNER))
    for option in ("grantUserPermissionsAccess", "grantTokenGeneration"):
        refused = daemon.post("/v1/clients", headers=manager.signed(),
                              json={"options": {option: True}})
        assert (refused.status_code, refused.json()["errorCode"]) == (403, "MayNotGive")
        able = create(daemon, options={option: True})
        refused = daemon.post(f"/v1/clients/{able}/access-keys", headers=manager.signed())
        assert (refused.status_code, refused.json()["errorCode"]) == (403, "MayNotGive")
        # Nor by the native door, nor by a change of one that is there.
        refused = daemon.post(f"/v1/admin/clients/{able}/key", headers=writer.signed())
        assert (refused.status_code, refused.json()["slug"]) == (403, "may-not-give")
        refused = daemon.request("PUT", f"/v1/clients/{create(daemon)}", headers=manager.signed(),
                                 json={"options": {option: True}})
        assert (refused.status_code, refused.json()["errorCode"]) == (403, "MayNotGive")
        # A change that leaves it as it is gives nothing.
        assert daemon.request("PUT", f"/v1/clients/{able}", headers=manager.signed(),
                              json={"options": {option: True}, "name": "n"}).status_code == 200
        daemon.request("PUT", f"/v1/clients/{manager.client_id}", auth="admin",
                       json={"options": {option: True}})
        create(daemon, headers=manager.signed(), options={option: True})


def test_a_client_may_ask_about_users_with_the_option_alone(daemon):
    key = request_key(daemon, create(daemon))
    path = "/v1/users/somebody/resources/documents/permissions/read"
    assert daemon.get(path, headers=key.signed()).status_code == 403
    for able, status in ((True, 404), (False, 403)):
        daemon.request("PUT", f"/v1/clients/{key.client_id}", auth="admin",
                       json={"options": {"grantUserPermissionsAccess": able}})
        assert daemon.get(path, headers=key.signed()).status_code == status
        assert daemon.get(path, headers=key.raw()).status_code == status
    # Of itself it may always ask.
    own = path.replace("somebody", key.client_id)
    assert daemon.get(own, headers=key.signed()).status_code == 404


def test_whoever_claims_the_collection_owns_what_it_makes(daemon):
    made = daemon.post("/v1/admin/clients", auth="admin", json={"name": "c", "grants": [
        {"permission": "claim", "resource": "Authress:ServiceClients"}]}).json()
    claimer = request_key(daemon, made["client_id"])
    own, other = create(daemon, headers=claimer.signed()), create(daemon)
    assert daemon.get(f"/v1/clients/{own}", headers=claimer.signed()).status_code == 200
    assert daemon.get(f"/v1/clients/{other}", headers=claimer.signed()).status_code == 404
    assert daemon.delete(f"/v1/clients/{own}", headers=claimer.signed()).status_code == 204


def test_a_client_may_generate_tokens_for_users_with_the_option_alone(daemon):
    user = daemon.ask("POST", "/v1/admin/users", {"name": "ann"})["id"]
    exchange = {"grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
                "subject_token": user, "subject_token_type": "urn:chatelaine:token-type:user-id"}
    key = request_key(daemon, create(daemon))
    form = {**exchange, "client_id": key.client_id, "client_secret": key.text}
    assert daemon.post("/oauth2/token", data=form).status_code == 400
    daemon.request("PUT", f"/v1/clients/{key.client_id}", auth="admin",
                   json={"options": {"grantTokenGeneration": True}})
    assert daemon.post("/oauth2/token", data=form).status_code == 200
    admin = daemon.get("/v1/admin/users/admin", auth="admin").json()["id"]
    assert daemon.post("/oauth2/token", data={**form, "subject_token": admin}).status_code == 400


# ---- access keys ----

def test_an_access_key_has_the_form_that_sdks_and_scanners_read(daemon):
    client = create(daemon)
    answer = daemon.post(f"/v1/clients/{client}/access-keys", auth="admin",
                         headers={"Content-Type": "application/json"})
    assert answer.status_code == 201 and answer.headers["Cache-Control"] == "no-store"
    made = answer.json()
    key = AccessKey(made["accessKey"])
    assert (key.client_id, key.kid, key.account) == (client, made["keyId"],
                                                     authress_client.ACCOUNT)
    assert made["clientSecret"] == made["accessKey"] and SCANNER.fullmatch(made["accessKey"])
    shown = daemon.get(f"/v1/clients/{client}", auth="admin").json()["verificationKeys"]
    assert shown == [{"keyId": key.kid, "clientId": client,
                      "generationDate": made["generationDate"]}]
    private = made["accessKey"].rsplit(".", 1)[1]
    database = b"".join(p.read_bytes() for p in daemon.state.glob("chatelaine.db*"))
    seed = base64.b64decode(private)[16:]
    assert seed not in database and private.encode() not in database
    assert private not in daemon.tail(100000)
    assert not any(private in str(event) for event in daemon.journal())


def test_a_client_has_at_most_five_active_keys(daemon):
    client = create(daemon)
    keys = [request_key(daemon, client) for _ in range(5)]
    sixth = daemon.post(f"/v1/clients/{client}/access-keys", auth="admin")
    assert (sixth.status_code, sixth.json()["errorCode"]) == (422, "AccessKeyLimit")
    assert daemon.delete(f"/v1/clients/{client}/access-keys/{keys[0].kid}",
                         auth="admin").status_code == 204
    request_key(daemon, client)
    assert len(daemon.get(f"/v1/clients/{client}", auth="admin").json()["verificationKeys"]) == 5


@pytest.mark.parametrize("form", ["der", "raw", "pem"])
def test_a_public_key_may_be_brought(daemon, form):
    made = daemon.post("/v1/admin/clients", auth="admin", json={
        "name": "b", "grants": [{"permission": "clients:read", "resource": "clients"}]}).json()
    private = Ed25519PrivateKey.generate()
    raw = private.public_key().public_bytes(serialization.Encoding.Raw,
                                            serialization.PublicFormat.Raw)
    text = {"der": public_text(private), "raw": base64.b64encode(raw).decode(),
            "pem": private.public_key().public_bytes(
                serialization.Encoding.PEM,
                serialization.PublicFormat.SubjectPublicKeyInfo).decode()}[form]
    answer = daemon.post(f"/v1/clients/{made['client_id']}/access-keys", auth="admin",
                         json={"publicKey": text})
    assert answer.status_code == 201
    assert "accessKey" not in answer.json() and "clientSecret" not in answer.json()
    key = AccessKey.brought(made["client_id"], answer.json()["keyId"], private)
    assert ask(daemon, key, key.signed()) == 200 and ask(daemon, key, key.raw()) == 200


def test_only_an_ed25519_public_key_may_be_brought(daemon):
    client = create(daemon)
    private = Ed25519PrivateKey.generate()
    der = private.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8,
                                serialization.NoEncryption())
    for text in ("x", "", public_text(private)[:-4], base64.b64encode(der).decode(),
                 base64.b64encode(bytes(31)).decode(), "-----BEGIN PUBLIC KEY-----"):
        answer = daemon.post(f"/v1/clients/{client}/access-keys", auth="admin",
                             json={"publicKey": text})
        assert answer.status_code == 400, text
        assert answer.json()["title"].startswith("publicKey:")


# ---- tokens ----

@pytest.mark.parametrize("arguments", [
    {},
    {"headers": {"typ": "JWT"}, "client_id": None, "scope": None, "scopes": "openId"},  # Python
    {"headers": {"typ": "application/at+jwt"}},
    {"base": "http://127.0.0.1:8080/some/prefix"},
    {"base": "http://127.0.0.1:8080/"[:-1].upper().replace("HTTP", "http")},
    {"iat": time.time() + 0.5},                             # JS rounds up
    {"nbf": int(time.time()) - 600},                        # C#
    {"aud": ["other", f"{authress_client.ACCOUNT}.accounts.authress.io"]},
])
def test_tokens_as_the_sdks_sign_them_are_taken(daemon, key, arguments):
    headers = key.signed(**arguments)
    assert ask(daemon, key, headers) == 200
    assert ask(daemon, key, headers) == 200                 # remembered


def attacks(daemon):
    """What must be refused: name, headers."""
    key, other = reader(daemon), reader(daemon)
    claims = jwt.decode(key.token(), options={"verify_signature": False})
    header = {"kid": key.kid, "typ": "at+jwt"}
    public = key.private.public_key()
    raw_public = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    now = int(time.time())

    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    def unsigned(algorithm):
        return f"{part({**header, 'alg': algorithm})}.{part(claims)}."

    good = key.token()
    signed, signature = good.rsplit(".", 1)
    flipped = bytearray(base64.urlsafe_b64decode(signature + "=="))
    flipped[5] ^= 1
    tokens = {
        "alg none": unsigned("none"),
        "alg None": unsigned("None"),
        "alg none with a signature": f"{unsigned('none')}{signature}",
        "HS256 under the public key": jwt.encode(claims, raw_public, "HS256", header),
        "HS256 under the public key's text": jwt.encode(
            claims, public_text(key.private).encode(), "HS256", header),
        "HS512 under the public key": jwt.encode(claims, raw_public, "HS512", header),
        "another client's key": key.token(key=other.private),
        "kid of another client": key.token(headers={"kid": other.kid}),
        "kid and key of another client": key.token(key=other.private, headers={"kid": other.kid}),
        "no kid": key.token(headers={"kid": None}),
        "kid is a path": key.token(headers={"kid": "../../"}),
        "expired": key.token(iat=now - 100, exp=now - 1),
        "expires now": key.token(iat=now - 100, exp=now),
        "no exp": key.token(exp=None),
        "exp is a text": jwt.encode({**claims, "exp": None}, key.private, "EdDSA", header),
        "iat in an hour": key.token(iat=now + 3600),
        "nbf in an hour": key.token(nbf=now + 3600),
        "no aud": key.token(aud=None),
        "wrong aud": key.token(aud="acc-other.accounts.authress.io"),
        "aud is the issuer": key.token(aud="http://127.0.0.1:8080"),
        "aud begins so": key.token(aud=f"{authress_client.ACCOUNT}.accounts.authress.io.evil.com"),
        "no iss": key.token(iss=None),
        "another origin": key.token(base="http://evil.example"),
        "another port": key.token(base="http://127.0.0.1:8081"),
        "another scheme": key.token(base="https://127.0.0.1:8080"),
        "origin as user": key.token(base="http://127.0.0.1:8080@evil.example"),
        "origin as prefix": key.token(base="http://127.0.0.1:8080.evil.example"),
        "origin in a query": key.token(base="http://127.0.0.1:8080?x="),
        "iss of another client": key.token(
            iss=f"http://127.0.0.1:8080/v1/clients/{other.client_id}"),
        "sub of another client": key.token(sub=other.client_id),
        "iss and sub of another client": key.token(
            sub=other.client_id, client_id=other.client_id,
            iss=f"http://127.0.0.1:8080/v1/clients/{other.client_id}"),
        "sub is a user": key.token(sub="admin"),
        "no sub": key.token(sub=None),
        "client_id of another client": key.token(client_id=other.client_id),
        "iss without the client": key.token(iss="http://127.0.0.1:8080"),
        "iss goes on": key.token(iss=f"http://127.0.0.1:8080/v1/clients/{key.client_id}/x"),
        "a log-in request": key.token(headers={"typ": "oauth-authz-req+jwt"}),
        "a log-in request for a user": key.token(headers={"typ": "oauth-authz-req+jwt"},
                                                 sub="admin", client_id=None),
        "no typ": key.token(headers={"typ": None}),
        "crit": key.token(headers={"crit": ["exp"]}),
        "one bit of the signature": signed + "." + base64.urlsafe_b64encode(
            bytes(flipped)).rstrip(b"=").decode(),
        "no signature": signed + ".",
        "two parts": signed,
        "four parts": good + ".x",
        "signature of another token": signed + "." + key.token(exp=now + 5).rsplit(".", 1)[1],
    }
    parts = key.text.split(".")
    tokens |= {
        "raw key of another account": ".".join([*parts[:2], "acc-chatelaine-other", parts[3]]),
        "raw key with another kid": ".".join([parts[0], other.kid, *parts[2:]]),
        "raw key with another client": ".".join([other.client_id, *parts[1:]]),
        "raw key of another client": ".".join([*parts[:3], other.text.split(".")[3]]),
        "raw key padded": key.text + "=",
        "raw key with a space": ".".join([*parts[:3], " " + parts[3]]),
        "raw key cut": key.text[:-1],
        "raw key without its account": ".".join([parts[0], parts[1], parts[3]]),
        "the public half as raw key": ".".join([*parts[:3], base64.b64encode(
            authress_client.DER_HEAD + raw_public).decode()]),
    }
    # The good ones are known and remembered when the others come.
    assert ask(daemon, key, bearer(good)) == 200 and ask(daemon, key, key.raw()) == 200
    return key, tokens


def test_attacks_on_tokens_and_keys_are_refused(daemon):
    key, tokens = attacks(daemon)
    taken = {name for name, token in tokens.items() if ask(daemon, key, bearer(token)) != 401}
    assert taken == set()
    assert ask(daemon, key, key.signed()) == 200


def test_a_raw_key_with_one_bit_changed_is_refused(daemon, key):
    head, text = key.text.rsplit(".", 1)
    der = base64.b64decode(text)
    assert ask(daemon, key, key.raw()) == 200
    for bit in range(len(der) * 8):
        wrong = bytearray(der)
        wrong[bit // 8] ^= 1 << bit % 8
        assert ask(daemon, key, bearer(f"{head}.{base64.b64encode(wrong).decode()}")) == 401, bit


def test_an_alias_of_the_issuer_and_its_prefix_count(make_daemon):
    daemon = make_daemon({"issuer": "https://keys.example/auth/",
                          "issuer_aliases": ["https://ACC.api.authress.io", "http://[::1]:80"]})
    key = reader(daemon)
    for base in ("https://keys.example/auth", "https://keys.example:443/auth",
                 "https://KEYS.example/auth/more", "https://acc.api.authress.io",
                 "http://[::1]"):
        assert ask(daemon, key, key.signed(base=base)) == 200, base
    for base in ("https://keys.example", "https://keys.example/authority",
                 "https://keys.example/other", "https://keys.example/auth/../x",
                 "https://keys.example/auth//x", "https://keys.example:8443/auth",
                 "http://keys.example/auth", "https://evil.api.authress.io", "http://[::1]:8080",
                 "https://keys.example/auth?x=", "https://x@keys.example/auth", "//keys.example"):
        assert ask(daemon, key, key.signed(base=base)) == 401, base


def test_what_was_remembered_is_judged_again_under_new_settings(make_daemon):
    daemon = make_daemon({"issuer_aliases": ["http://old.example"]})
    key = reader(daemon)
    old, raw = key.signed(base="http://old.example"), key.raw()
    assert ask(daemon, key, old) == 200 and ask(daemon, key, raw) == 200
    daemon.write_config(issuer_aliases=[], account_id="acc-another-account")
    daemon.reload()
    daemon.wait_event("config.reloaded")
    assert ask(daemon, key, old) == 401 and ask(daemon, key, raw) == 401


# ---- two Authorization headers ----

def send(daemon, *values):
    connection = http.client.HTTPConnection("127.0.0.1", daemon.ports["public"], timeout=30)
    connection.putrequest("GET", "/v1/clients?limit=1")
    for value in values:
        connection.putheader("Authorization", value)
    connection.endheaders()
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


def test_of_two_authorization_headers_the_access_key_counts(daemon, key):
    other = reader(daemon)
    dead = request_key(daemon, create(daemon))
    daemon.delete(f"/v1/clients/{dead.client_id}/access-keys/{dead.kid}", auth="admin")
    user = f"Bearer {other.token()}"
    raw = f"Bearer {key.text}"
    assert send(daemon, user, raw) == send(daemon, raw, user) == 200
    assert send(daemon, "Bearer nonsense", raw) == 200
    # The key alone is judged: a good token beside a dead key is of no help.
    assert send(daemon, user, f"Bearer {dead.text}") == 401
    assert send(daemon, user, user) == send(daemon, raw, raw) == 400
    assert send(daemon, raw, f"Bearer {other.text}") == 400
    assert send(daemon, raw, "Basic YTpi") == send(daemon, "Basic YTpi", raw) == 400
    assert send(daemon, user, raw, user) == 400


# ---- the token endpoint ----

def tokens(daemon, **body):
    return daemon.post("/api/authentication/oauth/tokens", json=body)


def test_the_token_endpoint_gives_a_token_that_ends_with_the_access_key(daemon, key):
    answer = tokens(daemon, client_id=key.client_id, client_secret=key.text,
                    grant_type="client_credentials")
    assert answer.status_code == 200 and answer.headers["Cache-Control"] == "no-store"
    token = answer.json()["access_token"]
    keys = daemon.get("/.well-known/openid-configuration/jwks").json()["keys"]
    kid = jwt.get_unverified_header(token)["kid"]
    jwk = next(k for k in keys if k["kid"] == kid)
    assert jwk["alg"] == "EdDSA"
    claims = jwt.decode(token, jwt.PyJWK.from_dict(jwk).key, algorithms=["EdDSA"],
                        audience="http://127.0.0.1:8080")
    assert claims["sub"] == key.client_id
    assert ask(daemon, key, bearer(token)) == 200
    daemon.delete(f"/v1/clients/{key.client_id}/access-keys/{key.kid}", auth="admin")
    assert ask(daemon, key, bearer(token)) == 401
    assert tokens(daemon, client_id=key.client_id, client_secret=key.text).status_code == 401


def test_the_token_endpoint_says_400_and_401(daemon, key):
    other = reader(daemon)
    good = {"client_id": key.client_id, "client_secret": key.text,
            "grant_type": "client_credentials"}
    for change, status in [
            ({"grant_type": "password"}, 400), ({"client_secret": None}, 400),
            ({"client_id": 5}, 400), ({"client_secret": "x"}, 401),
            ({"client_id": other.client_id}, 401), ({"client_secret": other.text}, 401),
            ({"client_id": "sc_" + "0" * 20}, 401),
            ({"client_secret": key.text[:-1]}, 401)]:
        answer = tokens(daemon, **{**good, **change})
        assert answer.status_code == status, (change, answer.text)
        assert set(answer.json()) == {"title", "errorCode", "errorId"}
    assert tokens(daemon, client_id=key.client_id, client_secret=key.text).status_code == 200
    made = daemon.post("/v1/admin/clients", auth="admin", json={"name": "x"}).json()
    assert tokens(daemon, **{**good, "client_id": made["client_id"],
                             "client_secret": made["client_secret"]}).status_code == 200


def test_the_access_key_is_a_client_secret_everywhere(daemon, key):
    form = {"grant_type": "client_credentials"}
    assert daemon.post("/oauth2/token", data={
        **form, "client_id": key.client_id, "client_secret": key.text}).status_code == 200
    answer = daemon.post("/oauth2/token", data=form, auth=(key.client_id, key.text))
    assert answer.status_code == 200
    # A "+" of base64, plain and encoded as in a form.
    while "+" not in (plus := reader(daemon)).text:
        pass
    for secret in (plus.text, urllib.parse.quote_plus(plus.text)):
        assert daemon.post("/oauth2/token", data=form,
                           auth=(plus.client_id, secret)).status_code == 200


# ---- published ----

def test_what_is_published_verifies_a_clients_tokens(daemon, key):
    second = request_key(daemon, key.client_id)
    path = f"/v1/clients/{key.client_id}/.well-known/openid-configuration"
    metadata = daemon.get(path).json()
    assert metadata["issuer"] == f"http://127.0.0.1:8080/v1/clients/{key.client_id}"
    assert metadata["jwks_uri"] == metadata["issuer"] + "/.well-known/openid-configuration/jwks"
    keys = daemon.get(path + "/jwks").json()["keys"]
    assert {k["kid"] for k in keys} == {key.kid, second.kid}
    one = daemon.get(f"{path}/jwks?kid={key.kid}&iss=127.0.0.1:8080").json()["keys"]
    assert [k["kid"] for k in one] == [key.kid]
    claims = jwt.decode(key.token(), jwt.PyJWK.from_dict(one[0]).key, algorithms=["EdDSA"],
                        options={"verify_aud": False})
    assert claims["sub"] == key.client_id
    daemon.delete(f"/v1/clients/{key.client_id}/access-keys/{key.kid}", auth="admin")
    assert [k["kid"] for k in daemon.get(path + "/jwks").json()["keys"]] == [second.kid]
    for suffix in ("", "/jwks"):
        gone = daemon.get("/v1/clients/sc_" + "0" * 20 + "/.well-known/openid-configuration" + suffix)
        assert gone.status_code == 404
    account = daemon.get("/.well-known/openid-configuration").json()
    assert account["issuer"] == "http://127.0.0.1:8080"
    assert account["jwks_uri"].startswith(account["issuer"])


# ---- how they end ----

def ends(daemon, key):
    """Both ways of calling, and the events of the end."""
    found = (ask(daemon, key, key.signed()), ask(daemon, key, key.raw()))
    native = daemon.get(f"/v1/admin/clients/{key.client_id}", headers=key.raw())
    assert native.status_code == found[1]                   # one caller at every face
    return found


def last_key_event(daemon, key):
    row = daemon.get(f"/v1/keys?user={key.client_id}&limit=1000", auth="admin").json()["items"]
    row = next(item for item in row if item["name"] == key.kid)
    event = [e for e in daemon.journal("keys") if e["data"]["id"] == row["id"]][-1]
    return row, event


def test_a_deleted_key_is_dead_at_once_although_it_is_remembered(daemon, key):
    held = key.signed()
    assert ask(daemon, key, held) == 200
    path = f"/v1/clients/{key.client_id}/access-keys/{key.kid}"
    assert daemon.delete(path, auth="admin").status_code == 204
    assert ask(daemon, key, held) == 401 and ends(daemon, key) == (401, 401)
    assert daemon.delete(path, auth="admin").status_code == 404
    row, event = last_key_event(daemon, key)
    assert (row["state"], row["reason"]) == ("revoked", "revoked")
    assert event["type"] == "chatelaine.key.revoked.v1" and event["data"]["user"] == key.client_id


def test_a_deleted_client_takes_its_keys_along(daemon, key):
    held = key.signed()
    assert ask(daemon, key, held) == 200
    daemon.delete(f"/v1/clients/{key.client_id}", auth="admin")
    assert ask(daemon, key, held) == 401 and ends(daemon, key) == (401, 401)
    row, event = last_key_event(daemon, key)
    assert (row["reason"], event["data"]["reason"]) == ("client-deleted", "client-deleted")


def test_an_access_key_is_a_key_among_the_others(daemon, key):
    row, event = last_key_event(daemon, key)
    assert event["type"] == "chatelaine.key.created.v1" and row["user"] == key.client_id
    assert daemon.patch(f"/v1/keys/{row['id']}", json={"active": False},
                        auth="admin").status_code == 200
    assert ends(daemon, key) == (401, 401)
    daemon.patch(f"/v1/keys/{row['id']}", json={"active": True}, auth="admin")
    assert ends(daemon, key) == (200, 200)
    refused = daemon.post(f"/v1/keys/{row['id']}/rotate", json={}, auth="admin")
    assert (refused.status_code, refused.json()["slug"]) == (409, "access-key")
    revoked = daemon.post("/v1/keys/revoke", json={"user": key.client_id}, auth="admin")
    assert revoked.json() == {"revoked": 1}
    assert ends(daemon, key) == (401, 401)
    actions = [e["data"]["action"] for e in daemon.journal("audit")
               if (e["data"].get("target") or {}).get("id") == row["id"]]
    assert actions[0] == "key.mint" and "key.suspend" in actions


def test_an_access_key_expires_at_its_date(make_daemon):
    daemon = make_daemon(faketime=True)
    key = reader(daemon)
    brief = request_key(daemon, key.client_id, expiresIn="10m")
    row, event = last_key_event(daemon, brief)
    assert ends(daemon, brief) == (200, 200)
    daemon.clock.step_to(601)
    later = int(time.time()) + 601
    assert ask(daemon, brief, brief.raw()) == 401
    assert ask(daemon, brief, brief.signed(iat=later, exp=later + 60)) == 401
    assert ask(daemon, key, key.raw()) == 200
    daemon.wait_journal(lambda e: e["type"] == "chatelaine.key.expired.v1" and
                        e["data"]["id"] == row["id"], "keys")
    for body in ({"expiresIn": "400d"}, {"expiresAt": "2001-01-01T00:00:00Z"}, {"expiresIn": []}):
        assert daemon.post(f"/v1/clients/{key.client_id}/access-keys", auth="admin",
                           json=body).status_code == 400


def test_a_key_that_follows_another_lets_it_live_for_its_grace(make_daemon):
    daemon = make_daemon(faketime=True)
    key = reader(daemon)
    new = request_key(daemon, key.client_id, replaces=key.kid, grace="1m")
    assert ends(daemon, key) == (200, 200) and ends(daemon, new) == (200, 200)
    row, event = last_key_event(daemon, key)
    assert (row["state"], event["type"]) == ("rotating", "chatelaine.key.rotated.v1")
    daemon.clock.step_to(61)
    assert ask(daemon, key, key.raw()) == 401 and ask(daemon, new, new.raw()) == 200
    again = daemon.post(f"/v1/clients/{key.client_id}/access-keys", auth="admin",
                        json={"replaces": key.kid})
    assert again.status_code == 404


@pytest.mark.parametrize("how", ["resources", "grant", "record before", "record after"])
def test_a_key_or_client_bound_to_a_document_ends_when_that_is_done(daemon, how):
    native = {"name": "c", "grants": [{"permission": "clients:read", "resource": "clients"}]}
    if how == "grant":
        native["grants"].append({"permission": "documents:read", "resource": "inboxes/i/documents/d1"})
    client = daemon.post("/v1/admin/clients", auth="admin", json=native).json()["client_id"]
    if how == "record before":
        grant(daemon, client, ("Authress:Owner", "inboxes/i/documents/d1"))
    key = request_key(daemon, client, **({"resources": ["documents/d1"]}
                                         if how == "resources" else {}))
    other = request_key(daemon, create(daemon))
    if how == "record after":
        grant(daemon, client, ("Authress:Owner", "documents/d1"))
    assert ends(daemon, key) == (200, 200)
    app = daemon.create_app("acme", scopes=("webhook", "document:done"))
    for document, revoked in (("d2", 0), ("d1", 1)):
        daemon.post("/app/webhook", headers=app.link(), json={
            "id": document, "type": "document.done", "data": {"document_id": document}})
        assert len(daemon.get("/v1/keys?state=revoked", auth="admin").json()["items"]) == revoked
    assert ends(daemon, key) == (401, 401)
    row, event = last_key_event(daemon, key)
    assert event["data"]["reason"] == "document-done"
    assert event["data"]["resources"] == row["resources"] or how != "resources"
    assert last_key_event(daemon, other)[0]["state"] == "active"
    refused = daemon.post(f"/v1/clients/{client}/access-keys", auth="admin",
                          json={"resources": ["documents/d1"]})
    assert (refused.status_code, refused.json()["errorCode"]) == (409, "DocumentDone")


def test_what_is_written_with_a_dead_key_is_not_written(daemon):
    """The command looks again: a delete that is committed before it refuses it."""
    manager = request_key(daemon, client_with(daemon, OWNER))
    own = f"/v1/clients/{manager.client_id}/access-keys/{manager.kid}"
    assert daemon.delete(own, headers=manager.raw()).status_code == 204
    assert daemon.post("/v1/clients", headers=manager.raw(), json={}).status_code == 401


# ---- rate limits ----

def test_a_client_over_its_quota_gets_429(make_daemon):
    daemon = make_daemon({"threads": 1})
    made = daemon.post("/v1/admin/clients", auth="admin", json={
        "name": "r", "grants": [{"permission": "clients:read", "resource": "clients"}]}).json()
    key = request_key(daemon, made["client_id"])
    daemon.request("PUT", f"/v1/clients/{key.client_id}", auth="admin",
                   json={"rateLimits": [{"duration": "P1D", "quota": 10}]})
    ways = [key.raw(), key.signed(), key.signed(exp=int(time.time()) + 50)]
    assert [ask(daemon, key, ways[n % 3]) for n in range(10)] == [200] * 10
    refused = daemon.get(f"/v1/clients/{key.client_id}", headers=key.raw())
    assert (refused.status_code, refused.json()["errorCode"]) == (429, "ClientRate")
    assert int(refused.headers["Retry-After"]) > 0
    assert daemon.get(f"/v1/clients/{key.client_id}",
                      auth=(key.client_id, made["client_secret"])).status_code == 429
    assert tokens(daemon, client_id=key.client_id, client_secret=key.text).status_code == 429
    other = reader(daemon)
    assert ask(daemon, other, other.raw()) == 200
    for limits in ([{"duration": "PT0S", "quota": 10}], [{"duration": "P1D", "quota": None}], []):
        daemon.request("PUT", f"/v1/clients/{key.client_id}", auth="admin",
                       json={"rateLimits": limits})
        assert ask(daemon, key, key.raw()) == 200


# ---- the command line ----

def test_the_command_line_makes_and_ends_access_keys(daemon):
    client = daemon.cli("client", "create", "--name", "ops", "--permission", "clients:read@clients")
    path = client["client_id"]
    key = AccessKey(daemon.cli("client", "key", path, "--access", "--expires-in", "1h",
                               "--resource", "documents/d")["accessKey"])
    assert ends(daemon, key) == (200, 200)
    shown = daemon.cli("key", "list", "--user", path)["items"]
    assert [(k["name"], k["resources"]) for k in shown] == [(key.kid, ["documents/d"])]
    new = AccessKey(daemon.cli("client", "key", path, "--access", "--replaces", key.kid,
                               "--grace", "0")["accessKey"])
    assert ask(daemon, key, key.raw()) == 401 and ask(daemon, new, new.raw()) == 200
    private = Ed25519PrivateKey.generate()
    (daemon.directory / "public").write_text(public_text(private) + "\n")
    brought = daemon.cli("client", "key", path, "--access", "--public-key",
                         daemon.directory / "public")
    assert "accessKey" not in brought
    assert ask(daemon, new, AccessKey.brought(path, brought["keyId"], private).signed()) == 200
    daemon.cli("client", "delete", path, "--key", new.kid)
    assert ask(daemon, new, new.raw()) == 401
    refused = daemon.run("client", "delete", path, "--key", new.kid, status=1)
    assert "There is no such access key. (AccessKeyNotFound)" in refused.stderr
    assert "--access" in daemon.run("client", "key", path, "--expires-in", "1h", status=2).stderr
    daemon.cli("document", "done", "d")
    daemon.cli("client", "delete", path)


# ---- the flow of the seed ----

def test_a_service_makes_an_access_key_for_a_user(daemon):
    """Seed 003, "Generation of service client": the key works for exactly that."""
    service = request_key(daemon, create(daemon, name="our service"))
    grant(daemon, service.client_id, ("Authress:Owner", "Authress:ServiceClients/*"),
          ("Authress:Owner", "/users/*"))

    user_id = "USER_A1"
    made = daemon.post("/v1/clients", headers=service.signed(),
                       json={"name": f"ServiceClient for User {user_id}"})
    assert made.status_code == 201
    client_id = made.json()["clientId"]
    record = daemon.post("/v1/records", headers=service.signed(), json={
        "name": f"API Key {client_id}",
        "users": [{"userId": f"Authress:ServiceClients/{client_id}"}],
        "statements": [{"roles": ["Authress:Owner"],
                        "resources": [{"resourceUri": f"/users/{user_id}"}]}]})
    assert record.status_code == 201, record.text
    answer = daemon.post(f"/v1/clients/{client_id}/access-keys", headers=service.signed())
    assert answer.status_code == 201, answer.text
    key = AccessKey(answer.json()["accessKey"])

    def allowed(resource, permission="READ"):
        resource = resource.replace("/", "%2F")
        return daemon.get(f"/v1/users/{client_id}/resources/{resource}/permissions/{permission}",
                          headers=key.signed()).status_code

    assert allowed(f"users/{user_id}") == 200
    assert allowed(f"users/{user_id}/orders/5", "orders:delete") == 200
    assert allowed("users/USER_A12") == 404
    assert allowed("users") == 404
    assert allowed("Authress:ServiceClients") == 404
    assert daemon.post("/v1/clients", headers=key.signed(), json={}).status_code == 403
    assert daemon.post(f"/v1/clients/{service.client_id}/access-keys",
                       headers=key.signed()).status_code in (403, 404)
    daemon.delete(f"/v1/clients/{client_id}/access-keys/{key.kid}", headers=service.signed())
    assert allowed(f"users/{user_id}") == 401


# ---- races ----

@pytest.mark.tsan
@pytest.mark.parametrize("what", ["key", "client"])
def test_no_use_that_begins_after_the_answer_to_a_delete_succeeds(daemon, what):
    key = reader(daemon)
    ways = [key.raw(), key.signed()]
    over, answered = threading.Event(), []
    gate = threading.Barrier(16)
    seen = [[] for _ in range(16)]
    path = f"/v1/clients/{key.client_id}"

    def use(number):
        connection = http.client.HTTPConnection("127.0.0.1", daemon.ports["public"], timeout=120)
        gate.wait(60)
        while not over.is_set():
            began = time.monotonic()
            connection.request("GET", path, headers=ways[number % 2])
            answer = connection.getresponse()
            answer.read()
            seen[number].append((began, answer.status))
        connection.close()

    threads = [threading.Thread(target=use, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    while sum(map(len, seen)) < 200:                        # all of them at work
        time.sleep(0.01)
    target = f"{path}/access-keys/{key.kid}" if what == "key" else path
    assert daemon.delete(target, auth="admin").status_code == 204
    answered.append(time.monotonic())
    enough = [len(calls) + 20 for calls in seen]
    while any(len(calls) < n for calls, n in zip(seen, enough)):
        time.sleep(0.01)
    over.set()
    for thread in threads:
        thread.join()
    calls = [call for of_thread in seen for call in of_thread]
    before = [status for began, status in calls if began < answered[0]]
    after = [status for began, status in calls if began >= answered[0]]
    assert 200 in before and set(after) == {401}


@pytest.mark.tsan
def test_a_check_that_begins_after_the_answer_to_a_record_sees_it(daemon):
    """Whatever the loops have kept: snapshots that requests share, and who calls."""
    asker = request_key(daemon, create(daemon, options={"grantUserPermissionsAccess": True}))
    path = "/v1/users/somebody/resources/a%2Fb/permissions/read"
    over, seen = threading.Event(), [[] for _ in range(8)]

    def use(number):
        connection = http.client.HTTPConnection("127.0.0.1", daemon.ports["public"], timeout=120)
        headers = asker.signed()
        while not over.is_set():
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            answer.read()
            seen[number].append(answer.status)
        connection.close()

    threads = [threading.Thread(target=use, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(20):
            record = daemon.post("/v1/records", auth="admin", json={
                "name": "n", "users": [{"userId": "somebody"}],
                "statements": [{"roles": ["Authress:Owner"], "resources": [{"resourceUri": "a"}]}]})
            assert record.status_code == 201, record.text
            assert daemon.get(path, headers=asker.signed()).status_code == 200
            gone = daemon.delete(f"/v1/records/{record.json()['recordId']}", auth="admin")
            assert gone.status_code == 204, gone.text
            assert daemon.get(path, headers=asker.signed()).status_code == 404
    finally:
        over.set()
        for thread in threads:
            thread.join()
    assert {status for of_thread in seen for status in of_thread} == {200, 404}
