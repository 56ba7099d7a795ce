#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Tests what runners share, tests/suite.py, tests/cases.sh and tests/junit.py --run: each case is printed with its time and
written as JUnit XML, and no failure is lost. It must never read results of real tests."""

import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

sys.dont_write_bytecode = True
TESTS = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TESTS))
from suite import Suite  # noqa: E402

IN_PYTHON = f"""
import sys
sys.path.insert(0, "{TESTS}")
from suite import Suite
suite = Suite()
with suite.case("group.good"):
    suite.check(True, "never said")
with suite.case("group.unequal"):
    suite.check(False, "first")
    suite.check(1 == 2, "second")
with suite.case("group.raises"):
    [][0]
with suite.case("group.exits"):
    sys.exit("a sentence")
with suite.case("last"):
    pass
sys.exit(suite.end())
"""
IN_SHELL = f". {TESTS}/cases.sh; case_begins; sleep 0.1; case_ends first ok; case_begins; "

# {name: (command, status, the cases that are written: (name, verdict, a part of the reason))}
CASES = {
    "python": ([sys.executable, "-c", IN_PYTHON], 1,
               [("good", "ok", ""), ("unequal", "failure", "first\nsecond"), ("raises", "failure", "IndexError"),
                ("exits", "failure", "a sentence"), ("last", "ok", "")]),
    "python without a case": ([sys.executable, "-c", IN_PYTHON.split("with")[0] + "sys.exit(suite.end())"], 1,
                              [("out", "failure", "0 passed, 0 failed")]),
    "shell": (["sh", "-c", IN_SHELL + "case_ends second ok; cases_end"], 0, [("first", "ok", ""), ("second", "ok", "")]),
    "shell, failed": (["sh", "-c", IN_SHELL + "case_ends second FAIL; echo '     because'; cases_end"], 1,
                      [("first", "ok", ""), ("second", "failure", "because")]),
    "one command": (["sh", "-c", "echo text"], 0, [("out", "ok", "")]),
    "one command, failed": (["sh", "-c", "echo text; exit 3"], 3, [("out", "failure", "status 3\ntext")]),
    "ends after a case": (["sh", "-c", IN_SHELL + "exit 4"], 4, [("first", "ok", ""), ("out", "failure", "status 4")]),
    "ends by a signal": (["sh", "-c", "kill -SEGV $$"], 1, [("out", "failure", "status -11")]),
    "hides a failure": (["sh", "-c", IN_SHELL + "case_ends second FAIL; exit 0"], 1,
                        [("first", "ok", ""), ("second", "failure", "")]),
    "skips": (["printf", "skip a.b (0.000 s)\n     there is no b\n"], 0, [("b", "skipped", "there is no b")]),
    "no such command": (["./no-such-command"], 127, [("out", "failure", "no-such-command")]),
}


def results(path):
    """[(name, verdict, reason, seconds)] of a JUnit file."""
    found = []
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        detail = next(iter(case), None)
        found.append((case.get("name"), "ok" if detail is None else detail.tag, "" if detail is None else detail.text or "",
                      float(case.get("time"))))
    return found


def main():
    suite = Suite()
    for name, (command, status, expected) in CASES.items():
        with suite.case(name), tempfile.TemporaryDirectory(prefix="flopshim-junit-") as folder:
            path = Path(folder, "out.xml")
            run = subprocess.run([TESTS / "junit.py", "--run", path, *command], capture_output=True, text=True)
            found = results(path)
            suite.check(run.returncode == status, f"status {run.returncode}, expected {status}: {run.stderr}")
            suite.check([case[:2] for case in found] == [case[:2] for case in expected], f"{found}, expected {expected}")
            for (case, _, reason, seconds), (_, _, part) in zip(found, expected):
                suite.check(part in reason, f"{case}: the reason is {reason!r}, expected {part!r}")
                suite.check(f"{case} ({seconds:.3f} s)" in run.stdout, f"{case}: its time is not printed: {run.stdout}")
            suite.check(not found or found[0][0] != "first" or 0.1 <= found[0][3] < 60, f"it slept for 0.1 s: {found}")
    return suite.end()


if __name__ == "__main__":
    sys.exit(main())
