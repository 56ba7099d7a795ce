# SPDX-License-Identifier: BSD-3-Clause
"""Tests BLAS routines that are fetched at run time, by dlopen and dlsym from C, and by ctypes from Python."""

from pathlib import Path

import flops
from harness import (EVERY_BLAS, PYTHON, QUICK_BLAS, Skip, blas_library, case, check, check_calls, check_equal,
                     library_folder)


@case(on=EVERY_BLAS, mode=("local", "global", "deepbind"))
def dlsym(client):
    """Calls by dlsym on an explicit handle are counted, even if the library was opened with RTLD_DEEPBIND."""
    program = client.compile("dlopen_client.c", blas=False)
    run = client.same([program, client.mode, blas_library(client.blas)])
    ddots = 4 if client.mode == "global" else 3
    check_calls(run, {"ddot": (ddots + 1, (ddots + 1) * flops.dot(4)), "dgemm": (1, flops.gemm(2, 2, 2))})


def trampoline_programs(client):
    """The program, its wrapper library and the BLAS that the wrapper must open, for the width of the case."""
    integer = "-DINTEGER=" + ("int" if client.width == "LP64" else "int64_t")
    backend = Path(blas_library(client.blas))
    if client.width == "ILP64":
        backend = library_folder() / "openblas64-pthread" / "libopenblas64.so.0"
        if not backend.exists():
            raise Skip(f"no {backend}")
    wrapper = client.compile("trampoline.c", "-shared", "-fPIC", integer, "-ldl", blas=False,
                             name=f"libtrampoline-{client.width}.so")
    program = client.compile("trampoline_client.c", integer, wrapper, f"-Wl,-rpath,{wrapper.parent}", blas=False,
                             name=f"trampoline-{client.width}")
    return program, wrapper, backend


@case(width=("LP64", "ILP64"))
def trampoline(client):
    """A library may open a BLAS and fetch its routines when it is first called, as libblastrampoline and FlexiBLAS do.
    That first call may be the shim's own call that finds out the width of integers, which must stay invisible."""
    program, wrapper, backend = trampoline_programs(client)
    run = client.same([program], TRAMPOLINE_BLAS=backend, threads=2, timeout=20)
    check_calls(run, {"ddot": (1, flops.dot(4)), "daxpy": (1, flops.axpy(3))})
    check_equal(run.totals["nested_calls"], 2, "calls that the trampoline passed on")
    check_equal([(Path(row["path"]).name, row["integers"]) for row in run.report["libraries"]],
                [(wrapper.name, client.width)], "libraries")


@case(width=("LP64", "ILP64"))
def trampoline_interrupted(client):
    """A signal handler's call that interrupts the shim's own call for the width of integers is counted as the program's."""
    program, _, backend = trampoline_programs(client)
    run = client.run([program, "signal"], TRAMPOLINE_BLAS=backend, TRAMPOLINE_SIGNAL=1, timeout=20)
    *results, handled = run.out.split()
    check_equal(results, [b"70", b"7", b"10", b"13", b"8"], "results")
    check(int(handled) >= 1, "the question was not interrupted")
    check_calls(run, {"ddot": (1 + int(handled), flops.dot(4) + int(handled) * flops.dot(2)),
                      "daxpy": (1, flops.axpy(3))})


@case()
def two_libraries_with_calls_of_their_own(client):
    """What a library's nested calls mean is remembered for that library alone, and forgotten when it is closed."""
    libraries = [client.compile("serving.c", "-shared", "-fPIC", *flags, blas=False, name=f"libserving-{which}.so")
                 for which, flags in (("first", ()), ("second", ()), ("other", ("-DSHIFTED",)))]
    run = client.same([client.compile("serving_host.c", blas=False), *libraries])
    calls = int(run.out)
    check(calls > 5000, f"{calls} calls")
    check_calls(run, {"ddot": (calls, calls * flops.dot(3))})
    check_equal(run.totals["nested_calls"], 3 * calls, "nested calls")


