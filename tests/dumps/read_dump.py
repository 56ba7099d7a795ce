#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Reads a dump by the tables of docs/flopshim-dump.md alone, as a stranger would, and so shows whether the page says enough.
It must never share anything with flopshim-report.

Usage: tests/dumps/read_dump.py FILE"""

import json
import re
import struct
import sys
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs/flopshim-dump.md"
CODES = {"u8": "B", "u16": "H", "u32": "I", "u64": "Q", "i16": "h", "i32": "i", "i64": "q", "char": "s"}
SEED = 14695981039346656037


class Unreadable(Exception):
    """The dump is damaged or needs a later reader."""


# ---- docs/flopshim-dump.md, the page of the manual ----

class Document:
    """The tables of docs/flopshim-dump.md. `structs` is {name: [(offset, member, type, count)]}, where count is None
    for a member that is no array. `values` is {name: number}. `layout` is the layout that the page describes."""

    def __init__(self, text):
        self.structs, self.values = {}, {}
        self.layout = int(re.search(r"describes\s+layout (\d+)", text)[1])
        struct_name = None
        for line in text.splitlines():
            if line.startswith("#"):
                match = re.fullmatch(r"### struct (\w+)", line)
                struct_name = match and match[1]
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            member = re.fullmatch(r"`(\w+)`", cells[1]) if len(cells) == 4 else None
            if struct_name and member:
                kind, brackets, count = re.fullmatch(r"(\w+)(\[(\d*)\])?", cells[2]).groups()
                self.structs.setdefault(struct_name, []).append(
                    (int(cells[0]), member[1], kind, int(count or 0) if brackets else None))
            elif len(cells) == 3 and re.fullmatch(r"\d+", cells[0]) and re.fullmatch(r"DUMP_\w+", cells[1]):
                self.values[cells[1]] = int(cells[0])

    def offset(self, name, member):
        """The offset of a member in its struct, in bytes."""
        (offset,) = [offset for offset, other, *_ in self.structs[name] if other == member]
        return offset

    def write(self, name, member, value, data, at=0):
        """Writes a number into the struct that begins at offset `at` of a bytearray."""
        (kind,) = [kind for _, other, kind, _ in self.structs[name] if other == member]
        struct.pack_into("<" + CODES[kind], data, at + self.offset(name, member), value)

    def identity(self):
        """The part of the file that the header's identity_check covers."""
        return slice(self.offset("dump_header", "id"), self.offset("dump_header", "identity_check"))

    def place(self):
        """The part of the file that the header's place_check covers."""
        return slice(self.offset("dump_header", "local_rank"), self.offset("dump_header", "place_check"))

    def size_of_type(self, kind):
        return self.size(kind) if kind in self.structs else struct.calcsize("<" + CODES[kind])

    def size(self, name):
        return max(offset + self.size_of_type(kind) * (1 if count is None else count)
                   for offset, _, kind, count in self.structs[name])

    def read(self, name, data):
        """{member: value} of the struct at the beginning of `data`. Members past its end are 0."""
        data = data[:self.size(name)].ljust(self.size(name), b"\0")
        return {member: self.member(kind, count, data[offset:]) for offset, member, kind, count in self.structs[name]}

    def member(self, kind, count, data):
        if kind in self.structs:
            size = self.size(kind)
            return [self.read(kind, data[i * size:]) for i in range(count)]
        if kind == "char":
            return data[:count]
        values = list(struct.unpack_from(f"<{1 if count is None else count}{CODES[kind]}", data))
        return values[0] if count is None else values


# ---- check words ----

def check32(data):
    word = 2166136261
    for byte in data:
        word = (word ^ byte) * 16777619 % 2 ** 32
    return word or 1


def check64(begin, data):
    word = begin
    data += b"\0" * (-len(data) % 8)
    for (eight,) in struct.iter_unpack("<Q", data):
        word = (word ^ eight) * 1099511628211 % 2 ** 64
        word ^= word >> 32
    return word or 1


def header_check(data, document):
    """The header_check that this header should have: members that change while the process runs are replaced first."""
    checked = bytearray(data[:document.offset("dump_header", "header_check")])
    offsets = {member: (offset, kind) for offset, member, kind, _ in document.structs["dump_header"]}
    changing = dict.fromkeys(("size", "state", "losses", "end_monotonic_ns", "log_dropped", "stacks_failed"), 0)
    for member, value in (changing | {"exit_status": -1}).items():
        offset, kind = offsets[member]
        struct.pack_into("<" + CODES[kind], checked, offset, value)
    return check32(checked)


# ---- the dump ----

