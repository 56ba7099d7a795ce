# SPDX-License-Identifier: BSD-3-Clause
"""Tests that the program does not notice the shim: floating-point state, errno, NULL arguments, unusual signatures, and
silence. What the shim cannot see must be said."""

import json
import re
import subprocess

import flops
from harness import EVERY_BLAS, PYTHON, QUICK_BLAS, TOP, Skip, blas_library, case, check, check_equal, check_priced, symbols_of

# BLIS is left out: it takes minutes for a product that has 2^31 columns and no elements.
QUICK = ("openblas-pthread", "openblas-openmp", "reference", "atlas")


@case(on=QUICK)
def fp_state(client):
    """Rounding, flush-to-zero, exception flags, x87 control word and errno are the same after calls of every kind."""
    run = client.same([client.compile("fp_state.c")])
    check(run.totals["calls"] > 3000, "too few calls")


@case(on=EVERY_BLAS)
def null_arguments(client):
    """Arguments that a routine does not use may be NULL."""
    run = client.same([client.compile("null_arguments.c")])
    check_equal({name: calls for name, (calls, _) in run.routines.items()},
                {"dsyevr": 3, "dstebz": 1, "dlascl": 2, "dgeev": 1}, "calls")


@case(on=EVERY_BLAS)
def signatures(client):
    """Complex results, complex scalars by value and 38 arguments reach the library unchanged."""
    run = client.same([client.compile("signatures.c", "-llapacke")])
    check_priced(run)
    routines = run.routines
    for name, calls in {"zdotc": 2, "zdotu": 1, "cdotc": 1, "cdotu": 1, "sdot": 1, "sdsdot": 1, "dnrm2": 1,
                        "dzasum": 1, "idamax": 1, "zlaset": 2, "claset": 1, "zherk": 1, "zdscal": 1, "drot": 1,
                        "dlascl": 1, "dgesvx": 1, "zuncsd": 1}.items():
        check_equal(routines.get(name, (0, 0))[0], calls, f"calls of {name}")
    check_equal(routines["zdotc"][1], 2 * 8 * 3, "FLOPs of zdotc")
    check_equal(routines["cdotu"][1], 8 * 3, "FLOPs of cdotu")
    check(run.totals["workspace_queries"] >= 1, "the query of zuncsd was not counted as one")


SILENT = {
    "true": ["/bin/true"],
    "shell": ["/bin/sh", "-c", "ls / | wc -l; echo done >&2; exit 3"],
    "python": [PYTHON, "-c", "import json, sqlite3, ctypes; print(1)"],
    "compiler": ["gcc", "--version"],
}


@case(program=SILENT)
def silence_without_blas(client):
    """Programs without BLAS calls run as without the shim, and leave no dump, with or without a budget."""
    status = 3 if client.program == "shell" else 0
    for budget in (None, "1", "1e12"):
        run = client.same(SILENT[client.program], status=status, FLOPSHIM_BUDGET=budget)
        check_equal(run.dumps, [], "dumps")


@case()
def blas_before_the_shim(client):
    """If a BLAS stands before the shim in LD_PRELOAD and takes the calls, one line says so and names it."""
    program = client.compile("processes.c")
    blas = blas_library(client.blas)
    run = client.run([program, "plain"], shim=f"{blas}:{client.shim}")
    said = [line for line in run.err.decode().splitlines() if line.startswith("flopshim: ")]
    check_equal(len(said), 1, "lines on standard error")
    check("LD_PRELOAD" in said[0] and "libblas.so.3" in said[0], "it does not say what hides the calls")
    check_equal(run.out, b"", "standard output")


@case()
def blas_after_the_shim(client):
    """A BLAS after the shim in LD_PRELOAD serves the calls, and they are counted without a message."""
    program = client.compile("processes.c")
    run = client.run([program, "plain"], shim=f"{client.shim}:{blas_library('reference')}")
    check_equal(run.err, b"", "standard error")
    check_equal(run.routines, {"ddot": (5, 5 * flops.dot(4))}, "calls")


@case()
def quiet_by_default(client):
    """A run without faults prints nothing, and leaves nothing but its dump."""
    run = client.run([client.compile("processes.c"), "plain"])
    check_equal((run.out, run.err), (b"", b""), "output")
    check_equal(len(list(run.folder.iterdir())), 1, "files")


