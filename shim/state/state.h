/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * state.h - what a thread knows while it calls BLAS: the data of the call path.
 * It must never hold anything that another thread writes, but for what says so.
 */
#ifndef FLOPSHIM_STATE_H
#define FLOPSHIM_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "flopshim_dump.h"
#include "price/routines.h"
#include "shim/guest/page.h"
#include "shim/state/entry.h"
#include "shim/state/epoch.h"

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

enum {
	SITE_SLOTS = 1 << SITE_BITS, /* call sites that a thread finds without a search, in pairs: see site_other */
	CREDIT_NONE = -2,       /* instead of credit: every call takes the slow path */
	CREDIT_TIMED = -3,      /* instead of credit: every call is timed, and needs nothing else */
	CREDIT_RENEWALS = 15,   /* portions that the fast path may add to one of the slow path's, see credit_renew */
	DEAR_CALL = 2048,       /* what a dear call takes from the credit at least, see dear_goes_on */
	DEAR_SHIFT = 12,        /* and the part of its FLOPs that it takes beside that, as a power of two */
	DEAR_LEASE_MAX = 1 << 21, /* FLOPs of a call that takes no more than the lease */
	LONG_TIMES_MEAN = 16,   /* see leave_long */
	BURST_CALL = 512,       /* what a call of a burst takes from until_clock, beside its FLOPs */
	ROW_BLOCKS_MAX = 40,    /* of a lane */
	MISSES_MAX = 64,        /* see row_of_call */
	STREAK_FOLLOWED = 4,    /* see site_follow */
	SERVED_MISSES = 64,     /* nested calls from elsewhere, before their library is the one that is served fast */
};

enum site_flags {
	SITE_CALLER_SERVES = 1 << 0, /* the caller's module serves BLAS: in flight, its calls are nested */
	SITE_ILP64 = 1 << 1,
	SITE_PASS = 1 << 2,          /* not a BLAS: jump to it, uncounted */
	SITE_QUERIES = 1 << 3,       /* calls may be workspace queries */
	SITE_NESTED = 1 << 4,        /* a part of another routine, whatever thread runs it */
	SITE_BATCH = 1 << 5,         /* calls may be of several groups */
	SITE_INFO = ENTRY_INFO,      /* calls may say by INFO that they did nothing */
	SITE_OUTERMOST = 1 << 7,     /* of a site that a thread remembers: a call was not nested, see frames_find_again */
	/* From here on flags of sites that no thread remembers: struct site_slot has room for those above alone. */
	SITE_DOUBTFUL = 1 << 9,      /* each call is looked at before its arguments are believed: see doubt.h */
	SITE_BY_VALUE = 1 << 8,      /* what a call means depends on its arguments: see taken.h */
};
_Static_assert(SITE_INFO <= UINT8_MAX && SITE_OUTERMOST <= UINT8_MAX && SITE_BY_VALUE > UINT8_MAX, "flags of struct site_slot");

/* How a site's arguments are read: all but the last are quick, and their calls are never queries. */
enum reading {
	/*
	 * One dimension and no option: level-1 BLAS. Of the first two it is the first argument, none is on the stack, and no
	 * INFO may say that nothing was done: for the entry body.
	 */
	READING_FIRST_VALUE, /* CBLAS, LP64 */
	READING_FIRST,       /* Fortran, LP64 */
	READING_POINTER,     /* the same but for one of these */
	READING_POINTERS,    /* Fortran, LP64: letters and 32-bit integers behind pointers */
	READING_VALUE,       /* CBLAS, LP64, one dimension and no option */
	READING_VALUES,      /* CBLAS, LP64: enums and integers by value */
	READING_POINTERS_64,
	READING_VALUES_64,
	READING_OTHER,       /* by the form's description */
};

/*
 * A call site as one thread remembers it, in one cache line. Valid while epoch == flopshim_epoch: loading, unloading
 * and forking change that. `row` is the row of its last call; before the first, row_none, which no call has.
 */
struct site_slot {
	uint64_t key;                /* see site_key */
	uint32_t epoch;
	uint8_t flags;               /* enum site_flags */
	uint8_t streak;              /* calls in a row that had the shape to be expected: see site_follow */
	uint8_t stack_words;
	uint8_t reading;             /* enum reading */
	void *real;
	struct dump_row *row;
	const struct scope *scope;   /* where `row` charges */
	const struct form *form;
	const struct shape_arg *args;/* options, then dimensions */
	uint32_t site;
	uint8_t options, dims;
	int16_t offset;              /* of the first argument, from the frame */
};
_Static_assert(sizeof(struct site_slot) == 64, "one cache line");

