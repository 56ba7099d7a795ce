/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * earlier.h - finds out whose dump already has the name that this process's dump shall get.
 * It must never take a dump of this run (another rank's, a parent's or a child's), nor one of this batch job, for one
 * of an earlier run.
 */
#ifndef FLOPSHIM_EARLIER_H
#define FLOPSHIM_EARLIER_H

enum standing {
	STANDS_OTHER,   /* a file that is no dump, or cannot be read */
	STANDS_OF_RUN,  /* the dump of a process of this run */
	STANDS_OF_JOB,  /* the dump of another step, array task or launch of this batch job */
	STANDS_PRESENT, /* the dump of a process that may be alive */
	STANDS_EARLIER, /* the dump of a process of another run that has ended */
};

/* Says what the file `name`, relative to the open directory, is. With record_lock held. */
enum standing earlier_look(int directory, const char *name);

enum removal {
	REMOVAL_DONE,
	REMOVAL_OF_OTHERS, /* another process is removing or has removed it, or has put another file in its place */
	REMOVAL_FAILED,    /* errno says why */
};

/* Removes the file `name` if it is a dump that earlier_look calls STANDS_EARLIER. With record_lock held. */
enum removal earlier_remove(int directory, const char *name);

#endif
