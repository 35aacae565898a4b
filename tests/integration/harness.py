"""A real daemon under test: its state directory, its process, its log, and its callers.

    daemon = Daemon(directory, {"kafka": {"brokers": "none"}})
    daemon.init()
    daemon.start()
    app = daemon.create_app("acme")
    daemon.post("/app/webhook", json={...}, headers=app.link())
    daemon.stop()                       # SIGTERM; fails unless it ends with 0 and no report

CHATELAINE_BUILD names the directory of the binary (default: build).
"""

import collections
import contextlib
import http.client
import json
import os
import pathlib
import signal
import socket
import sqlite3
import subprocess
import threading
import time

import requests

import eventschema
import openapi
import signing

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
BUILD = REPOSITORY / os.environ.get("CHATELAINE_BUILD", "build")
BINARY = BUILD / "chatelaine"
START_SECONDS = 60  # a sanitizer's build on a busy machine
STOP_SECONDS = 60
PASSWORD = "correct horse battery staple"
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"

# What a sanitizer writes when it has found something.
REPORTS = ("ERROR: AddressSanitizer", "ERROR: LeakSanitizer", "WARNING: ThreadSanitizer",
           "FATAL: ThreadSanitizer", "runtime error:")

SANITIZERS = {
    "ASAN_OPTIONS": "detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1:"
                    "verify_asan_link_order=0:exitcode=99",
    "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1",
    "TSAN_OPTIONS": "second_deadlock_stack=1:exitcode=98",
}


def render(options, indent=""):
    """A dictionary as configuration: {'listen "public"': {"address": "127.0.0.1:0"}}."""
    def value(v):
        if isinstance(v, bool):
            return "true" if v else "false"
        if isinstance(v, int):
            return str(v)
        if isinstance(v, (list, tuple)):
            return "{" + ", ".join(value(x) for x in v) + "}"
        return '"' + str(v).replace("\\", "\\\\").replace('"', '\\"') + '"'

    lines = []
    for name, v in options.items():
        if isinstance(v, dict):
            lines += [f"{indent}{name} {{", render(v, indent + "  "), f"{indent}}}"]
        else:
            lines.append(f"{indent}{name} = {value(v)}")
    return "\n".join(lines)


def merge(base, changes):
    """base with changes, sections merged option by option; None takes an option out."""
    merged = dict(base)
    for name, v in changes.items():
        if v is None:
            merged.pop(name, None)
        elif isinstance(v, dict) and isinstance(merged.get(name), dict):
            merged[name] = merge(merged[name], v)
        else:
            merged[name] = v
    return merged


