# SPDX-License-Identifier: BSD-3-Clause
"""flopshim.h from C: programs/api.c, test by test."""

from harness import case
from markers import build_checked, tests_in


@case(test=tests_in("api.c", r"^\tX\((\w+)\)"))
def c(client):
    client.run([build_checked(client, "api")], CK_RUN_CASE=client.test, CK_VERBOSITY="normal",
               FLOPSHIM_ON_EXCEED="deny")
