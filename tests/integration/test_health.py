"""Probes and metrics, and what a full disk still lets through."""

import contextlib
import re
import sqlite3

from harness import wait_until


def test_alive_and_ready(daemon):
    alive = daemon.get("/healthz")
    assert alive.status_code == 200 and alive.json()["status"] == "ok"
    ready = daemon.get("/readyz")
    assert ready.status_code == 200 and ready.json()["ready"] is True
    assert set(ready.json()["checks"].values()) == {True}


def test_another_schema_in_the_place_of_ours_is_not_ready(daemon):
    def set_version(change):
        with contextlib.closing(sqlite3.connect(daemon.state / "chatelaine.db", timeout=30)) as db:
            version = db.execute("PRAGMA user_version").fetchone()[0]
            db.execute(f"PRAGMA user_version = {version + change}")

    set_version(1)
    answer = daemon.get("/readyz")
    assert answer.status_code == 503 and answer.json()["checks"]["schema"] is False
    set_version(-1)
    assert daemon.get("/readyz").status_code == 200


def test_probes_are_there_where_the_listener_has_that_face(make_daemon):
    daemon = make_daemon({'listen "public"': {"faces": ["health", "native"]},
                          'listen "apps"': {"address": "127.0.0.1:0", "faces": ["webhooks"]}})
    app = daemon.create_app("acme")
    for path in ("/healthz", "/readyz", "/metrics", "/v1/keys", "/v1/webhooks"):
        assert daemon.get(path, listener="apps", auth="admin").status_code in (404, 405), path
    for path in ("/v1/webhooks", "/app/webhook"):
        posted = daemon.post(path, listener="apps", headers=app.link(), json={"id": 1})
        assert posted.status_code == 204
    assert daemon.post("/app/webhook", headers=app.link(), json={"id": 1}).status_code == 404
    assert daemon.get("/app/user", headers=app.link()).status_code == 404


def test_a_dead_kafka_does_not_count(make_daemon):
    daemon = make_daemon({"kafka": {"brokers": "127.0.0.1:1"}})
    app = daemon.create_app("acme")
    assert daemon.post("/v1/webhooks", headers=app.link(), json={"id": 1}).status_code == 204
    assert daemon.get("/readyz").status_code == 200


def test_a_full_disk_takes_only_rights_away(daemon):
    app = daemon.create_app("acme")
    key = daemon.post("/v1/keys", json={"user": "admin", "resources": ["documents/d1"]},
                      auth="admin").json()
    other = daemon.post("/v1/keys", json={"user": "admin"}, auth="admin").json()
    daemon.config.setdefault("limits", {})["min_free_disk"] = "1000000GiB"
    daemon.reload()
    wait_until(lambda: daemon.get("/readyz").status_code == 503)
    checks = daemon.get("/readyz").json()
    assert checks["ready"] is False and checks["checks"]["disk"] is False
    assert checks["checks"]["store"] is True

    for path, more in (("/v1/webhooks", {"headers": app.link(), "json": {"id": 1}}),
                       ("/v1/keys", {"auth": "admin", "json": {"user": "admin"}}),
                       ("/v1/inboxes", {"auth": "admin", "json": {"name": "x"}})):
        refused = daemon.post(path, **more)
        assert refused.status_code == 503 and refused.json()["slug"] == "disk-full", path
        assert int(refused.headers["Retry-After"]) >= 1
    assert daemon.get("/v1/keys", auth="admin").status_code == 200
    assert daemon.delete(f"/v1/keys/{other['id']}", auth="admin").status_code == 204
    assert daemon.post("/v1/documents/d1/done", auth="admin").json() == {"revoked": 1}
    assert daemon.get(f"/v1/keys/{key['id']}", auth="admin").json()["state"] == "revoked"

    del daemon.config["limits"]["min_free_disk"]
    daemon.reload()
    wait_until(lambda: daemon.get("/readyz").status_code == 200)
    assert daemon.post("/v1/webhooks", headers=app.link(), json={"id": 1}).status_code == 204


WANTED = ("chatelaine_http_requests_total", "chatelaine_webhook_items_total",
          "chatelaine_rejections_total", "chatelaine_keys", "chatelaine_key_expiry_lateness_seconds",
          "chatelaine_ledger_queue", "chatelaine_ledger_group_size", "chatelaine_outbox_rows",
          "chatelaine_outbox_oldest_seconds", "chatelaine_kafka_delivered_total",
          "chatelaine_kafka_errors_total", "chatelaine_build_info")


def test_the_log_tells_of_requests_but_not_of_each_webhook(daemon):
    app = daemon.create_app("acme")
    daemon.post("/v1/webhooks", headers=app.link(), json={"id": 1})
    daemon.post("/v1/webhooks", headers=app.link(), data="{")
    daemon.get("/v1/keys/none", auth="admin")
    daemon.wait_event("http.request_refused", lambda line: line["route"] == "/v1/keys/{id}")
    assert "/v1/webhooks" not in {line["route"] for line in daemon.events("http.request")}
    assert "/v1/webhooks" in {line["route"] for line in daemon.events("http.request_refused")}

    daemon.write_config(log={"level": "debug"})
    daemon.reload()
    daemon.post("/v1/webhooks", headers=app.link(), json={"id": 2})
    daemon.wait_event("http.request", lambda line: line["route"] == "/v1/webhooks")


def test_metrics_are_prometheus_text(daemon):
    app = daemon.create_app("acme")
    daemon.post("/v1/webhooks", headers=app.link(), json={"id": 1})
    daemon.post("/v1/keys", json={"user": "admin"}, auth="admin")
    daemon.get("/v1/keys")
    answer = daemon.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    sample = re.compile(r'^[a-z_:]+[a-z0-9_:]*(\{[a-z_]+="[^"\n]*"(,[a-z_]+="[^"\n]*")*\})? '
                        r"[-+0-9.eE]+(Inf|NaN)?$")
    for line in answer.text.splitlines():
        assert line.startswith(("# HELP ", "# TYPE ")) or sample.match(line), line
    for name in WANTED:
        assert f"# TYPE {name} " in answer.text, name
    assert 'chatelaine_http_requests_total{route="/v1/webhooks",status="204"} 1' in answer.text
    assert 'chatelaine_rejections_total{reason="no-credentials"} 1' in answer.text
    assert 'chatelaine_keys{state="active"} 1' in answer.text
    assert app.key not in answer.text
