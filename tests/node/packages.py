#!/usr/bin/python3
"""Other people's JavaScript for the tests: what package-lock.json pins, outside the repository.

    packages.fetch()                       # node_modules, filled by npm when it is not there yet
    packages.run("oauth.mjs", argument)    # a script of this folder, its standard output as JSON

The packages are kept in a cache and linked here as node_modules, so that scripts of this folder
find them. From a shell: packages.py fetch.
"""

import fcntl
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
LOCK = HERE / "package-lock.json"


def cache_directory():
    base = os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    return pathlib.Path(base) / "chatelaine" / f"node-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:16]}"


def fill(directory):
    """What the lock file names, each by its digest; no package runs anything of its own."""
    partial = pathlib.Path(tempfile.mkdtemp(prefix="partial-", dir=directory.parent))
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, partial)
    command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    for attempts_left in (2, 1, 0):
        if subprocess.run(command, cwd=partial, stdout=sys.stderr).returncode == 0:
            partial.rename(directory)
            return
        if attempts_left:
            time.sleep(5)
    shutil.rmtree(partial)
    raise RuntimeError("npm could not fetch the packages")


def fetch():
    """The directory of the packages."""
    directory, link = cache_directory(), HERE / "node_modules"
    directory.parent.mkdir(parents=True, exist_ok=True)
    with open(directory.parent / "node.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not directory.is_dir():
            print(f"Fetching Node packages with npm into {directory}", file=sys.stderr)
            fill(directory)
        if not link.is_symlink() or os.readlink(link) != str(directory / "node_modules"):
            link.unlink(missing_ok=True)
            link.symlink_to(directory / "node_modules")
    return directory / "node_modules"


def run(script, *arguments, timeout=120):
    """The script's answer; one that fails raises with what it said."""
    fetch()
    done = subprocess.run(["node", HERE / script, *map(str, arguments)], timeout=timeout,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise AssertionError(f"{script}: {done.stderr or done.stdout}")
    return json.loads(done.stdout)


if __name__ == "__main__":
    if sys.argv[1:] != ["fetch"]:
        sys.exit("usage: packages.py fetch")
    print(fetch())
