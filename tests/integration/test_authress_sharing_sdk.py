"""Authress's own SDKs share and claim, with the tokens of another issuer: programs to copy."""

import pathlib
import re
import sys

import pytest

import issuers

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "sdk"))

import sdks  # noqa: E402

USER, OWNER = "auth0|5f1c", "google-oauth2|1184"
INVITES = [
    r"team denied",
    r"invite inv_\w+",
    r"team allowed",
    r"invite gone 404",
    r"blog denied",
    r"blog allowed denied",
    r"configured CLAIM=[Tt]rue PUBLIC=[Ff]alse",
    r"configurations 2",
    r"desk allowed",
    r"claimed already 409",
    r"users " + re.escape(USER),
]
REQUESTS = [r"request OPEN", r"request APPROVED allowed", r"requests 1"]
PROGRAMS = {
    "authress-3": (sdks.Python("authress_3_sharing.py", "requirements-authress_3.txt"),
                   INVITES + REQUESTS),
    "npm-2": (sdks.Node("authress_2_sharing.js"), INVITES),
}


@pytest.fixture
def issuer():
    made = issuers.Issuer(algorithm="RS256")
    yield made
    made.stop()


@pytest.fixture
def daemon(make_daemon, issuer):
    daemon = make_daemon({'trust "login"': issuer.config})
    daemon.wait_event("trust.fetched")
    answer = daemon.post("/v1/records", auth="admin", json={
        "name": "owner", "users": [{"userId": OWNER}],
        "statements": [{"roles": ["Authress:Owner"], "resources": [{"resourceUri": "teams"}]}]})
    assert answer.status_code == 201, answer.text
    return daemon


@pytest.mark.parametrize("sdk", PROGRAMS)
def test_an_sdk_shares_what_its_user_owns(daemon, issuer, sdk):
    program, expected = PROGRAMS[sdk]
    printed = program.run(AUTHRESS_API_URL=daemon.url(""), USER_ID=USER,
                          OWNER_TOKEN=issuer.token(OWNER), USER_TOKEN=issuer.token(USER))
    assert len(printed) == len(expected), "\n".join(printed)
    for pattern, line in zip(expected, printed):
        assert re.fullmatch(pattern, line), f"{line!r} is not {pattern!r}"


def test_without_a_user_the_old_sdk_speaks_of_the_token_s_sub(daemon, issuer):
    answer = daemon.request("PUT", "/v1/resources/teams%2Fdesks", auth="admin",
                        json={"permissions": [{"action": "CLAIM", "allow": True}]})
    assert answer.status_code == 200, answer.text
    program = sdks.Python("authress_sdk_2_user.py", "requirements-authress_sdk_2.txt")
    printed = program.run(AUTHRESS_API_URL=daemon.url(""), USER_TOKEN=issuer.token(USER))
    assert printed == ["desk refused 404", "desk allowed"]
