"""AIRisk's sign-in, row by row: each test is named by its row of the facts."""

import datetime
import html
import re
import secrets
import urllib.parse

import pytest

from harness import wait_until
from test_oauth import (CALLBACK, EXCHANGE, TOKEN_TYPE, Client, allow, audit, bearer, make_role,
                        make_user, pkce, works)
from test_races import at_once

PROBLEM = "application/problem+json; charset=utf-8"
TEXT = "text/plain; charset=utf-8"


@pytest.fixture
def desk(daemon):
    """A client that may act as anybody who is nobody special, and list keys as them."""
    return Client(daemon, [allow("impersonate", "users/*"), allow("keys:read")])


def authorize(client, **query):
    query = {"client_id": client.id, "redirect_uri": CALLBACK} | query
    return client.daemon.get("/api/oauth2?" + urllib.parse.urlencode(
        {k: v for k, v in query.items() if v is not None}), allow_redirects=False)


def parts(answer):
    assert answer.status_code in (302, 303), answer.text
    target, _, query = answer.headers["Location"].partition("?")
    return target, urllib.parse.parse_qs(query, keep_blank_values=True)


def code_of(client, **query):
    target, found = parts(authorize(client, **query))
    assert target == CALLBACK and "code" in found, found
    return found["code"][0]


def redeem(client, text, as_json=False, headers=None, **changes):
    body = {"client_id": client.id, "client_secret": client.secret, "redirect_uri": CALLBACK,
            "code": text} | changes
    body = {k: v for k, v in body.items() if v is not None}
    how = {"json": body} if as_json else {"data": body}
    return client.daemon.post("/api/oauth2/Token", headers=headers, **how)


def token_of(client, **user):
    answer = redeem(client, code_of(client, **user), **user)
    assert answer.status_code == 200, answer.text
    return answer.json()["access_token"]


def refused(answer, text):
    assert (answer.status_code, answer.text) == (400, text)
    assert answer.headers["Content-Type"] == TEXT


def unauthorized(answer):
    assert answer.status_code == 401 and answer.headers["Content-Type"] == PROBLEM
    body = answer.json()
    assert re.fullmatch(r"00-[0-9a-f]{32}-[0-9a-f]{16}-00", body.pop("traceId"))
    assert body == {"type": "https://tools.ietf.org/html/rfc9110#section-15.5.2",
                    "title": "Unauthorized", "status": 401}


# ---- endpoints ----

@pytest.mark.parametrize("state", ["abc", "a b&c=d/ä?#%", None])
def test_get_oauth2_redirects_with_the_state_unchanged(daemon, desk, state):
    target, found = parts(authorize(desk, state=state))
    assert target == CALLBACK
    assert found.get("state", [None])[0] == state and len(found["code"]) == 1


@pytest.mark.parametrize("as_json", [False, True])
def test_post_token_answers_form_and_json(daemon, desk, as_json):
    answer = redeem(desk, code_of(desk), as_json).json()
    ends = datetime.datetime.strptime(answer["expiration"], "%Y-%m-%dT%H:%M:%SZ")
    left = ends.replace(tzinfo=datetime.timezone.utc) - datetime.datetime.now(datetime.timezone.utc)
    assert 3500 < left.total_seconds() <= 3600
    assert answer["token_type"] == "Bearer" and answer["expires_in"] == 3600


@pytest.mark.parametrize("path", ["/api/ListUsers", "/api/Users/ListUsers"])
def test_both_paths_list_users_by_name_and_id(daemon, desk, path):
    ann, bob = make_user(daemon), make_user(daemon)
    found = daemon.get(path, headers=bearer(token_of(desk))).json()
    assert [{"id": u["id"], "name": u["name"]} for u in (ann, bob)] == found


def test_two_generations_grant_type_and_a_bearer_header_are_taken(daemon, desk):
    generic = token_of(desk)
    answer = redeem(desk, code_of(desk), grant_type="authorization_code",
                    headers=bearer(generic + "x"))
    assert answer.status_code == 200
    refused(redeem(desk, code_of(desk), grant_type="password"), "Invalid grant_type")


