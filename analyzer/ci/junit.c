/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * junit.c - a check as JUnit XML: a test case for each routine of a namespace, or for each function of a lock by site.
 * It must never write a character that XML does not allow, not even as a reference.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/ci/ci.h"

/* ---- XML ---- */

/* Whether XML 1.0 has no such character: U+FFFE, U+FFFF, and control characters but for tab and line ends. */
static bool is_forbidden(const unsigned char *at, unsigned length)
{
	if (length == 1)
		return (*at < 0x20 && *at != '\t' && *at != '\n' && *at != '\r') || *at == 0x7f;
	return length == 3 && at[0] == 0xef && at[1] == 0xbf && at[2] >= 0xbe;
}

/* Adds a text between tags, or in an attribute, where a line end would become a blank. */
static void add_escaped(struct text *text, const char *plain, bool is_attribute)
{
	const unsigned char *at = (const unsigned char *)plain;

	while (*at) {
		unsigned length = utf8_length(at);

		if (!length || is_forbidden(at, length))
			text_add_byte(text, '?');
		else if ((*at < 0x20 && is_attribute) || strchr("&<>\"'", *at))
			text_format(text, "&#%d;", *at);
		else
			text_add_bytes(text, at, length);
		at += length ? length : 1;
	}
}

static void add_xml(struct text *text, const char *plain) { add_escaped(text, plain, false); }

static void add_attribute(struct text *text, const char *name, const char *value)
{
	text_format(text, " %s=\"", name);
	add_escaped(text, value, true);
	text_add_byte(text, '"');
}

/* ---- test cases ---- */

/* The rows that are test cases, and the findings on each. */
struct cases {
	bool by_site;
	struct lock_rows rows, old, new; /* all; those of the lock; those of the run */
	size_t *first;                   /* by row: the first finding on it; SIZE_MAX for none */
	size_t *next;                    /* by finding: the next one on the same row */
};

static struct lock_row row_of(const struct finding *finding, bool by_site)
{
	return (struct lock_row){.place = by_site ? finding->place ? finding->place : "" : NULL,
	                         .space = finding->space,
	                         .routine = finding->routine};
}

static const struct lock_row *find_row(const struct lock_rows *rows, const struct lock_row *key)
{
	size_t first = 0, end = rows->count;

	while (first < end) {
		size_t middle = first + (end - first) / 2;
		int order = lock_compare(key, &rows->rows[middle]);

		if (!order)
			return &rows->rows[middle];
		if (order < 0)
			end = middle;
		else
			first = middle + 1;
	}
	return NULL;
}

static void open_cases(struct cases *cases, const struct ci_check *check)
{
	const struct findings *findings = check->findings;
	const struct lock *any = check->now ? check->now : check->before;

	*cases = (struct cases){.by_site = any && any->by == LOCK_BY_SITE};
	ci_add_rows(&cases->old, check->before, cases->by_site);
	ci_add_rows(&cases->new, check->now, cases->by_site);
	lock_settle(&cases->old);
	lock_settle(&cases->new);
	ci_add_rows(&cases->rows, check->before, cases->by_site);
	ci_add_rows(&cases->rows, check->now, cases->by_site);
	for (size_t i = 0; i < findings->count; i++) {
		struct lock_row row = row_of(&findings->list[i], cases->by_site);

		lock_add(&cases->rows, &row);
	}
	lock_settle(&cases->rows);
	cases->first = memory_new(cases->rows.count, sizeof *cases->first);
	memset(cases->first, 0xff, cases->rows.count * sizeof *cases->first); /* SIZE_MAX */
	cases->next = memory_new(findings->count, sizeof *cases->next);
	for (size_t i = findings->count; i--;) {
		struct lock_row key = row_of(&findings->list[i], cases->by_site);
		size_t row = (size_t)(find_row(&cases->rows, &key) - cases->rows.rows);

		cases->next[i] = cases->first[row];
		cases->first[row] = i;
	}
}

static void close_cases(struct cases *cases)
{
	free(cases->rows.rows);
	free(cases->old.rows);
	free(cases->new.rows);
	free(cases->first);
	free(cases->next);
}

