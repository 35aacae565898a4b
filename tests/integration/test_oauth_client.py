"""OAuth 2 by a client library that takes the RFCs at their word: oauth4webapi, from Node.

tests/node/oauth.mjs has the flows. Whatever an answer lacks, or says otherwise than its RFC has it
(the issuer of the metadata, media types, members, the state), the library refuses.
"""

import json

import broker
import packages
import pytest

from test_oauth import Client, allow, make_role, make_user, works

CALLBACK = "http://127.0.0.1:9/callback"


@pytest.fixture
def server(make_daemon):
    """A daemon whose issuer is where it listens."""
    (port,) = broker.free_ports(1)
    return make_daemon({"issuer": f"http://127.0.0.1:{port}",
                        'listen "public"': {"address": f"127.0.0.1:{port}"}})


def run(flow, client, **more):
    daemon = client.daemon
    return packages.run("oauth.mjs", flow, json.dumps({
        "issuer": f"http://127.0.0.1:{daemon.ports['public']}", "client_id": client.id,
        "client_secret": client.secret, "redirect_uri": CALLBACK, **more}))


def make_client(daemon, *grants):
    return Client(daemon, grants, redirect_uris=(CALLBACK,))


def test_rfc8414_the_metadata_is_found_and_taken(server):
    found = run("discovery", make_client(server))
    assert found["issuer"] == f"http://127.0.0.1:{server.ports['public']}"
    assert "S256" in found["code_challenge_methods_supported"]


@pytest.mark.parametrize("how", ["basic", "post"])
def test_rfc6749_4_4_client_credentials_and_the_token_works(server, how):
    client = make_client(server, allow("keys:read"), allow("users:read"))
    token = run("client_credentials", client, authentication=how, scope="keys:read")
    assert token["token_type"] == "bearer"  # the library writes it in small letters
    assert works(server, token["access_token"]) == 200
    assert works(server, token["access_token"], "/v1/admin/users") == 403


def test_rfc6749_5_2_a_wrong_secret_is_a_challenge_that_the_library_reads(server):
    client = make_client(server)
    client.secret = "wrong"
    answer = run("client_credentials", client)
    assert answer["status"] == 401 and answer["refused"] in ("basic", "invalid_client"), answer


def test_rfc7636_a_code_is_redeemed_with_its_verifier_alone(server):
    client = make_client(server, allow("keys:read"))
    token = run("code", client)
    assert works(server, token["access_token"]) == 200
    assert run("code_with_another_verifier", client) == {"refused": "invalid_grant", "status": 400}


def test_rfc7662_introspection_knows_the_token_and_says_nothing_of_another(server):
    client = make_client(server, allow("keys:read"))
    answer = run("introspection", client)
    assert answer["known"]["active"] is True and answer["known"]["client_id"] == client.id
    assert answer["unknown"] == {"active": False}


def test_rfc7009_a_revoked_token_is_not_active(server):
    assert run("revocation", make_client(server)) == {"before": True, "after": False}


def test_rfc9068_a_resource_server_validates_the_token_by_the_published_keys(server):
    client = make_client(server, allow("keys:read"))
    claims = run("access_token", client)
    assert claims["client_id"] == claims["sub"] == client.id


def test_rfc8693_the_client_acts_as_a_user_and_both_are_named(server):
    user = make_user(server, roles=[{"role": make_role(server, "keys:read")}])
    client = make_client(server, allow("keys:read"), allow("impersonate", "users/*"))
    answer = run("exchange", client, user=user["id"])
    assert works(server, answer["token"]["access_token"]) == 200
    assert answer["what"]["sub"] == user["id"] and answer["what"]["act"] == {"sub": client.id}