class Clock:
    """Wall time as the daemon sees it: real time and an offset that may change while it runs."""

    def __init__(self, path):
        self.path = path
        self.step_to(0)

    def step_to(self, offset_seconds):
        partial = self.path.with_suffix(".new")
        partial.write_text(f"{offset_seconds:+f}\n")
        partial.rename(self.path)
        self.offset_seconds = offset_seconds

    def environment(self):
        return {"LD_PRELOAD": FAKETIME, "FAKETIME_TIMESTAMP_FILE": str(self.path),
                "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                "NO_FAKE_STAT": "1"}


class Daemon:
    def __init__(self, directory, config=None, faketime=False, environment=None):
        self.directory = pathlib.Path(directory)
        self.state = self.directory / "state"
        self.config_file = self.directory / "test.conf"
        self.password = PASSWORD
        self.environment = environment or {}
        self.clock = Clock(self.make_directory() / "clock") if faketime else None
        self.config = merge({
            'listen "public"': {"address": "127.0.0.1:0"},
            "state_dir": str(self.state),
            "threads": 2,
            "node": "test",
            "kafka": {"brokers": "none"},
            'rule "document-done"': {"on": "document.done",  # as in the file that init writes
                                     "revoke": "documents/{data.document_id}",
                                     "requires": "document:done"},
        }, config or {})
        self.process = None
        self.output = []                            # every line of standard error, of all runs
        self.log = []                               # those that are JSON, parsed, of this run
        self.ports = {}                             # of this run, by listener
        self._news = threading.Condition()          # guards output, log, ports
        self.session = requests.Session()
        self.session.trust_env = False

    # ---- life ----

    def init(self):
        """State directory, database, secret file and the administrator, by the program itself."""
        password = self.make_directory() / "password"
        password.write_text(PASSWORD)
        self.run("init", "--dir", self.state, "--password-file", password, config=False)
        return self

    def write_config(self, **changes):
        """Writes the configuration, changed for good by what is given."""
        self.config = merge(self.config, changes)
        self.config_file.write_text(render(self.config) + "\n")

    def start(self, ready=True, prefix=(), pass_fds=()):
        """Starts the daemon; returns when it listens and, unless told otherwise, is ready.

        prefix: a program and its arguments that end by executing the daemon in their place.
        """
        assert not self.is_running(), "it runs already"
        self.write_config()
        with self._news:
            self.log, self.ports = [], {}
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *map(str, prefix), str(BINARY), "serve",
             "--config", str(self.config_file)],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, env=self._environment(),
            cwd=self.directory, pass_fds=pass_fds, text=True, errors="replace")
        self._reader = threading.Thread(target=self._read, args=(self.process,), daemon=True)
        self._reader.start()
        listeners = [name.split('"')[1] for name in self.config if name.startswith("listen ")]
        self._wait(lambda: all(name in self.ports for name in listeners), "it did not listen")
        if ready:
            self.wait_ready()
        return self

    def wait_ready(self):
        deadline = time.monotonic() + START_SECONDS
        while self.get("/readyz").status_code != 200:
            assert time.monotonic() < deadline, "it did not get ready: " + self.get("/readyz").text
            time.sleep(0.05)

    def stop(self):
        """SIGTERM. It must end by itself, with 0, and no sanitizer may have spoken."""
        if self.is_running():
            self.process.send_signal(signal.SIGTERM)
        self.ended(0)

    def kill9(self):
        self.process.kill()
        self.ended(-signal.SIGKILL)

    def ended(self, status):
        """Waits for the end of the process and holds it against the exit status expected."""
        if not self.process:
            return
        try:
            found = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.send_signal(signal.SIGABRT)
            self.process.wait()
            raise AssertionError(f"it did not end in {STOP_SECONDS} s: {self.tail()}") from None
        self._reader.join()
        self.process = None
        self.session.close()
        self.no_reports()
        assert found == status, f"exit status {found}: {self.tail()}"

    def restart(self):
        self.stop()
        return self.start()

    def serve_fails(self):
        """A start that must be refused: exit status 1; returns what it wrote."""
        self.write_config()
        return self.run("serve", status=1).stderr

    def reload(self):
        """SIGHUP, with the configuration as it is now."""
        self.write_config()
        self.process.send_signal(signal.SIGHUP)

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def destroy(self):
        """At the end of a test: an orderly stop if it still runs; never leaves a process."""
        try:
            self.stop()
        finally:
            if self.is_running():
                self.process.kill()
                self.process.wait()

    # ---- log ----

    def events(self, name):
        """This run's log lines of that event."""
        with self._news:
            return [line for line in self.log if line.get("event") == name]

    def wait_event(self, name, matches=lambda line: True, seconds=START_SECONDS):
        """The first log line of this run with that event that matches."""
        def find():
            return next((line for line in self.log
                         if line.get("event") == name and matches(line)), None)
        return self._wait(find, f"no event {name} in the log", seconds)

    def tail(self, lines=40):
        with self._news:
            return "\n".join(self.output[-lines:])

    def no_reports(self):
        with self._news:
            found = [n for n, line in enumerate(self.output) if any(r in line for r in REPORTS)]
            assert not found, "\n".join(self.output[found[0]:found[0] + 80])

    # ---- callers ----

    def url(self, path, listener="public", scheme="http"):
        return f"{scheme}://127.0.0.1:{self.ports[listener]}{path}"

    def request(self, method, path, listener="public", **arguments):
        """As requests.request; auth="admin" is the administrator by HTTP Basic.

        Every answer is held against the OpenAPI file.
        """
        if arguments.get("auth") == "admin":
            arguments["auth"] = ("admin", PASSWORD)
        arguments.setdefault("timeout", 60)
        response = self.session.request(method, self.url(path, listener), **arguments)
        openapi.check_response(method, path, response)
        return response

    def get(self, path, **arguments):
        return self.request("GET", path, **arguments)

    def post(self, path, **arguments):
        return self.request("POST", path, **arguments)

    def patch(self, path, **arguments):
        return self.request("PATCH", path, **arguments)

    def delete(self, path, **arguments):
        return self.request("DELETE", path, **arguments)

    def admin(self, method, path, body=None):
        """(status, parsed answer) of a request to the admin socket."""
        connection = SocketConnection(self.state)
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, path, text, {"Content-Type": "application/json"})
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        openapi.CONTRACT.check(method, path.split("?")[0], response.status,
                               response.headers.get("Content-Type", ""), content)
        is_json = "json" in response.headers.get("Content-Type", "")
        return Answer(response.status, json.loads(content) if is_json else content.decode() or None)

    def ask(self, method, path, body=None, status=None):
        """The same where it must succeed: the body of the answer."""
        answer = self.admin(method, path, body)
        assert answer.status in ((200, 201, 204) if status is None else (status,)), answer
        return answer.body

    def mint(self, user="guest", **members):
        """A new key of a user who is made when there is none yet: the answer, with `key`."""
        if self.admin("GET", f"/v1/admin/users/{user}").status == 404:
            self.ask("POST", "/v1/admin/users", {"name": user})
        return self.ask("POST", "/v1/keys", {"user": user, "grants": [], **members})

    def is_valid(self, key):
        return self.ask("POST", "/v1/keys/verify", {"key": key})["valid"]

    def revoke(self, key_id):
        return self.ask("DELETE", f"/v1/keys/{key_id}")

    def journal(self, topic=None, since=1):
        """Every event from that sequence on, as the journal has it, each as its schema has it."""
        found = []
        while True:
            query = f"from={since}&limit=1000" + (f"&topic={topic}" if topic else "")
            items = self.ask("GET", f"/v1/events?{query}")["items"]
            if not items:
                return found
            for event in items:
                eventschema.check(event)
            found += items
            since = int(items[-1]["sequence"]) + 1

    def wait_journal(self, matches, topic=None, seconds=START_SECONDS):
        """The first event that matches."""
        deadline = time.monotonic() + seconds
        while True:
            events = self.journal(topic)
            if found := next((event for event in events if matches(event)), None):
                return found
            assert time.monotonic() < deadline, \
                f"not in the journal: {[(e['type'], e.get('subject')) for e in events][-40:]}"
            time.sleep(0.05)

    def metric(self, name, **labels):
        """A sample of /metrics, summed over the labels that are not given; None = not there."""
        found = None
        for line in self.get("/metrics").text.splitlines():
            sample, _, value = line.rpartition(" ")
            if sample.split("{")[0] == name and \
                    all(f'{label}="{text}"' in sample for label, text in labels.items()):
                found = (found or 0) + float(value)
        return found

    def rows(self, sql, *parameters):
        """What the database has, read beside the daemon."""
        with contextlib.closing(sqlite3.connect(
                f"file:{self.state}/chatelaine.db?mode=ro", uri=True, timeout=30)) as db:
            return db.execute(sql, parameters).fetchall()

    def run(self, *arguments, config=True, status=0, stdin=None):
        """Runs the program; returns its subprocess.CompletedProcess, the status as expected."""
        command = [str(BINARY), *map(str, arguments)]
        if config:
            command += ["--config", str(self.config_file)]
        result = subprocess.run(command, input=stdin or "", capture_output=True, text=True,
                                timeout=120, env=self._environment(), cwd=self.directory)
        assert not any(r in result.stderr for r in REPORTS), result.stderr
        assert result.returncode == status, \
            f"{command} ended with {result.returncode}: {result.stdout}{result.stderr}"
        return result

    def cli(self, *arguments, json=True, status=0, stdin=None):
        """A subcommand against this daemon: what --json prints, parsed; else its text."""
        result = self.run(*arguments, *(["--json"] if json else []), status=status, stdin=stdin)
        return parse_output(result.stdout) if json else result.stdout

    def create_app(self, slug, algorithm="HMAC_SHA512", strategy="JWT", agreement=False,
                   scopes=("webhook",), optional_scopes=()):
        """An app whose key the test holds, so that it can sign as the app does."""
        key, shown = signing.new_key(algorithm, strategy)
        key_file = self.directory / f"{slug}.key"
        key_file.write_text(shown)
        arguments = ["app", "create", "--slug", slug, "--strategy", strategy,
                     "--key-file", key_file]
        if strategy != "STANDARD":
            arguments += ["--algorithm", algorithm]
        if not agreement:
            arguments.append("--no-agreement")
        for scope in scopes:
            arguments += ["--scope", scope]
        for scope in optional_scopes:
            arguments += ["--optional-scope", scope]
        self.cli(*arguments)
        return signing.App(slug, key, algorithm, strategy)

    # ---- inside ----

    def make_directory(self):
        self.directory.mkdir(parents=True, exist_ok=True)
        return self.directory

    def _environment(self):
        environment = {name: v for name, v in os.environ.items()
                       if not name.startswith(("CHATELAINE", "LISTEN_", "NOTIFY_"))}
        environment.update(SANITIZERS)
        if self.clock:
            environment.update(self.clock.environment())
        environment.update(self.environment)
        return environment

    def _read(self, process):
        """Collects the log; it is also in a file, for whoever looks into a test that failed."""
        with open(self.directory / "log", "a") as log:
            for line in process.stderr:
                log.write(line)
                log.flush()
                self._take(line)
        with self._news:
            self._news.notify_all()

    def _take(self, line):
        parsed = parse_log(line)
        with self._news:
            self.output.append(line.rstrip("\n"))
            if parsed:
                self.log.append(parsed)
                if parsed.get("event") == "http.listening":
                    self.ports[parsed["name"]] = parsed["port"]
            self._news.notify_all()

    def _wait(self, find, complaint, seconds=START_SECONDS):
        deadline = time.monotonic() + seconds
        with self._news:
            while not (found := find()):
                left = deadline - time.monotonic()
                if left <= 0 or not self.is_running():
                    text = "\n".join(self.output[-40:])
                    raise AssertionError(f"{complaint}; its last words:\n{text}")
                self._news.wait(min(left, 0.5))
        return found


