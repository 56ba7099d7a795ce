/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * flopshim_dump.h - the dump file, field by field: all that libflopshim.so and flopshim-report must agree on.
 * It must never depend on either of them.
 *
 * A dump is the memory of one process under the shim. The shim maps it MAP_SHARED and works in it,
 * so that a process that is killed has lost nothing and a reader may look at any time.
 *
 *     offset 0                  struct dump_header            one page
 *     offset header.page_size   struct dump_block, entries    a whole number of pages
 *     ...                       struct dump_block, entries    until header.size
 *
 * Everything is little-endian and naturally aligned. A page is one of the machine that writes. Blocks never move or shrink. In
 * a block whose entries have a fixed size, `used` counts the valid ones and is raised after an entry is complete. A block
 * whose `header_check` is wrong is damaged; the next one is found at its `size`, or by searching the page boundaries for
 * DUMP_BLOCK_MAGIC.
 *
 * References: a string or a stack is the file offset of its struct dump_string or dump_stack, 0 for none. Sites,
 * namespaces, modules, routines, limits and lanes are numbered from 0 by `first` + position in their blocks, rows within
 * their lane.
 *
 * The format grows without a reader's help. A reader skips types of blocks that it does not know, and reads entries by the
 * block's `entry_size`: members that it does not know are skipped, and those that are not there are 0. So what may change
 * is this, and each change raises DUMP_LAYOUT:
 *
 *     a new type of block, a new flag, a new kind of note
 *     a new member at the end of an entry, of struct dump_block or of struct dump_header; 0 in it means what a reader
 *     without it believes
 *     a new meaning for a member that is reserved, by the same rule
 *
 * No member moves, changes its size or its meaning. What cannot be added in this way, such as a kind of row, raises what
 * dump_version returns too, and readers of earlier layouts then refuse the dump instead of misreading it.
 */
#ifndef FLOPSHIM_DUMP_H
#define FLOPSHIM_DUMP_H

#include <stdint.h>

#define DUMP_MAGIC "FLOPSHIM"        /* 8 bytes, no terminator */
#define DUMP_BLOCK_MAGIC 0x4b4c4246u /* "FBLK" */
#define DUMP_BYTE_ORDER 0x01020304u

enum {
	DUMP_LAYOUT = 4,           /* of this file: tests/dumps keeps a dump of each */
	DUMP_PAGE_LEAST = 4096,    /* bytes of a page, a power of two; in layout 1 the only size */
	DUMP_PAGE_MOST = 1 << 20,
	DUMP_BLOCK_LEAST = 72,     /* bytes of a struct dump_block */
	DUMP_ENTRY_MOST = 1 << 16, /* bytes of an entry of a fixed size */
	DUMP_OPTIONS_MAX = 8,
	DUMP_DIMS_MAX = 8,
	DUMP_FRAMES_MAX = 16,
	DUMP_SHARES = 2,
};

#define DUMP_NONE UINT32_MAX /* no such module, site, stack, namespace ... */

/* The first layout whose readers read such a dump right: those of layout 1 took it that every page had 4,096 bytes. */
static inline uint32_t dump_version(uint32_t page_size) { return page_size == DUMP_PAGE_LEAST ? 1 : 2; }

enum dump_state {
	DUMP_RUNNING = 1, /* alive, or ended without closing: look whether pid with this start_ticks lives */
	DUMP_CLOSED = 2,  /* ended through exit(), a return from main or a budget's `exit` */
	DUMP_EXECED = 3,  /* replaced by another program through exec; no shim has written it yet: it cannot tell whether
	                     exec will fail, and leaves DUMP_RUNNING */
};

/* Why a dump may hold less than happened; bits of dump_header.losses. */
enum dump_loss {
	DUMP_LOST_CALLS = 1 << 0,      /* some lane's lost_calls is not 0, or dump_header.lost_calls */
	DUMP_LOST_SPACE = 1 << 1,      /* the file could not grow: later rows were kept in memory only */
	DUMP_LOST_SITES = 1 << 2,      /* more call sites than fit: the later ones share one */
	DUMP_COARSE_SHAPES = 1 << 3,   /* more shapes than fit: dimensions were rounded up to powers of two,
	                                  totals stay exact (see dump_row.flops) */
	DUMP_LOST_LOG = 1 << 4,        /* the ordered record reached FLOPSHIM_LOG_MAX; see dump_header.log_dropped */
	DUMP_LOST_STACKS = 1 << 5,     /* some stacks could not be taken; see dump_header.stacks_failed */
	DUMP_NOT_DURABLE = 1 << 6,     /* tables live in memory and were written out once a second and at exit */
};

