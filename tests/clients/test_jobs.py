# SPDX-License-Identifier: BSD-3-Clause
"""Tests whole jobs under mpirun as docs/jobs.md has them: each rank writes a dump of its own, to a shared folder or to the
node's disk, and a report over them, or over the file that `merge` or `collect` makes of them, says what the job did. Expected
FLOPs are HPL's own and those of textbook loops; numbers of calls are those that the programs were told to make."""

import re
import shutil
import subprocess

import flops
from harness import FIXTURES, Skip, case, check, check_equal, library_folder
from test_runs import CALLS, numbers, report, victim
from test_scalapack import ORDER

WHERE = ["dumps", "merged", "local"]
DDOT_OF_4, DDOTS_TO_8 = 2 * 4, sum(2 * n for n in range(1, 9))  # FLOPs of ddot with n = 4, and of one with each n up to 8
THRICE, IDLE, KILLED, SIZE = 17, 5, 42, 64  # ranks of the job of 64


def run_job(client, ranks, *command, timeout=300):
    """Runs a command with so many ranks and returns its report."""
    if not shutil.which("mpirun"):
        raise Skip("no mpirun")
    folder, disk = client.folder / "dumps", client.folder / "disk"
    for made in (folder, disk):
        made.mkdir()
    out = f"local:{folder}" if client.where == "local" else folder
    done = subprocess.run(["mpirun", "-n", str(ranks), "--oversubscribe", "--allow-run-as-root", client.launcher, "--out", out,
                           *map(str, command)], cwd=client.folder, capture_output=True, text=True, timeout=timeout,
                          env=client.environment(TMPDIR=disk, OMPI_MCA_rmaps_base_oversubscribe="1",
                                                 OMPI_MCA_mpi_yield_when_idle="1"))
    check_equal(done.returncode, 0, f"status: {done.stdout[-600:]}{done.stderr[-600:]}")
    if client.where == "local":
        report(client, "collect", disk)
        check_equal(len(list(folder.glob("*.dump"))), 1, "files of the step")
        check_equal(list(disk.glob("flopshim-*")), [], "what is left on the disk")
    if client.where == "merged":
        report(client, "merge", "-o", "job.dump", folder)
        return numbers(client, "--top", "all", "job.dump")
    return numbers(client, "--top", "all", folder)


def check_ranks(found, size):
    (launch,) = found["launches"]
    check_equal((found["processes"], launch["ranks"], launch["with_dump"]), (size, size, size), "processes and ranks")
    check_equal([process["rank"] for process in found["process_list"]], list(range(size)), "ranks")
    check_equal(sum(process["flops"] for process in found["process_list"]), found["totals"]["flops"], "sum over the ranks")
    check(found["complete"], "the report is not complete")


@case(where=["dumps"])
def hpl(client):
    """hpcc over 4 ranks does HPL's FLOPs, and those of its DGEMM tests: all ranks multiply two matrices at the same time, then
    one rank alone. The ranks are in one row: in a grid of several rows, each row solves for the same block of U."""
    if not shutil.which("hpcc"):
        raise Skip("no hpcc")
    text = (FIXTURES / "hpccinf.txt").read_text()
    grid = re.sub(r"^2( +Qs)$", r"4\1", text, flags=re.M)
    check(grid != text, "the grid is not in hpccinf.txt")
    (client.folder / "hpccinf.txt").write_text(grid)
    found = run_job(client, 4, "hpcc")
    results = (client.folder / "hpccoutf.txt").read_text()
    check(re.search(r"^Success=1$", results, re.M) and "FAILED" not in results, "hpcc says that it did not succeed")
    order, product = (int(re.search(rf"^{name}=(\d+)$", results, re.M)[1]) for name in ("HPL_N", "DGEMM_N"))
    check_ranks(found, 4)
    counted = found["totals"]["flops"] - 5 * flops.gemm(product, product, product)
    expected = flops.hpl(order)
    check(abs(counted / expected - 1) < 0.03, f"{counted} FLOPs without the DGEMM tests, {expected:.0f} expected")
    report(client, "merge", "-o", "job.dump", "dumps")
    merged = numbers(client, "--top", "all", "job.dump")
    check_ranks(merged, 4)
    check_equal(merged["totals"]["flops"], found["totals"]["flops"], "FLOPs of the merged dump")


@case(where=WHERE)
def pdgesv(client):
    """ScaLAPACK's pdgesv over 4 ranks costs a solution by textbook loops, within 5 %."""
    if not (library_folder() / "libscalapack-openmpi.so").exists():
        raise Skip("no ScaLAPACK")
    found = run_job(client, 4, client.compile("scalapack.c", "-lscalapack-openmpi", blas=False))
    check_ranks(found, 4)
    counted, expected = found["totals"]["flops"], flops.gesv(ORDER, 1)
    # The difference comes from the unused halves of diagonal blocks.
    check(abs(counted / expected - 1) < 0.05, f"{counted} FLOPs, {expected} expected")


@case(where=WHERE)
def many_ranks(client):
    """Of 64 ranks, one does three times the work, one is killed, and one leaves no dump: all three are named, and every
    completed call is counted."""
    killed = client.compile("processes.c", "-pthread")
    script = client.folder / "rank.sh"
    script.write_text(f"""rank=$OMPI_COMM_WORLD_RANK
case $rank in
{IDLE}) exit 0 ;;
{THRICE}) exec {victim(client)} counts.$rank 1 {3 * CALLS} run ;;
{KILLED}) {killed} kill; exit 0 ;;
*) exec {victim(client)} counts.$rank 1 {CALLS} run ;;
esac
""")
    found = run_job(client, SIZE, "sh", script)
    ordinary = SIZE - 3
    check_equal(found["processes"], SIZE - 1, "processes with a dump")
    check_equal((found["totals"]["calls"], found["totals"]["flops"]),
                (ordinary * CALLS + 3 * CALLS + 10, (ordinary + 3) * DDOTS_TO_8 + 10 * DDOT_OF_4), "calls and FLOPs")
    (launch,) = found["launches"]
    mean = found["totals"]["flops"] / SIZE
    check_equal((launch["ranks"], launch["with_dump"], launch["missing"], launch["busiest_rank"], launch["laziest_rank"]),
                (SIZE, SIZE - 1, [str(IDLE)], THRICE, IDLE), "the launch")
    check(abs(launch["imbalance"] - (3 * DDOTS_TO_8 / mean - 1)) < 1e-6, f"imbalance {launch['imbalance']}")
    states = {process["rank"]: process["state"] for process in found["process_list"]}
    check_equal({rank: state for rank, state in states.items() if state != "closed"}, {KILLED: "ended"},
                "ranks that did not close")
    text = report(client, "job.dump" if client.where == "merged" else "dumps").stdout
    for words in (f"busiest    rank {THRICE} on ", f"1 of {SIZE} ranks: {IDLE}.", f"not closed 1 process: rank {KILLED} on "):
        check(words in text, f"{words!r} is not in the report: {text[:1500]}")
