"""The units are right, and the daemon's is closed to what it does not need."""

import pathlib
import subprocess

import pytest

UNITS = pathlib.Path(__file__).resolve().parents[2] / "systemd"
SERVICE, SOCKET = UNITS / "chatelaine.service", UNITS / "chatelaine.socket"
MOST_EXPOSED = 15  # of 100, as systemd-analyze counts

# The same for every build: once is enough.
pytestmark = pytest.mark.release


@pytest.fixture
def root(tmp_path):
    """A root directory with the units and the programs that they name."""
    for program in ("usr/bin/chatelaine", "bin/kill"):
        path = tmp_path / program
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/bin/sh\n")
        path.chmod(0o755)
    system = tmp_path / "etc/systemd/system"
    system.mkdir(parents=True)
    for unit in (SERVICE, SOCKET):
        (system / unit.name).write_text(unit.read_text())
    for target in ("sysinit", "basic", "shutdown", "network", "sockets", "multi-user"):
        (system / f"{target}.target").write_text(f"[Unit]\nDescription={target}\n")
    return tmp_path


@pytest.mark.parametrize("unit", [SERVICE, SOCKET], ids=lambda unit: unit.name)
def test_systemd_finds_no_fault_in_the_unit(root, unit):
    result = subprocess.run(["systemd-analyze", "verify", "--man=no", f"--root={root}", unit.name],
                            capture_output=True, text=True)
    assert (result.returncode, result.stdout + result.stderr) == (0, "")


def test_service_is_barely_exposed():
    result = subprocess.run(["systemd-analyze", "security", "--offline=true",
                             f"--threshold={MOST_EXPOSED}", "--no-pager", SERVICE],
                            capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
