"""Authress's API as its facts have it: one row, one test, named by the row."""

import concurrent.futures
import re
import types
from urllib.parse import quote

import harness
import openapi
import pytest

UNSERVED = [(method, path) for method, path, operation in openapi.CONTRACT.operations()
            if operation["summary"] == "Not served: 501" and operation["tags"] == ["authress"]]
OWNER = "Authress:Owner"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Somebody who may give everything, somebody who may ask about others, and a nobody."""
    daemon = harness.Daemon(tmp_path_factory.mktemp("authress"), {"limits": {"body": "2MiB"}})
    daemon.init()
    daemon.start()
    w = types.SimpleNamespace(daemon=daemon, n=0)
    w.nobody = user(w, "nobody")
    w.asker = user(w, "asker", {"permission": "read", "resource": "Authress:UserPermissions"})
    w.reader = user(w, "reader", {"permission": "read", "resource": "Authress:AccessRecords"},
                    {"permission": "read", "resource": "Authress:UserPermissions"})
    w.giver = user(w, "giver", {"role": OWNER, "resource": "shared"})
    w.role = create(w, "/v1/roles", {
        "roleId": "documents-reader", "name": "Reads documents",
        "permissions": [permission("documents:read")]})["roleId"]
    w.group = create(w, "/v1/groups", {"groupId": "grp_one", "name": "one",
                                       "users": [{"userId": "member"}]})["groupId"]
    w.record = create(w, "/v1/records", record(w, "docs/1", users=["someone"],
                                               recordId="rec-one"))["recordId"]
    yield w
    daemon.destroy()


def name(w, stem="x"):
    w.n += 1
    return f"{stem}-{w.n}"


def call(w, who, method, path, body=None, **arguments):
    if who:
        arguments["auth"] = "admin" if who == "admin" else (who, "pass word")
    return w.daemon.request(method, path, json=body, **arguments)


def create(w, path, body, who="admin"):
    answer = call(w, who, "POST", path, body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def user(w, username, *grants):
    answer = w.daemon.post("/v1/admin/users", auth="admin", json={
        "name": username, "password": "pass word", "roles": list(grants)})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def permission(action, allow=True, grant=False, delegate=False):
    return {"action": action, "allow": allow, "grant": grant, "delegate": delegate}


def record(w, *resources, users=(), groups=(), roles=(OWNER,), **members):
    return {"name": name(w, "record"), "users": [{"userId": u} for u in users],
            "groups": [{"groupId": g} for g in groups],
            "statements": [{"roles": list(roles),
                            "resources": [{"resourceUri": r} for r in resources]}], **members}


def permission_path(user_id, resource, action):
    return f"/v1/users/{quote(user_id, '')}/resources/{quote(resource, '')}" \
           f"/permissions/{quote(action, '')}"


def authorize(w, user_id, resource, action="READ", who="admin"):
    return call(w, who, "GET", permission_path(user_id, resource, action)).status_code


def give(w, user_id, *resources, **more):
    return create(w, "/v1/records", record(w, *resources, users=[user_id], **more))


def is_refused(answer, status, code=None):
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/links+json"
    error = answer.json()
    assert error["title"] and error["errorId"] == answer.headers["X-Request-Id"]
    assert code in (None, error["errorCode"]), error
    return error


# ---- what is answered: who, method, path, body, status, errorCode ----

def rows(w):
    fresh = name(w, "fresh")
    return {
        "authorize_user 200": ("asker", "GET", permission_path("someone", "docs/1", "READ"), None, 200),
        "authorize_user 200 of oneself": (
            "giver", "GET", permission_path(w.giver, "shared/1", "write"), None, 200),
        "authorize_user 401": (None, "GET", permission_path("someone", "docs/1", "READ"), None, 401),
        "authorize_user 403 another's": (
            "nobody", "GET", permission_path("someone", "docs/1", "READ"), None, 403),
        "authorize_user 404 denied": (
            "asker", "GET", permission_path("someone", "docs/2", "READ"), None, 404,
            "NotAuthorized"),
        "authorize_user 404 of oneself": (
            "nobody", "GET", permission_path(w.nobody, "docs/1", "READ"), None, 404),
        "authorize_user 400 permission": (
            "asker", "GET", permission_path("someone", "docs/1", "a b"), None, 400),
        "authorize_user 400 resource": (
            "asker", "GET", permission_path("someone", "docs//1", "READ"), None, 400),
        "authorize_user 400 user": (
            "asker", "GET", permission_path("some<one", "docs/1", "READ"), None, 400),
        "authorize_user 400 query": (
            "asker", "GET", permission_path("someone", "docs/1", "READ") + "?x=1", None, 400,
            "InvalidRequest"),
        "user permissions 200": ("asker", "GET", "/v1/users/someone/resources/docs%2F1/permissions",
                                 None, 200),
        "user permissions 401": (None, "GET", "/v1/users/someone/resources/docs%2F1/permissions",
                                 None, 401),
        "user permissions 403": ("nobody", "GET",
                                 "/v1/users/someone/resources/docs%2F1/permissions", None, 403),
        "user roles 200": ("asker", "GET", "/v1/users/someone/resources/docs%2F1/roles", None, 200),
        "user roles 401": (None, "GET", "/v1/users/someone/resources/docs%2F1/roles", None, 401),
        "user roles 403": ("nobody", "GET", "/v1/users/someone/resources/docs%2F1/roles",
                           None, 403),
        "user resources 200": ("asker", "GET", "/v1/users/someone/resources", None, 200),
        "user resources 401": (None, "GET", "/v1/users/someone/resources", None, 401),
        "user resources 403": ("nobody", "GET", "/v1/users/someone/resources", None, 403),
        "user resources 400 limit": ("asker", "GET", "/v1/users/someone/resources?limit=0",
                                     None, 400, "InvalidRequest"),
        "user resources 400 configuration": (
            "asker", "GET", "/v1/users/someone/resources?collectionConfiguration=ALL", None, 400,
            "InvalidRequest"),

        "create_record 201": ("admin", "POST", "/v1/records", record(w, "a", users=["u"]), 201),
        "create_record 201 of what one may give": (
            "giver", "POST", "/v1/records", record(w, "shared/1", users=["u"]), 201),
        "create_record 401": (None, "POST", "/v1/records", record(w, "a", users=["u"]), 401),
        "create_record 403": ("nobody", "POST", "/v1/records", record(w, "a", users=["u"]), 403),
        "create_record 403 beyond one's own": (
            "giver", "POST", "/v1/records", record(w, "shared", "other", users=["u"]), 403),
        "create_record 409": (
            "admin", "POST", "/v1/records", record(w, "a", users=["u"], recordId="rec-one"), 409),
        "create_record 413": (
            "admin", "POST", "/v1/records",
            record(w, *("r" * 500 + f"/{n}" for n in range(100)), users=["u"] * 1,
                   tags={f"t{n}": "v" * 120 for n in range(600)}), 413),
        "get_record 200": ("reader", "GET", "/v1/records/rec-one", None, 200),
        "get_record 401": (None, "GET", "/v1/records/rec-one", None, 401),
        "get_record 403": ("nobody", "GET", "/v1/records/rec-one", None, 403),
        "get_record 404": ("reader", "GET", "/v1/records/rec-none", None, 404),
        "get_records 200": ("reader", "GET", "/v1/records?limit=2", None, 200),
        "get_records 200 with a filter": ("reader", "GET", "/v1/records?filter=REC-ONE", None, 200),
        "get_records 401": (None, "GET", "/v1/records", None, 401),
        "get_records 400 cursor": ("reader", "GET", "/v1/records?cursor=x", None, 400),
        "get_records 400 status": ("reader", "GET", "/v1/records?status=GONE", None, 400,
                                   "InvalidRequest"),
        "update_record 403": ("reader", "PUT", "/v1/records/rec-one", record(w, "a"), 403),
        "update_record 404": ("admin", "PUT", "/v1/records/rec-none", record(w, "a"), 404),
        "delete_record 403": ("reader", "DELETE", "/v1/records/rec-one", None, 403),
        "delete_record 404": ("admin", "DELETE", "/v1/records/rec-none", None, 404),

        "create_role 201": ("admin", "POST", "/v1/roles",
                            {"roleId": fresh, "name": fresh, "permissions": []}, 201),
        "create_role 201 without an id": (
            "admin", "POST", "/v1/roles",
            {"name": name(w), "permissions": [permission("a:b", False, True, True)]}, 201),
        "create_role 401": (None, "POST", "/v1/roles", {"name": fresh, "permissions": []}, 401),
        "create_role 403": ("nobody", "POST", "/v1/roles", {"name": fresh, "permissions": []}, 403),
        "create_role 409": ("admin", "POST", "/v1/roles",
                            {"roleId": w.role, "name": name(w), "permissions": []}, 409),
        "get_role 200": ("admin", "GET", f"/v1/roles/{w.role}", None, 200),
        "get_role 200 built in": ("admin", "GET", "/v1/roles/" + quote(OWNER, ""), None, 200),
        "get_role 401": (None, "GET", f"/v1/roles/{w.role}", None, 401),
        "get_role 403": ("nobody", "GET", f"/v1/roles/{w.role}", None, 403),
        "get_role 404": ("admin", "GET", "/v1/roles/none", None, 404),
        "get_role 404 by its name": ("admin", "GET", "/v1/roles/Reads%20documents", None, 404),
        "get_roles 200": ("admin", "GET", "/v1/roles?limit=100&filter=READS", None, 200),
        "get_roles 401": (None, "GET", "/v1/roles", None, 401),
        "get_roles 403": ("nobody", "GET", "/v1/roles", None, 403),
        "update_role 404": ("admin", "PUT", "/v1/roles/none", {"name": "n", "permissions": []}, 404),
        "update_role 403": ("nobody", "PUT", f"/v1/roles/{w.role}",
                            {"name": "n", "permissions": []}, 403),
        "update_role 403 built in": ("admin", "PUT", "/v1/roles/" + quote(OWNER, ""),
                                     {"name": "n", "permissions": []}, 403),
        "delete_role 403": ("nobody", "DELETE", f"/v1/roles/{w.role}", None, 403),
        "delete_role 404": ("admin", "DELETE", "/v1/roles/none", None, 404),

        "create_group 201": ("admin", "POST", "/v1/groups", {"name": "g", "users": []}, 201),
        "create_group 401": (None, "POST", "/v1/groups", {"name": "g", "users": []}, 401),
        "create_group 403": ("nobody", "POST", "/v1/groups", {"name": "g", "users": []}, 403),
        "create_group 409": ("admin", "POST", "/v1/groups",
                             {"groupId": "grp_one", "name": "g", "users": []}, 409),
        "get_group 200": ("admin", "GET", "/v1/groups/grp_one", None, 200),
        "get_group 401": (None, "GET", "/v1/groups/grp_one", None, 401),
        "get_group 403": ("nobody", "GET", "/v1/groups/grp_one", None, 403),
        "get_group 404": ("admin", "GET", "/v1/groups/grp_none", None, 404),
        "get_groups 200": ("admin", "GET", "/v1/groups?limit=5", None, 200),
        "get_groups 401": (None, "GET", "/v1/groups", None, 401),
        "update_group 403": ("nobody", "PUT", "/v1/groups/grp_one", {"name": "g"}, 403),
        "update_group 404": ("admin", "PUT", "/v1/groups/grp_none", {"name": "g"}, 404),
        "delete_group 403": ("nobody", "DELETE", "/v1/groups/grp_one", None, 403),
        "delete_group 404": ("admin", "DELETE", "/v1/groups/grp_none", None, 404),
    }


class Names:
    """Stands in for the world where only the rows' names are wanted."""
    n = 0
    role = nobody = giver = "x"