/*
 * Where a thread finds the rows of its lane: open addressing, a row's place in memory below and ROW_TAG_BITS bits of its
 * hash above. The search begins where the lowest of those bits say, so that an index can grow without a look at the rows,
 * which the caches have lost by then. Never freed: a signal handler may put a larger one in its place while it is searched.
 */
struct row_index {
	uint64_t mask; /* entries - 1 */
	uint64_t entries[] __attribute__((aligned(64))); /* 0 is empty */
};

enum {
	ROW_ALIGN = 64,      /* of a row's address, which has MEMORY_BITS */
	ROW_TAG_BITS = 22,
	ROW_NEIGHBOURS = 8,  /* entries in a cache line: see hash_end */
	ROWS_MAX = 1 << 15,  /* per lane; from there on shapes are rounded up */
};
_Static_assert((1 << (MEMORY_BITS + ROW_TAG_BITS - 64)) <= ROW_ALIGN, "an address and a tag are one number");
_Static_assert(ROWS_MAX * 4 <= 1 << ROW_TAG_BITS, "a tag tells where to begin in the largest index");

/*
 * Where work is charged: a namespace and the limits that hold there, innermost first. Comparing two pointers tells
 * whether anything changed: a scope changes, or is used again, only with the next epoch, and it is not used again while a
 * thread's credit, lease or call in flight is of it.
 */
struct scope {
	uint32_t namespace_id;
	bool limited;                   /* there is a limit in one of the two chains */
	struct limit *namespace_limits; /* of the namespace and those around it */
	struct limit *scope_limits;     /* of the scopes with a budget that are open around it, itself included */
};

/* The rows of a lane; they go with it to the next thread that has it. */
struct lane_rows {
	const struct dump_part *near;    /* the block that the last hint led into: see row_is_near */
	struct row_index *index;
	uint32_t count;
	uint32_t misses;                 /* calls in a row that had no row of their own, of a coarse lane */
	uint32_t lane;                   /* its number */
	uint32_t block_count;
	bool coarse;                     /* the lane has all the rows that it may have */
	uint32_t factors;                /* generation of the multipliers that they were priced with */
	struct dump_row *overflow;       /* takes calls of new shapes once the file cannot grow, NULL before; those of the
	                                    other kinds follow it */
	struct dump_part *blocks[ROW_BLOCKS_MAX]; /* the last one grows */
};

/*
 * What a symbol means in the library whose nested calls the thread finds at once, in the order of their numbers. A
 * library binds a name once for all its calls, so these need no place each, and dozens of cache lines less.
 */
struct served {
	uint64_t key; /* see served_key; SERVED_NONE: nothing */
	void *real;
};

#define SERVED_NONE UINT64_MAX
enum { SERVED_COUNT = (SERVED_MASK + 8) * SERVED_SCALE / (int)sizeof(struct served) };

/* What the last sampled stacks of a call site say of the next ones: see sample.h. */
struct steady_site {
	uint64_t stack;     /* where the dump has the last one, 0 for none */
	uint64_t threshold; /* instead of the threshold of all sites, where it is larger */
	uint64_t passed;    /* FLOPs since the last stack, of calls below the threshold */
	uint32_t site;
	uint32_t same;      /* how many have been the same in a row */
};

#define STEADY_SITES 64

/* Calls that have not returned, and that the thread seems not to be inside of: see frames.h. Each counts as a call. */
struct left_call {
	uint64_t slot; /* of its return address */
	struct dump_row *row; /* where it is counted, NULL in the parent process */
	uint64_t count; /* of those that have both in common; 0: this place is free */
};

enum { LEFT_CALLS = 256 };

/* Of the lane's list, which a child shares with its parent, and which may have changed by the time that the child looks. */
struct forked_frames {
	bool is_forking; /* and so this is what the list was */
	uint32_t depth;
	struct dump_frame frames[DUMP_FRAMES_MAX];
};

/* No stack is ever due, or no end of a burst is: nothing that is taken from these is missed. */
#define UNTIL_NEVER INT64_MAX
#define THRESHOLD_NEVER UINT64_MAX

