"""The command line: every command, every exit status, for people and for machines."""

import base64
import contextlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import time

import harness
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (Encoding, NoEncryption, PrivateFormat,
                                                          PublicFormat)

COMMANDS = """init serve check-config|app create|app list|app show|app rotate|app delete|user create|
user list|user passwd|user delete|role create|role list|inbox create|inbox list|document create|
document list|document show|document done|document reopen|key mint|key list|key show|key rotate|
key revoke|key verify|sign link|sign signature|sign standard|events tail|events republish|
audit verify|audit public-key|backup|restore|secret rotate|migrate|doctor|version"""
COMMANDS = [c.strip() for c in COMMANDS.replace("init serve check-config",
                                                "init|serve|check-config").split("|")]


def chatelaine(*arguments, status=0, environment=None, **more):
    result = subprocess.run([str(harness.BINARY), *map(str, arguments)], capture_output=True, text=True,
                            timeout=120, env={**os.environ, **harness.SANITIZERS, **(environment or {})},
                            **more)
    assert result.returncode == status, f"{arguments}: {result.returncode} {result.stdout}{result.stderr}"
    return result


# ---- use and misuse ----

@pytest.mark.parametrize("command", COMMANDS)
def test_help_and_unknown_option(command):
    words = command.split()
    shown = chatelaine(*words, "--help").stdout
    assert f"chatelaine {command}" in shown and "--config" in shown and "--json" in shown
    assert chatelaine(*words, "--no-such-option", status=2).stderr


def test_wrong_use_is_2_and_says_how_it_goes():
    assert "chatelaine" in chatelaine("--help").stdout
    for command in COMMANDS:
        assert command in chatelaine("--help").stdout
    for words in ((), ("dance",), ("key",), ("key", "dance"), ("app", "show"), ("app", "show", "a", "b"),
                  ("key", "revoke"), ("app", "create"), ("restore", "x"), ("backup",),
                  ("events", "tail", "--from", "x"), ("key", "mint"), ("events", "republish"),
                  ("key", "mint", "--user"), ("sign", "link"), ("document", "create")):
        result = chatelaine(*words, status=2)
        assert result.stderr and not result.stdout, words


def test_version_names_itself_and_its_libraries():
    shown = json.loads(chatelaine("version", "--json").stdout)
    assert {"chatelaine", "libevent", "librdkafka", "sqlite", "openssl", "jansson", "libcurl"} <= shown.keys()
    assert all(re.match(r"\D*\d", text) for text in shown.values())
    assert shown["chatelaine"] in chatelaine("version").stdout
    assert "libevent" in chatelaine("--version").stdout


def test_the_configuration_s_place(daemon, tmp_path):
    without = {"CHATELAINE_CONFIG": ""}
    named = {"CHATELAINE_CONFIG": str(daemon.config_file)}
    missing = str(tmp_path / "none.conf")
    assert json.loads(chatelaine("key", "list", "--json", environment=named).stdout) is not None
    assert "none.conf" in chatelaine("key", "list", "--config", missing, status=1, environment=named).stderr
    assert "none.conf" in chatelaine("key", "list", status=1,
                                     environment={"CHATELAINE_CONFIG": missing}).stderr
    assert "/etc/chatelaine/chatelaine.conf" in \
        chatelaine("key", "list", status=1, environment=without).stderr


def test_options_that_all_commands_have_may_stand_before_the_command(daemon, tmp_path):
    file = str(daemon.config_file)
    for words in (("--config", file, "--json", "key", "list"), (f"--config={file}", "key", "list", "--json"),
                  ("--json", "key", "list", "--config", file)):
        assert json.loads(chatelaine(*words).stdout)["items"] == []
    assert chatelaine("--config", file, "check-config").stdout == f"{file}: ok\n"
    # What stands behind the command counts, as does the last of two.
    assert "none.conf" in chatelaine("--config", file, "key", "list", "--config", tmp_path / "none.conf",
                                     status=1).stderr
    assert "chatelaine key list" in chatelaine("--json", "key", "list", "--help").stdout
    assert "key mint" in chatelaine("--json", "--help").stdout
    for words in (("--config",), ("--config", file), ("--json",), ("--slug", "a", "app", "create"),
                  ("--json", "dance"), ("--config", file, "key")):
        result = chatelaine(*words, status=2)
        assert result.stderr and not result.stdout, words


