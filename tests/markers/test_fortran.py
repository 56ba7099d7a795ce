# SPDX-License-Identifier: BSD-3-Clause
"""Tests the Fortran module. The program itself must check everything."""

from harness import case
from markers import BINDINGS, PROGRAMS, build, check_quiet


def program(client):
    return build(client, [BINDINGS / "flopshim.f90", PROGRAMS / "markers.f90"], "-std=f2018", "-fcheck=all", "-fopenmp")


@case()
def every_function(client):
    """Every function of the module does what it promises under the shim."""
    check_quiet(client.run([program(client)], FLOPSHIM_ON_EXCEED="deny"), allowed=("refused", "refuses", "runs over its budget"))


@case()
def without_the_shim(client):
    """Without the shim every function answers that it is absent, and prints nothing."""
    check_quiet(client.run([program(client), "absent"], shim=False))
