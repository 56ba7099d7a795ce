# SPDX-License-Identifier: BSD-3-Clause
"""Tests programs and libraries with a BLAS of their own inside, whose calls cannot be counted: they must be named, and
nothing else may be."""

import shutil
import subprocess

from harness import (LIBC_PARTS, PROGRAMS, Skip, blas_library, case, check, check_equal, library_folder, read_report,
                     system_program)

SOURCE = PROGRAMS / "own_blas.c"
ROUTINES = ["daxpy_", "ddot_", "dgemm_"]
HOW = {
    "symbolic": ["-Wl,-Bsymbolic"],
    "symbolic functions": ["-Wl,-Bsymbolic-functions"],
    "protected": ["-fvisibility=protected"],
    "version script": ["-Wl,--version-script={}"],
    "hidden": ["-fvisibility=hidden", "-Dwork=__attribute__((visibility(\"default\")))work"],
}


def program(client, *flags, name, blas=True):
    return client.compile("own_blas.c", "-DMAIN", "-fno-inline", *flags, name=name, blas=blas)


def library(client, *flags, name):
    made = client.compile("own_blas.c", "-DOWN", "-DWORK", "-shared", "-fPIC", "-fno-inline", *flags, blas=False, name=name)
    return made, [made, f"-Wl,-rpath,{made.parent}"]


def how_library(client):
    """A library whose BLAS is bound as client.how says, and the flags to link it."""
    script = client.folder / "script"
    script.write_text("{ global: work; local: *; };")
    flags = [flag.format(script) for flag in HOW[client.how]]
    if client.how == "version script":  # the script's path differs in each run, so the build folder cannot keep the library
        target = client.folder / "libplug.so"
        subprocess.run(["gcc", "-w", "-DOWN", "-DWORK", "-shared", "-fPIC", "-O1", "-fno-inline", *flags, "-o", target,
                        SOURCE], check=True)
        return target, [target, f"-Wl,-rpath,{client.folder}"]
    return library(client, *flags, name=f"libplug-{client.how.replace(' ', '-')}.so")


def names_of(text):
    """The routines and the path in a note."""
    names, _, path = text.partition(" in ")
    return sorted(names.split(", ")), path


def check_named(run, kind, path):
    """The dump has the call of dnrm2_, and a note that names the routines and the file."""
    check_equal({name: calls for name, (calls, _) in run.routines.items()}, {"dnrm2": 1}, "calls")
    (note,) = run.report["notes"]
    check_equal((note["kind"], names_of(note["text"])), (kind, (ROUTINES, str(path))), "note")


def check_said(run, path, *words):
    """Standard error has one line, which names the file, the routines and these words."""
    (line,) = run.err.decode().splitlines()
    for word in (f"flopshim: {path} has a BLAS of its own (", "out of reach", *ROUTINES, *words):
        check(word in line, f"{word!r} is not in: {line}")


def check_all(client, made, kind, path):
    """The dump names the file. With a budget, or under the launcher, one line says it too, unless it is to be quiet."""
    run = client.run([made])
    check_equal(run.err, b"", "standard error")
    check_named(run, kind, path)
    run = client.run([made], FLOPSHIM_BUDGET="1e9")
    check_said(run, path, "shared BLAS")
    check_named(run, kind, path)
    check_equal(client.run([made], FLOPSHIM_BUDGET="1e9", FLOPSHIM_QUIET="1").err, b"", "when quiet")
    check_said(client.run([client.launcher, made], shim=False), path, "shared BLAS")


@case(exported=(True, False))
def of_a_program(client):
    """A program's own BLAS is named, whether the program exports its names or not."""
    flags = ["-rdynamic"] if client.exported else []
    made = program(client, "-DOWN", "-DWORK", "-DCOUNTED", *flags, name=f"own-program-{client.exported}")
    check_all(client, made, "own_program", made)


@case()
def nothing_counted(client):
    """A program that calls nothing but its own BLAS leaves no dump, but one line says why."""
    made = program(client, "-DOWN", "-DWORK", name="own-program-alone", blas=False)
    run = client.run([made])
    check_said(run, made, "no library can replace a program's own functions")
    check_equal(run.dumps, [], "dumps")
    check_equal(client.run([made], FLOPSHIM_QUIET="1").err, b"", "when quiet")
    check_said(client.run([client.launcher, made], shim=False), made)


