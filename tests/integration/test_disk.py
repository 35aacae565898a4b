"""The disk fills, the database is somebody else's for a while, its files are not as they should be."""

import contextlib
import os
import pathlib
import shutil
import sqlite3
import subprocess
import threading
import time
import types
import urllib.parse

import harness
import pytest

CALLBACK = "https://desk.example/cb"
MIGRATIONS = sorted((harness.REPOSITORY / "schemas/sql/sqlite").glob("*.sql"))


def post(daemon, app, batch, **arguments):
    return daemon.post("/v1/webhooks", json=batch, headers=app.link(), **arguments)


def batch(name, size=200):
    return [{"id": f"{name}-{n}", "data": {"filler": "x" * 2000}} for n in range(size)]


def rows_of(daemon):
    """The external ids of all rows. Asked for: SQLite would not find a file through /proc/PID/root."""
    found, cursor = set(), ""
    while cursor is not None:
        page = daemon.ask("GET", "/v1/webhooks?limit=1000" + (f"&cursor={cursor}" if cursor else ""))
        found |= {row["external_id"] for row in page["items"]}
        cursor = page["next_cursor"]
    return found


# ---- full ----

@contextlib.contextmanager
def on_a_small_disk(daemon, size):
    """The daemon with its state on a tmpfs of its own, which goes when it ends.

    The mount is in a namespace that only the daemon is in; we reach it through /proc.
    """
    seed = daemon.directory / "seed"
    shutil.copytree(daemon.state, seed)
    script = f'mount -t tmpfs -o size={size} none "$1" && cp -a "$2/." "$1" && shift 2 && exec "$@"'
    namespace = ["unshare", "--mount"] + (["--map-root-user"] if os.geteuid() else [])
    outside = daemon.state
    daemon.start(prefix=[*namespace, "sh", "-c", script, "sh", outside, seed])
    daemon.state = pathlib.Path(f"/proc/{daemon.process.pid}/root{outside}")
    try:
        yield daemon.state
    finally:
        daemon.state = outside


def test_a_full_disk_and_then_room_again(make_daemon):
    daemon = make_daemon({"limits": {"min_free_disk": 0}})
    app = daemon.create_app("acme")
    key = daemon.mint()
    daemon.stop()
    with on_a_small_disk(daemon, "48m") as disk:
        ballast = disk / "ballast"  # as large as the rest: the log must fit into the database again
        ballast.write_bytes(b"0" * 25_000_000)
        stored, refused = set(), 0
        for n in range(200):
            answer = post(daemon, app, batch(n))
            if answer.status_code == 204:
                stored |= {item["id"] for item in batch(n)}
            else:
                assert answer.status_code == 503 and answer.json()["slug"] == "store-full", answer.text
                assert int(answer.headers["Retry-After"]) >= 1
                refused += 1
                if refused == 3:
                    break
        assert refused == 3, "the disk did not fill"
        assert daemon.get("/readyz").status_code == 503
        assert daemon.get("/healthz").status_code == 200
        assert daemon.is_valid(key["key"])  # reading needs no room
        ballast.unlink()
        daemon.wait_ready()
        answer = post(daemon, app, batch("after", 10))
        assert answer.status_code == 204, answer.text
        stored |= {item["id"] for item in batch("after", 10)}
        assert rows_of(daemon) == stored  # what was answered, and nothing of what was refused
        assert daemon.ask("GET", "/v1/admin/audit/verify")["rows"]
        daemon.stop()


def test_a_file_size_limit_is_an_error_not_the_end(daemon):
    app = daemon.create_app("acme")
    assert post(daemon, app, batch(0, 5)).status_code == 204
    prlimit = ["prlimit", "--pid", str(daemon.process.pid)]
    subprocess.run([*prlimit, "--fsize=65536:unlimited"], check=True)
    try:
        answers = [post(daemon, app, batch(n)).status_code for n in range(1, 5)]
        assert set(answers) == {503}, answers
    finally:
        subprocess.run([*prlimit, "--fsize=unlimited:unlimited"], check=True)
    daemon.wait_ready()
    assert post(daemon, app, batch(9, 5)).status_code == 204
    assert rows_of(daemon) == {f"{n}-{i}" for n in (0, 9) for i in range(5)}


