/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * github.c - annotations for GitHub's workflows, and the summary of a step in Markdown.
 * It must never print a line that GitHub takes for a command that was not meant.
 */
#include <string.h>

#include "analyzer/ci/ci.h"
#include "analyzer/render/markdown.h"

enum {
	ANNOTATIONS_MAX = 10, /* GitHub drops more than these of a step, without a word */
	MESSAGE_MAX = 4000,   /* bytes; GitHub cuts long messages */
	TITLE_MAX = 200,
};

/* ---- annotations ---- */

/* Adds a text as GitHub's commands take it; a property has two letters more that would end it. */
static void add_escaped(struct text *text, const char *plain, bool is_property)
{
	const unsigned char *at = (const unsigned char *)plain;

	while (*at) {
		unsigned length = utf8_length(at);

		if (*at == '%' || *at == '\n' || *at == '\r' || (is_property && (*at == ':' || *at == ',')))
			text_format(text, "%%%02X", *at);
		else if (!length || utf8_is_control(at, length))
			text_add_byte(text, '?');
		else
			text_add_bytes(text, at, length);
		at += length ? length : 1;
	}
}

/* Cuts a text that is longer than so many bytes, at the beginning of a character. */
static void cut(struct text *text, size_t most)
{
	if (text->length <= most)
		return;
	while (most && ((unsigned char)text->bytes[most] & 0xc0) == 0x80)
		most--;
	text->length = most;
	text_add(text, "...");
}

/* Writes an annotation. Title and message are cut, and cleared. */
static void annotate(FILE *stream, bool is_error, struct ci_place place, struct text *title, struct text *message)
{
	struct text line = {0};

	cut(title, TITLE_MAX);
	cut(message, MESSAGE_MAX);
	text_format(&line, "::%s file=", is_error ? "error" : "notice");
	add_escaped(&line, place.file, true);
	text_format(&line, ",line=%zu,title=", place.line);
	add_escaped(&line, title->bytes, true);
	text_add(&line, "::");
	add_escaped(&line, message->bytes, false);
	fprintf(stream, "%s\n", line.bytes);
	text_free(&line);
	text_clear(title);
	text_clear(message);
}

static void say_title(struct text *title, const struct ci_check *check, const struct finding *finding)
{
	static const char *const words[] = {[FINDING_MORE] = "More work than before",
	                                    [FINDING_RESHAPED] = "Work of another shape",
	                                    [FINDING_MOVED] = "Work has moved",
	                                    [FINDING_LESS] = "Less work than before"};

	if (ci_fails(check, finding) && finding->kind == FINDING_MORE)
		text_format(title, "More work than %s allows", check->lock);
	else
		text_add(title, words[finding->kind]);
}

void ci_write_github(struct output *output, const struct ci_check *check)
{
	const struct findings *findings = check->findings;
	struct text title = {0}, message = {0};

	if (!ci_is_judged(check)) {
		text_add(&title, check->fault ? "The lock cannot be used" : "The work cannot be compared");
		ci_say_verdict(&message, check);
		annotate(output->stream, true, ci_place_of(check, NULL), &title, &message);
	}
	for (size_t i = 0; ci_is_judged(check) && i < findings->count && i < ANNOTATIONS_MAX; i++) {
		say_title(&title, check, &findings->list[i]);
		finding_say(&message, &findings->list[i]);
		annotate(output->stream, ci_fails(check, &findings->list[i]), ci_place_of(check, &findings->list[i]),
		         &title, &message);
	}
	text_free(&title);
	text_free(&message);
}

/* ---- the summary ---- */

/* Adds what a text says, for a cell or a paragraph. `scratch` is used up. */
static void add_markdown(struct text *text, struct text *scratch)
{
	struct text clean = {0};

	text_add_clean(&clean, scratch->bytes);
	markdown_add_escaped(text, clean.bytes);
	text_free(&clean);
	text_clear(scratch);
}

static void add_change(struct text *text, u128 before, u128 now)
{
	char number[NUMBER_TEXT];

	text_format(text, " | %s", number_grouped(before, number));
	if (now != before)
		text_format(text, " to %s", number_grouped(now, number));
}

static void add_finding(struct text *text, const struct ci_check *check, const struct finding *finding,
                        struct text *scratch)
{
	text_format(text, "| %s%s | ", finding_kind_name(finding->kind), ci_fails(check, finding) ? ", fails" : "");
	finding_say(scratch, finding);
	cut(scratch, MESSAGE_MAX);
	add_markdown(text, scratch);
	add_change(text, finding->before.calls, finding->now.calls);
	add_change(text, finding->before.flops, finding->now.flops);
	text_add(text, " |\n");
}

/* Adds a table of as many findings as there is room for. */
static void add_findings(struct text *text, const struct ci_check *check, size_t room, struct text *scratch)
{
	struct text row = {0};
	size_t shown = 0;

	text_add(text, "\n| | finding | calls | FLOPs |\n| --- | --- | ---: | ---: |\n");
	for (; shown < check->findings->count; shown++) {
		text_clear(&row);
		add_finding(&row, check, &check->findings->list[shown], scratch);
		if (text->length + row.length > room)
			break;
		text_add_bytes(text, row.bytes, row.length);
	}
	if (shown < check->findings->count)
		text_format(text, "\nand %zu more findings, which `--json` has\n", check->findings->count - shown);
	text_free(&row);
}

void ci_add_summary(struct text *text, const struct ci_check *check, size_t room)
{
	enum { ROOM_BESIDE = 16384 }; /* for all but the table */
	const struct findings *findings = check->findings;
	struct text scratch = {0};

	if (room < ROOM_BESIDE)
		return;
	text_format(text, "## FLOPs: ");
	ci_say_verdict(&scratch, check);
	cut(&scratch, MESSAGE_MAX);
	add_markdown(text, &scratch);
	text_add(text, "\n");
	if (ci_is_judged(check) && findings->count)
		add_findings(text, check, text->length + room - ROOM_BESIDE, &scratch);
	if (ci_is_judged(check) && !check->is_new) {
		text_add(text, "\nIn all ");
		findings_say_total(&scratch, findings);
		add_markdown(text, &scratch);
		text_add(text, ".\n");
	}
	if (findings->ran.length) {
		text_add(text, "\nThis run was ");
		text_add(&scratch, findings->ran.bytes);
		cut(&scratch, MESSAGE_MAX);
		add_markdown(text, &scratch);
		text_add(text, ".\n");
	}
	text_add(text, "\n");
	text_free(&scratch);
}
