/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ci.c - what the formats for CI systems share: the table of formats, the verdict, and the places of findings.
 * It must never escape a text: each format does that by its own rules.
 */
#include "analyzer/ci/ci.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

const struct ci_format ci_formats[CI_COUNT] = {
#define CI_FORMAT(name, argument, help) {#name, (argument) != NULL, ci_write_##name},
#include "analyzer/ci/formats.def"
#undef CI_FORMAT
};

bool ci_is_judged(const struct ci_check *check)
{
	return !check->fault && (check->is_written || check->findings->verdict != CHECK_NOT_COMPARABLE);
}

bool ci_passes(const struct ci_check *check)
{
	return ci_is_judged(check) && (check->is_written || check->findings->verdict != CHECK_MORE);
}

bool ci_fails(const struct ci_check *check, const struct finding *finding)
{
	return finding->fails && !check->is_written;
}

void ci_say_verdict(struct text *text, const struct ci_check *check)
{
	if (check->fault) {
		text_format(text, "%s cannot be used: %s", check->lock, check->fault);
	} else if (check->is_new) {
		text_format(text, "%s is new: ", check->lock);
		findings_say_work(text, check->findings->now);
	} else if (check->is_written) {
		text_format(text, "%s was written anew: ", check->lock);
		findings_say_work(text, check->findings->now);
	} else {
		findings_say_verdict(text, check->findings, check->lock);
		if (check->findings->verdict == CHECK_NOT_COMPARABLE)
			text_format(text, ": %s", check->findings->why.bytes);
	}
}

/* Whether a path that is relative to the root is that of a file there. */
static bool is_below(const char *root, const char *file)
{
	struct text path = {0};
	struct stat status;
	bool found;

	text_format(&path, "%s/%s", root, file);
	found = !stat(path.bytes, &status) && S_ISREG(status.st_mode);
	text_free(&path);
	return found;
}

struct ci_place ci_place_of(const struct ci_check *check, const struct finding *finding)
{
	if (finding && finding->file && finding->line > 0 && is_below(check->root, finding->file))
		return (struct ci_place){finding->file, (size_t)finding->line};
	return (struct ci_place){check->lock_file, !finding && check->fault_line ? check->fault_line : 1};
}

/* Adds a text and its end to a hash, by FNV-1a: unlike hash.h's, it is the same in every version of the program. */
static uint64_t hash_on(uint64_t hash, const char *text)
{
	const unsigned char *at = (const unsigned char *)(text ? text : "");

	do
		hash = (hash ^ *at) * UINT64_C(0x100000001b3);
	while (*at++);
	return hash;
}

uint64_t ci_fingerprint(const struct finding *finding)
{
	const char *const texts[] = {finding_kind_name(finding->kind),
	                             finding->space,
	                             finding->old_space,
	                             finding->routine,
	                             finding->shape,
	                             finding->old_shape,
	                             finding->place,
	                             finding->old_place};
	uint64_t hash = UINT64_C(0xcbf29ce484222325);

	for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++)
		hash = hash_on(hash, texts[i]);
	return hash;
}

void ci_add_rows(struct lock_rows *rows, const struct lock *lock, bool by_site)
{
	const struct lock_rows *from = !lock ? NULL : by_site ? &lock->sites : &lock->shapes;

	for (size_t i = 0; from && i < from->count; i++) {
		struct lock_row row = from->rows[i];

		row.shape = NULL;
		lock_add(rows, &row);
	}
}