@pytest.mark.parametrize("row", rows(Names()))
def test_a_call_is_answered_as_the_facts_say(world, row):
    who, method, path, body, status, *code = rows(world)[row]
    answer = call(world, who, method, path, body)
    if status >= 400:
        is_refused(answer, status, *code)
    else:
        assert answer.status_code == status, answer.text
        assert answer.headers["Content-Type"] == "application/links+json"


@pytest.mark.parametrize("method, path", UNSERVED, ids=[f"{m} {p}" for m, p in UNSERVED])
def test_what_is_out_of_scope_says_so(world, method, path):
    answer = call(world, None, method, re.sub(r"\{[^}]*\}", "x", path))
    error = is_refused(answer, 501, "NotImplemented")
    assert error["title"] == f"{method} {path} is not implemented here."


# ---- what is not a record, a role, a group ----

BAD_RECORDS = {
    "no name": ({"name": None}, "name"),
    "an empty name": ({"name": ""}, "name"),
    "a name of 129 characters": ({"name": "n" * 129}, "name"),
    "no statements": ({"statements": []}, "statements"),
    "101 statements": ({"statements": [{"roles": [OWNER], "resources": [{"resourceUri": "a"}]}]
                        * 101}, "statements"),
    "a statement without roles": ({"statements": [{"roles": [],
                                                   "resources": [{"resourceUri": "a"}]}]},
                                  "statements/0/roles"),
    "a statement without resources": ({"statements": [{"roles": [OWNER], "resources": []}]},
                                      "statements/0/resources"),
    "a role that is not there": ({"statements": [{"roles": ["none"],
                                                  "resources": [{"resourceUri": "a"}]}]},
                                 "statements/0/roles"),
    "1001 users": ({"users": [{"userId": f"u{n}"} for n in range(1001)]}, "users"),
    "101 admins": ({"admins": [{"userId": f"u{n}"} for n in range(101)]}, "admins"),
    "101 groups": ({"groups": [{"groupId": f"grp_{n}"} for n in range(101)]}, "groups"),
    "a group that is not there": ({"groups": [{"groupId": "grp_none"}]}, "groups"),
    "a userId of another alphabet": ({"users": [{"userId": "a<b"}]}, "users/0"),
    "a recordId of another alphabet": ({"recordId": "a/b"}, "recordId"),
    "users at record and statement": (
        {"users": [{"userId": "a"}],
         "statements": [{"roles": [OWNER], "resources": [{"resourceUri": "a"}],
                         "users": [{"userId": "b"}]}]}, "statements/0"),
}


