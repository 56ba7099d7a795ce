/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ci.h - what a check has found, in the formats that CI systems read: each is one file, and one line in formats.def.
 * It must never let a name from a dump or a path end the text, the line or the attribute that it stands in.
 */
#ifndef ANALYZER_CI_H
#define ANALYZER_CI_H

#include "analyzer/lock/findings.h"
#include "analyzer/render/output.h"

/* What there is to say. */
struct ci_check {
	const char *lock;          /* path of the lockfile, as it was given */
	const char *lock_file;     /* the same, relative to the root if it is below that */
	const char *root;          /* folder that the files of findings are relative to */
	const char *fault;         /* why the lock cannot be read; NULL if it can */
	size_t fault_line;         /* the line of the lock; 0 if it is the file as a whole */
	bool is_new;               /* there was no lock, and the run has become one */
	bool is_written;           /* there was one, and it was written anew, so that nothing fails by it */
	const struct lock *before; /* NULL if there is no lock */
	const struct lock *now;    /* what the run did; NULL if that is not known */
	const struct findings *findings;
};

/* A place in the sources, for an annotation. */
struct ci_place {
	const char *file; /* relative to the root */
	size_t line;      /* from 1 on */
};

struct ci_format {
	const char *name; /* of its option */
	bool takes_file;  /* the option names a file; otherwise the format is written to standard output */
	/* Writes the format. It reports no errors: output_finish does. */
	void (*write)(struct output *output, const struct ci_check *check);
};

enum ci_format_number {
#define CI_FORMAT(name, argument, help) CI_##name,
#include "analyzer/ci/formats.def"
#undef CI_FORMAT
	CI_COUNT
};

extern const struct ci_format ci_formats[CI_COUNT];

/*
 * Adds a summary in Markdown for people, with as many findings as `room`, in bytes, has place for; nothing, if that is too little. Work in it is in FLOPs and calls.
 */
void ci_add_summary(struct text *text, const struct ci_check *check, size_t room);

/* ---- for the formats ---- */

/* Whether the run was compared with a lock, or has become one. */
bool ci_is_judged(const struct ci_check *check);

/* Whether the run is fine. */
bool ci_passes(const struct ci_check *check);

/* Whether a finding fails the check. */
bool ci_fails(const struct ci_check *check, const struct finding *finding);

/* Adds the verdict, as a sentence without an end: "more work than flops.lock allows". */
void ci_say_verdict(struct text *text, const struct ci_check *check);

/*
 * The place of a finding: a line of the function that does more, or the lockfile if that function's file is not below the root,
 * where nobody could be shown it. `finding` may be NULL: the place is then that of the lock's fault.
 */
struct ci_place ci_place_of(const struct ci_check *check, const struct finding *finding);

/* A number that names a finding, and stays the same when lines move. Its text takes 16 letters. */
uint64_t ci_fingerprint(const struct finding *finding);

/*
 * Adds the rows of a lock to others, without shapes, and without places unless `by_site`; they are to be settled. The rows live
 * as long as the lock. The lock may be NULL.
 */
void ci_add_rows(struct lock_rows *rows, const struct lock *lock, bool by_site);

/* The name of a namespace for people: "(root)" for the root. */
static inline const char *ci_space(const char *space) { return *space ? space : LOCK_ROOT; }

#define CI_FORMAT(name, argument, help) void ci_write_##name(struct output *output, const struct ci_check *check);
#include "analyzer/ci/formats.def"
#undef CI_FORMAT

#endif