def test_token_kinds_generic_reaches_only_the_list_and_user_acts_as_the_user(daemon):
    client = Client(daemon, [allow("impersonate", "users/*"), allow("keys:read")])
    user = make_user(daemon, roles=[{"role": make_role(daemon, "keys:read", "users:read")}])
    listing = Client(daemon, [allow("impersonate", "users/*")])
    generic = token_of(listing)
    assert works(daemon, generic, "/api/ListUsers") == 200
    assert works(daemon, generic) == 403
    acting = token_of(client, userid=user["id"])
    assert works(daemon, acting) == 200
    assert works(daemon, acting, "/v1/admin/users") == 403  # the user may, the client may not


# ---- errors ----

@pytest.mark.parametrize("missing", ["client_id", "client_secret", "redirect_uri", "code"])
def test_error_token_required_parameter_missing(daemon, desk, missing):
    refused(redeem(desk, code_of(desk), **{missing: None}), "Invalid client_id")


def test_error_token_code_used(daemon, desk):
    code = code_of(desk)
    assert redeem(desk, code).status_code == 200
    refused(redeem(desk, code), "Invalid Code")


def test_error_token_code_expired(make_daemon):
    daemon = make_daemon(faketime=True)
    desk = Client(daemon)
    code, late = code_of(desk), code_of(desk)
    daemon.clock.step_to(55)
    assert redeem(desk, code).status_code == 200
    daemon.clock.step_to(61)
    refused(redeem(desk, late), "Invalid Code")


def test_error_token_code_wrong(daemon, desk):
    code = code_of(desk)
    changed = code[:-1] + ("A" if code[-1] != "A" else "B")
    for wrong in ("x", changed, code[:-4]):
        refused(redeem(desk, wrong), "Invalid Code")
    assert redeem(desk, code).status_code == 200


def test_error_unknown_client_id_both_endpoints(daemon, desk):
    nobody = "sc_" + "0" * 20
    unauthorized(authorize(desk, client_id=nobody))
    unauthorized(redeem(desk, code_of(desk), client_id=nobody))


def test_error_api_call_with_a_token_that_is_expired_or_invalid(make_daemon):
    daemon = make_daemon(faketime=True)
    desk = Client(daemon)
    token = token_of(desk)
    assert works(daemon, token, "/api/ListUsers") == 200
    assert works(daemon, token + "x", "/api/ListUsers") == 401
    daemon.clock.step_to(3601)
    assert works(daemon, token, "/api/ListUsers") == 401
    assert daemon.get("/api/ListUsers").status_code == 401


def test_error_userid_left_out_though_the_code_has_one(daemon, desk):
    user = make_user(daemon)["id"]
    code = code_of(desk, userid=user)
    refused(redeem(desk, code), "Invalid userid")
    refused(redeem(desk, code, userid=user), "Invalid Code")  # the mismatch burnt it


def test_error_userid_sent_though_the_code_has_none(daemon, desk):
    refused(redeem(desk, code_of(desk), userid=make_user(daemon)["id"]), "Invalid userid")


def test_error_wrong_secret(daemon, desk):
    code = code_of(desk)
    unauthorized(redeem(desk, code, client_secret=Client(daemon).secret))
    assert redeem(desk, code).status_code == 200


def test_error_unregistered_redirect_uri_is_never_redirected_to(daemon, desk):
    for uri in ("https://evil.example/", CALLBACK + "/", CALLBACK + "?x=1", "", None):
        answer = authorize(desk, redirect_uri=uri)
        refused(answer, "Invalid redirect_uri")
        assert "Location" not in answer.headers


@pytest.mark.parametrize("path, auth", [("/api/oauth2", None), ("/select-user", "admin")])
@pytest.mark.parametrize("name", ["client_id", "redirect_uri", "state", "userid", "scope",
                                  "response_type", "code_challenge", "unknown"])