def test_without_a_daemon_commands_say_so(make_daemon):
    daemon = make_daemon(start=False)
    daemon.write_config()
    for words in (("key", "list"), ("app", "list"), ("audit", "verify"), ("events", "tail"),
                  ("backup", "x.db"), ("secret", "rotate")):
        assert "admin.sock" in daemon.run(*words, status=1).stderr
    failed = json.loads(daemon.run("key", "list", "--json", status=1).stderr)
    assert failed["slug"] == "daemon-unreachable"


# ---- init, check-config ----

def test_init_makes_a_state_directory_once(tmp_path):
    state = tmp_path / "state"
    shown = json.loads(chatelaine("init", "--dir", state, "--json").stdout)
    assert len(shown["password"]) >= 16
    assert {"chatelaine.conf", "secret.key", "chatelaine.db"} <= {p.name for p in state.iterdir()}
    assert state.stat().st_mode & 0o777 == 0o700
    for name in ("secret.key", "chatelaine.db"):
        assert (state / name).stat().st_mode & 0o777 == 0o600
    before = {p.name: p.read_bytes() for p in state.iterdir()}
    assert str(state) in chatelaine("init", "--dir", state, status=1).stderr
    assert {p.name: p.read_bytes() for p in state.iterdir()} == before
    # The file that it wrote is one that serve takes.
    assert chatelaine("check-config", state / "chatelaine.conf").stdout
    config = (state / "chatelaine.conf").read_text()
    assert f'state_dir = "{state}"' in config and config.count("#") > 40


def test_init_refuses_a_directory_in_which_no_daemon_could_listen(tmp_path):
    long = tmp_path / ("x" * (107 - len(str(tmp_path)) - len("/") - len("/admin.sock")))
    assert len(f"{long}/admin.sock") == 107  # what an address of a unix socket has room for
    chatelaine("init", "--dir", long)
    assert "too long" in chatelaine("init", "--dir", f"{long}y", status=1).stderr
    assert not list((tmp_path / f"{long}y").iterdir())


def test_init_takes_a_password_without_its_newline(tmp_path):
    password = tmp_path / "password"
    password.write_text("with a newline\n")
    daemon = harness.Daemon(tmp_path / "daemon")
    daemon.make_directory()
    daemon.run("init", "--dir", daemon.state, "--password-file", password, config=False)
    try:
        daemon.start()
        assert daemon.get("/v1/keys", auth=("admin", "with a newline")).status_code == 200
        assert daemon.get("/v1/keys", auth=("admin", "with a newline\n")).status_code == 401
    finally:
        daemon.destroy()
    (tmp_path / "empty").write_text("")
    assert chatelaine("init", "--dir", tmp_path / "other", "--password-file", tmp_path / "empty",
                      status=1).stderr
    assert chatelaine("init", "--dir", tmp_path / "other", "--password-file", tmp_path / "none",
                      status=1).stderr
    assert not (tmp_path / "other" / "chatelaine.db").exists()


@pytest.mark.parametrize("text, line, says", [
    ("no_such = 1", 1, "no_such"),
    ("\n\nthreads = many\n", 3, "threads"),
    ("# a comment\nthreads = 100000\n", 2, "threads"),
    ('limits {\n  body = "huge"\n}\n', 2, "body"),
    ('limits {\n  body = 1MiB\n', 1, ""),
    ('node = "${CHATELAINE_TEST_UNSET}"\n', 1, "CHATELAINE_TEST_UNSET"),
    ('keys { grace = "2 fortnights" }\n', 1, "grace"),
    ('kafka {\n\n brokers = "none"\n property "no.such.property" { value = "1" }\n}\n', None, "no.such.property"),
    ('rule "r" { on = "x"  revoke = "documents/{data.*}" }', 1, "revoke"),
    ('listen "public" { faces = {"native", "smiling"} }', 1, "faces"),
    ('log { level = "loud" }', 1, "level"),
])
def test_check_config_names_file_and_line(tmp_path, text, line, says):
    path = tmp_path / "bad.conf"
    path.write_text(text)
    for arguments in ((path,), ("--config", path)):
        shown = chatelaine("check-config", *arguments, status=1).stderr
        assert says in shown
        if line:
            assert f"{path}:{line}: " in shown
    assert json.loads(chatelaine("check-config", path, "--json", status=1).stderr)["detail"]


