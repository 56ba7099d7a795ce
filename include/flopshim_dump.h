/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flopshim_dump.h - the dump file, field by field: all that libflopshim.so and flopshim-report must agree on.
 * It must never depend on either of them.
 *
 * A dump is written by one process under the shim. The shim maps the file MAP_SHARED and keeps its counters in it, so
 * that nothing is lost when the process is killed, and a reader may read the file at any time.
 *
 * A merged dump is written by flopshim-report. It holds the sums of the dumps of many processes, and what tells these
 * processes apart. It has a block of DUMP_COUNTS, and neither meta, lanes, rows, samples nor calls.
 *
 *     offset 0                  struct dump_header            one page
 *     offset header.page_size   struct dump_block, entries    a whole number of pages
 *     ...                       struct dump_block, entries    until header.size
 *
 * Everything is little-endian and naturally aligned. The page size is that of the machine that writes the dump. Blocks
 * never move or shrink. `used` counts the valid entries of a block and is raised after an entry is complete. A block
 * ends, and the next one begins, `size` bytes after its beginning. A block whose `header_check` is wrong is damaged:
 * its size cannot be trusted, and a reader finds the next block by searching the page boundaries for DUMP_BLOCK_MAGIC.
 *
 * References: a member that refers to a string or a stack holds the file offset of its struct dump_string or
 * dump_stack, 0 for none. Sites, namespaces, modules, routines, limits and lanes are referred to by number: `first` of
 * the block plus the entry's position in it, from 0 on. Rows are numbered in the same way within their lane.
 *
 * "changes" in a comment means that the member changes while the process runs. Any other member is final once the entry
 * is counted in `used`.
 *
 * The format may grow without breaking readers. A reader skips types of blocks that it does not know, and reads entries
 * by the block's `entry_size`: it skips members that it does not know, and takes members that are not there as 0. So a
 * new layout may add the following, and each such change raises DUMP_LAYOUT:
 *
 *     a new type of block, a new flag, a new kind of note
 *     a new member at the end of an entry, of struct dump_block or of struct dump_header, whose value 0 means what a
 *     reader that does not know the member assumes
 *     a new meaning for a reserved member, by the same rule
 *
 * No member moves, or changes its size or meaning. A change that cannot be made in this way, such as a new kind of row,
 * raises the result of dump_version too, so that readers of earlier layouts refuse the dump instead of misreading it.
 */
#ifndef FLOPSHIM_DUMP_H
#define FLOPSHIM_DUMP_H

#include <stdint.h>

#define DUMP_MAGIC       "FLOPSHIM"  /* 8 bytes, no terminator */
#define DUMP_BLOCK_MAGIC 0x4b4c4246u /* "FBLK" */
#define DUMP_BYTE_ORDER  0x01020304u

enum {
	DUMP_LAYOUT = 5,          /* the layout that this file describes; tests/dumps keeps a dump of each layout */
	DUMP_PAGE_LEAST = 4096,   /* smallest page size in bytes, and the only one in layout 1; all are powers of two */
	DUMP_PAGE_MOST = 1 << 20, /* largest page size in bytes */
	DUMP_BLOCK_LEAST = 72,    /* bytes of a struct dump_block in the first layout */
	DUMP_ENTRY_MOST = 1 << 16, /* most bytes of an entry of a fixed size */
	DUMP_OPTIONS_MAX = 8,
	DUMP_DIMS_MAX = 8,
	DUMP_FRAMES_MAX = 16,
	DUMP_SHARES = 2,
	DUMP_MERGED_VERSION = 5, /* first layout whose readers understand a merged dump */
};

#define DUMP_NONE UINT32_MAX /* no such module, site, stack, namespace ... */

/*
 * Returns the first layout whose readers understand a dump with pages of `page_size` bytes: readers of layout 1 assume
 * that a page has 4,096 bytes.
 */
static inline uint32_t dump_version(uint32_t page_size) { return page_size == DUMP_PAGE_LEAST ? 1 : 2; }

enum dump_state {
	/* the process runs, if pid with this start_ticks exists; else it ended without closing its dump */
	DUMP_RUNNING = 1,
	DUMP_CLOSED = 2, /* the process ended through exit(), a return from main or a budget's `exit` */
	/*
	 * reserved for a process that exec has replaced. The shim leaves DUMP_RUNNING there, since it cannot tell
	 * beforehand whether exec will fail
	 */
	DUMP_EXECED = 3,
};

