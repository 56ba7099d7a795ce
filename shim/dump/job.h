/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * job.h - what the environment says of the batch job and of the parallel launch that the process belongs to.
 * It must never be asked of the batch system or of MPI itself.
 */
#ifndef FLOPSHIM_JOB_H
#define FLOPSHIM_JOB_H

#include <stdint.h>

struct job {
	const char *number; /* of the batch job, as its variable gives it; NULL if there is none */
	const char *rank;   /* in the launch, as its variable gives it; NULL if there is none */
	int32_t rank_number; /* -1 if it is not known */
	uint32_t size;       /* how many ranks the launch has, 0 if it is not known */
	char launch[64];     /* what tells it from others of the job, or, without either name, from all; "" if nothing does */
};

/* The texts are the environment's. With record_lock held. */
void job_find(struct job *job);

#endif
