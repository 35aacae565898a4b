"""The same with the older Python SDK, whose names seed programs use (pip install authress_sdk==2.0.34).

    AUTHRESS_API_URL=http://127.0.0.1:8080 SERVICE_ACCESS_KEY=sc_... python authress_sdk_2.py

It has no parameter for the lock and no field for the cursor: both are beside its models.
"""

import json
import os

from authress_sdk import (AccessRecord, AccessRecordResource, AccessRecordStatement,
                          AccessRecordUser, ApiException, AuthressClient, Client)

URL = os.environ["AUTHRESS_API_URL"]
USER = os.environ.get("USER_ID", "USER_A1")

service = AuthressClient(URL, os.environ["SERVICE_ACCESS_KEY"])

# A client for the user, which may do all with what is the user's, and its key.
client = service.clients.create_client(Client(name=f"ServiceClient for User {USER}"))
print("client", client.client_id)
record = service.records.create_record(AccessRecord(
    name=f"API Key {client.client_id}",
    users=[AccessRecordUser(f"Authress:ServiceClients/{client.client_id}")],
    statements=[AccessRecordStatement(["Authress:Owner"],
                                      [AccessRecordResource(f"/users/{USER}")])]))
print("record", record.record_id)
key = service.clients.request_access_key(client.client_id)
print("key", key.key_id)

# The user's program acts with it.
theirs = AuthressClient(URL, key.access_key)


def may(resource, permission):
    try:
        theirs.users.authorize_user(client.client_id, resource, permission)
        return "allowed"
    except ApiException as error:
        if error.status != 404:
            raise
        return "denied"


print("own", may(f"users/{USER}/documents/1", "READ"))
print("another's", may("users/SOMEBODY/documents/1", "READ"))
print("document", may("documents/7", "READ"))

# One more statement, unless somebody else has changed the record meanwhile.
was = service.records.get_record(record.record_id)
read = json.loads(service.records.api_client.last_response.data)["lastUpdated"]
was.statements.append(AccessRecordStatement(["Authress:Owner"],
                                            [AccessRecordResource("documents/7")]))
locking = AuthressClient(URL, os.environ["SERVICE_ACCESS_KEY"])
locking.records.api_client.set_default_header("If-Unmodified-Since", read)
locking.records.update_record(was, record.record_id)
print("document", may("documents/7", "READ"))
try:
    locking.records.update_record(was, record.record_id)
except ApiException as error:
    print("changed meanwhile", error.status)

# All records of the service, page by page.
for n in range(250):
    service.records.create_record(AccessRecord(
        name=f"{USER} reads {n}", users=[AccessRecordUser(USER)],
        statements=[AccessRecordStatement(["Authress:Owner"],
                                          [AccessRecordResource(f"documents/{n}")])]))
found, pages, cursor = set(), 0, None
while pages == 0 or cursor:
    more = {"cursor": cursor} if cursor else {}
    found.update(r.record_id for r in service.records.get_records(limit=20, **more).records)
    pages += 1
    answer = json.loads(service.records.api_client.last_response.data)
    cursor = answer["pagination"].get("next", {}).get("cursor")
print("records", len(found), "pages", pages)

# Who gets a token from the user's program knows whose it is. (This SDK's get_client_token makes
# one and does not return it.)
token = theirs.records.api_client._get_client_token()
print("token of", service.verify_token(token)["sub"])

# The seed's first example: a request's own token, and no user named.
of_request = AuthressClient(URL)
of_request.set_token(token)
of_request.users.authorize_user(None, f"users/{USER}/documents/1", "READ")
print("by its token allowed")

# The key is taken away: the next call is refused.
service.clients.delete_access_key(client.client_id, key.key_id)
try:
    theirs.users.authorize_user(client.client_id, f"users/{USER}/documents/1", "READ")
except ApiException as error:
    print("key gone", error.status)
