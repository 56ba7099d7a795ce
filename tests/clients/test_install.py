# SPDX-License-Identifier: BSD-3-Clause
"""Tests `make install`: the launcher must find its shim, and a bare LD_PRELOAD=libflopshim.so must find it once ldconfig
has seen it. No case may write outside of its own folder."""

import os
import shutil
import subprocess

from harness import Skip, case, check, check_equal, install, read_report


def staged(client):
    """Installs into a folder of the case, and returns its /usr/local."""
    stage = client.folder / "stage"
    install(client, f"DESTDIR={stage}", "PREFIX=/usr/local")
    return stage / "usr" / "local"


@case()
def files(client):
    """The programs, the shim, the man page and the completions are installed."""
    prefix = staged(client)
    installed = {str(path.relative_to(prefix)) for path in prefix.rglob("*") if path.is_file()}
    missing = {"lib/libflopshim.so", "bin/flopshim", "bin/flopshim-report", "share/man/man1/flopshim.1",
               "share/bash-completion/completions/flopshim", "share/zsh/site-functions/_flopshim",
               "share/fish/vendor_completions.d/flopshim.fish", "share/cmake/Flopshim/FlopshimConfig.cmake",
               "share/cmake/Flopshim/Flopshim.cmake", "share/cmake/Flopshim/flopshim-test"} - installed
    check_equal(sorted(missing), [], "not installed")


@case()
def launcher(client):
    """The installed launcher preloads the shim of its own prefix, wherever that is."""
    prefix = staged(client)
    program = client.compile("processes.c")
    dump = client.folder / "counted.dump"
    client.run([prefix / "bin" / "flopshim", "--out", dump, program, "plain"], shim=False)
    report = read_report(prefix / "bin" / "flopshim-report", [str(dump)])
    check_equal(report["totals"]["calls"], 5, "calls")
    run = client.run([prefix / "bin" / "flopshim", "/usr/bin/env"], shim=False)
    check(f"LD_PRELOAD={prefix}/lib/libflopshim.so\n".encode() in run.out, "it took another shim")


@case()
def another_library_folder(client):
    """A launcher that was built for one folder finds the shim if LIBDIR is another one, as in most distributions."""
    for libdir in (client.folder / "usr" / "lib" / "x86_64-linux-gnu", client.folder / "apart" / "libraries"):
        prefix = client.folder / "usr"
        install(client, f"PREFIX={prefix}", f"LIBDIR={libdir}", "DESTDIR=")
        run = client.run([prefix / "bin" / "flopshim", "/usr/bin/env"], shim=False)
        check(f"LD_PRELOAD={libdir}/libflopshim.so\n".encode() in run.out, f"{libdir}: it took another shim")
        (libdir / "libflopshim.so").unlink()


IN_NAMESPACE = """
set -e
mount --bind "$1" /usr/local
ldconfig -C "$2"
mount --bind "$2" /etc/ld.so.cache
LD_PRELOAD=libflopshim.so FLOPSHIM_OUT="$3" exec "$4" plain
"""


@case()
def bare_name(client):
    """LD_PRELOAD=libflopshim.so finds the installed shim, in a mount namespace where /usr/local is what was installed
    and ld.so.cache knows it."""
    if os.geteuid() or subprocess.run(["unshare", "-m", "true"], capture_output=True).returncode:
        raise Skip("no right to a mount namespace")
    prefix = staged(client)
    cache, dump = client.folder / "ld.so.cache", client.folder / "counted.dump"
    shutil.copy("/etc/ld.so.cache", cache)
    program = client.compile("processes.c")
    run = client.run(["unshare", "-m", "sh", "-c", IN_NAMESPACE, "sh", prefix, cache, dump, program], shim=False)
    check_equal(run.err, b"", "standard error")
    check_equal(read_report(client.reporter, [str(dump)])["totals"]["calls"], 5, "calls")


@case()
def hardened(client):
    """flopshim-report reads files that others may have written: it is position-independent, all of its functions are bound
    before it starts, its stack is protected, and, if it is optimized, the C library checks the lengths that the compiler
    knows."""
    if not shutil.which("readelf"):
        raise Skip("no readelf")
    said = subprocess.run(["readelf", "-hldSW", "--dyn-syms", client.build_folder / "flopshim-report"], capture_output=True,
                          text=True, check=True).stdout
    signs = [("position-independent", "DYN ("), ("bound at once", "BIND_NOW"), ("read-only relocations", "GNU_RELRO"),
             ("stack protector", "__stack_chk_fail")]
    # Without optimization (make DEBUG=1) the C library checks no lengths. A compiler that does not optimize leaves each
    # variable in one place, and writes no list of places for debuggers.
    if ".debug_loc" in said or ".debug_info" not in said:
        signs.append(("checked lengths", "printf_chk"))
    for name, sign in signs:
        check(sign in said, f"{name}: readelf shows no {sign}")
