"""A backup is taken while it runs and works elsewhere; secrets are renewed while it runs."""

import contextlib
import shutil
import sqlite3
import threading

import harness
import pytest
import requests


def post(daemon, app, batch):
    answer = daemon.post("/v1/webhooks", json=batch, headers=app.link())
    assert answer.status_code == 204, answer.text


class Load(threading.Thread):
    """Posts batches until left; answered are the ids of those answered so far."""

    def __init__(self, daemon, app):
        super().__init__(daemon=True)
        self.under_test, self.app = daemon, app
        self.answered, self.stopping, self.failure = [], threading.Event(), None
        self.sent = 0

    def run(self):
        session = requests.Session()
        session.trust_env = False
        while not self.stopping.is_set():
            self.sent += 1
            batch = [{"id": f"{self.sent}-{n}", "data": {}} for n in range(20)]
            answer = session.post(self.under_test.url("/v1/webhooks"), json=batch,
                                  headers=self.app.link(), timeout=60)
            if answer.status_code != 204:
                self.failure = answer.text
                return
            self.answered += [item["id"] for item in batch]

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.join(60)
        assert self.failure is None, self.failure


def restored(daemon, backup, directory, config=None):
    """A daemon on a new state directory with the backup and the same secret file."""
    other = harness.Daemon(directory, config)
    other.make_directory()
    other.write_config()
    other.run("restore", backup, "--dir", other.state)
    shutil.copy(daemon.state / "secret.key", other.state / "secret.key")
    return other


def ids_in(path):
    with contextlib.closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return {row[0] for row in db.execute("SELECT external_id FROM first_party_webhook_log")}


def test_a_backup_under_load_works_elsewhere(daemon, tmp_path):
    app = daemon.create_app("acme")
    key, ended = daemon.mint(), daemon.mint()
    daemon.revoke(ended["id"])
    backup = tmp_path / "backup.db"
    with Load(daemon, app) as load:
        while load.sent < 20:
            pass
        before = set(load.answered)
        daemon.cli("backup", backup)
        after = set(load.answered)
    assert backup.stat().st_mode & 0o777 == 0o600
    found = ids_in(backup)
    assert before <= found  # all that was answered before it began
    last = max(int(i.split("-")[0]) for i in after)
    assert all(int(i.split("-")[0]) <= last + 1 for i in found)
    assert len(found) % 20 == 0  # whole batches

    other = restored(daemon, backup, tmp_path / "other")
    try:
        assert (other.state / "chatelaine.conf").exists()
        other.start()
        assert other.is_valid(key["key"]) and not other.is_valid(ended["key"])
        assert other.cli("audit", "verify")["rows"] > 0
        assert other.get("/v1/keys", auth="admin").status_code == 200
        post(other, app, [{"id": "new", "data": {}}])  # the app's sealed key opens too
        assert ids_in(other.state / "chatelaine.db") == found | {"new"}
        other.stop()
    finally:
        other.destroy()


def test_a_backup_never_overwrites(daemon, tmp_path):
    backup = tmp_path / "backup.db"
    backup.write_text("precious")
    assert "backup.db" in daemon.run("backup", backup, status=1).stderr
    assert backup.read_text() == "precious"
    assert daemon.run("backup", tmp_path / "no" / "such" / "place.db", status=1).stderr


def test_a_relative_name_is_the_caller_s(daemon):
    daemon.cli("backup", "here.db")
    assert (daemon.directory / "here.db").exists()


def test_restore_sets_aside_what_is_there(daemon, tmp_path):
    app = daemon.create_app("acme")
    post(daemon, app, [{"id": "early", "data": {}}])
    backup = tmp_path / "backup.db"
    daemon.cli("backup", backup)
    post(daemon, app, [{"id": "late", "data": {}}])
    # Not under a running daemon.
    assert daemon.run("restore", backup, "--dir", daemon.state, status=1).stderr
    assert ids_in(daemon.state / "chatelaine.db") == {"early", "late"}
    daemon.stop()
    told = daemon.cli("restore", backup, "--dir", daemon.state)
    assert told["restored"] is True and told["database"] == str(daemon.state / "chatelaine.db")
    assert ids_in(daemon.state / "chatelaine.db") == {"early"}
    (aside,) = [p for p in daemon.state.glob("chatelaine.db.before*")
                if not p.name.endswith(("-wal", "-shm"))]
    assert ids_in(aside) == {"early", "late"} and told["aside"] == str(aside)
    daemon.start()
    post(daemon, app, [{"id": "again", "data": {}}])


