/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * findings.c - says in words what a check has found.
 * It must never round a number of calls or FLOPs: people compare it with the lock.
 */
#include "analyzer/lock/findings.h"

#include <stdlib.h>
#include <string.h>

void findings_free(struct findings *findings)
{
	free(findings->list);
	text_free(&findings->why);
	text_free(&findings->ran);
	*findings = (struct findings){0};
}

const char *finding_kind_name(enum finding_kind kind)
{
	static const char *const names[] = {[FINDING_MORE] = "more",
	                                    [FINDING_RESHAPED] = "reshaped",
	                                    [FINDING_MOVED] = "moved",
	                                    [FINDING_LESS] = "less"};

	return names[kind];
}

const char *check_verdict_name(enum check_verdict verdict)
{
	static const char *const names[] = {[CHECK_SAME] = "same",
	                                    [CHECK_WITHIN] = "within",
	                                    [CHECK_LESS] = "less",
	                                    [CHECK_MORE] = "more",
	                                    [CHECK_NOT_COMPARABLE] = "not-comparable"};

	return names[verdict];
}

/* ---- shapes ---- */

/* Whether a word is NAME=NUMBER, with a name of the three dimensions that need no name; its number begins at *number. */
static bool is_plain_size(const char *word, size_t length)
{
	return length > 2 && (word[0] == 'm' || word[0] == 'n' || word[0] == 'k') && word[1] == '=';
}

/* Adds the words of a shape that are sizes, or those that are not. Options of N, the usual ones, are left out. */
static void add_words(struct text *text, const char *shape, bool sizes, const char *separator)
{
	const char *before = "";

	for (size_t length; *shape; shape += length + (shape[length] == ' ')) {
		length = strcspn(shape, " ");
		if (is_plain_size(shape, length) != sizes || (length > 2 && !memcmp(shape + length - 2, "=N", 2)))
			continue;
		text_add(text, before);
		text_add_bytes(text, shape + (sizes ? 2 : 0), length - (sizes ? 2 : 0));
		before = separator;
	}
}

void finding_say_shape(struct text *text, const char *shape)
{
	struct text sizes = {0}, others = {0};

	text_add(&sizes, "");
	text_add(&others, "");
	add_words(&sizes, shape, true, " x ");
	add_words(&others, shape, false, " ");
	if (!strstr(sizes.bytes, " x ")) /* a single size is not told by its place */
		text_add(text, shape);
	else
		text_format(text, others.length ? "%s (%s)" : "%s", sizes.bytes, others.bytes);
	text_free(&sizes);
	text_free(&others);
}

/* ---- numbers ---- */

static void add_count(struct text *text, u128 count, const char *unit)
{
	char number[NUMBER_TEXT];

	text_format(text, "%s %s%s", number_grouped(count, number), unit, count == 1 ? "" : "s");
}

void finding_say_change(struct text *text, u128 before, u128 now)
{
	double change = before ? 100 * ((double)now - (double)before) / (double)before : 0;

	if (!before)
		text_add(text, "new");
	else /* without the digits, a small change would read as none */
		text_format(text, "%+.*f %%", change > -0.1 && change < 0.1 ? 4 : 1, change);
}

static void add_calls(struct text *text, struct work work) { add_count(text, work.calls, "call"); }

/* Adds "2,000,000 FLOPs more (+50.0 %)", or calls where the FLOPs are the same, or both where one is more and one less. */
static void add_difference(struct text *text, const struct finding *finding)
{
	struct work before = finding->before, now = finding->now;
	bool flops_less = now.flops < before.flops, calls_less = now.calls < before.calls;

	if (finding->changed.flops) {
		add_count(text, finding->changed.flops, "FLOP");
		text_add(text, flops_less ? " less (" : " more (");
		finding_say_change(text, before.flops, now.flops);
		text_add(text, ")");
	}
	if (finding->changed.calls && (!finding->changed.flops || flops_less != calls_less)) {
		text_add(text, finding->changed.flops ? " and " : "");
		add_count(text, finding->changed.calls, "call");
		text_add(text, calls_less ? " fewer (" : " more (");
		finding_say_change(text, before.calls, now.calls);
		text_add(text, ")");
	}
	if (!finding->changed.flops && !finding->changed.calls)
		text_add(text, "as much work as before");
}

/* ---- places ---- */

/* Adds a function that only its name in the lock tells, "src/model.py:train": "train (src/model.py)". */
static void add_place_name(struct text *text, const char *place)
{
	size_t file = strcspn(place, ":");

	if (!place[file])
		text_format(text, "code in %s", place);
	else
		text_format(text, "%s (%.*s)", place + file + 1, (int)file, place);
}

static void add_function(struct text *text, const struct finding *finding)
{
	if (finding->function && finding->file && finding->line)
		text_format(text, "%s (%s:%d)", finding->function, finding->file, finding->line);
	else
		add_place_name(text, finding->place);
}

static void add_space(struct text *text, const struct finding *finding)
{
	if (*finding->space && strcmp(finding->space, LOCK_ALL))
		text_format(text, " in namespace %s", finding->space);
}

/* Adds ", called by train (model.py:12), which did 1 call before and now 2". */
static void add_caller(struct text *text, const struct finding *finding)
{
	if (finding->place && !strcmp(finding->place, LOCK_CHARGED))
		text_add(text, " by the program itself");
	if (!finding->place || !strcmp(finding->place, LOCK_CHARGED))
		return;
	text_add(text, ", called by ");
	add_function(text, finding);
	if (finding->certainty == FINDING_SAMPLED)
		text_add(text, ", about: not every stack was taken");
	else if (finding->certainty == FINDING_SEVERAL)
		text_add(text, ", about: other functions call it too");
	if (!finding->place_before_known || finding->certainty != FINDING_EXACT)
		return;
	text_add(text, finding->place_before.calls ? ", which did " : ", which did no call before and now ");
	if (finding->place_before.calls) {
		add_calls(text, finding->place_before);
		text_add(text, " before and now ");
	}
	if (!finding->place_now.calls)
		text_add(text, "none");
	else if (finding->place_now.calls == finding->place_before.calls)
		text_add(text, "as many");
	else
		text_format(text, "%llu", (unsigned long long)finding->place_now.calls);
}

