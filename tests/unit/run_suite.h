/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * run_suite.h - the end of every unit test's main.
 */
#ifndef FLOPSHIM_RUN_SUITE_H
#define FLOPSHIM_RUN_SUITE_H

#include <check.h>
#include <stdlib.h>

/* Runs the suite, which prints its totals, and returns main's status. `fork` as Check has it: CK_FORK or CK_NOFORK. */
static inline int run_suite(Suite *suite, enum fork_status fork)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	if (fork == CK_NOFORK)
		srunner_set_fork_status(runner, CK_NOFORK);
	srunner_run_all(runner, CK_NORMAL);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
