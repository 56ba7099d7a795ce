# SPDX-License-Identifier: BSD-3-Clause
"""Scopes and exceptions in C++."""

from harness import case
from markers import PROGRAMS, build, check_quiet


@case(standard=("c++17", "c++20"))
def scopes(client):
    program = build(client, PROGRAMS / "exceptions.cc", f"-std={client.standard}", "-pthread",
                    name=f"exceptions-{client.standard}")
    check_quiet(client.run([program], FLOPSHIM_ON_EXCEED="deny"))