def test_little_room_refuses_what_is_new_but_not_revocations(daemon):
    app = daemon.create_app("acme")
    keys = [daemon.mint(resources=["documents/d1"]) for _ in range(3)]
    daemon.write_config(limits={"min_free_disk": "1000000GiB"})
    daemon.reload()
    daemon.wait_event("disk.low")
    answer = post(daemon, app, batch(0, 1))
    assert answer.status_code == 503 and answer.json()["slug"] == "disk-full", answer.text
    assert int(answer.headers["Retry-After"]) >= 1
    assert daemon.admin("POST", "/v1/keys", {"user": "guest", "grants": []}).status == 503
    ready = daemon.get("/readyz")
    assert ready.status_code == 503 and ready.json()["checks"]["disk"] is False
    assert daemon.is_valid(keys[0]["key"])

    daemon.revoke(keys[0]["id"])
    assert daemon.ask("POST", "/v1/keys/revoke", {"ids": [keys[1]["id"]]}) == {"revoked": 1}
    assert daemon.ask("POST", "/v1/documents/d1/done")["revoked"] == 1
    assert not any(daemon.is_valid(key["key"]) for key in keys)

    daemon.write_config(limits={"min_free_disk": 0})
    daemon.reload()
    daemon.wait_event("disk.ok")
    daemon.wait_ready()
    assert post(daemon, app, batch(0, 1)).status_code == 204


def record(record_id):
    return {"recordId": record_id, "name": "r", "statements": [
        {"roles": ["Authress:Owner"], "users": [{"userId": "guest"}],
         "resources": [{"resourceUri": "docs/1"}]}]}


@pytest.fixture
def tenant(make_daemon):
    """Something at every face, and a disk of 48 MiB of which 24 must be free."""
    daemon = make_daemon({"limits": {"min_free_disk": "24MiB"}})
    w = types.SimpleNamespace(daemon=daemon)
    w.inbox = daemon.post("/admin/inboxes", json={"name": "in", "project": "a" * 24},
                          auth="admin").json()["id"]
    w.role = daemon.post("/admin/roles", auth="admin", json={
        "name": "review", "permissions": {"review": True, "submit": True}}).json()["id"]
    w.user = daemon.post("/admin/users", auth="admin", json={
        "username": "guest", "active": True, "password": "pass word",
        "roles": [{"role": w.role}]}).json()["id"]
    w.document = daemon.ask("POST", "/v1/documents", {"inbox": w.inbox, "name": "d"})["id"]
    w.key, w.other, w.third = (daemon.mint(user=w.user) for _ in range(3))
    client = daemon.post("/v1/admin/clients", auth="admin", json={
        "name": "desk", "redirect_uris": [CALLBACK], "grants": []}).json()
    w.client = (client["client_id"], client["client_secret"])
    w.access_key = daemon.post(f"/v1/clients/{w.client[0]}/access-keys", auth="admin").json()["keyId"]
    answer = daemon.post("/v1/records", auth="admin", json=record("rec-one"))
    assert answer.status_code == 201, answer.text
    w.token = daemon.post("/oauth2/token", auth=w.client,
                          data={"grant_type": "client_credentials"}).json()["access_token"]
    daemon.stop()
    return w


def code_of(w):
    answer = w.daemon.get("/api/oauth2", allow_redirects=False, params={
        "client_id": w.client[0], "redirect_uri": CALLBACK})
    return urllib.parse.parse_qs(urllib.parse.urlsplit(answer.headers["Location"]).query)["code"][0]


