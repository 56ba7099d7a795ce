# SPDX-License-Identifier: BSD-3-Clause
"""Tests `flopshim-report live`, which follows running programs by file or process number, in lines or on a terminal. It
must never disturb the program."""

import contextlib
import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

from harness import case, check, check_equal

ROWS, COLUMNS = 30, 120


@contextlib.contextmanager
def running(client, out=None, threads=1, calls=0, **environment):
    """A program that calls BLAS until it is killed. The block begins when it has a dump with calls in it."""
    folder = client.folder / f"running-{time.monotonic_ns()}"
    folder.mkdir()
    counts = folder / "counts"
    program = client.compile("victim.c", "-pthread")
    env = client.environment(LD_PRELOAD=client.shim, FLOPSHIM_OUT=out or str(folder), **environment)
    process = subprocess.Popen([program, counts, str(threads), str(calls), "run"], env=env, cwd=folder,
                               stderr=subprocess.DEVNULL)
    process.dumps = lambda: sorted(str(path) for path in client.folder.glob("**/*.dump"))
    try:
        deadline = time.monotonic() + 20
        while not (process.dumps() and counts.stat().st_size and any(counts.read_bytes()[:8])):
            check(time.monotonic() < deadline, "the program does not begin")
            time.sleep(0.01)
        yield process
    finally:
        process.kill()
        process.wait()


def live(client, *arguments, timeout=30):
    return subprocess.run([client.reporter, "live", *map(str, arguments)], capture_output=True, text=True,
                          timeout=timeout, stdin=subprocess.DEVNULL, env={**client.environment(), "TERM": "vt100"})


def number(text):
    """The number in a text such as "1,234" or "1.2 M"."""
    factors = {"": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}
    digits, unit = re.match(r"([\d.,]+) ?([kMGT]?)", text).groups()
    return float(digits.replace(",", "")) * factors[unit]


# ---- lines ----

def check_lines(done, count):
    """So many lines were printed, with growing FLOPs and calls, and with a rate from the second line on."""
    check_equal((done.returncode, done.stderr), (0, ""), "status and standard error")
    lines = done.stdout.splitlines()
    check_equal(len(lines), count, f"lines ({lines})")
    flops = [number(line) for line in lines]
    calls = [number(re.search(r"  ([\d,]+) calls", line).group(1)) for line in lines]
    check(flops == sorted(flops) and flops[0] < flops[-1], f"the FLOPs do not grow: {lines}")
    check(calls == sorted(set(calls)), f"the calls do not grow: {lines}")
    check(all("ddot 100 %" in line for line in lines), f"no routine: {lines}")
    check("calls/s" not in lines[0], f"a rate before the second look: {lines}")
    for line in lines[1:]:
        check(float(re.search(r"([\d.]+) calls/s", line).group(1)) > 0, f"no rate: {lines}")
    check("\x1b" not in done.stdout, "escape sequences where there is no terminal")
    return lines


@case(by=("file", "pid", "template"))
def lines(client):
    """A running program is followed by its file, by its process number, or by a number if its file has a name from a
    template."""
    out = str(client.folder / "made" / "run-%e-%p.dump") if client.by == "template" else None
    with running(client, out=out, threads=2) as process:
        target = process.dumps()[0] if client.by == "file" else process.pid
        found = check_lines(live(client, "--interval", "0.2", "--count", "3", target), 3)
        check("budget" not in found[0], f"a budget that nobody gave: {found}")


@case()
def budget(client):
    """The lines and the JSON show how much of a budget is used."""
    with running(client, FLOPSHIM_BUDGET="1e13,train=5") as process:
        found = check_lines(live(client, "--interval", "0.1", "--count", "2", process.pid), 2)
        check(re.search(r"budget \d+\.\d % used", found[-1]), f"no budget: {found}")
        done = live(client, "--json", "--count", "2", "--interval", "0.1", process.pid)
        objects = [json.loads(line) for line in done.stdout.splitlines()]
        check_equal([thing["state"] for thing in objects], ["running"] * 2, "state")
        root = {row["namespace"]: row for row in objects[1]["namespaces"]}[""]
        check_equal(root["budget"], 10**13, "the budget")
        check(objects[1]["flops_per_second"] > 0, "no rate")


