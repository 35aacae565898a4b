"""An API key for a user, with Authress's Python SDK (pip install authress, 3.1.111 or newer).

    AUTHRESS_API_URL=http://127.0.0.1:8080 SERVICE_ACCESS_KEY=sc_... python authress_3.py

The service that runs this has a client of its own, which holds Authress:Owner on
Authress:ServiceClients, on users, and on documents. Each step prints one line.
"""

import os

from authress import AuthressClient
from authress.exceptions import ApiException, NotFoundException, UnauthorizedException
from authress.models import AccessRecord, Client, Resource, Statement, User

URL = os.environ["AUTHRESS_API_URL"]
USER = os.environ.get("USER_ID", "USER_A1")

service = AuthressClient(authress_api_url=URL,
                         service_client_access_key=os.environ["SERVICE_ACCESS_KEY"])

# A client for the user, which may do all with what is the user's, and its key.
client = service.service_clients.create_client(Client(name=f"API key of {USER}"))
print("client", client.client_id)
record = service.access_records.create_record(AccessRecord(
    name=f"API key {client.client_id}",
    users=[User(user_id=client.client_id)],
    statements=[Statement(roles=["Authress:Owner"],
                          resources=[Resource(resource_uri=f"/users/{USER}")])]))
print("record", record.record_id)
key = service.service_clients.request_access_key(client.client_id)
print("key", key.key_id)

# The user's program acts with it.
theirs = AuthressClient(authress_api_url=URL, service_client_access_key=key.access_key)


def may(resource, permission):
    try:
        theirs.user_permissions.authorize_user(client.client_id, resource, permission)
        return "allowed"
    except NotFoundException:
        return "denied"


print("own", may(f"users/{USER}/documents/1", "READ"))
print("another's", may("users/SOMEBODY/documents/1", "READ"))
print("document", may("documents/7", "READ"))

# One more statement, unless somebody else has changed the record meanwhile.
was = service.access_records.get_record(record.record_id)
read = was.last_updated.isoformat()
was.statements.append(Statement(roles=["Authress:Owner"],
                                resources=[Resource(resource_uri="documents/7")]))
service.access_records.update_record(record.record_id, was, expected_last_modified_time=read)
print("document", may("documents/7", "READ"))
try:
    service.access_records.update_record(record.record_id, was, expected_last_modified_time=read)
except ApiException as error:
    print("changed meanwhile", error.status)

# All records of the service, page by page.
for n in range(250):
    service.access_records.create_record(AccessRecord(
        name=f"{USER} reads {n}", users=[User(user_id=USER)],
        statements=[Statement(roles=["Authress:Owner"],
                              resources=[Resource(resource_uri=f"documents/{n}")])]))
found, pages, cursor = set(), 0, None
while pages == 0 or cursor:
    page = service.access_records.get_records(limit=20, cursor=cursor)
    found.update(r.record_id for r in page.records)
    pages += 1
    cursor = page.pagination.next.cursor if page.pagination.next else None
print("records", len(found), "pages", pages)

# Who gets a token from the user's program knows whose it is.
token = theirs.get_client_token()
print("token of", service.verify_token(token)["sub"])

# The key is taken away: the next call is refused.
service.service_clients.delete_access_key(client.client_id, key.key_id)
try:
    theirs.user_permissions.authorize_user(client.client_id, f"users/{USER}/documents/1", "READ")
except UnauthorizedException as error:
    print("key gone", error.status)