# What makes something new, by each face.
NEW = {
    "native, a key": lambda w: w.daemon.post("/v1/keys", auth="admin",
                                             json={"user": "guest", "grants": []}),
    "Contract.fit, a key": lambda w: w.daemon.post("/admin/auth/api-key", auth="admin", json={
        "user": w.user, "roles": []}),
    "native, a document reopened": lambda w: w.daemon.post(f"/v1/documents/{w.document}/reopen",
                                                            auth="admin"),
    "Contract.fit, a role": lambda w: w.daemon.post("/api/roles", auth="admin", json={
        "name": "r", "permissions": {"review": True}}),
    "Contract.fit, a log-in": lambda w: w.daemon.post("/admin/auth", json={
        "username": "guest", "password": "pass word"}),
    "Contract.fit, a link's session": lambda w: w.daemon.post(
        "/auth/ephemeral", headers={"X-API-Key": w.key["key"]}),
    "Authress, a record": lambda w: w.daemon.post("/v1/records", auth="admin",
                                                  json=record("rec-two")),
    "Authress, an access key": lambda w: w.daemon.post(
        f"/v1/clients/{w.client[0]}/access-keys", auth="admin"),
    "OAuth 2, a token": lambda w: w.daemon.post("/oauth2/token", auth=w.client,
                                                data={"grant_type": "client_credentials"}),
    "AIRisk, a token": lambda w: w.daemon.post("/api/oauth2/Token", data={
        "client_id": w.client[0], "client_secret": w.client[1], "redirect_uri": CALLBACK,
        "code": code_of(w)}),
}
# What takes rights away, by each face.
ENDS = {
    "native, a key": lambda w: w.daemon.delete(f"/v1/keys/{w.other['id']}", auth="admin"),
    "native, a key suspended": lambda w: w.daemon.patch(
        f"/v1/keys/{w.key['id']}", auth="admin", json={"active": False}),
    "Contract.fit, a key": lambda w: w.daemon.delete(f"/admin/auth/api-key/{w.third['id']}",
                                                     auth="admin"),
    "Contract.fit, a document done": lambda w: w.daemon.post(
        f"/admin/documents/{w.document}/feedback", auth="admin", json={}),
    "Authress, a record": lambda w: w.daemon.delete("/v1/records/rec-one", auth="admin"),
    "Authress, an access key": lambda w: w.daemon.delete(
        f"/v1/clients/{w.client[0]}/access-keys/{w.access_key}", auth="admin"),
    "OAuth 2, a token": lambda w: w.daemon.post("/oauth2/revoke", auth=w.client,
                                                data={"token": w.token}),
}


def test_little_room_refuses_what_is_new_at_every_face_and_no_revocation(tenant):
    daemon = tenant.daemon
    with on_a_small_disk(daemon, "48m") as disk:
        ballast = disk / "ballast"
        ballast.write_bytes(b"0" * 25_000_000)
        daemon.wait_event("disk.low")
        before = daemon.ask("GET", "/v1/events?limit=1000")["items"]
        for name, ask in NEW.items():
            answer = ask(tenant)
            assert answer.status_code == 503, (name, answer.text)
            assert int(answer.headers["Retry-After"]) >= 1, name
        assert daemon.get("/readyz").status_code == 503
        created = [event for event in daemon.ask("GET", "/v1/events?limit=1000")["items"]
                   if event not in before and event["type"].endswith("key.created.v1")]
        assert not created
        for name, ask in ENDS.items():
            answer = ask(tenant)
            assert answer.status_code in (200, 204), (name, answer.text)
        for key in (tenant.key, tenant.other, tenant.third):
            assert not daemon.is_valid(key["key"])
        assert daemon.get("/v1/keys", headers={
            "Authorization": "Bearer " + tenant.token}).status_code == 401
        ballast.unlink()
        daemon.wait_event("disk.ok")
        for name in ("native, a key", "Contract.fit, a key", "OAuth 2, a token", "AIRisk, a token",
                     "Authress, a record", "Authress, an access key"):
            assert NEW[name](tenant).status_code in (200, 201), name
        daemon.stop()


# ---- locked ----

@contextlib.contextmanager
def locked(daemon):
    """Another process's write lock on the database."""
    with contextlib.closing(sqlite3.connect(daemon.state / "chatelaine.db", timeout=30,
                                            isolation_level=None)) as db:
        db.execute("BEGIN EXCLUSIVE")
        yield
        db.execute("ROLLBACK")


def test_a_short_lock_by_another_process_is_waited_for(daemon):
    app = daemon.create_app("acme")
    key = daemon.mint()
    answers = []
    with locked(daemon):
        sender = threading.Thread(target=lambda: answers.append(post(daemon, app, batch(0, 5))))
        sender.start()
        time.sleep(0.5)
        assert daemon.is_valid(key["key"])  # readers do not wait
        assert not answers, answers[0].text
    sender.join(60)
    assert answers[0].status_code == 204, answers[0].text
    assert len(rows_of(daemon)) == 5


def test_a_long_lock_by_another_process_is_a_503(daemon):
    app = daemon.create_app("acme")
    with locked(daemon):
        began = time.monotonic()
        answer = post(daemon, app, batch(0, 5))
        assert answer.status_code == 503 and answer.json()["slug"] == "store-busy", answer.text
        assert "Retry-After" in answer.headers
        assert time.monotonic() - began < 45
        assert daemon.get("/readyz").status_code == 503
    daemon.wait_ready()
    assert post(daemon, app, batch(0, 5)).status_code == 204
    assert len(rows_of(daemon)) == 5


