/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * job.h - the batch job and the parallel launch that the process belongs to, from environment variables.
 * It must never ask the batch system or MPI itself.
 */
#ifndef FLOPSHIM_JOB_H
#define FLOPSHIM_JOB_H

#include <stdint.h>

struct job {
	const char *number;  /* the batch job's number, as its variable gives it; NULL if unknown */
	const char *rank;    /* the rank in the launch, as its variable gives it; NULL if unknown */
	int32_t rank_number; /* the same as a number, -1 if unknown */
	uint32_t size;       /* how many ranks the launch has, 0 if unknown */
	/*
	 * Tells the launch apart from others of the job. If neither job nor launch has a name, it names the process
	 * that started the ranks, and tells the launch apart from all others. "" if nothing does.
	 */
	char launch[64];
};

/* Fills *job from the environment; its texts are those of the environment, not copies. With record_lock held. */
void job_find(struct job *job);

#endif
