# SPDX-License-Identifier: BSD-3-Clause
"""Tests what setup.py makes: an sdist, the wheel that is built from it, and the environments into which pip installs that.
No case may use a network, nor write into the tree of the sources: they are copied."""

import atexit
import functools
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
import zipfile
from pathlib import Path

import flops
from harness import PYTHON, TOP, Failure, Skip, case, check, check_equal, install, read_report, tail

LEFT_OUT = ("build*", "dist", ".git", "__pycache__", "*.dump", "pictures", "*.egg-info")
OFFLINE = {"PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_CACHE_DIR": "1", "PIP_ROOT_USER_ACTION": "ignore"}
WORK = "import numpy as np\na, b = np.ones((30, 20)), np.ones((20, 10))\na @ b\n"
WORK_FLOPS = flops.gemm(30, 10, 20)


def version():
    """The version that include/version.h states."""
    return re.search(r'^#define FLOPSHIM_VERSION "(.*)"$', (TOP / "include" / "version.h").read_text(), re.M)[1]


def need(*modules):
    """Skips the case if Debian's Python lacks one of these."""
    for module, package in modules:
        if subprocess.run([PYTHON, "-c", f"import {module}"], capture_output=True).returncode:
            raise Skip(f"no {package}")


def run(command, status=0, cwd=None, **environment):
    """Runs a command to its end, without variables of the caller that would change what it does."""
    env = {name: value for name, value in os.environ.items()
           if not name.startswith(("PYTHON", "PIP_", "FLOPSHIM_", "MAKE", "VIRTUAL_ENV"))}
    env.update(PATH="/usr/bin:/bin:/usr/sbin:/sbin", LANG="C.UTF-8", OPENBLAS_NUM_THREADS="1", **OFFLINE)
    env.update({name: str(value) for name, value in environment.items()})
    done = subprocess.run([str(word) for word in command], cwd=cwd, env=env, capture_output=True, text=True, timeout=600)
    if status is not None and done.returncode != status:
        raise Failure(f"{' '.join(map(str, command))}: status {done.returncode}, {status} was expected\n"
                      f"{tail((done.stdout + done.stderr).encode(), 3000)}")
    return done


def copy_of_sources(target):
    shutil.copytree(TOP, target, symlinks=True, ignore=shutil.ignore_patterns(*LEFT_OUT))
    (target / "build").mkdir()
    (target / "build" / "kept").write_text("as it was")
    return target


def compiled_sources(client):
    """A copy of the sources in which pip need not compile anew what `make` has compiled for these tests."""
    tree = copy_of_sources(client.folder / "tree")
    shutil.copytree(client.build_folder, tree / "build-python" / "make", symlinks=True,
                    ignore=shutil.ignore_patterns("tests", "bench", "junit", "node", "*.new"))
    return tree


