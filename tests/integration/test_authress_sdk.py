"""Authress's own SDKs against the daemon: programs to copy.

Python's and JavaScript's come from their registries. Go's module proxy did not serve Go's: what
that SDK, unmodified (commit 150f4b3 of its repository), sent for tests/sdk/go/authress.go is in
requests.json beside the program, and is sent again here.
"""

import http.client
import json
import pathlib
import re
import string
import sys
import time

import broker
import jsonschema
import jwt
import openapi
import pytest
from authress_client import AccessKey

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "sdk"))

import sdks  # noqa: E402

USER = "auth0|5f1c"
LINES = [
    r"client (?P<client>sc_[a-z0-9]+)",
    r"record (?P<record>\S+)",
    r"key (?P<key>\S+)",
    r"own allowed",
    r"another's denied",
    r"document denied",
    r"document allowed",
    r"changed meanwhile 412",
    r"records (?P<records>\d+) pages (?P<pages>\d+)",
    r"token of (?P<subject>\S+)",
    r"key gone 401",
]


@pytest.fixture
def daemon(make_daemon):
    """SDKs sign for the address that they call: it is the issuer."""
    address = f"127.0.0.1:{broker.free_ports(1)[0]}"
    return make_daemon({"issuer": f"http://{address}", 'listen "public"': {"address": address}})


@pytest.fixture
def service_key(daemon):
    """Of a service that may make clients and give what it owns, as the README gets it."""
    client = daemon.cli("client", "create", "--name", "service", *(
        f"--role=Authress:Owner@{resource}"
        for resource in ("Authress:ServiceClients", "users", "documents")))["client_id"]
    return daemon.cli("client", "key", client, "--access")["accessKey"]


@pytest.mark.parametrize("sdk", sdks.SDKS)
def test_an_sdk_does_the_examples(daemon, service_key, sdk):
    printed = sdks.SDKS[sdk].run(AUTHRESS_API_URL=daemon.url(""), SERVICE_ACCESS_KEY=service_key,
                                 USER_ID=USER)
    expected = LINES[:-1] + [r"by its token allowed"] * (sdk == "authress_sdk-2") + LINES[-1:]
    assert len(printed) == len(expected), "\n".join(printed)
    told = {}
    for pattern, line in zip(expected, printed):
        match = re.fullmatch(pattern, line)
        assert match, f"{line!r} is not {pattern!r}"
        told.update(match.groupdict())
    assert told["subject"] == told["client"]
    assert int(told["records"]) == 251 and int(told["pages"]) >= 13
    found = daemon.get(f"/v1/records/{told['record']}", auth="admin").json()
    assert [s["resources"][0]["resourceUri"] for s in found["statements"]] == [
        f"/users/{USER}", "documents/7"]
    client = daemon.get(f"/v1/clients/{told['client']}", auth="admin").json()
    assert told["key"] not in str(client["verificationKeys"])


def test_every_call_of_the_python_sdk_is_served_or_says_that_it_is_not():
    files = (sdks.SDKS["authress-3"].fetch() / "lib").glob("*/site-packages/authress/api/*.py")
    calls = {(method, openapi.normal(path)) for file in files for path, method in
             re.findall(r"'(/(?:v1|api)/[^']*)',\s*'([A-Z]+)'", file.read_text())}
    assert len(calls) > 60, "the SDK spells its calls in another way"
    described = {(method, openapi.normal(path)) for method, path, _ in
                 openapi.CONTRACT.operations()}
    assert calls - described == set()


# ---- Go ----

TEXT = {"type": "string"}
FLAG = {"type": "boolean"}
TIME = {"type": "string",  # RFC 3339: Go's time.Time takes nothing else
        "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$"}
TAGS = {"type": "object", "additionalProperties": TEXT}


def has(**members):
    return {"type": "object", "required": list(members), "properties": members}


def list_of(item):
    return {"type": "array", "items": item}


# What the SDK decodes answers into: it fails for a member that is missing or of another type.
LINK = has(href=TEXT)
USERS = list_of(has(userId=TEXT))
CLIENT = has(clientId=TEXT, createdTime=TIME, name=TEXT, verificationKeys=list_of(has(keyId=TEXT)),
             options=has(grantUserPermissionsAccess=FLAG, grantTokenGeneration=FLAG), tags=TAGS)
ACCESS_KEY = has(keyId=TEXT, generationDate=TIME, accessKey=TEXT, clientSecret=TEXT)
RECORD = has(recordId=TEXT, name=TEXT, lastUpdated=TIME, status={"enum": ["ACTIVE", "DELETED"]},
             account=has(accountId=TEXT), users=USERS, admins=USERS, tags=TAGS,
             groups=list_of(has(groupId=TEXT)), links=has(self=LINK),
             statements=list_of(has(roles=list_of(TEXT),
                                    resources=list_of(has(resourceUri=TEXT)))) | {"minItems": 1})
