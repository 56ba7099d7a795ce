/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * stack.c - a stack of the shim's own.
 * It must never be used without record_lock.
 */
#include "shim/guest/stack.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>

#include "shim/guest/guest.h"
#include "shim/guest/page.h"

enum { STACK_BYTES = 1 << 17 };

/* The memory of the stack, whose lowest page cannot be written; NULL without memory. */
static char *stack_pages(void)
{
	static char *pages;
	int saved = errno;

	if (!pages) {
		pages = guest_pages(STACK_BYTES);
		if (pages)
			mprotect(pages, page_size(), PROT_NONE);
	}
	errno = saved;
	return pages;
}

void stack_run(void (*work)(void *), void *argument)
{
	char *pages = stack_pages();

	if (!pages || (uintptr_t)__builtin_frame_address(0) - (uintptr_t)pages < STACK_BYTES)
		work(argument);
	else
		stack_call(work, argument, pages + STACK_BYTES);
}

bool stack_is_signals(uint64_t address)
{
	stack_t stack;

	return !sigaltstack(NULL, &stack) && stack.ss_flags & SS_ONSTACK && address >= (uint64_t)stack.ss_sp &&
	       address < (uint64_t)stack.ss_sp + stack.ss_size;
}
