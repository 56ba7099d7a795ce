# SPDX-License-Identifier: BSD-3-Clause
"""Makes calls of Fortran routines with valid arguments: sizes, defaults, contents and workspace.

It must never know what a routine computes: inputs.py prepares arrays that need more than random numbers."""

import ctypes
import mmap
import os
import re
import struct
import tempfile

from . import counting

BUFFER, SELECT_SINGLE, SELECT_DOUBLE = 0, 1, 2

OPTION_DEFAULTS = {
    "uplo": "U", "side": "L", "norm": "1", "direct": "F", "storev": "C", "type": "G", "range": "A",
    "order": "E", "howmny": "A", "joba": "C", "pivot": "V", "job": "B", "id": "I", "way": "C",
    "signs": "D", "gesvj.joba": "G", "hseqr.job": "E", "orgbr.vect": "Q", "ungbr.vect": "Q",
    "ormbr.vect": "Q", "unmbr.vect": "Q", "disna.job": "E", "hgeqz.job": "E",
    "gesvdq.joba": "H", "laqz0.wants": "E", "larzt.direct": "B", "larzt.storev": "R",
    "larzb.direct": "B", "larzb.storev": "R", "trsen.job": "N",
}
DIMENSION_DEFAULTS = {
    "ncc": 0, "lascl.kl": 0, "lascl.ku": 0,
    "itype": 1, "isgn": 1, "nrhs": 1, "il": 1, "ilo": 1, "iloz": 1, "idist": 3, "kacc22": 2, "icompq": 0,
    "ijob": 0, "nsweep": 1, "k1": 1, "j1": 1, "n1": 1, "n2": 1, "ifst": 1, "itrans": 0, "iuplo": 1, "mv": 0,
    "ncvt": 0, "nru": 0, "tgsja.k": 0, "tgsja.l": 0, "sqre": 0, "smlsiz": 25, "nsplit": 1, "offset": 0, "na": 1,
    "nw": 1, "ioffset": 0, "whtsvd": 1, "nrnk": -1,
}
REAL_DEFAULTS = {
    "alpha": 1.0, "beta": 1.0, "scal.alpha": 0.7, "csscal.alpha": 0.7, "c": 0.6, "s": 0.8, "tau": 1.3,
    "abstol": 0.0, "anorm": 1.0, "bnorm": 1.0, "cnorm": 1.0, "cfrom": 1.0, "cto": 2.0, "vl": 0.0, "vu": 1e30,
    "rcond": 1e-12, "tol": 1e-5, "tola": 1e-12, "tolb": 1e-12, "sfmin": 1.2e-38, "safmin": 1.2e-38,
    "smlnum": 1.2e-38, "bignum": 1e30, "pivmin": 1e-30, "smin": 1e-30, "eps": 6e-8, "eps3": 1e-7, "rho": 1.0,
    "rowcnd": 0.01, "colcnd": 0.01, "scond": 0.01, "amax": 1.0, "ca": 1.0, "gaptol": 0.0, "spltol": 1e-7,
    "tnrm": 1.0, "reltol": 1e-8, "rtol": 1e-8, "rtol1": 1e-3, "rtol2": 1e-8, "minrgp": 1e-3, "spdiam": 100.0,
    "clgapl": 1.0, "clgapr": 1.0, "maxc2nrm": 1.0,
}
COPIES_OF_N = ("iu", "ihi", "ihiz", "mm", "nzc", "ilst", "k2", "kmax", "kmaxfree")

# Arrays of integers, and integer scalars that are read and written. Other arrays have the routine's type.
INTEGER_ARRAYS = set(
    "bwork coltyp ctot givcol givptr iblock idx idxc idxp idxq ifail ifaill ifailr in index indexw indx "
    "indxc indxp indxq inode ipiv ipiv2 iq isave iseed isgn isplit isuppz iwork jpiv jpvt kp1 nab ndiml "
    "ndimr nval perm piv prmptr qptr select kase info m ns nsplit iter rank desel_rows sel_desel_cols".split())

