/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * aggregate.h - adds dumps up into an aggregate, in which equal rows of all processes are one.
 * It must never take over a number from a dump without checking that it is possible.
 *
 * Routines, modules, sites, namespaces, stacks and so on are interned by a key: equal ones of all dumps have one number,
 * from 0 on, in the order in which they were met. Structures refer to each other by these numbers, and to texts by their
 * numbers in `texts`; AGGREGATE_NONE stands for none. What is counted for a key stands in an array, by the same number.
 * Memory grows with how many different keys and rows there are, and with the number of processes, but never with the
 * number of calls.
 *
 * FLOPs are `flops` before weights and `charged` after them; `words` is the least memory traffic in elements of the routine's
 * type. Times are in nanoseconds. 64-bit counts saturate at UINT64_MAX, and 128-bit ones at U128_MAX.
 */
#ifndef ANALYZER_AGGREGATE_H
#define ANALYZER_AGGREGATE_H

#include "analyzer/base/hash.h"
#include "analyzer/base/intern.h"
#include "analyzer/base/number.h"
#include "analyzer/read/read.h"

#define AGGREGATE_NONE UINT32_MAX /* no text, module, stack ... */

/* Keys. They are compared by their bytes, so that they must have no padding. */
struct routine_key {
	uint32_t name;      /* text, "dgemm" */
	uint8_t type, kind; /* 's' 'd' 'c' 'z', 0 for none; enum dump_kind */
	uint8_t option_count, dim_count;
	uint32_t options[DUMP_OPTIONS_MAX], dims[DUMP_DIMS_MAX]; /* texts: their names */
};

struct module_key {
	uint32_t path, build_id_size; /* text; bytes of the build-id, 0 if there is none */
	uint8_t build_id[32];
};

struct site_key {
	uint64_t offset; /* return address as an address in its module's ELF file; in memory if no module is known */
	uint32_t symbol, routine;              /* text; number of a routine */
	uint32_t caller_module, callee_module; /* AGGREGATE_NONE if not known */
	uint32_t detail;                       /* text: subscripts and shapes of a manual charge, "" otherwise */
	uint32_t padding;                      /* 0 */
};

struct limit_key {
	uint64_t amount;          /* charged FLOPs */
	uint32_t space, is_scope; /* its namespace; 1 for the limit of a scope, 0 for that of a namespace */
};

struct note_key {
	uint32_t kind, text; /* enum dump_note_kind; text */
};

/* The key of a stack: this head and, behind it, its frames, innermost first. */
struct stack_head {
	uint32_t python;      /* text: a line for each frame of Python, AGGREGATE_NONE if there are none */
	uint32_t frame_count; /* of the frames behind the head */
};

struct stack_frame {
	uint64_t offset;           /* as in struct site_key */
	uint32_t module, reserved; /* `module`: AGGREGATE_NONE if not known; `reserved`: 0 */
};

struct sample_key {
	uint32_t stack, site, space;
};

/* A call site in a namespace. */
struct place_key {
	uint32_t site, space;
};

/*
 * A worker did some of the work: a host, a launch, a rank, a process or a lane. Equal rows of all workers are one row, but the
 * aggregate can keep the part of each row that comes from each worker. This set says which members of the worker are told
 * apart.
 */
enum worker_part {
	WORKER_NONE = 0,
	WORKER_HOST = 1 << 0,
	WORKER_LAUNCH = 1 << 1, /* job, step, array task and launch */
	WORKER_RANK = 1 << 2,
	WORKER_PROCESS = 1 << 3,
	WORKER_LANE = 1 << 4,
};

/* A worker. A member that the set of enum worker_part lacks is AGGREGATE_NONE, or WORKER_NO_RANK if it is the rank. */
struct worker_key {
	uint32_t host, job, step, array_task, launch; /* texts */
	int32_t rank;
	uint32_t process, lane; /* `process`: index into `processes`; `lane`: number in that process's dump */
};

#define WORKER_NO_RANK (-1)