/* The start of the file. Written at creation but for the fields that say otherwise. */
struct dump_header {
	char magic[8];              /* DUMP_MAGIC */
	uint32_t version;           /* the layout that a reader must know at least: dump_version */
	uint32_t byte_order;        /* DUMP_BYTE_ORDER */
	uint64_t size;              /* end of the last block; raised after a block is in place */
	uint32_t state;             /* enum dump_state; changes */
	uint32_t losses;            /* enum dump_loss; changes */
	uint32_t pid, parent_pid;
	uint64_t start_ticks;       /* of the process: field 22 of /proc/PID/stat */
	uint64_t start_realtime_ns; /* when the shim was loaded, or the fork happened */
	uint64_t start_monotonic_ns;
	uint64_t end_monotonic_ns;  /* 0 while running */
	uint64_t fork_parent_ticks; /* start_ticks of the process that forked this one, 0 if none did:
	                               parent_pid and this name the parent's dump */
	uint64_t multiplier;        /* FLOPSHIM_MULTIPLIER times 2^32 */
	uint64_t log_dropped;       /* calls that the ordered record could not take; changes */
	uint64_t stacks_failed;     /* changes */
	uint32_t page_size;         /* of the machine; 0 in layout 1: DUMP_PAGE_LEAST */
	uint32_t layout;            /* DUMP_LAYOUT; 0 in layout 1 */
	int32_t rank;               /* of the MPI job, -1 if none is known */
	int32_t exit_status;        /* status given to exit by a budget's action, -1 otherwise; changes */
	char table_version[24];     /* of the routine table that priced the calls */
	char shim_version[24];
	char host[64];
	char job[64];               /* batch job, empty if none */
	uint32_t header_check;      /* dump_header_check of it; 0: not checked */
	uint32_t records_mode;      /* 0 shapes, 1 calls */
	uint32_t stacks_mode;       /* 0 off, 1 leaf, 2 auto, 3 all */
	uint32_t time_mode;         /* 0 off, 1 auto, 2 all */
	uint64_t stack_threshold;   /* FLOPs at and above which `auto` takes every stack that may be a new one; changes: it grows */
	uint64_t saturated;         /* calls whose price or charge did not fit; changes */
	uint64_t close_check;       /* dump_content_check of the bytes of this struct before it, begun with
	                               DUMP_CONTENT_SEED; written last at closing; 0: not checked */
	uint64_t lost_calls;        /* seen and run in threads without memory for a lane; changes */
	uint64_t id[2];             /* that no other dump has: where it is the same, one is a copy of the other; both 0 in
	                               layouts 1 and 2, where host, pid and the three times of the beginning stand for it */
	char launch[64];            /* tells the MPI launches of one job apart, and jobs with one number; empty if nothing does */
	char run[40];               /* the same in all that one start of the launcher `flopshim` has started; empty without it */
	uint32_t job_size;          /* ranks that the launch has: 0 to job_size - 1; 0 if it is not known */
	uint32_t identity_check;    /* dump_identity_check of it; 0: not checked */
};

enum dump_block_type {
	DUMP_STRINGS = 1,   /* struct dump_string, one after the other; `used` counts bytes */
	DUMP_META = 2,      /* struct dump_meta */
	DUMP_MODULES = 3,   /* struct dump_module */
	DUMP_ROUTINES = 4,  /* struct dump_routine */
	DUMP_SITES = 5,     /* struct dump_site */
	DUMP_NAMESPACES = 6,/* struct dump_namespace */
	DUMP_LIMITS = 7,    /* struct dump_limit */
	DUMP_LANES = 8,     /* struct dump_lane */
	DUMP_ROWS = 9,      /* struct dump_row; `lane` says whose */
	DUMP_NOTES = 10,    /* struct dump_note */
	DUMP_STACKS = 11,   /* struct dump_stack, one after the other; `used` counts bytes */
	DUMP_SAMPLES = 12,  /* struct dump_sample */
	DUMP_LOG = 13,      /* struct dump_call; `lane` says whose */
};

