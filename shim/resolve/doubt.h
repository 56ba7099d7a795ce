/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * doubt.h - objects with so few names like BLAS that they may have functions of their own behind them.
 */
#ifndef FLOPSHIM_DOUBT_H
#define FLOPSHIM_DOUBT_H

#include <stdbool.h>

#include "shim/state/entry.h"
#include "price/routines.h"

struct module;
struct site;

enum doubt {
	DOUBT_STAYS, /* this call is counted, and the next one is looked at again */
	DOUBT_OVER,  /* the function is what its name says: its calls need not be looked at any more */
	DOUBT_NEWS,  /* more is known of the object: the site is to be resolved again */
};

/*
 * Looks at the arguments of a call from a site with SITE_DOUBTFUL. Nothing is read through a pointer but by the kernel,
 * so that a wrong one is no fault. Takes record_lock; async-signal-safe.
 */
enum doubt doubt_weigh(const struct site *site, entry_frame frame);

/* Whether calls of this function, in this object, have shown that it is no routine of BLAS. With record_lock held. */
bool doubt_is_refuted(const void *real, const struct module *module);

#endif
