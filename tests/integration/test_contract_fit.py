"""Contract.fit's API as its facts have it: one row, one test, named by the row."""

import datetime
import json
import time
import types

import harness
import jwt
import pytest

PREFIXES = ("/admin", "/api")
FAR = "2999-01-01T00:00:00Z"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A tenant with two inboxes, a document, the two roles of a share link, and some users."""
    daemon = harness.Daemon(tmp_path_factory.mktemp("contract_fit"))
    daemon.init()
    daemon.start()
    w = types.SimpleNamespace(daemon=daemon, n=0)
    w.inbox = create(w, "/admin/inboxes", {"name": "invoice", "project": "a" * 24})["id"]
    w.other = create(w, "/admin/inboxes", {"name": "other", "project": "a" * 24})["id"]
    w.document = document(w)
    w.view = role(w, "view_list")
    w.review = role(w, "review", "submit")
    w.guest = user(w, "guest", {"role": w.view}, {"role": w.review})
    w.setter = user(w, "setter", {"role": role(w, "edit_backend_settings", "view_api_keys")})
    w.inbox_setter = user(w, "inbox_setter", {
        "role": role(w, "edit_backend_settings", "view_api_keys"), "inbox": w.inbox})
    w.nobody = user(w, "nobody")
    w.reader = w.daemon.ask("POST", "/v1/admin/users", {
        "name": "reader", "password": "pass word",
        "roles": [{"role": "operator", "resource": "*"}]})["id"]
    w.editor = user(w, "editor", {"role": role(w, "edit_users")})
    w.key = key(w)["token"]
    yield w
    daemon.destroy()


def name(w, stem="x"):
    w.n += 1
    return f"{stem}-{w.n}"


def create(w, path, body, who="admin"):
    answer = call(w, who, "POST", path, body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def call(w, who, method, path, body=None, **arguments):
    credentials = {}
    if who == "admin":
        credentials["auth"] = "admin"
    elif who and who.startswith("key "):
        credentials["headers"] = {"X-API-Key": who[4:]}
    elif who and who.startswith("bearer "):
        credentials["headers"] = {"Authorization": "Bearer " + who[7:]}
    elif who:
        credentials["auth"] = (who, "pass word")
    headers = {**credentials.pop("headers", {}), **arguments.pop("headers", {})}
    return w.daemon.request(method, path, json=body, headers=headers, **credentials, **arguments)


def document(w):
    answer = w.daemon.post("/v1/documents", auth="admin",
                           json={"inbox": "invoice", "name": "bill.pdf"})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def role(w, *permissions):
    return create(w, "/admin/roles", {"name": name(w, "role"),
                                      "permissions": dict.fromkeys(permissions, True)})["id"]


def user(w, username, *roles):
    return create(w, "/admin/users", {"username": username, "active": True,
                                      "password": "pass word", "roles": list(roles)})["id"]


def key(w, document_id=None, **more):
    return create(w, "/admin/auth/api-key", {"user": w.guest, "roles": [
        {"role": w.view, "inbox": w.inbox},
        {"role": w.review, "document_id": document_id or w.document}], **more})


def login(w, username="admin", password=harness.PASSWORD):
    answer = call(w, None, "POST", "/admin/auth", {"username": username, "password": password})
    assert answer.status_code == 200, answer.text
    return answer.json()["authentication_token"]


def fill(w, value):
    """`{name}` of a row as the world's."""
    if isinstance(value, str):
        if value == "{fresh}":
            return name(w)
        if value == "{fresh_key}":
            return key(w)["token"]
        if value == "{fresh_document}":
            return document(w)
        if value == "{fresh_user}":
            return user(w, name(w, "user"))
        if value == "{fresh_inbox}":
            return create(w, "/admin/inboxes", {"name": name(w), "project": "a" * 24})["id"]
        if value == "{fresh_role}":
            return role(w, "upload")
        if value == "{token}":
            return "bearer " + login(w)
        if value.startswith("{") and value.endswith("}"):
            return getattr(w, value[1:-1])
        return value
    if isinstance(value, dict):
        return {k: fill(w, v) for k, v in value.items()}
    if isinstance(value, list):
        return [fill(w, v) for v in value]
    return value


def fill_path(w, path):
    return "/".join(fill(w, part) for part in path.split("/"))


ROLES_OF_KEY = [{"role": "{view}", "inbox": "{inbox}"},
                {"role": "{review}", "document_id": "{document}"}]
KEY = {"user": "{guest}", "roles": ROLES_OF_KEY}
INBOX_KEY = {"user": "{guest}", "roles": [{"role": "{view}", "inbox": "{inbox}"}]}
USER = {"username": "{fresh}", "active": True, "roles": []}
NO_ROLE = "f" * 24

