# SPDX-License-Identifier: BSD-3-Clause
"""flopshim.Report: what dumps say, for Python programs and notebooks.

It must never compute what flopshim-report computes: it reads the JSON of that.
"""

import json
import os
import warnings

from . import programs
from .texts import html_table, number, rate, seconds, shape

INCOMPLETE = 5  # exit status of flopshim-report where the input is incomplete or damaged
FRACTIONS = {"gflops", "of_peak", "flops_per_word"}  # columns that are no integers, beside those whose name ends in "share"


class ReportError(RuntimeError):
    """flopshim-report could not read the dumps.

    sentence  what it said on standard error
    status    its exit status: 1 a file cannot be opened or dumps do not fit together, 5 nothing of the input could be
              read, 127 flopshim-report or a library that it needs is missing
    """

    def __init__(self, sentence, status):
        super().__init__(sentence, status)
        self.sentence, self.status = sentence, status

    def __str__(self):
        return f"{self.sentence} (flopshim-report, status {self.status})"


class ReportWarning(UserWarning):
    """The dumps could be read, and flopshim-report has a remark on them: what is incomplete, for instance."""


def _ask(*arguments):
    """Returns what flopshim-report writes, and its remark; raises ReportError."""
    try:
        done = programs.report(*arguments)
    except programs.NoProgram as error:
        raise ReportError(str(error), programs.NOT_FOUND) from None
    said = programs.sentence(done.stderr)
    if done.returncode not in (0, INCOMPLETE):
        raise ReportError(said or "it ended without a word", done.returncode)
    return done.stdout.decode(errors="replace"), said


def rows_of(names, *options):
    """The rows that all tables are made of: a list of dicts. Raises ReportError."""
    text, _said = _ask("export", "--to", "jsonl", *options, "--", *names)
    return [json.loads(line) for line in text.split("\n") if line]


def _paths(paths):
    if paths is None:
        return ["."]
    if isinstance(paths, (str, bytes, os.PathLike)):
        paths = [paths]
    names = [os.fsdecode(path) for path in paths]
    if not names:
        raise ValueError("no dump was given: name one, or a folder that has some")
    return names


def _table(name, text):
    """A property for a table of the JSON, with its docstring."""
    def read(self):
        return self._json[name]

    read.__doc__ = text
    return property(read)


