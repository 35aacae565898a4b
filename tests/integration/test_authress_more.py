"""Authress's invites, resource configuration, claims and access requests: one row, one test."""

import types
from urllib.parse import quote

import harness
import issuers
import pytest

OWNER = "Authress:Owner"
DAY = 86400


def name(w, stem="x"):
    w.n += 1
    return f"{stem}-{w.n}"


def call(w, who, method, path, body=None, **arguments):
    if who:
        arguments["auth"] = "admin" if who == "admin" else (who, "pass word")
    return w.daemon.request(method, path, json=body, **arguments)


def create(w, path, body, who="admin", status=201):
    answer = call(w, who, "POST", path, body)
    assert answer.status_code == status, answer.text
    return answer.json()


def user(w, username, *grants):
    return w.daemon.ask("POST", "/v1/admin/users", {
        "name": username, "password": "pass word", "roles": list(grants)})["id"]


def statements(*resources, roles=(OWNER,)):
    return [{"roles": list(roles), "resources": [{"resourceUri": r} for r in resources]}]


def world_on(daemon):
    w = types.SimpleNamespace(daemon=daemon, n=0)
    w.nobody = user(w, "nobody")
    w.other = user(w, "other")
    w.owner = user(w, "owner", {"role": OWNER, "resource": "shared"})
    w.reader = user(w, "reader", {"permission": "read", "resource": "shared"},
                    {"permission": "read", "resource": "Authress:AccessRequests"})
    w.keeper = user(w, "keeper", {"permission": "update", "resource": "Authress:AccessRequests"},
                    {"permission": "read", "resource": "Authress:AccessRequests"},
                    {"permission": "delete", "resource": "Authress:Invites"})
    assert call(w, "admin", "PUT", "/v1/resources/claims",
                permissions(CLAIM=True)).status_code == 200
    w.invite = create(w, "/v1/invites", {"statements": statements("shared/i")}, "owner")["inviteId"]
    w.request = create(w, "/v1/requests", request(w.nobody, "shared/r"), "nobody")["requestId"]
    create(w, "/v1/claims", {"collectionResource": "claims", "resourceId": "taken"}, "owner")
    return w


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    daemon = harness.Daemon(tmp_path_factory.mktemp("more"))
    daemon.init()
    daemon.start()
    yield world_on(daemon)
    daemon.destroy()


def permissions(**allowed):
    return {"permissions": [{"action": a, "allow": v} for a, v in allowed.items()]}


def request(user_id, *resources, **members):
    return {"access": {"users": [{"userId": user_id}], "statements": statements(*resources)},
            **members}


def claim(collection, resource):
    return {"collectionResource": collection, "resourceId": resource}


def may(w, user_id, resource, action="READ"):
    path = f"/v1/users/{quote(user_id, '')}/resources/{quote(resource, '')}/permissions/" + \
        quote(action, "")
    status = call(w, "admin", "GET", path).status_code
    assert status in (200, 404)
    return status == 200


def is_refused(answer, status, code=None):
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/links+json"
    error = answer.json()
    assert error["title"] and error["errorId"] == answer.headers["X-Request-Id"]
    assert code in (None, error["errorCode"]), error
    return error


LARGE = statements(*(f"a/{n}" for n in range(51)), roles=(OWNER, "admin"))  # 102


# ---- what is answered: who, method, path, body, status, errorCode ----