static void begin_case(struct text *text, const struct lock_row *row)
{
	struct text name = {0};

	text_add(&name, strcmp(row->routine, LOCK_ALL) ? row->routine : "all routines");
	if (row->place)
		text_format(&name, ", called by %s", row->place);
	text_add(text, "  <testcase");
	add_attribute(text, "classname", strcmp(row->space, LOCK_ALL) ? ci_space(row->space) : "all namespaces");
	add_attribute(text, "name", name.bytes);
	text_add(text, " time=\"0\">\n");
	text_free(&name);
}

/* Adds the findings on a row that fail as one failure, with the first as its message. Returns whether there is one. */
static bool add_failure(struct text *text, const struct ci_check *check, const struct cases *cases, size_t row)
{
	struct text words = {0};
	const struct finding *first = NULL;

	for (size_t i = cases->first[row]; i != SIZE_MAX; i = cases->next[i]) {
		const struct finding *finding = &check->findings->list[i];

		if (!ci_fails(check, finding))
			continue;
		finding_say(&words, finding);
		if (!first) {
			text_add(text, "    <failure");
			add_attribute(text, "type", finding_kind_name(finding->kind));
			add_attribute(text, "message", words.bytes);
			text_add(text, ">");
			first = finding;
		}
		text_add(&words, "\n");
	}
	if (first) {
		add_xml(text, words.bytes);
		text_add(text, "</failure>\n");
	}
	text_free(&words);
	return first != NULL;
}

static void say_work(struct text *words, const char *when, const struct lock_row *row)
{
	text_format(words, "%s: ", when);
	findings_say_work(words, row ? row->work : (struct work){0});
	text_add(words, "\n");
}

/* Adds the work of a row, and the findings on it that do not fail, as output: more than one would be lost on some readers. */
static void add_output(struct text *text, const struct ci_check *check, const struct cases *cases, size_t row)
{
	struct text words = {0};

	if (check->before)
		say_work(&words, "before", find_row(&cases->old, &cases->rows.rows[row]));
	if (check->now)
		say_work(&words, "now", find_row(&cases->new, &cases->rows.rows[row]));
	for (size_t i = cases->first[row]; i != SIZE_MAX; i = cases->next[i]) {
		if (ci_fails(check, &check->findings->list[i]))
			continue;
		finding_say(&words, &check->findings->list[i]);
		text_add(&words, "\n");
	}
	text_add(text, "    <system-out>");
	add_xml(text, words.bytes);
	text_add(text, "</system-out>\n");
	text_free(&words);
}

/* Adds a case for each row. Returns how many fail. */
static size_t add_cases(struct text *text, const struct ci_check *check, const struct cases *cases)
{
	size_t failures = 0;

	for (size_t row = 0; row < cases->rows.count; row++) {
		begin_case(text, &cases->rows.rows[row]);
		failures += add_failure(text, check, cases, row);
		add_output(text, check, cases, row);
		text_add(text, "  </testcase>\n");
	}
	return failures;
}

/* Adds the one case of a check that could not be made. */
static void add_error(struct text *text, const struct ci_check *check)
{
	struct text words = {0};

	ci_say_verdict(&words, check);
	text_add(text, "  <testcase classname=\"flopshim\" name=\"check\" time=\"0\">\n    <error");
	add_attribute(text, "type", check->fault ? "lock" : check_verdict_name(check->findings->verdict));
	add_attribute(text, "message", words.bytes);
	text_add(text, ">");
	add_xml(text, words.bytes);
	text_add(text, "</error>\n  </testcase>\n");
	text_free(&words);
}

void ci_write_junit(struct output *output, const struct ci_check *check)
{
	struct text body = {0}, head = {0};
	size_t failures = 0, count = 1;
	bool judged = ci_is_judged(check);

	text_add(&body, "");
	if (judged) {
		struct cases cases;

		open_cases(&cases, check);
		failures = add_cases(&body, check, &cases);
		count = cases.rows.count;
		close_cases(&cases);
	} else {
		add_error(&body, check);
	}
	text_add(&head, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n<testsuite");
	add_attribute(&head, "name", check->lock);
	text_format(&head, " tests=\"%zu\" failures=\"%zu\" errors=\"%d\" skipped=\"0\" time=\"0\">\n", count, failures,
	            !judged);
	if (check->findings->ran.length) {
		text_add(&head, "  <properties><property name=\"ran\"");
		add_attribute(&head, "value", check->findings->ran.bytes);
		text_add(&head, "/></properties>\n");
	}
	fprintf(output->stream, "%s%s</testsuite>\n</testsuites>\n", head.bytes, body.bytes);
	text_free(&head);
	text_free(&body);
}
