"""OAuth 2 as the RFCs have it: grants, PKCE, exchange, revocation, introspection, metadata, keys."""

import base64
import hashlib
import secrets
import urllib.parse

import jwt
import pytest

TOKEN_TYPE = "urn:ietf:params:oauth:token-type:access_token"
USER_TYPE = "urn:chatelaine:token-type:user-id"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
CALLBACK = "https://desk.example/cb"


class Client:
    def __init__(self, daemon, grants=(), redirect_uris=(CALLBACK,)):
        made = daemon.post("/v1/admin/clients", auth="admin",
                           json={"name": "desk", "redirect_uris": list(redirect_uris),
                                 "grants": list(grants)}).json()
        self.daemon = daemon
        self.id, self.secret = made["client_id"], made["client_secret"]
        self.basic = (self.id, self.secret)

    def ask(self, path="/oauth2/token", **form):
        return self.daemon.post(path, data=form, auth=self.basic)

    def token(self, **form):
        answer = self.ask(**({"grant_type": "client_credentials"} | form))
        assert answer.status_code == 200, answer.text
        assert answer.headers["Cache-Control"] == "no-store"
        return answer.json()["access_token"]

    def introspect(self, token):
        return self.ask("/oauth2/introspect", token=token).json()

    def delete(self):
        assert self.daemon.delete(f"/v1/admin/clients/{self.id}",
                                  auth="admin").status_code == 204


def allow(permission, resource="*"):
    return {"permission": permission, "resource": resource}


def bearer(token):
    return {"Authorization": "Bearer " + token}


def works(daemon, token, path="/v1/keys"):
    return daemon.get(path, headers=bearer(token)).status_code


def make_user(daemon, **body):
    name = "user-" + secrets.token_hex(4)
    answer = daemon.post("/v1/admin/users", json={"name": name, **body}, auth="admin")
    assert answer.status_code == 201, answer.text
    return answer.json() | {"name": name}


def make_role(daemon, *permissions):
    name = "role-" + secrets.token_hex(4)
    answer = daemon.post("/v1/admin/roles", auth="admin",
                         json={"name": name, "permissions": list(permissions)})
    assert answer.status_code == 201, answer.text
    return name


def pkce():
    verifier = secrets.token_urlsafe(48)
    digest = hashlib.sha256(verifier.encode()).digest()
    return verifier, base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def refused(answer, error, status=400):
    assert (answer.status_code, answer.json()["error"]) == (status, error), answer.text
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.fixture
def opaque(make_daemon):
    return make_daemon({"oauth": {"access_tokens": "opaque", "life": "10m"}})


# ---- client_credentials ----

def test_rfc6749_4_4_client_credentials_gives_a_token_that_works(daemon):
    client = Client(daemon, [allow("keys:read")])
    answer = client.ask(grant_type="client_credentials").json()
    assert answer["token_type"] == "Bearer" and answer["expires_in"] == 3600
    assert works(daemon, answer["access_token"]) == 200
    assert works(daemon, answer["access_token"], "/v1/admin/users") == 403


def test_rfc6749_2_3_1_the_client_may_stand_in_the_form_but_not_twice(daemon):
    client = Client(daemon)
    form = {"grant_type": "client_credentials", "client_id": client.id,
            "client_secret": client.secret}
    assert daemon.post("/oauth2/token", data=form).status_code == 200
    refused(daemon.post("/oauth2/token", data=form, auth=client.basic), "invalid_request")


def test_rfc6749_2_3_1_basic_may_be_encoded_as_in_a_form(daemon):
    client = Client(daemon)
    encoded = tuple("".join(f"%{ord(c):02X}" for c in text) for text in client.basic)
    for auth in ((encoded[0], client.secret), (client.id, encoded[1]), encoded):
        answer = daemon.post("/oauth2/token", data={"grant_type": "client_credentials"}, auth=auth)
        assert answer.status_code == 200, answer.text
    for auth in ((encoded[0], encoded[1][:-3]), (encoded[0][:-3], encoded[1]), (encoded[0], "%")):
        refused(daemon.post("/oauth2/token", data={"grant_type": "client_credentials"}, auth=auth),
                "invalid_client", 401)


