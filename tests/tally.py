#!/usr/bin/python3
"""Adds up what ./dev test has run: tally.py RESULTS.

RESULTS/stages has a line for each stage (name, exit status, seconds), RESULTS/NAME.xml a stage's
single tests in JUnit's format. A stage without such a file counts as one test, and so does one
that failed although none of its tests did. A skipped test is a failed one: nothing here may be
skipped. The last line is 'N passed, N failed'; the exit status is 1 when anything failed.
"""

import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def read_cases(path):
    """(passed, names of the failed) of a JUnit file of ctest, pytest or tests/lint/run."""
    passed, failed = 0, []
    try:
        cases = list(ElementTree.parse(path).iter("testcase"))
    except ElementTree.ParseError:
        return 0, ["its report cannot be read"]
    for case in cases:
        bad = any(case.find(tag) is not None for tag in ("failure", "error", "skipped"))
        if bad or case.get("status") in ("fail", "notrun", "disabled"):
            failed.append("::".join(filter(None, (case.get("classname"), case.get("name")))))
        else:
            passed += 1
    return passed, failed


def main():
    results = pathlib.Path(sys.argv[1])
    all_passed, all_failed = 0, []
    print(f"\n{'stage':<20}{'passed':>8}{'failed':>8}{'seconds':>9}")
    for line in (results / "stages").read_text().splitlines():
        name, status, seconds = line.split("\t")
        report = results / f"{name}.xml"
        if report.exists():
            passed, failed = read_cases(report)
            if status != "0" and not failed:
                failed = [f"exit status {status}"]
        else:
            passed, failed = (1, []) if status == "0" else (0, [f"exit status {status}"])
        print(f"{name:<20}{passed:>8}{len(failed):>8}{seconds:>9}")
        all_passed += passed
        all_failed += [f"{name}: {case}" for case in failed]

    if all_failed:
        print("\nFailed:")
        print("\n".join(f"  {case}" for case in all_failed))
    print(f"\n{all_passed} passed, {len(all_failed)} failed", flush=True)
    sys.exit(1 if all_failed or all_passed == 0 else 0)


if __name__ == "__main__":
    main()
