# SPDX-License-Identifier: BSD-3-Clause
"""%flops and %%flops: IPython's magics that count the FLOPs of a statement or a cell.

They must never change what the code does: without the shim they run it, and say that nothing is counted.
"""

import ast
import os
import sys
import time

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_cell_magic, magics_class, needs_local_scope

import flopshim

from .report import rows_of
from .texts import TOP, html_table, number, rate, seconds, shape, table

UNBOUNDED = 2**62  # budget of a scope that only measures: a scope without any has no sum of its own
ABSENT = ("flopshim is not loaded in this process, and nothing is counted: start it with `flopshim ipython`, or the "
          "notebook's server with `flopshim jupyter notebook`")
OPTIONS = "n:qo"
USAGE = "expected %flops [-q] [-o] [-n NAMESPACE] STATEMENT, or %%flops with these options above a cell"


class FlopsResult:
    """What a statement or a cell has done under %flops; `%flops -o` returns it.

    flops      FLOPs of its BLAS and LAPACK calls and of its charges, an exact integer, before weights and multipliers
    charged    the same after weights and multipliers
    calls      how many calls have ended, and charges
    seconds    the time that it took, in seconds, by the clock on the wall
    gflops     10^9 FLOPs per second of that time
    namespace  what it was charged to
    rows       a dict for each routine and shape, most FLOPs first: `routine`, `arguments` (None if the shapes are not
               known), `calls`, `flops`, `charged`, and `estimated_time_ns`, the time in these calls
    remark     a sentence on what is not in rows, or None
    value      what the statement, or the last line of the cell, has returned

    flops, charged, calls and gflops are None where the process is not under flopshim."""

    def __init__(self, namespace, took):
        self.namespace, self.seconds = namespace, took
        self.flops = self.charged = self.calls = self.remark = self.value = None
        self.rows = []

    @property
    def gflops(self):
        return None if self.flops is None or not self.seconds else self.flops / self.seconds / 1e9

    def _summary(self):
        if self.flops is None and self.charged is not None:
            return f"{self.charged:,} FLOPs charged, {seconds(self.seconds)}"
        if self.flops is None:
            return f"not counted, {seconds(self.seconds)}"
        charged = "" if self.charged == self.flops else f" ({self.charged:,} charged)"
        return (f"{self.flops:,} FLOPs{charged} in {self.calls:,} call{'' if self.calls == 1 else 's'}, "
                f"{seconds(self.seconds)}, {rate(self.gflops)} GFLOP/s")

    def _cells(self):
        return [[row["routine"], shape(row["arguments"]), f"{row['calls']:,}", number(row["flops"]),
                 "" if row.get("estimated_time_ns") is None else seconds(row["estimated_time_ns"] / 1e9)]
                for row in self.rows]

    def __str__(self):
        lines = [self._summary()]
        if self.rows:
            lines += table(["routine", "shape", "calls", "FLOPs", "time in it"], self._cells()[:TOP], 2)
        if len(self.rows) > TOP:
            lines.append(f"... and {len(self.rows) - TOP:,} more")
        return "\n".join([*lines, *([self.remark] if self.remark else [])])

    def __repr__(self):
        return f"<flops of {self.namespace}: {self._summary()}>"

    def _repr_html_(self):
        title = self._summary() + (f". {self.remark}" if self.remark else "")
        return html_table(title, [("by routine and shape", 2, ["routine", "shape", "calls", "FLOPs", "time in it"],
                                   self._cells())])


# ---- what a namespace has done ----


def _is_inside(name, path):
    return name == path or name.startswith(path + ".")


def _operations(path):
    """{operation: (calls, FLOPs, charged)} of a namespace and those inside it."""
    sums = {}
    for name, space in flopshim.summary_dict(by_namespace=True)["namespaces"].items():
        if _is_inside(name, path):
            for operation, row in space["operations"].items():
                old = sums.get(operation, (0, 0, 0))
                sums[operation] = tuple(a + row[key] for a, key in zip(old, ("calls", "flops", "charged")))
    return sums


def _shapes(path):
    """{(operation, arguments): (calls, FLOPs, charged, time)} of a namespace and those inside it, from the dump of this
    process; None if that cannot be read. The time is None if it is not known."""
    dump = flopshim.dump_path()
    if dump is None or not os.path.exists(dump):
        return None
    try:
        rows = rows_of([dump])
    except flopshim.ReportError:
        return None
    sums = {}
    for row in rows:
        if _is_inside(row["namespace"], path):
            key = row["routine"], tuple(row["arguments"].items())
            old = sums.get(key, (0, 0, 0, 0))
            calls = row["calls"] + row["manual_charges"]
            sums[key] = (old[0] + calls, old[1] + row["flops"], old[2] + row["charged"],
                         _added(old[3], row["estimated_time_ns"]))
    return sums


def _added(a, b):
    return None if a is None or b is None else a + b


def _differences(before, after):
    """{key: numbers}: what has been added to the sums, where that is anything."""
    found = {}
    for key, numbers in after.items():
        old = before.get(key, (0,) * len(numbers))
        new = tuple(None if a is None or b is None else a - b for a, b in zip(numbers, old))
        if any(new[:3]):
            found[key] = new
    return found


class _Measured(flopshim.budget):
    """A scope that counts what is charged inside of it, and refuses nothing."""

    def __init__(self, name):
        super().__init__(UNBOUNDED, name)

    def _begin(self):
        return self._open(self._flops, 0)


