"""Start, reload and stop; who may knock where; what is answered when too much comes."""

import concurrent.futures
import contextlib
import datetime
import ipaddress
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from freeze import frozen
from harness import wait_until

NOBODY = 65534


def post(daemon, app, batch, **arguments):
    return daemon.post("/v1/webhooks", json=batch, headers=app.link(), **arguments)


def refused(port):
    """Nobody listens there any more."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except ConnectionError:
        return True
    return False


# ---- stop ----

def test_sigterm_lets_the_request_in_flight_finish(daemon):
    app = daemon.create_app("acme")
    with concurrent.futures.ThreadPoolExecutor() as pool:
        with frozen(daemon, "ledger"):
            waiting = pool.submit(post, daemon, app, [{"id": 1, "data": {}}])
            wait_until(lambda: daemon.metric("chatelaine_ledger_queue"), "it never queued")
            port, began = daemon.ports["public"], time.monotonic()
            daemon.process.send_signal(signal.SIGTERM)
            daemon.wait_event("serve.stopping")
            wait_until(lambda: refused(port), "it still accepts connections")
            assert daemon.is_running() and not waiting.done()
        answer = waiting.result()
        assert answer.status_code == 204
        assert answer.headers.get("Connection") == "close"
        daemon.stop()
        assert time.monotonic() - began < 10
    assert daemon.rows("SELECT external_id FROM first_party_webhook_log") == [("1",)]
    assert not (daemon.state / "admin.sock").exists()


def test_sigterm_does_not_wait_for_idle_or_slow_clients(daemon):
    port = daemon.ports["public"]
    with contextlib.ExitStack() as stack:
        idle, slow = (stack.enter_context(socket.create_connection(("127.0.0.1", port)))
                      for _ in range(2))
        idle.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        idle.recv(4096)
        slow.sendall(b"POST /v1/webhooks HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
        began = time.monotonic()
        daemon.stop()
        assert time.monotonic() - began < 10.5


def test_sigint_stops_too(daemon):
    daemon.process.send_signal(signal.SIGINT)
    daemon.ended(0)


def test_sigterm_flushes_to_kafka(kafka_daemon, published):
    app = kafka_daemon.create_app("acme")
    for n in range(20):
        assert post(kafka_daemon, app, [{"id": f"{n}-{i}", "data": {}} for i in range(50)]).status_code == 204
    kafka_daemon.stop()
    (head,), = kafka_daemon.rows("SELECT max(seq) FROM journal")
    assert {mark for mark, in kafka_daemon.rows("SELECT seq FROM marks")} == {head}
    messages = published.until(lambda read: len(read) >= 1000, "webhooks")
    assert len({m.data["external_id"] for m in messages}) == 1000


def test_what_was_written_is_there_after_a_restart(daemon):
    app = daemon.create_app("acme")
    key = daemon.mint()
    assert post(daemon, app, [{"id": 1, "data": {"a": 1}}]).status_code == 204
    daemon.restart()
    assert daemon.is_valid(key["key"])
    assert post(daemon, app, [{"id": 1, "data": {"a": 1}}]).status_code == 204
    assert daemon.rows("SELECT external_id, version FROM first_party_webhook_log") == [("1", 1)]


def test_a_socket_file_left_by_a_crash_is_no_hindrance(daemon):
    daemon.kill9()
    assert (daemon.state / "admin.sock").exists()
    daemon.start()
    assert daemon.mint()["key"]


# ---- reload ----

def test_what_needs_a_restart_stays_as_it_is_until_then(daemon):
    app = daemon.create_app("acme")
    daemon.ask("POST", "/v1/inboxes", {"name": "invoice"})

    def life_and_issuer():
        link = daemon.ask("POST", "/v1/links", {"inbox": "invoice", "document": "d1", "user": "admin"})
        key = daemon.ask("GET", f"/v1/keys/{link['key_id']}")
        created, expires = (datetime.datetime.fromisoformat(key[name].rstrip("Z"))
                            for name in ("created_at", "expires_at"))
        return (expires - created).total_seconds(), link["url"].split("/#/")[0]

    before = life_and_issuer()
    daemon.write_config(**{"issuer": "http://elsewhere.example", "app_name": "another", "node": "another",
                           "limits": {"body": 20, "items": 1}, "keys": {"default_life": "30m"}})
    daemon.reload()
    daemon.wait_event("config.reloaded")
    assert daemon.wait_event("config.restart_needed")["options"] == \
        "node, issuer, app_name, limits.body, limits.items"
    assert post(daemon, app, [{"id": n, "data": {}} for n in range(2)]).status_code == 204
    assert life_and_issuer() == (1800, before[1])
    assert {event["source"] for event in daemon.journal()} == {"/chatelaine/test"}
    daemon.write_config(limits={"body": None})
    daemon.restart()
    assert life_and_issuer() == (1800, "http://elsewhere.example")
    assert post(daemon, app, [{"id": 1, "data": {}}]).status_code == 401  # it names another audience


def test_a_restart_is_needed_for_what_differs_from_what_runs(daemon):
    def reloaded(**changes):
        before = len(daemon.events("config.reloaded"))
        daemon.write_config(**changes)
        daemon.reload()
        wait_until(lambda: len(daemon.events("config.reloaded")) > before, "no reload")
        return [line["options"] for line in daemon.events("config.restart_needed")]

    assert reloaded(threads=3) == ["threads"]
    assert reloaded(node="other") == ["threads", "threads, node"]  # still
    assert len(reloaded(threads=2)) == 3
    assert len(reloaded(node="test")) == 3  # all as at the start

def test_sighup_takes_over_a_good_file_and_refuses_a_bad_one(daemon):
    app = daemon.create_app("acme")
    daemon.write_config(keys={"default_life": "30m", "longest_life": "1h"}, threads=3)
    daemon.reload()
    daemon.wait_event("config.reloaded")
    assert daemon.wait_event("config.restart_needed")["options"] == "threads"
    assert daemon.admin("POST", "/v1/keys", {"user": "admin", "grants": [], "expires_in": "2h"}).status == 400

    good = daemon.config_file.read_text()
    daemon.config_file.write_text(good.replace('"1h"', '"3h"') + "\nno_such_option = 1\n")
    daemon.process.send_signal(signal.SIGHUP)
    line = daemon.wait_event("config.reload_refused")
    assert line["where"] == f"{daemon.config_file}:{len(good.splitlines()) + 2}"
    assert daemon.admin("POST", "/v1/keys", {"user": "admin", "grants": [], "expires_in": "2h"}).status == 400
    assert post(daemon, app, [{"id": 1, "data": {}}]).status_code == 204

    daemon.config_file.write_text(good.replace('"1h"', '"3h"'))
    daemon.process.send_signal(signal.SIGHUP)
    wait_until(lambda: len(daemon.events("config.reloaded")) == 2, "the good file was not taken")
    assert daemon.admin("POST", "/v1/keys", {"user": "admin", "grants": [], "expires_in": "2h"}).status == 201


def test_sighup_under_load_disturbs_nobody(daemon):
    app = daemon.create_app("acme")
    stop, failures = threading.Event(), []

    def sender():
        session = requests.Session()
        session.trust_env = False
        while not stop.is_set():
            answer = session.post(daemon.url("/v1/webhooks"), json=[{"id": 1, "data": {}}],
                                  headers=app.link(), timeout=60)
            if answer.status_code != 204:
                failures.append(answer.text)

    senders = [threading.Thread(target=sender) for _ in range(4)]
    for thread in senders:
        thread.start()
    for n in range(10):
        daemon.write_config(keys={"longest_life": f"{n + 100}d"})
        daemon.reload()
        wait_until(lambda: len(daemon.events("config.reloaded")) > n, "no reload")
    stop.set()
    for thread in senders:
        thread.join(60)
    assert not failures, failures[0]


# ---- TLS ----

def certificate(directory, name):
    """A self-signed certificate for 127.0.0.1 at name.crt, name.key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.utcnow()
    made = (x509.CertificateBuilder().subject_name(subject).issuer_name(subject)
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName(
                [x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .sign(key, hashes.SHA256()))
    pem = made.public_bytes(serialization.Encoding.PEM)
    (directory / f"{name}.crt").write_bytes(pem)
    (directory / f"{name}.key").write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()))
    return pem.decode()