/* Why a dump may hold less than happened; bits of dump_header.losses. */
enum dump_loss {
	DUMP_LOST_CALLS = 1 << 0, /* lost_calls of the header or of a lane is not 0 */
	DUMP_LOST_SPACE = 1 << 1, /* the file could not grow or be written: some rows are not in it */
	DUMP_LOST_SITES = 1 << 2, /* there were more call sites than fit: the later ones share one */
	/*
	 * There were more shapes than fit: dimensions of some rows were rounded up to powers of two, or several shapes,
	 * or names of manual charges, share one. Totals stay exact (see DUMP_ROW_COARSE).
	 */
	DUMP_COARSE_SHAPES = 1 << 3,
	DUMP_LOST_LOG = 1 << 4,    /* the ordered record ends early: see dump_header.log_dropped */
	DUMP_LOST_STACKS = 1 << 5, /* some stacks could not be taken; see dump_header.stacks_failed */
	DUMP_NOT_DURABLE = 1 << 6, /* blocks are in private memory and are written out: see dump_header.write_ms */
};

/* The start of the file. Written at creation, except the members that change. */
struct dump_header {
	char magic[8];       /* DUMP_MAGIC */
	uint32_t version;    /* the earliest layout whose readers understand this dump: dump_version */
	uint32_t byte_order; /* DUMP_BYTE_ORDER */
	uint64_t size;       /* end of the last block; raised after a block is in place; changes */
	uint32_t state;      /* enum dump_state; changes */
	uint32_t losses;     /* enum dump_loss; changes */
	uint32_t pid, parent_pid;
	uint64_t start_ticks;       /* of the process: field 22 of /proc/PID/stat */
	uint64_t start_realtime_ns; /* when the shim was loaded, or the fork happened */
	uint64_t start_monotonic_ns;
	uint64_t end_monotonic_ns; /* 0 while running */
	/*
	 * start_ticks of the process that forked this one, 0 if this one began by exec; with parent_pid it identifies
	 * the parent's dump
	 */
	uint64_t fork_parent_ticks;
	uint64_t multiplier;    /* FLOPSHIM_MULTIPLIER times 2^32 */
	uint64_t log_dropped;   /* calls that the ordered record could not take; changes */
	uint64_t stacks_failed; /* stacks that could not be taken; changes */
	uint32_t page_size;     /* bytes of a page of the machine; 0 in layout 1, which means DUMP_PAGE_LEAST */
	uint32_t layout;        /* DUMP_LAYOUT of the writer; 0 in layout 1 */
	int32_t rank;           /* rank in the MPI job, -1 if it is not known */
	int32_t exit_status;    /* status given to exit by a budget's action, -1 otherwise; changes */
	char table_version[24]; /* of the routine table that priced the calls */
	char shim_version[24];
	char host[64];
	char job[64];          /* number of the batch job, empty if there is none */
	uint32_t header_check; /* dump_header_check of this struct; 0: not checked */
	uint32_t records_mode; /* 0 shapes, 1 calls */
	uint32_t stacks_mode;  /* 0 off, 1 leaf, 2 auto, 3 all */
	uint32_t time_mode;    /* 0 off, 1 auto, 2 all */
	/* in mode `auto`, FLOPs from which on every stack that may be a new one is taken; changes */
	uint64_t stack_threshold;
	uint64_t saturated; /* calls whose price or charge did not fit in 63 bits; changes */
	/*
	 * dump_content_check of the bytes of this struct before it, with the seed DUMP_CONTENT_SEED; written last at
	 * closing; 0: not checked; changes
	 */
	uint64_t close_check;
	uint64_t lost_calls; /* calls that ran in threads without memory for a lane, and are in no row; changes */
	/*
	 * number that no other dump has: of two files with the same id one is a copy of the other. Both 0 in layouts 1
	 * and 2, where host, pid and the three start times identify a dump
	 */
	uint64_t id[2];
	char launch[64]; /* tells apart the MPI launches of one job, and jobs with the same number; empty if unknown */
	/*
	 * the same for all processes that one start of the launcher `flopshim` has led to; empty without the launcher
	 */
	char run[40];
	uint32_t job_size;       /* number of ranks of the launch, which are 0 to job_size - 1; 0 if it is not known */
	uint32_t identity_check; /* dump_identity_check of this struct; 0: not checked */
	/*
	 * if DUMP_NOT_DURABLE: in how many milliseconds at most a thread of the shim writes to the file what changes. 0
	 * where there is no such thread: calls write it then, and what the last ones changed may be missing; changes
	 */
	uint32_t write_ms;
	/* The following are empty or 0 in layouts before 5, and where they are not known. */
	uint32_t local_rank;  /* rank among those of the launch on this host, plus 1 */
	char step[24];        /* number of the batch job's step that the process is of */
	char array_task[24];  /* index of the batch job in an array of jobs */
	uint32_t restarts;    /* how often the batch system has started the job again */
	uint32_t place_check; /* dump_place_check of this struct; 0: not checked */
	/*
	 * 1 if the process was about to end by _exit, or to become another program by exec, when it wrote all of the file,
	 * so that nothing is missing in spite of DUMP_NOT_DURABLE; changes
	 */
	uint32_t left;
	/*
	 * number for the namespaces that pid and start_ticks are of, so that a reader in others does not take the process
	 * for one that has ended; 0 if it is not known
	 */
	uint32_t process_space;
};