/* The sums of a process of a merged dump, which does not keep the parts of rows. Members as in struct group. */
struct process_sums {
	u128 flops, charged, words;
	uint64_t calls, timed_calls, time_ns, estimated_ns;
	uint64_t untimed_calls; /* calls that are not in estimated_ns, since none of their row was timed */
	uint64_t rejected_calls, refused_calls, unpriced_calls, queries, manual_charges;
};

struct worker {
	uint64_t processes;         /* number of processes, if these are not told apart; 0 otherwise */
	uint64_t threads;           /* number of threads that have used the lane, one after the other */
	uint32_t tid;               /* thread that uses the lane, 0 if none */
	struct process_sums merged; /* of its processes that come from merged dumps, whose work is in no part */
};

/* The totals of all rows of all dumps with the same routine, shape, site, namespace, kind and flags. */
struct row {
	u128 flops, charged, words;           /* of all its calls */
	uint64_t calls, timed_calls, time_ns; /* time_ns: total duration of the timed calls */
	uint64_t options;                     /* as in struct dump_row */
	uint32_t routine, site, space;
	uint8_t kind,
		flags;  /* enum dump_row_kind; enum dump_row_flags, of which DUMP_ROW_SATURATED tells no rows apart */
	int64_t dims[]; /* as many as the routine has */
};

/* The part of a row that comes from one worker. */
struct row_part {
	uint32_t row, worker; /* numbers */
	struct row *sums;     /* totals of this part, with the members of the row but without its dims */
};

/* How the work of a row is spread over the processes that have it. */
struct spread {
	u128 least, most; /* FLOPs of the process that has the fewest, and the most */
	/* the first processes, in the order of process_order, that have these: indexes into `processes` */
	uint32_t least_process, most_process;
	uint32_t processes; /* number of the processes */
};

enum { SPREAD_WAYS = 3 }; /* number of values of enum dump_spread_by */

/* The rows of one routine, shape or call site. Of their numbers, UINT32_MAX is none. */
struct spread_group {
	uint32_t row, first; /* numbers of its first row, and of the first one whose FLOPs count */
	uint32_t wide;       /* number of its spread; none while a single row counts, whose spread it has */
};

/* The spread of several rows together. */
struct wide_spread {
	struct spread spread;
	u128 now;     /* FLOPs that the process has in them whose dump is being added */
	bool touched; /* the dump that is being added has one of them */
};

/* The groups by one enum dump_spread_by. */
struct spread_way {
	struct hash_index index; /* of the groups, by their keys */
	struct spread_group *groups;
	struct wide_spread *wides;
	uint32_t *of_rows; /* by row, the number of its group; UINT32_MAX for none */
	uint32_t *touched; /* numbers of the wide spreads that are touched */
	size_t group_count, group_capacity, wide_count, wide_capacity, row_capacity, touched_count, touched_capacity;
};

/* What the process whose dump is being added has in a row. */
struct row_now {
	u128 flops;
	uint64_t calls, timed_calls, time_ns;
	bool touched; /* the dump has the row */
};

struct module {
	uint64_t earliest_start_ns; /* start of the first process that had it, since 1970 */
	uint32_t path;              /* text: of all paths of the module, the first in the order of bytes */
	uint32_t host;              /* text: host of all processes that had it; AGGREGATE_NONE if there are several */
	uint32_t flags;             /* enum dump_module_flags: those that it has in any process */
	bool known;                 /* a dump that has it was read; false until then */
	bool elsewhere;             /* a process that had it ran on another machine */
};

/* All limits of one amount on one namespace. Each process, and each scope, has a limit of its own. */
struct limit {
	uint64_t processes; /* number of these limits: a process with limits of scopes may have several */
	uint64_t used; /* FLOPs used of the limit that is used most: it is compared with the amount of a single one */
	uint64_t refused_calls, refused_flops, over_calls; /* sums over all; see struct dump_limit */
};

