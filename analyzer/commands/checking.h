/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * checking.h - the answer of `check`: what it found, in sentences and for programs.
 * It must never give a verdict: lock/compare.c does.
 */
#ifndef ANALYZER_CHECKING_H
#define ANALYZER_CHECKING_H

#include "analyzer/commands/options.h"
#include "analyzer/lock/findings.h"

enum checking_update {
	UPDATE_NONE,    /* the lock was not to be written */
	UPDATE_NEW,     /* there was no lock, and it was written */
	UPDATE_WRITTEN, /* it was written anew */
	UPDATE_SAME,    /* it would not have changed */
	UPDATE_LEFT,    /* --update=less: there is more work than before */
	UPDATE_FAILED,  /* it could not be written */
};

/* What there is to say. */
struct checking {
	const char *lock; /* its path, as it was given */
	const struct findings *findings;
	enum checking_update update;
};

void checking_fill(struct answer *answer, const struct options *options, const struct checking *checking);

#endif
