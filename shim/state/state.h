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

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

enum {
	KNOWN_SITES = 1 << SITE_BITS, /* known sites of a thread, in pairs of places: see site_other */
	CREDIT_NONE = -2,             /* instead of credit: every call takes the slow path */
	CREDIT_TIMED = -3,            /* instead of credit: every call is timed, and nothing else is due */
	CREDIT_RENEWALS = 15,         /* portions that credit_renew may add to one of the slow path's */
	EXPENSIVE_CALL = 2048, /* an expensive call takes at least so much of the credit: see expensive_goes_on */
	EXPENSIVE_SHIFT = 12,  /* and this part of its cost beside that: cost >> EXPENSIVE_SHIFT */
	EXPENSIVE_LEASE_MAX = 1 << 21, /* FLOPs: expensive_goes_on pays no larger call from the lease */
	LONG_TIMES_MEAN = 16,          /* see leave_long */
	BURST_CALL = 512,              /* what a call of a burst takes from until_clock, beside its FLOPs */
	ROW_BLOCKS_MAX = 40,           /* blocks of rows that a lane may have */
	MISSES_MAX = 64,               /* see rows_are_searched */
	STREAK_FOLLOWED = 4,           /* see site_follow */
	SERVED_MISSES = 64,            /* nested calls from other libraries before one of these is served instead */
};

enum site_flags {
	/* the caller's module serves BLAS: while a call is in flight, its calls are nested */
	SITE_CALLER_SERVES = 1 << 0,
	SITE_ILP64 = 1 << 1,
	SITE_PASS = 1 << 2,      /* the function is no BLAS: jump to it, uncounted */
	SITE_QUERIES = 1 << 3,   /* calls may be workspace queries */
	SITE_NESTED = 1 << 4,    /* a part of another routine's work, whichever thread runs it */
	SITE_BATCH = 1 << 5,     /* calls may be of several groups */
	SITE_INFO = ENTRY_INFO,  /* calls may say by INFO that they did nothing */
	SITE_OUTERMOST = 1 << 7, /* of a known site: some call was not nested, see frames_find_again */
	/*
	 * The flags from here on are of sites that no thread remembers: struct known_site has room only for those
	 * above.
	 */
	SITE_DOUBTFUL = 1 << 9, /* each call is examined before its arguments are believed: see doubt.h */
	SITE_BY_VALUE = 1 << 8, /* what a call means depends on its arguments: see taken.h */
};
_Static_assert(SITE_INFO <= UINT8_MAX && SITE_OUTERMOST <= UINT8_MAX && SITE_BY_VALUE > UINT8_MAX,
               "flags of struct known_site");

/* How a site's arguments are read. All but READING_OTHER are quick, and calls read so are never workspace queries. */
enum reading {
	/*
	 * Level-1 BLAS: one dimension and no option. In the first two, which the entry body reads, the dimension is
	 * the first argument, no argument is on the stack, and no INFO may say that nothing was done.
	 */
	READING_FIRST_VALUE, /* CBLAS, LP64 */
	READING_FIRST,       /* Fortran, LP64 */
	READING_POINTER,     /* Fortran, LP64, otherwise */
	READING_POINTERS,    /* Fortran, LP64: letters and 32-bit integers behind pointers */
	READING_VALUE,       /* CBLAS, LP64, otherwise */
	READING_VALUES,      /* CBLAS, LP64: enums and integers by value */
	READING_POINTERS_64,
	READING_VALUES_64,
	READING_OTHER, /* by the form's description */
};

/*
 * A known site: a call site as one thread remembers it, in one cache line. It holds while epoch == flopshim_epoch,
 * which loading, unloading and forking change. `row` is the row of its last call; before the first it is row_none,
 * which no call has.
 */