# row, who, method, path, body, status
ROWS = [
    ("auth 200", None, "POST", "/auth", {"username": "admin", "password": harness.PASSWORD}, 200),
    ("auth 401 wrong password", None, "POST", "/auth", {"username": "admin", "password": "x"}, 401),
    ("auth 401 unknown user", None, "POST", "/auth", {"username": "who", "password": "x"}, 401),
    ("auth 400 missing field", None, "POST", "/auth", {"username": "admin"}, 400),
    ("token 201", "admin", "POST", "/auth/token", {"username": "guest"}, 201),
    ("token 201 with roles", "admin", "POST", "/auth/token",
     {"username": "guest", "roles": [{"role": "{view}"}]}, 201),
    ("token 201 of one's own", "nobody", "POST", "/auth/token", {"username": "nobody"}, 201),
    ("token 403", "nobody", "POST", "/auth/token", {"username": "guest"}, 403),
    ("token 403 more than one's own", "editor", "POST", "/auth/token", {"username": "admin"}, 403),
    ("get_JWT 201", "admin", "POST", "/auth/get_JWT", {"username": "guest"}, 201),
    ("get_JWT 403", "nobody", "POST", "/auth/get_JWT", {"username": "guest"}, 403),
    ("ephemeral 201", "key {key}", "POST", "/auth/ephemeral", None, 201),
    ("ephemeral 403 with a password", "admin", "POST", "/auth/ephemeral", None, 403),
    ("ephemeral 403 with a session", "{token}", "POST", "/auth/ephemeral", None, 403),
    ("ephemeral 401 without credentials", None, "POST", "/auth/ephemeral", None, 401),
    ("logout 204", "{token}", "POST", "/auth/logout", None, 204),
    ("logout 400 without a token", "admin", "POST", "/auth/logout", None, 400),
    ("reset_password 403", None, "POST", "/auth/reset_password",
     {"token": "x", "new_password": "y", "user_name": "admin"}, 403),
    ("api-key list 200", "setter", "GET", "/auth/api-key", None, 200),
    ("api-key list 403", "nobody", "GET", "/auth/api-key", None, 403),
    ("api-key list 403 with inbox permissions", "inbox_setter", "GET", "/auth/api-key", None, 403),
    ("api-key create 201", "setter", "POST", "/auth/api-key", KEY, 201),
    ("api-key create 201 by username", "setter", "POST", "/auth/api-key",
     {**KEY, "user": "guest"}, 201),
    ("api-key create 201 without expiry", "setter", "POST", "/auth/api-key",
     {**KEY, "expire_at": None}, 201),
    ("api-key create 400 beyond longest_life", "setter", "POST", "/auth/api-key",
     {**KEY, "expire_at": FAR}, 400),
    ("api-key create 400 in the past", "setter", "POST", "/auth/api-key",
     {**KEY, "expire_at": "2001-01-01T00:00:00"}, 400),
    ("api-key create 400 missing user", "setter", "POST", "/auth/api-key", {"roles": []}, 400),
    ("api-key create 400 unknown member", "setter", "POST", "/auth/api-key",
     {**KEY, "name": "n"}, 400),
    ("api-key create 400 a pattern for an inbox", "setter", "POST", "/auth/api-key",
     {**KEY, "roles": [{"role": "{view}", "inbox": "*"}]}, 400),
    ("api-key create 403", "nobody", "POST", "/auth/api-key", KEY, 403),
    ("api-key create 403 with inbox permissions", "inbox_setter", "POST", "/auth/api-key", KEY, 403),
    ("api-key create 403 role not held by the user", "admin", "POST", "/auth/api-key",
     {**KEY, "user": "{nobody}"}, 403),
    ("api-key create 403 for oneself", "admin", "POST", "/auth/api-key",
     {"user": "admin", "roles": [{"role": "admin"}]}, 403),
    ("api-key create 403 an administrator's role", "setter", "POST", "/auth/api-key",
     {"user": "admin", "roles": [{"role": "admin"}]}, 403),
    ("api-key create 404 role not found", "setter", "POST", "/auth/api-key",
     {**KEY, "roles": [{"role": NO_ROLE}]}, 404),
    ("api-key create 404 user not found", "setter", "POST", "/auth/api-key",
     {**KEY, "user": NO_ROLE}, 404),
    ("api-key inbox list 200", "inbox_setter", "GET", "/auth/api-key/inbox/{inbox}", None, 200),
    ("api-key inbox list 403", "inbox_setter", "GET", "/auth/api-key/inbox/{other}", None, 403),
    ("api-key inbox list 404", "setter", "GET", "/auth/api-key/inbox/" + NO_ROLE, None, 404),
    ("api-key inbox create 404 inbox", "setter", "POST", "/auth/api-key/inbox/" + NO_ROLE,
     INBOX_KEY, 404),
    ("api-key inbox create 201", "inbox_setter", "POST", "/auth/api-key/inbox/{inbox}",
     INBOX_KEY, 201),
    ("api-key inbox create 403 other inbox", "inbox_setter", "POST",
     "/auth/api-key/inbox/{other}", INBOX_KEY, 403),
    ("api-key inbox create 403 beyond the inbox", "inbox_setter", "POST",
     "/auth/api-key/inbox/{inbox}", {**INBOX_KEY, "roles": [{"role": "{view}"}]}, 403),
    ("api-key inbox create 201 a document that lies there", "inbox_setter", "POST",
     "/auth/api-key/inbox/{inbox}",
     {**INBOX_KEY, "roles": [{"role": "{review}", "document_id": "{document}"}]}, 201),
    ("api-key inbox create 403 a document that lies elsewhere", "setter", "POST",
     "/auth/api-key/inbox/{other}",
     {**INBOX_KEY, "roles": [{"role": "{review}", "document_id": "{document}"}]}, 403),
    ("api-key inbox create 403 a document under a false inbox", "setter", "POST",
     "/auth/api-key/inbox/{other}", {**INBOX_KEY, "roles": [
         {"role": "{review}", "inbox": "{other}", "document_id": "{document}"}]}, 403),
    ("api-key inbox create 404 role not found", "inbox_setter", "POST",
     "/auth/api-key/inbox/{inbox}",
     {**INBOX_KEY, "roles": [{"role": NO_ROLE, "inbox": "{inbox}"}]}, 404),
    ("api-key get 200", "setter", "GET", "/auth/api-key/{key}", None, 200),
    ("api-key get 403", "nobody", "GET", "/auth/api-key/{key}", None, 403),
    ("api-key get 404", "setter", "GET", "/auth/api-key/" + NO_ROLE, None, 404),
    ("api-key patch 200", "setter", "PATCH", "/auth/api-key/{fresh_key}", {"active": False}, 200),
    ("api-key patch 400 roles", "setter", "PATCH", "/auth/api-key/{fresh_key}", {"roles": []}, 400),
    ("api-key patch 403", "nobody", "PATCH", "/auth/api-key/{key}", {"active": False}, 403),
    ("api-key delete 204", "setter", "DELETE", "/auth/api-key/{fresh_key}", None, 204),
    ("api-key delete 403", "nobody", "DELETE", "/auth/api-key/{key}", None, 403),
    ("api-key delete 404", "setter", "DELETE", "/auth/api-key/" + NO_ROLE, None, 404),
    ("roles list 200", "nobody", "GET", "/roles", None, 200),
    ("roles get 200", "nobody", "GET", "/roles/{view}", None, 200),
    ("roles get 404", "nobody", "GET", "/roles/" + NO_ROLE, None, 404),
    ("roles create 201", "admin", "POST", "/roles",
     {"name": "{fresh}", "permissions": {"upload": True, "review": False}}, 201),
    ("roles create 400 unknown permission", "admin", "POST", "/roles",
     {"name": "{fresh}", "permissions": {"fly": True}}, 400),
    ("roles create 403", "nobody", "POST", "/roles", {"name": "{fresh}", "permissions": {}}, 403),
    ("roles create 403 more than one's own", "editor", "POST", "/roles",
     {"name": "{fresh}", "permissions": {"submit": True}}, 403),
    ("roles create 405 missing fields", "admin", "POST", "/roles", {"name": "{fresh}"}, 405),
    ("roles patch 200", "admin", "PATCH", "/roles/{fresh_role}", {"name": "{fresh}"}, 200),
    ("roles patch 403", "nobody", "PATCH", "/roles/{view}", {"name": "{fresh}"}, 403),
    ("roles patch 403 built in", "admin", "PATCH", "/roles/admin", {"name": "{fresh}"}, 403),
    ("roles patch 403 more than one's own", "editor", "PATCH", "/roles/{view}",
     {"permissions": {"submit": True}}, 403),
    ("roles patch 404", "admin", "PATCH", "/roles/" + NO_ROLE, {"name": "{fresh}"}, 404),
    ("roles delete 204", "admin", "DELETE", "/roles/{fresh_role}", None, 204),
    ("roles delete 403", "nobody", "DELETE", "/roles/{view}", None, 403),
    ("roles delete 404", "admin", "DELETE", "/roles/" + NO_ROLE, None, 404),
    ("users list 200", "admin", "GET", "/users", None, 200),
    ("users list 403", "nobody", "GET", "/users", None, 403),
    ("users get 200", "editor", "GET", "/users/{guest}", None, 200),
    ("users get 403", "nobody", "GET", "/users/{guest}", None, 403),
    ("users get 404", "admin", "GET", "/users/" + NO_ROLE, None, 404),
    ("users create 201", "admin", "POST", "/users", {**USER, "roles": [{"role": "{view}"}]}, 201),
    ("users create 400 missing", "admin", "POST", "/users", {"username": "{fresh}"}, 400),
    ("users create 403", "nobody", "POST", "/users", USER, 403),
    ("users create 403 more than one's own", "editor", "POST", "/users",
     {**USER, "roles": [{"role": "admin"}]}, 403),
    ("users create 406 role does not exist", "admin", "POST", "/users",
     {**USER, "roles": [{"role": NO_ROLE}]}, 406),
    ("users patch 200", "admin", "PATCH", "/users/{fresh_user}",
     {"username": "{fresh}", "roles": [{"role": "{view}", "inbox": "{inbox}"}]}, 200),
    ("users patch 400", "admin", "PATCH", "/users/{fresh_user}", {"roles": "all"}, 400),
    ("users patch 403", "nobody", "PATCH", "/users/{guest}", {"roles": []}, 403),
    ("users patch 403 more than one's own", "editor", "PATCH", "/users/{editor}",
     {"roles": [{"role": "admin"}]}, 403),
    ("users patch 404", "admin", "PATCH", "/users/" + NO_ROLE, {"roles": []}, 404),
    ("users delete 204", "admin", "DELETE", "/users/{fresh_user}", None, 204),
    ("users delete 403", "nobody", "DELETE", "/users/{guest}", None, 403),
    ("users delete 404", "admin", "DELETE", "/users/" + NO_ROLE, None, 404),
    ("users me 200", "nobody", "GET", "/users/me", None, 200),
    ("change_password 403 mismatch", "nobody", "POST", "/users/me/change_password",
     {"old_password": "x", "new_password": "y"}, 403),
    ("change_password 204", "nobody", "POST", "/users/me/change_password",
     {"old_password": "pass word", "new_password": "pass word"}, 204),
    ("inboxes list 200", "guest", "GET", "/inboxes", None, 200),
    ("inboxes create 201", "admin", "POST", "/inboxes",
     {"name": "{fresh}", "project": "b" * 24}, 201),
    ("inboxes create 403", "nobody", "POST", "/inboxes",
     {"name": "{fresh}", "project": "b" * 24}, 403),
    ("inboxes create 404 project", "admin", "POST", "/inboxes",
     {"name": "{fresh}", "project": "none"}, 404),
    ("inboxes get 200", "guest", "GET", "/inboxes/{inbox}", None, 200),
    ("inboxes get 403", "nobody", "GET", "/inboxes/{inbox}", None, 403),
    ("inboxes get 404", "admin", "GET", "/inboxes/" + NO_ROLE, None, 404),
    ("inboxes patch 200", "guest", "PATCH", "/inboxes/{other}", {"name": "{fresh}"}, 200),
    ("inboxes patch 403", "nobody", "PATCH", "/inboxes/{other}", {"name": "{fresh}"}, 403),
    ("inboxes patch 404", "admin", "PATCH", "/inboxes/" + NO_ROLE, {"name": "{fresh}"}, 404),
    ("inboxes delete 204", "admin", "DELETE", "/inboxes/{fresh_inbox}", None, 204),
    ("inboxes delete 403", "guest", "DELETE", "/inboxes/{inbox}", None, 403),
    ("inboxes delete 404", "admin", "DELETE", "/inboxes/" + NO_ROLE, None, 404),
    ("documents list 200", "guest", "GET", "/inboxes/{inbox}/documents", None, 200),
    ("documents list 403", "nobody", "GET", "/inboxes/{inbox}/documents", None, 403),
    ("documents list 404", "admin", "GET", f"/inboxes/{NO_ROLE}/documents", None, 404),
    ("documents paginated 200", "guest", "GET", "/inboxes/{inbox}/paginated?page=1&per_page=1",
     None, 200),
    ("documents paginated 400", "guest", "GET", "/inboxes/{inbox}/paginated?page=0", None, 400),
    ("documents paginated 403", "nobody", "GET", "/inboxes/{inbox}/paginated", None, 403),
    ("documents paginated 404", "admin", "GET", f"/inboxes/{NO_ROLE}/paginated", None, 404),
    ("documents get 200", "guest", "GET", "/documents/{document}", None, 200),
    ("documents get 403", "nobody", "GET", "/documents/{document}", None, 403),
    ("documents get 404", "admin", "GET", "/documents/none", None, 404),
    ("last_version 200", "guest", "GET", "/documents/{document}/last_version", None, 200),
    ("last_version 403", "nobody", "GET", "/documents/{document}/last_version", None, 403),
    ("text 200", "guest", "GET", "/documents/{document}/text", None, 200),
    ("text 403", "nobody", "GET", "/documents/{document}/text", None, 403),
    ("feedback 200", "guest", "POST", "/documents/{fresh_document}/feedback",
     {"evaluate": False}, 200),
    ("feedback 403", "nobody", "POST", "/documents/{document}/feedback", {}, 403),
    ("status_data 200", "guest", "POST", "/documents/{fresh_document}/status_data",
     {"lock": {"value": True}, "status_data": {"sampling": True, "ready_attempts": 2}}, 200),
    ("status_data 400 feedback is not set here", "guest", "POST",
     "/documents/{document}/status_data", {"status_data": {"feedback": True}}, 400),
    ("status_data 403", "nobody", "POST", "/documents/{document}/status_data",
     {"lock": {"value": True}}, 403),
    ("status_data 403 reading alone is not review", "reader", "POST",
     "/documents/{document}/status_data", {"lock": {"value": True}}, 403),
    ("projects 501", "admin", "GET", "/projects", None, 501),
    ("formats 501", None, "POST", "/formats", {}, 501),
    ("upload 501", "admin", "POST", "/documents/{inbox}", None, 501),
    ("unknown path 404", "admin", "GET", "/nothing/at/all", None, 404),
]


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("row", ROWS, ids=[row[0].replace(" ", "_") for row in ROWS])
def test_row(world, row, prefix):
    _, who, method, path, body, status = row
    if who and who.startswith("key "):
        who = "key " + fill(world, who[4:])
    elif who:
        who = fill(world, who)
    path, _, query = path.partition("?")
    answer = call(world, who, method, prefix + fill_path(world, path) + ("?" + query if query else ""),
                  fill(world, body))
    assert answer.status_code == status, answer.text
    if status >= 400:
        assert answer.json()["message"]
    if status == 501:
        assert prefix in answer.json()["message"]