enum dump_block_type {
	DUMP_STRINGS = 1,    /* struct dump_string, one after the other; `used` counts bytes */
	DUMP_META = 2,       /* struct dump_meta */
	DUMP_MODULES = 3,    /* struct dump_module */
	DUMP_ROUTINES = 4,   /* struct dump_routine */
	DUMP_SITES = 5,      /* struct dump_site */
	DUMP_NAMESPACES = 6, /* struct dump_namespace */
	DUMP_LIMITS = 7,     /* struct dump_limit */
	DUMP_LANES = 8,      /* struct dump_lane */
	DUMP_ROWS = 9,       /* struct dump_row; `lane` of the block says whose */
	DUMP_NOTES = 10,     /* struct dump_note */
	DUMP_STACKS = 11,    /* struct dump_stack, one after the other; `used` counts bytes */
	DUMP_SAMPLES = 12,   /* struct dump_sample */
	DUMP_LOG = 13,       /* struct dump_call; `lane` of the block says whose */
	/* The following are in merged dumps alone. */
	DUMP_COUNTS = 14,    /* struct dump_counts: a single one */
	DUMP_PROGRAMS = 15,  /* struct dump_program */
	DUMP_PROCESSES = 16, /* struct dump_process */
	DUMP_RARE = 17,      /* struct dump_rare */
	DUMP_SUMS = 18,      /* struct dump_sum */
	DUMP_ESTIMATES = 19, /* struct dump_estimate */
	DUMP_FLIGHTS = 20,   /* struct dump_flight */
	DUMP_DAMAGE = 21,    /* struct dump_damage */
	DUMP_SPREADS = 22,   /* struct dump_spread */
};

/* The beginning of a block. */
struct dump_block {
	uint32_t magic;        /* DUMP_BLOCK_MAGIC */
	uint16_t type;         /* enum dump_block_type */
	uint16_t header_size;  /* where the entries begin, from the start of the block */
	uint64_t offset;       /* of this block in the file */
	uint64_t size;         /* of the whole block in bytes, a multiple of header.page_size */
	uint64_t address;      /* address of this block in the memory of the process; see dump_frame.row */
	uint32_t entry_size;   /* bytes of an entry; 0 where entries vary in size */
	uint32_t first;        /* number of the first entry (sites, rows ...) */
	uint32_t lane;         /* lane that owns the block, DUMP_NONE if none does */
	uint32_t header_check; /* dump_check of the bytes before it */
	uint64_t used;         /* number of valid entries (of bytes in DUMP_STRINGS and DUMP_STACKS); changes */
	/*
	 * dump_content_check of the entries, with the seed DUMP_CONTENT_SEED ^ used; written at closing if nothing
	 * writes to the block any more; 0: not checked; changes
	 */
	uint64_t content_check;
	uint64_t reserved;
};

/* A text. The entry, with `length`, is padded to a multiple of 8 bytes. */
struct dump_string {
	uint32_t length; /* bytes of the text, without the terminator */
	char text[];     /* terminated by 0 */
};