@pytest.mark.parametrize("row", BAD_RECORDS)
def test_what_is_no_record_is_refused_naming_the_member(world, row):
    changes, member = BAD_RECORDS[row]
    error = is_refused(call(world, "admin", "POST", "/v1/records",
                            {**record(world, "a", users=["u"]), **changes}), 400)
    assert error["title"].startswith(member), error


@pytest.mark.parametrize("uri", ["a//b", "a b", "a%b", "a?b", "ä", "a" * 129, "a/" * 16 + "b/c",
                                 "ab*", "a/b*/c", "", "//"])
def test_what_is_no_resource_is_refused_naming_the_member(world, uri):
    error = is_refused(call(world, "admin", "POST", "/v1/records",
                            record(world, "a", uri, users=["u"])), 400)
    assert error["title"].startswith("statements/0/resources/1"), error


@pytest.mark.parametrize("body, member", [
    ({"permissions": []}, "name"),
    ({"name": "", "permissions": []}, "name"),
    ({"name": "n" * 129, "permissions": []}, "name"),
    ({"name": "n", "roleId": "a b", "permissions": []}, "roleId"),
    ({"name": "n", "roleId": "a" * 65, "permissions": []}, "roleId"),
    ({"name": "n"}, "permissions"),
    ({"name": "n", "permissions": [permission("a b")]}, "permissions/0"),
    ({"name": "n", "permissions": [{"allow": True}]}, "permissions/0/action"),
    ({"name": "n", "permissions": [{"action": "a", "allow": "yes"}]}, "permissions/0/allow"),
    ({"name": "n", "permissions": [permission("a", allow=False)]}, "permissions/0"),
    ({"name": "n", "permissions": [permission(f"a:{n}") for n in range(101)]}, "permissions"),
    ({"name": "n", "description": "d" * 1025, "permissions": []}, "description"),
])
def test_what_is_no_role_is_refused_naming_the_member(world, body, member):
    error = is_refused(call(world, "admin", "POST", "/v1/roles", body), 400)
    assert error["title"].startswith(member), error


