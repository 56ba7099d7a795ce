# SPDX-License-Identifier: BSD-3-Clause
"""Counts the FLOPs of a call from callgrind's counts of all instructions.

callgrind tells how often each instruction of each object ran; objdump tells which instructions add, multiply, divide or take
roots. A packed instruction counts once for each lane, since nothing tells whether a lane held a useful number; compilers leave
some lanes unused in complex code. It must never count an instruction that only moves or compares numbers.
"""

import glob
import json
import os
import re
import struct
import subprocess
import tempfile
from collections import namedtuple

Flops = namedtuple("Flops", "adds muls divs sqrts packed", defaults=(0,) * 5)

HERE = os.path.dirname(os.path.abspath(__file__))

_SSE = re.compile(rb"^ *([0-9a-f]+):\tv?(addsub|add|sub|hadd|hsub|mul|div|sqrt)([sp])([sd])\b(.*)$", re.M)
_FUSED = re.compile(rb"^ *([0-9a-f]+):\tvfn?m(?:add|sub|addsub|subadd)\d{3}([sp])([sd])\b(.*)$", re.M)
_X87 = re.compile(rb"^ *([0-9a-f]+):\tf(i?add|i?subr?|i?mul|i?divr?|sqrt)(?:p|s|l|ll)?\b", re.M)

_FIELD = {b"add": 0, b"sub": 0, b"addsub": 0, b"hadd": 0, b"hsub": 0, b"mul": 1, b"div": 2, b"sqrt": 3}


def _lanes(packed, precision, operands):
    if packed == b"s":
        return 1
    size = 8 if precision == b"d" else 4
    width = 64 if b"%zmm" in operands else 32 if b"%ymm" in operands else 16
    return width // size


def classify(listing):
    """Returns {address: [adds, muls, divs, sqrts, packed lanes]} for the FLOP instructions in a disassembly."""
    flops = {}

    def note(address, fields, lanes):
        entry = [0, 0, 0, 0, 0]
        for field in fields:
            entry[field] = lanes
        entry[4] = lanes * len(fields) if lanes > 1 else 0
        flops[int(address, 16)] = entry

    for address, operation, packed, precision, operands in _SSE.findall(listing):
        note(address, [_FIELD[operation]], _lanes(packed, precision, operands))
    for address, packed, precision, operands in _FUSED.findall(listing):
        note(address, [0, 1], _lanes(packed, precision, operands))
    for address, operation in _X87.findall(listing):
        note(address, [_FIELD[operation.lstrip(b"i").rstrip(b"r") if operation != b"sqrt" else operation]], 1)
    return flops


def _cache_file(path):
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    status = os.stat(path)
    name = f"{os.path.basename(path)}-{status.st_size}-{status.st_mtime_ns}.json"
    return os.path.join(base, "flopshim-measure", name)


def flop_instructions(path):
    """Returns classify() of an object file. A cache keeps it between runs, since disassembling a LAPACK takes seconds."""
    cache = _cache_file(path)
    try:
        with open(cache, encoding="ascii") as file:
            return {int(address): entry for address, entry in json.load(file).items()}
    except (OSError, ValueError):
        pass
    listing = subprocess.run(["objdump", "-d", "--no-show-raw-insn", path],
                             check=True, stdout=subprocess.PIPE).stdout
    flops = classify(listing)
    try:
        os.makedirs(os.path.dirname(cache), exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=os.path.dirname(cache), delete=False) as file:
            json.dump(flops, file)
        os.replace(file.name, cache)
    except OSError:
        pass                    # without a cache the next run is slower
    return flops


def executed(dump):
    """Yields (object, address, executions) from a callgrind dump, without the inclusive costs of calls."""
    current, inclusive = None, False
    with open(dump, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if line.startswith("0x"):
                if not inclusive:
                    address, count = line.split()[:2]
                    yield current, int(address, 16), int(count)
                inclusive = False
            elif line.startswith("ob="):
                current = line[3:].strip()
            elif line.startswith("calls="):
                inclusive = True


def count(dump, objects):
    """Returns the FLOPs in a callgrind dump. objects: {path: flop_instructions(path)}, to which new objects are added."""
    totals = [0] * 5
    for path, address, executions in executed(dump):
        if path not in objects:
            objects[path] = flop_instructions(path) if path and os.path.isfile(path) else {}
        for field, lanes in enumerate(objects[path].get(address, ())):
            totals[field] += lanes * executions
    return Flops(*totals)


class Driver:
    """The measuring program, which runs under valgrind and executes one call after the other."""

    def __init__(self, libraries):
        self.directory = tempfile.TemporaryDirectory(prefix="measure-flops-")
        self.objects = {}
        self.dumps = os.path.join(self.directory.name, "callgrind")
        self.program = os.path.join(self.directory.name, "driver")
        build_driver(self.program, ["-rdynamic"])
        environment = dict(os.environ, LD_BIND_NOW="1")
        environment.pop("LD_PRELOAD", None)
        self.log = open(os.path.join(self.directory.name, "log"), "w+", encoding="utf-8", errors="replace")
        self.process = subprocess.Popen(
            ["valgrind", "--tool=callgrind", "--dump-instr=yes", "--dump-line=no", "--collect-atstart=no",
             "--compress-strings=no", "--compress-pos=no", f"--callgrind-out-file={self.dumps}",
             self.program, *libraries],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log, env=environment)

    def call(self, symbol, arguments, hidden_lengths, info):
        """Measures one call. arguments: (tag, size, content) of each. Returns (Flops, INFO, number of the argument that
        XERBLA was called for or 0, name of the routine that called it)."""
        out = self.process.stdin
        try:
            out.write(struct.pack("=IIIi", len(symbol), len(arguments), hidden_lengths, info))
            out.write(symbol.encode())
            for tag, size, content in arguments:
                out.write(struct.pack("=QQQ", tag, size, len(content)))
                out.write(content)
            out.flush()
            answer = self.process.stdout.readline().split()
        except BrokenPipeError:
            answer = []
        if len(answer) != 3:
            self.process.wait()
            self.log.seek(0)
            said = [line for line in self.log.read().splitlines() if "Process terminating" in line or "driver:" in line]
            raise RuntimeError(f"the measuring program ended: {' '.join(said) or 'valgrind failed'}")
        dump = max((d for d in glob.glob(self.dumps + ".*")), key=lambda d: int(d.rsplit(".", 1)[1]))
        flops = count(dump, self.objects)
        os.remove(dump)
        return flops, int(answer[0]), int(answer[1]), answer[2].decode()

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.log.close()
        self.directory.cleanup()


def build_driver(output, flags):
    compiler = os.environ.get("CC", "cc")
    subprocess.run([compiler, "-std=gnu11", "-D_GNU_SOURCE", "-O2", *flags, "-o", output,
                    os.path.join(HERE, "driver.c"), "-ldl"], check=True)