def test_tls_and_a_new_certificate_by_reload(make_daemon, tmp_path):
    certificate(tmp_path, "served")
    daemon = make_daemon({'listen "tls"': {"address": "127.0.0.1:0",
                                           "tls_certificate": str(tmp_path / "served.crt"),
                                           "tls_key": str(tmp_path / "served.key")}})
    app = daemon.create_app("acme")
    address = ("127.0.0.1", daemon.ports["tls"])

    def post_tls():
        with requests.Session() as session:
            session.trust_env = False
            return session.post(daemon.url("/v1/webhooks", "tls", "https"), json=[{"id": 1, "data": {}}],
                                headers=app.link(), verify=str(tmp_path / "served.crt"), timeout=60)

    first = ssl.get_server_certificate(address)
    assert first.strip() == (tmp_path / "served.crt").read_text().strip()
    assert post_tls().status_code == 204
    assert post(daemon, app, [{"id": 1, "data": {}}]).status_code == 204  # the plain one beside it

    second = certificate(tmp_path, "served")
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_event("config.reloaded")
    assert ssl.get_server_certificate(address).strip() == second.strip() != first.strip()
    assert post_tls().status_code == 204

    (tmp_path / "served.crt").write_text("no certificate")
    daemon.process.send_signal(signal.SIGHUP)
    daemon.wait_event("config.reload_refused")
    assert ssl.get_server_certificate(address).strip() == second.strip()