@pytest.mark.parametrize("form, auth, error, status", [
    ({}, True, "invalid_request", 400),
    ({"grant_type": "password"}, True, "unsupported_grant_type", 400),
    ({"grant_type": "client_credentials"}, False, "invalid_client", 401),
    ({"grant_type": "client_credentials"}, ("sc_" + "0" * 20, "x"), "invalid_client", 401),
    ({"grant_type": "client_credentials"}, "admin", "invalid_client", 401),
    ({"grant_type": "client_credentials", "scope": "keys:read"}, True, "invalid_scope", 400),
    ({"grant_type": "client_credentials", "scope": "KEYS"}, True, "invalid_scope", 400),
    ({"grant_type": "client_credentials", "client_id": "sc_" + "0" * 20}, True,
     "invalid_request", 400),
])
def test_rfc6749_5_2_errors(daemon, form, auth, error, status):
    auth = Client(daemon).basic if auth is True else auth or None
    answer = daemon.post("/oauth2/token", data=form, auth=auth)
    refused(answer, error, status)
    if status == 401:
        assert answer.headers["WWW-Authenticate"].startswith("Basic")


def test_rfc6749_3_2_a_parameter_twice_is_refused(daemon):
    client = Client(daemon)
    answer = daemon.post("/oauth2/token", auth=client.basic,
                         data=[("grant_type", "client_credentials"), ("scope", "a"),
                               ("scope", "b")])
    refused(answer, "invalid_request")


def test_rfc6749_3_3_a_scope_narrows_and_never_widens(daemon):
    client = Client(daemon, [allow("keys:read"), allow("users:read")])
    token = client.token(scope="keys:read")
    assert works(daemon, token) == 200
    assert works(daemon, token, "/v1/admin/users") == 403
    assert client.introspect(token)["scope"] == "keys:read"


def test_rfc9068_the_token_is_signed_with_a_published_key(daemon):
    client = Client(daemon)
    token = client.token()
    header = jwt.get_unverified_header(token)
    assert header["typ"] == "at+jwt" and header["alg"] == "EdDSA"
    keys = {k["kid"]: k for k in daemon.get("/.well-known/jwks.json").json()["keys"]}
    issuer = daemon.get("/.well-known/oauth-authorization-server").json()["issuer"]
    claims = jwt.decode(token, jwt.PyJWK(keys[header["kid"]]).key, algorithms=["EdDSA"],
                        audience=issuer, issuer=issuer)
    assert claims["sub"] == claims["client_id"] == client.id
    assert claims["exp"] - claims["iat"] == 3600 and claims["jti"]


def test_tokens_are_opaque_and_as_long_lived_as_configured(opaque):
    client = Client(opaque, [allow("keys:read")])
    answer = client.ask(grant_type="client_credentials").json()
    assert answer["access_token"].startswith("cts_") and len(answer["access_token"]) == 40
    assert answer["expires_in"] == 600
    assert works(opaque, answer["access_token"]) == 200


def test_a_forged_or_cut_token_is_refused(daemon):
    token = Client(daemon, [allow("keys:read")]).token()
    head, body, signature = token.split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"at+jwt"}').rstrip(b"=").decode()
    other = head[:-2] + ("AA" if head[-2:] != "AA" else "BB")
    for wrong in [f"{none}.{body}.", f"{head}.{body}.", f"{head}.{body}.{signature[:-4]}AAAA",
                  f"{other}.{body}.{signature}", "cts_" + "0" * 36, "x"]:
        assert works(daemon, wrong) == 401, wrong


# ---- revocation ----

def test_rfc7009_a_revoked_token_is_dead_at_once(daemon):
    client = Client(daemon, [allow("keys:read")])
    token = client.token()
    assert client.ask("/oauth2/revoke", token=token).status_code == 200
    assert works(daemon, token) == 401
    assert client.introspect(token) == {"active": False}
    assert client.ask("/oauth2/revoke", token=token).status_code == 200  # again
    assert client.ask("/oauth2/revoke", token="unknown").status_code == 200
    refused(client.ask("/oauth2/revoke"), "invalid_request")


