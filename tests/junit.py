#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Writes the results of tests as JUnit XML, which CI systems read.

tests/junit.py CHECK.xml... OUT.xml reads the results that Check wrote, prints the time of each case, and writes JUnit XML.
tests/junit.py --run OUT.xml COMMAND... runs a command that prints each case as tests/suite.py does, passes its output on
and writes JUnit XML. A command that prints no case is itself one.
It must never decide whether a test passed: the runners do."""

import re
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

# A case that has ended, as tests/suite.py and tests/cases.sh print it; lines that are indented give the reason.
CASE = re.compile(r"(ok|skip|FAIL) +(\S.*) \((\d+\.\d+) s\)")
CHECK = "{http://check.sourceforge.net/ns}"


def write(path, suite, cases):
    """Writes the cases of a suite to a file. A case is (name, seconds, verdict, reason); the verdict is "ok", "skip" or "FAIL".
    Characters that XML cannot hold become question marks."""
    count = {verdict: sum(case[2] == verdict for case in cases) for verdict in ("FAIL", "skip")}
    root = ElementTree.Element("testsuite", name=suite, tests=str(len(cases)), failures=str(count["FAIL"]),
                               skipped=str(count["skip"]), time=f"{sum(case[1] for case in cases):.3f}")
    for name, seconds, verdict, reason in cases:
        group, _, rest = name.partition(".") if re.match(r"[\w-]+\.", name) else (name, "", "")
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


def read_output(lines):
    """Returns the cases that these lines tell of."""
    cases, told = [], False
    for line in lines:
        match = CASE.fullmatch(line)
        if match:
            cases.append((match[2], float(match[3]), match[1], ""))
        elif told and line.startswith("     "):
            name, seconds, verdict, reason = cases[-1]
            cases[-1] = (name, seconds, verdict, f"{reason}\n{line[5:]}".lstrip("\n"))
        told = match or told and line.startswith("     ")
    return cases


def run(path, command):
    """Runs the command and writes its cases to the file. Returns its status, or 1 if it hides that a case failed."""
    start, lines = time.monotonic(), []
    Path(path).unlink(missing_ok=True)
    try:
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
            for line in process.stdout:
                sys.stdout.buffer.write(line)
                sys.stdout.flush()
                lines.append(line.decode(errors="replace").rstrip("\n"))
        status = process.returncode
    except OSError as fault:
        lines, status = [str(fault)], 127
        print(fault)
    cases, seconds = read_output(lines), time.monotonic() - start
    failed = any(case[2] == "FAIL" for case in cases)
    if not cases or status and not failed:
        verdict = "FAIL" if status else "ok"
        cases.append((Path(path).stem, seconds, verdict, "\n".join([f"status {status}", *lines[-20:]]) if status else ""))
        print(f"{verdict:4} {Path(path).stem} ({seconds:.3f} s)")
    write(path, Path(path).stem, cases)
    return status if 0 <= status and not (failed and not status) else 1


def main():
    if sys.argv[1:2] == ["--run"] and len(sys.argv) > 3:
        sys.exit(run(sys.argv[2], sys.argv[3:]))
    if len(sys.argv) < 3:
        sys.exit("\n".join(__doc__.splitlines()[2:]))
    cases = [case for path in sys.argv[1:-1] for case in read_check(path)]
    for name, seconds, verdict, _ in cases:
        print(f"{verdict:4} {name} ({seconds:.3f} s)")
    write(sys.argv[-1], Path(sys.argv[-1]).stem, cases)


if __name__ == "__main__":
    main()