@pytest.mark.parametrize("body, member", [
    ({"users": []}, "name"),
    ({"name": "g", "groupId": "one"}, "groupId"),
    ({"name": "g", "users": [{"userId": f"u{n}"} for n in range(101)]}, "users"),
    ({"name": "g", "users": [{}]}, "users/0"),
    ({"name": "g", "users": "u"}, "users"),
])
def test_what_is_no_group_is_refused_naming_the_member(world, body, member):
    error = is_refused(call(world, "admin", "POST", "/v1/groups", body), 400)
    assert error["title"].startswith(member), error


def test_a_body_that_is_no_json_is_refused(world):
    for path in ("/v1/records", "/v1/roles", "/v1/groups"):
        answer = world.daemon.post(path, data="{", auth="admin",
                                   headers={"Content-Type": "application/json"})
        is_refused(answer, 400, "InvalidJson")


# ---- life of a record, a role, a group ----

def test_members_that_are_only_answered_are_not_looked_at(world):
    made = create(world, "/v1/records", {
        **record(world, "a", users=["u"]), "links": None, "status": "DELETED", "capacity": 0.5,
        "lastUpdated": "0001-01-01T00:00:00Z", "account": {"accountId": "another"}, "new": [{}]})
    assert made["status"] == "ACTIVE"
    assert made["account"] == {"accountId": "acc-chatelaine-local"}
    assert not made["lastUpdated"].startswith("0001")
    assert call(world, "admin", "PUT", f"/v1/records/{made['recordId']}",
                made).status_code == 200, "what was answered can be sent back"
    role = create(world, "/v1/roles", {"name": name(world), "permissions": [], "links": {},
                                       "roleId": ""})
    assert role["roleId"]
    assert call(world, "admin", "PUT", f"/v1/roles/{role['roleId']}", role).status_code == 200
    group = create(world, "/v1/groups", {"name": "g", "users": [], "links": None, "account": 1})
    assert call(world, "admin", "PUT", f"/v1/groups/{group['groupId']}", group).status_code == 200


def test_a_record_has_what_the_sdks_need(world):
    made = create(world, "/v1/records", record(world, "a", users=["u"]))
    found = call(world, "admin", "GET", f"/v1/records/{made['recordId']}").json()
    assert found == made
    assert found["name"] and found["status"] == "ACTIVE" and found["statements"]
    assert found["links"]["self"]["href"].endswith(f"/v1/records/{made['recordId']}")
    assert found["admins"], "its creator is its admin"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", found["lastUpdated"])


