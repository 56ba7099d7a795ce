# SPDX-License-Identifier: BSD-3-Clause
"""Tests `flopshim-report peak`: what programs reach lies under the roofs that it measures, and reports find them.

A busy machine makes roofs too low, and programs slow; so each is measured up to five times, and the best counts. Where other
programs take the processors meanwhile, the case is left out, with that reason."""

import json
import os
import subprocess

from harness import Failure, Skip, blas_library, case, check, check_equal, read_report, tail

ATTEMPTS = 5
MARGIN = 1.1
TIMEOUT = 240  # seconds; on a quiet machine it takes less than ten


def peak(client, *words, status=0, **environment):
    """The JSON of a measurement; None with another status than 0."""
    env = {**client.environment(threads=None), "HOME": str(client.folder), **environment}
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "BLIS_NUM_THREADS"):
        env.pop(name, None)
    done = subprocess.run([client.reporter, "peak", "--json", *words], capture_output=True, timeout=TIMEOUT, env=env)
    if done.returncode != status:
        raise Failure(f"peak: status {done.returncode}: {tail(done.stderr)}")
    return json.loads(done.stdout) if done.stdout else None


def larger(before, roofs, threads):
    """{roof: the larger rate of those known before and of this measurement}"""
    rates = {row["roof"]: row[threads] or 0 for row in roofs["roofs"]}
    return {name: max(rate, before.get(name, 0)) for name, rate in rates.items()}


