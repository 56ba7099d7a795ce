#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# packages.sh - functions that install the Debian packages that a script needs and that are missing; other scripts source it.
# It must never install anything without saying what and how much before.
# shellcheck disable=SC2034,SC2086 # others use these lists, which are lists of words
#
# Since releases of Debian differ, A|B|C means the first of these packages that the release has, and A? means A if the
# release has it.

# What building the shim, flopshim-report and the launcher needs.
PACKAGES_BUILD="gcc make libc6-dev libdw-dev libelf-dev libncurses-dev zlib1g-dev"
# What the shim loads to take stacks, if it is there.
PACKAGES_RUN="libunwind8"
# What the demo needs: NumPy too, for its program.
PACKAGES_DEMO="$PACKAGES_BUILD $PACKAGES_RUN python3-numpy"
# What the tests need: all BLAS libraries that Debian has, programs that use them, compilers and tools. The runtime of clang must
# be that of the release's clang.
PACKAGES_CHECK="$PACKAGES_DEMO check pkg-config pandoc man-db mandoc g++ gfortran clang libclang-common-11-dev|libclang-rt-14-dev|libclang-rt-19-dev
	libunwind-dev binutils lld gdb
	strace zsh fish libdebuginfod1? valgrind python3 python3-scipy python3-sklearn python3-pytest python3-pytest-xdist liblapacke-dev libopenblas-dev octave r-base-core hpcc? openmpi-bin libopenmpi-dev
	libblas-dev liblapack-dev libblas3 liblapack3 liblapacke libopenblas0-pthread libopenblas-pthread-dev
	libopenblas0-openmp libopenblas64-0-pthread libopenblas64-pthread-dev
	libblis4-pthread|libblis3-pthread libblis4-openmp|libblis3-openmp libblis-dev libatlas3-base? libatlas-base-dev?
	libscalapack-openmpi-dev musl-tools gcc-multilib libcap2-bin e2fsprogs btrfs-progs bindfs util-linux file
	procps tmux environment-modules
	golang-go jq sqlite3 nodejs npm chromium
	cmake libxml2-utils python3-jsonschema python3-prometheus-client python3-yaml
	python3-setuptools python3-wheel python3-build python3-venv python3-pip python3-pandas ipython3 python3-ipykernel python3-nbclient
	jupyter-client"
# What `make check-slurm` needs, beside a program that uses BLAS.
PACKAGES_SLURM="$PACKAGES_BUILD python3 libblas-dev liblapack-dev openmpi-bin slurm-wlm slurmctld slurmd libslurm-dev"
# What `make check-lint` needs. No other test needs these, and they take hundreds of megabytes.
PACKAGES_LINT="$PACKAGES_BUILD python3 clang-tidy clang-format cppcheck shellcheck flake8 libslurm-dev"

# Packages of Node for the tests, in these versions: what drives chromium, and a reader of profiles whose page the tests open.
PACKAGES_NODE="playwright-core@1.65.1 speedscope@1.25.0"

fail() {
	echo "$(basename "$0"): $*" >&2
	exit 1
}

# Returns whether a package is installed. Many machines have Node.js from elsewhere, with which Debian's packages conflict.
is_installed() {
	case "$1" in
	nodejs) command -v node >/dev/null && return 0 ;;
	npm) command -v npm >/dev/null && return 0 ;;
	esac
	case "$(dpkg-query -W -f '${Status}' "$1" 2>/dev/null)" in
	*" installed") return 0 ;;
	*) return 1 ;;
	esac
}

# Returns whether apt's lists have a package.
has_candidate() {
	LC_ALL=C apt-cache policy "$1" 2>/dev/null | grep -q '^  Candidate: [^(]'
}

# Prints the words, such as A|B, of which no package is installed.
words_missing() {
	for word in "$@"; do
		for package in $(echo "${word%\?}" | tr '|' ' '); do
			is_installed "$package" && continue 2
		done
		echo "$word"
	done
}

# Prints the package to install for each word; fails if the release has none for a word that is not optional.
packages_for() {
	for word in "$@"; do
		for package in $(echo "${word%\?}" | tr '|' ' '); do
			if has_candidate "$package"; then
				echo "$package"
				continue 2
			fi
		done
		case "$word" in
		*\?) ;;
		*) fail "this release of Debian has no package $(echo "$word" | sed 's/|/ or /g')" ;;
		esac
	done
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		command -v sudo >/dev/null || fail "not root, and there is no sudo to install packages"
		sudo "$@"
	fi
}

# Prints the percentage, without its fraction, from a line such as "pmstatus:libc6:amd64:41.5:Installing"; prints nothing if
# there is none. It searches the fields, since the name of a package may contain colons.
percent_of() {
	field=${1#*:}
	while [ "$field" != "${field#*:}" ]; do
		field=${field#*:}
		case "$field" in
		[0-9]*.[0-9]*:*)
			echo "${field%%.*}"
			return
			;;
		esac
	done
}

# Reads apt's progress, and prints a line for each 20 percent.
show_progress() {
	shown=""
	while IFS= read -r line; do
		case "$line" in
		dlstatus:*) doing="downloaded" ;;
		pmstatus:*) doing="installed" ;;
		*) continue ;;
		esac
		percent=$(percent_of "$line")
		[ "${percent:-0}" -ge 20 ] || continue
		step="$doing $((percent / 20 * 20)) %"
		[ "$step" = "$shown" ] || echo "  $step"
		shown="$step"
	done
}

# Installs those of the packages that are missing, and prints before how many they are and how much space they take.
install_packages() {
	missing=$(words_missing "$@")
	[ -n "$missing" ] || return 0
	command -v apt-get >/dev/null || fail "these Debian packages are missing, and there is no apt-get: $missing"
	# If all missing words are optional and the release does not have them, there is nothing to install.
	if [ -n "$(find /var/lib/apt/lists -name '*_Packages*' 2>/dev/null | head -n 1)" ]; then
		wanted=$(packages_for $missing 2>/dev/null) && [ -z "$wanted" ] && return 0
	fi
	echo "Updating the lists of packages (apt-get update)"
	as_root apt-get update -qq || fail "apt-get update failed"
	wanted=$(packages_for $missing) || exit 1
	[ -n "$wanted" ] || return 0
	echo "Installing:" $wanted
	as_root env LC_ALL=C apt-get install --assume-no --no-install-recommends $wanted 2>/dev/null |
		sed -n -e 's/^[0-9]* upgraded, \([0-9]*\) newly installed.*/With what they need these are \1 packages./p' \
			-e 's/^Need to get \(.*\) of archives\./\1 to download./p' \
			-e 's/^After this operation, \(.*\) of additional disk space will be used\./\1 on disk. Often it takes a minute for each 300 MB./p'
	log=$(mktemp)
	# apt's progress goes to standard output and everything else to standard error. sudo closes all other files; and apt makes
	# the file for its progress non-blocking, so that the scripts of packages must not write there.
	as_root env DEBIAN_FRONTEND=noninteractive sh -c '
		exec apt-get install -y -q --no-install-recommends -o APT::Status-Fd=3 -o Dpkg::Use-Pty=0 "$@" 3>&1 1>&2
		' apt-get $wanted 2>"$log" | show_progress
	[ -z "$(words_missing $wanted)" ] ||
		fail "apt-get install failed; the end of its output, which is in $log: $(tail -n 5 "$log")"
	rm -f "$log"
}