def test_rfc6749_3_1_a_parameter_twice_is_refused_without_a_redirect(daemon, desk, path, auth,
                                                                     name):
    query = [("client_id", desk.id), ("redirect_uri", CALLBACK)]
    known = dict(query).get(name, "x")
    for second in (known, "https://evil.example/", ""):
        twice = [p for p in query if p[0] != name] + [(name, known), (name, second)]
        answer = daemon.get(path + "?" + urllib.parse.urlencode(twice), auth=auth,
                            allow_redirects=False)
        refused(answer, "Invalid request")
        assert "Location" not in answer.headers


@pytest.mark.parametrize("name", ["client_id", "client_secret", "redirect_uri", "code", "userid"])
def test_rfc6749_3_2_a_parameter_twice_is_refused_and_the_code_stays(daemon, desk, name):
    code = code_of(desk)
    form = {"client_id": desk.id, "client_secret": desk.secret, "redirect_uri": CALLBACK,
            "code": code}
    twice = list(form.items()) + [(name, form.get(name, "x"))]
    refused(daemon.post("/api/oauth2/Token", data=twice + [(name, "x")]), "Invalid client_id")
    text = "{" + ",".join(f'"{k}":"{v}"' for k, v in twice + [(name, "x")]) + "}"
    refused(daemon.post("/api/oauth2/Token", data=text,
                        headers={"Content-Type": "application/json"}), "Invalid client_id")
    assert redeem(desk, code).status_code == 200


def test_a_redirect_uri_that_differs_burns_the_code(daemon):
    desk = Client(daemon, redirect_uris=[CALLBACK, "https://desk.example/other"])
    code = code_of(desk)
    refused(redeem(desk, code, redirect_uri="https://desk.example/other"), "Invalid redirect_uri")
    refused(redeem(desk, code), "Invalid Code")


def test_another_clients_code_is_refused_and_burnt(daemon, desk):
    code = code_of(desk)
    refused(redeem(Client(daemon), code), "Invalid Code")
    refused(redeem(desk, code), "Invalid Code")


# ---- code and token ----

def test_code_64_redeemers_one_wins(daemon, desk):
    """At once, half of them at AIRisk's endpoint and half at its standard twin."""
    verifier, challenge = pkce()
    code = code_of(desk, code_challenge=challenge, code_challenge_method="S256",
                   response_type="code")

    def run(number):
        if number % 2:
            return redeem(desk, code, code_verifier=verifier)
        return desk.ask(grant_type="authorization_code", code=code, redirect_uri=CALLBACK,
                        code_verifier=verifier)

    answers = at_once(64, run)
    won = [a for a in answers if a.status_code == 200]
    assert len(won) == 1
    for number, answer in enumerate(answers):
        if answer.status_code != 200:
            assert answer.status_code == 400
            assert answer.text == "Invalid Code" if number % 2 else \
                answer.json()["error"] == "invalid_grant"
    assert works(daemon, won[0].json()["access_token"]) == 200
    made = [e for e in audit(daemon) if e["data"].get("action") == "session.create"
            and e["data"]["outcome"] == "success"]
    assert len(made) == 1