@case()
def files_read(client):
    """A process without a call, a limit or the launcher opens no file of a library at its end, since LD_PRELOAD may be
    set for a whole session."""
    if not shutil.which("strace"):
        raise Skip("no strace")
    path, link = library(client, *HOW["symbolic"], name="libplug-read.so")
    made, trace = program(client, *link, name="own-read", blas=False), client.folder / "trace"
    for variables, times in (({}, 1), ({"FLOPSHIM_BUDGET": "1e9"}, 2)):
        words = [word for key, value in {"LD_PRELOAD": client.shim, **variables}.items() for word in ("-E", f"{key}={value}")]
        client.run(["strace", "-f", "-o", trace, "-e", "trace=openat", *words, made, "nothing"], shim=False)
        opened = [line for line in trace.read_text().splitlines() if f'"{path}"' in line and " = -1 " not in line]
        check_equal(len(opened), times, f"times that the library is opened with {variables}, the linker's own among them")


@case(how=HOW)
def of_a_library(client):
    """A library's own BLAS is named, however its calls are bound. The BLAS that the program itself uses is not named."""
    path, link = how_library(client)
    made = client.folder / "user"
    subprocess.run(["gcc", "-w", "-DMAIN", "-DCOUNTED", SOURCE, "-o", made, *map(str, link),
                    f"-L{library_folder() / 'openblas-pthread'}", "-lblas", *LIBC_PARTS], check=True)
    # The BLAS that the program uses defines dgemm_ and the others too, and must not be named.
    check_all(client, made, "own_library", path)


@case(how=HOW)
def of_a_plug_in(client):
    """The BLAS of a plug-in that is opened and closed is named."""
    path, _ = how_library(client)
    host = program(client, "-DHOST", "-DCOUNTED", name="own-host")
    run = client.run([host, path])
    check_named(run, "own_library", path)
    check_said(client.run([host, path], FLOPSHIM_BUDGET="1e9"), path)


RELATIVE = """import ctypes, os
blas, x, two, one = ctypes.CDLL({blas!r}), (ctypes.c_double * 2)(), ctypes.c_int(2), ctypes.c_int(1)
blas.dnrm2_(ctypes.byref(two), x, ctypes.byref(one))
ctypes.CDLL("./{name}").work
os.chdir("/")
"""


@case(how=("symbolic", "hidden"))
def by_a_relative_path(client):
    """A plug-in that is opened by a relative path is named by its full path, even if the program has changed its
    directory since."""
    made, _ = library(client, *HOW[client.how], name=f"libplug-{client.how}.so")
    run = client.run(["/usr/bin/python3", "-c", RELATIVE.format(blas=blas_library(), name=made.name)], cwd=made.parent,
                     FLOPSHIM_BUDGET="1e9")
    check_said(run, made)
    check_named(run, "own_library", made)


@case()
def stripped(client):
    """A hidden BLAS whose names are stripped from the file cannot be seen, and nothing is said."""
    path, link = library(client, *HOW["hidden"], "-s", name="libplug-stripped.so")
    run = client.run([program(client, "-DCOUNTED", *link, name="own-stripped")])
    check_equal((run.err, run.report["notes"]), (b"", []), "what is said")


# ---- nothing wrong ----

ORDINARY = """
double dmax_(const double *a, const double *b) { return *a > *b ? *a : *b; }
void dsum_(const double *a, const double *b, double *c) { *c = *a + *b; }
void dcopy_(const double *from, double *to) { *to = *from; }
static int drot_(int a) { return a << 1 | a >> 31; }
int main(void)
{
	double a = 3, b = 4, c;
	dsum_(&a, &b, &c);
	dcopy_(&c, &a);
	return dmax_(&a, &b) != 7 || drot_(1) != 2;
}
"""


@case()
def ordinary_names(client):
    """A program's own functions whose names are both words and routines are not taken for a BLAS."""
    source, made = client.folder / "words.c", client.folder / "words"
    source.write_text(ORDINARY)
    subprocess.run(["gcc", "-O0", "-rdynamic", "-o", made, source], check=True)
    check_equal(client.run([made]).err, b"", "standard error")
    check_equal(client.run([made], FLOPSHIM_BUDGET="1e9").err, b"", "standard error with a limit")
    said = client.run([client.launcher, made], shim=False).err
    check_equal(b"BLAS of its own" in said, False, f"it is named by the launcher: {said}")