/*
 * What pays for a call on the fast path. The slow path hands out `credit`, FLOPs that the thread may charge before anything
 * is due, and each call takes its price from it. Nothing else is counted there: what was used of the credit is taken from
 * `until_sample` later, by credit_settle. So for a thread with credit
 *
 *     FLOPs until the next stack  ==  until_sample - (credit_given - credit)
 *     0  <=  credit  <=  credit_given  <=  until_sample
 *
 * and no call that the credit pays for can be the one whose stack is due. credit_renew hands out another portion on the fast
 * path, `renewals` times, and keeps both. A dear call costs more than any credit: dear_goes_on takes it from until_sample at
 * once, but for the little that it takes from the credit.
 *
 * Below 0, `credit` is one of CREDIT_LEASE, CREDIT_NONE and CREDIT_TIMED: no price is smaller, so that one comparison tells
 * all of this from a credit that has room. Then credit_given is not above 0, and until_sample is what is left as it stands:
 * calls are taken from it one by one.
 *
 * Under a limit there is no credit but a `lease`: FLOPs that are reserved on every limit of credit_scope. For each limit
 *
 *     used  ==  charged by calls that have ended + by those in flight + leases of all threads
 *
 * as charge.h has it. Credit and lease may be spent in credit_scope alone, and so the fast path compares it with `scope`.
 */

/*
 * A thread. Reached through one thread-local pointer, which is `thread_null` before the thread's first
 * call and after its end: there nothing matches, and the slow path is taken.
 */
struct thread {
	int64_t credit;                  /* FLOPs that may be charged before the slow path must look, or a CREDIT_ below 0 */
	const struct scope *volatile scope; /* where this thread charges; its creator may write it */
	const struct scope *credit_scope; /* where `credit` and `lease` may be spent */
	struct dump_lane *lane;          /* in the dump; this thread is its only writer */
	struct lane_rows rows;
	struct served served[SERVED_COUNT] __attribute__((aligned(64)));
	struct site_slot sites[SITE_SLOTS] __attribute__((aligned(64)));

	/* What the slow paths keep. */
	_Atomic int64_t lease;           /* reserved on the limits of credit_scope, unspent: charge.c */
	int64_t until_sample;            /* FLOPs before the next sampled stack, without what credit_settle will take off */
	int64_t credit_given;            /* what `credit` was when it was handed out; 0 once it is settled */
	uint32_t renewals;               /* how often the fast path may still hand out a portion */
	int64_t refill_mark;             /* what `until_sample` was when the slow path last handed out credit */
	int64_t until_clock;             /* where every call is timed: what is left of that, see clock_goes_on */
	uint64_t stack_threshold;        /* that until_sample was drawn with, 0 before the first; or THRESHOLD_NEVER */
	struct dump_part *log;           /* of the ordered record, the one that grows */
	uint32_t busy;                   /* inside the slow path: a signal handler's calls take no stack */
	uint32_t turn;                   /* which of two places the next site takes */
	uint32_t own_epoch;              /* the last that it has seen: in a new one leases and rows are looked at again */
	uint32_t served_epoch;           /* in which the head's served_start and served_size were looked up */
	uint32_t served_misses;          /* nested calls from elsewhere since then */
	uint64_t served_start, served_size; /* the head's, for the next thread that is given this one's place */
	uint64_t random;
	uint64_t asking_slot, asking_return; /* of the exceed callback that runs: as dump_frame has it; 0 for none */
	struct raising *raising;         /* the refused call whose Python statement is to raise next: raise.c; NULL for none */
	const struct scope *_Atomic held; /* what its slow path is charging to: see charge_scope */
	struct origin *origin;           /* who made the thread, and what it has open */
	struct thread *next;             /* in the list of living threads, or of free ones */
	struct steady_site steady[STEADY_SITES];
	uint32_t looks, left_next, left_count; /* at the calls in flight; the next place of `left`, and how many are in use */
	struct left_call left[LEFT_CALLS];
	uint64_t *lost_calls; /* of a lane of the parent's, where the process could have no dump; NULL otherwise */
	struct forked_frames forked; /* the calls in flight when it last forked */
};