struct known_site {
	uint64_t key; /* see site_key */
	uint32_t epoch;
	uint8_t flags;  /* enum site_flags */
	uint8_t streak; /* calls in a row that had the expected shape: see site_follow */
	uint8_t stack_words;
	uint8_t reading; /* enum reading */
	void *real;
	struct dump_row *row;
	const struct scope *scope; /* where `row` charges */
	const struct form *form;
	const struct shape_arg *args; /* of the shape: options, then dimensions */
	uint32_t site;
	uint8_t options, dims;
	int16_t offset; /* offset of the first of these in the frame */
};
_Static_assert(sizeof(struct known_site) == 64, "one cache line");

/*
 * Where a thread finds the rows of its lane: a hash table with open addressing. An entry is a row's address, divided
 * by ROW_ALIGN, and above it a tag: ROW_TAG_BITS bits of the row's hash. A search begins where the lowest bits of the
 * tag say. So an index can grow without a look at the rows, which the caches have lost by then. It is never freed: a
 * signal handler may put a larger one in its place while it is searched.
 */
struct row_index {
	uint64_t mask;                                   /* number of entries - 1 */
	uint64_t entries[] __attribute__((aligned(64))); /* 0 is empty */
};

enum {
	ROW_ALIGN = 64, /* a row's address is a multiple of it */
	ROW_TAG_BITS = 22,
	ROW_NEIGHBOURS = 8, /* entries in a cache line: see hash_end */
	ROWS_MAX = 1 << 15, /* of a lane: later shapes share coarse rows */
};
_Static_assert((1 << (MEMORY_BITS + ROW_TAG_BITS - 64)) <= ROW_ALIGN, "an address and a tag are one number");
_Static_assert(ROWS_MAX * 4 <= 1 << ROW_TAG_BITS, "a tag tells where to begin in the largest index");

/*
 * Where work is charged: a namespace and the limits that hold there, innermost first. Comparing two pointers tells
 * whether anything changed: a scope changes, or its memory is used again, only with the next epoch, and it is not
 * used again while a thread's credit, lease or call in flight belongs to it.
 */
struct scope {
	uint32_t namespace_id;
	bool limited;                   /* one of the two chains has a limit */
	struct limit *namespace_limits; /* of the namespace and its ancestors */
	struct limit *scope_limits;     /* of the scopes with a budget that are open around it, and its own */
};

/* The rows of a lane. They go with it to the next thread that has it. */
struct lane_rows {
	const struct dump_part *near; /* the block where row_look has last found a row: see row_is_near */
	struct row_index *index;
	uint32_t count;
	uint32_t misses; /* in a full lane: calls in a row that had no row of their own */
	uint32_t lane;   /* the lane's number */
	uint32_t block_count;
	bool coarse;      /* the lane is full */
	uint32_t factors; /* the generation of multipliers that the rows were priced with */
	/* for calls of new shapes once the file cannot grow, NULL before; the rows for the other kinds follow it */
	struct dump_row *overflow;
	struct dump_part *blocks[ROW_BLOCKS_MAX]; /* the last one grows */
};

/*
 * The function that a symbol stands for in calls out of one library, whose nested calls the entry body hands on
 * without a known site. A library binds a name once for all its calls, so one element for each name is enough: that
 * takes dozens of cache lines fewer than known sites. The elements are in the order of the symbols' numbers.
 */
struct served {
	uint64_t key; /* see served_key; SERVED_NONE: no symbol */
	void *real;
};

#define SERVED_NONE UINT64_MAX
enum { SERVED_COUNT = (SERVED_MASK + 8) * SERVED_SCALE / (int)sizeof(struct served) };

/* What the last sampled stacks of a site say of its next ones: see sample.h. */
struct steady_site {
	uint64_t stack;     /* where the dump has the last one, 0 for none */
	uint64_t threshold; /* the site's own, which holds if it is larger than the thread's */
	uint64_t passed;    /* FLOPs of calls below the threshold since the last stack */
	uint32_t site;
	uint32_t same; /* stacks in a row that were the same */
};

#define STEADY_SITES 64

/*
 * Calls that have not returned, but that the thread seems to have left: see frames.h. Each has been counted as a
 * call.
 */