def test_rfc6749_4_1_2_a_code_that_comes_again_ends_what_it_opened(make_daemon):
    """From its client, with all its proof, and later than a repeat: else the token lives on."""
    daemon = make_daemon(faketime=True)
    desk = Client(daemon, [allow("impersonate", "users/*"), allow("keys:read")],
                  redirect_uris=[CALLBACK, "https://desk.example/other"])
    user = make_user(daemon, roles=[{"role": make_role(daemon, "keys:read")}])["id"]
    verifier, challenge = pkce()
    code = code_of(desk, userid=user, code_challenge=challenge, code_challenge_method="S256")

    def again(client=desk, **changes):
        return redeem(client, code, **({"userid": user, "code_verifier": verifier} | changes))

    first = again().json()["access_token"]
    derived = desk.token(grant_type=EXCHANGE, subject_token=first, subject_token_type=TOKEN_TYPE)
    refused(again(), "Invalid Code")  # a repeat
    daemon.clock.step_to(20)
    for wrong in ({"client": Client(daemon)}, {"client_secret": "x"}, {"userid": None},
                  {"redirect_uri": "https://desk.example/other"}, {"code_verifier": pkce()[0]}):
        assert again(**wrong).status_code in (400, 401)
    assert works(daemon, first) == works(daemon, derived) == 200
    refused(again(), "Invalid Code")
    assert works(daemon, first) == works(daemon, derived) == 401
    ended = audit(daemon)[-1]["data"]
    assert ended["action"] == "session.end" and ended["count"] == 2
    assert ended["actor"] == {"kind": "client", "id": desk.id}
    refused(again(), "Invalid Code")


def test_rfc6749_4_1_2_a_code_that_comes_again_at_the_standard_twin(make_daemon):
    daemon = make_daemon(faketime=True)
    desk = Client(daemon, [allow("keys:read")])
    verifier, challenge = pkce()
    code = code_of(desk, code_challenge=challenge, code_challenge_method="S256")
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK,
            "code_verifier": verifier}
    token, later = desk.token(**form), desk.token()
    daemon.clock.step_to(20)
    answer = desk.ask(**form)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert works(daemon, token) == 401 and works(daemon, later) == 200


def test_code_handing_one_out_writes_nothing(daemon, desk):
    before = len(audit(daemon))
    for _ in range(5):
        code_of(desk)
    assert len(audit(daemon)) == before


def test_token_is_stored_hashed(daemon, desk):
    token = token_of(desk).encode()
    assert all(token not in path.read_bytes()
               for path in daemon.state.glob("chatelaine.db*"))


# ---- impersonation ----

def test_impersonation_is_recorded_with_both_identities(daemon, desk):
    user = make_user(daemon, roles=[{"role": make_role(daemon, "keys:*")}])
    exact = Client(daemon, [allow("impersonate", "users/" + user["id"]), allow("keys:*")])
    token = token_of(exact, userid=user["id"])
    minted = daemon.post("/v1/keys", headers=bearer(token),
                         json={"user": user["id"], "grants": []})
    assert minted.status_code == 201, minted.text
    actors = {e["data"]["action"]: e["data"]["actor"] for e in audit(daemon)
              if e["data"].get("action") in ("session.create", "key.mint")}
    both = {"kind": "client", "id": exact.id, "on_behalf_of": user["id"]}
    assert actors["session.create"] == both
    assert {k: v for k, v in actors["key.mint"].items() if k != "session"} == both


def test_impersonation_needs_the_right_and_exactly_for_the_powerful(daemon, desk):
    user = make_user(daemon)["id"]
    admin = daemon.get("/v1/admin/users/admin", auth="admin").json()["id"]
    for client, who in [(Client(daemon), user), (desk, admin), (desk, "0" * 24),
                        (desk, "admin")]:
        assert parts(authorize(client, userid=who))[1]["error"] == ["access_denied"]
    token_of(Client(daemon, [allow("impersonate", "users/" + admin)]), userid=admin)


def test_impersonation_ends_when_the_right_or_the_user_does(daemon, desk):
    user = make_user(daemon, roles=[{"role": make_role(daemon, "keys:read")}])
    token = token_of(desk, userid=user["id"])
    assert works(daemon, token) == 200
    daemon.patch(f"/v1/admin/users/{user['id']}", json={"active": False}, auth="admin")
    assert works(daemon, token) == 401
    daemon.patch(f"/v1/admin/users/{user['id']}", json={"active": True}, auth="admin")
    assert works(daemon, token) == 401


# ---- the standard twin of the code ----

