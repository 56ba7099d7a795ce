/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * namespace.h - the tree of namespaces and the scopes on it.
 */
#ifndef FLOPSHIM_NAMESPACE_H
#define FLOPSHIM_NAMESPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "state.h"

/* The scope that is open when no marker has been called: FLOPSHIM_NAMESPACE, under the budgets of the environment. */
extern struct scope namespace_base;

/* Makes the namespaces that the environment names. Once, before any call. */
void namespace_start(void);

/* The number of an absolute path, made if need be; DUMP_NONE when there are too many. With record_lock held. */
uint32_t namespace_number(const char *name, size_t length);

/* Writes the tree into a dump that has just been opened. With record_lock held. */
void namespace_record(void);

/* In a forked child: the tree stays, its place in the dump does not. */
void namespace_forked(void);

/* Dotted path of a namespace; empty for the root. */
const char *namespace_name(uint32_t namespace_id);

/* Multiplier of a namespace times 2^32, its ancestors' and the process's included. */
uint64_t namespace_multiplier(uint32_t namespace_id);

#endif
