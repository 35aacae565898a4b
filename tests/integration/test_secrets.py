"""Nothing stealable at rest, in transit to operations, or in what is said about it."""

import base64
import pathlib

import signing


def spellings(secret):
    """How a secret could be written: as it is, decoded, or encoded once more."""
    text = secret.encode() if isinstance(secret, str) else secret
    yield text
    yield base64.b64encode(text).rstrip(b"=")[:-1] or text
    yield text.hex().encode()
    if isinstance(secret, str) and secret.startswith("whsec_"):
        yield base64.b64decode(secret.removeprefix("whsec_"))
        yield secret.removeprefix("whsec_").encode()
    try:
        yield bytes.fromhex(secret)
    except (TypeError, ValueError):
        pass


def test_no_secret_is_anywhere(make_daemon, make_reader, kafka, topic_prefix, tmp_path):
    daemon = make_daemon({"kafka": {"brokers": kafka.bootstrap, "topic_prefix": topic_prefix,
                                    "webhook_data": False},
                          "log": {"level": "debug"}})
    secrets, answers = [daemon.password], []

    def keep(answer):
        answers.append(answer.text)
        return answer

    # Apps: brought and made, rotated.
    link, sign = daemon.create_app("link"), daemon.create_app("sign", strategy="SIGNATURE")
    standard = daemon.create_app("std", strategy="STANDARD")
    made = daemon.cli("app", "create", "--slug", "made", "--scope", "webhook", "--no-agreement")
    secrets += [link.key, sign.key, standard.key, made["secret"]]
    secrets.append(daemon.cli("app", "rotate", "made")["secret"])
    tokens = [link.token(), link.token(exp=1)]
    secrets += tokens
    for token in tokens:
        keep(daemon.post("/v1/webhooks", json={"id": 1, "data": {"pan": "4111-secret-pan"}},
                         headers={"Authorization": f"Link App=link,Token={token}"}))
    item = {"id": 2, "data": {"pan": "4111-secret-pan"}}
    headers = sign.signature(body=item)
    secrets.append(headers["Authorization"].split("Nonce=")[1].split(",")[0])
    for _ in range(2):
        keep(daemon.post("/v1/webhooks", json=item, headers=headers))
    body = b'{"type": "t", "data": {}}'
    keep(daemon.post("/app/webhook/std", data=body,
                     headers={**standard.standard(body), "Content-Type": "application/json"}))

    # Users and keys: good, wrong, malformed, in the wrong place.
    password = "tr0ub4dor-and-three"
    password_file = tmp_path / "password"
    password_file.write_text(password)
    daemon.cli("user", "create", "reader", "--password-file", password_file, "--role", "auditor")
    secrets.append(password)
    minted = daemon.mint("reader", expires_in="1h")
    secrets.append(minted["key"])
    rotated = daemon.ask("POST", f"/v1/keys/{minted['id']}/rotate", {})
    secrets.append(rotated["key"])
    wrong = rotated["key"][:-1] + ("a" if rotated["key"][-1] != "a" else "b")
    secrets += [wrong, "wrong-password-1"]
    keep(daemon.get("/v1/keys", auth=("reader", password)))
    keep(daemon.get("/v1/keys", auth=("reader", "wrong-password-1")))
    keep(daemon.get("/v1/keys", auth=("nobody-here", "wrong-password-1")))
    for key in (rotated["key"], wrong):
        keep(daemon.get("/v1/keys", headers={"X-API-Key": key}))
        keep(daemon.get("/v1/keys", headers={"Authorization": f"Bearer {key}"}))
        keep(daemon.get(f"/v1/keys/{key}", auth="admin"))
        keep(daemon.get(f"/v1/keys?user={key}", auth="admin"))
        keep(daemon.get(f"/nothing/{key}?key={key}"))
        keep(daemon.post("/v1/keys/verify", json={"key": key}, auth="admin"))
        keep(daemon.post("/v1/keys/verify", data='{"key": "' + key + '"', auth="admin",
                         headers={"Content-Type": "application/json"}))
        keep(daemon.post("/v1/keys/verify", json={"keys": key}, auth="admin"))
        daemon.run("key", "show", key, status=1)
    daemon.cli("key", "verify", stdin=rotated["key"] + "\n")
    daemon.revoke(rotated["id"])
    keep(daemon.get("/v1/keys", headers={"X-API-Key": rotated["key"]}))
    answers.append(daemon.get("/metrics").text)
    answers += [str(event) for event in daemon.journal()]
    head = int(daemon.journal()[-1]["sequence"])
    doctor = daemon.run("doctor").stdout
    secret_lines = (daemon.state / "secret.key").read_text().split()
    secrets += [base64.b64decode(word) for word in secret_lines if len(word) >= 40]
    daemon.stop()

    read = make_reader(kafka.bootstrap, topic_prefix).until(lambda messages: len(messages) >= head)
    places = {"log": "\n".join(daemon.output).encode(), "doctor": doctor.encode(),
              "answers": "\n".join(answers).encode(),
              "kafka": b"\n".join(m.raw for m in read),
              "configuration": daemon.config_file.read_bytes()}
    for path in sorted(pathlib.Path(daemon.state).iterdir()):
        if path.is_file() and path.name != "secret.key":
            places[path.name] = path.read_bytes()
    assert any(name.startswith("chatelaine.db") for name in places)
    for secret in secrets:
        for spelling in spellings(secret):
            for place, content in places.items():
                assert spelling not in content, f"{secret[:12]!r}... is in {place}"
    for place in ("log", "kafka", "answers"):
        assert b"4111-secret-pan" not in places[place], f"a webhook's data is in {place}"


def test_a_key_file_with_an_ed25519_key_leaves_no_private_part(daemon):
    app = daemon.create_app("ed", algorithm="ED25519")
    assert isinstance(app, signing.App)
    assert daemon.post("/v1/webhooks", json={"id": 1, "data": {}}, headers=app.link()).status_code == 204
    shown = daemon.cli("app", "show", "ed")
    assert "PRIVATE" not in str(shown)
