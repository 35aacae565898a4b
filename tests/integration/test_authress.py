"""Authress's API as its facts have it: one row, one test, named by the row."""

import re

import harness
import openapi
import pytest

UNSERVED = [(method, path) for method, path, operation in openapi.CONTRACT.operations()
            if operation["summary"] == "Not served: 501" and operation["tags"] == ["authress"]]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    daemon = harness.Daemon(tmp_path_factory.mktemp("authress"))
    daemon.init()
    daemon.start()
    yield daemon
    daemon.destroy()


@pytest.mark.parametrize("method, path", UNSERVED, ids=[f"{m} {p}" for m, p in UNSERVED])
def test_what_is_out_of_scope_says_so(server, method, path):
    answer = server.request(method, re.sub(r"\{[^}]*\}", "x", path))
    assert answer.status_code == 501
    assert answer.headers["Content-Type"] == "application/links+json"
    error = answer.json()
    assert error == {"title": f"{method} {path} is not implemented here.",
                     "errorCode": "NotImplemented",
                     "errorId": answer.headers["X-Request-Id"]}