/*
 * A fact about the process. Keys: program (its path), argument (one entry each, in order), directory, environment (one
 * entry for each FLOPSHIM_ variable, NAME=VALUE), signal (number of the signal that a budget sent to the process),
 * stacks (why no stacks could be taken). A reader must expect other keys.
 */
struct dump_meta {
	uint64_t key, value; /* strings */
};

enum dump_module_flags {
	DUMP_MODULE_SERVES = 1 << 0, /* calls were served by this object */
	DUMP_MODULE_ILP64 = 1 << 1,  /* its integers have 64 bits */
	/* reserved for an object that is no longer at this address; no shim writes it yet */
	DUMP_MODULE_UNLOADED = 1 << 2,
	/* looks like a BLAS or LAPACK; calls to a definition in another object do not count */
	DUMP_MODULE_BLAS = 1 << 3,
	/* in a merged dump: processes on several hosts have it, and `host` is that of none of them */
	DUMP_MODULE_HOSTS = 1 << 4,
};

/*
 * A loaded object (ELF file) that sites or stacks refer to. In a merged dump, objects of several processes are one if
 * they have the same build-id, or have none and the same path; `path` is the first in the order of bytes, and `start`,
 * `end` and `bias` are made up, so that no two objects overlap.
 */
struct dump_module {
	uint64_t path;          /* string, absolute; "[vdso]" and the like for an object without a file */
	uint64_t start, end;    /* first address of the object in memory, and the first one behind it */
	uint64_t bias;          /* address in memory = bias + virtual address in the ELF file */
	uint32_t flags;         /* enum dump_module_flags; changes */
	uint32_t build_id_size; /* 0 if it has none */
	uint8_t build_id[32];
	/* The following are 0 in the dump of one process. */
	uint64_t earliest_start_ns; /* start_realtime_ns of the first process that had it */
	uint64_t host;              /* string: the host of all processes that had it */
};

/* Kinds of routines, with the numbers of enum price_kind. */
enum dump_kind { DUMP_DIRECT, DUMP_ITERATIVE, DUMP_EXEMPT, DUMP_UNPRICED };

/* A routine that was called, with the names of its arguments, so that a reader needs no routine table. */
struct dump_routine {
	uint64_t name; /* string, canonical: "dgemm" */
	uint8_t type;  /* 's' 'd' 'c' 'z' */
	uint8_t kind;  /* enum dump_kind */
	uint8_t option_count, dim_count;
	uint32_t reserved;
	uint64_t options[DUMP_OPTIONS_MAX]; /* strings: names of the shape's options */
	uint64_t dims[DUMP_DIMS_MAX];       /* strings: names of the shape's dimensions */
};

/*
 * One place that calls one symbol; or an operation that the program charged by flopshim_charge: then `symbol` is its
 * name and `routine` is DUMP_NONE.
 */
struct dump_site {
	uint64_t caller; /* return address; 0 if it is not known */
	uint64_t symbol; /* string, the name that was called: "cblas_dgemm64_" */
	uint32_t routine;
	uint32_t caller_module; /* DUMP_NONE for code outside any object */
	uint32_t callee_module; /* the library that serves the call */
	uint32_t reserved;
	uint64_t detail; /* string: subscripts and shapes given to flopshim_charge; 0 for calls */
};

/* A node of the tree of namespaces. Number 0 is the root, whose name is empty. */
struct dump_namespace {
	uint64_t name;   /* string: the whole dotted path */
	uint32_t parent; /* DUMP_NONE for the root */
	uint32_t reserved;
	uint64_t multiplier;  /* factor of this namespace alone, times 2^32 */
	uint64_t calls_begun; /* scopes that were opened on it; changes */
};

enum dump_limit_flags { DUMP_LIMIT_SCOPE = 1 << 0, DUMP_LIMIT_ENDED = 1 << 1 };

/* A budget of a namespace or of a scope. No call makes `used` pass `amount`, unless the action is `warn`. */
struct dump_limit {
	uint64_t amount; /* charged FLOPs that it allows */
	/*
	 * charged FLOPs of calls that ended or are in flight, and all leases: dump_lane.lease says how much of a lease
	 * is unspent; changes
	 */
	uint64_t used;
	uint64_t refused_calls; /* calls that it refused; changes */
	uint64_t refused_flops; /* what those would have been charged; saturates at UINT64_MAX; changes */
	uint64_t over_calls;    /* calls that ran over it under `warn`; changes */
	uint32_t namespace_id;
	uint32_t flags; /* enum dump_limit_flags */
	/* number plus 1 of the next limit around it of its kind (namespace or scope), 0 if there is none; changes */
	uint32_t parent;
	uint32_t reserved;
	/*
	 * in a merged dump, the number of limits with the same amount, namespace and flags: `used` is that of the one
	 * that is used most, and the other members that change are sums; 0 means 1
	 */
	uint64_t limits;
};

