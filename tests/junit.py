#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes the results of tests as JUnit XML, which CI systems read.

tests/junit.py CHECK.xml... OUT.xml reads the results that Check wrote, prints the time of each case, and writes JUnit XML.
It must never decide whether a test passed: the runners do."""

import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

CHECK = "{http://check.sourceforge.net/ns}"


def write(path, suite, cases):
    """Writes the cases of a suite to a file. A case is (name, seconds, verdict, reason); the verdict is "ok", "skip" or "FAIL".
    Characters that XML cannot hold become question marks."""
    count = {verdict: sum(case[2] == verdict for case in cases) for verdict in ("FAIL", "skip")}
    root = ElementTree.Element("testsuite", name=suite, tests=str(len(cases)), failures=str(count["FAIL"]),
                               skipped=str(count["skip"]), time=f"{sum(case[1] for case in cases):.3f}")
    for name, seconds, verdict, reason in cases:
        group, _, rest = name.partition(".")
        element = ElementTree.SubElement(root, "testcase", classname=f"{suite}.{group}", name=rest or group,
                                         time=f"{seconds:.3f}")
        if verdict != "ok":
            detail = ElementTree.SubElement(element, "skipped" if verdict == "skip" else "failure")
            detail.set("message", plain(reason.split("\n")[0]))
            detail.text = plain(reason)
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def plain(text):
    return "".join(letter if letter in "\t\n" or letter >= " " else "?" for letter in text)


def read_check(path):
    """Returns the cases in a file that Check wrote; one that failed, if the file cannot be read."""
    cases = []
    try:
        suites = list(ElementTree.parse(path).getroot().iter(f"{CHECK}suite"))
    except (OSError, ElementTree.ParseError) as fault:  # the test ended before it could write them
        return [(Path(path).stem, 0.0, "FAIL", f"it wrote no results: {fault}")]
    for suite in suites:
        title = suite.findtext(f"{CHECK}title")
        for test in suite.iter(f"{CHECK}test"):
            name = f"{title}.{test.findtext(f'{CHECK}id')}.{test.findtext(f'{CHECK}iteration')}"
            verdict = "ok" if test.get("result") == "success" else "FAIL"
            reason = "" if verdict == "ok" else f"{test.findtext(f'{CHECK}fn')}: {test.findtext(f'{CHECK}message')}"
            cases.append((name, max(0.0, float(test.findtext(f"{CHECK}duration") or 0)), verdict, reason))
    return cases


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__.splitlines()[2])
    cases = [case for path in sys.argv[1:-1] for case in read_check(path)]
    for name, seconds, verdict, _ in cases:
        print(f"{verdict:4} {name} ({seconds:.3f} s)")
    write(sys.argv[-1], Path(sys.argv[-1]).stem, cases)


if __name__ == "__main__":
    main()
