/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * caches.c - asks the C library and the kernel for the sizes of caches and memory.
 * It must never trust a size that is not positive.
 */
#include "analyzer/peak/caches.h"

#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LEVELS_MAX = 4, INDEXES_MAX = 8, KIB = 1024 };

static uint64_t ask(int what)
{
	long size = sysconf(what);

	return size > 0 ? (uint64_t)size : 0;
}

/* Reads the first word of a file of the kernel. */
static void read_word(char word[32], unsigned index, const char *name)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%u/%s", index, name);
	file = fopen(path, "re");
	*word = 0;
	if (!file)
		return;
	if (fscanf(file, "%31s", word) != 1)
		*word = 0;
	fclose(file);
}

/* Takes the sizes that the kernel knows, for processors of which the C library knows none. */
static void read_kernel(uint64_t sizes[LEVELS_MAX])
{
	for (unsigned i = 0; i < INDEXES_MAX; i++) {
		char level[32], type[32], size[32];
		uint64_t kib;

		read_word(level, i, "level");
		read_word(type, i, "type");
		read_word(size, i, "size");
		if (*level >= '1' && *level <= '0' + LEVELS_MAX && strcmp(type, "Instruction") != 0 &&
		    sscanf(size, "%" SCNu64 "K", &kib) == 1 && !sizes[*level - '1'])
			sizes[*level - '1'] = kib * KIB;
	}
}

static uint64_t memory_left(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	char line[128];
	uint64_t kib = 0;

	while (file && fgets(line, sizeof line, file))
		if (sscanf(line, "MemAvailable: %" SCNu64, &kib) == 1)
			break;
	if (file)
		fclose(file);
	return kib * KIB;
}

void caches_read(struct caches *caches)
{
	uint64_t sizes[LEVELS_MAX] = {ask(_SC_LEVEL1_DCACHE_SIZE), ask(_SC_LEVEL2_CACHE_SIZE),
	                              ask(_SC_LEVEL3_CACHE_SIZE), ask(_SC_LEVEL4_CACHE_SIZE)};
	cpu_set_t set;

	read_kernel(sizes);
	*caches = (struct caches){
		.first = sizes[0],
		.second = sizes[1],
		.last = sizes[3] ? sizes[3] : sizes[2],
		.memory = memory_left(),
		.processors = sched_getaffinity(0, sizeof set, &set) ? (unsigned)ask(_SC_NPROCESSORS_ONLN)
	                                                             : (unsigned)CPU_COUNT(&set),
	};
}
