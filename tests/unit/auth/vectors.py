"""What senders send, made with Python's own libraries: prints vectors.h.

The clock of the tests stands at T0. Link tokens are PyJWT's, signatures are linked-services'
recipe (urlencode of str() of Python values under HMAC), Standard Webhooks' is the
specification's. test_vectors holds the committed file against what this prints.
"""

import base64
import hashlib
import hmac
import json
import sys
import urllib.parse

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

T0 = 1800000000  # seconds
DATE = "2027-01-15T08:00:00+00:00"  # T0
KEY = bytes(range(64))
OTHER_KEY = bytes(range(100, 164))
ED25519 = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PEM = ED25519.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def text(value):
    """A C string literal of these bytes."""
    data = value if isinstance(value, bytes) else value.encode()
    out = ""
    for byte in data:
        char = chr(byte)
        if char in '"\\':
            out += "\\" + char
        elif 0x20 <= byte < 0x7f and char != "?":
            out += char
        else:
            out += f"\\{byte:03o}"
    return f'"{out}"'


# ---- Link ----

def claims(**changes):
    all_claims = {"sub": "", "iss": "http://localhost:8000", "app": "acme", "aud": "chatelaine",
                  "exp": T0 + 600.5, "iat": T0 - 1.25, "typ": "JWT", **changes}
    return {name: value for name, value in all_claims.items() if value is not ...}


def token(key=KEY, algorithm="HS512", **changes):
    return jwt.encode(claims(**changes), key, algorithm=algorithm)


def link(**kwargs):
    return f"Link App=acme,Token={token(**kwargs)}"


def confused():
    """HS256 under the public key's text: whoever lets the token choose takes it."""
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")
    signed = part({"alg": "HS256", "typ": "JWT"}) + b"." + part(claims())
    mac = hmac.new(PEM, signed, hashlib.sha256).digest()
    return f"Link App=acme,Token={(signed + b'.' + base64.urlsafe_b64encode(mac).rstrip(b'=')).decode()}"


LINKS = {
    "GOOD": link(),
    "HS256": link(algorithm="HS256"),
    "EDDSA": link(key=ED25519, algorithm="EdDSA"),
    "OTHER_KEY": link(key=OTHER_KEY),
    "OTHER_KEY_HS256": link(key=OTHER_KEY, algorithm="HS256"),
    "OTHER_KEY_EXPIRED": link(key=OTHER_KEY, exp=T0 - 1),
    "ALG_NONE": link(key=None, algorithm="none"),
    "PUBLIC_KEY_AS_SECRET": confused(),
    "USER_7": link(sub="7"),
    "USER_7_AS_INTEGER": link(sub=7),
    "USER_8": link(sub="8"),
    "USER_0": link(sub=0),
    "SUB_MISSING": link(sub=...),
    "SUB_NULL": link(sub=None),
    "SUB_NO_NUMBER": link(sub="seven"),
    "SUB_FRACTION": link(sub=7.5),
    "SUB_NEGATIVE": link(sub="-7"),
    "SUB_TOO_LARGE": link(sub="9223372036854775808"),
    "APP_MISSING": link(app=...),
    "APP_OTHER": link(app="other"),
    "AUD_OTHER": link(aud="elsewhere"),
    "AUD_MISSING": link(aud=...),
    "AUD_LIST": link(aud=["elsewhere", "chatelaine"]),
    "EXP_MISSING": link(exp=...),
    "EXP_MISSING_USER_8": link(exp=..., sub="8"),
    "EXP_NOW": link(exp=T0),
    "EXP_IN_A_MOMENT": link(exp=T0 + 0.5),
    "EXP_TEXT": link(exp="tomorrow"),
    "IAT_IN_2_SECONDS": link(iat=T0 + 2),
    "IAT_IN_3_SECONDS": link(iat=T0 + 3),
    "NBF_IN_2_SECONDS": link(nbf=T0 + 2),
    "NBF_IN_3_SECONDS": link(nbf=T0 + 3),
}


# ---- Signature ----

def signature(name, method="POST", body=None, raw=None, query=(), headers=(), kept=None,
              signed="", date=DATE, key=KEY, algorithm="sha512", app="acme"):
    """body: the Python value; raw: its bytes as sent; headers: as sent; kept: as the server has them."""
    params = {}
    for item, value in query:
        params.setdefault(item, []).append(value)
    payload = {"timestamp": date, "app": app, "method": method, "params": params,
               "body": {} if body is None else body,
               "headers": dict(headers) if kept is None else kept}
    encoded = urllib.parse.urlencode(payload).encode()
    nonce = hmac.new(key, encoded, getattr(hashlib, algorithm)).hexdigest()
    if raw is None:
        raw = b"" if body is None else json.dumps(body).encode()
    return {"name": name, "method": method, "body": raw, "query": query, "headers": headers,
            "authorization": f"Signature App={app},Nonce={nonce},SignedHeaders={signed},Date={date}"}


