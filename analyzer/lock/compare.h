/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * compare.h - compares a run with a lock.
 * It must never call work a regression that cannot be compared with the lock.
 */
#ifndef ANALYZER_LOCK_COMPARE_H
#define ANALYZER_LOCK_COMPARE_H

#include "analyzer/lock/findings.h"
#include "analyzer/lock/run.h"

/*
 * Adds the verdict, and what differs, to empty findings, which the caller frees by findings_free. The run must have been opened
 * with the `by` of the lock. With `exact`, less work fails as more does. The lock and the run must outlive the findings.
 */
void lock_check(const struct lock *lock, const struct run *run, bool exact, struct findings *findings);

#endif
