/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * collect.h - has the dumps that the tasks of a step left on this node collected.
 * It must never do anything with more rights than the job's user has.
 */
#ifndef FLOPSHIM_SLURM_COLLECT_H
#define FLOPSHIM_SLURM_COLLECT_H

#include <stdbool.h>

#include <slurm/spank.h>

#include "slurm/options.h"

#define REPORT_ARGUMENT "report=" /* of the line in plugstack.conf */

/*
 * Notes the folder that the tasks' dumps are to wait under: called before the tasks begin, since a TaskProlog or a task may
 * change TMPDIR.
 */
void collect_prepare(spank_t spank);

/*
 * Returns that folder for a task that writes its dumps to the node's own disk; NULL for others. Called in the task, as the user,
 * when Slurm has made TMPDIR.
 */
const char *collect_base(spank_t spank, const struct wanted *wanted);

struct collecting {
	const char *report; /* path of flopshim-report; NULL if it is not known */
	bool may_run;       /* processes of the step may still run: no message says so */
};

/*
 * Runs `flopshim-report collect` for the step as the job's user, if its tasks write their dumps to this node's own disk, and
 * waits for it. What goes wrong is an error of Slurm, which the user sees in the step's standard error, if that is still open.
 */
void collect_step(spank_t spank, const struct wanted *wanted, const struct collecting *how);

#endif