def check_fine(client, words, calls):
    """With a budget, and under the launcher too, nothing is said, and the calls are these."""
    for launched in (False, True):
        run = client.run([client.launcher, *words] if launched else words, shim=not launched, FLOPSHIM_BUDGET="1e9",
                         FLOPSHIM_OUT=client.folder / f"{launched}.dump")
        check_equal(run.err, b"", "standard error")
        report = read_report(client.reporter, [str(client.folder / f"{launched}.dump")])
        check_equal(report["notes"], [], "notes")
        check_equal({row["routine"]: row["calls"] for row in report["routines"]}, calls, "calls")


@case(program=("true", "counted"))
def tracer(client):
    """A library that is preloaded beside the shim and whose routines nobody calls is not named."""
    made = client.compile("tracer.c", "-shared", "-fPIC", blas=False, name="libtracer.so")
    program = client.compile("own_blas.c", "-DMAIN", "-DWORK", "-DCOUNTED", name="own-nothing")
    words = [system_program("true") if client.program == "true" else program]
    both = f"{client.shim}:{made}"
    runs = [client.run(words, shim=both), client.run(words, shim=both, FLOPSHIM_BUDGET="1e9"),
            client.run([client.launcher, *words], shim=False, LD_PRELOAD=made)]
    for run in runs:
        check_equal(b"BLAS of its own" in run.err, False, f"it is named: {run.err}")
    for run in runs[:2] if client.program == "counted" else ():
        check_equal((run.err, run.report["notes"]), (b"", []), "standard error, and notes")


@case(how=("linked", "opened", "closed"))
def unused(client):
    """A BLAS under any name that the program is linked to or opens, but does not call, is not named."""
    made = client.compile("own_blas.c", "-DOWN", "-shared", "-fPIC", "-fno-inline", blas=False, name="libmathematics.so")
    if client.how == "linked":
        link = ["-Wl,--no-as-needed", made, "-Wl,--as-needed", f"-Wl,-rpath,{made.parent}"]
        source = client.folder / "main.c"
        source.write_text("int main(void) { return 0; }")
        words = [client.folder / "unused"]
        subprocess.run(["gcc", source, "-o", words[0], *link], check=True)
    else:
        code = f"import ctypes, _ctypes; library = ctypes.CDLL({str(made)!r})"
        words = ["python3", "-c", code + ("; _ctypes.dlclose(library._handle)" if client.how == "closed" else "")]
    for run in (client.run(words, FLOPSHIM_BUDGET="1e9"), client.run([client.launcher, *words], shim=False)):
        check_equal(b"BLAS of its own" in run.err, False, f"it is named: {run.err}")


@case()
def counted(client):
    """A library whose own calls go through the linker, as they do by default, is not named, and its calls are counted."""
    _, link = library(client, name="libplug-plain.so")
    check_fine(client, [program(client, "-DCOUNTED", *link, name="own-plain")], {"dgemm": 1, "dnrm2": 1})


@case(name=("libopenblas_symbolic.so", "libmathematics.so"))
def blas_itself(client):
    """A BLAS whose routines call each other inside is not named, whatever its file is called, and calls of it are
    counted."""
    archive = library_folder() / "openblas-pthread" / "libopenblas.a"
    if not archive.exists():
        raise Skip(f"no {archive}")
    made = client.folder / client.name
    names = ["axpy copy scal swap gemv gemm symm syrk syr2k trmm trsm gbmv tbmv tbsv tpmv tpsv trmv trsv gesv getrf getrs potrf"
             " potri lauum trtri", "dot nrm2 asum rot ger syr"]
    needed = ["-Wl," + ",".join(f"-u,{kind}{name}_" for kinds, row in zip(("sdcz", "sd"), names) for kind in kinds
                                for name in row.split())]
    subprocess.run(["gcc", "-shared", "-Wl,-Bsymbolic", *needed, archive, "-lgfortran", "-lm", "-lpthread", "-o", made],
                   check=True)
    user = client.folder / "user"
    subprocess.run(["gcc", "-w", "-DMAIN", "-DWORK", "-DCOUNTED", SOURCE, "-o", user, made,
                    f"-Wl,-rpath,{client.folder}", *LIBC_PARTS], check=True)
    check_fine(client, [user], {"dgemm": 1, "dnrm2": 1})
    # The routines are fetched by dlsym alone, and no object refers to them.
    code = f"""import ctypes
library = ctypes.CDLL({str(made)!r})
x = (ctypes.c_double * 2)(3, 4)
library.dnrm2_.restype = ctypes.c_double
assert library.dnrm2_(ctypes.byref(ctypes.c_int(2)), x, ctypes.byref(ctypes.c_int(1))) == 5
"""
    for launched in ("True", "False"):
        (client.folder / f"{launched}.dump").unlink()
    check_fine(client, ["/usr/bin/python3", "-c", code], {"dnrm2": 1})