# ---- not as it should be ----

def refusal(daemon, slug):
    """serve must end with 1 and name its reason; the log line that does."""
    output = daemon.serve_fails()
    found = [line for line in map(harness.parse_log, output.splitlines())
             if line and line.get("slug") == slug]
    assert found, output
    return found[0]


def set_schema_version(daemon, version):
    with contextlib.closing(sqlite3.connect(daemon.state / "chatelaine.db")) as db:
        db.execute(f"PRAGMA user_version = {version}")


def test_a_newer_schema_is_refused_and_left_alone(make_daemon):
    daemon = make_daemon(start=False)
    ((before,),) = daemon.rows("PRAGMA user_version")
    set_schema_version(daemon, before + 1)
    line = refusal(daemon, "schema-newer")
    assert str(before + 1) in line["detail"] and str(before) in line["detail"]
    assert daemon.run("migrate", status=1).stderr
    assert daemon.rows("PRAGMA user_version") == [(before + 1,)]
    assert "newer" in daemon.run("doctor", status=1).stdout
    set_schema_version(daemon, before)
    daemon.start()


def test_an_older_schema_is_carried_forward(make_daemon):
    for how in ("serve", "migrate"):
        daemon = make_daemon(start=False)
        ((newest,),) = daemon.rows("PRAGMA user_version")
        database = daemon.state / "chatelaine.db"
        database.unlink()
        with contextlib.closing(sqlite3.connect(database)) as db:
            db.executescript(MIGRATIONS[0].read_text())
            db.execute("PRAGMA user_version = 1")
        if how == "migrate":
            daemon.write_config()
            assert daemon.cli("migrate") == {"from": 1, "to": newest}
            assert daemon.cli("migrate") == {"from": newest, "to": newest}
        daemon.start()
        assert newest == len(MIGRATIONS)
        assert daemon.rows("PRAGMA user_version") == [(newest,)]
        assert daemon.mint()["key"]


def test_another_program_s_database_is_refused(make_daemon):
    daemon = make_daemon(start=False)
    database = daemon.state / "chatelaine.db"
    database.unlink()
    with contextlib.closing(sqlite3.connect(database)) as db:
        db.execute("CREATE TABLE recipes (title TEXT)")
    refusal(daemon, "store-foreign")
    database.write_bytes(b"this is no database, it is a letter to a friend " * 100)
    assert "chatelaine.db" in daemon.serve_fails()


def test_a_missing_secret_file_is_named(make_daemon):
    daemon = make_daemon(start=False)
    secret = daemon.state / "secret.key"
    secret.rename(daemon.state / "elsewhere")
    assert str(secret) in str(refusal(daemon, "secret-file-missing"))
    assert not secret.exists()  # never a new one in its place: it would kill every key
    (daemon.state / "elsewhere").rename(secret)
    daemon.start()


def test_a_secret_file_that_others_may_read_is_refused(make_daemon):
    daemon = make_daemon(start=False)
    secret = daemon.state / "secret.key"
    assert secret.stat().st_mode & 0o777 == 0o600
    for mode in (0o640, 0o604, 0o644):
        secret.chmod(mode)
        assert str(secret) in str(refusal(daemon, "secret-file-mode"))
    assert "secret" in daemon.run("doctor", status=1).stdout
    secret.chmod(0o400)
    daemon.start()


def test_a_damaged_secret_file_is_refused_with_its_line(make_daemon):
    daemon = make_daemon(start=False)
    secret = daemon.state / "secret.key"
    good = secret.read_text()
    secret.write_text(good + "pepper.2 not*base64\n")
    line = len(good.splitlines()) + 1
    assert f"{secret}:{line}" in str(refusal(daemon, "secret-file-invalid"))
    assert "not*base64" not in daemon.serve_fails()
    secret.write_text("")
    refusal(daemon, "secret-file-invalid")


def test_a_second_daemon_on_the_same_state_directory_is_refused(daemon):
    second = harness.Daemon(daemon.directory / "second", {"state_dir": str(daemon.state)})
    second.make_directory()
    refusal(second, "state-dir-locked")
    assert daemon.mint()["key"]  # over its admin socket, which the second has left alone
    assert daemon.get("/readyz").status_code == 200


def test_a_state_directory_that_is_not_there(make_daemon):
    daemon = make_daemon(start=False)
    shutil.rmtree(daemon.state)
    output = daemon.serve_fails()
    assert str(daemon.state) in output
