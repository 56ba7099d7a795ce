# SPDX-License-Identifier: BSD-3-Clause
"""How many checks of a test passed; what failed is printed at once."""


class Score:
    passed = failed = 0

    def check(self, good, message):
        if good:
            self.passed += 1
        else:
            self.failed += 1
            print("FAILED:", message)
