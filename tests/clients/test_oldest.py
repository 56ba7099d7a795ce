# SPDX-License-Identifier: BSD-3-Clause
"""Tests which C library the built programs need. The glibc of 2012 is in reach of every cluster; the versions that a program asks
for are those in its own list of symbols, as binutils read it."""
import re
import subprocess

from harness import check, case

OLDEST = (2, 17)


def versions_of(path):
    """{symbol: version} of the symbols that an object takes from glibc."""
    listed = subprocess.run(["objdump", "-T", path], capture_output=True, text=True, check=True).stdout
    found = re.findall(r"\*UND\*\s+\S+\s+\(?GLIBC_([0-9.]+)\)?\s+(\S+)", listed)
    return {symbol: tuple(map(int, version.split("."))) for version, symbol in found}


@case(what=("shim", "launcher", "reporter"))
def needs_an_old_glibc(client):
    """No symbol of a newer glibc is asked for, wherever this was built."""
    versions = versions_of(getattr(client, client.what))
    check(len(versions) > 20, f"only {len(versions)} symbols of glibc were found")
    newer = {symbol: version for symbol, version in versions.items() if version > OLDEST}
    check(not newer, f"symbols of a newer glibc: {newer}")