struct dump_block {
	uint32_t magic;        /* DUMP_BLOCK_MAGIC */
	uint16_t type;         /* enum dump_block_type */
	uint16_t header_size;  /* where the entries begin, from the start of the block */
	uint64_t offset;       /* of this block in the file */
	uint64_t size;         /* of the whole block in bytes, a multiple of header.page_size */
	uint64_t address;      /* where it is in the memory of the process; see dump_frame.row */
	uint32_t entry_size;   /* 0 where entries vary in size */
	uint32_t first;        /* number of the first entry (sites, rows ...) */
	uint32_t lane;         /* owner, DUMP_NONE where there is none */
	uint32_t header_check; /* dump_check of the bytes before it */
	uint64_t used;         /* valid entries (bytes in DUMP_STRINGS and DUMP_STACKS); changes */
	uint64_t content_check;/* dump_content_check of the entries, begun with DUMP_CONTENT_SEED ^ used; written
	                          at closing where nothing writes to the block any more; 0: not checked */
	uint64_t reserved;
};

struct dump_string {
	uint32_t length; /* bytes, without the terminator */
	char text[];     /* terminated by 0, padded to a multiple of 8 with the length */
};

/* What the process is: keys program, argument (in order), directory, environment (FLOPSHIM_ variables as
 * NAME=VALUE), signal (number of one that its budget sent it), stacks (why none could be taken). There may be others. */
struct dump_meta {
	uint64_t key, value; /* strings */
};

enum dump_module_flags {
	DUMP_MODULE_SERVES = 1 << 0,   /* calls were served by it */
	DUMP_MODULE_ILP64 = 1 << 1,    /* with 64-bit integers */
	DUMP_MODULE_UNLOADED = 1 << 2, /* no longer at this address; no shim has written it yet */
	DUMP_MODULE_BLAS = 1 << 3,     /* looks like a BLAS or LAPACK; otherwise calls to it are uncounted */
};

/* A loaded object that sites refer to. */
struct dump_module {
	uint64_t path;         /* string, absolute; "[vdso]" and the like for what has none */
	uint64_t start, end;   /* addresses that it occupied */
	uint64_t bias;         /* address = bias + ELF virtual address */
	uint32_t flags;        /* enum dump_module_flags; changes */
	uint32_t build_id_size;/* 0 if it has none */
	uint8_t build_id[32];
};

enum dump_kind { /* as enum price_kind */
	DUMP_DIRECT, DUMP_ITERATIVE, DUMP_EXEMPT, DUMP_UNPRICED,
};

/* A routine that was called, so that a reader needs no table. */
struct dump_routine {
	uint64_t name;         /* string, canonical: "dgemm" */
	uint8_t type;          /* 's' 'd' 'c' 'z' */
	uint8_t kind;          /* enum dump_kind */
	uint8_t option_count, dim_count;
	uint32_t reserved;
	uint64_t options[DUMP_OPTIONS_MAX]; /* strings: names of the shape's options */
	uint64_t dims[DUMP_DIMS_MAX];       /* strings: names of the shape's dimensions */
};

/* One place that calls one symbol. */
struct dump_site {
	uint64_t caller;        /* return address; 0 where one is not known */
	uint64_t symbol;        /* string, as called: "cblas_dgemm64_" */
	uint32_t routine;
	uint32_t caller_module; /* DUMP_NONE for code outside any object */
	uint32_t callee_module; /* the library that serves it */
	uint32_t reserved;
	uint64_t detail;        /* string: subscripts and shapes of work charged by hand; 0 for calls. Its routine is
	                           DUMP_NONE and `symbol` the name it was given */
};

/* A node of the tree of namespaces. Number 0 is the root, its name is empty. */
struct dump_namespace {
	uint64_t name;          /* string: the whole dotted path */
	uint32_t parent;        /* DUMP_NONE for the root */
	uint32_t reserved;
	uint64_t multiplier;    /* times 2^32; of this namespace alone */
	uint64_t calls_begun;   /* scopes opened on it; changes */
};

enum dump_limit_flags { DUMP_LIMIT_SCOPE = 1 << 0, DUMP_LIMIT_ENDED = 1 << 1 };

