# SPDX-License-Identifier: BSD-3-Clause
"""Counts the checks of a test that passed and failed. It must never hide a failure: each is printed at once."""


class Score:
    """The numbers of checks so far."""

    passed = failed = 0

    def check(self, good, message):
        """Counts a check, and prints the message if it is not good."""
        if good:
            self.passed += 1
        else:
            self.failed += 1
            print("FAILED:", message)
