"""Fixtures: daemons, a broker for the session, brokers of a test's own, and event readers."""

import os
import pathlib
import sys
import uuid

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / "integration"), str(HERE / "kafka"), str(HERE / "node")]

import broker  # noqa: E402
import events  # noqa: E402
import harness  # noqa: E402


@pytest.fixture(scope="session")
def kafka(tmp_path_factory):
    """The broker that tests share, each with a topic prefix of its own. Never stopped by a test.

    CHATELAINE_KAFKA names one that runs already; ./dev test starts it once for all its runs.
    """
    running = os.environ.get("CHATELAINE_KAFKA")
    if running:
        yield harness.Kafka(running)
        return
    cluster = broker.Cluster(tmp_path_factory.mktemp("kafka"))
    cluster.start()
    yield harness.Kafka(cluster.bootstrap)
    cluster.stop()


@pytest.fixture
def make_kafka(tmp_path):
    """make_kafka(nodes=3): a cluster of the test's own, to be killed and started at will."""
    clusters = []

    def make(nodes=1, start=True, settings=None):
        cluster = broker.Cluster(tmp_path / f"kafka-{len(clusters)}", nodes, settings)
        clusters.append(cluster)
        if start:
            cluster.start()
        return cluster

    yield make
    for cluster in clusters:
        cluster.kill()


@pytest.fixture
def topic_prefix():
    return f"t{uuid.uuid4().hex[:12]}."


@pytest.fixture
def make_daemon(tmp_path):
    """make_daemon({"limits": {"items": 10}}): a started daemon on a state directory of its own."""
    daemons = []

    def make(config=None, start=True, **arguments):
        daemon = harness.Daemon(tmp_path / f"daemon-{len(daemons)}", config, **arguments)
        daemons.append(daemon)
        daemon.init()
        if start:
            daemon.start()
        return daemon

    yield make
    failures = []
    for daemon in daemons:
        try:
            daemon.destroy()
        except AssertionError as failure:
            failures.append(failure)
    if failures:
        raise failures[0]


@pytest.fixture
def daemon(make_daemon):
    """A daemon without Kafka."""
    return make_daemon()


@pytest.fixture
def kafka_daemon(make_daemon, kafka, topic_prefix):
    """A daemon that publishes to the shared broker under topic_prefix."""
    return make_daemon({"kafka": {"brokers": kafka.bootstrap, "topic_prefix": topic_prefix}})


@pytest.fixture
def make_reader():
    """make_reader(bootstrap, prefix): reads all CloudEvents of the prefix."""
    readers = []

    def make(bootstrap, prefix):
        readers.append(events.Events(bootstrap, prefix))
        return readers[-1]

    yield make
    for reader in readers:
        reader.close()


@pytest.fixture
def published(make_reader, kafka, topic_prefix):
    """What kafka_daemon has published."""
    return make_reader(kafka.bootstrap, topic_prefix)


@pytest.fixture
def password(tmp_path):
    """password(text): a file that only we may read."""
    def write(text, name="password"):
        file = tmp_path / name
        file.write_text(text + "\n")
        file.chmod(0o600)
        return str(file)
    return write