class SocketConnection(http.client.HTTPConnection):
    """HTTP on the admin socket, found by its directory: paths of tests may outgrow sun_path."""

    def __init__(self, directory):
        super().__init__("localhost", timeout=60)
        self.directory = directory

    def connect(self):
        directory = os.open(self.directory, os.O_PATH | os.O_DIRECTORY)
        try:
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(self.timeout)
            self.sock.connect(f"/proc/self/fd/{directory}/admin.sock")
        finally:
            os.close(directory)


# What the admin socket answered; body is parsed where it is JSON, None where there is none.
Answer = collections.namedtuple("Answer", "status body")


def wait_until(is_so, complaint="it did not come to that", seconds=60):
    """The patience is for a busy machine: how fast it must be is another assertion's matter."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, complaint() if callable(complaint) else complaint
        time.sleep(0.02)


def parse_log(line):
    """A JSON log line, with or without journald's priority before it; None for other text."""
    text = line.split(">", 1)[1] if line.startswith("<") and ">" in line else line
    try:
        parsed = json.loads(text)
    except ValueError:
        return None
    return parsed if isinstance(parsed, dict) else None


def parse_output(text):
    """One JSON value, or one on each line as a list."""
    try:
        return json.loads(text) if text.strip() else None
    except ValueError:
        return [json.loads(line) for line in text.splitlines() if line.strip()]


Kafka = collections.namedtuple("Kafka", "bootstrap")
