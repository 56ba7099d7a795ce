/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * parts.h - what the files behind record.h know of each other.
 * It must never be needed by anyone else. Every function is called with record_lock held, but for those of rows.c.
 */
#ifndef FLOPSHIM_RECORD_PARTS_H
#define FLOPSHIM_RECORD_PARTS_H

#include <stdint.h>
#include <string.h>

#include "shim/dump/dump.h"
#include "shim/resolve/module.h"
#include "shim/state/state.h"

/* ---- names.c: numbers in the dump. What is not there is put there; DUMP_NONE if there is no room ---- */

static inline uint64_t names_string(const char *text) { return dump_string(text, strlen(text)); }
uint32_t names_routine(uint16_t routine);
uint32_t names_module(struct module *module);
void names_forked(void);

/* ---- sites.c ---- */

void sites_forked(void);

/* ---- lanes.c ---- */

/* An empty index with so many entries, a power of two; NULL without memory. */
struct row_index *row_index_make(uint64_t entries);

/* ---- rows.c: of the calling thread ---- */

/*
 * A new row, zeroed, for the caller to fill and give to row_finish, with the *block that it is in. Where *block is
 * NULL, the row is complete: it stands in for all that have none.
 */
struct dump_row *row_place_new(struct thread *thread, enum dump_row_kind kind, struct dump_part **block);
void row_finish(struct lane_rows *rows, struct dump_part *block, struct dump_row *row, uint64_t hash);

/* ---- manual.c ---- */

void manual_forked(void);

#endif