/* A call in flight: a call at top level that has begun and not returned. */
struct dump_frame {
	uint64_t slot; /* address of the slot that holds the return address */
	/* content of the slot when the call began: the call is over if the slot holds another value */
	uint64_t return_address;
	/*
	 * address of the call's row in the memory of the process: it is in a block of rows of this lane, at `row -
	 * address` of the block; 0 if the call counts elsewhere
	 */
	uint64_t row;
};

/*
 * What a call in flight has added to a coarse row. The sums of the row include the call from its beginning on, so that
 * a reader who wants only calls that have ended subtracts the share. A share counts only while one of the lane's frames
 * has its slot and the row of that frame is coarse. If the shares do not suffice, a call in flight has none.
 */
struct dump_share {
	uint64_t slot; /* as in dump_frame; 0 for none */
	uint64_t flops, charged, words;
};

/*
 * What only one thread at a time writes, and therefore without a lock. Later threads use the lane again. All members
 * change.
 */
struct dump_lane {
	/* What every call writes comes first: one cache line has it with the first frame and most of the second. */
	/* calls that one routine made while it served another, which has their work in its price */
	uint64_t nested_calls;
	uint32_t depth; /* number of valid frames, that is of calls in flight */
	uint32_t tid;   /* thread that uses the lane, 0 if none */
	struct dump_frame frames[DUMP_FRAMES_MAX];
	uint64_t lost_calls;   /* calls that ran and are in no row */
	uint64_t passed_calls; /* calls to definitions that do not look like a BLAS, which are not counted */
	/* calls left by longjmp or an exception; they stay charged and are in `calls` of their rows */
	uint64_t abandoned_calls;
	uint64_t threads; /* number of threads that have used the lane */
	int64_t lease;    /* FLOPs of the thread's lease that are unspent; means nothing if both lease_limits are 0 */
	uint32_t lease_limits
		[2]; /* limits that the lease is reserved on, with the limits around them: numbers plus 1, 0 for none */
	struct dump_share shares[DUMP_SHARES];
};

enum dump_row_kind {
	DUMP_ROW_CALL,     /* calls that have returned */
	DUMP_ROW_QUERY,    /* workspace queries: 0 FLOPs */
	DUMP_ROW_REJECTED, /* calls that returned INFO < 0: 0 FLOPs */
	/* calls that a budget kept from running; `flops` and `charged` are what they would have cost */
	DUMP_ROW_REFUSED,
	DUMP_ROW_MANUAL, /* work that the program charged by flopshim_charge; `symbol` of the site is its name */
};

enum dump_row_flags {
	DUMP_ROW_SATURATED = 1 << 0, /* flops or charged did not fit in 63 bits */
	/* dimensions are rounded up; flops, charged and words are sums, not those of one call */
	DUMP_ROW_COARSE = 1 << 1,
	DUMP_ROW_OVER = 1 << 2, /* calls that ran over a budget under `warn` */
	/* in a merged dump: calls from this site in this namespace were charged at several ratios to their FLOPs */
	DUMP_ROW_VARIES = 1 << 3,
};

/*
 * The counter of all calls of one lane that agree in site, shape, namespace and kind. The FLOPs of the row are
 * calls * flops, unless it is DUMP_ROW_COARSE: then flops, charged and words are totals already.
 */
struct dump_row {
	/* What every call reads comes first: one cache line has it with up to three dimensions. */
	uint64_t calls;   /* number of calls that have ended; changes */
	uint64_t options; /* option letters of the shape, the first in the lowest byte */
	uint64_t charged; /* FLOPs charged for one call: `flops` times multipliers and weights */
	uint32_t site;    /* DUMP_NONE if calls from several sites share the row */
	uint32_t namespace_id;
	uint8_t kind;                /* enum dump_row_kind */
	uint8_t flags;               /* enum dump_row_flags */
	int16_t next;                /* hint that the shim keeps for itself, without meaning for readers; changes */
	uint32_t timed_calls;        /* number of calls in time_ns; changes */
	int64_t dims[DUMP_DIMS_MAX]; /* dimensions of the shape; 0 from the routine's dim_count on */
	uint64_t flops;              /* price of one call, before weights */
	uint64_t time_ns;            /* total duration of the timed calls; means nothing if timed_calls is 0; changes */
	uint64_t words;              /* least memory traffic of one call, in elements of the routine's type */
};

