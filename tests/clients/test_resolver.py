# SPDX-License-Identifier: BSD-3-Clause
"""Compares the shim's resolver with the dynamic linker. Under LD_BIND_NOW, each slot of a BLAS or LAPACK name in every
global offset table has what the shim must find for a caller there (tests/programs/got_oracle.c). Expected addresses must
come from the linker alone."""

import test_ilp64
from harness import EVERY_BLAS, PYTHON, QUICK_BLAS, PROGRAMS, TOP, Failure, Skip, case, check

NUMPY = "import numpy, numpy.linalg, numpy.random"
SCIPY = NUMPY + ", scipy.linalg, scipy.sparse.linalg, scipy.optimize, scipy.integrate, scipy.interpolate"


def oracle(client):
    """The library that compares the resolver with the linker in a running program."""
    names = ("resolve/module.c", "resolve/object.c", "resolve/opened.c", "resolve/resolve.c", "resolve/symbol_version.c",
             "guest/guest.c", "guest/machine.c", "guest/program.c")
    sources = [TOP / "shim" / name for name in names]
    return client.compile("got_oracle.c", *sources, "-shared", "-fPIC",
                          "-Wl,-z,defs", "-fvisibility=hidden", "-DMADV_POPULATE_WRITE=23", f"-I{TOP}", f"-I{TOP / 'include'}",
                          name="got_oracle.so", blas=False)


def check_bindings(client, command, at_least, **environment):
    """The program runs as without the oracle, and the resolver agrees with the linker on every slot, of which there are
    at least so many."""
    tally = client.folder / "bindings"
    bare = client.run(command, shim=False, LD_BIND_NOW="1", **environment)
    run = client.run(command, shim=oracle(client), LD_BIND_NOW="1", GOT_ORACLE_OUT=tally, **environment)
    check((run.out, run.err) == (bare.out, bare.err), "the oracle disturbs the program")
    lines = tally.read_text().splitlines()
    totals = [[int(word) for word in line.split()] for line in lines if not line.startswith("#")]
    agree, disagree = (sum(column) for column in list(zip(*totals))[:2])
    if disagree:
        raise Failure(f"{disagree} slots of {agree + disagree}:\n" + "\n".join(lines))
    check(agree >= at_least, f"only {agree} slots were compared")


@case(on=EVERY_BLAS)
def numpy(client):
    """The resolver agrees with the linker in NumPy."""
    check_bindings(client, [PYTHON, "-c", NUMPY], 1500)


@case(on=EVERY_BLAS)
def scipy(client):
    """The resolver agrees with the linker in SciPy."""
    check_bindings(client, [PYTHON, "-c", SCIPY], 4000)


@case(on=EVERY_BLAS)
def r(client):
    """The resolver agrees with the linker in R."""
    check_bindings(client, ["Rscript", "--vanilla", "-e", "solve(diag(3))"], 1500)


@case(on=QUICK_BLAS)
def octave(client):
    """The resolver agrees with the linker in Octave."""
    check_bindings(client, ["octave-cli", "--norc", "--no-history", "-q", "--eval", "disp(svd(eye(2)))"], 2000)


@case(mode=("RTLD_LOCAL", "RTLD_GLOBAL"))
def scipy_after_ctypes(client):
    """They agree if a BLAS was opened before SciPy, with or without joining the global scope."""
    folder = test_ilp64.library_folder() / "openblas64-pthread"
    if not folder.is_dir():
        raise Skip(f"no {folder}")
    program = f"import ctypes; ctypes.CDLL('{folder}/libopenblas64.so.0', mode=ctypes.{client.mode})\n{SCIPY}"
    check_bindings(client, [PYTHON, "-c", program], 4000)


def check_plugins(client, mix):
    host = client.compile(PROGRAMS / "plugin_host.c", "-DKEEP_OPEN", name="plugin_host-open", blas=False)
    plugins = [word.split(":") for word in mix.split()]
    check_bindings(client, [host] + [f"{mode}:{test_ilp64.build(client, scheme, plugin=True)}"
                                     for mode, scheme in plugins], 2000)


@case(mix=["local:plain32 local:plain64 local:scipy64",
           "global:plain32 local:scipy64 local:julia64",
           "global:scipy32 local:plain64 deepbind:julia64",
           "deepbind:plain64 local:plain32 local:scipy32",
           "local:plain32 local:plain64 promote:plain32 local:scipy64",
           "local:scipy64 promote:scipy64 local:plain64 local:julia64 promote:julia64"])
def plugins(client):
    """They agree for plug-ins of several BLAS libraries, opened in various ways and orders."""
    check_plugins(client, client.mix)


@case()
def global_after_local(client):
    """What was bound by dlopen keeps its library if another one joins the global scope later."""
    check_plugins(client, "local:plain64 global:plain32")
