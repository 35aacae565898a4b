#!/usr/bin/python3
"""Who may include whom: layers.py [ROOT]. Names file:line of each include that may not be.

A room includes its own private headers, its own public ones, and the public headers of the rooms
that the table gives it. A library belongs to the rooms named beside it. Anything else is refused,
so a new library needs its line here. Unit tests are held to their room's rules.
"""

import pathlib
import re
import sys

ROOMS = {
    "base": "",
    "codec": "base",
    "store": "base",
    "journal": "base codec store",
    "ledger": "base store journal",
    "domain": "base codec store journal ledger",
    "auth": "base codec domain",
    "http": "base",
    "api": "base codec journal domain ledger auth http",
    "facade": "base codec domain ledger auth http",
    "publish": "base journal store ledger",
    "schedule": "base store journal ledger domain",
    "outbound": "base codec ledger domain",
    "app": "base codec store journal ledger domain auth http api facade publish schedule outbound",
}

# header pattern: the rooms that may include it. The first that matches counts.
LIBRARIES = [
    (r"jansson\.h", "codec"),
    (r"openssl/.*", "codec http"),
    (r"sqlite3\.h|libpq-fe\.h", "store"),
    (r"librdkafka/.*", "publish"),
    (r"evhttp\.h|event2/(http|bufferevent|listener|buffer).*\.h", "http"),
    (r"event2/.*", "http outbound"),
    (r"curl/.*", "outbound"),
    (r"confuse\.h", "base"),
    (r"systemd/.*", "app"),
    (r"zlib\.h", "http"),
    (r"ut(hash|list|array)\.h", " ".join(ROOMS)),
    # The C library and the kernel.
    (r"(sys|linux|netinet|arpa|net|asm)/\w+\.h", " ".join(ROOMS)),
    (r"(assert|byteswap|complex|ctype|dirent|dlfcn|endian|err|errno|error|execinfo|fcntl|fenv|float|fnmatch"
     r"|ftw|getopt|glob|grp|iconv|ifaddrs|inttypes|langinfo|libgen|limits|link|locale|malloc|math"
     r"|mntent|netdb|paths|poll|pthread|pwd|regex|sched|search|semaphore|setjmp|signal|spawn"
     r"|stdalign|stdarg|stdatomic|stdbool|stddef|stdint|stdio|stdlib|string|strings|sysexits|syslog"
     r"|termios|threads|time|uchar|unistd|utime|wchar|wctype)\.h", " ".join(ROOMS)),
]

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def public_room(header):
    """The room of chatelaine/ROOM.h or chatelaine/ROOM_part.h, None when there is none."""
    name = re.fullmatch(r"chatelaine/([a-z]+)(_[a-z0-9_]+)?\.h", header)
    return name[1] if name and name[1] in ROOMS else None


def complaint(root, path, room, quoted, header, in_test):
    """Why the room may not include the header; None when it may."""
    may_use = {room, *ROOMS[room].split()}
    if header.startswith("chatelaine/"):
        other = public_room(header)
        if other is None:
            return "is of no room"
        return None if other in may_use else f"{room} may not use {other}"
    if quoted:
        if ".." in header:
            return "leaves its directory"
        if "/" not in header and (path.parent / header).exists():
            return None
        owner = header.split("/")[0]
        if owner == room and (root / "src" / header).exists():
            return None
        if in_test and (root / "tests" / header).exists():
            return None
        return f"is private to {owner}" if owner in ROOMS else "is not a header of this room"
    if in_test and header == "cmocka.h":
        return None
    for pattern, rooms in LIBRARIES:
        if re.fullmatch(pattern, header):
            return None if room in rooms.split() else f"only {rooms} may include it, not {room}"
    return "is not in the table of libraries"


def files(root):
    """(path, room, is a test) of every C file that belongs to a room."""
    for path in sorted((root / "include" / "chatelaine").glob("*.h")):
        yield path, public_room(f"chatelaine/{path.name}"), False
    for base, in_test in ((root / "src", False), (root / "tests" / "unit", True)):
        for path in sorted(base.rglob("*.[ch]")):
            relative = path.relative_to(base)
            if len(relative.parts) == 2:
                yield path, relative.parts[0] if relative.parts[0] in ROOMS else None, in_test
            elif not in_test:
                yield path, None, in_test


def check(root):
    """Lines 'file:line: what'."""
    found = []
    for path, room, in_test in files(root):
        name = path.relative_to(root)
        if room is None:
            found.append(f"{name}:1: belongs to no room")
            continue
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            include = INCLUDE.match(line)
            if include:
                why = complaint(root, path, room, include[1] == '"', include[2], in_test)
                if why:
                    found.append(f"{name}:{number}: {include[2]} {why}")
    return found


if __name__ == "__main__":
    complaints = check(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "."))
    print("\n".join(complaints), end="\n" if complaints else "")
    sys.exit(1 if complaints else 0)