@case()
def output_is_relative_to_the_start(client):
    """A relative FLOPSHIM_OUT means the directory where the program was started, even if it has changed to another one."""
    program = "import os; os.chdir('/'); import numpy"
    run = client.run([PYTHON, "-c", program], FLOPSHIM_OUT="here.dump")
    check_equal(run.err, b"", "standard error")
    check((client.folder / "here.dump").exists(), "the dump is not where the program started")


@case()
def no_place_for_the_dump(client):
    """If the dump cannot be written, the program runs as without the shim, and one line says so."""
    program = client.compile("processes.c")
    run = client.run([program, "plain"], FLOPSHIM_OUT="/dev/null/x.dump")
    said = run.err.decode().splitlines()
    check_equal(len(said), 1, "lines on standard error")
    check(said[0].startswith("flopshim: ") and "/dev/null" in said[0], "it does not say where")


@case(blocks=(0, 100))
def file_size_limit(client):
    """A limit on the size of files that the dump does not fit in is said, and does not kill the program."""
    program = client.compile("processes.c")
    shell = ["sh", "-c", f"ulimit -f {client.blocks}; exec {program} churn"]
    bare = client.run(shell, shim=False)
    run = client.run(shell)
    check_equal(run.out, bare.out, "standard output")
    said = run.err.decode().splitlines()
    check(len(said) <= 1, "more than one line on standard error")
    check(said or client.blocks, "not a word about the dump that is missing")


@case(mode=("threads", "churn", "fork"))
def thread_sanitizer(client):
    """A program that is built with ThreadSanitizer reports no race because of the shim."""
    program = client.compile("processes.c", "-fsanitize=thread", name="processes-tsan")
    if client.run([program, "plain"], shim=False, status=None).status:
        raise Skip("ThreadSanitizer does not run here")
    for stacks in ("auto", "all"):  # unwinding must leave nothing behind that a thread frees at its end
        run = client.run([program, client.mode], FLOPSHIM_STACKS=stacks)
        check_equal(run.err, b"", "reports")
        check_priced(run)


@case(on=QUICK_BLAS)
def bind_now(client):
    """If all symbols are bound at the start (LD_BIND_NOW), calls are counted and results are the same."""
    program = "import numpy as np; a = np.ones((20, 20)); print((a @ a).sum(), np.linalg.solve(a + np.eye(20), a[0]))"
    run = client.same([PYTHON, "-c", program], LD_BIND_NOW="1")
    check_equal(run.routines["dgemm"], (1, flops.gemm(20, 20, 20)), "dgemm")


CALL_PLUGIN = "import ctypes, sys; ctypes.CDLL(sys.argv[1], mode=1).plugin_main()"  # 1: RTLD_LAZY


@case()
def undefined_symbol(client):
    """A name that no library defines fails as the linker makes it fail: with status 127 and the same message."""
    plugin = client.compile("products.c", "-shared", "-fPIC", "-Wl,-z,lazy", name="products-undefined.so", blas=False)
    bare = client.run([PYTHON, "-c", CALL_PLUGIN, plugin], shim=False, status=127)
    run = client.run([PYTHON, "-c", CALL_PLUGIN, plugin], status=127)
    message = b"symbol lookup error: %s: undefined symbol: ddot_" % bytes(plugin)
    check(message in bare.err and message in run.err, "another message than the linker's")
    check_equal(run.out, b"", "standard output")


@case(names=("unset", "0", "1"))
def own_functions(client):
    """A library's own functions with names of BLAS routines but other arguments work, and no work is counted for them."""
    library = client.compile("own_functions.c", "-shared", "-fPIC", "-DLIBRARY", name="libown_functions.so", blas=False)
    program = client.compile("own_functions.c", library, f"-Wl,-rpath,{library.parent}", blas=False)
    bare = None if client.names == "unset" else client.names
    run = client.same([program], FLOPSHIM_BARE_NAMES=bare)
    check(all(row["flops"] == 0 for dump in run.dumps for row in run.report["routines"]), "work was counted")


# Names of BLAS and LAPACK that programs define for themselves, or that do no work.
LEFT_ALONE = {"xerbla_", "cblas_xerbla", "lsame_", "dlamch_", "slamch_", "ilaenv_", "ilaenv2stage_", "second_",
              "dsecnd_", "LAPACKE_malloc", "LAPACKE_free", "LAPACKE_lsame", "LAPACKE_get_nancheck",
              "LAPACKE_dge_trans", "LAPACKE_dge_nancheck"}
