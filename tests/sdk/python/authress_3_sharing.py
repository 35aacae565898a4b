"""Rights that find their users, with Authress's Python SDK (pip install authress, 3.1.111 or newer).

    AUTHRESS_API_URL=http://127.0.0.1:8080 OWNER_TOKEN=ey... USER_TOKEN=ey... USER_ID=auth0|5f1c \\
        python authress_3_sharing.py

The tokens are those that people log in with, of an issuer that the server trusts. The owner of the
first holds Authress:Owner on "teams". Each step prints one line.
"""

import os

from authress import AuthressClient
from authress.exceptions import ApiException, NotFoundException
from authress.models import (AccessRequest, AccessRequestResponse, AccessTemplate, ClaimRequest,
                             Invite, InviteStatement, PermissionedResource, Resource,
                             ResourcePermission, Statement, User)

USER = os.environ["USER_ID"]


def client(token):
    made = AuthressClient(authress_api_url=os.environ["AUTHRESS_API_URL"])
    made.set_token(os.environ[token])
    return made


owner, user = client("OWNER_TOKEN"), client("USER_TOKEN")


def may(resource, permission):
    try:
        user.user_permissions.authorize_user(USER, resource, permission)
        return "allowed"
    except NotFoundException:
        return "denied"


def on(resource):
    return {"roles": ["Authress:Owner"], "resources": [Resource(resource_uri=resource)]}


# Whoever accepts the invite gets what it gives.
print("team", may("teams/a", "teams:write"))
invite = owner.invites.create_invite(  # the server makes the id, but the SDK asks for one
    Invite(inviteId="", statements=[InviteStatement(**on("teams/a"))]))
print("invite", invite.invite_id)
assert user.invites.get_invite(invite.invite_id).statements[0].roles == ["Authress:Owner"]
user.invites.respond_to_invite(invite.invite_id)
print("team", may("teams/a", "teams:write"))
unused = owner.invites.create_invite(
    Invite(inviteId="", statements=[InviteStatement(**on("teams/b"))]))
owner.invites.delete_invite(unused.invite_id)
try:
    user.invites.respond_to_invite(unused.invite_id)
except NotFoundException as error:
    print("invite gone", error.status)

# A resource that everybody reads, and one that everybody may claim a part of.
print("blog", may("teams/blog/1", "posts:read"))
owner.resource_permissions.update_permissioned_resource("teams/blog", PermissionedResource(
    permissions=[ResourcePermission(action="PUBLIC", allow=True)]))
print("blog", may("teams/blog/1", "posts:read"), may("teams/blog/1", "posts:write"))
owner.resource_permissions.update_permissioned_resource("/teams/desks", PermissionedResource(
    permissions=[ResourcePermission(action="CLAIM", allow=True)]))
shown = owner.resource_permissions.get_permissioned_resource("teams/desks").permissions
print("configured", *sorted(f"{p.action}={p.allow}" for p in shown))
print("configurations", len(owner.resource_permissions.get_permissioned_resources().resources))
desk = ClaimRequest(collectionResource="teams/desks", resourceId="7")
user.access_records.create_claim(desk)
print("desk", may("teams/desks/7", "desks:move"))
try:
    owner.access_records.create_claim(desk)
except ApiException as error:
    print("claimed already", error.status)
users = owner.resource_permissions.get_resource_users("teams/desks/7").users
print("users", *(u.user_id for u in users))

# Access that is asked for.
asked = user.access_records.create_request(AccessRequest(access=AccessTemplate(
    users=[User(user_id=USER)], statements=[Statement(**on("teams/c"))])))
print("request", asked.status)
answered = owner.access_records.respond_to_access_request(
    asked.request_id, AccessRequestResponse(status="APPROVED"))
print("request", answered.status, may("teams/c", "teams:write"))
found = owner.access_records.get_requests(status="APPROVED").records
print("requests", len(found))
user.access_records.delete_request(asked.request_id)