def test_errors_of_validation_name_their_field(world):
    answer = call(world, "admin", "POST", "/admin/users", {"active": True, "roles": []})
    assert answer.json()["message"] == "Input payload validation failed"
    assert list(answer.json()["errors"]) == ["username"]


def test_storing_the_key_it_is_shown_once_and_its_id_afterwards(world):
    made = key(world)
    assert made["token"].startswith("ctl_") and made["active"] is True
    assert made["user"] == world.guest
    assert made["roles"] == [{"role": world.view, "inbox": world.inbox},
                             {"role": world.review, "document_id": world.document}]
    by_key = call(world, "admin", "GET", f"/admin/auth/api-key/{made['token']}").json()
    assert len(by_key["token"]) == 24
    assert call(world, "admin", "GET", f"/admin/auth/api-key/{by_key['token']}").json() == by_key
    assert by_key in call(world, "admin", "GET", "/admin/auth/api-key").json()
    assert by_key in call(world, "inbox_setter", "GET",
                          f"/admin/auth/api-key/inbox/{world.inbox}").json()
    text = "\n".join(world.daemon.output)
    assert made["token"] not in text


def test_expire_at_is_taken_with_and_without_an_offset(world):
    at = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) + \
        datetime.timedelta(hours=1)
    for text in (at.isoformat(), at.replace(tzinfo=None).isoformat()):
        assert key(world, expire_at=text)["expire_at"] == at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    life = datetime.datetime.fromisoformat(key(world)["expire_at"][:-1] + "+00:00") - at
    assert life > datetime.timedelta(days=364), "no expiry asked for: longest_life"


