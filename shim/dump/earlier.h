/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * earlier.h - whose dump has the name that this one is to have.
 * It must never take for an earlier run's what may be this run's: another rank's, a parent's or a child's.
 */
#ifndef FLOPSHIM_EARLIER_H
#define FLOPSHIM_EARLIER_H

enum standing {
	STANDS_OTHER,   /* a file that is no dump */
	STANDS_OF_RUN,  /* the dump of a process of this run */
	STANDS_PRESENT, /* the dump of a process that may be alive */
	STANDS_EARLIER, /* the dump of a process of another run that has ended */
};

/* What stands at `name`, from an open directory on. With record_lock held. */
enum standing earlier_look(int directory, const char *name);

enum removal {
	REMOVAL_DONE,
	REMOVAL_OF_OTHERS, /* another process is removing it, or has, or has made another file in its place */
	REMOVAL_FAILED,    /* errno says why */
};

/* Removes an earlier run's dump, and nothing else. With record_lock held. */
enum removal earlier_remove(int directory, const char *name);

#endif