def test_pkce_a_code_with_a_challenge_needs_its_verifier_everywhere(daemon, desk):
    verifier, challenge = pkce()

    def code():
        return code_of(desk, code_challenge=challenge, code_challenge_method="S256",
                       response_type="code")

    form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK}
    good = desk.ask(**form, code=code(), code_verifier=verifier)
    assert good.status_code == 200, good.text
    for wrong in (pkce()[0], verifier[:-1], None):
        burnt = code()
        answer = desk.ask(**form, code=burnt, **({"code_verifier": wrong} if wrong else {}))
        assert answer.json()["error"] == ("invalid_grant" if wrong else "invalid_request")
    refused(redeem(desk, code()), "Invalid code_verifier")
    answer = desk.ask(**form, code=code_of(desk), code_verifier=verifier)
    assert answer.json()["error"] == "invalid_grant"
    refused(redeem(desk, code_of(desk), code_verifier=verifier), "Invalid code_verifier")
    for query in ({"code_challenge": challenge}, {"code_challenge_method": "S256"},
                  {"code_challenge": challenge, "code_challenge_method": "plain"}):
        assert parts(authorize(desk, **query))[1]["error"] == ["invalid_request"]


# ---- the page ----

def fields(page):
    return {name: html.unescape(value) for name, value in
            re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page)}


def show(client, auth="admin", **query):
    query = {"client_id": client.id, "redirect_uri": CALLBACK} | query
    return client.daemon.get("/select-user?" + urllib.parse.urlencode(query), auth=auth)


def choose(daemon, form, auth="admin"):
    return daemon.post("/select-user", data=form, auth=auth, allow_redirects=False)


def test_select_user_lists_and_redirects_with_a_code(daemon, desk):
    name = 'o\'Neil <b>"&' + secrets.token_hex(3)
    user = daemon.post("/v1/admin/users", json={"name": name}, auth="admin").json()
    page = show(desk, state="s&1", userid=user["id"])
    assert page.status_code == 200
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none';") and "frame-ancestors 'none'" in policy
    assert "form-action 'self' https://desk.example" in policy
    assert "<b>" not in page.text and html.escape(name, quote=True).replace("&#x27;", "&#39;") \
        in page.text
    assert f'<option value="{user["id"]}" selected>' in page.text
    assert "src=" not in page.text and "<script" not in page.text
    target, found = parts(choose(daemon, fields(page.text) | {"userid": user["id"]}))
    assert target == CALLBACK and found["state"] == ["s&1"]
    assert redeem(desk, found["code"][0], userid=user["id"]).status_code == 200


def test_select_user_the_record_names_the_person_who_chose_and_the_user(daemon, desk):
    user = make_user(daemon, roles=[{"role": make_role(daemon, "keys:read")}])
    person = make_user(daemon, password="pass word", roles=[
        {"role": make_role(daemon, "impersonate"), "resource": "users/" + user["id"]}])
    client = Client(daemon, [allow("impersonate", "users/*"), allow("keys:read")])
    basic = (person["name"], "pass word")

    def token():
        page = show(client, auth=basic)
        _, found = parts(choose(daemon, fields(page.text) | {"userid": user["id"]}, auth=basic))
        return redeem(client, found["code"][0], userid=user["id"]).json()["access_token"]

    first, second = token(), token()
    assert works(daemon, first) == works(daemon, second) == 200
    assert works(daemon, first, "/v1/admin/users") == 403  # a refusal, on record too
    all_three = {"kind": "client", "id": client.id, "on_behalf_of": user["id"],
                 "chosen_by": "users/" + person["id"]}

    def seen():
        return [{k: v for k, v in e["data"]["actor"].items() if k != "session"} for e in audit(daemon)
                if e["data"].get("action") in ("session.create", "request")
                and e["data"]["actor"]["id"] == client.id]

    wait_until(lambda: len(seen()) >= 3, "the refusal is not on record")  # nobody waits for it
    assert seen() == [all_three] * 3
    assert client.introspect(first)["act"] == {"sub": client.id, "act": {"sub": person["id"]}}
    # What a person chose ends with the person.
    answer = daemon.patch(f"/v1/admin/users/{person['id']}", json={"active": False}, auth="admin")
    assert answer.status_code == 200
    assert works(daemon, first) == works(daemon, second) == 401