def test_active_false_suspends_and_true_resumes(world):
    made = key(world)["token"]
    path = f"/admin/documents/{world.document}"
    session = open_session(world, made)
    assert call(world, "admin", "PATCH", f"/admin/auth/api-key/{made}",
                {"active": False}).json()["active"] is False
    assert call(world, "key " + made, "GET", path).status_code == 401
    assert call(world, session, "GET", path).status_code == 401
    call(world, "admin", "PATCH", f"/admin/auth/api-key/{made}", {"active": True})
    assert call(world, "key " + made, "GET", path).status_code == 200
    assert key(world, active=False)["active"] is False


def open_session(world, made):
    answer = call(world, "key " + made, "POST", "/admin/auth/ephemeral")
    assert answer.status_code == 201, answer.text
    return "bearer " + answer.json()["authentication_token"]


def test_ephemeral_404_user_not_found_is_a_401_since_a_key_ends_with_its_user(world):
    who = user(world, name(world, "gone"), {"role": world.view})
    made = create(world, "/admin/auth/api-key", {"user": who, "roles": [{"role": world.view}]})
    assert call(world, "admin", "DELETE", f"/admin/users/{who}").status_code == 204
    assert call(world, "key " + made["token"], "POST", "/admin/auth/ephemeral").status_code == 401