def rows(w):
    invites, requests = f"/v1/invites/{w.invite}", f"/v1/requests/{w.request}"
    return {
        "create_invite 201": ("owner", "POST", "/v1/invites",
                              {"statements": statements("shared/a")}, 201),
        "create_invite 201 with an id that is ignored": (
            "owner", "POST", "/v1/invites", {"inviteId": "", "statements": statements("shared/a")},
            201),
        "create_invite 401": (None, "POST", "/v1/invites", {"statements": statements("a")}, 401),
        "create_invite 403": ("nobody", "POST", "/v1/invites", {"statements": statements("a")}, 403),
        "create_invite 403 too many permissions": (
            "owner", "POST", "/v1/invites", {"statements": statements("shared", "a")}, 403),
        "create_invite 403 a life of one's own": (
            "owner", "POST", "/v1/invites", {"statements": statements("shared"),
                                             "expiryTime": w.soon}, 403),
        "create_invite 201 a life of one's own": (
            "admin", "POST", "/v1/invites", {"statements": statements("shared"),
                                             "expiryTime": w.soon}, 201),
        "create_invite 413 more than a hundred": (
            "admin", "POST", "/v1/invites",
            {"statements": LARGE}, 413, "RecordTooLarge"),
        "create_invite 201 a hundred": (
            "admin", "POST", "/v1/invites",
            {"statements": statements(*(f"a/{n}" for n in range(100)))}, 201),
        "create_invite 400 no statements": ("admin", "POST", "/v1/invites", {"statements": []}, 400),
        "create_invite 400 users": (
            "admin", "POST", "/v1/invites",
            {"statements": [{**statements("a")[0], "users": [{"userId": "u"}]}]}, 400),
        "create_invite 400 expiry": ("admin", "POST", "/v1/invites",
                                     {"statements": statements("a"),
                                      "expiryTime": "2020-01-01T00:00:00Z"}, 400),
        "create_invite 400 role": ("owner", "POST", "/v1/invites",
                                   {"statements": statements("shared", roles=["none"])}, 400),
        "get_invite 200": ("nobody", "GET", invites, None, 200),
        "get_invite 401": (None, "GET", invites, None, 401),
        "get_invite 404": ("admin", "GET", "/v1/invites/inv_none", None, 404),
        "respond_to_invite 401": (None, "PATCH", invites, {}, 401),
        "respond_to_invite 404": ("nobody", "PATCH", "/v1/invites/inv_none", {}, 404),
        "delete_invite 401": (None, "DELETE", invites, None, 401),
        "delete_invite 403": ("nobody", "DELETE", invites, None, 403),
        "delete_invite 404": ("admin", "DELETE", "/v1/invites/inv_none", None, 404),

        "update_permissioned_resource 200": (
            "owner", "PUT", "/v1/resources/shared%2Fp", permissions(PUBLIC=True), 200),
        "update_permissioned_resource 401": (
            None, "PUT", "/v1/resources/shared%2Fp", permissions(PUBLIC=True), 401),
        "update_permissioned_resource 403 with other permissions": (
            "reader", "PUT", "/v1/resources/shared%2Fp", permissions(PUBLIC=True), 403),
        "update_permissioned_resource 404": (
            "nobody", "PUT", "/v1/resources/shared%2Fq", permissions(PUBLIC=True), 404),
        "update_permissioned_resource 400 action": (
            "owner", "PUT", "/v1/resources/shared", permissions(READ=True), 400),
        "update_permissioned_resource 400 allow": (
            "owner", "PUT", "/v1/resources/shared", permissions(PUBLIC="yes"), 400),
        "update_permissioned_resource 400 none": (
            "owner", "PUT", "/v1/resources/shared", {"permissions": []}, 400),
        "update_permissioned_resource 400 pattern": (
            "admin", "PUT", "/v1/resources/a%2F*", permissions(PUBLIC=True), 400),
        "update_permissioned_resource 400 everything": (
            "admin", "PUT", "/v1/resources/*", permissions(PUBLIC=True), 400),
        "get_permissioned_resource 200": ("reader", "GET", "/v1/resources/shared", None, 200),
        "get_permissioned_resource 401": (None, "GET", "/v1/resources/shared", None, 401),
        "get_permissioned_resource 404": ("nobody", "GET", "/v1/resources/shared", None, 404),
        "get_permissioned_resources 200": ("admin", "GET", "/v1/resources", None, 200),
        "get_permissioned_resources 200 for nobody": ("nobody", "GET", "/v1/resources", None, 200),
        "get_permissioned_resources 401": (None, "GET", "/v1/resources", None, 401),
        "get_permissioned_resources 400": ("admin", "GET", "/v1/resources?x=1", None, 400,
                                           "InvalidRequest"),
        "get_resource_users 200": ("reader", "GET", "/v1/resources/shared/users", None, 200),
        "get_resource_users 401": (None, "GET", "/v1/resources/shared/users", None, 401),
        "get_resource_users 404": ("nobody", "GET", "/v1/resources/shared/users", None, 404),

        "create_claim 201": ("nobody", "POST", "/v1/claims", claim("claims", name(w)), 201),
        "create_claim 201 with slashes": ("nobody", "POST", "/v1/claims",
                                          claim("/claims/", name(w)), 201),
        "create_claim 401": (None, "POST", "/v1/claims", claim("claims", "a"), 401),
        "create_claim 403 not marked": ("nobody", "POST", "/v1/claims", claim("shared", "a"), 403,
                                        "NotClaimable"),
        "create_claim 403 beneath what is marked": (
            "nobody", "POST", "/v1/claims", claim("claims/taken", "a"), 403, "NotClaimable"),
        "create_claim 409": ("nobody", "POST", "/v1/claims", claim("claims", "taken"), 409,
                             "AlreadyClaimed"),
        "create_claim 409 one's own": ("owner", "POST", "/v1/claims", claim("claims", "taken"), 409,
                                       "AlreadyClaimed"),
        "create_claim 400 path": ("nobody", "POST", "/v1/claims", claim("claims", "a/b"), 400),
        "create_claim 400 pattern": ("nobody", "POST", "/v1/claims", claim("claims", "*"), 400),
        "create_claim 400 part pattern": ("nobody", "POST", "/v1/claims", claim("claims", "a:*"),
                                          400),
        "create_claim 400 none": ("nobody", "POST", "/v1/claims", {"resourceId": "a"}, 400),

        "create_request 201": ("nobody", "POST", "/v1/requests", request("u", "shared/x"), 201),
        "create_request 201 for what one may not give": (
            "nobody", "POST", "/v1/requests", request("u", "secret"), 201),
        "create_request 401": (None, "POST", "/v1/requests", request("u", "shared/x"), 401),
        "create_request 413": (
            "nobody", "POST", "/v1/requests",
            {"access": {"users": [{"userId": "u"}], "statements": LARGE}}, 413, "RecordTooLarge"),
        "create_request 422 no access": ("nobody", "POST", "/v1/requests", {}, 422),
        "create_request 422 no users": (
            "nobody", "POST", "/v1/requests",
            {"access": {"users": [], "statements": statements("a")}}, 422),
        "create_request 422 101 users": (
            "nobody", "POST", "/v1/requests",
            {"access": {"users": [{"userId": f"u{n}"} for n in range(101)],
                        "statements": statements("a")}}, 422),
        "create_request 422 no statements": (
            "nobody", "POST", "/v1/requests",
            {"access": {"users": [{"userId": "u"}], "statements": []}}, 422),
        "create_request 422 resource": ("nobody", "POST", "/v1/requests", request("u", "a//b"), 422),
        "create_request 422 tags": ("nobody", "POST", "/v1/requests",
                                    request("u", "a", tags={"a": 1}), 422),
        "get_request 200": ("nobody", "GET", requests, None, 200),
        "get_request 200 to read": ("reader", "GET", requests, None, 200),
        "get_request 200 to give": ("owner", "GET", requests, None, 200),
        "get_request 401": (None, "GET", requests, None, 401),
        "get_request 404": ("other", "GET", requests, None, 404),
        "get_request 404 none": ("admin", "GET", "/v1/requests/none", None, 404),
        "get_requests 200": ("admin", "GET", "/v1/requests?limit=2", None, 200),
        "get_requests 200 by status": ("admin", "GET", "/v1/requests?status=OPEN", None, 200),
        "get_requests 401": (None, "GET", "/v1/requests", None, 401),
        "get_requests 400 status": ("admin", "GET", "/v1/requests?status=GONE", None, 400,
                                    "InvalidRequest"),
        "respond_to_access_request 401": (None, "PATCH", requests, {"status": "DENIED"}, 401),
        "respond_to_access_request 403 one's own": (
            "nobody", "PATCH", requests, {"status": "APPROVED"}, 403),
        "respond_to_access_request 403 to deny": (
            "reader", "PATCH", requests, {"status": "DENIED"}, 403),
        "respond_to_access_request 403 not to give": (
            "keeper", "PATCH", requests, {"status": "APPROVED"}, 403),
        "respond_to_access_request 404": ("other", "PATCH", requests, {"status": "DENIED"}, 404),
        "respond_to_access_request 400": ("owner", "PATCH", requests, {"status": "OPEN"}, 400),
        "delete_request 401": (None, "DELETE", requests, None, 401),
        "delete_request 403": ("reader", "DELETE", requests, None, 403),
        "delete_request 404": ("other", "DELETE", requests, None, 404),
    }