def test_select_user_is_csrf_safe(daemon, desk):
    user = make_user(daemon)["id"]
    form = fields(show(desk).text) | {"userid": user}
    other = Client(daemon, [allow("impersonate", "users/*")])
    strong = Client(daemon, [allow("impersonate", "users/*")])
    stolen = fields(show(desk, auth=strong.basic).text)["ticket"]
    for wrong in ({"ticket": ""}, {"ticket": "x"}, {"ticket": stolen}, {"client_id": other.id},
                  {"state": "other"}):
        if "client_id" in wrong:
            wrong = wrong | {"redirect_uri": CALLBACK}
        answer = choose(daemon, form | wrong)
        assert answer.status_code == 403 and "Location" not in answer.headers, answer.text
    assert choose(daemon, form).status_code == 303


def test_select_user_needs_impersonate_of_caller_and_client(daemon, desk):
    user = make_user(daemon)["id"]
    assert show(desk, auth=None).status_code == 401
    assert show(desk, auth=Client(daemon).basic).status_code == 403
    weak = Client(daemon)
    page = show(weak)
    assert "<option" not in page.text
    assert choose(daemon, fields(page.text) | {"userid": user}).status_code == 403
    answer = show(desk, redirect_uri="https://evil.example/")
    assert (answer.status_code, answer.text) == (400, "Invalid redirect_uri")


def test_select_user_carries_scope_and_challenge_into_the_code(daemon):
    user = make_user(daemon, roles=[{"role": make_role(daemon, "keys:read", "webhooks:read")}])
    client = Client(daemon, [allow("impersonate", "users/*"), allow("keys:read"),
                             allow("webhooks:read")])
    verifier, challenge = pkce()
    page = show(client, state="a\nb", scope="keys:read", code_challenge=challenge,
                code_challenge_method="S256", response_type="code")
    form = fields(page.text) | {"userid": user["id"]}
    for changed in ({"scope": "webhooks:read"}, {"scope": ""}, {"code_challenge": pkce()[1]},
                    {"code_challenge": ""},
                    {"state": "a", "scope": "b\nkeys:read"}):
        assert choose(daemon, form | changed).status_code == 403, changed
    refused(choose(daemon, [*form.items(), ("redirect_uri", CALLBACK)]), "Invalid request")
    for wrong in (None, pkce()[0]):
        _, found = parts(choose(daemon, form))
        refused(redeem(client, found["code"][0], userid=user["id"], code_verifier=wrong),
                "Invalid code_verifier")
    _, found = parts(choose(daemon, form))
    token = redeem(client, found["code"][0], userid=user["id"], code_verifier=verifier)
    assert token.status_code == 200, token.text
    token = token.json()["access_token"]
    assert works(daemon, token) == 200 and works(daemon, token, "/v1/webhooks") == 403
    assert client.introspect(token)["scope"] == "keys:read"


@pytest.mark.parametrize("query, error", [
    ({"response_type": "token"}, "unsupported_response_type"),
    ({"code_challenge": "x", "code_challenge_method": "S256"}, "invalid_request"),
    ({"code_challenge": "x" * 43}, "invalid_request"),
    ({"scope": "s" * 513}, "invalid_scope"),
])
def test_select_user_sends_what_is_wrong_with_the_request_back_to_the_client(desk, query, error):
    answer = desk.daemon.get("/select-user?" + urllib.parse.urlencode(
        {"client_id": desk.id, "redirect_uri": CALLBACK, "state": "s"} | query), auth="admin",
        allow_redirects=False)
    target, found = parts(answer)
    assert target == CALLBACK and found == {"state": ["s"], "error": [error]}
