/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * before.c - does what before.def says before functions of the C library.
 * It must never do anything in a child of fork or vfork that has not begun its own dump: the child may call no more than a
 * signal handler may.
 */
#include "shim/interpose/before.h"

#include "shim/dump/dump.h"
#include "shim/resolve/libc.h"

enum what { WRITE, APART };

static struct {
	const char *name;
	enum what what;
	void *next; /* the function behind the shim */
} functions[] = {
#define BEFORE(name, what) {#name, what, 0},
#include "shim/interpose/before.def"
};

void before_start(void)
{
	for (unsigned i = 0; i < sizeof(functions) / sizeof(functions[0]); i++)
		if (!functions[i].next)
			functions[i].next = libc_next(functions[i].name);
}

void *before_hook(unsigned number)
{
	if (functions[number].what == WRITE)
		dump_write_now();
	else
		dump_stand_apart();
	if (!functions[number].next) { /* a constructor that runs before the shim's */
		libc_find();
		functions[number].next = libc_next(functions[number].name);
	}
	return functions[number].next;
}