@case(end=("closed", "killed"))
def ends_with_the_program(client):
    """`live` ends with status 0 when the program ends, and the last line says how it ended."""
    with running(client, calls=3_000_000 if client.end == "closed" else 0) as process:
        follower = subprocess.Popen([client.reporter, "live", "--interval", "0.1", str(process.pid)], text=True,
                                    stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        first = follower.stdout.readline()
        check("calls" in first, f"no line: {first!r}")
        if client.end == "killed":
            process.kill()
        process.wait()
        out, _ = follower.communicate(timeout=20)
    check_equal(follower.returncode, 0, "status")
    last = out.splitlines()[-1]
    check(last.endswith("  (closed)" if client.end == "closed" else "  (ended)"), f"the last line is {last!r}")
    if client.end == "closed":
        check("  3,000,000 calls" in last, f"the last line is {last!r}")


# ---- what cannot be followed ----

@case()
def errors(client):
    """A file or process that cannot be followed is refused with a message that names it."""
    foreign = client.folder / "foreign"
    foreign.write_text("this is not a dump\n")
    cut = client.folder / "cut.dump"
    with running(client) as process:
        cut.write_bytes(open(process.dumps()[0], "rb").read()[:9000])
        done = live(client, foreign)
        check_equal((done.returncode, done.stdout), (5, ""), "a foreign file")
        check("foreign" in done.stderr, f"it does not say which: {done.stderr}")
        done = live(client, "--count", "1", cut)
        check_equal(done.returncode, 5, "a cut file")
        check("cut.dump" in done.stderr, f"it does not say which: {done.stderr}")
        for path in process.dumps():
            os.unlink(path)
        done = live(client, process.pid)
        check_equal((done.returncode, done.stdout), (1, ""), "a process whose dump was deleted")
        check("was deleted" in done.stderr and ".dump" in done.stderr, f"it does not say so: {done.stderr}")
    done = live(client, client.folder / "missing.dump")
    check_equal((done.returncode, done.stdout), (1, ""), "a missing file")
    for pid in os.getpid(), 2**31 - 1, 99999999999999999999:
        done = live(client, pid)
        check_equal((done.returncode, done.stdout), (1, ""), "a process without a dump")
        check_equal(len(done.stderr.splitlines()), 1, f"lines ({done.stderr})")
        check("no dump that can be found" in done.stderr, f"it does not say so: {done.stderr}")
    check_equal(live(client).returncode, 2, "no operand")


# ---- a terminal ----

class Screen:
    """As much of a vt100 terminal as curses needs."""

    TOKEN = re.compile(rb"\x1b\[[?]?([\d;]*)([A-Za-z])|\x1b[()].|\x1b[=>78]|[\x0e\x0f]|"
                       rb"(\x1bM|[\r\n\b\t])|([\x20-\xff])", re.DOTALL)

    def __init__(self):
        self.cells = [[" "] * COLUMNS for _ in range(ROWS)]
        self.row = self.column = 0
        self.region = 0, ROWS - 1  # that scrolls

    def text(self):
        return "\n".join("".join(row).rstrip() for row in self.cells)

    def clear(self, row, start, end):
        self.cells[row][start:end] = [" "] * (end - start)

    def feed(self, data):
        for token in self.TOKEN.finditer(data):
            numbers, final, control, letter = token.groups()
            if letter:
                if self.row < ROWS and self.column < COLUMNS:
                    self.cells[self.row][self.column] = letter.decode("latin-1")
                self.column += 1
            elif control:
                self.control(control)
            elif final:
                self.sequence(final, [int(n or 0) for n in numbers.split(b";")])

    def control(self, control):
        top, bottom = self.region
        if control == b"\r":
            self.column = 0
        elif control == b"\b":
            self.column -= 1
        elif control == b"\t":
            self.column = (self.column // 8 + 1) * 8
        elif self.row == (bottom if control == b"\n" else top):
            del self.cells[top if control == b"\n" else bottom]
            self.cells.insert(self.row, [" "] * COLUMNS)
        else:
            self.row += 1 if control == b"\n" else -1

    def sequence(self, final, numbers):
        count = numbers[0] or 1
        if final == b"H":
            self.row, self.column = (max(n, 1) - 1 for n in (numbers + [1])[:2])
        elif final in b"ABCD":
            self.row += {b"A": -count, b"B": count}.get(final, 0)
            self.column += {b"C": count, b"D": -count}.get(final, 0)
        elif final == b"r":
            self.region = (numbers[0] or 1) - 1, ((numbers + [0])[1] or ROWS) - 1
            self.row = self.column = 0
        elif final == b"K":
            ends = {0: (self.column, COLUMNS), 1: (0, self.column + 1), 2: (0, COLUMNS)}
            self.clear(self.row, *ends[numbers[0]])
        elif final == b"J":
            if numbers[0] == 0:
                self.clear(self.row, self.column, COLUMNS)
            for row in range(self.row + 1 if numbers[0] == 0 else 0, ROWS):
                self.clear(row, 0, COLUMNS)


class Terminal:
    """flopshim-report live on a terminal of its own."""

    def __init__(self, client, *arguments):
        self.master, self.slave = pty.openpty()
        fcntl.ioctl(self.slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self.before = termios.tcgetattr(self.slave)
        self.screen = Screen()
        self.bytes = b""
        self.process = subprocess.Popen([client.reporter, "live", *map(str, arguments)], stdin=self.slave,
                                        stdout=self.slave, stderr=self.slave, start_new_session=True,
                                        env={**client.environment(), "TERM": "vt100", "NO_COLOR": "1"})

    def read(self):
        while select.select([self.master], [], [], 0.05)[0]:
            data = os.read(self.master, 65536)
            self.bytes += data
            self.screen.feed(data)

    def wait_for(self, pattern, what):
        deadline = time.monotonic() + 15
        while True:
            self.read()
            found = re.search(pattern, self.screen.text())
            if found:
                return found
            check(time.monotonic() < deadline, f"{what}: the screen is\n{self.screen.text()}")

    def end(self):
        """The exit status. The terminal must have the settings again that it had before."""
        deadline = time.monotonic() + 15
        while self.process.poll() is None:
            self.read()
            check(time.monotonic() < deadline, "it does not end")
        self.read()
        check_equal(termios.tcgetattr(self.slave), self.before, "settings of the terminal at the end")
        return self.process.returncode

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)
        os.close(self.slave)


@contextlib.contextmanager
def terminal(client, *arguments):
    made = Terminal(client, *arguments)
    try:
        yield made
    finally:
        made.close()


CALLS = r"total +[\d.,]+[ kMGT]* FLOPs in ([\d,]+) calls"


@case()
def screen(client):
    """On a terminal the numbers grow, the budget and the rates are shown, a smaller window is no fault, and `q` ends it
    but not the program."""
    with running(client, FLOPSHIM_BUDGET="1e13") as process, \
            terminal(client, "--interval", "0.2", process.pid) as shown:
        calls = number(shown.wait_for(CALLS, "the first frame").group(1))
        for _ in range(3):
            def grown():
                return number(re.search(CALLS, shown.screen.text()).group(1)) > calls

            deadline = time.monotonic() + 15
            while not grown():
                shown.read()
                check(time.monotonic() < deadline, f"the calls do not grow:\n{shown.screen.text()}")
            calls = number(re.search(CALLS, shown.screen.text()).group(1))
        shown.wait_for(r"now +[\d.]+ GFLOP/s, [\d,]+ calls/s", "rates")
        shown.wait_for(r"budget", "the budget")
        shown.wait_for(r"ddot +[\d,]+", "the routine")
        shown.wait_for(r"q: quit", "the key")
        check(termios.tcgetattr(shown.slave) != shown.before, "the keys are not read one by one")
        fcntl.ioctl(shown.slave, termios.TIOCSWINSZ, struct.pack("HHHH", 5, 40, 0, 0))
        shown.process.send_signal(signal.SIGWINCH)
        time.sleep(0.5)
        shown.read()
        check_equal(shown.process.poll(), None, "status on a small terminal")
        os.write(shown.master, b"q")
        check_equal(shown.end(), 0, "status after q")
        check_equal(process.poll(), None, "status of the program that was followed")


@case(end=("closed", "killed", "interrupted"))
def screen_at_the_end(client):
    """The last frame stays on the terminal when the program ends, and ^C restores the terminal."""
    calls = 3_000_000 if client.end == "closed" else 0
    with running(client, calls=calls) as process, terminal(client, "--interval", "0.1", process.pid) as shown:
        shown.wait_for(CALLS, "the first frame")
        if client.end == "interrupted":
            shown.process.send_signal(signal.SIGINT)
            check(shown.end() in (0, 1, -signal.SIGINT), f"status {shown.process.returncode}")
            return
        if client.end == "killed":
            process.kill()
        process.wait()
        check_equal(shown.end(), 0, "status")
        text = shown.bytes.decode("latin-1")
        tail = text[text.rindex("q: quit"):]
        check(re.search(CALLS, tail), f"the end does not stay: {tail!r}")
        check(("ended without closing" if client.end == "killed" else "closed") in tail, f"no state: {tail!r}")
        check("3,000,000 calls" in tail or client.end == "killed", f"not all calls: {tail!r}")


@case()
def screen_of_a_foreign_file(client):
    """A file that is no dump is refused on a terminal too, and named."""
    foreign = client.folder / "foreign"
    foreign.write_text("this is not a dump\n")
    with terminal(client, foreign) as shown:
        check_equal(shown.end(), 5, "status")
        check("foreign" in shown.bytes.decode("latin-1"), "it does not say which")
