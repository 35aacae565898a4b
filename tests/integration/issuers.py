"""An issuer of user tokens, faked: its metadata, its keys, and tokens that it has signed."""

import base64
import json
import time

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

import upstreams

GENERATE = {
    "RS256": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
}


def _text(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def jwk(key, algorithm, kid):
    """The public key as RFC 7517, 7518 and 8037 have it, written by hand."""
    public = key.public_key()
    if algorithm == "RS256":
        numbers = public.public_numbers()
        size = (numbers.n.bit_length() + 7) // 8
        shape = {"kty": "RSA", "n": _text(numbers.n.to_bytes(size, "big")), "e": "AQAB"}
    elif algorithm == "ES256":
        numbers = public.public_numbers()
        shape = {"kty": "EC", "crv": "P-256", "x": _text(numbers.x.to_bytes(32, "big")),
                 "y": _text(numbers.y.to_bytes(32, "big"))}
    else:
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
        shape = {"kty": "OKP", "crv": "Ed25519",
                 "x": _text(public.public_bytes(Encoding.Raw, PublicFormat.Raw))}
    return {**shape, "use": "sig", "alg": algorithm, **({"kid": kid} if kid else {})}


class Issuer(upstreams.Upstream):
    """`metadata` says where it describes itself: openid, oauth, or None; `path` is the issuer's own.

    `listed` are the names of the keys that it shows; `keys_body` and `jwks_uri` replace what it says.
    """

    def __init__(self, algorithm="EdDSA", metadata="openid", path="", **arguments):
        self.keys, self.listed = {}, []
        self.metadata, self.path = metadata, path
        self.cache_control = self.keys_body = self.jwks_uri = self.claimed_issuer = None
        self.add("one", algorithm)
        super().__init__(**arguments)

    @property
    def issuer(self):
        return self.url + self.path

    @property
    def config(self):
        return {"issuer": self.issuer, "audience": "https://chatelaine.test"}

    def add(self, kid, algorithm="EdDSA"):
        self.keys[kid] = (GENERATE[algorithm](), algorithm)
        self.listed.append(kid)

    def rotate(self, kid, algorithm="EdDSA"):
        self.listed = []
        self.add(kid, algorithm)

    @property
    def fetches(self):
        """How often its keys were asked for."""
        return sum(path == "/keys" for _, path, _, _ in self.requests)

    def claims(self, sub, at=None, **changes):
        now = time.time() if at is None else at
        claims = {"iss": self.issuer, "aud": "https://chatelaine.test", "sub": sub,
                  "iat": int(now), "exp": int(now) + 300, **changes}
        return {name: value for name, value in claims.items() if value is not None}

    def token(self, sub, kid="one", headers=None, at=None, **changes):
        key, algorithm = self.keys[kid]
        return jwt.encode(self.claims(sub, at, **changes), key, algorithm,
                          headers={"kid": kid, **(headers or {})})

    def bearer(self, sub, *arguments, **changes):
        return {"Authorization": "Bearer " + self.token(sub, *arguments, **changes)}

    def respond(self, request, body):
        where = {"openid": self.path + "/.well-known/openid-configuration",
                 "oauth": "/.well-known/oauth-authorization-server" + self.path}
        if request.path == where.get(self.metadata):
            described = {"issuer": self.claimed_issuer or self.issuer,
                         "jwks_uri": self.jwks_uri or self.url + "/keys"}
            return request.answer(200, json.dumps(described).encode())
        if request.path != "/keys":
            return request.answer(404)
        shown = [jwk(*self.keys[kid], kid) for kid in self.listed]
        more = {"Cache_Control": self.cache_control} if self.cache_control else {}
        text = json.dumps({"keys": shown}).encode() if self.keys_body is None else self.keys_body
        return request.answer(200, text, **more)
