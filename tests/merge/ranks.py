#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Makes the dumps of the ranks of a job from that of one process: copies in which the header says another process, and,
if asked, rows with other shapes. It must never need the program to run more than once.

Usage: ranks.py DUMP FOLDER COUNT [--vary]"""

import struct
import sys
from pathlib import Path

PAGE = 4096
ROWS = 9  # DUMP_ROWS
HEADER = {  # offsets in struct dump_header: see docs/flopshim-dump.md
    "size": 16, "state": 24, "losses": 28, "pid": 32, "start_realtime_ns": 48, "end_monotonic_ns": 64, "log_dropped": 88,
    "stacks_failed": 96, "rank": 112, "exit_status": 116, "host": 168, "job": 232, "header_check": 296, "close_check": 328,
    "id": 344, "launch": 360, "job_size": 464, "identity_check": 468,
}
SEED = 14695981039346656037
MASK = (1 << 64) - 1


def check32(data):
    value = 2166136261
    for byte in data:
        value = (value ^ byte) * 16777619 & 0xffffffff
    return value or 1


def check64(value, data):
    data = data + bytes(-len(data) % 8)
    for (word,) in struct.iter_unpack("<Q", data):
        value = (value ^ word) * 1099511628211 & MASK
        value ^= value >> 32
    return value or 1


def header_check(header):
    fixed = bytearray(header[:HEADER["header_check"]])
    for name, form in (("size", "<Q"), ("state", "<I"), ("losses", "<I"), ("end_monotonic_ns", "<Q"), ("log_dropped", "<Q"),
                       ("stacks_failed", "<Q")):
        struct.pack_into(form, fixed, HEADER[name], 0)
    struct.pack_into("<i", fixed, HEADER["exit_status"], -1)
    return check32(fixed)


def set_text(header, name, size, text):
    header[HEADER[name]:HEADER[name] + size] = text.encode().ljust(size, b"\0")


def finish(header):
    """Writes the check words of a header."""
    struct.pack_into("<I", header, HEADER["header_check"], header_check(header))
    struct.pack_into("<I", header, HEADER["identity_check"], check32(header[HEADER["id"]:HEADER["identity_check"]]))
    struct.pack_into("<Q", header, HEADER["close_check"], check64(SEED, bytes(header[:HEADER["close_check"]])))


def vary(data, rank):
    """Gives the rows of each rank other dimensions, numbers of calls and prices."""
    offset = PAGE
    end, = struct.unpack_from("<Q", data, HEADER["size"])  # what lies behind is reserved, and is no block
    while offset < end:
        kind, = struct.unpack_from("<H", data, offset + 4)
        size, = struct.unpack_from("<Q", data, offset + 16)
        entry, = struct.unpack_from("<I", data, offset + 32)
        used, = struct.unpack_from("<Q", data, offset + 48)
        begin = offset + struct.unpack_from("<H", data, offset + 6)[0]
        if kind == ROWS and used:
            for i in range(used):
                at = begin + i * entry
                calls, = struct.unpack_from("<Q", data, at)
                first, = struct.unpack_from("<q", data, at + 40)
                flops, = struct.unpack_from("<Q", data, at + 104)
                struct.pack_into("<Q", data, at, calls + rank % 3)
                struct.pack_into("<q", data, at + 40, first + 1000 * rank)
                struct.pack_into("<Q", data, at + 104, flops + rank)
                struct.pack_into("<Q", data, at + 16, flops + rank)
            struct.pack_into("<Q", data, offset + 56, check64(SEED ^ used, bytes(data[begin:begin + used * entry])))
        offset += size


def make(source, folder, count, varied=False, ranks_per_host=64, job="4711", name="rank"):
    """Writes `count` dumps into `folder`, and returns their paths."""
    original = Path(source).read_bytes()
    start, = struct.unpack_from("<Q", original, HEADER["start_realtime_ns"])
    paths = []
    for rank in range(count):
        data = bytearray(original)
        header = bytearray(data[:PAGE])
        struct.pack_into("<I", header, HEADER["pid"], 1000 + rank % ranks_per_host)
        struct.pack_into("<Q", header, HEADER["start_realtime_ns"], start + rank)
        struct.pack_into("<i", header, HEADER["rank"], rank)
        struct.pack_into("<QQ", header, HEADER["id"], 0x1234567 + rank, 0x89abcdef)
        struct.pack_into("<I", header, HEADER["job_size"], count)
        set_text(header, "host", 64, f"node{rank // ranks_per_host:04}")
        set_text(header, "job", 64, job)
        set_text(header, "launch", 64, "1")
        finish(header)
        data[:PAGE] = header
        if varied:
            vary(data, rank)
        paths.append(Path(folder) / f"{name}{rank:05}.dump")
        paths[-1].write_bytes(data)
    return paths


def main():
    make(sys.argv[1], sys.argv[2], int(sys.argv[3]), "--vary" in sys.argv)


if __name__ == "__main__":
    main()
