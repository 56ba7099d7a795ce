# SPDX-License-Identifier: BSD-3-Clause
"""Tests the modulefiles that `make install` installs, with Environment Modules and with Lmod, whichever are here. No case
may trust what one of them prints: it must look at what programs then find."""

import os

from harness import Failure, case, check, check_equal, install, module_command, read_report, system_program

KEPT = ("PATH", "MANPATH", "CPATH", "PYTHONPATH", "PKG_CONFIG_PATH", "CMAKE_PREFIX_PATH", "FLOPSHIM_LIBRARY", "LD_PRELOAD")
SCRIPT = """
module() { eval "$("$TOOL" sh "$@")"; }
show() { for name in %s; do eval "echo $1 $name=\\${$name-unset}"; done; }
show before
module use "$PREFIX/share/modulefiles"
module load flopshim
show loaded
flopshim --out "$DUMP" "$PROGRAM"
flopshim-report "$DUMP" > /dev/null
echo '#include <flopshim.h>' | gcc -E - > /dev/null
python3 -c 'import flopshim; print("module", flopshim.__file__)'
module unload flopshim
show after
""" % " ".join(KEPT)


def python_folder(prefix):
    """The folder of a prefix that the modules for Python were installed in."""
    for path in prefix.glob("lib/python*/*-packages/flopshim*"):
        return path.parent
    raise Failure(f"no module for Python in {prefix}")


def try_module(client, tool, manual_path, prefix):
    dump = client.folder / f"counted{manual_path is not None}.dump"
    run = client.run(["sh", "-e", "-c", SCRIPT], shim=False, TOOL=tool, PREFIX=prefix, DUMP=dump, MANPATH=manual_path,
                     PROGRAM=client.compile("products.c"), LMOD_SYSTEM_DEFAULT_MODULES="")
    shown = {}
    for line in run.out.decode().splitlines():
        when, _, rest = line.partition(" ")
        if "=" in rest:
            shown.setdefault(when, {}).update([rest.split("=", 1)])
    loaded, before = shown["loaded"], shown["before"]
    check_equal(shown["after"], before, "the environment after unloading")
    check_equal(loaded["PATH"], f"{prefix}/bin:{before['PATH']}", "PATH")
    check_equal(loaded["FLOPSHIM_LIBRARY"], f"{prefix}/lib/libflopshim.so", "FLOPSHIM_LIBRARY")
    check_equal(loaded["LD_PRELOAD"], "unset", "LD_PRELOAD")
    check_equal(loaded["MANPATH"], f"{prefix}/share/man:{manual_path}" if manual_path else "unset", "MANPATH")
    check(f"module {python_folder(prefix)}/flopshim/__init__.py" in run.out.decode(), "Python imports another module")
    check_equal(loaded["PKG_CONFIG_PATH"], f"{prefix}/lib/pkgconfig", "PKG_CONFIG_PATH")
    check_equal(loaded["CMAKE_PREFIX_PATH"], str(prefix), "CMAKE_PREFIX_PATH")
    check_equal(read_report(client.reporter, [str(dump)])["totals"]["calls"], 6, "calls")  # as products.c says


@case(kind=["tcl", "lua", "tcl_by_lmod"])
def loaded(client):
    """The module makes programs, headers and the Python module of its prefix found, preloads nothing, and leaves nothing
    behind. With MANPATH it is in front there; without, MANPATH stays unset, since man finds the pages by PATH. It follows its
    prefix to another place."""
    tool = module_command(lmod=client.kind != "tcl")
    system_program("tclsh")
    install(client, f"PREFIX={client.folder / 'prefix'}", "DESTDIR=")
    prefix, moved = client.folder / "prefix", client.folder / "moved"
    modules = prefix / "share" / "modulefiles" / "flopshim"
    for path in modules.iterdir():
        if client.kind != "tcl" and (path.suffix == ".lua") == (client.kind == "tcl_by_lmod"):
            path.unlink()
    try_module(client, tool, None, prefix)
    try_module(client, tool, "/usr/share/man", prefix)
    os.rename(prefix, moved)
    (client.folder / "countedFalse.dump").unlink()
    try_module(client, tool, None, moved)
