# SPDX-License-Identifier: BSD-3-Clause
# cases.sh - functions for tests that are scripts of the shell, which print their cases as tests/suite.py does; they source it.
# It must never hide a case that failed.
# shellcheck shell=sh

passed=0 failed=0

# Begins a case.
case_begins() {
	case_started=$(date +%s%N)
}

# case_ends NAME VERDICT: prints the case, with the time since it began. The verdict is ok or FAIL; the caller prints the
# reason after it, indented by five spaces.
case_ends() {
	case_took=$((($(date +%s%N) - case_started) / 1000000))
	[ "$case_took" -ge 0 ] || case_took=0 # the clock was set back
	printf '%-4s %s (%d.%03d s)\n' "$2" "$1" $((case_took / 1000)) $((case_took % 1000))
	if [ "$2" = ok ]; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
	fi
}

# Prints the totals. Returns 1 if a case failed, or if there was none.
cases_end() {
	echo "$passed passed, $failed failed"
	[ $failed = 0 ] && [ $passed != 0 ]
}