@pytest.mark.parametrize("noun", ["records", "groups"])
def test_an_update_that_names_no_admins_leaves_them(world, noun):
    user(world, f"maker-of-{noun}", {"role": OWNER, "resource": "made"},
         {"permission": "create", "resource": "Authress:Groups"})
    who, body = f"maker-of-{noun}", {"name": "x"}
    if noun == "records":
        body = record(world, "made", users=["u"])
    made = create(world, f"/v1/{noun}", body, who=who)
    path = f"/v1/{noun}/{made[noun[:-1] + 'Id']}"
    for fields in (body, {**body, "admins": None}):
        answer = call(world, who, "PUT", path, fields)
        assert answer.status_code == 200 and answer.json()["admins"] == made["admins"], answer.text
    is_refused(call(world, who, "PUT", path, body,
                    headers={"If-Unmodified-Since": made["lastUpdated"]}), 412)
    assert call(world, who, "PUT", path, {**body, "admins": []}).json()["admins"] == []
    is_refused(call(world, who, "PUT", path, body), 403)


def test_whoever_could_join_a_group_is_acted_as_only_by_those_who_hold_what_it_holds(world):
    admin = user(world, "admin-of-vault")
    create(world, "/v1/groups", {"groupId": "grp_vault", "name": "v",
                                 "admins": [{"userId": admin}]})
    create(world, "/v1/records", record(world, "vault", groups=["grp_vault"]))
    writer = {"permission": "users:write", "resource": "*"}
    user(world, "writer", writer)
    user(world, "writer-and-owner", writer, {"role": OWNER, "resource": "vault"})

    def act_as(who):
        token = call(world, who, "POST", "/admin/auth/token",
                     {"username": "admin-of-vault"})
        password = call(world, who, "PATCH", f"/v1/admin/users/{admin}", {"password": "new one"})
        return token.status_code, password.status_code

    assert act_as("writer") == (403, 403)
    assert act_as("writer-and-owner")[1] == 200, "who may give it all"


SPELLINGS = {  # how the SDKs send a lastUpdated back
    "JavaScript": lambda moment: moment,
    "Python": lambda moment: moment.replace("Z", "000+00:00"),
    "another offset": lambda moment: moment.replace("T", " ").replace("Z", "+00:00"),
    "Go, without its fraction": lambda moment: re.sub(r"\.\d+", "", moment),
}


@pytest.mark.parametrize("noun", ["records", "groups"])
@pytest.mark.parametrize("spelling", SPELLINGS)
def test_an_update_with_an_old_lock_is_412(world, noun, spelling):
    fields = record(world, "a", users=["u"]) if noun == "records" else {"name": "g", "users": []}
    made = create(world, f"/v1/{noun}", fields)
    path = f"/v1/{noun}/{made[noun[:-1] + 'Id']}"

    def put(moment):
        return call(world, "admin", "PUT", path, fields, headers={"If-Unmodified-Since": moment})

    answer = put(SPELLINGS[spelling](made["lastUpdated"]))
    assert answer.status_code == 200, answer.text
    now = answer.json()["lastUpdated"]
    assert now > made["lastUpdated"]
    earlier = f"{int(now[:4]) - 1}{now[4:]}" if spelling.startswith("Go") else made["lastUpdated"]
    is_refused(put(SPELLINGS[spelling](earlier)), 412)
    assert call(world, "admin", "GET", path).json()["lastUpdated"] == now
    is_refused(put("yesterday"), 400, "InvalidRequest")
    assert call(world, "admin", "PUT", path, fields).status_code == 200, "without a lock"


def test_updates_without_a_lock_do_not_hinder_each_other(world):
    made = create(world, "/v1/records", record(world, "busy", users=["u"]))
    path = f"/v1/records/{made['recordId']}"
    bodies = [record(world, "busy", users=[f"u{n}"]) for n in range(8)]

    def put(body):
        return [call(world, "admin", "PUT", path, body).status_code for _ in range(20)]

    with concurrent.futures.ThreadPoolExecutor(len(bodies)) as pool:
        assert {status for found in pool.map(put, bodies) for status in found} == {200}
    last = call(world, "admin", "GET", path).json()["users"]
    assert last in [body["users"] for body in bodies]
    assert [authorize(world, f"u{n}", "busy") for n in range(8)].count(200) == 1