def test_tls_refuses_old_versions_and_plain_text(make_daemon, tmp_path):
    certificate(tmp_path, "served")
    daemon = make_daemon({'listen "tls"': {"address": "127.0.0.1:0",
                                           "tls_certificate": str(tmp_path / "served.crt"),
                                           "tls_key": str(tmp_path / "served.key")}})
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("127.0.0.1", daemon.ports["tls"])) as plain:
        with pytest.raises(ssl.SSLError):
            context.wrap_socket(plain)
    with socket.create_connection(("127.0.0.1", daemon.ports["tls"]), timeout=30) as plain:
        plain.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            assert b"200" not in plain.recv(4096)
    assert daemon.get("/healthz").status_code == 200


def test_a_certificate_that_is_not_there_is_refused(make_daemon, tmp_path):
    daemon = make_daemon({'listen "tls"': {"address": "127.0.0.1:0",
                                           "tls_certificate": str(tmp_path / "none.crt"),
                                           "tls_key": str(tmp_path / "none.key")}}, start=False)
    assert str(tmp_path / "none.crt") in daemon.serve_fails()


def test_an_address_that_is_taken_is_refused(make_daemon):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        daemon = make_daemon({'listen "public"': {"address": address}}, start=False)
        output = daemon.serve_fails()
    assert "public" in output and address in output


# ---- systemd ----