# Arrays whose precision is not that of the routine's letter: those that are single, and those that are double.
SINGLE_ARRAYS = {"dsdot": "x y sx sy", "slag2d": "sa", "clag2z": "sa"}
DOUBLE_ARRAYS = {"dlag2s": "a", "zlag2c": "a", "dlat2s": "a", "zlat2c": "a"}


class Rejected(Exception):
    """The routine does not accept these arguments."""


def packed_size(n):
    return n * (n + 1) // 2


class Array:
    """Zeroed memory with views of its integers and real numbers. Elements are complex if letter is c or z."""

    def __init__(self, elements, letter):
        self.letter = letter
        self.size = max(4096, 16 * elements)        # the largest element type: always enough
        self.memory = mmap.mmap(-1, self.size)
        self.pointer = (ctypes.c_char * self.size).from_buffer(self.memory)
        self.integers = memoryview(self.memory).cast("i")
        self.reals = memoryview(self.memory).cast("f" if letter in "sc" else "d")
        self.filled = 0                             # the bytes behind these are 0

    def part(self, offset):
        """Returns an Array of the same memory, from a byte offset on."""
        part = object.__new__(Array)
        part.letter, part.size, part.filled = self.letter, self.size - offset, self.size - offset
        part.memory = self.memory
        part.pointer = (ctypes.c_char * part.size).from_buffer(self.memory, offset)
        return part

    @property
    def parts(self):
        """How many real numbers an element has."""
        return 2 if self.letter in "cz" else 1

    @property
    def element_bytes(self):
        return {"s": 4, "d": 8, "c": 8, "z": 16}[self.letter]

    def contents(self):
        return self.memory[:self.filled].rstrip(b"\0")

    def set(self, index, value, imaginary=0.0):
        self.filled = max(self.filled, (index + 1) * 16)
        self.reals[index * self.parts] = value
        if self.parts == 2:
            self.reals[index * 2 + 1] = imaginary

    def get(self, index):
        return self.reals[index * self.parts]

    def set_integers(self, values):
        values = list(values)
        self.filled = max(self.filled, 4 * len(values))
        for index, value in enumerate(values):
            self.integers[index] = value

    def copy_from(self, other):
        self.memory[:min(self.size, other.size)] = other.memory[:min(self.size, other.size)]
        self.filled = max(self.filled, min(self.size, other.filled))


class Library:
    """The reference BLAS and LAPACK, loaded into this process to prepare arguments."""

    def __init__(self, paths):
        self.paths = paths
        with tempfile.TemporaryDirectory(prefix="measure-flops-") as directory:
            helper = os.path.join(directory, "helper.so")
            counting.build_driver(helper, ["-shared", "-fPIC"])
            # The helper is loaded before the libraries, so that these find its XERBLA.
            self.helper = ctypes.CDLL(helper, mode=ctypes.RTLD_GLOBAL)
        self.rejected = ctypes.c_int.in_dll(self.helper, "measure_rejected_argument")
        self.rejected_by = (ctypes.c_char * 32).in_dll(self.helper, "measure_rejected_by")
        # A single library is not loaded globally: another one with the same routines would get its symbols.
        self.loaded = [ctypes.CDLL(path, mode=ctypes.RTLD_GLOBAL if len(paths) > 1 else 0) for path in paths]

    def symbol(self, name):
        for library in reversed(self.loaded):
            try:
                return getattr(library, name + "_")
            except AttributeError:
                pass
        raise LookupError(f"{name}: not in {' or '.join(self.paths)}")

    def has(self, name):
        return any(hasattr(library, name + "_") for library in self.loaded)