/* ---- sentences ---- */

static void add_routine(struct text *text, const struct finding *finding)
{
	if (!strcmp(finding->routine, LOCK_ALL))
		return;
	text_format(text, " in %s", finding->routine);
	if (finding->shape && !strncmp(finding->shape, LOCK_CHARGED, strlen(LOCK_CHARGED))) {
		text_format(text, ", charged%s", finding->shape + strlen(LOCK_CHARGED));
		return;
	}
	if (finding->kind == FINDING_RESHAPED || !finding->shape || !strcmp(finding->shape, LOCK_ALL) ||
	    !strcmp(finding->shape, LOCK_SHAPELESS))
		return;
	text_add(text, " ");
	finding_say_shape(text, finding->shape);
	if (finding->shapes > 1)
		text_format(text, " and %zu other shape%s", finding->shapes - 1, finding->shapes == 2 ? "" : "s");
}

static void say_moved(struct text *text, const struct finding *finding)
{
	add_calls(text, finding->changed);
	text_format(text, " of %s (", finding->routine);
	add_count(text, finding->changed.flops, "FLOP");
	text_add(text, ") moved");
	if (finding->old_place) {
		text_add(text, " from ");
		add_place_name(text, finding->old_place);
	}
	if (finding->old_place && finding->place) {
		text_add(text, " to ");
		add_function(text, finding);
	}
	if (finding->old_space)
		text_format(text, " from namespace %s to %s", *finding->old_space ? finding->old_space : LOCK_ROOT,
		            *finding->space ? finding->space : LOCK_ROOT);
	else
		add_space(text, finding);
}

static void say_reshaped(struct text *text, const struct finding *finding)
{
	text_add(text, ", whose shape ");
	finding_say_shape(text, finding->old_shape);
	text_add(text, " has become ");
	finding_say_shape(text, finding->shape);
	if (finding->shapes > 1)
		text_format(text, " and %zu other%s", finding->shapes - 1, finding->shapes == 2 ? "" : "s");
}

/* Says what is more than a tolerance allows, since the difference may be of the other metric, which is allowed. */
static void add_exceeded(struct text *text, const struct finding *finding)
{
	bool flops = finding->exceeded & 1u << LOCK_FLOPS, calls = finding->exceeded & 1u << LOCK_CALLS;

	if (flops || calls)
		text_format(text, "; its tolerance allows fewer %s",
		            flops && calls ? "FLOPs and calls"
		            : flops        ? "FLOPs"
		                           : "calls");
}

void finding_say(struct text *text, const struct finding *finding)
{
	if (finding->kind == FINDING_MOVED) {
		say_moved(text, finding);
		add_exceeded(text, finding);
		return;
	}
	add_difference(text, finding);
	add_routine(text, finding);
	if (finding->kind == FINDING_RESHAPED)
		say_reshaped(text, finding);
	add_space(text, finding);
	add_caller(text, finding);
	add_exceeded(text, finding);
}

/* ---- all findings ---- */

void findings_say_work(struct text *text, struct work work)
{
	add_calls(text, work);
	text_add(text, " and ");
	add_count(text, work.flops, "FLOP");
}

void findings_say_total(struct text *text, const struct findings *findings)
{
	bool by_calls = findings->before.flops == findings->now.flops;
	u128 before = by_calls ? findings->before.calls : findings->before.flops;
	u128 now = by_calls ? findings->now.calls : findings->now.flops;

	findings_say_work(text, findings->now);
	if (before == now)
		return;
	text_add(text, ": ");
	add_count(text, before > now ? before - now : now - before, by_calls ? "call" : "FLOP");
	text_add(text, before < now ? " more (" : by_calls ? " fewer (" : " less (");
	finding_say_change(text, before, now);
	text_add(text, ")");
}

/* Adds how much less work the run has done than the lock has. */
static void add_saved(struct text *text, const struct findings *findings)
{
	if (findings->now.flops >= findings->before.flops)
		return;
	text_add(text, ", ");
	add_count(text, findings->before.flops - findings->now.flops, "FLOP");
	text_add(text, " saved (");
	finding_say_change(text, findings->before.flops, findings->now.flops);
	text_add(text, ")");
}

/* What a run that fails has done, by the finding that is said first. */
static const char *why_failed(const struct findings *findings)
{
	const struct finding *first = findings->list;

	if (findings->count && first->kind == FINDING_LESS)
		return "less work than %s has, which --exact does not allow";
	if (findings->count && (first->kind == FINDING_MOVED ||
	                        (first->kind == FINDING_RESHAPED && first->now.flops <= first->before.flops)))
		return "other work than %s allows";
	return "more work than %s allows";
}

void findings_say_verdict(struct text *text, const struct findings *findings, const char *lock)
{
	switch (findings->verdict) {
	case CHECK_MORE: text_format(text, why_failed(findings), lock); break;
	case CHECK_LESS:
		text_format(text, "less work than %s has", lock);
		add_saved(text, findings);
		break;
	case CHECK_WITHIN: text_format(text, "other work than %s has, but within its tolerances", lock); break;
	case CHECK_NOT_COMPARABLE: text_format(text, "not comparable with %s", lock); break;
	case CHECK_SAME: text_format(text, "the same work as %s: ", lock); findings_say_work(text, findings->now);
	}
}