/* What a note says. The comment begins with what its text names. */
enum dump_note_kind {
	/* path of an object whose definition does not look like a BLAS: calls were not counted */
	DUMP_NOTE_NOT_BLAS = 1,
	/* reserved: path of a BLAS before the shim in the search order; its calls were not seen */
	DUMP_NOTE_HIDDEN = 2,
	DUMP_NOTE_THUNKS_FULL = 3, /* symbol whose address dlsym gave out without a thunk, since none was left */
	/* routine without a price: the calls nested in it were neither charged nor limited */
	DUMP_NOTE_OUTER_UNPRICED = 4,
	DUMP_NOTE_ENVIRONMENT = 5, /* setting whose value was wrong, and how it was read instead */
	DUMP_NOTE_DEEPBIND = 6,    /* path of an object that was bound to its BLAS without the shim, by RTLD_DEEPBIND */
	DUMP_NOTE_PYTHON = 7,   /* Python's version; `count` stacks lack the Python frames, which could not be read */
	DUMP_NOTE_MESSAGE = 8,  /* message that could not be written to standard error */
	DUMP_NOTE_ADDRESS = 10, /* symbol and library; the address that was called may be another library's too */
	/* symbol and object; the name looks like BLAS or LAPACK but is not in the table: not seen */
	DUMP_NOTE_UNSERVED = 11,
	/* symbols and program, which defines them itself and so before the shim: calls not seen */
	DUMP_NOTE_OWN_PROGRAM = 12,
	/* symbols and object, which defines them and calls them inside of itself: calls not seen */
	DUMP_NOTE_OWN_LIBRARY = 13,
};

/* Something that a reader of the totals must know. */
struct dump_note {
	uint32_t kind;      /* enum dump_note_kind */
	uint32_t check;     /* dump_check of the text */
	uint64_t text;      /* string */
	uint64_t count;     /* how often it happened, or to how many calls; changes */
	uint64_t processes; /* in a merged dump, how many processes have this note; 0 means 1 */
};

/* A call stack: return addresses, innermost first. */
struct dump_stack {
	uint32_t size;  /* bytes of this entry, a multiple of 8 */
	uint32_t count; /* number of addresses */
	/* string: Python frames "function (file:line)", innermost first, separated by newlines; 0 if none */
	uint64_t python;
	uint64_t addresses[];
};

/*
 * The sampled work of one site in one namespace under one stack. The sum over a site estimates what the site was
 * charged.
 */
struct dump_sample {
	uint64_t stack; /* file offset of its struct dump_stack */
	/* sum over the sampled calls of charged FLOPs divided by the probability of being sampled; changes */
	uint64_t flops;
	uint64_t calls; /* number of sampled calls; changes */
	uint32_t site;
	uint32_t namespace_id;
};

/*
 * One call of the ordered record (FLOPSHIM_RECORDS=calls). Its shape, price, site and namespace are those of its row.
 */
struct dump_call {
	/* position in the order in which the calls of the process ended, from 1; 0: entry not complete */
	uint64_t sequence;
	uint64_t start_ns; /* when the call began, after start_monotonic_ns */
	uint64_t duration_ns;
	uint64_t cumulative; /* FLOPs charged in the process up to the end of this call */
	uint32_t row;        /* number of the row in its lane */
	uint32_t tid;        /* thread that made the call */
};

/*
 * Merged dumps. A number of 128 bits is an array of two words, the lower one first. Times are in nanoseconds. 64-bit
 * counts saturate.
 */

/* What is counted for all processes together and is in no sum. */
struct dump_counts {
	uint64_t nested_calls, passed_calls, abandoned_calls, lost_calls, threads; /* as in struct dump_lane */
	uint64_t in_flight_calls; /* calls that had begun and not returned, those whose row is not known included */
	uint64_t saturated;       /* as in struct dump_header */
};

