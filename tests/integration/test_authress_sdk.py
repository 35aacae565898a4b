"""Authress's own SDKs, as their registries have them, against the daemon: programs to copy."""

import pathlib
import re
import sys

import broker
import openapi
import pytest

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
