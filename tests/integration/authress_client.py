"""A service client of Authress's API as the SDKs are one: an access key, tokens that it signs."""

import base64
import time

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ACCOUNT = "acc-chatelaine-local"
DER_HEAD = bytes.fromhex("302e020100300506032b657004220420")


def public_text(private):
    """The public half as `publicKey` has it."""
    return base64.b64encode(private.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)).decode()


class AccessKey:
    """What {clientId}.{keyId}.{accountId}.{base64 PKCS8 DER} says."""

    def __init__(self, text):
        self.text = text
        self.client_id, self.kid, self.account, encoded = text.split(".", 3)
        der = base64.b64decode(encoded, validate=True)
        assert der[:16] == DER_HEAD and len(der) == 48
        self.private = Ed25519PrivateKey.from_private_bytes(der[16:])

    @classmethod
    def brought(cls, client_id, kid, private):
        der = DER_HEAD + private.private_bytes(
            serialization.Encoding.Raw, serialization.PrivateFormat.Raw,
            serialization.NoEncryption())
        return cls(f"{client_id}.{kid}.{ACCOUNT}.{base64.b64encode(der).decode()}")

    def token(self, base="http://127.0.0.1:8080", key=None, algorithm="EdDSA", headers=None,
              **claims):
        """As the SDKs sign it. A claim or header given as None is left out."""
        now = int(time.time())
        claims = {"iss": f"{base}/v1/clients/{self.client_id}", "sub": self.client_id,
                  "client_id": self.client_id, "aud": f"{self.account}.accounts.authress.io",
                  "iat": now, "exp": now + 86400, "scope": "openid", **claims}
        headers = {"kid": self.kid, "typ": "at+jwt", **(headers or {})}
        return jwt.encode({name: value for name, value in claims.items() if value is not None},
                          self.private if key is None else key, algorithm=algorithm,
                          headers={n: v for n, v in headers.items() if v is not None} |
                          ({"typ": None} if headers["typ"] is None else {}))

    def signed(self, **arguments):
        return bearer(self.token(**arguments))

    def raw(self):
        return bearer(self.text)


def bearer(text):
    return {"Authorization": f"Bearer {text}"}


def create(daemon, headers=None, **body):
    """A client, by the administrator or by whoever has these headers: its id."""
    who = {"auth": "admin"} if headers is None else {"headers": headers}
    answer = daemon.post("/v1/clients", json={"name": "worker", **body}, **who)
    assert answer.status_code == 201, answer.text
    return answer.json()["clientId"]


def request_key(daemon, client_id, headers=None, **body):
    """A new access key of the client."""
    who = {"auth": "admin"} if headers is None else {"headers": headers}
    answer = daemon.post(f"/v1/clients/{client_id}/access-keys", **who,
                         **({"json": body} if body else {}))
    assert answer.status_code == 201, answer.text
    return AccessKey(answer.json()["accessKey"])


def grant(daemon, client_id, *grants):
    """Rights for a client, from the administrator, by a record: (role, resource)..."""
    answer = daemon.post("/v1/records", auth="admin", json={
        "name": "rights", "users": [{"userId": client_id}],
        "statements": [{"roles": [role], "resources": [{"resourceUri": resource}]}
                       for role, resource in grants]})
    assert answer.status_code == 201, answer.text
    return answer.json()["recordId"]
