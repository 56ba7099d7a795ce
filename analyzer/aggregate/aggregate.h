/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * aggregate.h - adds dumps up: rows that say the same become one, whatever process they come from.
 * Memory grows with what is distinct and with the number of processes, never with the number of calls.
 * It must never keep what a dump says without having looked whether it can be so.
 *
 * Texts are numbers into `texts`, routines, modules, sites and namespaces numbers into their tables.
 */
#ifndef ANALYZER_AGGREGATE_H
#define ANALYZER_AGGREGATE_H

#include "analyzer/base/hash.h"
#include "analyzer/base/intern.h"
#include "analyzer/base/number.h"
#include "analyzer/read/read.h"

#define AGGREGATE_NONE UINT32_MAX

/* Keys: compared byte by byte, so they have no padding. */
struct routine_key {
	uint32_t name;
	uint8_t type, kind; /* enum dump_kind */
	uint8_t option_count, dim_count;
	uint32_t options[DUMP_OPTIONS_MAX], dims[DUMP_DIMS_MAX]; /* names */
};

struct module_key {
	uint32_t path, build_id_size;
	uint8_t build_id[32];
};

struct site_key {
	uint64_t offset;                  /* of the return address in its module; the address where there is none */
	uint32_t symbol, routine;
	uint32_t caller_module, callee_module; /* AGGREGATE_NONE where not known */
	uint32_t detail;                  /* text: subscripts and shapes of work charged by hand, "" otherwise */
	uint32_t padding;                 /* keys are compared by their bytes */
};

struct limit_key {
	uint64_t amount;
	uint32_t space, is_scope;
};

struct note_key {
	uint32_t kind, text;
};

/* A stack is its head and, behind it, its frames, innermost first. */
struct stack_head {
	uint32_t python, frame_count; /* python: text, frames in lines, AGGREGATE_NONE if there are none */
};

struct stack_frame {
	uint64_t offset;           /* of a return address in its module; the address where there is none */
	uint32_t module, reserved; /* AGGREGATE_NONE where not known */
};

struct sample_key {
	uint32_t stack, site, space;
};

/* Where work is asked for. */
struct place_key {
	uint32_t site, space;
};

/* What is told apart of where work comes from, beside the rows that it adds up to. */
enum origin_part {
	ORIGIN_NONE = 0,
	ORIGIN_HOST = 1 << 0,
	ORIGIN_JOB = 1 << 1,
	ORIGIN_RANK = 1 << 2,
	ORIGIN_PROCESS = 1 << 3,
	ORIGIN_LANE = 1 << 4,
};

/* Where work comes from; what is not told apart is AGGREGATE_NONE, and the rank ORIGIN_NO_RANK. */
struct origin_key {
	uint32_t host, job;     /* texts */
	int32_t rank;
	uint32_t process, lane; /* lane: a thread after another may have had it */
};

#define ORIGIN_NO_RANK (-1)

struct origin {
	uint64_t processes; /* that are not told apart */
	uint64_t threads;   /* that had the lane, one after the other */
	uint32_t tid;       /* of the one that has it; 0 if none */
};

/* Totals of one (routine, shape, site, namespace, kind) over all dumps. */
struct row {
	u128 flops, charged, words;
	uint64_t calls, timed_calls, time_ns;
	uint64_t options; /* as in struct dump_row */
	uint32_t routine, site, space;
	uint8_t kind, flags; /* as in struct dump_row; flags that tell rows apart, and DUMP_ROW_SATURATED */
	int64_t dims[];      /* as many as the routine has */
};

/* What of a row comes from one origin. */
struct row_part {
	uint32_t row, origin; /* numbers */
	struct row *sums;     /* as of a row, without dimensions */
};

struct module {
	uint64_t earliest_start_ns;  /* of the processes that had it, since 1970 */
	uint32_t flags;              /* enum dump_module_flags, of all of them */
	bool elsewhere;              /* one of them ran on another machine */
};

/* Limits of one amount on one namespace: each process, and each scope, has its own. */
struct limit {
	uint64_t processes;
	uint64_t used; /* of the one of which the most is used: a sum would stand beside the amount of one */
	uint64_t refused_calls, refused_flops, over_calls; /* of all */
};

struct note {
	uint64_t processes, count;
};

struct sample {
	u128 flops;     /* charged FLOPs that it stands for: see estimate.h */
	uint64_t calls; /* that were sampled */
};

/* Calls in flight from one place. */
struct flight {
	u128 flops, charged;
	uint64_t calls;
};

enum process_state {
	PROCESS_RUNNING,
	PROCESS_CLOSED,
	PROCESS_REPLACED, /* by exec */
	PROCESS_ENDED,    /* without closing its dump */
	PROCESS_UNKNOWN,  /* running or ended: it is another machine's, or the header is damaged */
};