class Dump:
    """A dump whose check words are all right; Unreadable is raised otherwise."""

    def __init__(self, data, document=None):
        self.data = data
        self.document = document or Document(PAGE.read_text())
        self.header = self.document.read("dump_header", data)
        self.check_header()
        self.blocks = list(self.walk())
        self.values = self.document.values

    def check_header(self):
        header = self.header
        if header["magic"] != b"FLOPSHIM" or header["byte_order"] != 0x01020304:
            raise Unreadable("it does not begin as a dump does")
        if header["version"] > self.document.layout:
            raise Unreadable(f"it has layout {header['layout']}, for readers of layout {header['version']} and later")
        if header["header_check"] and header["header_check"] != header_check(self.data, self.document):
            raise Unreadable("the header is damaged")
        if header["identity_check"] and header["identity_check"] != check32(self.data[self.document.identity()]):
            raise Unreadable("the part of the header that identifies job and run is damaged")
        if header["place_check"] and header["place_check"] != check32(self.data[self.document.place()]):
            raise Unreadable("the part of the header that says which step it is of is damaged")
        closed = self.data[:self.document.offset("dump_header", "close_check")]
        if header["close_check"] and header["close_check"] != check64(SEED, closed):
            raise Unreadable("the header is damaged, or was written to after closing")

    def walk(self):
        """Yields all blocks, each with its bytes as `content`."""
        page = self.header["page_size"] or 4096
        checked = self.document.offset("dump_block", "header_check")
        offset, end = page, self.header["size"]
        while offset < end:
            block = self.document.read("dump_block", self.data[offset:offset + self.document.size("dump_block")])
            if block["magic"] != 0x4B4C4246 or block["offset"] != offset or \
                    block["header_check"] != check32(self.data[offset:offset + checked]) or offset % page:
                raise Unreadable(f"no sound block at {offset}")
            begin = offset + block["header_size"]
            block["content"] = self.data[begin:begin + block["used"] * (block["entry_size"] or 1)]
            if block["content_check"] and block["content_check"] != check64(SEED ^ block["used"], block["content"]):
                raise Unreadable(f"the content of the block at {offset} is damaged")
            yield block
            offset += block["size"]

    def each(self, block_type, struct_name):
        """Yields (block, number, entry) of all entries in blocks of this type."""
        for block in self.blocks:
            if block["type"] == self.values[block_type]:
                for i in range(block["used"]):
                    at = i * block["entry_size"]
                    entry = block["content"][at:at + block["entry_size"]]
                    yield block, block["first"] + i, self.document.read(struct_name, entry)

    def table(self, block_type, struct_name):
        return {number: entry for _, number, entry in self.each(block_type, struct_name)}

    def string(self, place):
        if not place:
            return None
        length = self.document.read("dump_string", self.data[place:place + 4])["length"]
        return self.data[place + 4:place + 4 + length].decode(errors="replace")

    def stack(self, place):
        stack = self.document.read("dump_stack", self.data[place:place + 16])
        return list(struct.unpack_from(f"<{stack['count']}Q", self.data, place + 16)), self.string(stack["python"])


# ---- sums over a dump ----