def points(client, roofs, threads):
    """Of a run of roofline.c: the sizes of caches; (routine, bytes of its operands in a call, bytes, FLOPs, seconds) of each
    shape, by its report; and the GFLOP/s of the fastest of the largest products."""
    sizes = {row["roof"]: row["bytes"] for row in roofs["roofs"]}
    last = sizes["last cache"] or sizes["second cache"]
    with open("/proc/meminfo") as file:
        available = [int(line.split()[1]) << 10 for line in file if line.startswith("MemAvailable")][0]
    wanted = 4 * last + last // 4
    if wanted > available // 2:
        raise Skip(f"no {wanted >> 20} MB of memory, four times the last cache")
    program = client.compile("roofline.c")
    run = client.run([program, wanted], threads=threads, FLOPSHIM_TIME="all", FLOPSHIM_RECORDS="calls", timeout=600)
    found = []
    for row in run.report["shapes"]:
        if row["timed_calls"] and row["routine"] in ("ddot", "daxpy", "dscal", "dgemv", "dgemm"):
            found.append((row["routine"], row["words"] * 8 // row["calls"], row["words"] * 8, row["flops"], row["time_ns"] / 1e9))
    done = subprocess.run([client.reporter, "calls", "--json", *run.dumps], capture_output=True, check=True)
    products = [row["flops"] / row["duration_ns"] for row in json.loads(done.stdout)["calls"]
                if row["routine"] == "dgemm" and row["arguments"]["m"] == 2000]
    check_equal(len(products), 8, "products of order 2,000")
    return sizes, found, max(products)


def level_of(size, sizes):
    """The roof of operands of this size; None of those that may lie partly in the last cache and partly in memory."""
    for name in "first cache", "second cache", "last cache":
        if sizes[name] and size <= sizes[name]:
            return name
    return "memory" if size > 4 * max(bytes or 0 for bytes in sizes.values()) else None


def over_roof(rates, sizes, found):
    """The points that are too far above their roofs, as texts."""
    above = []
    for routine, size, moved, work, seconds in found:
        level = level_of(size, sizes)
        if level and rates[level]:
            roof = rates[level] * work / moved
            rate = work / seconds / 1e9
            if rate > MARGIN * roof:
                above.append(f"{routine} of {size} bytes: {rate:.3g} GFLOP/s, under the roof of {level} at {roof:.3g}")
    return above


class Machine:
    """How busy the machine was with the work of others since this was made."""

    def __init__(self):
        self.begin = self._times()

    @staticmethod
    def _times():
        """Clock ticks of all processors: in which they did anything, in which this test's own processes ran, and all."""
        with open("/proc/stat") as file:
            ticks = [int(word) for word in file.readline().split()[1:9]]
        own = os.times()
        return sum(ticks) - ticks[3] - ticks[4], sum(own[:4]) * os.sysconf("SC_CLK_TCK"), sum(ticks)

    def check_quiet(self, limit=0.1):
        """Skips the case if others took more than a tenth of the processors: it says nothing then."""
        busy, own, whole = (now - before for now, before in zip(self._times(), self.begin))
        share = (busy - own) / max(whole, 1)
        if share > limit:
            raise Skip(f"the machine is busy: other programs take {100 * share:.0f} % of its processors")


@case(threads=("one_thread", "all_threads"))
def roofs_hold(client):
    """No call is faster than its roof allows, by more than a tenth: neither from a cache nor from memory. A product of order
    2,000 comes near the roof of products, and not above it."""
    rates, best, machine = {}, 0, Machine()
    for attempt in range(ATTEMPTS):
        roofs = peak(client, "-o", str(client.folder / "roofs"))
        rates = larger(rates, roofs, client.threads)
        sizes, found, fastest = points(client, roofs, 1 if client.threads == "one_thread" else "")
        above = over_roof(rates, sizes, found)
        levels = {level_of(size, sizes) for _, size, _, _, _ in found}
        check({"first cache", "second cache", "memory"} <= levels, f"operands are in {levels} alone")
        check(all(rates[level] > 0 for level in levels if level), f"a call has no roof: {rates}")
        best = max(best, fastest)
        if not above and 0.8 * rates["dgemm"] <= best <= MARGIN * rates["dgemm"]:
            return
        if attempt:
            machine.check_quiet()
    check(not above, "; ".join(above))
    raise Failure(f"the largest product reaches {best:.3g} of {rates['dgemm']:.3g} GFLOP/s")


@case()
def kept(client):
    """The result is where reports of this machine look for it, and these show what part of it a run has reached."""
    roofs = peak(client, XDG_CACHE_HOME=str(client.folder / "cache"))
    rates = {row["roof"]: (row["one_thread"], row["all_threads"]) for row in roofs["roofs"]}
    check_equal(list(rates), ["dgemm", "sgemm", "first cache", "second cache", "last cache", "memory"], "roofs")
    check(all(one and one > 0 for one, _ in (rates["dgemm"], rates["sgemm"])), f"the roofs are {rates}")
    check(all(both >= one for one, both in rates.values() if one), f"all threads do less than one: {rates}")
    check(str(client.folder / "cache") in roofs["file"], f"the file is {roofs['file']}")
    run = client.run([client.compile("nested.c")], FLOPSHIM_TIME="all")
    done = subprocess.run([client.reporter, "--json", *run.dumps], capture_output=True, check=True,
                          env={**client.environment(), "XDG_CACHE_HOME": str(client.folder / "cache")})
    report = json.loads(done.stdout)
    values = {roof["name"]: roof["value"] for roof in report["roofs"]}
    check(abs(values["double"] - rates["dgemm"][1]) < 1e-3 * values["double"], f"the report's roofs are {values}")
    (row,) = [row for row in report["routines"] if row["routine"] == "dgemm"]
    expected = row["flops"] / row["time_ns"] / values["double"]
    check(abs(row["of_peak"] - expected) < 1e-6 * expected, f"of peak is {row['of_peak']}, but {expected} was expected")
    named = read_report(client.reporter, run.dumps, "--peak", roofs["file"], "--peak", "one")
    values = {roof["name"]: roof["value"] for roof in named["roofs"]}
    check(abs(values["double"] - rates["dgemm"][0]) < 1e-3 * values["double"], f"the roofs of one thread are {values}")


@case()
def other_library(client):
    """Another BLAS has other roofs: the reference is slower than what is tuned for the processor. One without the functions
    that are needed is refused, and nothing is written."""
    file = client.folder / "roofs"
    peak(client, "--blas", "libm.so.6", "-o", str(file), status=1)
    check(not file.exists(), "a file was written without a measurement")
    tuned = blas_library()
    for _ in range(ATTEMPTS):
        rates = []
        for library in (tuned, blas_library("reference")):
            roofs = peak(client, "--blas", library, "-o", str(file))
            check(os.path.samefile(roofs["library"], library), f"the library is {roofs['library']}, and not {library}")
            rates.append(larger({}, roofs, "one_thread")["dgemm"])
        if rates[1] < 0.7 * rates[0]:
            return
    raise Failure(f"GFLOP/s of dgemm: {rates[0]:.3g} by {tuned}, {rates[1]:.3g} by the reference")


@case()
def no_memory(client):
    """Where there is too little memory for a set that no cache holds, standard error says so, and what was measured earlier
    stays."""
    file = client.folder / "roofs"
    names = [f"LEVEL{level}_CACHE_SIZE" for level in (2, 3, 4)]
    sizes = [subprocess.run(["getconf", name], capture_output=True, text=True).stdout.strip() for name in names]
    last = max(int(size) if size.isdigit() else 0 for size in sizes)
    room = max(256 << 20, last + (64 << 20)) >> 10  # what the set itself takes; the program and the C library are not in it
    limited = ["sh", "-c", f"ulimit -v {room}; exec {client.reporter} peak --json -o {file}"]
    env = client.environment(threads=1)
    for line in "", "bandwidth memory one 11.5 1000\nbandwidth memory all 22.5 1000\n":
        if line:
            file.write_text(file.read_text().replace("\nend\n", f"\n{line}end\n"))
        done = subprocess.run(limited, capture_output=True, text=True, timeout=TIMEOUT, env=env)
        if done.returncode == 1 and "memory: not" not in done.stderr:
            raise Skip("the BLAS itself needs as much memory")
        check_equal(done.returncode, 0, f"status: {done.stderr}")
        check("memory: not measured" in done.stderr, f"standard error is {done.stderr}")
        (row,) = [row for row in json.loads(done.stdout)["roofs"] if row["roof"] == "memory"]
        check_equal((row["one_thread"], row["all_threads"]), (11.5, 22.5) if line else (None, None), "the roof of memory")
