#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Tests that an operation has one price, whether it is called by Fortran, CBLAS or LAPACKE, row-major or column-major. It
must never state a price: forms are compared with one another and with `flopshim-report explain`.

For every form, the shim must read each argument of a shape (descriptors.c) where the installed headers declare the
parameter of that name. No shape has the matrix layout, so forms with the same arguments have the same price. Called with
random arguments under the shim (call_forms.c), each form must charge what `explain` says. Some operations are also called
in the real libraries (forms.c).

    tests/interfaces/test_forms.py
Environment: FLOPSHIM_BUILD, the directory that `make` builds in (default: build).
"""

import glob
import json
import os
import random
import re
import subprocess
import sys
import tempfile
from collections import Counter

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests"))
from suite import Suite  # noqa: E402

BUILD = os.path.abspath(os.environ.get("FLOPSHIM_BUILD", os.path.join(ROOT, "build")))

# Calls of one operation in forms.c: Fortran and CBLAS twice; Fortran, LAPACKE twice and LAPACKE's _work twice.
BLAS_FORMS, LAPACK_FORMS = 3, 5
LAPACK = "dgesv dgetrf dgeqrf zpotrf dsyev zheev dgesvd dlange".split()
OPERATIONS = {"dgemm": 9, "zgemm": 9, "dgemv": 3, "dgbmv": 3, "dger": 3, "dtrsm": 16, "dsymm": 16, "zherk": 16,
              "dtrmv": 16, **dict.fromkeys(LAPACK, 4)}
SEEDS = range(1, 6)

HEADERS = ("cblas", "lapack", "lapacke")
# Parameters that have another name in the headers than in LAPACK.
SYNONYMS = {"transa": "trans", "ctrans": "trans", "corder": "order", "crows": "m", "ccols": "n",
            "LAPACKE_?hsein job": "side", "LAPACKE_?pbstf kb": "kd", "cblas_?gemmt m": "n"}
# The classes of c-prototypes.txt as a header would write them.
WRITTEN = {"enum": "CBLAS_ENUM", "enum*": "CBLAS_ENUM *", "pointer": "void *", "int*": "int *", "complex8": "float complex",
           "complex16": "double complex"}
VECTOR_REGISTERS = 8  # floating-point arguments that can be passed by value

LARGEST, SHAPES = 40, 2  # the largest dimension of random calls, and the number of calls of each form
LARGEST_64 = 2 ** 40
CALLS = 2000  # calls in one process; the shim can follow only so many results of dlsym
LETTERS = "NTCULRVASIBEFMOP1"
ENUMS = {"trans": {"N": 111, "T": 112, "C": 113}, "uplo": {"U": 121, "L": 122}, "diag": {"N": 131, "U": 132},
         "side": {"L": 141, "R": 142}, "order": {"R": 101, "C": 102}, "identifier": {"A": 161, "B": 162}}


def descriptors(work):
    """{symbol: (routine, {argument: how it is read, and its slot among the integers and pointers})}"""
    program = os.path.join(work, "descriptors")
    generated = os.path.join(BUILD, "gen")
    subprocess.run(["cc", "-std=gnu11", "-I" + ROOT, "-I" + generated, "-o", program,
                    os.path.join(HERE, "descriptors.c"), os.path.join(generated, "tables.c")], check=True)
    lines = subprocess.run([program], capture_output=True, text=True, check=True).stdout.splitlines()
    return {symbol: (routine, dict(argument.split("=") for argument in arguments))
            for symbol, routine, *arguments in (line.split() for line in lines)}


def declarations():
    """{symbol: [parameter]} as the preprocessed headers write them, and as c-prototypes.txt has them of newer headers."""
    found = {}
    with open(os.path.join(HERE, "c-prototypes.txt"), encoding="ascii") as file:
        for symbol, _, *parameters in (line.split() for line in file if not line.startswith("#")):
            found[symbol] = [" ".join(WRITTEN.get(word, word) for word in parameter.split(":")) for parameter in parameters]
    for header in HEADERS:
        with open(os.path.join(BUILD, "gen", header + ".i"), encoding="utf-8") as file:
            for symbol, parameters in re.findall(r"\b(cblas_\w+|LAPACKE_\w+|[a-z]\w*_)\s*\(([^()]*)\)", file.read()):
                found.setdefault(symbol, [" ".join(parameter.split()) for parameter in parameters.split(",")])
    return found


def lapack_name(symbol, name):
    """LAPACK's name of a parameter of this symbol."""
    generic = re.sub(r"_[sdcz](\w+?)(_work)?$", r"_?\1", symbol)
    return SYNONYMS.get(f"{generic} {name}") or SYNONYMS.get(name, name.removesuffix("_array"))