class Names:
    """Stands in for the world where only the rows' names are wanted."""
    n = 0
    invite = request = soon = nobody = "x"


@pytest.mark.parametrize("row", rows(Names()))
def test_a_call_is_answered_as_the_facts_say(world, row):
    world.soon = later(world, DAY)
    who, method, path, body, status, *code = rows(world)[row]
    answer = call(world, who, method, path, body)
    if status >= 400:
        is_refused(answer, status, *code)
    else:
        assert answer.status_code == status, answer.text
        assert answer.headers["Content-Type"] == "application/links+json"


def later(w, seconds):
    import datetime
    offset = w.daemon.clock.offset_seconds if w.daemon.clock else 0
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds + offset)
    return at.isoformat().replace("+00:00", "Z")


def actions(w):
    return [event["data"].get("action") for event in w.daemon.journal("audit")
            if event["data"].get("outcome") == "success"]


# ---- invites ----

def invite(w, *resources, who="owner", **members):
    return create(w, "/v1/invites", {"statements": statements(*resources), **members},
                  who)["inviteId"]


def accept(w, invite_id, who="other"):
    return call(w, who, "PATCH", f"/v1/invites/{invite_id}", {})


def test_an_invite_gives_its_statements_to_whoever_accepts_it_once(world):
    made = create(world, "/v1/invites", {"statements": statements("shared/once")}, "owner")
    shown = call(world, "nobody", "GET", f"/v1/invites/{made['inviteId']}").json()
    assert shown == made
    assert made["links"]["self"]["href"].endswith("/v1/invites/" + made["inviteId"])
    assert not may(world, world.other, "shared/once")
    answer = accept(world, made["inviteId"])
    assert answer.status_code == 200 and answer.json()["accountId"] == "acc-chatelaine-local"
    assert may(world, world.other, "shared/once/deep", "documents:read")
    is_refused(accept(world, made["inviteId"], "nobody"), 404, "InviteNotFound")
    assert not may(world, world.nobody, "shared/once")
    record = call(world, "admin", "GET", "/v1/records/" + answer.json()["recordId"]).json()
    assert record["users"] == [{"userId": world.other}]
    assert record["admins"] == [{"userId": world.owner}], "not its maker's"
    assert {"invite.create", "invite.accept"} <= set(actions(world))


