# SPDX-License-Identifier: BSD-3-Clause
"""Tests scopes and exceptions in C++. The program itself must check everything."""

from harness import case
from markers import PROGRAMS, build, check_quiet


@case(standard=("c++17", "c++20"))
def scopes(client):
    """Exceptions end scopes, in both standards."""
    program = build(client, PROGRAMS / "exceptions.cc", f"-std={client.standard}", "-pthread",
                    name=f"exceptions-{client.standard}")
    check_quiet(client.run([program], FLOPSHIM_ON_EXCEED="deny"))