def class_of(declared):
    """The name that descriptors.c has for a type, or "value" for a type that is passed in vector registers."""
    pointer = "*" if re.search(r"[*\[]", declared) else ""
    for words, name in (("char", "char"), ("CBLAS_", "enum"), ("float|double", "value"), ("int|logical", "int")):
        if re.search(words, declared):
            return "pointer" if pointer and name == "value" else name + pointer
    return "pointer"


def declared_slots(symbol, parameters):
    """{argument: how it is passed and its slot}, with each argument under LAPACK's name and under the header's."""
    slots, integers, values = {}, 0, 0
    for parameter in parameters:
        declared, name, array = re.fullmatch(r"(.*?)(\w+) ?(\[\w*\])?", parameter).groups()
        passed = class_of(declared + (array or ""))
        if passed == "value":
            values += 2 if "complex" in declared and "double" in declared else 1
            assert values <= VECTOR_REGISTERS, symbol
            continue
        for key in (lapack_name(symbol, name.lower()), name.lower()):
            slots[key] = f"{passed}@{integers}"
        integers += 1
    return slots


def check_descriptors(suite, forms, headers):
    """The shim reads each argument from the slot that the headers declare, and nearly all forms are declared."""
    for symbol in forms.keys() & headers.keys():
        slots = declared_slots(symbol, headers[symbol])
        for argument, read in forms[symbol][1].items():
            wanted = slots.get(argument)
            suite.check(read.replace("logical", "int") == wanted or read.startswith("absent") and not wanted,
                        f"{symbol}: {argument} is read from {read}, but declared as {wanted}")
    unseen = [symbol for symbol in forms.keys() - headers.keys() if symbol.startswith(("cblas_", "LAPACKE_"))]
    suite.check(len(unseen) <= 20, f"no header declares these, more than 20: {' '.join(sorted(unseen))}")


def symbol_64(symbol):
    """The symbol of the same form with 64-bit integers."""
    return symbol + "64_"


def random_dimension(largest):
    """A random dimension. Only one in four is large, since otherwise every price would saturate."""
    return random.randrange(LARGEST if random.randrange(4) else largest)


def random_call(symbol, reads, largest):
    """A random call, as a line for call_forms and as arguments for `flopshim-report explain`."""
    call, question = [symbol], []
    for argument, read in reads.items():
        passed, slot = read.split("@")
        if passed == "absent":
            continue
        if passed.startswith("int"):
            # Each group has dimensions in arrays, which call_forms cannot pass.
            value = code = 1 if argument == "group_count" else random_dimension(largest)
        elif passed.startswith("logical"):
            value = random.choice("FT")
            code = "FT".index(value)
        elif passed == "enum":
            codes = next(codes for name, codes in ENUMS.items() if argument.startswith(name))
            value, code = random.choice(list(codes.items()))
        else:
            value = random.choice(LETTERS)
            code = ord(value)
        call.append(f"{slot}={'*' if passed.endswith('*') else ''}{code}")
        question.append(f"{argument}={value}")
    return " ".join(call), " ".join(question)


def explained(questions):
    run = subprocess.run([os.path.join(BUILD, "flopshim-report"), "explain", "--json"], capture_output=True, text=True,
                         input="".join(line + "\n" for line in questions))
    return [json.loads(line) for line in run.stdout.splitlines()]


def is_charged(routine):
    """Whether calls of a routine are charged. The b2st kernels are not: threads of sytrd_sb2st call them as a part of it."""
    return "b2st_kernels" not in routine


