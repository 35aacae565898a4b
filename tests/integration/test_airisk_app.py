"""The two flows of AIRisk's documentation from a real Flask app; OAuth from a library."""

import os
import re
import threading

import pytest
import requests
import werkzeug.serving
from oauthlib.oauth2 import BackendApplicationClient
from requests_oauthlib import OAuth2Session

from airisk_app import make_app
from test_oauth import CALLBACK, Client, allow, audit, make_role, make_user


class Server:
    """An app on a port of its own."""

    def __init__(self):
        self.server = werkzeug.serving.make_server("127.0.0.1", 0, None, threaded=True)
        self.origin = f"http://127.0.0.1:{self.server.port}"
        self.callback = self.origin + "/callback"

    def run(self, app):
        self.server.app = app
        self.thread = threading.Thread(target=self.server.serve_forever)
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def server():
    server = Server()
    yield server
    server.stop()


@pytest.fixture
def browser():
    with requests.Session() as session:
        session.trust_env = False
        yield session


def instance(daemon):
    return f"http://127.0.0.1:{daemon.ports['public']}"


def reader(daemon):
    return make_user(daemon, roles=[{"role": make_role(daemon, "keys:read")}])


def test_two_steps_sign_in_list_pick_act_and_switch(daemon, server, browser):
    reads, reads_not = reader(daemon), make_user(daemon)
    client = Client(daemon, [allow("impersonate", "users/*"), allow("keys:read")],
                    [server.callback])
    server.run(make_app(instance(daemon), client.id, client.secret, server.callback))

    page = browser.get(server.origin + "/authenticate")
    assert page.url == server.origin + "/select_user"
    listed = dict(re.findall(r'<option value="(\w+)"[^>]*>([^<]*)', page.text))
    assert listed == {u["id"]: u["name"] for u in (reads, reads_not)}

    for user, status in ((reads, 200), (reads_not, 403), (reads, 200)):
        chosen = browser.post(server.origin + "/select_user", data={"userid": user["id"]})
        assert chosen.json() == {"userid": user["id"]}
        assert browser.get(server.origin + "/remote/v1/keys").status_code == status
        again = browser.get(server.origin + "/select_user").text
        assert f'<option value="{user["id"]}" selected>' in again
        assert len(re.findall("<option", again)) == 2

    acted = [e["data"]["actor"].get("on_behalf_of") for e in audit(daemon)
             if e["data"].get("action") == "session.create"]
    assert acted == [None, reads["id"], reads_not["id"], reads["id"]]


def test_a_single_user_app_signs_in_as_its_user_at_once(daemon, server, browser):
    user = reader(daemon)
    client = Client(daemon, [allow("impersonate", "users/" + user["id"]), allow("keys:read")],
                    [server.callback])
    server.run(make_app(instance(daemon), client.id, client.secret, server.callback,
                        user_id=user["id"]))
    assert browser.get(server.origin + "/authenticate").json() == {"userid": user["id"]}
    assert browser.get(server.origin + "/remote/v1/keys").status_code == 200
    assert daemon.delete(f"/v1/admin/users/{user['id']}", auth="admin").status_code == 204
    assert browser.get(server.origin + "/remote/v1/keys").status_code == 401


# ---- a library as client ----

@pytest.fixture
def plain_http(monkeypatch):
    monkeypatch.setitem(os.environ, "OAUTHLIB_INSECURE_TRANSPORT", "1")


def test_requests_oauthlib_gets_a_clients_token(daemon, plain_http):
    client = Client(daemon, [allow("keys:read")])
    session = OAuth2Session(client=BackendApplicationClient(client.id))
    session.fetch_token(instance(daemon) + "/oauth2/token", auth=client.basic)
    assert session.get(instance(daemon) + "/v1/keys").status_code == 200


def test_requests_oauthlib_redeems_a_code_with_pkce(daemon, plain_http):
    found = daemon.get("/.well-known/oauth-authorization-server").json()
    authorize, token = (found[name].replace(found["issuer"], instance(daemon))
                        for name in ("authorization_endpoint", "token_endpoint"))
    client = Client(daemon, [allow("keys:read")])
    session = OAuth2Session(client.id, redirect_uri=CALLBACK)
    verifier = session._client.create_code_verifier(64)
    url, _ = session.authorization_url(
        authorize, code_challenge_method="S256",
        code_challenge=session._client.create_code_challenge(verifier, "S256"))
    sent = daemon.session.get(url, allow_redirects=False)
    session.fetch_token(token, authorization_response=sent.headers["Location"],
                        code_verifier=verifier, auth=client.basic)
    assert session.get(instance(daemon) + "/v1/keys").status_code == 200
