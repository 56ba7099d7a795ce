/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * run_suite.h - the last step of every unit test's main.
 * It must never return success if a test has failed.
 */
#ifndef FLOPSHIM_RUN_SUITE_H
#define FLOPSHIM_RUN_SUITE_H

#include <check.h>
#include <stdlib.h>

/*
 * Runs the suite, prints its totals, and returns the exit status for main. With CK_FORK each test is a process of its
 * own, unless the environment's CK_FORK says otherwise; with CK_NOFORK none is.
 */
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
