# SPDX-License-Identifier: BSD-3-Clause
"""Tests flopshim.h from C: each test of programs/api.c is a case. The program itself must check everything."""

from harness import case
from markers import build_checked, tests_in


@case(test=tests_in("api.c", r"^\tX\((\w+)\)"))
def c(client):
    """The test passes. Check's status says so."""
    client.run([build_checked(client, "api")], CK_RUN_CASE=client.test, CK_VERBOSITY="normal",
               FLOPSHIM_ON_EXCEED="deny")