def test_session_is_opened_by_a_key_alone_for_15_minutes_and_never_past_the_key(world):
    def life(token):
        claims = jwt.decode(token.removeprefix("bearer "), options={"verify_signature": False})
        return claims["exp"] - claims["iat"]

    soon = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=5)
    short = key(world, expire_at=soon.isoformat())["token"]
    assert life(open_session(world, key(world)["token"])) == 15 * 60
    assert 4 * 60 < life(open_session(world, short)) <= 5 * 60
    assert life("bearer " + login(world)) == 8 * 3600


def test_roles_of_a_key_are_the_bound_users_own_by_id_and_fixed(world):
    """Equal permissions are not enough: the same role id, and no wider."""
    twin = role(world, "view_list")
    for roles in ([{"role": twin}], [{"role": twin, "inbox": world.inbox}]):
        answer = call(world, "setter", "POST", "/admin/auth/api-key",
                      {"user": world.guest, "roles": roles})
        assert answer.status_code == 403, answer.text
    made = key(world)
    answer = call(world, "admin", "PATCH", f"/admin/auth/api-key/{made['token']}",
                  {"roles": made["roles"], "active": False})
    assert answer.status_code == 400
    assert call(world, "admin", "GET", f"/admin/auth/api-key/{made['token']}").json()["active"]


