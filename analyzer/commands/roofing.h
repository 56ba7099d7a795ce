/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * roofing.h - which roofs a report holds a run against: those that were measured on its machine, or given by hand.
 * It must never hold a run of one machine against the roofs of another, unless the user asks for that.
 */
#ifndef ANALYZER_ROOFING_H
#define ANALYZER_ROOFING_H

#include "analyzer/aggregate/aggregate.h"
#include "analyzer/render/answer.h"
#include "analyzer/tables/roofs.h"

/* What --peak and --bandwidth ask for. */
struct roof_request {
	struct roofs hand; /* what was given by hand, in GFLOP/s and GB/s; 0 otherwise */
	const char *file;  /* NULL: that of the machine where the run was */
	bool none, one_thread;
};

/* These take the value of an option: --peak in GFLOP/s, --bandwidth in GB/s. They return -1, or the exit status after a message. */
int roofing_peak(struct roof_request *request, const char *command, const char *value);
int roofing_bandwidth(struct roof_request *request, const char *command, const char *value);

/*
 * Finds the roofs for a run, in GFLOP/s and GB/s; they are all 0 if there are none. Returns false, after a message, if a file that was named cannot be
 * read; one that is wrong, and was not named, is left aside with a message.
 */
bool roofing_find(struct roofs *roofs, const struct roof_request *request, const struct aggregate *aggregate);

/* Adds the roofs: a line for people if there are any, and a list, `roofs`, for programs. `roofs` may be NULL: there are none. */
void roofing_say(struct answer *answer, const struct roofs *roofs);

#endif