HOOKS = {"dlsym", "dlvsym", "dlopen", "dlclose", "pthread_create", "prctl", "syscall",
         *re.findall(r"^BEFORE\((\w+)", (TOP / "shim/interpose/before.def").read_text(), re.MULTILINE)}


@case()
def exported_symbols(client):
    """The shim exports the names that it interposes, its hooks and its markers, and nothing else."""
    exports = set(symbols_of(client.shim, "-D", "--defined-only"))
    check_equal(sorted(exports & LEFT_ALONE), [], "symbols that are exported and must not be")
    check_equal(sorted(HOOKS - exports), [], "hooks that are not exported")
    decorated = {name for name in exports
                 if name.startswith(("cblas_", "LAPACKE_", "scipy_")) or name.endswith(("_", "_64"))}
    bare = {name for name in exports if name.lower() + "_" in exports}
    strange = exports - decorated - bare - HOOKS
    check_equal(sorted(name for name in strange if not name.startswith("flopshim_")), [], "unexpected symbols")


@case()
def needed_libraries(client):
    """The shim needs only the C library, of which libdl is a part below glibc 2.34. libunwind as a dependency would take
    over the program's C++ exceptions."""
    out = subprocess.run(["objdump", "-p", str(client.shim)], capture_output=True, text=True, check=True).stdout
    libraries = {line.split()[1].split(".so")[0] for line in out.splitlines() if "NEEDED" in line}
    check_equal(sorted(libraries - {"libc", "libdl", "ld-linux-x86-64", "ld-linux-aarch64"}), [], "dependencies")


# Functions that take a lock that the program may hold, allocate memory, or change state of the program.
NOT_FOR_GUESTS = {"malloc", "calloc", "realloc", "free", "strdup", "asprintf", "fopen", "fdopen", "fclose", "printf",
                  "fprintf", "vfprintf", "puts", "fwrite", "localtime", "localtime_r", "gmtime", "gmtime_r", "mktime",
                  "strftime", "tzset", "setlocale", "uselocale", "setenv", "strtok", "rand", "srand", "qsort",
                  "signal", "exit", "abort", "atexit", "getaddrinfo", "syslog"}


@case()
def imported_symbols(client):
    """The shim calls none of these functions of the C library, which take locks, allocate, or change what is the
    program's."""
    names = symbols_of(client.shim, "-D", "--undefined-only")
    check_equal(sorted(NOT_FOR_GUESTS & {name.split("@")[0] for name in names}), [], "called from the C library")


# {how a process gives up system calls: what it does then}. In strict mode it cannot fork, and has no other threads.
CONFINED = {how: ("shapes", "sites", "handler") + (("child", "thread", "end") if "strict" not in how else ())
            for how in ("prctl-strict", "syscall-strict", "prctl-kill", "syscall-kill", "prctl-errno")}


@case(on=("reference",), how=CONFINED)
def confined(client):
    """A process that gives up system calls after its first BLAS call lives as long as without the shim, and is counted,
    in coarse rows if there is no room. The reference BLAS is used, since one with threads and buffers of its own would
    not survive either."""
    program = client.compile("confined.c", "-pthread")
    for what in CONFINED[client.how]:
        run = client.run([program, client.how, what], FLOPSHIM_STACKS="leaf")
        said = {name: int(calls) for name, calls in (line.split() for line in run.out.decode().splitlines())}
        reported = subprocess.run([str(client.reporter), "--json", *run.dumps], capture_output=True)
        totals = json.loads(reported.stdout)["totals"]
        calls, lost = totals["calls"], totals["lost_calls"]
        check_equal(reported.returncode, 5 if lost else 0, "status of the report")
        if what == "handler":
            # A handler's call that interrupts the shim's own work with a lock held is passed on, and counted as lost.
            check(calls + lost >= sum(said.values()), f"{calls} calls and {lost} lost of {said}")
            check(lost < calls / 100, f"{lost} calls of {calls} were lost")
        elif what == "child":
            check_equal((calls, lost), (1, 5000), "calls, and calls that a child without a dump has lost")
        else:
            check_equal((calls, lost), (sum(said.values()), 0), "calls")
            check_equal({name: run.routines[name][0] for name in said if said[name]},
                        {name: calls for name, calls in said.items() if calls}, "calls of routines")
        if what in ("shapes", "end"):
            check_equal(run.totals["flops"], sum(2 * n for n in range(1, 5001)) + 2 * 7, "FLOPs")