def test_rfc7009_another_clients_token_is_refused_and_lives(daemon):
    client, other = Client(daemon, [allow("keys:read")]), Client(daemon)
    token = client.token()
    refused(other.ask("/oauth2/revoke", token=token), "unauthorized_client")
    assert works(daemon, token) == 200


def test_a_deleted_client_takes_its_tokens_along(daemon):
    client = Client(daemon, [allow("keys:read")])
    token = client.token()
    client.delete()
    assert works(daemon, token) == 401


# ---- introspection ----

def test_rfc7662_a_client_learns_of_its_own_tokens_alone(daemon):
    client, other = Client(daemon), Client(daemon)
    token = client.token()
    mine = client.introspect(token)
    assert mine["active"] and mine["client_id"] == mine["sub"] == client.id
    assert other.introspect(token) == {"active": False}
    assert Client(daemon, [allow("tokens:introspect")]).introspect(token) == mine


def test_rfc7662_who_may_introspect_may_ask_of_keys_too(daemon):
    user = make_user(daemon)
    key = daemon.post("/v1/keys", json={"user": user["id"], "grants": []}, auth="admin").json()
    found = daemon.post("/oauth2/introspect", data={"token": key["key"]}, auth="admin").json()
    assert (found["active"], found["sub"], found["username"], found["jti"]) == \
        (True, user["id"], user["name"], key["id"])
    refused(daemon.post("/oauth2/introspect", data={"token": "x"}, headers=bearer(key["key"])),
            "access_denied", 403)


# ---- token exchange ----

def exchange(client, token, kind=TOKEN_TYPE, **form):
    return client.ask(grant_type=EXCHANGE, subject_token=token, subject_token_type=kind, **form)


