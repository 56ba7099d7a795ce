# SPDX-License-Identifier: BSD-3-Clause
"""Tests calls by an address that another library has passed on: the library of whoever fetched the address must serve
them."""

import os
from pathlib import Path

import flops
from harness import PYTHON, PROGRAMS, Skip, blas_library, case, check, check_calls, check_equal, library_folder

WIDTHS = {"lp64": "int", "ilp64": "int64_t"}


def blas_of(width):
    """A libblas with integers of this width, in a folder where the linker would not find it by itself."""
    library = {"lp64": library_folder() / "blas" / "libblas.so.3",
               "ilp64": library_folder() / "openblas64-pthread" / "libopenblas64.so.0"}[width]
    if not library.exists():
        raise Skip(f"no {library}")
    return library


def plugin(client, width, *flags, library=None):
    """A plug-in that fetches addresses from a BLAS of this width."""
    library = Path(library or blas_of(width))
    # The program finds a plug-in by a part of its name, so that "lp64" must not be a part of the other name.
    name = f"libtaken-{'wide' if width == 'ilp64' else 'lp64'}{''.join(flags)}-{library.parent.name}.so"
    return client.compile("taken_plugin.c", "-shared", "-fPIC", f"-DINTEGER={WIDTHS[width]}", *flags, library,
                          f"-Wl,-rpath,{library.parent}", name=name, blas=False)


def libraries(run):
    """{file name of a library: calls that it served}."""
    return {Path(row["path"]).name: row["calls"] for row in run.report["libraries"]}


@case(how=("data", "tail"))
def of_a_plugin(client):
    """An address that a plug-in with 32-bit integers passes on leads to its own BLAS, even if a plug-in with 64-bit
    integers was opened before."""
    flags = [] if client.how == "data" else ["-DWRAPPED"]
    run = client.same([client.compile("taken_host.c", blas=False), plugin(client, "ilp64", "-DUSES"),
                       plugin(client, "lp64", *flags)])
    check_calls(run, {"dasum": (2, 2 * (3 - 1) + 2), "ddot": (1, flops.dot(3))}, tolerance=0.5)
    check_equal(libraries(run), {"libopenblas64.so.0": 1, "libblas.so.3": 2}, "libraries")


@case(order=("lp64 ilp64", "ilp64 lp64"))
def of_both_widths(client):
    """If two plug-ins of different widths pass on addresses of the same name, the arguments decide whose a call is."""
    plugins = [plugin(client, width) for width in client.order.split()]
    run = client.same([client.compile("taken_host.c", blas=False), *plugins])
    check_calls(run, {"dasum": (2, None), "ddot": (2, 2 * flops.dot(3))})
    check_equal(libraries(run), {"libopenblas64.so.0": 2, "libblas.so.3": 2}, "libraries")


@case(limit=("without", "with"))
def of_a_later_one(client):
    """If a second plug-in is opened, the next call from the same place goes to its library: what was remembered of that
    place no longer holds."""
    limits = {"FLOPSHIM_BUDGET": "1e12"} if client.limit == "with" else {}
    host, plugins = client.compile("taken_host.c", blas=False), [plugin(client, width) for width in ("lp64", "ilp64")]
    run = client.same([host, "late", *plugins], **limits)
    check_calls(run, {"ddot": (2, 2 * flops.dot(3))})
    check_equal(libraries(run), {"libopenblas64.so.0": 1, "libblas.so.3": 1}, "libraries")


@case()
def of_two_alike(client):
    """If two libraries of the same width are alike, nothing tells which one a call is for, and the report says so."""
    plugins = [plugin(client, "lp64"), plugin(client, "lp64", library=blas_library("openblas-pthread", "libopenblas.so.0"))]
    run = client.same([client.compile("taken_host.c", blas=False), *plugins])
    check_calls(run, {"dasum": (2, None), "ddot": (2, 2 * flops.dot(3))})
    notes = [note["text"] for note in run.report["notes"] if note["kind"] == "address"]
    check(len(notes) == 1 and notes[0].startswith("ddot_: "), f"notes about addresses: {notes}")


MIXED = """
import ctypes, hashlib, numpy as np
from scipy.linalg import lapack
get = ctypes.pythonapi.PyCapsule_GetPointer
get.restype, get.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
dpotrf = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 5)(get(lapack.dpotrf._cpointer, None))
a = np.random.default_rng(0).standard_normal((150, 150))
a = np.asfortranarray(a @ a.T)
n, info = ctypes.c_int(150), ctypes.c_int(0)
dpotrf(b"L", ctypes.addressof(n), a.ctypes.data, ctypes.addressof(n), ctypes.addressof(info))
print(info.value, hashlib.sha256(a.tobytes()).hexdigest())
"""


@case()
def of_scipy(client):
    """The addresses in f2py's _cpointer serve calls by libffi, if libblas is OpenBLAS and liblapack is the reference
    one."""
    folder = client.folder / "mixed"
    folder.mkdir()
    os.symlink(blas_library("openblas-pthread"), folder / "libblas.so.3")
    os.symlink(blas_library("reference", "liblapack.so.3"), folder / "liblapack.so.3")
    run = client.same([PYTHON, "-c", MIXED], LD_LIBRARY_PATH=folder)
    check_equal([row["routine"] for row in run.report["routines"] if row["routine"] == "dpotrf"], ["dpotrf"], "dpotrf")


@case()
def same_address(client):
    """If only one library serves a name, dlsym returns the same address as the program's own reference has."""
    library = blas_library("reference")
    program = client.compile("same_address.c")
    run = client.same([program, library], blas="reference")
    check_equal(run.out.splitlines(), [b"1 14", b"1"] * 3, "equal addresses")
    check_calls(run, {"ddot": (3, 3 * flops.dot(3))})


@case()
def other_address(client):
    """An address that dlsym finds in another library than the program's is that library's."""
    program = client.compile("same_address.c")
    run = client.same([program, blas_library("openblas-pthread", "libblas.so.3")], blas="reference")
    check_equal(run.out.splitlines(), [b"1 14", b"1"] * 2 + [b"0 14", b"0"], "equal addresses")
    check_calls(run, {"ddot": (3, 3 * flops.dot(3))})


def versioned(client, flags, folder):
    """The library with versions of its symbols, in a folder of its own."""
    target = client.build_folder / "tests" / "clients" / folder
    target.mkdir(parents=True, exist_ok=True)
    return client.compile("versioned_blas.c", "-shared", "-fPIC", *flags, "-Wl,-soname,libversioned.so",
                          f"-Wl,--version-script={PROGRAMS / 'versioned_blas.map'}", blas=False,
                          name=f"{folder}/libversioned.so")


@case(linked_to=("old", "new"))
def versions(client):
    """A program gets the version of a routine that it was linked to, and by dlvsym the version that it names."""
    new = versioned(client, [], "versioned-new")
    old = versioned(client, ["-DOLD"], "versioned-old")
    link = old if client.linked_to == "old" else new
    program = client.compile("versioned_client.c", link, f"-Wl,-rpath,{new.parent}", blas=False,
                             name=f"versioned_client-{client.linked_to}")
    for arguments in ([], [new]):
        run = client.same([program, *arguments])
        check_equal(run.out.split()[1], b"-14" if client.linked_to == "old" else b"14", "the version that was linked to")
        check_calls(run, {"ddot": (8, 8 * flops.dot(3))})