def test_a_record_with_many_rows_is_judged_like_a_small_one(world):
    many = [f"shared/{n}" for n in range(100)]
    made = create(world, "/v1/records", record(world, *many, users=["u", "v"]), who="giver")
    path, admins = f"/v1/records/{made['recordId']}", made["admins"]
    assert call(world, "giver", "PUT", path, record(
        world, *many, users=["u", "v", "w"], admins=admins)).status_code == 200
    beyond = record(world, *many[:-1], "elsewhere", users=["u", "v"], admins=admins)
    is_refused(call(world, "giver", "PUT", path, beyond), 403, "MayNotGive")
    is_refused(call(world, "giver", "POST", "/v1/records", beyond), 403, "MayNotGive")
    assert authorize(world, "w", "shared/99/x") == 200


def test_a_deleted_record_gives_nothing_and_stays_with_its_status(world):
    made = give(world, "gone", "docs/gone")
    path = f"/v1/records/{made['recordId']}"
    assert authorize(world, "gone", "docs/gone") == 200
    assert call(world, "admin", "DELETE", path).status_code == 204
    assert authorize(world, "gone", "docs/gone") == 404
    assert call(world, "admin", "GET", path).json()["status"] == "DELETED"
    is_refused(call(world, "admin", "DELETE", path), 404)
    is_refused(call(world, "admin", "PUT", path, record(world, "a")), 404)
    is_refused(call(world, "admin", "POST", "/v1/records",
                    record(world, "a", users=["u"], recordId=made["recordId"])), 409)
    listed = {status: [r["recordId"] for r in every(world, f"/v1/records?status={status}",
                                                    "records")]
              for status in ("ACTIVE", "DELETED")}
    assert made["recordId"] in listed["DELETED"]
    assert made["recordId"] not in listed["ACTIVE"]


def test_an_answered_write_is_in_the_next_check(world):
    made = give(world, "fresh", "docs/a")
    body = record(world, "docs/b", users=["fresh"])
    for n in range(20):
        assert authorize(world, "fresh", "docs/a") == 200
        assert authorize(world, "fresh", "docs/b") == 404
        path = f"/v1/records/{made['recordId']}"
        assert call(world, "admin", "PUT", path, body).status_code == 200
        assert authorize(world, "fresh", "docs/a") == 404
        assert authorize(world, "fresh", "docs/b") == 200
        assert call(world, "admin", "PUT", path,
                    record(world, "docs/a", users=["fresh"])).status_code == 200


def test_a_role_changes_for_all_who_hold_it(world):
    role = create(world, "/v1/roles", {"name": name(world), "description": "before",
                                       "permissions": [permission("Reports:READ")]})
    assert role["permissions"] == [permission("reports:read")]
    path = f"/v1/roles/{role['roleId']}"
    give(world, "holder", "reports", roles=[role["roleId"]])
    assert authorize(world, "holder", "reports/1", "reports:read") == 200
    changed = call(world, "admin", "PUT", path,
                   {"name": role["name"], "permissions": [permission("reports:print")]})
    assert changed.status_code == 200, changed.text
    assert changed.json() == call(world, "admin", "GET", path).json()
    assert changed.json()["description"] is None
    assert authorize(world, "holder", "reports/1", "reports:read") == 404
    assert authorize(world, "holder", "reports/1", "reports:print") == 200
    assert call(world, "admin", "DELETE", path).status_code == 204
    assert authorize(world, "holder", "reports/1", "reports:print") == 404


def test_a_group_gives_to_its_members_while_they_are_there(world):
    group = create(world, "/v1/groups", {"name": "team", "users": [{"userId": "ann"}]})
    path = f"/v1/groups/{group['groupId']}"
    assert group["groupId"].startswith("grp_") and group["users"] == [{"userId": "ann"}]
    create(world, "/v1/records", record(world, "team/1", groups=[group["groupId"]]))
    assert [authorize(world, u, "team/1/x") for u in ("ann", "bob")] == [200, 404]
    answer = call(world, "admin", "PUT", path, {"name": "team", "users": [{"userId": "bob"}]})
    assert answer.status_code == 200, answer.text
    assert [authorize(world, u, "team/1/x") for u in ("ann", "bob")] == [404, 200]
    assert call(world, "admin", "DELETE", path).status_code == 204
    assert authorize(world, "bob", "team/1/x") == 404
    is_refused(call(world, "admin", "GET", path), 404)


# ---- what is allowed: given, asked, allowed ----

REACH = [
    ("a", "a", True), ("a", "a/b", True), ("a", "a/b/c", True), ("a/b", "a", False),
    ("a", "ab", False), ("ab", "a", False), ("/a/", "a", True), ("a", "/a/b/", True),
    ("a/*", "a/b", True), ("a/*", "a/b/c", True), ("a/*", "b", False), ("*", "a/b", True),
    ("a/*/c", "a/b/c", True), ("a/*/c", "a/b/c/d", True), ("a/*/c", "a/b/d", False),
    ("a/*/c", "a/c", False), ("a/x:*", "a/x:1", True), ("a/x:*", "a/y:1", False),
    ("a/x:*/c/*", "a/x:1/c/2", True), ("a", "A", False),
]