def test_check_config_takes_what_serve_takes(tmp_path):
    path = tmp_path / "good.conf"
    path.write_text('state_dir = "/nowhere"\nnode = "${HOME:-x}"\nlimits { body = 2MiB queue = 10 }\n'
                    'keys { grace = 90s  default_life = "2d" }\nkafka { brokers = "none" }\n')
    assert chatelaine("check-config", path).stdout
    assert json.loads(chatelaine("check-config", path, "--json").stdout)["ok"] is True


# ---- nouns ----

def test_apps_users_roles_documents_and_keys(daemon, tmp_path):
    cli = daemon.cli
    app = cli("app", "create", "--slug", "acme", "--scope", "webhook", "--optional-scope", "read:user")
    assert app["slug"] == "acme" and re.fullmatch("[0-9a-f]{128}", app["secret"])
    assert [a["slug"] for a in cli("app", "list")["items"]] == ["acme"]
    assert "secret" not in cli("app", "show", "acme")
    assert cli("app", "rotate", "acme", "--grace", "1m")["secret"] != app["secret"]
    daemon.run("app", "create", "--slug", "acme", status=1)
    daemon.run("app", "create", "--slug", "Not A Slug", status=1)
    daemon.run("app", "create", "--slug", "x", "--algorithm", "MD5", status=1)
    daemon.run("app", "delete", "acme")
    daemon.run("app", "show", "acme", status=1)

    cli("role", "create", "reviewer", "--permission", "documents:read", "--permission", "documents:lock")
    assert "reviewer" in str(cli("role", "list"))
    assert {"admin", "operator", "backend", "auditor"} <= {r["name"] for r in cli("role", "list")["items"]}
    password = tmp_path / "password"
    password.write_text("long enough")
    user = cli("user", "create", "ann", "--password-file", password, "--role", "reviewer@inboxes/i1",
               "--role", "auditor")
    assert re.fullmatch("[0-9a-f]{24}", user["id"]) and isinstance(user["number"], int)
    assert {u["name"] for u in cli("user", "list")["items"]} == {"admin", "ann"}
    daemon.run("user", "create", "ann", status=1)
    daemon.run("user", "create", "bob", "--role", "nonesuch", status=1)
    assert daemon.get("/v1/keys", auth=("ann", "long enough")).status_code == 200
    daemon.run("user", "passwd", "ann", stdin="another one\n")
    assert daemon.get("/v1/keys", auth=("ann", "long enough")).status_code == 401
    assert daemon.get("/v1/keys", auth=("ann", "another one")).status_code == 200

    inbox = cli("inbox", "create", "--name", "invoice")
    assert cli("inbox", "list")["items"][0]["name"] == "invoice"
    document = cli("document", "create", "--inbox", "invoice", "--name", "march.pdf")
    assert re.fullmatch("[0-9a-f]{24}", document["id"]) and document["inbox"] == inbox["id"]
    cli("document", "create", "--inbox", inbox["id"], "--name", "april.pdf", "--id", "d-april")
    assert len(cli("document", "list")["items"]) == 2
    assert cli("document", "show", "d-april")["name"] == "april.pdf"

    key = cli("key", "mint", "--user", "ann", "--name", "for march", "--expires-in", "15m",
              "--role", f"reviewer@inboxes/{inbox['id']}/documents/{document['id']}",
              "--resource", "documents/d-april")
    assert re.fullmatch("ctl_[0-9A-Za-z]{36}", key["key"])
    shown = cli("key", "show", key["id"])
    assert "key" not in shown and shown["state"] == "active"
    assert daemon.run("key", "verify", "--json", stdin=key["key"] + "\n").stdout
    daemon.run("key", "verify", stdin=f" {key['key']}\r\n")  # as it is pasted
    daemon.run("key", "verify", stdin="ctl_" + "0" * 36, status=1)
    daemon.run("key", "mint", "--user", "ann", "--expires-in", "1000y", status=1)
    daemon.run("key", "mint", "--user", "nobody-here", status=1)
    daemon.run("key", "mint", "--user", "ann", "--expires-in", "1h", "--expires-at",
               "2031-01-01T00:00:00Z", status=2)
    successor = cli("key", "rotate", key["id"], "--grace", "1m")
    assert successor["key"] != key["key"]
    assert {k["state"] for k in cli("key", "list", "--user", "ann")["items"]} == {"active", "rotating"}
    assert cli("key", "list", "--state", "rotating")["items"][0]["id"] == key["id"]
    assert cli("document", "done", "d-april")["revoked"] == 2
    assert cli("document", "done", "d-april")["revoked"] == 0
    daemon.run("key", "mint", "--user", "ann", "--resource", "documents/d-april", status=1)
    cli("document", "reopen", "d-april")
    one, two, three = (cli("key", "mint", "--user", "ann", "--resource", "documents/d-april")
                       for _ in range(3))
    assert cli("key", "revoke", one["id"], two["id"])["revoked"] == 2
    assert cli("key", "revoke", "--resource", "documents/d-april")["revoked"] == 1
    assert cli("key", "revoke", "--user", "ann")["revoked"] == 0
    assert cli("key", "show", three["id"])["state"] == "revoked"
    daemon.run("key", "show", "0" * 24, status=1)
    daemon.run("user", "delete", "ann")
    assert daemon.get("/v1/keys", auth=("ann", "another one")).status_code == 401


