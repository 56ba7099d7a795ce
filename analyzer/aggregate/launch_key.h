/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * launch_key.h - what tells the launches of MPI programs apart.
 * It must never tell launches apart by anything that two ranks of one launch may say differently.
 */
#ifndef ANALYZER_LAUNCH_KEY_H
#define ANALYZER_LAUNCH_KEY_H

#include "flopshim_dump.h"

/*
 * Ranks with equal keys are of one launch. Keys are compared by their bytes. A launch has a name, or is taken for the only one
 * of its size in its batch job; where neither is known it is what one process on one host has started.
 */
struct launch_key {
	char job[sizeof((struct dump_header *)0)->job], name[sizeof((struct dump_header *)0)->launch];
	char host[sizeof((struct dump_header *)0)->host];
	uint32_t starter, size;
};

/* What a rank says of itself; `parent` is the number of the process that has started it. */
struct launch_key launch_key_of(const char *job, const char *name, uint32_t size, const char *host, uint32_t parent);

#endif
