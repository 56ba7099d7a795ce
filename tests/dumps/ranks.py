#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Makes the dumps of the ranks of a job from that of one process: copies in which the header names another process, and, if
asked, rows with other shapes. The program need not run more than once. Offsets come from docs/flopshim-dump.md.

Usage: tests/dumps/ranks.py DUMP FOLDER COUNT [--vary]"""

import struct
import sys
from pathlib import Path

from read_dump import PAGE, SEED, Document, check32, check64, header_check


def set_text(document, header, member, text):
    """Writes a text into a member of the header, with zeros behind it."""
    ((offset, size),) = [(offset, count) for offset, name, _, count in document.structs["dump_header"] if name == member]
    header[offset:offset + size] = text.encode().ljust(size, b"\0")


def finish(document, header):
    """Writes the check words of a header."""
    document.write("dump_header", "header_check", header_check(header, document), header)
    document.write("dump_header", "identity_check", check32(header[document.identity()]), header)
    document.write("dump_header", "place_check", check32(header[document.place()]), header)
    close = document.offset("dump_header", "close_check")
    document.write("dump_header", "close_check", check64(SEED, bytes(header[:close])), header)


def vary(document, data, rank):
    """Gives the rows of a rank other dimensions, numbers of calls and prices."""
    header = document.read("dump_header", data)
    dims = document.offset("dump_row", "dims")
    offset = header["page_size"]
    while offset < header["size"]:
        block = document.read("dump_block", data[offset:offset + document.size("dump_block")])
        begin = offset + block["header_size"]
        end = begin + block["used"] * block["entry_size"]
        if block["type"] == document.values["DUMP_ROWS"] and block["used"]:
            for at in range(begin, end, block["entry_size"]):
                row = document.read("dump_row", data[at:at + block["entry_size"]])
                document.write("dump_row", "calls", row["calls"] + rank % 3, data, at)
                document.write("dump_row", "flops", row["flops"] + rank, data, at)
                document.write("dump_row", "charged", row["flops"] + rank, data, at)
                struct.pack_into("<q", data, at + dims, row["dims"][0] + 1000 * rank)
            document.write("dump_block", "content_check", check64(SEED ^ block["used"], bytes(data[begin:end])), data, offset)
        offset += block["size"]


def remake(document, original, path, numbers, texts, rank=None):
    """Writes a copy of a dump whose header has other numbers and texts, and an id of its own made from `numbers`. If a rank is
    given, the rows vary by it."""
    data = bytearray(original)
    header = data[:document.read("dump_header", original)["page_size"]]
    for member, value in numbers.items():
        document.write("dump_header", member, value, header)
    name = repr(sorted({**numbers, **texts}.items())).encode()
    struct.pack_into("<QQ", header, document.offset("dump_header", "id"), check64(SEED, name), check64(SEED + 1, name))
    for member, text in texts.items():
        set_text(document, header, member, text)
    finish(document, header)
    data[:len(header)] = header
    if rank is not None:
        vary(document, data, rank)
    Path(path).write_bytes(data)


def make(source, folder, count, varied=False, ranks_per_host=64, job="4711", name="rank"):
    """Writes `count` dumps into `folder`, and returns their paths."""
    document = Document(PAGE.read_text())
    original = Path(source).read_bytes()
    begin = document.read("dump_header", original)
    paths = []
    for rank in range(count):
        numbers = {"pid": 1000 + rank % ranks_per_host, "start_realtime_ns": begin["start_realtime_ns"] + rank,
                   "rank": rank, "job_size": count}
        texts = {"host": f"node{rank // ranks_per_host:04}", "job": job, "launch": "1"}
        paths.append(Path(folder) / f"{name}{rank:05}.dump")
        remake(document, original, paths[-1], numbers, texts, rank if varied else None)
    return paths


if __name__ == "__main__":
    make(sys.argv[1], sys.argv[2], int(sys.argv[3]), "--vary" in sys.argv)
