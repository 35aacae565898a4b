"""What the bearer of a token may, with Authress's old Python SDK (pip install authress_sdk==2.0.34).

    AUTHRESS_API_URL=http://127.0.0.1:8080 USER_TOKEN=ey... python authress_sdk_2_user.py

The token is one that people log in with, of an issuer that the server trusts. Without a user,
authorize_user speaks of the token's `sub`.
"""

import os

import authress_sdk
from authress_sdk import AuthressClient, ClaimRequest

authress = AuthressClient(os.environ["AUTHRESS_API_URL"])
authress.set_token(os.environ["USER_TOKEN"])


def may(resource, permission):
    try:
        authress.users.authorize_user(None, resource, permission)
        return "allowed"
    except authress_sdk.ApiException as error:
        return f"refused {error.status}"


print("desk", may("teams/desks/8", "READ"))
authress.records.create_claim(ClaimRequest(collection_resource="teams/desks", resource_id="8"))
print("desk", may("teams/desks/8", "READ"))