@case(how=("preloaded", "before", "linked"))
def traced(client):
    """A small library between program and BLAS that passes calls on by RTLD_NEXT changes nothing: each call is counted
    once, wherever that library stands."""
    tracer = client.compile("tracer.c", "-shared", "-fPIC", blas=False, name="libtracer.so")
    linked = [tracer, f"-Wl,-rpath,{tracer.parent}"] if client.how == "linked" else []
    program = client.compile("products.c", *linked, name=f"products-{client.how}")
    preload = {"preloaded": f"{client.shim}:{tracer}", "before": f"{tracer}:{client.shim}", "linked": client.shim}[client.how]
    plain = client.run([client.compile("products.c")])
    check_equal(client.run([program], shim=preload).routines, plain.routines, "what is counted with the tracer")
    check_equal(plain.routines["ddot"], (2, 2 * flops.dot(4)), "calls and FLOPs of ddot")


@case()
def default_without_blas(client):
    """RTLD_DEFAULT and RTLD_NEXT find no BLAS because of the shim, so that programs that probe for one find the same as
    without it."""
    program = client.compile("dlopen_client.c", blas=False)
    run = client.same([program, "local", blas_library(client.blas)])
    check(b"default: absent" in run.out and b"next: absent" in run.out, "RTLD_DEFAULT found a BLAS")


CTYPES = """
import ctypes, ctypes.util, sys
from ctypes import CDLL, RTLD_GLOBAL, RTLD_LOCAL, byref, c_char_p, c_double, c_int

def ddot(library):
    library.ddot_.restype = c_double
    x = (c_double * 4)(1, 2, 3, 4)
    return library.ddot_(byref(c_int(4)), x, byref(c_int(1)), x, byref(c_int(1)))

def probe(name):
    try:
        getattr(CDLL(None), name)
        return "present"
    except AttributeError as error:
        return str(error).split(": ", 1)[1]  # without the name of the object, which may be the shim

print(probe("dgemm_"), probe("cblas_dgemm"), probe("LAPACKE_dgesv"), probe("scipy_dgemm_64_"))
library = CDLL(sys.argv[1], mode=RTLD_GLOBAL if sys.argv[2] == "global" else RTLD_LOCAL)
print(ddot(library), ddot(CDLL(sys.argv[1])))
print(probe("dgemm_"), probe("LAPACKE_dgesv"))
if sys.argv[2] == "global":
    print(ddot(CDLL(None)))
"""


@case(on=EVERY_BLAS, mode=("local", "global"))
def ctypes(client):
    """Calls through ctypes are counted, and attributes that do not exist fail as without the shim."""
    run = client.same([PYTHON, "-c", CTYPES, blas_library(client.blas), client.mode])
    ddots = 3 if client.mode == "global" else 2
    check_calls(run, {"ddot": (ddots, ddots * flops.dot(4))})


@case()
def ctypes_without_blas(client):
    """CDLL(None).dgemm_ fails as it does without the shim."""
    run = client.run([PYTHON, "-c", "import ctypes; ctypes.CDLL(None).dgemm_"], status=1)
    check(b"AttributeError" in run.err and b"undefined symbol: dgemm_" in run.err, "another error")
    check_equal(run.dumps, [], "dumps")


GLOBAL_LATER = """
import ctypes, sys, numpy as np
a = np.arange(400.0).reshape(20, 20) % 7 + 10 * np.eye(20)
library = ctypes.CDLL(sys.argv[1], mode=ctypes.RTLD_GLOBAL)
for result in (a @ a, np.linalg.solve(a, a[0]), np.linalg.svd(a)[1]):
    print(result.tobytes().hex())
"""


@case(on=QUICK_BLAS)
def global_after_numpy(client):
    """NumPy's extensions were bound when they were opened. A 64-bit BLAS that joins the global scope later under the
    same names must not get their calls."""
    library = library_folder() / "openblas64-pthread" / "libopenblas64.so.0"
    if not library.exists():
        raise Skip(f"no {library}")
    run = client.same([PYTHON, "-c", GLOBAL_LATER, library])
    check_equal(run.routines["dgemm"], (1, flops.gemm(20, 20, 20)), "dgemm")
