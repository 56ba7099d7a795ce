# SPDX-License-Identifier: BSD-3-Clause
"""Tests pdgesv of ScaLAPACK over MPI ranks, on every BLAS. Its own routines move data, and call BLAS and LAPACK.
Expected FLOPs are those of textbook loops."""

import os
import shutil

import flops
from harness import (EVERY_BLAS, Skip, case, check, check_equal, check_priced, check_total,
                     library_folder)

RANKS = 2
ORDER = 300  # as in scalapack.c


@case(on=EVERY_BLAS)
def pdgesv(client):
    """The calls of all ranks together cost a solution by textbook loops, within 5 %."""
    if not shutil.which("mpirun"):
        raise Skip("no mpirun")
    if not os.path.exists(f"{library_folder()}/libscalapack-openmpi.so"):
        raise Skip("no ScaLAPACK")
    program = client.compile("scalapack.c", "-lscalapack-openmpi", blas=False)
    run = client.same(["mpirun", "-n", RANKS, "--oversubscribe", "--allow-run-as-root", program])
    check_priced(run)
    check_total(run)
    check_equal(run.report["processes"], RANKS, "processes with a dump")
    counted = run.totals["flops"]
    expected = flops.gesv(ORDER, 1)
    # The difference comes from the unused halves of diagonal blocks.
    check(abs(counted / expected - 1) < 0.05, f"{counted} FLOPs, {expected} expected")
