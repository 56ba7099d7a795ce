/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * job.h - the batch job and the parallel launch that the process belongs to, from environment variables.
 * It must never ask the batch system or MPI itself.
 */
#ifndef FLOPSHIM_JOB_H
#define FLOPSHIM_JOB_H

#include <stdbool.h>
#include <stdint.h>

enum { JOB_LAUNCH_MAX = 64 }; /* bytes of the name of a launch */

/* Texts that are not known are NULL, or "" if they are arrays. */
struct job {
	const char *number;        /* the batch job's number, as its variable gives it */
	const char *step;          /* number of the step of the job that the launch is */
	const char *array_task;    /* index of the job in an array of jobs */
	bool array_is_one_job;     /* all tasks of the array have the same `number` */
	uint32_t restarts;         /* how often the batch system has started the job again */
	const char *rank;          /* the rank in the launch, as its variable gives it */
	int32_t rank_number;       /* the same as a number, -1 if unknown */
	int32_t local_rank;        /* the rank among those on this host, -1 if unknown */
	uint32_t size;             /* how many ranks the launch has, 0 if unknown */
	char name[JOB_LAUNCH_MAX]; /* the launch's name, if it says more than job and step */
	/*
	 * Tells the launch apart from others of the job. If neither job nor launch has a name, it names the process
	 * that started the ranks, and tells the launch apart from all others.
	 */
	char launch[JOB_LAUNCH_MAX];
};

/* Fills *job from the environment; its texts are those of the environment, not copies. With record_lock held. */
void job_find(struct job *job);

#endif