def test_long_lists_come_whole(daemon):
    daemon.mint()
    for _ in range(120):
        daemon.ask("POST", "/v1/keys", {"user": "guest", "grants": []})
    assert len(daemon.cli("key", "list", "--user", "guest")["items"]) == 121
    text = daemon.cli("key", "list", "--user", "guest", json=False)
    assert len(re.findall(r"\b[0-9a-f]{24}\b", text)) >= 121


def test_records_and_the_question_what_somebody_may(daemon):
    made = daemon.cli("record", "create", "--name", "readers", "--user", "auth0|1", "--user", "u2",
                      "--role", "auditor@logs", "--role", "Authress:Owner@docs/7")
    assert [s["resources"][0]["resourceUri"] for s in made["statements"]] == ["logs", "docs/7"]
    assert daemon.cli("record", "show", made["recordId"]) == made
    assert made["recordId"] in daemon.run("record", "show", made["recordId"]).stdout
    daemon.cli("record", "create", "--name", "another", "--user", "u3", "--role", "auditor@x")
    listed = daemon.cli("record", "list", "--filter", "READERS")["items"]
    assert [r["recordId"] for r in listed] == [made["recordId"]]
    assert len(daemon.cli("record", "list")["items"]) == 2

    ask = ("check", "auth0|1", "read", "docs/7/page")
    assert daemon.cli(*ask) == {"allowed": True}
    assert daemon.cli(*ask, "--explain") == {"allowed": True, "explain": {
        "recordId": made["recordId"], "statement": 1, "roleId": "Authress:Owner", "action": "*",
        "resourceUri": "docs/7"}}
    assert daemon.run(*ask).stdout == "allowed: true\n"
    for denied in (("check", "auth0|1", "read", "docs/8"), ("check", "u3", "read", "docs/7")):
        assert daemon.cli(*denied, "--explain", status=1) == {"allowed": False}
    assert "InvalidResource" in daemon.run("check", "u", "read", "a//b", status=1).stderr

    daemon.run("record", "delete", made["recordId"])
    assert daemon.cli(*ask, status=1) == {"allowed": False}
    assert [r["recordId"] for r in daemon.cli("record", "list", "--deleted")["items"]] == [
        made["recordId"]]
    assert "RecordNotFound" in daemon.run("record", "show", "none", status=1).stderr


def test_long_lists_of_records_come_whole(daemon):
    for n in range(1003):
        daemon.ask("POST", "/v1/records", {
            "name": f"r{n}", "users": [{"userId": "u"}], "statements": [
                {"roles": ["auditor"], "resources": [{"resourceUri": "a"}]}]})
    assert len(daemon.cli("record", "list")["items"]) == 1003


# ---- sign ----

