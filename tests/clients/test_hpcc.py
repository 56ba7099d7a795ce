# SPDX-License-Identifier: BSD-3-Clause
"""Tests the HPC Challenge (High-Performance Linpack and other benchmarks) under MPI, on every BLAS. Expected FLOPs are
HPL's own."""

import re
import shutil

import flops
from harness import EVERY_BLAS, FIXTURES, Skip, case, check, check_equal, check_priced, check_total

RANKS = 2


@case(on=EVERY_BLAS)
def hpl(client):
    """The FLOPs of both ranks are HPL's and those of the DGEMM tests: all ranks multiply two matrices at the same time
    (StarDGEMM), then one rank alone (SingleDGEMM)."""
    if not shutil.which("hpcc") or not shutil.which("mpirun"):
        raise Skip("no hpcc or no mpirun")
    shutil.copy(FIXTURES / "hpccinf.txt", client.folder)
    mpirun = ["mpirun", "-n", RANKS, "--oversubscribe", "--allow-run-as-root"]
    run = client.run([*mpirun, "hpcc"], OMPI_MCA_rmaps_base_oversubscribe="1", timeout=300)
    results = (client.folder / "hpccoutf.txt").read_text()

    check(re.search(r"^Success=1$", results, re.M), "hpcc says that it did not succeed")
    check(re.search(r"\.\.\. PASSED", results), "HPL's residual check did not pass")
    check("FAILED" not in results, "a check failed")

    order = int(re.search(r"^HPL_N=(\d+)$", results, re.M)[1])
    dgemm_order = int(re.search(r"^DGEMM_N=(\d+)$", results, re.M)[1])
    check_priced(run)
    check_total(run)
    check_equal(run.report["processes"], RANKS, "processes with a dump")
    counted = run.totals["flops"] - (RANKS + 1) * flops.gemm(dgemm_order, dgemm_order, dgemm_order)
    expected = flops.hpl(order)
    check(abs(counted / expected - 1) < 0.03, f"{counted} FLOPs without the DGEMM tests, {expected:.0f} expected")