LAST_PAGE = has(records=list_of(RECORD), links=has(self=LINK),
                pagination={"type": "object", "maxProperties": 0})
PAGE = has(records=list_of(RECORD), links=has(self=LINK, next=LINK),
           pagination=has(next=has(cursor=TEXT)))
TOKEN = has(access_token=TEXT)
JWKS = has(keys=list_of(has(kid=TEXT, alg={"const": "EdDSA"}, x=TEXT)))
NOTHING = {"const": {}}
ERROR = has(title=TEXT, errorCode=TEXT, errorId=TEXT)


class Go:
    """Sends what Go's SDK sent, header for header, with the ids, keys and times of this run."""

    REQUESTS = json.loads((sdks.HERE / "go" / "requests.json").read_text())

    def __init__(self, daemon):
        self.connection = http.client.HTTPConnection("127.0.0.1", daemon.ports["public"],
                                                     timeout=60)
        self.names = {"host": daemon.url("").removeprefix("http://")}
        self.sent = set()

    def __call__(self, name, status, schema=None, **names):
        """The answer, decoded: it must have this status, and fit the schema; None = no body."""
        self.sent.add(name)
        request, names = self.REQUESTS[name], self.names | names
        body = string.Template(request["body"]).substitute(names).encode()
        names["length"] = len(body)
        path = string.Template(request["path"]).substitute(names)
        self.connection.putrequest(request["method"], path, skip_host=True,
                                   skip_accept_encoding=True)
        for header, value in request["headers"]:
            self.connection.putheader(header, string.Template(value).substitute(names))
        self.connection.endheaders(body or None)
        answer = self.connection.getresponse()
        content, media = answer.read(), answer.headers.get("Content-Type", "")
        assert answer.status == status, f"{name}: {answer.status} {content.decode()}"
        assert answer.reason == http.client.responses[status]  # the text of the SDK's error
        openapi.CONTRACT.check(request["method"], path.split("?")[0], status, media, content)
        if schema is None:
            assert content == b""
            return None
        is_oauth = schema in (TOKEN, JWKS)
        assert media == ("application/json" if is_oauth else "application/links+json")
        found = json.loads(content)
        jsonschema.validate(found, schema)
        return found


def test_what_the_go_sdk_sends_gets_answers_that_it_can_decode(daemon, service_key):
    go = Go(daemon)
    go.names |= {"service": service_key.split(".")[0], "serviceKey": service_key}
    client = go("create client", 201, CLIENT)
    assert client["createdTime"] > "2001"  # its zero time and empty id are not taken
    go.names["client"] = client["clientId"]
    go.names["record"] = go("create record", 201, RECORD)["recordId"]
    key = go("request access key", 201, ACCESS_KEY)
    go.names |= {"key": key["keyId"], "accessKey": key["accessKey"]}

    go("own", 200, NOTHING)
    go("another's", 404, ERROR)
    go("document", 404, ERROR)

    was = go("get record", 200, RECORD)["lastUpdated"]
    go.names |= {"lastUpdated": was, "lastUpdatedSecond": was[:19] + "Z"}
    while time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime()) <= was[:19]:
        time.sleep(0.01)  # what is changed within that second would not be seen as changed
    assert go("update record", 200, RECORD)["lastUpdated"] > was
    go("document", 200, NOTHING)
    go("update record", 412, ERROR)

    made = {go("create one of many", 201, RECORD, n=n)["recordId"] for n in range(250)}
    page = go("first page", 200, PAGE)
    found = page["records"]
    for pages_left in range(11, -1, -1):
        page = go("next page", 200, PAGE if pages_left else LAST_PAGE,
                  cursor=page["pagination"]["next"]["cursor"])
        found += page["records"]
    assert len(found) == 251
    assert {r["recordId"] for r in found} == made | {go.names["record"]}

    token = go("request token", 200, TOKEN)["access_token"]
    kid = jwt.get_unverified_header(token)["kid"]
    jwk = next(k for k in go("keys of tokens", 200, JWKS)["keys"] if k["kid"] == kid)
    claims = jwt.decode(token, jwt.PyJWK.from_dict(jwk).key, algorithms=["EdDSA"],
                        issuer=daemon.url(""), options={"verify_aud": False})
    assert claims["sub"] == client["clientId"]

    # Of two Authorization headers the key says who asks: the service itself may not.
    go("document beside a token", 200, NOTHING, token=token)
    services = AccessKey(service_key).token(base=daemon.url(""))
    assert daemon.get(f"/v1/users/{client['clientId']}/resources/documents%2F7/permissions/READ",
                      headers={"Authorization": f"Bearer {services}"}).status_code == 403
    go("document beside a token", 200, NOTHING, token=services)

    go("delete access key", 204)
    go("own", 401, ERROR)
    go("document beside a token", 401, ERROR, token=services)
    assert go.sent == set(Go.REQUESTS)
