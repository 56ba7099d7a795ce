# SPDX-License-Identifier: BSD-3-Clause
"""Runs the cases of a test one after the other: it prints each with its verdict and its time, and at last how many passed.
tests/junit.py --run reads these lines. It must never hide a case that failed."""

import time
import traceback
from contextlib import contextmanager


class Suite:
    """The cases so far, as tests/junit.py writes them: (name, seconds, verdict, reason)."""

    def __init__(self):
        self.cases, self.failures = [], []

    def check(self, good, message):
        """Fails the case that is running, unless `good` is true."""
        if not good:
            self.failures.append(str(message))

    @contextmanager
    def case(self, name):
        """Makes a case of what runs within. Anything that is raised there fails it, and the next case goes on."""
        start, self.failures = time.monotonic(), []
        try:
            yield
        except (AssertionError, SystemExit) as failure:
            self.check(False, failure)
        except Exception:
            self.check(False, traceback.format_exc())
        self.add(name, time.monotonic() - start, "FAIL" if self.failures else "ok", "\n".join(self.failures))

    def add(self, name, seconds, verdict, reason=""):
        """Prints a case that has ended: the verdict is "ok", "skip" or "FAIL"."""
        self.cases.append((name, seconds, verdict, reason))
        print(f"{verdict:4} {name} ({seconds:.3f} s)", flush=True)
        if reason:
            print("     " + reason.rstrip().replace("\n", "\n     "), flush=True)

    def end(self):
        """Prints the totals. Returns the status of the program: 1 if a case failed or if there was none."""
        count = {verdict: sum(case[2] == verdict for case in self.cases) for verdict in ("ok", "FAIL", "skip")}
        skipped = f", {count['skip']} skipped" if count["skip"] else ""
        print(f"{count['ok']} passed, {count['FAIL']} failed{skipped}")
        return 1 if count["FAIL"] or not self.cases else 0
