/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * export.h - runs in the formats of other programs: each is one file, and one line in formats.def.
 * It must never round an integer without saying so in the unit.
 */
#ifndef ANALYZER_EXPORT_H
#define ANALYZER_EXPORT_H

#include "analyzer/aggregate/record.h"
#include "analyzer/render/output.h"
#include "analyzer/tables/call_stacks.h"
#include "analyzer/tables/views.h"

/* What a format is made of. */
enum export_source {
	EXPORT_STACKS,  /* the work of a run, divided among its call stacks */
	EXPORT_TWO,     /* the same of two runs */
	EXPORT_RECORDS, /* the ordered records of processes */
	EXPORT_ROWS,    /* a table */
};

/* A process whose ordered record is exported. */
struct export_record {
	const struct aggregate *aggregate; /* of its dump alone */
	const struct record *record;
	struct symbolizer *symbolizer;
	uint64_t offset_ns; /* from the start of the first process of all to its own */
	uint64_t id;        /* a number that no other process of the export has */
};

/* What there is to write. Members that the format's source does not name are empty. */
struct export
{
	const struct aggregate *aggregate;
	enum work_weight weight;       /* of formats that have one number a stack */
	const struct call_stacks *run; /* of EXPORT_TWO, the new one */
	const struct call_stacks *old;
	const struct table *table;
	/*
	 * Reads the next process into *record, which is valid until the next call. Returns false after the last one. The
	 * processes are too many to be kept all at once.
	 */
	bool (*next)(void *context, struct export_record *record);
	void *context; /* first argument of `next` */
};

struct export_format {
	const char *name; /* of --to */
	enum export_source source;
	const char *help;
	/* Writes the format. It reports no errors: output_finish does. */
	void (*write)(struct output *output, const struct export *export);
};

enum export_format_number {
#define EXPORT_FORMAT(id, name, source, help) EXPORT_##id,
#include "analyzer/export/formats.def"
#undef EXPORT_FORMAT
	EXPORT_COUNT
};

extern const struct export_format export_formats[EXPORT_COUNT];

/* ---- for the formats ---- */

/* How a weight is called: by --weight and in files, and by people; and its unit. */
struct export_measure {
	const char *name, *title;
	const char *const *units; /* each 1000 times the one before, the last one NULL */
};

extern const struct export_measure export_measures[WORK_WEIGHTS];

/* The measure with this name; WORK_WEIGHTS if there is none. */
enum work_weight export_measure_find(const char *name);

/* Whether a weight is worth showing: it is known, and says something that another one does not. */
bool export_has(const struct call_stacks *stacks, enum work_weight weight);

/* Adds the name of the program that ran, and how many processes there were: "python3.11, 4 processes". */
void export_say_run(struct text *text, const struct aggregate *aggregate);

/*
 * Adds the name of a frame on one line: "solve (solve.c:12)", "solve (libfoo.so)", "dgemm". Without `lines` the number of the
 * line is left out, which an edit elsewhere in the file would change.
 */
void export_add_frame(struct text *text, const struct call_stacks *stacks, const struct call_frame *frame, bool lines);

#define EXPORT_FORMAT(id, name, source, help) \
	void export_write_##id(struct output *output, const struct export *export);
#include "analyzer/export/formats.def"
#undef EXPORT_FORMAT

#endif