@pytest.fixture
def notify_socket(tmp_path):
    """(path, messages): messages() is what has come so far, one datagram each."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        path = f"/tmp/chatelaine-notify-{os.getpid()}-{time.monotonic_ns()}"
        s.bind(path)
        s.setblocking(False)
        read = []

        def messages():
            with contextlib.suppress(BlockingIOError):
                while True:
                    read.append(s.recv(4096).decode())
            return read

        yield path, messages
        os.unlink(path)


def test_systemd_is_told(make_daemon, notify_socket):
    path, messages = notify_socket
    daemon = make_daemon(environment={"NOTIFY_SOCKET": path})
    wait_until(lambda: any("READY=1" in m for m in messages()), "no READY=1")
    daemon.reload()
    daemon.wait_event("config.reloaded")
    wait_until(lambda: sum("READY=1" in m for m in messages()) == 2, "not ready after the reload")
    (reloading,) = [m for m in messages() if "RELOADING=1" in m]
    assert "MONOTONIC_USEC=" in reloading
    daemon.stop()
    assert any("STOPPING=1" in m for m in messages())
    assert not any("WATCHDOG=1" in m for m in messages())


def test_the_watchdog_is_fed_while_the_writer_lives(make_daemon, notify_socket):
    path, messages = notify_socket
    daemon = make_daemon(environment={"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "600000"})

    def fed():
        return sum("WATCHDOG=1" in m for m in messages())

    wait_until(lambda: fed() >= 3, "the watchdog is not fed")
    before = fed()
    time.sleep(1.5)
    assert fed() - before >= 3
    assert daemon.is_running()


ACTIVATE = """
import os, sys
descriptor = int(sys.argv[1])
if descriptor != 3:
    os.dup2(descriptor, 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1", LISTEN_FDNAMES="public")
os.execvp(sys.argv[2], sys.argv[2:])
"""


def test_socket_activation_loses_no_connection(make_daemon):
    daemon = make_daemon(start=False)
    with socket.create_server(("127.0.0.1", 0)) as listening, \
            concurrent.futures.ThreadPoolExecutor() as pool:
        port = listening.getsockname()[1]

        def get():
            with requests.Session() as session:
                session.trust_env = False
                return session.get(f"http://127.0.0.1:{port}/healthz", timeout=60).status_code

        def start():
            daemon.start(prefix=[sys.executable, "-c", ACTIVATE, listening.fileno()],
                         pass_fds=[listening.fileno()])

        early = pool.submit(get)  # before anybody serves
        start()
        assert daemon.ports["public"] == port
        assert early.result() == 200
        daemon.stop()
        between = pool.submit(get)  # the socket is systemd's: it outlives the daemon
        time.sleep(0.3)
        assert not between.done()
        start()
        assert between.result() == 200
        daemon.stop()


# ---- who may knock where ----

def as_nobody(*command):
    """The command as another user, with this process's descriptors 0 to 2 and its directory."""
    root = [] if os.geteuid() == 0 else ["sudo", "-n"]
    return [*root, "setpriv", "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups",
            *map(str, command)]


CONNECT = """
import socket
s = socket.socket(socket.AF_UNIX)
s.settimeout(30)
s.connect("admin.sock")
try:
    s.sendall(b"GET /v1/keys HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
    print(s.recv(100).decode())
except ConnectionError:
    pass
"""


def test_the_admin_socket_is_for_our_own_user_and_root(daemon):
    socket_file = daemon.state / "admin.sock"
    assert socket_file.stat().st_mode & 0o777 == 0o600
    assert daemon.state.stat().st_mode & 0o077 == 0
    # Should the modes be opened by mistake, the peer's user still decides.
    socket_file.chmod(0o666)
    daemon.state.chmod(0o711)
    mine = subprocess.run(["/usr/bin/python3", "-c", CONNECT], cwd=daemon.state, timeout=60,
                          capture_output=True, text=True, check=True)
    assert "200" in mine.stdout
    other = subprocess.run(as_nobody("/usr/bin/python3", "-c", CONNECT), cwd=daemon.state,
                           timeout=60, capture_output=True, text=True)
    assert other.returncode == 0 and other.stdout.strip() == "", other.stdout + other.stderr
    assert daemon.wait_event("http.admin_refused")["uid"] == NOBODY


def test_listeners_serve_their_own_faces(make_daemon):
    daemon = make_daemon({'listen "public"': {"faces": ["native", "health"]},
                          'listen "hooks"': {"address": "127.0.0.1:0", "faces": ["webhooks"]}})
    app = daemon.create_app("acme")
    item = [{"id": 1, "data": {}}]
    assert daemon.post("/app/webhook", listener="hooks", json=item, headers=app.link()).status_code == 204
    assert daemon.post("/app/webhook", json=item, headers=app.link()).status_code == 404
    assert daemon.post("/v1/webhooks", listener="hooks", json=item, headers=app.link()).status_code == 204
    for path, code in (("/healthz", 200), ("/metrics", 200), ("/v1/keys", 401)):
        assert daemon.get(path).status_code == code
        assert daemon.get(path, listener="hooks").status_code == 404
    # What the admin socket alone serves, no listener does, whoever asks.
    assert daemon.get("/v1/admin/audit/verify", auth="admin").status_code == 404


def audit_of(daemon, action):
    return [e["data"] for e in daemon.journal("audit") if e["data"].get("action") == action]


@pytest.mark.parametrize("trusted, forwarded, expected", [
    ([], {"X-Forwarded-For": "203.0.113.9"}, "127.0.0.1"),
    (["127.0.0.0/8"], {"X-Forwarded-For": "203.0.113.9"}, "203.0.113.9"),
    (["127.0.0.0/8"], {"X-Forwarded-For": "198.51.100.1, 203.0.113.9"}, "203.0.113.9"),
    (["127.0.0.0/8", "203.0.113.0/24"], {"X-Forwarded-For": "198.51.100.1, 203.0.113.9"},
     "198.51.100.1"),
    (["127.0.0.1"], {"Forwarded": 'for="[2001:db8::1]:4711";proto=https'}, "2001:db8::1"),
    (["127.0.0.1"], {}, "127.0.0.1"),
])
def test_the_client_s_address_comes_through_trusted_proxies_alone(make_daemon, trusted, forwarded,
                                                                  expected):
    daemon = make_daemon({"trusted_proxies": trusted})
    app = daemon.create_app("acme")
    answer = daemon.post("/v1/webhooks", json=[{"id": 1, "data": {}}],
                         headers=app.link(headers=forwarded))
    assert answer.status_code == 204, answer.text
    (event,) = audit_of(daemon, "webhook.ingest")
    assert event["request"]["ip"] == expected


# ---- too much ----

def test_an_app_over_its_rate_is_told_to_wait_and_others_are_not(make_daemon):
    daemon = make_daemon({"limits": {"app_requests_per_second": 5}})
    busy, calm = daemon.create_app("busy"), daemon.create_app("calm")
    answers = [post(daemon, busy, [{"id": n, "data": {}}]) for n in range(40)]
    codes = [a.status_code for a in answers]
    assert set(codes) == {204, 429} and codes[:5] == [204] * 5
    limited = next(a for a in answers if a.status_code == 429)
    assert int(limited.headers["Retry-After"]) >= 1
    assert limited.headers["Content-Type"].startswith("application/problem+json")
    assert post(daemon, calm, [{"id": 1, "data": {}}]).status_code == 204
    stored = daemon.rows("SELECT count(*) FROM first_party_webhook_log")[0][0]
    assert stored == codes.count(204) + 1
    time.sleep(int(limited.headers["Retry-After"]))
    assert post(daemon, busy, [{"id": 1, "data": {}}]).status_code == 204
    daemon.write_config(limits={"app_requests_per_second": 0})
    daemon.reload()
    daemon.wait_event("config.reloaded")
    assert {post(daemon, busy, [{"id": n, "data": {}}]).status_code for n in range(20)} == {204}


def test_an_app_over_its_items_is_told_to_wait(make_daemon):
    daemon = make_daemon({"limits": {"app_items_per_second": 100}})
    app = daemon.create_app("acme")
    batch = [{"id": n, "data": {}} for n in range(60)]
    codes = [post(daemon, app, batch).status_code for _ in range(5)]
    assert codes[0] == 204 and 429 in codes


def test_a_full_queue_is_a_503_and_revocations_still_get_through(make_daemon):
    daemon = make_daemon({"limits": {"queue": 16}})
    app = daemon.create_app("acme")
    key = daemon.mint()
    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        with frozen(daemon, "ledger"):
            sent = [pool.submit(post, daemon, app, [{"id": n, "data": {}}]) for n in range(40)]
            wait_until(lambda: sum(s.done() for s in sent) >= 40 - 16, "nobody was refused")
            over = [s.result() for s in sent if s.done()]
            assert {a.status_code for a in over} == {503}
            assert {a.json()["slug"] for a in over} == {"queue-full"}
            assert all(int(a.headers["Retry-After"]) >= 1 for a in over)
            revoking = pool.submit(daemon.admin, "DELETE", f"/v1/keys/{key['id']}")
            time.sleep(0.5)
            assert not revoking.done()  # it waits in the room that is kept for it
        assert revoking.result().status == 204
        codes = [s.result().status_code for s in sent]
    assert codes.count(503) >= len(over) and codes.count(503) + codes.count(204) == 40
    assert 14 <= codes.count(204) <= 16  # an eighth is the revocations'
    stored = {row[0] for row in daemon.rows("SELECT external_id FROM first_party_webhook_log")}
    assert stored == {str(n) for n, code in enumerate(codes) if code == 204}
    assert not daemon.is_valid(key["key"])
    assert post(daemon, app, [{"id": 1, "data": {}}]).status_code == 204