def curl(daemon, headers, body, path="/v1/webhooks"):
    header_file, body_file = daemon.directory / "headers", daemon.directory / "body.json"
    header_file.write_text(headers)
    body_file.write_text(body)
    return subprocess.run(
        ["curl", "-sS", "-o", daemon.directory / "answer", "-w", "%{http_code}", "-H", f"@{header_file}",
         "-H", "Content-Type: application/json", "--data-binary", f"@{body_file}", daemon.url(path)],
        capture_output=True, text=True, timeout=60, check=True).stdout


BODY = '{"id": 7, "type": "order.paid", "data": {"total": 12.50, "text": "h\u00e4h \\ud83d\\ude00 \'\\"", "n": null}}'


@pytest.mark.parametrize("algorithm", ["HMAC_SHA256", "HMAC_SHA512", "ED25519"])
def test_sign_link_makes_what_curl_can_post(daemon, tmp_path, algorithm):
    key_file = tmp_path / "key"
    if algorithm == "ED25519":
        private = Ed25519PrivateKey.generate()
        key_file.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        public = tmp_path / "public"
        public.write_bytes(private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        brought = ("--key-file", public)
    else:
        key_file.write_text(os.urandom(64).hex() + "\n")
        brought = ("--key-file", key_file)
    daemon.cli("app", "create", "--slug", "acme", "--algorithm", algorithm, "--no-agreement",
               "--scope", "webhook", *brought)
    number = daemon.cli("user", "create", "ann")["number"]
    for sub in ((), ("--sub", number)):
        headers = daemon.cli("sign", "link", "--app", "acme", "--algorithm", algorithm,
                             "--key-file", key_file, *sub, json=False)
        assert curl(daemon, headers, BODY) == "204"
    assert sorted(u for u, in daemon.rows("SELECT user_id FROM first_party_webhook_log")) == [0, number]


@pytest.mark.parametrize("algorithm", ["HMAC_SHA256", "HMAC_SHA512"])
def test_sign_signature_makes_what_curl_can_post(daemon, tmp_path, algorithm):
    key_file, body_file = tmp_path / "key", tmp_path / "body"
    key_file.write_text(os.urandom(32).hex())
    body_file.write_text(BODY)
    daemon.cli("app", "create", "--slug", "acme", "--algorithm", algorithm, "--strategy", "SIGNATURE",
               "--no-agreement", "--scope", "webhook", "--key-file", key_file)
    headers = daemon.cli("sign", "signature", "--app", "acme", "--algorithm", algorithm,
                         "--key-file", key_file, "--body", body_file, json=False)
    assert curl(daemon, headers, BODY) == "204"
    assert curl(daemon, headers, BODY) == "401"  # a replay
    assert curl(daemon, headers, BODY.replace("7", "8")) == "401"


def test_sign_standard_makes_what_curl_can_post(daemon, tmp_path):
    key_file, body_file = tmp_path / "key", tmp_path / "body"
    key_file.write_text("whsec_" + base64.b64encode(os.urandom(32)).decode() + "\n")
    body_file.write_text(BODY)
    daemon.cli("app", "create", "--slug", "acme", "--strategy", "STANDARD", "--no-agreement",
               "--scope", "webhook", "--key-file", key_file)
    headers = daemon.cli("sign", "standard", "--app", "acme", "--key-file", key_file,
                         "--body", body_file, json=False)
    assert curl(daemon, headers, BODY, "/app/webhook/acme") == "204"
    assert curl(daemon, headers, BODY, "/app/webhook/acme") == "204"
    assert curl(daemon, headers, BODY + " ", "/app/webhook/acme") == "401"
    assert daemon.rows("SELECT count(*) FROM first_party_webhook_log") == [(1,)]


def test_a_made_secret_signs(daemon, tmp_path):
    for strategy, how, path in (("JWT", "link", "/app/webhook"), ("SIGNATURE", "signature", "/app/webhook"),
                                ("STANDARD", "standard", "/app/webhook/standard")):
        made = daemon.cli("app", "create", "--slug", how, "--strategy", strategy, "--no-agreement",
                          "--scope", "webhook")
        key_file, body_file = tmp_path / how, tmp_path / "body"
        key_file.write_text(made["secret"])
        body_file.write_text(BODY)
        body = ("--body", body_file) if how != "link" else ()
        headers = daemon.cli("sign", how, "--app", how, "--key-file", key_file, *body, json=False)
        assert curl(daemon, headers, BODY, path) == "204", (daemon.directory / "answer").read_text()


def test_a_made_ed25519_secret_signs_and_json_has_the_headers(daemon, tmp_path):
    made = daemon.cli("app", "create", "--slug", "ed", "--algorithm", "ED25519", "--no-agreement",
                      "--scope", "webhook")
    key_file = tmp_path / "key"
    key_file.write_text(made["secret"])
    headers = daemon.cli("sign", "link", "--app", "ed", "--key-file", key_file)
    assert list(headers) == ["Authorization"]
    answer = daemon.post("/v1/webhooks", headers=headers, json={"id": 1})
    assert answer.status_code == 204, answer.text
    body_file = tmp_path / "body"
    body_file.write_text(BODY)
    key_file.write_text("whsec_" + "AAAA" * 8)
    standard = daemon.cli("sign", "standard", "--app", "s", "--key-file", key_file, "--body", body_file)
    assert list(standard) == ["webhook-id", "webhook-timestamp", "webhook-signature"]


def test_sign_standard_signs_with_ed25519_too(daemon, tmp_path):
    key_file, body_file = tmp_path / "key", tmp_path / "body"
    key_file.write_text(daemon.cli("app", "create", "--slug", "ed", "--algorithm", "ED25519", "--strategy", "STANDARD",
                                   "--no-agreement", "--scope", "webhook")["secret"])
    body_file.write_text(BODY)
    headers = daemon.cli("sign", "standard", "--app", "ed", "--key-file", key_file, "--body", body_file, json=False)
    assert "webhook-signature: v1a," in headers
    assert curl(daemon, headers, BODY, "/app/webhook/ed") == "204", (daemon.directory / "answer").read_text()
    assert curl(daemon, headers, BODY + " ", "/app/webhook/ed") == "401"


def test_sign_takes_an_algorithm_only_with_a_key_of_its_kind(tmp_path):
    hmac_key, ed25519_key = tmp_path / "hmac", tmp_path / "ed25519"
    hmac_key.write_text(os.urandom(32).hex())
    ed25519_key.write_bytes(Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    for algorithm, key_file in (("ED25519", hmac_key), ("HMAC_SHA256", ed25519_key),
                                ("HMAC_SHA512", ed25519_key)):
        for how in ("link", "standard"):
            result = chatelaine("sign", how, "--app", "a", "--algorithm", algorithm, "--key-file", key_file,
                                "--json", status=1)
            assert json.loads(result.stderr)["slug"] == "invalid-key" and not result.stdout
    assert chatelaine("sign", "link", "--app", "a", "--algorithm", "ED25519", "--key-file", ed25519_key).stdout
    # Standard Webhooks' v1 is HMAC-SHA-256, whatever the default of the others.
    assert chatelaine("sign", "standard", "--app", "a", "--algorithm", "HMAC_SHA256", "--key-file", hmac_key).stdout
    assert chatelaine("sign", "standard", "--app", "a", "--algorithm", "HMAC_SHA512", "--key-file", hmac_key,
                      status=1).stderr


def test_sign_link_takes_a_user_s_number(tmp_path):
    key_file = tmp_path / "key"
    key_file.write_text(os.urandom(32).hex())
    sign = ("sign", "link", "--app", "a", "--key-file", key_file, "--sub")
    for sub in ("ann", "1.5", "", "0x1"):
        assert "--sub" in chatelaine(*sign, sub, status=2).stderr
    assert chatelaine(*sign, "17").stdout


def test_sign_refuses_what_is_no_key(tmp_path):
    bad = tmp_path / "key"
    for text in ("", "not hex at all", "whsec_", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"):
        bad.write_text(text)
        for how in ("link", "signature", "standard"):
            result = chatelaine("sign", how, "--app", "a", "--key-file", bad, status=1)
            assert result.stderr and not result.stdout
    assert chatelaine("sign", "link", "--app", "a", "--key-file", tmp_path / "none", status=1).stderr


# ---- events ----

def test_events_tail(daemon):
    app = daemon.create_app("acme")
    daemon.mint()
    assert daemon.post("/v1/webhooks", json=[{"id": n, "data": {}} for n in range(1100)][:1000],
                       headers=app.link()).status_code == 204
    events = [json.loads(line) for line in daemon.cli("events", "tail", json=False).splitlines()]
    assert [int(e["sequence"]) for e in events] == list(range(1, len(events) + 1)) and len(events) > 1000
    since = len(events) - 3
    tail = daemon.cli("events", "tail", "--from", since, json=False).splitlines()
    assert [json.loads(line) for line in tail] == events[since - 1:]
    keys = daemon.cli("events", "tail", "--topic", "keys", json=False).splitlines()
    assert [json.loads(line)["type"] for line in keys] == ["chatelaine.key.created.v1"]
    assert daemon.cli("events", "tail", "--topic", "chatelaine.keys", json=False).splitlines() == keys
    daemon.run("events", "tail", "--topic", "gossip", status=1)


def test_events_tail_follows(daemon):
    daemon.mint()
    head = len(daemon.journal())
    following = subprocess.Popen(
        [str(harness.BINARY), "events", "tail", "--follow", "--from", str(head), "--topic", "keys",
         "--config", str(daemon.config_file)], stdout=subprocess.PIPE, text=True, env=daemon._environment())
    try:
        time.sleep(0.3)
        made = [daemon.mint() for _ in range(3)]
        lines = [json.loads(following.stdout.readline()) for _ in range(3)]
        assert [e["data"]["id"] for e in lines][-3:] == [key["id"] for key in made] or \
            lines[0]["sequence"] == str(head)
        daemon.stop()
        assert following.wait(30) in (0, 1)  # the stream ends with the daemon
    finally:
        following.kill()
        following.wait()


# ---- audit ----

@contextlib.contextmanager
def tampering(daemon, sql, *parameters):
    """The database of the stopped daemon with one thing changed; as it was, afterwards."""
    path = daemon.state / "chatelaine.db"
    kept = daemon.directory / "kept.db"
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(path, kept)
    with contextlib.closing(sqlite3.connect(path)) as db:
        changed = db.execute(sql, parameters).rowcount
        db.commit()
    assert changed, sql
    yield
    for name in ("chatelaine.db-wal", "chatelaine.db-shm"):
        (daemon.state / name).unlink(missing_ok=True)
    shutil.copy(kept, path)


def test_audit_verify_finds_the_broken_row(make_daemon, tmp_path):
    daemon = make_daemon(faketime=True)
    app = daemon.create_app("acme")
    for n in range(5):
        daemon.mint()
        assert daemon.post("/v1/webhooks", json=[{"id": n, "data": {}}], headers=app.link()).status_code == 204
    daemon.clock.step_to(2 * 86400)
    daemon.mint()
    daemon.wait_journal(lambda e: e["type"] == "chatelaine.checkpoint.v1", "audit")
    daemon.mint()
    assert daemon.cli("audit", "verify")["checkpoints"] >= 1
    since = daemon.cli("audit", "verify", "--from", 3)
    assert (since["ok"], since["first"], since["rows"]) == (True, 3, since["last"] - 2)
    daemon.run("audit", "verify", "--from", since["last"] + 1000, status=1)
    public_key = tmp_path / "public.pem"
    public_key.write_text(daemon.cli("audit", "public-key")["public_key"])
    assert "BEGIN PUBLIC KEY" in daemon.cli("audit", "public-key", json=False)
    checkpoints = tmp_path / "checkpoints"
    checkpoints.write_text(daemon.cli("events", "tail", "--topic", "audit", json=False))
    head = len(daemon.journal())
    daemon.stop()

    def verify(*more, status=0):
        return daemon.run("audit", "verify", "--offline", "--public-key", public_key,
                          "--checkpoints", checkpoints, "--json", *more, status=status)

    verdict = json.loads(verify().stdout)
    assert verdict["last"] >= head and verdict["checkpoints"] >= 1
    assert json.loads(verify("--from", 3).stdout)["first"] == 3
    verify("--from", verdict["last"] + 2, status=1)
    audit = [seq for seq, in daemon.rows(
        "SELECT seq FROM journal WHERE type = 'chatelaine.audit.v1' ORDER BY seq")]
    victim = audit[3]
    other, = daemon.rows("SELECT min(seq) FROM journal WHERE topic = 0")[0]
    for sql, broken in (
            (f"UPDATE journal SET body = replace(body, 'success', 'failure') WHERE seq = {victim}", victim),
            (f"UPDATE journal SET hash = zeroblob(32) WHERE seq = {victim}", victim),
            (f"UPDATE journal SET time_ms = time_ms + 1 WHERE seq = {victim}", victim),
            (f"DELETE FROM journal WHERE seq = {victim}", None),
            (f"UPDATE journal SET body = replace(body, 'acme', 'evil') WHERE seq = {other}", None),
            (f"DELETE FROM journal WHERE seq >= {victim}", None),
            ("DELETE FROM checkpoints", None),
            ("UPDATE checkpoints SET hash = zeroblob(32)", None),
            ("UPDATE checkpoints SET signature = zeroblob(64)", None)):
        with tampering(daemon, sql):
            failed = json.loads(verify(status=1).stderr)
            assert failed["slug"] == "audit-broken", sql
            assert failed["where"].startswith("seq ")
            if broken:
                assert failed["where"] == f"seq {broken}", sql
    verify()
    other_key = tmp_path / "other.pem"
    other_key.write_bytes(Ed25519PrivateKey.generate().public_key().public_bytes(
        Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    daemon.run("audit", "verify", "--offline", "--public-key", other_key, status=1)
    daemon.run("audit", "verify", "--offline", status=2)

    # The running daemon finds it too.
    with tampering(daemon, f"UPDATE journal SET body = replace(body, 'success', 'failure') WHERE seq = {victim}"):
        daemon.start()
        assert f"seq {victim}" in daemon.run("audit", "verify", status=1).stderr
        daemon.stop()


def test_audit_verify_answers_alike_with_and_without_a_daemon(daemon, tmp_path):
    public_key = tmp_path / "public.pem"
    public_key.write_text(daemon.cli("audit", "public-key", json=False))
    offline = ("audit", "verify", "--offline", "--public-key", public_key)
    assert daemon.cli("audit", "verify") == daemon.cli(*offline)
    assert re.fullmatch(r"ok: \d+ rows, sequence 1 to \d+, \d+ checkpoints\n",
                        daemon.cli("audit", "verify", json=False))
    assert daemon.cli("audit", "verify", json=False) == daemon.cli(*offline, json=False)
    # The daemon checks with its own keys: one that is given must not seem to have been used.
    for option in ("--public-key", "--checkpoints"):
        assert option in daemon.run("audit", "verify", option, public_key, status=2).stderr


# ---- doctor ----

def test_doctor_says_what_to_do(make_daemon):
    daemon = make_daemon()
    healthy = daemon.cli("doctor")
    assert healthy["verdict"] == "ok", healthy
    assert "ok" in daemon.cli("doctor", json=False)
    daemon.stop()
    dead = json.loads(daemon.run("doctor", "--json", status=1).stdout)
    verdicts = {check["check"]: check for check in dead["checks"]}
    assert verdicts["daemon"]["verdict"] == "broken" and verdicts["daemon"]["todo"]
    assert verdicts["database"]["verdict"] == "ok"
    (daemon.state / "secret.key").rename(daemon.state / "gone")
    broken = json.loads(daemon.run("doctor", "--json", status=1).stdout)
    assert any(c["check"] == "secret file" and c["verdict"] == "broken" for c in broken["checks"])
    daemon.config_file.write_text("nonsense = 1\n")
    assert f"{daemon.config_file}:1" in daemon.run("doctor", status=1).stdout


def test_doctor_tells_of_a_kafka_that_is_away(make_daemon, make_kafka):
    cluster = make_kafka(start=False)
    daemon = make_daemon({"kafka": {"brokers": cluster.bootstrap}})
    assert daemon.cli("doctor")["verdict"] == "ok"
    daemon.kill9()
    with contextlib.closing(sqlite3.connect(daemon.state / "chatelaine.db")) as db:
        db.execute("UPDATE journal SET time_ms = time_ms - 600000")
        db.commit()
    daemon.start()
    report = daemon.cli("doctor")
    (kafka,) = [c for c in report["checks"] if c["check"] == "kafka"]
    assert kafka["verdict"] == "warning" and kafka["todo"], kafka