def test_the_name_of_an_invite_is_a_secret(world):
    name_of = invite(world, "shared/secret")
    assert accept(world, name_of).status_code == 200
    unused = invite(world, "shared/secret")
    call(world, "nobody", "DELETE", f"/v1/invites/{unused}")
    files = b"".join(f.read_bytes() for f in world.daemon.state.glob("chatelaine.db*"))
    journal = world.daemon.get("/v1/events?limit=1000", auth="admin").text
    for secret in (name_of, unused):
        assert secret.encode() not in files
        assert secret not in journal and secret not in "\n".join(world.daemon.output)


def test_an_invite_that_is_deleted_is_over(world):
    for who in ("owner", "keeper"):
        one = invite(world, "shared/deleted")
        assert call(world, who, "DELETE", f"/v1/invites/{one}").status_code == 204
        is_refused(accept(world, one), 404)
        is_refused(call(world, who, "DELETE", f"/v1/invites/{one}"), 404)


def test_a_client_accepts_no_invite(world):
    made = world.daemon.ask("POST", "/v1/admin/clients", {"name": name(world)})
    one = invite(world, "shared/client")
    answer = world.daemon.patch(f"/v1/invites/{one}", json={},
                                auth=(made["client_id"], made["client_secret"]))
    is_refused(answer, 403)