class Call:
    """One call of a routine. values: {name: value} of the arguments that are given; data: words for inputs.py, such as
    {"pivoting": "no"}."""

    def __init__(self, session, routine, values, data=None):
        self.session, self.routine, self.data = session, routine, data or {}
        self.name, self.letter = routine.name, routine.letter
        self.given = values
        self.values, self.arrays, self.own = {}, {}, set()
        self._resolve_values()
        self.order = self._order()
        self._allocate()

    # What the arguments are

    @property
    def complex(self):
        return self.letter in "cz"

    @property
    def precision(self):
        return "s" if self.letter in "sc" else "d"

    def __getitem__(self, name):
        return self.values[name]

    def has(self, name):
        return any(argument.name == name for argument in self.routine.arguments)

    def _resolve_values(self):
        for name, kind in self.routine.arguments:
            if kind in "pwnfqQ" and not isinstance(self.given.get(name), (int, float, str)):
                continue
            if kind in "os":
                self.values[name] = self._option(name)
            elif kind == "b":
                self.values[name] = str(self.given.get(name, "T")).upper()[0]
            elif kind in "dD":
                self.values[name] = self._dimension(name)
            elif kind in "xr":
                self.values[name] = self._scalar_value(name, kind)
            elif kind in "iqQ" and name in self.given:
                self.values[name] = int(self.given[name])

    def _scalar_value(self, name, kind):
        """Returns the value that is given, the default, or else a random normal number."""
        is_complex = kind == "x" and self.complex
        default = REAL_DEFAULTS.get(self.routine.family + "." + name, REAL_DEFAULTS.get(name))
        value = self.given.get(name, default)
        if value is not None:
            return complex(value) if is_complex else float(value)
        parts = Array(2, self.precision)
        self.session.random(parts, 2)
        return complex(*parts.reals[:2]) if is_complex else parts.reals[0]

    def _option(self, name):
        default = OPTION_DEFAULTS.get(self.routine.family + "." + name, OPTION_DEFAULTS.get(name, "N"))
        return str(self.given.get(name, default)).upper()[0]

    def _dimension(self, name):
        if name in self.given:
            return int(self.given[name])
        if name in COPIES_OF_N and "n" in self.given:
            return int(self.given["n"])
        if name == "m" and "n" in self.given:
            return int(self.given["n"])             # a square matrix
        for key in (self.routine.family + "." + name, name):
            if key in DIMENSION_DEFAULTS:
                return DIMENSION_DEFAULTS[key]
        raise Rejected(f"{self.name}: needs a value for {name}")

    def _order(self):
        """Returns a length that is enough for every leading dimension."""
        dimensions = {a.name: self.values[a.name] for a in self.routine.arguments if a.kind in "dD"}
        widest = max([1, *dimensions.values()])
        band = sum(dimensions.get(name, 0) for name in ("kl", "kl", "ku")) + 2 * dimensions.get("kd", 0)
        parts = sum(dimensions.get(name, 0) for name in ("nl", "nr", "sqre"))
        return max(widest, band + 1, parts + 2)

    # Memory

    def _elements(self):
        """Returns a number of elements that is enough for every array: a matrix, or a workspace of a few matrices."""
        return min(4 * self.order * self.order, 1 << 25) + 128 * self.order + 4096

    def _element_letter(self, name):
        if name in SINGLE_ARRAYS.get(self.name, "").split():
            return "s" if self.letter in "sd" else "c"
        if name in DOUBLE_ARRAYS.get(self.name, "").split():
            return "d" if self.letter in "sd" else "z"
        return self.letter

    def _allocate(self):
        for name, kind in self.routine.arguments:
            if kind in "pwn" and name not in self.values:
                shared = self.given.get(name)
                self.arrays[name] = shared if isinstance(shared, Array) else \
                    Array(self._elements(), self._element_letter(name))
                if not isinstance(shared, Array):
                    self.own.add(name)

    def leading(self, name):
        """Returns the leading dimension of array `name`; 0 if it has none."""
        if not self.has("ld" + name):
            return 0
        return self.values.get("ld" + name, self.order)

    def fill(self):
        """Fills every array that is not for integers with random normal numbers."""
        for name, kind in self.routine.arguments:
            if kind == "p" and name in self.own and name not in INTEGER_ARRAYS:
                self.random(name)

    def random(self, name, distribution=3):
        array = self.arrays[name]
        leading = self.leading(name)
        if leading:
            elements = leading * self.order
        elif name in ("ap", "bp", "afp", "arf", "tf") or re.search(r"(pf|tf)", self.routine.family):
            elements = packed_size(self.order)
        else:
            elements = 4 * self.order + 64
        elements = min(elements, array.size // 16)
        self.session.random(array, elements, distribution)

    # Helpers of the preparations

    def at(self, name, row, column):
        """Returns the index of a matrix element; row and column count from 0."""
        return row + column * self.leading(name)

    def real_diagonal(self, name, n=None, value=None, row=None):
        """Makes the diagonal real, and sets its elements to `value` if that is given. row: the row of band storage that holds
        the diagonal."""
        self._set_diagonal(name, self._diagonal(name, n, row), value)

    def strong_diagonal(self, name, value, n=None, row=None):
        """Sets the diagonal to random numbers between `value` and twice that. Equal elements would make all columns of the
        inverse equally large, so that an estimator of its norm goes from one to the next."""
        self._set_diagonal(name, self._diagonal(name, n, row), value, strong=True)

    def packed_diagonal(self, name, value=None):
        self._set_diagonal(name, self._packed_diagonal(), value)

    def strong_packed_diagonal(self, name, value):
        self._set_diagonal(name, self._packed_diagonal(), value, strong=True)

    def _diagonal(self, name, n, row):
        return [self.at(name, j if row is None else row, j) for j in range(self["n"] if n is None else n)]

    def _packed_diagonal(self):
        n = self["n"]
        if self.values.get("uplo", "U") == "U":
            return [packed_size(j + 1) - 1 for j in range(n)]
        return [packed_size(n) - packed_size(n - j) for j in range(n)]

    def _set_diagonal(self, name, indices, value, strong=False):
        array, shares = self.arrays[name], Array(len(indices), self.precision)
        if strong:
            self.session.random(shares, len(indices), distribution=1)
        for share, index in zip(shares.reals, indices):
            array.set(index, array.get(index) if value is None else value * (1 + share))

    def array(self):
        """Returns an Array that is no argument of this call."""
        return Array(self._elements(), self.letter)

    def part(self, name, row, column):
        """Returns the Array that begins at a matrix element of array `name`."""
        array = self.arrays[name]
        return array.part(self.at(name, max(row, 0), max(column, 0)) * array.element_bytes)

    def copy(self, source, target):
        self.arrays[target].copy_from(self.arrays[source])

    def copy_reals(self, source, target):
        self.real_vector(target, source.reals[:self.order])

    def real_vector(self, name, values):
        """Fills an array that is real in complex routines too."""
        array = self.arrays[name]
        reals = array.reals
        count = 0
        for count, value in enumerate(values, 1):
            reals[count - 1] = value
        array.filled = max(array.filled, 8 * count)

    def run(self, stem, **given):
        """Calls another routine of the same type in this process, which does not count. An argument that is a string names
        an array of this call; one that is not given is this call's argument of the same name."""
        name = self.letter + stem
        if name not in self.session.routines and self.complex:
            name = self.letter + re.sub("^or", "un", re.sub("^op", "up", stem))
        if name not in self.session.routines:
            name = self.precision + stem
        routine = self.session.routines[name]
        values = {}
        for argument, kind in routine.arguments:
            value = given.get(argument)
            if value is None:
                value = self.values.get(argument, self.arrays.get(argument))
            elif isinstance(value, str) and value in self.arrays and kind in "pw":
                value = self.arrays[value]
            if kind in "wnqQ" and argument not in given:
                value = None
            if value is not None:
                values[argument] = value
            if argument.startswith("ld") and argument not in given:
                values[argument] = values.get(argument, self.order)
        call = Call(self.session, routine, values)
        call.order = max(call.order, self.order)
        call.execute()
        return call

    # Calling

    def _scalar(self, kind, value):
        real = "f" if self.precision == "s" else "d"
        if kind in "dDiqQ":
            return struct.pack("=q", value)
        if kind in "os":
            return value.encode()
        if kind == "b":
            return struct.pack("=q", value == "T")
        if kind == "x" and self.complex:
            return struct.pack("=" + 2 * real, value.real, value.imag)
        return struct.pack("=" + real, value)

    def pieces(self):
        """Returns (tag, size, content or Array) of every argument, in order."""
        pieces = []
        for name, kind in self.routine.arguments:
            if kind == "f":
                pieces.append((SELECT_SINGLE if self.precision == "s" else SELECT_DOUBLE, 0, b""))
            elif name in self.arrays:
                pieces.append((BUFFER, self.arrays[name].size, self.arrays[name]))
            else:
                value = self.values.get(name, self._other_integer(name))
                pieces.append((BUFFER, 64, self._scalar(kind, value)))
        return pieces

    def _other_integer(self, name):
        if name.startswith("inc"):
            return 1
        if name.startswith("ld"):
            return self.order
        if name.startswith("l") or name == "tsize":
            return self._elements()         # a workspace size that no query has told
        return 1

    @property
    def hidden_lengths(self):
        return sum(kind in "os" for _, kind in self.routine.arguments)

    def execute(self):
        """Calls the routine in this process. Returns INFO."""
        words = []
        for tag, size, content in self.pieces():
            if tag != BUFFER:
                name = "measure_select_single" if tag == SELECT_SINGLE else "measure_select_double"
                words.append(ctypes.cast(getattr(self.session.library.helper, name), ctypes.c_void_p))
            elif isinstance(content, Array):
                content.filled = content.size
                words.append(ctypes.byref(content.pointer))
            else:
                words.append(ctypes.create_string_buffer(content, size))
        words += [ctypes.c_size_t(1)] * self.hidden_lengths
        self.session.library.rejected.value = 0
        self.session.library.symbol(self.name)(*words)
        self.check_accepted(self.session.library.rejected.value, self.session.library.rejected_by.value.decode())
        return self.arrays["info"].integers[0] if "info" in self.arrays else 0

    def check_accepted(self, rejected, by):
        """Raises Rejected if XERBLA was called. rejected: the number of the argument, 0 if it was not called; by: the routine
        that called it."""
        if not rejected:
            return
        known = [argument.name for argument in self.routine.arguments]
        own = by.lower() == self.name and 0 < rejected <= len(known)
        name = f" ({known[rejected - 1]})" if own else ""
        raise Rejected(f"{by.lower()} does not accept its argument {rejected}{name}")

    def ask_for_workspace(self):
        """Makes a workspace query and sets the sizes. A routine without queries gets more than it can need."""
        sizes = [(name, kind) for name, kind in self.routine.arguments if kind in "qQ" and name not in self.values]
        if not sizes:
            return
        saved = {name: self.arrays[name].contents() for name in self.arrays}
        try:
            self.values.update((name, -1) for name, _ in sizes)
            self.execute()
            answers = {name: self._workspace_answer(name) for name, _ in sizes}
        except Rejected:
            answers = {}
        for name, content in saved.items():
            array = self.arrays[name]
            array.memory[:array.size] = content + bytes(array.size - len(content))
            array.filled = len(content)
        for name, _ in sizes:
            answer = answers.get(name, 0)
            self.values[name] = answer if answer > 0 else self._elements()
            if answer > self._elements():
                self.arrays[self._sized_by(name)] = Array(answer, self.letter)

    @staticmethod
    def _sized_by(size_name):
        """Returns the name of the array whose length this argument is."""
        named = {"tsize": "t", "ltb": "tb", "lhous2": "hous2", "ldswork": "swork"}     # ldswork: its rows
        return named.get(size_name, size_name[1:])

    def _workspace_answer(self, size_name):
        array = self.arrays.get(self._sized_by(size_name))
        if array is None:
            return 0
        return array.integers[0] if size_name == "liwork" else int(array.reals[0])


class Session:
    """What calls are made from: the library, the routine table and the random numbers."""

    def __init__(self, library, routines, seed=1):
        self.library, self.routines = library, routines
        self.seed(seed)

    def seed(self, seed):
        self.iseed = (ctypes.c_int * 4)(seed % 4096, 1234, (seed * 97) % 4096, 2 * seed + 1)

    def random(self, array, elements, distribution=3):
        """Fills an array with LARNV: 1 uniform (0,1), 2 uniform (-1,1), 3 normal."""
        reals = elements * array.parts
        generator = self.library.symbol("slarnv" if array.letter in "sc" else "dlarnv")
        generator(ctypes.byref(ctypes.c_int(distribution)), self.iseed, ctypes.byref(ctypes.c_int(reals)),
                  ctypes.byref(array.pointer))
        array.filled = max(array.filled, elements * array.element_bytes)
