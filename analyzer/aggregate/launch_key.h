/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * launch_key.h - tells the launches of MPI programs apart.
 * It must never compare hosts where a job or a name tells launches apart, since ranks of one launch may run on several.
 */
#ifndef ANALYZER_LAUNCH_KEY_H
#define ANALYZER_LAUNCH_KEY_H

#include "flopshim_dump.h"

/* What a dump says of the launch that its process is of; members as in struct dump_header. `name` is its launch. */
struct launch_marks {
	const char *job, *step, *array_task, *name, *host;
	uint32_t size, parent_pid;
};

/*
 * Ranks with equal keys are of one launch. Keys are compared by their bytes. Job, step, array task, name and size identify a
 * launch, so that a launch without a name is taken for the only one of its size in its step or batch job. If neither job nor
 * name is known, the size and the process that started the ranks identify it; otherwise the host and that process are empty in
 * the key.
 */
struct launch_key {
	char job[sizeof((struct dump_header *)0)->job], name[sizeof((struct dump_header *)0)->launch];
	char step[sizeof((struct dump_header *)0)->step], array_task[sizeof((struct dump_header *)0)->array_task];
	char host[sizeof((struct dump_header *)0)->host];
	uint32_t starter, size; /* pid of the process on `host` that started the ranks; number of ranks */
};

struct launch_key launch_key_of(const struct launch_marks *marks);

#endif