@pytest.mark.parametrize("given, asked, is_allowed", REACH)
def test_a_statement_reaches_what_lies_beneath_it(world, given, asked, is_allowed):
    somebody = name(world, "reach")
    give(world, somebody, given)
    assert authorize(world, somebody, asked) == (200 if is_allowed else 404)


ACTIONS = [
    ("a", "a", True), ("a", "a:b", True), ("a", "a:b:c", True), ("a:*", "a:b", True),
    ("a:*", "a:b:c", True), ("a:b", "a", False), ("a:b", "a:c", False), ("ab", "a", False),
    ("*", "a:b", True), ("a:b", "A:B", True), ("A:B", "a:b", True),
]


@pytest.mark.parametrize("held, asked, is_allowed", ACTIONS)
def test_an_action_implies_its_parts(world, held, asked, is_allowed):
    role = create(world, "/v1/roles", {"name": name(world), "permissions": [permission(held)]})
    somebody = name(world, "acts")
    give(world, somebody, "things", roles=[role["roleId"]])
    assert authorize(world, somebody, "things/1", asked) == (200 if is_allowed else 404)


def test_grant_and_delegate_alone_allow_nothing(world):
    role = create(world, "/v1/roles", {"name": name(world),
                                       "permissions": [permission("read", False, True, True)]})
    give(world, "granter", "things", roles=[role["roleId"]])
    assert authorize(world, "granter", "things", "read") == 404
    answer = call(world, "asker", "GET", "/v1/users/granter/resources/things/permissions")
    assert answer.json()["permissions"] == [permission("read", False, True, True)]


def test_owner_is_everything_with_all_abilities(world):
    give(world, "owner", "owned")
    answer = call(world, "asker", "GET", "/v1/users/owner/resources/owned%2F1/permissions").json()
    assert answer["permissions"] == [permission("*", True, True, True)]
    assert answer["account"] == {"accountId": "acc-chatelaine-local"}
    assert answer["userId"] == "owner"


def test_the_two_spellings_of_a_service_client_are_one(world):
    client = world.daemon.post("/v1/admin/clients", json={"name": "c"}, auth="admin").json()
    bare = client["client_id"]
    spelled = f"Authress:ServiceClients/{bare}"
    give(world, spelled, "by-long")
    give(world, bare, "by-bare")
    assert [authorize(world, who, resource) for who in (bare, spelled)
            for resource in ("by-long", "by-bare", "by-none")] == [200, 200, 404] * 2


@pytest.mark.parametrize("user_id", ["auth0|5f", "google-oauth2|1", "a/b", "a@b.example",
                                     "with space", "urn:x:y~z", "a+b"])
def test_a_userid_may_have_any_of_its_characters(world, user_id):
    give(world, user_id, "docs/own")
    assert authorize(world, user_id, "docs/own/1") == 200
    listed = call(world, "asker", "GET", f"/v1/users/{quote(user_id, '')}/resources").json()
    assert listed["userId"] == user_id
    assert {"resourceUri": "docs/own"} in listed["resources"]


def test_roles_of_a_resource_are_those_given_on_it_alone(world):
    give(world, "roled", "up/here", roles=[OWNER, world.role])
    answer = call(world, "asker", "GET", "/v1/users/roled/resources/up%2Fhere/roles").json()
    assert answer["userId"] == "roled"
    assert sorted(r["roleId"] for r in answer["roles"]) == sorted([OWNER, world.role])
    beneath = call(world, "asker", "GET", "/v1/users/roled/resources/up%2Fhere%2F1/roles").json()
    assert beneath["roles"] == []


def test_resources_are_listed_beneath_one_by_level_and_permission(world):
    give(world, "lister", "shelf/1", "shelf/2/box/3", "shelf/4/box", "other", roles=[world.role])
    give(world, "lister", "shelf/5")

    def listed(query=""):
        found = every(world, f"/v1/users/lister/resources?{query}", "resources")
        return sorted(r["resourceUri"] for r in found)

    assert listed("resourceUri=shelf") == ["shelf/1", "shelf/5"]
    assert listed("resourceUri=shelf&collectionConfiguration=INCLUDE_NESTED") == [
        "shelf/1", "shelf/2/box/3", "shelf/4/box", "shelf/5"]
    assert listed("collectionConfiguration=INCLUDE_NESTED&permissions=write") == ["shelf/5"]
    assert listed("collectionConfiguration=TOP_LEVEL_ONLY") == ["other"]
    assert listed() == ["other", "shelf/1", "shelf/2/box/3", "shelf/4/box", "shelf/5"]
    assert listed("resourceUri=shel") == []