def test_mark_done_by_a_webhook_that_matches_a_rule(world):
    one = document(world)
    made = key(world, one)["token"]
    session = open_session(world, made)
    app = world.daemon.create_app(name(world, "dash"))
    answer = world.daemon.post("/v1/webhooks", headers=app.link(), json={
        "id": "1", "type": "document.done", "data": {"document_id": one}})
    assert answer.status_code == 204, answer.text
    for who in ("key " + made, session):
        assert call(world, who, "GET", f"/admin/documents/{one}").status_code == 401


def test_passwords_an_unknown_user_is_answered_alike_and_scrypt_is_what_is_stored(world):
    def attempt(username):
        began = time.monotonic()
        answer = call(world, None, "POST", "/admin/auth", {"username": username, "password": "no"})
        assert answer.status_code == 401
        return answer.text, time.monotonic() - began

    known = [attempt(user_name) for user_name in ("setter", "editor", "inbox_setter")]
    unknown = [attempt(name(world, "whoever")) for _ in range(3)]
    assert len({text for text, _ in known + unknown}) == 1
    fastest = [min(seconds for _, seconds in tries) for tries in (known, unknown)]
    assert max(fastest) < 4 * min(fastest), fastest  # without the work: a hundredth
    ((stored,),) = world.daemon.rows("SELECT password FROM users WHERE name = 'setter'")
    assert stored.startswith("$scrypt$ln=15,")


@pytest.mark.parametrize("where", ["header", "query"])
def test_a_key_is_taken_in_the_header_and_in_the_query(world, where):
    path = f"/admin/documents/{world.document}"
    if where == "query":
        answer = world.daemon.get(f"{path}?api_key={world.key}")
    else:
        answer = world.daemon.get(path, headers={"X-API-Key": world.key})
    assert answer.status_code == 200
    assert world.key not in "\n".join(world.daemon.output)
    native = world.daemon.get(f"/v1/keys?api_key={world.key}")
    assert native.status_code == 401, "on Contract.fit's paths alone"


@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_token_is_taken_with_and_without_the_word_bearer(world, prefix):
    token = world.daemon.post(f"{prefix}/auth", json={
        "username": "admin", "password": harness.PASSWORD}).json()["authentication_token"]

    def answers(value, path=f"{prefix}/users/me", **more):
        return world.daemon.get(path, headers={"Authorization": value, **more}).status_code

    assert answers(token) == answers(f"Bearer {token}") == 200
    assert answers(token[:-1]) == answers("Basic") == answers("x") == 401
    assert answers(token, **{"X-API-Key": world.key}) == 400
    assert answers(token, f"{prefix}/users/me?api_key={world.key}") == 400
    assert answers(token, "/v1/keys") == 401, "on Contract.fit's paths alone"
    assert answers(f"Bearer {token}", "/v1/keys") == 200


@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_key_twice_in_the_query_is_refused(world, prefix):
    path = f"{prefix}/documents/{world.document}"
    for second in (world.key, "x", ""):
        answer = world.daemon.get(f"{path}?api_key={world.key}&api_key={second}")
        assert answer.status_code == 400 and set(answer.json()) == {"message"}, answer.text


