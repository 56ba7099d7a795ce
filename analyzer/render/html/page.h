/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * page.h - one HTML page that shows an answer, and that holds the dump which the answer is of.
 * It must never refer to anything outside of itself, nor let a text from a dump be markup or script.
 */
#ifndef ANALYZER_PAGE_H
#define ANALYZER_PAGE_H

#include "analyzer/render/answer.h"
#include "analyzer/render/html/roofline.h"

/*
 * What a page is made of. `data` is an answer for programs, whose members and tables the page's script shows; `people` is one
 * for a document, which is seen where no script runs. `dump` is what pack_dump has made.
 */
struct page {
	const char *title;
	const struct answer *data, *people;
	struct roofline roofline;
	const struct text *dump;
};

/* Appends the page. There must be zlib: see deflate_missing. Equal contents make equal bytes. */
void page_add(struct text *html, const struct page *page);

#endif
