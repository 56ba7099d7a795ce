/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * static.c - writes the parts of an answer as headings, paragraphs and tables.
 * It must never write a style or a script: the page's policy forbids what its style sheet does not have.
 */
#include "analyzer/render/html/static.h"

#include <string.h>

#include "analyzer/render/grid.h"
#include "analyzer/tables/cell.h"

void html_add_escaped(struct text *html, const char *text)
{
	text_add(html, "");
	for (; *text; text++)
		switch (*text) {
		case '&': text_add(html, "&amp;"); break;
		case '<': text_add(html, "&lt;"); break;
		case '>': text_add(html, "&gt;"); break;
		case '"': text_add(html, "&quot;"); break;
		case '\'': text_add(html, "&#39;"); break;
		default: text_add_byte(html, *text);
		}
}

static void add_row(struct text *html, const struct grid *grid, size_t row)
{
	const char *tag = row ? "td" : "th";

	text_add(html, "<tr>");
	for (unsigned i = 0; i < grid->table->column_count; i++)
		if (grid->shown[i])
			text_format(html, "<%s%s>%s</%s>", tag,
			            column_is_left(grid->table->columns[i].kind) ? "" : " class=\"number\"",
			            grid_at(grid, row, i), tag);
	text_add(html, "</tr>\n");
}

static void add_table(struct text *html, const struct table *table)
{
	struct grid grid;

	if (!table->row_count)
		return;
	grid_open(&grid, table, html_add_escaped);
	text_format(html, "<section><h2>%s</h2>\n<table><thead>", table->title);
	add_row(html, &grid, 0);
	text_add(html, "</thead><tbody>\n");
	for (size_t row = 1; row < grid.row_count; row++)
		add_row(html, &grid, row);
	text_add(html, "</tbody></table>\n");
	if (table->more)
		text_format(html, "<p>and %zu more</p>\n", table->more);
	text_add(html, "</section>\n");
	grid_close(&grid);
}

static bool is_fact(enum part_kind kind) { return kind == PART_FACT || kind == PART_WARNING || kind == PART_CODE; }

static void add_fact(struct text *html, const struct part *part)
{
	text_format(html, "<tr%s><th>%s</th><td>", part->kind == PART_WARNING ? " class=\"warning\"" : "", part->key);
	html_add_escaped(html, part->text);
	text_add(html, "</td></tr>\n");
}

static void add_element(struct text *html, const char *tag, const char *text)
{
	text_format(html, "<%s>", tag);
	html_add_escaped(html, text);
	text_format(html, "</%s>\n", tag);
}

void static_add(struct text *html, const struct answer *answer, const struct roofline *roofline)
{
	bool in_facts = false, drawn = false, titled = false;

	for (size_t i = 0; i < answer->count; i++) {
		const struct part *part = &answer->parts[i];

		if (is_fact(part->kind) != in_facts)
			text_add(html, in_facts ? "</tbody></table>\n" : "<table class=\"facts\"><tbody>\n");
		in_facts = is_fact(part->kind);
		if (part->kind == PART_TABLE && !drawn) {
			roofline_add(html, roofline);
			drawn = true;
		}
		if (in_facts)
			add_fact(html, part);
		else if (part->kind == PART_TABLE)
			add_table(html, &part->table);
		else if (part->kind == PART_TITLE || part->kind == PART_HEADING)
			add_element(html, part->kind == PART_TITLE && !titled ? "h1" : "h2", part->text);
		else if (part->kind == PART_PARAGRAPH || part->kind == PART_PROSE)
			add_element(html, "p", part->text);
		titled |= part->kind == PART_TITLE;
	}
	if (in_facts)
		text_add(html, "</tbody></table>\n");
}