struct process {
	u128 flops, charged;
	uint64_t calls, lost_calls, log_dropped;
	uint64_t start_realtime_ns, elapsed_ns; /* elapsed: 0 if not known */
	uint32_t file, program, arguments, environment, directory, host, job; /* texts; arguments: each ends in 0 */
	uint32_t launch, run; /* texts, "" if not known */
	uint32_t argument_bytes, environment_bytes;
	uint32_t pid, parent_pid;
	uint64_t id[2]; /* of the dump; both 0 if it has none */
	int32_t rank, exit_status;
	int32_t signal;          /* that its budget has sent it; 0: none */
	uint32_t stacks_problem; /* text: why no stacks could be taken */
	uint32_t job_size; /* ranks of the launch, 0 if not known */
	uint32_t losses; /* enum dump_loss */
	bool complete, forked;
	bool answered; /* its counts are not zeros for want of readable rows */
	enum process_state state;
};

struct damage {
	uint32_t file; /* text */
	char *text;
	uint64_t count;
	bool said; /* on standard error, already */
};

struct totals {
	u128 flops, charged, words, in_flight_flops, refused_flops;
	uint64_t calls, exempt_calls, unpriced_calls, rejected_calls, over_calls; /* the first has the others in it */
	uint64_t queries, refused_calls, manual_charges;
	uint64_t nested_calls, passed_calls, lost_calls, abandoned_calls, in_flight_calls, saturated_calls;
	uint64_t timed_calls, time_ns, threads;
};

/* What the current routine table makes of a row; see catalog.h. */
struct priced {
	uint64_t flops, charged, words;
	uint8_t kind; /* enum dump_kind */
};

struct aggregate_options {
	const char *host;                                      /* this machine, NULL: nothing is known to live */
	bool (*alive)(uint32_t pid, uint64_t start_ticks);
	uint64_t now_ns;                                       /* monotonic; for processes that are running */
	/* Prices rows anew where not NULL; false: the row keeps its price. */
	bool (*price)(void *context, const struct intern *texts, const struct routine_key *routine,
	              const struct dump_row *row, uint64_t multiplier, struct priced *priced);
	void *price_context;
	/* Is told, where not NULL, which row of the aggregate a row of a dump went to. */
	void (*row_added)(void *context, uint32_t lane, uint32_t number, const struct dump_row *entry, const struct row *row);
	void *row_context;
	unsigned origin; /* a set of enum origin_part */
};

struct version {
	uint32_t text, file; /* the version, and a dump that has it */
};

struct aggregate {
	struct aggregate_options options;
	struct intern texts, routines, modules, sites, spaces, limits, notes; /* spaces: paths; number 0 is the root */
	struct intern stacks, samples, flights, origins; /* flights: struct place_key */
	struct module *module_totals;
	struct limit *limit_totals;
	struct note *note_totals;
	struct sample *sample_totals;
	struct flight *flight_totals;
	struct origin *origin_totals;
	size_t module_capacity, limit_capacity, note_capacity, sample_capacity, flight_capacity, origin_capacity;
	struct arena row_arena;
	struct row **rows;
	size_t row_count, row_capacity;
	struct hash_index row_index;
	struct row_part *parts; /* of the rows; none unless origins are told apart */
	size_t part_count, part_capacity;
	struct hash_index part_index;
	struct process *processes;
	size_t process_count, process_capacity;
	struct damage *damage;
	size_t damage_count, damage_capacity;
	struct version *versions; /* of the routine table, each once */
	size_t version_count, version_capacity;
	struct totals totals;
	u128 placeless_flops; /* of rows that have no call site, since the dump could not grow */
	uint64_t kept_calls; /* calls that could not be priced anew */
	size_t unreadable;   /* files of which nothing that counts could be read */
	size_t answered;     /* the others */
	size_t taken_along;  /* dumps that nobody named: siblings of one that was */
	size_t runs;         /* that the dumps are of, as far as that is known; see runs.h */
	bool newer;          /* one of them is in a later format */
	bool complete;       /* nothing is known to be lost */
};

void aggregate_open(struct aggregate *aggregate, const struct aggregate_options *options);
void aggregate_close(struct aggregate *aggregate);

/* Adds a dump. `file` names it in messages. */
void aggregate_add(struct aggregate *aggregate, const struct dump_source *source, const char *file);

/* It was written out once a second, and ended without closing, or perhaps did: what came after the last time is not there. */
bool process_may_miss_its_end(const struct process *process);

/* Notes that a file that was added is known to hold less than happened. */
void aggregate_doubt(struct aggregate *aggregate, const char *file, const char *why);

/* "direct", "iterative", "exempt", "unpriced": of an enum dump_kind, or a price_kind. */
const char *kind_name(unsigned kind);

/* Notes that a file could not be had at all, which has been said. */
void aggregate_missing(struct aggregate *aggregate, const char *file, const char *why);

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

static inline const struct origin_key *origin_of(const struct aggregate *aggregate, uint32_t origin)
{
	return intern_at(&aggregate->origins, origin);
}

static inline const struct stack_head *stack_of(const struct aggregate *aggregate, uint32_t stack)
{
	return intern_at(&aggregate->stacks, stack);
}

static inline const struct stack_frame *frames_of(const struct stack_head *head)
{
	return (const struct stack_frame *)(const void *)(head + 1);
}

static inline const struct module_key *module_of(const struct aggregate *aggregate, uint32_t module)
{
	return intern_at(&aggregate->modules, module);
}

#endif