struct note {
	uint64_t processes, count; /* number of notes with this key; sum of their counts */
};

struct sample {
	u128 flops;     /* charged FLOPs that the samples stand for by themselves; see estimate.h */
	uint64_t calls; /* number of sampled calls */
};

/* The calls in flight from one place. */
struct flight {
	u128 flops, charged; /* without calls whose price is not known since their rows are coarse */
	uint64_t calls;
};

/* How the FLOPs of the calls from one place compare to their charges. */
struct ratio {
	uint64_t flops, charged; /* of a row, or a call in flight; both 0 if all of them have 0 */
	bool varies;             /* other rows, or calls in flight, have another ratio of the two */
};

enum process_state {
	PROCESS_RUNNING,  /* on this machine */
	PROCESS_CLOSED,   /* it has closed its dump and ended */
	PROCESS_REPLACED, /* exec has put another program in its place */
	PROCESS_ENDED,    /* it has ended without closing its dump */
	PROCESS_UNKNOWN,  /* running or ended: it is on another machine, or the header is damaged */
};

struct process {
	struct process_sums sums;
	uint64_t lost_calls, log_dropped;       /* lost_calls: sum of the header's and the lanes' */
	uint64_t start_realtime_ns, elapsed_ns; /* since 1970; 0 if not known */
	uint32_t file, program, arguments, environment, directory, host, job; /* texts */
	uint32_t launch, run, step, array_task;                               /* texts, "" if not known */
	uint32_t table_version;                     /* text: routine table that priced its calls */
	uint64_t start_ticks, fork_parent_ticks;    /* as in struct dump_header */
	uint32_t argument_bytes, environment_bytes; /* of `arguments` and `environment`, whose items each end in a 0 */
	uint32_t pid, parent_pid;
	uint64_t id[2];  /* of the dump; made from other marks if it has none */
	bool has_own_id; /* the dump has an id */
	bool merged;     /* it comes from a merged dump */
	bool ordered;    /* its own dump has an ordered record */
	int32_t rank, exit_status;
	int32_t signal;          /* signal that a budget sent it, 0 for none */
	uint32_t stacks_problem; /* text: why no stacks could be taken; AGGREGATE_NONE if they could */
	uint32_t job_size;       /* number of ranks of the launch, 0 if not known */
	uint32_t restarts;       /* how often the job was started again */
	uint32_t local_rank;     /* rank among those of its host, plus 1; 0 if not known */
	uint32_t losses;         /* enum dump_loss */
	bool by_thread;          /* of a dump that is DUMP_NOT_DURABLE: a thread wrote it, every second */
	bool complete;           /* nothing is known to be missing from its counts */
	bool damaged;            /* the header of its dump is damaged, and `state` is PROCESS_UNKNOWN */
	bool forked;             /* it began by fork and not by exec */
	bool answered;           /* its counts can be used: rows were read, or the dump is sound and has none */
	enum process_state state;
};

struct damage {
	uint32_t file;  /* text: the path of the dump */
	uint32_t host;  /* text: the machine that it is a path on; AGGREGATE_NONE for this one */
	char *text;     /* what is wrong with it */
	uint64_t count; /* how often it was met */
	uint32_t flags; /* enum dump_damage_flags; of several for one file, the first has them */
	bool said;      /* it was already printed on standard error */
};

struct totals {
	u128 flops, charged, words, in_flight_flops, refused_flops;
	uint64_t calls, exempt_calls, unpriced_calls, rejected_calls, over_calls; /* `calls` has the next three in it */
	uint64_t queries, refused_calls, manual_charges; /* not in `calls`; over_calls has manual charges in it, too */
	uint64_t nested_calls, passed_calls, lost_calls, abandoned_calls, in_flight_calls, saturated_calls;
	uint64_t timed_calls, time_ns, threads;
};

/* The price of a row by the current routine table; see catalog.h. */
struct priced {
	uint64_t flops, charged, words; /* of one call */
	uint8_t kind;                   /* enum dump_kind */
};

