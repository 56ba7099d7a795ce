# SPDX-License-Identifier: BSD-3-Clause
"""Tests 64-bit integers under every naming scheme, alone and in one process with an LP64 BLAS.

The libraries of the wheels (scipy-openblas32 and 64) and of Julia are made here by renaming the symbols of the
distribution's static OpenBLAS; they must never be downloaded."""

import re
import subprocess

import flops
from harness import PROGRAMS, Failure, Skip, case, check_calls, check_equal, library_folder, symbols_of

# {routine: (calls, FLOPs)} of products.c, as the comment at its beginning lists them.
LP64_CALLS = {
    "ddot": (2, 2 * flops.dot(4)),
    "dgemm": (2, flops.gemm(3, 4, 5) + flops.gemm(2, 3, 4)),
    "zdotc": (1, 8 * 3),
    "dgesv": (1, flops.gesv(8, 2)),
}
ILP64_CALLS = LP64_CALLS | {"daxpy": (1, flops.axpy(2**32 + 3))}
NEAR = 0.05  # in dgesv of order 8, a reciprocal instead of divisions is 2 % already

# {name: (static library whose symbols are renamed, prefix, Fortran suffix, CBLAS suffix, integer type)}
SCHEMES = {
    "plain32": (None, "", "_", "", "int"),
    "plain64": (None, "", "_", "", "int64_t"),
    "scipy32": ("openblas-pthread/libopenblas.a", "scipy_", "_", "", "int"),
    "julia64": ("openblas64-pthread/libopenblas64.a", "", "_64_", "64_", "int64_t"),
    "scipy64": ("openblas64-pthread/libopenblas64.a", "scipy_", "_64_", "64_", "int64_t"),
}
# Bare names such as MKL's are served only with FLOPSHIM_BARE_NAMES.
BARE = {"bare32": ("openblas-pthread/libopenblas.a", "", "", "", "int")}
PUBLIC = re.compile(r"cblas_\w+|(?!openblas_|goto_)[a-z][a-z0-9_]*_")


def renamed_library(client, scheme):
    """lib<scheme>.so, in which every BLAS and LAPACK symbol of the static library is renamed."""
    archive, prefix, suffix, cblas_suffix, _ = (SCHEMES | BARE)[scheme]
    archive = library_folder() / archive
    if not archive.exists():
        raise Skip(f"no {archive}")
    folder = client.build_folder / "tests" / "clients"
    target = folder / f"lib{scheme}.so"
    if target.exists() and target.stat().st_mtime > archive.stat().st_mtime:
        return target
    folder.mkdir(parents=True, exist_ok=True)
    names = symbols_of(archive, "--defined-only", "--extern-only")
    table = folder / f"{scheme}.symbols"
    with open(table, "w") as out:
        for name in sorted(set(filter(PUBLIC.fullmatch, names))):
            bare, end = (name, cblas_suffix) if name.startswith("cblas_") else (name[:-1], suffix)
            print(name, f"{prefix}{bare}{end}", file=out)
    copy = folder / f"{scheme}.a"
    for command in (["objcopy", f"--redefine-syms={table}", archive, copy],
                    ["gcc", "-shared", "-o", target, f"-Wl,-soname,{target.name}", "-Wl,--whole-archive", copy,
                     "-Wl,--no-whole-archive", "-lgfortran", "-lm", "-lpthread"]):
        done = subprocess.run(command, capture_output=True)
        if done.returncode:
            raise Failure(done.stderr.decode())
    copy.unlink()
    return target


def build(client, scheme, plugin=False):
    """products.c with the names and integers of a scheme, as a program or a plug-in."""
    archive, prefix, suffix, cblas_suffix, integer = (SCHEMES | BARE)[scheme]
    if archive:
        library = renamed_library(client, scheme)
        link = [library, f"-Wl,-rpath,{library.parent}"]
    elif scheme == "plain64":
        folder = library_folder() / "openblas64-pthread"
        if not folder.is_dir():
            raise Skip(f"no {folder}")
        link = [f"-L{folder}", "-lopenblas64", f"-Wl,-rpath,{folder}"]
    else:
        link = []
    shared = ["-shared", "-fPIC"] if plugin else []
    return client.compile("products.c", *shared, f"-DPREFIX={prefix}", f"-DSUFFIX={suffix}",
                          f"-DCBLAS_SUFFIX={cblas_suffix}", f"-DINTEGER={integer}", *link, blas=not link,
                          name=f"products-{scheme}" + (".so" if plugin else ""))


def calls_of(scheme, times):
    """{routine: (calls, FLOPs)} of products.c, repeated so many times."""
    calls = ILP64_CALLS if SCHEMES[scheme][4] == "int64_t" else LP64_CALLS
    return {name: (times * count, times * cost) for name, (count, cost) in calls.items()}


def added(*all_calls):
    """The sum of several {routine: (calls, FLOPs)}."""
    total = {}
    for calls in all_calls:
        for name, (count, cost) in calls.items():
            old = total.get(name, (0, 0))
            total[name] = (old[0] + count, old[1] + cost)
    return total


@case(scheme=SCHEMES)
def alone(client):
    """Each naming scheme is served, with integers of its width: one daxpy has 2^32 + 3 elements."""
    run = client.same([build(client, client.scheme)])
    check_calls(run, calls_of(client.scheme, 1), tolerance=NEAR)
    # Everything except the elimination is exact, including the 2^33 FLOPs of one daxpy.
    for name, row in calls_of(client.scheme, 1).items():
        if name != "dgesv":
            check_equal(run.routines[name], row, name)


@case()
def bare_names(client):
    """With FLOPSHIM_BARE_NAMES all calls are counted. Without it, only the CBLAS calls have a name that is served."""
    program = build(client, "bare32")
    run = client.same([program], FLOPSHIM_BARE_NAMES="1")
    check_calls(run, LP64_CALLS, tolerance=NEAR)
    run = client.same([program])
    check_calls(run, {"ddot": (1, flops.dot(4)), "dgemm": (1, flops.gemm(2, 3, 4))})


# In other orders than these the linker itself gives a plug-in the wrong library: it searches the global scope, which has
# the plain names of one width, before the plug-in's own dependencies of the other width.
@case(mix=["local:plain32 local:plain64",
           "local:plain64 local:plain32",
           "local:plain32 local:scipy64 local:julia64 local:plain64 local:scipy32",
           "global:plain32 local:scipy64",
           "global:scipy32 local:plain64"])
def together(client):
    """Each plug-in calls the library that it was linked to, whatever else is loaded, and in whatever order."""
    plugins = [word.split(":") for word in client.mix.split()]
    host = client.compile(PROGRAMS / "plugin_host.c", blas=False)
    run = client.same([host] + [f"{mode}:{build(client, scheme, plugin=True)}" for mode, scheme in plugins])
    check_calls(run, added(*(calls_of(scheme, 4) for _, scheme in plugins)), tolerance=NEAR)


@case()
def deepbind(client):
    """RTLD_DEEPBIND binds a plug-in past every preload: its calls are out of reach, and the report names it."""
    host = client.compile(PROGRAMS / "plugin_host.c", blas=False)
    run = client.same([host, f"local:{build(client, 'plain32', plugin=True)}",
                       f"deepbind:{build(client, 'plain64', plugin=True)}"])
    check_calls(run, calls_of("plain32", 4), tolerance=NEAR)
    out = subprocess.run([str(client.reporter), *run.dumps], capture_output=True, text=True).stdout
    if "products-plain64.so" not in out:
        raise Failure(f"the report does not name what was out of reach:\n{out}")
