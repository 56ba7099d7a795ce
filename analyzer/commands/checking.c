/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * checking.c - says what a check has found.
 * It must never say that a run is fine without saying what it was compared with.
 */
#include "analyzer/commands/checking.h"

#include <string.h>

#include "analyzer/base/intern.h"

enum { SENTENCES = 10 };

/* ---- for programs ---- */

static struct value change_of(u128 before, u128 now)
{
	return value_real(before ? ((double)now - (double)before) / (double)before : 0, before != 0);
}

static struct value sentence_of(const struct table *table, const struct finding *finding)
{
	struct text *text = table->data;

	text_clear(text);
	finding_say(text, finding);
	return value_text(text->bytes);
}

GETTER(finding_kind, struct finding, value_text(finding_kind_name(item->kind)))
GETTER(finding_fails, struct finding, value_number(item->fails))
GETTER(finding_space, struct finding, value_text(item->space))
GETTER(finding_old_space, struct finding, value_text(item->old_space))
GETTER(finding_routine, struct finding, value_text(item->routine))
GETTER(finding_shape, struct finding, value_text(item->shape))
GETTER(finding_old_shape, struct finding, value_text(item->old_shape))
GETTER(finding_shapes, struct finding, value_number_if(item->shapes != 0, item->shapes))
GETTER(finding_old_calls, struct finding, value_number(item->before.calls))
GETTER(finding_new_calls, struct finding, value_number(item->now.calls))
GETTER(finding_old_flops, struct finding, value_number(item->before.flops))
GETTER(finding_new_flops, struct finding, value_number(item->now.flops))
GETTER(finding_change, struct finding, change_of(item->before.flops, item->now.flops))
GETTER(finding_place, struct finding, value_text(item->place))
GETTER(finding_old_place, struct finding, value_text(item->old_place))
GETTER(finding_function, struct finding, value_text(item->function))
GETTER(finding_file, struct finding, value_text(item->file))
GETTER(finding_line, struct finding, value_number_if(item->line != 0, (unsigned)item->line))
GETTER(finding_about, struct finding, value_number(item->certainty != FINDING_EXACT))
GETTER(finding_place_old_calls, struct finding, value_number_if(item->place_before_known, item->place_before.calls))
GETTER(finding_place_old_flops, struct finding, value_number_if(item->place_before_known, item->place_before.flops))
GETTER(finding_place_calls, struct finding, value_number_if(item->place != NULL, item->place_now.calls))
GETTER(finding_place_flops, struct finding, value_number_if(item->place != NULL, item->place_now.flops))
GETTER(finding_sentence, struct finding, sentence_of(table, item))

/* clang-format off */
static const struct column finding_columns[] = {
	{ "kind",           "", COLUMN_TEXT,   0, finding_kind },
	{ "fails",          "", COLUMN_BOOL,   0, finding_fails },
	{ "namespace",      "", COLUMN_TEXT,   0, finding_space },
	{ "old_namespace",  "", COLUMN_TEXT,   0, finding_old_space },
	{ "routine",        "", COLUMN_TEXT,   0, finding_routine },
	{ "shape",          "", COLUMN_TEXT,   0, finding_shape },
	{ "old_shape",      "", COLUMN_TEXT,   0, finding_old_shape },
	{ "shapes",         "", COLUMN_COUNT,  0, finding_shapes },
	{ "old_calls",      "", COLUMN_COUNT,  0, finding_old_calls },
	{ "new_calls",      "", COLUMN_COUNT,  0, finding_new_calls },
	{ "old_flops",      "", COLUMN_FLOPS,  0, finding_old_flops },
	{ "new_flops",      "", COLUMN_FLOPS,  0, finding_new_flops },
	{ "change",         "", COLUMN_CHANGE, 0, finding_change },
	{ "site",           "", COLUMN_TEXT,   0, finding_place },
	{ "old_site",       "", COLUMN_TEXT,   0, finding_old_place },
	{ "function",       "", COLUMN_TEXT,   0, finding_function },
	{ "file",           "", COLUMN_TEXT,   0, finding_file },
	{ "line",           "", COLUMN_COUNT,  0, finding_line },
	{ "about",          "", COLUMN_BOOL,   0, finding_about },
	{ "site_old_calls", "", COLUMN_COUNT,  0, finding_place_old_calls },
	{ "site_new_calls", "", COLUMN_COUNT,  0, finding_place_calls },
	{ "site_old_flops", "", COLUMN_FLOPS,  0, finding_place_old_flops },
	{ "site_new_flops", "", COLUMN_FLOPS,  0, finding_place_flops },
	{ "sentence",       "", COLUMN_TEXT,   0, finding_sentence },
};
/* clang-format on */

static void add_work(struct answer *answer, const char *key, struct work work)
{
	answer_begin(answer, key, '{');
	answer_number(answer, "calls", work.calls);
	answer_number(answer, "flops", work.flops);
	answer_end(answer, '}');
}

static const char *update_name(enum checking_update update)
{
	static const char *const names[] = {
		[UPDATE_NONE] = NULL,   [UPDATE_NEW] = "new",   [UPDATE_WRITTEN] = "written",
		[UPDATE_SAME] = "same", [UPDATE_LEFT] = "left", [UPDATE_FAILED] = "failed"};

	return names[update];
}

