#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# packages.sh - sourced: installs the Debian packages that a script needs and that are not there yet.

# To build the shim, flopshim-report and the launcher.
PACKAGES_BUILD="gcc make libc6-dev libdw-dev libelf-dev libncurses-dev"
# What the shim opens while it runs: stacks are left out without it.
PACKAGES_RUN="libunwind8"
# For the demo: a program that nobody prepared.
PACKAGES_DEMO="$PACKAGES_BUILD $PACKAGES_RUN python3-numpy"
# For every test: all BLAS libraries that Debian has, the clients, compilers and tools.
PACKAGES_CHECK="$PACKAGES_DEMO check pkg-config g++ gfortran clang libclang-rt-14-dev libunwind-dev binutils lld gdb
	valgrind python3 python3-scipy liblapacke-dev libopenblas-dev octave r-base-core hpcc openmpi-bin libopenmpi-dev
	libblas-dev liblapack-dev libblas3 liblapack3 liblapacke libopenblas0-pthread libopenblas-pthread-dev
	libopenblas0-openmp libopenblas64-0-pthread libopenblas64-pthread-dev
	libblis4-pthread libblis4-openmp libblis-dev libatlas3-base libatlas-base-dev
	libscalapack-openmpi-dev musl-tools gcc-multilib libcap2-bin e2fsprogs btrfs-progs util-linux file
	procps"

fail() {
	echo "$(basename "$0"): $*" >&2
	exit 1
}

# Installs those of the packages that are missing.
install_packages() {
	missing=""
	for package in "$@"; do
		case "$(dpkg-query -W -f '${Status}' "$package" 2>/dev/null)" in
		*" installed") ;;
		*) missing="$missing $package" ;;
		esac
	done
	[ -n "$missing" ] || return 0
	command -v apt-get >/dev/null || fail "these Debian packages are missing, and there is no apt-get:$missing"
	echo "Installing:$missing"
	as_root=""
	if [ "$(id -u)" != 0 ]; then
		command -v sudo >/dev/null || fail "not root, and there is no sudo to install:$missing"
		as_root="sudo"
	fi
	$as_root apt-get update -qq || fail "apt-get update failed"
	# shellcheck disable=SC2086 # a list of words
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing \
		>"${TMPDIR:-/tmp}/flopshim-apt.log" 2>&1 ||
		fail "apt-get install failed; the end of its output: $(tail -n 5 "${TMPDIR:-/tmp}/flopshim-apt.log")"
}
