/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * page.c - puts title, content and data into the page that was assembled when flopshim-report was built.
 * It must never write a text without escaping it, nor data other than as base64.
 */
#include "analyzer/render/html/page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/base/base64.h"
#include "analyzer/base/deflate.h"
#include "analyzer/base/intern.h"
#include "analyzer/base/page_data.h"
#include "analyzer/render/html/columns.h"
#include "analyzer/render/html/static.h"
#include "analyzer/render/html/template.h"
#include "analyzer/render/json.h"

/* Appends what the data begins with: what it is, and in JSON where the dump, the members and the columns are. */
static void add_head(struct text *data, struct text *body, const struct page *page)
{
	const struct answer *answer = page->data;
	struct intern strings = {0};
	char *bytes = NULL;
	size_t size = 0;
	struct output head = {.stream = open_memstream(&bytes, &size)};

	if (!head.stream) {
		fputs("flopshim-report: out of memory\n", stderr);
		exit(1);
	}
	/* The dump comes first, so that a reader finds it without reading JSON. */
	json_open(&head, NULL, '{');
	json_open(&head, "dump", '{');
	json_number(&head, "at", 0);
	json_number(&head, "bytes", page->dump->length);
	json_close(&head, '}');
	text_add_bytes(body, page->dump->bytes, page->dump->length);
	json_open(&head, "meta", '{');
	json_members(&head, answer);
	json_close(&head, '}');
	json_open(&head, "tables", '[');
	for (size_t i = 0; i < answer->count; i++)
		if (answer->parts[i].kind == PART_TABLE)
			columns_add(&head, body, &strings, &answer->parts[i].table);
	columns_add_strings(&head, body, &strings);
	json_close(&head, ']');
	json_close(&head, '}');
	fclose(head.stream);
	text_add(data, PAGE_DATA_BEGIN);
	text_add_bytes(data, bytes, size);
	free(bytes);
	intern_free(&strings);
}

static void add_data(struct text *html, const struct page *page)
{
	struct text data = {0}, body = {0}, small = {0};

	add_head(&data, &body, page);
	text_add_bytes(&data, body.bytes, body.length);
	deflate_add(&small, data.bytes, data.length);
	text_add(html, PAGE_DATA_TAG "\n");
	base64_add(html, small.bytes, small.length);
	text_add(html, "</script>");
	text_free(&data);
	text_free(&body);
	text_free(&small);
}

void page_add(struct text *html, const struct page *page)
{
	for (const struct template_piece *piece = template_pieces; piece->bytes; piece++) {
		text_add_bytes(html, piece->bytes, piece->size);
		switch (piece->then) {
		case TEMPLATE_TITLE: html_add_escaped(html, page->title); break;
		case TEMPLATE_STATIC: static_add(html, page->people, &page->roofline); break;
		case TEMPLATE_DATA: add_data(html, page); break;
		case TEMPLATE_END: break;
		}
	}
}