class Report:
    """What some dumps say, added up.

        report = flopshim.Report("run.dump")          # a path, a list of paths, a folder, or a page (.html)
        report.flops, report.calls, report.seconds
        report.to_pandas("routines")

    paths    None reads the dumps of the current folder
    last     True: of the runs whose dumps are found, only the one that began last
    reprice  True: price every shape by the routine table of the flopshim-report that reads

    Tables are lists of dicts, a dict for each row, with the members that `flopshim-report --json` has. In all of them FLOPs
    are raw, that is, what the dimensions call for; `charged` is after weights and multipliers; times are nanoseconds, and
    `estimated_time_ns` is an estimate where not every call was timed; `share` is a part of the total, from 0 to 1; `gflops`
    is in 10^9 FLOPs per second of the timed calls. Counts of FLOPs and calls are exact integers of any size. None means
    that something is not known.

    Raises ReportError if the dumps cannot be read. What is incomplete gives a report and a ReportWarning; `complete` is
    False then, and numbers are those of what could be read."""

    def __init__(self, paths=None, *, last=False, reprice=False):
        self._names = _paths(paths)
        self._options = [*(["--last"] if last else []), *(["--reprice"] if reprice else [])]
        self._json, said = self._read("report", "--json", "--top", "all")
        if not self._json["process_list"]:
            raise ReportError(said or "there is no process in these dumps", INCOMPLETE)
        if said:
            warnings.warn(said, ReportWarning, stacklevel=2)
        self._rows = None

    def _read(self, command, *options):
        text, said = _ask(command, *options, *self._options, "--", *self._names)
        return json.loads(text), said

    # ---- numbers ----

    @property
    def totals(self):
        """The sums over all processes, as a dict: `calls`, `flops`, `charged`, `estimated_time_ns`, `words`,
        `refused_calls`, `in_flight_calls` and others. None if no count could be read."""
        return self._json["totals"]

    def _total(self, name):
        return None if self.totals is None else self.totals[name]

    @property
    def flops(self):
        """FLOPs of all calls and charges, as an exact integer, before weights and multipliers."""
        return self._total("flops")

    @property
    def charged(self):
        """FLOPs after weights and multipliers: what budgets are held against."""
        return self._total("charged")

    @property
    def calls(self):
        """How many BLAS and LAPACK calls have ended, without those that these routines make themselves."""
        return self._total("calls")

    @property
    def seconds(self):
        """Time in these calls, in seconds, added up over threads and processes; an estimate where not all were timed."""
        time = self._total("estimated_time_ns")
        return None if time is None else time / 1e9

    @property
    def gflops(self):
        """10^9 FLOPs per second in the timed calls; None if none was timed."""
        time = self._total("time_ns")
        return self.totals["timed_flops"] / time if time else None

    @property
    def complete(self):
        """Whether nothing is known to be missing."""
        return self._json["complete"]

    # ---- tables ----

    routines = _table("routines", "A row for each routine: `routine`, `calls`, `flops`, `share`, `gflops`, ...")
    shapes = _table("shapes", "A row for each routine with the dimensions and options of its calls, `arguments` (a dict).")
    namespaces = _table("namespaces", "A row for each namespace: `namespace` (\"\" is the root), `own_flops`, "
                        "`inclusive_flops` with those inside it, `budget`, `refused_calls`, ...")
    budgets = _table("limits", "A row for each limit: its `namespace`, its `kind` (\"scope\" and others), `amount` and `used` "
                     "in charged FLOPs, `refused_calls`, ...")
    sites = _table("sites", "A row for each place that calls a routine: `function`, `file`, `line`, `module`, and `python`, "
                   "the Python line of most of its samples.")
    stacks = _table("stacks", "A row for each sampled stack: `frames` and `python` from the inside out, `estimated_flops`, ...")
    code = _table("code", "A row for each line of code: `function`, `file`, `line`, `own_flops`, `inclusive_flops`; `yours` "
                  "says whether it is your own code or that of a library.")
    processes = _table("process_list", "A row for each process: `program`, `arguments`, `host`, `pid`, `rank`, `state`, "
                       "`exit_status`, `elapsed_ns`, `flops`, ...")
    hosts = _table("hosts", "A row for each host: `processes`, `calls`, `flops`, ...")
    launches = _table("launches", "A row for each launch of ranks, by srun or mpirun: `ranks`, `with_dump`, `missing`, ...")
    charges = _table("manual", "A row for each name that the program itself has charged (flopshim.charge): `charges`, "
                     "`flops`, ...")
    unpriced = _table("unpriced", "A row for each routine that was called and has no price: its work is not in the totals.")
    libraries = _table("libraries", "A row for each library that served calls: `path`, `integers`, `calls`, `flops`, ...")
    notes = _table("notes", "What the shim noted, such as functions that it could not reach.")
    damage = _table("damage", "What could not be read: `file`, `text`, `count`.")

    @property
    def rows(self):
        """The rows that all other tables are made of, read when they are first asked for: one for each namespace, routine,
        shape and call site. `kind` is "call" or "manual" (flopshim.charge)."""
        if self._rows is None:
            self._rows = rows_of(self._names, *self._options)
        return self._rows

    def by(self, key):
        """The work added up by "routine", "shape", "namespace", "site", "thread", "process", "rank" or "host", as a list of
        dicts; "tree" is the tree of processes. Raises ReportError for another key."""
        return self._read("report", "--json", "--top", "all", "--by", str(key))[0]["groups"]

    def to_dict(self):
        """All that `flopshim-report --json` says, as a dict. It is the report's own: change a copy only."""
        return self._json

    def to_pandas(self, table="rows"):
        """A table as a pandas.DataFrame: the name of an attribute ("routines") or a key of by(). Integers stay exact:
        columns that lack values are Int64, and those that do not fit 64 bits are objects. `arguments` is a text, so that
        one can group by it. Raises ImportError if pandas is not there."""
        try:
            import pandas
        except ImportError as error:
            raise ImportError("Report.to_pandas needs pandas, which this Python does not have (Debian: python3-pandas); "
                              "the tables of a report are lists of dicts without it") from error
        named = getattr(type(self), table, None) if isinstance(table, str) else None
        rows = getattr(self, table) if isinstance(named, property) else self.by(table)
        if not isinstance(rows, list):
            raise ValueError(f"{table!r} is no table of a report, but a number")
        names = list(dict.fromkeys(name for row in rows for name in row))
        return pandas.DataFrame({name: _column(pandas, name, [row.get(name) for row in rows]) for name in names})

    # ---- for people ----

    def _summary(self):
        count = len(self.processes)
        of = f"of {count} process{'' if count == 1 else 'es'}"
        if self.totals is None:
            return f"no count {of} could be read"
        words = [f"{self.flops:,} FLOPs in {self.calls:,} call{'' if self.calls == 1 else 's'} {of}"]
        if self.seconds:
            about = "about " if self._total("timed_calls") != self.calls else ""
            words.append(f"{about}{seconds(self.seconds)}")
        if self.gflops:
            words.append(f"{rate(self.gflops)} GFLOP/s")
        return ", ".join(words) + ("" if self.complete else ", INCOMPLETE")

    def __repr__(self):
        return f"<flopshim.Report: {self._summary()}>"

    def _repr_html_(self):
        """What notebooks show."""
        parts = [("Routines", 1, ["routine", "calls", "FLOPs", "", "time", "GFLOP/s"],
                  [[row["routine"], f"{row['calls']:,}", number(row["flops"]), row["share"], _time(row),
                    rate(row["gflops"])] for row in self.routines]),
                 ("By your code", 2, ["line", "function", "FLOPs", "", "time"],
                  [[_line(row), row["function"], ("~" if row["own_about"] else "") + number(row["own_flops"]),
                    row["own_share"], _time(row, "own_")]
                   for row in self.code if row["yours"] and row["file"] and row["own_flops"]]),
                 ("Namespaces", 1, ["namespace", "calls", "FLOPs", "", "own FLOPs"],
                  [[row["namespace"] or "(all)", f"{row['inclusive_calls']:,}", number(row["inclusive_flops"]),
                    row["inclusive_share"], number(row["own_flops"])] for row in self.namespaces]
                  if len(self.namespaces) > 1 else []),
                 ("Largest shapes", 2, ["routine", "shape", "calls", "FLOPs", ""],
                  [[row["routine"], shape(row["arguments"]), f"{row['calls']:,}", number(row["flops"]), row["share"]]
                   for row in self.shapes])]
        return html_table(self._summary(), parts)


def _line(row):
    file = os.path.basename(row["file"])
    return file if row["line"] is None else f"{file}:{row['line']}"


def _time(row, prefix=""):
    """A time, after ~ if it is an estimate: as flopshim-report shows it."""
    time = row.get(f"{prefix}estimated_time_ns")
    if time is None:
        return ""
    return ("" if row.get("timed_calls") == row.get("calls") and not prefix else "~") + seconds(time / 1e9)


def _column(pandas, name, values):
    """A column of a table. JSON writes a fraction that is whole as an integer, so that the name says what it is."""
    if any(isinstance(value, dict) for value in values):
        return [shape(value) for value in values]
    if name.endswith("share") or name in FRACTIONS:
        return pandas.Series(values, dtype="float64")
    known = [value for value in values if value is not None]
    if not known or any(type(value) is not int for value in known):
        return pandas.Series(values, dtype=None if known and len(known) == len(values) else object)
    if all(-2**63 <= value < 2**63 for value in known):
        return pandas.Series(values, dtype="int64" if len(known) == len(values) else "Int64")
    return pandas.Series(values, dtype=object)