@functools.lru_cache(maxsize=None)
def built():
    """What `python3 -m build` makes, an sdist and from it a wheel: (folder of both, tree that it ran in). They are made
    once, since that compiles everything."""
    need(("setuptools", "python3-setuptools"), ("wheel", "python3-wheel"), ("build", "python3-build"))
    folder = Path(tempfile.mkdtemp(prefix="flopshim-wheel-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    tree = copy_of_sources(folder / "tree")
    run([PYTHON, "-m", "build", "--no-isolation", "--outdir", folder / "dist", tree], cwd=folder)
    return folder / "dist", tree


def wheel():
    return next(built()[0].glob("*.whl"))


def environment(folder, *options):
    """Makes an environment of Python with the system's packages."""
    need(("venv", "python3-venv"), ("ensurepip", "python3-venv"), ("pip", "python3-pip"))
    run([PYTHON, "-m", "venv", "--system-site-packages", *options, folder])
    return folder


def files_of(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if "__pycache__" not in path.parts}


@functools.lru_cache(maxsize=None)
def shared_environment():
    """An environment with the wheel, which cases must not change."""
    folder = environment(built()[0].parent / "environment")
    run([folder / "bin" / "pip", "install", wheel()])
    return folder


def package_of(folder):
    return next(folder.glob("lib/python3*/site-packages/flopshim"))


def preloaded(command):
    """The shim that this launcher preloads."""
    return re.search(r"^LD_PRELOAD=(.*)$", run([command, "/usr/bin/env"]).stdout, re.M)[1]


def check_counts(client, launcher, reporter):
    """The two commands count WORK, and read the dump."""
    dump = client.folder / "work.dump"
    run([launcher, "--overwrite", "--out", dump, PYTHON, "-c", WORK])
    rows = {row["routine"]: row["flops"] for row in read_report(reporter, [str(dump)])["routines"]}
    check_equal(rows["dgemm"], WORK_FLOPS, "FLOPs of dgemm")


# ---- what is built ----


@case()
def contents(client):
    """The wheel has its version from version.h, its tag says what it is, and it has the files that it needs and no other."""
    check_equal(wheel().name, f"flopshim-{version()}-py3-none-linux_x86_64.whl", "the name")
    modules = {f"flopshim/{path.name}" for path in (TOP / "bindings" / "flopshim").glob("*.py")} | {"flopshim_pytest.py"}
    programs = {f"flopshim/programs/{name}" for name in ("libflopshim.so", "flopshim", "flopshim-report", "flopshim-report.bin")}
    commands = {f"flopshim-{version()}.data/scripts/{name}" for name in ("flopshim", "flopshim-report")}
    with zipfile.ZipFile(wheel()) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        check_equal(sorted(names ^ (modules | programs | commands)), [], "files that are missing or too many")
        metadata = archive.read(f"flopshim-{version()}.dist-info/METADATA").decode()
        check("Requires-Dist" not in re.sub(r"Requires-Dist: .*extra ==.*", "", metadata), "it requires other packages")


@case()
def old_systems(client):
    """Programs and shim in the wheel need no later C library than glibc 2.17, and have no debug information."""
    if not shutil.which("readelf"):
        raise Skip("no readelf")
    programs = package_of(shared_environment()) / "programs"
    for name in ("libflopshim.so", "flopshim", "flopshim-report.bin"):
        said = run(["readelf", "-VSW", programs / name]).stdout
        versions = {tuple(map(int, found.split("."))) for found in re.findall(r"GLIBC_([\d.]+)", said)}
        check(versions and max(versions) <= (2, 17), f"{name} needs glibc {max(versions, default=None)}")
        check(name == "libflopshim.so" or ".debug_info" not in said, f"{name} has debug information")


@case()
def sources_stay(client):
    """Building leaves the folder build of the sources alone, and makes nothing beside it but build-python."""
    dist, tree = built()
    check_equal((tree / "build" / "kept").read_text(), "as it was", "the file in build")
    check_equal(sorted(os.listdir(tree / "build")), ["kept"], "files in build")
    new = {path.name for path in tree.iterdir()} - {path.name for path in TOP.iterdir()} - {"build", "build-python"}
    check_equal(sorted(new), [], "new files")
    check_equal([str(path) for path in (tree / "bindings").rglob("*.egg-info")], [], "metadata that Python would find")
    with tarfile.open(next(dist.glob("*.tar.gz"))) as archive:
        names = [name for name in archive.getnames() if not name.endswith("SOURCES.txt")]
    check(not any(re.search(r"\.(o|d|so|bin|whl)$", name) for name in names), "the sdist has what was compiled")


@case()
def from_sources(client):
    """`pip install .` in the root of the sources installs the same files as the wheel. Objects that `make` has built are at
    hand, so that this does not compile anew."""
    need(("setuptools", "python3-setuptools"), ("wheel", "python3-wheel"))
    tree = compiled_sources(client)
    folder = environment(client.folder / "environment")
    empty = files_of(folder)
    run([folder / "bin" / "pip", "install", "--no-build-isolation", "."], cwd=tree)
    installed = files_of(folder) - empty
    others = {"direct_url.json", "REQUESTED"}  # which tell where it was installed from
    for path in files_of(shared_environment()) ^ (installed | empty):
        check(Path(path).name in others, f"{path} is in only one of both")
    check_counts(client, folder / "bin" / "flopshim", folder / "bin" / "flopshim-report")
    said = run([folder / "bin" / "pip", "show", "flopshim"]).stdout
    check(f"Version: {version()}\n" in said, said)
    run([folder / "bin" / "pip", "uninstall", "-y", "flopshim"])
    check_equal(sorted(files_of(folder) - empty), [], "what uninstalling has left")


@case()
def without_make(client):
    """Where it cannot be built, the error names what is needed."""
    need(("setuptools", "python3-setuptools"), ("wheel", "python3-wheel"), ("build", "python3-build"))
    tree = copy_of_sources(client.folder / "tree")
    places = client.folder / "bin"
    places.mkdir()
    (places / "make").symlink_to("/bin/false")
    done = run([PYTHON, "-m", "build", "--wheel", "--no-isolation", tree], status=1, PATH=f"{places}:/usr/bin:/bin")
    packages = re.search(r'PACKAGES_BUILD="(.*)"', (TOP / "scripts" / "packages.sh").read_text())[1]
    check("flopshim could not be built" in done.stdout + done.stderr and packages in done.stdout + done.stderr,
          (done.stdout + done.stderr)[-800:])


@case()
def editable(client):
    """An installation that is editable is refused with what to do instead."""
    need(("setuptools", "python3-setuptools"), ("wheel", "python3-wheel"), ("pip", "python3-pip"))
    tree = copy_of_sources(client.folder / "tree")
    command = [PYTHON, "-m", "pip", "install", "--no-build-isolation", "--target", client.folder / "target", "-e", "."]
    done = run(command, status=1, cwd=tree)
    check(f"put {tree}/bindings on PYTHONPATH" in done.stdout + done.stderr, (done.stdout + done.stderr)[-1500:])


# ---- the commands ----


@case()
def commands(client):
    """The commands of an environment take the shim of their own wheel, also by a link, and pass words and status on."""
    folder = shared_environment()
    launcher, reporter = folder / "bin" / "flopshim", folder / "bin" / "flopshim-report"
    check_counts(client, launcher, reporter)
    check_equal(preloaded(launcher), str(package_of(folder) / "programs" / "libflopshim.so"), "the shim")
    (client.folder / "link").mkdir()
    link = client.folder / "link" / "flopshim"
    link.symlink_to(launcher)
    check_equal(preloaded(link), preloaded(launcher), "the shim, by a link")
    done = run([launcher, "sh", "-c", 'printf "<%s>" "$@"; exit 7', "sh", "a b", "", "*"], status=7)
    check_equal(done.stdout, "<a b><><*>", "arguments")
    done = run([reporter, client.folder / "none.dump"], status=1)
    check("none.dump: No such file or directory" in done.stderr, done.stderr)


@case()
def moved(client):
    """Commands of an environment that was moved take its shim, and not that of the place where it was."""
    old, new = client.folder / "old", client.folder / "new"
    environment(old, "--without-pip")
    run([PYTHON, "-m", "pip", "--python", old / "bin" / "python", "install", wheel()])
    old.rename(new)
    check_counts(client, new / "bin" / "flopshim", new / "bin" / "flopshim-report")
    check_equal(preloaded(new / "bin" / "flopshim"), str(package_of(new) / "programs" / "libflopshim.so"), "the shim")
    next(new.glob("lib/python3*/site-packages/flopshim-*.dist-info")).rename(
        package_of(new).parent / "flopshim-0.0.1.dist-info")
    for name in ("flopshim", "flopshim-report"):
        done = run([new / "bin" / name, "--version"], status=127)
        check(f"{name}: the package flopshim {version()}, which this command belongs to, is not in" in done.stderr, done.stderr)


@case()
def by_target(client):
    """`pip install --target` and `--user` have commands that work, too."""
    need(("pip", "python3-pip"))
    target, base = client.folder / "target", client.folder / "base"
    run([PYTHON, "-m", "pip", "install", "--target", target, wheel()])
    check_equal(preloaded(target / "bin" / "flopshim"), f"{target}/flopshim/programs/libflopshim.so", "the shim")
    run([PYTHON, "-m", "pip", "install", "--user", wheel()], PYTHONUSERBASE=base, PIP_BREAK_SYSTEM_PACKAGES="1")
    check_equal(preloaded(base / "bin" / "flopshim"), str(package_of(base) / "programs" / "libflopshim.so"), "the shim")


def debian_package(library):
    """The Debian package that has a library, as dpkg says it."""
    for folder in (f"/usr/lib/{os.uname().machine}-linux-gnu", f"/lib/{os.uname().machine}-linux-gnu"):
        done = subprocess.run(["dpkg", "-S", f"{folder}/{library}"], capture_output=True, text=True)
        if done.returncode == 0:
            return done.stdout.split(":")[0].removesuffix("t64")
    raise Skip(f"dpkg knows no {library}")


@case()
def missing_libraries(client):
    """Where a library is missing, flopshim-report names the package that has it. Its file is given names of libraries that
    are not there, with another number behind `.so.`, in place of those that it needs."""
    if not shutil.which("dpkg"):
        raise Skip("no dpkg")
    programs = client.folder / "programs"
    original = package_of(shared_environment()) / "programs"
    shutil.copytree(original, programs)
    for old, library in (("libdw.so.1", "libdw.so.1"), ("libncursesw.so.6", "libncursesw.so.6"),
                         ("libtinfo.so.6", "libtinfo.so.6"), ("libz.so.1", "libz.so.1"), ("libpthread.so.0", "libelf.so.1")):
        absent = library[:-1] + "9"
        data = (original / "flopshim-report.bin").read_bytes()
        check(f"\0{old}\0".encode() in data, f"it does not need {old}")
        name, hole = absent.encode(), len(old) - len(absent)
        (programs / "flopshim-report.bin").write_bytes(
            data.replace(f"\0{old}\0".encode(), b"\0" + name + b"\0" * (hole + 1)))
        done = run([programs / "flopshim-report", "--version"], status=127)
        text = f"the library {absent} is missing: install {debian_package(library)} (Debian)"
        check(text in done.stderr and "error while loading" not in done.stderr, f"{old}: {done.stderr}")
    (programs / "flopshim-report.bin").write_bytes(data.replace(b"\0libpthread.so.0\0", b"\0libunknown.so.9\0"))
    done = run([programs / "flopshim-report", "--version"], status=127)
    check("libunknown.so.9 is missing: install the package of this system" in done.stderr, done.stderr)
    installed = package_of(shared_environment())
    shutil.copytree(installed, client.folder / "modules" / "flopshim", ignore=shutil.ignore_patterns("programs"))
    programs.rename(client.folder / "modules" / "flopshim" / "programs")
    done = run([PYTHON, "-c", "import flopshim\ntry: flopshim.Report('.')\n"
                "except flopshim.ReportError as error: print(error.status, error.sentence)"],
               PYTHONPATH=client.folder / "modules")
    check(done.stdout.startswith("127 the library libunknown.so.9 is missing: "), done.stdout)


# ---- python3 -m flopshim ----


@case()
def module(client):
    """`python3 -m flopshim` runs scripts by this Python, and other programs as they are; it reads dumps, and says where its
    programs are."""
    folder = shared_environment()
    python = folder / "bin" / "python"
    programs = package_of(folder) / "programs"
    script = client.folder / "script.py"
    script.write_text(f"import sys\n{WORK}print(sys.executable, sys.argv[1:])\n")
    dump = client.folder / "script.dump"
    for options in (["-o", dump], ["--out", dump, "-q"], [f"--out={dump}", "-qb", "1e12"], ["--ou", dump, "--quiet", "--"]):
        done = run([python, "-m", "flopshim", "run", "--overwrite", *options, script, "-n", "x"])
        check_equal(done.stdout, f"{python} ['-n', 'x']\n", f"what {options} printed")
        rows = read_report(folder / "bin" / "flopshim-report", [str(dump)])["routines"]
        check_equal({row["routine"]: row["flops"] for row in rows}["dgemm"], WORK_FLOPS, f"FLOPs with {options}")
    check_equal(run([python, "-m", "flopshim", "run", "-o", dump, "sh", "-c", "echo $0; exit 3"], status=3).stdout, "sh\n",
                "another program")
    done = run([python, "-m", "flopshim", "report", "--json", dump])
    check('"schema":"flopshim-report/1"' in done.stdout, done.stdout[:200])
    where = dict(line.split() for line in run([python, "-m", "flopshim", "where"]).stdout.splitlines())
    check_equal(where, {"shim": f"{programs}/libflopshim.so", "launcher": f"{programs}/flopshim",
                        "report": f"{programs}/flopshim-report"}, "where")
    for word in ("-V", "--version"):
        check_equal(run([python, "-m", "flopshim", word]).stdout, f"flopshim {version()}\n", word)
    for word in ("-h", "--help"):
        said = run([python, "-m", "flopshim", word]).stdout
        check(all(text in said for text in ("run [OPTION]", "report [OPTION]", "where", "Exit status")), said)


@case()
def module_errors(client):
    """Wrong words get a sentence that says what was expected; the launcher's own errors stay its own."""
    python = shared_environment() / "bin" / "python"
    for words, status, text in (([], 2, "no command given; expected run, report or where"),
                                (["ran"], 2, "ran: there is no such command; expected run, report or where"),
                                (["where", "x"], 2, "where takes no argument: x"),
                                (["run"], 125, "no program given"),
                                (["run", "--budgte", "1"], 125, "did you mean --budget?"),
                                (["run", "nosuch.py"], 127, "nosuch.py: not found"),
                                (["report", "nosuch.dump"], 1, "nosuch.dump: No such file or directory")):
        done = run([python, "-m", "flopshim", *words], status=status, cwd=client.folder)
        check(text in done.stderr and "Traceback" not in done.stderr, f"{words}: {done.stderr}")
    bare = run([PYTHON, "-m", "flopshim", "where"], status=127, PYTHONPATH=TOP / "bindings", PYTHONDONTWRITEBYTECODE=1)
    check(f"there is no program `flopshim`: neither beside this package ({TOP}/bindings/flopshim) nor in PATH" in bare.stderr,
          bare.stderr)


@case()
def by_make_install(client):
    """The package that `make install` installs takes the programs of its own prefix, whatever is in PATH."""
    prefix = client.folder / "prefix"
    install(client, f"PREFIX={prefix}", "DESTDIR=")
    modules = next(prefix.rglob("flopshim/__init__.py")).parent.parent
    settings = {"PYTHONPATH": modules, "PATH": f"{shared_environment()}/bin:/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": 1}
    where = dict(line.split() for line in run([PYTHON, "-m", "flopshim", "where"], **settings).stdout.splitlines())
    check_equal((where["launcher"], where["report"]), (f"{prefix}/bin/flopshim", f"{prefix}/bin/flopshim-report"), "programs")
    check(where["shim"].startswith(f"{prefix}/lib"), where["shim"])
    check_equal(run([PYTHON, "-c", "import flopshim; print(flopshim.__version__)"], **settings).stdout, f"{version()}\n",
                "version")


@case()
def pytest_plugin(client):
    """pytest in the environment finds the plugin, and that its programs, without -p and without PATH."""
    need(("pytest", "python3-pytest"))
    python = shared_environment() / "bin" / "python"
    (client.folder / "test_work.py").write_text(WORK.replace("a @ b", "def test_work():\n    a @ b"))
    done = run([python, "-m", "pytest", "--flops", "-q", "-p", "no:cacheprovider", "--flops-lock", "flops.lock",
                "--flops-update"], cwd=client.folder, PYTHONDONTWRITEBYTECODE=1)
    check(re.search(rf"^{WORK_FLOPS:,} +.*test_work.py::test_work$", done.stdout, re.M), done.stdout)
    check((client.folder / "flops.lock").exists(), "no lock was written")


# ---- the document ----


def document(section):
    """The indented lines of a section of docs/python.md, without remarks."""
    text = re.search(rf"^## {section}$(.*?)(^## |\Z)", (TOP / "docs" / "python.md").read_text(), re.M | re.S)[1]
    return [re.sub(r"\s{2,}#.*$", "", line[4:]) for line in text.split("\n") if line.startswith("    ")]


@case()
def documented(client):
    """Every command and every line of Python in docs/python.md runs as it stands, in an environment that begins without
    flopshim. What needs a network there is told to do without."""
    need(("setuptools", "python3-setuptools"), ("wheel", "python3-wheel"), ("build", "python3-build"), ("IPython", "ipython3"))
    need(("pytest", "python3-pytest"), ("pandas", "python3-pandas"))
    tree = compiled_sources(client)
    folder = environment(client.folder / "environment")
    # Commands of the system's packages, as an environment of its own would have them.
    for name, command in (("pytest", "-m pytest"), ("ipython", "-m IPython")):
        (folder / "bin" / name).write_text(f'#!/bin/sh\nexec "{folder}/bin/python" {command} "$@"\n')
        (folder / "bin" / name).chmod(0o755)
    at_work = client.folder / "work"
    at_work.mkdir()
    (at_work / "train.py").write_text(WORK)
    (at_work / "test_work.py").write_text(WORK.replace("a @ b", "def test_work():\n    a @ b"))
    settings = {"PATH": f"{folder}/bin:/usr/bin:/bin", "PIP_NO_BUILD_ISOLATION": "0", "IPYTHONDIR": client.folder / "ipython"}
    lines = document("Install")
    check(len(lines) == 7 and all(re.match("(pip|python3) ", line) for line in lines), lines)
    for line in lines:
        in_tree = "flopshim " not in line and "--version" not in line
        run(["sh", "-c", line + (" --no-isolation" if " build " in line else "")], cwd=tree if in_tree else at_work,
            FLOPSHIM_OUT=at_work / "run.dump", FLOPSHIM_OVERWRITE="1", **settings)
    begin = "import numpy as np\na, w = np.ones((30, 20)), np.ones((20, 10))\nA, B = np.ones((300, 200)), np.ones((200, 100))\n"
    script = "\n".join(["import flopshim", begin, *document("Markers"), *document("Reports")])
    said = run(["flopshim", "-o", "script.dump", "python3", "-c", script], cwd=at_work, **settings).stdout
    check_equal(said, f"{WORK_FLOPS} {10**9 - WORK_FLOPS}\n", "what the script prints")
    magics = [line for line in document("IPython and notebooks") if line.startswith("%")]
    (at_work / "cells.ipy").write_text("\n".join([begin, *magics, ""]))
    said = run(["flopshim", "ipython", "cells.ipy"], cwd=at_work, **settings).stdout
    check(f"{flops.gemm(300, 100, 200):,} FLOPs in 1 call, " in said, said)
    command, = document("pytest")
    said = run(["sh", "-c", command], cwd=at_work, **settings).stdout
    check(re.search(rf"^{WORK_FLOPS:,} FLOPs in 1 test", said.replace(" more", ""), re.M), said)