def test_session_is_bound_to_its_key_and_deleting_that_is_told_once(world):
    made = key(world)["token"]
    session = open_session(world, made)
    path = f"/admin/documents/{world.document}"
    assert call(world, session, "GET", path).status_code == 200
    assert call(world, "admin", "DELETE", f"/admin/auth/api-key/{made}").status_code == 204
    assert call(world, session, "GET", path).status_code == 401
    assert call(world, "key " + made, "GET", path).status_code == 401
    assert call(world, "admin", "DELETE", f"/admin/auth/api-key/{made}").status_code == 404
    assert call(world, "admin", "GET", f"/admin/auth/api-key/{made}").status_code == 404


def test_mark_done_ends_the_documents_keys_and_the_tombstone_refuses_new_ones(world):
    one = document(world)
    made = key(world, one)["token"]
    session = open_session(world, made)
    answer = call(world, session, "POST", f"/admin/documents/{one}/feedback", {})
    assert answer.json()["status_data"]["feedback"] is True
    assert call(world, session, "GET", f"/admin/documents/{one}").status_code == 401
    assert call(world, "key " + made, "GET", f"/admin/documents/{one}").status_code == 401
    again = call(world, "admin", "POST", "/admin/auth/api-key",
                 {"user": world.guest, "roles": [{"role": world.review, "document_id": one}]})
    assert again.status_code == 409
    world.daemon.post(f"/v1/documents/{one}/reopen", auth="admin")
    key(world, one)


def test_a_key_reaches_its_document_and_inbox_alone(world):
    made = "key " + key(world)["token"]
    second = document(world)
    assert call(world, made, "GET", f"/admin/documents/{second}").status_code == 403
    assert call(world, made, "GET", f"/admin/inboxes/{world.other}").status_code == 403
    listed = call(world, made, "GET", "/admin/inboxes").json()
    assert [inbox["id"] for inbox in listed] == [world.inbox]


def test_a_lock_says_who_and_since_when_and_others_may_not_take_it(world):
    one = document(world)
    path = f"/admin/documents/{one}/status_data"
    lock = call(world, "guest", "POST", path, {"lock": {"value": True}}).json()["lock"]
    assert lock["value"] is True and lock["by"] == world.guest and lock["since"]
    other = user(world, name(world, "reviewer"), {"role": world.review})
    username = call(world, "admin", "GET", f"/admin/users/{other}").json()["username"]
    assert call(world, username, "POST", path, {"lock": {"value": True}}).status_code == 409
    assert call(world, username, "POST", path, {"lock": {"value": False}}).status_code == 403
    assert call(world, "admin", "POST", path, {"lock": {"value": False}}).status_code == 200
    taken = call(world, username, "POST", path, {"lock": {"value": True}})
    assert taken.json()["lock"]["by"] == other


def test_by_and_since_are_not_the_callers_to_say(world):
    one = document(world)
    answer = call(world, "guest", "POST", f"/admin/documents/{one}/status_data",
                  {"escalate": {"value": True, "by": "f" * 24, "since": FAR}})
    assert answer.json()["escalate"]["by"] == world.guest
    assert answer.json()["escalate"]["since"] != FAR


def test_a_role_has_fifty_permissions_and_changes_reach_who_holds_it(world):
    one = role(world, "view_list")
    shown = call(world, "admin", "GET", f"/admin/roles/{one}").json()
    assert len(shown["permissions"]) == 50 and sum(shown["permissions"].values()) == 1
    who = user(world, name(world, "member"), {"role": one})
    username = call(world, "admin", "GET", f"/admin/users/{who}").json()["username"]
    path = f"/admin/documents/{world.document}"
    assert call(world, username, "GET", path).status_code == 403
    call(world, "admin", "PATCH", f"/admin/roles/{one}", {"permissions": {"review": True}})
    assert call(world, username, "GET", path).status_code == 200
    assert call(world, "admin", "DELETE", f"/admin/roles/{one}").status_code == 204
    assert call(world, username, "GET", path).status_code == 403


def test_a_deleted_inbox_takes_its_documents_and_keys_along(world):
    inbox = create(world, "/admin/inboxes", {"name": name(world), "project": "a" * 24})["id"]
    one = world.daemon.post("/v1/documents", auth="admin",
                            json={"inbox": inbox, "name": "x"}).json()["id"]
    made = key(world, one)["token"]
    assert call(world, "admin", "DELETE", f"/admin/inboxes/{inbox}").status_code == 204
    assert call(world, "key " + made, "GET", "/admin/inboxes").status_code == 401
    assert call(world, "admin", "GET", f"/admin/documents/{one}").status_code == 404