struct aggregate_options {
	const char *directory; /* the current directory, for paths in merged dumps */
	const char *host;      /* name of this machine; NULL: no process counts as running, and `alive` is not called */
	bool (*alive)(uint32_t pid, uint64_t start_ticks); /* whether such a process runs on this machine */
	uint32_t space;                                    /* process_space() of this process; 0: not known */
	bool blind;                                        /* there is no /proc: nothing tells whether a process runs */
	uint64_t now_ns;                                   /* CLOCK_MONOTONIC; up to it running processes have run */
	/*
	 * Sets *priced to the price of a row by the current routine table. Returns false if it has none: the row keeps
	 * its price then. `multiplier` is the product of the multipliers that the row was charged with, times 2^32. The
	 * pointer may be NULL: all rows keep their prices.
	 */
	bool (*price)(void *context, const struct intern *texts, const struct routine_key *routine,
	              const struct dump_row *row, uint64_t multiplier, struct priced *priced);
	void *price_context; /* first argument of `price` */
	/*
	 * Called for each row of a dump: `entry`, with its lane and its number there, was added to `row` of the
	 * aggregate. The pointer may be NULL.
	 */
	void (*row_added)(void *context, uint32_t lane, uint32_t number, const struct dump_row *entry,
	                  const struct row *row);
	void *row_context; /* first argument of `row_added` */
	unsigned worker;   /* a set of enum worker_part; WORKER_NONE: no parts of rows are kept */
	/*
	 * The aggregate is to be written as a merged dump: modules with the same build-id are one whatever their paths,
	 * and all code outside of modules is one place. `path` of the key of such a module is AGGREGATE_NONE.
	 */
	bool merge;
};

struct version {
	uint32_t text, file; /* texts: a version of the routine table, and the first dump that was priced by it */
};

struct aggregate {
	struct aggregate_options options;
	struct intern texts, routines, modules, sites, spaces, limits, notes;
	struct intern stacks, samples, workers; /* `spaces`: paths, the root being 0 */
	struct intern flights, ratios;          /* struct place_key */
	struct module *module_totals;
	struct limit *limit_totals;
	struct note *note_totals;
	struct sample *sample_totals;
	struct flight *flight_totals;
	struct ratio *ratio_totals;
	struct worker *worker_totals;
	size_t module_capacity, limit_capacity, note_capacity, sample_capacity, flight_capacity, ratio_capacity;
	size_t worker_capacity;
	struct arena row_arena;
	struct row **rows;
	struct spread *spreads;   /* by the numbers of the rows */
	struct row_now *rows_now; /* by the numbers of the rows */
	struct spread_way spread_ways[SPREAD_WAYS];
	uint32_t *touched; /* numbers of the rows that the dump that is being added has */
	size_t row_count, row_capacity, spread_capacity, now_capacity, touched_count, touched_capacity;
	struct hash_index row_index;
	struct row_part *parts; /* none if options.worker is WORKER_NONE */
	size_t part_count, part_capacity;
	struct hash_index part_index;
	struct process *processes;
	size_t process_count, process_capacity;
	struct damage *damage;
	size_t damage_count, damage_capacity;
	struct version *versions; /* each version once, in the order in which they were met */
	size_t version_count, version_capacity;
	struct totals totals;
	u128 placeless_flops; /* of rows whose call site the dump does not have */
	uint64_t kept_calls;  /* calls that options.price could not price */
	size_t unreadable;    /* files whose counts could not be read */
	size_t answered;      /* files whose counts could be read */
	size_t taken_along;   /* dumps that were not named but belong to one that was */
	size_t merged;        /* number of merged dumps among those that were read */
	size_t runs;          /* number of runs that the dumps are of; see runs.h */
	bool newer;           /* a dump needs a reader of a later layout */
	bool complete;        /* nothing is known to be missing from the totals */
};

/*
 * Begins an empty aggregate. The options are copied; what they point to must stay valid until aggregate_close, which
 * frees all that the aggregate has.
 */