class _Measurement:
    """What a block does: `with _Measurement(namespace) as m: ...`, and then m.result."""

    def __init__(self, namespace):
        self.path = flopshim._absolute(namespace.encode()).decode().lstrip(".")
        self.result = None

    def __enter__(self):
        self._under_shim = flopshim.present()
        if self._under_shim:
            self._scope = _Measured("." + self.path)
            self._scope.__enter__()
            # A namespace that has done nothing yet has no rows, and the dump need not be read.
            is_new = not (flopshim.calls(None) or flopshim.used(None))
            self._shapes = {} if is_new else _shapes(self.path)
            self._operations, self._resets = _operations(self.path), flopshim._resets
        self._start = time.perf_counter()
        return self

    def __exit__(self, kind, error, traceback):
        self.result = FlopsResult(self.path, time.perf_counter() - self._start)
        if not self._under_shim:
            return
        try:
            self._scope.__exit__(kind, error, traceback)
        finally:
            self._fill(self.result)

    def _fill(self, result):
        used = self._scope.used
        if self._resets != flopshim._resets:
            result.remark = "It has called flopshim.reset(), so that its FLOPs and routines are not known any more."
            result.charged = used
            return
        operations = _differences(self._operations, _operations(self.path))
        result.calls, result.flops, result.charged = (sum(row[i] for row in operations.values()) for i in range(3))
        if used > result.charged:
            result.remark = f"{used - result.charged:,} more were charged to namespaces outside of {self.path}."
        after = None if self._shapes is None else _shapes(self.path)
        rows = {} if after is None else _differences(self._shapes, after)
        by_operation = {}
        for (operation, _arguments), row in rows.items():
            old = by_operation.get(operation, (0, 0, 0))
            by_operation[operation] = tuple(a + b for a, b in zip(old, row))
        if by_operation != operations:  # a dump may be some seconds behind where it is on a network file system
            rows = {(operation, None): (*row, None) for operation, row in operations.items()}
            result.remark = " ".join(filter(None, [result.remark, "The shapes are not known, since the dump of this process "
                                                   "cannot be read here."]))
        result.rows = [{"routine": operation, "arguments": None if arguments is None else dict(arguments), "calls": row[0],
                        "flops": row[1], "charged": row[2], "estimated_time_ns": row[3]}
                       for (operation, arguments), row in sorted(rows.items(), key=lambda item: -item[1][1])]


# ---- the magics ----


@magics_class
class FlopsMagics(Magics):
    """The magics that `%load_ext flopshim` brings."""

    @needs_local_scope
    @line_cell_magic
    def flops(self, line="", cell=None, local_ns=None):
        """Count the FLOPs of a statement or of a cell.

            %flops [-q] [-o] [-n NAMESPACE] STATEMENT
            %%flops [-q] [-o] [-n NAMESPACE]
            CODE

        It prints the FLOPs of its BLAS and LAPACK calls and charges, how many these are, the time that it took by the clock on
        the wall, 10^9 FLOPs per second of that time, and a table by routine and shape. It returns the value of the statement,
        or of the last line of the cell, as %time does. The work of other processes that it starts is not counted.

        -n NAMESPACE  charge it to this namespace; without it, to one for the input, such as In:3
        -q            print nothing
        -o            return an object with the numbers, in place of the value (which it has, as `value`)

        A statement that begins with a dash stands behind --.
        """
        options, code = self.parse_options(line, OPTIONS, posix=False, strict=False, preserve_non_opts=True)
        if cell is not None and code.strip():
            raise UsageError(f"{code.strip()}: %%flops takes its code from the lines below; {USAGE}")
        code = code if cell is None else cell
        if not code.strip():
            raise UsageError(f"no statement is given; {USAGE}")
        run = self._compiled(code, local_ns)
        measurement = _Measurement(options.get("n", f"In:{self.shell.execution_count}"))
        try:
            with measurement:
                value = run()
        except ValueError:
            if measurement.result is None:  # the block was never entered
                raise UsageError(f"-n {options.get('n')}: not a name of a namespace; expected one such as train.forward") \
                    from None
            raise
        finally:
            if measurement.result is not None and "q" not in options:
                self._show(measurement.result)
        measurement.result.value = value
        return measurement.result if "o" in options else value

    def _show(self, result):
        sys.stdout.flush()
        if flopshim.present():
            print(result)
        else:
            print(ABSENT, file=sys.stderr)

    def _compiled(self, code, local_ns):
        """A function that runs the code in the user's namespace, and returns the value of its last line if that is an
        expression. An error in the code's syntax is raised here, before anything is measured."""
        shell = self.shell
        tree = shell.transform_ast(shell.compile.ast_parse(shell.transform_cell(code)))
        name = shell.compile.cache(code, shell.execution_count)  # which tracebacks show lines of
        last = None
        if tree.body and isinstance(tree.body[-1], ast.Expr):
            last = shell.compile(ast.Expression(tree.body.pop().value), name, "eval")
        first = shell.compile(tree, name, "exec") if tree.body else None
        spaces = [shell.user_ns] if local_ns is None or local_ns is shell.user_ns else [shell.user_ns, local_ns]

        def run():
            if first is not None:
                exec(first, *spaces)
            return None if last is None else eval(last, *spaces)

        return run