def test_a_key_accepts_no_invite_and_claims_nothing_for_its_user(world):
    key = world.daemon.mint("other")["key"]
    one = invite(world, "shared/key")
    headers = {"X-API-Key": key}
    is_refused(world.daemon.patch(f"/v1/invites/{one}", json={}, headers=headers), 403)
    is_refused(world.daemon.post("/v1/claims", json=claim("claims", name(world)), headers=headers),
               403)
    is_refused(world.daemon.post("/v1/requests", json=request(world.other, "shared/key"),
                                 headers=headers), 403)
    assert not may(world, world.other, "shared/key")


def test_an_invite_ends_with_what_its_maker_may_give(world):
    maker = user(world, name(world, "maker"), {"role": OWNER, "resource": "lent"})
    username = f"maker-{world.n}"
    one, two = (invite(world, "lent/a", who=username) for _ in range(2))
    assert accept(world, one).status_code == 200
    world.daemon.ask("PATCH", f"/v1/admin/users/{maker}", {"roles": []})
    is_refused(accept(world, two), 404, "InviteNotFound")
    world.daemon.ask("PATCH", f"/v1/admin/users/{maker}",
                     {"roles": [{"role": OWNER, "resource": "lent"}], "active": False})
    is_refused(accept(world, two), 404, "InviteNotFound")
    world.daemon.ask("PATCH", f"/v1/admin/users/{maker}", {"active": True})
    assert accept(world, two).status_code == 200


def test_an_invite_ends_with_the_key_that_made_it(world):
    minted = world.daemon.mint("admin", grants=[{"role": "admin", "resource": "*"}])
    answer = world.daemon.post("/v1/invites", json={"statements": statements("shared/bykey")},
                               headers={"X-API-Key": minted["key"]})
    assert answer.status_code == 201, answer.text
    world.daemon.revoke(minted["id"])
    is_refused(accept(world, answer.json()["inviteId"]), 404, "InviteNotFound")


def test_one_maker_has_a_thousand_open_invites_at_most(make_daemon):
    w = types.SimpleNamespace(daemon=make_daemon(), n=0)
    for n in range(1000):
        create(w, "/v1/invites", {"statements": statements("a")})
    is_refused(call(w, "admin", "POST", "/v1/invites", {"statements": statements("a")}), 429,
               "TooManyInvites")


def test_an_invite_expires_after_seven_days(make_daemon):
    w = world_on(make_daemon(faketime=True))
    week = 7 * DAY
    first, second = invite(w, "shared/a"), invite(w, "shared/b")
    month = invite(w, "shared/c", who="admin", expiryTime=later(w, 29 * DAY))
    w.daemon.clock.step_to(week - 60)
    assert accept(w, first).status_code == 200
    w.daemon.clock.step_to(week + 60)
    is_refused(accept(w, second), 404, "InviteNotFound")
    is_refused(call(w, "owner", "GET", f"/v1/invites/{second}"), 404)
    assert accept(w, month).status_code == 200
    left = w.daemon._wait(lambda: not w.daemon.rows("SELECT id FROM invites"),
                          "its rows are not forgotten")
    assert left


def test_the_user_of_another_issuer_accepts_an_invite(make_daemon):
    issuer = issuers.Issuer()
    try:
        daemon = make_daemon({'trust "login"': issuer.config})
        daemon.wait_event("trust.fetched")
        w = world_on(daemon)
        ann = issuer.bearer("auth0|ann")
        one = invite(w, "shared/trusted")
        answer = daemon.patch(f"/v1/invites/{one}", json={}, headers=ann)
        assert answer.status_code == 200, answer.text
        own = "/v1/users/auth0%7Cann/resources/shared%2Ftrusted/permissions/READ"
        assert daemon.get(own, headers=ann).status_code == 200, "one may ask about oneself"
        assert daemon.get(own.replace("ann", "bob"), headers=ann).status_code == 403
        assert daemon.get(own, headers=issuer.bearer("auth0|bob")).status_code == 403
        assert daemon.post("/v1/claims", json=claim("claims", "mine"),
                           headers=ann).status_code == 201
        assert may(w, "auth0|ann", "claims/mine", "anything")
    finally:
        issuer.stop()


# ---- resource configuration ----