/* A budget. committed + in flight never passes `amount` unless the action is `warn`. */
struct dump_limit {
	uint64_t amount;         /* charged FLOPs */
	uint64_t used;           /* committed, reserved and leased to threads, of which the lanes say what is unspent; changes */
	uint64_t refused_calls;  /* changes */
	uint64_t refused_flops;  /* changes; saturates */
	uint64_t over_calls;     /* calls that ran over it under `warn`; changes */
	uint32_t namespace_id;
	uint32_t flags;          /* enum dump_limit_flags */
	uint32_t parent;         /* number of the next limit of its kind on the way up, plus 1; 0 if there is none; changes */
	uint32_t reserved;
	uint64_t reserved2;
};

/* A top-level call that has begun and not ended. */
struct dump_frame {
	uint64_t slot;           /* address of the stack word that holds the return address */
	uint64_t return_address; /* its value: the frame is stale once the word holds another */
	uint64_t row;            /* address of its row, to be looked for in the blocks of this lane; 0 if it is counted
	                            elsewhere */
};

/*
 * What a call in flight has added to a coarse row: its sums have it from the beginning of the call on. A share means nothing
 * unless one of the lane's frames has its slot, and that frame's row is coarse. A later call may have taken its place.
 */
struct dump_share {
	uint64_t slot;           /* as in dump_frame; 0 for none */
	uint64_t flops, charged, words;
};

/* What one thread at a time writes without a lock; a lane outlives its thread and is used again. */
struct dump_lane {
	/* What a call writes comes first: a cache line with the first frame and most of the second. */
	uint64_t nested_calls;   /* of routines called by routines: counted under the outer one */
	uint32_t depth;          /* valid frames: the calls in flight */
	uint32_t tid;            /* thread that has the lane, 0 if none */
	struct dump_frame frames[DUMP_FRAMES_MAX];
	uint64_t lost_calls;     /* seen and run, but not recorded */
	uint64_t passed_calls;   /* to definitions that do not look like a BLAS: uncounted */
	uint64_t abandoned_calls;/* left by longjmp or an exception; they stay charged and are in calls too */
	uint64_t threads;        /* how many threads have had it */
	int64_t lease;           /* FLOPs that are unspent of what its thread has reserved ahead; changes */
	uint32_t lease_limits[2];/* on these limits and their parents, numbers plus 1; 0 for none. With neither, `lease` means
	                            nothing */
	struct dump_share shares[DUMP_SHARES]; /* of calls in flight */
};

enum dump_row_kind {
	DUMP_ROW_CALL,     /* completed calls */
	DUMP_ROW_QUERY,    /* workspace queries: 0 FLOPs */
	DUMP_ROW_REJECTED, /* calls that came back with INFO < 0: 0 FLOPs */
	DUMP_ROW_REFUSED,  /* calls that a budget did not let run; `flops` and `charged` are what they asked for */
	DUMP_ROW_MANUAL,   /* work that the program charged through flopshim.h; site.symbol is its name */
};

enum dump_row_flags {
	DUMP_ROW_SATURATED = 1 << 0, /* flops or charged did not fit */
	DUMP_ROW_COARSE = 1 << 1,    /* dimensions were rounded; flops, charged and words are sums, not prices */
	DUMP_ROW_OVER = 1 << 2,      /* ran over a budget under `warn` */
};

/*
 * One (routine, shape, namespace, site, kind) of one lane. FLOPs of the row are calls * flops, unless it is
 * DUMP_ROW_COARSE: then flops, charged and words are totals already.
 */
struct dump_row {
	/* What a call looks at comes first: a cache line with up to three dimensions. */
	uint64_t calls;         /* changes */
	uint64_t options;       /* the shape's option letters, the first in the lowest byte */
	uint64_t charged;       /* what one call is charged: after multiplier and weights */
	uint32_t site;          /* DUMP_NONE where work of any site shares the row */
	uint32_t namespace_id;
	uint8_t kind;           /* enum dump_row_kind */
	uint8_t flags;          /* enum dump_row_flags */
	int16_t next;           /* private: a hint of the writer for itself, without meaning for readers; changes */
	uint32_t timed_calls;   /* changes */
	int64_t dims[DUMP_DIMS_MAX]; /* 0 from the routine's dim_count on */
	uint64_t flops;         /* raw price of one call */
	uint64_t time_ns;       /* sum over timed calls; without any, it means nothing; changes */
	uint64_t words;         /* minimal traffic of one call, in elements */
};