/* What processes have in common. Strings that are 0 are not known. */
struct dump_program {
	uint64_t program, directory, host, job, launch, run, stacks; /* strings, as in dump_meta and dump_header */
	uint64_t table_version;                                      /* string */
	uint64_t arguments, environment; /* strings in which each argument, or variable, ends in a byte 0 */
	uint32_t job_size;
	uint32_t restarts;
	uint64_t step, array_task; /* strings */
};

enum dump_process_flags {
	DUMP_PROCESS_FORKED = 1 << 0,   /* it began by fork and not by exec */
	DUMP_PROCESS_COMPLETE = 1 << 1, /* nothing is known to be missing from its counts */
	DUMP_PROCESS_ANSWERED = 1 << 2, /* its counts could be read */
	/* of a process in state DUMP_RUNNING, when its dump was merged; neither if nobody could tell: */
	DUMP_PROCESS_RAN = 1 << 3,       /* it was running */
	DUMP_PROCESS_ENDED = 1 << 4,     /* it had ended without closing its dump */
	DUMP_PROCESS_ORDERED = 1 << 5,   /* its own dump has an ordered record */
	DUMP_PROCESS_BY_THREAD = 1 << 6, /* dump_header.write_ms of its own dump was not 0 */
};

/* One process. Processes are in the order of rank, host, pid, start and id. Its sums are over its rows but queries. */
struct dump_process {
	uint64_t id[2];                 /* of its dump; made from the other marks of a dump that has none */
	uint64_t flops, charged, words; /* the lower words: see struct dump_rare */
	uint64_t calls;                 /* calls that ended, rejected ones included */
	uint64_t time_ns, timed_calls;  /* as in struct dump_row */
	uint64_t estimated_ns;          /* time_ns, scaled in each row to all of its calls */
	uint64_t start_realtime_ns;
	uint64_t elapsed_ns;                     /* how long it ran; 0 if that is not known */
	uint64_t start_ticks, fork_parent_ticks; /* as in struct dump_header */
	uint32_t pid, parent_pid;
	int32_t rank;           /* -1 if it is not known */
	uint32_t program;       /* number of a program */
	uint16_t losses;        /* enum dump_loss */
	uint8_t state;          /* enum dump_state */
	uint8_t flags;          /* enum dump_process_flags */
	uint32_t local_rank;    /* plus 1; 0 if it is not known */
	uint64_t untimed_calls; /* calls that are not in estimated_ns, since none of their row was timed */
};

enum dump_rare_flags {
	DUMP_RARE_DAMAGED = 1 << 0, /* the header of its dump is damaged, so that how it ended is not known */
	DUMP_RARE_NO_ID = 1 << 1,   /* its dump has no id, and `id` is made from its other marks */
};

/* What few processes have. A process without it has 0 everywhere, and -1 as its exit status. */
struct dump_rare {
	uint32_t process;            /* number of the process */
	int32_t exit_status, signal; /* status by a budget's action, -1 for none; signal of a budget, 0 for none */
	uint32_t flags;              /* enum dump_rare_flags */
	uint64_t flops_high, charged_high, words_high; /* upper words */
	uint64_t rejected_calls, refused_calls, unpriced_calls, queries, manual_charges, lost_calls, log_dropped;
};

/* The sum of all rows of all processes that agree in what tells rows apart; see struct dump_row. */
struct dump_sum {
	uint64_t calls, timed_calls, time_ns;
	uint64_t flops[2], charged[2], words[2]; /* of all calls */
	uint64_t least[2], most[2];           /* the fewest and the most FLOPs that a process with this row has in it */
	uint32_t least_process, most_process; /* the first processes that have them: numbers of processes */
	uint64_t options;
	uint32_t site, namespace_id;
	uint8_t kind, flags; /* as in struct dump_row */
	uint16_t reserved;
	uint32_t processes; /* number of processes that have this row */
	int64_t dims[DUMP_DIMS_MAX];
};

enum dump_spread_by { DUMP_SPREAD_ROUTINE, DUMP_SPREAD_SHAPE, DUMP_SPREAD_SITE };

/*
 * How the work of several sums together is spread: of all sums of kinds DUMP_ROW_CALL and DUMP_ROW_REJECTED with the same name
 * of the routine; or of all of kind DUMP_ROW_CALL with the same routine, options, dimensions and flag DUMP_ROW_COARSE; or of all
 * with the same site. Where there is a single such sum, there is no entry, since the sum has its own spread.
 */
