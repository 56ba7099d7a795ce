# SPDX-License-Identifier: BSD-3-Clause
# The tests: `make check` and the longer ones. Included by the Makefile.
