/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * record.h - lanes, sites and rows: what is counted, as it stands in the dump.
 * Functions must never be called with record_lock held, but for those that say so.
 */
#ifndef FLOPSHIM_RECORD_H
#define FLOPSHIM_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "flopshim_dump.h"
#include "shim/dump/lock.h"
#include "shim/guest/guest.h"
#include "shim/resolve/resolve.h"
#include "shim/state/entry.h"
#include "shim/state/shape.h"
#include "shim/state/site.h"
#include "shim/state/state.h"

/* Opens the dump and writes the namespaces into it, if that has not been tried yet. With record_lock held. */
void record_begin(void);

/* Counts a call that runs in a thread without a lane as lost. */
void record_call_lost(void);

/*
 * Gives the thread a lane of the dump, opening the dump if need be. A place that a thread has left keeps that one's
 * lane, with its rows. False without memory. With record_lock held.
 */
bool record_lane_take(struct thread *thread);
/*
 * Gives the only thread of a confined child a lane that is in no dump: its calls are charged, and counted as lost in
 * its parent's dump.
 */
void record_lane_blind(struct thread *thread);
/* The thread ends, and its lane waits with its place for the next one. With record_lock held. */
void record_lane_rest(struct thread *thread);

/*
 * Copies the site of this caller and symbol to *site; a new one is resolved first. `enclosing` is NULL, or the
 * function in flight that a tail call comes out of; `frame` has the arguments. Ends the process as the dynamic linker
 * would where nothing defines the symbol. False without memory for the list of modules: then nobody can tell what
 * serves the call, and how its arguments are read.
 */
bool record_site(uint64_t caller, uint32_t symbol, void *enclosing, entry_frame frame, struct site *site);

/*
 * The function that a symbol means for this caller, for a call that is not counted. Ends the process where nothing
 * defines it. Without memory for the list of modules, it is what the dynamic linker finds after the shim.
 */
void *record_callee(uint64_t caller, uint32_t symbol, entry_frame frame);
/* The same without a lock: what is known of it, or else what the dynamic linker finds after the shim. */
void *record_callee_unlocked(uint64_t caller, uint32_t symbol);

/* Whether code at this address is a BLAS's: then its calls are parts of others. */
bool record_caller_is_blas(uint64_t caller);

/* Start and size in bytes of the loaded object around `address`; false if there is none. */
bool record_module_bounds(uint64_t address, uint64_t *start, uint64_t *size);

/*
 * Whether a call with this return slot comes out of a question that the shim itself asks a library, by a call of its
 * isamax_ for example. It is passed on, and is no call of the program's.
 */
bool record_is_probing(uint64_t slot, uint64_t caller, uint32_t symbol);

/* Gives a site that is called at top level its number in the dump; DUMP_NONE if there is no room. */
void record_site_number(struct site *site);

/* The thread's row for this key, made if need be. Never NULL: where nothing more fits, it is a coarse row. */
struct dump_row *record_row(struct thread *thread, const struct site *site, struct shape *shape, uint32_t namespace_id,
                            enum dump_row_kind kind, uint8_t flags);

/* The same for a call on `row` that turns out to be of another kind after it was made. */
struct dump_row *record_row_like(struct thread *thread, const struct dump_row *row, const struct form *form,
                                 enum dump_row_kind kind, uint8_t flags);

/*
 * Has rows that were priced with other multipliers than today's found no more: they stay in the dump, and new ones
 * are made.
 */
void record_rows_priced(struct lane_rows *rows);

/*
 * The row for work that the program charges by hand; see DUMP_ROW_MANUAL. NULL without memory. Where no more rows
 * fit, it is a coarse one, to which the caller adds the work itself.
 */
struct dump_row *record_manual_row(struct thread *thread, const char *operation, const char *detail, uint64_t flops,
                                   uint32_t namespace_id, enum dump_row_kind kind, uint8_t flags);

/* What such work is charged in a namespace. Sets *saturated where that does not fit into 63 bits. */
uint64_t record_manual_price(uint64_t flops, uint32_t namespace_id, bool *saturated);

/* Counts a call whose price or charge did not fit. */
void record_saturated(void);

enum { OPERATION_MAX = 256 }; /* bytes of an operation's name, with the terminating 0 */

/*
 * The name of what a site calls, or of work charged by hand; "other" if the dump has no such site. With record_lock
 * held.
 */
void record_operation(uint32_t site, char *name, size_t size);

/* Puts the module that holds an address into the dump, so that the address can be symbolized. With record_lock held. */
void record_address(uint64_t address);

/* The number of a row in the thread's lane; DUMP_NONE if it is not one of them. */
uint32_t record_row_number(const struct thread *thread, const struct dump_row *row);

/* In a forked child: forgets what the parent's dump holds. */
void record_forked(void);

/* Spells a symbol, such as "cblas_dgemm64_"; cuts what does not fit. */
void record_symbol_name(uint32_t symbol, char *name, size_t size);

#endif