struct dump_spread {
	uint64_t least[2], most[2];           /* as in struct dump_sum, in all these sums together */
	uint32_t least_process, most_process; /* as in struct dump_sum */
	uint32_t processes;                   /* number of processes that have one of these sums */
	uint32_t sum;                         /* number of the first of these sums */
	uint32_t by;                          /* enum dump_spread_by */
	uint32_t reserved;
};

/* The sum of the samples of all processes that agree in stack, site and namespace; see struct dump_sample. */
struct dump_estimate {
	uint64_t stack;
	uint64_t flops[2];
	uint64_t calls;
	uint32_t site, namespace_id;
};

enum dump_flight_flags {
	DUMP_FLIGHT_VARIES = 1 << 0, /* as DUMP_ROW_VARIES: calls from this place were charged at several ratios */
};

/* The calls in flight from one site in one namespace. FLOPs are without those of calls whose price is not known. */
struct dump_flight {
	uint64_t calls;
	uint64_t flops[2], charged[2];
	uint32_t site, namespace_id;
	uint64_t flags; /* enum dump_flight_flags */
};

enum dump_damage_flags {
	DUMP_DAMAGE_UNREADABLE = 1 << 0, /* the counts of the file could not be read */
	DUMP_DAMAGE_NEWER = 1 << 1,      /* the file needs a reader of a later layout */
};

/* What was wrong with a file that was to be merged. */
struct dump_damage {
	uint64_t file, text; /* strings: its absolute path, and what was wrong */
	uint64_t count;      /* how often it was met */
	uint64_t flags;      /* enum dump_damage_flags */
	uint64_t host;       /* string: the machine that `file` is a path on */
};

/* Returns the check word of `size` bytes of a header: FNV-1a, never 0. It detects damage, not forgery. */
static inline uint32_t dump_check(const void *bytes, uint64_t size)
{
	const unsigned char *byte = (const unsigned char *)bytes;
	uint32_t hash = 2166136261u;

	for (uint64_t i = 0; i < size; i++)
		hash = (hash ^ byte[i]) * 16777619u;
	return hash ? hash : 1;
}

/* Returns header_check of a header. Members that change while the process runs count as 0, exit_status as -1. */
static inline uint32_t dump_header_check(const struct dump_header *header)
{
	struct dump_header fixed = *header;

	fixed.size = 0;
	fixed.state = 0;
	fixed.losses = 0;
	fixed.end_monotonic_ns = 0;
	fixed.log_dropped = 0;
	fixed.stacks_failed = 0;
	fixed.exit_status = -1;
	return dump_check(&fixed, __builtin_offsetof(struct dump_header, header_check));
}

/* Returns identity_check of a header, which is over `id` and the members behind it. */
static inline uint32_t dump_identity_check(const struct dump_header *header)
{
	return dump_check(header->id, __builtin_offsetof(struct dump_header, identity_check) -
	                                      __builtin_offsetof(struct dump_header, id));
}

/* Returns place_check of a header, which is over `local_rank` and the members behind it. */
static inline uint32_t dump_place_check(const struct dump_header *header)
{
	return dump_check(&header->local_rank, __builtin_offsetof(struct dump_header, place_check) -
	                                               __builtin_offsetof(struct dump_header, local_rank));
}

#define DUMP_CONTENT_SEED 14695981039346656037u

/* Each step is a bijection of `hash`, and one of `word`: so a single changed word always changes the result. */
static inline uint64_t dump_content_step(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * 1099511628211u;
	return hash ^ hash >> 32;
}

/*
 * Returns the check word, never 0, of contents that are final once the process has closed its dump. `hash` is the seed;
 * or the result for the bytes before these, if their number is a multiple of 8.
 */
static inline uint64_t dump_content_check(uint64_t hash, const void *bytes, uint64_t size)
{
	const unsigned char *byte = (const unsigned char *)bytes;
	uint64_t word;

	for (; size >= 8; byte += 8, size -= 8) {
		__builtin_memcpy(&word, byte, 8);
		hash = dump_content_step(hash, word);
	}
	if (size) {
		word = 0;
		__builtin_memcpy(&word, byte, size);
		hash = dump_content_step(hash, word);
	}
	return hash ? hash : 1;
}

#endif