def test_restore_refuses_a_directory_whose_configuration_names_another_database(daemon, tmp_path):
    backup = tmp_path / "backup.db"
    daemon.cli("backup", backup)
    state = tmp_path / "other"
    daemon.run("init", "--dir", state, config=False)
    config = state / "chatelaine.conf"
    good = config.read_text()
    before = (state / "chatelaine.db").read_bytes()
    for store, state_dir in (("sqlite:other.db", state), (f"sqlite:{tmp_path}/chatelaine.db", state),
                             ("sqlite:chatelaine.db", tmp_path), ("postgresql://u@h/db", state)):
        config.write_text(good.replace('"sqlite:chatelaine.db"', f'"{store}"')
                          .replace(f'state_dir = "{state}"', f'state_dir = "{state_dir}"'))
        assert f"{config}: " in daemon.run("restore", backup, "--dir", state, status=1, config=False).stderr
        assert (state / "chatelaine.db").read_bytes() == before
    link = tmp_path / "link"
    link.symlink_to(state)
    config.write_text(good.replace(f'state_dir = "{state}"', f'state_dir = "{link}"'))
    for name in (state, link):
        daemon.run("restore", backup, "--dir", name, config=False)
    config.write_text("nonsense = 1\n")  # it is mended afterwards
    daemon.run("restore", backup, "--dir", state, config=False)


def test_restore_refuses_what_is_no_backup(daemon, tmp_path):
    daemon.stop()
    before = ids_in(daemon.state / "chatelaine.db")
    letter, recipes, newer = (tmp_path / name for name in ("letter", "recipes", "newer"))
    letter.write_text("dear friend " * 1000)
    with contextlib.closing(sqlite3.connect(recipes)) as db:
        db.execute("CREATE TABLE recipes (title TEXT)")
    shutil.copy(daemon.state / "chatelaine.db", newer)
    with contextlib.closing(sqlite3.connect(newer)) as db:
        db.execute("PRAGMA user_version = 9999")
    for path in (letter, recipes, newer, tmp_path / "missing"):
        assert daemon.run("restore", path, "--dir", daemon.state, status=1).stderr
    assert ids_in(daemon.state / "chatelaine.db") == before
    assert not list(daemon.state.glob("chatelaine.db.*before*"))
    daemon.start()


def test_without_its_secret_file_a_restored_database_is_not_served(daemon, tmp_path):
    backup = tmp_path / "backup.db"
    daemon.cli("backup", backup)
    other = restored(daemon, backup, tmp_path / "other")
    (other.state / "secret.key").unlink()
    assert "secret-file-missing" in other.serve_fails()


# ---- secrets ----

def versions(daemon, name):
    lines = (daemon.state / "secret.key").read_text().splitlines()
    return sorted(int(line.split()[0].rstrip("=").split(".")[1]) for line in lines
                  if line.startswith(name + "."))


@pytest.mark.parametrize("restart", [False, True])
def test_rotated_secrets_mint_anew_and_still_verify(daemon, restart):
    app = daemon.create_app("acme")
    old = daemon.mint()
    assert versions(daemon, "pepper") == [1]
    daemon.cli("secret", "rotate")
    assert versions(daemon, "pepper") == versions(daemon, "seal") == [1, 2]
    assert (daemon.state / "secret.key").stat().st_mode & 0o777 == 0o600
    if restart:
        daemon.restart()
    new = daemon.mint()
    later = daemon.create_app("later")
    assert daemon.is_valid(old["key"]) and daemon.is_valid(new["key"])
    peppers = dict(daemon.rows("SELECT id, pepper FROM keys"))
    assert peppers[old["id"]] == 1 and peppers[new["id"]] == 2
    post(daemon, app, [{"id": 1, "data": {}}])
    post(daemon, later, [{"id": 1, "data": {}}])
    daemon.cli("audit", "verify")
    daemon.restart()
    assert daemon.is_valid(old["key"]) and daemon.is_valid(new["key"])
    post(daemon, app, [{"id": 2, "data": {}}])
    post(daemon, later, [{"id": 2, "data": {}}])
    assert any(e["data"].get("action") == "secret.rotate" for e in daemon.journal("audit"))


def test_rotation_under_load_refuses_nobody(daemon):
    app = daemon.create_app("acme")
    daemon.mint()
    with Load(daemon, app):
        keys = []
        for _ in range(5):
            keys.append(daemon.mint()["key"])
            daemon.ask("POST", "/v1/admin/secrets/rotate")
        assert all(daemon.is_valid(key) for key in keys)