struct left_call {
	uint64_t slot;        /* of the return address */
	struct dump_row *row; /* where they are counted; NULL: not by this process, or on a row that was lost */
	uint64_t count;       /* calls that have both in common; 0: this element is free */
};

enum { LEFT_CALLS = 256 };

/*
 * The list of calls in flight as it was before a fork. The lane itself is shared with the parent, which may have
 * changed it by the time that the child looks.
 */
struct forked_frames {
	bool is_forking; /* the rest is valid: a fork is under way */
	uint32_t depth;
	struct dump_frame frames[DUMP_FRAMES_MAX];
};

/* What is counted down from these is never used up: no stack is ever due, or a burst does not end. */
#define UNTIL_NEVER     INT64_MAX
#define THRESHOLD_NEVER UINT64_MAX

/*
 * What pays for a call on the fast path. The slow path hands out `credit`: FLOPs that the thread may charge before
 * anything is due. Each call takes its price from it, and nothing else is counted there. What was used of the credit
 * is taken from `until_sample` later, by credit_settle. So for a thread with credit
 *
 *     FLOPs until the next stack  ==  until_sample - (credit_given - credit)
 *     0  <=  credit  <=  credit_given  <=  until_sample
 *
 * and no call that the credit pays for can be the one whose stack is due. credit_renew hands out another portion on
 * the fast path, `renewals` times, and keeps both true. A call that costs more than any credit is taken from
 * until_sample at once, by expensive_goes_on, but for the little that it takes from the credit.
 *
 * Below 0, `credit` is one of CREDIT_LEASE, CREDIT_NONE and CREDIT_TIMED. No price is negative, so that one
 * comparison tells all of these from a credit that suffices. Then credit_given is not above 0, and until_sample is
 * exact: calls are taken from it one by one.
 *
 * Under a limit there is no credit but a `lease`: FLOPs that are reserved on every limit of credit_scope. For each
 * limit
 *
 *     used  ==  charged by calls that have ended + by those in flight + leases of all threads
 *
 * as charge.h has it. Credit and lease may be spent in credit_scope only, and so the fast path compares it with
 * `scope`.
 */

/*
 * A thread. It is reached through a thread-local pointer, which points to `thread_null` before the thread's first
 * call and after its end: there nothing matches, and the slow path is taken.
 */
struct thread {
	int64_t credit; /* FLOPs that may be charged before the slow path must look, or a CREDIT_ below 0 */
	const struct scope *volatile scope; /* where this thread charges; its creator may write it */
	const struct scope *credit_scope;   /* where `credit` and `lease` may be spent */
	struct dump_lane *lane;             /* in the dump; this thread is its only writer */
	struct lane_rows rows;
	struct served served[SERVED_COUNT] __attribute__((aligned(64)));
	struct known_site sites[KNOWN_SITES] __attribute__((aligned(64)));

