#!/usr/bin/python3
"""Authress's SDKs as their users install them, and a program of ours for each.

    SDKS["authress-3"].run(AUTHRESS_API_URL=..., SERVICE_ACCESS_KEY=...)  # the lines it printed

Python's come from PyPI into a virtual environment each, kept in a cache outside the repository
under the digest of its list of versions; JavaScript's is one of tests/node. A test fetches what
it needs. From a shell: sdks.py fetch.
"""

import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "node"))

import packages  # noqa: E402


class Python:
    """A program beside the list of all packages that it needs, with their versions."""

    def __init__(self, program, requirements):
        self.program = HERE / "python" / program
        self.requirements = HERE / "python" / requirements

    def directory(self):
        base = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
        digest = hashlib.sha256(self.requirements.read_bytes()).hexdigest()[:16]
        stem = self.requirements.stem.removeprefix("requirements-")  # programs may share one
        return base / "chatelaine" / f"{stem}-{digest}"

    def fetch(self):
        """The virtual environment, made when it is not there yet."""
        place = self.directory()
        place.parent.mkdir(parents=True, exist_ok=True)
        with open(place.parent / "sdk.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (place / "complete").exists():
                print(f"Fetching Python packages with pip into {place}", file=sys.stderr)
                self.fill(place)
        return place

    def fill(self, place):
        for attempts_left in (2, 1, 0):
            shutil.rmtree(place, ignore_errors=True)  # an environment does not move: made in place
            install = [place / "bin" / "pip", "install", "--quiet", "--disable-pip-version-check",
                       "--no-deps", "--requirement", self.requirements]
            if all(subprocess.run(command, stdout=sys.stderr).returncode == 0
                   for command in (["/usr/bin/python3", "-m", "venv", place], install)):
                (place / "complete").touch()
                return
            if attempts_left:
                time.sleep(5)
        raise RuntimeError(f"pip could not fetch {self.requirements.name}")

    def run(self, **environment):
        return run([self.fetch() / "bin" / "python", self.program], environment)


class Node:
    def __init__(self, program):
        self.program = HERE / "js" / program

    def fetch(self):
        return packages.fetch()

    def run(self, **environment):
        return run(["node", self.program], {"NODE_PATH": str(self.fetch()), **environment})


def run(command, environment):
    with tempfile.TemporaryDirectory() as directory:
        done = subprocess.run(command, cwd=directory, env={**os.environ, **environment},
                              capture_output=True, text=True, timeout=300)
    if done.returncode:
        raise AssertionError(f"{command[1].name}: {done.stdout}{done.stderr}")
    return done.stdout.splitlines()


SDKS = {
    "authress-3": Python("authress_3.py", "requirements-authress_3.txt"),
    "authress_sdk-2": Python("authress_sdk_2.py", "requirements-authress_sdk_2.txt"),
    "npm-2": Node("authress_2.js"),
}


if __name__ == "__main__":
    if sys.argv[1:] != ["fetch"]:
        sys.exit("usage: sdks.py fetch")
    for sdk in SDKS.values():
        print(sdk.fetch())
