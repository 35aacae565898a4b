#!/usr/bin/python3
"""Words that the code does not use: banned.py [ROOT]. Names file:line of each.

Comments and strings are not code, except where a rule is about them.
"""

import pathlib
import re
import sys

# (pattern, what to do instead, directories, except these files)
CALLS = [
    (r"strcpy|strcat|stpcpy|strncpy|strncat|sprintf|vsprintf|gets", "use struct buf or snprintf",
     ("src", "include"), ""),
    (r"strtok|strtok_r|strsep", "use struct span", ("src", "include"), ""),
    (r"atoi|atol|atoll|atof|sscanf|scanf|fscanf", "no error is told: use a strict parser",
     ("src", "include"), r"src/base/(log|metrics_process)\.c"),  # the kernel's and systemd's words
    (r"localtime|gmtime|ctime|asctime|ctime_r|asctime_r",
     "not safe among threads: use the _r form", ("src", "include"), ""),
    (r"rand|srand|random|srandom|drand48|rand_r", "use the system's random bytes",
     ("src", "include"), ""),
    (r"alloca|system|popen|tmpnam|tempnam|mktemp|vfork|setenv|putenv", "not in a daemon",
     ("src", "include"), ""),
    (r"usleep|sleep|nanosleep", "wait for the event, not for luck", ("src",), ""),
    (r"time|gettimeofday|timespec_get|clock_gettime(?!\(CLOCK_MONOTONIC)",
     "the wall clock is injected: use base_clock",
     ("src",), r"src/(base/clock|publish/producer)\.c"),  # librdkafka's waits are not ours to inject
    (r"printf|puts|putchar|vprintf", "only app speaks to a terminal", ("src",), r"src/app/.*"),
    (r"skip", "no test is skipped", ("tests/unit", "tests/contract"), ""),
]

# (pattern in the raw text, what to do instead, directories, file endings)
TEXTS = [
    (r"\b(TODO|FIXME|XXX|HACK)\b", "do it, or leave it out", ("src", "include", "tests", "schemas"),
     (".c", ".h", ".py", ".sql")),
    (r"pytest\.(mark\.)?(skip|skipif|xfail|importorskip)\b", "no test is skipped", ("tests",),
     (".py",)),
    (r"(NOLINT|cppcheck-suppress)(?!.*[a-zA-Z]\s*\*/)", "say why beside it",
     ("src", "include"), (".c", ".h")),
    (r"\t", "tabs", ("src", "include", "tests", "schemas"), (".c", ".h", ".py", ".sql")),
]

TOKENS = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def code_of(text):
    """The text with comments and strings blanked, lines kept."""
    return TOKENS.sub(lambda token: re.sub(r"[^\n]", " ", token[0]), text)


def paths(root, directories, endings):
    for directory in directories:
        for path in sorted((root / directory).rglob("*")):
            if path.suffix in endings and path.is_file() and "lint" not in path.parts:
                yield path


def search(root, path, text, pattern, advice):
    for match in re.finditer(pattern, text):
        line = text.count("\n", 0, match.start()) + 1
        word = match[0].strip(" (\t") or "\\t"
        yield f"{path.relative_to(root)}:{line}: {word}: {advice}"


def check(root):
    """Lines 'file:line: word: what instead'."""
    found = []
    for names, advice, directories, exceptions in CALLS:
        pattern = rf"(?<![\w.>])(?:{names})\s*\("
        for path in paths(root, directories, (".c", ".h")):
            if not re.fullmatch(exceptions, str(path.relative_to(root))):
                found += search(root, path, code_of(path.read_text()), pattern, advice)
    for pattern, advice, directories, endings in TEXTS:
        for path in paths(root, directories, endings):
            found += search(root, path, path.read_text(), pattern, advice)
    return found


if __name__ == "__main__":
    complaints = check(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "."))
    print("\n".join(complaints), end="\n" if complaints else "")
    sys.exit(1 if complaints else 0)