	/* What the slow paths keep. */
	_Atomic int64_t lease;    /* reserved on the limits of credit_scope, unspent: see charge.c */
	int64_t until_sample;     /* FLOPs until the next sampled stack; credit_settle takes off what was used */
	int64_t credit_given;     /* what `credit` was when it was handed out; 0 once it is settled */
	uint32_t renewals;        /* how often the fast path may still hand out a portion */
	int64_t refill_mark;      /* what `until_sample` was when the slow path last handed out credit */
	int64_t until_clock;      /* while every call is timed: what is left until that ends, see clock_goes_on */
	uint64_t stack_threshold; /* what until_sample was drawn with, 0 before the first; or THRESHOLD_NEVER */
	struct dump_part *log;    /* the block of the ordered record that grows */
	uint32_t busy;            /* calls inside the slow path: those of a signal handler take no stack */
	uint32_t turn;            /* which of its two places the next new site takes */
	uint32_t own_epoch;       /* the last epoch that it has seen: in a new one it looks at leases and rows again */
	uint32_t served_epoch;    /* in which thread_head.served_start and served_size were looked up */
	uint32_t served_misses;   /* nested calls from other libraries since then */
	uint64_t served_start, served_size; /* as in thread_head, for the thread that takes this structure over */
	uint64_t random;
	uint64_t asking_slot, asking_return; /* the exceed callback that runs, as in dump_frame; 0 for none */
	struct raising *raising; /* the refused call that a Python statement is to raise: raise.c; NULL for none */
	const struct scope *_Atomic held; /* the scope that its slow path is charging to: see charge_scope */
	struct origin *origin;            /* who created the thread, and what it has open */
	struct thread *next;              /* in the list of living threads, or of free ones */
	struct steady_site steady[STEADY_SITES];
	uint32_t looks, left_next,
		left_count; /* searches of the calls in flight; next element of `left`, and how many are used */
	struct left_call left[LEFT_CALLS];
	uint64_t *lost_calls;        /* in the parent's dump, where the process can have none; NULL otherwise */
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
 * What the entry body needs of the running thread for a nested call, in one cache line: by then the work of the outer
 * call has emptied the caches.
 */
struct thread_head {
	struct thread *thread;
	struct dump_lane *lane;             /* the thread's lane */
	uint64_t stack_low, stack_high;     /* bounds of the thread's own stack, as far as they are known */
	uint64_t served_start, served_size; /* the library that the thread's `served` is for; see serve_from */
	/* The lane's call in flight, if it is the only one; see head_settle. */
	uint64_t open_slot; /* OPEN_NONE or OPEN_MANY, no addresses on a stack, if there is none or more */
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

/*
 * Shows the entry body that one call is in flight. The entry body reads what is at its slot, and the slot comes from
 * the dump, where others can write anything.
 */
static inline void head_open(const struct dump_frame *only)
{
	volatile struct thread_head *head = &thread_head;

	head->open_return = only->return_address;
	head->open_slot = only->row && only->slot % sizeof(uint64_t) == 0 ? only->slot : OPEN_MANY;
}

/*
 * Shows the entry body which calls the lane has in flight, after they changed. Between the two a signal handler's
 * call may take the lane's first place as if none were in flight: whoever takes that place looks again afterwards.
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
 * flopshim_tick_scale is nanoseconds in a tick of entry_ticks, times 2^32; 0 while ticks are not to be used.
 * flopshim_tick_cost is how many ticks lie between two readings.
 */
extern uint64_t flopshim_tick_scale __attribute__((visibility("hidden")));
extern uint64_t flopshim_tick_cost __attribute__((visibility("hidden")));
/* More ticks than most calls of a burst take: see leave_long. */
extern uint64_t flopshim_tick_limit __attribute__((visibility("hidden")));

/* Key of a nested call's entry; it never matches in a forked child. */
static inline uint64_t served_key(uint32_t symbol, uint32_t epoch)
{
	return (uint64_t)epoch << SERVED_EPOCH_SHIFT | symbol;
}

static inline uint32_t served_place(uint32_t symbol)
{
	return (symbol & SERVED_MASK) * SERVED_SCALE / sizeof(struct served);
}

/*
 * A caller and a symbol as one number of 64 bits. Symbols have 16 bits, and addresses at most MEMORY_BITS, but for
 * memory that was asked for at a higher one, which some processors have. Calls from there are not remembered
 * (site_remember). They would be taken for those of a known site only if that one's caller had the same lower bits.
 */
_Static_assert(THUNK_FIRST + THUNK_COUNT <= 1 << (64 - SITE_KEY_SHIFT), "symbols have 16 bits");
_Static_assert(SITE_KEY_SHIFT == MEMORY_BITS, "a caller's address and a symbol are one number");
static inline uint64_t site_key(uint64_t caller, uint32_t symbol)
{
	return caller ^ (uint64_t)symbol << SITE_KEY_SHIFT;
}

/* The first place of a site among a thread's known ones. */
static inline uint32_t site_hash(uint64_t key) { return (uint32_t)(key * SITE_FACTOR >> (64 - SITE_BITS)); }

/* The second place of a site, which is used where the first is taken. */
static inline uint32_t site_other(uint32_t place) { return place ^ 1; }

#endif