def test_a_password_ends_the_sessions_that_it_opened(world):
    username = name(world, "member")
    user(world, username)
    session = "bearer " + login(world, username, "pass word")
    assert call(world, session, "GET", "/admin/users/me").json()["username"] == username
    changed = call(world, session, "POST", "/admin/users/me/change_password",
                   {"old_password": "pass word", "new_password": "another"})
    assert changed.status_code == 204
    assert call(world, session, "GET", "/admin/users/me").status_code == 401
    login(world, username, "another")


def test_a_password_ends_what_it_opened_by_basic(world):
    username, other = name(world, "member"), name(world, "member")
    user(world, other)
    user(world, username, {"role": role(world, "edit_users")}, {"role": world.view})

    def token(**body):
        answer = call(world, username, "POST", "/admin/auth/token", body)
        assert answer.status_code == 201, answer.text
        return "bearer " + answer.json()["authentication_token"]

    opened = [token(username=username), token(username=other),
              token(username=username, roles=[{"role": world.view}])]
    for session in opened:
        assert call(world, session, "GET", "/admin/users/me").status_code == 200
    assert call(world, username, "POST", "/admin/users/me/change_password",
                {"old_password": "pass word", "new_password": "another"}).status_code == 204
    for session in opened:
        assert call(world, session, "GET", "/admin/users/me").status_code == 401


def test_a_token_with_roles_is_cut_to_them(world):
    answer = call(world, "admin", "POST", "/admin/auth/token",
                  {"username": "guest", "roles": [{"role": world.view, "inbox": world.inbox}]})
    session = "bearer " + answer.json()["authentication_token"]
    assert call(world, session, "GET", f"/admin/inboxes/{world.inbox}").status_code == 200
    assert call(world, session, "GET", f"/admin/documents/{world.document}").status_code == 403


def test_logout_ends_the_token(world):
    session = "bearer " + login(world)
    assert call(world, session, "POST", "/admin/auth/logout").status_code == 204
    assert call(world, session, "GET", "/admin/users/me").status_code == 401


def masked(world, mask, path):
    return world.daemon.session.get(world.daemon.url(path), auth=("admin", harness.PASSWORD),
                                    headers={"X-Fields": mask})


@pytest.mark.parametrize("mask, expected", [
    ("{id}", {"id"}), ("id,name", {"id", "name"}), ("{id, missing}", {"id"}),
    ("*", {"id", "name", "permissions"}), ("{permissions{upload}, *}",
                                           {"id", "name", "permissions"})])
def test_x_fields_masks_the_answer(world, mask, expected):
    shown = masked(world, mask, f"/admin/roles/{world.view}").json()
    assert set(shown) == expected
    if "upload" in mask:
        assert shown["permissions"] == {"upload": False}
    for one in masked(world, mask, "/admin/roles").json():
        assert set(one) == expected


@pytest.mark.parametrize("mask", ["{id", "id}", ",id", "{id}}", "{{id}}", "a{" * 20 + "}" * 20])
def test_a_mask_that_cannot_be_read_is_refused(world, mask):
    answer = masked(world, mask, "/admin/roles")
    assert answer.status_code == 400 and "X-Fields" in answer.json()["message"]


def test_a_key_made_inactive_is_told_of_as_its_schema_has_it(world):
    before = len(world.daemon.journal("keys"))
    key(world, active=False)
    assert [e["data"]["state"] for e in world.daemon.journal("keys")[before:]] == ["suspended"]


def test_the_audit_tells_of_it_without_the_key(world):
    made = key(world)["token"]
    call(world, "admin", "DELETE", f"/admin/auth/api-key/{made}")
    listed = world.daemon.get("/v1/events?topic=audit&limit=1000", auth="admin").text
    assert "key.revoke" in listed and made not in listed


def test_a_key_where_an_id_is_meant_is_neither_kept_nor_told(world):
    made = key(world)["token"]
    assert call(world, "admin", "POST", f"/admin/documents/{made}/feedback", {}).status_code == 404
    assert call(world, "admin", "POST", f"/v1/documents/{made}/done").status_code == 400
    assert call(world, "nobody", "DELETE", f"/admin/users/{made}").status_code == 403
    assert call(world, "nobody", "POST", f"/admin/documents/{made}/status_data",
                {}).status_code == 404
    world.daemon.post(f"/v1/webhooks/{made}/replay", auth="admin")
    world.daemon.delete(f"/v1/admin/users/{made}", auth="admin")
    assert made not in json.dumps(world.daemon.journal())
    assert world.daemon.rows("SELECT count(*) FROM documents WHERE id = ?", made) == [(0,)]


def test_another_face_does_not_serve_it(make_daemon):
    daemon = make_daemon({'listen "public"': {"faces": ["native", "health"]}})
    assert daemon.get("/admin/users", auth="admin").status_code == 404
    assert daemon.get("/").status_code == 404
