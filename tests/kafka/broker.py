#!/usr/bin/python3
"""A real Kafka for the tests: one broker, or a cluster of three, on free ports of 127.0.0.1.

    cluster = Cluster(directory, nodes=1)
    cluster.start()            # returns when every broker serves
    cluster.bootstrap          # "127.0.0.1:41873"
    cluster.kill(1)            # SIGKILL to node 1; stop(1) is orderly; without a number: all
    cluster.start()            # starts what is not running, with the same ports and data
    cluster.stop()

The jars come from Maven (pom.xml pins the version) and are kept in a cache outside the
repository. From a shell: broker.py fetch | start DIR [--nodes N] | stop DIR | run DIR [--nodes N].
"""

import argparse
import contextlib
import fcntl
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
POM = HERE / "pom.xml"
READY_SECONDS = 180  # a JVM's start on a loaded machine with two cores
STOP_SECONDS = 60


def version():
    return re.search(r"<kafka.version>([^<]+)<", POM.read_text())[1]


def cache_directory():
    base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(base) / "chatelaine" / f"kafka-{version()}"


def fetch():
    """The directory of Kafka's jars, filled with Maven when it is not there yet."""
    jars = cache_directory()
    jars.parent.mkdir(parents=True, exist_ok=True)
    with open(jars.parent / "fetch.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if jars.is_dir():
            return jars
        print(f"Fetching Kafka {version()} with Maven into {jars}", file=sys.stderr)
        partial = pathlib.Path(tempfile.mkdtemp(prefix="partial-", dir=jars.parent))
        command = ["mvn", "--batch-mode", "--quiet", "-Dstyle.color=never",
                   "--file", str(POM), "dependency:copy-dependencies", "-DincludeScope=runtime",
                   f"-DoutputDirectory={partial}"]
        for attempts_left in (2, 1, 0):
            result = subprocess.run(command, stdout=sys.stderr)
            if result.returncode == 0:
                partial.rename(jars)
                return jars
            if attempts_left:
                time.sleep(5)
        shutil.rmtree(partial)
        raise RuntimeError("Maven could not fetch Kafka")


def free_ports(count):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for s in sockets:
            s.bind(("127.0.0.1", 0))
        return [s.getsockname()[1] for s in sockets]


class Cluster:
    """KRaft nodes that are broker and controller at once, numbered from 1."""

    def __init__(self, directory, nodes=1, settings=None):
        """settings: broker properties to add or to override, for every node."""
        self.directory = pathlib.Path(directory).resolve()
        self.settings = settings or {}
        self.processes = {}
        state = self.directory / "cluster.json"
        if state.exists():
            self.ports = {int(n): tuple(p) for n, p in json.loads(state.read_text()).items()}
        else:
            ports = free_ports(2 * nodes)
            self.ports = {n: (ports[2 * n - 2], ports[2 * n - 1]) for n in range(1, nodes + 1)}
            self.directory.mkdir(parents=True, exist_ok=True)
            state.write_text(json.dumps(self.ports))

    @property
    def bootstrap(self):
        return ",".join(f"127.0.0.1:{broker}" for broker, _ in self.ports.values())

    def start(self, node=None, ready=True, dies_with_parent=True):
        """Starts the node, or all; returns when those that run form a serving cluster."""
        jars = fetch()
        for n in self._chosen(node):
            if not self.is_running(n):
                self._format(n, jars)
                self._spawn(n, jars, dies_with_parent)
        if ready:
            self.wait_ready()

    def stop(self, node=None):
        """An orderly end; a node that does not come to it is killed."""
        chosen = [n for n in self._chosen(node) if self.is_running(n)]
        for n in chosen:
            os.kill(self._pid(n), signal.SIGTERM)
        for n in chosen:
            if not self._wait_gone(n, STOP_SECONDS):
                os.kill(self._pid(n), signal.SIGKILL)
                self._wait_gone(n, STOP_SECONDS)

    def kill(self, node=None):
        chosen = [n for n in self._chosen(node) if self.is_running(n)]
        for n in chosen:
            os.kill(self._pid(n), signal.SIGKILL)
        for n in chosen:
            self._wait_gone(n, STOP_SECONDS)

    def pause(self, node=None):
        """SIGSTOP: connections stay open and nothing answers. resume() ends it."""
        for n in self._chosen(node):
            os.kill(self._pid(n), signal.SIGSTOP)

    def resume(self, node=None):
        for n in self._chosen(node):
            os.kill(self._pid(n), signal.SIGCONT)

    def restart(self, node=None):
        self.stop(node)
        self.start(node)

    def is_running(self, node):
        """True while the process that we started for the node lives."""
        process = self.processes.get(node)
        if process:
            return process.poll() is None
        pid = self._pid(node)
        if pid is None:
            return False
        try:
            command = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return False
        return str(self._home(node)).encode() in command

    def wait_ready(self):
        """Until as many brokers as run are in the metadata, and a topic could have a leader."""
        from confluent_kafka.admin import AdminClient

        client = AdminClient({"bootstrap.servers": self.bootstrap, "log_level": 0})
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            running = [n for n in self.ports if self.is_running(n)]
            fallen = [n for n, p in self.processes.items() if p.poll() not in (None, 0, -9, -15, 143)]
            if fallen:
                raise RuntimeError(f"Kafka node {fallen[0]} ended: {self._tail(fallen[0])}")
            try:
                if len(client.list_topics(timeout=2).brokers) >= len(running):
                    return
            except Exception:  # KafkaException while nothing listens yet
                time.sleep(0.2)
        raise RuntimeError("Kafka did not get ready: " + self._tail(next(iter(self.ports))))

    def _chosen(self, node):
        return list(self.ports) if node is None else [node]

    def _home(self, node):
        return self.directory / f"node-{node}"

    def _pid(self, node):
        try:
            return int((self._home(node) / "pid").read_text())
        except (OSError, ValueError):
            return None

    def _tail(self, node):
        log = self._home(node) / "kafka.log"
        return log.read_text(errors="replace")[-4000:] if log.exists() else "no log"

    def _wait_gone(self, node, seconds):
        deadline = time.monotonic() + seconds
        while self.is_running(node):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        self.processes.pop(node, None)
        (self._home(node) / "pid").unlink(missing_ok=True)
        return True

    def _properties(self, node):
        broker, controller = self.ports[node]
        copies = min(3, len(self.ports))
        properties = {
            "process.roles": "broker,controller",
            "node.id": node,
            "controller.quorum.voters":
                ",".join(f"{n}@127.0.0.1:{c}" for n, (_, c) in self.ports.items()),
            "listeners": f"PLAINTEXT://127.0.0.1:{broker},CONTROLLER://127.0.0.1:{controller}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{broker}",
            "controller.listener.names": "CONTROLLER",
            "log.dirs": self._home(node) / "data",
            "num.partitions": 1,
            "default.replication.factor": copies,
            "min.insync.replicas": max(1, copies - 1),
            "offsets.topic.replication.factor": copies,
            "offsets.topic.num.partitions": 1,
            "transaction.state.log.replication.factor": copies,
            "transaction.state.log.min.isr": max(1, copies - 1),
            "transaction.state.log.num.partitions": 1,
            "share.coordinator.state.topic.replication.factor": copies,
            "share.coordinator.state.topic.min.isr": max(1, copies - 1),
            "group.initial.rebalance.delay.ms": 0,
            "log.cleaner.dedupe.buffer.size": 2 * 1024 * 1024,
        }
        properties.update(self.settings)
        return "".join(f"{name}={value}\n" for name, value in properties.items())

    def _java(self, node, jars, *arguments):
        return ["java", "-Xms64m", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
                "-Djava.net.preferIPv4Stack=true", "-Djava.awt.headless=true",
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                "-Dorg.slf4j.simpleLogger.showDateTime=true",
                f"-Dchatelaine.home={self._home(node)}",
                "-cp", f"{jars}/*", *arguments]

    def _format(self, node, jars):
        home = self._home(node)
        home.mkdir(parents=True, exist_ok=True)
        (home / "server.properties").write_text(self._properties(node))
        if (home / "data" / "meta.properties").exists():
            return
        with open(home / "kafka.log", "a") as log:
            subprocess.run(self._java(node, jars, "kafka.tools.StorageTool", "format",
                                      "--cluster-id", "Y2hhdGVsYWluZS10ZXN0cw",
                                      "--config", home / "server.properties"),
                           stdout=log, stderr=log, check=True)

    def _spawn(self, node, jars, dies_with_parent):
        home = self._home(node)
        command = self._java(node, jars, "kafka.Kafka", home / "server.properties")
        if dies_with_parent:
            command = ["setpriv", "--pdeathsig", "KILL", *command]
        with open(home / "kafka.log", "a") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       start_new_session=True)
        self.processes[node] = process
        (home / "pid").write_text(str(process.pid))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("fetch", help="fill the cache of jars and print its place")
    for name in ("start", "run"):
        command = commands.add_parser(name)
        command.add_argument("directory")
        command.add_argument("--nodes", type=int, default=1)
    commands.add_parser("stop").add_argument("directory")
    arguments = parser.parse_args()

    if arguments.command == "fetch":
        print(fetch())
        return
    if arguments.command == "stop":
        Cluster(arguments.directory).stop()
        return
    cluster = Cluster(arguments.directory, arguments.nodes)
    cluster.start(dies_with_parent=arguments.command == "run")
    print(cluster.bootstrap, flush=True)
    if arguments.command == "run":
        with contextlib.suppress(KeyboardInterrupt):
            signal.sigwait({signal.SIGINT, signal.SIGTERM})
        cluster.stop()


if __name__ == "__main__":
    main()
