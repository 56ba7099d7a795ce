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

/*
 * FLOPs charged in a namespace and those inside it since the process began; and calls there, without workspace queries.
 */
uint64_t summary_charged(uint32_t namespace_id);
uint64_t summary_calls(uint32_t namespace_id);

/*
 * FLOPs charged there with those in flight. Waits for calls that are just beginning or ending; no other call may
 * begin meanwhile. With charge_hold too.
 */
uint64_t summary_begun(uint32_t namespace_id);

/* See flopshim_summary and flopshim_reset. summary_reset is false without memory. */
int64_t summary_print(char *buffer, size_t size, int kind);
bool summary_reset(void);
void summary_forked(void);

#endif
