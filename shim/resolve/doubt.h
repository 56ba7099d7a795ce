/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * doubt.h - doubtful objects: those with so few names of BLAS that these may be functions of another kind.
 * It must never be asked about a call from a site without SITE_DOUBTFUL: it costs a system call.
 */
#ifndef FLOPSHIM_DOUBT_H
#define FLOPSHIM_DOUBT_H

#include <stdbool.h>

#include "shim/state/entry.h"
#include "price/routines.h"

struct module;
struct site;

enum doubt {
	DOUBT_STAYS, /* count this call, and examine the next one */
	DOUBT_OVER,  /* count this call, and examine no other: the function is the routine that its name says */
	DOUBT_NEWS,  /* more is known of the object: resolve the site again */
};

/*
 * Examines the arguments of a call from a site with SITE_DOUBTFUL. Memory is read by the kernel alone, so that a wrong
 * pointer does not fault. Takes record_lock; async-signal-safe.
 */
enum doubt doubt_weigh(const struct site *site, entry_frame frame);

/* Whether calls have shown that the function `real` of this object is no routine of BLAS. With record_lock held. */
bool doubt_is_refuted(const void *real, const struct module *module);

#endif
