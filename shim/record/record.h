/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * record.h - lanes, sites and rows: what is counted, as it stands in the dump.
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

/* Opens the dump and writes the namespaces into it, if that has not been tried. With record_lock held. */
void record_begin(void);

/* Notes a call that runs in a thread without a lane. */
void record_call_lost(void);

/*
 * With record_lock held. Gives the thread a lane of the dump, opening the dump if need be; what has been used by a thread
 * that has ended has that one's lane, with its rows, and keeps it. False without memory.
 */
bool record_lane_take(struct thread *thread);
/* For the only thread of a confined child: what it calls is charged, and counted as lost in its parent's dump. */
void record_lane_blind(struct thread *thread);
/* With record_lock held. The thread ends, and its lane waits with it for the next one. */
void record_lane_rest(struct thread *thread);

/*
 * The site of this caller and symbol; where it is new it is resolved, and noted in the dump. `enclosing` is the
 * function that is in flight when the call is a tail call out of it, NULL otherwise; `frame` has the arguments. Copies the
 * answer to *site. Ends the process as the dynamic linker would where nothing defines the symbol. False without memory for
 * the list of modules: nobody can tell what serves the call, and how its arguments are read.
 */
bool record_site(uint64_t caller, uint32_t symbol, void *enclosing, entry_frame frame, struct site *site);

/*
 * What the symbol is for this caller, of a call that is not counted. The same where nothing defines it. Without memory for
 * the list of modules what the dynamic linker finds for the shim.
 */
void *record_callee(uint64_t caller, uint32_t symbol, entry_frame frame);
/* What is known of it without a lock, or what comes next after the shim. */
void *record_callee_unlocked(uint64_t caller, uint32_t symbol);

/* Whether a call from there is a part of another one. */
bool record_caller_is_blas(uint64_t caller);

/* Where the object around `address` begins and how many bytes it has; false if there is none. */
bool record_module_bounds(uint64_t address, uint64_t *start, uint64_t *size);

/*
 * Whether a call with this return slot comes out of the isamax_ that the shim itself calls to learn the width of a library's
 * integers. It is passed on, and is no call of the program's.
 */
bool record_is_probing(uint64_t slot, uint64_t caller, uint32_t symbol);

/* Gives a site that is called at top level its place and number in the dump. */
void record_site_number(struct site *site);

/* The row of this thread for a key, made if need be. Never NULL: when nothing more fits it is a coarse row. */
struct dump_row *record_row(struct thread *thread, const struct site *site, struct shape *shape,
			    uint32_t namespace_id, enum dump_row_kind kind, uint8_t flags);

/* The same for calls that turn out to be of another kind after they were made. */
struct dump_row *record_row_like(struct thread *thread, const struct dump_row *row, const struct form *form,
				 enum dump_row_kind kind, uint8_t flags);

/* Has rows that were priced with other multipliers than today's stay in the dump, and new ones made. */
void record_rows_priced(struct lane_rows *rows);

/*
 * A row of work charged by hand; see DUMP_ROW_MANUAL. NULL without memory. Where no more fit it is a coarse row, to which the
 * caller adds the work itself.
 */
struct dump_row *record_manual_row(struct thread *thread, const char *operation, const char *detail, uint64_t flops,
				   uint32_t namespace_id, enum dump_row_kind kind, uint8_t flags);

/* What it is charged in a namespace. Sets *saturated where that does not fit into 63 bits. */
uint64_t record_manual_price(uint64_t flops, uint32_t namespace_id, bool *saturated);

/* Counts a call whose price or charge did not fit. */
void record_saturated(void);

enum { OPERATION_MAX = 256 }; /* bytes of a name of work charged by hand, and of any other */

/* Canonical name of what a site calls, or of work charged by hand. With record_lock held. */
void record_operation(uint32_t site, char *name, size_t size);

/* Puts the module that holds an address into the dump, so that the address can be symbolized. With record_lock held. */
void record_address(uint64_t address);

/* The number of a row in the thread's lane; DUMP_NONE if it is not one of them. */
uint32_t record_row_number(const struct thread *thread, const struct dump_row *row);

/* In a forked child: forgets what the dump of the parent held. */
void record_forked(void);

/* Spells a symbol: "cblas_dgemm64_". */
void record_symbol_name(uint32_t symbol, char *name, size_t size);

#endif