def configure(w, resource, who="admin", **allowed):
    answer = call(w, who, "PUT", f"/v1/resources/{quote(resource, '')}", permissions(**allowed))
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_public_resource_is_read_by_everybody_and_nothing_else(world):
    where = name(world, "open")
    assert not may(world, "anyone", where)
    assert configure(world, f"/{where}/", PUBLIC=True) == {
        "resourceUri": where, "permissions": [{"action": "CLAIM", "allow": False},
                                              {"action": "PUBLIC", "allow": True}]}
    for resource in (where, where + "/deep/er"):
        assert may(world, "anyone", resource) and may(world, "anyone", resource, "documents:read")
        for action in ("write", "documents:write", "documents", "*", "reading", "read:deep:x",
                       "documents:*"):
            assert may(world, "anyone", resource, action) == (action == "read:deep:x"), action
    assert not may(world, "anyone", where + "x") and not may(world, "anyone", where[:-1])
    configure(world, where, PUBLIC=False)
    assert not may(world, "anyone", where)
    assert "resource.configure" in actions(world)


def test_what_is_public_is_told_by_permissions_and_explain(world):
    where = name(world, "open")
    configure(world, where, PUBLIC=True)
    answer = call(world, "admin", "GET", f"/v1/users/anyone/resources/{where}/permissions").json()
    assert answer["permissions"] == [{"action": "read", "allow": True, "grant": False,
                                      "delegate": False}]
    why = call(world, "admin", "GET",
               f"/v1/users/anyone/resources/{where}/permissions/read?explain=1").json()["explain"]
    assert why == {"action": "read", "resourceUri": where, "public": True}


def test_public_opens_nothing_of_this_server(world):
    document = world.daemon.ask("POST", "/v1/inboxes", {"name": name(world, "inbox")})["id"]
    made = world.daemon.ask("POST", "/v1/documents", {"inbox": document, "name": "d"})["id"]
    configure(world, f"documents/{made}", PUBLIC=True)
    assert may(world, "anyone", f"documents/{made}", "documents:read")
    assert call(world, "nobody", "GET", f"/v1/documents/{made}").status_code in (403, 404)


def test_a_deactivated_user_reads_nothing_public(world):
    gone = user(world, name(world, "gone"))
    where = name(world, "open")
    configure(world, where, PUBLIC=True)
    assert may(world, gone, where)
    world.daemon.ask("PATCH", f"/v1/admin/users/{gone}", {"active": False})
    assert not may(world, gone, where)


def test_configurations_are_listed_for_those_who_may_read_them(world):
    stem = name(world, "list")
    for n in range(5):
        configure(world, f"shared/{stem}/{n}", who="owner", PUBLIC=True)
    configure(world, f"hidden-{stem}", PUBLIC=True)

    def listed(who):
        found, path = [], "/v1/resources?limit=2"
        while path:
            page = call(world, who, "GET", path).json()
            found += [one["resourceUri"] for one in page["resources"]]
            following = page["pagination"].get("next")
            path = following and "/v1/resources?limit=2&cursor=" + following["cursor"]
        return [one for one in found if stem in one]

    assert listed("owner") == listed("reader") == [f"shared/{stem}/{n}" for n in range(5)]
    assert listed("admin") == [f"hidden-{stem}"] + [f"shared/{stem}/{n}" for n in range(5)]
    assert listed("nobody") == []


def test_the_users_of_a_resource_are_those_named_on_it(world):
    where = name(world, "shared/u")
    group = create(world, "/v1/groups", {"name": "g", "users": [{"userId": "in-group"}]})["groupId"]
    for members in ({"users": [{"userId": "direct"}]}, {"groups": [{"groupId": group}]}):
        create(world, "/v1/records", {"name": "r", "statements": statements(where), **members})
    create(world, "/v1/records", {"name": "r", "users": [{"userId": "beneath"}],
                                  "statements": statements(where + "/a")})
    found, cursor = [], ""
    while cursor is not None:
        page = call(world, "owner", "GET",
                    f"/v1/resources/{quote(where, '')}/users?limit=1&cursor={cursor}").json()
        found += page["users"]
        cursor = page["pagination"].get("next", {}).get("cursor")
    assert found == [{"userId": "direct", "roles": [{"roleId": OWNER}]},
                     {"userId": "in-group", "roles": [{"roleId": OWNER}]}]


# ---- claims ----

