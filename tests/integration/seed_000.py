"""The script of Contract.fit's documentation on fully qualified links, from log-in to revocation.

As it is printed there, but for the host's name; the steps between "Get inbox" and the link, which
the page leaves out, are rebuilt from Contract.fit's own OpenAPI. Environment: TENANT, ADMIN,
DOCUMENT; the password is asked for, or read from standard input.
"""
import os
import sys
import requests
from secrets import token_urlsafe
from getpass import getpass

tenant = os.environ["TENANT"]
admin = os.environ["ADMIN"]
password = getpass(f"User {admin} password: ") if sys.stdin.isatty() else sys.stdin.readline()[:-1]

sess = requests.Session()
res = sess.post(f"{tenant}/admin/auth", json={
    "username": admin,
    "password": password
})
res.raise_for_status()
jwt = res.json()["authentication_token"]
sess.headers = dict(Authorization=f"Bearer {jwt}")
print("logged in")

# Get inbox
res = sess.get(f"{tenant}/admin/inboxes")
res.raise_for_status()
inboxes = res.json()
invoice_inbox = next(filter(lambda x: x["name"] == "invoice", inboxes))
print("inbox", invoice_inbox["name"])

# Create roles: one for the inbox, one for the document, with as little as possible
res = sess.post(f"{tenant}/admin/roles", json={
    "name": "share: list the inbox",
    "permissions": {"view_list": True}
})
res.raise_for_status()
inbox_role = res.json()
res = sess.post(f"{tenant}/admin/roles", json={
    "name": "share: review the document",
    "permissions": {"review": True, "submit": True}
})
res.raise_for_status()
document_role = res.json()
print("roles", inbox_role["name"], "+", document_role["name"])

# Create the user that the keys are bound to; nobody logs in with its password
res = sess.post(f"{tenant}/admin/users", json={
    "username": "guest",
    "active": True,
    "password": token_urlsafe(),
    "roles": [{"role": inbox_role["id"]}, {"role": document_role["id"]}]
})
res.raise_for_status()
guest = res.json()
print("user", guest["username"])

# For each link: a key that is scoped to the document
document_id = os.environ["DOCUMENT"]
res = sess.post(f"{tenant}/admin/auth/api-key", json={
    "user": guest["id"],
    "roles": [
        {"role": inbox_role["id"], "inbox": invoice_inbox["id"]},
        {"role": document_role["id"], "document_id": document_id}
    ]
})
res.raise_for_status()
token = res.json()["token"]
link = f"{tenant}/#/view/{document_id}?nonce={token}"
print("link", link.replace(token, "***"))

# What the page does with it
key = {"X-API-Key": token}
res = requests.post(f"{tenant}/admin/auth/ephemeral", headers=key)
res.raise_for_status()
session = {"Authorization": f"Bearer {res.json()['authentication_token']}"}
res = requests.get(f"{tenant}/admin/documents/{document_id}", headers=session)
res.raise_for_status()
print("session reads", res.json()["original_filename"])


def refused(what, response):
    print(f"{what}: {response.status_code} {response.json()['message']}")
    assert response.status_code in (401, 403), response.text


refused("session lists users", requests.get(f"{tenant}/admin/users", headers=session))
refused("session mints a key", requests.post(f"{tenant}/admin/auth/api-key", headers=session, json={
    "user": guest["id"], "roles": []
}))
refused("session reads another document",
        requests.get(f"{tenant}/admin/documents/other", headers=session))

# After review the key is revoked to avoid abuse
res = sess.delete(f"{tenant}/admin/auth/api-key/{token}")
res.raise_for_status()
print("revoked", res.status_code)
refused("key", requests.get(f"{tenant}/admin/documents/{document_id}", headers=key))
refused("key opens a session", requests.post(f"{tenant}/admin/auth/ephemeral", headers=key))
refused("session", requests.get(f"{tenant}/admin/documents/{document_id}", headers=session))
