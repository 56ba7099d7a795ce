# SPDX-License-Identifier: BSD-3-Clause
"""Tests flopshim.h in every dialect of C and C++, with every linker, and without the shim."""

import subprocess

from harness import PYTHON, Failure, Skip, case, check, check_equal, tail
from markers import INCLUDE, PROGRAMS, build, namespaces

STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror", "-fsyntax-only"]
DIALECTS = {f"{compiler}-{standard}": [compiler, "-x", language, f"-std={standard}"]
            for compiler, language, standards in (("gcc", "c", ("c11", "gnu11", "c17", "c2x")),
                                                  ("g++", "c++", ("c++17", "gnu++17", "c++20")))
            for standard in standards}


@case(dialect=tuple(DIALECTS))
def compiles_without_a_warning(client):
    """The header compiles without a warning, also if it is included twice and blocks are nested."""
    text = """
#include <flopshim.h>
#include <flopshim.h>
void f(void);
void f(void)
{
	FLOPSHIM_SCOPE("a") {
		FLOPSHIM_SCOPE("b", 1e9)
			flopshim_charge("c", 1, 0, 0, 0);
	}
}
"""
    done = subprocess.run([*DIALECTS[client.dialect], *STRICT, f"-I{INCLUDE}", "-"], input=text.encode(),
                          capture_output=True)
    if done.returncode:
        raise Failure(tail(done.stderr))


LINKERS = {"GNU ld": "bfd", "gold": "gold", "lld": "lld"}


@case(way=tuple(f"{linker} {pie}" for linker in LINKERS for pie in ("-pie", "-no-pie")))
def linked_with(client):
    """A program with markers works under the shim and without it, whichever linker made it."""
    linker, pie = client.way.rsplit(" ", 1)
    flag = f"-fuse-ld={LINKERS[linker]}"
    if subprocess.run(["gcc", flag, "-Wl,--version"], capture_output=True).returncode:
        raise Skip(f"no {linker}")
    program = build(client, PROGRAMS / "link.c", flag, pie, "-fPIE" if pie == "-pie" else "-fno-pie",
                    name=f"link-{LINKERS[linker]}{pie}")
    run = client.run([program])
    check_equal(run.out, b"20\n", "FLOPs that the marker saw")
    check_equal(namespaces(run)["linked"], 20, "FLOPs of the namespace")
    check_equal(client.run([program], shim=False).out, b"-1\n", "answer without the shim")


@case(optimization=("-O1", "-O2"))
def cost_without_the_shim(client):
    """Without the shim a pair of begin and end takes less than 6 ns, in the fastest of many batches, and less than 30
    instructions."""
    program = build(client, PROGRAMS / "marker_cost.c", client.optimization, name=f"marker_cost{client.optimization}")
    pair_ns = float(client.run([program], shim=False).out)
    check(pair_ns < 6, f"{pair_ns} ns for a pair")

    def instructions(pairs):
        run = client.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", program, pairs], shim=False)
        return int(run.err.decode().rsplit("Collected :", 1)[1].split()[0])

    try:
        each = (instructions(100000) - instructions(0)) / 100000
    except FileNotFoundError:
        raise Skip("no valgrind") from None
    check(each < 30, f"{each} instructions for a pair")
    client.history.clear()


@case()
def markers_of_a_program_that_is_not_c(client):
    """Markers in a library that a Python program loads work like those of a program."""
    library = build(client, PROGRAMS / "link.c", "-shared", "-fPIC", "-Dmain=linked_main", name="link.so")
    run = client.run([PYTHON, "-c", f"import ctypes; ctypes.CDLL({str(library)!r}).linked_main()"])
    check_equal(run.out, b"20\n", "FLOPs that the marker saw")