enum dump_note_kind {
	DUMP_NOTE_NOT_BLAS = 1,     /* text: path; a definition that does not look like a BLAS: calls passed on */
	DUMP_NOTE_HIDDEN = 2,       /* text: path; a BLAS that stands before the shim: its calls are not seen. No shim has
	                               written it yet */
	DUMP_NOTE_THUNKS_FULL = 3,  /* text: symbol; dlsym results that could not be wrapped */
	DUMP_NOTE_OUTER_UNPRICED = 4, /* text: routine; nested work inside it was neither charged nor limited */
	DUMP_NOTE_ENVIRONMENT = 5,  /* text: a setting that was wrong and how it was read instead */
	DUMP_NOTE_DEEPBIND = 6,     /* text: path; bound to its BLAS past the shim */
	DUMP_NOTE_PYTHON = 7,       /* text: version; stacks without Python frames that could not be read */
	DUMP_NOTE_MESSAGE = 8,      /* text: a sentence that standard error could not take */
	DUMP_NOTE_ADDRESS = 10,     /* text: symbol and library; called by an address that may be another library's */
	DUMP_NOTE_UNSERVED = 11,    /* text: symbol and object; looks like BLAS or LAPACK, and is not known: not seen */
	DUMP_NOTE_OWN_PROGRAM = 12, /* text: symbols and program; the program's own BLAS, which comes before the shim: not seen */
	DUMP_NOTE_OWN_LIBRARY = 13, /* text: symbols and object; a BLAS of its own that it calls inside: not seen */
};

/* Something that a reader of the totals must be told. */
struct dump_note {
	uint32_t kind;    /* enum dump_note_kind */
	uint32_t check;   /* dump_check of the text */
	uint64_t text;    /* string */
	uint64_t count;   /* changes */
};

/* Return addresses, innermost first. */
struct dump_stack {
	uint32_t size;    /* bytes of this entry, a multiple of 8 */
	uint32_t count;   /* addresses */
	uint64_t python;  /* string: Python frames "function (file:line)", innermost first, separated by
	                     newlines; 0 if none */
	uint64_t addresses[];
};

/* The sampled work of one (row's site and namespace, stack). Sums over a site estimate its total. */
struct dump_sample {
	uint64_t stack;    /* file offset of its struct dump_stack */
	uint64_t flops;    /* estimated FLOPs: every sampled call with its weight; changes */
	uint64_t calls;    /* sampled calls; changes */
	uint32_t site;
	uint32_t namespace_id;
};

/* One call in order. Its price is that of its row. */
struct dump_call {
	uint64_t sequence;   /* from 1 within the process, in the order in which calls ended; 0: not complete */
	uint64_t start_ns;   /* monotonic, since start_monotonic_ns */
	uint64_t duration_ns;
	uint64_t cumulative; /* charged in the process up to and with this call */
	uint32_t row;        /* in the lane's rows: routine, shape, price, namespace, site */
	uint32_t tid;
};

/*
 * The check word of headers: FNV-1a over bytes, never 0. It tells damage, not malice.
 */
static inline uint32_t dump_check(const void *bytes, uint64_t size)
{
	const unsigned char *byte = (const unsigned char *)bytes;
	uint32_t hash = 2166136261u;

	for (uint64_t i = 0; i < size; i++)
		hash = (hash ^ byte[i]) * 16777619u;
	return hash ? hash : 1;
}

/* header_check of a header: what changes while the process runs is taken as 0, exit_status as -1. */
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

/* identity_check of a header: of id and what stands behind it. */
static inline uint32_t dump_identity_check(const struct dump_header *header)
{
	return dump_check(header->id, __builtin_offsetof(struct dump_header, identity_check) -
	                  __builtin_offsetof(struct dump_header, id));
}

/*
 * The check word of what is final once the process has closed its dump: each step is a bijection, so
 * that one changed word is always noticed. `hash` is the seed, or the result for the bytes before, in
 * pieces whose sizes are multiples of 8. Never 0.
 */
#define DUMP_CONTENT_SEED 14695981039346656037u

static inline uint64_t dump_content_step(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * 1099511628211u;
	return hash ^ hash >> 32;
}

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