# Each program ends with one ddot_ of a library whose own calls do not go through the linker. It could not be known before
# that this library's routines are used.
NOT_ASKED_YET = {
    "opened": """import _ctypes
library, other = ctypes.CDLL({library!r}), ctypes.CDLL({other!r})
dnrm2()
_ctypes.dlclose(other._handle)
""",
    "preloaded": """library, other = ctypes.CDLL(None), ctypes.CDLL({other!r})
dnrm2()
other.work
""",
}
DOT_AND_NORM = """import ctypes
x, one, two = (ctypes.c_double * 2)(3, 4), ctypes.byref(ctypes.c_int(1)), ctypes.byref(ctypes.c_int(2))
def dnrm2():
    ctypes.CDLL({blas!r}).dnrm2_(two, x, one)
{before}
library.ddot_.restype = ctypes.c_double
assert library.ddot_(two, x, one, x, one) == 25
"""


@case(how=NOT_ASKED_YET)
def asked_late(client):
    """A library whose routines are fetched by dlsym after another one was opened or closed is not named, and these calls
    are counted."""
    made, _ = library(client, *HOW["symbolic"], name="libplug-symbolic.so")
    other = client.compile("own_blas.c", "-DWORK", "-shared", "-fPIC", blas=True, name="libplug-other.so")
    places = {"library": str(made), "other": str(other), "blas": blas_library()}
    code = DOT_AND_NORM.format(before=NOT_ASKED_YET[client.how].format(**places), **places)
    both = {"LD_PRELOAD": f"{client.shim}:{made}"} if client.how == "preloaded" else {}
    words = ["/usr/bin/python3", "-c", code]
    run = client.run(words, shim=both.get("LD_PRELOAD", True), FLOPSHIM_BUDGET="1e9")
    launched = client.run([client.launcher, *words], shim=False, FLOPSHIM_OUT=client.folder / "launched.dump",
                          **({"LD_PRELOAD": made} if both else {}))
    check_equal((run.err, launched.err), (b"", b""), "standard error")
    for report in (run.report, read_report(client.reporter, [str(client.folder / "launched.dump")])):
        check_equal(report["notes"], [], "notes")
        check_equal({row["routine"]: row["calls"] for row in report["routines"]}, {"ddot": 1, "dnrm2": 1}, "calls")


@case()
def files_of_a_blas(client):
    """The file of a library whose routines the program has fetched is opened by the linker only, however many libraries
    are opened later."""
    if not shutil.which("strace"):
        raise Skip("no strace")
    made, _ = library(client, *HOW["symbolic"], name="libplug-symbolic.so")
    other, trace = client.compile("own_blas.c", "-DWORK", "-shared", "-fPIC", name="libplug-other.so"), client.folder / "trace"
    again = f"""for i in range(3):
    other = ctypes.CDLL({str(other)!r})
    other.work
    _ctypes.dlclose(other._handle)
"""
    code = "import _ctypes\n" + DOT_AND_NORM.format(before=f"library = ctypes.CDLL({str(made)!r})", blas=blas_library()) + again
    client.run(["strace", "-f", "-o", trace, "-e", "trace=openat", "-E", f"LD_PRELOAD={client.shim}", "-E", "FLOPSHIM_BUDGET=1e9",
                "/usr/bin/python3", "-c", code], shim=False)
    opened = [line for line in trace.read_text().splitlines() if f'"{made}"' in line]
    check_equal(len(opened), 1, f"times that the library is opened: {opened}")
