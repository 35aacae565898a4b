"""Other systems, faked: servers that revoke, hang, fail and lie, and remember what they were asked."""

import base64
import collections
import hashlib
import hmac
import http.server
import json
import socket
import ssl
import struct
import subprocess
import threading
import time
import urllib.parse


class Upstream:
    """A server on a free port. `mode` decides how it answers, also while it runs:

    ok, hang, reset, redirect, or a status (500, 429, 403, 401...) for every revocation.
    """

    def __init__(self, tls=None, mode="ok", delay=0.0):
        self.mode, self.delay = mode, delay
        self.lock = threading.Lock()
        self.requests = []                        # (method, raw path, headers, body)
        self.revoked = collections.Counter()      # token: how often it was found and revoked
        self.gone = collections.Counter()         # token: how often it was not there any more
        self.active = self.most_active = 0
        self.logins = 0
        self.password = "pass word"
        self.sessions = set()
        self.stopped = threading.Event()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self.server.handle_error = lambda *arguments: None  # a client that was killed
        self.server.request_queue_size = 128
        self.scheme = "http"
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
            self.scheme = "https"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self.server.server_port}"

    def stop(self):
        self.stopped.set()
        self.server.shutdown()
        self.server.server_close()

    def take(self, token):
        """Revokes it once; False when it was gone."""
        with self.lock:
            if self.revoked[token]:
                self.gone[token] += 1
                return False
            self.revoked[token] += 1
            return True

    def _handler(self):
        upstream = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *arguments):
                pass

            def answer(self, status, body=b"", **headers):
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name.replace("_", "-"), value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if status != 204:
                    self.wfile.write(body)

            def serve(self):
                with upstream.lock:
                    upstream.active += 1
                    upstream.most_active = max(upstream.most_active, upstream.active)
                try:
                    body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                    with upstream.lock:
                        upstream.requests.append((self.command, self.path, self.headers, body))
                    self.fault() or upstream.respond(self, body)
                except OSError:
                    pass
                finally:
                    with upstream.lock:
                        upstream.active -= 1

            def fault(self):
                """True when the mode has dealt with it."""
                mode = upstream.mode
                if upstream.delay:
                    time.sleep(upstream.delay)
                if mode == "hang":
                    upstream.stopped.wait(300)
                elif mode == "reset":
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                               struct.pack("ii", 1, 0))
                    self.close_connection = True
                elif mode == "redirect":
                    self.answer(302, Location=upstream.url + "/elsewhere")
                elif isinstance(mode, int) and not self.path.endswith("/auth"):
                    self.answer(mode, b"{}")
                else:
                    return False
                return True

            do_GET = do_POST = do_DELETE = do_PUT = serve

        return Handler

    def respond(self, request, body):
        """As Contract.fit: a password for a session, a session to delete a key by its name."""
        path = request.path.split("/")
        if request.command == "POST" and request.path == "/admin/auth":
            form = json.loads(body)
            with self.lock:
                self.logins += 1
                session = f"session-{self.logins}"
            if form != {"username": "keeper", "password": self.password}:
                return request.answer(401, b'{"message": "no"}')
            self.sessions.add(session)
            return request.answer(200, json.dumps({"authentication_token": session}).encode())
        if request.command == "DELETE" and path[1:4] == ["admin", "auth", "api-key"]:
            kind, _, session = request.headers.get("Authorization", "").partition(" ")
            if kind != "Bearer" or session not in self.sessions:
                return request.answer(401, b'{"message": "who"}')
            return request.answer(204 if self.take(urllib.parse.unquote(path[4])) else 404)
        return request.answer(404)


class Plain(Upstream):
    """DELETE /tokens/{token}?..., 204 or 404."""

    def respond(self, request, body):
        path = urllib.parse.urlsplit(request.path).path.split("/")
        if request.command == "DELETE" and path[1] == "tokens":
            return request.answer(204 if self.take(urllib.parse.unquote(path[2])) else 404)
        return request.answer(404)


class OAuth2(Upstream):
    """RFC 7009: always 200 for a client that is known."""

    def respond(self, request, body):
        expected = base64.b64encode(b"cli%3Aent:s+cr%2Bt").decode()
        if request.headers.get("Authorization") != "Basic " + expected:
            return request.answer(401, b'{"error":"invalid_client"}')
        self.take(urllib.parse.parse_qs(body.decode())["token"][0])
        return request.answer(200)


class Sink(Upstream):
    """Takes Standard Webhooks; `events` are those whose signature holds, in the order they came."""

    secret = bytes(range(32))

    def __init__(self, **arguments):
        self.events, self.refused = [], []
        super().__init__(**arguments)

    @property
    def secret_text(self):
        return "whsec_" + base64.b64encode(self.secret).decode()

    def respond(self, request, body):
        name, at = request.headers["webhook-id"], request.headers["webhook-timestamp"]
        mac = hmac.new(self.secret, f"{name}.{at}.".encode() + body, hashlib.sha256).digest()
        if request.headers["webhook-signature"] != "v1," + base64.b64encode(mac).decode():
            self.refused.append(name)
            return request.answer(400)
        event = json.loads(body)
        assert event["id"] == name
        self.events.append(event)
        return request.answer(204)


def certificate(directory, name):
    """A self-signed certificate for `name` (an address or a host): (certificate, key) files."""
    kind = "IP" if name[0].isdigit() else "DNS"
    files = directory / f"{name}.crt", directory / f"{name}.key"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                    "-addext", f"subjectAltName={kind}:{name}", "-keyout", files[1],
                    "-out", files[0]], check=True, capture_output=True)
    return files
