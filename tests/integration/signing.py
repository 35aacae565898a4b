"""The senders' side of authentication: what a third-party app computes for a request.

Written from the documents of the systems themselves (linked-services, Standard Webhooks), with
Python's own libraries, so that it is a second opinion and not the daemon's code again.
"""

import base64
import dataclasses
import datetime
import hashlib
import hmac
import secrets
import time
import urllib.parse
import uuid

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

HASHES = {"HMAC_SHA256": hashlib.sha256, "HMAC_SHA512": hashlib.sha512}
JWT_ALGORITHMS = {"HMAC_SHA256": "HS256", "HMAC_SHA512": "HS512", "ED25519": "EdDSA"}
AUDIENCE = "chatelaine"  # the daemon's app_name


def new_key(algorithm, strategy):
    """(private, public): what the app keeps, and what `app create --key-file` reads."""
    if strategy == "STANDARD":
        key = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
        return key, key
    if algorithm == "ED25519":
        private = Ed25519PrivateKey.generate()
        pem = private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        return private, pem.decode()
    key = secrets.token_hex(64)
    return key, key


@dataclasses.dataclass
class App:
    """An app as its own side knows it. Each method returns the headers of one request."""

    slug: str
    key: object
    algorithm: str = "HMAC_SHA512"
    strategy: str = "JWT"

    def link(self, sub="", headers=None, **claims):
        """Authorization: Link. A claim given as None is left out."""
        token = self.token(sub, **claims)
        return {"Authorization": f"Link App={self.slug},Token={token}", **(headers or {})}

    def token(self, sub="", **claims):
        now = time.time()
        payload = {"sub": str(sub), "iss": "http://localhost:8000", "app": self.slug,
                   "aud": AUDIENCE, "exp": now + 600, "iat": now - 1, "typ": "JWT", **claims}
        payload = {name: value for name, value in payload.items() if value is not None}
        key = self.key if self.algorithm == "ED25519" else bytes.fromhex(self.key)
        return jwt.encode(payload, key, algorithm=JWT_ALGORITHMS[self.algorithm])

    def signature(self, method="POST", body=None, params=None, headers=None, date=None):
        """Authorization: Signature over the parsed body and the headers given here.

        body is the Python value that the JSON sent parses to, None when there is no body;
        params are lists, as the receiver's framework reads a query: {"a": ["1"]}.
        """
        headers = {name.title(): value for name, value in (headers or {}).items()}
        date = date or datetime.datetime.now(datetime.timezone.utc).isoformat()
        signed = urllib.parse.urlencode({
            "timestamp": date, "app": self.slug, "method": method, "params": params or {},
            "body": {} if body is None else body, "headers": headers})
        nonce = hmac.new(bytes.fromhex(self.key), signed.encode(),
                         HASHES[self.algorithm]).hexdigest()
        names = ";".join(headers)
        authorization = (f"Signature App={self.slug},Nonce={nonce},SignedHeaders={names},"
                         f"Date={date}")
        return {"Authorization": authorization, **headers}

    def standard(self, body, message_id=None, timestamp=None):
        """Standard Webhooks over the raw bytes of the body."""
        message_id = message_id or "msg_" + uuid.uuid4().hex
        timestamp = str(int(time.time()) if timestamp is None else timestamp)
        key = base64.b64decode(self.key.removeprefix("whsec_"))
        signed = b".".join((message_id.encode(), timestamp.encode(), body))
        mac = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        return {"webhook-id": message_id, "webhook-timestamp": timestamp,
                "webhook-signature": f"v1,{mac}"}