# ---- why ----

def test_an_explanation_names_the_record_and_the_statement(world):
    body = record(world, "why/1", users=["whoever"])
    body["statements"].append({"roles": [world.role], "resources": [{"resourceUri": "why/2"}]})
    made = create(world, "/v1/records", body)
    path = permission_path("whoever", "why/2/x", "documents:read")
    assert call(world, "reader", "GET", path + "?explain=1").json() == {"explain": {
        "recordId": made["recordId"], "statement": 1, "roleId": world.role,
        "action": "documents:read", "resourceUri": "why/2"}}
    assert call(world, "reader", "GET", path).json() == {}
    assert call(world, "asker", "GET", path + "?explain=1").json() == {}, \
        "who may not read the record is told nothing of it"
    is_refused(call(world, "reader", "GET",
                    permission_path("whoever", "why/3", "x") + "?explain=1"), 404)


def test_an_explanation_names_the_group(world):
    create(world, "/v1/records", record(world, "why/group", groups=[world.group]))
    explained = call(world, "admin", "GET",
                     permission_path("member", "why/group", "x") + "?explain=1").json()
    assert explained["explain"]["groupId"] == world.group


def test_an_explanation_of_a_role_given_directly(world):
    path = permission_path(world.giver, "shared/1", "x") + "?explain=1"
    assert call(world, "admin", "GET", path).json() == {"explain": {
        "roleId": OWNER, "action": "*", "resourceUri": "shared"}}
    assert call(world, "asker", "GET", path).json() == {}


# ---- pages ----

def every(w, path, member, who="admin"):
    """All rows, by pagination.next.cursor and links.next alike."""
    found, answer = [], call(w, who, "GET", path).json()
    while True:
        found += answer[member]
        following = answer["pagination"].get("next")
        assert ("next" in answer["links"]) == (following is not None)
        if not following:
            return found
        cursor = quote(following["cursor"], "")
        href = answer["links"]["next"]["href"]
        assert href.endswith(f"cursor={cursor}"), href
        answer = call(w, who, "GET", "/v1/" + href.split("/v1/", 1)[1]).json()


@pytest.mark.parametrize("noun, limit", [("records", 20), ("groups", 20), ("roles", 100)])
def test_lists_come_in_pages_and_are_whole(world, noun, limit):
    stem = name(world, "page")
    made = set()
    for n in range(limit + 30):
        body = {"records": lambda: record(world, "p", users=["u"], name=f"{stem} {n}"),
                "groups": lambda: {"name": f"{stem} {n}", "users": []},
                "roles": lambda: {"name": f"{stem} {n}", "permissions": []}}[noun]()
        made.add(create(world, f"/v1/{noun}", body)[noun[:-1] + "Id"])
    first = call(world, "admin", "GET", f"/v1/{noun}").json()
    assert len(first[noun]) == limit, "the default limit"
    assert first["links"]["self"]["href"].endswith(f"/v1/{noun}")
    for query in ("", "?limit=7"):
        ids = [row[noun[:-1] + "Id"] for row in every(world, f"/v1/{noun}{query}", noun)]
        assert len(ids) == len(set(ids)) and made <= set(ids)
    filtered = every(world, f"/v1/{noun}?limit=9&filter={stem.upper()}%20", noun)
    assert {row[noun[:-1] + "Id"] for row in filtered} == made


def test_a_list_has_only_what_the_caller_may_read(world):
    own = create(world, "/v1/records", record(world, "shared/mine", users=["u"]), who="giver")
    assert own["recordId"] in [r["recordId"] for r in
                               every(world, "/v1/records", "records", who="giver")]
    assert every(world, "/v1/records", "records", who="nobody") == []
    assert every(world, "/v1/groups", "groups", who="nobody") == []


# ---- on record ----

def test_changes_and_refusals_are_on_record(world):
    made = give(world, "audited", "docs/1")
    path = f"/v1/records/{made['recordId']}"
    call(world, "admin", "PUT", path, record(world, "docs/1"))
    call(world, "nobody", "DELETE", path)
    call(world, "admin", "DELETE", path)
    seen = []
    for action, outcome in [("record.create", "success"), ("record.update", "success"),
                            ("record.delete", "denied"), ("record.delete", "success")]:
        seen.append(world.daemon.wait_journal(
            lambda e: e["data"].get("action") == action and e["data"]["outcome"] == outcome and
            e["data"]["target"] == {"kind": "record", "id": made["recordId"]}, "audit"))
    assert len({e["id"] for e in seen}) == 4
