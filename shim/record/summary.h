/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * summary.h - sums over the rows of all lanes, for questions that the program itself asks.
 * Every function is called with record_lock held.
 */
#ifndef FLOPSHIM_SUMMARY_H
#define FLOPSHIM_SUMMARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Charged FLOPs, and calls but queries, of a namespace and those inside it, since the process began. */
uint64_t summary_charged(uint32_t namespace_id);
uint64_t summary_calls(uint32_t namespace_id);

/*
 * The same with what is in flight. No call may begin meanwhile: those that were just beginning or ending are waited for.
 * With charge_hold too.
 */
uint64_t summary_begun(uint32_t namespace_id);

/* See flopshim_summary and flopshim_reset. */
int64_t summary_print(char *buffer, size_t size, int kind);
bool summary_reset(void);
void summary_forked(void);

#endif
