# SPDX-License-Identifier: BSD-3-Clause
"""Writes pages as `flopshim-report html` does, from tables that a test makes up: a second writer, which shares no code with the
first, and which can write what no run would leave. It must never be used where a page of a real dump would do."""

import base64
import hashlib
import json
import struct
import zlib
from html import escape
from pathlib import Path

SOURCES = Path(__file__).resolve().parent.parent.parent / "analyzer/render/html"
LISTS = ("shape", "list", "stack")


def unsigned(value):
    """Seven bits a byte, the lowest first."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out + bytes([value]))


def signed(value):
    return unsigned(-2 * value - 1 if value < 0 else 2 * value)


def bitmap(bits):
    out = bytearray((len(bits) + 7) // 8)
    for row, bit in enumerate(bits):
        out[row >> 3] |= bool(bit) << (row & 7)
    return bytes(out)


class Strings:
    def __init__(self):
        self.index = {}

    def number(self, text):
        return self.index.setdefault(text, len(self.index))

    def encoded(self):
        texts = [text.encode("utf-8", "surrogatepass") for text in self.index]
        return b"".join(unsigned(len(text)) + text for text in texts)


def encoding_of(kind):
    return "text" if kind == "text" else "list" if kind in LISTS else "real" if kind in ("real", "share", "change") else "delta"


def column_bytes(kind, values, strings, about):
    nulls = any(value is None for value in values)
    out = bytearray(bitmap([value is None for value in values]) if nulls else b"")
    out += bitmap(about) if about else b""
    encoding, before = encoding_of(kind), 0
    for value in values:
        if value is None:
            continue
        if encoding == "real":  # the upper 44 bits of a double
            value = struct.unpack("<Q", struct.pack("<d", value))[0] + (1 << 19) >> 20
        if encoding == "list":
            out += unsigned(len(value))
        for number in [strings.number(text) for text in value] if encoding == "list" else \
                [strings.number(value) if encoding == "text" else int(value)]:
            out += signed(number - before)
            before = number
    return nulls, encoding, bytes(out)


def data_of(meta, tables):
    """The bytes of a page. A table is (key, title, columns, rows), a column (key, title, kind, flags) and perhaps the rows that
    are estimated, and a row a tuple of values."""
    strings, heads, body = Strings(), [], bytearray()
    for key, title, columns, rows in tables:
        head = {"key": key, "title": title, "rows": len(rows), "columns": []}
        for at, (name, shown, kind, flags, *about) in enumerate(columns):
            nulls, encoding, packed = column_bytes(kind, [row[at] for row in rows], strings, about[0] if about else None)
            head["columns"].append({"key": name, "title": shown, "kind": kind, "flags": flags, "nulls": nulls,
                                    "estimated": bool(about), "at": len(body), "bytes": len(packed), "encoding": encoding})
            body += packed
        heads.append(head)
    packed = strings.encoded()
    heads.append({"key": "strings", "title": "", "rows": len(strings.index), "columns": [
        {"key": "text", "title": "", "kind": "text", "flags": [], "nulls": False, "estimated": False, "at": len(body),
         "bytes": len(packed), "encoding": "strings"}]})
    body += packed
    head = json.dumps({"dump": {"at": len(body), "bytes": 0, "encoding": "none"}, "meta": meta, "tables": heads})
    return b"flopshim-page 1\n" + head.encode() + b"\n" + bytes(body)


def page_of(data, title, static="<p>Without a script there is nothing to see.</p>"):
    """The page that holds these bytes."""
    style, script = ("".join(path.read_text() for path in sorted(SOURCES.glob(f"*.{kind}"))) for kind in ("css", "js"))
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (script, style)]
    policy = (f"default-src 'none'; script-src 'sha256-{hashes[0]}'; style-src 'sha256-{hashes[1]}'; img-src data: blob:; "
              "base-uri 'none'; form-action 'none'")
    block = base64.encodebytes(zlib.compress(data, 9)).decode()
    page = (SOURCES / "page.html").read_text()
    for marker, text in (("<!--POLICY-->", f'<meta http-equiv="Content-Security-Policy" content="{policy}">'),
                         ("<!--TITLE-->", escape(title)), ("<!--STATIC-->", static),
                         ("<!--DATA-->", f'<script type="application/octet-stream" id="flopshim-data">{block}</script>'),
                         ("/*STYLE*/", style), ("/*SCRIPT*/", script)):
        assert page.count(marker) == 1, f"page.html: {marker} is to be there once"
        page = page.replace(marker, text)
    return page
