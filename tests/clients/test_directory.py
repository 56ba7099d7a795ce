# SPDX-License-Identifier: BSD-3-Clause
"""Tests flopshim-report over a directory of thousands of dumps and other files. What is sound must always be counted."""

import json
import os
import struct
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "dumps"))
import read_dump
from harness import case, check, check_equal

DUMPS, FOREIGN = 2000, 1000
KINDS = {
    "cut.dump": "cut short: 9000 of",
    "empty.dump": "the file is empty",
    "text.dump": "not a flopshim dump: it does not begin with FLOPSHIM",
}
NOT_FILES = {
    "dangling.dump": "No such file or directory",
    "device.dump": "not a regular file",
    "fifo.dump": "not a regular file",
}


def report(client, *arguments):
    return subprocess.run([client.reporter, *map(str, arguments)], capture_output=True, text=True, timeout=60,
                          env=client.environment())


PAGE = read_dump.Document(read_dump.PAGE.read_text())


def of_another(data, number):
    """The dump as another process would have left it. It has another id (docs/flopshim-dump.md), since it would be a
    copy otherwise."""
    data = bytearray(data)
    struct.pack_into("<QQ", data, PAGE.offset("dump_header", "id"), number + 1, 0)
    PAGE.write("dump_header", "identity_check", read_dump.check32(data[PAGE.identity()]), data)
    return data


@case()
def mixed(client):
    """Sound dumps are added up, each file that cannot be read is named with its fault, and of very many faults only some
    are listed."""
    program = client.compile("victim.c", "-pthread")
    (dump,) = client.run([program, client.folder / "counts", "1", "8", "run"]).dumps
    folder = client.folder / "mixed"
    folder.mkdir()
    for i in range(DUMPS):
        (folder / f"rank-{i}.dump").write_bytes(of_another(open(dump, "rb").read(), i))
    for name in ("notes.txt", "core", "x.dump.old"):  # files that are not read, since they do not end in .dump
        (folder / name).write_text("other")
    (folder / "folder.dump").mkdir()

    done = report(client, "--json", folder)
    check_equal((done.returncode, done.stderr), (0, ""), "status and standard error before anything is wrong")
    check_equal(json.loads(done.stdout)["totals"]["calls"], 8 * DUMPS, "calls")

    (folder / "cut.dump").write_bytes(open(dump, "rb").read()[:9000])
    (folder / "empty.dump").touch()
    (folder / "text.dump").write_text("this is not a dump\n")
    expected = {str(folder / name): words for name, words in KINDS.items()}
    check_damage(client, folder, 5, expected)

    (folder / "dangling.dump").symlink_to("nowhere")
    (folder / "device.dump").symlink_to("/dev/zero")
    os.mkfifo(folder / "fifo.dump")
    expected.update({str(folder / name): words for name, words in NOT_FILES.items()})
    done = check_damage(client, folder, 1, expected)
    check_equal(len(done.stderr.splitlines()), len(expected), "lines on standard error")

    for i in range(FOREIGN):
        (folder / f"foreign-{i}.dump").write_text("not a dump either\n")
        expected[str(folder / f"foreign-{i}.dump")] = KINDS["text.dump"]
    done = check_damage(client, folder, 1, expected)
    check(len(done.stderr.splitlines()) < 50, f"{len(done.stderr.splitlines())} lines on standard error")
    check(" more like these" in done.stderr, f"it does not say that there are more: {done.stderr[-300:]}")


def check_damage(client, folder, status, expected):
    """Each file is named with its fault, and what is sound is counted."""
    done = report(client, "--json", folder)
    check_equal(done.returncode, status, "status")
    found = json.loads(done.stdout)
    check_equal(found["complete"], False, "complete")
    check(8 * DUMPS <= found["totals"]["calls"] <= 8 * (DUMPS + 1), f"{found['totals']['calls']} calls")
    damage = {row["file"]: row["text"] for row in found["damage"]}
    check_equal(sorted(damage), sorted(expected), "files with damage")
    for path, words in expected.items():
        check(words in damage[path], f"{path}: {damage[path]}")
    text = report(client, folder)
    check_equal(text.returncode, status, "status of the report in words")
    check("INCOMPLETE" in text.stdout and KINDS["text.dump"] in text.stdout, f"the report: {text.stdout[:500]}")
    return done


@case()
def nothing_to_read(client):
    """If there is no dump to read, a message says so, and no totals are shown."""
    empty = client.folder / "none"
    empty.mkdir()
    only_text = client.folder / "text"
    only_text.mkdir()
    (only_text / "a.dump").write_text("this is not a dump\n")
    for folder, status, words in ((empty, 1, "no *.dump file in this directory"), (only_text, 5, KINDS["text.dump"]),
                                  (client.folder / "missing", 1, "No such file or directory")):
        for options in ((), ("--json",), ("--csv",)):
            done = report(client, *options, folder)
            check_equal(done.returncode, status, f"status of {options} {folder.name}")
            check(words in done.stderr + done.stdout, f"it does not say '{words}': {done.stderr}")
            check("total  " not in done.stdout, f"totals of nothing: {done.stdout[:300]}")
            if options == ("--json",) and done.stdout:
                check_equal(json.loads(done.stdout)["totals"], None, "totals of nothing")