/* ---- for people ---- */

static void say_findings(struct answer *answer, const struct options *options, const struct checking *checking)
{
	const struct findings *findings = checking->findings;
	size_t top = answer_top(answer, options->top, SENTENCES, SIZE_MAX);
	struct text line = {0};

	findings_say_verdict(&line, findings, checking->lock);
	for (size_t i = 0; i < findings->count && i < top; i++) {
		text_add(&line, i ? "also " : findings->verdict == CHECK_SAME ? "; " : ": ");
		finding_say(&line, &findings->list[i]);
		answer_say(answer, PART_PARAGRAPH, "flops: %s", line.bytes);
		text_clear(&line);
	}
	if (!findings->count)
		answer_say(answer, PART_PARAGRAPH, "flops: %s", line.bytes);
	if (findings->count > top)
		answer_say(answer, PART_PARAGRAPH, "flops: and %zu more findings (--top all)", findings->count - top);
	text_free(&line);
}

/* Says what the run has done in all, and what it ran with: a program may choose its algorithm by that. */
static void say_run(struct answer *answer, const struct checking *checking)
{
	const struct findings *findings = checking->findings;
	struct text line = {0};

	if (findings->verdict == CHECK_MORE || findings->verdict == CHECK_LESS) {
		findings_say_total(&line, findings);
		answer_say(answer, PART_PARAGRAPH, "flops: in all %s", line.bytes);
		text_clear(&line);
	}
	if (!findings->ran.length)
		return; /* no run could be read */
	text_format(&line, "flops: this run was %s", findings->ran.bytes);
	if (findings->verdict == CHECK_MORE)
		text_add(&line, "; a program that chooses its algorithm by library or number of threads can do other "
		                "work with others");
	answer_say(answer, PART_PARAGRAPH, "%s", line.bytes);
	text_free(&line);
}

static void say_update(struct answer *answer, const struct checking *checking)
{
	const struct findings *findings = checking->findings;

	switch (checking->update) {
	case UPDATE_NONE:
		if (findings->verdict == CHECK_MORE)
			answer_say(answer, PART_PARAGRAPH,
			           "flops: if this is meant, write the lock anew with --update");
		else if (findings->verdict == CHECK_LESS)
			answer_say(answer, PART_PARAGRAPH, "flops: --update=less keeps what was saved");
		break;
	case UPDATE_NEW: answer_say(answer, PART_PARAGRAPH, "flops: %s is new", checking->lock); break;
	case UPDATE_WRITTEN: answer_say(answer, PART_PARAGRAPH, "flops: %s was written anew", checking->lock); break;
	case UPDATE_SAME:
		answer_say(answer, PART_PARAGRAPH, "flops: %s has all of this, and was left as it is", checking->lock);
		break;
	case UPDATE_LEFT:
		answer_say(answer, PART_PARAGRAPH,
		           "flops: %s was left as it is, since --update=less writes no row that is new or has more "
		           "work than before",
		           checking->lock);
		break;
	case UPDATE_FAILED: break; /* the verdict says so */
	}
}

/* Where the lock was written anew, the reason stands without the advice to do so, which follows a colon. */
static void say_not_comparable(struct answer *answer, const struct checking *checking)
{
	const char *why = checking->findings->why.bytes, *advice = strstr(why, ": ");

	if (checking->update == UPDATE_WRITTEN && advice)
		answer_say(answer, PART_PARAGRAPH, "flops: not compared with the old %s: %.*s", checking->lock,
		           (int)(advice - why), why);
	else
		answer_say(answer, PART_PARAGRAPH, "flops: not comparable with %s: %s", checking->lock, why);
}

static void say_new(struct answer *answer, const struct checking *checking)
{
	struct text line = {0};

	findings_say_work(&line, checking->findings->now);
	answer_say(answer, PART_PARAGRAPH, "flops: %s", line.bytes);
	text_free(&line);
}

void checking_fill(struct answer *answer, const struct options *options, const struct checking *checking)
{
	static struct text sentence;
	const struct findings *findings = checking->findings;
	bool is_new = checking->update == UPDATE_NEW;
	struct table table = {
		.key = "findings", .title = "Findings", TABLE_COLUMNS(finding_columns), .data = &sentence};

	answer_text(answer, "verdict", is_new ? "new" : check_verdict_name(findings->verdict));
	answer_text(answer, "lock", checking->lock);
	answer_text(answer, "update", update_name(checking->update));
	answer_text(answer, "why", findings->why.length ? findings->why.bytes : NULL);
	answer_text(answer, "ran", findings->ran.length ? findings->ran.bytes : NULL);
	add_work(answer, "old", findings->before);
	add_work(answer, "new", findings->now);
	if (answer_is_for(answer, FOR_PROGRAM)) {
		table_set_items(&table, findings->list, findings->count, sizeof *findings->list);
		table_cut(&table, answer_top(answer, options->top, SENTENCES, SIZE_MAX));
		answer_table(answer, &table, (struct table_options){.place = 1, .counted = true});
		return;
	}
	if (is_new)
		say_new(answer, checking);
	else if (findings->verdict == CHECK_NOT_COMPARABLE)
		say_not_comparable(answer, checking);
	else
		say_findings(answer, options, checking);
	say_run(answer, checking);
	say_update(answer, checking);
}