void aggregate_open(struct aggregate *aggregate, const struct aggregate_options *options);
void aggregate_close(struct aggregate *aggregate);

/*
 * Adds a dump. `file` is its path, for messages. A dump that cannot be read, or is damaged, is listed in `damage`; this never
 * fails. The source is not needed afterwards.
 */
void aggregate_add(struct aggregate *aggregate, const struct dump_source *source, const char *file);

/*
 * Whether what a process did at its end may be missing: its dump was only written out now and then, and the process has ended,
 * or may have, without closing it.
 */
bool process_may_miss_its_end(const struct process *process);

/*
 * Compares two processes by rank, those without one coming last, host, pid, start and id. Returns a number below, equal to or
 * above 0.
 */
int process_order(const struct aggregate *aggregate, const struct process *a, const struct process *b);

/* Adds `more` to `sums`. */
void process_sums_add(struct process_sums *sums, const struct process_sums *more);

/* Adds `why` to the damage of a file, because of which something may be missing. The aggregate is not complete then. */
void aggregate_doubt(struct aggregate *aggregate, const char *file, const char *why);

/* Returns "direct", "iterative", "exempt" or "unpriced", for an enum dump_kind or price_kind. */
const char *kind_name(unsigned kind);

/* Returns "call", "query", "rejected", "refused" or "manual", for an enum dump_row_kind. */
const char *row_kind_name(unsigned kind);

/*
 * Does what aggregate_doubt does, for a file that is not added: it cannot be read, or nothing tells whether it is to be added.
 * The caller has already printed that.
 */
void aggregate_missing(struct aggregate *aggregate, const char *file, const char *why);

/* Does what aggregate_doubt does, for a file that cannot be opened. Nobody has said so yet. */
void aggregate_unread(struct aggregate *aggregate, const char *file, const char *why);

/* These return what a number of the aggregate, which must exist, stands for. It is valid until aggregate_close. */

/* Returns the bytes of an element of a routine's type, 's', 'd', 'c' or 'z'; 0 for any other. */
static inline unsigned type_size(uint8_t type)
{
	return type == 's' ? 4 : type == 'd' || type == 'c' ? 8 : type == 'z' ? 16 : 0;
}

/* Returns the empty text for AGGREGATE_NONE. */
static inline const char *text_at(const struct aggregate *aggregate, uint32_t text)
{
	return text == AGGREGATE_NONE ? "" : intern_at(&aggregate->texts, text);
}

static inline const struct routine_key *routine_of(const struct aggregate *aggregate, uint32_t routine)
{
	return intern_at(&aggregate->routines, routine);
}

static inline const struct site_key *site_of(const struct aggregate *aggregate, uint32_t site)
{
	return intern_at(&aggregate->sites, site);
}

static inline const char *routine_name(const struct aggregate *aggregate, uint32_t routine)
{
	return text_at(aggregate, routine_of(aggregate, routine)->name);
}

static inline const char *site_symbol(const struct aggregate *aggregate, uint32_t site)
{
	return text_at(aggregate, site_of(aggregate, site)->symbol);
}

static inline const struct worker_key *worker_of(const struct aggregate *aggregate, uint32_t worker)
{
	return intern_at(&aggregate->workers, worker);
}

static inline const struct stack_head *stack_of(const struct aggregate *aggregate, uint32_t stack)
{
	return intern_at(&aggregate->stacks, stack);
}

static inline const struct sample_key *sample_of(const struct aggregate *aggregate, uint32_t sample)
{
	return intern_at(&aggregate->samples, sample);
}

/* Returns the frames of a stack, head->frame_count of them. */
static inline const struct stack_frame *frames_of(const struct stack_head *head)
{
	return (const struct stack_frame *)(const void *)(head + 1);
}

static inline const struct module_key *module_of(const struct aggregate *aggregate, uint32_t module)
{
	return intern_at(&aggregate->modules, module);
}

#endif