def test_who_claims_first_owns_it(world):
    one = name(world)
    answer = create(world, "/v1/claims", claim("claims", one), "nobody")
    assert may(world, world.nobody, f"claims/{one}/deep", "anything:at:all")
    is_refused(call(world, "other", "POST", "/v1/claims", claim("claims", one)), 409)
    assert not may(world, world.other, f"claims/{one}")
    record = call(world, "nobody", "GET", "/v1/records/" + answer["recordId"]).json()
    assert record["admins"] == record["users"] == [{"userId": world.nobody}]
    assert "claim.create" in actions(world)
    assert call(world, "nobody", "DELETE", "/v1/records/" + answer["recordId"]).status_code == 204
    create(world, "/v1/claims", claim("claims", one), "other")


def test_what_somebody_has_beneath_it_is_claimed(world):
    one = name(world)
    create(world, "/v1/records", {"name": "r", "users": [{"userId": "u"}],
                                  "statements": statements(f"claims/{one}/deep")})
    is_refused(call(world, "nobody", "POST", "/v1/claims", claim("claims", one)), 409)
    create(world, "/v1/claims", claim("claims", one + "x"), "nobody")  # no name is matched in part


def test_of_many_who_claim_at_once_one_owns_it(world):
    import concurrent.futures
    users = [name(world, "racer") for _ in range(8)]
    ids = {username: user(world, username) for username in users}
    for _ in range(5):
        one = name(world)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            statuses = dict(zip(users, pool.map(lambda u, one=one: world.daemon.session.post(
                world.daemon.url("/v1/claims"), json=claim("claims", one),
                auth=(u, "pass word")).status_code, users)))
        assert sorted(statuses.values()) == [201] + [409] * 7
        owners = [u for u in users if may(world, ids[u], f"claims/{one}")]
        assert owners == [u for u in users if statuses[u] == 201]


def test_a_collection_that_is_marked_no_more_is_claimed_no_more(world):
    where = name(world, "marked")
    configure(world, where, CLAIM=True)
    create(world, "/v1/claims", claim(where, "a"), "nobody")
    configure(world, where, CLAIM=False)
    is_refused(call(world, "nobody", "POST", "/v1/claims", claim(where, "b")), 403, "NotClaimable")
    assert may(world, world.nobody, where + "/a"), "what was claimed stays"


def test_what_has_a_row_here_is_not_claimed(world):
    inbox = world.daemon.ask("POST", "/v1/inboxes", {"name": name(world, "inbox")})["id"]
    document = world.daemon.ask("POST", "/v1/documents", {"inbox": inbox, "name": "d"})["id"]
    client = world.daemon.ask("POST", "/v1/admin/clients", {"name": name(world)})["client_id"]
    user_id = user(world, name(world, "row"))
    for collection, taken in (("documents", document), (f"inboxes/{inbox}/documents", document),
                              ("inboxes", inbox), ("clients", client), ("users", user_id)):
        configure(world, collection, CLAIM=True)
        is_refused(call(world, "nobody", "POST", "/v1/claims", claim(collection, taken)), 409)
        create(world, "/v1/claims", claim(collection, name(world, "free")), "nobody")
        configure(world, collection, CLAIM=False)


def test_where_clients_are_marked_everybody_makes_their_own(world):
    collection = "Authress:ServiceClients"
    existing = world.daemon.ask("POST", "/v1/admin/clients", {"name": name(world)})["client_id"]
    is_refused(call(world, "nobody", "POST", "/v1/clients", {"name": "mine"}), 403)
    configure(world, collection, CLAIM=True)
    mine = create(world, "/v1/clients", {"name": "mine"}, "nobody")["clientId"]
    assert call(world, "nobody", "GET", f"/v1/clients/{mine}").status_code == 200
    is_refused(call(world, "other", "GET", f"/v1/clients/{mine}"), 404)
    is_refused(call(world, "nobody", "POST", "/v1/claims", claim(collection, existing)), 403,
               "NotClaimable")
    key = world.daemon.mint("other")["key"]
    is_refused(world.daemon.post("/v1/clients", json={"name": "x"}, headers={"X-API-Key": key}),
               403)
    configure(world, collection, CLAIM=False)
    is_refused(call(world, "nobody", "POST", "/v1/clients", {"name": "mine"}), 403)