BODY = {"id": 7, "type": "invoice.paid", "data": {"total": 12.5, "note": None, "paid": True}}
SIGNATURES = [
    signature("plain", body=BODY),
    signature("no body", method="GET"),
    signature("no keys in the body", body={}),
    signature("a list", body=[BODY, {"id": "x"}, 3, "it's"]),
    signature("a scalar", body=7),
    signature("white space and escapes", body={"a": "é\n\U0001f600'\"", "b": [1e22, -0.0, 1.10]},
              raw=b' { "a" :"\\u00e9\\n\\ud83d\\ude00\'\\"" , "b":[1e22,-0.0,1.10] } '),
    signature("a repeated name", body={"a": 2, "b": 1}, raw=b'{"a":1,"b":1,"a":2}'),
    signature("large integers", body={"n": 123456789012345678901234567890}),
    signature("quoting", body={"a b": "~/?&=+%;,-_. \u2028"}),
    signature("a long body", body={"data": "x&é" * 500}),
    signature("query", body=BODY, query=(("b", "1"), ("a", "x y"), ("b", "2"), ("a", ""))),
    signature("query of one", method="GET", query=(("limit", "10"),)),
    signature("query with quotes", method="GET", query=(("it's", 'a "b" é'),)),
    signature("a header", body=BODY, headers=(("Content-Type", "application/json"),),
              signed="Content-Type"),
    signature("headers in the order of arrival", body=BODY,
              headers=(("x-b", "2"), ("HOST", "here"), ("X-a1b", "1"), ("Accept", "*/*")),
              kept={"X-B": "2", "Host": "here", "X-A1B": "1"}, signed="Host;X-A1B;X-B"),
    signature("a name inside a signed one", body=BODY,
              headers=(("Type", "inner"), ("Content-Type", "application/json")),
              signed="Content-Type"),
    signature("a header twice", body=BODY, headers=(("X-A", "1"), ("X-B", "-"), ("x-a", "2")),
              kept={"X-A": "1,2", "X-B": "-"}, signed="X-A;X-B"),
    signature("a header in Latin-1", body=BODY, headers=(("X-A", b"caf\xe9 \xc3\xa9"),),
              kept={"X-A": b"caf\xe9 \xc3\xa9".decode("latin-1")}, signed="X-A"),
    signature("Authorization is not signed", body=BODY, headers=(), signed="Authorization"),
    signature("lines", body=[{"id": 1, "a": [1]}, {"id": "2"}],
              raw=b'{"id":1,"a":[1]}\r\n\n{"id":"2"}\n', kept={},
              headers=(("Content-Type", "application/x-ndjson; charset=utf-8"),)),
    signature("a naive date", body=BODY, date="2027-01-15T08:00:00.123456"),
    signature("a date with an offset", body=BODY, date="2027-01-15 10:00:00+02:00"),
]
SIGNATURE_OF_ONE_BODY = {
    "SHA256": signature("", body=BODY, algorithm="sha256"),
    "OTHER_KEY": signature("", body=BODY, key=OTHER_KEY),
    "OTHER_KEY_SHA256": signature("", body=BODY, key=OTHER_KEY, algorithm="sha256"),
    "2_MINUTES_AGO": signature("", body=BODY, date="2027-01-15T07:58:00+00:00"),
    "OVER_2_MINUTES_AGO": signature("", body=BODY, date="2027-01-15T07:57:59.999+00:00"),
    "IN_2_MINUTES": signature("", body=BODY, date="2027-01-15T08:02:00+00:00"),
    "IN_OVER_2_MINUTES": signature("", body=BODY, date="2027-01-15T08:02:00.001+00:00"),
    "NO_DATE": signature("", body=BODY, date="yesterday"),
}


# ---- Standard Webhooks ----

def standard(key=KEY, message_id="msg_1", timestamp=T0, body=json.dumps(BODY).encode()):
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def standard_ed25519(message_id="msg_1", timestamp=T0, body=json.dumps(BODY).encode()):
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1a," + base64.b64encode(ED25519.sign(signed)).decode()


STANDARDS = {
    "GOOD": standard(),
    "OTHER_KEY": standard(key=OTHER_KEY),
    "ED25519": standard_ed25519(),
    "5_MINUTES_AGO": standard(timestamp=T0 - 300),
    "OVER_5_MINUTES_AGO": standard(timestamp=T0 - 301),
    "IN_5_MINUTES": standard(timestamp=T0 + 300),
    "IN_OVER_5_MINUTES": standard(timestamp=T0 + 301),
    "NO_TIME": standard(timestamp="soon"),
    "LONGEST_ID": standard(message_id="m" * 255),
    "TOO_LONG_ID": standard(message_id="m" * 256),
}


def pairs(items):
    return "".join(f"{{{text(name)}, {text(value)}}}, " for name, value in items)


def main(out):
    out.write("/* Made by vectors.py. */\n/* clang-format off */\n")
    out.write(f"#define KEY_HEX {text(KEY.hex())}\n")
    out.write(f"#define OTHER_KEY_HEX {text(OTHER_KEY.hex())}\n")
    out.write(f"#define KEY_WHSEC {text('whsec_' + base64.b64encode(KEY).decode())}\n")
    out.write(f"#define KEY_PEM {text(PEM)}\n")
    out.write(f"#define BODY {text(json.dumps(BODY))}\n")
    for name, value in LINKS.items():
        out.write(f"#define LINK_{name} {text(value)}\n")
    for name, one in SIGNATURE_OF_ONE_BODY.items():
        out.write(f"#define SIGNATURE_{name} {text(one['authorization'])}\n")
    for name, value in STANDARDS.items():
        out.write(f"#define STANDARD_{name} {text(value)}\n")
    out.write("static const struct signed_request signed_requests[] = {\n")
    for one in SIGNATURES:
        out.write(f"{{{text(one['name'])}, {text(one['method'])}, {text(one['body'])},\n"
                  f"{{{pairs(one['query'])}}}, {{{pairs(one['headers'])}}},\n"
                  f"{text(one['authorization'])}}},\n")
    out.write("};\n")


main(sys.stdout)