def test_rfc8693_impersonation_names_both_and_is_cut_to_both(daemon):
    user = make_user(daemon, roles=[{"role": make_role(daemon, "users:read", "apps:read")}])
    client = Client(daemon, [allow("impersonate", "users/*"), allow("users:read"),
                             allow("webhooks:read")])
    answer = exchange(client, user["id"], USER_TYPE)
    assert answer.status_code == 200, answer.text
    assert answer.json()["issued_token_type"] == TOKEN_TYPE
    token = answer.json()["access_token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    assert claims["sub"] == user["id"] and claims["act"] == {"sub": client.id}
    assert works(daemon, token, "/v1/admin/users") == 200
    assert works(daemon, token, "/v1/apps") == 403       # the client has it not
    assert works(daemon, token, "/v1/webhooks") == 403   # the user has it not
    assert client.introspect(token)["act"] == {"sub": client.id}
    actors = [e["data"]["actor"] for e in audit(daemon) if e["data"].get("action") == "session.create"]
    assert {"kind": "client", "id": client.id, "on_behalf_of": user["id"]} in actors


def audit(daemon):
    items, cursor = [], ""
    while cursor is not None:
        page = daemon.get(f"/v1/events?topic=audit&limit=1000{cursor}", auth="admin").json()
        items += page["items"]
        cursor = page["next_cursor"] and "&cursor=" + urllib.parse.quote(page["next_cursor"])
    return items


def test_rfc8693_without_the_right_nobody_is_impersonated(daemon):
    user = make_user(daemon)
    refused(exchange(Client(daemon), user["id"], USER_TYPE), "unauthorized_client")
    strong = Client(daemon, [allow("impersonate", "users/*")])
    admin = daemon.get("/v1/admin/users/admin", auth="admin").json()["id"]
    refused(exchange(strong, admin, USER_TYPE), "unauthorized_client")
    refused(exchange(strong, "0" * 24, USER_TYPE), "invalid_grant")


def test_rfc8693_an_exchanged_token_dies_with_its_subject(daemon):
    user = make_user(daemon, roles=[{"role": make_role(daemon, "keys:read")}])
    key = daemon.post("/v1/keys", auth="admin",
                      json={"user": user["id"], "grants": [{"permission": "keys:read",
                                                            "resource": "*"}]}).json()
    first = Client(daemon, [allow("keys:read")])
    second = Client(daemon, [allow("keys:read"), allow("users:read")])
    one = exchange(first, key["key"]).json()["access_token"]
    two = exchange(second, one).json()["access_token"]
    assert jwt.decode(two, options={"verify_signature": False})["act"] == \
        {"sub": second.id, "act": {"sub": first.id}}
    assert works(daemon, one) == works(daemon, two) == 200
    assert works(daemon, two, "/v1/admin/users") == 403
    assert daemon.delete(f"/v1/keys/{key['id']}", auth="admin").status_code == 204
    assert works(daemon, one) == works(daemon, two) == 401


@pytest.mark.parametrize("form, error", [
    ({"subject_token": "x"}, "invalid_request"),
    ({"subject_token": "x", "subject_token_type": "y"}, "invalid_request"),
    ({"subject_token": "x", "subject_token_type": TOKEN_TYPE}, "invalid_request"),
    ({"subject_token": "x", "subject_token_type": TOKEN_TYPE, "audience": "z"}, "invalid_target"),
    ({"subject_token": "x", "subject_token_type": TOKEN_TYPE, "actor_token": "z"},
     "invalid_request"),
])
def test_rfc8693_2_2_2_errors(daemon, form, error):
    refused(Client(daemon).ask(grant_type=EXCHANGE, **form), error)


# ---- metadata and keys ----

def test_rfc8414_metadata_names_what_is_there(daemon):
    found = daemon.get("/.well-known/oauth-authorization-server").json()
    for name in ("token", "revocation", "introspection"):
        path = found[f"{name}_endpoint"].removeprefix(found["issuer"])
        assert daemon.post(path, data={}).status_code == 401
    assert daemon.get(found["jwks_uri"].removeprefix(found["issuer"])).status_code == 200
    assert found["code_challenge_methods_supported"] == ["S256"]


def test_rotation_keeps_the_old_key_while_its_tokens_live(make_daemon):
    daemon = make_daemon()
    client = Client(daemon, [allow("keys:read")])

    def kids():
        return [k["kid"] for k in daemon.get("/.well-known/jwks.json").json()["keys"]]

    before, old = kids(), client.token()
    daemon.run("secret", "rotate")
    assert len(kids()) == 2 and kids()[1] == before[0]
    assert jwt.get_unverified_header(client.token())["kid"] == kids()[0] != before[0]
    assert works(daemon, old) == 200
    daemon.run("secret", "rotate")      # the unused middle one may stay; the used ones must
    assert before[0] in kids()


def test_a_slash_at_the_issuer_s_end_is_not_doubled_in_addresses(make_daemon):
    daemon = make_daemon({"issuer": "https://keys.example/auth/"})
    daemon.ask("POST", "/v1/inboxes", {"name": "invoice"})
    client = daemon.ask("POST", "/v1/admin/clients", {"name": "desk", "grants": []})["client_id"]
    daemon.ask("POST", "/v1/groups", {"groupId": "grp_1", "name": "g"})
    daemon.ask("POST", "/v1/groups", {"groupId": "grp_2", "name": "g"})

    def addresses(value):
        if isinstance(value, dict):
            return [a for name, v in value.items() if name != "issuer" for a in addresses(v)]
        if isinstance(value, list):
            return [a for v in value for a in addresses(v)]
        return [value] if isinstance(value, str) and value.startswith("https://") else []

    for answer, least in (
            (daemon.get("/.well-known/oauth-authorization-server").json(), 5),
            (daemon.get("/.well-known/openid-configuration").json(), 3),
            (daemon.get(f"/v1/clients/{client}/.well-known/openid-configuration").json(), 3),
            (daemon.ask("GET", "/v1/groups?limit=1"), 3),
            (daemon.ask("POST", "/v1/links", {"inbox": "invoice", "document": "d1", "user": "admin"}), 1)):
        found = addresses(answer)
        assert len(found) >= least, answer
        assert all(a.startswith("https://keys.example/auth/") and "//" not in a[8:] for a in found), found
    # Who it is stays to the letter.
    assert daemon.get("/.well-known/oauth-authorization-server").json()["issuer"] == "https://keys.example/auth/"
