/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * site.h - a call site, as all threads know it.
 * It must never be what a thread compares on the call path: that is struct known_site of state.h.
 */
#ifndef FLOPSHIM_SITE_H
#define FLOPSHIM_SITE_H

#include <stdint.h>

struct form;

struct site {
	uint64_t caller;
	uint32_t symbol;
	uint32_t number;        /* its number in the dump */
	uint32_t flags;         /* enum site_flags */
	_Atomic uint32_t epoch; /* in which it was resolved; 0 while it changes */
	const struct form *form;
	void *real;
};

#endif
