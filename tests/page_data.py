# SPDX-License-Identifier: BSD-3-Clause
"""
Reads the data of a page that `flopshim-report html` has written, as docs/page.md describes it. It must never use code of
flopshim-report: it is there to check that.
"""
import base64
import json
import re
import struct
import zlib

TAG = re.compile(rb'<script type="application/octet-stream" id="flopshim-data">(.*?)</script>', re.DOTALL)
BEGIN = b"flopshim-page 1\n"
BITS = 128


class Bytes:
    """A position in some bytes."""

    def __init__(self, data):
        self.data, self.at, self.before = data, 0, 0

    def number(self):
        """An unsigned LEB128."""
        number = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            number |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return number

    def difference(self):
        """A number that stands as the zigzag difference to the one before."""
        coded = self.number()
        self.before = (self.before + (coded >> 1 ^ -(coded & 1))) % (1 << BITS)
        return self.before

    def bits(self, rows):
        taken = self.data[self.at:self.at + (rows + 7) // 8]
        self.at += len(taken)
        return [bool(taken[row // 8] >> row % 8 & 1) for row in range(rows)]


def real(number):
    """A real number by its upper 44 bits."""
    return struct.unpack("<d", struct.pack("<Q", number << 20))[0]


def decode(column, body, rows, strings):
    """The values of a column, None for null."""
    data = Bytes(body[column["at"]:column["at"] + column["bytes"]])
    nulls = data.bits(rows) if column["nulls"] else [False] * rows
    if column["estimated"]:
        data.bits(rows)
    values = []
    for null in nulls:
        if null:
            values.append(None)
        elif column["encoding"] == "list":
            count = data.number()
            values.append([strings[data.difference()] for _element in range(count)])
        else:
            number = data.difference()
            values.append(strings[number] if column["encoding"] == "text" else
                          real(number) if column["encoding"] == "real" else
                          bool(number) if column["kind"] == "bool" else number)
    if data.at != len(data.data):
        raise ValueError(f"column {column['key']}: {len(data.data) - data.at} bytes are left")
    return values


def read_strings(column, body, rows):
    data, strings = Bytes(body[column["at"]:column["at"] + column["bytes"]]), []
    for _row in range(rows):
        size = data.number()
        strings.append(data.data[data.at:data.at + size].decode("utf-8"))
        data.at += size
    return strings


class Page:
    """What a page holds: `meta`, `tables` ({key: {column: values}}), `head` and the inflated data."""

    def __init__(self, html):
        found = TAG.findall(html)
        if len(found) != 1:
            raise ValueError(f"{len(found)} elements of data, expected 1")
        self.data = zlib.decompress(base64.b64decode(found[0]))
        if not self.data.startswith(BEGIN):
            raise ValueError("the data do not begin as those of a page")
        end = self.data.index(b"\n", len(BEGIN))
        self.head, body = json.loads(self.data[len(BEGIN):end]), self.data[end + 1:]
        self.meta = self.head["meta"]
        table = next(table for table in self.head["tables"] if table["key"] == "strings")
        self.strings = read_strings(table["columns"][0], body, table["rows"])
        self.tables = {table["key"]: {column["key"]: decode(column, body, table["rows"], self.strings)
                                      for column in table["columns"]}
                       for table in self.head["tables"] if table["key"] != "strings"}

    def rows(self, key):
        """The rows of a table as dictionaries."""
        columns = self.tables[key]
        return [dict(zip(columns, values)) for values in zip(*columns.values())]


def read(path):
    with open(path, "rb") as stream:
        return Page(stream.read())


def unpack_dump(page):
    """The bytes of the dump in a page."""
    at = page.data.index(b"\n", len(BEGIN)) + 1 + page.head["dump"]["at"]
    data = Bytes(page.data[at:at + page.head["dump"]["bytes"]])
    size, dump = data.number(), bytearray()
    while len(dump) < size:
        words, count = data.number(), data.number()
        if not words:
            dump += data.data[data.at:data.at + count]
            data.at += count
            continue
        begin = len(dump)
        dump += bytes(4 * words * count)
        for word in range(words):
            before = 0
            for entry in range(count):
                coded = data.number()
                before = before + (coded >> 1 ^ -(coded & 1)) & 0xFFFFFFFF
                struct.pack_into("<I", dump, begin + 4 * (words * entry + word), before)
    return bytes(dump)