/* Takes from until_sample what calls on the fast path have used of the credit. */
static inline void credit_settle(struct thread *thread)
{
	if (thread->credit_given > 0)
		thread->until_sample -= thread->credit_given - thread->credit;
	thread->credit_given = 0;
}

extern struct dump_row row_none __attribute__((visibility("hidden")));

/*
 * What the entry body needs of the running thread for a nested call, in one cache line: such calls come between large
 * ones, and then no line is in the caches.
 */
struct thread_head {
	struct thread *thread;
	struct dump_lane *lane;         /* the thread's */
	uint64_t stack_low, stack_high; /* bounds of the thread's own stack, as far as they can be had */
	uint64_t served_start, served_size; /* the library that the thread's `served` is of; see serve_from */
	/* What the lane has of its only call in flight; see head_settle. */
	uint64_t open_slot;             /* or OPEN_NONE, OPEN_MANY, which are no addresses on a stack */
	uint64_t open_return;
} __attribute__((aligned(64)));

enum { OPEN_NONE = 0, OPEN_MANY = 1 };

extern __thread struct thread_head thread_head __attribute__((tls_model("initial-exec"), visibility("hidden")));
#define thread_self (thread_head.thread)
extern struct thread thread_null __attribute__((visibility("hidden")));

/* Whether an address is on the thread's own stack, and not on a coroutine's or a signal handler's. */
static inline bool on_own_stack(uint64_t address)
{
	return address >= thread_head.stack_low && address < thread_head.stack_high;
}

/* Has the entry body see that one call is in flight. It reads what is at its slot, which anybody may have written. */
static inline void head_open(const struct dump_frame *only)
{
	volatile struct thread_head *head = &thread_head;

	head->open_return = only->return_address;
	head->open_slot = only->row && only->slot % sizeof(uint64_t) == 0 ? only->slot : OPEN_MANY;
}

/*
 * Has the entry body see which calls the lane has in flight, after they changed. Between the two a signal handler's
 * call may take the lane's first place as if none were in flight: who takes that place looks again afterwards.
 */
static inline void head_settle(const volatile struct dump_lane *lane)
{
	volatile struct thread_head *head = &thread_head;
	struct dump_frame first = {lane->frames[0].slot, lane->frames[0].return_address, lane->frames[0].row};

	if (lane->depth == 1)
		head_open(&first);
	else
		head->open_slot = lane->depth ? OPEN_MANY : OPEN_NONE;
}

/*
 * Nanoseconds of a tick of entry_ticks times 2^32, 0 while ticks are not to be used; and the ticks between two
 * readings.
 */
extern uint64_t flopshim_tick_scale __attribute__((visibility("hidden")));
extern uint64_t flopshim_tick_cost __attribute__((visibility("hidden")));
/* More ticks than a call of a burst takes, most often: see leave_long. */
extern uint64_t flopshim_tick_limit __attribute__((visibility("hidden")));

/* Of a nested call, by the number of its symbol; in the epoch that a forked child is in, none. */
static inline uint64_t served_key(uint32_t symbol, uint32_t epoch)
{
	return (uint64_t)epoch << SERVED_EPOCH_SHIFT | symbol;
}

static inline uint32_t served_place(uint32_t symbol)
{
	return (symbol & SERVED_MASK) * SERVED_SCALE / sizeof(struct served);
}

/*
 * A caller and a symbol in one number of 64 bits: symbols have 16, and no kernel hands out an address of more than
 * MEMORY_BITS, but for memory that is asked for by a higher one, which some processors have. What calls from there is looked
 * up anew each time (site_remember); it would be taken for another site only where that one's caller has the same lower bits.
 */
_Static_assert(THUNK_FIRST + THUNK_COUNT <= 1 << (64 - SITE_KEY_SHIFT), "symbols have 16 bits");
_Static_assert(SITE_KEY_SHIFT == MEMORY_BITS, "a caller's address and a symbol are one number");
static inline uint64_t site_key(uint64_t caller, uint32_t symbol) { return caller ^ (uint64_t)symbol << SITE_KEY_SHIFT; }

/* Place of a call site in a thread's memory of them. */
static inline uint32_t site_hash(uint64_t key) { return (uint32_t)(key * SITE_FACTOR >> (64 - SITE_BITS)); }

/* Where a site is that came to find its place taken. */
static inline uint32_t site_other(uint32_t place) { return place ^ 1; }

#endif
