/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * launch_key.c - makes the key of a launch.
 * It must never leave a byte of a key unset, since keys are compared by their bytes.
 */
#include "analyzer/aggregate/launch_key.h"

#include <string.h>

struct launch_key launch_key_of(const char *job, const char *name, uint32_t size, const char *host, uint32_t parent)
{
	struct launch_key key;

	memset(&key, 0, sizeof key);
	key.size = size;
	if (*job || *name) {
		memcpy(key.job, job, strnlen(job, sizeof key.job));
		memcpy(key.name, name, strnlen(name, sizeof key.name));
	} else {
		memcpy(key.host, host, strnlen(host, sizeof key.host));
		key.starter = parent;
	}
	return key;
}
