/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * launch_key.c - makes the key of a launch.
 * It must never leave a byte of a key unset, since keys are compared by their bytes.
 */
#include "analyzer/aggregate/launch_key.h"

#include <string.h>

/* Copies a text to a member of `size` bytes that are 0. */
static void copy(char *member, size_t size, const char *text) { memcpy(member, text, strnlen(text, size)); }

struct launch_key launch_key_of(const struct launch_marks *marks)
{
	struct launch_key key;

	memset(&key, 0, sizeof key);
	key.size = marks->size;
	copy(key.step, sizeof key.step, marks->step);
	copy(key.array_task, sizeof key.array_task, marks->array_task);
	if (*marks->job || *marks->name) {
		copy(key.job, sizeof key.job, marks->job);
		copy(key.name, sizeof key.name, marks->name);
	} else {
		copy(key.host, sizeof key.host, marks->host);
		key.starter = marks->parent_pid;
	}
	return key;
}