# ---- requests ----

def ask(w, *resources, who="nobody", **members):
    return create(w, "/v1/requests", request(w.nobody, *resources, **members), who)


def respond(w, one, status, who="owner"):
    return call(w, who, "PATCH", f"/v1/requests/{one['requestId']}", {"status": status})


def test_an_approved_request_is_a_record(world):
    one = ask(world, "shared/wanted", tags={"why": "work"})
    assert one["status"] == "OPEN" and one["tags"] == {"why": "work"}
    assert one["access"] == request(world.nobody, "shared/wanted")["access"]
    assert not may(world, world.nobody, "shared/wanted")
    answer = respond(world, one, "APPROVED")
    assert answer.status_code == 200 and answer.json()["status"] == "APPROVED"
    assert answer.json()["lastUpdated"] >= one["lastUpdated"]
    assert may(world, world.nobody, "shared/wanted")
    is_refused(respond(world, one, "APPROVED"), 409, "RequestSettled")
    is_refused(respond(world, one, "DENIED"), 409, "RequestSettled")
    assert {"request.create", "request.answer"} <= set(actions(world))


def test_a_denied_request_gives_nothing(world):
    for who in ("owner", "keeper"):
        one = ask(world, "shared/denied")
        answer = respond(world, one, "DENIED", who)
        assert answer.status_code == 200 and answer.json()["status"] == "DENIED"
        is_refused(respond(world, one, "APPROVED"), 409, "RequestSettled")
    assert not may(world, world.nobody, "shared/denied")


def test_a_deleted_request_is_gone(world):
    for who in ("nobody", "keeper"):
        one = ask(world, "shared/deleted")
        assert call(world, who, "DELETE", f"/v1/requests/{one['requestId']}").status_code == 204
        is_refused(call(world, "nobody", "GET", f"/v1/requests/{one['requestId']}"), 404)
        is_refused(respond(world, one, "APPROVED"), 404)
        found = call(world, "nobody", "GET", "/v1/requests?limit=1000&status=DELETED").json()
        assert one["requestId"] in [r["requestId"] for r in found["records"]]


def test_a_request_for_a_role_that_is_not_there_cannot_be_approved(world):
    one = ask(world, "shared/none")
    body = request(world.nobody, "shared/none")
    body["access"]["statements"][0]["roles"] = ["none"]
    one = create(world, "/v1/requests", body, "nobody")
    is_refused(respond(world, one, "APPROVED", "admin"), 400)
    assert call(world, "nobody", "GET",
                f"/v1/requests/{one['requestId']}").json()["status"] == "OPEN", "half done"


def test_requests_are_listed_for_those_who_may_read_them(world):
    mine = ask(world, "shared/listed", who="other")["requestId"]
    secret = ask(world, "secret/listed", who="other")["requestId"]

    def listed(who):
        found, cursor = [], ""
        while cursor is not None:
            page = call(world, who, "GET", f"/v1/requests?limit=3&cursor={cursor}").json()
            found += [one["requestId"] for one in page["records"]]
            cursor = page["pagination"].get("next", {}).get("cursor")
        return {mine, secret} & set(found)

    assert listed("other") == listed("reader") == listed("admin") == {mine, secret}
    assert listed("owner") == {mine}, "more than what one may give"
    assert listed("nobody") == set()


def test_one_maker_has_a_hundred_open_requests_at_most(make_daemon):
    w = types.SimpleNamespace(daemon=make_daemon(), n=0)
    for n in range(100):
        last = create(w, "/v1/requests", request("u", "a"))
    is_refused(call(w, "admin", "POST", "/v1/requests", request("u", "a")), 429, "TooManyRequests")
    assert call(w, "admin", "DELETE", f"/v1/requests/{last['requestId']}").status_code == 204
    create(w, "/v1/requests", request("u", "a"))


def test_a_body_that_is_no_json_is_refused(world):
    for path in ("/v1/invites", "/v1/claims", "/v1/requests"):
        answer = world.daemon.post(path, data="{", auth="admin",
                                   headers={"Content-Type": "application/json"})
        is_refused(answer, 400, "InvalidJson")