def describe(dump):
    """The totals of a dump; its calls and FLOPs by routine, namespace and symbol; and its limits, notes, samples and ordered
    record."""
    values = dump.values
    routines = dump.table("DUMP_ROUTINES", "dump_routine")
    sites = dump.table("DUMP_SITES", "dump_site")
    namespaces = dump.table("DUMP_NAMESPACES", "dump_namespace")
    merged = any(True for _ in dump.each("DUMP_COUNTS", "dump_counts"))
    rows = [(block, number, widened(row)) for block, number, row in dump.each("DUMP_SUMS", "dump_sum")] \
        if merged else list(dump.each("DUMP_ROWS", "dump_row"))
    lanes = dump.table("DUMP_COUNTS", "dump_counts") if merged else dump.table("DUMP_LANES", "dump_lane")
    limits = dump.table("DUMP_LIMITS", "dump_limit")
    answer = {
        "totals": dict.fromkeys(("calls", "flops", "charged", "words", "workspace_queries", "refused_calls", "refused_flops",
                                 "rejected_calls", "manual_charges", "timed_calls", "time_ns"), 0),
        "routines": {}, "namespaces": {}, "symbols": {}, "shapes": {},
    }
    totals = answer["totals"]
    for block, number, row in rows:
        for member, share in shares_of(block, number, row, lanes, values):
            row[member] -= share
        site = sites.get(row["site"])
        routine = routines.get(site["routine"]) if site else None
        times = 1 if merged or row["flags"] & values["DUMP_ROW_COARSE"] else row["calls"]
        if row["kind"] == values["DUMP_ROW_QUERY"]:
            totals["workspace_queries"] += row["calls"]
            continue
        if row["kind"] == values["DUMP_ROW_REFUSED"]:
            totals["refused_calls"] += row["calls"]
            totals["refused_flops"] += times * row["flops"]
            continue
        totals["rejected_calls"] += row["calls"] if row["kind"] == values["DUMP_ROW_REJECTED"] else 0
        totals["manual_charges"] += row["calls"] if row["kind"] == values["DUMP_ROW_MANUAL"] else 0
        totals["calls"] += row["calls"] if row["kind"] != values["DUMP_ROW_MANUAL"] else 0
        for member in ("flops", "charged", "words"):
            totals[member] += times * row[member]
        totals["timed_calls"] += row["timed_calls"]
        totals["time_ns"] += row["time_ns"] if row["timed_calls"] else 0
        name = dump.string(routine["name"] if routine else site["symbol"] if site else 0)
        space = dump.string(namespaces[row["namespace_id"]]["name"])
        for table, key in (("routines", name), ("namespaces", space), ("symbols", dump.string(site["symbol"]) if site else None)):
            calls, flops = answer[table].get(key, (0, 0))
            answer[table][key] = calls + row["calls"], flops + times * row["flops"]
        if routine:
            arguments = {dump.string(place): chr(row["options"] >> 8 * i & 255)
                         for i, place in enumerate(routine["options"][:routine["option_count"]])}
            arguments |= {dump.string(place): row["dims"][i]
                          for i, place in enumerate(routine["dims"][:routine["dim_count"]])}
            key = name, json.dumps(arguments, sort_keys=True)
            answer["shapes"][key] = answer["shapes"].get(key, 0) + row["calls"]
    totals["nested_calls"] = sum(lane["nested_calls"] for lane in lanes.values())
    totals["passed_calls"] = sum(lane["passed_calls"] for lane in lanes.values())
    totals["abandoned_calls"] = sum(lane["abandoned_calls"] for lane in lanes.values())
    totals["lost_calls"] = sum(lane["lost_calls"] for lane in lanes.values()) + dump.header["lost_calls"]
    totals["threads"] = sum(lane["threads"] for lane in lanes.values())
    totals["in_flight_calls"] = sum(lane["in_flight_calls" if merged else "depth"] for lane in lanes.values())
    totals["saturated_calls"] = sum(lane["saturated"] for lane in lanes.values()) if merged else dump.header["saturated"]
    totals["over_budget_calls"] = sum(row["calls"] for _, _, row in rows if row["flags"] & values["DUMP_ROW_OVER"])
    answer["limits"] = [{"amount": limit["amount"], "used": limit["used"] - leased(number, limits, lanes),
                         "namespace": dump.string(namespaces[limit["namespace_id"]]["name"]),
                         "refused_calls": limit["refused_calls"]} for number, limit in sorted(limits.items())]
    answer["meta"] = [(dump.string(entry["key"]), dump.string(entry["value"]))
                      for _, _, entry in dump.each("DUMP_META", "dump_meta")]
    answer["notes"] = [(entry["kind"], dump.string(entry["text"]), entry["count"])
                       for _, _, entry in dump.each("DUMP_NOTES", "dump_note")]
    answer["samples"] = [(entry["flops"], entry["calls"], dump.stack(entry["stack"]))
                         for kind, struct in (("DUMP_SAMPLES", "dump_sample"), ("DUMP_ESTIMATES", "dump_estimate"))
                         for _, _, entry in dump.each(kind, struct)]
    answer["processes"] = [(entry["rank"], entry["pid"], entry["calls"], entry["flops"])
                           for _, _, entry in dump.each("DUMP_PROCESSES", "dump_process")]
    prices = {(block["lane"], number): row for block, number, row in rows}
    answer["log"] = sorted((entry["sequence"], prices[block["lane"], entry["row"]]["flops"], entry["cumulative"])
                           for block, _, entry in dump.each("DUMP_LOG", "dump_call") if entry["sequence"])
    return answer


def widened(row):
    """A sum of a merged dump, with numbers in place of pairs of words."""
    return row | {member: row[member][0] + (row[member][1] << 64) for member in ("flops", "charged", "words", "least", "most")}


def shares_of(block, number, row, lanes, values):
    """Yields (member, number) of what calls in flight have added to a coarse row already."""
    place = block["address"] + block["header_size"] + (number - block["first"]) * block["entry_size"]
    lane = lanes.get(block["lane"])
    if not lane or "frames" not in lane or not row["flags"] & values["DUMP_ROW_COARSE"]:
        return
    for frame in lane["frames"][:lane["depth"]]:
        for share in lane["shares"]:
            if share["slot"] and share["slot"] == frame["slot"] and frame["row"] == place:
                yield from ((member, share[member]) for member in ("flops", "charged", "words"))


def leased(number, limits, lanes):
    """The FLOPs of a limit that threads have reserved as leases and not used."""
    total = 0
    for lane in lanes.values():
        for limit in lane["lease_limits"] if lane.get("lease", 0) > 0 else ():
            while limit:
                total += lane["lease"] if limit == number + 1 else 0
                limit = limits[limit - 1]["parent"]
    return total


def main():
    answer = describe(Dump(Path(sys.argv[1]).read_bytes()))
    answer["shapes"] = [[name, json.loads(arguments), calls] for (name, arguments), calls in answer["shapes"].items()]
    print(json.dumps(answer, indent=1))


if __name__ == "__main__":
    main()