def check_charges(suite, forms, work):
    """Each form, called as a function that does nothing, charges what `explain` says."""
    library, program = os.path.join(work, "libforms.so"), os.path.join(work, "call_forms")
    source = os.path.join(work, "forms_library.c")
    with open(source, "w", encoding="ascii") as file:
        file.writelines(f"long {name}(void) {{ return 0; }}\n" for symbol in forms for name in (symbol, symbol_64(symbol)))
    subprocess.run(["cc", "-w", "-shared", "-fPIC", "-fno-builtin", "-o", library, source], check=True)
    subprocess.run(["cc", "-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-o", program, os.path.join(HERE, "call_forms.c"),
                    "-Wl,--no-as-needed", library, "-Wl,-rpath," + work, "-ldl"], check=True)
    random.seed(1)
    made = [(routine, *random_call(name, reads, largest))
            for symbol, (routine, reads) in forms.items() if is_charged(routine)
            for name, largest in ((symbol, LARGEST), (symbol_64(symbol), LARGEST_64)) for _ in range(SHAPES)]
    lines = [call + "\n" for _, call, _ in made]
    report = run([program], work, ["".join(lines[i:i + CALLS]) for i in range(0, len(lines), CALLS)])
    calls, flops, words = Counter(), Counter(), Counter()
    for (routine, call, _), price in zip(made, explained([f"{routine} {question}" for routine, _, question in made])):
        suite.check("flops" in price or price["kind"] == "unpriced", f"{call}: {price}")
        calls[routine] += 1
        flops[routine] += price.get("flops", 0)
        words[routine] += price.get("words", 0)
    charged = {row["routine"]: row for row in report["routines"]}
    for routine in calls:
        row = charged.get(routine, {})
        found = tuple(row.get(name) for name in ("calls", "flops", "words"))
        suite.check(found == (calls[routine], flops[routine], words[routine]),
                    f"{routine}: calls, FLOPs and words are {found}, but explain says "
                    f"{calls[routine], flops[routine], words[routine]}")


def run(command, work, inputs=("",)):
    """The report of one run of the command for each of the inputs."""
    for old in glob.glob(os.path.join(work, "*.dump")):
        os.remove(old)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FLOPSHIM_")}
    environment |= {"LD_PRELOAD": os.path.join(BUILD, "libflopshim.so"), "FLOPSHIM_OUT": work}
    for text in inputs:
        subprocess.run(command, env=environment, input=text, text=True, check=True)
    report = subprocess.run([os.path.join(BUILD, "flopshim-report"), "--json", "--top", "all", work],
                            capture_output=True, text=True, check=True).stdout
    return json.loads(report)


def check_run(suite, report, seed):
    """The forms of an operation are calls of one shape, so the calls of each shape are a multiple of the number of forms."""
    calls = Counter()
    for shape in report["shapes"]:
        routine = shape["routine"]
        forms = LAPACK_FORMS if routine in LAPACK else BLAS_FORMS
        calls[routine] += shape["calls"]
        suite.check(shape["calls"] % forms == 0 and shape["flops"] % shape["calls"] == 0,
                    f"seed {seed}: {routine} {shape['arguments']}: {shape['calls']} calls, {shape['flops']} FLOPs")
    for routine, operations in OPERATIONS.items():
        forms = LAPACK_FORMS if routine in LAPACK else BLAS_FORMS
        suite.check(calls[routine] == operations * forms, f"seed {seed}: {calls[routine]} calls of {routine}")


def main():
    suite = Suite()
    with tempfile.TemporaryDirectory() as work:
        forms = descriptors(work)
        with suite.case("descriptors"):
            check_descriptors(suite, forms, declarations())
        with suite.case("charges"):
            check_charges(suite, forms, work)
        program = os.path.join(work, "forms")
        multiarch = subprocess.run(["cc", "-print-multiarch"], capture_output=True, text=True, check=True).stdout.strip()
        subprocess.run(["cc", "-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-O1", f"-I/usr/include/{multiarch}",
                        "-o", program, os.path.join(HERE, "forms.c"), "-llapacke", "-llapack", "-lblas"], check=True)
        for seed in SEEDS:
            with suite.case(f"real libraries, seed {seed}"):
                check_run(suite, run([program, str(seed)], work), seed)
    return suite.end()


if __name__ == "__main__":
    sys.exit(main())
