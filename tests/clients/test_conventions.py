# SPDX-License-Identifier: BSD-3-Clause
"""Tests libraries whose calls are not what their names say: complex results behind a pointer, and functions of their
own. No case may depend on the library at hand: all are made here."""

import flops
from harness import case, check, check_calls, check_equal, check_total


def complex_dot(n):
    """A complex product and a complex sum for each element."""
    return flops.complex_gemm(1, 1, n)


def f2c(client, *flags):
    """A program that fetches its functions by dlsym, and the library."""
    name = "".join(flag.replace("-D", "-").replace("=", "-") for flag in flags)
    return (client.compile("f2c_client.c", flags[0], name=f"f2c_client{name}", blas=False),
            client.compile("f2c_blas.c", "-shared", "-fPIC", *flags, name=f"libf2c_blas{name}.so", blas=False))


def check_f2c(run, first):
    check_calls(run, {"zdotu": (1, complex_dot(first)), "zdotc": (1, complex_dot(10)), "cdotu": (1, complex_dot(10)),
                      "zladiv": (1, None), "snrm2": (1, None)})


@case(flags=("-DINTEGER=int", "-DINTEGER=int64_t", "-DINTEGER=int -DLARGE", "-DINTEGER=int64_t -DLARGE"))
def hidden_result(client):
    """f2c, ifort and libraries for them pass the address of a complex result before the arguments. What that place holds
    before the call must not be read as a length."""
    program, library = f2c(client, *client.flags.split())
    for byte in (0, 65, 255):
        check_f2c(client.same([program, library, byte, 10], FLOPSHIM_BUDGET="1e6"), 10)


@case(flags=("-DINTEGER=int", "-DINTEGER=int -DLARGE"))
def hidden_result_of_nothing(client):
    """The convention is found out whatever the first call is, even one of no elements."""
    program, library = f2c(client, *client.flags.split())
    check_f2c(client.same([program, library, 65, 0], FLOPSHIM_BUDGET="1e6"), 0)


@case()
def hidden_result_refused(client):
    """A refused function returns 0, by either convention."""
    program, library = f2c(client, "-DINTEGER=int")
    run = client.run([program, library, 65, 10], FLOPSHIM_BUDGET=complex_dot(10), FLOPSHIM_ON_EXCEED="deny")
    check_equal(run.out.splitlines()[1:4], [b"zdotc 0 0", b"cdotu 0 0", b"zladiv 0 0"], "refused results")
    check_equal(run.totals["flops"], complex_dot(10), "FLOPs")


def own_names(client, *flags):
    library = client.compile("own_names.c", "-shared", "-fPIC", "-DLIBRARY", name="libown_names.so", blas=False)
    return library, client.compile("own_names.c", *flags, library, f"-Wl,-rpath,{library.parent}", blas=False,
                                   name="own_names" + "".join(flags))


@case(how=("linked", "fetched"))
def own_names_by_value(client):
    """A library whose few functions are named like BLAS routines, but take integers and doubles by value, is left alone
    and named in the report."""
    library, program = own_names(client, *(["-DFETCHED"] if client.how == "fetched" else []))
    run = client.same([program, library] if client.how == "fetched" else [program], FLOPSHIM_BUDGET="1e6")
    check_total(run)
    check_equal(run.totals["flops"], 0, "FLOPs of functions that are none of BLAS")
    check([note for note in run.report["notes"] if note["kind"] == "not_blas" and str(library) in note["text"]],
          "the report does not say that the library was left alone")
